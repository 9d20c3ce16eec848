use super::*;
use crate::{Context, Purpose};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

const ORG: &str = "org_e0000000000000000000000000";

fn key(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

/// A keyring whose key of version n is 32 bytes of n.
fn keyring(current: u8, versions: &[u8]) -> Keyring {
    let keys: Vec<String> = versions.iter().map(|v| format!(r#""{v}":"{}""#, key(*v))).collect();
    Keyring::from_json(&format!(r#"{{"current":{current},"keys":{{{}}}}}"#, keys.join(","))).unwrap()
}

fn kek(number: u32) -> KeyVersion {
    KeyVersion::new(number).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether two opened keys are the same: what one seals the other opens.
fn same(a: &Dek, b: &Dek) -> bool {
    let context =
        Context { org: ORG, record: "r", connector: "", allowed_hosts: &[], purpose: Purpose::Credential };
    b.open(&context, &a.seal(&context, b"x").unwrap()).is_ok()
}

/// Keys wrapped by an earlier release must unwrap for ever: this value never changes.
#[test]
fn stored_form_is_frozen() {
    let ring = keyring(2, &[1, 2]);
    let dek = Key::from_slice(&[0x33; 32]).unwrap();
    let head = Head { kek: kek(2), dek: DekVersion::new(NonZeroU32::new(7).unwrap()) };
    let wrapped = ring.wrap_with_nonce(ORG, head, &dek, [0x22; NONCE_LEN]).unwrap();
    assert_eq!(
        hex(wrapped.as_bytes()),
        concat!(
            "014b",
            "00000002",
            "00000007",
            "222222222222222222222222",
            "4adba1c41fb2ee245cd8de77f6114fdbfdc22da8528831c9b12fdd3550049249",
            "44fb7b7412e0362f7e36b5ebc0b8e0e1"
        )
    );
    let read = WrappedDek::from_bytes(wrapped.as_bytes()).unwrap();
    assert_eq!((read.key_version().get(), read.dek_version().get()), (2, 7));
    assert_eq!(ring.open(ORG, &read).unwrap().as_bytes(), &[0x33; 32]);
}

/// M1: every org's key is its own, and the stored form does not contain it.
#[test]
fn m1_each_org_gets_a_fresh_key_that_opens_for_it_alone() {
    let ring = keyring(1, &[1]);
    let (a, b) = (ring.new_dek(ORG, None).unwrap(), ring.new_dek(ORG, None).unwrap());
    assert!(same(&ring.unwrap(ORG, &a).unwrap(), &ring.unwrap(ORG, &a).unwrap()));
    assert!(!same(&ring.unwrap(ORG, &a).unwrap(), &ring.unwrap(ORG, &b).unwrap()));
    assert_eq!(ring.unwrap("org_e1", &a).unwrap_err(), VaultError::Refused);
    let opened = ring.open(ORG, &a).unwrap();
    assert!(!a.as_bytes().windows(8).any(|window| window == &opened.as_bytes()[..8]));
}

/// C7: rotation keeps the data key, so no record is sealed again; the old KEK may then be dropped.
#[test]
fn c7_rewrapping_moves_a_key_to_another_kek() {
    let old = keyring(1, &[1]).new_dek(ORG, None).unwrap();
    // Whichever is current.
    for both in [keyring(1, &[1, 2]), keyring(2, &[1, 2])] {
        let new = both.rewrap(ORG, &old, kek(2)).unwrap().unwrap();
        assert_eq!((old.key_version().get(), new.key_version().get()), (1, 2));
        assert_eq!(new.dek_version(), old.dek_version());
        assert!(same(&both.unwrap(ORG, &old).unwrap(), &keyring(2, &[2]).unwrap(ORG, &new).unwrap()));
        assert_eq!(both.rewrap(ORG, &new, kek(2)).unwrap(), None);
    }
    assert_eq!(keyring(2, &[2]).unwrap(ORG, &old).unwrap_err(), VaultError::UnknownKek);
    assert_eq!(keyring(2, &[2]).rewrap(ORG, &old, kek(2)).unwrap_err(), VaultError::UnknownKek);
    assert_eq!(keyring(1, &[1]).rewrap(ORG, &old, kek(2)).unwrap_err(), VaultError::UnknownKek);
    assert_eq!(keyring(2, &[1, 2]).rewrap("org_e1", &old, kek(2)).unwrap_err(), VaultError::Refused);
}

#[test]
fn a_new_key_is_wrapped_by_the_version_that_is_named() {
    let ring = keyring(1, &[1, 2]);
    assert_eq!(ring.new_dek(ORG, None).unwrap().key_version().get(), 1);
    assert_eq!(ring.new_dek(ORG, Some(kek(2))).unwrap().key_version().get(), 2);
    assert_eq!(ring.new_dek(ORG, Some(kek(3))).unwrap_err(), VaultError::UnknownKek);
}

/// C7: an org's own data key in its next version is another key; what the old one has sealed stays its.
#[test]
fn c7_a_rotated_data_key_is_another_one_of_the_next_version() {
    let ring = keyring(1, &[1, 2]);
    let old = ring.new_dek(ORG, None).unwrap();
    let new = ring.rotate_dek(ORG, &old, kek(2)).unwrap();
    assert_eq!((new.dek_version().get(), new.key_version().get()), (2, 2));
    let (old_dek, new_dek) = (ring.unwrap(ORG, &old).unwrap(), ring.unwrap(ORG, &new).unwrap());
    assert!(!same(&old_dek, &new_dek));
    assert_ne!(ring.open(ORG, &old).unwrap().as_bytes(), ring.open(ORG, &new).unwrap().as_bytes());
    let head = Head { kek: kek(1), dek: DekVersion::new(NonZeroU32::MAX) };
    let last = ring.wrap_with_nonce(ORG, head, &Key::random().unwrap(), [1; NONCE_LEN]).unwrap();
    assert_eq!(ring.rotate_dek(ORG, &last, kek(1)).unwrap_err(), VaultError::Length);
}

#[test]
fn every_flipped_bit_and_every_other_length_is_refused() {
    let ring = keyring(1, &[1, 2]);
    let stored = ring.new_dek(ORG, None).unwrap().as_bytes().to_vec();
    for bit in 0..stored.len() * 8 {
        let mut changed = stored.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let opened =
            WrappedDek::from_bytes(&changed).and_then(|wrapped| ring.unwrap(ORG, &wrapped).map(|_| ()));
        assert!(opened.is_err(), "bit {bit}");
    }
    for len in 0..stored.len() {
        assert_eq!(WrappedDek::from_bytes(&stored[..len]).unwrap_err(), VaultError::Length, "cut to {len}");
    }
    assert_eq!(WrappedDek::from_bytes(&[&stored[..], &[0]].concat()).unwrap_err(), VaultError::Length);
}

#[test]
fn each_kind_of_bad_bytes_has_its_own_error() {
    let stored = keyring(1, &[1]).new_dek(ORG, None).unwrap().as_bytes().to_vec();
    for (at, byte, error) in [
        (0, 2, VaultError::UnknownFormat),
        (1, b'R', VaultError::UnknownFormat),
        (5, 0, VaultError::ZeroVersion),
        (9, 0, VaultError::ZeroVersion),
    ] {
        let mut changed = stored.clone();
        changed[at] = byte;
        assert_eq!(WrappedDek::from_bytes(&changed).unwrap_err(), error, "byte {at}");
    }
}

#[test]
fn a_keyring_with_a_fault_is_refused_by_its_cause() {
    let (a, b) = (key(1), key(2));
    let cases = [
        ("", VaultError::KeyringSyntax),
        ("[]", VaultError::KeyringSyntax),
        (r#"{"current":1}"#, VaultError::KeyringSyntax),
        (r#"{"current":"1","keys":{"1":"A"}}"#, VaultError::KeyringSyntax),
        (r#"{"current":-1,"keys":{"1":"A"}}"#, VaultError::KeyringSyntax),
        (r#"{"current":1,"keys":{"1":"A"},"extra":1}"#, VaultError::KeyringSyntax),
        (r#"{"current":1,"keys":{"1":"A"}}x"#, VaultError::KeyringSyntax),
        (r#"{"current":1,"keys":{"1":7}}"#, VaultError::KeyringSyntax),
        (r#"{"current":1,"keys":{}}"#, VaultError::KeyringCurrent),
        (r#"{"current":2,"keys":{"1":"A"}}"#, VaultError::KeyringCurrent),
        (r#"{"current":0,"keys":{"1":"A"}}"#, VaultError::KeyringVersion),
        (r#"{"current":1,"keys":{"0":"A"}}"#, VaultError::KeyringVersion),
        (r#"{"current":1,"keys":{"01":"A"}}"#, VaultError::KeyringVersion),
        (r#"{"current":1,"keys":{"+1":"A"}}"#, VaultError::KeyringVersion),
        (r#"{"current":1,"keys":{"one":"A"}}"#, VaultError::KeyringVersion),
        (r#"{"current":1,"keys":{"4294967296":"A"}}"#, VaultError::KeyringVersion),
        (r#"{"current":1,"keys":{"1":"A","1":"B"}}"#, VaultError::KeyringDuplicate),
        (r#"{"current":1,"keys":{"1":"A","2":"A"}}"#, VaultError::KeyringDuplicate),
        (r#"{"current":1,"keys":{"1":"*"}}"#, VaultError::KeyringEncoding),
        (r#"{"current":1,"keys":{"1":""}}"#, VaultError::KeyringLength),
        (r#"{"current":1,"keys":{"1":"AAAA"}}"#, VaultError::KeyringLength),
    ];
    for (json, error) in cases {
        let json = json.replace("\"A\"", &format!("\"{a}\"")).replace("\"B\"", &format!("\"{b}\""));
        assert_eq!(Keyring::from_json(&json).unwrap_err(), error, "{error:?}: {json}");
    }
    let url_safe_or_unpadded = format!(r#"{{"current":1,"keys":{{"1":"{}"}}}}"#, a.trim_end_matches('='));
    assert_eq!(Keyring::from_json(&url_safe_or_unpadded).unwrap_err(), VaultError::KeyringEncoding);
}

#[test]
fn the_keyring_tells_its_versions() {
    let ring = keyring(2, &[3, 1, 2]);
    assert_eq!((ring.current().get(), ring.highest().get()), (2, 3));
    assert_eq!(ring.versions().map(KeyVersion::get).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(ring.has(kek(3)) && !ring.has(kek(4)));
    assert_eq!(KeyVersion::new(0), None);
}

#[test]
fn debug_shows_no_bytes() {
    let ring = keyring(2, &[1, 2]);
    assert_eq!(format!("{ring:?}"), "Keyring { current: 2, versions: 2, .. }");
    let wrapped = ring.new_dek(ORG, None).unwrap();
    assert_eq!(format!("{wrapped:?}"), "WrappedDek { key_version: 2, dek_version: 1, .. }");
}

proptest! {
    #[test]
    fn nearly_a_keyring_is_refused_without_a_panic(
        json in r#"\{"current":[0-9]{0,11},"keys":\{"[0-9]{0,11}":"[A-Za-z0-9+/=]{0,42}"\}\}"#,
    ) {
        prop_assert!(Keyring::from_json(&json).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused_but_never_unwrap(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(wrapped) = WrappedDek::from_bytes(&bytes) {
            prop_assert!(keyring(1, &[1]).unwrap(ORG, &wrapped).is_err());
        }
    }
}
