//! The way to a connector's provider, where a person grants access, and back to `/connections/callback`.
//!
//! Going there is a change, so it is a form with the session's CSRF token, answered by a page that goes on by itself
//! (module [`super::oidc`] says why). The way back holds the authorization code: it is handed on in one piece, stands on no
//! page and in no log, and no page here sends its address to anybody. The control plane takes it from the session alone
//! that has begun it (claim F9).

use super::Context;
use super::oidc::is_address;
use super::pages::{idle_days, read, write};
use crate::auth::Caller;
use crate::control_plane::{ControlPlane, Reply};
use crate::pages;
use crate::verdict::Answer;
use protocol::api::{Authorized, ShownOnce};
use protocol::{Code, Operation};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The longest query that a provider may send back, in bytes.
const MAX_QUERY: usize = 8 * 1024;
/// The longest path that the browser goes on to.
const MAX_PATH: usize = 2048;

/// What `api::Connection` and `api::Authorization` have in common.
#[derive(Deserialize)]
struct Way {
    authorize_url: String,
}

/// The page that goes on to the provider by itself, after a form.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn go_on<P>(context: &Context<'_, P>, caller: &Caller, reply: &Reply) -> Result<Answer, Code> {
    let Way { authorize_url } = read(reply)?;
    if !is_address(&authorize_url) {
        return Err(Code::Unavailable);
    }
    let answer = write(context, 200, Some(caller), None, &|shell, _| {
        pages::confirm::to_provider(shell, &authorize_url)
    })?;
    Ok(answer.with_session(session(reply), idle_days(context)))
}

/// Takes the browser back from the provider.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub async fn finish<P: ControlPlane>(
    context: &Context<'_, P>,
    query: &SecretString,
    caller: Option<&Caller>,
) -> Result<Answer, Code> {
    let Some(caller) = caller else {
        return signed_out(context);
    };
    if query.expose_secret().len() > MAX_QUERY {
        return refused(context, Code::AuthorizationRefused, None);
    }
    let operation = Operation::FinishAuthorization { query: ShownOnce(query.expose_secret().to_owned()) };
    let reply = context.call(Some(caller), caller.principal(), operation, Vec::new()).await?;
    let idle_days = idle_days(context);
    if reply.is_success() {
        let Authorized { connection, return_to } = read(&reply)?;
        let path = return_to
            .filter(|path| is_own_path(path))
            .unwrap_or_else(|| format!("/connections/{}?done=connected", connection.id));
        return Ok(without_referrer(Answer::see_other(path)).with_session(session(&reply), idle_days));
    }
    match reply.problem() {
        (Code::Unauthenticated, _) => Ok(signed_out(context)?.with_session(Some(""), idle_days)),
        (code, detail) => {
            Ok(refused(context, code, detail.as_deref())?.with_session(session(&reply), idle_days))
        }
    }
}

fn signed_out<P>(context: &Context<'_, P>) -> Result<Answer, Code> {
    write(context, Code::Unauthenticated.status(), None, None, &|shell, _| pages::grant::sign_in_first(shell))
        .map(without_referrer)
}

fn refused<P>(context: &Context<'_, P>, code: Code, detail: Option<&str>) -> Result<Answer, Code> {
    write(context, code.status(), None, None, &|shell, _| pages::grant::refused(shell, code.title(), detail))
        .map(without_referrer)
}

/// The address of these answers is nobody else's business. Their pages hold no form: under this policy a browser would send
/// `Origin: null` along with it.
fn without_referrer(answer: Answer) -> Answer {
    answer.with("referrer-policy", "no-referrer".to_owned())
}

/// Whether a path is one of this origin: no scheme, no authority by any reading of a browser, nothing that would end a
/// header's line.
fn is_own_path(path: &str) -> bool {
    path.len() <= MAX_PATH
        && path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

fn session(reply: &Reply) -> Option<&str> {
    reply.session.as_deref().map(String::as_str)
}

#[cfg(test)]
mod tests;
