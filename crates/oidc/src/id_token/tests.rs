//! Genuine tokens pass, forged ones do not (claim C3). The signing helpers and the genuine ones are here.

use super::*;
use crate::Metadata;
use crate::fixtures::{CLIENT_ID, ISSUER, NOW, metadata};
use ed25519_compact::{KeyPair, Seed};
use jwt_simple::algorithms::{
    ECDSAP256KeyPairLike as _, ES256KeyPair, RS256KeyPair, RS256PublicKey, RSAKeyPairLike as _,
};
use jwt_simple::claims::JWTClaims;
use serde_json::{Value, json};
use std::sync::LazyLock;

mod claims;
mod forged;

const NONCE: &str = "n-0S6_WzA2Mjfake-nonce";
const ED_HEADER: &str = r#"{"alg":"EdDSA","kid":"ed","typ":"JWT"}"#;

static ED: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::from_seed(Seed::new([1; 32])));
static EC: LazyLock<ES256KeyPair> = LazyLock::new(|| ES256KeyPair::generate().with_key_id("ec"));
static RSA: LazyLock<RS256KeyPair> =
    LazyLock::new(|| RS256KeyPair::generate(2048).unwrap().with_key_id("rsa"));

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ed_jwk() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(ED.pk.as_slice()), "kid": "ed", "use": "sig", "alg": "EdDSA" })
}

fn ec_jwk() -> Value {
    let point = EC.key_pair().public_key().to_bytes_uncompressed();
    json!({ "kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..]), "kid": "ec", "use": "sig" })
}

fn rsa_jwk() -> Value {
    let key: RS256PublicKey = RSA.public_key();
    let parts = key.to_components();
    json!({ "kty": "RSA", "n": b64(parts.n), "e": b64(parts.e), "kid": "rsa", "alg": "RS256", "use": "sig" })
}

fn set_of(keys: &[Value]) -> Jwks {
    let metadata: Metadata = metadata();
    Jwks::parse(&metadata, json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

static JWKS: LazyLock<Jwks> = LazyLock::new(|| set_of(&[rsa_jwk(), ec_jwk(), ed_jwk()]));

const EXPECTED: Expected<'static> =
    Expected { issuer: ISSUER, client_id: CLIENT_ID, nonce: NONCE, now_s: NOW, authenticated_since_s: None };

fn verify(token: &str) -> Result<Identity, OidcError> {
    verify_id_token(token, &JWKS, &EXPECTED)
}

fn payload() -> Value {
    json!({
        "iss": ISSUER,
        "sub": "248289761001",
        "aud": CLIENT_ID,
        "azp": CLIENT_ID,
        "nonce": NONCE,
        "iat": NOW - 1,
        "exp": NOW + 3600,
        "auth_time": NOW - 100,
        "email": "ada@example.com",
        "email_verified": true,
        "name": "Ada Lovelace",
        "at_hash": "ignored",
    })
}

fn identity() -> Identity {
    Identity {
        issuer: ISSUER.to_owned(),
        subject: "248289761001".to_owned(),
        email: Some("ada@example.com".to_owned()),
        email_verified: true,
        name: Some("Ada Lovelace".to_owned()),
        auth_time_s: Some(NOW - 100),
    }
}

/// A token of any header and payload, signed for real by the Ed25519 key.
fn signed(header: &str, payload: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", b64(header), b64(payload));
    format!("{input}.{}", b64(ED.sk.sign(&input, None).as_slice()))
}

fn genuine() -> String {
    signed(ED_HEADER, payload().to_string())
}

/// A true signature over claims of which one is another; `null` leaves it out.
fn with(name: &str, value: Value) -> String {
    let mut payload = payload();
    match value {
        Value::Null => drop(payload.as_object_mut().unwrap().remove(name)),
        value => payload[name] = value,
    }
    signed(ED_HEADER, payload.to_string())
}

fn with_header(header: &str) -> String {
    signed(header, payload().to_string())
}

/// Claims for jwt-simple to sign as they are.
fn plain(custom: Value) -> JWTClaims<Value> {
    JWTClaims {
        issued_at: None,
        expires_at: None,
        invalid_before: None,
        issuer: None,
        subject: None,
        audiences: None,
        jwt_id: None,
        nonce: None,
        custom,
    }
}

#[test]
fn c3_a_genuine_token_of_each_algorithm_gives_its_identity() {
    let tokens = [
        genuine(),
        with_header(r#"{"alg":"Ed25519","kid":"ed"}"#),
        with_header(r#"{"typ":"jwt","x5t":"ignored","kid":"ed","alg":"EdDSA"}"#),
        RSA.sign(plain(payload())).unwrap(),
        EC.sign(plain(payload())).unwrap(),
    ];
    for token in tokens {
        assert_eq!(verify(&token).unwrap(), identity());
    }
}

#[test]
fn a_token_without_key_id_is_taken_where_one_key_alone_can_have_signed_it() {
    let token = with_header(r#"{"alg":"EdDSA"}"#);
    assert_eq!(verify(&token).unwrap(), identity());
    let mut second = ed_jwk();
    second["kid"] = json!("ed-2");
    let jwks = set_of(&[ed_jwk(), second]);
    assert_eq!(verify_id_token(&token, &jwks, &EXPECTED).unwrap_err(), OidcError::AmbiguousKey);
    assert!(verify_id_token(&genuine(), &jwks, &EXPECTED).is_ok());
    // The same key id twice names no key.
    let jwks = set_of(&[ed_jwk(), ed_jwk()]);
    assert_eq!(verify_id_token(&genuine(), &jwks, &EXPECTED).unwrap_err(), OidcError::AmbiguousKey);
}

/// After a rotation the caller sees that the key is unknown, fetches, and the same token passes.
#[test]
fn a_rotated_key_is_unknown_until_the_set_is_fetched_again() {
    let old = set_of(&[rsa_jwk(), ec_jwk()]);
    assert_eq!(verify_id_token(&genuine(), &old, &EXPECTED).unwrap_err(), OidcError::UnknownKey);
    assert!(verify_id_token(&genuine(), &JWKS, &EXPECTED).is_ok());
}

/// RFC 9700, section 4.4: one provider's keys say nothing about another's people.
#[test]
fn the_keys_of_another_issuer_do_not_serve() {
    let elsewhere = Expected { issuer: "https://other.example.com", ..EXPECTED };
    let token = with("iss", json!("https://other.example.com"));
    assert_eq!(verify_id_token(&token, &JWKS, &elsewhere).unwrap_err(), OidcError::OtherProvider);
}

/// The whole way, with nothing but the public API.
#[test]
fn an_attempt_s_own_token_passes_and_another_attempt_s_does_not() {
    let (mine, other) = (crate::fixtures::attempt(), crate::fixtures::attempt());
    let token = with("nonce", json!(mine.expects(CLIENT_ID, NOW).nonce));
    assert_eq!(verify_id_token(&token, &JWKS, &mine.expects(CLIENT_ID, NOW)).unwrap(), identity());
    assert_eq!(verify_id_token(&token, &JWKS, &other.expects(CLIENT_ID, NOW)).unwrap_err(), OidcError::Nonce);
}

#[test]
fn only_keys_that_sign_by_our_algorithms_are_taken() {
    let parse = |keys: &[Value]| Jwks::parse(&metadata(), json!({ "keys": keys }).to_string().as_bytes());
    let changed = |mut key: Value, name: &str, value: Value| {
        key[name] = value;
        key
    };
    let modulus = |bytes: usize| b64(vec![0xff; bytes]);
    let point = EC.key_pair().public_key().to_bytes_uncompressed();
    let unfit = [
        changed(rsa_jwk(), "n", json!(modulus(128))),
        changed(rsa_jwk(), "n", json!(modulus(255))),
        changed(rsa_jwk(), "n", json!(modulus(1024))),
        changed(rsa_jwk(), "n", json!("")),
        changed(rsa_jwk(), "e", json!("AQ")),
        changed(rsa_jwk(), "e", json!("Aw")),
        changed(rsa_jwk(), "alg", json!("RS512")),
        changed(rsa_jwk(), "alg", json!("RSA-OAEP")),
        changed(rsa_jwk(), "alg", json!("ES256")),
        changed(rsa_jwk(), "alg", json!("HS256")),
        changed(rsa_jwk(), "use", json!("enc")),
        changed(rsa_jwk(), "key_ops", json!(["encrypt"])),
        changed(rsa_jwk(), "kty", json!("rsa")),
        changed(ec_jwk(), "crv", json!("P-384")),
        changed(ec_jwk(), "y", json!(b64([1; 32]))),
        changed(ec_jwk(), "x", json!(b64([0; 33]))),
        changed(changed(ec_jwk(), "x", json!(b64(&point[1..34]))), "y", json!(b64(&point[34..]))),
        changed(ec_jwk(), "alg", json!("EdDSA")),
        changed(ed_jwk(), "crv", json!("X25519")),
        changed(ed_jwk(), "x", json!(b64([1; 31]))),
        changed(ed_jwk(), "x", json!(b64(ED.pk.as_slice()) + "=")),
        changed(ed_jwk(), "use", json!("enc")),
        json!({ "kty": "oct", "k": b64("secret"), "alg": "HS256" }),
        json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "x" }),
    ];
    for key in &unfit {
        assert_eq!(parse(std::slice::from_ref(key)).unwrap_err(), OidcError::Jwks, "{key}");
    }
    // Beside a fit one they are left out, not in its way.
    let mut keys = unfit.to_vec();
    keys.push(changed(ed_jwk(), "key_ops", json!(["verify"])));
    assert!(verify_id_token(&genuine(), &parse(&keys).unwrap(), &EXPECTED).is_ok());
}

#[test]
fn a_key_set_that_is_malformed_repeats_a_member_or_is_too_long_is_refused() {
    let key = ed_jwk().to_string();
    let twice = key.replacen('{', r#"{"kty":"RSA","#, 1);
    let many = vec![key.clone(); 65].join(",");
    let documents = [
        String::new(),
        "[]".to_owned(),
        r#"{"keys":[]}"#.to_owned(),
        r#"{"keys":{}}"#.to_owned(),
        format!(r#"{{"keys":[{twice}]}}"#),
        format!(r#"{{"keys":[{many}]}}"#),
        format!(r#"{{"keys":[{key}],"keys":[{key}]}}"#),
        format!(r#"{{"keys":[{key}]}}{}"#, " ".repeat(crate::MAX_JWKS_LEN)),
        "[".repeat(100_000),
    ];
    for document in documents {
        assert_eq!(Jwks::parse(&metadata(), document.as_bytes()).unwrap_err(), OidcError::Jwks);
    }
}
