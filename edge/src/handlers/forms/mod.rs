//! Forms of pages: `application/x-www-form-urlencoded` becomes the operation and the JSON of the API, so that there is one
//! way into the control plane. A change that was made answers 303, so that a reload repeats nothing; a refused one shows
//! the page again with what was typed, secrets aside.

mod convert;
mod fields;

pub use fields::Fields;

use super::Context;
use super::pages::{self, Page, idle_days};
use crate::auth::Caller;
use crate::control_plane::{ControlPlane, Reply};
use crate::csrf;
use crate::pages::Retry;
use crate::verdict::Answer;
use convert::{Change, Done};
use protocol::{Code, Principal};

/// Which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `POST /sign-in`.
    SignIn,
    /// `POST /sign-up`.
    SignUp,
    /// `POST /sign-out`.
    SignOut,
    /// `POST /connections`.
    Connections,
    /// `POST /keys`.
    Keys,
    /// `POST /sources`.
    Sources,
}

impl Form {
    /// Whether it is for signed-in people.
    pub fn needs_caller(self) -> bool {
        !matches!(self, Self::SignIn | Self::SignUp)
    }

    /// The page it stands on.
    fn page(self) -> Page {
        match self {
            Self::SignIn | Self::SignUp | Self::SignOut => Page::Home,
            Self::Connections => Page::Connections(None),
            Self::Keys => Page::Keys(None),
            Self::Sources => Page::Sources(None),
        }
    }
}

/// Answers a form's request.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub async fn handle<P: ControlPlane>(
    context: &Context<'_, P>,
    form: Form,
    caller: Option<&Caller>,
    body: &[u8],
) -> Result<Answer, Code> {
    let fields = Fields::parse(body).ok_or(Code::InvalidRequest)?;
    if let Some(caller) = caller {
        csrf::token(fields.get("csrf_token"), caller.session(), &context.state.borrow())?;
    }
    let change = convert::change(form, &fields).ok_or(Code::InvalidRequest)?;
    let principal = caller.map_or(Principal::Anonymous, Caller::principal);
    let Change { operation, body, done } = change;
    let reply = context.call(caller, principal, operation, body).await?;
    if reply.is_success() {
        return succeeded(context, caller, done, &reply);
    }
    failed(context, form, caller, fields, &reply).await
}

fn succeeded<P: ControlPlane>(
    context: &Context<'_, P>,
    caller: Option<&Caller>,
    done: Done,
    reply: &Reply,
) -> Result<Answer, Code> {
    let session = reply.session.as_deref().map(String::as_str);
    match done {
        Done::SeeOther(path) => Ok(Answer::see_other(path).with_session(session, idle_days(context))),
        Done::SignedOut => Ok(Answer::see_other("/").with_session(Some(""), idle_days(context))),
        Done::NewKey => pages::new_key(context, caller.ok_or(Code::Unauthenticated)?, reply),
    }
}

async fn failed<P: ControlPlane>(
    context: &Context<'_, P>,
    form: Form,
    caller: Option<&Caller>,
    fields: Fields,
    reply: &Reply,
) -> Result<Answer, Code> {
    let (code, detail) = reply.problem();
    if code == Code::Unauthenticated {
        return Ok(Answer::see_other("/").with_session(Some(""), idle_days(context)));
    }
    if form == Form::SignOut {
        return Err(code);
    }
    let retry =
        Retry { form, status: code.status(), title: code.title(), detail, fields: fields.without_secrets() };
    match caller {
        Some(caller) => pages::render(context, &form.page(), caller, Some(&retry)).await,
        None => pages::sign_in(context, retry.status, Some(&retry)),
    }
}

#[cfg(test)]
mod tests;
