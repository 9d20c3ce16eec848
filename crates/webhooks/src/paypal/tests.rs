use super::*;
use crate::tests::fetched::{EXPIRED, GOOD, NOW, OTHER, check, pem, pending, sign, sign_expired};

const WEBHOOK: &str = "8PT597110X687430L";
const BODY: &[u8] = br#"{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED"}"#;
const URL: &str = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270";
/// Made with OpenSSL over a string put together by Python, with zlib's CRC-32.
const OPENSSL: &str = "Hv3lq8AIPg+K5j8hJTVTrmOE9DwHSjvH9uvmbD32tDDq3Y+RQQIUFUXHAnRs7psPiPNbMfQ+ZV5wmnsIEcMuwGsKdB0IlNUm7NNNGnTrdhAGPPQHgs9J0O++gzkqlAV4DMFmmox1u3bOIsDZVmxTUqAvMMASEBJTNWJoLneww1vLjhjJaBQXuaS0dxziB/9yR2LTXhOmC1kLrGdFNOaOL4alY64NlGvyCZrSEl/HumHMOKo6jDPBTYNsZB4wAnPc/cgabY6FD7Rb30WtRQdMyGFG+64qV5fWs9W8O5GiAN+S3W1vfL4EGlKH0UdreFwaW/RXnwYEhqF6L8FRQRTK/w==";

fn headers(signature: &str) -> Vec<(&'static str, String)> {
    vec![
        (ID, "69cd13f0-d67a-11e5-baa3-778b53f4ae55".into()),
        (TIME, "2025-10-09T08:53:20Z".into()),
        (CERTIFICATE, URL.into()),
        (ALGORITHM, "SHA256withRSA".into()),
        (SIGNATURE, signature.into()),
    ]
}

fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn ask(headers: &[(&'static str, String)], body: &[u8], now_ms: u64) -> Result<crate::Verified, Refusal> {
    check("paypal", &[WEBHOOK], &borrowed(headers), body, &pem(GOOD), now_ms)
}

/// As PayPal signs, for a time.
fn signed_at(time: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let mut headers = headers("");
    headers[1].1 = time.into();
    let message = format!("{}|{time}|{WEBHOOK}|{}", headers[0].1, crc32(body));
    headers[4].1 = Encoding::Base64.encode(&sign(message.as_bytes()));
    headers
}

#[test]
fn the_crc_is_that_of_everybody() {
    assert_eq!((crc32(b"123456789"), crc32(b"")), (0xcbf4_3926, 0));
}

#[test]
fn n4_a_transmission_is_verified_by_the_certificate_that_it_names() {
    let headers = headers(OPENSSL);
    let pending = pending("paypal", &[WEBHOOK], &borrowed(&headers), BODY).unwrap();
    assert_eq!(pending.key, KeySource::Certificate(URL.into()));
    let verified = pending.verify(&pem(GOOD), NOW).unwrap();
    assert_eq!(verified.event_id.as_deref(), Some("69cd13f0-d67a-11e5-baa3-778b53f4ae55"));
    assert!(verified.event_id_signed);
    assert_eq!(verified.event_type.as_deref(), Some("PAYMENT.CAPTURE.COMPLETED"));
    assert_eq!((verified.timestamp_ms, verified.secret_index), (Some(NOW), 0));
}

#[test]
fn n4_a_transmission_that_was_changed_anywhere_is_refused() {
    assert_eq!(ask(&headers(OPENSSL), b"{}", NOW), Err(Refusal::SignatureInvalid));
    for (at, value) in [
        (0, "69cd13f0-d67a-11e5-baa3-778b53f4ae56"),
        (1, "2025-10-09T08:53:21Z"),
        (1, "2025-10-09T10:53:20+02:00"),
    ] {
        let mut changed = headers(OPENSSL);
        changed[at].1 = value.into();
        assert_eq!(ask(&changed, BODY, NOW), Err(Refusal::SignatureInvalid), "{value}");
    }
    let refused =
        |key, webhook| check("paypal", &[webhook], &borrowed(&headers(OPENSSL)), BODY, &pem(key), NOW);
    assert_eq!(refused(OTHER, WEBHOOK), Err(Refusal::SignatureInvalid), "another certificate");
    assert_eq!(refused(GOOD, "8PT597110X687430M"), Err(Refusal::SignatureInvalid), "another webhook");
}

#[test]
fn n4_what_is_missing_doubled_empty_or_odd_is_refused() {
    for at in 0..5 {
        let mut without = headers(OPENSSL);
        without.remove(at);
        assert!(ask(&without, BODY, NOW).is_err(), "{at} missing");
        let mut doubled = headers(OPENSSL);
        let again = doubled[at].clone();
        doubled.push(again);
        assert_eq!(ask(&doubled, BODY, NOW), Err(Refusal::SignatureDoubled), "{at} doubled");
        let long = "A".repeat(1 << 20);
        for value in ["", " ", "\u{e9}", "a|b", long.as_str()] {
            let mut odd = headers(OPENSSL);
            odd[at].1 = value.into();
            assert!(ask(&odd, BODY, NOW).is_err(), "{at} {value:.9}");
        }
    }
    let none = check("paypal", &[], &borrowed(&headers(OPENSSL)), BODY, &pem(GOOD), NOW);
    assert_eq!(none, Err(Refusal::NoSecret));
}

#[test]
fn n4_no_other_algorithm_is_taken() {
    for algorithm in ["SHA1withRSA", "sha256withrsa", "none", "SHA256withRSA "] {
        let mut headers = headers(OPENSSL);
        headers[3].1 = algorithm.into();
        assert_eq!(ask(&headers, BODY, NOW), Err(Refusal::AlgorithmRefused), "{algorithm}");
    }
}

#[test]
fn n4_a_certificate_is_fetched_from_paypal_alone() {
    for url in [
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.com/v1/notifications/certs/CERT-1",
        "https://evil.com/v1/notifications/certs/CERT-1",
        "https://evilpaypal.com/v1/notifications/certs/CERT-1",
        "https://www.paypal.com/v1/notifications/certs/CERT-1",
        "https://evil.api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api-m.evil.paypal.com/v1/notifications/certs/CERT-1",
        "https://paypal.com/v1/notifications/certs/CERT-1",
        "https://.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.com/v1/notifications/certs/CERT-1",
        "https://user:pass@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://api.paypal.com\\@evil.com/v1/notifications/certs/CERT-1",
        "https://evil.com#.paypal.com/v1/notifications/certs/CERT-1",
        "https://evil.com?.paypal.com/v1/notifications/certs/CERT-1",
        "https://API.PAYPAL.COM/v1/notifications/certs/CERT-1",
        "https://api.paypal.com./v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/",
        "https://api.paypal.com/v1/notifications/certs/../../../uploads/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/a/b",
        "https://api.paypal.com/v1/notifications/certs/%2e%2e%2fx",
        "https://api.paypal.com/v1/notifications/certs/CERT-1?x=y",
        "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
        "https://api.paypal.com/uploads/CERT-1",
        "https://api.paypal.com",
        "//api.paypal.com/v1/notifications/certs/CERT-1",
        " https://api.paypal.com/v1/notifications/certs/CERT-1",
    ] {
        let mut headers = headers(OPENSSL);
        headers[2].1 = url.into();
        assert_eq!(ask(&headers, BODY, NOW), Err(Refusal::KeyUrlRefused), "{url}");
    }
    for url in [
        URL,
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://api-m.paypal.com/v1/notifications/certs/CERT-1",
        "https://api-m.sandbox.paypal.com/v1/notifications/certs/CERT-1",
    ] {
        assert_eq!(certificate_url(url).as_deref(), Some(url));
    }
}

/// PayPal tries for three days; a clock ahead by more than five minutes is wrong.
#[test]
fn n4_the_time_has_bounds_on_both_sides() {
    let headers = signed_at("2025-10-09T08:53:20Z", BODY);
    let hour = 3_600_000;
    assert!(ask(&headers, BODY, NOW + 73 * hour).is_ok());
    assert_eq!(ask(&headers, BODY, NOW + 73 * hour + 1), Err(Refusal::TimestampTooOld));
    assert!(ask(&headers, BODY, NOW - 300_000).is_ok());
    assert_eq!(ask(&headers, BODY, NOW - 300_001), Err(Refusal::TimestampInFuture));
    let mut forged = headers;
    forged[4].1 = OPENSSL.replacen('H', "I", 1);
    assert_eq!(ask(&forged, BODY, NOW + 99 * hour), Err(Refusal::SignatureInvalid), "said to nobody else");
}

#[test]
fn n4_a_certificate_out_of_its_time_is_refused() {
    let mut headers = headers("");
    let message = format!("{}|{}|{WEBHOOK}|{}", headers[0].1, headers[1].1, crc32(BODY));
    headers[4].1 = Encoding::Base64.encode(&sign_expired(message.as_bytes()));
    let refused = check("paypal", &[WEBHOOK], &borrowed(&headers), BODY, &pem(EXPIRED), NOW);
    assert_eq!(refused, Err(Refusal::KeyExpired));
    let mut early = signed_at("2019-12-31T23:59:59Z", BODY);
    early[3].1 = "SHA256withRSA".into();
    assert_eq!(ask(&early, BODY, 1_577_836_799_000), Err(Refusal::KeyExpired), "a second before it begins");
}

#[test]
fn both_webhook_ids_count_during_a_rotation() {
    let verified =
        check("paypal", &["8PT597110X687430M", WEBHOOK], &borrowed(&headers(OPENSSL)), BODY, &pem(GOOD), NOW);
    assert_eq!(verified.unwrap().secret_index, 1);
}

#[test]
fn what_is_no_webhook_id_is_refused_when_it_is_pasted() {
    let paypal = crate::provider("paypal").unwrap();
    for pasted in
        ["short", "8pt597110x687430l", "https://example.com/hook", "8PT597110X687430L8PT597110X687430L"]
    {
        assert!(paypal.parse_secret(pasted).is_err(), "{pasted}");
    }
}
