//! The table of routes as tests go through it, and what holds for the table itself: a new route is in every one of these
//! tests without anyone remembering.

use e2e::{Client, Gate, Response};
use protocol::access::Access;
use protocol::routes::{self, Body, ROUTES, Route};
use protocol::{Code, Operation};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::mem::discriminant;

const PROXIED: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A row of the table with a method, a path and a body that it takes.
pub(crate) struct Case {
    pub method: &'static str,
    pub path: String,
    pub operation: Operation,
    body: Option<Value>,
}

impl Case {
    /// Sends it.
    pub(crate) fn send(&self, client: &Client) -> Response {
        let request = client.request(self.method, &self.path);
        match &self.body {
            Some(body) => request.json(body).send(),
            None => request.send(),
        }
    }

    /// What the caller must be.
    pub(crate) fn access(&self) -> Access {
        self.operation.access()
    }

    /// Whether it only reads, as a browser sees it.
    pub(crate) fn is_safe(&self) -> bool {
        ["GET", "HEAD", "OPTIONS"].contains(&self.method)
    }

    /// Holds an answer to be this refusal.
    ///
    /// # Panics
    /// For any other.
    pub(crate) fn assert_refused(&self, response: &Response, code: Code) {
        // RFC 9110: an answer to HEAD has no body.
        if self.method == "HEAD" {
            assert_eq!(response.status, code.status(), "expected {code:?}: {response}");
        } else {
            response.problem(code.as_str());
        }
    }
}

/// Every route and method. `id` gives the id for a route, by the segment before it: `connections` → `con_…`.
pub(crate) fn cases(id: impl Fn(&str) -> String) -> Vec<Case> {
    ROUTES
        .iter()
        .flat_map(|route| methods(route).map(move |method| (route, method)))
        .map(|(route, method)| {
            let path = match route.path.split_once("/{id}") {
                Some((before, after)) => {
                    format!("{before}/{}{after}", id(before.rsplit('/').next().unwrap()))
                }
                None => route.path.to_owned(),
            };
            let path = path.replace("{endpoint_id}", &id("endpoints")).replace("{path*}", "items?limit=3");
            let (path_alone, query) = path.split_once('?').unwrap_or((&path, ""));
            let (_, operation) =
                routes::find(method, path_alone, query).unwrap_or_else(|code| panic!("{path}: {code:?}"));
            let body = match route.body {
                Body::Json if operation.access() == Access::Public => Some(json!({})),
                Body::Json | Body::OptionalJson | Body::Message => Some(payload(route, &id)),
                Body::None | Body::Stream => None,
            };
            Case { method, path, operation, body }
        })
        .collect()
}

fn methods(route: &Route) -> impl Iterator<Item = &'static str> + use<> {
    let all = PROXIED.iter().copied();
    let method = route.method;
    all.filter(move |proxied| *proxied == method || method == "*")
}

/// A body that the route takes: what is refused is refused for who sends it.
fn payload(route: &Route, id: impl Fn(&str) -> String) -> Value {
    let password = "attackers-password";
    match (route.method, route.path) {
        ("POST", "/v1/password") => json!({ "current_password": password, "new_password": password }),
        ("POST", "/v1/email/verify") => json!({ "token": "attackers-token" }),
        ("POST", "/v1/email") => json!({ "email": "attacker@example.com" }),
        ("POST", "/v1/reauthenticate") => json!({ "password": password }),
        ("POST", "/v1/second-factor/confirm") => json!({ "code": "000000" }),
        ("POST", "/v1/orgs") => json!({ "name": "Attackers" }),
        ("POST", "/v1/orgs/switch") => json!({ "org_id": id("orgs") }),
        ("PATCH", "/v1/members/{id}") => json!({ "role": "member" }),
        ("POST", "/v1/invitations" | "/v1/members") => {
            json!({ "email": "attacker@example.com", "role": "org_admin" })
        }
        ("POST", "/v1/invitations/accept") => json!({ "token": "attackers-token" }),
        ("POST", "/v1/api-keys") => json!({ "name": "attack", "scopes": ["connections:read"] }),
        ("POST", "/v1/api-keys/verify") => json!({ "key": "attackers-key" }),
        ("POST", "/v1/api-keys/{id}/rotate") => json!({ "grace_seconds": 0 }),
        ("POST", "/v1/connections") => json!({
            "connector": "http", "name": "attack", "base_url": "https://api.example.com",
            "auth": { "type": "bearer", "token": "attackers-token" },
        }),
        ("PUT", "/v1/connectors/{id}/client") => {
            json!({ "client_id": "attack", "client_secret": "attackers-secret" })
        }
        ("PUT", "/v1/connections/{id}/auth") => {
            json!({ "auth": { "type": "bearer", "token": "attackers-token" } })
        }
        ("POST", "/v1/connections/{id}/authorize") => json!({}),
        ("POST", "/v1/connections/{id}/dry-run") => json!({ "method": "GET", "path": "/items" }),
        ("POST", "/v1/connections/{id}/query") => json!({ "sql": "SELECT 1" }),
        ("POST", "/v1/endpoints") => json!({ "url": "https://hooks.example.com/attack" }),
        ("PATCH", "/v1/endpoints/{id}") => json!({ "url": "https://hooks.example.com/attack" }),
        ("POST", "/v1/endpoints/{id}/rotate-secret") => json!({ "overlap_seconds": 0 }),
        ("POST", "/v1/endpoints/{id}/recover") => json!({ "since": "2026-01-01T00:00:00Z" }),
        ("POST", "/v1/messages") => json!({ "event_type": "attack", "payload": {} }),
        ("PUT", "/v1/event-types/{id}") => json!({ "description": "attack" }),
        ("POST", "/v1/portal-links") => json!({ "customer_id": "attack" }),
        ("PATCH", "/v1/sources/{id}") => json!({ "paused": true }),
        ("POST", "/v1/sources/{id}/rotate-secret") => json!({ "secret": "attackers-secret" }),
        ("POST", "/v1/inbound-events/{id}/replay") => json!({}),
        ("POST", "/v1/inbound-events/replay") => json!({ "source_id": id("sources") }),
        ("POST", "/v1/org/delete") => json!({ "name": "Analytical Engines" }),
        ("POST", "/v1/admin/keys/rotate") => json!({}),
        ("POST", "/v1/sources") => {
            json!({ "provider": "github", "name": "attack", "secret": "attackers-secret" })
        }
        ("PUT", "/v1/admin/orgs/{id}/plan") => json!({ "plan": "scale" }),
        ("PUT", "/v1/admin/orgs/{id}/rate-limits") => json!({ "org": { "limit": 1, "period_seconds": 60 } }),
        (method, path) => panic!("what body would an attacker send to {method} {path}?"),
    }
}

/// A well-formed id that was never issued, of the kind that a path segment takes.
pub(crate) fn absent(kind: &str) -> String {
    let body = "0".repeat(26);
    match kind {
        "api-keys" => format!("key_{body}"),
        "connections" | "receipts" => format!("con_{body}"),
        "endpoints" => format!("end_{body}"),
        "inbound-events" => format!("ine_{body}"),
        "invitations" => format!("inv_{body}"),
        "members" => format!("usr_{body}"),
        "messages" => format!("msg_{body}"),
        "portal-links" => format!("ptl_{body}"),
        "sessions" => format!("ses_{body}"),
        "sources" => format!("src_{}", "0".repeat(46)),
        "orgs" => format!("org_a{}", "0".repeat(25)),
        // Names of sluicegate.toml or the catalogue, nobody's ids.
        "connectors" | "event-types" | "identities" | "providers" => "nowhere".to_owned(),
        new => panic!("which id does a route below /{new} take?"),
    }
}

#[test]
fn a_path_answers_other_methods_with_those_that_it_takes() {
    let client = Gate::shared().client();
    // A proxy's forward authentication comes with the method of the request that it asks about.
    let any = |path: &str| path.contains("/proxy/") || path == "/v1/auth/check";
    for case in cases(absent).iter().filter(|case| !any(&case.path)) {
        let allowed: Vec<&str> = routes::allowed(&case.path).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            if allowed.contains(&method) {
                continue;
            }
            let response = client.request(method, &case.path).send();
            response.problem("method_not_allowed");
            assert_eq!(response.header("allow"), Some(allowed.join(", ").as_str()));
        }
    }
    for path in
        ["/v1", "/v1/", "/v1/nothing", "/v1/me/", "/v1//me", "/V1/me", "/v2/me", "/nothing", "/in/", "/in/x"]
    {
        let method = if path.starts_with("/in/") { "POST" } else { "GET" };
        client.request(method, path).send().problem("not_found");
    }
}

/// The public documents, and that whatever is public says nothing of a tenant.
#[test]
fn public_documents_answer_everyone() {
    let client = Gate::shared().client();
    client.get("/healthz").send().ok(200);
    client.get("/readyz").send().ok(200);
    let jwks = client.get("/.well-known/jwks.json").send();
    assert_eq!((jwks.status, jwks.header("content-type")), (200, Some("application/jwk-set+json")));
    let keys: Value = serde_json::from_slice(&jwks.body).unwrap();
    assert_eq!(
        (&keys["keys"][0]["crv"], keys["keys"][0].get("d")),
        (&json!("Ed25519"), None),
        "public halves alone"
    );
    let openapi = client.get("/openapi.json").send().ok(200);
    for route in ROUTES {
        let path = route.path.replace("{path*}", "{path}");
        let method = if route.method == "*" { "get" } else { &route.method.to_ascii_lowercase() };
        assert!(
            openapi["paths"][&path][method].is_object(),
            "{method} {path} is not in the OpenAPI document"
        );
    }
    for path in ["/.well-known/security.txt", "/security", "/"] {
        assert_eq!(client.get(path).send().status, 200, "{path}");
    }
}

/// Where an operation can be asked for. An operation without a line here does not compile.
#[derive(Debug, PartialEq)]
enum Way {
    /// By a row of the table.
    Route,
    /// By the edge's own pages.
    Page,
    /// By the edge itself.
    Edge,
}

fn way(operation: &Operation) -> Way {
    match operation {
        Operation::SignUp
        | Operation::LogIn
        | Operation::LogInSecondFactor
        | Operation::RequestPasswordReset
        | Operation::ResetPassword
        | Operation::VerifyEmail
        | Operation::ResendVerification
        | Operation::GetAccount
        | Operation::ListAccountEvents(_)
        | Operation::ChangePassword
        | Operation::ChangeEmail
        | Operation::Reauthenticate
        | Operation::StartSecondFactor
        | Operation::ConfirmSecondFactor
        | Operation::RemoveSecondFactor
        | Operation::NewRecoveryCodes
        | Operation::UnlinkIdentity { .. }
        | Operation::ListOrgs
        | Operation::CreateOrg
        | Operation::SwitchOrg
        | Operation::AcceptInvitation
        | Operation::RevokeOtherSessions
        | Operation::LeaveOrg
        | Operation::SetOrgPlan { .. }
        | Operation::SetOrgLimits { .. }
        | Operation::GetOrgAsOperator { .. }
        | Operation::LogOut
        | Operation::RefreshSession
        | Operation::ListSessions(_)
        | Operation::RevokeSession { .. }
        | Operation::Me
        | Operation::VerifyPrincipal { .. }
        | Operation::GetUsage
        | Operation::ListMembers(_)
        | Operation::UpdateMember { .. }
        | Operation::RemoveMember { .. }
        | Operation::ListInvitations(_)
        | Operation::CreateInvitation
        | Operation::RevokeInvitation { .. }
        | Operation::ListApiKeys(_)
        | Operation::CreateApiKey
        | Operation::GetApiKey { .. }
        | Operation::RevokeApiKey { .. }
        | Operation::RotateApiKey { .. }
        | Operation::VerifyApiKey
        | Operation::ListConnectors
        | Operation::GetConnector { .. }
        | Operation::SetConnectorClient { .. }
        | Operation::DeleteConnectorClient { .. }
        | Operation::ListConnections(_)
        | Operation::CreateConnection
        | Operation::GetConnection { .. }
        | Operation::ReplaceCredential { .. }
        | Operation::AuthorizeConnection { .. }
        | Operation::TestConnection { .. }
        | Operation::DryRun { .. }
        | Operation::Query { .. }
        | Operation::DeleteConnection { .. }
        | Operation::ListReceipts(_)
        | Operation::GetReceipt { .. }
        | Operation::ListEndpoints { .. }
        | Operation::UpdateEndpoint { .. }
        | Operation::RotateEndpointSecret { .. }
        | Operation::TestEndpoint { .. }
        | Operation::RecoverEndpoint { .. }
        | Operation::ListAttempts { .. }
        | Operation::ListMessages { .. }
        | Operation::PublishMessage
        | Operation::GetMessage { .. }
        | Operation::ListMessageDeliveries { .. }
        | Operation::ListMessageAttempts { .. }
        | Operation::ResendMessage { .. }
        | Operation::SkipDelivery { .. }
        | Operation::ListEventTypes(_)
        | Operation::GetEventType { .. }
        | Operation::SetEventType { .. }
        | Operation::DeleteEventType { .. }
        | Operation::ListPortalLinks(_)
        | Operation::CreatePortalLink
        | Operation::DeletePortalLink { .. }
        | Operation::ListProviders
        | Operation::GetProvider { .. }
        | Operation::UpdateSource { .. }
        | Operation::RotateSourceSecret { .. }
        | Operation::TakeVerificationToken { .. }
        | Operation::ListRejections { .. }
        | Operation::ListenToSource { .. }
        | Operation::ReplayEvent { .. }
        | Operation::ReplayEvents
        | Operation::CreateEndpoint
        | Operation::GetEndpoint { .. }
        | Operation::DeleteEndpoint { .. }
        | Operation::ListDeliveries { .. }
        | Operation::GetOrgKey
        | Operation::RotateOrgKey
        | Operation::DeleteOrg
        | Operation::GetKeys
        | Operation::RotateKeys
        | Operation::Proxy { .. }
        | Operation::ListSources(_)
        | Operation::CreateSource
        | Operation::GetSource { .. }
        | Operation::DeleteSource { .. }
        | Operation::ListInboundEvents { .. }
        | Operation::GetInboundEvent { .. }
        | Operation::ListAudit(_)
        | Operation::VerifyAudit { .. } => Way::Route,
        Operation::Overview
        | Operation::StartOidc(_)
        | Operation::FinishOidc(_)
        | Operation::FinishAuthorization { .. }
        | Operation::GetPortal
        | Operation::FinishSignUp { .. }
        | Operation::PeekInvitation { .. } => Way::Page,
        Operation::SourceKeys { .. }
        | Operation::StoreInbound(_)
        | Operation::RecordRejections(_)
        | Operation::FinishHandshake { .. }
        | Operation::GetProviderKey { .. } => Way::Edge,
    }
}

/// B8: the attack suite goes through the table, so the table must hold every operation that a request can ask for, and none
/// that only the edge may.
#[test]
fn b8_the_table_holds_every_operation_and_none_of_the_edges_own() {
    let cases = cases(absent);
    for case in &cases {
        assert_eq!(way(&case.operation), Way::Route, "{} {}", case.method, case.path);
        assert_ne!(case.access(), Access::Edge, "{} {}", case.method, case.path);
    }
    let operations: HashSet<_> = cases.iter().map(|case| discriminant(&case.operation)).collect();
    assert_eq!(operations.len(), 107, "as many as `way` says there are");
}
