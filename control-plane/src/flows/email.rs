//! Proving an email address: a new account's, or one that an account moves to.

use super::claim::claim;
use super::work::settle;
use super::{Caller, Flow, Objects};
use crate::asks::{AskAccount, Ending, Identity, Moving};
use crate::error::AppError;
use crate::json;
use crate::reply::Reply;
use protocol::api::{ChangeEmail, VerifyEmail};
use protocol::{Code, UserId};
use secrecy::ExposeSecret as _;
use tokens::LinkKind;

/// `POST /v1/email/verify`, with a link of either kind. It takes the account's own session besides: who reads an address's
/// mail and presses a button there must not lend their address to an account that somebody else has made with it.
pub(super) async fn verify<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    body: &[u8],
) -> Result<Reply, AppError> {
    let request: VerifyEmail = json::parse(body)?;
    let token = request.token.expose_secret();
    let own = |(user, digest): (UserId, String)| {
        if user == *caller.user() { Ok(digest) } else { Err(AppError::from(Code::InvalidLink)) }
    };
    if let Ok(link) = flow.link(LinkKind::VerifyEmail, token) {
        let digest = own(link)?;
        flow.objects.account::<()>(caller.user(), &AskAccount::VerifyEmail { digest }).await?;
    } else {
        let digest = own(flow.link(LinkKind::ChangeEmail, token)?)?;
        move_to(flow, caller.user(), &digest).await?;
    }
    Ok(Reply::no_content())
}

/// `POST /v1/email/verification`.
pub(super) async fn resend<O: Objects>(flow: Flow<'_, O>, caller: &Caller) -> Result<Reply, AppError> {
    flow.objects.account::<()>(caller.user(), &AskAccount::ResendVerification).await?;
    Ok(Reply::accepted())
}

/// `POST /v1/email`.
pub(super) async fn change<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    body: &[u8],
) -> Result<Reply, AppError> {
    let request: ChangeEmail = json::parse(body)?;
    let email = crate::email::normalize(&request.email)?;
    let session = caller.voucher.session.clone();
    flow.objects.account::<()>(caller.user(), &AskAccount::RequestEmailChange { email, session }).await?;
    Ok(Reply::accepted())
}

/// Moves an account to an address that it has proven, if that is nobody else's.
async fn move_to<O: Objects>(flow: Flow<'_, O>, user: &UserId, digest: &str) -> Result<(), AppError> {
    let digest = digest.to_owned();
    let begin = AskAccount::BeginMove { digest: digest.clone() };
    let Moving { email } = flow.objects.account(user, &begin).await?;
    let identity = Identity::Email { email };
    if !claim(flow, user, &identity).await? {
        flow.objects.account::<()>(user, &AskAccount::AbortMove { digest }).await?;
        return Err(Code::InvalidLink.into());
    }
    let ending: Ending = flow.objects.account(user, &AskAccount::FinishMove { digest }).await?;
    // What is left the account's alarm does: the move itself is made.
    settle(flow, user, ending.work).await?;
    Ok(())
}
