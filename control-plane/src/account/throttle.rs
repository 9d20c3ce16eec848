//! What the account counts itself: proofs of who is signed in already or half, and mails. Wrong passwords at sign-in are
//! counted by the identity, which is asked first.

use super::AccountContext;
use crate::error::AppError;
use ::throttle::{Quota, Tat};

/// What is counted.
#[derive(Clone, Copy)]
pub(super) enum Counter {
    /// Second factors, and passwords of who is signed in: `rate_limits.account`.
    Proofs,
    /// Mails that the person asks for.
    Mails,
    /// Mails that anybody can ask for, so that they don't use up the person's own.
    Resets,
}

/// Mails an hour: enough for who looks into the wrong mailbox, too few to flood one.
const MAILS: (u32, u32) = (5, 3600);

/// Counts one, before what it is for is looked at.
///
/// # Errors
/// [`AppError::Limited`] above the limit.
pub(super) fn count(ctx: AccountContext<'_>, counter: Counter) -> Result<(), AppError> {
    let mut tat = load(ctx, counter)?;
    let decision = tat.check(quota(ctx, counter)?, ctx.now_ms);
    keep(ctx, counter, tat)?;
    decision
        .retry_after_seconds
        .map_or(Ok(()), |seconds| Err(AppError::limited("too many attempts with this account", seconds)))
}

/// Takes one back.
pub(super) fn forgive(ctx: AccountContext<'_>, counter: Counter) -> Result<(), AppError> {
    let mut tat = load(ctx, counter)?;
    tat.forgive(quota(ctx, counter)?, ctx.now_ms);
    keep(ctx, counter, tat)
}

fn quota(ctx: AccountContext<'_>, counter: Counter) -> Result<Quota, AppError> {
    let (limit, period) = match counter {
        Counter::Proofs => {
            let quota = ctx.config.rate_limits.account;
            (quota.limit, quota.period_seconds)
        }
        Counter::Mails | Counter::Resets => MAILS,
    };
    Quota::new(limit, period).map_err(|_| AppError::Platform("a quota is out of range"))
}

fn load(ctx: AccountContext<'_>, counter: Counter) -> Result<Tat, AppError> {
    let select = match counter {
        Counter::Proofs => "SELECT proofs FROM account",
        Counter::Mails => "SELECT mails FROM account",
        Counter::Resets => "SELECT resets FROM account",
    };
    let row = ctx.store().first(select, &[])?;
    Ok(row.map(|row| row.number(0)).transpose()?.map(Tat::from_micros).unwrap_or_default())
}

fn keep(ctx: AccountContext<'_>, counter: Counter, tat: Tat) -> Result<(), AppError> {
    let update = match counter {
        Counter::Proofs => "UPDATE account SET proofs = ?",
        Counter::Mails => "UPDATE account SET mails = ?",
        Counter::Resets => "UPDATE account SET resets = ?",
    };
    Ok(ctx.store().bookkeeping(update, &[tat.as_micros().into()])?)
}
