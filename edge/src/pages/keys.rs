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
            @if let Some(until) = &created.record.previous_works_until {
                p { "The key that it replaces works until " (time(until)) " UTC." }
            }
            p { a href=(PATH) { "Done" } }
        },
    )
}

/// Grace periods on offer, in seconds.
const GRACE: [(u32, &str); 4] =
    [(0, "at once"), (3600, "in 1 hour"), (86_400, "in 1 day"), (604_800, "in 7 days")];
/// Periods of a key's own limit on offer, in seconds.
const PERIODS: [(&str, &str); 4] = [("1", "second"), ("60", "minute"), ("3600", "hour"), ("86400", "day")];

fn table(shell: &Shell<'_>, keys: &[ApiKey]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Your keys" { table {
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "Scopes" } th scope="col" { "Last used" }
                th scope="col" { "Works" } th scope="col" { "Created" }
                th scope="col" { span.hidden { "Actions" } }
            } }
            tbody { @for key in keys { tr {
                td {
                    strong { (key.name) } br; code { (key.prefix) "…" }
                    @if let Some(id) = &key.external_id { br; span.faint { "for " (id) } }
                }
                td { (scopes(&key.scopes)) }
                td {
                    (time_or(key.last_used_at.as_deref(), "never"))
                    @if let Some(ip) = &key.last_used_ip { br; span.faint { "from " (ip) } }
                }
                td { (terms(key)) }
                td { (time(&key.created_at)) }
                td {
                    @match &key.revoked_at {
                        Some(at) => { span.faint { "revoked " (time(at)) } }
                        None => div.actions {
                            (rotate(shell, key))
                            (shell.row_button(PATH, "revoke", key.id.as_str(), "Revoke", &key.name))
                        },
                    }
                }
            } } }
        } }
    }
}

/// Until when, from where and how often a key works.
fn terms(key: &ApiKey) -> Markup {
    html! {
        @match &key.expires_at {
            Some(at) => { "until " (time(at)) }
            None => span.faint { "until revoked" },
        }
        @if let Some(networks) = &key.allowed_ips {
            br; "from " @for network in networks { code { (network) } " " }
        }
        @if let Some(limit) = &key.rate_limit {
            br; (limit.limit) " requests in " (limit.period_seconds) " s"
        }
        @if let Some(until) = &key.previous_works_until {
            br; "the key before it until " (time(until))
        }
    }
}

fn rotate(shell: &Shell<'_>, key: &ApiKey) -> Markup {
    html! {
        form.inline method="post" action=(PATH) {
            (shell.csrf_field())
            input type="hidden" name="action" value="rotate";
            input type="hidden" name="id" value=(key.id);
            label {
                span.hidden { "The old secret of " (key.name) " ends" }
                select name="grace_seconds" {
                    @for (seconds, name) in GRACE { option value=(seconds) { "old ends " (name) } }
                }
            }
            button.quiet aria-label=(format!("Rotate {}", key.name)) { "Rotate" }
        }
    }
}

fn create(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed_for(retry, Form::Keys, "create", name);
    let chosen_period = match typed("period_seconds") {
        "" => "60",
        typed => typed,
    };
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
                    span { "Scopes of your own" }
                    input type="text" name="app_scopes" value=(typed("app_scopes")) autocomplete="off" spellcheck="false"
                        placeholder="app.invoices:read app.invoices:write";
                    small { "They grant nothing here; verifying the key tells your backend whether it has them." }
                }
                label {
                    span { "Ends on" }
                    input type="date" name="expires_on" value=(typed("expires_on"));
                    small { "At 00:00 UTC. Leave empty for a key that lives until it is revoked." }
                }
                label {
                    span { "Allowed networks" }
                    textarea name="allowed_ips" rows="3" spellcheck="false" placeholder="203.0.113.0/24" { (typed("allowed_ips")) }
                    small { "Addresses or CIDR blocks, one a line. Leave empty for any." }
                }
                label {
                    span { "Whom it is for" }
                    input type="text" name="external_id" value=(typed("external_id")) maxlength="255" autocomplete="off";
                    small { "Your own id of a customer or machine. Optional." }
                }
                fieldset {
                    legend { "Limit of its own" }
                    small { "Leave empty for this workspace's limit." }
                    div.row {
                        label {
                            span { "Requests" }
                            input type="number" name="limit" value=(typed("limit")) min="1" inputmode="numeric";
                        }
                        label {
                            span { "In a" }
                            select name="period_seconds" {
                                @for (seconds, name) in PERIODS {
                                    option value=(seconds) selected[seconds == chosen_period] { (name) }
                                }
                            }
                        }
                    }
                }
                button { "Create key" }
            }
        }
    }
}

fn scopes(scopes: &[Scope]) -> Markup {
    html! { @for scope in scopes { code { (String::from(scope.clone())) } " " } }
}
