//! `/audit`: the trail, and a check of its hash chain (claims M7 and B7).

use super::Shell;
use super::parts::{not_allowed, time};
use maud::{Markup, html};
use protocol::api::{AuditEvent, AuditVerification, Overview};

const PATH: &str = "/audit";

/// The newest events, and the chain's state where it was asked for.
pub fn render(shell: &Shell<'_>, data: &Overview, verified: Option<&AuditVerification>) -> Markup {
    shell.page(
        "Audit",
        PATH,
        &html! {
            h1 { "Audit trail" }
            @match data.audit.as_deref() {
                None => (not_allowed("the audit trail")),
                Some(events) => {
                    @if let Some(verified) = verified { (result(verified)) }
                    form method="get" action=(PATH) {
                        input type="hidden" name="verify" value="1";
                        button { "Verify the chain" }
                    }
                    (table(events))
                }
            }
        },
    )
}

fn result(verified: &AuditVerification) -> Markup {
    html! {
        @if verified.ok {
            div.notice role="status" {
                @if let Some(verified_to) = verified.next_from {
                    strong { "The first " (verified_to) " events are whole." } " The rest of " (verified.length)
                    " is verified by " code { "GET /v1/audit/verify?from=" (verified_to) } ". Newest hash: "
                } @else {
                    strong { "The chain is whole." } " " (verified.length)
                    " events, none missing, none changed. Newest hash: "
                }
                code.wrap { (verified.head) }
            }
        } @else {
            div.problem role="alert" {
                strong { "The chain is broken" }
                @if let Some(place) = verified.broken_at { " at event " (place) }
                "."
            }
        }
    }
}

fn table(events: &[AuditEvent]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Audit events" { table {
            thead { tr {
                th scope="col" { "#" } th scope="col" { "At" } th scope="col" { "Action" } th scope="col" { "Actor" }
                th scope="col" { "Target" } th scope="col" { "Address" } th scope="col" { "Hash" }
            } }
            tbody { @for event in events { tr {
                td { (event.sequence) }
                td { (time(&event.at)) }
                td { code { (event.action) } }
                td { code.wrap { (event.actor) } }
                td { code.wrap { (event.target) } }
                td { @if event.ip.is_empty() { span.faint { "unknown" } } @else { (event.ip) } }
                td { code title=(event.hash) { (event.hash.chars().take(12).collect::<String>()) } }
            } } }
        } }
    }
}
