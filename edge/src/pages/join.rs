//! `/join`, for whoever was invited, and `/finish-sign-up`, for whoever came by an OIDC provider and is new.

use super::parts::{new_password, refusal, region_select};
use super::sign_in::{email, terms, text};
use super::{Retry, Shell, Typed};
use crate::handlers::forms::Form;
use crate::handlers::oidc::Newcomer;
use config::Config;
use maud::{Markup, html};
use protocol::api::Me;
use protocol::call::Invited;

/// Which workspace, who invites, as what. `None`: that cannot be said now.
fn heading(invited: Option<&Invited>) -> Markup {
    html! {
        h1 { "You are invited to " @match invited { Some(invited) => (invited.org_name), None => "a workspace" } }
        @if let Some(Invited { email, org_name, role, inviter }) = invited {
            p {
                strong { (inviter.as_deref().unwrap_or("A former member")) } " invites " strong { (email) }
                " to the workspace " strong { (org_name) } " as " (role.title()) ". " (role.summary())
            }
        }
    }
}

/// Not signed in: a new account, or the one there is. The invitation's token stays in its cookie meanwhile.
pub fn sign_up(
    shell: &Shell<'_>,
    config: &Config,
    invited: Option<&Invited>,
    retry: Option<&Retry>,
) -> Markup {
    let typed = |name: &str| Retry::typed(retry, Form::JoinSignUp, name);
    shell.page("Join a workspace", "", &html! {
        (heading(invited))
        div.columns {
            section aria-labelledby="new" {
                h2 id="new" { "I am new here" }
                (refusal(retry, Form::JoinSignUp))
                form.card method="post" action="/join/sign-up" {
                    (text("Your name", "name", "name", &typed("name")))
                    @match invited {
                        Some(invited) => (invited_email(&invited.email, &typed("email"))),
                        None => (email(&typed("email"), "The address that the invitation was sent to.")),
                    }
                    (new_password("Password", "password", &typed("password")))
                    (terms(config, &typed("accept_terms")))
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

/// The address that the invitation is for: another one would be refused.
fn invited_email(email: &str, typed: &Typed<'_>) -> Markup {
    html! {
        label {
            span { "Email" }
            input type="email" name="email" autocomplete="username" value=(email) readonly required
                aria-invalid=[typed.invalid()] aria-describedby=[typed.described_by()];
            small { "The invitation is for this address." }
        }
        (typed.fault())
    }
}

/// Signed in: one button, if it is the invited person.
pub fn accept(shell: &Shell<'_>, me: &Me, invited: Option<&Invited>, retry: Option<&Retry>) -> Markup {
    let own = me.user.as_ref().map(|user| user.email.as_str()).unwrap_or_default();
    let is_theirs = invited.is_none_or(|invited| invited.email == own);
    shell.page(
        "Join a workspace",
        "",
        &html! {
            (heading(invited))
            (refusal(retry, Form::Join))
            p { "You are signed in as " strong { (own) } "." }
            @if is_theirs {
                form.card method="post" action="/join" {
                    (shell.csrf_field())
                    button { "Join as " (own) }
                    a href="/" { "Not now" }
                }
            } @else {
                p { "The invitation is for another email address. Sign out, and open its link again." }
                p { a href="/" { "Not now" } }
            }
        },
    )
}

/// What a provider cannot say: terms, and the workspace where none is joined.
pub fn finish_sign_up(
    shell: &Shell<'_>,
    config: &Config,
    newcomer: &Newcomer,
    invited: Option<&Option<Invited>>,
    retry: Option<&Retry>,
) -> Markup {
    let typed = |name: &str| Retry::typed(retry, Form::FinishSignUp, name);
    let name = typed("name").or(|| newcomer.name.as_str().into());
    shell.page(
        "Finish signing up",
        "",
        &html! {
            h1 { "Finish signing up" }
            (refusal(retry, Form::FinishSignUp))
            p { "You sign up as " strong { (newcomer.email) } "." }
            form.card method="post" action="/finish-sign-up" {
                (text("Your name", "name", "name", &name))
                @if let Some(invited) = invited {
                    @let workspace = invited.as_ref().map(|invited| invited.org_name.as_str());
                    p { "You join " strong { (workspace.unwrap_or("the workspace that you are invited to")) } "." }
                } @else {
                    (text("Workspace", "org_name", "organization", &typed("org_name")))
                    (region_select(config, &typed("region")))
                }
                (terms(config, &typed("accept_terms")))
                button { "Sign up" }
            }
        },
    )
}
