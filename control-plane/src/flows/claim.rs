//! Whom an identity points to.

use super::{Flow, Objects};
use crate::asks::{AskAccount, AskIdentity, Identity};
use crate::error::AppError;
use protocol::UserId;

/// Whether an identity points to this account now. It is taken from an account that says that it does not own it.
pub(super) async fn claim<O: Objects>(
    flow: Flow<'_, O>,
    user: &UserId,
    identity: &Identity,
) -> Result<bool, AppError> {
    let name = flow.secrets.identity_name(identity);
    let claim = AskIdentity::Claim { user: user.clone() };
    let holder: UserId = flow.objects.identity(&name, &claim).await?;
    if holder == *user {
        return Ok(true);
    }
    if !flow.objects.account::<bool>(&holder, &AskAccount::Renounce(identity.clone())).await? {
        return Ok(false);
    }
    let reclaim = AskIdentity::Reclaim { from: holder, to: user.clone() };
    Ok(flow.objects.identity::<UserId>(&name, &reclaim).await? == *user)
}
