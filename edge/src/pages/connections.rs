//! `/connections`: what is connected, and whether it works.

use super::parts::{field, input, may, not_allowed, notice, refusal, secret, select, table, time, time_or};
use super::{Notice, Retry, Shell, Typed};
use crate::handlers::forms::Form;
use maud::{Markup, html};
use protocol::Operation;
use protocol::api::{Connection, ConnectionStatus, Overview, StatusReason};

pub(super) const PATH: &str = "/connections";

/// The list, and the form for what no connector is for.
pub fn render(shell: &Shell<'_>, data: &Overview, done: Option<Notice>, retry: Option<&Retry>) -> Markup {
    let may_change = may(&data.me, &Operation::CreateConnection);
    shell.page("Connections", PATH, &html! {
        h1 { "Connections" }
        (notice(done, "Connection"))
        (refusal(retry, Form::Connections))
        p.row {
            a.button href="/connectors" { "Connect a provider" }
            a href="/receipts" { "Receipts of what was disconnected" }
        }
        @match data.connections.as_deref() {
            None => (not_allowed("connections")),
            Some([]) => p.empty {
                "No connection yet. Store a third party's credential; it is sealed at once, and your code calls "
                "the third party through it without ever seeing it."
            },
            Some(connections) => (table("Your connections", &["Name", "Calls", "Status", "Last used", "Created", ""], &html! {
                @for connection in connections { (row(shell, connection, may_change)) }
            })),
        }
        @if data.connections.is_some() { (create(shell, retry)) }
    })
}

fn row(shell: &Shell<'_>, connection: &Connection, may_change: bool) -> Markup {
    let path = format!("{PATH}/{}", connection.id);
    html! { tr {
        td { a href=(path) { strong { (connection.name) } } br; span.faint { (connector_name(&connection.connector)) } }
        td { code.wrap { (connection.base_url) } }
        td {
            (status(connection))
            @if may_change { (grant(shell, connection)) }
        }
        td { (time_or(connection.last_used_at.as_deref(), "never")) }
        td { (time(&connection.created_at)) }
        td { @if may_change {
            a.danger href=(format!("{path}/disconnect")) aria-label=(format!("Disconnect {}", connection.name)) { "Disconnect" }
        } }
    } }
}

/// A connector's name; its id where this build knows none.
pub(super) fn connector_name(id: &str) -> &str {
    connectors::catalogue::all()
        .iter()
        .find(|connector| connector.id == id)
        .map_or(id, |connector| connector.name)
}

/// Whether it works, for the eye.
pub(super) fn status(connection: &Connection) -> Markup {
    html! {
        @match connection.status {
            ConnectionStatus::Active if connection.missing_scopes.is_empty() => "active",
            ConnectionStatus::Active => { "active, " strong { "scopes missing" } },
            ConnectionStatus::Pending => strong { "waits for access" },
            ConnectionStatus::ReauthorizationRequired => strong { "must be reconnected" },
        }
    }
}

/// Why it does not work, and what helps.
pub(super) fn trouble(connection: &Connection) -> Option<&'static str> {
    match (connection.status, connection.status_reason) {
        (ConnectionStatus::Active, _) => None,
        (ConnectionStatus::Pending, _) => Some("Nobody has granted access at the provider yet."),
        (_, Some(StatusReason::RotationLost)) => Some(
            "The provider refuses the refresh token after an answer of its that never arrived. Most likely it gave a new \
             one that was lost on the way: reconnect.",
        ),
        (_, Some(StatusReason::ClientRefused)) => {
            Some("The provider refuses the OAuth client: its id or secret has to be mended first.")
        }
        _ => Some("The provider refuses the refresh token: it was revoked there, or has expired. Reconnect."),
    }
}

/// The way to the provider, where it is needed to go on.
pub(super) fn grant(shell: &Shell<'_>, connection: &Connection) -> Markup {
    let label = match connection.status {
        ConnectionStatus::Pending => "Grant access",
        ConnectionStatus::ReauthorizationRequired => "Reconnect",
        ConnectionStatus::Active => return html! {},
    };
    shell.button(PATH, "authorize", &[("id", connection.id.as_str())], "", label)
}

/// The three kinds stand in one form. The style sheet shows the chosen one's fields; without it, all are there.
fn create(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed(retry, Form::Connections, name);
    let chosen = typed("auth_type").or(|| "bearer".into());
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "New connection" }
            p { "To any HTTPS API. For a provider of the " a href="/connectors" { "catalogue" } ", connect there: what passes is listed then." }
            form.card method="post" action=(PATH) {
                (shell.hidden("create", &[]))
                (input("Name", "name", "text", typed("name"), ""))
                (input("Base URL", "base_url", "url", typed("base_url"), "Such as https://api.example.com/v1. The credential goes to no other host."))
                fieldset {
                    legend { "Credential" }
                    @for kind in ["bearer", "api_key", "basic"] {
                        label.check {
                            input type="radio" name="auth_type" value=(kind) checked[chosen == kind];
                            span { (auth_name(kind)) }
                        }
                    }
                }
                @for kind in ["bearer", "api_key", "basic"] {
                    div class=(format!("kind-{kind}")) { (credential(kind, None, &typed)) }
                }
                button { "Store connection" }
            }
        }
    }
}

/// The fields of a kind of credential. `place`: the header or query parameter that an API key goes into, where the
/// connector says it.
pub(super) fn credential<'t>(
    kind: &str,
    place: Option<(&str, &str)>,
    typed: &dyn Fn(&str) -> Typed<'t>,
) -> Markup {
    html! {
        @match kind {
            "bearer" => (secret("Token", "token", &typed("token"), "")),
            "api_key" => {
                @if let Some((place, name)) = place {
                    input type="hidden" name="place" value=(place);
                    input type="hidden" name="parameter" value=(name);
                } @else {
                    (select("Sent in", "place", typed("place"), &[("header", "a header"), ("query", "a query parameter")]))
                    (field("Its name", "parameter", "text", typed("parameter"), "Such as X-Api-Key."))
                }
                (secret("Key", "value", &typed("value"), ""))
            }
            "basic" => {
                (field("User name", "username", "text", typed("username"), ""))
                (secret("Password", "password", &typed("password"), ""))
            }
            _ => {}
        }
    }
}

/// A kind of credential, for people.
pub(super) fn auth_name(kind: &str) -> &str {
    match kind {
        "bearer" => "Bearer token",
        "api_key" => "API key",
        "basic" => "User name and password",
        "oauth2" => "Access granted by OAuth",
        "none" => "No credential",
        other => other,
    }
}
