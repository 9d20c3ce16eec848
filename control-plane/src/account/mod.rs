//! What a person's account object does: it knows who they are, how they prove it, which orgs they belong to and what is
//! still to be done for them elsewhere. It has an audit trail of its own, kept as an org's is (invariant 5).
//!
//! An ask is decided in one synchronous piece, so nothing changes under it. The one exception is bcrypt, during which
//! other asks run: whoever has waited for it reads again what it decides by.
//!
//! An object that is no account has an empty database and answers an anonymous ask as if the proof were wrong, after the
//! same work: it serves as decoy for identities that nobody has.

mod create;
mod email;
mod hashing;
mod identities;
mod keys;
mod links;
mod orgs;
mod outbox;
mod password;
mod profile;
mod second_factor;
#[cfg(test)]
mod tests;
mod throttle;

pub use hashing::{Hashing, Sliced};
pub use keys::check_in;
pub use outbox::{done, failed, next_work};

use crate::asks::{AskAccount, Entrant, Identity};
use crate::error::AppError;
use crate::limiter::Passwords;
use crate::reply::Reply;
use crate::secrets::Secrets;
use crate::store::{Sql, SqlError, Store, Subject, migrations};
use config::Config;
use protocol::api::User;
use protocol::{Call, Code, Region, UserId};

/// The surroundings of one ask in an account's object.
#[derive(Clone, Copy)]
pub struct AccountContext<'a> {
    /// The object's database. Empty where it is no account.
    pub sql: &'a dyn Sql,
    /// Deploy-time secrets.
    pub secrets: &'a Secrets,
    /// The operator's decisions.
    pub config: &'a Config,
    /// Whose object this is.
    pub user: &'a UserId,
    /// Unix time, ms; one value for the whole ask.
    pub now_ms: u64,
    /// For which request, from where.
    pub call: &'a Call,
    /// What is hashed in this isolate, for everybody.
    pub passwords: &'a Passwords,
}

impl<'a> AccountContext<'a> {
    fn store(&self) -> Store<'a> {
        Store::new(self.sql)
    }

    /// The subject of an audit event: the person, whose proof the ask came with.
    fn subject(&self) -> Subject {
        self.subject_of(self.user.as_str())
    }

    fn subject_of(&self, actor: &str) -> Subject {
        Subject {
            actor: actor.to_owned(),
            ip: self.call.client.ip.clone(),
            request_id: self.call.request_id.to_string(),
            jurisdiction: Region::Auto,
            now_ms: self.now_ms,
        }
    }
}

/// Answers an ask.
///
/// # Errors
/// The refusals that each ask names; faults of the database, the vault or the platform.
pub async fn answer(
    ctx: AccountContext<'_>,
    hashing: &impl Hashing,
    ask: AskAccount,
) -> Result<Reply, AppError> {
    use AskAccount as Ask;
    let hashing = &hashing::Counted(ctx, hashing);
    if !migrations::is_empty(ctx.sql)? {
        migrations::run(ctx.sql, migrations::ACCOUNT)?;
    }
    match ask {
        Ask::Create(new) => Reply::json(200, &create::create(ctx, hashing, &new).await?),
        Ask::Renounce(identity) => Reply::json(200, &create::renounce(ctx, &identity)?),
        Ask::ProvePassword { email, password, org } => {
            Reply::json(200, &password::prove(ctx, hashing, &email, &password, org).await?)
        }
        Ask::ProveIdentity { identity, email } => {
            Reply::json(200, &identities::prove(ctx, &identity, email.as_deref())?)
        }
        Ask::ProveSecondFactor { digest, code } => {
            Reply::json(200, &second_factor::prove(ctx, &digest, &code)?)
        }
        Ask::ProveAgain { password, code } => {
            Reply::json(200, &password::prove_again(ctx, hashing, password.as_ref(), code.as_ref()).await?)
        }

        Ask::Entered { org, org_name, role, epoch, reason } => {
            Reply::json(200, &orgs::entered(ctx, &org, &org_name, role, epoch, &reason)?)
        }
        Ask::Place { org } => Reply::json(200, &orgs::place(ctx, &org)?),
        Ask::Found { org, name } => Reply::json(200, &orgs::found(ctx, &org, &name)?),
        Ask::Joining { org, name, role } => Reply::json(200, &orgs::joining(ctx, &org, &name, role)?),
        Ask::Left { org } => Reply::json(200, &orgs::left(ctx, &org)?),
        Ask::Orgs => Reply::json(200, &orgs::list(ctx)?),

        Ask::ChangePassword { current, new } => {
            Reply::json(200, &password::change(ctx, hashing, &current, &new).await?)
        }
        Ask::QueueReset { identity } => Reply::json(200, &password::queue_reset(ctx, &identity)?),
        Ask::ResetPassword { digest, new } => {
            Reply::json(200, &password::reset(ctx, hashing, &digest, &new).await?)
        }
        Ask::EndSessions { but } => Reply::json(200, &orgs::end_sessions(ctx, &but)?),

        Ask::VerifyEmail { digest } => Reply::json(200, &email::verify(ctx, &digest)?),
        Ask::ResendVerification => Reply::json(200, &email::resend(ctx)?),
        Ask::RequestEmailChange { email, session } => {
            Reply::json(200, &email::request_change(ctx, &email, &session)?)
        }
        Ask::BeginMove { digest } => Reply::json(200, &email::begin_move(ctx, &digest)?),
        Ask::AbortMove { digest } => Reply::json(200, &email::abort_move(ctx, &digest)?),
        Ask::FinishMove { digest } => Reply::json(200, &email::finish_move(ctx, &digest)?),
        Ask::Done { ids } => {
            ids.into_iter().try_for_each(|id| done(ctx, id))?;
            Reply::json(200, &())
        }

        Ask::StartSecondFactor => Reply::json(200, &second_factor::start(ctx)?),
        Ask::ConfirmSecondFactor { code } => Reply::json(200, &second_factor::confirm(ctx, &code)?),
        Ask::RemoveSecondFactor => Reply::json(200, &second_factor::remove(ctx)?),
        Ask::NewRecoveryCodes => Reply::json(200, &second_factor::new_recovery_codes(ctx)?),
        Ask::LinkIdentity(new) => Reply::json(200, &identities::link(ctx, &new)?),
        Ask::UnlinkIdentity { provider } => Reply::json(200, &identities::unlink(ctx, &provider)?),

        Ask::Rewrap { version } => Reply::json(200, &keys::rewrap(ctx, version)?),

        Ask::Describe => Reply::json(200, &profile::describe(ctx)?),
        Ask::ListEvents(page) => Reply::json(200, &profile::events(ctx, &page)?),
    }
}

/// Whose account an object is, for its alarm, which nobody tells.
///
/// # Errors
/// Those of the database.
pub fn who(sql: &dyn Sql) -> Result<Option<UserId>, SqlError> {
    if migrations::is_empty(sql)? {
        return Ok(None);
    }
    sql.exec("SELECT user_id FROM account", &[])?.first().map(|row| row.parse(0)).transpose()
}

/// When the object's alarm is to ring next, Unix ms; in the past: now. `None`: nothing is left to do. `used`: the account
/// has just been asked; one that nobody asks need not check in again.
///
/// # Errors
/// Those of the database.
pub fn wakes_at(sql: &dyn Sql, used: bool) -> Result<Option<u64>, SqlError> {
    if migrations::is_empty(sql)? {
        return Ok(None);
    }
    Ok(outbox::next_due(sql)?.into_iter().chain(keys::next_check_in(sql, used)?).min())
}

/// The account's own row.
struct Account {
    entrant: Entrant,
    password_hash: Option<String>,
    has_totp: bool,
}

impl Account {
    fn user(&self) -> &User {
        &self.entrant.user
    }
}

/// The account, if the object is one.
fn load(ctx: AccountContext<'_>) -> Result<Option<Account>, AppError> {
    if migrations::is_empty(ctx.sql)? {
        return Ok(None);
    }
    let row = ctx.store().first(
        "SELECT user_id, email, name, email_verified_at, epoch, password_hash, totp IS NOT NULL FROM account",
        &[],
    )?;
    let Some(row) = row else { return Ok(None) };
    let user = User { id: row.parse(0)?, email: row.text(1)?.to_owned(), name: row.text(2)?.to_owned() };
    if user.id != *ctx.user {
        return Err(AppError::Platform("an object was asked for another account"));
    }
    Ok(Some(Account {
        entrant: Entrant { user, email_verified: row.optional_number(3)?.is_some(), epoch: row.number(4)? },
        password_hash: row.optional_text(5)?.map(str::to_owned),
        has_totp: row.number(6)? != 0,
    }))
}

/// The account of somebody who is signed in.
fn require(ctx: AccountContext<'_>) -> Result<Account, AppError> {
    load(ctx)?.ok_or_else(|| Code::Unauthenticated.into())
}

/// Whether an identity is this account's: its email, one that it has proven and is moving to, or a linked one.
fn owns(ctx: AccountContext<'_>, account: &Account, identity: &Identity) -> Result<bool, SqlError> {
    match identity {
        Identity::Email { email } => Ok(account.user().email == *email || links::is_moving_to(ctx, email)?),
        Identity::Oidc { issuer, subject } => {
            let row = ctx.store().first(
                "SELECT 1 FROM identities WHERE issuer = ? AND subject = ?",
                &[issuer.as_str().into(), subject.as_str().into()],
            )?;
            Ok(row.is_some())
        }
    }
}
