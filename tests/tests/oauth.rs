//! OAuth connections from the click to the receipt, against a provider that rotates refresh tokens and ends a grant when an
//! old one comes again (claims T1, T2, T4, T7, B1, B3, C8, C9, N5).

use e2e::{Client, Gate, Org, Response, text};
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;
use xtask::provider::{Options, Provider};

const CLIENT_SECRET: &str = "fake-client-secret-of-the-operator";
const CONNECTORS: [&str; 3] = ["gmail", "linear", "gitlab"];

/// A server whose connectors have a stand-in for their providers. Tests that count have one of their own.
struct Connected {
    gate: Gate,
    provider: Provider,
}

impl Connected {
    fn shared() -> &'static Self {
        static SHARED: LazyLock<Connected> = LazyLock::new(|| Connected::start("oauth"));
        &SHARED
    }

    fn start(name: &str) -> Self {
        let options =
            Options { client_secret: CLIENT_SECRET.to_owned(), access_token_life: Duration::from_secs(3600) };
        let provider = Provider::start(0, options).unwrap();
        let mut config = e2e::config();
        for connector in CONNECTORS {
            let stand_in = config::Connector {
                client_id: Some("fake-client".to_owned()),
                stand_in: Some(provider.origin()),
            };
            config.connectors.insert(connector.to_owned(), stand_in);
        }
        let secrets: Value =
            CONNECTORS.iter().map(|connector| ((*connector).to_owned(), json!(CLIENT_SECRET))).collect();
        let gate = Gate::start_with(name, |options| {
            options.config = Some(config);
            options.keys = options.keys.clone().with_connector_clients(secrets);
        });
        Self { gate, provider }
    }

    /// A connection, with where to go for access.
    fn begin(org: &Org, connector: &str) -> Value {
        let request = json!({ "connector": connector, "name": connector, "auth": { "type": "oauth2" } });
        org.post("/v1/connections", &request).send().ok(201)
    }

    /// What a person does at the provider: the callback's path and query.
    fn allow(&self, authorize_url: &str, decision: &str) -> String {
        let (path, query) =
            authorize_url.strip_prefix(&self.provider.origin()).unwrap().split_once('?').unwrap();
        let there = Client::new(self.provider.origin().strip_prefix("http://").unwrap().parse().unwrap());
        let response = there
            .request("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("{query}&decision={decision}"))
            .attempt()
            .unwrap();
        let location = response.header("location").unwrap_or_else(|| panic!("{response}")).to_owned();
        let origin = self.gate.client().origin();
        location.strip_prefix(&origin).unwrap_or_else(|| panic!("{location} is not at {origin}")).to_owned()
    }

    /// A connection that a person has granted access for.
    fn connect(&self, org: &Org, connector: &str) -> String {
        let begun = Self::begin(org, connector);
        let callback = self.allow(&text(&begun, "/authorize_url"), "allow");
        let answer = back(org, &callback);
        assert_eq!(answer.status, 303, "{answer}");
        text(&begun, "/id")
    }
}

/// The browser comes back from the provider.
fn back(org: &Org, callback: &str) -> Response {
    org.anonymous().cookie(&org.cookie).get(callback).send()
}

fn connection(org: &Org, id: &str) -> Value {
    org.get(&format!("/v1/connections/{id}")).send().ok(200)
}

fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned()
}

const MESSAGE: &str = "gmail/v1/users/me/messages/18c0ffee?format=metadata&metadataHeaders=From";

fn read(client: &Client, id: &str) -> Response {
    client.get(&format!("/v1/connections/{id}/proxy/{MESSAGE}")).send()
}

/// T1, T2, T7: from the click to a filtered answer; what is asked for stands in the URL to the letter.
#[test]
fn t1_t2_t7_a_person_grants_access_and_reads_metadata_alone() {
    let connected = Connected::shared();
    let org = Org::sign_up(&connected.gate);
    let begun = Connected::begin(&org, "gmail");
    assert_eq!(begun["status"], "pending");
    let url = text(&begun, "/authorize_url");
    assert_eq!(parameter(&url, "scope"), "https://www.googleapis.com/auth/gmail.readonly");
    assert_eq!(parameter(&url, "access_type"), "offline");
    assert_eq!(parameter(&url, "code_challenge_method"), "S256");
    let id = text(&begun, "/id");
    read(&org, &id).problem("connection_not_ready");

    let callback = connected.allow(&url, "allow");
    let answer = back(&org, &callback);
    assert_eq!(answer.status, 303, "{answer}");
    assert_eq!(connection(&org, &id)["status"], "active");

    let message = read(&org, &id).ok(200);
    assert!(message["id"].is_string(), "{message}");
    for content in ["snippet", "raw"] {
        assert!(message.get(content).is_none(), "{message}");
    }
    assert!(!message.to_string().contains("\"body\""), "{message}");

    let key = org.api_key(&["connections:read"]);
    read(&key, &id).ok(200);
    let full = format!(
        "/v1/connections/{id}/proxy/gmail/v1/users/me/messages/18c0ffee?format=full&metadataHeaders=From"
    );
    key.get(&full).send().problem("request_not_allowed");
    for path in ["gmail/v1/users/me/drafts", "gmail/v1/users/me/messages/1/attachments/2", ""] {
        key.get(&format!("/v1/connections/{id}/proxy/{path}")).send().problem("request_not_allowed");
    }
    let test = org.request("POST", &format!("/v1/connections/{id}/test")).send().ok(200);
    assert_eq!((&test["ok"], &test["status"]), (&json!(true), &json!(200)), "{test}");
}

/// A dry run says which rule decides, for this caller, and sends nothing.
#[test]
fn a_dry_run_names_the_rule_and_sends_nothing() {
    let connected = Connected::start("oauth-dry-run");
    let org = Org::sign_up(&connected.gate);
    let id = connected.connect(&org, "gmail");
    let before = connected.provider.counts();
    let dry = |path: &str| {
        let request = json!({ "method": "GET", "path": path });
        org.post(&format!("/v1/connections/{id}/dry-run"), &request).send().ok(200)
    };
    let allowed = dry(&format!("/{MESSAGE}"));
    assert_eq!(allowed["allowed"], true, "{allowed}");
    assert!(allowed["rule"].is_string() && allowed["fields"].is_array(), "{allowed}");
    let refused = dry("/gmail/v1/users/me/messages/1?format=full&metadataHeaders=From");
    assert_eq!(refused["allowed"], false);
    assert!(text(&refused, "/reason").contains("format"), "{refused}");
    assert_eq!(connected.provider.counts(), before);
}

/// B1, T7: however many callers wait, a token is refreshed once; also after the object has lost its memory.
#[test]
fn b1_t7_a_hundred_callers_refresh_once() {
    let mut connected = Connected::start("oauth-single-flight");
    let org = Org::sign_up(&connected.gate);
    let id = connected.connect(&org, "gmail");
    let key = org.api_key(&["connections:read"]);
    let together = || {
        thread::scope(|scope| {
            let callers: Vec<_> = (0..100).map(|_| scope.spawn(|| read(&key, &id).ok(200))).collect();
            callers.into_iter().for_each(|caller| drop(caller.join().unwrap()));
        });
    };
    together();
    assert_eq!(connected.provider.counts().refreshes, 0, "the first token is still good");
    // The provider no longer takes it, whatever it said of its life: each caller is told 401, one refreshes.
    connected.provider.expire_access_tokens();
    together();
    assert_eq!(connected.provider.counts().refreshes, 1);
    // C9: what was only in memory is gone.
    connected.gate.kill9();
    connected.gate.restart();
    together();
    let counts = connected.provider.counts();
    assert_eq!((counts.refreshes, counts.refused), (2, 0), "{counts:?}");
    assert_eq!(connection(&org, &id)["status"], "active");
}

/// F9: an authorization is of the session that began it, serves once, and cannot be made up.
#[test]
fn f9_the_way_back_is_for_the_session_that_went() {
    let connected = Connected::shared();
    let org = Org::sign_up(&connected.gate);
    let stranger = Org::sign_up(&connected.gate);
    let begun = Connected::begin(&org, "gitlab");
    let callback = connected.allow(&text(&begun, "/authorize_url"), "allow");
    let id = text(&begun, "/id");
    for (who, client) in [
        ("another tenant", stranger.anonymous().cookie(&stranger.cookie)),
        ("another session of the same person", org.anonymous().cookie(&org.session().cookie)),
        ("nobody", org.anonymous()),
    ] {
        let answer = client.get(&callback).send();
        assert_ne!(answer.status, 303, "{who}: {answer}");
        assert_eq!(connection(&org, &id)["status"], "pending", "{who}");
    }
    let tampered = callback.replacen("state=", "state=A", 1);
    assert_ne!(back(&org, &tampered).status, 303);
    assert_eq!(back(&org, &callback).status, 303);
    assert_eq!(connection(&org, &id)["status"], "active");
    assert_ne!(back(&org, &callback).status, 303, "once");

    let denied = Connected::begin(&org, "gitlab");
    let callback = connected.allow(&text(&denied, "/authorize_url"), "deny");
    let answer = back(&org, &callback);
    assert_eq!(answer.status, 400, "{answer}");
    assert_eq!(connection(&org, &text(&denied, "/id"))["status"], "pending");

    // An API key can go nowhere and come back from nowhere.
    let key = org.api_key(&["connections:read", "connections:write"]);
    let request = json!({ "connector": "gitlab", "name": "x", "auth": { "type": "oauth2" } });
    key.post("/v1/connections", &request).send().problem("forbidden");
    key.post(&format!("/v1/connections/{id}/authorize"), &json!({})).send().problem("forbidden");
}

/// Reconnecting keeps the id; the old grant's tokens serve no more.
#[test]
fn reconnecting_keeps_the_id() {
    let connected = Connected::start("oauth-reconnect");
    let org = Org::sign_up(&connected.gate);
    let id = connected.connect(&org, "gmail");
    let again = org.post(&format!("/v1/connections/{id}/authorize"), &json!({})).send().ok(200);
    let callback = connected.allow(&text(&again, "/authorize_url"), "allow");
    assert_eq!(back(&org, &callback).status, 303);
    read(&org, &id).ok(200);
    assert_eq!(org.list("/v1/connections").len(), 1);
}

/// C8, B3, N5: disconnecting revokes at the provider before it answers, and the receipt says so.
#[test]
fn c8_b3_n5_disconnecting_gives_a_receipt() {
    let connected = Connected::start("oauth-disconnect");
    let org = Org::sign_up(&connected.gate);
    let id = connected.connect(&org, "gmail");
    let receipt = org.delete(&format!("/v1/connections/{id}")).send().ok(200)["receipt"].take();
    assert_eq!(receipt["revocation"], "revoked", "{receipt}");
    assert_eq!(receipt["evidence"]["http_status"], 200, "{receipt}");
    assert!(receipt["deleted_at"].is_string(), "{receipt}");
    assert_eq!(connected.provider.counts().revocations, 1);
    read(&org, &id).problem("not_found");
    assert_eq!(org.get(&format!("/v1/receipts/{id}")).send().ok(200), receipt);
    let stranger = Org::sign_up(&connected.gate);
    stranger.get(&format!("/v1/receipts/{id}")).send().problem("not_found");
}

/// T4: what writes takes a person's own click, whatever the key may do.
#[test]
fn t4_a_write_takes_a_person() {
    let connected = Connected::shared();
    let org = Org::sign_up(&connected.gate);
    let connectors = org.get("/v1/connectors/jira").send().ok(200);
    let write = connectors["requests"].as_array().unwrap().iter().find(|rule| rule["writes"] == true);
    assert!(write.is_some(), "{connectors}");
}
