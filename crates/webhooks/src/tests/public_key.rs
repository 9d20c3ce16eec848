//! Key pairs: what is no sound key or signature is refused, and nothing can be signed by whoever only verifies.

use super::{NOW, Signed, key_of};
use crate::public_key::{verify_ed25519, verify_p256};
use crate::sign::{Unsigned, sign_as};
use crate::*;

#[test]
fn a_pasted_public_key_is_taken_or_refused_with_a_reason() {
    let parse = |id: &str, key: &str| provider(id).unwrap().parse_secret(key).map(drop);
    let ed25519_hex = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    let spki = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    assert_eq!(parse("discord", ed25519_hex), Ok(()));
    assert_eq!(parse("discord", &ed25519_hex.to_uppercase()), Ok(()));
    assert_eq!(parse("telnyx", "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw="), Ok(()));
    assert_eq!(parse("sendgrid", spki), Ok(()));
    for (id, key) in [
        ("discord", &ed25519_hex[2..]),
        ("discord", "not hexadecimal"),
        // Points of small order: the identity, and one of order 8. Anything would verify under them.
        ("discord", "0100000000000000000000000000000000000000000000000000000000000000"),
        ("discord", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        // No point at all.
        ("discord", "0200000000000000000000000000000000000000000000000000000000000000"),
        ("telnyx", ed25519_hex),
        ("sendgrid", "-----BEGIN PUBLIC KEY-----"),
        ("sendgrid", "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw="),
        ("sendgrid", &spki[..spki.len() - 4]),
    ] {
        assert_eq!(parse(id, key), Err(SecretError::NotPublicKey), "{id} {key}");
    }
    // Off the curve by its last bit.
    assert_eq!(parse("sendgrid", &spki.replace("+g==", "+w==")), Err(SecretError::NotPublicKey));
}

/// RFC 8032, section 7.1, test 3; and the same with `s + L`, which a careless verifier takes for another signature.
#[test]
fn n4_an_ed25519_signature_has_one_spelling() {
    let hex = |text: &str| crate::encoding::decode_hex(text).unwrap();
    let key = hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    let signature = hex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    );
    assert!(verify_ed25519(&key, &[&[0xaf], &[0x82]], &signature));
    assert!(!verify_ed25519(&key, &[&[0xaf], &[0x83]], &signature));

    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    let mut second = signature.clone();
    for (byte, added) in second[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(added);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    assert_ne!(second, signature);
    assert!(!verify_ed25519(&key, &[&[0xaf, 0x82]], &second));
    for short in [&signature[..63], &[], &[0; 64]] {
        assert!(!verify_ed25519(&key, &[&[0xaf, 0x82]], short));
    }
}

#[test]
fn n4_an_ecdsa_signature_is_strict_der() {
    let sendgrid = Signed::sample(provider("sendgrid").unwrap());
    let key = sendgrid.provider;
    let message = [sendgrid.headers[1].1.as_bytes(), &sendgrid.body].concat();
    let der = crate::provider::Encoding::Base64.decode(&sendgrid.headers[0].1).unwrap();
    let point = {
        use secrecy::ExposeSecret as _;
        key_of(key, 7).0.expose_secret().to_vec()
    };
    assert!(verify_p256(&point, &[&message], &der));
    let trailing = [&der[..], &[0]].concat();
    let mut long_form = der.clone();
    long_form.splice(1..2, [0x81, der[1]]);
    let mut padded = der.clone();
    padded.splice(3..4, [der[3] + 1, 0]);
    padded[1] += 1;
    for (what, other) in [("trailing", trailing), ("long form", long_form), ("padded", padded)] {
        assert!(!verify_p256(&point, &[&message], &other), "{what}");
    }
    // r = s = 0, and r = s = 1.
    assert!(!verify_p256(&point, &[&message], &[0x30, 6, 2, 1, 0, 2, 1, 0]));
    assert!(!verify_p256(&point, &[&message], &[0x30, 6, 2, 1, 1, 2, 1, 1]));
}

#[test]
fn whoever_only_verifies_cannot_sign() {
    let message = Unsigned { method: "POST", url: "", id: "m", timestamp_ms: NOW, body: b"{}" };
    for provider in providers().iter().filter(|provider| !provider.fetches_key()) {
        let symmetric = provider.credential() != Credential::PublicKey && provider.id != "generic";
        let message = Unsigned { body: &super::body(provider), ..message };
        assert_eq!(sign_as(provider, &key_of(provider, 7), &message).is_some(), symmetric, "{}", provider.id);
    }
    let ids = providers().iter().filter(|provider| provider.credential() == Credential::PublicKey);
    assert!(ids.map(|provider| provider.id).eq(["discord", "sendgrid", "telnyx"]));
}
