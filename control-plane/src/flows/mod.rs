//! What takes more than one object: a person's identities, their account, the orgs they belong to. Each flow is a sequence
//! of asks, and no object waits for another while it decides.
//!
//! A flow can end after any of its asks: the Worker is replaced, the client goes away. What it leaves behind then is never
//! more than nothing: an account that nobody can sign in to is made again, a session whose token nobody has got is no way
//! in, work that must not be forgotten stands in the account's outbox before it is begun. Doing it again, or signing in,
//! goes on from there.

mod account;
mod claim;
mod email;
mod enter;
mod keys;
pub mod oidc;
mod operator;
mod orgs;
mod password;
mod second_factor;
mod sessions;
pub mod sign_in;
mod sign_up;
#[cfg(test)]
mod tests;
mod work;

pub use self::oidc::Providers;
pub use password::pass_on_reset;
pub use work::perform;

use crate::asks::{AskAccount, AskIdentity, AskOrg, AskRegistry, Voucher, Wrapped};
use crate::error::AppError;
use crate::registry::shard_of;
use crate::reply::Reply;
use crate::secrets::Secrets;
use config::Config;
use protocol::{Call, Code, Operation, OrgId, UserId};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The other objects. Every ask carries the flow's call along: its request id, its client, its principal.
///
/// A refusal comes back as the error that it was; an object that cannot be reached is `Unavailable`.
#[allow(async_fn_in_trait, reason = "futures of a Worker stay on their thread")]
pub trait Objects {
    /// Asks the identity's object with this name ([`Secrets::identity_name`]).
    ///
    /// # Errors
    /// Its refusal; `Unavailable`.
    async fn identity<T: DeserializeOwned>(&self, name: &str, ask: &AskIdentity) -> Result<T, AppError>;

    /// Asks a person's account.
    ///
    /// # Errors
    /// Its refusal; `Unavailable`.
    async fn account<T: DeserializeOwned>(&self, user: &UserId, ask: &AskAccount) -> Result<T, AppError>;

    /// Asks an org.
    ///
    /// # Errors
    /// Its refusal; `Unavailable`.
    async fn org(&self, org: &OrgId, ask: &AskOrg) -> Result<Reply, AppError>;

    /// Asks a shard of the registry ([`crate::registry::shard_of`]).
    ///
    /// # Errors
    /// Its refusal; `Unavailable`.
    async fn registry<T: DeserializeOwned>(&self, shard: &str, ask: &AskRegistry) -> Result<T, AppError>;

    /// Has an org answer an operation of its own for the call's principal, as if the edge had asked.
    ///
    /// # Errors
    /// Its refusal; `Unavailable`.
    async fn operate(&self, org: &OrgId, operation: &Operation) -> Result<Reply, AppError>;
}

/// The surroundings of one flow.
pub struct Flow<'a, O> {
    /// The other objects.
    pub objects: &'a O,
    /// Deploy-time secrets.
    pub secrets: &'a Secrets,
    /// The operator's decisions.
    pub config: &'a Config,
    /// Unix time, ms; one value for the whole flow.
    pub now_ms: u64,
    /// Who asks for what, as the edge says.
    pub call: &'a Call,
    /// Whether identity providers may be on this machine: development and tests only.
    pub allow_local_upstreams: bool,
}

impl<O> Clone for Flow<'_, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Flow<'_, O> {}

/// Answers a call that is not one org's own.
///
/// # Errors
/// Refusals and faults alike; the caller makes the problem document and logs the faults.
pub async fn answer<O: Objects>(
    flow: Flow<'_, O>,
    providers: &impl Providers,
    body: &[u8],
) -> Result<Reply, AppError> {
    match &flow.call.operation {
        Operation::StartOidc(start) => oidc::start(flow, providers, start).await,
        Operation::FinishOidc(callback) => oidc::finish(flow, providers, callback).await,
        Operation::FinishSignUp { pending } => oidc::finish_sign_up(flow, &pending.0, body).await,
        Operation::PeekInvitation { token } => orgs::peek_invitation(flow, &token.0).await,
        Operation::SignUp => sign_up::sign_up(flow, body).await,
        Operation::LogIn => sign_in::log_in(flow, body).await,
        Operation::LogInSecondFactor => sign_in::second_factor(flow, body).await,
        Operation::RequestPasswordReset => password::request_reset(flow, body).await,
        Operation::ResetPassword => password::reset(flow, body).await,
        // It ends the session that it is asked by: the org's answer is the answer.
        Operation::LeaveOrg => orgs::leave(flow).await,
        _ => signed_in(flow, body).await,
    }
}

/// Answers who is signed in.
async fn signed_in<O: Objects>(flow: Flow<'_, O>, body: &[u8]) -> Result<Reply, AppError> {
    let mut caller = flow.caller().await?;
    let renewed = caller.voucher.renewed.take();
    let mut reply = match &flow.call.operation {
        Operation::VerifyEmail => email::verify(flow, &caller, body).await,
        Operation::ResendVerification => email::resend(flow, &caller).await,
        Operation::ChangeEmail => email::change(flow, &caller, body).await,
        Operation::GetAccount => account::get(flow, &caller).await,
        Operation::ListAccountEvents(page) => account::events(flow, &caller, page).await,
        Operation::UnlinkIdentity { provider } => account::unlink(flow, &caller, provider).await,
        Operation::ChangePassword => password::change(flow, &caller, body).await,
        Operation::Reauthenticate => sessions::reauthenticate(flow, &caller, body).await,
        Operation::RevokeOtherSessions => sessions::revoke_others(flow, &caller).await,
        Operation::StartSecondFactor => second_factor::start(flow, &caller).await,
        Operation::ConfirmSecondFactor => second_factor::confirm(flow, &caller, body).await,
        Operation::RemoveSecondFactor => second_factor::remove(flow, &caller).await,
        Operation::NewRecoveryCodes => second_factor::new_recovery_codes(flow, &caller).await,
        Operation::ListOrgs => orgs::list(flow, &caller).await,
        Operation::CreateOrg => orgs::create(flow, &caller, body).await,
        Operation::SwitchOrg => orgs::switch(flow, &caller, body).await,
        Operation::AcceptInvitation => orgs::accept_invitation(flow, &caller, body).await,
        Operation::SetOrgPlan { org } => operator::set_plan(flow, &caller, org, body).await,
        Operation::SetOrgLimits { org } => operator::set_limits(flow, &caller, org, body).await,
        Operation::GetOrgAsOperator { org } => operator::describe(flow, &caller, org).await,
        Operation::GetKeys => keys::get(flow, &caller).await,
        Operation::RotateKeys => keys::rotate(flow, &caller, body).await,
        _ => Err(Code::NotFound.into()),
    }?;
    if reply.session.is_none() {
        reply.session = renewed.map(|token| Zeroizing::new(token.0.clone()));
    }
    Ok(reply)
}

/// Registers what is about to be made, an org or an account: no rotation misses it. The key-encryption key that wraps its
/// data key.
async fn register<O: Objects>(flow: Flow<'_, O>, id: &str) -> Result<u32, AppError> {
    let register = AskRegistry::Register { id: id.to_owned(), kek: None };
    Ok(flow.objects.registry::<Wrapped>(&shard_of(id), &register).await?.version)
}

/// Who is signed in, and where.
struct Caller {
    /// The org whose session it is.
    org: OrgId,
    /// What that org says.
    voucher: Voucher,
}

impl Caller {
    fn user(&self) -> &UserId {
        &self.voucher.user.id
    }
}

impl<O: Objects> Flow<'_, O> {
    /// The caller, by the word of the org whose session it is: alive, allowed, and recently proven where that is asked for.
    async fn caller(&self) -> Result<Caller, AppError> {
        let org = self.call.principal.org().ok_or(Code::Unauthenticated)?;
        let voucher = self.objects.org(org, &AskOrg::Authorize).await?.read()?;
        Ok(Caller { org: org.clone(), voucher })
    }
}
