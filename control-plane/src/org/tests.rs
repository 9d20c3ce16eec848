//! An org's object, driven as the edge drives it, on a native database.

mod access;
mod connections;
mod data_key;
mod deletion;
mod deliveries;
mod endpoints;
mod holders;
mod inbound;
mod invitations;
mod keys;
mod limits;
mod listen;
mod members;
mod messages;
mod oauth;
mod outbox;
mod outside;
mod plans;
mod portal;
mod provider_key;
mod providers;
mod reach;
mod receipts;
mod refresh;
mod rejections;
mod replay;
mod sessions;
mod sources;
mod verdicts;

use super::*;
use crate::asks::{AskOrg, NewOrg, OpenSession};
use crate::place::{self, Place};
use crate::remote::{Login, LoginRefused, NoAnswer, RemoteAnswer, RemoteRequest};
use crate::secrets::{Secrets, tests::fixed};
use crate::store::native::Native;
use crate::store::{Sql as _, Store, Value, migrations};
use config::Config;
use connectors::{TargetPolicy, Targets};
use futures_executor::block_on;
use protocol::api::{AuditVerification, User};
use protocol::call::EventFilter;
use protocol::routes::{self, ROUTES};
use protocol::{Call, Client, ConnectionId, OrgId, Page, Principal, Region, RequestId, SourceId, UserId};
use serde_json::{Value as Json, json};
use std::cell::RefCell;

const NOW: u64 = 1_800_000_000_000;
const DAY: u64 = 86_400_000;
/// Where clients come in, and another name of the same deployment.
const ORIGIN: &str = "https://gate.test";
const OWN_ORIGIN: &str = "https://gate.example.com";

/// A world outside in which nobody answers.
#[derive(Clone)]
struct Nobody;

impl Remote for Nobody {
    async fn send(&self, _: RemoteRequest) -> Result<RemoteAnswer, NoAnswer> {
        Err(NoAnswer)
    }

    async fn log_in(&self, _: Login<'_>) -> Result<(), LoginRefused> {
        Err(LoginRefused { reason: "unreachable", detail: String::new() })
    }

    fn now_ms(&self) -> u64 {
        NOW
    }
}

/// One tenant's object, with a founder signed in.
struct Tenant {
    sql: Native,
    secrets: Secrets,
    config: Config,
    targets: Targets,
    org: OrgId,
    founder: Principal,
    now_ms: u64,
    limits: RefCell<OrgLimiter>,
    tokens: AccessTokens,
}

impl Tenant {
    fn new(seed: u8) -> Self {
        let sql = Native::new();
        migrations::run(&sql, migrations::ORG).unwrap();
        let config = config::parse(include_str!("../../../sluicegate.toml")).unwrap();
        let mut tenant = Self {
            sql,
            secrets: Secrets::load("sgk", fixed).unwrap(),
            config,
            targets: Targets::new(TargetPolicy::Public, [ORIGIN, OWN_ORIGIN]).unwrap(),
            org: OrgId::new(Region::Eu, [seed; 16]),
            founder: Principal::Anonymous,
            now_ms: NOW,
            limits: RefCell::default(),
            tokens: AccessTokens::default(),
        };
        tenant.founder = tenant.sign_in(&user(seed));
        tenant
    }

    fn context<'a>(&'a self, call: &'a Call) -> Context<'a> {
        Context {
            store: Store::new(&self.sql),
            secrets: &self.secrets,
            config: &self.config,
            org: &self.org,
            now_ms: self.now_ms,
            limits: &self.limits,
            tokens: &self.tokens,
            call,
            targets: &self.targets,
            mail_enabled: true,
        }
    }

    fn sign_in(&self, user: &User) -> Principal {
        self.sign_in_as(open(user, self.now_ms))
    }

    fn sign_in_as(&self, request: OpenSession) -> Principal {
        let reply = self.ask(&AskOrg::OpenSession(request)).unwrap();
        let verifier = tokens::SessionVerifier::from_jwks(&self.secrets.signer.jwks()).unwrap();
        let token = reply.session.unwrap();
        let claims = verifier.verify_cookie(&token, protocol::ISSUER, self.now_ms / 1000).unwrap().claims;
        Principal::Session {
            org: self.org.clone(),
            user: UserId::parse(&claims.sub).unwrap(),
            session: protocol::SessionId::parse(&claims.sid).unwrap(),
            expired: false,
            cookie: false,
        }
    }

    /// The object leaves memory, as it does when nobody calls for a while.
    fn sleep(&mut self) {
        self.limits = RefCell::default();
        self.tokens = AccessTokens::default();
    }

    fn add_member(&self, user: &User) -> Principal {
        self.sql
            .exec(
                "INSERT INTO members (user_id, email, name, role, created_at) VALUES (?, ?, ?, 'member', 0)",
                &[user.id.as_str().into(), user.email.as_str().into(), user.name.as_str().into()],
            )
            .unwrap();
        self.sign_in(user)
    }

    fn add_admin(&self, user: &User) -> Principal {
        let principal = self.add_member(user);
        self.sql
            .exec("UPDATE members SET role = 'org_admin' WHERE user_id = ?", &[user.id.as_str().into()])
            .unwrap();
        principal
    }

    /// What another object asks, for a request that anybody sends.
    fn ask(&self, ask: &AskOrg) -> Result<Reply, AppError> {
        answer(self.context(&call(Principal::Anonymous, Operation::LogIn)), ask)
    }

    /// The object's own verdict on a call, without doing what it asks for.
    fn authorize(&self, principal: &Principal, operation: Operation) -> Result<Reply, AppError> {
        answer(self.context(&call(principal.clone(), operation)), &AskOrg::Authorize)
    }

    fn store(&self) -> Store<'_> {
        Store::new(&self.sql)
    }

    fn count(&self, table: &str) -> u64 {
        self.sql.exec(&format!("SELECT COUNT(*) FROM {table}"), &[]).unwrap()[0].number(0).unwrap()
    }

    /// The newest audit event.
    fn last_event(&self) -> Json {
        self.ok(Operation::ListAudit(Page::default()), &Json::Null)["data"][0].take()
    }

    fn call(&self, principal: &Principal, operation: Operation, body: &Json) -> Result<Reply, AppError> {
        self.call_outside(principal, operation, body, &Nobody)
    }

    /// With an outside of the test's own.
    fn call_outside(
        &self,
        principal: &Principal,
        operation: Operation,
        body: &Json,
        remote: &impl Remote,
    ) -> Result<Reply, AppError> {
        let call = call(principal.clone(), operation);
        let (ctx, body) = (self.context(&call), body.to_string());
        match place::of(&call.operation) {
            Place::OrgRemote => block_on(handle_remote(ctx, remote, body.as_bytes())),
            Place::Broker => block_on(leave(ctx, remote, None, None)),
            _ => handle(ctx, body.as_bytes()),
        }
    }

    fn ok(&self, operation: Operation, body: &Json) -> Json {
        let reply = self.call(&self.founder, operation, body).unwrap();
        serde_json::from_slice(&reply.body).unwrap_or(Json::Null)
    }

    fn key(&self, scopes: Json) -> Principal {
        let created = self.ok(Operation::CreateApiKey, &json!({ "name": "k", "scopes": scopes }));
        self.principal_of(created["key"].as_str().unwrap())
    }

    fn principal_of(&self, key: &str) -> Principal {
        let presented = self.secrets.api_keys.parse(&self.secrets.mac, key).unwrap();
        Principal::ApiKey {
            org: OrgId::parse(&presented.org).unwrap(),
            lookup: presented.lookup,
            digest: presented.digest.to_text().to_string(),
        }
    }

    /// A connection's credential, as the broker opens it.
    fn opened(&self, id: &ConnectionId) -> connectors::Credential {
        use super::connections::{load, place};
        let call = call(self.founder.clone(), Operation::Me);
        let ctx = self.context(&call);
        let stored = load(ctx, id).unwrap();
        let row =
            self.sql.exec("SELECT sealed FROM connections WHERE id = ?", &[id.as_str().into()]).unwrap();
        let sealed = vault::Sealed::from_bytes(row[0].blob(0).unwrap()).unwrap();
        let place = place(ctx.org, id, &stored.connector, &stored.allowed_hosts);
        let plaintext = dek::open(ctx, &place, &sealed).unwrap();
        connectors::Credential::from_sealed_plaintext(&plaintext).unwrap()
    }

    fn verify_audit(&self) -> AuditVerification {
        self.verify_audit_from(0)
    }

    fn verify_audit_from(&self, from: u64) -> AuditVerification {
        serde_json::from_value(self.ok(Operation::VerifyAudit { from }, &Json::Null)).unwrap()
    }

    fn actions(&self) -> Vec<String> {
        let events = self.ok(Operation::ListAudit(Page::default()), &Json::Null);
        events["data"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap().to_owned()).collect()
    }
}

fn open(user: &User, now_ms: u64) -> OpenSession {
    OpenSession {
        user: user.clone(),
        found: Some(NewOrg { name: "Acme".into(), kek: None }),
        reason: "login".into(),
        status: 200,
        authenticated_at: now_ms,
        second_factor: false,
        epoch: 0,
        operator: false,
    }
}

fn user(seed: u8) -> User {
    User { id: UserId::new(NOW, [seed; 10]), email: format!("u{seed}@example.com"), name: "Ada".into() }
}

fn call(principal: Principal, operation: Operation) -> Call {
    Call {
        request_id: RequestId::new(NOW, [7; 10]),
        client: Client {
            ip: "192.0.2.1".into(),
            user_agent: "test".into(),
            origin: ORIGIN.into(),
            country: None,
        },
        principal,
        operation,
        idempotency_key: None,
    }
}

/// Every operation that a route leads to, with its route's method and path.
fn operations() -> Vec<(&'static str, &'static str, Operation)> {
    let kinds =
        ["con_", "key_", "ses_", "usr_", "inv_", "ine_", "src_", "end_", "msg_", "ptl_", "org_e", "google"];
    let ids = kinds.map(|kind| format!("{kind:0<30}"));
    let found = ROUTES.iter().map(|route| {
        let method = if route.method == "*" { "POST" } else { route.method };
        let of = |id: &String| {
            let path = route.path.replace("{id}", id).replace("{endpoint_id}", &format!("{:0<30}", "end_"));
            routes::find(method, &path.replace("{path*}", "x"), "").ok()
        };
        let (_, operation) = ids.iter().find_map(of).unwrap_or_else(|| panic!("{}", route.path));
        (method, route.path, operation)
    });
    found.collect()
}

fn json_of(reply: &Reply) -> Json {
    serde_json::from_slice(&reply.body).unwrap_or(Json::Null)
}

fn session_of(principal: &Principal) -> protocol::SessionId {
    match principal {
        Principal::Session { session, .. } => session.clone(),
        _ => panic!("no session"),
    }
}

fn code(result: Result<Reply, AppError>) -> Code {
    result.map(|_| ()).unwrap_err().public().0
}

fn connection(token: &str) -> Json {
    json!({ "connector": "http", "name": "c", "base_url": "https://api.example.com/v1",
            "auth": { "type": "bearer", "token": token } })
}

/// Recognisable, and built here so that no scanner takes it for a real one.
/// The leave to use a credential that needs no look at the body.
fn granted(leave: Json) -> Grant {
    match serde_json::from_value(leave).unwrap() {
        Leave::Granted(grant) => *grant,
        Leave::NeedsBody { .. } => panic!("a body is wanted"),
    }
}

fn secret(name: &str) -> String {
    format!("planted-{name}-{}", "x9Z".repeat(5))
}

fn proxy(id: &str, path: &str) -> Operation {
    Operation::Proxy {
        id: ConnectionId::parse(id).unwrap(),
        method: "GET".into(),
        path_and_query: path.into(),
    }
}

#[test]
fn a_session_is_nothing_without_its_record() {
    let tenant = Tenant::new(1);
    assert!(tenant.call(&tenant.founder, Operation::Me, &Json::Null).is_ok());
    tenant.call(&tenant.founder, Operation::LogOut, &Json::Null).unwrap();
    assert_eq!(code(tenant.call(&tenant.founder, Operation::Me, &Json::Null)), Code::Unauthenticated);
}

#[test]
fn another_orgs_principal_is_nobody_here() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    assert_eq!(code(ours.call(&theirs.founder, Operation::Me, &Json::Null)), Code::Unauthenticated);
    let key = theirs.key(json!(["connections:read"]));
    assert_eq!(code(ours.call(&key, Operation::Me, &Json::Null)), Code::Unauthenticated);
}

#[test]
fn an_expired_cookie_is_renewed_and_an_expired_bearer_token_is_not() {
    let tenant = Tenant::new(1);
    let Principal::Session { org, user, session, .. } = tenant.founder.clone() else { panic!() };
    let with = |cookie| Principal::Session {
        org: org.clone(),
        user: user.clone(),
        session: session.clone(),
        expired: true,
        cookie,
    };
    let reply = tenant.call(&with(true), Operation::Me, &Json::Null).unwrap();
    assert!(reply.session.is_some_and(|token| !token.is_empty()));
    assert_eq!(code(tenant.call(&with(false), Operation::Me, &Json::Null)), Code::Unauthenticated);
}

#[test]
fn a_session_ends_when_it_is_not_used() {
    let mut tenant = Tenant::new(1);
    let idle = u64::from(tenant.config.sessions.idle_days) * DAY;
    tenant.now_ms = NOW + idle;
    assert!(tenant.call(&tenant.founder, Operation::Me, &Json::Null).is_ok());
    tenant.now_ms += idle + 1;
    assert_eq!(code(tenant.call(&tenant.founder, Operation::Me, &Json::Null)), Code::Unauthenticated);
}

#[test]
fn n2_a_member_reads_and_changes_nothing() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    let list = Operation::ListConnections(Page::default());
    assert!(tenant.call(&member, list, &Json::Null).is_ok());
    for operation in [Operation::CreateConnection, Operation::CreateSource, Operation::CreateApiKey] {
        assert_eq!(code(tenant.call(&member, operation, &connection("abcdefgh"))), Code::Forbidden);
    }
    let keys = Operation::ListApiKeys(Page::default());
    assert_eq!(code(tenant.call(&member, keys, &Json::Null)), Code::Forbidden);
    let overview = tenant.call(&member, Operation::Overview, &Json::Null).unwrap();
    let overview: Json = serde_json::from_slice(&overview.body).unwrap();
    assert!(overview["api_keys"].is_null() && overview["audit"].is_null() && overview["sources"].is_array());
}

#[test]
fn n8_a_removed_member_is_refused_in_the_next_call() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    tenant.sql.exec("DELETE FROM members WHERE user_id = ?", &[user(9).id.as_str().into()]).unwrap();
    assert_eq!(code(tenant.call(&member, Operation::Me, &Json::Null)), Code::Unauthenticated);
}

#[test]
fn n7_a_key_does_what_its_scopes_say_until_it_is_revoked() {
    let tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateApiKey, &json!({ "name": "k", "scopes": ["connections:read"] }));
    let key = tenant.principal_of(created["key"].as_str().unwrap());
    let list = || Operation::ListConnections(Page::default());
    assert!(tenant.call(&key, list(), &Json::Null).is_ok());
    assert_eq!(
        code(tenant.call(&key, Operation::ListSources(Page::default()), &Json::Null)),
        Code::InsufficientScope
    );
    assert_eq!(
        code(tenant.call(&key, Operation::CreateConnection, &connection("abcdefgh"))),
        Code::InsufficientScope
    );
    assert_eq!(code(tenant.call(&key, Operation::LogOut, &Json::Null)), Code::Forbidden);

    let id = protocol::ApiKeyId::parse(created["id"].as_str().unwrap()).unwrap();
    tenant.ok(Operation::RevokeApiKey { id: id.clone() }, &Json::Null);
    assert_eq!(code(tenant.call(&key, list(), &Json::Null)), Code::KeyRevoked);
    assert_eq!(
        code(tenant.call(&tenant.founder, Operation::RevokeApiKey { id }, &Json::Null)),
        Code::NotFound
    );
}

#[test]
fn n7_every_answer_to_a_key_tells_its_own_limit() {
    let tenant = Tenant::new(1);
    let limit = json!({ "limit": 5, "period_seconds": 60 });
    let created = tenant.ok(
        Operation::CreateApiKey,
        &json!({ "name": "k", "scopes": ["connections:read"], "rate_limit": limit }),
    );
    let key = tenant.principal_of(created["key"].as_str().unwrap());
    let told = |principal: &Principal| {
        tenant.call(principal, Operation::ListConnections(Page::default()), &Json::Null).unwrap().rate_limit
    };
    assert_eq!(serde_json::to_value(told(&key)).unwrap(), limit);
    assert_eq!(told(&tenant.key(json!(["connections:read"]))), None);
    assert_eq!(told(&tenant.founder), None);
}

#[test]
fn a_key_expires_to_the_millisecond() {
    let mut tenant = Tenant::new(1);
    let expires_at = protocol::time::rfc3339(NOW + 1000);
    let created = tenant.ok(
        Operation::CreateApiKey,
        &json!({ "name": "k", "scopes": ["connections:read"], "expires_at": expires_at }),
    );
    let key = tenant.principal_of(created["key"].as_str().unwrap());
    tenant.now_ms = NOW + 999;
    assert!(tenant.call(&key, Operation::Me, &Json::Null).is_ok());
    tenant.now_ms = NOW + 1000;
    assert_eq!(code(tenant.call(&key, Operation::Me, &Json::Null)), Code::KeyExpired);
}

#[test]
fn n9_a_key_makes_no_key_that_may_do_more() {
    let tenant = Tenant::new(1);
    let key = tenant.key(json!(["api_keys:write", "connections:read"]));
    let make =
        |scopes: Json| tenant.call(&key, Operation::CreateApiKey, &json!({ "name": "k", "scopes": scopes }));
    assert!(make(json!(["connections:read"])).is_ok());
    assert_eq!(code(make(json!(["connections:read", "connections:write"]))), Code::Forbidden);

    let limited = tenant.ok(
        Operation::CreateApiKey,
        &json!({ "name": "k", "scopes": ["api_keys:write"], "rate_limit": { "limit": 1, "period_seconds": 1 } }),
    );
    let limited = tenant.principal_of(limited["key"].as_str().unwrap());
    let twin = json!({ "name": "k", "scopes": ["api_keys:write"] });
    assert_eq!(code(tenant.call(&limited, Operation::CreateApiKey, &twin)), Code::Forbidden);
}

#[test]
fn a_keys_own_limit_is_never_above_the_operators() {
    let tenant = Tenant::new(1);
    let most = tenant.config.rate_limits.principal;
    let make = |limit: u32, period_seconds: u32| {
        let limit = json!({ "limit": limit, "period_seconds": period_seconds });
        let body = json!({ "name": "k", "scopes": ["audit:read"], "rate_limit": limit });
        tenant.call(&tenant.founder, Operation::CreateApiKey, &body)
    };
    assert!(make(most.limit, most.period_seconds).is_ok());
    assert!(make(1, 86_400).is_ok());
    for (limit, period) in
        [(most.limit + 1, most.period_seconds), (most.limit, 1), (1_000_000, 1), (0, 1), (1, 0)]
    {
        assert_eq!(code(make(limit, period)), Code::ValidationFailed, "{limit} in {period}");
    }
}

#[test]
fn m3_a_key_is_stored_as_a_bcrypt_hash_and_eight_characters() {
    let tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateApiKey, &json!({ "name": "k", "scopes": ["audit:read"] }));
    assert!(created["key"].as_str().unwrap().starts_with(created["prefix"].as_str().unwrap()));
    let rows = tenant.sql.exec("SELECT lookup, hash FROM api_keys", &[]).unwrap();
    let (lookup, hash) = (rows[0].text(0).unwrap(), rows[0].text(1).unwrap());
    assert_eq!(lookup.len(), 8);
    assert!(hash.starts_with("$2b$04$"), "{hash}");
    let key = created["key"].as_str().unwrap();
    let secret = key.rsplit('_').next().unwrap();
    let file = tenant.sql.bytes();
    assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()));
}

#[test]
fn m1_c2_a_credential_is_sealed_on_disk_and_in_no_answer() {
    let tenant = Tenant::new(1);
    let token = secret("bearer");
    let created = tenant.ok(Operation::CreateConnection, &connection(&token));
    let id = created["id"].as_str().unwrap();
    let got = tenant.ok(Operation::GetConnection { id: ConnectionId::parse(id).unwrap() }, &Json::Null);
    assert_eq!(got["allowed_hosts"], json!(["api.example.com"]));
    let grant = tenant.ok(proxy(id, "/x"), &Json::Null);
    let overview = tenant.ok(Operation::Overview, &Json::Null);
    for answer in [created.to_string(), got.to_string(), grant.to_string(), overview.to_string()] {
        assert!(!answer.contains(&token), "{answer}");
    }
    let file = tenant.sql.bytes();
    assert!(!file.windows(token.len()).any(|window| window == token.as_bytes()));

    assert_eq!(granted(grant).credential.open(&tenant.secrets.keyring).unwrap().kind(), "bearer");
}

#[test]
fn invariant_4_a_credential_moved_to_another_row_or_host_does_not_open() {
    let tenant = Tenant::new(1);
    let first = tenant.ok(Operation::CreateConnection, &connection(&secret("one")));
    let second = tenant.ok(Operation::CreateConnection, &connection(&secret("two")));
    let [first, second] = [&first, &second].map(|c| c["id"].as_str().unwrap().to_owned());
    let grant = |id: &str| granted(tenant.ok(proxy(id, "/"), &Json::Null));
    assert!(grant(&first).credential.open(&tenant.secrets.keyring).is_ok());

    let copy = "UPDATE connections SET sealed = (SELECT sealed FROM connections WHERE id = ?) WHERE id = ?";
    tenant.sql.exec(copy, &[second.as_str().into(), first.as_str().into()]).unwrap();
    assert!(grant(&first).credential.open(&tenant.secrets.keyring).is_err());

    let redirect = "UPDATE connections SET allowed_hosts = '[\"evil.example\"]' WHERE id = ?";
    tenant.sql.exec(redirect, &[second.as_str().into()]).unwrap();
    assert!(grant(&second).credential.open(&tenant.secrets.keyring).is_err());
}

#[test]
fn m7_every_use_of_a_credential_is_recorded_with_its_actor_and_address() {
    let tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateConnection, &connection(&secret("bearer")));
    tenant.ok(proxy(created["id"].as_str().unwrap(), "/items?token=mine"), &Json::Null);
    let events = tenant.ok(Operation::ListAudit(Page::default()), &Json::Null);
    let used = &events["data"][0];
    assert_eq!(used["action"], "credential.used");
    assert_eq!(used["actor"], user(1).id.as_str());
    assert_eq!(used["ip"], "192.0.2.1");
    assert_eq!(used["metadata"]["path"], "/v1/items");
    assert_eq!(used["jurisdiction"], "eu");
    assert!(!used.to_string().contains("mine"), "a query may hold a secret");
}

#[test]
fn a_path_that_leaves_the_base_is_refused_before_the_credential_is_touched() {
    let tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateConnection, &connection(&secret("bearer")));
    let id = created["id"].as_str().unwrap();
    for path in ["/../admin", "/%2e%2e/admin", "//evil.example/", "/\\evil.example"] {
        assert_eq!(
            code(tenant.call(&tenant.founder, proxy(id, path), &Json::Null)),
            Code::PathRefused,
            "{path}"
        );
    }
    assert!(!tenant.actions().contains(&"credential.used".to_owned()));
}

#[test]
fn private_hosts_and_plain_http_are_no_base_url() {
    let tenant = Tenant::new(1);
    for base_url in [
        "http://api.example.com",
        "https://127.0.0.1",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://localhost",
        "https://user@api.example.com",
    ] {
        let mut body = connection(&secret("bearer"));
        body["base_url"] = base_url.into();
        let refused = tenant.call(&tenant.founder, Operation::CreateConnection, &body);
        assert_eq!(code(refused), Code::BaseUrlRefused, "{base_url}");
    }
}

#[test]
fn b7_the_chain_shows_a_changed_a_missing_and_a_moved_event() {
    let tampered = |statement: &str| {
        let tenant = Tenant::new(1);
        for name in ["a", "b", "c"] {
            tenant.ok(Operation::CreateApiKey, &json!({ "name": name, "scopes": ["audit:read"] }));
        }
        assert!(tenant.verify_audit().ok);
        tenant.sql.exec(statement, &[]).unwrap();
        tenant.verify_audit()
    };
    assert_eq!(tampered("UPDATE audit SET actor = 'usr_x' WHERE sequence = 3").broken_at, Some(3));
    assert_eq!(tampered("UPDATE audit SET metadata = '{}' WHERE sequence = 4").broken_at, Some(4));
    assert_eq!(tampered("DELETE FROM audit WHERE sequence = 2").broken_at, Some(2));
    assert!(!tampered("UPDATE audit SET sequence = 99 WHERE sequence = 5").ok);
}

#[test]
fn b7_a_long_chain_is_verified_in_parts() {
    let tenant = Tenant::new(1);
    let subject = tenant.context(&call(tenant.founder.clone(), Operation::Me)).subject("system");
    Store::new(&tenant.sql)
        .transaction(|tx| {
            for _ in 0..10_100 {
                let _event = tx.commit(&subject, crate::store::Event::new("test.event", "x"), ())?;
            }
            tx.commit(&subject, crate::store::Event::new("test.event", "x"), ())
        })
        .unwrap();
    let first = tenant.verify_audit();
    assert_eq!((first.ok, first.next_from), (true, Some(10_000)));
    let rest = tenant.verify_audit_from(10_000);
    assert_eq!((rest.ok, rest.next_from, rest.head), (true, None, first.head));
    assert!(tenant.verify_audit_from(u64::MAX).ok);

    tenant.sql.exec("UPDATE audit SET actor = 'usr_x' WHERE sequence = 10050", &[]).unwrap();
    assert!(tenant.verify_audit().ok);
    assert_eq!(tenant.verify_audit_from(10_000).broken_at, Some(10_050));
}

#[test]
fn an_idempotency_key_answers_once() {
    let tenant = Tenant::new(1);
    let body = json!({ "name": "k", "scopes": ["audit:read"] });
    let send = |principal: &Principal, body: &Json| {
        let mut call = call(principal.clone(), Operation::CreateApiKey);
        call.idempotency_key = Some("retry-1".into());
        handle(tenant.context(&call), body.to_string().as_bytes())
    };
    let first = send(&tenant.founder, &body).unwrap();
    let again = send(&tenant.founder, &body).unwrap();
    assert_eq!(first.body, again.body);
    assert!(!first.replayed && again.replayed);
    let other = json!({ "name": "other", "scopes": ["audit:read"] });
    assert_eq!(code(send(&tenant.founder, &other)), Code::IdempotencyMismatch);
    assert_eq!(tenant.sql.exec("SELECT 1 FROM api_keys", &[]).unwrap().len(), 1);

    let somebody_else = tenant.key(json!(["api_keys:write", "audit:read"]));
    assert!(!send(&somebody_else, &body).unwrap().replayed);
    // The kept answer holds the key, so it is sealed.
    let key: Json = serde_json::from_slice(&first.body).unwrap();
    let key = key["key"].as_str().unwrap().as_bytes();
    assert!(!tenant.sql.bytes().windows(key.len()).any(|window| window == key));
}

#[test]
fn n3_a_plan_says_how_many() {
    let mut tenant = Tenant::new(1);
    tenant.config.plans.plans.get_mut("free").unwrap().connections = 1;
    tenant.ok(Operation::CreateConnection, &connection(&secret("one")));
    let second = tenant.call(&tenant.founder, Operation::CreateConnection, &connection(&secret("two")));
    assert_eq!(code(second), Code::PlanRequired);
    assert_eq!(tenant.sql.exec("SELECT 1 FROM connections", &[]).unwrap().len(), 1);
    tenant.sql.exec("UPDATE org SET plan = 'gone'", &[]).unwrap();
    tenant.sleep();
    let unknown = tenant.call(&tenant.founder, Operation::CreateSource, &source());
    assert_eq!(code(unknown), Code::PlanRequired);
}

fn source() -> Json {
    json!({ "provider": "github", "name": "s", "secret": secret("source") })
}

fn webhook(tenant: &Tenant, id: &SourceId, event_id: Option<&str>, body: &[u8]) -> Result<Reply, AppError> {
    let webhook = protocol::call::VerifiedWebhook {
        source: id.clone(),
        generation: 1,
        event_id: event_id.map(str::to_owned),
        event_id_signed: true,
        event_type: Some("push".into()),
        headers: vec![("content-type".into(), "application/json".into())],
    };
    let call = call(Principal::Anonymous, Operation::StoreInbound(Box::new(webhook)));
    handle(tenant.context(&call), body)
}

#[test]
fn a_list_is_read_page_by_page_while_rows_come_and_go() {
    let tenant = Tenant::new(1);
    for name in ["a", "b", "c", "d", "e"] {
        tenant.ok(Operation::CreateApiKey, &json!({ "name": name, "scopes": ["audit:read"] }));
    }
    let page = |cursor: Json| {
        let cursor = cursor.as_str().map(str::to_owned);
        tenant.ok(Operation::ListApiKeys(Page { limit: Some(2), cursor }), &Json::Null)
    };
    let names = |list: &Json| -> Vec<String> {
        list["data"].as_array().unwrap().iter().map(|k| k["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = page(Json::Null);
    assert_eq!(names(&first), ["e", "d"]);
    tenant.ok(Operation::CreateApiKey, &json!({ "name": "f", "scopes": ["audit:read"] }));
    let second = page(first["next_cursor"].clone());
    assert_eq!(names(&second), ["c", "b"]);
    let third = page(second["next_cursor"].clone());
    assert_eq!((names(&third), &third["next_cursor"]), (vec!["a".to_owned()], &Json::Null));

    let bad = Operation::ListApiKeys(Page { limit: None, cursor: Some("con_x".into()) });
    assert_eq!(code(tenant.call(&tenant.founder, bad, &Json::Null)), Code::InvalidRequest);
}

#[test]
fn every_change_leaves_an_event() {
    let tenant = Tenant::new(1);
    let events = || tenant.sql.exec("SELECT COUNT(*) FROM audit", &[]).unwrap()[0].number(0).unwrap();
    let key = tenant.ok(Operation::CreateApiKey, &json!({ "name": "k", "scopes": ["audit:read"] }));
    let connection = tenant.ok(Operation::CreateConnection, &connection(&secret("bearer")));
    let source = tenant.ok(Operation::CreateSource, &source());
    let changes = [
        Operation::RevokeApiKey { id: protocol::ApiKeyId::parse(key["id"].as_str().unwrap()).unwrap() },
        proxy(connection["id"].as_str().unwrap(), "/"),
        Operation::DeleteConnection { id: ConnectionId::parse(connection["id"].as_str().unwrap()).unwrap() },
        Operation::DeleteSource { id: SourceId::parse(source["id"].as_str().unwrap()).unwrap() },
        Operation::LogOut,
    ];
    for change in changes {
        let before = events();
        tenant.ok(change.clone(), &Json::Null);
        assert_eq!(events(), before + 1, "{change:?}");
    }
}

#[test]
fn an_identity_assertion_is_for_its_audience_and_short() {
    let tenant = Tenant::new(1);
    let ask = Operation::VerifyPrincipal { audience: Some("app".into()), want: 0 };
    let verified = tenant.ok(ask, &Json::Null);
    let assertion = verified["assertion"].as_str().unwrap();
    let payload = assertion.split('.').nth(1).unwrap();
    use base64::Engine as _;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Json = serde_json::from_slice(&payload).unwrap();
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!("app"), &json!(user(1).id)));
    assert!(claims["exp"].as_u64().unwrap() <= NOW / 1000 + 120);
    assert!(
        tenant.ok(Operation::VerifyPrincipal { audience: None, want: 0 }, &Json::Null)["assertion"].is_null()
    );
}

#[test]
fn opening_a_session_twice_makes_one_org() {
    let tenant = Tenant::new(1);
    tenant.sign_in(&user(1));
    let count = |table: &str| -> u64 {
        tenant.sql.exec(&format!("SELECT COUNT(*) FROM {table}"), &[]).unwrap()[0].number(0).unwrap()
    };
    assert_eq!((count("org"), count("members"), count("sessions")), (1, 1, 2));
    // Somebody who is no member gets no session, whatever the account's object says.
    let call = call(Principal::Anonymous, Operation::LogIn);
    assert_eq!(code(open_session(tenant.context(&call), &open(&user(5), NOW))), Code::Forbidden);
}

#[test]
fn a_broken_row_is_a_fault_and_not_an_answer() {
    let tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateConnection, &connection(&secret("bearer")));
    tenant.sql.exec("UPDATE connections SET sealed = ?", &[Value::Blob(vec![1, 2, 3])]).unwrap();
    let used = tenant.call(&tenant.founder, proxy(created["id"].as_str().unwrap(), "/"), &Json::Null);
    assert_eq!(code(used), Code::Internal);
}
