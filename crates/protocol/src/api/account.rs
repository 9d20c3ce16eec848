//! The signed-in person's own account.

use super::{ShownOnce, User};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// `GET /v1/account`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Account {
    /// The person.
    pub user: User,
    /// Whether the email is proven.
    pub email_verified: bool,
    /// A new email that waits for its proof.
    pub pending_email: Option<String>,
    /// Whether there is a password: who came by an identity provider has none until a reset sets one.
    pub has_password: bool,
    /// Whether signing in takes a code as well.
    pub second_factor: bool,
    /// Recovery codes that are left.
    pub recovery_codes_left: u32,
    /// Linked identity providers.
    pub identities: Vec<LinkedIdentity>,
    /// RFC 3339: when the terms were accepted.
    pub terms_accepted_at: String,
    /// RFC 3339.
    pub created_at: String,
}

/// An identity provider by which the account can be signed in to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkedIdentity {
    /// `id` in sluicegate.toml; for `DELETE /v1/account/identities/{id}`.
    pub provider: String,
    /// As the provider said it last.
    pub email: Option<String>,
    /// RFC 3339.
    pub linked_at: String,
}

/// `POST /v1/password`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The one that counts until now.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub current_password: SecretString,
    /// As at sign-up.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub new_password: SecretString,
}

/// `POST /v1/email`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeEmail {
    /// The new address.
    pub email: String,
}

/// `POST /v1/reauthenticate`: one of the two.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reauthenticate {
    /// The account's password.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub password: Option<SecretString>,
    /// Six digits of the authenticator app.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub code: Option<SecretString>,
}

/// Its answer.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reauthenticated {
    /// RFC 3339: until then sensitive changes need no new proof.
    pub authenticated_until: String,
}

/// `POST /v1/second-factor`: what goes into the authenticator app (RFC 6238), shown once.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewSecondFactor {
    /// Base32, to be typed.
    pub secret: ShownOnce,
    /// `otpauth://totp/…`, to be scanned.
    pub otpauth_uri: ShownOnce,
}

/// `POST /v1/second-factor/confirm`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfirmSecondFactor {
    /// Six digits of the authenticator app.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub code: SecretString,
}

/// Each signs in once in place of the authenticator app. Shown once.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoveryCodes {
    /// `xxxx-xxxx-xxxx-xxxx`.
    pub recovery_codes: Vec<ShownOnce>,
}
