//! `/keys`.

use super::parts::{input, not_allowed, notice, refusal, time, time_or};
use super::{Notice, Retry, Shell};
use crate::handlers::forms::Form;
use maud::{Markup, html};
use protocol::Scope;
use protocol::api::{ApiKey, CreatedApiKey, Overview};

const PATH: &str = "/keys";

/// The list, and the form for a new one.
pub fn render(shell: &Shell<'_>, data: &Overview, done: Option<Notice>, retry: Option<&Retry>) -> Markup {
    shell.page("API keys", PATH, &html! {
        h1 { "API keys" }
        (notice(done, "Key"))
        (refusal(retry, Form::Keys))
        @match data.api_keys.as_deref() {
            None => (not_allowed("API keys")),
            Some([]) => p.empty { "No key yet. Create one below and send it as " code { "Authorization: Bearer …" } "." },
            Some(keys) => (table(shell, keys)),
        }
        @if data.api_keys.is_some() { (create(shell, retry)) }
    })
}

/// The one page that shows a key.
pub fn created(shell: &Shell<'_>, created: &CreatedApiKey) -> Markup {
    shell.page(
        "New API key",
        PATH,
        &html! {
            h1 { "Your new key" }
            p { "Copy it now: this is the only time it is shown. We keep a hash of it." }
            pre.secret tabindex="0" aria-label="API key" { (created.key.0) }
            p { (created.record.name) ": " (scopes(&created.record.scopes)) }
            p { a href=(PATH) { "Done" } }
        },
    )
}

fn table(shell: &Shell<'_>, keys: &[ApiKey]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Your keys" { table {
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "Scopes" } th scope="col" { "Last used" }
                th scope="col" { "Ends" } th scope="col" { "Created" }
                th scope="col" { span.hidden { "Actions" } }
            } }
            tbody { @for key in keys { tr {
                td { strong { (key.name) } br; code { (key.prefix) "…" } }
                td { (scopes(&key.scopes)) }
                td { (time_or(key.last_used_at.as_deref(), "never")) }
                td { (time_or(key.expires_at.as_deref(), "when revoked")) }
                td { (time(&key.created_at)) }
                td {
                    @match &key.revoked_at {
                        Some(at) => { span.faint { "revoked " (time(at)) } }
                        None => (shell.row_button(PATH, "revoke", key.id.as_str(), "Revoke", &key.name)),
                    }
                }
            } } }
        } }
    }
}

fn create(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed(retry, Form::Keys, name);
    let ticked =
        |scope: &str| retry.is_some_and(|retry| retry.fields.all("scopes").any(|have| have == scope));
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "New key" }
            form.card method="post" action=(PATH) {
                (shell.csrf_field())
                input type="hidden" name="action" value="create";
                (input("Name", "name", "text", typed("name"), ""))
                fieldset {
                    legend { "Scopes" }
                    small { "Fixed for the key's life." }
                    div.grid { @for scope in Scope::all().map(String::from) {
                        label.check {
                            input type="checkbox" name="scopes" value=(scope) checked[ticked(&scope)];
                            code { (scope) }
                        }
                    } }
                }
                label {
                    span { "Ends on" }
                    input type="date" name="expires_on" value=(typed("expires_on"));
                    small { "At 00:00 UTC. Leave empty for a key that lives until it is revoked." }
                }
                button { "Create key" }
            }
        }
    }
}

fn scopes(scopes: &[Scope]) -> Markup {
    html! { @for scope in scopes { code { (String::from(scope.clone())) } " " } }
}
