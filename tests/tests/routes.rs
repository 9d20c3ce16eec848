//! Every route of the table with every kind of bad credential (claim B8's first cut): a new route is covered without
//! anyone remembering.

use e2e::{ApiKey, Client, Gate, Org, Response};
use protocol::access::{Access, Scope};
use protocol::routes::{self, Body, ROUTES, Route};
use serde_json::json;

const PROXIED: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A row of the table with a method and a path that it takes.
pub(crate) struct Case {
    pub method: &'static str,
    pub path: String,
    body: Body,
    pub access: Access,
}

impl Case {
    /// Sends it with a body of the right type.
    pub(crate) fn send(&self, client: &Client) -> Response {
        let request = client.request(self.method, &self.path);
        match self.body {
            Body::Json => request.json(&json!({})).send(),
            Body::None | Body::Stream => request.send(),
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
            let path = path.replace("{path*}", "items?limit=3");
            let (path_alone, query) = path.split_once('?').unwrap_or((&path, ""));
            let (_, operation) =
                routes::find(method, path_alone, query).unwrap_or_else(|code| panic!("{path}: {code:?}"));
            Case { method, body: route.body, access: operation.access(), path }
        })
        .collect()
}

fn methods(route: &Route) -> impl Iterator<Item = &'static str> + use<> {
    let all = PROXIED.iter().copied();
    let method = route.method;
    all.filter(move |proxied| *proxied == method || method == "*")
}

/// A well-formed id that was never issued, of the kind that a path segment takes.
pub(crate) fn absent(kind: &str) -> String {
    let body = "0".repeat(26);
    match kind {
        "api-keys" => format!("key_{body}"),
        "connections" => format!("con_{body}"),
        "sources" => format!("src_{}", "0".repeat(46)),
        "inbound-events" => format!("ine_{body}"),
        new => panic!("which id does a route below /{new} take?"),
    }
}

#[test]
fn b8_every_route_refuses_whoever_is_not_authenticated() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let key = org.api_key(&["audit:read"]);
    let revoked = org.api_key(&["audit:read"]);
    org.delete(&format!("/v1/api-keys/{}", revoked.id)).send().ok(204);
    let closed = org.log_in().ok(200)["session"]["token"].as_str().unwrap().to_owned();
    org.bearer(&closed).request("POST", "/v1/logout").send().ok(204);
    let tampered = |text: &str| format!("{}A{}", &text[..text.len() / 2], &text[text.len() / 2 + 1..]);

    let anonymous = org.anonymous();
    let nobody = [
        ("no credential", anonymous.clone()),
        ("a garbage token", anonymous.bearer("garbage")),
        ("an empty token", anonymous.with("authorization", "Bearer ")),
        ("another scheme", anonymous.with("authorization", "Basic YTpi")),
        ("a changed session token", anonymous.bearer(&tampered(&org.token))),
        ("a changed session cookie", anonymous.cookie(&tampered(&org.token))),
        ("a changed API key", anonymous.bearer(&tampered(&key.key))),
        ("a revoked API key", anonymous.bearer(&revoked.key)),
        ("a closed session", anonymous.bearer(&closed)),
        (
            "a doubled credential",
            anonymous.with("authorization", &format!("Bearer {0}, Bearer {0}", org.token)),
        ),
    ];
    let mut covered = 0;
    for case in cases(absent).iter().filter(|case| case.access != Access::Public) {
        for (what, client) in &nobody {
            println!("{} {} with {what}", case.method, case.path);
            let response = case.send(client);
            assert_refused(&response, case.method, "unauthenticated", 401);
            covered += 1;
        }
    }
    assert!(covered >= nobody.len() * 20, "only {covered} combinations");
}

/// N7, M5: what a key's scopes leave out is refused on every route; so is every change by cookie without its CSRF token.
#[test]
fn b8_every_route_holds_to_scopes_and_csrf() {
    let org = Org::sign_up(Gate::shared());
    let all: Vec<String> = Scope::all().map(String::from).collect();
    let key_without = |missing: &str| -> ApiKey {
        let scopes: Vec<&str> = all.iter().map(String::as_str).filter(|scope| *scope != missing).collect();
        org.api_key(&scopes)
    };
    let keys: Vec<(String, ApiKey)> = all.iter().map(|scope| (scope.clone(), key_without(scope))).collect();
    let by_cookie = org.cookie(&org.token);
    for case in &cases(absent) {
        println!("{} {}", case.method, case.path);
        match case.access {
            Access::Public => continue,
            Access::Edge => panic!("the edge's own operations have no route"),
            Access::Principal => drop(case.send(&keys[0].1).ok(200)),
            Access::Session => assert_refused(&case.send(&keys[0].1), case.method, "forbidden", 403),
            Access::Needs(permission) => {
                let scope = String::from(Scope::Own(permission));
                let (_, key) = keys.iter().find(|(missing, _)| *missing == scope).unwrap();
                assert_refused(&case.send(key), case.method, "insufficient_scope", 403);
            }
        }
        if !["GET", "HEAD", "OPTIONS"].contains(&case.method) {
            assert_refused(&case.send(&by_cookie), case.method, "csrf_failed", 403);
        }
    }
    // The loop has logged nobody out and deleted nothing.
    org.get("/v1/me").send().ok(200);
}

#[test]
fn a_path_answers_other_methods_with_those_that_it_takes() {
    let client = Gate::shared().client();
    for case in cases(absent).iter().filter(|case| !case.path.contains("/proxy/")) {
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
    let keys: serde_json::Value = serde_json::from_slice(&jwks.body).unwrap();
    assert_eq!(
        (&keys["keys"][0]["crv"], keys["keys"][0].get("d")),
        (&json!("Ed25519"), None),
        "public halves alone"
    );
    let openapi = client.get("/openapi.json").send().ok(200);
    for route in ROUTES {
        let path = route.path.replace("{path*}", "{path}");
        assert!(openapi["paths"].get(&path).is_some(), "{path} is not in the OpenAPI document");
    }
    for path in ["/.well-known/security.txt", "/security", "/"] {
        assert_eq!(client.get(path).send().status, 200, "{path}");
    }
}

fn assert_refused(response: &Response, method: &str, code: &str, status: u16) {
    // RFC 9110: an answer to HEAD has no body.
    if method == "HEAD" {
        assert_eq!(response.status, status, "{response}");
    } else {
        response.problem(code);
    }
}
