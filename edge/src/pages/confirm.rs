//! `/confirm`: proves once more who sits there, before a change that gives lasting power (claim C4).

use super::parts::{code, password, refusal};
use super::{Retry, Shell};
use crate::handlers::forms::Form;
use config::Config;
use maud::{Markup, html};
use protocol::api::Account;

/// The ways that the account has: its password, its authenticator app, its linked providers.
pub fn render(shell: &Shell<'_>, config: &Config, account: &Account, retry: Option<&Retry>) -> Markup {
    let back = retry.and_then(|retry| retry.fields.get("back")).unwrap_or("/");
    let typed = |name: &str| Retry::typed(retry, Form::Confirm, name);
    let linked = |id: &str| account.identities.iter().any(|identity| identity.provider == id);
    // The form of another page was refused: its detail says which proof it wants, where not any will do.
    let asked = retry.filter(|retry| retry.form != Form::Confirm);
    let wanted = asked.and_then(|retry| retry.detail.as_deref());
    shell.page("Confirm it’s you", "", &html! {
        h1 { "Confirm it’s you" }
        (refusal(retry, Form::Confirm))
        p role=[asked.map(|_| "alert")] {
            "Some changes need a fresh proof that it is you."
            @if asked.is_some() { " Nothing was changed yet: confirm, and make the change again." }
            @if let Some(wanted) = wanted { " " strong { "For this one: " (wanted) "." } }
        }
        @if account.has_password || account.second_factor {
            form.card method="post" action="/confirm" {
                (shell.csrf_field())
                input type="hidden" name="back" value=(back);
                @if account.has_password {
                    (password("Password", "password", typed("password"), !account.second_factor))
                }
                @if account.second_factor {
                    @let label = if account.has_password { "Or a code of your authenticator app" } else { "Code of your authenticator app" };
                    (code(label, "Six digits.", !account.has_password, &typed("code")))
                }
                button { "Confirm" }
            }
        }
        @for provider in config.sign_in.oidc.iter().filter(|provider| linked(&provider.id)) {
            form method="post" action="/confirm" {
                (shell.csrf_field())
                input type="hidden" name="action" value="provider";
                input type="hidden" name="provider" value=(provider.id);
                input type="hidden" name="back" value=(back);
                button { "Confirm with " (provider.name) }
            }
        }
    })
}

/// Goes on to a provider by itself. An answer to a form cannot redirect there (module `handlers::oidc`).
pub fn to_provider(shell: &Shell<'_>, location: &str) -> Markup {
    shell.page_with(
        "On to your provider",
        "",
        &html! { meta http-equiv="refresh" content=(format!("0;url={location}")); },
        &html! {
            h1 { "On to your provider" }
            p { a href=(location) rel="noreferrer" { "Continue" } }
        },
    )
}
