//! What an org's object does: one module a resource. Everything here is synchronous, so a call runs to its end before the
//! next one starts, and what it decides by cannot change under it.

mod actor;
mod api_keys;
mod asks;
mod audit;
mod catalogue;
mod change;
mod connections;
mod dek;
mod deletion;
mod deliveries;
mod device;
mod endpoints;
mod holders;
mod inbound;
mod invitations;
pub mod keys;
mod limits;
mod members;
mod messages;
mod notices;
mod oauth;
mod operator;
pub mod outbox;
mod overlap;
mod overview;
mod plan;
mod portal_links;
mod provider_key;
mod providers;
mod receipts;
mod rejections;
mod reseal;
mod retention;
mod sessions;
mod signal;
mod sources;
#[cfg(test)]
mod tests;
mod usage;

pub use asks::answer;
pub use connections::{Destination, Grant, Leave, SealedCredential};
pub use deletion::{buried, clear, has_rest};
pub use deliveries::{
    Answer, BODY_BYTES, BODY_MS, Courier, NoResponse, Post, TIMEOUT_MS, deliver, put_off_ms,
};
pub use invitations::{InvitationMail, prepare_invitation_mail};
pub use limits::OrgLimiter;
pub use members::role_of;
pub use notices::{Facts, Notice, NoticeMail, address, prepare_notice_mail};
pub use oauth::AccessTokens;
pub use receipts::revoke;
pub use retention::purge;
pub use sessions::open as open_session;

use self::actor::Actor;
use crate::context::Context;
use crate::error::AppError;
use crate::remote::Remote;
use crate::reply::Reply;
use protocol::{Code, Operation};
use std::cell::RefCell;

/// Whether a call has left something to do elsewhere, for the object's alarm: a task or an event since this was asked last,
/// or what goes on by itself once it is begun.
pub fn leaves_work(operation: &Operation, memory: &RefCell<OrgLimiter>) -> bool {
    let limiter = &mut *memory.borrow_mut();
    let goes_on = matches!(operation, Operation::RotateOrgKey | Operation::DeleteOrg);
    let leaves_tasks = std::mem::take(&mut limiter.has_tasks) || goes_on;
    if leaves_tasks {
        limiter.tasks.wake();
    }
    std::mem::take(&mut limiter.has_published) || leaves_tasks
}

/// Waits until a call leaves a task to do ([`leaves_work`]): for an alarm that is still busy with deliveries.
pub fn new_tasks(memory: &RefCell<OrgLimiter>) -> impl Future<Output = ()> + use<> {
    memory.borrow().tasks.woken()
}

/// What was detected since this was asked last, each a line for the operator's log: ids and counts alone.
pub fn take_detected(memory: &RefCell<OrgLimiter>) -> Vec<serde_json::Value> {
    std::mem::take(&mut memory.borrow_mut().detected)
}

/// Answers a call: who is it, may they, then the operation. A refusal is an answer too.
///
/// # Errors
/// Faults and refusals alike; the caller makes the problem document and logs the faults.
pub fn handle(ctx: Context<'_>, body: &[u8]) -> Result<Reply, AppError> {
    let actor = admit(ctx)?;
    let reply = match &ctx.call.operation {
        Operation::LogOut => sessions::log_out(ctx, &actor),
        Operation::RefreshSession => sessions::refresh(ctx, &actor),
        Operation::ListSessions(page) => Reply::json(200, &sessions::list(ctx, &actor, page)?),
        Operation::RevokeSession { id } => sessions::revoke(ctx, &actor, body, id),
        Operation::Me => Reply::json(200, &overview::me(ctx, &actor)?),
        Operation::Overview => Reply::json(200, &overview::overview(ctx, &actor)?),
        Operation::VerifyPrincipal { audience, want } => {
            sessions::verify(ctx, &actor, audience.as_deref(), *want)
        }
        Operation::GetUsage => Reply::json(200, &usage::usage(ctx)?),

        Operation::ListMembers(page) => Reply::json(200, &members::list(ctx, page)?),
        Operation::UpdateMember { id } => members::update(ctx, &actor, body, id),
        Operation::RemoveMember { id } => members::remove(ctx, &actor, body, id),
        Operation::LeaveOrg => members::leave(ctx, &actor, body),
        Operation::ListInvitations(page) => Reply::json(200, &invitations::list(ctx, page)?),
        Operation::CreateInvitation => invitations::create(ctx, &actor, body),
        Operation::RevokeInvitation { id } => invitations::revoke(ctx, &actor, body, id),

        Operation::ListApiKeys(page) => Reply::json(200, &api_keys::list(ctx, page)?),
        Operation::CreateApiKey => api_keys::create(ctx, &actor, body),
        Operation::GetApiKey { id } => Reply::json(200, &api_keys::get(ctx, id)?),
        Operation::RevokeApiKey { id } => api_keys::revoke(ctx, &actor, body, id),
        Operation::RotateApiKey { id } => api_keys::rotate(ctx, &actor, body, id),
        Operation::VerifyApiKey => api_keys::verify(ctx, body),

        Operation::ListConnectors => Reply::json(200, &catalogue::list(ctx)?),
        Operation::GetConnector { connector } => Reply::json(200, &catalogue::get(ctx, connector)?),
        Operation::SetConnectorClient { connector } => oauth::set_client(ctx, &actor, body, connector),
        Operation::DeleteConnectorClient { connector } => oauth::delete_client(ctx, &actor, body, connector),

        Operation::ListConnections(page) => Reply::json(200, &connections::list(ctx, page)?),
        Operation::GetConnection { id } => Reply::json(200, &connections::get(ctx, id)?),
        Operation::DryRun { id } => Reply::json(200, &connections::dry_run(ctx, &actor, body, id)?),
        Operation::AuthorizeConnection { id } => oauth::authorize(ctx, &actor, body, id),

        Operation::ListReceipts(page) => Reply::json(200, &receipts::list(ctx, page)?),
        Operation::GetReceipt { id } => Reply::json(200, &receipts::get(ctx, id)?),

        Operation::ListProviders => Reply::json(200, &providers::list()),
        Operation::GetProvider { provider } => Reply::json(200, &providers::get(provider)?),

        Operation::ListSources(page) => Reply::json(200, &sources::list(ctx, page)?),
        Operation::CreateSource => sources::create(ctx, &actor, body),
        Operation::GetSource { id } => Reply::json(200, &sources::get(ctx, id)?),
        Operation::UpdateSource { id } => sources::update(ctx, &actor, body, id),
        Operation::RotateSourceSecret { id } => sources::rotate(ctx, &actor, body, id),
        Operation::TakeVerificationToken { id } => sources::take_verification_token(ctx, &actor, body, id),
        Operation::DeleteSource { id } => sources::delete(ctx, &actor, body, id),
        Operation::SourceKeys { id } => Reply::json(200, &sources::keys(ctx, id)?),
        Operation::FinishHandshake { source, secret } => sources::finish_handshake(ctx, source, secret),
        Operation::RecordRejections(report) => rejections::record(ctx, report),
        Operation::ListRejections { id, page } => Reply::json(200, &rejections::list(ctx, id, page)?),

        Operation::StoreInbound(webhook) => inbound::store(ctx, &actor, webhook, body),
        Operation::ListInboundEvents { filter, page } => Reply::json(200, &inbound::list(ctx, filter, page)?),
        Operation::GetInboundEvent { id } => Reply::json(200, &inbound::get(ctx, id)?),
        Operation::ReplayEvent { id } => inbound::replay(ctx, &actor, body, id),
        Operation::ReplayEvents => inbound::replay_many(ctx, &actor, body),

        Operation::ListEndpoints { customer_id, page } => {
            Reply::json(200, &endpoints::list(ctx, &actor, customer_id.as_deref(), page)?)
        }
        Operation::CreateEndpoint => endpoints::create(ctx, &actor, body),
        Operation::GetEndpoint { id } => Reply::json(200, &endpoints::get(ctx, &actor, id)?),
        Operation::UpdateEndpoint { id } => endpoints::update(ctx, &actor, body, id),
        Operation::DeleteEndpoint { id } => endpoints::delete(ctx, &actor, body, id),
        Operation::RotateEndpointSecret { id } => endpoints::rotate(ctx, &actor, body, id),
        Operation::ListDeliveries { id, status, page } => {
            Reply::json(200, &messages::deliveries_to(ctx, &actor, id, *status, page)?)
        }
        Operation::ListAttempts { id, page } => {
            Reply::json(200, &messages::attempts_at(ctx, &actor, id, page)?)
        }
        Operation::TestEndpoint { id } => messages::test(ctx, &actor, body, id),
        Operation::RecoverEndpoint { id } => messages::recover(ctx, &actor, body, id),

        Operation::ListMessages { customer_id, page } => {
            Reply::json(200, &messages::list(ctx, &actor, customer_id.as_deref(), page)?)
        }
        Operation::PublishMessage => messages::create(ctx, &actor, body),
        Operation::GetMessage { id } => Reply::json(200, &messages::get(ctx, &actor, id)?),
        Operation::ListMessageDeliveries { id } => {
            Reply::json(200, &messages::deliveries_of(ctx, &actor, id)?)
        }
        Operation::ListMessageAttempts { id, page } => {
            Reply::json(200, &messages::attempts_of(ctx, &actor, id, page)?)
        }
        Operation::ResendMessage { id, endpoint } => messages::resend(ctx, &actor, body, id, endpoint),
        Operation::SkipDelivery { id, endpoint } => messages::skip(ctx, &actor, body, id, endpoint),

        Operation::ListEventTypes(page) => Reply::json(200, &messages::list_types(ctx, &actor, page)?),
        Operation::GetEventType { name } => Reply::json(200, &messages::get_type(ctx, &actor, name)?),
        Operation::SetEventType { name } => messages::set_type(ctx, &actor, body, name),
        Operation::DeleteEventType { name } => messages::delete_type(ctx, &actor, body, name),

        Operation::ListPortalLinks(page) => Reply::json(200, &portal_links::list(ctx, page)?),
        Operation::CreatePortalLink => portal_links::create(ctx, &actor, body),
        Operation::DeletePortalLink { id } => portal_links::delete(ctx, &actor, body, id),
        Operation::GetPortal => Reply::json(200, &portal_links::own(ctx, &actor)?),

        Operation::GetOrgKey => Reply::json(200, &keys::get(ctx)?),
        Operation::RotateOrgKey => keys::rotate(ctx, &actor, body),

        Operation::ListAudit(page) => Reply::json(200, &audit::list(ctx, page)?),
        Operation::VerifyAudit { from } => Reply::json(200, &audit::verify(ctx, *from)?),
        _ => Err(Code::NotFound.into()),
    }?;
    with_session(ctx, actor, reply)
}

/// Answers a call for which a provider is asked, or may be ([`crate::place::Place::OrgRemote`]).
///
/// # Errors
/// As [`handle`].
pub async fn handle_remote(ctx: Context<'_>, remote: &impl Remote, body: &[u8]) -> Result<Reply, AppError> {
    let actor = admit(ctx)?;
    let reply = match &ctx.call.operation {
        Operation::CreateConnection => connections::create(ctx, remote, &actor, body).await,
        Operation::ReplaceCredential { id } => connections::replace(ctx, remote, &actor, body, id).await,
        Operation::FinishAuthorization { query } => oauth::finish(ctx, remote, &actor, &query.0).await,
        Operation::DeleteConnection { id } => connections::delete(ctx, remote, &actor, body, id).await,
        Operation::GetProviderKey { source, key_id } => provider_key::get(ctx, remote, source, key_id).await,
        Operation::ListenToSource { id, after } => inbound::listen(ctx, remote, id, after.as_deref()).await,
        // Nobody is left of whom there would be more to say.
        Operation::DeleteOrg => return deletion::delete(ctx, remote, &actor, body).await,
        _ => Err(Code::NotFound.into()),
    }?;
    with_session(ctx, actor, reply)
}

/// Whether a call may use its connection's credential ([`crate::asks::AskOrg::Leave`]).
///
/// # Errors
/// As [`handle`].
pub async fn leave(
    ctx: Context<'_>,
    remote: &impl Remote,
    body: Option<&str>,
    refused_token: Option<u64>,
) -> Result<Reply, AppError> {
    let actor = admit(ctx)?;
    let asked = connections::Asked { body, refused_token };
    let reply = Reply::json(200, &connections::grant(ctx, remote, &actor, asked).await?)?;
    with_session(ctx, actor, reply)
}

/// Who it is, and whether they may.
fn admit(ctx: Context<'_>) -> Result<Actor, AppError> {
    let actor = actor::authorize(ctx)?;
    limits::check(ctx, &actor)?;
    plan::require(ctx)?;
    Ok(actor)
}

/// Who it is, and whether they still may, after something was waited for: by then a session may be over, a role another
/// one, a plan smaller. The call was counted when it came.
fn readmit(ctx: Context<'_>) -> Result<Actor, AppError> {
    let actor = actor::authorize(ctx)?;
    plan::require(ctx)?;
    Ok(actor)
}

fn with_session(ctx: Context<'_>, actor: Actor, mut reply: Reply) -> Result<Reply, AppError> {
    reply.rate_limit = limits::own(ctx, &actor)?;
    if reply.session.is_none() {
        reply.session = actor.renewed;
    }
    Ok(reply)
}
