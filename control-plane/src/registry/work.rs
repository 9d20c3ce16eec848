//! What a shard's alarm does: a batch of those who are due is asked, some at a time.

use super::members::{in_vain, nobody, said, take};
use super::{RegistryContext, rotation};
use crate::asks::{AskAccount, AskOrg, Wrapped};
use crate::error::AppError;
use crate::flows::Objects;
use futures_util::{StreamExt as _, stream};
use protocol::{Code, OrgId, UserId};

/// Asked by one alarm; the next one rings at once. The platform bounds what one may ask.
const BATCH: u32 = 50;
/// Asked at a time.
const AT_ONCE: usize = 10;

/// Asks a batch of the members that are due to have their data keys wrapped by the current version.
///
/// `now_ms` says the time after an ask.
///
/// # Errors
/// Those of the database. A member that cannot be asked is none: it is asked again later.
pub async fn work(
    ctx: RegistryContext<'_>,
    objects: &impl Objects,
    now_ms: impl Fn() -> u64,
) -> Result<(), AppError> {
    let to = rotation::current(ctx)?;
    let mut answers = stream::iter(take(ctx, BATCH)?)
        .map(|id| async move {
            let answer = ask(objects, &id, to).await;
            (id, answer)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((id, answer)) = answers.next().await {
        let ctx = RegistryContext { now_ms: now_ms(), ..ctx };
        match answer {
            Ok(Wrapped { version }) => said(ctx, &id, to, version)?,
            Err(AppError::Refused(Code::NotFound, _)) => nobody(ctx, &id)?,
            Err(_) => in_vain(ctx, &id)?,
        }
    }
    rotation::finish(RegistryContext { now_ms: now_ms(), ..ctx })
}

async fn ask(objects: &impl Objects, id: &str, version: Option<u32>) -> Result<Wrapped, AppError> {
    match (OrgId::parse(id), UserId::parse(id)) {
        (Ok(org), _) => objects.org(&org, &AskOrg::Rewrap { version }).await?.read(),
        (_, Ok(user)) => objects.account(&user, &AskAccount::Rewrap { version }).await,
        _ => Err(AppError::Encoding),
    }
}
