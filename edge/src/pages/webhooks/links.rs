//! `/portal-links`: short-lived links by which a customer's own users look after their endpoints.

use crate::handlers::forms::Form;
use crate::pages::parts::{input, notice, refusal, select, table, time};
use crate::pages::{Notice, Retry, Shell};
use maud::{Markup, html};
use protocol::api::{List, PortalLink, ShownOnce};

const PATH: &str = "/portal-links";

/// The links that still open, and the form for a new one.
pub fn render(
    shell: &Shell<'_>,
    links: &List<PortalLink>,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    let typed = |name: &str| Retry::typed_for(retry, Form::PortalLinks, "create", name);
    shell.page("Portal links", PATH, &html! {
        h1 { "Portal links" }
        (notice(done, "Link"))
        (refusal(retry, Form::PortalLinks))
        p { "Whoever holds a link manages the endpoints of its customer, and sees what is delivered to them, until it ends." }
        @if links.data.is_empty() { p.empty { "No link opens anything now." } } @else {
            (table("Links that open", &["Customer", "Made", "Ends", ""], &html! { @for link in &links.data { tr {
                td { code.wrap { (link.customer_id) } }
                td { (time(&link.created_at)) }
                td { (time(&link.expires_at)) }
                td { (shell.row_button(PATH, "close", link.id.as_str(), "Close", &link.customer_id)) }
            } } }))
        }
        section aria-labelledby="new" {
            h2 id="new" { "New link" }
            form.card method="post" action=(PATH) {
                (shell.hidden("create", &[]))
                (input("Customer", "customer_id", "text", typed("customer_id"), "Your own id of it, as messages and endpoints name it."))
                (select("Opens for", "expires_in_seconds", typed("expires_in_seconds"), &[
                    ("3600", "an hour"), ("600", "10 minutes"), ("28800", "8 hours"), ("86400", "a day"),
                ]))
                button { "Create link" }
            }
        }
    })
}

/// The one page that shows a link.
pub fn created(shell: &Shell<'_>, link: &PortalLink, url: &ShownOnce) -> Markup {
    shell.page("New portal link", PATH, &html! {
        h1 { "The link for " (link.customer_id) }
        p { "Give it to the customer's user. This is the only time it is shown; it ends at " (time(&link.expires_at)) "." }
        pre.secret tabindex="0" aria-label="Portal link" { (url.0) }
        p { a href=(PATH) { "Done" } }
    })
}
