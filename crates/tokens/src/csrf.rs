//! CSRF tokens bound to a session (claim M5): HMAC-SHA256 of the session id, so nothing is stored and a token of one
//! session is worthless in another. Follows OWASP's HMAC-based token pattern; the Origin and Sec-Fetch-Site checks stand
//! beside it at the edge.

use crate::mac::{self, Domain, MacKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The CSRF token of a session: 43 characters of base64url.
pub fn csrf_token(key: &MacKey, session_id: &str) -> String {
    URL_SAFE_NO_PAD.encode(key.tag(Domain::Csrf, session_id.as_bytes()))
}

/// Whether `presented` is the session's CSRF token. Constant-time.
pub fn csrf_valid(key: &MacKey, session_id: &str, presented: &str) -> bool {
    mac::equal(csrf_token(key, session_id).as_bytes(), presented.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    /// M5: the token of another session, another deployment or a changed one is refused.
    #[test]
    fn m5_a_token_is_valid_for_its_own_session_alone() {
        let [key, other] = [1, 2].map(|byte| MacKey::from_base64(&STANDARD.encode([byte; 32])).unwrap());
        let token = csrf_token(&key, "ses_a");
        assert!(csrf_valid(&key, "ses_a", &token));
        assert!(!csrf_valid(&key, "ses_b", &token));
        assert!(!csrf_valid(&other, "ses_a", &token));
        for wrong in
            ["", &token[1..], &format!("{token}="), &format!("{token}A"), &token.to_ascii_lowercase()]
        {
            assert!(!csrf_valid(&key, "ses_a", wrong));
        }
    }

    #[test]
    fn every_changed_character_is_refused() {
        let key = MacKey::from_base64(&STANDARD.encode([1; 32])).unwrap();
        let token = csrf_token(&key, "ses_a");
        for at in 0..token.len() {
            let mut wrong = token.clone().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            assert!(!csrf_valid(&key, "ses_a", std::str::from_utf8(&wrong).unwrap()), "at {at}");
        }
    }
}
