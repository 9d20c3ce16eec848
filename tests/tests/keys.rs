//! Encryption keys on a running server: the operator's rotation, a workspace's own, and its end (claims C7, B4, C2).

use crate::operated::become_operator;
use e2e::{Gate, Org, Upstream, fresh_email, random, text, until};
use jwt_simple::prelude::{Ed25519PublicKey, EdDSAPublicKeyLike as _, NoCustomClaims, VerificationOptions};
use serde_json::{Value, json};
use xtask::keys::Keys;

/// C7, B4: a version is added, made the current one while everybody works on, and the old one can go: what it had wrapped opens
/// with the new keyring alone.
#[test]
fn c7_b4_a_key_encryption_key_is_rotated_and_the_old_one_retired() {
    let email = fresh_email();
    let mut config = e2e::config();
    config.operators.super_admins = vec![email.clone()];
    let mut gate = Gate::start_with("keys-rotation", |options| options.config = Some(config.clone()));
    let person = Org::sign_up_as(&gate.client(), &email);
    let (mut operator, mut app) = become_operator(&gate, &person);
    let upstream = Upstream::echo();
    let orgs: Vec<(Org, String)> = (0..3)
        .map(|_| {
            let org = Org::sign_up(&gate);
            let auth = json!({ "type": "bearer", "token": random::text("tok-") });
            let connection = org.connection(&upstream.url(), &auth);
            (org, connection)
        })
        .collect();
    let all_work = || {
        for (org, connection) in &orgs {
            org.get(&format!("/v1/connections/{connection}/proxy/x")).send().ok(200);
        }
    };
    operator.post("/v1/admin/keys/rotate", &json!({ "version": 2 })).send().problem("key_version_refused");

    let deploy = |gate: &mut Gate, name: &str, keys: Keys| {
        let (data, port) = (gate.data_dir().to_owned(), gate.address().port());
        gate.stop();
        Gate::start_with(name, |options| {
            (options.data_dir, options.port, options.keys) = (data, port, keys);
            options.config = Some(config.clone());
        })
    };
    let keys = gate.keys().clone().with_new_kek().unwrap();
    let mut gate = deploy(&mut gate, "keys-rotation-2", keys.clone());
    all_work();
    operator = operator.session_with(&mut app);
    for (org, _) in &orgs {
        org.post("/v1/admin/keys/rotate", &json!({})).send().problem("forbidden");
        org.get("/v1/admin/keys").send().problem("forbidden");
    }
    let begun = operator.post("/v1/admin/keys/rotate", &json!({})).send().ok(202);
    assert_eq!(begun["current"], 2, "{begun}");
    let late = Org::sign_up(&gate);
    let done = until("the rotation", || {
        let keys = operator.get("/v1/admin/keys").send().ok(200);
        all_work();
        keys["rotation"]["finished_at"].is_string().then_some(keys)
    });
    let of = |version: u32, what: &str| {
        let versions = done["versions"].as_array().unwrap();
        versions.iter().find(|row| row["version"] == version).map_or(0, |row| row[what].as_u64().unwrap())
    };
    assert_eq!((of(1, "orgs"), of(1, "accounts")), (0, 0), "{done}");
    // Who was founded meanwhile tells the registry when its object next has the time.
    assert!(of(2, "orgs") >= 4 && of(2, "accounts") >= 4, "{done}");
    assert!(done["rotation"]["before"]["1"].as_u64().unwrap() >= 8, "{done}");
    let first = done["versions"].as_array().unwrap().iter().find(|row| row["version"] == 1).unwrap();
    assert_eq!(first["retirable"], false, "the deployed keyring still begins with it: {first}");
    let events = operator.list("/v1/audit");
    assert!(events.iter().any(|event| text(event, "/action").contains("rotat")), "{events:?}");

    let _gate = deploy(&mut gate, "keys-rotation-3", keys.with_newest_kek_alone().unwrap());
    all_work();
    late.get("/v1/connections").send().ok(200);
    // The accounts' keys too: a second factor is sealed by them.
    operator.session_with(&mut app).get("/v1/account").send().ok(200);
}

/// B4, C7: a workspace's own key: everything is readable all the while, and in the end nothing names the old one.
#[test]
fn c7_b4_a_workspace_rotates_its_own_key() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let upstream = Upstream::echo();
    let auth = json!({ "type": "bearer", "token": random::text("tok-") });
    let connection = org.connection(&upstream.url(), &auth);
    let secret = random::text("whsec_");
    let source = org.source("stripe", &secret);
    let event = text(&org.deliver(&source, &secret, br#"{"id":"evt_1","type":"t"}"#).ok(200), "/id");
    assert_eq!(org.get("/v1/org/key").send().ok(200)["dek_version"], 1);
    let begun = org.request("POST", "/v1/org/key/rotate").send().ok(202);
    assert_eq!(begun["dek_version"], 2, "{begun}");
    until("the records", || {
        org.get(&format!("/v1/connections/{connection}/proxy/x")).send().ok(200);
        org.get(&format!("/v1/inbound-events/{event}")).send().ok(200);
        let key = org.get("/v1/org/key").send().ok(200);
        (key["records_left"] == 0).then_some(())
    });
    org.deliver(&source, &secret, br#"{"id":"evt_2","type":"t"}"#).ok(200);
    assert_eq!(org.get("/v1/audit/verify").send().ok(200)["ok"], true);
}

/// B4: a workspace's end leaves a certificate that the published keys verify, and nothing that works.
#[test]
fn b4_a_deleted_workspace_leaves_a_certificate_and_nothing_else() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let key = org.api_key(&["connections:read"]);
    let auth = json!({ "type": "bearer", "token": random::text("tok-") });
    org.connection(&Upstream::echo().url(), &auth);
    let secret = random::text("whsec_");
    let source = org.source("stripe", &secret);
    let member = org.invite("member");

    let delete = |who: &Org, name: &str| who.post("/v1/org/delete", &json!({ "name": name })).send();
    delete(&org, "Another Name").problem("validation_failed");
    delete(&member, "Analytical Engines").problem("forbidden");
    key.post("/v1/org/delete", &json!({ "name": "Analytical Engines" })).send().problem("forbidden");
    let deleted = delete(&org, "Analytical Engines").ok(200);

    let certificate = text(&deleted, "/certificate");
    let jwks: Value =
        serde_json::from_slice(&gate.client().get("/.well-known/jwks.json").send().body).unwrap();
    let verified = jwks["keys"].as_array().unwrap().iter().any(|jwk| {
        use base64::Engine as _;
        let x = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
        let options = VerificationOptions { max_validity: None, ..VerificationOptions::default() };
        let key = Ed25519PublicKey::from_bytes(&x).unwrap();
        key.verify_token::<NoCustomClaims>(&certificate, Some(options)).is_ok()
    });
    assert!(verified, "{deleted}");
    assert_eq!(deleted["claims"]["sub"], org.id.as_str());
    assert_eq!(deleted["claims"]["receipts"].as_array().unwrap().len(), 1, "{deleted}");

    for answer in [
        org.get("/v1/me").send(),
        member.get("/v1/me").send(),
        key.get("/v1/connections").send(),
        org.bearer(&certificate).get("/v1/me").send(),
    ] {
        answer.problem("unauthenticated");
    }
    org.deliver(&source, &secret, br#"{"id":"evt_1","type":"t"}"#).problem("not_found");
    // The account is still there, without this workspace.
    let again = org.log_in();
    assert_ne!(again.status, 500, "{again}");
}
