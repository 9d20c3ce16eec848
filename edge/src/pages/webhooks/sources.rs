//! `/sources`.

use crate::handlers::forms::Form;
use crate::pages::parts::{input, not_allowed, notice, refusal, secret, time_or};
use crate::pages::{Notice, Retry, Shell};
use maud::{Markup, html};
use protocol::api::{Overview, Source};
use webhooks::providers;

const PATH: &str = "/sources";

/// The list, and the form for a new one.
pub fn render(shell: &Shell<'_>, data: &Overview, done: Option<Notice>, retry: Option<&Retry>) -> Markup {
    shell.page("Webhook sources", PATH, &html! {
        h1 { "Webhook sources" }
        (notice(done, "Source"))
        (refusal(retry, Form::Sources))
        @match data.sources.as_deref() {
            None => (not_allowed("webhook sources")),
            Some([]) => p.empty {
                "No source yet. Create one below and paste its URL at the provider: each event is verified, stored, and "
                "only then acknowledged."
            },
            Some(sources) => (table(shell, sources)),
        }
        @if data.sources.is_some() { (create(shell, retry)) }
    })
}

fn table(shell: &Shell<'_>, sources: &[Source]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Your sources" { table {
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "URL to paste at the provider" }
                th scope="col" { "Events" } th scope="col" { "Last event" }
                th scope="col" { span.hidden { "Actions" } }
            } }
            tbody { @for source in sources { tr {
                td { strong { (source.name) } br; span.faint { (provider_name(&source.provider)) } }
                td { code.wrap { (source.url) } }
                td { (source.event_count) }
                td { (time_or(source.last_event_at.as_deref(), "none yet")) }
                td { (shell.row_button(PATH, "delete", source.id.as_str(), "Delete", &source.name)) }
            } } }
        } }
    }
}

fn create(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed(retry, Form::Sources, name);
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "New source" }
            form.card method="post" action=(PATH) {
                (shell.csrf_field())
                input type="hidden" name="action" value="create";
                label {
                    span { "Provider" }
                    select name="provider" required {
                        option value="" selected[typed("provider").is_empty()] { "Choose…" }
                        @for provider in providers() {
                            option value=(provider.id) selected[provider.id == typed("provider")] { (provider.name) }
                        }
                    }
                }
                (input("Name", "name", "text", typed("name"), ""))
                (secret("Signing secret", "secret", "As the provider shows it. It verifies events; it is sealed and never shown again."))
                button { "Create source" }
            }
        }
    }
}

/// For people; the id itself where the table no longer has it.
pub(super) fn provider_name(id: &str) -> &str {
    webhooks::provider(id).map_or(id, |provider| provider.name)
}
