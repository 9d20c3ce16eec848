//! Leave from the org's object to use a credential, and what its answer has for the edge.

use crate::asks::AskOrg;
use crate::error::AppError;
use crate::org::{Grant, Leave};
use crate::platform::{Asker, Isolate};
use crate::reply::Reply;
use crate::router::Failure;
use connectors::Credential;
use protocol::call::reply;
use protocol::{Call, Code, OrgId};
use worker::{Env, Response};

/// Asks for leave, for the sake of one call.
pub(super) struct Leaves<'a> {
    pub isolate: &'a Isolate,
    pub env: &'a Env,
    pub call: &'a Call,
    pub org: OrgId,
}

/// Leave that was granted.
pub(super) struct Granted {
    pub grant: Grant,
    /// Opened, for the length of this call.
    pub credential: Credential,
    told: Reply,
}

impl Leaves<'_> {
    /// Asks without a body. The policy may want to see it.
    pub(super) async fn ask(
        &self,
        body: Option<String>,
        refused_token: Option<u64>,
    ) -> Result<Result<Granted, u64>, Failure> {
        use crate::flows::Objects as _;
        let asker = Asker { isolate: self.isolate, env: self.env, call: self.call };
        let told = asker.org(&self.org, &AskOrg::Leave { body, refused_token }).await?;
        match told.read()? {
            Leave::NeedsBody { max_bytes } => Ok(Err(max_bytes)),
            Leave::Granted(grant) => {
                let credential = grant.credential.open(&self.isolate.secrets.keyring)?;
                Ok(Ok(Granted { grant: *grant, credential, told }))
            }
        }
    }

    /// Leave for what has no body that a policy looks at.
    pub(super) async fn ask_once(&self) -> Result<Granted, Failure> {
        let granted = self.ask(None, None).await?;
        granted.map_err(|_| AppError::Platform("a policy wants a body where there is none").into())
    }
}

impl Granted {
    /// What the org's object has for the edge goes with the upstream's answer.
    pub(super) fn tell(&self, response: Response) -> Result<Response, Failure> {
        if let Some(session) = &self.told.session {
            response.headers().set(reply::SESSION, session)?;
        }
        if let Some(limit) = self.told.rate_limit {
            let limit = format!("{}/{}", limit.limit, limit.period_seconds);
            response.headers().set(reply::RATE_LIMIT, &limit)?;
        }
        Ok(response)
    }
}

/// A body that the policy looks at: text, and no more than it takes.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Code::InvalidJson.into())
}
