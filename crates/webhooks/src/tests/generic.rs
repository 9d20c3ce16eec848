//! Declared schemes: what is refused and why, and that the rest is verified as strictly as the table's.

use proptest::prelude::*;

use super::{NOW, URL, key};
use crate::generic::{Declaration, Scheme, SchemeError};
use crate::sign::{Unsigned, sign_as};
use crate::*;

const FULL: Declaration<'static> = Declaration {
    algorithm: Some("hmac-sha512"),
    header: "X-Acme-Signature",
    prefix: Some("v1="),
    encoding: Some("base64url"),
    key_encoding: Some("hex"),
    signed: Some("{method} {url}\n{timestamp}.{id}|{body}"),
    timestamp_header: Some("X-Acme-Time"),
    timestamp_unit: Some("milliseconds"),
    tolerance_seconds: Some(60),
    id_header: Some("X-Acme-Id"),
    type_header: Some("X-Acme-Type"),
};

#[test]
fn what_protects_nothing_or_means_nothing_is_refused_with_its_field() {
    let minimal = Declaration { header: "x-sig", ..Declaration::default() };
    assert!(Scheme::new(&minimal).is_ok() && Scheme::new(&FULL).is_ok());
    let signed = |signed| Declaration { signed: Some(signed), ..FULL };
    for (declared, error, field) in [
        (Declaration { header: "", ..minimal }, SchemeError::HeaderName("header"), "header"),
        (Declaration { header: "x sig", ..minimal }, SchemeError::HeaderName("header"), "header"),
        (Declaration { header: "x-sig:", ..minimal }, SchemeError::HeaderName("header"), "header"),
        (Declaration { header: "x-sig\r\n", ..minimal }, SchemeError::HeaderName("header"), "header"),
        (Declaration { header: "ключ", ..minimal }, SchemeError::HeaderName("header"), "header"),
        (Declaration { id_header: Some(""), ..minimal }, SchemeError::HeaderName("id_header"), "id_header"),
        (
            Declaration { id_header: Some("X-Sig"), ..minimal },
            SchemeError::HeaderTaken("id_header"),
            "id_header",
        ),
        (
            Declaration { type_header: Some("x-acme-time"), ..FULL },
            SchemeError::HeaderTaken("type_header"),
            "type_header",
        ),
        (Declaration { prefix: Some("a, "), ..minimal }, SchemeError::Prefix, "prefix"),
        (Declaration { prefix: Some("\n"), ..minimal }, SchemeError::Prefix, "prefix"),
        (Declaration { algorithm: Some("md5"), ..minimal }, SchemeError::Algorithm, "algorithm"),
        (Declaration { algorithm: Some("HMAC-SHA256"), ..minimal }, SchemeError::Algorithm, "algorithm"),
        (Declaration { encoding: Some("base32"), ..minimal }, SchemeError::Encoding, "encoding"),
        (Declaration { key_encoding: Some(""), ..minimal }, SchemeError::KeyEncoding, "key_encoding"),
        (signed(""), SchemeError::BodyUnsigned, "signed"),
        (signed("{timestamp}"), SchemeError::BodyUnsigned, "signed"),
        (signed("{body}"), SchemeError::TimestampUnsigned, "signed"),
        (signed("{timestamp}.{body}.{body}"), SchemeError::PlaceholderTwice, "signed"),
        (signed("{timestamp}{timestamp}.{body}"), SchemeError::PlaceholderTwice, "signed"),
        (signed("{timestamp}.{Body}"), SchemeError::Placeholder, "signed"),
        (signed("{timestamp}.{body}{"), SchemeError::Placeholder, "signed"),
        (signed("{timestamp}.{body}}"), SchemeError::Placeholder, "signed"),
        (signed("{{timestamp}}.{body}"), SchemeError::Placeholder, "signed"),
        (signed("{secret}{timestamp}.{body}"), SchemeError::Placeholder, "signed"),
        (signed("\t{timestamp}.{body}"), SchemeError::Signed, "signed"),
        (signed("{timestamp}{id}.{body}"), SchemeError::IdBesideBody, "signed"),
        (signed("{timestamp}.{body}{id}"), SchemeError::IdBesideBody, "signed"),
        (signed("{timestamp}.{url}{body}"), SchemeError::UrlBesideBody, "signed"),
        (signed("{timestamp}.{body}{url}"), SchemeError::UrlBesideBody, "signed"),
        (
            Declaration { signed: Some("{timestamp}.{body}"), ..minimal },
            SchemeError::TimestampHeaderMissing,
            "timestamp_header",
        ),
        (Declaration { signed: Some("{id}|{body}"), ..minimal }, SchemeError::IdHeaderMissing, "id_header"),
        (
            Declaration { timestamp_unit: Some("seconds"), ..minimal },
            SchemeError::NoTimestamp("timestamp_unit"),
            "timestamp_unit",
        ),
        (
            Declaration { tolerance_seconds: Some(5), ..minimal },
            SchemeError::NoTimestamp("tolerance_seconds"),
            "tolerance_seconds",
        ),
        (
            Declaration { timestamp_unit: Some("minutes"), ..FULL },
            SchemeError::TimestampUnit,
            "timestamp_unit",
        ),
        (Declaration { tolerance_seconds: Some(0), ..FULL }, SchemeError::Tolerance, "tolerance_seconds"),
        (Declaration { tolerance_seconds: Some(3601), ..FULL }, SchemeError::Tolerance, "tolerance_seconds"),
    ] {
        assert_eq!(Scheme::new(&declared), Err(error), "{declared:?}");
        assert_eq!(error.field(), field);
    }
    assert_eq!(Scheme::new(&signed(&"a".repeat(257))), Err(SchemeError::Signed));
    assert_eq!(
        SchemeError::BodyUnsigned.to_string(),
        "must hold {body}: what is not signed can be changed by anybody"
    );
}

/// The signature was computed with Python's `hmac`.
#[test]
fn a_declared_scheme_verifies_and_says_what_it_is() {
    let scheme = Scheme::new(&FULL).unwrap();
    scheme.with_row(|row| {
        assert_eq!(
            row.describe(),
            "HMAC-SHA512 of {method} {url}\\n{timestamp}.{x-acme-id}|{body}, base64url, in X-Acme-Signature (v1=…); \
             the time in X-Acme-Time"
        );
        assert_eq!(row.tolerance_seconds(), Some(60));
        assert!(row.signs_url());
        let secret = row.parse_secret(&"0aF9".repeat(8)).unwrap();
        let headers = [
            ("x-acme-signature", "v1=OyYIK400JEzt0DtofH_6aLzmwaSfvFrp5TVwz4Xdfm0_cJ8V1wxZ1iU1GRTWIfwaIGEAwhcq28A1pUIaQ2yRIQ"),
            ("x-acme-time", "1760000000000"),
            ("x-acme-id", "evt_1"),
            ("x-acme-type", "order.paid"),
        ];
        let request = Request { method: "POST", url: URL, headers: &headers[..], body: b"{}" };
        let verified = verify(row, &[secret], &request, NOW + 60_000, None).unwrap();
        assert_eq!(verified.event_id.as_deref(), Some("evt_1"));
        assert!(verified.event_id_signed);
        assert_eq!(verified.event_type.as_deref(), Some("order.paid"));
    });
}

/// The signature was computed with Python's `hmac`, `.hexdigest().upper()`.
#[test]
fn a_sender_may_write_hexadecimal_in_upper_case() {
    let declared = Declaration { header: "x-sig", prefix: Some("SHA256="), ..Declaration::default() };
    let signature = "SHA256=058D37E5C6599B17F2260C5D771A650B4005C603B5B3F6E1134E79F85ADACDEA";
    Scheme::new(&declared).unwrap().with_row(|row| {
        let check = |signature: &str| {
            let headers = [("x-sig", signature)];
            let request =
                Request { method: "POST", url: URL, headers: &headers[..], body: br#"{"id":"evt_1"}"# };
            verify(row, &[row.parse_secret("0123456789abcdef").unwrap()], &request, NOW, None).map(|_| ())
        };
        assert_eq!(check(signature), Ok(()));
        assert_eq!(check(&signature.replace("SHA256=", "sha256=")), Err(Refusal::SignatureMalformed));
    });
}

/// People choose these: RFC 2104, section 3, wants a key of the hash's length, and 128 bits are the least that protects.
#[test]
fn a_secret_of_under_sixteen_bytes_is_refused_and_the_refusal_says_so() {
    for (key_encoding, short, long) in [
        (None, "fifteen bytes..", "sixteen bytes..."),
        (Some("utf8"), "ключи", "ключключ"),
        (Some("hex"), "00112233445566778899aabbccddee", "00112233445566778899aabbccddeeff"),
        (Some("base64"), "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ] {
        let declared = Declaration { header: "x-sig", key_encoding, ..Declaration::default() };
        Scheme::new(&declared).unwrap().with_row(|row| {
            let error = row.parse_secret(short).unwrap_err();
            assert_eq!(error, SecretError::TooShort, "{short}");
            assert!(error.to_string().contains("at least 16 bytes"), "{error}");
            assert!(row.parse_secret(long).is_ok(), "{long}");
        });
    }
}

#[test]
fn the_row_of_the_table_itself_verifies_nothing() {
    let row = provider("generic").unwrap();
    let headers = [("x-signature", "00")];
    let request = Request { method: "POST", url: URL, headers: &headers[..], body: b"" };
    assert_eq!(verify(row, &[key(7)], &request, NOW, None), Err(Refusal::SchemeMissing));
}

fn any_declaration() -> impl Strategy<Value = (String, bool, &'static str, &'static str)> {
    (
        prop_oneof!["[a-z{}|.: ]{0,12}\\{body\\}[a-z{}|.: ]{0,12}", Just("{timestamp}.{body}".to_owned())],
        any::<bool>(),
        prop_oneof![Just("hex"), Just("base64"), Just("base64url")],
        prop_oneof![Just("hmac-sha1"), Just("hmac-sha256"), Just("hmac-sha512")],
    )
}

proptest! {
    #[test]
    fn n4_whatever_is_declared_no_changed_body_is_accepted(
        (signed, timed, encoding, algorithm) in any_declaration(), body in "\\PC{0,40}", other in "\\PC{0,40}",
    ) {
        let declared = Declaration {
            header: "x-sig", signed: Some(&signed), encoding: Some(encoding), algorithm: Some(algorithm),
            timestamp_header: timed.then_some("x-time"), ..Declaration::default()
        };
        let Ok(scheme) = Scheme::new(&declared) else { return Ok(()) };
        scheme.with_row(|row| {
            let unsigned = Unsigned { method: "POST", url: URL, id: "m", timestamp_ms: NOW, body: body.as_bytes() };
            let signed = sign_as(row, &key(7), &unsigned).unwrap();
            let check = |body: &str, headers: &[(&str, String)], secret| {
                let request = Request { method: "POST", url: URL, headers, body: body.as_bytes() };
                verify(row, &[secret], &request, NOW, None)
            };
            prop_assert!(check(&body, &signed.headers, key(7)).is_ok());
            prop_assert!(check(&body, &signed.headers, key(8)).is_err());
            prop_assert!(body == other || check(&other, &signed.headers, key(7)).is_err());
            for at in 0..signed.headers.len() {
                let mut fewer = signed.headers.clone();
                let (name, value) = fewer.remove(at);
                prop_assert!(check(&body, &fewer, key(7)).is_err(), "without {}", name);
                fewer.extend([(name, value.clone()), (name, value)]);
                prop_assert!(check(&body, &fewer, key(7)).is_err(), "two {}", name);
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_declaration_panics(signed in "\\PC{0,40}|[{}a-z.]{0,40}", header in "\\PC{0,20}", prefix in "\\PC{0,20}") {
        let declared = Declaration {
            header: &header, signed: Some(&signed), prefix: Some(&prefix), id_header: Some("x-id"), ..Declaration::default()
        };
        let _ = Scheme::new(&declared).map(|scheme| scheme.with_row(|row| row.describe()));
    }
}
