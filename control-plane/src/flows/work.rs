//! Work that an account wants done elsewhere. A flow does at once what it has just caused; what is left then, the account's
//! alarm does.

use super::{Flow, Objects};
use crate::asks::{AskAccount, Pending, Work};
use crate::error::AppError;
use crate::secrets::Secrets;
use protocol::UserId;

/// Asks the org or the identity; a mail is for the platform to send.
///
/// # Errors
/// Those of the object: the work is to be done again.
pub async fn perform(objects: &impl Objects, secrets: &Secrets, work: &Work) -> Result<(), AppError> {
    match work {
        Work::Org { org, ask } => objects.org(org, ask).await.map(|_| ()),
        Work::Identity { identity, ask } => objects.identity(&secrets.identity_name(identity), ask).await,
        Work::Mail(_) => Err(AppError::Platform("a mail is no object's work")),
    }
}

/// Does what it can. Whether nothing is left.
pub(super) async fn settle<O: Objects>(
    flow: Flow<'_, O>,
    user: &UserId,
    work: Vec<Pending>,
) -> Result<bool, AppError> {
    let (all, mut ids) = (work.len(), Vec::new());
    for Pending { id, work } in work {
        if perform(flow.objects, flow.secrets, &work).await.is_ok() {
            ids.push(id);
        }
    }
    let settled = ids.len() == all;
    if !ids.is_empty() {
        flow.objects.account::<()>(user, &AskAccount::Done { ids }).await?;
    }
    Ok(settled)
}
