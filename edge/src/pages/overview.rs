//! `/` for those who are signed in.

use super::parts::{may, notice, region_name, role_name, time};
use super::webhooks::sources;
use super::{Notice, Shell};
use maud::{Markup, html};
use protocol::Operation;
use protocol::api::Overview;

/// The workspace at a glance, with the next step where there is nothing yet.
pub fn render(shell: &Shell<'_>, data: &Overview, done: Option<Notice>) -> Markup {
    let org = &data.me.org;
    shell.page(
        "Overview",
        "/",
        &html! {
            h1 { (org.name) }
            (notice(done, "Workspace"))
            p.faint {
                @if let Some(user) = &data.me.user { (user.name) " (" (user.email) ")" }
                @if let Some(role) = data.me.role { " · " (role_name(role)) }
                " · " (org.plan) " plan · region: " (region_name(org.region))
            }
            @let links = [
                (Operation::GetOrgKey, "/workspace", "Data key and deletion of this workspace"),
                (Operation::GetKeys, "/admin/keys", "Encryption keys of this installation"),
            ];
            p.row { @for (_, path, label) in links.iter().filter(|(operation, ..)| may(&data.me, operation)) {
                a href=(path) { (label) }
            } }
            @for source in data.sources.iter().flatten() { (sources::alert(source)) }
            ul.tiles {
                (tile("Connections", "/connections", count(&data.connections), "Store a credential"))
                (tile("API keys", "/keys", count(&data.api_keys), "Create a key"))
                (tile("Sources", "/sources", count(&data.sources), "Receive webhooks"))
                (tile("Events", "/events", count(&data.events), "None received yet"))
            }
            h2 { "Latest activity" }
            @match data.audit.as_deref() {
                None => p.empty { "The audit trail is for admins." },
                Some([]) => p.empty { "Nothing has happened yet." },
                Some(events) => ul.activity {
                    @for event in events.iter().take(8) {
                        li { (time(&event.at)) code { (event.action) } code.faint { (event.target) } }
                    }
                },
            }
        },
    )
}

fn tile(label: &str, path: &str, count: Option<String>, empty: &str) -> Markup {
    html! {
        li {
            a href=(path) {
                strong { (count.as_deref().unwrap_or("–")) }
                span { (label) }
                @if count.as_deref() == Some("0") { small { (empty) } }
            }
        }
    }
}

/// How many, as far as one page of rows can tell; `None` where the role may not look.
fn count<T>(rows: &Option<Vec<T>>) -> Option<String> {
    let rows = rows.as_ref()?.len();
    let more = if rows >= Overview::ROWS as usize { "+" } else { "" };
    Some(format!("{rows}{more}"))
}
