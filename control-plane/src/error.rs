//! One error type for the Worker. What is refused has a public code; what is a fault of ours has none, is logged with the
//! request's id and answered as a bare 500.

use protocol::{Code, Detail, Permission, Role, Scope};
use std::borrow::Cow;
use std::fmt;

/// Why a call has no answer of its own.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The caller asked for something that is not to be had.
    #[error("refused: {}", .0.as_str())]
    Refused(Code, Option<Detail>),
    /// The caller asked too often.
    #[error("refused: rate_limited")]
    Limited {
        /// When to come back.
        retry_after_seconds: u32,
        /// Which limit it is.
        detail: Option<Detail>,
    },
    /// It cannot be done at the moment, for a reason that passes by itself or at another's hand.
    #[error("not now: {}", .code.as_str())]
    Later {
        /// Why.
        code: Code,
        /// When to come back.
        retry_after_seconds: u32,
        /// What else there is to say.
        detail: Option<Detail>,
    },
    /// The database failed, or holds what this code never wrote.
    #[error("store: {0}")]
    Store(#[from] crate::store::SqlError),
    /// A sealed record does not open, or a key is missing.
    #[error("vault: {0}")]
    Vault(#[from] vault::VaultError),
    /// A token cannot be made.
    #[error("tokens: {0}")]
    Token(#[from] tokens::TokenError),
    /// A value that cannot be encoded, or one of ours that cannot be decoded.
    #[error("encoding")]
    Encoding,
    /// The platform failed.
    #[error("platform: {0}")]
    Platform(&'static str),
}

impl AppError {
    /// A refusal that says more than its title.
    pub fn refused(code: Code, detail: impl Into<Detail>) -> Self {
        Self::Refused(code, Some(detail.into()))
    }

    /// A refusal by a limit, which says whose it is.
    pub fn limited(whose: impl fmt::Display, retry_after_seconds: u32) -> Self {
        let detail = format!("{whose}; again in {retry_after_seconds} seconds");
        Self::Limited { retry_after_seconds, detail: Some(detail.into()) }
    }

    /// A refusal of a key: the scopes that it takes, and those that the key has.
    pub fn scopes(needed: &[Permission], has: &[Scope]) -> Self {
        let required: Vec<Scope> = needed.iter().copied().map(Scope::Own).collect();
        let text = format!("this takes {}; the key has {}", list(&required), list(has));
        Self::refused(Code::InsufficientScope, Detail::scopes(text, required))
    }

    /// A refusal of a person: the role that it takes, and theirs.
    pub fn role(needed: &[Permission], has: Role) -> Self {
        let may = |role: &Role| needed.iter().all(|permission| role.grants(*permission));
        match Role::ASSIGNABLE.into_iter().rfind(may) {
            Some(role) => Self::refused(
                Code::Forbidden,
                format!("this takes the role {}; yours is {}", role.as_str(), has.as_str()),
            ),
            None => Code::Forbidden.into(),
        }
    }

    /// Seconds until it is worth asking again, where that is known.
    pub const fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Limited { retry_after_seconds, .. } | Self::Later { retry_after_seconds, .. } => {
                Some(*retry_after_seconds)
            }
            _ => None,
        }
    }

    /// What the caller is told.
    pub fn public(&self) -> (Code, Option<&Cow<'static, str>>) {
        (self.code(), self.detail().map(Detail::text))
    }

    /// The public code.
    pub const fn code(&self) -> Code {
        match self {
            Self::Refused(code, _) | Self::Later { code, .. } => *code,
            Self::Limited { .. } => Code::RateLimited,
            Self::Store(_) | Self::Vault(_) | Self::Token(_) | Self::Encoding | Self::Platform(_) => {
                Code::Internal
            }
        }
    }

    /// What the caller is told besides the code.
    pub const fn detail(&self) -> Option<&Detail> {
        match self {
            Self::Refused(_, detail) | Self::Limited { detail, .. } | Self::Later { detail, .. } => {
                detail.as_ref()
            }
            _ => None,
        }
    }
}

/// Names of scopes, in one line.
fn list(scopes: &[Scope]) -> String {
    scopes.iter().cloned().map(String::from).collect::<Vec<_>>().join(", ")
}

impl From<Code> for AppError {
    fn from(code: Code) -> Self {
        Self::Refused(code, None)
    }
}

impl From<serde_json::Error> for AppError {
    fn from(_: serde_json::Error) -> Self {
        Self::Encoding
    }
}
