//! `POST /v1/connections/{id}/test`: whether the provider takes the credential, by a request or login that changes nothing.

use super::leave::{Granted, Leaves};
use super::proxy::call;
use super::upstream::Body;
use crate::org::Destination;
use crate::platform::{Outside, now_ms, respond};
use crate::remote::{Login, LoginRefused, Remote as _};
use crate::reply::Reply;
use crate::router::Failure;
use protocol::Code;
use protocol::api::ConnectionTest;
use worker::Response;

/// What the provider says. That it refuses the credential is an answer, no failure of the call.
pub(super) async fn test(leaves: &Leaves<'_>) -> Result<Response, Failure> {
    let mut granted = leaves.ask_once().await?;
    let begun = now_ms();
    let mut result = match &granted.grant.target {
        Destination::Http { .. } => http(leaves, &mut granted).await?,
        Destination::Server { .. } => log_in(&granted).await,
    };
    result.duration_ms = now_ms().saturating_sub(begun);
    granted.tell(respond(Reply::json(200, &result), &leaves.call.request_id)?)
}

async fn http(leaves: &Leaves<'_>, granted: &mut Granted) -> Result<ConnectionTest, Failure> {
    let status = match call(leaves, granted, &[], Body::None).await {
        Ok(answered) => answered.response.status_code(),
        Err(Failure::Answer(error)) => {
            let (code, detail) = (error.code(), error.detail());
            let reason = match code {
                Code::UpstreamTimeout => "timeout",
                Code::UpstreamUnreachable => "unreachable",
                Code::RedirectRefused => "redirected",
                _ => return Err(error.into()),
            };
            return Ok(result(Some(reason), Some(detail.map_or(code.title(), |detail| detail)), None));
        }
        Err(platform) => return Err(platform),
    };
    let (reason, detail) = match status {
        200..=299 => (None, None),
        401 => (Some("unauthorized"), Some("the provider does not take the credential: replace it")),
        403 => {
            (Some("forbidden"), Some("the provider takes the credential, but not for this: check its rights"))
        }
        404 => {
            (Some("not_found"), Some("the provider has nothing at the test's address: check the parameters"))
        }
        429 => (Some("rate_limited"), Some("the provider has had too many requests: try again later")),
        500.. => (Some("upstream_error"), Some("the provider has a fault: try again later")),
        _ => (Some("unexpected"), Some("the provider answers otherwise than its documentation says")),
    };
    Ok(result(reason, detail, Some(status)))
}

async fn log_in(granted: &Granted) -> ConnectionTest {
    match login_of(granted) {
        Ok(login) => match Outside.log_in(login).await {
            Ok(()) => result(None, None, None),
            Err(LoginRefused { reason, detail }) => {
                ConnectionTest { detail: Some(detail), ..result(Some(reason), None, None) }
            }
        },
        Err(code) => result(Some(code.as_str()), Some(code.title()), None),
    }
}

/// The login that a grant is for.
///
/// # Errors
/// `Internal` where the stored connection is not what `create` has checked, or names another server than the seal does.
pub(super) fn login_of(granted: &Granted) -> Result<Login<'_>, Code> {
    let Destination::Server { kind, parameters, allow_writable_role } = &granted.grant.target else {
        return Err(Code::Internal);
    };
    let sealed_hosts = granted.grant.credential.allowed_hosts();
    Login::new(kind, parameters, sealed_hosts, &granted.credential, *allow_writable_role)
        .ok_or(Code::Internal)
}

fn result(reason: Option<&str>, detail: Option<&str>, status: Option<u16>) -> ConnectionTest {
    ConnectionTest {
        ok: reason.is_none(),
        status,
        reason: reason.map(str::to_owned),
        detail: detail.map(str::to_owned),
        duration_ms: 0,
    }
}
