//! The customers' portal: pages and forms by which a customer's own user manages that customer's endpoints, by a link. Which
//! customer that is, and whether the link still opens, the org's object says on every call.
//!
//! Invariant: all that is asked here is asked as the link's holder. There is no [`crate::auth::Caller`] in this module.

mod forms;
mod show;

use super::Context;
use super::cookies::Cookie;
use crate::auth::Holder;
use crate::control_plane::ControlPlane;
use crate::pages::portal::{self, Portal};
use crate::pages::{self, Shell};
use crate::verdict::Answer;
use maud::Markup;
use protocol::api::{DeliveryStatus, PortalLink};
use protocol::{Code, EndpointId, MessageId};

/// What is asked of the portal.
#[derive(Debug, Clone)]
pub enum Ask {
    /// A page.
    Page(Page),
    /// `POST /portal`: a form of any page.
    Change,
    /// `POST /portal/leave`: this browser forgets the link.
    Leave,
}

/// Which page.
#[derive(Debug, Clone)]
pub enum Page {
    /// The customer's endpoints.
    Endpoints {
        /// What was just done.
        done: Option<&'static str>,
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
    /// One of them.
    Endpoint {
        /// Which.
        id: EndpointId,
        /// What was just done.
        done: Option<&'static str>,
    },
    /// What was, or is to be, delivered to it.
    Deliveries {
        /// To which.
        id: EndpointId,
        /// Those that have come so far.
        status: Option<DeliveryStatus>,
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
    /// Attempts at it.
    Attempts {
        /// At which.
        id: EndpointId,
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
    /// A message.
    Message {
        /// Which.
        id: MessageId,
        /// Where the last page of its attempts ended.
        cursor: Option<String>,
    },
    /// The types of events there are.
    EventTypes {
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
}

impl Ask {
    /// Whether it is a form's.
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Change | Self::Leave)
    }
}

/// What the change that led to a page has done; a redirect names it by a word of this table, and any other says nothing.
const DONE: [(&str, &str); 6] = [
    ("deleted", "The endpoint is deleted."),
    ("changed", "The endpoint is changed."),
    ("disabled", "The endpoint is out of use: nothing is sent to it."),
    ("enabled", "The endpoint is in use again. What it has missed can be recovered below."),
    ("tested", "An example is on its way. Load this page again in a moment to see how it went."),
    ("resent", "The message is on its way again. Load this page again in a moment to see how it went."),
];

/// By a query, `done=changed`.
pub fn done(query: &str) -> Option<&'static str> {
    let word = query.strip_prefix("done=")?;
    DONE.into_iter().find(|(name, _)| *name == word).map(|(_, sentence)| sentence)
}

/// Answers what is asked.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub async fn handle<P: ControlPlane>(
    context: &Context<'_, P>,
    holder: &Holder,
    ask: &Ask,
    body: &[u8],
) -> Result<Answer, Code> {
    match ask {
        Ask::Page(page) => show::render(context, holder, page, None).await,
        Ask::Change => forms::change(context, holder, body).await,
        Ask::Leave => forms::leave(context, holder, body),
    }
}

/// A page as an answer. `link`: whose portal it is, where that was asked.
///
/// # Errors
/// `Internal`.
fn write<P>(
    context: &Context<'_, P>,
    holder: &Holder,
    status: u16,
    link: Option<&PortalLink>,
    page: &dyn Fn(&Portal<'_>) -> Markup,
) -> Result<Answer, Code> {
    let state = &mut context.state.borrow_mut();
    let nonce = pages::nonce(&mut state.random).map_err(|_| Code::Internal)?;
    let csrf = tokens::csrf_token(&state.csrf, holder.csrf_subject());
    let shell = Shell { brand: &state.config.brand.name, nonce: &nonce, csrf: Some(&csrf), me: None };
    let markup = page(&Portal { shell, link });
    Ok(pages::answer(status, markup, &nonce, &state.config.csp))
}

/// A refusal that leaves nothing else to show. A link that opens nothing any more is forgotten.
///
/// # Errors
/// `Internal`.
fn refused<P>(context: &Context<'_, P>, code: Code, detail: Option<&str>) -> Result<Answer, Code> {
    let state = &mut context.state.borrow_mut();
    match code {
        Code::Unauthenticated => portal::ended(state),
        code => portal::problem(state, code, detail),
    }
    .map_err(|_| Code::Internal)
}

/// Out: this browser has no link any more.
fn left<P>(context: &Context<'_, P>) -> Result<Answer, Code> {
    let answer = portal::left(&mut context.state.borrow_mut()).map_err(|_| Code::Internal)?;
    Ok(answer.without_cookies(&[Cookie::Portal]))
}

#[cfg(test)]
mod tests;
