//! The pages: each a pure function from its data to HTML.
//!
//! Invariants: maud escapes every value, nothing is marked as already escaped but the style sheet of this folder; a page
//! loads nothing, runs nothing, and works as plain forms and links; a change is a form with the session's CSRF token.

pub mod account;
pub mod admin_keys;
pub mod audit;
pub mod confirm;
pub mod connection;
pub mod connections;
pub mod connectors;
pub mod grant;
pub mod join;
pub mod keys;
pub mod members;
pub mod overview;
pub mod password;
pub mod portal;
pub mod receipts;
pub mod second_factor;
pub mod security;
pub mod sign_in;
pub mod usage;
pub mod verify_email;
pub mod webhooks;
pub mod workspace;

mod navigation;
mod notices;
mod parts;
mod qr;
mod retry;

pub use notices::Notice;
pub use retry::Retry;
use retry::Typed;

use crate::auth::Caller;
use crate::handlers::forms::Form;
use crate::random::{NoRandomness, Random};
use crate::security_headers::{Kind, page_policy};
use crate::state::State;
use crate::verdict::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use config::Csp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use protocol::api::Me;
use protocol::{Code, RequestId};

const STYLE: &str = include_str!("style.css");

/// What every page needs.
#[derive(Debug, Clone, Copy)]
pub struct Shell<'a> {
    /// The operator's name for it.
    pub brand: &'a str,
    /// Of the policy in this answer's header.
    pub nonce: &'a str,
    /// The session's CSRF token; `None` where nobody is signed in.
    pub csrf: Option<&'a str>,
    /// Who is signed in, where the page knows.
    pub me: Option<&'a Me>,
}

/// Whose pages they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The workspace's own people's.
    Dashboard,
    /// Its customers'.
    Portal,
}

/// A fresh nonce: 128 bits.
///
/// # Errors
/// [`NoRandomness`].
pub fn nonce(random: &mut Random) -> Result<String, NoRandomness> {
    Ok(STANDARD_NO_PAD.encode(random.take::<16>()?))
}

/// What the forms of a session's pages prove themselves by.
pub fn csrf_token(caller: &Caller, state: &State) -> Option<String> {
    caller.session().map(|id| tokens::csrf_token(&state.csrf, id.as_str()))
}

/// The answer with a page, under the policy that its nonce belongs to.
pub fn answer(status: u16, page: Markup, nonce: &str, additions: &Csp) -> Answer {
    let (name, policy) = page_policy(nonce, additions);
    Answer::new(status, Kind::Html, page.into_string()).with(name, policy)
}

/// A page that only says what went wrong.
pub fn problem(shell: &Shell<'_>, title: &str, detail: Option<&str>) -> Markup {
    shell.page(
        title,
        "",
        &html! {
            h1 { (title) }
            @if let Some(detail) = detail { p { (detail) } }
            p { a href="/" { "Back to the overview" } }
        },
    )
}

/// Why a page or a form was refused, and to whom.
pub struct Refusal<'a> {
    /// The problem.
    pub code: Code,
    /// What to change.
    pub detail: Option<&'a str>,
    /// When to come back.
    pub wait_seconds: Option<u32>,
    /// Where to.
    pub home: Home,
    /// Who is signed in: the way to everywhere else stays.
    pub caller: Option<&'a Caller>,
}

/// The page for a refusal.
///
/// # Errors
/// [`NoRandomness`].
pub fn refused(
    state: &mut State,
    refusal: &Refusal<'_>,
    request_id: &RequestId,
) -> Result<Answer, NoRandomness> {
    let &Refusal { code, detail, wait_seconds, home, caller } = refusal;
    let nonce = nonce(&mut state.random)?;
    let csrf = caller.and_then(|caller| csrf_token(caller, state));
    let shell = Shell { brand: &state.config.brand.name, nonce: &nonce, csrf: csrf.as_deref(), me: None };
    let (start, words) = match home {
        Home::Dashboard => ("/", "Go to the start"),
        Home::Portal => (portal::PATH, "Go to the endpoints"),
    };
    let main = html! {
        h1 { (code.title()) }
        @if let Some(detail) = detail { p { (detail) } }
        @if let Some(seconds) = wait_seconds { p { "Try again in " (wait(seconds)) "." } }
        @if matches!(code, Code::CsrfFailed | Code::CrossOrigin) {
            p { "Nothing was changed. Open the page again, and send its form from there." }
        }
        p { a href=(start) { (words) } }
        p.faint { "Request " code.wrap { (request_id) } }
    };
    let page = match home {
        Home::Dashboard => shell.page(code.title(), "", &main),
        Home::Portal => {
            let shell = Shell { csrf: None, ..shell };
            portal::Portal { shell, link: None }.page(code.title(), "", &main)
        }
    };
    Ok(answer(code.status(), page, &nonce, &state.config.csp).logging(code))
}

/// What to do where a form's link, or its place in a sign-in, is no good (any more).
pub fn dead_link(shell: &Shell<'_>, form: Form) -> Markup {
    let (path, words) = match form {
        Form::ResetPassword => ("/forgot-password", "Ask for a new link"),
        Form::VerifyEmail => {
            ("/account", "Have a new link sent, from the page of the account that it is for")
        }
        Form::SignInCode | Form::FinishSignUp => ("/", "Sign in again"),
        _ => ("/", "Sign in, or ask who invited you for a new invitation"),
    };
    shell.page(
        Code::InvalidLink.title(),
        "",
        &html! {
            h1 { (Code::InvalidLink.title()) }
            p { "It works once, for a limited time, and in one browser at a time." }
            p { a href=(path) { (words) } }
        },
    )
}

/// A time to wait, for people.
pub fn wait(seconds: u32) -> String {
    match seconds {
        0 | 1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        91..=5400 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}

impl Shell<'_> {
    /// The document around a page's own part. `path` is its place in the navigation.
    fn page(&self, title: &str, path: &str, main: &Markup) -> Markup {
        self.page_with(title, path, &html! {}, main)
    }

    /// The same with more in its head.
    fn page_with(&self, title: &str, path: &str, head: &Markup, main: &Markup) -> Markup {
        self.document(
            title,
            head,
            &html! {
                header.top {
                    a.brand href="/" { (self.brand) }
                    @if self.csrf.is_some() {
                        (self.navigation(path))
                        (self.person(path))
                    }
                }
                @if self.csrf.is_some() { (self.siblings(path)) }
                main id="main" { (main) }
                footer {
                    a href="/security" { "Security" }
                    a href="/openapi.json" { "API" }
                }
            },
        )
    }

    /// What every document has, be it of the dashboard or the portal. `body` holds an element `#main`.
    fn document(&self, title: &str, head: &Markup, body: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    (head)
                    title { (title) " · " (self.brand) }
                    style nonce=(self.nonce) { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    (body)
                }
            }
        }
    }

    fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name="csrf_token" value=[self.csrf]; }
    }

    /// What every form with an action says of itself.
    fn hidden(&self, action: &str, fields: &[(&str, &str)]) -> Markup {
        html! {
            (self.csrf_field())
            input type="hidden" name="action" value=(action);
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
        }
    }

    /// A form of one button.
    fn button(&self, path: &str, action: &str, fields: &[(&str, &str)], class: &str, label: &str) -> Markup {
        html! {
            form method="post" action=(path) {
                (self.hidden(action, fields))
                button class=[(!class.is_empty()).then_some(class)] { (label) }
            }
        }
    }

    /// A button that changes one row: a form of its own.
    fn row_button(&self, path: &str, action: &str, id: &str, label: &str, what: &str) -> Markup {
        html! {
            form method="post" action=(path) {
                (self.hidden(action, &[("id", id)]))
                button.danger aria-label=(format!("{label} {what}")) { (label) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
