use super::*;
use proptest::prelude::*;
use std::str::FromStr as _;

fn parse(text: &str) -> SlowHash {
    SlowHash::parse(text).unwrap()
}

/// Openwall's crypt_blowfish, OpenBSD's and jBCrypt's vectors, as far as their passwords are text of at most 72 bytes.
const VECTORS: [(&str, &str); 17] = [
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ("1E!dpr", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzAxtE4OUcU.5p75hOF2yn2i1ocvO"),
    (">RQ7la", "$2a$08$CCCCCCCCCCCCCCCCCCCCC.LuntE/dBezheibpSOXBeR3W7q5mt2NW"),
    ("U*U*U", "$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
    ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    (
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
    ),
    (
        "000000000000000000000000000000000000000000000000000000000000000000000000",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.6.O1dLNbjod2uo0DVcW.jHucKbPDdHS",
    ),
    ("", "$2b$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
    ("", "$2y$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
    ("", "$2b$08$HqWuK6/Ng6sg9gQzbLrgb.Tl.ZHfXLhvt/SgVyWhQqgqcZ7ZuUtye"),
    ("a", "$2b$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
    ("a", "$2b$08$cfcvVd2aQ8CMvoMpP2EBfeodLEkkFJ9umNEfPD18.hUF62qqlC/V."),
    ("abc", "$2b$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
    ("abc", "$2b$08$Ro0CUfOqk6cXEKf3dyaM7OhSCvnwM9s4wIX9JeLapehKK5YdLxKcm"),
    ("abcdefghijklmnopqrstuvwxyz", "$2b$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"),
    ("abcdefghijklmnopqrstuvwxyz", "$2b$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz."),
];

#[test]
fn computes_published_vectors() {
    for (password, text) in VECTORS {
        let stored = parse(text);
        let made = Work::repeat(password, &stored).finish();
        assert!(made.matches(&stored), "{text}");
        assert_eq!(made.to_string()[4..], text[4..]);
        assert!(!Work::repeat("other", &stored).finish().matches(&stored), "{text}");
    }
}

/// In steps of any size, to the end and beyond it.
#[test]
fn steps_make_the_same_hash_as_all_at_once() {
    let (password, text) = VECTORS[0];
    for rounds in [0, 1, 3, 7, 31, 32, 33, u32::MAX] {
        let mut work = Work::repeat(password, &parse(text));
        let calls = 32_u32.div_ceil(rounds.max(1));
        for _ in 1..calls {
            assert!(work.advance(rounds).is_none(), "not before the last round");
        }
        for _ in 0..2 {
            assert_eq!(work.advance(rounds).unwrap().to_string()[4..], text[4..], "in steps of {rounds}");
        }
    }
    let mut begun = Work::repeat(password, &parse(text));
    assert!(begun.advance(5).is_none());
    assert_eq!(begun.finish().to_string()[4..], text[4..]);
}

#[test]
fn a_new_hash_has_its_own_salt() {
    let [a, b] = [(); 2].map(|()| Work::new("abc", 4).unwrap().finish());
    assert_ne!(a.salt, b.salt);
    assert!(bcrypt::verify("abc", &a.to_string()).unwrap());
}

#[test]
fn a_cost_out_of_range_is_neither_made_nor_taken() {
    let at = |cost: u32| format!("$2b${cost:02}$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
    for cost in [0, 3, 15, 31, 99] {
        assert_eq!(Work::new("abc", cost).err(), Some(TokenError::HashCost));
        assert!(SlowHash::parse(&at(cost)).is_none(), "{cost}");
    }
    for cost in 4..=14 {
        assert_eq!(parse(&at(cost)).cost, cost);
    }
}

#[test]
fn only_the_60_characters_of_a_hash_are_taken() {
    let good = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    assert_eq!(parse(good).to_string(), good);
    for len in 0..good.len() {
        assert!(SlowHash::parse(&good[..len]).is_none(), "{len} characters");
    }
    for wrong in [
        format!("{good}."),
        format!(" {}", &good[..59]),
        good.replacen("2b", "2x", 1),
        good.replacen("2b", "2B", 1),
        good.replacen("2b", "2", 1),
        good.replacen("$05$", "$+5$", 1),
        good.replacen("$05$", "$ 5$", 1),
        good.replacen("$05$", "$5$.", 1),
        good.replacen("E5", "é", 1),
        good.replacen("E5", "E=", 1),
        good.replacen("E5", "E\0", 1),
        // Bits that no encoder sets: a second text of the same hash.
        good.replacen("C.E", "C/E", 1),
        [&good[..59], "X"].concat(),
        good.repeat(20_000),
        "é".repeat(30),
    ] {
        assert!(SlowHash::parse(&wrong).is_none(), "{} bytes", wrong.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hashes_as_the_bcrypt_crate_does(password in "[^\\x00]{0,72}", salt: [u8; 16], rounds in 1_u32..20) {
        let theirs = bcrypt::hash_with_salt(&password, 4, salt).unwrap().to_string();
        let mut work = Work::repeat(&password, &parse(&theirs));
        let ours = loop {
            if let Some(hash) = work.advance(rounds) {
                break hash.to_string();
            }
        };
        prop_assert_eq!(&ours, &theirs);
        prop_assert!(bcrypt::verify(&password, &Work::new(&password, 4).unwrap().finish().to_string()).unwrap());
    }
}

proptest! {
    /// What is taken is what the bcrypt crate takes, and has one text.
    #[test]
    fn whatever_parses_is_written_alike(
        text: String,
        shaped in "\\$2[abxy]\\$[01][0-9]\\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]",
    ) {
        for text in [text, shaped] {
            if let Some(hash) = SlowHash::parse(&text) {
                prop_assert_eq!(&hash.to_string()[3..], &text[3..]);
                prop_assert_eq!(bcrypt::HashParts::from_str(&text).unwrap().get_cost(), hash.cost);
            }
        }
    }

    #[test]
    fn any_hash_round_trips(cost in COSTS, salt: [u8; 16], digest: [u8; 23]) {
        let hash = parse(&SlowHash { cost, salt, digest }.to_string());
        prop_assert_eq!((hash.cost, hash.salt, hash.digest), (cost, salt, digest));
    }
}
