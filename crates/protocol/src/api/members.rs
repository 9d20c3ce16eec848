//! Who belongs to a workspace.

use super::ShownOnce;
use crate::{InvitationId, Role, UserId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Member {
    /// `usr_…`
    pub id: UserId,
    /// The account's.
    pub email: String,
    /// The account's.
    pub name: String,
    /// What they may do here.
    pub role: Role,
    /// RFC 3339.
    pub joined_at: String,
    /// RFC 3339; at most a minute behind.
    pub last_seen_at: Option<String>,
    /// API keys that they made and that work: removing the member revokes them.
    pub api_keys: u32,
}

/// `PATCH /v1/members/{id}`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateMember {
    /// `org_admin` or `member`.
    pub role: Role,
}

/// `POST /v1/invitations`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Whom: nobody else can accept it.
    pub email: String,
    /// `org_admin` or `member`.
    pub role: Role,
}

/// An invitation as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Invitation {
    /// `inv_…`
    pub id: InvitationId,
    /// Whom.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Where it stands.
    pub status: InvitationStatus,
    /// `usr_…`, who sent it.
    pub invited_by: UserId,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub expires_at: String,
    /// What became of the mail.
    pub mail: MailStatus,
}

/// Where an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum InvitationStatus {
    Pending,
    Accepted,
    Revoked,
    Expired,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MailStatus {
    /// On its way; tried again while the mail server does not take it.
    Queued,
    /// The mail server took it.
    Sent,
    /// The mail server refused it for good, or too often.
    Failed,
    /// This installation sends no mail.
    Off,
}

/// The answer to `POST /v1/invitations`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CreatedInvitation {
    /// The link to hand on by other means than mail. It proves nothing about the email address.
    pub url: ShownOnce,
    /// The token in it, for `POST /v1/signup` and `POST /v1/invitations/accept`.
    pub token: ShownOnce,
    /// Its record.
    #[serde(flatten)]
    pub record: Invitation,
}

/// `POST /v1/invitations/accept`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// From the mail or the link.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub token: SecretString,
}
