//! Into an org: the one way to a session, whoever has proven what.

use super::{Flow, Objects, register};
use crate::asks::{AskAccount, AskOrg, Entrant, NewOrg, OpenSession, Place};
use crate::error::AppError;
use crate::reply::Reply;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::api::SignedIn;
use protocol::{Code, Role, SessionId};
use serde::Deserialize;

/// What a session is opened by.
pub(super) struct Proof<'a> {
    /// For the audit trail.
    pub reason: &'a str,
    /// HTTP status of the answer.
    pub status: u16,
    /// When the person has proven themselves last, Unix ms.
    pub authenticated_at: u64,
    /// A second factor was proven.
    pub second_factor: bool,
}

/// Opens a session in an org of the person's. `None`: the org does not know them, and the account now knows that.
pub(super) async fn enter<O: Objects>(
    flow: Flow<'_, O>,
    entrant: &Entrant,
    place: &Place,
    proof: &Proof<'_>,
) -> Result<Option<Reply>, AppError> {
    let (user, org) = (&entrant.user, &place.org);
    let found = if place.unmade {
        Some(NewOrg { name: place.name.clone(), kek: Some(register(flow, org.as_str()).await?) })
    } else {
        None
    };
    let open = OpenSession {
        user: user.clone(),
        found,
        reason: proof.reason.to_owned(),
        status: proof.status,
        authenticated_at: proof.authenticated_at,
        second_factor: proof.second_factor,
        epoch: entrant.epoch,
        operator: is_operator(flow, entrant, proof.second_factor),
    };
    let reply = match flow.objects.org(org, &AskOrg::OpenSession(open)).await {
        Err(AppError::Refused(Code::Forbidden | Code::NotFound | Code::Unauthenticated, _)) => {
            flow.objects.account::<()>(&user.id, &AskAccount::Left { org: org.clone() }).await?;
            return Ok(None);
        }
        other => other?,
    };
    let entered = AskAccount::Entered {
        org: org.clone(),
        org_name: reply.read::<SignedIn>()?.org.name,
        role: opened(&reply)?.role.parse::<Role>().ok(),
        epoch: entrant.epoch,
        reason: proof.reason.to_owned(),
    };
    if flow.objects.account(&user.id, &entered).await? {
        return Ok(Some(reply));
    }
    // While this was on its way all sessions were ended, by a new password perhaps: this one is none of the new ones.
    let end = AskOrg::EndSessions {
        user: user.id.clone(),
        but: None,
        epoch: entrant.epoch,
        reason: "outdated_proof".to_owned(),
    };
    flow.objects.org(org, &end).await?;
    Err(Code::Unauthenticated.into())
}

/// The session that a reply has opened.
pub(super) fn session_of(reply: &Reply) -> Result<SessionId, AppError> {
    SessionId::parse(&opened(reply)?.sid).map_err(|_| AppError::Encoding)
}

/// What of a session's token is looked at here.
#[derive(Deserialize)]
struct Opened {
    sid: String,
    role: String,
}

/// The claims of the token that the org has just signed. It comes from our own object: nobody's word is taken here.
fn opened(reply: &Reply) -> Result<Opened, AppError> {
    let token = reply.session.as_deref().ok_or(AppError::Encoding)?;
    let payload = token.split('.').nth(1).ok_or(AppError::Encoding)?;
    let claims = URL_SAFE_NO_PAD.decode(payload).map_err(|_| AppError::Encoding)?;
    Ok(serde_json::from_slice(&claims)?)
}

/// Whether this is a SUPER_ADMIN's session: a proven email of the operators' list, and a second factor (claim N9).
fn is_operator<O>(flow: Flow<'_, O>, entrant: &Entrant, second_factor: bool) -> bool {
    second_factor
        && entrant.email_verified
        && flow.config.operators.super_admins.contains(&entrant.user.email)
}
