//! `/account`: the person's own email, password, second factor, providers, sessions, workspaces and what happened to them.

mod sign_in;
mod where_to;

use super::parts::{notice, refusal, time};
use super::{Notice, Retry, Shell};
use crate::handlers::forms::Form;
use config::Config;
use maud::{Markup, html};
use protocol::api::{Account, AuditEvent, Membership, Session};

const PATH: &str = "/account";

/// What the page shows.
pub struct Data {
    /// The account.
    pub account: Account,
    /// The person's sessions in this workspace.
    pub sessions: Vec<Session>,
    /// Their workspaces.
    pub orgs: Vec<Membership>,
    /// The account's newest events.
    pub events: Vec<AuditEvent>,
}

/// Everything of the account, one section each.
pub fn render(
    shell: &Shell<'_>,
    config: &Config,
    data: &Data,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    let account = &data.account;
    shell.page("Account", PATH, &html! {
        h1 { "Your account" }
        (notice(done, "Account"))
        (refusal(retry, Form::Account))
        (refusal(retry, Form::Password))
        dl {
            dt { "Name" } dd { (account.user.name) }
            dt { "Email" } dd {
                (account.user.email) " "
                @if account.email_verified { span.faint { "confirmed" } } @else { strong { "not confirmed yet" } }
            }
            @if let Some(pending) = &account.pending_email { dt { "New email" } dd { (pending) " " span.faint { "waits for its confirmation" } } }
            dt { "Terms accepted" } dd { (time(&account.terms_accepted_at)) }
            dt { "Created" } dd { (time(&account.created_at)) }
        }
        (sign_in::email(shell, account, retry))
        (sign_in::password(shell, account, retry))
        (sign_in::second_factor(shell, account))
        @if !config.sign_in.oidc.is_empty() || !account.identities.is_empty() {
            (sign_in::providers(shell, config, account))
        }
        (where_to::sessions(shell, &data.sessions))
        (where_to::workspaces(shell, config, &data.orgs, retry))
        (events(&data.events))
    })
}

fn events(events: &[AuditEvent]) -> Markup {
    html! {
        section aria-labelledby="activity" {
            h2 id="activity" { "Security events" }
            @if events.is_empty() {
                p.empty { "Nothing has happened yet." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Latest events" { table {
                    thead { tr { th scope="col" { "At" } th scope="col" { "What" } th scope="col" { "Address" } } }
                    tbody { @for event in events { tr {
                        td { (time(&event.at)) }
                        td { code { (event.action) } }
                        td { @if event.ip.is_empty() { span.faint { "unknown" } } @else { (event.ip) } }
                    } } }
                } }
            }
        }
    }
}

/// A form of one button: `action`, and what else it says.
fn button(shell: &Shell<'_>, action: &str, fields: &[(&str, &str)], class: &str, label: &Markup) -> Markup {
    html! {
        form method="post" action=(PATH) {
            (shell.csrf_field())
            input type="hidden" name="action" value=(action);
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=[(!class.is_empty()).then_some(class)] { (label) }
        }
    }
}
