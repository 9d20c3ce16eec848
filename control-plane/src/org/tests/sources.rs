//! Sources: whose secrets verify, for how long, and who gets to see them.

use super::*;
use protocol::api::ShownOnce;

fn rotate(tenant: &Tenant, id: &SourceId, body: &Json) -> Result<Reply, AppError> {
    tenant.call(&tenant.founder, Operation::RotateSourceSecret { id: id.clone() }, body)
}

fn create(tenant: &Tenant, provider: &str) -> SourceId {
    let created = tenant.ok(Operation::CreateSource, &json!({ "provider": provider, "name": "s" }));
    assert_eq!(created["status"], "awaiting_handshake");
    SourceId::parse(created["id"].as_str().unwrap()).unwrap()
}

fn handshake(tenant: &Tenant, id: &SourceId, secret: &str) -> Result<Reply, AppError> {
    let finish = Operation::FinishHandshake { source: id.clone(), secret: ShownOnce(secret.into()) };
    tenant.call(&Principal::Anonymous, finish, &Json::Null)
}

fn has(tenant: &Tenant, secret: &str) -> bool {
    tenant.sql.bytes().windows(secret.len()).any(|window| window == secret.as_bytes())
}

fn sealed(tenant: &Tenant, table: &str) -> Vec<Vec<u8>> {
    let rows = tenant.sql.exec(&format!("SELECT sealed FROM {table}"), &[]).unwrap();
    rows.iter().map(|row| row.blob(0).unwrap().to_vec()).collect()
}

fn is_on_disk(tenant: &Tenant, sealed: &[u8]) -> bool {
    tenant.sql.bytes().windows(sealed.len()).any(|window| window == sealed)
}

#[test]
fn a_rotated_secret_verifies_until_its_overlap_is_over_to_the_millisecond() {
    let mut tenant = Tenant::new(1);
    let id = tenant.new_source();
    let rotated =
        json_of(&rotate(&tenant, &id, &json!({ "secret": secret("two"), "overlap_seconds": 60 })).unwrap());
    assert_eq!(rotated["previous_secret_until"], protocol::time::rfc3339(NOW + 60_000));
    assert_eq!(tenant.last_event()["metadata"], json!({ "overlap_seconds": 60 }));
    let keys = tenant.sources_keys(&id);
    assert_eq!(keys["secrets"], json!([secret("two"), secret("source")]), "the current one first");
    let generation = keys["generation"].as_u64().unwrap();
    assert_eq!(generation, 2);

    // Who verified by the secrets from before is told to fetch them, at once and again when the old one has ended.
    assert_eq!(code(webhook(&tenant, &id, None, b"by generation 1")), Code::SourceOutdated);
    let store = |tenant: &Tenant, body: &[u8]| {
        let webhook = protocol::call::VerifiedWebhook {
            source: id.clone(),
            generation,
            event_id: None,
            event_id_signed: false,
            event_type: None,
            headers: vec![],
        };
        let call = call(Principal::Anonymous, Operation::StoreInbound(Box::new(webhook)));
        handle(tenant.context(&call), body)
    };
    tenant.now_ms = NOW + 59_999;
    assert!(store(&tenant, b"in time").is_ok());
    tenant.now_ms = NOW + 60_000;
    assert_eq!(code(store(&tenant, b"late")), Code::SourceOutdated);
    let keys = tenant.sources_keys(&id);
    assert_eq!((&keys["secrets"], &keys["generation"]), (&json!([secret("two")]), &json!(3)));
    let source = tenant.ok(Operation::GetSource { id: id.clone() }, &Json::Null);
    assert!(source["previous_secret_until"].is_null());

    // It is overwritten, and nothing changes by that.
    let old = sealed(&tenant, "source_secrets").remove(0);
    assert!(is_on_disk(&tenant, &old));
    let call = call(Principal::Anonymous, Operation::Me);
    purge(tenant.context(&call)).unwrap();
    assert_eq!((tenant.count("source_secrets"), is_on_disk(&tenant, &old)), (0, false));
    assert_eq!(tenant.sources_keys(&id)["generation"], 3);
}

#[test]
fn a_mistyped_secret_does_not_push_out_the_one_that_the_provider_signs_by() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    let mut generations = vec![1];
    for name in ["typo", "two", "three", "four"] {
        rotate(&tenant, &id, &json!({ "secret": secret(name) })).unwrap();
        generations.push(tenant.sources_keys(&id)["generation"].as_u64().unwrap());
    }
    let expected = ["four", "three", "two", "typo"].map(secret);
    assert_eq!(tenant.sources_keys(&id)["secrets"], json!(expected), "three besides the current one");
    assert!(generations.is_sorted_by(|a, b| a < b), "{generations:?}");
    // One that is no longer to be trusted ends at once, with all before it.
    let old = [sealed(&tenant, "source_secrets"), sealed(&tenant, "sources")].concat();
    rotate(&tenant, &id, &json!({ "secret": secret("five"), "overlap_seconds": 0 })).unwrap();
    let keys = tenant.sources_keys(&id);
    assert_eq!(keys["secrets"], json!([secret("five")]));
    assert!(keys["generation"].as_u64() > generations.last().copied());
    assert!(old.iter().all(|sealed| !is_on_disk(&tenant, sealed)), "overwritten");
}

#[test]
fn generations_grow_whatever_ends_when() {
    let mut tenant = Tenant::new(1);
    let id = tenant.new_source();
    let mut last = (1, tenant.sources_keys(&id)["secrets"].clone());
    for (after_s, overlap) in [(0, 30), (10, 60), (1, 5), (4, 0), (1, 9), (1, 3), (1, 2), (0, 7)] {
        tenant.now_ms += after_s * 1000;
        rotate(&tenant, &id, &json!({ "secret": secret("x"), "overlap_seconds": overlap })).unwrap();
        for _ in 0..12 {
            let keys = tenant.sources_keys(&id);
            let now = (keys["generation"].as_u64().unwrap(), keys["secrets"].clone());
            assert!(now.0 > last.0 || (now.0 == last.0 && now.1 == last.1), "{last:?} then {now:?}");
            last = now;
            tenant.now_ms += 500;
        }
    }
}

#[test]
fn what_cannot_be_a_new_secret_changes_nothing() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    for body in [
        json!({}),
        json!({ "secret": "" }),
        json!({ "public_key": "x" }),
        json!({ "secret": secret("x"), "public_key": "x" }),
        json!({ "secret": secret("x"), "overlap_seconds": 604_801 }),
        json!({ "secret": secret("x"), "overlap_seconds": -1 }),
        json!({ "secret": secret("x"), "more": 1 }),
    ] {
        assert_eq!(code(rotate(&tenant, &id, &body)), Code::ValidationFailed, "{body}");
    }
    let keys = tenant.sources_keys(&id);
    assert_eq!((&keys["generation"], &keys["secrets"]), (&json!(1), &json!([secret("source")])));
    for body in [
        json!({ "provider": "github", "name": "s" }),
        json!({ "provider": "github", "name": "s", "public_key": "x" }),
        json!({ "provider": "github", "name": "s", "secret": secret("x"), "url": "https://example.com/in" }),
        json!({ "provider": "github", "name": "s", "secret": secret("x"), "scheme": { "header": "x-signature" } }),
        json!({ "provider": "nobody", "name": "s", "secret": secret("x") }),
        json!({ "provider": "asana", "name": "s", "public_key": "x" }),
    ] {
        let refused = tenant.call(&tenant.founder, Operation::CreateSource, &body);
        assert_eq!(code(refused), Code::ValidationFailed, "{body}");
    }
}

#[test]
fn a_url_is_for_providers_that_sign_it_public_and_kept_to_the_letter() {
    let tenant = Tenant::new(1);
    let signs = webhooks::providers().iter().find(|provider| provider.signs_url()).unwrap();
    let create = |url: &str| {
        let body = json!({ "provider": signs.id, "name": "s", "secret": "a2V5LWtleS1rZXkta2V5LWtleS1rZXkta2V5", "url": url });
        tenant.call(&tenant.founder, Operation::CreateSource, &body)
    };
    let url = "https://Example.COM/hooks?a=%2f";
    let id = SourceId::parse(json_of(&create(url).unwrap())["id"].as_str().unwrap()).unwrap();
    assert_eq!(tenant.sources_keys(&id)["url"], url);
    for url in
        ["http://example.com/", "https://127.0.0.1/", "https://localhost/", "x", "https://user@example.com/"]
    {
        assert_eq!(code(create(url)), Code::ValidationFailed, "{url}");
    }
}

#[test]
fn a_handshake_counts_once_and_only_while_it_is_waited_for() {
    let tenant = Tenant::new(1);
    let id = create(&tenant, "asana");
    let keys = tenant.sources_keys(&id);
    assert_eq!((&keys["awaiting_handshake"], &keys["secrets"]), (&json!(true), &json!([])));
    assert_eq!(code(handshake(&tenant, &id, "")), Code::SignatureInvalid);

    handshake(&tenant, &id, &secret("asana")).unwrap();
    let event = tenant.last_event();
    assert_eq!((&event["action"], &event["ip"]), (&json!("source.handshake_finished"), &json!("192.0.2.1")));
    let source = tenant.ok(Operation::GetSource { id: id.clone() }, &Json::Null);
    assert_eq!((&source["status"], &source["has_verification_token"]), (&json!("active"), &Json::Null));
    let keys = tenant.sources_keys(&id);
    assert_eq!((&keys["secrets"], &keys["generation"]), (&json!([secret("asana")]), &json!(2)));
    assert!(!has(&tenant, &secret("asana")), "sealed");

    // A second one, of whoever knows the URL, is refused, and so is one to a source that never waited for any.
    assert_eq!(code(handshake(&tenant, &id, &secret("forged"))), Code::SourceOutdated);
    assert_eq!(tenant.sources_keys(&id), keys);
    let github = tenant.new_source();
    assert_eq!(code(handshake(&tenant, &github, &secret("forged"))), Code::SourceOutdated);
    // Nobody but the edge finishes one.
    let waiting = create(&tenant, "asana");
    let finish = Operation::FinishHandshake { source: waiting, secret: ShownOnce(secret("mine")) };
    assert_eq!(code(tenant.call(&tenant.founder, finish, &Json::Null)), Code::Forbidden);
    let token = Operation::TakeVerificationToken { id };
    assert_eq!(code(tenant.call(&tenant.founder, token, &Json::Null)), Code::NotFound);
}

#[test]
fn a_verification_token_is_shown_once_to_a_person_who_has_just_proven_it() {
    let mut tenant = Tenant::new(1);
    let id = create(&tenant, "notion");
    let take = || Operation::TakeVerificationToken { id: id.clone() };
    assert_eq!(code(tenant.call(&tenant.founder, take(), &Json::Null)), Code::NotFound);
    handshake(&tenant, &id, &secret("notion")).unwrap();
    let source = tenant.ok(Operation::GetSource { id: id.clone() }, &Json::Null);
    assert_eq!(source["has_verification_token"], true);

    let key = tenant.key(json!(["sources:write", "sources:read"]));
    assert_eq!(code(tenant.call(&key, take(), &Json::Null)), Code::Forbidden);
    let member = tenant.add_member(&user(9));
    assert_eq!(code(tenant.call(&member, take(), &Json::Null)), Code::Forbidden);
    tenant.now_ms += u64::from(tenant.config.sessions.reauthentication_minutes) * 60_000 + 1;
    assert_eq!(code(tenant.call(&tenant.founder, take(), &Json::Null)), Code::ReauthenticationRequired);
    tenant.founder = tenant.sign_in(&user(1));
    assert_eq!(tenant.ok(take(), &Json::Null)["verification_token"], secret("notion"));
    assert_eq!(tenant.last_event()["action"], "source.verification_token_shown");
    assert_eq!(code(tenant.call(&tenant.founder, take(), &Json::Null)), Code::NotFound);
    assert_eq!(tenant.sources_keys(&id)["secrets"], json!([secret("notion")]), "it goes on verifying");
}

#[test]
fn a_secret_by_hand_ends_the_wait_for_a_handshake() {
    let tenant = Tenant::new(1);
    let id = create(&tenant, "asana");
    rotate(&tenant, &id, &json!({ "secret": secret("by-hand") })).unwrap();
    let keys = tenant.sources_keys(&id);
    assert_eq!((&keys["awaiting_handshake"], &keys["secrets"]), (&json!(false), &json!([secret("by-hand")])));
    assert_eq!(tenant.count("source_secrets"), 0, "there was none before it");
    assert_eq!(code(handshake(&tenant, &id, &secret("forged"))), Code::SourceOutdated);
}

#[test]
fn a_source_is_renamed_and_keeps_what_was_not_said() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    let update = |body: Json| tenant.call(&tenant.founder, Operation::UpdateSource { id: id.clone() }, &body);
    let renamed = json_of(&update(json!({ "name": "Payments" })).unwrap());
    assert_eq!((&renamed["name"], &renamed["status"]), (&json!("Payments"), &json!("active")));
    let paused = json_of(&update(json!({ "paused": true })).unwrap());
    assert_eq!((&paused["name"], &paused["status"]), (&json!("Payments"), &json!("paused")));
    assert_eq!(tenant.last_event()["metadata"], json!({ "paused": true }));
    for body in [json!({ "name": "" }), json!({ "paused": 1 }), json!({ "secret": "x" })] {
        assert_eq!(code(update(body)), Code::ValidationFailed);
    }
    assert_eq!(tenant.sources_keys(&id)["generation"], 1, "none of it is about secrets");
}

#[test]
fn a_deleted_source_leaves_its_events_and_no_secret() {
    let tenant = Tenant::new(1);
    let (id, other) = (tenant.new_source(), tenant.new_source());
    let only = tenant.new_endpoint(&id, &json!({}));
    let both = tenant.new_endpoint(&id, &json!({ "sources": [id, other] }));
    rotate(&tenant, &id, &json!({ "secret": secret("two") })).unwrap();
    let event = tenant.receive(&id, "push", b"x");
    tenant.ok(Operation::UpdateSource { id: id.clone() }, &json!({ "paused": true }));
    tenant.ok(Operation::DeleteSource { id: id.clone() }, &Json::Null);
    assert_eq!((tenant.count("source_secrets"), tenant.count("sources")), (0, 1));
    assert!(tenant.call(&tenant.founder, Operation::GetInboundEvent { id: event }, &Json::Null).is_ok());
    assert!(tenant.deliveries().iter().all(|(_, due)| *due), "what had waited goes on");
    // An endpoint of this source alone does not become one of the workspace's messages.
    let sources = |id| tenant.ok(Operation::GetEndpoint { id }, &Json::Null)["sources"].take();
    assert_eq!((sources(only), sources(both)), (json!([id]), json!([other])));
    for operation in [
        Operation::UpdateSource { id: id.clone() },
        Operation::RotateSourceSecret { id: id.clone() },
        Operation::DeleteSource { id: id.clone() },
        Operation::TakeVerificationToken { id: id.clone() },
        Operation::ListRejections { id: id.clone(), page: Page::default() },
    ] {
        let body = json!({ "secret": secret("x") });
        let body = if matches!(operation, Operation::UpdateSource { .. }) { json!({}) } else { body };
        assert_eq!(
            code(tenant.call(&tenant.founder, operation.clone(), &body)),
            Code::NotFound,
            "{operation:?}"
        );
    }
}

#[test]
fn a_deleted_sources_secrets_are_overwritten() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    rotate(&tenant, &id, &json!({ "secret": secret("two") })).unwrap();
    let secrets = [sealed(&tenant, "source_secrets"), sealed(&tenant, "sources")].concat();
    assert!(secrets.len() == 2 && secrets.iter().all(|sealed| is_on_disk(&tenant, sealed)));
    tenant.ok(Operation::DeleteSource { id }, &Json::Null);
    assert!(!secrets.iter().any(|sealed| is_on_disk(&tenant, sealed)));
}

#[test]
fn a_scheme_of_the_senders_own_is_checked_kept_and_reads_the_secret() {
    let tenant = Tenant::new(1);
    let create = |scheme: Json, secret: &str| {
        let body = json!({ "provider": "generic", "name": "s", "secret": secret, "scheme": scheme });
        tenant.call(&tenant.founder, Operation::CreateSource, &body)
    };
    let scheme = json!({ "header": "x-signature", "prefix": "sha256=", "key_encoding": "hex" });
    let hex = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let id = SourceId::parse(json_of(&create(scheme.clone(), hex).unwrap())["id"].as_str().unwrap()).unwrap();
    let keys = tenant.sources_keys(&id);
    assert_eq!((&keys["scheme"], &keys["secrets"]), (&scheme, &json!([hex])));
    for (scheme, secret) in [
        (scheme, "not hex at all, but long enough"),
        (json!({ "header": "" }), hex),
        (json!({ "header": "x-signature", "signed": "{timestamp}" }), hex),
        (json!({ "header": "x-signature", "algorithm": "md5" }), hex),
        (json!({ "header": "x-signature", "more": 1 }), hex),
        (Json::Null, hex),
    ] {
        assert_eq!(code(create(scheme.clone(), secret)), Code::ValidationFailed, "{scheme}");
    }
    // The next secret is read by the same scheme.
    assert_eq!(
        code(rotate(&tenant, &id, &json!({ "secret": "not hex either, still long" }))),
        Code::ValidationFailed
    );
    assert!(rotate(&tenant, &id, &json!({ "secret": hex.replace('0', "1") })).is_ok());
}

#[test]
fn a_provider_with_a_key_pair_takes_its_public_key_and_one_with_an_api_keeps_its_credential_here() {
    let tenant = Tenant::new(1);
    let row = webhooks::providers().iter().find(|row| row.id == "discord").unwrap();
    assert_eq!(row.credential(), webhooks::Credential::PublicKey);
    let create = |body: Json| tenant.call(&tenant.founder, Operation::CreateSource, &body);
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let id = json_of(&create(json!({ "provider": "discord", "name": "s", "public_key": key })).unwrap());
    let id = SourceId::parse(id["id"].as_str().unwrap()).unwrap();
    assert_eq!(tenant.sources_keys(&id)["secrets"], json!([key]));
    assert_eq!(
        code(create(json!({ "provider": "discord", "name": "s", "secret": key }))),
        Code::ValidationFailed
    );

    let credential = json!({ "client_id": secret("client"), "secret": secret("api") }).to_string();
    let id = json_of(&create(json!({ "provider": "plaid", "name": "s", "secret": credential })).unwrap());
    let id = SourceId::parse(id["id"].as_str().unwrap()).unwrap();
    assert_eq!(tenant.sources_keys(&id)["secrets"], json!([]));
}

#[test]
fn another_tenants_source_is_not_there() {
    let (ours, theirs) = (Tenant::new(1), Tenant::new(2));
    let id = theirs.new_source();
    for operation in [
        Operation::GetSource { id: id.clone() },
        Operation::UpdateSource { id: id.clone() },
        Operation::DeleteSource { id: id.clone() },
        Operation::ListenToSource { id: id.clone(), after: None },
    ] {
        assert_eq!(
            code(ours.call(&ours.founder, operation.clone(), &json!({}))),
            Code::NotFound,
            "{operation:?}"
        );
    }
    let keys = Operation::SourceKeys { id };
    assert_eq!(code(ours.call(&Principal::Anonymous, keys, &Json::Null)), Code::NotFound);
}
