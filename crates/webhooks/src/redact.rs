//! Which headers must not be stored with an event (invariant 3).

use crate::table::providers;

/// Parts of a header's name that make its value a credential, a signature or a session.
const SENSITIVE: &[&str] = &[
    "authorization",
    "cookie",
    "token",
    "secret",
    "signature",
    "password",
    "passwd",
    "api-key",
    "apikey",
    "hmac",
    "jwt",
    "assertion",
    "credential",
    "session",
];

/// Whether a header's value must be redacted before an event is stored: any provider's signature header,
/// `Authorization`, `Cookie`, `X-Gitlab-Token` and everything named like them. Errs on the side of redacting.
#[must_use]
pub fn is_sensitive_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SENSITIVE.iter().any(|part| name.contains(part))
        || providers().iter().any(|row| row.signature_headers().any(|header| header == name))
}
