use super::*;

/// Quick to verify: cost 4.
fn cheap(password: &str) -> String {
    Work::new(password, 4).unwrap().finish().to_string()
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

/// M3: cost 12, in a form that any bcrypt reads, and never the same twice.
#[test]
fn m3_a_password_is_hashed_at_cost_12_and_verifies() {
    let password = secret("correct horse battery");
    let (a, b) = (hash_password(&password).unwrap(), hash_password(&password).unwrap());
    assert!(a.starts_with("$2b$12$") && a.len() == 60);
    assert_ne!(a, b);
    assert!(verify_password(&password, Some(&a)));
    assert!(!verify_password(&secret("correct horse batterz"), Some(&a)));
}

#[test]
fn policy_counts_characters_below_and_bytes_above() {
    const TEXT: &str = "kq8Zr!vT2m-Wx4n?Ld6Hs,Jf9Bg+Yc1Pe=Ra3Ui.Vo5Mz;Dt0Qy:Nk7Sb/Gw2Xh_Fj8Cl)Ap*Os6Ix";
    const SHORT: &str = "\u{e9}\u{e8}\u{ea}\u{eb}\u{e0}\u{e2}\u{f9}\u{fb}\u{ee}\u{ef}";
    for (password, verdict) in [
        ("", Err(TokenError::PasswordTooShort)),
        (&TEXT[..9], Err(TokenError::PasswordTooShort)),
        (SHORT.split_at(18).0, Err(TokenError::PasswordTooShort)),
        // Nine characters, each written as two code points.
        (&"x\u{308}".repeat(9), Err(TokenError::PasswordTooShort)),
        (&TEXT[..10], Ok(())),
        (SHORT, Ok(())),
        (&TEXT[..72], Ok(())),
        (&TEXT[..73], Err(TokenError::PasswordTooLong)),
        (&"\u{e9}".repeat(37), Err(TokenError::PasswordTooLong)),
        ("kq8Zr!vT2m\0k", Err(TokenError::PasswordControl)),
        ("kq8Zr!vT2m\tk", Err(TokenError::PasswordControl)),
        ("password12", Err(TokenError::PasswordGuessable)),
    ] {
        assert_eq!(check_password(&secret(password), &[]), verdict, "{} bytes", password.len());
    }
}

/// RFC 8265: two spellings of one text are one password, at sign-up as at sign-in.
#[test]
fn a_password_verifies_however_its_text_is_spelt() {
    let (composed, apart) = ("Zo\u{eb} \u{e0} la mer", "Zoe\u{308}\u{a0}a\u{300} la mer");
    for (set, given) in [(composed, apart), (apart, composed)] {
        let hash = hash_password(&secret(set)).unwrap();
        assert!(verify_password(&secret(given), Some(&hash)));
        assert!(!verify_password(&secret("zo\u{eb} \u{e0} la mer"), Some(&hash)));
    }
}

#[test]
fn what_breaks_the_policy_is_not_hashed() {
    assert_eq!(hash_password(&secret("short")).unwrap_err(), TokenError::PasswordTooShort);
}

/// Without the checks bcrypt itself takes both: it ignores what follows byte 72 and begins again at a NUL.
#[test]
fn a_password_that_bcrypt_would_take_for_another_does_not_verify() {
    let long = "a".repeat(72);
    let hash = cheap(&long);
    assert!(verify_password(&secret(&long), Some(&hash)));
    assert!(bcrypt::verify(format!("{long}b"), &hash).unwrap());
    assert!(!verify_password(&secret(&format!("{long}b")), Some(&hash)));

    let hash = cheap("ab");
    assert!(bcrypt::verify("ab\0ab", &hash).unwrap());
    assert!(!verify_password(&secret("ab\0ab"), Some(&hash)));
}

/// Counts the rounds that a verification takes.
fn rounds(password: &str, stored: Option<&str>) -> (u32, bool) {
    let mut work = VerifyWork::new(&secret(password), stored);
    let (mut rounds, mut answer) = (0, None);
    while answer.is_none() {
        answer = work.advance(1);
        rounds += 1;
    }
    (rounds, answer.unwrap())
}

/// Less work would tell which accounts exist, or which hold something odd.
#[test]
fn what_cannot_match_costs_a_whole_hash() {
    let password = "correct horse battery";
    let high = "$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    for stored in [None, Some(""), Some("plain"), Some(high)] {
        assert_eq!(rounds(password, stored), (1 << PASSWORD_COST, false), "{stored:?}");
    }
    for unhashable in ["a".repeat(73), "ab\0ab".to_owned(), "a".repeat(1 << 20)] {
        assert_eq!(rounds(&unhashable, None), (1 << PASSWORD_COST, false));
        assert_eq!(rounds(&unhashable, Some(&cheap(""))), (16, false), "nor is it the empty password");
    }
}

/// Old hashes keep the cost that they were made with.
#[test]
fn a_stored_hash_is_verified_at_its_own_cost() {
    let at_5 = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    assert_eq!(rounds("U*U", Some(at_5)), (32, true));
    assert_eq!(rounds("U*V", Some(at_5)), (32, false));
}

/// No password is nobody's: were its hash found one day, the answer would still be no.
#[test]
fn nobody_is_matched_by_no_password() {
    let hash = Work::repeat("correct horse battery", &NOBODY).finish();
    let work = Work::repeat("correct horse battery", &hash);
    assert!(!VerifyWork { work, stored: hash, possible: false }.finish());
}

#[test]
fn steps_hash_and_verify_as_one_go_does() {
    let password = secret("correct horse battery");
    let mut work = HashWork::new(&password).unwrap();
    for _ in 1..(1 << PASSWORD_COST) / 512 {
        assert_eq!(work.advance(512), None);
    }
    let hash = work.advance(512).unwrap();
    assert!(bcrypt::verify("correct horse battery", &hash).unwrap());
    let mut work = VerifyWork::new(&password, Some(&hash));
    assert_eq!(work.advance(4095), None);
    assert_eq!((work.advance(1), work.advance(1)), (Some(true), Some(true)));
}

/// Invariant 3.
#[test]
fn debug_shows_no_secret() {
    let password = secret("correct horse battery");
    assert_eq!(format!("{:?}", HashWork::new(&password).unwrap()), "HashWork(..)");
    assert_eq!(format!("{:?}", VerifyWork::new(&password, None)), "VerifyWork(..)");
}

#[test]
fn a_stored_value_that_is_no_hash_verifies_nothing() {
    for stored in [
        "",
        "plain",
        "$2b$12$",
        &"é".repeat(30),
        "$2b$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    ] {
        assert!(!verify_password(&secret("plain"), Some(stored)), "{stored:?}");
    }
}
