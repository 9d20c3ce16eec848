//! The end of an org: everything or nothing, proven by a certificate, and by nobody who may not.

use super::refresh::connect;
use super::*;
use crate::org::deletion::{BULK, ORG, OUTBOX, TABLES, clear, has_rest};
use crate::org::outbox::{Task, done, next};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use protocol::api::{DeletedOrg, Receipt, Revocation};
use sha2::Digest as _;
use std::cell::Cell;
use std::rc::Rc;

const NAME: &str = "Acme";

fn body(name: &str) -> Json {
    json!({ "name": name })
}

/// With something in it of everything that a secret is part of.
fn furnished() -> Tenant {
    let mut tenant = Tenant::new(1);
    super::data_key::furnish(&mut tenant);
    tenant.add_member(&user(9));
    tenant.ok(Operation::CreateInvitation, &json!({ "email": "u7@example.com", "role": "member" }));
    tenant
}

impl Tenant {
    fn delete(&self) -> DeletedOrg {
        self.call(&self.founder, Operation::DeleteOrg, &body(NAME)).unwrap().read().unwrap()
    }

    /// What the alarm does, however often it takes.
    fn clear(&self) -> u32 {
        let mut alarms = 0;
        while has_rest(self.store()).unwrap() {
            clear(self.store()).unwrap();
            alarms += 1;
        }
        assert!(BULK.into_iter().all(|table| self.count(table) == 0));
        alarms
    }

    fn is_whole(&self) -> bool {
        self.count("org") == 1 && self.count("members") == 2 && self.count("tombstone") == 0
    }
}

#[test]
fn b4_nothing_is_left_but_the_tombstone_and_who_is_to_be_told() {
    let tenant = furnished();
    let wrapped = tenant.sql.exec("SELECT wrapped_dek FROM org", &[]).unwrap()[0].blob(0).unwrap().to_vec();
    let sealed = tenant.sql.exec("SELECT sealed FROM connections", &[]).unwrap();
    let sealed: Vec<Vec<u8>> = sealed.iter().map(|row| row.blob(0).unwrap().to_vec()).collect();
    let reply = tenant.call(&tenant.founder, Operation::DeleteOrg, &body(NAME)).unwrap();
    assert_eq!((reply.status, reply.session.as_ref().map(|token| token.len())), (200, Some(0)));
    for table in TABLES.into_iter().chain([ORG]) {
        assert_eq!(tenant.count(table), 0, "{table}");
    }
    tenant.clear();
    let bytes = tenant.sql.bytes();
    for secret in sealed.iter().chain([&wrapped]) {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "overwritten");
    }
    let mut told = Vec::new();
    while let Some((_, task)) = next(tenant.store(), NOW).unwrap() {
        told.push(task);
    }
    let told_users: Vec<&UserId> = told
        .iter()
        .filter_map(|task| match task {
            Task::TellAccount { user, .. } => Some(user),
            _ => None,
        })
        .collect();
    assert_eq!(told_users, [&user(1).id, &user(9).id]);
    assert_eq!((told.len(), told.last()), (3, Some(&Task::LeaveRegistry)));
    assert_eq!(crate::org::buried(tenant.store()).unwrap().as_ref(), Some(&tenant.org));
}

#[test]
fn b4_a_task_that_is_being_done_meanwhile_takes_none_of_the_last_ones_with_it() {
    let tenant = Tenant::new(1);
    let ended = connect(&tenant, "gmail", Some("fake-refresh-token"), None);
    tenant.ok(Operation::DeleteConnection { id: ended }, &Json::Null);
    let due = NOW + 30_000;
    let (id, task) = next(tenant.store(), due).unwrap().unwrap();
    assert!(matches!(task, Task::Revoke { .. }));
    tenant.delete();
    done(tenant.store(), id).unwrap();
    let (_, told) = next(tenant.store(), due).unwrap().unwrap();
    assert_eq!(told, Task::TellAccount { user: user(1).id, email: user(1).email });
    assert_eq!(next(tenant.store(), due).unwrap().unwrap().1, Task::LeaveRegistry);
    assert_eq!(next(tenant.store(), due).unwrap(), None);
}

/// A table that the deletion does not know would outlive its org.
#[test]
fn b4_every_table_is_emptied() {
    let tenant = Tenant::new(1);
    let tables =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let tables = tenant.sql.exec(tables, &[]).unwrap();
    let tables: Vec<&str> = tables.iter().map(|row| row.text(0).unwrap()).collect();
    let mut known: Vec<&str> =
        TABLES.into_iter().chain(BULK).chain([ORG, OUTBOX, "migrations", "tombstone"]).collect();
    known.sort_unstable();
    assert_eq!(tables, known);
}

#[test]
fn b4_the_certificate_says_what_was_destroyed_and_the_published_keys_prove_it() {
    let tenant = furnished();
    let DeletedOrg { certificate, claims } = tenant.delete();
    assert_eq!((&claims.sub, claims.iss.as_str()), (&tenant.org, protocol::ISSUER));
    assert_eq!((claims.iat, claims.jurisdiction.as_str()), (NOW / 1000, "eu"));
    assert_eq!((claims.dek_version, claims.kek_version), (1, 1));
    assert_eq!((claims.rows["members"], claims.rows["sources"], claims.rows["org"]), (2, 1, 1));
    assert_eq!(claims.rows["audit"], claims.audit_length);
    // Ended at their providers as far as that went; the credentials are gone in any case.
    assert_eq!(claims.receipts.len(), 3);
    assert!(claims.receipts.iter().all(|receipt| receipt.deleted_at.is_some()));
    assert!(claims.receipts.iter().all(|receipt| receipt.revocation != Revocation::Pending));
    let parts: Vec<&str> = certificate.split('.').collect();
    let json = |part| serde_json::from_slice::<Json>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(json(parts[0])["typ"], tokens::DELETION_CERTIFICATE);
    assert_eq!(json(parts[1]), serde_json::to_value(&claims).unwrap());
    let kept = tenant.sql.exec("SELECT certificate FROM tombstone", &[]).unwrap();
    assert_eq!(kept[0].text(0).unwrap(), certificate);
    // It opens nothing.
    let verifier = tokens::SessionVerifier::from_jwks(&tenant.secrets.signer.jwks()).unwrap();
    assert!(verifier.verify(&certificate, protocol::ISSUER, NOW / 1000).is_err());
}

/// A row of a Durable Object holds 2 MB, whatever the org has been through.
#[test]
fn b4_an_org_of_any_past_can_be_deleted_and_its_certificate_counts_what_it_does_not_list() {
    let tenant = Tenant::new(1);
    let name = "\u{1f511}".repeat(100);
    let receipts = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999) \
                    INSERT INTO receipts (connection_id, connector, name, parameters, allowed_hosts, sealed, revocation, \
                    disconnected_at, deleted_at) SELECT 'con_' || printf('%026d', i), 'http', ?, '{}', '[]', x'', \
                    'unsupported', ?, CASE WHEN i < 2000 THEN ? END FROM n";
    let before = NOW - 1;
    tenant.sql.exec(receipts, &[name.as_str().into(), before.into(), before.into()]).unwrap();
    let DeletedOrg { certificate, claims } = tenant.delete();
    assert_eq!((claims.receipts_total, claims.receipts.len()), (3_000, 200));
    assert_eq!(claims.rows["receipts"], 3_000);
    // Those that were ended before are not listed again.
    assert_eq!(claims.receipts[0].connection_id.as_str(), format!("con_{:026}", 2_000));
    assert!(certificate.len() < 1_000_000, "{}", certificate.len());
}

#[test]
fn b4_all_receipts_are_in_the_certificates_hash() {
    let tenant = furnished();
    let settled = "UPDATE receipts SET revocation = 'revoked', sealed = x'', deleted_at = ?";
    tenant.sql.exec(settled, &[(NOW - 1).into()]).unwrap();
    let before = tenant.ok(Operation::ListReceipts(Page::default()), &Json::Null)["data"][0].take();
    let before: Receipt = serde_json::from_value(before).unwrap();
    let claims = tenant.delete().claims;
    assert_eq!((claims.receipts.len(), claims.receipts_total), (2, 3));
    let all: Vec<String> = [&before]
        .into_iter()
        .chain(&claims.receipts)
        .map(|receipt| serde_json::to_string(receipt).unwrap() + "\n")
        .collect();
    assert_eq!(claims.receipts_sha256, crate::context::hex(&sha2::Sha256::digest(all.concat())));
}

#[test]
fn b4_afterwards_every_call_is_answered_as_for_an_org_that_never_was() {
    let (deleted, mut never) = (furnished(), Tenant::new(1));
    let key = deleted.key(json!(["connections:read", "audit:read"]));
    let member = deleted.sign_in(&user(9));
    deleted.delete();
    never.sql = Native::new();
    migrations::run(&never.sql, migrations::ORG).unwrap();
    for (_, path, operation) in operations() {
        for who in [&deleted.founder, &member, &key, &Principal::Anonymous] {
            let answers =
                [&deleted, &never].map(|tenant| code(tenant.call(who, operation.clone(), &body(NAME))));
            assert_eq!(answers[0], answers[1], "{path} {who:?}");
            let nobody = matches!(answers[0], Code::Unauthenticated | Code::NotFound | Code::Forbidden);
            assert!(nobody, "{path} {who:?}: {:?}", answers[0]);
        }
    }
    for ask in [
        AskOrg::Authorize,
        AskOrg::Rewrap { version: Some(1) },
        AskOrg::Join { digest: "0".into(), user: user(9) },
        AskOrg::Stands { user: user(1).id, session: session_of(&deleted.founder) },
    ] {
        let answers = [&deleted, &never].map(|tenant| tenant.ask(&ask).unwrap_err().public().0);
        assert_eq!(answers[0], answers[1]);
    }
}

#[test]
fn b4_what_is_many_goes_in_batches_and_only_when_the_org_is_gone() {
    let tenant = furnished();
    let events = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
                  INSERT INTO inbound_events (id, source_id, provider, dedupe_key, received_at, size, sealed) \
                  SELECT 'more' || i, 'src', 'github', i, 0, 0, x'' FROM n";
    tenant.sql.exec(events, &[]).unwrap();
    clear(tenant.store()).unwrap();
    assert!(!has_rest(tenant.store()).unwrap());
    assert_eq!(tenant.count("inbound_events"), 1_201);
    let claims = tenant.delete().claims;
    assert_eq!((claims.rows["inbound_events"], tenant.count("inbound_events")), (1_201, 1_201));
    assert_eq!(tenant.clear(), 3);
    // Whoever is still to be told is not forgotten by it.
    assert_eq!((tenant.count("outbox"), tenant.count("tombstone")), (3, 1));
    clear(tenant.store()).unwrap();
}

#[test]
fn b4_its_id_is_never_an_orgs_again() {
    let tenant = Tenant::new(1);
    tenant.delete();
    let again = tenant.ask(&AskOrg::OpenSession(open(&user(1), NOW))).unwrap_err();
    assert_eq!(again.public().0, Code::Forbidden);
    assert_eq!((tenant.count("org"), tenant.count("sessions")), (0, 0));
}

#[test]
fn b4_only_an_administrator_who_has_just_proven_it_and_knows_the_name_deletes() {
    let mut tenant = furnished();
    let member = tenant.sign_in(&user(9));
    let scopes: Vec<Json> = protocol::Scope::all().map(|scope| json!(scope)).collect();
    let key = tenant.key(json!(scopes));
    let stranger = Tenant::new(2);
    let delete =
        |tenant: &Tenant, who: &Principal, body: &Json| code(tenant.call(who, Operation::DeleteOrg, body));
    assert_eq!(delete(&tenant, &member, &body(NAME)), Code::Forbidden);
    assert_eq!(delete(&tenant, &key, &body(NAME)), Code::Forbidden);
    assert_eq!(delete(&tenant, &stranger.founder, &body(NAME)), Code::Unauthenticated);
    assert_eq!(delete(&tenant, &Principal::Anonymous, &body(NAME)), Code::Unauthenticated);
    for wrong in [json!({}), body("acme"), body("Acme "), body(""), json!({ "name": NAME, "force": true })] {
        assert_eq!(delete(&tenant, &tenant.founder, &wrong), Code::ValidationFailed, "{wrong}");
    }
    tenant.now_ms += u64::from(tenant.config.sessions.reauthentication_minutes) * 60_000 + 1;
    assert_eq!(delete(&tenant, &tenant.founder, &body(NAME)), Code::ReauthenticationRequired);
    assert!(tenant.is_whole());
    assert_eq!(tenant.count("connections"), 2, "nothing was disconnected either");
}

/// A provider that does something to the org while it is waited for.
#[derive(Clone)]
struct Meanwhile(Rc<dyn Fn()>);

impl Remote for Meanwhile {
    async fn send(&self, _: RemoteRequest) -> Result<RemoteAnswer, NoAnswer> {
        (self.0)();
        Err(NoAnswer)
    }

    async fn log_in(&self, _: Login<'_>) -> Result<(), LoginRefused> {
        unreachable!()
    }

    fn now_ms(&self) -> u64 {
        NOW
    }
}

/// Runs a deletion, and something else while a provider is waited for.
fn with_meanwhile(meanwhile: impl Fn(&Tenant) + 'static) -> (Rc<Tenant>, Result<Reply, AppError>) {
    let tenant = Rc::new(Tenant::new(1));
    connect(&tenant, "gmail", Some("fake-refresh-token"), None);
    let (inner, once) = (tenant.clone(), Cell::new(true));
    let remote = Meanwhile(Rc::new(move || {
        if once.replace(false) {
            meanwhile(&inner);
        }
    }));
    let delete = call(tenant.founder.clone(), Operation::DeleteOrg);
    let body = body(NAME).to_string();
    let outcome = handle_remote(tenant.context(&delete), &remote, body.as_bytes()).now_or_never().unwrap();
    (tenant, outcome)
}

#[test]
fn b4_of_two_deletions_at_once_one_deletes_and_the_other_finds_nobody() {
    let (tenant, outcome) = with_meanwhile(|tenant| {
        tenant.delete();
    });
    assert_eq!(code(outcome), Code::Unauthenticated);
    assert_eq!(tenant.count("tombstone"), 1);
    assert_eq!(code(tenant.call(&tenant.founder, Operation::DeleteOrg, &body(NAME))), Code::Unauthenticated);
    let kept = tenant.sql.exec("SELECT MAX(sequence) FROM audit WHERE action <> 'org.deleted'", &[]).unwrap();
    let last = tenant.count("audit");
    assert_eq!(kept[0].number(0).unwrap(), last - 1, "what came too late has written nothing");
}

#[test]
fn b4_who_loses_the_right_while_providers_are_waited_for_deletes_nothing() {
    let (tenant, outcome) = with_meanwhile(|tenant| {
        tenant.sql.exec("UPDATE members SET role = 'member'", &[]).unwrap();
    });
    assert_eq!(code(outcome), Code::Forbidden);
    assert_eq!((tenant.count("org"), tenant.count("tombstone")), (1, 0));
}

#[test]
fn b4_a_connection_made_meanwhile_is_destroyed_and_said_not_to_be_revoked() {
    let (_, outcome) = with_meanwhile(|tenant| {
        tenant.ok(Operation::CreateConnection, &connection(&secret("late")));
    });
    let claims = outcome.unwrap().read::<DeletedOrg>().unwrap().claims;
    assert_eq!(claims.rows["connections"], 1);
    let late = claims.receipts.last().unwrap();
    assert_eq!((late.connector.as_str(), late.revocation), ("http", Revocation::Failed));
    assert!(late.detail.as_ref().unwrap().contains("by hand"));
}

/// A database that fails at one statement.
struct Failing {
    sql: Native,
    statements: Cell<u32>,
}

impl crate::store::Sql for Failing {
    fn exec(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Vec<crate::store::Row>, crate::store::SqlError> {
        let left = self.statements.get();
        self.statements.set(left.saturating_sub(1));
        if left == 0 { Err(crate::store::SqlError::Statement) } else { self.sql.exec(statement, parameters) }
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), crate::store::SqlError> {
        self.sql.atomically(body)
    }
}

#[test]
fn b4_a_deletion_that_ends_at_any_statement_leaves_all_of_the_org_or_nothing() {
    for statements in 0.. {
        let mut tenant = furnished();
        let sql = std::mem::replace(&mut tenant.sql, Native::new());
        let failing = Failing { sql, statements: Cell::new(statements) };
        let delete = call(tenant.founder.clone(), Operation::DeleteOrg);
        let ctx = Context { store: Store::new(&failing), ..tenant.context(&delete) };
        let outcome = block_on(handle_remote(ctx, &Nobody, body(NAME).to_string().as_bytes()));
        tenant.sql = failing.sql;
        if outcome.is_ok() {
            assert_eq!((tenant.count("org"), tenant.count("tombstone")), (0, 1));
            assert!(statements > 60, "{statements}");
            return;
        }
        assert!(tenant.is_whole(), "{statements}");
        assert_eq!(tenant.count("inbound_events"), 1);
        assert!(tenant.verify_audit().ok);
        // And can be deleted then.
        if statements % 10 == 0 {
            tenant.delete();
        }
    }
}

/// Whose keyboard writes an accent as two code points types the same name (UAX 15).
#[test]
fn b4_a_name_is_compared_as_it_is_read() {
    let tenant = Tenant::new(1);
    tenant.sql.exec("UPDATE org SET name = ?", &["Caf\u{e9} 1".into()]).unwrap();
    let typed = |name: &str| tenant.call(&tenant.founder, Operation::DeleteOrg, &body(name));
    assert!(typed("Cafe 1").is_err() && typed("Cafe\u{301}1").is_err());
    assert_eq!(typed("Cafe\u{301} 1").unwrap().status, 200);
}
