use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

const SUBJECT: &str = "e0123456789abcdefghjkmnpqr";

fn key(byte: u8) -> MacKey {
    MacKey::from_base64(&STANDARD.encode([byte; 32])).unwrap()
}

fn minted(kind: LinkKind) -> MintedLink {
    mint_link(&key(1), kind, SUBJECT).unwrap()
}

fn is_refused(kind: LinkKind, text: &str) -> bool {
    matches!(parse_link(&key(1), kind, text), Err(TokenError::Link))
}

/// Links lie in mailboxes while versions change: one once made stays genuine. The values never change.
#[test]
fn form_is_frozen() {
    let secret = "a".repeat(SECRET_LEN);
    let digest = "6c1b3dc7a706b9dc81352a6716b9c666c608d8626272c64b914ab05572fc6e84";
    for (kind, prefix, tail) in [
        (LinkKind::VerifyEmail, "vfy_", "01h4x3mwz2tyj484"),
        (LinkKind::ResetPassword, "rpw_", "bgra5mydysay1nrw"),
        (LinkKind::ChangeEmail, "cem_", "qagky5hg3kdfw789"),
        (LinkKind::Invitation, "ivt_", "3a4wt4en9t4dhtsm"),
        (LinkKind::SecondFactor, "mfa_", "st4nx2v8d3yvsy26"),
        (LinkKind::Portal, "prt_", "e1969xh3e92pvxtq"),
    ] {
        let token = format!("{prefix}{SUBJECT}{secret}{tail}");
        let minted = assemble(&key(1), kind, SUBJECT, &secret).unwrap();
        assert_eq!((minted.token.expose_secret(), minted.digest.as_str()), (token.as_str(), digest));
        let presented = parse_link(&key(1), kind, &token).unwrap();
        assert_eq!((presented.subject.as_str(), presented.digest.as_str()), (SUBJECT, digest));
    }
}

#[test]
fn a_link_names_its_subject_and_no_two_are_alike() {
    let (a, b) = (minted(LinkKind::Invitation), minted(LinkKind::Invitation));
    assert_ne!(a.token.expose_secret(), b.token.expose_secret());
    assert_ne!(a.digest, b.digest);
    let presented = parse_link(&key(1), LinkKind::Invitation, a.token.expose_secret()).unwrap();
    assert_eq!((presented.subject.as_str(), presented.digest), (SUBJECT, a.digest));
}

/// The prefix alone is no protection: it is what an attacker changes.
#[test]
fn a_link_of_one_kind_is_none_of_another() {
    for made in LinkKind::ALL {
        let link = minted(made);
        let (_, rest) = link.token.expose_secret().split_at(4);
        for other in LinkKind::ALL.into_iter().filter(|other| *other != made) {
            assert!(is_refused(other, link.token.expose_secret()), "{made:?} as {other:?}");
            assert!(is_refused(other, &[other.prefix(), rest].concat()), "{made:?} relabelled {other:?}");
        }
    }
}

#[test]
fn no_prefix_is_that_of_a_record_or_another_kind() {
    let records = [
        "org_", "usr_", "key_", "con_", "src_", "ine_", "end_", "msg_", "att_", "aud_", "req_", "ses_",
        "inv_", "ptl_",
    ];
    let mut prefixes = LinkKind::ALL.map(LinkKind::prefix).to_vec();
    prefixes.extend(records);
    prefixes.sort_unstable();
    prefixes.dedup();
    assert_eq!(prefixes.len(), LinkKind::ALL.len() + records.len());
}

#[test]
fn every_changed_character_is_refused() {
    let link = minted(LinkKind::ResetPassword);
    let token = link.token.expose_secret();
    for at in 0..token.len() {
        for replacement in b"09az_-AZlu \0" {
            let mut wrong = token.as_bytes().to_vec();
            if std::mem::replace(&mut wrong[at], *replacement) == *replacement {
                continue;
            }
            assert!(is_refused(LinkKind::ResetPassword, std::str::from_utf8(&wrong).unwrap()), "at {at}");
        }
    }
}

#[test]
fn a_link_cannot_be_moved_to_another_subject_secret_or_deployment() {
    let (a, b) = (minted(LinkKind::Invitation), minted(LinkKind::Invitation));
    let (a, b) = (a.token.expose_secret(), b.token.expose_secret());
    let (head, _) = a.split_at(a.len() - TAIL_LEN);
    let (_, tail) = b.split_at(b.len() - TAIL_LEN);
    let moved = a.replace(SUBJECT, "e0123456789abcdefghjkmnpqs");
    for forged in [moved, format!("{head}{tail}"), format!("{head}{}", "0".repeat(TAIL_LEN))] {
        assert!(is_refused(LinkKind::Invitation, &forged));
    }
    assert_eq!(parse_link(&key(2), LinkKind::Invitation, a).unwrap_err(), TokenError::Link);
}

#[test]
fn another_form_is_refused() {
    let link = minted(LinkKind::VerifyEmail);
    let token = link.token.expose_secret();
    for len in 0..token.len() {
        assert!(is_refused(LinkKind::VerifyEmail, &token[..len]), "{len} characters");
    }
    for wrong in [
        token[1..].to_owned(),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{token}0"),
        format!("vfy_{token}"),
        token.to_ascii_uppercase(),
        token.replace('_', ""),
        token.replace('_', "-"),
        format!("{}é", &token[..token.len() - 2]),
        token.repeat(10_000),
        format!("vfy_{}", "0".repeat(1 << 20)),
        "é".repeat(1 << 19),
    ] {
        assert!(is_refused(LinkKind::VerifyEmail, &wrong), "{} bytes", wrong.len());
    }
}

#[test]
fn only_the_body_of_an_id_is_a_subject() {
    for subject in [
        "",
        "org_e0123456789abcdefghjkmnpqr",
        "e0123456789abcdefghjkmnpq",
        "e0123456789abcdefghjkmnpqrs",
        "E0123456789ABCDEFGHJKMNPQR",
        "e0123456789abcdefghjkmnpq_",
        "é0123456789abcdefghjkmnpq",
    ] {
        let error = mint_link(&key(1), LinkKind::Invitation, subject).unwrap_err();
        assert_eq!(error, TokenError::Subject, "{subject:?}");
    }
}

/// Invariant 3.
#[test]
fn debug_shows_no_secret() {
    let link = minted(LinkKind::Invitation);
    let presented = parse_link(&key(1), LinkKind::Invitation, link.token.expose_secret()).unwrap();
    assert_eq!(format!("{link:?}"), "MintedLink(..)");
    assert_eq!(format!("{presented:?}"), format!("PresentedLink {{ subject: {SUBJECT:?}, .. }}"));
}

proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(
        text: String,
        rest in "\\PC{0,100}",
        shaped in "[0-9a-hjkmnp-tv-z]{94}",
    ) {
        for kind in LinkKind::ALL {
            for text in [text.clone(), [kind.prefix(), &rest].concat(), [kind.prefix(), &shaped].concat()] {
                prop_assert!(is_refused(kind, &text));
            }
        }
    }

    #[test]
    fn round_trips(subject in "[0-9a-hjkmnp-tv-z]{26}", secret: [u8; 32]) {
        for kind in LinkKind::ALL {
            let minted = assemble(&key(1), kind, &subject, &base32::encode(&secret)).unwrap();
            let presented = parse_link(&key(1), kind, minted.token.expose_secret()).unwrap();
            prop_assert_eq!((&presented.subject, presented.digest), (&subject, minted.digest));
        }
    }
}
