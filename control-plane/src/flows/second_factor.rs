//! The second factor of who is signed in. Adding one takes a recent proof; taking it away, or making new recovery codes,
//! takes a session that has proven it: a password alone does not get rid of what stands beside it.

use super::{Caller, Flow, Objects};
use crate::asks::{Again, AskAccount, AskOrg, Secret};
use crate::error::AppError;
use crate::json;
use crate::reply::Reply;
use protocol::Code;
use protocol::api::{ConfirmSecondFactor, NewSecondFactor, RecoveryCodes};

/// `POST /v1/second-factor`.
pub(super) async fn start<O: Objects>(flow: Flow<'_, O>, caller: &Caller) -> Result<Reply, AppError> {
    let ask = AskAccount::StartSecondFactor;
    Reply::json(201, &flow.objects.account::<NewSecondFactor>(caller.user(), &ask).await?)
}

/// `POST /v1/second-factor/confirm`. The session has proven it from now on.
pub(super) async fn confirm<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    body: &[u8],
) -> Result<Reply, AppError> {
    let request: ConfirmSecondFactor = json::parse(body)?;
    let ask = AskAccount::ConfirmSecondFactor { code: Secret::from(&request.code) };
    let codes: RecoveryCodes = flow.objects.account(caller.user(), &ask).await?;
    let mark = AskOrg::MarkAuthenticated { session: caller.voucher.session.clone(), proof: Again::Second };
    // The codes are shown once: they go out even if the session has to prove its second factor again.
    let _ = flow.objects.org(&caller.org, &mark).await;
    Reply::json(200, &codes)
}

/// `DELETE /v1/second-factor`.
pub(super) async fn remove<O: Objects>(flow: Flow<'_, O>, caller: &Caller) -> Result<Reply, AppError> {
    check_proven(caller)?;
    flow.objects.account::<()>(caller.user(), &AskAccount::RemoveSecondFactor).await?;
    Ok(Reply::no_content())
}

/// `POST /v1/second-factor/recovery-codes`.
pub(super) async fn new_recovery_codes<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
) -> Result<Reply, AppError> {
    check_proven(caller)?;
    let ask = AskAccount::NewRecoveryCodes;
    Reply::json(200, &flow.objects.account::<RecoveryCodes>(caller.user(), &ask).await?)
}

fn check_proven(caller: &Caller) -> Result<(), AppError> {
    if caller.voucher.second_factor {
        return Ok(());
    }
    Err(AppError::refused(
        Code::ReauthenticationRequired,
        "confirm with a code of the authenticator app first",
    ))
}
