//! The webhook providers as a tenant sees them: how each signs, and what to paste where.

use crate::error::AppError;
use protocol::Code;
use protocol::api::{List, Provider, SourceCredential};
use protocol::near::nearest;
use webhooks::Credential;

/// `GET /v1/providers`: all of them, in order of id.
pub(super) fn list() -> List<Provider> {
    List { data: webhooks::providers().iter().map(shown).collect(), next_cursor: None }
}

/// `GET /v1/providers/{id}`.
pub(super) fn get(id: &str) -> Result<Provider, AppError> {
    webhooks::provider(id).map(shown).ok_or_else(|| absent(id))
}

fn absent(id: &str) -> AppError {
    match nearest(id, webhooks::providers().iter().map(|provider| provider.id)) {
        Some(near) => AppError::refused(Code::NotFound, format!("no such provider; did you mean {near}?")),
        None => AppError::refused(Code::NotFound, "no such provider: GET /v1/providers lists them"),
    }
}

fn shown(provider: &webhooks::Provider) -> Provider {
    Provider {
        id: provider.id.to_owned(),
        name: provider.name.to_owned(),
        docs: provider.docs.to_owned(),
        secret_hint: provider.secret_hint.to_owned(),
        credential: match provider.credential() {
            Credential::Secret => SourceCredential::Secret,
            Credential::PublicKey => SourceCredential::PublicKey,
            Credential::Handshake => SourceCredential::Handshake,
        },
        scheme: provider.describe(),
        tolerance_seconds: provider.tolerance_seconds(),
        signs_url: provider.signs_url(),
        handshake: provider.describe_handshake(),
        caveat: provider.caveat.map(str::to_owned),
        tested: provider.tested.as_str().to_owned(),
    }
}
