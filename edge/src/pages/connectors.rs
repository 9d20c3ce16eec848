//! `/connectors` and `/connectors/{id}`: what each connector asks for, lets through and returns, as the control plane
//! enforces it (claims T1, T2), and the forms that connect it.

mod connect;

use super::parts::{codes, notice, refusal, table};
use super::{Notice, Retry, Shell};
use crate::handlers::forms::Form;
use maud::{Markup, html};
use protocol::api::{Connection, Connector, ConnectorRequest, List, Me};

const PATH: &str = "/connectors";
/// In the navigation they are part of this.
const PLACE: &str = "/connections";

/// The catalogue, by category.
pub fn list(shell: &Shell<'_>, connectors: &List<Connector>) -> Markup {
    let mut categories: Vec<&str> =
        connectors.data.iter().map(|connector| connector.category.as_str()).collect();
    categories.sort_unstable();
    categories.dedup();
    shell.page("Connectors", PLACE, &html! {
        p { a href="/connections" { "← Connections" } }
        h1 { "Connectors" }
        p { "Each asks for what it lists and nothing else; what it does not list does not pass." }
        @for (number, category) in categories.into_iter().enumerate() {
            @let connectors = connectors.data.iter().filter(|connector| connector.category == category);
            section aria-labelledby=(format!("category-{number}")) {
                h2 id=(format!("category-{number}")) { (category_name(category)) }
                (table(category_name(category), &["Provider", "What for", ""], &html! { @for connector in connectors { tr {
                    @let path = format!("{PATH}/{}", connector.id);
                    td { strong { a href=(path) { (connector.name) } } }
                    td { (connector.summary) }
                    td { a href=(format!("{path}#connect")) aria-label=(format!("Connect {}", connector.name)) { "Connect" } }
                } } }))
            }
        }
    })
}

fn category_name(category: &str) -> &str {
    match category {
        "mail" => "Mail",
        "issues" => "Issues",
        "crm" => "Customers",
        "code" => "Code",
        "support" => "Support",
        "chat" => "Chat",
        "docs" => "Documents",
        "payments" => "Payments",
        "commerce" => "Shops",
        "files" => "Files",
        "warehouse" => "Warehouses",
        "generic" => "Everything else",
        "identity" => "Identity",
        other => other,
    }
}

/// What the page of one connector shows.
pub struct Data {
    /// The connector.
    pub connector: Connector,
    /// The connection whose credential is to be replaced.
    pub replace: Option<Connection>,
    /// Where providers send browsers back to.
    pub redirect_uri: String,
}

/// One connector.
pub fn one(shell: &Shell<'_>, me: &Me, data: &Data, done: Option<Notice>, retry: Option<&Retry>) -> Markup {
    let connector = &data.connector;
    shell.page(&connector.name, PLACE, &html! {
        p { a href=(PATH) { "← Connectors" } }
        h1 { (connector.name) }
        (notice(done, "Connector"))
        (refusal(retry, Form::Connections))
        (refusal(retry, Form::Connectors))
        @if let Some(connection) = &data.replace {
            (connect::replace(shell, me, connector, connection, retry))
        } @else {
            p { (connector.summary) " " a href=(connector.docs) rel="noreferrer" { "The provider's documentation" } }
            dl {
                @if !connector.base_url.is_empty() { dt { "Calls" } dd { code.wrap { (connector.base_url) } } }
                dt { "When it is disconnected" } dd { (connector.revocation) }
            }
            (connect::connect(shell, me, connector, retry))
            (scopes(connector))
            (requests(connector))
            (connect::client(shell, me, connector, &data.redirect_uri, retry))
        }
    })
}

fn scopes(connector: &Connector) -> Markup {
    html! {
        @if !connector.scopes.is_empty() {
            section aria-labelledby="scopes" {
                h2 id="scopes" { "What it asks for" }
                (table("Scopes", &["Scope, as sent", "Why"], &html! {
                    @for scope in &connector.scopes { tr { td { code.wrap { (scope.scope) } } td { (scope.why) } } }
                }))
            }
        }
    }
}

fn requests(connector: &Connector) -> Markup {
    html! {
        section aria-labelledby="requests" {
            h2 id="requests" { "What passes" }
            @if !connector.requests.is_empty() {
                (table("Requests that pass", &["Request", "Parameters", "What is returned"], &html! {
                    @for request in &connector.requests { (request_row(request)) }
                }))
                p.faint { "Every other request is refused; every other field of an answer is left out." }
            } @else if connector.kind == "http" {
                p { "Every request below the base URL, and the whole answer." }
            } @else {
                p { "No HTTP request." }
            }
        }
    }
}

fn request_row(request: &ConnectorRequest) -> Markup {
    html! { tr {
        td {
            code { (request.method) } " " code.wrap { (request.path) } br;
            (request.summary)
            @if request.writes { br; strong { "writes: takes a person's own session" } }
        }
        td { (codes(&request.query)) }
        td { (codes(&request.fields)) }
    } }
}
