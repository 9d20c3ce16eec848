//! The pages for those who are not signed in. What they show is configuration and what was typed; one asks what an invitation
//! is for.

use super::{Page, status, write};
use crate::control_plane::ControlPlane;
use crate::handlers::Context;
use crate::handlers::cookies::{Cookie, Jar};
use crate::handlers::forms::Form;
use crate::handlers::invited;
use crate::handlers::oidc::Newcomer;
use crate::pages::{self, Retry};
use crate::verdict::Answer;
use protocol::Code;

/// A page; `retry`: a form of it was refused.
///
/// # Errors
/// `Internal`.
pub async fn render<P: ControlPlane>(
    context: &Context<'_, P>,
    page: &Page,
    jar: &Jar,
    retry: Option<&Retry>,
) -> Result<Answer, Code> {
    let needs = |which: Cookie, form: Form, write: &dyn Fn() -> Result<Answer, Code>| {
        if jar.get(which).is_some() { write() } else { dead_link(context, form) }
    };
    let status = status(retry);
    match page {
        Page::Home(notice) => write(context, status, None, None, &|shell, state| {
            pages::sign_in::render(shell, &state.config, *notice, retry)
        }),
        Page::ForgotPassword(notice) => {
            write(context, status, None, None, &|shell, _| pages::password::forgot(shell, *notice, retry))
        }
        Page::SignInCode => needs(Cookie::Challenge, Form::SignInCode, &|| {
            write(context, status, None, None, &|shell, _| pages::sign_in::code(shell, retry))
        }),
        Page::ResetPassword => needs(Cookie::Reset, Form::ResetPassword, &|| {
            write(context, status, None, None, &|shell, _| pages::password::reset(shell, retry))
        }),
        Page::VerifyEmail => needs(Cookie::Verification, Form::VerifyEmail, &|| {
            write(context, status, None, None, &|shell, state| {
                pages::verify_email::sign_in_first(shell, &state.config)
            })
        }),
        Page::Join => match invited::peek(context, jar).await {
            Ok(invited) => write(context, status, None, None, &|shell, state| {
                pages::join::sign_up(shell, &state.config, invited.as_ref(), retry)
            }),
            Err(_) => dead_invitation(context, jar, Form::JoinSignUp),
        },
        Page::FinishSignUp => match jar.get(Cookie::Pending).and_then(Newcomer::from_cookie) {
            Some(newcomer) => {
                let invited = match jar.get(Cookie::Invitation) {
                    Some(_) => Some(invited::peek(context, jar).await.ok().flatten()),
                    None => None,
                };
                write(context, status, None, None, &|shell, state| {
                    pages::join::finish_sign_up(shell, &state.config, &newcomer, invited.as_ref(), retry)
                })
            }
            None => dead_link(context, Form::FinishSignUp),
        },
        // Whatever else there is, is for signed-in people.
        _ => Ok(Answer::see_other("/")),
    }
}

/// The same where an invitation cannot be accepted any more: its cookie is forgotten.
///
/// # Errors
/// `Internal`.
pub fn dead_invitation<P>(context: &Context<'_, P>, jar: &Jar, form: Form) -> Result<Answer, Code> {
    let answer = dead_link(context, form)?;
    let held = jar.get(Cookie::Invitation).is_some();
    Ok(if held { answer.without_cookies(&[Cookie::Invitation]) } else { answer })
}

/// What stands in place of a form whose link, or whose place in a sign-in, is no good (any more).
///
/// # Errors
/// `Internal`.
pub fn dead_link<P>(context: &Context<'_, P>, form: Form) -> Result<Answer, Code> {
    write(context, Code::InvalidLink.status(), None, None, &|shell, _| pages::dead_link(shell, form))
}
