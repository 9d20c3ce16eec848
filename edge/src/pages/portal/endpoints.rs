//! `/portal`: the customer's endpoints, and the form for a new one.

use super::{PATH, Portal, path_of, said};
use crate::handlers::forms::Form;
use crate::pages::Retry;
use crate::pages::parts::{more, refusal, table, time};
use crate::pages::webhooks::parts::{Values, customer_fields, endpoint_status, event_types};
use maud::{Markup, html};
use protocol::api::{Endpoint, List};

/// The list.
pub fn list(
    portal: &Portal<'_>,
    endpoints: &List<Endpoint>,
    done: Option<&str>,
    retry: Option<&Retry>,
) -> Markup {
    portal.page(
        "Endpoints",
        PATH,
        &html! {
            h1 { "Endpoints" }
            (said(done))
            (refusal(retry, Form::Endpoints))
            @if endpoints.data.is_empty() {
                p.empty { "No endpoint yet. Give a URL below, and what happens is sent to it, signed." }
            } @else {
                (table("Your endpoints", &["URL", "Event types", "Status", "Created"], &html! {
                    @for endpoint in &endpoints.data { tr {
                        td {
                            a href=(path_of(&endpoint.id)) { code.wrap { (endpoint.url) } }
                            @if !endpoint.description.is_empty() { br; (endpoint.description) }
                        }
                        td { (event_types(endpoint)) }
                        td { (endpoint_status(endpoint)) }
                        td { (time(&endpoint.created_at)) }
                    } }
                }))
            }
            (more(PATH, endpoints.next_cursor.as_deref()))
            section aria-labelledby="new" {
                h2 id="new" { "New endpoint" }
                form.card method="post" action=(PATH) {
                    (portal.shell.hidden("create", &[]))
                    (customer_fields(&Values::new(retry, Form::Endpoints, "create", None)))
                    button { "Create endpoint" }
                }
            }
        },
    )
}
