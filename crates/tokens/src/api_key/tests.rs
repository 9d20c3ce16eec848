use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

const ORG: &str = "org_e0123456789abcdefghjkmnpqr";

fn mac(byte: u8) -> MacKey {
    MacKey::from_base64(&STANDARD.encode([byte; 32])).unwrap()
}

fn minted() -> MintedKey {
    ApiKeyFormat::default().mint(&mac(1), ORG).unwrap()
}

fn parse(text: &str) -> Result<PresentedKey, TokenError> {
    ApiKeyFormat::default().parse(&mac(1), text)
}

/// Customers hold these keys for years: one once issued stays genuine. The values never change.
#[test]
fn form_is_frozen() {
    let secret = "a".repeat(SECRET_LEN);
    let key = format!("sgk_e0123456789abcdefghjkmnpqr_00000000_{secret}h5vht54atjcr824x");
    let minted = ApiKeyFormat::default().assemble(&mac(1), ORG, "00000000".to_owned(), &secret).unwrap();
    assert_eq!(minted.key.expose_secret(), key);
    let presented = parse(&key).unwrap();
    assert_eq!((presented.org.as_str(), presented.lookup.as_str()), (ORG, "00000000"));
    assert_eq!(presented.digest.to_text().as_str(), "dgdkvhx70twxs09n59khdee6cv30hp32c9sccjwh9ar5awqwdt20");
    // M3: as a row stored it.
    assert!(presented.digest.matches("$2b$04$wIeuAr7brOb5FyJF/cVOj.njpw3e00xtEIgICkH/W1YJOmmOULSw6"));
}

/// M3: what is stored is eight plaintext characters and a bcrypt hash, neither of which gives the key back.
#[test]
fn m3_only_the_lookup_is_stored_in_plaintext() {
    let minted = minted();
    let presented = parse(minted.key.expose_secret()).unwrap();
    let stored = minted.digest.hash_at_rest(API_KEY_BCRYPT_COST).unwrap();
    assert!(stored.starts_with("$2b$04$"));
    assert_eq!((presented.lookup.len(), &presented.lookup), (8, &minted.lookup));
    assert!(presented.digest.matches(&stored));
    assert!(!self::minted().digest.matches(&stored));
    assert!(!presented.digest.matches("not a hash"));
    assert_ne!(minted.digest.hash_at_rest(API_KEY_BCRYPT_COST).unwrap(), stored, "salted");
}

/// N7: nobody but the holder of the MAC key makes a key that the edge passes on.
#[test]
fn n7_every_changed_character_is_refused() {
    let minted = minted();
    let key = minted.key.expose_secret();
    for at in 0..key.len() {
        for replacement in b"09az_-AZlu " {
            let mut wrong = key.as_bytes().to_vec();
            if std::mem::replace(&mut wrong[at], *replacement) == *replacement {
                continue;
            }
            assert!(
                parse(std::str::from_utf8(&wrong).unwrap()).is_err(),
                "{} at {at}",
                char::from(*replacement)
            );
        }
    }
}

#[test]
fn a_key_cannot_be_moved_to_another_org_lookup_or_deployment() {
    let (minted, other) = (minted(), minted());
    let key = minted.key.expose_secret();
    let moved = key.replace("e0123456789abcdefghjkmnpqr", "e0123456789abcdefghjkmnpqs");
    let renamed = key.replace(&minted.lookup, &other.lookup);
    let (head, _) = key.split_at(key.len() - TAIL_LEN);
    let (_, tail) = other.key.expose_secret().split_at(key.len() - TAIL_LEN);
    for forged in [moved, renamed, format!("{head}{tail}"), format!("{head}{}", "0".repeat(TAIL_LEN))] {
        assert_eq!(parse(&forged).unwrap_err(), TokenError::ApiKeyForged);
    }
    assert_eq!(ApiKeyFormat::default().parse(&mac(2), key).unwrap_err(), TokenError::ApiKeyForged);
    let branded = ApiKeyFormat::new("acme").unwrap();
    assert_eq!(branded.parse(&mac(1), key).unwrap_err(), TokenError::ApiKeyMalformed);
    // The brand is under the MAC too.
    let rebranded = key.replacen("sgk", "acme", 1);
    assert_eq!(branded.parse(&mac(1), &rebranded).unwrap_err(), TokenError::ApiKeyForged);
}

#[test]
fn another_form_is_malformed() {
    let minted = minted();
    let key = minted.key.expose_secret();
    for wrong in [
        String::new(),
        "sgk".to_owned(),
        "sgk_".to_owned(),
        format!(" {key}"),
        format!("{key}\n"),
        format!("{key}0"),
        key[..key.len() - 1].to_owned(),
        key.to_ascii_uppercase(),
        key.replace('_', "-"),
        key.replace('_', ""),
        format!("{}é", &key[..key.len() - 2]),
        key.repeat(10_000),
    ] {
        assert_eq!(parse(&wrong).unwrap_err(), TokenError::ApiKeyMalformed);
    }
}

#[test]
fn a_prefix_is_short_and_plain() {
    for prefix in ["", "s", "SGK", "sg_k", "sg-k", "sgk ", "ключ", "abcdefghijklmnopq"] {
        assert_eq!(ApiKeyFormat::new(prefix).unwrap_err(), TokenError::Key, "{prefix:?}");
    }
    let format = ApiKeyFormat::new("acme2").unwrap();
    let minted = format.mint(&mac(1), ORG).unwrap();
    assert!(format.matches_prefix(minted.key.expose_secret()));
    assert!(
        !format.matches_prefix("acme2")
            && !format.matches_prefix("acme22_x")
            && !format.matches_prefix("eyJ.a.b")
    );
    assert!(format.parse(&mac(1), minted.key.expose_secret()).is_ok());
}

#[test]
fn only_an_org_id_gets_a_key() {
    for org in [
        "",
        "org_",
        "e0123456789abcdefghjkmnpqr",
        "org_e0123456789abcdefghjkmnpq_",
        "org_e0123456789abcdefghjkmnpqrs",
    ] {
        assert_eq!(ApiKeyFormat::default().mint(&mac(1), org).unwrap_err(), TokenError::Org, "{org:?}");
    }
}

#[test]
fn a_digest_crosses_as_text() {
    let digest = minted().digest;
    assert_eq!(digest.to_text().parse::<KeyDigest>().unwrap(), digest);
    assert_ne!(minted().digest, digest);
    let text = digest.to_text();
    for wrong in ["", &text[1..], &format!("{}0", text.as_str()), &text.to_ascii_uppercase(), &"z".repeat(52)]
    {
        assert_eq!(wrong.parse::<KeyDigest>().unwrap_err(), TokenError::Digest, "{wrong:?}");
    }
}

#[test]
fn a_cost_that_bcrypt_lacks_is_refused() {
    for cost in [0, 3, 15, 32] {
        assert_eq!(minted().digest.hash_at_rest(cost).unwrap_err(), TokenError::HashCost);
    }
}

/// Invariant 3.
#[test]
fn debug_shows_no_secret() {
    let minted = minted();
    let presented = parse(minted.key.expose_secret()).unwrap();
    assert_eq!(format!("{minted:?}"), format!("MintedKey {{ lookup: {:?}, .. }}", minted.lookup));
    assert_eq!(
        format!("{presented:?}"),
        format!("PresentedKey {{ org: {ORG:?}, lookup: {:?}, digest: KeyDigest(..) }}", minted.lookup)
    );
}

proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(
        text: String,
        tail in "\\PC{0,110}",
        shaped in "sgk_[0-9a-z]{26}_[0-9a-z]{8}_[0-9a-z]{68}",
    ) {
        for text in [text, format!("sgk_{tail}"), shaped] {
            prop_assert!(parse(&text).is_err());
        }
    }

    #[test]
    fn round_trips(prefix in "[a-z0-9]{2,16}", body in "[0-9a-hjkmnp-tv-z]{26}", lookup in "[0-9a-hjkmnp-tv-z]{8}", secret: [u8; 32]) {
        let format = ApiKeyFormat::new(prefix).unwrap();
        let org = format!("org_{body}");
        let minted = format.assemble(&mac(1), &org, lookup.clone(), &base32::encode(&secret)).unwrap();
        let presented = format.parse(&mac(1), minted.key.expose_secret()).unwrap();
        prop_assert_eq!((presented.org, presented.lookup, presented.digest), (org, lookup, minted.digest));
    }
}
