//! Forged tokens: header, key, signature and encoding. Each row is an attack and the one refusal that must meet it.

use super::*;
use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use sha2::Sha256;

type Row = (&'static str, String, OidcError);

fn refuse(rows: &[Row]) {
    for (attack, token, expected) in rows {
        assert_eq!(verify(token).unwrap_err(), *expected, "{attack}");
    }
}

fn unsigned(header: &str) -> String {
    format!("{}.{}.", b64(header), b64(payload().to_string()))
}

fn hs256(header: &str, key: &[u8]) -> String {
    let input = format!("{}.{}", b64(header), b64(payload().to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(input.as_bytes());
    format!("{input}.{}", b64(mac.finalize().into_bytes()))
}

/// The genuine token under another key's signature.
fn by_a_stranger(header: &str) -> String {
    let input = format!("{}.{}", b64(header), b64(payload().to_string()));
    let stranger = KeyPair::from_seed(Seed::new([9; 32]));
    format!("{input}.{}", b64(stranger.sk.sign(&input, None).as_slice()))
}

/// Header `header`, and the signature of the genuine token `token` over other bytes.
fn transplanted(header: &str, token: &str) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", b64(header))
}

#[test]
fn no_algorithm_but_the_three_is_accepted() {
    let names = [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        "",
        "HS256",
        "HS384",
        "HS512",
        "RS384",
        "RS512",
        "RS1",
        "PS256",
        "ES384",
        "ES256K",
        "Ed448",
        "rs256",
        "RS256\\u0000",
        "eddsa",
        "EDDSA",
        "ML-DSA-44",
        "RSA-OAEP",
        "dir",
    ];
    for name in names {
        for kid in ["", r#","kid":"ed""#] {
            let header = format!(r#"{{"alg":"{name}"{kid}}}"#);
            assert_eq!(verify(&unsigned(&header)).unwrap_err(), OidcError::Algorithm, "{name}");
            assert_eq!(verify(&with_header(&header)).unwrap_err(), OidcError::Algorithm, "{name}");
        }
    }
    for header in [r#"{"alg":null,"kid":"ed"}"#, r#"{"kid":"ed"}"#, r#"{"alg":["EdDSA"]}"#, r#"{"alg":0}"#] {
        assert_eq!(verify(&with_header(header)).unwrap_err(), OidcError::TokenHeader, "{header}");
    }
}

#[test]
fn a_public_key_is_no_mac_key() {
    let rsa: RS256PublicKey = RSA.public_key();
    let secrets = [
        rsa.to_pem().unwrap().into_bytes(),
        rsa.to_pem().unwrap().trim().as_bytes().to_vec(),
        rsa.to_der().unwrap(),
        rsa.to_components().n,
        ED.pk.as_slice().to_vec(),
        ED.pk.to_pem().into_bytes(),
        EC.key_pair().public_key().to_bytes_uncompressed(),
        ed_jwk().to_string().into_bytes(),
        Vec::new(),
    ];
    for secret in secrets {
        for kid in ["rsa", "ec", "ed"] {
            let token = hs256(&format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{kid}"}}"#), &secret);
            assert_eq!(verify(&token).unwrap_err(), OidcError::Algorithm);
        }
        assert_eq!(verify(&hs256(ED_HEADER, &secret)).unwrap_err(), OidcError::Signature);
    }
}

#[test]
fn a_key_id_only_picks_a_known_key_of_the_algorithm() {
    use OidcError::{TokenHeader, UnknownKey};
    let header = |kid: &str| by_a_stranger(&json!({ "alg": "EdDSA", "kid": kid, "typ": "JWT" }).to_string());
    let confused = |alg: &str, kid: &str| with_header(&json!({ "alg": alg, "kid": kid }).to_string());
    refuse(&[
        ("empty", header(""), UnknownKey),
        ("path", header("../../../../dev/null"), UnknownKey),
        ("absolute path", header("/proc/sys/kernel/randomize_va_space"), UnknownKey),
        ("SQL", header("ed' UNION SELECT 'AA' -- "), UnknownKey),
        ("command", header("ed|/usr/bin/id"), UnknownKey),
        ("URL", header("https://evil.example/jwks.json"), UnknownKey),
        ("NUL", header("ed\0"), UnknownKey),
        ("white space", header("ed "), UnknownKey),
        ("upper case", header("ED"), UnknownKey),
        ("prefix", header("e"), UnknownKey),
        ("very long", header(&"ed".repeat(3000)), UnknownKey),
        ("RSA key for ES256", confused("ES256", "rsa"), UnknownKey),
        ("RSA key for EdDSA", confused("EdDSA", "rsa"), UnknownKey),
        ("EC key for RS256", confused("RS256", "ec"), UnknownKey),
        ("Ed25519 key for RS256", confused("RS256", "ed"), UnknownKey),
        ("Ed25519 key for ES256", confused("ES256", "ed"), UnknownKey),
        ("number", with_header(r#"{"alg":"EdDSA","kid":1}"#), TokenHeader),
        ("list", with_header(r#"{"alg":"EdDSA","kid":["ed"]}"#), TokenHeader),
        ("twice", with_header(r#"{"alg":"EdDSA","kid":"x","kid":"ed"}"#), TokenHeader),
        ("algorithm twice", with_header(r#"{"alg":"none","alg":"EdDSA","kid":"ed"}"#), TokenHeader),
        ("twice by an escape", with_header(r#"{"alg":"none","\u0061lg":"EdDSA","kid":"ed"}"#), TokenHeader),
    ]);
}

#[test]
fn a_token_cannot_bring_its_key_an_extension_or_another_type() {
    let stranger = KeyPair::from_seed(Seed::new([9; 32]));
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(stranger.pk.as_slice()), "kid": "ed" });
    let headers = [
        json!({ "jwk": jwk }),
        json!({ "jwk": null }),
        json!({ "jku": "https://evil.example/jwks.json" }),
        json!({ "jku": "https://id.example.com@evil.example/jwks.json" }),
        json!({ "x5u": "https://evil.example/cert.pem" }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": [] }),
        json!({ "crit": null }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "typ": "at+jwt" }),
        json!({ "typ": "logout+jwt" }),
        json!({ "typ": "JOSE" }),
        json!({ "typ": "" }),
    ];
    for mut header in headers {
        header["alg"] = json!("EdDSA");
        header["kid"] = json!("ed");
        let header = header.to_string();
        for token in [by_a_stranger(&header), with_header(&header)] {
            assert_eq!(verify(&token).unwrap_err(), OidcError::TokenHeader, "{header}");
        }
    }
}

#[test]
fn a_signature_that_is_not_the_key_s_own_is_refused() {
    use OidcError::Signature;
    let (ed, ec, rsa) = (genuine(), EC.sign(plain(payload())).unwrap(), RSA.sign(plain(payload())).unwrap());
    let input = |token: &str| token.rsplit_once('.').unwrap().0.to_owned();
    let signature = |token: &str| token.rsplit_once('.').unwrap().1.to_owned();
    let join = |token: &str, bytes: &[u8]| format!("{}.{}", input(token), b64(bytes));
    let claims = b64(payload().to_string().replace("248289761001", "1"));
    let swapped = |token: &str| {
        let header = token.split('.').next().unwrap();
        format!("{header}.{claims}.{}", signature(token))
    };
    refuse(&[
        ("of a stranger", by_a_stranger(ED_HEADER), Signature),
        ("of a stranger, no key id", by_a_stranger(r#"{"alg":"EdDSA"}"#), Signature),
        ("none", format!("{}.", input(&ed)), Signature),
        ("none, RS256", format!("{}.", input(&rsa)), Signature),
        ("none, ES256", format!("{}.", input(&ec)), Signature),
        ("zero, EdDSA", join(&ed, &[0; 64]), Signature),
        ("zero, ES256 (CVE-2022-21449)", join(&ec, &[0; 64]), Signature),
        ("zero, RS256", join(&rsa, &[0; 256]), Signature),
        ("one, RS256", join(&rsa, &[&[0; 255][..], &[1]].concat()), Signature),
        ("short, RS256", join(&rsa, &[1; 255]), Signature),
        ("long, RS256", join(&rsa, &[0; 512]), Signature),
        (
            "DER, ES256",
            join(&ec, &[&[0x30, 68, 2, 32][..], &[1; 32], &[2, 32], &[1; 32]].concat()),
            Signature,
        ),
        ("of another token", format!("{}.{}", input(&ed), signature(&with("sub", json!("1")))), Signature),
        ("over other claims, EdDSA", swapped(&ed), Signature),
        ("over other claims, ES256", swapped(&ec), Signature),
        ("over other claims, RS256", swapped(&rsa), Signature),
        ("ES256's under an RS256 header", transplanted(r#"{"alg":"RS256","kid":"rsa"}"#, &ec), Signature),
        ("RS256's under an EdDSA header", transplanted(ED_HEADER, &rsa), Signature),
        (
            "of the other name of its algorithm",
            transplanted(r#"{"alg":"Ed25519","kid":"ed"}"#, &ed),
            Signature,
        ),
    ]);
}

#[test]
fn anything_but_three_parts_of_canonical_base64url_is_refused() {
    use OidcError::{TokenHeader, TokenMalformed, TokenTooLong};
    let token = genuine();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!() };
    // 64 bytes leave four spare bits in the last character.
    let last = signature.chars().last().unwrap();
    let spare = char::from(last as u8 + 1);
    let stray = format!("{header}.{claims}.{}{spare}", &signature[..signature.len() - 1]);
    refuse(&[
        ("empty", String::new(), TokenMalformed),
        ("one part", header.to_owned(), TokenMalformed),
        ("two parts", format!("{header}.{claims}"), TokenMalformed),
        ("only dots", "..".to_owned(), TokenHeader),
        ("four parts", format!("{token}.{signature}"), TokenMalformed),
        ("five parts, as of a JWE", format!("{token}.a.b"), TokenMalformed),
        ("a doubled dot", token.replacen('.', "..", 1), TokenMalformed),
        ("a dot at the end", format!("{token}."), TokenMalformed),
        ("a dot at the beginning", format!(".{token}"), TokenMalformed),
        ("padding", format!("{token}=="), TokenMalformed),
        ("padding inside", format!("{header}=.{claims}.{signature}"), TokenMalformed),
        ("stray bits", stray, TokenMalformed),
        ("white space before", format!(" {token}"), TokenMalformed),
        ("line break after", format!("{token}\n"), TokenMalformed),
        ("standard alphabet", format!("{header}.{claims}.{}+/", &signature[..84]), TokenMalformed),
        ("NUL", format!("{token}\0"), TokenMalformed),
        ("not ASCII", format!("{token}é"), TokenMalformed),
        ("a JSON serialization", format!(r#"{{"payload":"{claims}"}}"#), TokenMalformed),
        ("header no JSON", signed("EdDSA", payload().to_string()), TokenHeader),
        ("header with more behind it", with_header(&format!("{ED_HEADER}x")), TokenHeader),
        ("one byte too long", "a".repeat(MAX_TOKEN_LEN + 1), TokenTooLong),
        ("a megabyte", format!("{header}.{}.{signature}", "A".repeat(1 << 20)), TokenTooLong),
        ("a megabyte, truly signed", with("x", json!("a".repeat(1 << 20))), TokenTooLong),
    ]);
}

#[test]
fn every_cut_and_every_changed_character_is_refused() {
    let token = genuine();
    for at in 0..token.len() {
        assert!(verify(&token[..at]).is_err(), "cut at {at}");
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(verify(std::str::from_utf8(&changed).unwrap()).is_err(), "changed at {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_token_panics_or_passes(token in "[A-Za-z0-9_.=-]{0,80}", header in ".{0,60}", claims in ".{0,60}") {
        prop_assert!(verify(&token).is_err());
        prop_assert!(verify(&signed(&header, &claims)).is_err());
        prop_assert!(verify(&signed(ED_HEADER, &claims)).is_err());
    }

    #[test]
    fn no_key_set_panics(text in ".{0,100}", n in "[A-Za-z0-9_-]{0,20}", kty in "RSA|EC|OKP", crv in "P-256|Ed25519") {
        let _ = Jwks::parse(&metadata(), text.as_bytes());
        for crv in [json!(crv), json!(null)] {
            let key = json!({ "kty": kty, "crv": crv, "n": n, "e": "AQAB", "x": n, "y": n });
            let _ = Jwks::parse(&metadata(), json!({ "keys": [key] }).to_string().as_bytes());
        }
    }
}
