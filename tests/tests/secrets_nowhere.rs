//! Secrets where none may be (claims B2, C2, C9, M1, N5; invariants 1 and 3): every kind of secret of a connection is
//! planted and used, also on paths that fail, trap and are cut off. Then all that was answered, all that passed between the
//! two Workers, and all that stands on the disk, log and write-ahead logs of killed databases included, is searched for each.
//!
//! A caller's own secret passes the edge on its way in, once for each time that it was sent; it takes no way back.

mod recorder;

use crate::recovery::changed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::secrets::{files, files_with, spellings};
use e2e::{Call, Client, Gate, Org, Response, Upstream, random, text};
use memchr::memmem;
use protocol::{Operation, call};
use recorder::{Message, Recorder};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io, process, thread};
use xtask::build::Worker;
use xtask::provider::{Options, Provider};
use xtask::serve::{TAP_IN, TAP_OUT};

const TRAP: &str = "wasm.__wbindgen_malloc(-1, 1)";

/// Where a secret may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nowhere but between the control plane and the provider.
    Inside,
    /// In the caller's own requests, as the edge hands them on.
    In,
    /// In the one answer that shows it, and in the requests of whoever has it from there.
    ShownOnce,
    /// As `In`; and in the answer to [`Operation::SourceKeys`], for the edge's memory.
    Source,
}

/// What is planted: what it is, the secret, where it may be seen; and secrets that are no text, which may not be on the disk.
#[derive(Default)]
struct Planted(Vec<(&'static str, String, Way)>, Vec<Vec<u8>>);

impl Planted {
    /// A fresh secret.
    fn fresh(&mut self, what: &'static str, way: Way) -> String {
        let secret = random::text("planted-");
        self.add(what, &secret, way);
        secret
    }

    fn add(&mut self, what: &'static str, secret: &str, way: Way) {
        assert!(secret.len() >= 16, "{what} is too short to be searched for");
        self.0.push((what, secret.to_owned(), way));
    }
}

/// A server that is watched from all sides.
struct Watched {
    gate: Gate,
    client: Client,
    /// Between the client and the edge.
    front: Recorder,
    /// Between the edge and the control plane.
    middle: Recorder,
    /// Between the control plane and the provider that behaves.
    back: Recorder,
    provider: Provider,
    /// The provider that repeats what it is sent, as errors.
    parrot: Upstream,
    tap: PathBuf,
}

impl Watched {
    fn start(planted: &mut Planted) -> Self {
        let client_secret = planted.fresh("the operator's client secret", Way::Inside);
        let life = Duration::from_secs(3600);
        let options = Options { client_secret: client_secret.clone(), access_token_life: life };
        let provider = Provider::start(0, options).unwrap();
        let (back, behaves) = Recorder::tcp(authority(&provider.origin()));
        let parrot = Upstream::start(repeat);
        let mut config = e2e::config();
        for (connector, stand_in) in [
            ("gmail", format!("http://{behaves}")),
            ("gitlab", format!("http://{behaves}")),
            ("jira", parrot.url()),
        ] {
            let connector_config =
                config::Connector { client_id: Some("fake-client".to_owned()), stand_in: Some(stand_in) };
            config.connectors.insert(connector.to_owned(), connector_config);
        }
        let wrong = planted.fresh("a client secret that the provider refuses", Way::Inside);
        let parrots = planted.fresh("a client secret that the provider repeats", Way::Inside);
        let secrets = json!({ "gmail": client_secret, "gitlab": wrong, "jira": parrots });

        // Short: the name of a Unix socket has about a hundred characters.
        let tap = env::temp_dir().join(format!("sluicegate-tap-{}", process::id()));
        fs::create_dir_all(&tap).unwrap();
        let middle = Recorder::unix(&tap.join(TAP_IN), tap.join(TAP_OUT));
        let gate = Gate::start_with("secrets-nowhere", |options| {
            options.config = Some(config);
            options.keys = options.keys.clone().with_connector_clients(secrets);
            options.tap = Some(tap.clone());
            options.build_dir = Some(trapping(options));
        });
        let (front, address) = Recorder::tcp(gate.address());
        let client = Client::new(address).with("x-test-client-ip", "198.18.250.1");
        Self { gate, client, front, middle, back, provider, parrot, tap }
    }

    /// What a person does at the provider: the callback's path and query, with the code in it.
    fn allow(&self, authorize_url: &str) -> String {
        let url = url::Url::parse(authorize_url).unwrap();
        let there = Client::new(authority(&self.provider.origin()));
        let response = there
            .request("POST", url.path())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("{}&decision=allow", url.query().unwrap()))
            .attempt()
            .unwrap();
        let location = response.header("location").unwrap_or_else(|| panic!("{response}")).to_owned();
        location.strip_prefix(&self.client.origin()).unwrap_or_else(|| panic!("{location}")).to_owned()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.tap);
    }
}

/// The built Workers, but that some requests end in a trap: one to an org's object when it has done its work, and one
/// through a connection when the credential has been used.
fn trapping(options: &xtask::serve::Options) -> PathBuf {
    let method = "return await guard(() => this.#object[method](...args))();";
    let object = format!(
        r#"const answer = await guard(() => this.#object[method](...args))();
        if (args[0].headers.get("sluicegate-call").includes('"idempotency_key":"trap"')) guard(() => {TRAP})();
        return answer;"#
    );
    let copy = changed(&options.data_dir, Worker::ControlPlane, method, &object);
    let script = copy.join(Worker::ControlPlane.name()).join("index.js");
    let text = fs::read_to_string(&script).unwrap();
    let handle = "guard((request, env) => handle(request, env))";
    let call = format!(
        r#"guard(async (request, env) => {{
          const call = request.headers.get("sluicegate-call") ?? "";
          const answer = await handle(request, env);
          if (call.includes("/trap")) {TRAP};
          return answer;
        }})"#
    );
    assert_eq!(text.matches(handle).count(), 1, "{handle}");
    fs::write(&script, text.replace(handle, &call)).unwrap();
    copy
}

/// An upstream that gives back all it gets, in its answers and its errors.
fn repeat(call: &mut Call) -> io::Result<()> {
    let all: Vec<String> = call.head.headers.iter().map(|(_, value)| value.clone()).collect();
    let body = String::from_utf8_lossy(&call.body.rest()?).into_owned();
    let told = json!({ "error": "invalid_request", "error_description": format!("{all:?} {body} {}", call.target()) });
    let told = told.to_string();
    let json = [("content-type", "application/json")];
    let authorization = call.head.all("authorization").next().unwrap_or_default().replace(' ', "+");
    match call.target().split('?').next().unwrap_or_default() {
        "/fail" => call.answer("500 Broken", &json, told.as_bytes()),
        "/away" => {
            let location = format!("http://127.0.0.1:1/?{authorization}");
            call.answer("302 Found", &[("location", &location)], told.as_bytes())
        }
        "/refused" => {
            call.answer("401 Unauthorized", &[("www-authenticate", &authorization)], told.as_bytes())
        }
        "/broken" => {
            call.begin("200 OK", &json)?;
            call.chunk(&told.as_bytes()[..told.len() - 8])
        }
        "/oauth/token" => call.answer("400 Bad Request", &json, told.as_bytes()),
        _ => call.answer("200 OK", &json, told.as_bytes()),
    }
}

#[test]
fn b2_c2_c9_m1_n5_no_secret_is_seen_where_it_may_not_be() {
    let mut planted = Planted::default();
    let mut watched = Watched::start(&mut planted);
    let org = Org::sign_up_from(&watched.client);
    planted.add("the person's password", &org.password, Way::In);

    let statics = static_credentials(&mut planted, &watched, &org);
    let granted = granted_access(&mut planted, &watched, &org);
    mail_and_warehouse(&mut planted, &org);
    refused(&mut planted, &org);
    keys_and_sources(&mut planted, &watched, &org);
    trapped(&mut planted, &watched, &org);

    // Nothing was lost by any of it, and a power cut leaves nothing that may not be there either.
    watched.gate.kill9();
    let killed = files(watched.gate.data_dir());
    assert!(killed.iter().any(|path| path.to_string_lossy().ends_with("-wal")), "{killed:?}");
    nowhere_on_the_disk(&planted, &watched);
    watched.gate.restart();
    for (id, path) in
        statics.iter().map(|id| (id, "items")).chain(granted.iter().map(|(id, path)| (id, *path)))
    {
        org.get(&format!("/v1/connections/{id}/proxy/{path}")).send().ok(200);
    }
    assert_eq!(
        watched.provider.counts().refreshes,
        1 + granted.len() as u64,
        "access tokens were in memory alone"
    );
    planted_by_the_provider(&mut planted, &watched);
    nowhere_on_the_disk(&planted, &watched);
    for connection in org.list("/v1/connections") {
        org.delete(&format!("/v1/connections/{}", text(&connection, "/id"))).send().ok(200);
    }
    e2e::until("a delivery", || {
        watched.parrot.heads().iter().any(|head| head.first.starts_with("POST /hook ")).then_some(())
    });
    watched.gate.stop();
    nowhere_on_the_disk(&planted, &watched);
    nowhere_in_answers(&planted, &watched);
    nowhere_between_the_workers(&planted, &watched);
    assert!(
        watched.gate.log().contains("Wasm instance replaced after a trap"),
        "there was a crash to be searched"
    );
}

/// Each kind of static credential, with an upstream that repeats it, errors included. The connections that work.
fn static_credentials(planted: &mut Planted, watched: &Watched, org: &Org) -> Vec<String> {
    let mut secret = |what| planted.fresh(what, Way::In);
    let auths = [
        json!({ "type": "bearer", "token": secret("a bearer token") }),
        json!({ "type": "api_key", "header": "x-api-key", "value": secret("an API key for a header") }),
        json!({ "type": "api_key", "query": "key", "value": secret("an API key for the query") }),
        json!({ "type": "basic", "username": "ada", "password": secret("a basic password") }),
    ];
    let key = org.api_key(&["connections:read"]);
    let ids: Vec<String> = auths.iter().map(|auth| org.connection(&watched.parrot.url(), auth)).collect();
    for id in &ids {
        for path in ["items?page=2", "fail", "away", "refused"] {
            let response = key.get(&format!("/v1/connections/{id}/proxy/{path}")).send();
            assert!(path == "away" || response.text().contains("[redacted]"), "{response}");
        }
        // It breaks off: whatever arrived of it was recorded.
        let mut exchange = key.get(&format!("/v1/connections/{id}/proxy/broken")).open();
        exchange.head();
        let _ = exchange.rest();
        org.request("POST", &format!("/v1/connections/{id}/test")).send().ok(200);
        let dry = json!({ "method": "GET", "path": "/items" });
        org.post(&format!("/v1/connections/{id}/dry-run"), &dry).send().ok(200);
    }
    // Replaced by another of its kind.
    let replaced = json!({ "auth": { "type": "bearer", "token": secret("a token that replaces another") } });
    org.put(&format!("/v1/connections/{}/auth", ids[0]), &replaced).send().ok(200);
    // A repeated creation, whose answer is kept.
    let token = secret("a token in a repeated creation");
    let body = json!({
        "connector": "http", "name": "twice", "base_url": watched.parrot.url(), "auth": { "type": "bearer", "token": token },
    });
    let create = || org.post("/v1/connections", &body).header("idempotency-key", "twice").send().ok(201);
    assert_eq!(create()["id"], create()["id"]);
    let heads = watched.parrot.heads();
    for auth in &auths {
        let secret = ["token", "value"].iter().find_map(|name| auth[name].as_str());
        let arrived = secret.is_none_or(|secret| format!("{heads:?}").contains(secret));
        assert!(arrived, "the upstream has got {}", auth["type"]);
    }
    ids
}

/// OAuth: by the operator's client and by the workspace's own, refreshed, refused and repeated by the provider. The
/// connections that work, each with what can be read through it.
fn granted_access(planted: &mut Planted, watched: &Watched, org: &Org) -> Vec<(String, &'static str)> {
    const MESSAGE: &str = "gmail/v1/users/me/messages/18c0ffee?format=metadata&metadataHeaders=From";
    let begin = |connector: &str| {
        let request = json!({ "connector": connector, "name": connector, "auth": { "type": "oauth2" } });
        org.post("/v1/connections", &request).send().ok(201)
    };
    let back = |callback: &str| org.anonymous().cookie(&org.cookie).get(callback).send();
    let gmail = begin("gmail");
    let callback = watched.allow(&text(&gmail, "/authorize_url"));
    planted.add("a code", &parameter(&callback, "code"), Way::In);
    assert_eq!(back(&callback).status, 303);
    assert_ne!(back(&callback).status, 303, "once");
    let id = text(&gmail, "/id");
    let read = |id: &str, path: &str| org.get(&format!("/v1/connections/{id}/proxy/{path}")).send();
    read(&id, MESSAGE).ok(200);
    // The edge hands an empty body on: that keeps nobody from sending the request again.
    watched.provider.expire_access_tokens();
    read(&id, MESSAGE).ok(200);
    assert_eq!(watched.provider.counts().refreshes, 1);
    read(&id, "gmail/v1/users/me/messages/1?format=full").problem("request_not_allowed");

    // The operator's secret for this one is wrong; then the workspace brings a client of its own.
    let gitlab = begin("gitlab");
    let callback = watched.allow(&text(&gitlab, "/authorize_url"));
    planted.add("a code that the provider refuses", &parameter(&callback, "code"), Way::In);
    assert_ne!(back(&callback).status, 303);
    let (_, secret, _) = planted.0[0].clone();
    let own = json!({ "client_id": "fake-client-of-the-workspace", "client_secret": secret });
    // The provider knows one secret: from here on it is one that a client of ours has sent.
    planted.0[0].2 = Way::In;
    org.put("/v1/connectors/gitlab/client", &own).send().ok(200);
    let unused = planted.fresh("a workspace's client secret", Way::In);
    let request = json!({ "client_id": "fake-client", "client_secret": unused });
    org.put("/v1/connectors/linear/client", &request).send().ok(200);
    let gitlab = text(&gitlab, "/id");
    let again = org.post(&format!("/v1/connections/{gitlab}/authorize"), &json!({})).send().ok(200);
    let callback = watched.allow(&text(&again, "/authorize_url"));
    planted.add("a code for the workspace's client", &parameter(&callback, "code"), Way::In);
    assert_eq!(back(&callback).status, 303);
    read(&gitlab, "api/v4/user").ok(200);

    // This provider repeats code, verifier and secret in its error.
    let jira = begin("jira");
    let url = text(&jira, "/authorize_url");
    let code = planted.fresh("a code that the provider repeats", Way::In);
    let before = watched.parrot.heads().len();
    let answer = back(&format!("/connections/callback?code={code}&state={}", parameter(&url, "state")));
    assert_ne!(answer.status, 303, "{answer}");
    assert_eq!(watched.parrot.heads().len(), before + 1, "{answer}");
    vec![(id, MESSAGE), (gitlab, "api/v4/user")]
}

/// What the provider handed out and was sent, as recorded there.
fn planted_by_the_provider(planted: &mut Planted, watched: &Watched) {
    let known: Vec<String> = planted.0.iter().map(|(_, secret, _)| secret.clone()).collect();
    let tokens = watched.provider.secrets();
    let tokens: Vec<&String> = tokens.iter().filter(|token| !known.contains(token)).collect();
    assert!(tokens.len() >= 8, "{}", tokens.len());
    for token in tokens {
        planted.add("a token of the provider", token, Way::Inside);
    }
    let asked = watched.back.asked();
    let asked = String::from_utf8_lossy(&asked);
    let verifiers: Vec<&str> = asked.split("code_verifier=").skip(1).collect();
    assert!(verifiers.len() >= 3, "{}", verifiers.len());
    for verifier in verifiers {
        let end = verifier.find(|c: char| !(c.is_ascii_alphanumeric() || "-._~".contains(c)));
        planted.add("a PKCE verifier", &verifier[..end.unwrap_or(verifier.len())], Way::Inside);
    }
    for (name, value) in watched.gate.secrets() {
        for part in value.split('"').filter(|part| part.len() >= 40 && name != "SESSION_JWKS") {
            planted.add(name, part, Way::Inside);
        }
    }
}

/// Logins that the server does not take, or that are not tried there.
fn mail_and_warehouse(planted: &mut Planted, org: &Org) {
    let smtp = line_server("220 mail.example.com ESMTP", |line| match line.split(' ').next() {
        Some("EHLO") => "250 mail.example.com",
        _ => "502 5.5.1 no",
    });
    let imap = line_server("* OK IMAP4rev1 ready", |_| "* BAD no\r\na1 BAD no");
    let postgres = server(|mut stream| stream.write_all(b"N"));
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let security = |how: &str| json!({ "security": how });
    let logins = [
        ("an SMTP password, no STARTTLS", "smtp", smtp, security("starttls")),
        ("an SMTP password, no TLS", "smtp", smtp, security("tls")),
        ("an IMAP password, no STARTTLS", "imap", imap, security("starttls")),
        ("an IMAP password, no TLS", "imap", imap, security("tls")),
        ("a PostgreSQL password, no TLS", "postgres", postgres, json!({ "database": "shop" })),
        ("an SMTP password, nobody there", "smtp", gone, security("tls")),
        ("an IMAP password, nobody there", "imap", gone, security("tls")),
        ("a PostgreSQL password, nobody there", "postgres", gone, json!({ "database": "shop" })),
    ];
    for (what, connector, address, mut parameters) in logins {
        parameters["host"] = json!(address.ip().to_string());
        parameters["port"] = json!(address.port().to_string());
        let auth = json!({ "type": "basic", "username": "ada", "password": planted.fresh(what, Way::In) });
        let body = json!({ "connector": connector, "name": what, "parameters": parameters, "auth": auth });
        org.post("/v1/connections", &body).send().problem("credential_refused");
    }
}

/// Secrets in requests that are no good.
fn refused(planted: &mut Planted, org: &Org) {
    let mut secret = |what| planted.fresh(what, Way::In);
    let create = |body: String| {
        org.request("POST", "/v1/connections").header("content-type", "application/json").body(body).send()
    };
    let connection = |auth: Value| json!({ "connector": "http", "name": "x", "base_url": "https://a.example", "auth": auth });
    let misplaced = secret("a misplaced secret");
    create(connection(json!({ "type": "bearer", "tokn": misplaced })).to_string())
        .problem("validation_failed");
    let odd_type = secret("a secret of the wrong type");
    create(connection(json!({ "type": "bearer", "token": [odd_type] })).to_string());
    let cut = connection(json!({ "type": "bearer", "token": secret("a secret in JSON that breaks off") }))
        .to_string();
    create(cut[..cut.len() - 3].to_owned());
    let odd_kind = secret("a secret for a kind");
    create(connection(json!({ "type": odd_kind, "token": "x" })).to_string());
    let odd_connector = secret("a secret for a connector");
    create(json!({ "connector": odd_connector, "name": "x", "auth": { "type": "none" } }).to_string());
    let controls = format!("{}\n", secret("a token that no header takes"));
    create(connection(json!({ "type": "bearer", "token": controls })).to_string());
    let in_url = secret("a secret in the base URL");
    let body = json!({ "connector": "http", "name": "x", "base_url": format!("https://a:{in_url}@b.example"), "auth": { "type": "none" } });
    create(body.to_string()).problem("base_url_refused");
    let long = format!("{}{}", secret("a secret in a body that is too long"), "x".repeat(100_000));
    create(connection(json!({ "type": "bearer", "token": long })).to_string()).problem("payload_too_large");

    let login = json!({ "email": org.email, "password": secret("a wrong password") });
    org.anonymous().post("/v1/login", &login).send().problem("invalid_credentials");
    let token = secret("a wrong token");
    org.bearer(&token).get("/v1/me").send().problem("unauthenticated");
    let state = secret("a wrong state");
    let code = secret("a code for a wrong state");
    let callback = format!("/connections/callback?code={code}&state={state}");
    let answer = org.anonymous().cookie(&org.cookie).get(&callback).send();
    assert!(answer.status >= 400, "{answer}");
}

/// What is shown once, and what goes to the edge on purpose.
fn keys_and_sources(planted: &mut Planted, watched: &Watched, org: &Org) {
    let key = org.api_key(&["connections:read"]);
    key.get("/v1/connections").send().ok(200);
    planted.add("a minted API key", key.key.rsplit('_').next().unwrap(), Way::ShownOnce);

    endpoints(planted, watched, org);

    let secret = random::text("whsec_");
    planted.add("a webhook source's secret", &secret, Way::Source);
    let source = org.source("stripe", &secret);
    for event in 0..3 {
        let body = format!(r#"{{"id":"evt_{event}","type":"t"}}"#);
        org.deliver(&source, &secret, body.as_bytes()).ok(200);
    }
    let next = random::text("whsec_");
    planted.add("a webhook source's next secret", &next, Way::Source);
    org.post(&format!("/v1/sources/{source}/rotate-secret"), &json!({ "secret": next })).send().ok(200);
    for (event, secret) in [(3, &secret), (4, &next)] {
        let body = format!(r#"{{"id":"evt_{event}","type":"t"}}"#);
        org.deliver(&source, secret, body.as_bytes()).ok(200);
    }
    org.deliver(&source, &random::text("whsec_"), b"{}").problem("signature_invalid");
    org.get(&format!("/v1/sources/{source}")).send().ok(200);
    org.list(&format!("/v1/sources/{source}/rejections"));
    org.list("/v1/audit");
}

/// What signs deliveries, and what goes with them, to an endpoint that repeats all it gets.
fn endpoints(planted: &mut Planted, watched: &Watched, org: &Org) {
    let mut shown = |secret: &str| {
        let encoded = secret.strip_prefix("whsec_").unwrap();
        planted.add("an endpoint's secret", encoded, Way::ShownOnce);
        planted.1.push(STANDARD.decode(encoded).unwrap());
    };
    let header = random::text("planted-");
    let endpoint = json!({
        "url": format!("{}/hook", watched.parrot.url()), "headers": { "authorization": format!("Bearer {header}") },
    });
    let endpoint = org.post("/v1/endpoints", &endpoint).send().ok(201);
    shown(&text(&endpoint, "/secret"));
    let path = format!("/v1/endpoints/{}", text(&endpoint, "/id"));
    let rotated =
        org.post(&format!("{path}/rotate-secret"), &json!({ "overlap_seconds": 3600 })).send().ok(200);
    shown(&text(&rotated, "/secret"));
    planted.add("a header for an endpoint", &header, Way::In);

    let payload = json!({ "type": "t", "text": planted.fresh("a message's payload", Way::In) });
    let message = json!({ "event_type": "t", "payload": payload, "customer_id": "cus_1" });
    org.post("/v1/messages", &message).send().ok(202);
    let message = json!({ "event_type": "t", "payload": {} });
    let message = org.post("/v1/messages", &message).send().ok(202);
    let attempts = format!("/v1/messages/{}/attempts", text(&message, "/id"));
    let attempt = e2e::until("an attempt", || {
        org.list(&attempts).into_iter().find(|attempt| attempt["status"] == "succeeded")
    });
    assert!(text(&attempt, "/response").contains("[redacted]"), "{attempt}");
    org.list(&format!("{path}/attempts"));
    org.get(&path).send().ok(200);

    let link = org.post("/v1/portal-links", &json!({ "customer_id": "cus_1" })).send().ok(201);
    let url = text(&link, "/url");
    planted.add("a link to the portal", url.split_once("token=").unwrap().1, Way::ShownOnce);
    org.list("/v1/portal-links");
}

/// Traps with secrets at hand: in the org's object after sealing one, in the broker after using one.
fn trapped(planted: &mut Planted, watched: &Watched, org: &Org) {
    let auth =
        json!({ "type": "bearer", "token": planted.fresh("a token at a trap in the object", Way::In) });
    let body = json!({ "connector": "http", "name": "x", "base_url": watched.parrot.url(), "auth": auth });
    let response = org.post("/v1/connections", &body).header("idempotency-key", "trap").send();
    assert!([500, 503].contains(&response.status), "{response}");
    let auth =
        json!({ "type": "bearer", "token": planted.fresh("a token at a trap in the broker", Way::In) });
    let id = org.connection(&watched.parrot.url(), &auth);
    let response: Response = org.get(&format!("/v1/connections/{id}/proxy/trap")).send();
    assert!([500, 503].contains(&response.status), "{response}");
    org.get(&format!("/v1/connections/{id}/proxy/items")).send().ok(200);
}

fn nowhere_on_the_disk(planted: &Planted, watched: &Watched) {
    let dir = watched.gate.data_dir();
    for (what, secret, _) in &planted.0 {
        let found = files_with(dir, secret.as_bytes());
        assert!(found.is_empty(), "{what} is in {found:?}");
    }
    for secret in &planted.1 {
        assert_eq!(files_with(dir, secret), Vec::<PathBuf>::new());
    }
    for there in ["credential.used", "Analytical Engines"] {
        assert!(!files_with(dir, there.as_bytes()).is_empty(), "the search finds what is there: {there}");
    }
}

/// Every answer to the client, head and body: shown once, or not at all.
fn nowhere_in_answers(planted: &Planted, watched: &Watched) {
    let said =
        [watched.front.answered(), all(watched.front.exchanges().iter().map(|(_, answer)| answer))].concat();
    for (what, secret, way) in &planted.0 {
        match way {
            // Once as it passed, once as it was read.
            Way::ShownOnce => assert_eq!(count(&said, secret), 2, "{what} in answers"),
            _ => assert_eq!(first_spelling(&said, secret), None, "{what} in an answer"),
        }
    }
    assert!(count(&said, "[redacted]") > 20, "the search finds what is there");
    uncompressed(&watched.front);
}

/// Between the two Workers, both directions.
fn nowhere_between_the_workers(planted: &Planted, watched: &Watched) {
    let exchanges = watched.middle.exchanges();
    let calls = count(&watched.middle.asked().to_ascii_lowercase(), "sluicegate-call: ");
    // Those that broke off were recorded, but are no exchanges.
    assert!(exchanges.len() > 80 && exchanges.len() + 12 > calls, "{} of {calls}", exchanges.len());
    let to_control_plane = all(exchanges.iter().map(|(asked, _)| asked));
    let from_client = all(watched.front.exchanges().iter().map(|(asked, _)| asked));
    let (raw_to, raw_from) = (watched.middle.asked(), watched.middle.answered());
    let from_control_plane = [raw_from, all(exchanges.iter().map(|(_, answer)| answer))].concat();
    for (what, secret, way) in &planted.0 {
        if *way == Way::Inside {
            assert_eq!(first_spelling(&raw_to, secret), None, "{what} from the edge");
            assert_eq!(first_spelling(&to_control_plane, secret), None, "{what} from the edge");
        }
        let (sent, handed_on) = (count(&from_client, secret), count(&to_control_plane, secret));
        assert!(handed_on <= sent, "{what}: sent {sent} times, handed on {handed_on} times");
        match way {
            Way::ShownOnce => {
                assert_eq!(count(&from_control_plane, secret), 2, "{what} from the control plane")
            }
            Way::Source => goes_to_the_edges_memory_alone(planted, &exchanges, secret),
            Way::Inside | Way::In => {
                assert_eq!(
                    first_spelling(&from_control_plane, secret),
                    None,
                    "{what} from the control plane"
                );
            }
        }
    }
    uncompressed(&watched.middle);
    // All this was there to be found: what the control plane has sent to the provider was recorded likewise.
    let to_provider = watched.back.asked();
    for (what, secret, way) in &planted.0 {
        let is_sent = ["a PKCE verifier", "the operator's client secret"].contains(what);
        assert!(!is_sent || count(&to_provider, secret) > 0, "{what} ({way:?}) at the provider");
    }
}

/// The one path on which a secret leaves the control plane (invariant 1).
fn goes_to_the_edges_memory_alone(planted: &Planted, exchanges: &[(Message, Message)], secret: &str) {
    let with = |(_, answer): &&(Message, Message)| first_spelling(&answer.bytes(), secret).is_some();
    let found: Vec<_> = exchanges.iter().filter(with).collect();
    assert!(!found.is_empty(), "the edge has to get a source's secret");
    for (asked, answer) in found {
        let call = asked.head.all(protocol::Call::HEADER).next().unwrap();
        let call: protocol::Call = serde_json::from_str(call).unwrap();
        assert!(matches!(call.operation, Operation::SourceKeys { .. }), "{:?}", call.operation);
        let keys: call::SourceKeys = serde_json::from_slice(&answer.body).unwrap();
        // With the one before it, until a rotation's overlap ends; and nothing else.
        let sources = planted.0.iter().filter(|(_, _, way)| *way == Way::Source);
        let known: Vec<&str> = sources.map(|(_, secret, _)| secret.as_str()).collect();
        assert!(keys.secrets.iter().any(|key| key == secret));
        assert!(keys.secrets.len() <= 2 && keys.secrets.iter().all(|key| known.contains(&key.as_str())));
    }
}

/// A search of what is compressed finds nothing.
fn uncompressed(recorder: &Recorder) {
    for (asked, answer) in recorder.exchanges() {
        for head in [&asked.head, &answer.head] {
            assert_eq!(head.all("content-encoding").next(), None, "{head:?}");
        }
    }
}

fn all<'m>(messages: impl Iterator<Item = &'m Message>) -> Vec<u8> {
    messages.flat_map(Message::bytes).collect()
}

fn count(haystack: &[u8], needle: &str) -> usize {
    memmem::find_iter(haystack, needle.as_bytes()).count()
}

fn first_spelling(haystack: &[u8], secret: &str) -> Option<String> {
    let found =
        spellings(secret.as_bytes()).into_iter().find(|spelling| memmem::find(haystack, spelling).is_some());
    found.map(|spelling| String::from_utf8_lossy(&spelling).into_owned())
}

fn parameter(path_or_url: &str, name: &str) -> String {
    let (_, query) = path_or_url.split_once('?').unwrap();
    let url = url::Url::parse(&format!("http://any/?{query}")).unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no {name} in {path_or_url}")).1.into_owned()
}

fn authority(origin: &str) -> SocketAddr {
    origin.strip_prefix("http://").unwrap().parse().unwrap()
}

/// A server that greets, and answers each line.
fn line_server(
    greeting: &'static str,
    answer: impl Fn(&str) -> &'static str + Send + Sync + 'static,
) -> SocketAddr {
    server(move |mut stream| {
        write!(stream, "{greeting}\r\n")?;
        for line in BufReader::new(stream.try_clone()?).lines() {
            write!(stream, "{}\r\n", answer(&line?))?;
        }
        Ok(())
    })
}

fn server(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // What a client does that goes away is no matter.
            let _ = serve(stream);
        }
    });
    address
}
