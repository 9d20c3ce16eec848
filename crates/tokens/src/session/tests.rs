//! Genuine tokens pass, every forgery we could think of does not (claims M4, F9).

use super::*;
use crate::TokenError;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use ed25519_compact::{KeyPair, Seed, Signature};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const ISSUER: &str = "https://app.example.com";
const NOW: u64 = 1_800_000_000;
const SEED: [u8; 32] = [1; 32];
const OLD_SEED: [u8; 32] = [2; 32];

fn signer() -> SessionSigner {
    let [new, old] = [SEED, OLD_SEED].map(|seed| STANDARD.encode(seed));
    SessionSigner::from_json(&format!(r#"{{"current":"k2","keys":{{"k1":"{old}","k2":"{new}"}}}}"#)).unwrap()
}

fn verifier() -> SessionVerifier {
    SessionVerifier::from_jwks(&signer().jwks()).unwrap()
}

fn claims() -> SessionClaims {
    SessionClaims {
        sub: "usr_1".to_owned(),
        org: "org_e1".to_owned(),
        role: "org_admin".to_owned(),
        sid: "ses_1".to_owned(),
        iat: NOW,
        exp: NOW + 600,
    }
}

fn token() -> String {
    signer().sign(&claims(), ISSUER).unwrap()
}

const HEADER: &str = r#"{"alg":"EdDSA","kid":"k2","typ":"JWT"}"#;

fn payload() -> String {
    format!(
        r#"{{"iat":{NOW},"exp":{},"iss":"{ISSUER}","sub":"usr_1","aud":"sluicegate","org":"org_e1","role":"org_admin","sid":"ses_1"}}"#,
        NOW + 600
    )
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn key_pair(seed: [u8; 32]) -> KeyPair {
    KeyPair::from_seed(Seed::new(seed))
}

/// A token of any header and payload, signed for real.
fn signed(header: &str, payload: &str, seed: [u8; 32]) -> String {
    let input = format!("{}.{}", b64(header), b64(payload));
    let signature = key_pair(seed).sk.sign(&input, None);
    format!("{input}.{}", b64(signature.as_slice()))
}

fn hs256(header: &str, key: &[u8]) -> String {
    let input = format!("{}.{}", b64(header), b64(payload()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", b64(mac.finalize().into_bytes()))
}

/// The signature with the group's order added to S: the same point equation, another text (RFC 8032, 5.1.7).
fn malleated(token: &str) -> String {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (input, signature) = token.rsplit_once('.').unwrap();
    let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    format!("{input}.{}", b64(signature))
}

#[test]
fn m4_a_signed_token_verifies_with_the_public_keys() {
    let verified = verifier().verify(&token(), ISSUER, NOW).unwrap();
    assert_eq!(verified, Verified { claims: claims(), expired: false });
}

/// The forging helper makes good tokens, so the table below fails for the reason each row names.
#[test]
fn the_forger_can_write_a_genuine_token() {
    assert!(verifier().verify(&signed(HEADER, &payload(), SEED), ISSUER, NOW).is_ok());
}

/// A token signed by an earlier release verifies, and its form is what other JWT libraries write.
#[test]
fn form_is_frozen() {
    let token = concat!(
        "eyJhbGciOiJFZERTQSIsImtpZCI6ImsyIiwidHlwIjoiSldUIn0.",
        "eyJpYXQiOjE4MDAwMDAwMDAsImV4cCI6MTgwMDAwMDYwMCwiaXNzIjoiaHR0cHM6Ly9hcHAuZXhhbXBsZS5jb20iLCJzdWIi",
        "OiJ1c3JfMSIsImF1ZCI6InNsdWljZWdhdGUiLCJvcmciOiJvcmdfZTEiLCJyb2xlIjoib3JnX2FkbWluIiwic2lkIjoic2VzXzEifQ.",
        "Tg926YGB3BBq3w_Fv7vRjuZYenDaMwDVrmGkkshbkOMEck-u9xPgLYlXJf1lfTQixm75xjtGLDGg1gCI9IHkBg"
    );
    assert_eq!(verifier().verify(token, ISSUER, NOW).unwrap(), Verified { claims: claims(), expired: false });
    let ours = self::token();
    assert_eq!(ours.rsplit_once('.').unwrap().0, token.rsplit_once('.').unwrap().0, "header and claims");
}

/// RFC 8037, appendices A.1 to A.4: the seed gives the published key, which verifies the published signature.
#[test]
fn agrees_with_rfc_8037() {
    let seed =
        STANDARD.encode(URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap());
    let signer =
        SessionSigner::from_json(&format!(r#"{{"current":"rfc","keys":{{"rfc":"{seed}"}}}}"#)).unwrap();
    let jwks: serde_json::Value = serde_json::from_str(&signer.jwks()).unwrap();
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let expected = serde_json::json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "rfc", "alg": "EdDSA", "use": "sig"}
    ]});
    assert_eq!(jwks, expected);

    let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let key = ed25519_compact::PublicKey::from_slice(&URL_SAFE_NO_PAD.decode(x).unwrap()).unwrap();
    let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    assert!(key.verify(input, &signature).is_ok());
}

#[test]
fn a_key_no_longer_current_still_verifies_until_it_is_dropped() {
    let old = signed(r#"{"alg":"EdDSA","kid":"k1","typ":"JWT"}"#, &payload(), OLD_SEED);
    assert!(verifier().verify(&old, ISSUER, NOW).is_ok());
    let new = STANDARD.encode(SEED);
    let alone = SessionSigner::from_json(&format!(r#"{{"current":"k2","keys":{{"k2":"{new}"}}}}"#)).unwrap();
    let verifier = SessionVerifier::from_jwks(&alone.jwks()).unwrap();
    assert_eq!(verifier.verify(&old, ISSUER, NOW).unwrap_err(), TokenError::SessionHeader);
}

#[test]
fn an_expired_token_is_told_from_a_forged_one() {
    for (now, expired) in
        [(NOW + 599, false), (NOW + 600, true), (NOW + 1_000_000_000, true), (u64::MAX, true)]
    {
        assert_eq!(verifier().verify(&token(), ISSUER, now).unwrap().expired, expired, "{now}");
    }
}

#[test]
fn the_clocks_may_differ_by_five_seconds() {
    assert!(verifier().verify(&token(), ISSUER, NOW - 5).is_ok());
    assert_eq!(verifier().verify(&token(), ISSUER, NOW - 6).unwrap_err(), TokenError::SessionNotYet);
    assert_eq!(verifier().verify(&token(), ISSUER, 0).unwrap_err(), TokenError::SessionNotYet);
    let nbf = payload().replacen('{', &format!(r#"{{"nbf":{},"#, NOW + 6), 1);
    assert_eq!(
        verifier().verify(&signed(HEADER, &nbf, SEED), ISSUER, NOW).unwrap_err(),
        TokenError::SessionNotYet
    );
}

/// F9, M4: each row is a token that must not pass, by the name of its trick.
#[test]
fn f9_forgeries_are_refused() {
    let good = token();
    let [header, body, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let public = key_pair(SEED).pk;
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode([&[48, 42, 48, 5, 6, 3, 43, 101, 112, 3, 33, 0][..], &public[..]].concat())
    );
    let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, b64(&key_pair([9; 32]).pk[..]));
    let with = |from: &str, to: &str| {
        let changed = payload().replace(from, to);
        assert_ne!(changed, payload(), "{from} is in the payload");
        changed
    };
    let resigned = |payload: String| signed(HEADER, &payload, SEED);
    let headed = |header: &str| signed(header, &payload(), SEED);
    let invalid = TokenError::SessionInvalid;
    let unknown = TokenError::SessionHeader;
    let long = TokenError::SessionTooLong;

    let table = [
        // No signature, or another algorithm's.
        ("alg none", format!("{}.{body}.", b64(r#"{"alg":"none","typ":"JWT"}"#)), unknown),
        ("alg none with kid", format!("{}.{body}.", b64(HEADER.replace("EdDSA", "none"))), unknown),
        ("alg nOnE", format!("{}.{body}.{signature}", b64(HEADER.replace("EdDSA", "nOnE"))), unknown),
        ("signature removed", format!("{header}.{body}."), invalid),
        ("HS256, public key", hs256(&HEADER.replace("EdDSA", "HS256"), &public[..]), unknown),
        ("HS256, public key as PEM", hs256(&HEADER.replace("EdDSA", "HS256"), pem.as_bytes()), unknown),
        ("HS256 under the EdDSA header", hs256(HEADER, &public[..]), invalid),
        ("alg RS256", headed(&HEADER.replace("EdDSA", "RS256")), unknown),
        ("alg ES256", headed(&HEADER.replace("EdDSA", "ES256")), unknown),
        ("alg Ed25519", headed(&HEADER.replace("EdDSA", "Ed25519")), unknown),
        ("alg in lower case", headed(&HEADER.replace("EdDSA", "eddsa")), unknown),
        ("alg missing", headed(r#"{"kid":"k2","typ":"JWT"}"#), unknown),
        ("alg twice", headed(r#"{"alg":"none","alg":"EdDSA","kid":"k2","typ":"JWT"}"#), unknown),
        // Whose key.
        ("kid missing", headed(r#"{"alg":"EdDSA","typ":"JWT"}"#), unknown),
        ("kid unknown", headed(&HEADER.replace("k2", "k3")), unknown),
        ("kid empty", headed(&HEADER.replace("k2", "")), unknown),
        ("kid null", headed(&HEADER.replace(r#""k2""#, "null")), unknown),
        ("kid a number", headed(&HEADER.replace(r#""k2""#, "2")), unknown),
        ("kid a path", headed(&HEADER.replace("k2", "../../dev/null")), unknown),
        ("kid an SQL injection", headed(&HEADER.replace("k2", "k2' OR '1'='1")), unknown),
        ("kid escaped", headed(&HEADER.replace("k2", r"k\u0032")), unknown),
        ("kid of another key of ours", headed(&HEADER.replace("k2", "k1")), invalid),
        ("another's key", signed(HEADER, &payload(), [9; 32]), invalid),
        (
            "jwk of another's key",
            signed(&HEADER.replacen('{', &format!(r#"{{"jwk":{jwk},"#), 1), &payload(), [9; 32]),
            unknown,
        ),
        ("jku", headed(&HEADER.replacen('{', r#"{"jku":"https://evil.example/jwks","#, 1)), unknown),
        ("x5u", headed(&HEADER.replacen('{', r#"{"x5u":"https://evil.example/x5u","#, 1)), unknown),
        ("crit", headed(&HEADER.replacen('{', r#"{"crit":["exp"],"#, 1)), unknown),
        ("crit empty", headed(&HEADER.replacen('{', r#"{"crit":[],"#, 1)), unknown),
        (
            "b64 false (RFC 7797)",
            headed(&HEADER.replacen('{', r#"{"b64":false,"crit":["b64"],"#, 1)),
            unknown,
        ),
        ("zip", headed(&HEADER.replacen('{', r#"{"zip":"DEF","#, 1)), unknown),
        ("cty JWT (nested)", headed(&HEADER.replacen('{', r#"{"cty":"JWT","#, 1)), unknown),
        ("typ missing", headed(r#"{"alg":"EdDSA","kid":"k2"}"#), unknown),
        ("typ at+jwt", headed(&HEADER.replace("JWT", "at+jwt")), unknown),
        ("typ webhook", headed(&HEADER.replace("JWT", "webhook+jwt")), unknown),
        ("header members in another order", headed(r#"{"typ":"JWT","alg":"EdDSA","kid":"k2"}"#), unknown),
        ("header with spaces", headed(&HEADER.replace(':', ": ")), unknown),
        ("header an array", headed("[]"), unknown),
        // What it says.
        ("other issuer", resigned(with(ISSUER, "https://evil.example")), invalid),
        ("issuer with a slash", resigned(with(ISSUER, "https://app.example.com/")), invalid),
        ("issuer missing", resigned(with(&format!(r#""iss":"{ISSUER}","#), "")), invalid),
        ("other audience", resigned(with(r#""aud":"sluicegate""#, r#""aud":"upstream""#)), invalid),
        ("audience missing", resigned(with(r#""aud":"sluicegate","#, "")), invalid),
        ("audience empty", resigned(with(r#""aud":"sluicegate""#, r#""aud":[]"#)), invalid),
        (
            "issued tomorrow",
            resigned(with(&format!(r#""iat":{NOW}"#), &format!(r#""iat":{}"#, NOW + 86_400))),
            TokenError::SessionNotYet,
        ),
        ("issued at missing", resigned(with(&format!(r#""iat":{NOW},"#), "")), invalid),
        ("expiry missing", resigned(with(&format!(r#""exp":{},"#, NOW + 600), "")), invalid),
        ("expiry negative", resigned(with(&format!(r#""exp":{}"#, NOW + 600), r#""exp":-1"#)), invalid),
        ("expiry a string", resigned(with(&format!(r#""exp":{}"#, NOW + 600), r#""exp":"never""#)), invalid),
        ("subject missing", resigned(with(r#""sub":"usr_1","#, "")), invalid),
        ("org missing", resigned(with(r#""org":"org_e1","#, "")), invalid),
        ("role missing", resigned(with(r#""role":"org_admin","#, "")), invalid),
        ("session missing", resigned(with(r#","sid":"ses_1""#, "")), invalid),
        ("role twice", resigned(with(r#""role":"#, r#""role":"super_admin","role":"#)), invalid),
        ("payload an array", resigned("[]".to_owned()), invalid),
        ("payload not JSON", resigned("x".to_owned()), invalid),
        // Changed after signing.
        ("role raised", format!("{header}.{}.{signature}", b64(with("org_admin", "super_admin"))), invalid),
        ("other org", format!("{header}.{}.{signature}", b64(with("org_e1", "org_e2"))), invalid),
        (
            "payload of another token",
            {
                let other =
                    signer().sign(&SessionClaims { sub: "usr_2".to_owned(), ..claims() }, ISSUER).unwrap();
                format!("{header}.{}.{signature}", other.split('.').nth(1).unwrap())
            },
            invalid,
        ),
        ("header and payload swapped", format!("{body}.{header}.{signature}"), unknown),
        ("payload and signature swapped", format!("{header}.{signature}.{body}"), invalid),
        ("malleated signature", malleated(&good), invalid),
        ("signature of zeros", format!("{header}.{body}.{}", b64([0; 64])), invalid),
        ("signature of 63 bytes", format!("{header}.{body}.{}", b64([1; 63])), invalid),
        ("signature of 65 bytes", format!("{header}.{body}.{}", b64([1; 65])), invalid),
        // The envelope.
        ("empty", String::new(), unknown),
        ("one dot", ".".to_owned(), unknown),
        ("two dots", "..".to_owned(), unknown),
        ("dots alone", ".".repeat(2000), unknown),
        ("header alone", header.to_owned(), unknown),
        ("header and payload alone", format!("{header}.{body}"), invalid),
        ("a dot doubled", good.replacen('.', "..", 1), invalid),
        ("a fourth part", format!("{good}.{signature}"), invalid),
        ("a dot at the end", format!("{good}."), invalid),
        ("five parts (JWE)", format!("{good}.{body}.{signature}"), invalid),
        ("space before", format!(" {good}"), unknown),
        ("space after", format!("{good} "), invalid),
        ("line feed after", format!("{good}\n"), invalid),
        ("NUL after", format!("{good}\0"), invalid),
        ("line feed inside", format!("{header}.{body}.\n{signature}"), invalid),
        ("Bearer before", format!("Bearer {good}"), unknown),
        ("quoted", format!("\"{good}\""), unknown),
        ("two tokens", format!("{good},{good}"), invalid),
        ("padded", format!("{header}.{body}.{signature}=="), invalid),
        ("padded header", format!("{}.{body}.{signature}", URL_SAFE.encode(HEADER) + "="), unknown),
        ("standard alphabet", format!("{header}.{body}.+/{}", &signature[2..]), invalid),
        ("truncated by one", good[..good.len() - 1].to_owned(), invalid),
        ("truncated by half", good[..good.len() / 2].to_owned(), invalid),
        ("not ASCII", format!("{header}.{body}.é{signature}"), invalid),
        (
            "JSON serialization (RFC 7515, 7.2)",
            format!(r#"{{"payload":"{body}","protected":"{header}","signature":"{signature}"}}"#),
            unknown,
        ),
        ("2 KiB and one byte", format!("{good}{}", "A".repeat(MAX_TOKEN_LEN + 1 - good.len())), long),
        ("1 MB", "A".repeat(1_000_000), long),
        ("1 MB that begins well", format!("{good}{}", "A".repeat(1_000_000)), long),
    ];
    let verifier = verifier();
    for (trick, forged, error) in &table {
        assert_eq!(verifier.verify(forged, ISSUER, NOW).unwrap_err(), *error, "{trick}");
    }
    assert!(table.len() >= 30);
}

#[test]
fn every_changed_character_is_refused() {
    let (good, verifier) = (token(), verifier());
    for at in 0..good.len() {
        let mut wrong = good.clone().into_bytes();
        // The nearest letter: also what only changes a last character's unused bits.
        wrong[at] = match wrong[at] {
            b'Z' | b'z' | b'9' | b'.' | b'_' | b'-' => b'A',
            other => other + 1,
        };
        let wrong = String::from_utf8(wrong).unwrap();
        assert!(verifier.verify(&wrong, ISSUER, NOW).is_err(), "at {at}");
    }
}

#[test]
fn claims_that_no_token_can_carry_are_not_signed() {
    for (iat, exp) in [(NOW, NOW - 1), (NOW, u64::from(u32::MAX) + 1), (u64::MAX, u64::MAX)] {
        let claims = SessionClaims { iat, exp, ..claims() };
        assert_eq!(signer().sign(&claims, ISSUER).unwrap_err(), TokenError::Claims);
    }
}

#[test]
fn a_malformed_signing_secret_is_refused() {
    let seed = STANDARD.encode(SEED);
    for json in [
        String::new(),
        "{}".to_owned(),
        r#"{"current":"k","keys":{}}"#.to_owned(),
        format!(r#"{{"current":"other","keys":{{"k":"{seed}"}}}}"#),
        format!(r#"{{"current":"","keys":{{"":"{seed}"}}}}"#),
        format!(r#"{{"current":"a\"b","keys":{{"a\"b":"{seed}"}}}}"#),
        format!(r#"{{"current":"k","keys":{{"k":"{}"}}}}"#, STANDARD.encode([1; 31])),
        format!(r#"{{"current":"k","keys":{{"k":"{}"}}}}"#, STANDARD.encode([1; 64])),
        r#"{"current":"k","keys":{"k":"*"}}"#.to_owned(),
        format!(r#"{{"current":"k","keys":{{"k":"{seed}"}},"more":1}}"#),
    ] {
        assert_eq!(SessionSigner::from_json(&json).unwrap_err(), TokenError::Key, "{json}");
    }
}

#[test]
fn a_key_set_of_any_other_kind_is_refused() {
    let x = b64(&key_pair(SEED).pk[..]);
    let key = |members: &str| format!(r#"{{"keys":[{{{members}}}]}}"#);
    let good = format!(r#""kty":"OKP","crv":"Ed25519","x":"{x}","kid":"k""#);
    assert!(SessionVerifier::from_jwks(&key(&good)).is_ok());
    for jwks in [
        String::new(),
        "{}".to_owned(),
        r#"{"keys":[]}"#.to_owned(),
        key(&good.replace(r#","kid":"k""#, "")),
        key(&good.replace(r#""kid":"k""#, r#""kid":"a\"b""#)),
        key(&good.replace("Ed25519", "X25519")),
        key(&good.replace("OKP", "oct")),
        key(&good.replace(&x, &b64([0; 32]))),
        key(&good.replace(&x, &x[1..])),
        key(&format!(r#"{good},"use":"enc""#)),
        key(&format!(r#"{good},"alg":"RS256""#)),
        format!(r#"{{"keys":[{{{good}}},{{{good}}}]}}"#),
        r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"k"}]}"#.to_owned(),
    ] {
        assert_eq!(SessionVerifier::from_jwks(&jwks).unwrap_err(), TokenError::Key, "{jwks}");
    }
}

/// Invariants 1 and 3: the published set holds no private member, and Debug shows no key.
#[test]
fn no_private_key_leaves_the_signer() {
    let jwks = signer().jwks();
    assert!(!jwks.contains(r#""d""#));
    for seed in [SEED, OLD_SEED] {
        assert!(!jwks.contains(&b64(seed)));
    }
    assert_eq!(format!("{:?}", signer()), r#"SessionSigner { current: "k2", .. }"#);
}

proptest::proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(text: String, rest in "\\PC{0,400}") {
        let verifier = verifier();
        let rest = format!("{}.{rest}", b64(HEADER));
        for text in [text, rest] {
            proptest::prop_assert!(verifier.verify(&text, ISSUER, NOW).is_err());
        }
    }
}

#[test]
fn an_identity_assertion_is_no_session() {
    let signer = signer();
    let verifier = SessionVerifier::from_jwks(&signer.jwks()).unwrap();
    let assertion = signer.sign_for(&claims(), ISSUER, "app").unwrap();
    assert_eq!(verifier.verify(&assertion, ISSUER, claims().iat), Err(TokenError::SessionInvalid));
}

/// B4: whoever has the public keys can check a certificate, by RFC 7515 alone.
#[test]
fn b4_a_deletion_certificate_is_signed_by_a_published_key_under_its_own_type() {
    let said = serde_json::json!({ "iss": ISSUER, "sub": "org_e1", "iat": NOW, "dek_version": 3 });
    let certificate = signer().sign_deletion_certificate(&said).unwrap();
    let parts: Vec<&str> = certificate.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let json =
        |part| serde_json::from_slice::<serde_json::Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(
        json(header),
        serde_json::json!({ "alg": "EdDSA", "kid": "k2", "typ": "deletion-certificate+jwt" })
    );
    assert_eq!(json(payload), said);
    let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    key_pair(SEED).pk.verify(format!("{header}.{payload}"), &signature).unwrap();
}

/// B4: what certifies an end opens nothing, even if it says all that a session says.
#[test]
fn b4_a_deletion_certificate_is_no_session() {
    let session: serde_json::Value = serde_json::from_str(&payload()).unwrap();
    let certificate = signer().sign_deletion_certificate(&session).unwrap();
    assert_eq!(verifier().verify(&certificate, ISSUER, NOW).unwrap_err(), TokenError::SessionHeader);
    // Nor with a session token's header put before it.
    let (_, rest) = certificate.split_once('.').unwrap();
    let forged = format!("{}.{rest}", b64(HEADER));
    assert_eq!(verifier().verify(&forged, ISSUER, NOW).unwrap_err(), TokenError::SessionInvalid);
}

/// RFC 7519, section 4.1.3: a token for another audience is refused. A bearer token is none in the cookie, nor the other way.
#[test]
fn m4_a_token_goes_one_way_alone() {
    let (bearer, cookie) = (token(), signer().sign_cookie(&claims(), ISSUER).unwrap());
    for now in [NOW, NOW + 600, NOW + 10_000_000] {
        assert!(verifier().verify(&bearer, ISSUER, now).is_ok());
        assert_eq!(verifier().verify_cookie(&cookie, ISSUER, now).unwrap().claims, claims());
        assert_eq!(verifier().verify_cookie(&bearer, ISSUER, now), Err(TokenError::SessionInvalid));
        assert_eq!(verifier().verify(&cookie, ISSUER, now), Err(TokenError::SessionInvalid));
    }
}
