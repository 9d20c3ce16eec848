//! Connections of the catalogue: what they take, where they lead, what proves them.

use super::outside::Outside;
use super::*;
use futures_util::FutureExt as _;
use protocol::api::{OrgLimits, RateLimit};
use std::rc::Rc;

fn new(connector: &str, parameters: Json, auth: Json) -> Json {
    json!({ "connector": connector, "name": "c", "parameters": parameters, "auth": auth })
}

fn create(tenant: &Tenant, body: &Json, outside: &Outside) -> Result<Json, AppError> {
    let created = tenant.call_outside(&tenant.founder, Operation::CreateConnection, body, outside);
    created.map(|reply| json_of(&reply))
}

/// Refused for what the caller sent, in words that hold nothing of it.
fn refused(tenant: &Tenant, body: &Json) -> String {
    let error = create(tenant, body, &Outside::default()).unwrap_err();
    let (code, detail) = error.public();
    assert!(matches!(code, Code::ValidationFailed | Code::BaseUrlRefused), "{error} {body}");
    let detail = detail.unwrap().to_string();
    assert!(!detail.contains("planted") && !detail.contains("evil"), "{detail}");
    assert_eq!(tenant.count("connections"), 0, "{body}");
    detail
}

fn bearer() -> Json {
    json!({ "type": "bearer", "token": secret("token") })
}

fn basic() -> Json {
    json!({ "type": "basic", "username": "ada@example.com", "password": secret("password") })
}

fn imap(host: &str) -> Json {
    new("imap", json!({ "host": host }), basic())
}

fn id_of(connection: &Json) -> ConnectionId {
    ConnectionId::parse(connection["id"].as_str().unwrap()).unwrap()
}

#[test]
fn t1_the_catalogue_shows_what_is_asked_for_let_through_and_returned() {
    let tenant = Tenant::new(1);
    let list = tenant.ok(Operation::ListConnectors, &Json::Null);
    let shown: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    let ids: Vec<_> = connectors::catalogue::all().iter().map(|summary| summary.id).collect();
    assert_eq!(shown, ids);
    let gmail = tenant.ok(Operation::GetConnector { connector: "gmail".into() }, &Json::Null);
    assert_eq!(list["data"].as_array().unwrap().iter().find(|one| one["id"] == "gmail"), Some(&gmail));
    assert_eq!(gmail["scopes"][0]["scope"], "https://www.googleapis.com/auth/gmail.readonly");
    assert_eq!(
        (&gmail["auth"][0]["type"], &gmail["revocation"]),
        (&json!("oauth2"), &json!("revoked at the provider"))
    );
    assert!(gmail["client"].is_null() && !gmail["requests"].as_array().unwrap().is_empty());
    let unknown = Operation::GetConnector { connector: "nothing".into() };
    assert_eq!(code(tenant.call(&tenant.founder, unknown, &Json::Null)), Code::NotFound);
}

#[test]
fn the_catalogue_says_where_a_credential_goes() {
    let tenant = Tenant::new(1);
    let created =
        create(&tenant, &new("zendesk", json!({ "subdomain": "acme" }), basic()), &Outside::default());
    let created = created.unwrap();
    assert_eq!(created["base_url"], "https://acme.zendesk.com/");
    assert_eq!(created["allowed_hosts"], json!(["acme.zendesk.com"]));
    assert_eq!(
        (&created["status"], &created["parameters"]),
        (&json!("active"), &json!({ "subdomain": "acme" }))
    );
    let stored = tenant.opened(&id_of(&created));
    assert_eq!(stored.login().unwrap().0, "ada@example.com/token");

    // The generic connector still takes any place.
    tenant.ok(Operation::CreateConnection, &connection(&secret("generic")));
}

#[test]
fn m1_a_parameter_leads_nowhere_else() {
    let tenant = Tenant::new(1);
    for subdomain in [
        "evil.example",
        "evil.example/",
        "evil.example#",
        "a@evil.example",
        "evil.example:443",
        "evil.example%2f",
        "evil\\",
        "EVIL",
        "-evil",
        "xn--evil",
        " evil",
        "evil\n",
        "",
    ] {
        refused(&tenant, &new("zendesk", json!({ "subdomain": subdomain }), basic()));
    }
    for instance in
        ["evil.example", "evil.my.salesforce.com.evil.example", ".my.salesforce.com", "my.salesforce.com"]
    {
        let body = new("salesforce", json!({ "instance": instance }), json!({ "type": "oauth2" }));
        refused(&tenant, &body);
    }
    refused(&tenant, &new("zendesk", json!({}), basic()));
    refused(&tenant, &new("zendesk", json!({ "subdomain": "acme", "evil": "x" }), basic()));
    refused(&tenant, &new("http", json!({ "subdomain": "acme" }), bearer()));
    let mut elsewhere = new("stripe", json!({}), bearer());
    elsewhere["base_url"] = json!("https://evil.example");
    assert!(refused(&tenant, &elsewhere).starts_with("base_url"));
}

#[test]
fn a_connector_takes_its_own_kinds_of_credential_alone() {
    let tenant = Tenant::new(1);
    let key = |place: &str, name: &str| json!({ "type": "api_key", place: name, "value": secret("key") });
    for (connector, auth) in [
        ("stripe", basic()),
        ("stripe", json!({ "type": "oauth2" })),
        ("stripe", key("header", "authorization")),
        ("gmail", bearer()),
        // F5: what needs nothing is no connector of the catalogue's.
        ("stripe", json!({ "type": "none" })),
        ("imap", json!({ "type": "none" })),
        ("imap", bearer()),
        ("http", json!({ "type": "oauth2" })),
        ("nothing", bearer()),
    ] {
        let parameters = if connector == "imap" { json!({ "host": "imap.example.com" }) } else { json!({}) };
        refused(&tenant, &new(connector, parameters, auth));
    }
    for (name, value) in [("return_to", json!("/a")), ("allow_writable_role", json!(true))] {
        let mut body = new("stripe", json!({}), bearer());
        body[name] = value;
        assert!(refused(&tenant, &body).starts_with(name));
    }
}

#[test]
fn an_api_key_goes_into_the_header_that_the_catalogue_names() {
    let tenant = Tenant::new(1);
    let mut seen = 0;
    for summary in connectors::catalogue::all() {
        let connector = connectors::catalogue::get(summary.id).unwrap();
        let placed = connector.credentials.iter().find_map(|credential| credential.header.as_deref());
        let Some(header) = placed else { continue };
        seen += 1;
        let parameters: serde_json::Map<_, _> =
            connector.parameters.keys().map(|name| (name.clone(), json!("acme"))).collect();
        let key = |place: &str, name: &str| json!({ "type": "api_key", place: name, "value": secret("key") });
        for auth in [key("header", "x-evil"), key("query", header)] {
            refused(&tenant, &new(summary.id, json!(parameters), auth));
        }
        for auth in [key("header", header), json!({ "type": "api_key", "value": secret("key") })] {
            let body = new(summary.id, json!(parameters), auth);
            let created = create(&tenant, &body, &Outside::default()).unwrap();
            tenant.ok(Operation::DeleteConnection { id: id_of(&created) }, &Json::Null);
        }
    }
    assert!(seen > 0);
}

#[test]
fn f5_the_generic_connector_takes_no_credential_at_all() {
    let tenant = Tenant::new(1);
    let mut body = new("http", json!({}), json!({ "type": "none" }));
    body["base_url"] = json!("https://api.example.com");
    let created = tenant.ok(Operation::CreateConnection, &body);
    assert_eq!((&created["auth_type"], &created["status"]), (&json!("none"), &json!("active")));
}

#[test]
fn a_mailbox_is_stored_once_it_has_opened() {
    let tenant = Tenant::new(1);
    let outside = Outside::default();
    let created = create(&tenant, &imap("imap.example.com"), &outside).unwrap();
    let login = format!("imap imap.example.com:993 tls ada@example.com {}", secret("password"));
    assert_eq!(*outside.logins.borrow(), [login]);
    assert_eq!(
        (&created["base_url"], &created["allowed_hosts"]),
        (&json!(""), &json!(["imap.example.com:993"]))
    );
    assert_eq!(
        created["parameters"],
        json!({ "host": "imap.example.com", "port": "993", "security": "tls" })
    );
    let bytes = tenant.sql.bytes();
    let password = secret("password");
    assert!(!bytes.windows(password.len()).any(|window| window == password.as_bytes()));
    tenant.opened(&id_of(&created));
}

#[test]
fn a_login_that_is_refused_leaves_nothing() {
    let tenant = Tenant::new(1);
    let length = tenant.verify_audit().length;
    let refuses = Some(LoginRefused { reason: "bad_password", detail: "check it".into() });
    let error = create(&tenant, &imap("imap.example.com"), &Outside { refuses, ..Outside::default() });
    let error = error.unwrap_err();
    assert_eq!(error.public().0, Code::CredentialRefused);
    assert_eq!(error.public().1.unwrap(), "bad_password: check it");
    assert_eq!((tenant.count("connections"), tenant.verify_audit().length), (0, length + 1));
    let event = tenant.last_event();
    assert_eq!((&event["action"], &event["target"]), (&json!("connection.login_tried"), &json!(tenant.org)));
    assert_eq!(event["metadata"], json!({ "connector": "imap", "host": "imap.example.com" }));
}

/// Neither of which leaves a way to find out passwords of other people's servers unseen.
#[test]
fn m7_a_login_is_on_record_before_it_is_tried_and_counted() {
    let tenant = Rc::new(Tenant::new(1));
    let there = Rc::clone(&tenant);
    let tried = move || assert_eq!(there.last_event()["action"], "connection.login_tried");
    let outside = Outside::default().meanwhile(tried);
    let id = id_of(&create(&tenant, &imap("imap.example.com"), &outside).unwrap());

    let refuses = Some(LoginRefused { reason: "bad_password", detail: String::new() });
    let outside = Outside { refuses, ..Outside::default() };
    let replace = Operation::ReplaceCredential { id: id.clone() };
    let refused =
        tenant.call_outside(&tenant.founder, replace.clone(), &json!({ "auth": basic() }), &outside);
    assert_eq!(code(refused), Code::CredentialRefused);
    assert_eq!(tenant.last_event()["target"], json!(id));

    for _ in 2..30 {
        assert_eq!(
            create(&tenant, &imap("imap.example.com"), &outside).unwrap_err().public().0,
            Code::CredentialRefused
        );
    }
    let length = tenant.verify_audit().length;
    let limited = create(&tenant, &imap("imap.example.com"), &outside).unwrap_err();
    assert!(matches!(limited, AppError::Limited { retry_after_seconds: 1..=10, .. }), "{limited}");
    let limited = tenant.call_outside(&tenant.founder, replace, &json!({ "auth": basic() }), &outside);
    assert_eq!(code(limited), Code::RateLimited);
    assert_eq!((outside.logins.borrow().len(), tenant.verify_audit().length), (29, length));
}

#[test]
fn n3_a_full_plan_is_told_before_anybody_is_asked() {
    let tenant = Tenant::new(1);
    for number in 0..20 {
        tenant.ok(Operation::CreateConnection, &connection(&secret(&number.to_string())));
    }
    let (length, outside) = (tenant.verify_audit().length, Outside::default());
    let refused = create(&tenant, &imap("imap.example.com"), &outside).unwrap_err();
    assert_eq!(refused.public().0, Code::PlanRequired);
    assert_eq!((outside.logins.borrow().len(), tenant.verify_audit().length), (0, length));
}

/// A warehouse's parameters say nothing of TLS, which its protocol always has.
#[test]
fn a_warehouse_is_stored_once_it_has_opened() {
    let tenant = Tenant::new(1);
    let outside = Outside::default();
    let created =
        create(&tenant, &new("postgres", json!({ "host": "db.example.com" }), basic()), &outside).unwrap();
    let login = format!("postgres db.example.com:5432 tls ada@example.com {}", secret("password"));
    assert_eq!(*outside.logins.borrow(), [login]);
    assert_eq!(created["allowed_hosts"], json!(["db.example.com:5432"]));
}

#[test]
fn m1_a_login_goes_to_public_hosts_alone() {
    let tenant = Tenant::new(1);
    for host in [
        "localhost",
        "127.0.0.1",
        "169.254.169.254",
        "metadata.google.internal",
        "[::1]",
        "2130706433",
        "imap.example.com:25",
        "imap.example.com/x",
        "evil@imap.example.com",
        "IMAP.example.com",
        "imap.example.com.",
        "",
    ] {
        refused(&tenant, &imap(host));
    }
    for (name, value) in
        [("port", "0"), ("port", "65536"), ("port", "993/"), ("security", "plain"), ("security", "none")]
    {
        let mut body = imap("imap.example.com");
        body["parameters"][name] = json!(value);
        refused(&tenant, &body);
    }
}

#[test]
fn a_login_to_this_machine_is_for_development() {
    let tenant = Tenant::new(1);
    let mut body = imap("127.0.0.1");
    body["parameters"]["port"] = json!("1143");
    let outside = Outside::default();
    let call = call(tenant.founder.clone(), Operation::CreateConnection);
    let ctx = Context { targets: &TargetPolicy::Development.into(), ..tenant.context(&call) };
    let reply = block_on(handle_remote(ctx, &outside, body.to_string().as_bytes())).unwrap();
    assert_eq!(json_of(&reply)["allowed_hosts"], json!(["127.0.0.1:1143"]));
    assert!(outside.logins.borrow()[0].starts_with("imap 127.0.0.1:1143 tls "));
}

#[test]
fn a_repeated_call_does_not_log_in_again() {
    let tenant = Tenant::new(1);
    let mut keyed = call(tenant.founder.clone(), Operation::CreateConnection);
    keyed.idempotency_key = Some("once".into());
    let body = imap("imap.example.com").to_string();
    let outside = Outside::default();
    let run = || block_on(handle_remote(tenant.context(&keyed), &outside, body.as_bytes())).unwrap();
    let (first, second) = (run(), run());
    assert!(second.replayed && first.body == second.body);
    assert_eq!((outside.logins.borrow().len(), tenant.count("connections")), (1, 1));
    let other = imap("other.example.com").to_string();
    let mismatch = block_on(handle_remote(tenant.context(&keyed), &outside, other.as_bytes()));
    assert_eq!(code(mismatch), Code::IdempotencyMismatch);
    assert_eq!(outside.logins.borrow().len(), 1);
}

#[test]
fn what_changed_during_a_login_decides() {
    type Change = fn(&Tenant);
    let demoted: Change = |tenant| drop(tenant.sql.exec("UPDATE members SET role = 'member'", &[]).unwrap());
    let left: Change = |tenant| drop(tenant.ok(Operation::LogOut, &Json::Null));
    let full: Change = |tenant| {
        for number in 0..20 {
            let other = call(tenant.founder.clone(), Operation::CreateConnection);
            let body = connection(&secret(&number.to_string())).to_string();
            let created = handle_remote(tenant.context(&other), &Nobody, body.as_bytes()).now_or_never();
            assert!(created.unwrap().is_ok());
        }
    };
    for (change, expected) in
        [(demoted, Code::Forbidden), (left, Code::Unauthenticated), (full, Code::PlanRequired)]
    {
        let tenant = Rc::new(Tenant::new(1));
        let there = Rc::clone(&tenant);
        let outside = Outside::default().meanwhile(move || change(&there));
        let refused = create(&tenant, &imap("imap.example.com"), &outside).unwrap_err();
        assert_eq!(refused.public().0, expected);
        let mailboxes = tenant.sql.exec("SELECT 1 FROM connections WHERE connector = 'imap'", &[]).unwrap();
        assert!(mailboxes.is_empty());
    }
}

/// Waiting for a server does not spend the caller's requests twice.
#[test]
fn a_login_counts_as_one_request() {
    let tenant = Tenant::new(1);
    let limit = Some(RateLimit { limit: 2, period_seconds: 86_400 });
    let limits = OrgLimits { principal: None, org: limit };
    tenant.ask(&AskOrg::SetLimits { operator: user(99).id, limits }).unwrap();
    for _ in 0..2 {
        create(&tenant, &imap("imap.example.com"), &Outside::default()).unwrap();
    }
    let third = create(&tenant, &imap("imap.example.com"), &Outside::default()).unwrap_err();
    assert_eq!(third.public().0, Code::RateLimited);
}

#[test]
fn a_replaced_credential_keeps_the_id_and_the_place() {
    let tenant = Tenant::new(1);
    let created =
        create(&tenant, &new("zendesk", json!({ "subdomain": "acme" }), basic()), &Outside::default());
    let id = id_of(&created.unwrap());
    tenant.sql.exec("UPDATE connections SET status = 'reauthorization_required'", &[]).unwrap();
    let auth = json!({ "type": "basic", "username": "bob@example.com", "password": secret("newer") });
    let replaced = tenant.ok(Operation::ReplaceCredential { id: id.clone() }, &json!({ "auth": auth }));
    assert_eq!((&replaced["id"], &replaced["status"]), (&json!(id), &json!("active")));
    let stored = tenant.opened(&id);
    assert_eq!(stored.login().unwrap().0, "bob@example.com/token");
    let rows = tenant.sql.exec("SELECT generation FROM connections", &[]).unwrap();
    assert_eq!(rows[0].number(0), Ok(2));
    let event = tenant.last_event();
    assert_eq!((&event["action"], &event["target"]), (&json!("connection.credential_replaced"), &json!(id)));
    assert!(!event.to_string().contains("planted"));
    assert!(tenant.verify_audit().ok);
}

#[test]
fn a_replacement_is_of_the_same_kind_and_opens_the_same_mailbox() {
    let tenant = Rc::new(Tenant::new(1));
    let mailbox = id_of(&create(&tenant, &imap("imap.example.com"), &Outside::default()).unwrap());
    let http = id_of(&tenant.ok(Operation::CreateConnection, &connection(&secret("http"))));
    let replace = |id: &ConnectionId, auth: Json, outside: &Outside| {
        let operation = Operation::ReplaceCredential { id: id.clone() };
        tenant.call_outside(&tenant.founder, operation, &json!({ "auth": auth }), outside)
    };
    let before = tenant.sql.exec("SELECT sealed FROM connections ORDER BY id", &[]).unwrap();
    for (id, auth) in [(&http, basic()), (&mailbox, bearer()), (&http, json!({ "type": "oauth2" }))] {
        assert_eq!(code(replace(id, auth, &Outside::default())), Code::ValidationFailed);
    }
    let refuses = Some(LoginRefused { reason: "bad_password", detail: String::new() });
    let outside = Outside { refuses, ..Outside::default() };
    assert_eq!(code(replace(&mailbox, basic(), &outside)), Code::CredentialRefused);
    assert_eq!(tenant.sql.exec("SELECT sealed FROM connections ORDER BY id", &[]).unwrap(), before);
    let nowhere = ConnectionId::parse("con_00000000000000000000000000").unwrap();
    assert_eq!(code(replace(&nowhere, basic(), &Outside::default())), Code::NotFound);

    // Disconnected while its server was asked: it does not come back.
    let (there, delete) = (Rc::clone(&tenant), Operation::DeleteConnection { id: mailbox.clone() });
    let outside = Outside::default().meanwhile(move || {
        let delete = call(there.founder.clone(), delete);
        assert!(handle_remote(there.context(&delete), &Nobody, b"").now_or_never().unwrap().is_ok());
    });
    assert_eq!(code(replace(&mailbox, basic(), &outside)), Code::NotFound);
    assert_eq!(tenant.count("connections"), 1);
}

/// Invariant 4: whoever can write rows has a new credential sent or sealed to no host of theirs.
#[test]
fn a_row_that_names_another_host_gets_no_credential() {
    const MAILBOX: &str =
        "UPDATE connections SET parameters = replace(parameters, 'imap.example.com', 'imap.evil.example')";
    const PORT: &str = "UPDATE connections SET parameters = replace(parameters, '993', '9930')";
    const SEALED: &str =
        "UPDATE connections SET allowed_hosts = replace(allowed_hosts, 'example.com', 'evil.example')";
    for changes in [&[MAILBOX][..], &[PORT], &[SEALED], &[MAILBOX, SEALED]] {
        let tenant = Tenant::new(1);
        let mailbox = id_of(&create(&tenant, &imap("imap.example.com"), &Outside::default()).unwrap());
        let http = id_of(&tenant.ok(Operation::CreateConnection, &connection(&secret("http"))));
        for change in changes {
            tenant.sql.exec(change, &[]).unwrap();
        }
        let before = tenant.sql.exec("SELECT sealed FROM connections ORDER BY id", &[]).unwrap();
        let outside = Outside::default();
        let replace = |id: ConnectionId, auth: Json| {
            let replace = Operation::ReplaceCredential { id };
            tenant.call_outside(&tenant.founder, replace, &json!({ "auth": auth }), &outside).is_ok()
        };
        assert!(!replace(mailbox, basic()), "{changes:?}");
        assert!(outside.logins.borrow().is_empty(), "{changes:?}");
        assert_eq!(replace(http, bearer()), !changes.contains(&SEALED), "{changes:?}");
        let after = tenant.sql.exec("SELECT sealed FROM connections ORDER BY id", &[]).unwrap();
        assert_eq!(before == after, changes.contains(&SEALED), "{changes:?}");
    }
}

/// N3: a plan without connections logs in nowhere, for a new credential no more than for the old one.
#[test]
fn n3_a_suspended_workspace_replaces_no_credential() {
    let mut tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &imap("imap.example.com"), &Outside::default()).unwrap());
    tenant.sql.exec("UPDATE org SET plan = 'suspended'", &[]).unwrap();
    tenant.sleep();
    let replace = Operation::ReplaceCredential { id: id.clone() };
    let refused =
        tenant.call_outside(&tenant.founder, replace, &json!({ "auth": basic() }), &Outside::default());
    assert_eq!(code(refused), Code::PlanRequired);
    tenant.ok(Operation::DeleteConnection { id }, &Json::Null);
}

#[test]
fn what_a_person_grants_is_not_replaced_by_a_call() {
    let mut tenant = Tenant::new(1);
    let client = config::Connector { client_id: Some("client".into()), stand_in: None };
    tenant.config.connectors.insert("gmail".into(), client);
    tenant.secrets.connector_clients.insert("gmail".into(), secret("operator").into());
    let body = new("gmail", json!({}), json!({ "type": "oauth2" }));
    let id = id_of(&tenant.ok(Operation::CreateConnection, &body));
    let replace = Operation::ReplaceCredential { id };
    let refused = tenant.call(&tenant.founder, replace, &json!({ "auth": bearer() }));
    assert_eq!(code(refused), Code::ValidationFailed);

    let http = id_of(&tenant.ok(Operation::CreateConnection, &connection(&secret("http"))));
    let authorize = Operation::AuthorizeConnection { id: http };
    assert_eq!(code(tenant.call(&tenant.founder, authorize, &json!({}))), Code::ValidationFailed);
}

#[test]
fn a_connection_to_this_service_itself_is_refused_when_stored_and_when_called() {
    let tenant = Tenant::new(1);
    for url in [OWN_ORIGIN, "https://GATE.example.com:443/v1"] {
        let mut body = new("http", json!({}), bearer());
        body["base_url"] = json!(url);
        assert!(refused(&tenant, &body).contains("this service itself"), "{url}");
    }
    let created = tenant.ok(Operation::CreateConnection, &connection(&secret("bearer")));
    let moved = "UPDATE connections SET base_url = 'https://gate.example.com/v1'";
    tenant.sql.exec(moved, &[]).unwrap();
    let asked = Operation::DryRun { id: id_of(&created) };
    let said = tenant.ok(asked, &json!({ "method": "GET", "path": "/x" }));
    assert_eq!(said["allowed"], false);
    assert!(said["reason"].as_str().unwrap().contains("this service itself"), "{said}");
}
