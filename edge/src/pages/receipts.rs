//! `/receipts`: what became of the credentials of connections that were (claims B3, C8).

use super::Shell;
use super::connections::connector_name;
use super::parts::{self, more, time, time_or};
use maud::{Markup, html};
use protocol::api::{List, Receipt, Revocation};

const PATH: &str = "/receipts";

/// The newest ones.
pub fn render(shell: &Shell<'_>, receipts: &List<Receipt>) -> Markup {
    shell.page("Receipts", "/connections", &html! {
        p { a href="/connections" { "← Connections" } }
        h1 { "Receipts" }
        @if receipts.data.is_empty() {
            p.empty { "Nothing was disconnected yet. When it is, its receipt says what the provider answered to the revocation." }
        } @else {
            (table(&receipts.data))
        }
        (more(PATH, receipts.next_cursor.as_deref()))
    })
}

/// One a row.
pub(super) fn table(receipts: &[Receipt]) -> Markup {
    let heads = ["Connection", "At the provider", "Evidence", "Disconnected", "Credential wiped"];
    parts::table(
        "Receipts",
        &heads,
        &html! {
            @for receipt in receipts { tr {
                td { strong { (receipt.name) } br; span.faint { (connector_name(&receipt.connector)) } br; code { (receipt.connection_id) } }
                td {
                    strong { (revocation_name(receipt.revocation)) }
                    @if let Some(detail) = &receipt.detail { br; (detail) }
                }
                td {
                    @match &receipt.evidence {
                        None => span.faint { "nothing was sent" },
                        Some(evidence) => {
                            code.wrap { (evidence.endpoint) } br;
                            @match evidence.http_status { Some(status) => { "HTTP " (status) }, None => "not reached" }
                            ", " (time(&evidence.at)) ", attempts: " (evidence.attempts)
                        }
                    }
                }
                td { (time(&receipt.disconnected_at)) }
                td { (time_or(receipt.deleted_at.as_deref(), "when it is settled")) }
            } }
        },
    )
}

fn revocation_name(revocation: Revocation) -> &'static str {
    match revocation {
        Revocation::Pending => "being tried again",
        Revocation::Revoked => "revoked",
        Revocation::Unsupported => "cannot be revoked there",
        Revocation::Failed => "failed",
    }
}
