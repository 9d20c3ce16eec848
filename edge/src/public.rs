//! Public documents, answered from memory with no hop.

use crate::pages;
use crate::random::NoRandomness;
use crate::security_headers::Kind;
use crate::state::State;
use crate::verdict::Answer;
use protocol::time::rfc3339;

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// `/healthz`: this Worker runs.
    Health,
    /// `/.well-known/jwks.json`, RFC 7517: the session keys' public halves.
    Jwks,
    /// `/.well-known/security.txt`, RFC 9116 (claim T8).
    SecurityTxt,
    /// `/openapi.json`.
    OpenApi,
    /// `/security`: what is enforced, from the configuration that enforces it (claim B11).
    Security,
}

const OPENAPI: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
const DAY_MS: u64 = 86_400_000;

impl Document {
    /// The document of a path.
    pub fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/healthz" => Self::Health,
            "/.well-known/jwks.json" => Self::Jwks,
            "/.well-known/security.txt" => Self::SecurityTxt,
            "/openapi.json" => Self::OpenApi,
            "/security" => Self::Security,
            _ => return None,
        })
    }

    /// The answer. `origin` is this deployment's canonical one.
    ///
    /// # Errors
    /// [`NoRandomness`], for a page's nonce.
    pub fn answer(self, origin: &str, now_ms: u64, state: &mut State) -> Result<Answer, NoRandomness> {
        Ok(match self {
            Self::Health => Answer::new(200, Kind::Json, r#"{"status":"ok"}"#),
            Self::Jwks => Answer::new(200, Kind::Public, state.session_jwks.clone())
                .with("content-type", "application/jwk-set+json".to_owned()),
            Self::SecurityTxt => {
                let text = security_txt(&state.config.brand.security_contact, origin, now_ms);
                Answer::new(200, Kind::Public, text)
                    .with("content-type", "text/plain; charset=utf-8".to_owned())
            }
            Self::OpenApi => Answer::new(200, Kind::Public, OPENAPI),
            Self::Security => {
                let nonce = pages::nonce(&mut state.random)?;
                let page = pages::security::render(&state.config, &nonce);
                pages::answer(200, page, &nonce, &state.config.csp)
            }
        })
    }
}

/// `Expires` is what RFC 9116 recommends: less than a year ahead. By the day, so that the document stays the same for one.
fn security_txt(contact: &str, origin: &str, now_ms: u64) -> String {
    let expires = rfc3339((now_ms / DAY_MS + 300) * DAY_MS);
    format!(
        "Contact: {contact}\nExpires: {expires}\nCanonical: {origin}/.well-known/security.txt\n\
         Policy: {origin}/security\nPreferred-Languages: en\n"
    )
}
