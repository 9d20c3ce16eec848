//! The pages: each a pure function from its data to HTML.
//!
//! Invariants: maud escapes every value, nothing is marked as already escaped but the style sheet of this folder; a page
//! loads nothing, runs nothing, and works as plain forms and links; a change is a form with the session's CSRF token.

pub mod audit;
pub mod connections;
pub mod events;
pub mod keys;
pub mod overview;
pub mod security;
pub mod sign_in;
pub mod sources;

mod parts;

use crate::handlers::forms::{Fields, Form};
use crate::random::{NoRandomness, Random};
use crate::security_headers::{Kind, page_policy};
use crate::verdict::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use config::Csp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

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
}

/// What a redirect after a change says was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Something is new.
    Created,
    /// Something is gone.
    Deleted,
    /// A key is dead.
    Revoked,
}

/// A form that was refused: why, and what was typed.
pub struct Retry {
    /// Which.
    pub form: Form,
    /// The answer's status.
    pub status: u16,
    /// The problem's title.
    pub title: &'static str,
    /// The problem's detail.
    pub detail: Option<String>,
    /// Without secrets.
    pub fields: Fields,
}

/// A fresh nonce: 128 bits.
///
/// # Errors
/// [`NoRandomness`].
pub fn nonce(random: &mut Random) -> Result<String, NoRandomness> {
    Ok(STANDARD_NO_PAD.encode(random.take::<16>()?))
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

const NAVIGATION: [(&str, &str); 6] = [
    ("/", "Overview"),
    ("/connections", "Connections"),
    ("/keys", "API keys"),
    ("/sources", "Sources"),
    ("/events", "Events"),
    ("/audit", "Audit"),
];

impl Shell<'_> {
    /// The document around a page's own part. `path` is its place in the navigation.
    fn page(&self, title: &str, path: &str, main: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " · " (self.brand) }
                    style nonce=(self.nonce) { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header.top {
                        a.brand href="/" { (self.brand) }
                        @if self.csrf.is_some() {
                            (self.navigation(path))
                            form method="post" action="/sign-out" {
                                (self.csrf_field())
                                button.quiet { "Sign out" }
                            }
                        }
                    }
                    main id="main" { (main) }
                    footer {
                        a href="/security" { "Security" }
                        a href="/openapi.json" { "API" }
                    }
                }
            }
        }
    }

    fn navigation(&self, path: &str) -> Markup {
        html! {
            nav aria-label="Workspace" {
                ul {
                    @for (target, label) in NAVIGATION {
                        li { a href=(target) aria-current=[(target == path).then_some("page")] { (label) } }
                    }
                }
            }
        }
    }

    fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name="csrf_token" value=[self.csrf]; }
    }

    /// A button that changes one row: a form of its own.
    fn row_button(&self, path: &str, action: &str, id: &str, label: &str, what: &str) -> Markup {
        html! {
            form method="post" action=(path) {
                (self.csrf_field())
                input type="hidden" name="action" value=(action);
                input type="hidden" name="id" value=(id);
                button.danger aria-label=(format!("{label} {what}")) { (label) }
            }
        }
    }
}

impl Retry {
    /// What was typed into `form`'s field.
    fn typed<'r>(retry: Option<&'r Self>, form: Form, name: &str) -> &'r str {
        retry.filter(|retry| retry.form == form).and_then(|retry| retry.fields.get(name)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
