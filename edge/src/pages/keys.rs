//! `/keys`: the API keys, and the pages that ask before one is rotated or revoked.

use super::parts::{area, field, input, not_allowed, notice, refusal, select, time, time_or};
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
            Some(keys) => (table(keys)),
        }
        @if data.api_keys.is_some() { (create(shell, retry)) }
    })
}

/// The one page that shows a key. `origin`: where it is used.
pub fn created(shell: &Shell<'_>, created: &CreatedApiKey, origin: &str) -> Markup {
    let key = &created.key.0;
    shell.page(
        "New API key",
        PATH,
        &html! {
            h1 { "Your new key" }
            p { "Copy it now: this is the only time it is shown. We keep a hash of it." }
            pre.secret tabindex="0" aria-label="API key" { (key) }
            p { (created.record.name) ": " (scopes(&created.record.scopes)) }
            @if let Some(until) = &created.record.previous_works_until {
                p { "The key that it replaces works until " (time(until)) " UTC." }
            }
            h2 { "Try it" }
            p { "This asks who the key is. It takes no scope." }
            pre tabindex="0" aria-label="Command that tries the key" { "curl " (origin) "/v1/me -H 'Authorization: Bearer " (key) "'" }
            p { a href=(PATH) { "Done" } }
        },
    )
}

/// Asks before a key gets another secret.
pub fn rotate(shell: &Shell<'_>, key: &ApiKey, retry: Option<&Retry>) -> Markup {
    let title = format!("Rotate {}?", key.name);
    let grace = Retry::typed_for(retry, Form::Keys, "rotate", "grace_seconds");
    shell.page(&title, PATH, &html! {
        h1 { (title) }
        (refusal(retry, Form::Keys))
        p { "The key gets a new secret, which is shown once. Its scopes and limits stay. Give the new secret to everything that uses " code { (key.prefix) "…" } " before the old one ends." }
        form.card method="post" action=(PATH) {
            (shell.hidden("rotate", &[("id", key.id.as_str())]))
            (select("The old secret ends", "grace_seconds", grace, &GRACE))
            button { "Rotate " (key.name) }
            a href=(PATH) { "Keep the secret" }
        }
    })
}

/// Asks before a key is revoked.
pub fn revoke(shell: &Shell<'_>, key: &ApiKey, retry: Option<&Retry>) -> Markup {
    let title = format!("Revoke {}?", key.name);
    shell.page(&title, PATH, &html! {
        h1 { (title) }
        (refusal(retry, Form::Keys))
        p { "Everything that uses " code { (key.prefix) "…" } " is refused from then on. It cannot be undone: a new key has another secret." }
        p { "Last used: " (time_or(key.last_used_at.as_deref(), "never")) }
        form.card method="post" action=(PATH) {
            (shell.hidden("revoke", &[("id", key.id.as_str())]))
            button.danger { "Revoke " (key.name) }
            a href=(PATH) { "Keep the key" }
        }
    })
}

/// Grace periods on offer, in seconds. The first is the one that stops nothing.
const GRACE: [(&str, &str); 4] =
    [("86400", "in 1 day"), ("3600", "in 1 hour"), ("604800", "in 7 days"), ("0", "at once")];
/// Periods of a key's own limit on offer, in seconds.
const PERIODS: [(&str, &str); 4] = [("1", "second"), ("60", "minute"), ("3600", "hour"), ("86400", "day")];

fn table(keys: &[ApiKey]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Your keys" { table {
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "Scopes" } th scope="col" { "Last used" }
                th scope="col" { "Works" } th scope="col" { "Created" }
                th scope="col" { span.hidden { "Actions" } }
            } }
            tbody { @for key in keys { tr {
                td.long {
                    strong { (key.name) } br; code { (key.prefix) "…" }
                    @if let Some(id) = &key.external_id { br; span.faint { "for " (id) } }
                }
                td.long { (scopes(&key.scopes)) }
                td.long {
                    (time_or(key.last_used_at.as_deref(), "never"))
                    @if let Some(ip) = &key.last_used_ip { br; span.faint { "from " (ip) } }
                }
                td.long { (terms(key)) }
                td { (time(&key.created_at)) }
                td {
                    @match &key.revoked_at {
                        Some(at) => { span.faint { "revoked" br; (time(at)) } }
                        None => div.actions {
                            a href=(format!("{PATH}/{}/rotate", key.id)) aria-label=(format!("Rotate {}", key.name)) { "Rotate" }
                            a.danger href=(format!("{PATH}/{}/revoke", key.id)) aria-label=(format!("Revoke {}", key.name)) { "Revoke" }
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

fn create(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed_for(retry, Form::Keys, "create", name);
    let period = typed("period_seconds").or(|| "60".into());
    let scopes = typed("scopes");
    let ticked =
        |scope: &str| retry.is_some_and(|retry| retry.fields.all("scopes").any(|have| have == scope));
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "New key" }
            form.card method="post" action=(PATH) {
                (shell.csrf_field())
                input type="hidden" name="action" value="create";
                (input("Name", "name", "text", typed("name"), ""))
                fieldset aria-describedby=[scopes.described_by()] {
                    legend { "Scopes" }
                    small { "Fixed for the key's life." }
                    div.grid { @for scope in Scope::all().map(String::from) {
                        label.check {
                            input type="checkbox" name="scopes" value=(scope) checked[ticked(&scope)] aria-invalid=[scopes.invalid()];
                            code { (scope) }
                        }
                    } }
                }
                (scopes.fault())
                (field("Scopes of your own", "app_scopes", "text", typed("app_scopes"),
                    "Such as app.invoices:read, with spaces between. They grant nothing here; verifying the key tells your backend whether it has them."))
                (field("Ends on", "expires_on", "date", typed("expires_on"), "At 00:00 UTC. Leave empty for a key that lives until it is revoked."))
                (area("Allowed networks", "allowed_ips", typed("allowed_ips"), &html! {
                    "Addresses or CIDR blocks such as " code { "203.0.113.0/24" } ", one a line. Leave empty for any."
                }))
                (field("Whom it is for", "external_id", "text", typed("external_id"), "Your own id of a customer or machine. Optional."))
                fieldset {
                    legend { "Limit of its own" }
                    small { "Leave empty for this workspace's limit." }
                    div.row {
                        (field("Requests", "limit", "number", typed("limit"), ""))
                        (select("In a", "period_seconds", &period, &PERIODS))
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
