//! Sessions across a person's orgs.

use super::work::settle;
use super::{Caller, Flow, Objects};
use crate::asks::{Again, AskAccount, AskOrg, Ending, Secret};
use crate::error::AppError;
use crate::json::{self, field};
use crate::reply::Reply;
use protocol::Code;
use protocol::api::Reauthenticate;

/// `POST /v1/reauthenticate` (claim C4).
pub(super) async fn reauthenticate<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    body: &[u8],
) -> Result<Reply, AppError> {
    let request: Reauthenticate = json::parse(body)?;
    if request.password.is_some() == request.code.is_some() {
        return Err(field("password", "must be given, or a code, and not both"));
    }
    let ask = AskAccount::ProveAgain {
        password: request.password.as_ref().map(Secret::from),
        code: request.code.as_ref().map(Secret::from),
    };
    let proof: Again = flow.objects.account(caller.user(), &ask).await?;
    let session = caller.voucher.session.clone();
    flow.objects.org(&caller.org, &AskOrg::MarkAuthenticated { session, proof }).await
}

/// `DELETE /v1/sessions`: every one but the caller's own.
pub(super) async fn revoke_others<O: Objects>(flow: Flow<'_, O>, caller: &Caller) -> Result<Reply, AppError> {
    let ask = AskAccount::EndSessions { but: caller.voucher.session.clone() };
    let ending: Ending = flow.objects.account(caller.user(), &ask).await?;
    if settle(flow, caller.user(), ending.work).await? {
        return Ok(Reply::no_content());
    }
    Err(Code::Unavailable.into())
}
