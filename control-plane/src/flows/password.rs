//! A new password: by the old one, or by mail. Either way what was opened by the old one ends, in every org, before there is
//! an answer; an org that cannot be reached is asked again by the account's alarm.

use super::enter::{Proof, enter, session_of};
use super::work::settle;
use super::{Caller, Flow, Objects};
use crate::asks::{AskAccount, AskIdentity, AskOrg, Ending, Identity, Pending, Place, Secret, Work};
use crate::error::AppError;
use crate::json;
use crate::reply::Reply;
use protocol::api::{ChangePassword, Renewed, RequestPasswordReset, ResetPassword, SignedIn};
use protocol::{Code, SessionId, UserId};
use secrecy::ExposeSecret as _;
use tokens::LinkKind;

/// `POST /v1/password`: the caller goes on by a fresh session, all others end (claim M4).
pub(super) async fn change<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    body: &[u8],
) -> Result<Reply, AppError> {
    let request: ChangePassword = json::parse(body)?;
    let user = &caller.voucher.user;
    let about = [user.email.as_str(), &user.name, &flow.config.brand.name];
    json::check_new_password("new_password", &request.new_password, &about)?;
    let change = AskAccount::ChangePassword {
        current: Secret::from(&request.current_password),
        new: Secret::from(&request.new_password),
    };
    let Ending { entrant, mut work } = flow.objects.account(caller.user(), &change).await?;
    let place = Place { org: caller.org.clone(), name: String::new(), unmade: false };
    let proof = Proof {
        reason: "password_changed",
        status: 200,
        authenticated_at: flow.now_ms,
        second_factor: caller.voucher.second_factor,
    };
    let fresh = enter(flow, &entrant, &place, &proof).await;
    if let Ok(Some(reply)) = &fresh {
        spare(&mut work, &caller.org, &session_of(reply)?);
    }
    let settled = settle(flow, caller.user(), work).await?;
    let reply = fresh?.ok_or(Code::Unauthenticated)?;
    if !settled {
        return Err(Code::Unavailable.into());
    }
    let session = reply.read::<SignedIn>()?.session;
    Ok(Reply { session: reply.session, ..Reply::json(200, &Renewed { session })? })
}

/// `POST /v1/password-reset`: the same answer, after the same ask, whether or not there is such an account.
pub(super) async fn request_reset<O: Objects>(flow: Flow<'_, O>, body: &[u8]) -> Result<Reply, AppError> {
    let request: RequestPasswordReset = json::parse(body)?;
    let name =
        flow.secrets.identity_name(&Identity::Email { email: crate::email::normalize(&request.email)? });
    flow.objects.identity::<()>(&name, &AskIdentity::RequestReset).await?;
    Ok(Reply::accepted())
}

/// For the alarm of the identity of this name, which points to this account: what nobody waits for any more.
///
/// # Errors
/// Those of the account's object: to be done again.
pub async fn pass_on_reset(objects: &impl Objects, name: &str, user: &UserId) -> Result<(), AppError> {
    objects.account(user, &AskAccount::QueueReset { identity: name.to_owned() }).await
}

/// `POST /v1/password-reset/confirm`.
pub(super) async fn reset<O: Objects>(flow: Flow<'_, O>, body: &[u8]) -> Result<Reply, AppError> {
    let request: ResetPassword = json::parse(body)?;
    json::check_new_password("new_password", &request.new_password, &[&flow.config.brand.name])?;
    let (user, digest) = flow.link(LinkKind::ResetPassword, request.token.expose_secret())?;
    let reset = AskAccount::ResetPassword { digest, new: Secret::from(&request.new_password) };
    let ending: Ending = flow.objects.account(&user, &reset).await?;
    if settle(flow, &user, ending.work).await? {
        Ok(Reply::no_content())
    } else {
        Err(Code::Unavailable.into())
    }
}

/// The session that was just opened is not one of those to end.
fn spare(work: &mut [Pending], here: &protocol::OrgId, fresh: &SessionId) {
    for pending in work {
        if let Work::Org { org, ask: AskOrg::EndSessions { but, .. } } = &mut pending.work
            && org == here
        {
            *but = Some(fresh.clone());
        }
    }
}
