//! What a person sees of their account, and the identity providers linked to it.

use super::{Caller, Flow, Objects};
use crate::asks::{AskAccount, AskIdentity, Identity};
use crate::error::AppError;
use crate::reply::Reply;
use protocol::Page;
use protocol::api::{Account, AuditEvent, List};

/// `GET /v1/account`.
pub(super) async fn get<O: Objects>(flow: Flow<'_, O>, caller: &Caller) -> Result<Reply, AppError> {
    Reply::json(200, &flow.objects.account::<Account>(caller.user(), &AskAccount::Describe).await?)
}

/// `GET /v1/account/events`.
pub(super) async fn events<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    page: &Page,
) -> Result<Reply, AppError> {
    let ask = AskAccount::ListEvents(page.clone());
    Reply::json(200, &flow.objects.account::<List<AuditEvent>>(caller.user(), &ask).await?)
}

/// `DELETE /v1/account/identities/{id}`. Should the release be lost, the identity points to an account that no longer owns
/// it, and whoever proves it next may claim it.
pub(super) async fn unlink<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    provider: &str,
) -> Result<Reply, AppError> {
    let user = caller.user();
    let ask = AskAccount::UnlinkIdentity { provider: provider.to_owned() };
    let identity: Identity = flow.objects.account(user, &ask).await?;
    let release = AskIdentity::Release { user: user.clone() };
    flow.objects.identity::<()>(&flow.secrets.identity_name(&identity), &release).await?;
    Ok(Reply::no_content())
}
