//! The ways from every page to every other, and who is signed in.

use super::Shell;
use super::parts::may;
use maud::{Markup, html};
use protocol::Operation;

const NAVIGATION: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/connections", "Connections"),
    ("/sources", "Webhooks in"),
    ("/endpoints", "Webhooks out"),
    ("/keys", "API keys"),
    ("/members", "Members"),
    ("/usage", "Usage"),
    ("/audit", "Audit"),
];

/// Of some of them, the pages that belong together.
const GROUPS: [(&str, &[(&str, &str)]); 2] = [
    ("Webhooks in", &[("/sources", "Sources"), ("/events", "Events"), ("/providers", "Providers")]),
    (
        "Webhooks out",
        &[
            ("/endpoints", "Endpoints"),
            ("/messages", "Messages"),
            ("/event-types", "Event types"),
            ("/portal-links", "Portal links"),
        ],
    ),
];

fn group(path: &str) -> Option<(&'static str, &'static [(&'static str, &'static str)])> {
    GROUPS.into_iter().find(|(_, pages)| pages.iter().any(|(target, _)| *target == path))
}

impl Shell<'_> {
    /// What there is, a line of it.
    pub(super) fn navigation(&self, path: &str) -> Markup {
        let group = group(path).map(|(label, _)| label);
        html! {
            nav aria-label="Workspace" {
                ul {
                    @for (target, label) in NAVIGATION {
                        @let current = if target == path { Some("page") } else { (group == Some(label)).then_some("true") };
                        li { a href=(target) aria-current=[current] { (label) } }
                    }
                }
            }
        }
    }

    /// The pages that this one belongs with.
    pub(super) fn siblings(&self, path: &str) -> Markup {
        // Who may not give links out may not see them either.
        let shows = |target: &str| {
            target != "/portal-links" || self.me.is_some_and(|me| may(me, &Operation::CreatePortalLink))
        };
        html! {
            @if let Some((label, pages)) = group(path) {
                nav.sub aria-label=(label) {
                    ul { @for (target, label) in pages.iter().filter(|(target, _)| shows(target)) {
                        li { a href=(target) aria-current=[(*target == path).then_some("page")] { (label) } }
                    } }
                }
            }
        }
    }

    /// Who is signed in, and where.
    pub(super) fn person(&self, path: &str) -> Markup {
        let current = |target: &str| (path == target).then_some("page");
        let user = self.me.and_then(|me| me.user.as_ref());
        html! {
            div.person {
                @if let Some(me) = self.me {
                    a href="/account#workspaces" title="Your workspaces" {
                        span.hidden { "Workspace: " } (me.org.name)
                    }
                }
                a href="/account" aria-current=[current("/account")] {
                    @match user {
                        Some(user) if !user.name.is_empty() => { span.hidden { "Account: " } (user.name) }
                        _ => "Account",
                    }
                }
                form method="post" action="/sign-out" {
                    (self.csrf_field())
                    button.quiet { "Sign out" }
                }
            }
        }
    }
}
