//! What a query may say: each route lists its parameters, and nothing else is taken. Values are decoded as forms encode them
//! (WHATWG URL, `application/x-www-form-urlencoded`).
//!
//! Invariant: what is refused is named, and no value is repeated.

use super::is_name;
use crate::api::DeliveryStatus;
use crate::call::EventFilter;
use crate::time::{MUST_BE_A_TIME, parse_rfc3339};
use crate::{Code, Detail, Page, Refused, SourceId};
use std::borrow::Cow;

/// A parameter of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub kind: Kind,
    /// For the documentation.
    pub about: &'static str,
}

/// The values that a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rows of a page.
    Limit,
    /// Where a page begins.
    Cursor,
    /// RFC 3339.
    Time,
    /// A customer's id, an event's type.
    Name,
    /// A delivery's status.
    Status,
    /// A webhook source's id.
    Source,
    /// A number from 0 on.
    Number,
    /// A number from 0 on as text, or empty.
    Place,
}

impl Kind {
    /// What a value that is refused has to be.
    pub const fn must(self) -> &'static str {
        match self {
            Self::Limit => "must be 1 to 200",
            Self::Cursor => "must be the next_cursor of the last page",
            Self::Time => MUST_BE_A_TIME,
            Self::Name => "must be 1 to 128 of a-z A-Z 0-9 . _ -",
            Self::Status => "must be one of pending, delivered, failed",
            Self::Source => "must be an id that begins with src_",
            Self::Number => "must be a number from 0 on",
            Self::Place => "must be the cursor of the last answer",
        }
    }
}

const fn parameter(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, about }
}

pub(super) const LIMIT: Parameter = parameter("limit", Kind::Limit, "Rows of a page");
pub(super) const CURSOR: Parameter = parameter("cursor", Kind::Cursor, "next_cursor of the last page");
pub(super) const AFTER: Parameter =
    parameter("after", Kind::Place, "cursor of the last answer; left out: from now on");
pub(super) const CUSTOMER_ID: Parameter = parameter("customer_id", Kind::Name, "Of this customer alone");
pub(super) const EVENT_TYPE: Parameter = parameter("event_type", Kind::Name, "Of this type alone");
pub(super) const FORWARDING: Parameter =
    parameter("forwarding", Kind::Status, "Forwarded with this status alone");
pub(super) const FROM: Parameter =
    parameter("from", Kind::Number, "The first sequence number to look at; next_from of the last answer");
pub(super) const SINCE: Parameter = parameter("since", Kind::Time, "Received at this time or later");
pub(super) const SOURCE_ID: Parameter = parameter("source_id", Kind::Source, "Of this source alone");
pub(super) const STATUS: Parameter = parameter("status", Kind::Status, "With this status alone");
pub(super) const UNTIL: Parameter = parameter("until", Kind::Time, "Received before this time");

/// What a request's query says.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    given: Vec<(Parameter, Cow<'a, str>)>,
}

impl<'a> Query<'a> {
    /// # Errors
    /// `InvalidRequest` for a parameter that is unknown or comes twice.
    pub(super) fn read(text: &'a str, known: &[Parameter]) -> Result<Self, Refused> {
        let mut given: Vec<(Parameter, Cow<'a, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let parameter = known.iter().find(|parameter| parameter.name == name);
            let parameter = *parameter.ok_or_else(|| unknown(&name, known))?;
            if given.iter().any(|(other, _)| other.name == parameter.name) {
                return Err(refused(Detail::field(parameter.name, "must stand once")));
            }
            given.push((parameter, value));
        }
        Ok(Self { given })
    }

    pub(super) fn page(&self) -> Result<Page, Refused> {
        let limit = |text: &str| text.parse().ok().filter(|limit| (1..=Page::MAX).contains(limit));
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let cursor = |text: &str| (text.len() <= 64 && text.bytes().all(plain)).then(|| text.to_owned());
        Ok(Page {
            limit: self.one(LIMIT, limit)?,
            cursor: self.one(CURSOR, cursor)?.filter(|cursor| !cursor.is_empty()),
        })
    }

    pub(super) fn event_filter(&self) -> Result<EventFilter, Refused> {
        Ok(EventFilter {
            source: self.one(SOURCE_ID, |text| SourceId::parse(text).ok())?,
            event_type: self.name(EVENT_TYPE)?,
            since: self.time(SINCE)?,
            until: self.time(UNTIL)?,
            forwarding: self.status(FORWARDING)?,
        })
    }

    pub(super) fn name(&self, parameter: Parameter) -> Result<Option<String>, Refused> {
        self.one(parameter, |text| is_name(text).then(|| text.to_owned()))
    }

    pub(super) fn status(&self, parameter: Parameter) -> Result<Option<DeliveryStatus>, Refused> {
        self.one(parameter, DeliveryStatus::parse)
    }

    pub(super) fn after(&self) -> Result<Option<String>, Refused> {
        let place = |text: &str| (text.len() <= 32 && is_digits(text)).then(|| text.to_owned());
        Ok(self.one(AFTER, place)?.filter(|place| !place.is_empty()))
    }

    pub(super) fn from(&self) -> Result<u64, Refused> {
        let number = |text: &str| text.parse().ok().filter(|_| is_digits(text));
        Ok(self.one(FROM, number)?.unwrap_or_default())
    }

    /// No time has a space: one is the `+` of an offset that nobody encoded.
    fn time(&self, parameter: Parameter) -> Result<Option<u64>, Refused> {
        self.one(parameter, |text| parse_rfc3339(&text.replace(' ', "+")))
    }

    fn one<T>(&self, parameter: Parameter, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refused> {
        let given = self.given.iter().find(|(other, _)| other.name == parameter.name);
        given.map(|(_, text)| read(text).ok_or_else(|| wrong(parameter))).transpose()
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn wrong(parameter: Parameter) -> Refused {
    refused(Detail::field(parameter.name, parameter.kind.must()))
}

/// The name is repeated where it looks like a parameter's: a credential that stands there by mistake does not.
fn unknown(name: &str, known: &[Parameter]) -> Refused {
    let names: Vec<&str> = known.iter().map(|parameter| parameter.name).collect();
    let takes = match names.as_slice() {
        [] => "this path takes none".to_owned(),
        names => format!("this path takes {}", names.join(", ")),
    };
    let is_plain = (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'-');
    if is_plain {
        refused(Detail::field(name.to_owned(), format!("is not a query parameter here: {takes}")))
    } else {
        refused(format!("an unknown query parameter: {takes}").into())
    }
}

fn refused(detail: Detail) -> Refused {
    Refused::new(Code::InvalidRequest, detail)
}
