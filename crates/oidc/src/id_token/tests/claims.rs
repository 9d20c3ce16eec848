//! Truly signed tokens whose claims do not fit: stolen from another client, replayed, or sent by a careless provider.

use super::*;

fn refused(name: &str, values: impl IntoIterator<Item = Value>, expected: OidcError) {
    for value in values {
        assert_eq!(verify(&with(name, value.clone())).unwrap_err(), expected, "{name} {value}");
    }
}

#[test]
fn another_issuer_is_refused_to_the_letter() {
    let issuers = [
        "https://id.example.com/",
        "https://ID.example.com",
        "https://id.example.com:443",
        "http://id.example.com",
        "id.example.com",
        "https://id.example.com.evil.example",
        "https://evil.example",
        "",
    ];
    refused("iss", issuers.map(Value::from), OidcError::TokenIssuer);
    refused("iss", [Value::Null, json!([ISSUER]), json!(1)], OidcError::Claims);
}

#[test]
fn a_token_for_another_client_is_refused() {
    let others =
        [json!("other"), json!(["other"]), json!([]), json!(""), json!("fake-client "), json!("FAKE-CLIENT")];
    refused("aud", others, OidcError::Audience);
    refused(
        "aud",
        [Value::Null, json!(1), json!({ "fake-client": 1 }), json!([[CLIENT_ID]])],
        OidcError::Claims,
    );
    assert!(verify(&with("aud", json!([CLIENT_ID]))).is_ok());
}

#[test]
fn the_authorized_party_is_this_client_and_named_where_there_are_several() {
    refused("azp", [json!("other"), json!("")], OidcError::AuthorizedParty);
    assert!(verify(&with("azp", Value::Null)).is_ok());
    assert!(verify(&with("aud", json!([CLIENT_ID, "other"]))).is_ok());
    let mut shared = payload();
    shared.as_object_mut().unwrap().remove("azp");
    for several in [json!([CLIENT_ID, "other"]), json!([CLIENT_ID, CLIENT_ID])] {
        shared["aud"] = several;
        let token = signed(ED_HEADER, shared.to_string());
        assert_eq!(verify(&token).unwrap_err(), OidcError::AuthorizedParty);
    }
}

#[test]
fn times_are_kept_to_with_a_minute_of_leeway() {
    assert!(verify(&with("exp", json!(NOW - 59))).is_ok());
    refused("exp", [json!(NOW - 60), json!(0), json!(1)], OidcError::Expired);
    assert!(verify(&with("iat", json!(NOW + 60))).is_ok());
    refused("iat", [json!(NOW + 61), json!(1_u64 << 62)], OidcError::NotYet);
    assert!(verify(&with("iat", json!(NOW - 600))).is_ok());
    refused("iat", [json!(NOW - 601), json!(0)], OidcError::TooOld);
    assert!(verify(&with("nbf", json!(NOW + 60))).is_ok());
    refused("nbf", [json!(NOW + 61)], OidcError::NotYet);
    for name in ["exp", "iat"] {
        let unfit = [Value::Null, json!("1800000000"), json!(-1), json!(1.8e9), json!([NOW]), json!(true)];
        refused(name, unfit, OidcError::Claims);
    }
    refused("nbf", [json!("soon"), json!(-1)], OidcError::Claims);
}

#[test]
fn a_token_of_another_attempt_is_refused() {
    let other =
        [Value::Null, json!(""), json!("other"), json!(NONCE.to_uppercase()), json!(format!("{NONCE} "))];
    refused("nonce", other, OidcError::Nonce);
    refused("nonce", [json!([NONCE]), json!(1)], OidcError::Claims);
}

#[test]
fn a_subject_is_1_to_255_printable_ascii_characters() {
    assert!(verify(&with("sub", json!("s".repeat(255)))).is_ok());
    refused("sub", ["", "a\0", "a\nb", "\u{7f}", "é"].map(Value::from), OidcError::Subject);
    refused("sub", [json!("s".repeat(256))], OidcError::Subject);
    refused("sub", [Value::Null, json!(1), json!(["a"])], OidcError::Claims);
}

#[test]
fn a_repeated_claim_is_refused_however_it_is_spelt() {
    let once = payload().to_string();
    for name in
        ["iss", "sub", "aud", "azp", "nonce", "iat", "exp", "email", "email_verified", "name", "auth_time"]
    {
        let value = payload()[name].to_string();
        let escaped = format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]);
        for spelt in [name, &escaped] {
            let before = once.replacen('{', &format!(r#"{{"{spelt}":{value},"#), 1);
            let after = format!(r#"{},"{spelt}":{value}}}"#, once.strip_suffix('}').unwrap());
            for twice in [before, after] {
                assert_eq!(verify(&signed(ED_HEADER, twice)).unwrap_err(), OidcError::Claims, "{spelt}");
            }
        }
    }
    for wrong in ["", "null", "[]", "{}", "\u{feff}{}", &once[1..], &format!("{once}{once}")] {
        assert_eq!(verify(&signed(ED_HEADER, wrong)).unwrap_err(), OidcError::Claims, "{wrong}");
    }
    assert_eq!(verify(&signed(ED_HEADER, b"\xff{}")).unwrap_err(), OidcError::Claims);
}

#[test]
fn an_email_is_verified_by_true_and_by_the_text_true_alone() {
    let verified = |value: Value| verify(&with("email_verified", value)).unwrap().email_verified;
    assert!(verified(json!(true)) && verified(json!("true")));
    let not = [
        Value::Null,
        json!(false),
        json!("false"),
        json!("True"),
        json!("TRUE"),
        json!(" true"),
        json!("1"),
        json!(1),
        json!([true]),
        json!({ "true": true }),
    ];
    for value in not {
        assert!(!verified(value.clone()), "{value}");
    }
}

#[test]
fn an_email_or_name_unfit_to_be_stored_is_dropped_and_then_not_verified() {
    let long = format!("{}@example.com", "e".repeat(243));
    for email in [
        "",
        "ada",
        "@example.com",
        "ada@",
        "a b@example.com",
        "a@example.com\r\nbcc: x",
        "a\0@b",
        "<a@b>",
        "a@b,c@d",
        &long,
    ] {
        let identity = verify(&with("email", json!(email))).unwrap();
        assert_eq!((identity.email, identity.email_verified), (None, false), "{email:?}");
    }
    assert_eq!(verify(&with("email", Value::Null)).unwrap().email, None);
    for name in ["", "  ", "a\nb", "a\u{1b}[2J", &"n".repeat(201)] {
        assert_eq!(verify(&with("name", json!(name))).unwrap().name, None, "{name:?}");
    }
    assert_eq!(verify(&with("name", json!("n".repeat(200)))).unwrap().name.unwrap().len(), 200);
}

#[test]
fn re_authentication_needs_an_authentication_since_the_attempt_began() {
    let fresh = |auth_time: Value| {
        let expected = Expected { authenticated_since_s: Some(NOW - 90), ..EXPECTED };
        verify_id_token(&with("auth_time", auth_time), &JWKS, &expected)
    };
    for at in [NOW - 90, NOW, NOW + 60] {
        assert_eq!(fresh(json!(at)).unwrap().auth_time_s, Some(at));
    }
    for at in [Value::Null, json!(NOW - 91), json!(0), json!(NOW + 61)] {
        assert_eq!(fresh(at).unwrap_err(), OidcError::AuthenticationTime);
    }
    assert_eq!(fresh(json!("now")).unwrap_err(), OidcError::Claims);
}

/// C3: a provider that tells an email at the userinfo endpoint alone; only about the same person, and only what was not
/// signed.
#[test]
fn c3_user_info_completes_the_same_person_and_changes_nothing_that_is_signed() {
    let bare = || Identity { email: None, email_verified: false, name: None, ..identity() };
    assert!(bare().wants_user_info() && !identity().wants_user_info());
    let answer = |value: &Value| value.to_string().into_bytes();
    let told =
        json!({ "sub": bare().subject, "email": "a@b.example", "email_verified": true, "name": "Ada" });
    let full = bare().with_user_info(&answer(&told)).unwrap();
    assert_eq!((full.email.as_deref(), full.email_verified), (Some("a@b.example"), true));
    assert_eq!(full.name.as_deref(), Some("Ada"));
    assert_eq!(identity().with_user_info(&answer(&told)).unwrap().email, identity().email);

    for (change, verified) in [("false", false), ("true", true), ("yes", false), ("TRUE", false)] {
        let mut told = told.clone();
        told["email_verified"] = change.into();
        assert_eq!(bare().with_user_info(&answer(&told)).unwrap().email_verified, verified, "{change}");
    }
    let mut nameless = told.clone();
    nameless["email"] = "a@b.example\r\nbcc: x".into();
    let unfit = bare().with_user_info(&answer(&nameless)).unwrap();
    assert_eq!((unfit.email, unfit.email_verified), (None, false));
    for stranger in [json!("someone else"), Value::Null, json!("")] {
        let mut told = told.clone();
        told["sub"] = stranger;
        assert_eq!(bare().with_user_info(&answer(&told)), Err(OidcError::UserInfo));
    }
    assert_eq!(bare().with_user_info(b"<html>"), Err(OidcError::UserInfo));
    assert_eq!(bare().with_user_info(&vec![b' '; crate::MAX_RESPONSE_LEN + 1]), Err(OidcError::UserInfo));
}
