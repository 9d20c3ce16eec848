//! Where the person is signed in, and to which workspaces they may go.

use super::{PATH, button};
use crate::handlers::forms::Form;
use crate::pages::parts::{input, region_select, role_name, time};
use crate::pages::{Retry, Shell};
use config::Config;
use maud::{Markup, html};
use protocol::api::{Membership, Session};

/// Sessions in this workspace, each with its end.
pub(super) fn sessions(shell: &Shell<'_>, sessions: &[Session]) -> Markup {
    html! {
        section aria-labelledby="sessions" {
            h2 id="sessions" { "Sessions in this workspace" }
            div.scroll tabindex="0" role="region" aria-label="Sessions" { table {
                thead { tr {
                    th scope="col" { "Device" } th scope="col" { "From" } th scope="col" { "Signed in" }
                    th scope="col" { "Last used" } th scope="col" { span.hidden { "Actions" } }
                } }
                tbody { @for session in sessions { tr {
                    td {
                        (session.device)
                        @if session.second_factor { br; span.faint { "with a code" } }
                    }
                    td {
                        @if session.ip.is_empty() { span.faint { "unknown" } } @else { (session.ip) }
                        @if let Some(country) = &session.country { " (" (country) ")" }
                    }
                    td { (time(&session.created_at)) }
                    td { (time(&session.last_used_at)) }
                    td {
                        @if session.current {
                            strong { "this one" }
                        } @else {
                            (shell.row_button(PATH, "end_session", session.id.as_str(), "End", &session.device))
                        }
                    }
                } } }
            } }
            (button(shell, "end_other_sessions", &[], "danger", &html! { "End every other session, in every workspace" }))
        }
    }
}

/// Workspaces to go to, and a new one.
pub(super) fn workspaces(
    shell: &Shell<'_>,
    config: &Config,
    orgs: &[Membership],
    retry: Option<&Retry>,
) -> Markup {
    let typed = |name: &str| Retry::typed_for(retry, Form::Account, "create_org", name);
    html! {
        section aria-labelledby="workspaces" {
            h2 id="workspaces" { "Workspaces" }
            div.scroll tabindex="0" role="region" aria-label="Your workspaces" { table {
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Your role" } th scope="col" { span.hidden { "Actions" } }
                } }
                tbody { @for org in orgs { tr {
                    td { strong { (org.org_name) } br; code { (org.org_id) } }
                    td { (role_name(org.role)) }
                    td {
                        @if org.current {
                            strong { "this one" }
                        } @else {
                            (button(shell, "switch", &[("org_id", org.org_id.as_str())], "quiet", &html! { "Go to " (org.org_name) }))
                        }
                    }
                } } }
            } }
            form.card method="post" action=(PATH) aria-labelledby="new-workspace" {
                h3 id="new-workspace" { "New workspace" }
                (shell.csrf_field())
                input type="hidden" name="action" value="create_org";
                (input("Name", "name", "text", typed("name"), ""))
                (region_select(config, &typed("region")))
                button { "Create workspace" }
            }
        }
    }
}
