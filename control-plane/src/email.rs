//! Email addresses in the one form in which accounts, members and invitations are compared.

use crate::error::AppError;
use mail::{Address, Error};
use protocol::Code;

/// The form of an address that is stored, compared and mailed to ([`Address::typed`]).
///
/// # Errors
/// 422 naming the field `email` for what cannot be mailed to, with the reason.
pub fn normalize(email: &str) -> Result<String, AppError> {
    Address::typed(email).map(|address| address.as_str().to_owned()).map_err(|error| {
        let why = match error {
            Error::LocalPart => error.to_string(),
            _ => "must be an email address, such as name@example.com".to_owned(),
        };
        AppError::refused(Code::ValidationFailed, format!("email: {why}"))
    })
}
