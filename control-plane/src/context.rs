//! What a call's code may reach: the object's database, the secrets, the configuration, the time, the call itself.

use crate::error::AppError;
use crate::org::{AccessTokens, OrgLimiter};
use crate::secrets::Secrets;
use crate::store::{Store, Subject};
use config::Config;
use connectors::Targets;
use protocol::{Call, OrgId, Region};
use std::cell::RefCell;

/// The surroundings of one call in an org's object.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The org's database.
    pub store: Store<'a>,
    /// Deploy-time secrets.
    pub secrets: &'a Secrets,
    /// The operator's decisions.
    pub config: &'a Config,
    /// The org whose object this is.
    pub org: &'a OrgId,
    /// Unix time, ms; one value for the whole call.
    pub now_ms: u64,
    /// What this object keeps in memory from call to call.
    pub limits: &'a RefCell<OrgLimiter>,
    /// OAuth access tokens, which are kept in this object's memory alone.
    pub tokens: &'a AccessTokens,
    /// Who asks for what, as the edge says.
    pub call: &'a Call,
    /// Where endpoints and connections may lead.
    pub targets: &'a Targets,
    /// Whether this installation sends mail.
    pub mail_enabled: bool,
}

impl Context<'_> {
    /// The same at a later time, after something was waited for.
    #[must_use]
    pub fn at(self, now_ms: u64) -> Self {
        Self { now_ms, ..self }
    }

    /// The subject of the call's audit events.
    pub fn subject(&self, actor: &str) -> Subject {
        Subject {
            actor: actor.to_owned(),
            ip: self.call.client.ip.clone(),
            request_id: self.call.request_id.to_string(),
            jurisdiction: self.org.region().unwrap_or(Region::Auto),
            now_ms: self.now_ms,
        }
    }
}

/// Fresh random bytes.
///
/// # Errors
/// [`AppError::Platform`] where there is no randomness.
pub fn random<const N: usize>() -> Result<[u8; N], AppError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| AppError::Platform("no randomness"))?;
    Ok(bytes)
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
