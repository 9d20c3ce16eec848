use super::*;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use std::collections::HashSet;

/// People keep these on paper for years. The values never change.
#[test]
fn form_is_frozen() {
    assert_eq!(shown("0123456789abcdef").expose_secret(), "0123-4567-89ab-cdef");
    assert_eq!(
        recovery_code_digest("0123-4567-89ab-cdef").unwrap(),
        "9c7a830d6467dc1819e62312d68b84de0b52835182c0273739834974794072d3"
    );
}

#[test]
fn ten_codes_of_which_each_has_its_own_digest() {
    let codes = generate_recovery_codes().unwrap();
    let digests: HashSet<_> =
        codes.iter().map(|code| recovery_code_digest(code.expose_secret()).unwrap()).collect();
    assert_eq!((codes.len(), digests.len()), (10, 10));
    assert!(codes.iter().all(|code| code.expose_secret().len() == SHOWN_LEN));
    assert!(!format!("{codes:?}").contains(codes[0].expose_secret()));
}

#[test]
fn a_code_may_be_typed_as_people_type() {
    let digest = recovery_code_digest("0123-4567-89ab-cdef");
    for typed in [
        "0123456789abcdef",
        "0123-4567-89AB-CDEF",
        "  0123 4567 89ab cdef\n",
        "0123 - 4567 - 89ab - cdef",
        "O123-4567-89ab-cdef",
        "0I23-4567-89ab-cdef",
        "ol23-4567-89ab-cdef",
        "0123\u{2013}4567\u{2013}89ab\u{2013}cdef\u{200b}",
        "\u{ff10}\u{ff11}\u{ff12}\u{ff13}-4567-89\u{ff41}\u{ff22}-cdef",
    ] {
        assert_eq!(recovery_code_digest(typed), digest, "{typed:?}");
    }
}

#[test]
fn every_changed_character_is_another_code() {
    let code = "0123-4567-89ab-cdef";
    for at in (0..code.len()).filter(|at| code.as_bytes()[*at] != b'-') {
        let mut wrong = code.as_bytes().to_vec();
        wrong[at] = b'z';
        let digest = recovery_code_digest(std::str::from_utf8(&wrong).unwrap());
        assert!(digest.is_some() && digest != recovery_code_digest(code), "at {at}");
    }
}

#[test]
fn what_cannot_be_a_code_has_no_digest() {
    for wrong in [
        "",
        "-",
        "0123-4567-89ab-cde",
        "0123-4567-89ab-cdef0",
        "0123-4567-89ab-cdeu",
        "0123-4567-89ab-cde_",
        "0123-4567-89ab-cdé",
        "0123456789abcde\u{212a}",
        &format!("0123456789abcdef{}", " ".repeat(typed::MAX_BYTES)),
        &"0123-4567-89ab-cdef".repeat(60_000),
    ] {
        assert_eq!(recovery_code_digest(wrong), None, "{} bytes", wrong.len());
    }
}

proptest! {
    #[test]
    fn any_text_is_taken_without_a_panic(text: String, near in "[0-9a-z -]{14,24}") {
        for text in [text, near] {
            prop_assert_eq!(recovery_code_digest(&text).is_some(), {
                typed::code(&text).is_some_and(|code| code.len() == 16 && code.bytes().all(|b| b.is_ascii_alphanumeric() && !b"uU".contains(&b)))
            });
        }
    }
}
