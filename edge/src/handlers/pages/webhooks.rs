//! The pages of webhooks: which there are, and what of a path and a query each is for.

use crate::handlers::forms::{Fields, Form};
use crate::pages::Notice;
use crate::route::cursor;
use protocol::api::DeliveryStatus;
use protocol::call::EventFilter;
use protocol::routes::is_name;
use protocol::time::parse_rfc3339;
use protocol::{Code, EndpointId, InboundEventId, MessageId, SourceId};

/// Which page.
#[derive(Debug, Clone)]
pub enum View {
    /// Sources.
    Sources {
        /// What was just done.
        notice: Option<Notice>,
        /// The new one's provider, chosen beforehand.
        provider: Option<String>,
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
    /// One source.
    Source {
        /// Which.
        id: SourceId,
        /// What was just done.
        notice: Option<Notice>,
    },
    /// Asks before a source is deleted.
    DeleteSource(SourceId),
    /// Providers of the signature table.
    Providers,
    /// Inbound events.
    Events {
        /// Which of them.
        filter: EventFilter,
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
    /// One event.
    Event(InboundEventId),
    /// Endpoints.
    Endpoints {
        /// What was just done.
        notice: Option<Notice>,
        /// Of one customer.
        customer: Option<String>,
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
    /// One endpoint, its deliveries and attempts.
    Endpoint {
        /// Which.
        id: EndpointId,
        /// What was just done.
        notice: Option<Notice>,
        /// Deliveries that have come so far.
        status: Option<DeliveryStatus>,
        /// Where the last page of deliveries ended.
        cursor: Option<String>,
        /// Where the last page of attempts ended.
        attempts: Option<String>,
    },
    /// Asks before an endpoint is deleted.
    DeleteEndpoint(EndpointId),
    /// Messages.
    Messages {
        /// What was just done.
        notice: Option<Notice>,
        /// Of one customer.
        customer: Option<String>,
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
    /// One message.
    Message {
        /// Which.
        id: MessageId,
        /// What was just done.
        notice: Option<Notice>,
    },
    /// Types of events.
    EventTypes {
        /// What was just done.
        notice: Option<Notice>,
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
    /// One of them, by its name.
    EventType(String),
    /// Links to the customers' portal.
    PortalLinks {
        /// What was just done.
        notice: Option<Notice>,
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
}

impl View {
    /// The page of a path, and the form that stands at the same one.
    ///
    /// # Errors
    /// `NotFound`; `InvalidRequest` for a query that cannot be meant.
    pub fn find(path: &str, query: &str) -> Result<(Self, Option<Form>), Code> {
        let (notice, cursor) = (Notice::of(query), cursor(query, "cursor"));
        let asked = || Fields::parse(query.as_bytes()).ok_or(Code::InvalidRequest);
        let customer = || name(&asked()?, "customer_id");
        let (view, form) = match path {
            "/sources" => {
                let provider = asked()?.get("provider").map(str::to_owned);
                (Self::Sources { notice, provider, cursor }, Some(Form::Sources))
            }
            "/providers" => (Self::Providers, None),
            "/events" => (Self::Events { filter: filter(&asked()?)?, cursor }, Some(Form::Events)),
            "/endpoints" => {
                (Self::Endpoints { notice, customer: customer()?, cursor }, Some(Form::Endpoints))
            }
            "/messages" => (Self::Messages { notice, customer: customer()?, cursor }, Some(Form::Messages)),
            "/event-types" => (Self::EventTypes { notice, cursor }, Some(Form::EventTypes)),
            "/portal-links" => (Self::PortalLinks { notice, cursor }, Some(Form::PortalLinks)),
            path => (Self::of_one(path, query).ok_or(Code::NotFound)?, None),
        };
        Ok((view, form))
    }

    /// The pages that name one thing in their path.
    fn of_one(path: &str, query: &str) -> Option<Self> {
        let notice = Notice::of(query);
        let (kind, id) = path.strip_prefix('/')?.split_once('/')?;
        Some(match (kind, id.strip_suffix("/delete")) {
            ("sources", Some(id)) => Self::DeleteSource(SourceId::parse(id).ok()?),
            ("sources", None) => Self::Source { id: SourceId::parse(id).ok()?, notice },
            ("events", None) => Self::Event(InboundEventId::parse(id).ok()?),
            ("endpoints", Some(id)) => Self::DeleteEndpoint(EndpointId::parse(id).ok()?),
            ("endpoints", None) => Self::Endpoint {
                id: EndpointId::parse(id).ok()?,
                notice,
                status: Fields::parse(query.as_bytes())?.get("status").and_then(DeliveryStatus::parse),
                cursor: cursor(query, "cursor"),
                attempts: cursor(query, "attempts_cursor"),
            },
            ("messages", None) => Self::Message { id: MessageId::parse(id).ok()?, notice },
            ("event-types", None) if is_name(id) => Self::EventType(id.to_owned()),
            _ => return None,
        })
    }
}

/// As the API takes it, from the fields of a form that leaves empty what it does not ask for.
fn filter(fields: &Fields) -> Result<EventFilter, Code> {
    let status = given(fields, "forwarding", DeliveryStatus::parse);
    Ok(EventFilter {
        source: given(fields, "source_id", |id| SourceId::parse(id).ok())?,
        event_type: name(fields, "event_type")?,
        since: given(fields, "since", |text| parse_rfc3339(&moment(text)))?,
        until: given(fields, "until", |text| parse_rfc3339(&moment(text)))?,
        forwarding: status?,
    })
}

fn name(fields: &Fields, field: &str) -> Result<Option<String>, Code> {
    given(fields, field, |text| is_name(text).then(|| text.to_owned()))
}

fn given<T>(fields: &Fields, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Code> {
    match fields.text(name) {
        "" => Ok(None),
        text => parse(text).map(Some).ok_or(Code::InvalidRequest),
    }
}

/// What `datetime-local` writes, `2026-11-22T04:05`, as RFC 3339 in UTC; whole times as they are.
pub fn moment(text: &str) -> String {
    match text.len() {
        _ if text.ends_with('Z') => text.to_owned(),
        16 => format!("{text}:00Z"),
        _ => format!("{text}Z"),
    }
}
