//! A page's data, fetched in one call, and the page written from it.

use super::Context;
use crate::auth::Caller;
use crate::control_plane::{ControlPlane, Reply};
use crate::pages::{self, Notice, Retry, Shell};
use crate::verdict::Answer;
use maud::Markup;
use protocol::api::{AuditVerification, InboundEvent, Overview};
use protocol::{Code, InboundEventId, Operation};
use serde::de::DeserializeOwned;

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// Sign-in, or the overview.
    Home,
    /// Connections.
    Connections(Option<Notice>),
    /// API keys.
    Keys(Option<Notice>),
    /// Webhook sources.
    Sources(Option<Notice>),
    /// Inbound events.
    Events,
    /// One event.
    Event(InboundEventId),
    /// The audit trail; its chain is recomputed where `verify` asks for it.
    Audit {
        /// Whether to.
        verify: bool,
    },
}

impl Page {
    /// Whether the page is for signed-in people alone.
    pub fn needs_caller(&self) -> bool {
        *self != Self::Home
    }

    /// What was just done, by the query that a form's redirect has set.
    pub fn notice(query: &str) -> Option<Notice> {
        match query {
            "done=created" => Some(Notice::Created),
            "done=deleted" => Some(Notice::Deleted),
            "done=revoked" => Some(Notice::Revoked),
            _ => None,
        }
    }
}

/// Answers a page.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub async fn handle<P: ControlPlane>(
    context: &Context<'_, P>,
    page: &Page,
    caller: Option<&Caller>,
) -> Result<Answer, Code> {
    match caller {
        Some(caller) => render(context, page, caller, None).await,
        None => sign_in(context, 200, None),
    }
}

/// The sign-in page, after a refused form with what was typed.
///
/// # Errors
/// `Internal`.
pub fn sign_in<P>(context: &Context<'_, P>, status: u16, retry: Option<&Retry>) -> Result<Answer, Code> {
    write(context, status, None, |shell, state| pages::sign_in::render(shell, &state.config, retry))
}

/// A signed-in page. `retry`: a form of it was refused.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub async fn render<P: ControlPlane>(
    context: &Context<'_, P>,
    page: &Page,
    caller: &Caller,
    retry: Option<&Retry>,
) -> Result<Answer, Code> {
    let operation = match page {
        Page::Event(id) => Operation::GetInboundEvent { id: id.clone() },
        _ => Operation::Overview,
    };
    let reply = context.call(Some(caller), caller.principal(), operation, Vec::new()).await?;
    if !reply.is_success() {
        return refused(context, page, caller, &reply);
    }
    let session = reply.session.as_deref().map(String::as_str);
    let status = retry.map_or(200, |retry| retry.status);
    let answer = if let Page::Event(_) = page {
        let event: InboundEvent = read(&reply)?;
        write(context, status, Some(caller), |shell, _| pages::events::one(shell, &event))?
    } else {
        let data: Overview = read(&reply)?;
        let audit = match page {
            Page::Audit { verify: true } => Some(verify_audit(context, caller).await?),
            _ => None,
        };
        write(context, status, Some(caller), |shell, _| match page {
            Page::Home | Page::Event(_) => pages::overview::render(shell, &data),
            Page::Connections(notice) => pages::connections::render(shell, &data, *notice, retry),
            Page::Keys(notice) => pages::keys::render(shell, &data, *notice, retry),
            Page::Sources(notice) => pages::sources::render(shell, &data, *notice, retry),
            Page::Events => pages::events::list(shell, &data),
            Page::Audit { .. } => pages::audit::render(shell, &data, audit.as_ref()),
        })?
    };
    Ok(answer.with_session(session, idle_days(context)))
}

/// The page that shows a new API key, once.
///
/// # Errors
/// The refusal.
pub fn new_key<P>(context: &Context<'_, P>, caller: &Caller, reply: &Reply) -> Result<Answer, Code> {
    let key = read(reply)?;
    let answer = write(context, 200, Some(caller), |shell, _| pages::keys::created(shell, &key))?;
    Ok(answer.with_session(reply.session.as_deref().map(String::as_str), idle_days(context)))
}

/// A refusal on a page: who is not signed in any more begins at the sign-in form, without the dead cookie.
fn refused<P>(context: &Context<'_, P>, page: &Page, caller: &Caller, reply: &Reply) -> Result<Answer, Code> {
    let (code, detail) = reply.problem();
    let answer = match (code, page) {
        (Code::Unauthenticated, Page::Home) => sign_in(context, 200, None)?,
        (Code::Unauthenticated, _) => Answer::see_other("/"),
        _ => {
            return write(context, code.status(), Some(caller), |shell, _| {
                pages::problem(shell, code.title(), detail.as_deref())
            });
        }
    };
    Ok(answer.with_session(Some(""), idle_days(context)))
}

async fn verify_audit<P: ControlPlane>(
    context: &Context<'_, P>,
    caller: &Caller,
) -> Result<AuditVerification, Code> {
    let reply = context
        .call(Some(caller), caller.principal(), Operation::VerifyAudit { from: 0 }, Vec::new())
        .await?;
    if reply.is_success() { read(&reply) } else { Err(reply.problem().0) }
}

fn write<P>(
    context: &Context<'_, P>,
    status: u16,
    caller: Option<&Caller>,
    page: impl FnOnce(&Shell<'_>, &crate::state::State) -> Markup,
) -> Result<Answer, Code> {
    let state = &mut context.state.borrow_mut();
    let nonce = pages::nonce(&mut state.random).map_err(|_| Code::Internal)?;
    let csrf = caller.and_then(Caller::session).map(|id| tokens::csrf_token(&state.csrf, id.as_str()));
    let shell = Shell { brand: &state.config.brand.name, nonce: &nonce, csrf: csrf.as_deref() };
    let markup = page(&shell, state);
    Ok(pages::answer(status, markup, &nonce, &state.config.csp))
}

fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, Code> {
    serde_json::from_slice(&reply.body).map_err(|_| Code::Unavailable)
}

/// For the cookie's `Max-Age`.
pub fn idle_days<P>(context: &Context<'_, P>) -> u32 {
    context.state.borrow().config.sessions.idle_days
}

#[cfg(test)]
mod tests;
