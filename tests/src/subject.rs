//! By what a test knows the mails apart: a part of each one's subject.

/// Asks to prove an address.
pub const CONFIRM: &str = "Confirm your email address";
/// Lets somebody choose a new password.
pub const RESET: &str = "Reset your";
/// Invites to a workspace.
pub const INVITATION: &str = "Invitation to";
/// Says that the address is no longer the account's.
pub const EMAIL_CHANGED: &str = "email address was changed";
/// Says that the password is another.
pub const PASSWORD_CHANGED: &str = "password was changed";
