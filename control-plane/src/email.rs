//! Email addresses in the one form in which accounts, members and invitations are compared.

use crate::error::AppError;
use crate::json::field;

/// An address trimmed and in lower case; at most 254 bytes.
///
/// # Errors
/// 422 naming the field `email` for what cannot be an address.
pub fn normalize(email: &str) -> Result<String, AppError> {
    let email = email.trim().to_lowercase();
    let fine = email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.contains('@') && domain.contains('.') && !domain.starts_with('.')
        });
    if fine { Ok(email) } else { Err(field("email", "must be an email address")) }
}
