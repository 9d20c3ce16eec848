use super::*;
use std::str::FromStr as _;

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

/// Openwall's crypt_blowfish and OpenBSD's test vectors.
#[test]
fn verifies_published_vectors() {
    for (password, hash) in [
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
        ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    ] {
        assert!(verify_password(&secret(password), Some(hash)), "{hash}");
        assert!(!verify_password(&secret("other"), Some(hash)), "{hash}");
    }
}

#[test]
fn policy_counts_characters_below_and_bytes_above() {
    for (password, verdict) in [
        (String::new(), Err(TokenError::PasswordTooShort)),
        ("a".repeat(9), Err(TokenError::PasswordTooShort)),
        ("é".repeat(9), Err(TokenError::PasswordTooShort)),
        ("a".repeat(10), Ok(())),
        ("é".repeat(10), Ok(())),
        ("a".repeat(72), Ok(())),
        ("a".repeat(73), Err(TokenError::PasswordTooLong)),
        ("é".repeat(37), Err(TokenError::PasswordTooLong)),
        ("abcdefghij\0k".to_owned(), Err(TokenError::PasswordNul)),
    ] {
        assert_eq!(check_password(&secret(&password)), verdict, "{} bytes", password.len());
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
    let hash = bcrypt::hash(&long, 4).unwrap();
    assert!(verify_password(&secret(&long), Some(&hash)));
    assert!(bcrypt::verify(format!("{long}b"), &hash).unwrap());
    assert!(!verify_password(&secret(&format!("{long}b")), Some(&hash)));

    let hash = bcrypt::hash("ab", 4).unwrap();
    assert!(bcrypt::verify("ab\0ab", &hash).unwrap());
    assert!(!verify_password(&secret("ab\0ab"), Some(&hash)));
}

/// A malformed stand-in would be refused before any work, and its speed would tell which accounts exist.
#[test]
fn an_unknown_account_costs_a_whole_hash() {
    assert_eq!(bcrypt::HashParts::from_str(NOBODY).unwrap().get_cost(), PASSWORD_COST);
    assert!(!verify_password(&secret("correct horse battery"), None));
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
