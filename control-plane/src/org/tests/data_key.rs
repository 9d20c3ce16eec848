//! The org's data key: what wraps it, its rotation, and the records that are sealed anew meanwhile.

use super::refresh::connect;
use super::*;
use crate::asks::{AskAccount, AskIdentity, AskRegistry, Wrapped};
use crate::flows::Objects;
use crate::org::{keys, reseal};
use crate::secrets::tests::with_keyring;
use protocol::call::{SourceKeys, VerifiedWebhook};
use serde::de::DeserializeOwned;

/// A registry that says which version is current.
struct Registry {
    current: u32,
    told: RefCell<Vec<Option<u32>>>,
    people: RefCell<Vec<String>>,
    down: bool,
}

impl Registry {
    fn new(current: u32) -> Self {
        Self { current, told: RefCell::default(), people: RefCell::default(), down: false }
    }
}

impl Objects for Registry {
    async fn registry<T: DeserializeOwned>(&self, _: &str, ask: &AskRegistry) -> Result<T, AppError> {
        let AskRegistry::Register { id, kek } = ask else { unreachable!() };
        if self.down {
            return Err(Code::Unavailable.into());
        }
        if id.starts_with("usr_") {
            self.people.borrow_mut().push(id.clone());
        } else {
            self.told.borrow_mut().push(*kek);
        }
        Reply::json(200, &Wrapped { version: self.current })?.read()
    }

    async fn identity<T: DeserializeOwned>(&self, _: &str, _: &AskIdentity) -> Result<T, AppError> {
        unreachable!()
    }

    async fn account<T: DeserializeOwned>(&self, _: &UserId, _: &AskAccount) -> Result<T, AppError> {
        unreachable!()
    }

    async fn org(&self, _: &OrgId, _: &AskOrg) -> Result<Reply, AppError> {
        unreachable!()
    }

    async fn operate(&self, _: &OrgId, _: &Operation) -> Result<Reply, AppError> {
        unreachable!()
    }
}

impl Tenant {
    fn rewrap(&self, version: Option<u32>) -> Result<u32, AppError> {
        Ok(self.ask(&AskOrg::Rewrap { version })?.read::<Wrapped>()?.version)
    }

    fn alarm(&self, registry: &Registry) -> Result<(), AppError> {
        let call = call(Principal::Anonymous, Operation::Me);
        block_on(keys::background(self.context(&call), registry))
    }

    fn org_key(&self) -> Json {
        self.ok(Operation::GetOrgKey, &Json::Null)
    }

    fn source_secret(&self, id: &str) -> Result<String, AppError> {
        let operation = Operation::SourceKeys { id: SourceId::parse(id).unwrap() };
        let reply = self.call(&Principal::Anonymous, operation, &Json::Null)?;
        Ok(reply.read::<SourceKeys>()?.secrets.remove(0))
    }

    fn source(&self) -> String {
        let body = json!({ "provider": "github", "name": "s", "secret": secret("source") });
        self.ok(Operation::CreateSource, &body)["id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn c7_an_org_is_wrapped_by_the_version_that_it_is_asked_to_take_and_reads_all_as_before() {
    let mut tenant = Tenant::new(1);
    let source = tenant.source();
    tenant.secrets = with_keyring(1, &[1, 2]);
    assert_eq!(tenant.rewrap(None).unwrap(), 1);
    assert_eq!(tenant.rewrap(Some(2)).unwrap(), 2);
    let event = tenant.last_event();
    assert_eq!(event["action"], "org_key.rewrapped");
    assert_eq!((&event["metadata"], &event["actor"]), (&json!({ "from": 1, "to": 2 }), &json!("system")));
    // The old key is not needed any more.
    tenant.secrets = with_keyring(2, &[2]);
    assert_eq!(tenant.source_secret(&source).unwrap(), secret("source"));
    assert_eq!(tenant.org_key()["kek_version"], 2);
}

#[test]
fn c7_asks_that_overtake_each_other_never_lead_back() {
    let mut tenant = Tenant::new(1);
    tenant.secrets = with_keyring(1, &[1, 2, 3]);
    assert_eq!(tenant.rewrap(Some(3)).unwrap(), 3);
    let events = tenant.count("audit");
    assert_eq!(tenant.rewrap(Some(2)).unwrap(), 3);
    assert_eq!(tenant.rewrap(Some(3)).unwrap(), 3);
    assert_eq!(tenant.count("audit"), events);
}

#[test]
fn c7_a_version_that_is_not_deployed_here_is_refused_and_an_org_that_is_not_there_says_so() {
    let tenant = Tenant::new(1);
    assert_eq!(tenant.rewrap(Some(2)).unwrap_err().public().0, Code::KeyVersionRefused);
    assert_eq!(tenant.rewrap(None).unwrap(), 1);
    tenant.sql.exec("DELETE FROM org", &[]).unwrap();
    assert_eq!(tenant.rewrap(Some(2)).unwrap_err().public().0, Code::NotFound);
}

#[test]
fn c7_a_new_org_is_wrapped_by_what_the_registry_says_or_not_made() {
    let empty = || {
        let tenant = Tenant::new(1);
        for table in ["org", "members", "sessions"] {
            tenant.sql.exec(&format!("DELETE FROM {table}"), &[]).unwrap();
        }
        tenant
    };
    let found = |kek| {
        let new = NewOrg { name: "Acme".into(), kek: Some(kek) };
        AskOrg::OpenSession(OpenSession { found: Some(new), ..open(&user(1), NOW) })
    };
    let mut tenant = empty();
    tenant.secrets = with_keyring(1, &[1, 2]);
    tenant.ask(&found(2)).unwrap();
    assert_eq!(tenant.rewrap(None).unwrap(), 2);
    let tenant = empty();
    assert_eq!(tenant.ask(&found(2)).unwrap_err().public().0, Code::Unavailable);
    assert_eq!(tenant.count("org"), 0);
}

#[test]
fn c7_an_org_checks_in_when_it_is_made_and_hourly_while_it_is_used_and_wraps_itself_anew() {
    let mut tenant = Tenant::new(1);
    tenant.secrets = with_keyring(1, &[1, 2]);
    let wakes = |tenant: &Tenant, used| keys::wakes_at(tenant.store(), used).unwrap();
    assert_eq!(wakes(&tenant, false), Some(0));
    let registry = Registry::new(1);
    tenant.alarm(&registry).unwrap();
    assert_eq!(*registry.told.borrow(), [Some(1)]);
    // With its people, whose accounts may be older than the registry.
    assert_eq!(*registry.people.borrow(), [user(1).id.to_string()]);
    assert_eq!((wakes(&tenant, false), wakes(&tenant, true)), (None, Some(NOW + 3_600_000)));

    let registry = Registry::new(2);
    tenant.alarm(&registry).unwrap();
    assert!(registry.told.borrow().is_empty(), "not within the hour");
    tenant.now_ms += 3_600_000;
    tenant.alarm(&registry).unwrap();
    assert_eq!(*registry.told.borrow(), [Some(1), Some(2)]);
    assert!(registry.people.borrow().is_empty(), "once");
    assert_eq!(tenant.rewrap(None).unwrap(), 2);

    // One that only later deployments have is left to the registry; one that cannot be reached is asked again.
    tenant.now_ms += 3_600_000;
    let registry = Registry::new(3);
    tenant.alarm(&registry).unwrap();
    assert_eq!((registry.told.borrow().clone(), tenant.rewrap(None).unwrap()), (vec![Some(2)], 2));
    tenant.now_ms += 3_600_000;
    tenant.alarm(&Registry { down: true, ..Registry::new(3) }).unwrap_err();
    assert_eq!(wakes(&tenant, true), Some(tenant.now_ms));
}

/// One of each kind of record, each made as it is made in use; how many.
pub(super) fn furnish(tenant: &mut Tenant) -> u64 {
    tenant.ok(Operation::CreateConnection, &connection(&secret("one")));
    let source = tenant.source();
    let gmail = connect(tenant, "gmail", Some("fake-refresh-token"), None);
    tenant.ok(Operation::AuthorizeConnection { id: gmail }, &json!({}));
    let ended = connect(tenant, "gmail", Some("fake-refresh-token-2"), None);
    tenant.ok(Operation::DeleteConnection { id: ended }, &Json::Null);
    let webhook = VerifiedWebhook {
        source: SourceId::parse(&source).unwrap(),
        generation: 1,
        event_id: Some("1".into()),
        event_id_signed: true,
        event_type: None,
        headers: Vec::new(),
    };
    let call_in = call(Principal::Anonymous, Operation::StoreInbound(Box::new(webhook)));
    handle(tenant.context(&call_in), b"{}").unwrap();
    let key = call(tenant.founder.clone(), Operation::CreateApiKey);
    let key = Call { idempotency_key: Some("once".into()), ..key };
    handle(tenant.context(&key), br#"{"name":"k","scopes":["connections:read"]}"#).unwrap();
    let endpoint = json!({ "url": "https://hooks.example.com/a", "headers": { "x-team": secret("header") } });
    let id = tenant.ok(Operation::CreateEndpoint, &endpoint)["id"].take();
    let id = protocol::EndpointId::parse(id.as_str().unwrap()).unwrap();
    tenant.ok(Operation::RotateEndpointSecret { id }, &json!({}));
    tenant.ok(Operation::PublishMessage, &json!({ "event_type": "a", "payload": { "n": 1 } }));
    let id = SourceId::parse(&source).unwrap();
    tenant.ok(Operation::RotateSourceSecret { id }, &json!({ "secret": secret("source") }));
    for row in [
        // What forwards an event has no payload of its own.
        "INSERT INTO messages (id, event_type, inbound_event_id, size, created_at, sealed) \
         SELECT 'msg_00000000000000000000000000', 'push', id, size, received_at, x'' FROM inbound_events",
    ] {
        tenant.sql.exec(row, &[]).unwrap();
    }
    let sealed = |column: &reseal::Column| {
        let count = format!("SELECT COUNT(*) FROM {} WHERE length(sealed) > 0", column.table);
        tenant.sql.exec(&count, &[]).unwrap()[0].number(0).unwrap()
    };
    reseal::COLUMNS
        .iter()
        .map(|column| {
            assert!(sealed(column) > 0, "{}", column.table);
            sealed(column)
        })
        .sum()
}

/// A table with sealed records that nobody seals anew would be lost with the old key.
#[test]
fn c7_every_column_of_sealed_records_is_sealed_anew() {
    let tenant = Tenant::new(1);
    let blobs = "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND c.type = 'BLOB' AND m.name <> 'org' ORDER BY 1";
    let blobs = tenant.sql.exec(blobs, &[]).unwrap();
    let blobs: Vec<&str> = blobs.iter().map(|row| row.text(0).unwrap()).collect();
    let mut known: Vec<String> =
        reseal::COLUMNS.iter().map(|column| format!("{}.sealed", column.table)).collect();
    known.sort();
    assert_eq!(blobs, known);
}

#[test]
fn c7_a_new_data_key_seals_every_record_anew_and_the_old_one_is_destroyed() {
    let mut tenant = Tenant::new(1);
    let records = furnish(&mut tenant);
    let source = tenant.ok(Operation::ListSources(Page::default()), &Json::Null)["data"][0]["id"].clone();
    let old = tenant.sql.exec("SELECT wrapped_dek FROM org", &[]).unwrap()[0].blob(0).unwrap().to_vec();
    let rotated = tenant.ok(Operation::RotateOrgKey, &Json::Null);
    assert_eq!((&rotated["dek_version"], &rotated["records_left"]), (&json!(2), &json!(records)));
    assert_eq!(tenant.last_event()["action"], "org_key.rotated");
    // Everything is readable at every moment, and new records are the new key's.
    assert_eq!(tenant.source_secret(source.as_str().unwrap()).unwrap(), secret("source"));
    tenant.source();
    assert_eq!(tenant.org_key()["records_left"], records);

    let registry = Registry::new(1);
    tenant.alarm(&registry).unwrap();
    assert_eq!(tenant.org_key()["records_left"], 0);
    assert!(
        tenant.sql.bytes().windows(old.len()).any(|window| window == old),
        "a call may still write by it"
    );
    assert_eq!(keys::wakes_at(tenant.store(), false).unwrap(), Some(NOW + 60_000));
    tenant.now_ms += 60_000;
    tenant.alarm(&registry).unwrap();
    assert!(!tenant.sql.bytes().windows(old.len()).any(|window| window == old));
    let event = tenant.last_event();
    assert_eq!(event["action"], "org_key.destroyed");
    assert_eq!(event["metadata"], json!({ "version": 1, "records_resealed": records }));
    assert_eq!(keys::wakes_at(tenant.store(), false).unwrap(), None);
    assert_eq!(tenant.source_secret(source.as_str().unwrap()).unwrap(), secret("source"));
    assert!(tenant.verify_audit().ok);
}

#[test]
fn c7_a_second_rotation_waits_for_the_first() {
    let mut tenant = Tenant::new(1);
    tenant.source();
    tenant.ok(Operation::RotateOrgKey, &Json::Null);
    let again = tenant.call(&tenant.founder, Operation::RotateOrgKey, &Json::Null).unwrap_err();
    let (code, detail) = again.public();
    assert_eq!(code, Code::RotationRunning);
    assert!(detail.unwrap().contains("records_left"));
    tenant.alarm(&Registry::new(1)).unwrap();
    tenant.now_ms += 60_000;
    tenant.alarm(&Registry::new(1)).unwrap();
    assert_eq!(tenant.ok(Operation::RotateOrgKey, &Json::Null)["dek_version"], 3);
}

#[test]
fn c7_records_are_sealed_anew_in_batches_and_from_where_a_crash_left_them() {
    let mut tenant = Tenant::new(1);
    let source = tenant.source();
    for number in 0..250 {
        let webhook = VerifiedWebhook {
            source: SourceId::parse(&source).unwrap(),
            generation: 1,
            event_id: Some(number.to_string()),
            event_id_signed: true,
            event_type: None,
            headers: Vec::new(),
        };
        let call_in = call(Principal::Anonymous, Operation::StoreInbound(Box::new(webhook)));
        handle(tenant.context(&call_in), b"{}").unwrap();
    }
    tenant.ok(Operation::RotateOrgKey, &Json::Null);
    let registry = Registry::new(1);
    let left: Vec<Json> = (0..4)
        .map(|_| {
            tenant.sleep();
            tenant.alarm(&registry).unwrap();
            tenant.org_key()["records_left"].clone()
        })
        .collect();
    assert_eq!(left, [151, 51, 0, 0]);
    // What was read by the old key and is written late is found, and sealed anew too.
    let late = "UPDATE inbound_events SET sealed = ? WHERE rowid = 5";
    let row = tenant.sql.exec("SELECT sealed FROM inbound_events WHERE rowid = 5", &[]).unwrap();
    let broken = [&[1, 0, 0, 0, 1], &row[0].blob(0).unwrap()[5..]].concat();
    tenant.sql.exec(late, &[broken.into()]).unwrap();
    tenant.now_ms += 60_000;
    tenant.alarm(&registry).unwrap();
    // That one does not open: the old key stays as long as it is there, and nobody spins.
    assert_eq!(tenant.org_key()["records_left"], 1);
    assert_eq!(keys::wakes_at(tenant.store(), false).unwrap(), Some(tenant.now_ms + 3_600_000));
    tenant.sql.exec("DELETE FROM inbound_events WHERE rowid = 5", &[]).unwrap();
    tenant.now_ms += 3_600_000;
    tenant.alarm(&registry).unwrap();
    assert_eq!(tenant.last_event()["action"], "org_key.destroyed");
}

#[test]
fn c7_what_does_not_open_stops_neither_the_other_records_nor_the_check_in() {
    let mut tenant = Tenant::new(1);
    let records = furnish(&mut tenant);
    tenant.sql.exec("UPDATE sources SET sealed = substr(sealed, 1, 5)", &[]).unwrap();
    tenant.sql.exec("UPDATE receipts SET allowed_hosts = 'broken'", &[]).unwrap();
    assert_eq!(tenant.ok(Operation::RotateOrgKey, &Json::Null)["records_left"], records);
    let registry = Registry::new(1);
    tenant.alarm(&registry).unwrap();
    assert_eq!(tenant.org_key()["records_left"], 2);
    assert_eq!(*registry.told.borrow(), [Some(1)]);
    // Nor does a key that is not in the keyring.
    tenant.secrets = with_keyring(2, &[2]);
    tenant.now_ms += 3_600_000;
    tenant.alarm(&registry).unwrap_err();
    assert_eq!(*registry.told.borrow(), [Some(1), Some(1)]);
}

#[test]
fn c7_a_key_encryption_key_may_change_while_records_are_sealed_anew() {
    let mut tenant = Tenant::new(1);
    tenant.secrets = with_keyring(1, &[1, 2]);
    let source = tenant.source();
    tenant.ok(Operation::RotateOrgKey, &Json::Null);
    assert_eq!(tenant.rewrap(Some(2)).unwrap(), 2);
    tenant.secrets = with_keyring(2, &[2]);
    assert_eq!(tenant.source_secret(&source).unwrap(), secret("source"));
    tenant.alarm(&Registry::new(2)).unwrap();
    tenant.now_ms += 60_000;
    tenant.alarm(&Registry::new(2)).unwrap();
    assert_eq!(tenant.source_secret(&source).unwrap(), secret("source"));
}

#[test]
fn n2_the_org_key_is_the_administrators() {
    let tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    for operation in [Operation::GetOrgKey, Operation::RotateOrgKey] {
        assert_eq!(code(tenant.call(&member, operation, &Json::Null)), Code::Forbidden);
    }
}
