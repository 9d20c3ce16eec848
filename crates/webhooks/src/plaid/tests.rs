use super::*;
use crate::tests::fetched::{GOOD, NOW, check, pem, pending};
use crate::{FetchedKey, Verified};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use serde_json::json;

const ID: &str = "6c5516e1-92dc-479e-a8ff-5a51992e0001";
const BODY: &[u8] =
    br#"{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"x"}"#;
/// Made with OpenSSL over a token put together by Python, by the key of `jwk`.
const OPENSSL: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjZjNTUxNmUxLTkyZGMtNDc5ZS1hOGZmLTVhNTE5OTJlMDAwMSIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjAwMDAwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiI5ZDc0N2Q5ODllOGJhYzRhMTc1NjE0NWQ4ZTA2OGVjZTI4OTQxOGIyMjlkZjFmYjcyMDFmYWIwY2ViYTJlZDhmIn0.KNqd5KySB4p8766OovhqI1jivW-WVTMDZnp9Zzy_YT2q_x9_NCtLXlum3fGXp-K7X6qihgpw75wm-dI2OBxnkg";

fn jwk() -> Value {
    json!({
        "alg": "ES256", "crv": "P-256", "kid": ID, "kty": "EC", "use": "sig",
        "x": "lu9Wo4_dgufGXqyDsNLgKAjFJB0hFjfXA-6hdex9PRk",
        "y": "o8O7F5KXyfscnqr9cGrvsP4ZkzeVgTTbCjW3YI3yJGw",
        "created_at": 1560466950, "expired_at": null,
    })
}

fn key() -> FetchedKey {
    FetchedKey::from_jwk(&jwk(), ID).unwrap()
}

fn ask(token: &str, body: &[u8], now_ms: u64) -> Result<Verified, Refusal> {
    check("plaid", &[], &[("Plaid-Verification", token)], body, &key(), now_ms)
}

/// A token by a key of our own, and that key.
fn token(header: &Value, claims: &Value) -> (String, FetchedKey) {
    let signer = SigningKey::from_slice(&[7; 32]).unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = [encode(header), encode(claims)].join(".");
    let signature: Es256 = signer.sign(signed.as_bytes());
    let point = signer.verifying_key().to_sec1_point(false);
    let mut jwk = jwk();
    jwk["x"] = URL_SAFE_NO_PAD.encode(&point.as_bytes()[1..33]).into();
    jwk["y"] = URL_SAFE_NO_PAD.encode(&point.as_bytes()[33..]).into();
    let token = [signed, URL_SAFE_NO_PAD.encode(signature.to_bytes())].join(".");
    (token, FetchedKey::from_jwk(&jwk, ID).unwrap())
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": ID, "typ": "JWT" })
}

fn claims() -> Value {
    json!({ "iat": NOW / 1000, "request_body_sha256": encode_hex(&Sha256::digest(BODY)) })
}

fn ask_for(header: Value, claims: Value) -> Result<Verified, Refusal> {
    let (token, key) = token(&header, &claims);
    check("plaid", &[], &[("plaid-verification", &token)], BODY, &key, NOW)
}

#[test]
fn n4_a_token_is_verified_by_the_key_that_it_names() {
    let pending = pending("plaid", &[], &[("plaid-verification", OPENSSL)], BODY).unwrap();
    assert_eq!(pending.key, KeySource::Id(ID.into()));
    let verified = pending.verify(&key(), NOW).unwrap();
    assert_eq!(verified.event_type.as_deref(), Some("TRANSACTIONS.SYNC_UPDATES_AVAILABLE"));
    assert!(verified.event_id.is_some() && verified.event_id_signed);
    assert_eq!(verified.timestamp_ms, Some(NOW));
    assert!(ask_for(header(), claims()).is_ok());
}

/// N4: a body that comes again under a token of its own is another event, a token that comes again is the same.
#[test]
fn n4_an_event_is_known_by_its_token() {
    let id = |token: &str, key: &FetchedKey| {
        let verified = check("plaid", &[], &[("plaid-verification", token)], BODY, key, NOW).unwrap();
        assert!(verified.event_id_signed);
        verified.event_id.unwrap()
    };
    assert_eq!(id(OPENSSL, &key()), id(OPENSSL, &key()));
    let (first, own_key) = token(&header(), &claims());
    let mut later = claims();
    later["iat"] = json!(NOW / 1000 + 1);
    assert_ne!(id(&first, &own_key), id(&token(&header(), &later).0, &own_key));

    let (signed, signature) = first.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let (r, s) = Es256::from_slice(&bytes).unwrap().split_scalars();
    let turned = Es256::from_scalars(r, -s).unwrap().to_bytes();
    let turned = [signed, ".", &URL_SAFE_NO_PAD.encode(turned)].concat();
    assert_ne!(turned, first);
    assert_eq!(id(&turned, &own_key), id(&first, &own_key), "the other signature of the same token");
}

#[test]
fn n4_a_changed_token_or_body_is_refused() {
    assert_eq!(ask(OPENSSL, b"{}", NOW), Err(Refusal::SignatureInvalid));
    assert_eq!(ask(OPENSSL, &[BODY, b" "].concat(), NOW), Err(Refusal::SignatureInvalid));
    for at in 0..OPENSSL.len() {
        let mut changed = OPENSSL.as_bytes().to_vec();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(ask(std::str::from_utf8(&changed).unwrap(), BODY, NOW).is_err(), "{at}");
    }
    let (of_another, _) = token(&header(), &claims());
    assert_eq!(ask(&of_another, BODY, NOW), Err(Refusal::SignatureInvalid), "another key");
    let refused = check("plaid", &[], &[("plaid-verification", OPENSSL)], BODY, &pem(GOOD), NOW);
    assert_eq!(refused, Err(Refusal::SignatureInvalid), "a key of another kind");
}

#[test]
fn n4_what_is_missing_doubled_empty_or_huge_is_refused() {
    assert_eq!(check("plaid", &[], &[], BODY, &key(), NOW), Err(Refusal::SignatureMissing));
    let name = "plaid-verification";
    let doubled = check("plaid", &[], &[(name, OPENSSL), (name, OPENSSL)], BODY, &key(), NOW);
    assert_eq!(doubled, Err(Refusal::SignatureDoubled));
    let padded = [OPENSSL, "=="].concat();
    let unsigned = OPENSSL.rsplit_once('.').unwrap().0;
    let empty = [unsigned, "."].concat();
    let huge = [OPENSSL, &"A".repeat(1 << 20)].concat();
    for token in ["", ".", "..", "a.b.c", unsigned, &empty, &padded, &huge, &[".", OPENSSL].concat()] {
        assert!(ask(token, BODY, NOW).is_err(), "{token:.40}");
    }
}

#[test]
fn n4_the_algorithm_is_plaids_and_not_the_tokens_to_choose() {
    for algorithm in
        [json!("none"), json!("HS256"), json!("RS256"), json!("es256"), json!(null), json!(["ES256"])]
    {
        let header = json!({ "alg": algorithm, "kid": ID });
        assert_eq!(ask_for(header, claims()), Err(Refusal::AlgorithmRefused), "{algorithm}");
    }
    for id in [json!(null), json!(""), json!("a/../b"), json!("a b"), json!("x".repeat(65))] {
        let header = json!({ "alg": "ES256", "kid": id });
        assert_eq!(ask_for(header, claims()), Err(Refusal::SignatureMalformed), "{id}");
    }
    let header = json!({ "alg": "ES256", "kid": {} });
    assert!(ask_for(header, claims()).is_err());
}

#[test]
fn n4_the_claims_bind_time_and_body() {
    let at = |iat: Value| {
        ask_for(header(), json!({ "iat": iat, "request_body_sha256": claims()["request_body_sha256"] }))
    };
    let now = NOW / 1000;
    assert!(at(json!(now - 300)).is_ok() && at(json!(now + 300)).is_ok());
    assert_eq!(at(json!(now - 301)), Err(Refusal::TimestampTooOld));
    assert_eq!(at(json!(now + 301)), Err(Refusal::TimestampInFuture));
    assert_eq!(at(json!(null)), Err(Refusal::TimestampMissing));
    assert_eq!(at(json!(-1)), Err(Refusal::TimestampMalformed));
    assert!(at(json!(1.5e9)).is_err());
    for hash in [json!(null), json!(""), json!("00"), json!(encode_hex(&Sha256::digest(BODY)).to_uppercase())]
    {
        let claims = json!({ "iat": now, "request_body_sha256": hash });
        assert!(ask_for(header(), claims).is_err(), "{hash}");
    }
}

#[test]
fn n4_a_key_of_another_id_kind_or_time_is_unusable() {
    for (name, value) in [
        ("kid", json!("another")),
        ("kid", json!(null)),
        ("kty", json!("RSA")),
        ("crv", json!("P-384")),
        ("alg", json!("none")),
        ("use", json!("enc")),
        ("expired_at", json!(1)),
        ("x", json!("AAAA")),
        ("x", json!(null)),
        ("y", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    ] {
        let mut odd = jwk();
        odd[name] = value.clone();
        assert_eq!(FetchedKey::from_jwk(&odd, ID).err(), Some(Refusal::KeyUnusable), "{name} {value}");
    }
    assert!(FetchedKey::from_jwk(&json!(null), ID).is_err());
}

#[test]
fn a_credential_goes_to_its_own_environment() {
    let url = |secret: &str| Credential::read(secret).map(|credential| credential.key_url());
    let production = "https://production.plaid.com/webhook_verification_key/get";
    assert_eq!(url(r#"{"client_id":"a","secret":"b"}"#), Some(production));
    let sandbox = "https://sandbox.plaid.com/webhook_verification_key/get";
    assert_eq!(url(r#"{"client_id":"a","secret":"b","environment":"sandbox"}"#), Some(sandbox));
    for secret in [
        "",
        "secret",
        r#"{"client_id":"a"}"#,
        r#"{"client_id":"a","secret":"b","environment":"https://evil.com"}"#,
        r#"{"client_id":"a","secret":"b","url":"https://evil.com"}"#,
    ] {
        assert_eq!(url(secret), None, "{secret}");
        assert!(secret.is_empty() || crate::provider("plaid").unwrap().parse_secret(secret).is_err());
    }
}
