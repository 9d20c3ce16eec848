use super::*;
use proptest::prelude::*;

const ORG: &str = "org_e0000000000000000000000000";
const RECORD: &str = "con_00000000000000000000000001";

fn dek(version: u32, byte: u8) -> Dek {
    Dek::new(DekVersion::new(NonZeroU32::new(version).unwrap()), Key::from_slice(&[byte; 32]).unwrap())
}

fn hosts(hosts: &[&str]) -> Vec<String> {
    hosts.iter().map(|host| (*host).to_owned()).collect()
}

fn place(allowed_hosts: &[String]) -> Context<'_> {
    Context { org: ORG, record: RECORD, connector: "http", allowed_hosts, purpose: Purpose::Credential }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Rows written by an earlier release must open for ever: this value never changes.
#[test]
fn stored_form_is_frozen() {
    let hosts = hosts(&["api.example.com", "eu.example.com"]);
    let sealed = dek(7, 0x11).seal_with_nonce(&place(&hosts), b"frozen", [0x22; NONCE_LEN]).unwrap();
    assert_eq!(
        hex(sealed.as_bytes()),
        concat!(
            "01",
            "00000007",
            "222222222222222222222222",
            "71856833a5a1",
            "a84f241ae75630bf9ed71966e3883b83"
        )
    );
    let stored = Sealed::from_bytes(sealed.into_bytes()).unwrap();
    assert_eq!(stored.dek_version().get(), 7);
    let opened = dek(7, 0x11).open(&place(&hosts), &stored);
    assert_eq!(opened.unwrap().as_slice(), b"frozen");
}

/// The authenticated context itself, so that a change of its encoding is seen as what it is.
#[test]
fn context_encoding_is_frozen() {
    let hosts = hosts(&["h"]);
    let context =
        Context { org: "o", record: "r", connector: "", allowed_hosts: &hosts, purpose: Purpose::Credential };
    let mut expected = Vec::new();
    expected.extend_from_slice(b"\0\0\0\0\0\0\0\x18sluicegate vault: record");
    expected.extend_from_slice(b"\0\0\0\0\0\0\0\x05\x01\0\0\0\x07");
    expected.extend_from_slice(b"\0\0\0\0\0\0\0\x01o");
    expected.extend_from_slice(b"\0\0\0\0\0\0\0\x01r");
    expected.extend_from_slice(b"\0\0\0\0\0\0\0\0");
    expected.extend_from_slice(b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01h\x01");
    assert_eq!(aad(DekVersion::new(NonZeroU32::new(7).unwrap()), &context), expected);
}

#[test]
fn purposes_keep_their_numbers() {
    let purposes = [
        Purpose::Credential,
        Purpose::SourceSecret,
        Purpose::InboundEvent,
        Purpose::IdempotencyRecord,
        Purpose::EndpointSecret,
        Purpose::TotpSecret,
        Purpose::ClientSecret,
        Purpose::AuthorizationVerifier,
        Purpose::MessagePayload,
        Purpose::EndpointHeaders,
        Purpose::EndpointUrl,
    ];
    assert_eq!(purposes.map(Purpose::wire), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
}

/// Invariant 4: a row that was moved does not open.
#[test]
fn c2_a_record_moved_to_another_place_does_not_open() {
    let (one, two) = (hosts(&["api.example.com"]), hosts(&["api.example.com", "evil.example"]));
    let (other, none) = (hosts(&["evil.example"]), hosts(&[]));
    let home = place(&one);
    let sealed = dek(1, 1).seal(&home, b"secret").unwrap();
    for moved in [
        Context { org: "org_e0000000000000000000000001", ..home },
        Context { record: "con_00000000000000000000000002", ..home },
        Context { connector: "github", ..home },
        Context { allowed_hosts: &two, ..home },
        Context { allowed_hosts: &other, ..home },
        Context { allowed_hosts: &none, ..home },
        Context { purpose: Purpose::SourceSecret, ..home },
    ] {
        assert_eq!(dek(1, 1).open(&moved, &sealed).unwrap_err(), VaultError::Refused, "{moved:?}");
    }
    assert_eq!(dek(1, 1).open(&home, &sealed).unwrap().as_slice(), b"secret");
}

#[test]
fn fields_cannot_run_into_each_other() {
    let dek = dek(1, 1);
    let base = place(&[]);
    let (ab_c, a_bc, abc) = (hosts(&["ab", "c"]), hosts(&["a", "bc"]), hosts(&["abc"]));
    let (swapped, doubled) = (hosts(&["c", "ab"]), hosts(&["ab", "c", ""]));
    let sealed = dek.seal(&Context { allowed_hosts: &ab_c, ..base }, b"x").unwrap();
    for other in [&a_bc, &abc, &swapped, &doubled] {
        assert!(dek.open(&Context { allowed_hosts: other, ..base }, &sealed).is_err(), "{other:?}");
    }
    let sealed = dek.seal(&Context { org: "ab", record: "c", ..base }, b"x").unwrap();
    assert!(dek.open(&Context { org: "a", record: "bc", ..base }, &sealed).is_err());
    // A host list does not pass for a connector.
    let sealed = dek.seal(&Context { connector: "", allowed_hosts: &abc, ..base }, b"x").unwrap();
    assert!(dek.open(&Context { connector: "abc", allowed_hosts: &[], ..base }, &sealed).is_err());
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let hosts = hosts(&["api.example.com"]);
    let (dek, context) = (dek(1, 1), place(&hosts));
    let stored = dek.seal(&context, b"a plaintext of some length").unwrap().into_bytes();
    for bit in 0..stored.len() * 8 {
        let mut changed = stored.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let opened = Sealed::from_bytes(changed).and_then(|sealed| dek.open(&context, &sealed).map(|_| ()));
        assert!(opened.is_err(), "bit {bit}");
    }
    for len in 0..stored.len() {
        let opened =
            Sealed::from_bytes(&stored[..len]).and_then(|sealed| dek.open(&context, &sealed).map(|_| ()));
        assert!(opened.is_err(), "cut to {len}");
    }
}

#[test]
fn each_kind_of_bad_bytes_has_its_own_error() {
    let sealed = dek(1, 1).seal(&place(&[]), b"").unwrap().into_bytes();
    let with = |at: usize, byte: u8| {
        let mut changed = sealed.clone();
        changed[at] = byte;
        changed
    };
    assert_eq!(sealed.len(), 33);
    for (bytes, error) in [
        (vec![], VaultError::Length),
        (sealed[..32].to_vec(), VaultError::Length),
        (with(0, 0), VaultError::UnknownFormat),
        (with(0, 2), VaultError::UnknownFormat),
        (with(4, 0), VaultError::ZeroVersion),
    ] {
        assert_eq!(Sealed::from_bytes(bytes).unwrap_err(), error);
    }
    let sealed = Sealed::from_bytes(sealed).unwrap();
    assert_eq!(dek(2, 1).open(&place(&[]), &sealed).unwrap_err(), VaultError::OtherDek);
    assert_eq!(dek(1, 2).open(&place(&[]), &sealed).unwrap_err(), VaultError::Refused);
}

/// C2: a nonce per record.
#[test]
fn c2_the_same_plaintext_seals_differently_each_time() {
    let seal = || dek(1, 1).seal(&place(&[]), b"same").unwrap().into_bytes();
    let (a, b) = (seal(), seal());
    assert_ne!(a[5..17], b[5..17], "nonce");
    assert_ne!(a[17..], b[17..], "ciphertext");
}

#[test]
fn debug_shows_no_bytes() {
    assert_eq!(format!("{:?}", dek(3, 0xAB)), "Dek { version: 3, .. }");
    let sealed = dek(3, 0xAB).seal(&place(&[]), b"secret").unwrap();
    assert_eq!(format!("{sealed:?}"), "Sealed { len: 39, .. }");
}

proptest! {
    #[test]
    fn round_trips(
        plaintext: Vec<u8>, org: String, record: String, connector: String, hosts: Vec<String>, version in 1u32.., byte: u8,
    ) {
        let context = Context {
            org: &org, record: &record, connector: &connector, allowed_hosts: &hosts, purpose: Purpose::InboundEvent,
        };
        let sealed = dek(version, byte).seal(&context, &plaintext).unwrap();
        prop_assert_eq!(sealed.as_bytes().len(), plaintext.len() + 33);
        let stored = Sealed::from_bytes(sealed.into_bytes()).unwrap();
        let opened = dek(version, byte).open(&context, &stored).unwrap();
        prop_assert_eq!(opened.as_slice(), plaintext.as_slice());
    }

    #[test]
    fn any_bytes_are_read_or_refused_but_never_open(bytes: Vec<u8>) {
        if let Ok(sealed) = Sealed::from_bytes(bytes) {
            prop_assert!(dek(1, 1).open(&place(&[]), &sealed).is_err());
        }
    }
}
