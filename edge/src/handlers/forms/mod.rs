//! Forms of pages: `application/x-www-form-urlencoded` becomes the operation and the JSON of the API, so that there is one
//! way into the control plane. A change that was made answers 303, so that a reload repeats nothing; a refused one shows
//! the page again with what was typed, secrets aside; one that wants a fresh proof of who sits there asks for it.

mod account;
mod convert;
pub(super) mod endpoint;
mod fields;
mod inbound;
mod outbound;
mod vault;
mod webhooks;

pub use fields::Fields;

use super::cookies::{Cookie, Jar};
use super::pages::once::{self, Once};
use super::pages::{Page, idle_days, public, show};
use super::{Context, asked, connect, landing, oidc};
use crate::auth::Caller;
use crate::control_plane::{ControlPlane, Reply};
use crate::csrf;
use crate::pages::Retry;
use crate::verdict::Answer;
use protocol::api::SecondFactorNeeded;
use protocol::{
    ApiKeyId, Code, ConnectionId, Detail, EndpointId, InboundEventId, MessageId, Operation, Principal,
    SourceId,
};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// Which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `POST /sign-in`.
    SignIn,
    /// `POST /sign-in/code`.
    SignInCode,
    /// `POST /sign-up`.
    SignUp,
    /// `POST /finish-sign-up`.
    FinishSignUp,
    /// `POST /forgot-password`.
    ForgotPassword,
    /// `POST /reset-password`.
    ResetPassword,
    /// `POST /verify-email`.
    VerifyEmail,
    /// `POST /join/sign-up`.
    JoinSignUp,
    /// `POST /join`.
    Join,
    /// `POST /sign-out`.
    SignOut,
    /// `POST /connections`.
    Connections,
    /// `POST /connectors`.
    Connectors,
    /// `POST /workspace`.
    Workspace,
    /// `POST /admin/keys`.
    AdminKeys,
    /// `POST /keys`.
    Keys,
    /// `POST /sources`.
    Sources,
    /// `POST /events`.
    Events,
    /// `POST /endpoints`.
    Endpoints,
    /// `POST /messages`.
    Messages,
    /// `POST /event-types`.
    EventTypes,
    /// `POST /portal-links`.
    PortalLinks,
    /// `POST /members`.
    Members,
    /// `POST /account`.
    Account,
    /// `POST /account/password`.
    Password,
    /// `POST /confirm`.
    Confirm,
}

impl Form {
    /// Whether it is for signed-in people.
    pub fn needs_caller(self) -> bool {
        !matches!(
            self,
            Self::SignIn
                | Self::SignInCode
                | Self::SignUp
                | Self::FinishSignUp
                | Self::ForgotPassword
                | Self::ResetPassword
                | Self::JoinSignUp
        )
    }

    /// Whether it is counted as a sign-in: it is open to anybody, or tries a password, code or token.
    pub fn signs_in(self) -> bool {
        !self.needs_caller() || matches!(self, Self::VerifyEmail | Self::Password | Self::Confirm)
    }

    /// The page it stands on.
    fn page(self, fields: &Fields) -> Page {
        match self {
            Self::SignIn | Self::SignUp | Self::SignOut => Page::Home(None),
            Self::SignInCode => Page::SignInCode,
            Self::FinishSignUp => Page::FinishSignUp,
            Self::ForgotPassword => Page::ForgotPassword(None),
            Self::ResetPassword => Page::ResetPassword,
            Self::VerifyEmail => Page::VerifyEmail,
            Self::JoinSignUp | Self::Join => Page::Join,
            Self::Connections | Self::Connectors => vault::page(self, fields),
            Self::Workspace => Page::Workspace(None),
            Self::AdminKeys => Page::AdminKeys(None),
            Self::Keys => key_page(fields),
            Self::Sources
            | Self::Events
            | Self::Endpoints
            | Self::Messages
            | Self::EventTypes
            | Self::PortalLinks => webhooks::page(self, fields),
            Self::Members => Page::Members { notice: None, cursor: None },
            Self::Account if fields.text("action") == "confirm_second_factor" => Page::SecondFactor,
            Self::Account | Self::Password => Page::Account(None),
            Self::Confirm => Page::Confirm,
        }
    }

    /// The path of that page, for the way back to it.
    fn path(self, fields: &Fields) -> Cow<'static, str> {
        let path = match self {
            Self::Connections => return of_one("/connections", ConnectionId::parse(fields.text("id"))),
            Self::Connectors => return vault::connector_path(fields),
            Self::Workspace => "/workspace",
            Self::AdminKeys => "/admin/keys",
            Self::Keys => return key_path(fields),
            Self::Sources => return of_one("/sources", SourceId::parse(fields.text("id"))),
            Self::Events => "/events",
            Self::Endpoints => return of_one("/endpoints", EndpointId::parse(fields.text("id"))),
            Self::Messages => "/messages",
            Self::EventTypes => "/event-types",
            Self::PortalLinks => "/portal-links",
            Self::Members => "/members",
            Self::Account | Self::Password => "/account",
            _ => "/",
        };
        if self.is_of_one(fields.text("id")) {
            format!("{path}/{}", fields.text("id")).into()
        } else {
            path.into()
        }
    }

    /// Whether it stands on a page of one thing, which has this id.
    fn is_of_one(self, id: &str) -> bool {
        match self {
            Self::Connections => ConnectionId::parse(id).is_ok(),
            Self::Sources => SourceId::parse(id).is_ok(),
            Self::Events => InboundEventId::parse(id).is_ok(),
            Self::Endpoints => EndpointId::parse(id).is_ok(),
            Self::Messages => MessageId::parse(id).is_ok(),
            _ => false,
        }
    }

    /// The cookies that have served once it is done.
    fn uses(self) -> &'static [Cookie] {
        match self {
            Self::SignInCode => &[Cookie::Challenge],
            Self::FinishSignUp => &[Cookie::Pending, Cookie::Invitation],
            Self::ResetPassword => &[Cookie::Reset],
            Self::VerifyEmail => &[Cookie::Verification],
            Self::Join | Self::JoinSignUp => &[Cookie::Invitation],
            _ => &[],
        }
    }
}

/// The page that a form of API keys stands on: one of its own where it asks first.
fn key_page(fields: &Fields) -> Page {
    match (fields.text("action"), ApiKeyId::parse(fields.text("id"))) {
        ("rotate", Ok(id)) => Page::RotateKey(id),
        ("revoke", Ok(id)) => Page::RevokeKey(id),
        _ => Page::Keys(None),
    }
}

/// Its path.
fn key_path(fields: &Fields) -> Cow<'static, str> {
    match key_page(fields) {
        Page::RotateKey(id) => format!("/keys/{id}/rotate").into(),
        Page::RevokeKey(id) => format!("/keys/{id}/revoke").into(),
        _ => "/keys".into(),
    }
}

/// The page of one thing, where a form is about one, else the list.
fn of_one<T: std::fmt::Display, E>(list: &'static str, id: Result<T, E>) -> Cow<'static, str> {
    id.map_or(list.into(), |id| format!("{list}/{id}").into())
}

/// What a form asks for.
struct Change {
    operation: Operation,
    body: Vec<u8>,
    done: Done,
}

impl Change {
    fn new(operation: Operation, body: &Value, done: Done) -> Self {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        Self { operation, body, done }
    }
}

/// What follows a change that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Done {
    /// On to a page, which says what was done.
    SeeOther(Cow<'static, str>),
    /// On to the page of what was made, below this one, saying this of it.
    Made(&'static str, &'static str),
    /// Back to the page where a confirmation was asked for, if it is one.
    Confirmed(String),
    /// In, or on to the second factor.
    SignedIn,
    /// Out, to a page for everybody.
    SignedOut(&'static str),
    /// The answer is shown, once.
    Shown(Once),
    /// On to an OIDC provider.
    ToProvider,
    /// On to a connector's provider.
    ToGrant,
}

/// The answer to a form that makes something.
#[derive(Deserialize)]
struct Made {
    id: String,
}

impl Done {
    /// On to a page of ours.
    fn at(path: impl Into<Cow<'static, str>>) -> Self {
        Self::SeeOther(path.into())
    }
}

/// Answers a form's request.
///
/// # Errors
/// The refusal, where not even a page of its own can be written.
pub async fn handle<P: ControlPlane>(
    context: &Context<'_, P>,
    form: Form,
    caller: Option<&Caller>,
    jar: &Jar,
    body: &[u8],
) -> Result<Answer, Code> {
    let fields = Fields::parse(body).ok_or(Code::InvalidRequest)?;
    if let Some(caller) = caller {
        csrf::token(fields.get("csrf_token"), caller.session(), &context.state.borrow())?;
    }
    if form.uses().first().is_some_and(|cookie| jar.get(*cookie).is_none()) {
        return public::dead_link(context, form);
    }
    if let Some(detail) = webhooks::malformed(form, &fields) {
        let retry = Retry::new(form, Code::ValidationFailed, Some(detail), fields);
        return again(context, caller, jar, Code::ValidationFailed, retry).await;
    }
    let change = convert::change(form, &fields, jar).ok_or(Code::InvalidRequest)?;
    let principal = caller.map_or(Principal::Anonymous, Caller::principal);
    let Change { operation, body, done } = change;
    let reply = context.call(caller, principal, operation, body).await?;
    if reply.is_success() {
        return Ok(succeeded(context, caller, jar, done, &fields, &reply)?.without_cookies(form.uses()));
    }
    failed(context, form, caller, jar, fields, &reply).await
}

fn succeeded<P: ControlPlane>(
    context: &Context<'_, P>,
    caller: Option<&Caller>,
    jar: &Jar,
    done: Done,
    fields: &Fields,
    reply: &Reply,
) -> Result<Answer, Code> {
    let session = reply.session.as_deref().map(String::as_str);
    let signed_in =
        |path: Cow<'static, str>| Answer::see_other(path).with_session(session, idle_days(context));
    match done {
        Done::SeeOther(path) => Ok(signed_in(path)),
        Done::Made(list, said) => {
            let Made { id } = super::pages::read(reply)?;
            Ok(signed_in(format!("{list}/{id}?done={said}").into()))
        }
        Done::SignedIn if reply.status == 202 => {
            let needed: SecondFactorNeeded = super::pages::read(reply)?;
            Answer::see_other("/sign-in/code")
                .with_cookie(Cookie::Challenge, &needed.challenge.0)
                .ok_or(Code::Unavailable)
        }
        Done::SignedIn => {
            let path = landing(jar, &context.state.borrow().config);
            Ok(asked::served(signed_in(path.into()), jar))
        }
        Done::Confirmed(back) => {
            let path = asked::confirmed(Some(&back), &context.state.borrow().config);
            Ok(signed_in(path.into()))
        }
        Done::SignedOut(path) => Ok(Answer::see_other(path).with_session(Some(""), idle_days(context))),
        Done::Shown(what) => once::show(context, caller.ok_or(Code::Unauthenticated)?, &what, fields, reply),
        Done::ToProvider => {
            let answer = oidc::go_on(context, caller.ok_or(Code::Unauthenticated)?, reply)?;
            Ok(asked::instead(answer, fields.text("back"), &context.state.borrow().config))
        }
        Done::ToGrant => connect::go_on(context, caller.ok_or(Code::Unauthenticated)?, reply),
    }
}

async fn failed<P: ControlPlane>(
    context: &Context<'_, P>,
    form: Form,
    caller: Option<&Caller>,
    jar: &Jar,
    fields: Fields,
    reply: &Reply,
) -> Result<Answer, Code> {
    let (code, detail) = reply.problem();
    match code {
        Code::Unauthenticated => {
            let answer = Answer::see_other("/").with_session(Some(""), idle_days(context));
            return Ok(asked::remember(answer, &form.path(&fields), &context.state.borrow().config));
        }
        // What was in the cookie is spent or too old: nothing that is typed here can make it good.
        Code::InvalidLink if !form.uses().is_empty() => {
            return Ok(public::dead_link(context, form)?.without_cookies(form.uses()));
        }
        _ if form == Form::SignOut => return Err(code),
        _ => {}
    }
    let wait = reply.retry_after.map(|seconds| format!("Try again in {}.", crate::pages::wait(seconds)));
    let retry = Retry::new(form, code, wait.map(Detail::from).or(detail), fields);
    let answer = again(context, caller, jar, code, retry).await?;
    Ok(match reply.retry_after {
        Some(seconds) => answer.with("retry-after", seconds.to_string()),
        None => answer,
    })
}

/// The page of a refused form, or the one that asks for a proof first.
async fn again<P: ControlPlane>(
    context: &Context<'_, P>,
    caller: Option<&Caller>,
    jar: &Jar,
    code: Code,
    mut retry: Retry,
) -> Result<Answer, Code> {
    let form = retry.form;
    match caller {
        Some(caller) if code == Code::ReauthenticationRequired && form != Form::Confirm => {
            retry.fields = Fields::back_to(&form.path(&retry.fields));
            show::render(context, &Page::Confirm, caller, jar, Some(&retry)).await
        }
        Some(caller) => show::render(context, &form.page(&retry.fields), caller, jar, Some(&retry)).await,
        // The provider's email is what it is: somebody else's invitation can only be left aside.
        None if form == Form::FinishSignUp && code == Code::WrongEmail => {
            let jar = jar.clone().without(Cookie::Invitation);
            let answer = public::render(context, &Page::FinishSignUp, &jar, Some(&retry)).await?;
            Ok(answer.without_cookies(&[Cookie::Invitation]))
        }
        None => public::render(context, &form.page(&retry.fields), jar, Some(&retry)).await,
    }
}

#[cfg(test)]
mod tests;
