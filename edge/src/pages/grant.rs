//! `/connections/callback`, where it does not lead on: access was not granted, or to nobody who is signed in. These pages
//! show nothing of their address, and hold no form (module `handlers::connect`).

use super::Shell;
use maud::{Markup, html};

/// The provider's answer cannot be taken.
pub fn refused(shell: &Shell<'_>, title: &str, detail: Option<&str>) -> Markup {
    shell.page(
        "Not connected",
        "",
        &html! {
            h1 { "Not connected" }
            div.problem role="alert" {
                strong { (title) "." }
                @if let Some(detail) = detail { " " (detail) }
            }
            p { "The connection is as it was before. Each way to a provider works once, for a limited time, and in the browser that began it." }
            p { a href="/connections" { "Back to the connections, to try again" } }
        },
    )
}

/// Whoever comes back has no session here (any more).
pub fn sign_in_first(shell: &Shell<'_>) -> Markup {
    shell.page(
        "Sign in and connect again",
        "",
        &html! {
            h1 { "Sign in and connect again" }
            p {
                "You came back from a provider, but nobody is signed in in this browser. What you granted belongs to the "
                "session that asked for it, so nothing was connected."
            }
            p { a.button href="/" { "Sign in" } }
            p { "Then open the connection and grant access once more." }
        },
    )
}
