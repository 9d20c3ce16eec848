//! `/verify-email`. A button, since scanners of mails follow links but send no forms; and for the account alone that is
//! signed in, since a link that nobody asked for may be of an account that somebody else made with their address.

use super::parts::refusal;
use super::{Retry, Shell};
use crate::handlers::forms::Form;
use config::Config;
use maud::{Markup, html};
use protocol::api::Me;

/// Not signed in. The mailed token stays in its cookie meanwhile.
pub fn sign_in_first(shell: &Shell<'_>, config: &Config) -> Markup {
    shell.page("Sign in to confirm your email", "", &html! {
        h1 { "Sign in to confirm your email" }
        p { "A link proves the address of the account that it was mailed for: sign in to it, and confirm right afterwards." }
        p { "If you have no account here, leave it: somebody may have typed your address by mistake." }
        p { a.button href="/" { "Sign in" } }
        @for provider in &config.sign_in.oidc {
            p { a.button href=(format!("/sign-in/{}", provider.id)) { "Continue with " (provider.name) } }
        }
    })
}

/// Signed in: one button.
pub fn confirm(shell: &Shell<'_>, me: &Me, retry: Option<&Retry>) -> Markup {
    shell.page(
        "Confirm your email address",
        "",
        &html! {
            h1 { "Confirm your email address" }
            (refusal(retry, Form::VerifyEmail))
            @if let Some(user) = &me.user { p { "You are signed in as " strong { (user.email) } "." } }
            p { "You have opened the link that we mailed you. Confirm that the address is yours." }
            form.card method="post" action="/verify-email" {
                (shell.csrf_field())
                button { "Confirm the address" }
                a href="/" { "Not now" }
            }
        },
    )
}
