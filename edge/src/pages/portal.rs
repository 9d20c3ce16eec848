//! The customers' portal, in a document of its own: nothing of the dashboard is on it, and it says whose it is and when it
//! ends.

pub mod endpoint;
pub mod endpoints;
pub mod messages;

use super::{Shell, answer, nonce};
use crate::handlers::cookies::Cookie;
use crate::pages::parts::time;
use crate::random::NoRandomness;
use crate::state::State;
use crate::verdict::Answer;
use maud::{Markup, html};
use protocol::Code;
use protocol::api::PortalLink;

/// The path of its first page, and of its forms.
pub(super) const PATH: &str = "/portal";
const NAVIGATION: [(&str, &str); 2] = [(PATH, "Endpoints"), (EVENT_TYPES, "Event types")];
const EVENT_TYPES: &str = "/portal/event-types";

/// What every page of the portal needs.
#[derive(Debug, Clone, Copy)]
pub struct Portal<'a> {
    /// Its token is the link's; without one, nobody is in.
    pub shell: Shell<'a>,
    /// Whose it is, where that was asked.
    pub link: Option<&'a PortalLink>,
}

impl Portal<'_> {
    /// The document around a page's own part. `path` is its place in the navigation.
    pub(super) fn page(&self, title: &str, path: &str, main: &Markup) -> Markup {
        self.shell.document(title, &html! {}, &html! {
            header.top {
                span.brand { (self.shell.brand) }
                @if self.shell.csrf.is_some() {
                    nav aria-label="Portal" { ul {
                        @for (target, label) in NAVIGATION {
                            li { a href=(target) aria-current=[(target == path).then_some("page")] { (label) } }
                        }
                    } }
                    (self.whose())
                }
            }
            main id="main" { (main) }
        })
    }

    fn whose(&self) -> Markup {
        html! {
            div.person {
                @if let Some(link) = self.link {
                    span { "Webhooks of " strong { (link.customer_id) } }
                    span.faint { "until " (time(&link.expires_at)) }
                }
                form method="post" action="/portal/leave" {
                    (self.shell.csrf_field())
                    button.quiet { "Leave" }
                }
            }
        }
    }
}

/// The answer to a link that has ended or never was one: what it had left in the browser goes.
///
/// # Errors
/// [`NoRandomness`].
pub fn ended(state: &mut State) -> Result<Answer, NoRandomness> {
    let code = Code::Unauthenticated;
    let answer = outside(
        state,
        code.status(),
        "This link has ended",
        &html! {
            p { "Links to this page open it for a short time only. Ask who gave you yours for a new one." }
        },
    )?;
    Ok(answer.without_cookies(&[Cookie::Portal]))
}

/// The answer to who has left. The link is what it was; this browser has none.
///
/// # Errors
/// [`NoRandomness`].
pub fn left(state: &mut State) -> Result<Answer, NoRandomness> {
    outside(
        state,
        200,
        "You have left",
        &html! {
            p { "This browser opens the page no more. Until it ends, your link does." }
        },
    )
}

/// A refusal that leaves nothing else to show.
///
/// # Errors
/// [`NoRandomness`].
pub fn problem(state: &mut State, code: Code, detail: Option<&str>) -> Result<Answer, NoRandomness> {
    let answer = outside(
        state,
        code.status(),
        code.title(),
        &html! {
            @if let Some(detail) = detail { p { (detail) } }
            p { a href=(PATH) { "Back to the endpoints" } }
        },
    )?;
    Ok(answer.logging(code))
}

fn outside(state: &mut State, status: u16, title: &str, words: &Markup) -> Result<Answer, NoRandomness> {
    let nonce = nonce(&mut state.random)?;
    let shell = Shell { brand: &state.config.brand.name, nonce: &nonce, csrf: None, me: None };
    let page = Portal { shell, link: None }.page(title, "", &html! { h1 { (title) } (words) });
    Ok(answer(status, page, &nonce, &state.config.csp))
}

/// What was just done.
fn said(done: Option<&str>) -> Markup {
    html! { @if let Some(sentence) = done { p.notice role="status" { (sentence) } } }
}

/// The path of an endpoint's page.
fn path_of(id: &protocol::EndpointId) -> String {
    format!("{PATH}/endpoints/{id}")
}

/// A message's id, on the way to its page.
fn to_message(id: &protocol::MessageId) -> Markup {
    html! { a href=(format!("{PATH}/messages/{id}")) { code { (id) } } }
}
