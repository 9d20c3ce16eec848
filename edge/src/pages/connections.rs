//! `/connections`.

use super::parts::{input, not_allowed, notice, refusal, secret, time, time_or};
use super::{Notice, Retry, Shell};
use crate::handlers::forms::Form;
use maud::{Markup, html};
use protocol::api::{Connection, Overview};

const PATH: &str = "/connections";

/// The list, and the form for a new one.
pub fn render(shell: &Shell<'_>, data: &Overview, done: Option<Notice>, retry: Option<&Retry>) -> Markup {
    shell.page("Connections", PATH, &html! {
        h1 { "Connections" }
        (notice(done, "Connection"))
        (refusal(retry, Form::Connections))
        @match data.connections.as_deref() {
            None => (not_allowed("connections")),
            Some([]) => p.empty {
                "No connection yet. Store a third party's credential below; it is sealed at once, and your code calls "
                "the third party through it without ever seeing it."
            },
            Some(connections) => (table(shell, connections)),
        }
        @if data.connections.is_some() { (create(shell, retry)) }
    })
}

fn table(shell: &Shell<'_>, connections: &[Connection]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Your connections" { table {
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "Calls" } th scope="col" { "Credential" }
                th scope="col" { "Last used" } th scope="col" { "Created" }
                th scope="col" { span.hidden { "Actions" } }
            } }
            tbody { @for connection in connections { tr {
                td { strong { (connection.name) } br; code { (connection.id) } }
                td { code.wrap { (connection.base_url) } }
                td { (auth_name(&connection.auth_type)) }
                td { (time_or(connection.last_used_at.as_deref(), "never")) }
                td { (time(&connection.created_at)) }
                td { (shell.row_button(PATH, "delete", connection.id.as_str(), "Delete", &connection.name)) }
            } } }
        } }
    }
}

/// The three kinds stand in one form. The style sheet shows the chosen one's fields; without it, all are there.
fn create(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed(retry, Form::Connections, name);
    let chosen = match typed("auth_type") {
        "" => "bearer",
        typed => typed,
    };
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "New connection" }
            form.card method="post" action=(PATH) {
                (shell.csrf_field())
                input type="hidden" name="action" value="create";
                (input("Name", "name", "text", typed("name"), ""))
                (input("Base URL", "base_url", "url", typed("base_url"), "Such as https://api.example.com/v1. The credential goes to no other host."))
                fieldset {
                    legend { "Credential" }
                    @for kind in ["bearer", "api_key", "basic"] {
                        label.check {
                            input type="radio" name="auth_type" value=(kind) checked[kind == chosen];
                            span { (auth_name(kind)) }
                        }
                    }
                }
                div.kind-bearer { (secret("Token", "token", "")) }
                div.kind-api_key {
                    label {
                        span { "Sent in" }
                        select name="place" {
                            option value="header" { "a header" }
                            option value="query" selected[typed("place") == "query"] { "a query parameter" }
                        }
                    }
                    label {
                        span { "Its name" }
                        input type="text" name="parameter" value=(typed("parameter")) placeholder="X-Api-Key" autocomplete="off";
                    }
                    (secret("Key", "value", ""))
                }
                div.kind-basic {
                    label {
                        span { "User name" }
                        input type="text" name="username" value=(typed("username")) autocomplete="off";
                    }
                    (secret("Password", "password", ""))
                }
                button { "Store connection" }
            }
        }
    }
}

fn auth_name(kind: &str) -> &str {
    match kind {
        "bearer" => "Bearer token",
        "api_key" => "API key",
        "basic" => "User name and password",
        other => other,
    }
}
