//! `/providers`: how each provider signs, what its source takes, and how that was tested.

use super::source::credential_name;
use crate::pages::Shell;
use crate::pages::parts::{may, table};
use maud::{Markup, html};
use protocol::Operation;
use protocol::api::{List, Me, Provider};

/// The table.
pub fn render(shell: &Shell<'_>, me: &Me, providers: &List<Provider>) -> Markup {
    let may_create = may(me, &Operation::CreateSource);
    let heads = ["Provider", "Takes", "Scheme", "Tolerance", "Tested", ""];
    shell.page("Webhook providers", "/providers", &html! {
        h1 { "Webhook providers" }
        p { "How each signs its webhooks. What is not signed as its row says is refused." }
        (table("Providers", &heads, &html! { @for provider in &providers.data { tr {
            td { strong { a href=(provider.docs) rel="noreferrer" { (provider.name) } } }
            td { (credential_name(provider.credential)) br; span.faint { (provider.secret_hint) } }
            td.long {
                (provider.scheme)
                @if let Some(handshake) = &provider.handshake { br; span.faint { (handshake) } }
                @if let Some(caveat) = &provider.caveat { br; strong { (caveat) } }
            }
            td { @match provider.tolerance_seconds { Some(seconds) => { (seconds) " s" }, None => span.faint { "no time signed" } } }
            td { (tested_name(&provider.tested)) }
            td { @if may_create {
                a href=(format!("/sources?provider={}#new", provider.id)) aria-label=(format!("Use {}", provider.name)) { "Use" }
            } }
        } } }))
    })
}

fn tested_name(tested: &str) -> &str {
    match tested {
        "sdk" => "with its own package",
        "vector" => "with a published example",
        "documentation" => "by its documentation",
        other => other,
    }
}
