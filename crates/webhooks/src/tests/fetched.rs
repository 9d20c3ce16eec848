//! Certificates and signatures for the providers whose key is fetched. `certificates/` was made with OpenSSL; its private
//! keys are nobody's.

use crate::*;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha2::{Digest, Sha256};

/// The moment of the vectors.
pub(crate) const NOW: u64 = 1_760_000_000_000;

pub(crate) const GOOD: &[u8] = include_bytes!("certificates/good.pem");
pub(crate) const OTHER: &[u8] = include_bytes!("certificates/other.pem");
/// 2020 to 2021.
pub(crate) const EXPIRED: &[u8] = include_bytes!("certificates/expired.pem");

/// RSA-SHA256 by the key of [`GOOD`].
pub(crate) fn sign(message: &[u8]) -> Vec<u8> {
    sign_with(include_bytes!("certificates/good.fake-key.der"), message)
}

/// RSA-SHA256 by the key of [`EXPIRED`].
pub(crate) fn sign_expired(message: &[u8]) -> Vec<u8> {
    sign_with(include_bytes!("certificates/expired.fake-key.der"), message)
}

fn sign_with(key: &[u8], message: &[u8]) -> Vec<u8> {
    let prefix = [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
    let scheme = Pkcs1v15Sign { hash_len: Some(32), prefix: Box::new(prefix) };
    RsaPrivateKey::from_pkcs8_der(key).unwrap().sign(scheme, &Sha256::digest(message)).unwrap()
}

/// Reads and verifies.
pub(crate) fn check(
    id: &str,
    secrets: &[&str],
    headers: &[(&str, &str)],
    body: &[u8],
    key: &FetchedKey,
    now_ms: u64,
) -> Result<Verified, Refusal> {
    pending(id, secrets, headers, body)?.verify(key, now_ms)
}

pub(crate) fn pending(
    id: &str,
    secrets: &[&str],
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Pending, Refusal> {
    let row = provider(id).unwrap();
    let secrets: Vec<_> = secrets.iter().map(|secret| row.parse_secret(secret).unwrap()).collect();
    read(row, &secrets, &Request { method: "POST", url: "", headers, body })
}

pub(crate) fn pem(pem: &[u8]) -> FetchedKey {
    FetchedKey::from_pem(pem).unwrap()
}

#[test]
fn only_rsa_certificates_of_a_fair_length_are_keys() {
    assert!(FetchedKey::from_pem(GOOD).is_ok());
    let chain = [GOOD, OTHER].concat();
    assert!(FetchedKey::from_pem(&chain).is_ok(), "the first of a chain");
    let cut = &GOOD[..GOOD.len() - 40];
    let text = String::from_utf8(GOOD.to_vec()).unwrap();
    let shifted = text.replacen("MII", "MIJ", 1);
    let other_kind = text.replace("CERTIFICATE", "PUBLIC KEY");
    let huge = [&GOOD[..30], "A".repeat(1 << 20).as_bytes(), &GOOD[30..]].concat();
    for (what, bytes) in [
        ("1024 bits", &include_bytes!("certificates/weak.pem")[..]),
        ("an elliptic curve", &include_bytes!("certificates/ec.pem")[..]),
        ("cut", cut),
        ("another length", shifted.as_bytes()),
        ("no certificate", other_kind.as_bytes()),
        ("huge", &huge),
        ("no text", &[0xff; 64]),
        ("empty", b""),
        ("nothing in it", b"-----BEGIN CERTIFICATE----------END CERTIFICATE-----"),
        ("a page", b"<html>not found</html>"),
    ] {
        assert!(matches!(FetchedKey::from_pem(bytes), Err(Refusal::KeyUnusable)), "{what}");
    }
}

proptest::proptest! {
    #[test]
    fn no_file_makes_the_reader_of_certificates_panic(at in 28usize..1100, byte: u8, cut in 0usize..1180) {
        let mut changed = GOOD.to_vec();
        changed[at] = byte;
        let _ = FetchedKey::from_pem(&changed);
        let _ = FetchedKey::from_pem(&changed[..cut]);
    }
}

#[test]
fn a_row_without_a_key_to_fetch_is_not_read_so_and_the_other_way_round() {
    let request = Request { method: "POST", url: "", headers: &[("x", "y")][..], body: b"" };
    let key = SecretKey::from_bytes(vec![1; 32]);
    for row in providers() {
        assert_eq!(row.fetches_key(), matches!(row.id, "aws-sns" | "paypal" | "plaid"), "{}", row.id);
        assert_eq!(row.secret_stays(), row.id == "plaid", "{}", row.id);
        if row.fetches_key() {
            let refused = verify(row, std::slice::from_ref(&key), &request, NOW, None);
            assert_eq!(refused, Err(Refusal::SchemeMissing));
        } else {
            let refused = read(row, std::slice::from_ref(&key), &request).err();
            assert_eq!(refused, Some(Refusal::SchemeMissing));
        }
    }
}
