//! The catalogue's entries of the events that Sluicegate itself publishes. What they say of the payload is data beside this file;
//! a test holds it to the types of [`super::event`], from which the examples are made.

use super::event::{EventType, OwnEvent};
use super::own::Payload;
use crate::error::AppError;
use protocol::api::{self, DisabledReason, Revocation, StatusReason};
use protocol::{ConnectionId, EndpointId, OrgId, Region, SourceId};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

const CATALOGUE: &str = include_str!("built_in.json");
/// A source's id has a MAC of the installation's: this one is nobody's.
const EXAMPLE_SOURCE: &str = "src_00000000000000000000000000";
/// The time in examples, Unix ms: 2026-01-01.
const EXAMPLE_MS: u64 = 1_767_225_600_000;

#[derive(Deserialize)]
struct Entry {
    name: String,
    description: String,
    /// A JSON Schema of each field of the payload's `data`; there are no others.
    data: Map<String, Json>,
}

/// An entry of the catalogue.
///
/// # Errors
/// None in practice: what is compiled in can be read, by a test.
pub(super) fn describe(kind: EventType) -> Result<api::EventType, AppError> {
    let entries: Vec<Entry> = serde_json::from_str(CATALOGUE)?;
    let entry = entries.into_iter().find(|entry| entry.name == kind.as_str()).ok_or(AppError::Encoding)?;
    Ok(api::EventType {
        schema: Some(schema(&entry)),
        example: Some(example(kind, protocol::time::rfc3339(EXAMPLE_MS))?),
        name: entry.name,
        description: entry.description,
        built_in: true,
        updated_at: None,
    })
}

/// A payload of a type, of things that are not there.
///
/// # Errors
/// None in practice: all of it can be encoded.
pub(super) fn example(kind: EventType, timestamp: String) -> Result<Json, AppError> {
    let connection_id = &ConnectionId::new(EXAMPLE_MS, [0; 10]);
    let (connector, name) = ("gmail", "Support inbox");
    let (org_id, endpoint_id) = (OrgId::new(Region::Auto, [0; 16]), EndpointId::new(EXAMPLE_MS, [0; 10]));
    let source_id = SourceId::parse(EXAMPLE_SOURCE).map_err(|_| AppError::Encoding)?;
    let event = match kind {
        EventType::ConnectionAuthorized => OwnEvent::ConnectionAuthorized { connection_id, connector, name },
        EventType::ConnectionReauthorizationRequired => OwnEvent::ConnectionReauthorizationRequired {
            connection_id,
            connector,
            name,
            reason: StatusReason::Refused,
        },
        EventType::ConnectionDisconnected => OwnEvent::ConnectionDisconnected {
            connection_id,
            connector,
            name,
            revocation: Revocation::Revoked,
        },
        EventType::OrgKeyRotated => OwnEvent::OrgKeyRotated { org_id: &org_id, version: 2 },
        EventType::EndpointDisabled => OwnEvent::EndpointDisabled {
            endpoint_id: &endpoint_id,
            host: "example.com",
            reason: DisabledReason::Failing,
        },
        EventType::SourceSignatureFailures => OwnEvent::SourceSignatureFailures {
            source_id: &source_id,
            provider: "stripe",
            name: "Payments",
            count: 25,
            period_seconds: 300,
        },
    };
    Ok(serde_json::to_value(Payload { kind: kind.as_str(), timestamp, data: &event })?)
}

fn schema(entry: &Entry) -> Map<String, Json> {
    let names: Vec<&String> = entry.data.keys().collect();
    let data = json!({
        "type": "object", "properties": entry.data, "required": names, "additionalProperties": false,
    });
    let properties = json!({
        "type": { "const": entry.name },
        "timestamp": { "type": "string", "format": "date-time", "description": "When it happened." },
        "data": data,
    });
    let fields = [
        ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
        ("title", json!(entry.name)),
        ("type", json!("object")),
        ("properties", properties),
        ("required", json!(["type", "timestamp", "data"])),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// As a validator would decide, for the keywords that the catalogue has.
    fn fits(schema: &Json, value: &Json) -> bool {
        let schema = schema.as_object().unwrap();
        schema.iter().all(|(keyword, rule)| match keyword.as_str() {
            "type" => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "string" => value.is_string(),
                "integer" => value.is_u64(),
                other => panic!("{other}"),
            },
            "const" => value == rule,
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_u64() >= rule.as_u64(),
            "pattern" => {
                let prefix = rule.as_str().unwrap().strip_prefix('^').unwrap();
                let prefix = prefix.strip_suffix("[0-9a-z]{26}$").unwrap_or(prefix);
                value.as_str().is_some_and(|text| text.starts_with(prefix))
            }
            "required" => {
                rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "properties" => {
                let known = rule.as_object().unwrap();
                value.as_object().unwrap().iter().all(|(name, value)| fits(&known[name], value))
            }
            "$schema" | "title" | "description" | "format" | "additionalProperties" => true,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn every_own_event_is_described_and_its_example_fits_its_schema() {
        let entries: Vec<Entry> = serde_json::from_str(CATALOGUE).unwrap();
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, EventType::ALL.map(EventType::as_str));
        for kind in EventType::ALL {
            let entry = describe(kind).unwrap();
            let (schema, example) = (Json::Object(entry.schema.unwrap()), entry.example.unwrap());
            assert!(!entry.description.is_empty() && entry.built_in);
            assert!(fits(&schema, &example), "{example}");
            let fields = |value: &Json| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(fields(&schema["properties"]["data"]["properties"]), fields(&example["data"]));
            super::super::schema::check(schema.as_object().unwrap()).unwrap();
        }
    }

    #[test]
    fn every_value_that_an_event_can_have_is_in_its_schema() {
        let listed = |kind: EventType, field: &str| {
            let schema = describe(kind).unwrap().schema.unwrap();
            schema["properties"]["data"]["properties"][field]["enum"].clone()
        };
        let reasons = [StatusReason::Refused, StatusReason::RotationLost, StatusReason::ClientRefused];
        let revocations =
            [Revocation::Pending, Revocation::Revoked, Revocation::Unsupported, Revocation::Failed];
        let disabled = [DisabledReason::Manual, DisabledReason::Gone, DisabledReason::Failing];
        // A variant that is new does not compile here; then it is to be listed above.
        match (reasons[0], revocations[0], disabled[0]) {
            (
                StatusReason::Refused | StatusReason::RotationLost | StatusReason::ClientRefused,
                Revocation::Pending | Revocation::Revoked | Revocation::Unsupported | Revocation::Failed,
                DisabledReason::Manual | DisabledReason::Gone | DisabledReason::Failing,
            ) => {}
        }
        assert_eq!(listed(EventType::ConnectionReauthorizationRequired, "reason"), json!(reasons));
        assert_eq!(listed(EventType::ConnectionDisconnected, "revocation"), json!(revocations));
        assert_eq!(listed(EventType::EndpointDisabled, "reason"), json!(disabled));
    }
}
