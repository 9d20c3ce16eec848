//! `/join`, for whoever was invited, and `/finish-sign-up`, for whoever came by an OIDC provider and is new.

use super::parts::{new_password, refusal, region_select};
use super::sign_in::{email, terms, text};
use super::{Retry, Shell};
use crate::handlers::forms::Form;
use crate::handlers::oidc::Newcomer;
use config::Config;
use maud::{Markup, html};
use protocol::api::Me;

/// Not signed in: a new account, or the one there is. The invitation's token stays in its cookie meanwhile.
pub fn sign_up(shell: &Shell<'_>, config: &Config, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed(retry, Form::JoinSignUp, name);
    shell.page("Join a workspace", "", &html! {
        h1 { "You are invited to a workspace" }
        div.columns {
            section aria-labelledby="new" {
                h2 id="new" { "I am new here" }
                (refusal(retry, Form::JoinSignUp))
                form.card method="post" action="/join/sign-up" {
                    (text("Your name", "name", "name", typed("name")))
                    (email(typed("email"), "The address that the invitation was sent to."))
                    (new_password("Password", "password"))
                    (terms())
                    button { "Create account and join" }
                }
            }
            section aria-labelledby="known" {
                h2 id="known" { "I have an account" }
                p { "Sign in first; you can join right afterwards." }
                p { a.button href="/" { "Sign in" } }
                @for provider in &config.sign_in.oidc {
                    p { a.button href=(format!("/sign-in/{}", provider.id)) { "Continue with " (provider.name) } }
                }
            }
        }
    })
}

/// Signed in: one button.
pub fn accept(shell: &Shell<'_>, me: &Me, retry: Option<&Retry>) -> Markup {
    shell.page("Join a workspace", "", &html! {
        h1 { "You are invited to a workspace" }
        (refusal(retry, Form::Join))
        @if let Some(user) = &me.user { p { "You are signed in as " strong { (user.email) } "." } }
        p { "An invitation is for one email address. If yours is another one, sign out and open the link again." }
        form.card method="post" action="/join" {
            (shell.csrf_field())
            button { "Join" @if let Some(user) = &me.user { " as " (user.email) } }
            a href="/" { "Not now" }
        }
    })
}

/// What a provider cannot say: terms, and the workspace where none is joined.
pub fn finish_sign_up(
    shell: &Shell<'_>,
    config: &Config,
    newcomer: &Newcomer,
    invited: bool,
    retry: Option<&Retry>,
) -> Markup {
    let name = match Retry::typed(retry, Form::FinishSignUp, "name") {
        "" => newcomer.name.as_str(),
        typed => typed,
    };
    let typed = |name: &str| Retry::typed(retry, Form::FinishSignUp, name);
    shell.page(
        "Finish signing up",
        "",
        &html! {
            h1 { "Finish signing up" }
            (refusal(retry, Form::FinishSignUp))
            p { "You sign up as " strong { (newcomer.email) } "." }
            form.card method="post" action="/finish-sign-up" {
                (text("Your name", "name", "name", name))
                @if invited {
                    p { "You join the workspace that you are invited to." }
                } @else {
                    (text("Workspace", "org_name", "organization", typed("org_name")))
                    (region_select(config, typed("region")))
                }
                (terms())
                button { "Sign up" }
            }
        },
    )
}
