//! One error type for the Worker. What is refused has a public code; what is a fault of ours has none, is logged with the
//! request's id and answered as a bare 500.

use protocol::Code;
use std::borrow::Cow;

/// Why a call has no answer of its own.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The caller asked for something that is not to be had.
    #[error("refused: {}", .0.as_str())]
    Refused(Code, Option<Cow<'static, str>>),
    /// Too many attempts: the seconds after which one is taken again.
    #[error("refused: rate_limited")]
    Wait(u32),
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
    pub fn refused(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(code, Some(detail.into()))
    }

    /// What the caller is told.
    pub fn public(&self) -> (Code, Option<&Cow<'static, str>>) {
        match self {
            Self::Refused(code, detail) => (*code, detail.as_ref()),
            Self::Wait(_) => (Code::RateLimited, None),
            Self::Store(_) | Self::Vault(_) | Self::Token(_) | Self::Encoding | Self::Platform(_) => {
                (Code::Internal, None)
            }
        }
    }
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
