//! The way to an OpenID Connect provider and back. The control plane makes and checks all of it; here is what a browser
//! carries in between.
//!
//! Going there to sign in is a link, answered 303. Going there to link or to confirm is a change, so it is a form with the
//! session's CSRF token; and since Chromium holds a form's redirects to the policy's `form-action 'self'`, its answer is a
//! page that goes on by itself and has a link to the same place, rather than a redirect.

use super::cookies::{Cookie, Jar};
use super::pages::{Page, idle_days, public, read, write};
use super::{Context, asked, landing};
use crate::auth::Caller;
use crate::control_plane::{ControlPlane, Reply};
use crate::handlers::forms::{Fields, Form};
use crate::pages::Retry;
use crate::verdict::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use config::Config;
use protocol::api::ShownOnce;
use protocol::call::{OidcCallback, OidcOutcome, OidcPurpose, OidcRedirect, OidcStart};
use protocol::{Code, Detail, Operation, Principal};
use secrecy::{ExposeSecret as _, SecretString};

/// Sends the browser to the provider, to sign in.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub async fn start<P: ControlPlane>(context: &Context<'_, P>, provider: &str) -> Result<Answer, Code> {
    let start = OidcStart { provider: provider.to_owned(), purpose: OidcPurpose::SignIn };
    let operation = Operation::StartOidc(start);
    let reply = context.call(None, Principal::Anonymous, operation, Vec::new()).await?;
    if !reply.is_success() {
        return sign_in_again(context, reply.problem()).await;
    }
    let redirect = redirect(&reply)?;
    Answer::see_other(redirect.location)
        .with_cookie(Cookie::Attempt, &redirect.attempt.0)
        .ok_or(Code::Unavailable)
}

/// The page that goes on to the provider by itself, after a form.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub fn go_on<P>(context: &Context<'_, P>, caller: &Caller, reply: &Reply) -> Result<Answer, Code> {
    let redirect = redirect(reply)?;
    write(context, 200, Some(caller), None, &|shell, _| {
        crate::pages::confirm::to_provider(shell, &redirect.location)
    })?
    .with_session(reply.session.as_deref().map(String::as_str), idle_days(context))
    .with_cookie(Cookie::Attempt, &redirect.attempt.0)
    .ok_or(Code::Unavailable)
}

/// Takes the browser back from the provider.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub async fn finish<P: ControlPlane>(
    context: &Context<'_, P>,
    provider: &str,
    query: &SecretString,
    caller: Option<&Caller>,
    jar: &Jar,
) -> Result<Answer, Code> {
    let Some(attempt) = jar.get(Cookie::Attempt) else {
        let detail = "It took too long, or was begun in another browser: begin again.".into();
        return sign_in_again(context, (Code::IdentityRefused, Some(detail))).await;
    };
    let callback = OidcCallback {
        provider: provider.to_owned(),
        attempt: ShownOnce(attempt.to_owned()),
        query: ShownOnce(query.expose_secret().to_owned()),
    };
    let operation = Operation::FinishOidc(callback);
    let reply = context.call(None, Principal::Anonymous, operation, Vec::new()).await?;
    let answer = if reply.is_success() {
        let idle_days = idle_days(context);
        arrived(read(&reply)?, &reply, jar, &context.state.borrow().config, idle_days)?
    } else if caller.is_some() {
        let (code, detail) = reply.problem();
        write(context, code.status(), caller, None, &|shell, _| {
            crate::pages::problem(shell, code.title(), detail.as_deref())
        })?
    } else {
        sign_in_again(context, reply.problem()).await?
    };
    Ok(answer.without_cookies(&[Cookie::Attempt]))
}

fn arrived(
    outcome: OidcOutcome,
    reply: &Reply,
    jar: &Jar,
    config: &Config,
    idle_days: u32,
) -> Result<Answer, Code> {
    match outcome {
        OidcOutcome::Done { purpose } => {
            let path = match purpose {
                OidcPurpose::SignIn => landing(jar, config),
                OidcPurpose::Link => "/account?done=linked".to_owned(),
                OidcPurpose::Reauthenticate => asked::confirmed(asked::page(jar, config).as_deref(), config),
            };
            let session = reply.session.as_deref().map(String::as_str);
            Ok(asked::served(Answer::see_other(path).with_session(session, idle_days), jar))
        }
        OidcOutcome::SignUp { pending, email, name } => {
            let newcomer = Newcomer { pending: SecretString::from(pending.0), email, name };
            Answer::see_other("/finish-sign-up")
                .with_cookie(Cookie::Pending, newcomer.to_cookie().expose_secret())
                .ok_or(Code::Unavailable)
        }
        OidcOutcome::SecondFactor { challenge } => Answer::see_other("/sign-in/code")
            .with_cookie(Cookie::Challenge, &challenge.0)
            .ok_or(Code::Unavailable),
    }
}

/// The sign-in page with what went wrong.
async fn sign_in_again<P: ControlPlane>(
    context: &Context<'_, P>,
    (code, detail): (Code, Option<Detail>),
) -> Result<Answer, Code> {
    let retry = Retry::new(Form::SignIn, code, detail, Fields::default());
    public::render(context, &Page::Home(None), &Jar::default(), Some(&retry)).await
}

fn redirect(reply: &Reply) -> Result<OidcRedirect, Code> {
    let redirect: OidcRedirect = read(reply)?;
    if is_address(&redirect.location) { Ok(redirect) } else { Err(Code::Unavailable) }
}

/// Whether the browser can be sent there: an absolute address, and nothing that would end a header's line.
pub(super) fn is_address(location: &str) -> bool {
    let absolute = location.starts_with("https://") || location.starts_with("http://");
    absolute && location.bytes().all(|b| b.is_ascii_graphic())
}

/// Somebody whom a provider vouches for and who has no account yet. Name and email are for the form to show: what counts
/// is in `pending`, which the control plane has sealed.
pub struct Newcomer {
    /// For [`Operation::FinishSignUp`].
    pub pending: SecretString,
    /// As the provider says it.
    pub email: String,
    /// As the provider says it; may be empty.
    pub name: String,
}

impl Newcomer {
    const MAX_CHARS: usize = 200;

    /// `pending~name~email`, the latter two in base64url, which has no `~`.
    fn to_cookie(&self) -> SecretString {
        let text =
            |text: &str| URL_SAFE_NO_PAD.encode(text.chars().take(Self::MAX_CHARS).collect::<String>());
        format!("{}~{}~{}", self.pending.expose_secret(), text(&self.name), text(&self.email)).into()
    }

    /// Reads what [`Self::to_cookie`] wrote; `None` for anything else.
    pub fn from_cookie(cookie: &str) -> Option<Self> {
        let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let mut parts = cookie.rsplitn(3, '~');
        let (email, name, pending) = (text(parts.next()?)?, text(parts.next()?)?, parts.next()?);
        Some(Self { pending: SecretString::from(pending), email, name })
    }
}

#[cfg(test)]
mod tests;
