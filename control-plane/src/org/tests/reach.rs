//! What a key of each scope reaches in the end: by its own calls, and by all that it can make. The rule: no more than its
//! scopes say ([`protocol::reach`]).

use super::*;
use protocol::{Access, ApiKeyId, EndpointId, MessageId, Scope};
use std::collections::BTreeSet;

/// A workspace that has one of everything: an endpoint for messages and one for events, a message and a forwarded event
/// that their endpoints have had, and a key of each scope.
struct World {
    tenant: Tenant,
    source: SourceId,
    endpoints: [EndpointId; 2],
    messages: [MessageId; 2],
    keys: Vec<(String, ApiKeyId)>,
}

const URL: &str = "https://example.com/hook";

fn scopes() -> Vec<String> {
    Scope::all().map(String::from).collect()
}

impl World {
    fn new() -> Self {
        let tenant = Tenant::new(1);
        let source = tenant.ok(Operation::CreateSource, &source())["id"].as_str().unwrap().to_owned();
        let source = SourceId::parse(&source).unwrap();
        let endpoint = |sources: Json| {
            let made = tenant.ok(Operation::CreateEndpoint, &json!({ "url": URL, "sources": sources }));
            EndpointId::parse(made["id"].as_str().unwrap()).unwrap()
        };
        let endpoints = [endpoint(json!([])), endpoint(json!([source]))];
        let body = json!({ "event_type": "invoice.paid", "payload": { "n": 1 } });
        tenant.ok(Operation::PublishMessage, &body);
        assert!(webhook(&tenant, &source, Some("1"), b"{}").is_ok());
        let messages = endpoints.each_ref().map(|id| {
            let query = "SELECT message_id FROM deliveries WHERE endpoint_id = ?";
            let rows = tenant.sql.exec(query, &[id.as_str().into()]).unwrap();
            MessageId::parse(rows[0].text(0).unwrap()).unwrap()
        });
        let key = |scope: String| {
            let made = tenant.ok(Operation::CreateApiKey, &json!({ "name": "k", "scopes": [scope] }));
            (scope, ApiKeyId::parse(made["id"].as_str().unwrap()).unwrap())
        };
        let keys = scopes().into_iter().map(key).collect();
        Self { tenant, source, endpoints, messages, keys }
    }

    fn does(&self, by: &Principal, operation: Operation, body: &Json) -> Option<Json> {
        self.tenant.call(by, operation, body).ok().map(|reply| json_of(&reply))
    }

    /// The scopes that somebody has the use of.
    fn reached(&self, by: &Principal, makes_keys: bool) -> BTreeSet<String> {
        let mut reached = self.called(by);
        reached.extend(self.received(by).into_iter().map(str::to_owned));
        let link = json!({ "customer_id": "cus_1" });
        if let Some(link) = self.does(by, Operation::CreatePortalLink, &link) {
            let token = link["url"].as_str().unwrap().rsplit('=').next().unwrap();
            let link = tokens::parse_link(&self.tenant.secrets.mac, tokens::LinkKind::Portal, token).unwrap();
            let holder = Principal::Portal { org: self.tenant.org.clone(), digest: link.digest };
            reached.extend(self.called(&holder));
        }
        if makes_keys {
            reached.extend(self.keyed(by));
        }
        reached
    }

    /// Those whose operations are open.
    fn called(&self, by: &Principal) -> BTreeSet<String> {
        let open = |operation: Operation| match operation.access() {
            Access::Needs(permission) => {
                let call = call(by.clone(), operation);
                let admitted = actor::authorize(self.tenant.context(&call));
                admitted.ok().map(|_| Scope::Own(permission).into())
            }
            _ => None,
        };
        operations().into_iter().filter_map(|(_, _, operation)| open(operation)).collect()
    }

    /// Those whose data is sent where one likes, or is sent once more.
    fn received(&self, by: &Principal) -> BTreeSet<&'static str> {
        let mut reached = BTreeSet::new();
        let cases = [(json!([]), "messages:read"), (json!([self.source]), "inbound_events:read")];
        for ((sources, scope), (id, message)) in
            cases.into_iter().zip(self.endpoints.iter().zip(&self.messages))
        {
            let create = (Operation::CreateEndpoint, json!({ "url": URL, "sources": sources }));
            let update = |body: Json| (Operation::UpdateEndpoint { id: id.clone() }, body);
            let mut asks = vec![
                create,
                update(json!({ "url": "https://other.example/" })),
                update(json!({ "event_types": [] })),
            ];
            if scope == "inbound_events:read" {
                asks.push(update(json!({ "sources": sources })));
            }
            for (operation, body) in asks {
                if self.does(by, operation, &body).is_some() {
                    reached.insert(scope);
                }
            }
            let again = Operation::ResendMessage { id: message.clone(), endpoint: id.clone() };
            let recover = Operation::RecoverEndpoint { id: id.clone() };
            let since = json!({ "since": "2026-11-22T00:00:00Z" });
            let delivered = if sources == json!([]) { "messages:write" } else { "inbound_events:write" };
            for (operation, body) in [(again, Json::Null), (recover, since)] {
                if self.does(by, operation, &body).is_some() {
                    reached.insert(delivered);
                }
            }
        }
        reached
    }

    /// Those of the keys that one can make, or come by the secret of, and what these reach.
    fn keyed(&self, by: &Principal) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        for (scope, id) in &self.keys {
            let body = json!({ "name": "k", "scopes": [scope] });
            let asks = [
                (Operation::CreateApiKey, body),
                (Operation::RotateApiKey { id: id.clone() }, json!({ "grace_seconds": 0 })),
            ];
            for (operation, body) in asks {
                let Some(made) = self.does(by, operation, &body) else { continue };
                let key = self.tenant.principal_of(made["key"].as_str().unwrap());
                reached.extend(self.reached(&key, false));
            }
        }
        reached
    }
}

/// Each scope, each two of them, and all but one.
fn sets() -> Vec<BTreeSet<String>> {
    let all = scopes();
    let mut sets: Vec<BTreeSet<String>> = Vec::new();
    for (at, first) in all.iter().enumerate() {
        sets.push(BTreeSet::from([first.clone()]));
        sets.push(all.iter().filter(|scope| *scope != first).cloned().collect());
        sets.extend(all.iter().skip(at + 1).map(|second| BTreeSet::from([first.clone(), second.clone()])));
    }
    sets
}

#[test]
fn n7_closure_a_key_reaches_what_its_scopes_say_and_nothing_else() {
    let mut world = World::new();
    for plan in world.tenant.config.plans.plans.values_mut() {
        (plan.endpoints, plan.api_keys) = (1_000_000, 1_000_000);
    }
    for set in sets() {
        world.tenant.sql.exec("DELETE FROM endpoints WHERE rowid > 2", &[]).unwrap();
        world.tenant.sql.exec("DELETE FROM portal_links", &[]).unwrap();
        let key = world.tenant.key(json!(set));
        assert_eq!(world.reached(&key, true), set);
    }
}

/// The use of what is made is bound as its maker is, or it is not made.
#[test]
fn n7_nothing_is_made_by_which_a_key_sheds_its_limit_or_its_networks() {
    let world = World::new();
    let limit = json!({ "limit": 100, "period_seconds": 1000 });
    for (bound, value) in [("rate_limit", limit), ("allowed_ips", json!(["192.0.2.0/24"]))] {
        let body = json!({ "name": "k", "scopes": scopes(), bound: value });
        let made = world.tenant.ok(Operation::CreateApiKey, &body);
        let key = world.tenant.principal_of(made["key"].as_str().unwrap());
        let id = world.keys[0].1.clone();
        for (operation, body) in [
            (Operation::CreateApiKey, json!({ "name": "k", "scopes": ["usage:read"] })),
            (Operation::RotateApiKey { id }, json!({})),
            (Operation::CreatePortalLink, json!({ "customer_id": "cus_1" })),
        ] {
            let refused = world.tenant.call(&key, operation.clone(), &body);
            assert_eq!(code(refused), Code::Forbidden, "{bound} {operation:?}");
        }
        let own = ApiKeyId::parse(made["id"].as_str().unwrap()).unwrap();
        let rotated = world.does(&key, Operation::RotateApiKey { id: own }, &json!({})).unwrap();
        assert_eq!(rotated[bound], made[bound], "itself it may renew");
    }
}

/// Kind 18: a refusal says what it takes.
#[test]
fn a_refusal_names_the_scopes_that_it_takes_and_those_that_the_key_has() {
    let tenant = Tenant::new(1);
    let refused = |by: &Principal, operation: Operation, body: Json| {
        let call = call(by.clone(), operation);
        let error = handle(tenant.context(&call), body.to_string().as_bytes()).map(|_| ()).unwrap_err();
        json_of(&Reply::problem(&error, &call.request_id))
    };
    let key = tenant.key(json!(["connections:read", "app.invoices:write"]));
    let list = refused(&key, Operation::ListSources(Page::default()), Json::Null);
    assert_eq!(list["code"], "insufficient_scope");
    assert_eq!(list["required_scopes"], json!(["sources:read"]));
    assert_eq!(list["detail"], "this takes sources:read; the key has connections:read, app.invoices:write");

    let key = tenant.key(json!(["endpoints:write"]));
    let link = refused(&key, Operation::CreatePortalLink, json!({ "customer_id": "c" }));
    assert_eq!(
        link["required_scopes"],
        json!(["endpoints:write", "endpoints:read", "messages:read", "messages:write"])
    );
    let endpoint = refused(&key, Operation::CreateEndpoint, json!({ "url": URL }));
    assert_eq!(endpoint["required_scopes"], json!(["endpoints:write", "messages:read"]));

    let member = tenant.add_member(&user(9));
    let people = refused(&member, Operation::CreateSource, source());
    assert_eq!((&people["code"], &people["required_scopes"]), (&json!("forbidden"), &Json::Null));
    assert_eq!(people["detail"], "this takes the role org_admin; yours is member");
}
