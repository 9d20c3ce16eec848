//! How the person signs in: email, password, second factor, identity providers.

use super::{PATH, button};
use crate::handlers::forms::Form;
use crate::pages::parts::{Line, new_password, password as current_password, time};
use crate::pages::{Retry, Shell};
use config::Config;
use maud::{Markup, html};
use protocol::api::Account;

/// Its confirmation, and another one.
pub(super) fn email(shell: &Shell<'_>, account: &Account, retry: Option<&Retry>) -> Markup {
    let typed = Retry::typed_for(retry, Form::Account, "change_email", "email");
    html! {
        section aria-labelledby="email" {
            h2 id="email" { "Email" }
            @if !account.email_verified {
                (button(shell, "resend_verification", &[], "quiet", &html! { "Send the confirmation link again" }))
            }
            form.card method="post" action=(PATH) {
                (shell.csrf_field())
                input type="hidden" name="action" value="change_email";
                (Line {
                    label: "New email", name: "email", kind: "email", autocomplete: "email", required: true,
                    hint: "The new address gets a link to confirm it; until then the old one counts.",
                }.with(&typed))
                button { "Change email" }
            }
        }
    }
}

/// Another one; the current one proves who asks.
pub(super) fn password(shell: &Shell<'_>, account: &Account, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed(retry, Form::Password, name);
    html! {
        section aria-labelledby="password" {
            h2 id="password" { "Password" }
            @if account.has_password {
                form.card method="post" action="/account/password" {
                    (shell.csrf_field())
                    (current_password("Current password", "current_password", typed("current_password"), true))
                    (new_password("New password", "new_password", &typed("new_password")))
                    p.faint { "Every other session of yours ends with it." }
                    button { "Change password" }
                }
            } @else {
                p { "You have no password: you sign in with a provider. " a href="/forgot-password" { "Have a link sent to set one" } "." }
            }
        }
    }
}

/// The authenticator app.
pub(super) fn second_factor(shell: &Shell<'_>, account: &Account) -> Markup {
    html! {
        section aria-labelledby="second-factor" {
            h2 id="second-factor" { "Authenticator app" }
            @if account.second_factor {
                p { "Signing in takes a code. " (account.recovery_codes_left) " recovery codes are left." }
                div.row {
                    (button(shell, "new_recovery_codes", &[], "quiet", &html! { "New recovery codes" }))
                    (button(shell, "remove_second_factor", &[], "danger", &html! { "Remove the authenticator app" }))
                }
            } @else {
                p { "With an app that shows a new code every 30 seconds, your password alone lets nobody in." }
                (button(shell, "start_second_factor", &[], "", &html! { "Set up an authenticator app" }))
            }
        }
    }
}

/// Linked ones, and those to link. One that is not configured any more can still be taken off.
pub(super) fn providers(shell: &Shell<'_>, config: &Config, account: &Account) -> Markup {
    let providers = &config.sign_in.oidc;
    let name = |id: &str| {
        providers.iter().find(|provider| provider.id == id).map_or_else(|| id.to_owned(), |p| p.name.clone())
    };
    let linked = |id: &str| account.identities.iter().any(|identity| identity.provider == id);
    html! {
        section aria-labelledby="providers" {
            h2 id="providers" { "Identity providers" }
            @for identity in &account.identities {
                div.row {
                    p {
                        strong { (name(&identity.provider)) }
                        @if let Some(email) = &identity.email { " " (email) }
                        " " span.faint { "since " (time(&identity.linked_at)) }
                    }
                    (button(shell, "unlink", &[("provider", &identity.provider)], "danger", &html! { "Unlink " (name(&identity.provider)) }))
                }
            }
            @for provider in providers.iter().filter(|provider| !linked(&provider.id)) {
                (button(shell, "link", &[("provider", &provider.id)], "", &html! { "Link " (provider.name) }))
            }
        }
    }
}
