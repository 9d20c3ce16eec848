use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

const ORG: &str = "org_e0123456789abcdefghjkmnpqr";

fn key(byte: u8) -> MacKey {
    MacKey::from_base64(&STANDARD.encode([byte; 32])).unwrap()
}

/// Providers hold these URLs for years: an id once issued stays valid. The value never changes.
#[test]
fn form_is_frozen() {
    let id = "src_e0123456789abcdefghjkmnpqr0000000000aam7vcznfe";
    assert_eq!(assemble(&key(1), ORG, "0000000000").unwrap(), id);
    assert_eq!(parse_source_id(&key(1), id).unwrap(), ORG);
}

#[test]
fn an_id_names_its_org_and_no_two_are_alike() {
    let (a, b) = (mint_source_id(&key(1), ORG).unwrap(), mint_source_id(&key(1), ORG).unwrap());
    assert_ne!(a, b);
    assert_eq!(a.len(), 50);
    assert_eq!(parse_source_id(&key(1), &a).unwrap(), ORG);
    assert_eq!(parse_source_id(&key(2), &a).unwrap_err(), TokenError::SourceId);
}

#[test]
fn every_changed_character_is_refused() {
    let id = mint_source_id(&key(1), ORG).unwrap();
    for at in 0..id.len() {
        for replacement in [b'0', b'z', b'Z', b'_', b'l'] {
            let mut wrong = id.clone().into_bytes();
            if std::mem::replace(&mut wrong[at], replacement) == replacement {
                continue;
            }
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(parse_source_id(&key(1), &wrong).unwrap_err(), TokenError::SourceId, "{wrong}");
        }
    }
}

#[test]
fn only_an_org_id_gets_a_source() {
    for org in [
        "",
        "org_",
        "e0123456789abcdefghjkmnpqr",
        "org_short",
        "org_E0123456789ABCDEFGHJKMNPQR",
        "usr_e0123456789abcdefghjkmnpqr",
    ] {
        assert_eq!(mint_source_id(&key(1), org).unwrap_err(), TokenError::Org, "{org:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(text: String, tail in "\\PC{46}", body in "[0-9a-z]{46}") {
        for text in [text, format!("src_{tail}"), format!("src_{body}")] {
            prop_assert!(parse_source_id(&key(1), &text).is_err());
        }
    }
}
