//! An org with one of everything that has an id.

use crate::routes::absent;
use e2e::{Gate, Org, Upstream, fresh_email, random, text, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a workspace can be asked to list.
const LISTED: [&str; 12] = [
    "api-keys",
    "connections",
    "endpoints",
    "event-types",
    "inbound-events",
    "invitations",
    "members",
    "messages",
    "portal-links",
    "receipts",
    "sessions",
    "sources",
];
/// What changes by looking on.
const VOLATILE: [&str; 3] = ["last_used_at", "last_used_ip", "last_seen_at"];

/// An org with one of everything.
pub(crate) struct Furnished {
    pub org: Org,
    pub member: Org,
    pub ids: BTreeMap<&'static str, String>,
    pub upstream: Upstream,
}

impl Furnished {
    pub(crate) fn new(gate: &Gate) -> Self {
        let org = Org::sign_up(gate);
        let upstream = Upstream::echo();
        let key = org.api_key(&["connections:read"]);
        let auth = json!({ "type": "bearer", "token": random::text("tok-") });
        let connection = org.connection(&upstream.url(), &auth);
        let receipt = org.connection(&upstream.url(), &auth);
        org.delete(&format!("/v1/connections/{receipt}")).send().ok(200);
        let endpoint = org.post("/v1/endpoints", &json!({ "url": "https://hooks.example.com/a" })).send();
        let message = json!({ "event_type": "order.paid", "payload": { "type": "order.paid" } });
        let message = org.post("/v1/messages", &message).send();
        let link = org.post("/v1/portal-links", &json!({ "customer_id": "cus_1" })).send();
        org.put("/v1/event-types/order.paid", &json!({ "description": "An order" })).send().ok(200);
        let secret = random::text("whsec_");
        let source = org.source("stripe", &secret);
        let received = org.deliver(&source, &secret, br#"{"id":"evt_1","type":"invoice.paid"}"#);
        let event = text(&received.ok(200), "/id");
        let invitation = text(&org.invitation(&fresh_email(), "member"), "/id");
        let member = org.invite("member");
        // Mails go out behind the answer, and leave an event when they do.
        until("the invitations' mails", || {
            let rows = org.list("/v1/invitations");
            rows.iter().all(|row| row["mail"] == "sent").then_some(())
        });
        let ids = BTreeMap::from([
            ("api-keys", key.id),
            ("connections", connection),
            ("endpoints", text(&endpoint.ok(201), "/id")),
            ("inbound-events", event),
            ("invitations", invitation),
            ("members", member.user_id.clone()),
            ("messages", text(&message.ok(202), "/id")),
            ("orgs", org.id.clone()),
            ("portal-links", text(&link.ok(201), "/id")),
            ("receipts", receipt),
            ("sessions", org.session_id()),
            ("sources", source),
        ]);
        Self { org, member, ids, upstream }
    }

    /// The id that a path segment takes.
    pub(crate) fn id(&self, kind: &str) -> String {
        match kind {
            "connectors" | "event-types" | "identities" | "providers" => absent(kind),
            _ => self.ids.get(kind).unwrap_or_else(|| panic!("an org with one of {kind}")).clone(),
        }
    }

    /// Everything that the org can see of itself, its audit trail included.
    pub(crate) fn state(&self) -> Vec<Value> {
        let mut rows: Vec<Value> =
            LISTED.iter().flat_map(|kind| self.org.list(&format!("/v1/{kind}"))).collect();
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.retain(|name, _| !VOLATILE.contains(&name.as_str()));
        }
        rows.extend(self.org.list("/v1/audit"));
        rows.push(self.org.get("/v1/audit/verify").send().ok(200));
        rows.push(self.org.get("/v1/account").send().ok(200));
        rows
    }
}
