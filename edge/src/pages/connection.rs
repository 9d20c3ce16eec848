//! `/connections/{id}`: one connection, what can be done with it, and what came of it.

use super::connections::{PATH, auth_name, connector_name, grant, status, trouble};
use super::parts::{area, codes, input, may, notice, refusal, time, time_or};
use super::{Notice, Retry, Shell, Typed, receipts};
use crate::handlers::forms::{Fields, Form};
use maud::{Markup, html};
use protocol::api::{Connection, ConnectionTest, DryRunResult, Me, Receipt};
use protocol::{ConnectionId, Operation};

/// Methods of a dry run.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The connection.
pub fn render(
    shell: &Shell<'_>,
    me: &Me,
    connection: &Connection,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    let typed = |name: &str| Retry::typed_for(retry, Form::Connections, "dry_run", name);
    shell.page(
        &connection.name,
        PATH,
        &html! {
            p { a href=(PATH) { "← Connections" } }
            h1 { (connection.name) }
            (notice(done, "Connection"))
            (refusal(retry, Form::Connections))
            @if let Some(trouble) = trouble(connection) {
                div.problem role="status" { (trouble) }
                @if may(me, &Operation::CreateConnection) { (grant(shell, connection)) }
            }
            (details(connection))
            (actions(shell, me, connection))
            @if !connection.base_url.is_empty() {
                section aria-labelledby="dry-run" {
                    h2 id="dry-run" { "Would it pass?" }
                    (dry_run_form(shell, &connection.id, &typed))
                }
            }
        },
    )
}

fn details(connection: &Connection) -> Markup {
    html! {
        dl {
            dt { "Status" } dd { (status(connection)) }
            dt { "Id" } dd { code.wrap { (connection.id) } }
            dt { "Connector" } dd { a href=(format!("/connectors/{}", connection.connector)) { (connector_name(&connection.connector)) } }
            @if !connection.base_url.is_empty() { dt { "Calls" } dd { code.wrap { (connection.base_url) } } }
            @for (name, value) in &connection.parameters { dt { (name) } dd { (value) } }
            dt { "Credential" } dd { (auth_name(&connection.auth_type)) ", sealed" }
            dt { "It goes to" } dd { (codes(&connection.allowed_hosts)) span.faint { "and nowhere else" } }
            @if !connection.scopes.is_empty() { dt { "Scopes granted" } dd { (codes(&connection.scopes)) } }
            @if !connection.missing_scopes.is_empty() {
                dt { "Scopes missing" } dd {
                    (codes(&connection.missing_scopes))
                    strong { "Requests that need them fail at the provider. Reconnect, and grant them." }
                }
            }
            dt { "Created" } dd { (time(&connection.created_at)) }
            dt { "Last used" } dd { (time_or(connection.last_used_at.as_deref(), "never")) }
            @if connection.auth_type == "oauth2" {
                dt { "Access refreshed" } dd { (time_or(connection.refreshed_at.as_deref(), "not yet")) }
            }
        }
    }
}

fn actions(shell: &Shell<'_>, me: &Me, connection: &Connection) -> Markup {
    let id = [("id", connection.id.as_str())];
    html! {
        div.row {
            (shell.button(PATH, "test", &id, "quiet", "Test it"))
            @if may(me, &Operation::CreateConnection) {
                @match connection.auth_type.as_str() {
                    "oauth2" if trouble(connection).is_none() => (shell.button(PATH, "authorize", &id, "quiet", "Reconnect")),
                    "oauth2" | "none" => {}
                    _ => a href=(format!("/connectors/{}?replace={}", connection.connector, connection.id)) { "Replace the credential" },
                }
                a.danger href=(format!("{PATH}/{}/disconnect", connection.id)) { "Disconnect" }
            }
        }
    }
}

fn dry_run_form<'t>(shell: &Shell<'_>, id: &ConnectionId, typed: &dyn Fn(&str) -> Typed<'t>) -> Markup {
    html! {
        form.card method="post" action=(PATH) {
            p { "Nothing is sent: the answer says which rule decides." }
            (shell.hidden("dry_run", &[("id", id.as_str())]))
            label {
                span { "Method" }
                select name="method" {
                    @for method in METHODS { option selected[typed("method") == method] { (method) } }
                }
            }
            (input("Path and query", "path", "text", typed("path"), "As it would follow /proxy."))
            (area("Body", "body", typed("body"), &html! { "Optional; for connectors that look at it." }))
            button { "Try" }
        }
    }
}

/// What a dry run says, and the form for the next one.
pub fn dry_run(shell: &Shell<'_>, id: &ConnectionId, result: &DryRunResult, fields: &Fields) -> Markup {
    let title = if result.allowed { "It would pass" } else { "It would be refused" };
    shell.page(title, PATH, &html! {
        (back(id))
        h1 { (title) }
        dl {
            dt { "Why" } dd { (result.reason) }
            @if let Some(rule) = &result.rule { dt { "Rule" } dd { code { (rule) } } }
            @if result.writes { dt { "It writes" } dd { "It takes a person's own session, never an API key." } }
            @if let Some(url) = &result.url { dt { "It goes to" } dd { code.wrap { (url) } } }
            @if result.allowed {
                dt { "Returned" } dd { @match &result.fields { Some(fields) => (codes(fields)), None => "the whole answer" } }
            }
        }
        section aria-labelledby="again" {
            h2 id="again" { "Another one" }
            (dry_run_form(shell, id, &|name| fields.text(name).into()))
        }
    })
}

/// What a test says.
pub fn test(shell: &Shell<'_>, id: &ConnectionId, test: &ConnectionTest) -> Markup {
    let title = if test.ok { "The credential works" } else { "The credential does not work" };
    shell.page(
        title,
        PATH,
        &html! {
            (back(id))
            h1 { (title) }
            dl {
                @if let Some(reason) = &test.reason { dt { "Reason" } dd { code { (reason) } } }
                @if let Some(detail) = &test.detail { dt { "What to do" } dd { (detail) } }
                @if let Some(status) = test.status { dt { "The provider's status" } dd { (status) } }
                dt { "Answered in" } dd { (test.duration_ms) " ms" }
            }
            (shell.button(PATH, "test", &[("id", id.as_str())], "quiet", "Test again"))
        },
    )
}

fn back(id: &ConnectionId) -> Markup {
    html! { p { a href=(format!("{PATH}/{id}")) { "← The connection" } } }
}

/// Asks before it is disconnected.
pub fn disconnect(shell: &Shell<'_>, connection: &Connection) -> Markup {
    let title = format!("Disconnect {}?", connection.name);
    shell.page(&title, PATH, &html! {
        h1 { (title) }
        p { "Nothing is sent with its credential from then on. It is revoked at the provider where that can be done, and wiped here; a receipt says what became of it." }
        form.card method="post" action=(PATH) {
            (shell.hidden("disconnect", &[("id", connection.id.as_str())]))
            button.danger { "Disconnect " (connection.name) }
            a href=(format!("{PATH}/{}", connection.id)) { "Keep it" }
        }
    })
}

/// What became of a connection that was just disconnected.
pub fn disconnected(shell: &Shell<'_>, receipt: &Receipt) -> Markup {
    shell.page(
        "Disconnected",
        PATH,
        &html! {
            h1 { "Disconnected: " (receipt.name) }
            (receipts::table(std::slice::from_ref(receipt)))
            p { a href="/receipts" { "All receipts" } }
        },
    )
}
