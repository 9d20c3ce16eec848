//! The forms of a connector: one for each kind of credential that it takes, one for the workspace's own OAuth client.

use super::{Connection, Connector, PATH};
use crate::handlers::forms::Form;
use crate::pages::connections::{self, credential};
use crate::pages::parts::{input, may, secret};
use crate::pages::{Retry, Shell, Typed};
use maud::{Markup, html};
use protocol::Operation;
use protocol::api::{ConnectorAuth, Me};

/// A form a kind of credential.
pub(super) fn connect(shell: &Shell<'_>, me: &Me, connector: &Connector, retry: Option<&Retry>) -> Markup {
    html! {
        section aria-labelledby="connect" {
            h2 id="connect" { "Connect" }
            @if may(me, &Operation::CreateConnection) {
                div.columns { @for auth in &connector.auth { (new(shell, connector, auth, retry)) } }
            } @else {
                p.empty { "An admin of this workspace can connect it." }
            }
        }
    }
}

fn new(shell: &Shell<'_>, connector: &Connector, auth: &ConnectorAuth, retry: Option<&Retry>) -> Markup {
    let typed = typed_for("create", auth, retry);
    let name = typed("name").or(|| connector.name.as_str().into());
    let by_oauth = auth.kind == "oauth2";
    html! {
        form.card method="post" action=(connections::PATH) {
            h3 { (auth.label) }
            @if let Some(hint) = &auth.hint { p.faint { (hint) } }
            @if by_oauth && connector.client.is_none() {
                p { "There is no OAuth client yet: an admin can set this workspace's own " a href="#client" { "below" } "." }
            } @else {
                (shell.hidden("create", &[("connector", &connector.id), ("auth_type", &auth.kind)]))
                (input("Name", "name", "text", &name, ""))
                @if connector.kind == "http" && connector.base_url.is_empty() {
                    (input("Base URL", "base_url", "url", typed("base_url"), "The credential goes to no other host."))
                }
                @for parameter in &connector.parameters {
                    @let name = format!("parameters.{}", parameter.name);
                    @let typed = typed(&name);
                    label {
                        span { (parameter.label) }
                        input type="text" name=(name) value=(typed) autocomplete="off" spellcheck="false"
                            required[!parameter.optional] aria-invalid=[typed.invalid()] aria-describedby=[typed.described_by()];
                        small { (parameter.hint) @if parameter.optional { " Optional." } }
                    }
                    (typed.fault())
                }
                (credential(&auth.kind, place(auth), &typed))
                @if connector.kind == "postgres" {
                    label.check {
                        input type="checkbox" name="allow_writable_role" value="true" checked[!typed("allow_writable_role").is_empty()];
                        span { "Take a role that can write tables, too. Queries stay read-only transactions. Superusers are refused all the same." }
                    }
                }
                @if by_oauth {
                    p.faint { "You go on to the provider, which shows what is asked for." }
                    button { "Connect " (connector.name) }
                } @else {
                    button { "Store connection" }
                }
            }
        }
    }
}

/// Another credential of the kind that the connection has.
pub(super) fn replace(
    shell: &Shell<'_>,
    me: &Me,
    connector: &Connector,
    connection: &Connection,
    retry: Option<&Retry>,
) -> Markup {
    let same =
        connector.auth.iter().filter(|auth| auth.kind == connection.auth_type && auth.kind != "oauth2");
    html! {
        section aria-labelledby="replace" {
            h2 id="replace" { "Replace the credential of " (connection.name) }
            @if may(me, &Operation::CreateConnection) {
                @for auth in same {
                    @let typed = typed_for("replace", auth, retry);
                    form.card method="post" action=(connections::PATH) {
                        h3 { (auth.label) }
                        @if let Some(hint) = &auth.hint { p.faint { (hint) } }
                        (shell.hidden("replace", &[
                            ("connector", &connector.id), ("auth_type", &auth.kind), ("id", connection.id.as_str()),
                        ]))
                        (credential(&auth.kind, place(auth), &typed))
                        button { "Replace" }
                    }
                }
            } @else {
                p.empty { "An admin of this workspace can replace it." }
            }
            p { a href=(format!("{}/{}", connections::PATH, connection.id)) { "Keep the credential" } }
        }
    }
}

/// What was typed into the form of this kind.
fn typed_for<'r>(
    action: &'static str,
    auth: &'r ConnectorAuth,
    retry: Option<&'r Retry>,
) -> impl Fn(&str) -> Typed<'r> {
    let retry = retry.filter(|retry| retry.fields.text("auth_type") == auth.kind);
    move |name| Retry::typed_for(retry, Form::Connections, action, name)
}

/// Where an API key goes, where the connector says it.
fn place(auth: &ConnectorAuth) -> Option<(&str, &str)> {
    match (&auth.header, &auth.query) {
        (Some(header), _) => Some(("header", header)),
        (None, Some(query)) => Some(("query", query)),
        (None, None) => None,
    }
}

/// Whose OAuth client asks for access; for admins, the workspace's own.
pub(super) fn client(
    shell: &Shell<'_>,
    me: &Me,
    connector: &Connector,
    redirect_uri: &str,
    retry: Option<&Retry>,
) -> Markup {
    let by_oauth = connector.auth.iter().any(|auth| auth.kind == "oauth2");
    let operation = Operation::SetConnectorClient { connector: connector.id.clone() };
    let own = connector.client.as_deref() == Some("workspace");
    let typed = |name: &str| Retry::typed(retry, Form::Connectors, name);
    html! {
        @if by_oauth {
            section aria-labelledby="client" {
                h2 id="client" { "OAuth client" }
                p { @match connector.client.as_deref() {
                    Some("workspace") => "This workspace's own asks for access.",
                    Some(_) => "This installation's asks for access. A workspace can have its own.",
                    None => "There is none: register one with the provider.",
                } }
                @if may(me, &operation) {
                    form.card method="post" action=(PATH) {
                        (shell.hidden("set_client", &[("connector", &connector.id)]))
                        p { "Redirect URI to register with the provider:" br; code.wrap { (redirect_uri) } }
                        (input("Client id", "client_id", "text", typed("client_id"), ""))
                        (secret("Client secret", "client_secret", &typed("client_secret"), "It is sealed and never shown again."))
                        button { @if own { "Replace the client" } @else { "Use this client" } }
                    }
                    @if own { (shell.button(PATH, "forget_client", &[("connector", &connector.id)], "danger", "Forget this workspace's client")) }
                }
            }
        }
    }
}
