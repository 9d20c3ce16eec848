//! The second factor: an authenticator app's secret, sealed under the account's own key, and recovery codes, of which the
//! digests alone are kept. A code is good once: the app's step is remembered, a recovery code deleted.
//!
//! Six digits are soon guessed, so a wrong code costs twice: a challenge takes five, and the account counts all of them,
//! whatever they were tried for, by `rate_limits.account`.

use super::throttle::{Counter, count, forgive};
use super::{Account, AccountContext, links, load, orgs, require};
use crate::asks::{Proven, Secret, SignIn};
use crate::error::AppError;
use crate::store::{Event, SqlError, Tx};
use protocol::api::{NewSecondFactor, RecoveryCodes, ShownOnce};
use protocol::{Code, OrgId};
use secrecy::{ExposeSecret as _, SecretString};
use tokens::{LinkKind, TotpSecret, generate_recovery_codes, recovery_code_digest};
use vault::{Dek, Purpose, Sealed, WrappedDek};

/// Wrong codes that a challenge survives, and one.
const ATTEMPTS: u64 = 5;

/// What a first factor leads to: orgs to enter, or a challenge.
pub(super) fn sign_in(
    ctx: AccountContext<'_>,
    account: Account,
    org: Option<OrgId>,
    second_factor: bool,
) -> Result<SignIn, AppError> {
    if !account.has_totp || second_factor {
        let places = orgs::places(ctx)?;
        return Ok(SignIn::Proven(Proven { entrant: account.entrant, places, org, second_factor }));
    }
    let link = ctx.store().transaction(|tx| {
        let email = &account.user().email;
        let link = links::open(ctx, tx, LinkKind::SecondFactor, email, org.as_ref())?;
        tx.commit(&ctx.subject(), Event::new("second_factor.asked", ctx.user), link)
    })?;
    let expires_at = ctx.now_ms + links::life_ms(LinkKind::SecondFactor);
    Ok(SignIn::SecondFactor { challenge: Secret::from(&link.token), expires_at })
}

/// A code for a challenge.
pub(super) fn prove(ctx: AccountContext<'_>, digest: &str, code: &Secret) -> Result<Proven, AppError> {
    let account = load(ctx)?.ok_or(Code::InvalidLink)?;
    let link = links::find(ctx, LinkKind::SecondFactor, digest)?
        .filter(|link| link.attempts < ATTEMPTS)
        .ok_or(Code::InvalidLink)?;
    count(ctx, Counter::Proofs)?;
    ctx.store().bookkeeping("UPDATE links SET attempts = attempts + 1 WHERE digest = ?", &[digest.into()])?;
    if let Some(step) = check_app(ctx, code, Stored::Active)? {
        ctx.store().transaction(|tx| {
            remember(tx, step)?;
            links::close(tx, digest)?;
            tx.commit(&ctx.subject(), Event::new("second_factor.proven", ctx.user), ())
        })?;
    } else if let Some(recovery) = find_recovery(ctx, &account, code)? {
        ctx.store().transaction(|tx| {
            tx.write("DELETE FROM recovery_codes WHERE digest = ?", &[recovery.as_str().into()])?;
            links::close(tx, digest)?;
            let event = Event::new("recovery_code.used", ctx.user).with("left", codes_left(ctx)?);
            tx.commit(&ctx.subject(), event, ())
        })?;
    } else {
        return refuse(ctx);
    }
    forgive(ctx, Counter::Proofs)?;
    Ok(Proven { entrant: account.entrant, places: orgs::places(ctx)?, org: link.org, second_factor: true })
}

/// A code of who is signed in.
pub(super) fn prove_by_app(ctx: AccountContext<'_>, code: &Secret) -> Result<(), AppError> {
    if !require(ctx)?.has_totp {
        return Err(Code::SecondFactorState.into());
    }
    count(ctx, Counter::Proofs)?;
    let Some(step) = check_app(ctx, code, Stored::Active)? else { return refuse(ctx) };
    ctx.store().transaction(|tx| {
        remember(tx, step)?;
        tx.commit(&ctx.subject(), Event::new("second_factor.proven", ctx.user), ())
    })?;
    forgive(ctx, Counter::Proofs)
}

/// A new secret, which counts once a code of it has come back.
pub(super) fn start(ctx: AccountContext<'_>) -> Result<NewSecondFactor, AppError> {
    let account = require(ctx)?;
    if account.has_totp {
        return Err(Code::SecondFactorState.into());
    }
    let secret = TotpSecret::generate()?;
    let sealed = dek(ctx)?.seal(&place(ctx), secret.as_bytes())?;
    ctx.store().transaction(|tx| {
        tx.write("UPDATE account SET totp_pending = ?", &[sealed.into_bytes().into()])?;
        tx.commit(&ctx.subject(), Event::new("second_factor.started", ctx.user), ())
    })?;
    let uri = secret.otpauth_uri(&ctx.config.brand.name, &account.user().email);
    Ok(NewSecondFactor { secret: shown(&secret.to_base32()), otpauth_uri: shown(&uri) })
}

/// The app has the secret: from now on signing in takes a code.
pub(super) fn confirm(ctx: AccountContext<'_>, code: &Secret) -> Result<RecoveryCodes, AppError> {
    if require(ctx)?.has_totp || sealed(ctx, Stored::Pending)?.is_none() {
        return Err(Code::SecondFactorState.into());
    }
    let step = check_app(ctx, code, Stored::Pending)?.ok_or(Code::InvalidCode)?;
    let codes = generate_recovery_codes()?;
    ctx.store().transaction(|tx| {
        tx.write("UPDATE account SET totp = totp_pending, totp_pending = NULL", &[])?;
        remember(tx, step)?;
        replace_codes(tx, &codes)?;
        tx.commit(&ctx.subject(), Event::new("second_factor.added", ctx.user), ())
    })?;
    Ok(RecoveryCodes { recovery_codes: codes.iter().map(shown).collect() })
}

/// From now on the password alone signs in.
pub(super) fn remove(ctx: AccountContext<'_>) -> Result<(), AppError> {
    if !require(ctx)?.has_totp {
        return Err(Code::SecondFactorState.into());
    }
    ctx.store().transaction(|tx| {
        tx.write("UPDATE account SET totp = NULL, totp_pending = NULL, totp_step = NULL", &[])?;
        tx.write("DELETE FROM recovery_codes", &[])?;
        tx.write("DELETE FROM links WHERE kind = 'second_factor'", &[])?;
        tx.commit(&ctx.subject(), Event::new("second_factor.removed", ctx.user), ())
    })
}

/// Ten new recovery codes; the old ones are void.
pub(super) fn new_recovery_codes(ctx: AccountContext<'_>) -> Result<RecoveryCodes, AppError> {
    if !require(ctx)?.has_totp {
        return Err(Code::SecondFactorState.into());
    }
    let codes = generate_recovery_codes()?;
    ctx.store().transaction(|tx| {
        replace_codes(tx, &codes)?;
        tx.commit(&ctx.subject(), Event::new("recovery_codes.renewed", ctx.user), ())
    })?;
    Ok(RecoveryCodes { recovery_codes: codes.iter().map(shown).collect() })
}

/// Recovery codes that are left.
pub(super) fn codes_left(ctx: AccountContext<'_>) -> Result<u64, SqlError> {
    let row = ctx.store().first("SELECT COUNT(*) FROM recovery_codes", &[])?;
    row.map(|row| row.number(0)).transpose().map(Option::unwrap_or_default)
}

/// Which of the account's secrets.
#[derive(Clone, Copy)]
enum Stored {
    /// The one that signs in.
    Active,
    /// The one that waits for its first code.
    Pending,
}

/// The step of a right code that is newer than the last one taken.
fn check_app(ctx: AccountContext<'_>, code: &Secret, which: Stored) -> Result<Option<u64>, AppError> {
    let Some(sealed) = sealed(ctx, which)? else { return Ok(None) };
    let secret = TotpSecret::from_bytes(&dek(ctx)?.open(&place(ctx), &sealed)?)?;
    let row = ctx.store().first("SELECT totp_step FROM account", &[])?.ok_or(SqlError::Row)?;
    Ok(secret.verify(&code.0, ctx.now_ms / 1000, row.optional_number(0)?))
}

fn find_recovery(
    ctx: AccountContext<'_>,
    account: &Account,
    code: &Secret,
) -> Result<Option<String>, AppError> {
    let Some(digest) = recovery_code_digest(&code.0).filter(|_| account.has_totp) else { return Ok(None) };
    let row =
        ctx.store().first("SELECT 1 FROM recovery_codes WHERE digest = ?", &[digest.as_str().into()])?;
    Ok(row.map(|_| digest))
}

fn refuse<T>(ctx: AccountContext<'_>) -> Result<T, AppError> {
    ctx.store()
        .transaction(|tx| tx.commit(&ctx.subject(), Event::new("second_factor.refused", ctx.user), ()))?;
    Err(Code::InvalidCode.into())
}

fn remember(tx: &Tx<'_>, step: u64) -> Result<(), SqlError> {
    tx.write("UPDATE account SET totp_step = ?", &[step.into()]).map(|_| ())
}

fn replace_codes(tx: &Tx<'_>, codes: &[SecretString]) -> Result<(), AppError> {
    tx.write("DELETE FROM recovery_codes", &[])?;
    for code in codes {
        let digest = recovery_code_digest(code.expose_secret()).ok_or(AppError::Encoding)?;
        tx.write("INSERT INTO recovery_codes (digest) VALUES (?)", &[digest.into()])?;
    }
    Ok(())
}

fn sealed(ctx: AccountContext<'_>, which: Stored) -> Result<Option<Sealed>, AppError> {
    let select = match which {
        Stored::Active => "SELECT totp FROM account WHERE totp IS NOT NULL",
        Stored::Pending => "SELECT totp_pending FROM account WHERE totp_pending IS NOT NULL",
    };
    let row = ctx.store().first(select, &[])?;
    row.map(|row| Ok(Sealed::from_bytes(row.blob(0)?)?)).transpose()
}

fn dek(ctx: AccountContext<'_>) -> Result<Dek, AppError> {
    let row = ctx.store().first("SELECT wrapped_dek FROM account", &[])?.ok_or(SqlError::Row)?;
    let wrapped = WrappedDek::from_bytes(row.blob(0)?)?;
    Ok(ctx.secrets.keyring.unwrap(ctx.user.as_str(), &wrapped)?)
}

fn place<'a>(ctx: AccountContext<'a>) -> vault::Context<'a> {
    vault::Context {
        org: ctx.user.as_str(),
        record: ctx.user.as_str(),
        connector: "",
        allowed_hosts: &[],
        purpose: Purpose::TotpSecret,
    }
}

fn shown(secret: &SecretString) -> ShownOnce {
    ShownOnce(secret.expose_secret().to_owned())
}
