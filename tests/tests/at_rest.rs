//! What stands on the disk (claims C2, N5, M1, M3, F7): no secret in any file, log included, in any spelling.

use e2e::secrets::files_with;
use e2e::subject::{CONFIRM, INVITATION, RESET};
use e2e::{ApiKey, Gate, Org, Upstream, database, fresh_email, random, text};
use serde_json::json;

/// C2, N5, M1, M3, F7: plants every kind of secret, uses each, stops the server and searches the bytes of all its files.
#[test]
fn c2_n5_m1_m3_f7_no_secret_is_on_the_disk() {
    let mut gate = Gate::start("at-rest");
    let org = Org::sign_up(&gate);
    let upstream = Upstream::echo();
    let mut planted =
        vec![("the user's password", bytes(&org.password)), ("the session's token", bytes(&org.token))];
    let mut plant = |what, value: &str| planted.push((what, bytes(value)));

    let [bearer, header, query, basic] =
        ["a", "b", "c", "d"].map(|kind| random::text(&format!("planted-{kind}-")));
    let auths = [
        json!({ "type": "bearer", "token": bearer }),
        json!({ "type": "api_key", "header": "x-api-key", "value": header }),
        json!({ "type": "api_key", "query": "key", "value": query }),
        json!({ "type": "basic", "username": "ada", "password": basic }),
    ];
    let key = org.api_key(&["connections:read"]);
    for auth in &auths {
        let id = org.connection(&upstream.url(), auth);
        key.get(&format!("/v1/connections/{id}/proxy/?their=query")).send().ok(200);
    }
    for (what, value) in [
        ("a bearer token", &bearer),
        ("an API key", &header),
        ("a key for the query", &query),
        ("a basic password", &basic),
    ] {
        plant(what, value);
    }
    let secret_part = |key: &ApiKey| key.key.rsplit('_').next().unwrap().to_owned();
    plant("a minted API key", &secret_part(&key));

    // The answer to a repetition holds the key, so it is kept, sealed.
    let body = json!({ "name": "twice", "scopes": ["audit:read"] });
    let create = || org.post("/v1/api-keys", &body).header("idempotency-key", "twice").send().ok(201);
    let twice = ApiKey::new(&org, &create());
    assert_eq!(create()["key"], twice.key.as_str());
    plant("a key in a kept answer", &secret_part(&twice));

    let webhook_secret = random::text("whsec_");
    let source = org.source("stripe", &webhook_secret);
    let marker = random::text("planted-body-");
    let body = format!(r#"{{"id":"evt_1","type":"t","customer":"{marker}"}}"#);
    org.deliver(&source, &webhook_secret, body.as_bytes()).ok(200);
    plant("a webhook secret", &webhook_secret);
    plant("a webhook's body", &marker);

    planted.extend(account_secrets(&gate, &org));
    let mut plant = |what, value: &str| planted.push((what, bytes(value)));

    // What is refused must not be logged either.
    let [wrong_password, wrong_token, odd] =
        ["p", "t", "o"].map(|kind| random::text(&format!("refused-{kind}-")));
    let login = json!({ "email": org.email, "password": wrong_password });
    org.anonymous().post("/v1/login", &login).send().problem("invalid_credentials");
    org.bearer(&wrong_token).get("/v1/me").send().problem("unauthenticated");
    let misplaced = json!({ "connector": "http", "name": "x", "auth": { "type": "bearer", "tokn": odd } });
    org.post("/v1/connections", &misplaced).send().problem("validation_failed");
    org.browser().with("x-csrf-token", &odd).delete("/v1/api-keys/key_0").header("cookie2", &odd).send();
    for (what, value) in
        [("a wrong password", &wrong_password), ("a wrong token", &wrong_token), ("a misplaced secret", &odd)]
    {
        plant(what, value);
    }
    // As long as it runs, and after it has been stopped.
    for stopped in [false, true] {
        for (what, value) in &planted {
            let found = files_with(gate.data_dir(), value);
            assert!(found.is_empty(), "{what} is in {found:?} (stopped: {stopped})");
        }
        gate.stop();
    }

    for (name, value) in gate.secrets() {
        for part in value.split('"').filter(|part| part.len() >= 40 && name != "SESSION_JWKS") {
            assert!(files_with(gate.data_dir(), part.as_bytes()).is_empty(), "{name} is on the disk");
        }
    }
    // The search finds what is there: names are not secret, and hashes are what is kept.
    for there in ["Analytical Engines", "evt_1", "$2b$12$"] {
        assert!(!files_with(gate.data_dir(), there.as_bytes()).is_empty(), "{there}");
    }
    let lookup = key.key.split('_').nth(2).unwrap();
    assert!(
        !files_with(gate.data_dir(), lookup.as_bytes()).is_empty(),
        "M3: the 8 characters by which a key is found"
    );

    // And it all still opens.
    gate.restart();
    org.get("/v1/connections").send().ok(200);
    key.get("/v1/connections").send().ok(200);
}

/// Every kind of secret of a person's account, each of them used: passwords, mailed links, an authenticator's secret,
/// recovery codes, challenges, a rotated key.
fn account_secrets(gate: &Gate, org: &Org) -> Vec<(&'static str, Vec<u8>)> {
    let mut planted: Vec<(&str, String)> = Vec::new();
    let email = fresh_email();
    let invitation = org.invitation(&email, "member");
    planted.push(("an invitation's shown token", text(&invitation, "/token")));
    let mailed = gate.mailed_token(&email, INVITATION, 1);
    planted.push(("an invitation's mailed token", mailed.clone()));
    let password = random::text("planted-password-");
    let request = json!({
        "email": email, "password": password, "name": "Grace", "accept_terms": true, "invitation_token": mailed,
    });
    let joined = gate.client().post("/v1/signup", &request).send().ok(201);
    let person = Org::new(&gate.client(), &email, &password, &joined);
    planted.push(("a joined person's password", password.clone()));

    let confirm = gate.mailed_token(&org.email, CONFIRM, 1);
    org.post("/v1/email/verify", &json!({ "token": confirm })).send().ok(204);
    planted.push(("a proof of an email", confirm));

    let (mut app, recovery) = person.second_factor();
    let challenge = text(&person.log_in().ok(202), "/challenge");
    let finish = |challenge: &str, code: &str| {
        let body = json!({ "challenge": challenge, "code": code });
        person.anonymous().post("/v1/login/second-factor", &body).send().ok(200)
    };
    planted.push(("a second session's token", text(&finish(&challenge, &app.code()), "/session/token")));
    planted.push(("a sign-in's challenge", challenge));
    finish(&text(&person.log_in().ok(202), "/challenge"), &recovery[0]);
    for code in &recovery {
        planted.push(("a recovery code", code.clone()));
        planted.push(("a recovery code without its dashes", code.replace('-', "")));
    }
    planted.push(("an authenticator's secret", app.base32().to_owned()));

    gate.client().post("/v1/password-reset", &json!({ "email": email })).send().ok(202);
    let reset = gate.mailed_token(&email, RESET, 1);
    let new = random::text("planted-reset-");
    let body = json!({ "token": reset, "new_password": new });
    gate.client().post("/v1/password-reset/confirm", &body).send().ok(204);
    planted.push(("a password reset's token", reset));
    planted.push(("a password that was reset", new));

    let old = org.api_key(&["audit:read"]);
    let rotated = org.post(&format!("/v1/api-keys/{}/rotate", old.id), &json!({ "grace_seconds": 600 }));
    let new = ApiKey::new(org, &rotated.send().ok(200));
    for (what, key) in [("a rotated key", &old), ("a rotated key's successor", &new)] {
        key.get("/v1/audit").send().ok(200);
        org.post("/v1/api-keys/verify", &json!({ "key": key.key })).send().ok(200);
        planted.push((what, key.key.rsplit('_').next().unwrap().to_owned()));
    }
    let mut planted: Vec<_> = planted.into_iter().map(|(what, value)| (what, bytes(&value))).collect();
    planted.push(("an authenticator's secret, raw", app.secret().to_vec()));
    planted
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// N5: a deleted credential is gone from the disk with its sealed form, and so is a source's secret: nothing is left to
/// open later.
#[test]
fn n5_what_is_deleted_leaves_no_sealed_secret() {
    let mut gate = Gate::start("at-rest-deleted");
    let org = Org::sign_up(&gate);
    let connection =
        org.connection("http://127.0.0.1:1", &json!({ "type": "bearer", "token": random::text("tok-") }));
    let source = org.source("github", &random::text("shared-"));
    gate.stop();
    let sealed: [Vec<u8>; 2] = ["connections", "sources"].map(|table| {
        let database = database::of_org(&gate, &org.id);
        database.query_row(&format!("SELECT sealed FROM {table}"), [], |row| row.get(0)).unwrap()
    });
    for sealed in &sealed {
        assert!(!files_with(gate.data_dir(), sealed).is_empty(), "it was there");
    }
    gate.restart();
    org.delete(&format!("/v1/connections/{connection}")).send().ok(200);
    org.delete(&format!("/v1/sources/{source}")).send().ok(204);
    gate.stop();
    for sealed in &sealed {
        // In parts too: what is left of a page is overwritten from either end.
        for part in [&sealed[..], &sealed[..24], &sealed[sealed.len() - 24..]] {
            assert_eq!(files_with(gate.data_dir(), part), Vec::<std::path::PathBuf>::new());
        }
    }
}
