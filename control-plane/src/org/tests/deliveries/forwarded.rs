//! Events of a source on their way to endpoints.

use super::*;
use crate::org::deliveries::rearm;
use protocol::call::VerifiedWebhook;

/// A source, an event of it and an endpoint that gets it.
fn forward(tenant: &Tenant, body: &[u8]) -> (EndpointId, MessageId) {
    let request = json!({ "name": "s", "provider": "github", "secret": "fake-source-secret" });
    let source = tenant.ok(Operation::CreateSource, &request);
    let source = SourceId::parse(source["id"].as_str().unwrap()).unwrap();
    let generation = tenant.sql.exec("SELECT generation FROM sources", &[]).unwrap()[0].number(0).unwrap();
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("x-github-event", "push"),
        ("x-hub-signature-256", "[redacted]"),
        ("x-forwarded-for", "192.0.2.9"),
        ("content-encoding", "gzip"),
        ("cdn-loop", "other"),
        ("user-agent", "GitHub-Hookshot"),
        ("x-own", "theirs"),
    ];
    let webhook = VerifiedWebhook {
        source: source.clone(),
        generation,
        event_id: None,
        event_id_signed: false,
        event_type: Some("push".into()),
        headers: headers.map(|(name, value)| (name.into(), value.into())).to_vec(),
    };
    let call = call(Principal::Anonymous, Operation::StoreInbound(Box::new(webhook)));
    let reply = handle(tenant.context(&call), body).unwrap();
    let reply: Json = serde_json::from_slice(&reply.body).unwrap();
    let event = InboundEventId::parse(reply["id"].as_str().unwrap()).unwrap();
    let endpoint = create(
        tenant,
        &json!({ "url": "https://example.com", "sources": [source], "headers": { "x-own": "fake" } }),
    );
    let message = MessageId::new(NOW, [9; 10]);
    change(tenant, |ctx, tx| {
        let content = Content::Event { id: &event, size: body.len() as u64 };
        let audience = Audience::Source { id: &source, paused: false };
        enqueue(ctx, tx, &Outgoing { id: &message, event_type: "push", audience, content, keep: false })?;
        Ok(())
    });
    (id_of(&endpoint), message)
}

#[test]
fn an_event_goes_on_to_the_byte_with_what_says_its_kind() {
    let tenant = Tenant::new(1);
    let bytes = b"{\"a\" : 1}\xff\x00\r\n";
    let (_, message) = forward(&tenant, bytes);
    let receivers = Receivers::new(|_| status(200));
    receivers.ring(&tenant).unwrap();
    let posts = receivers.posts.take();
    let post = &posts[0].1;
    assert_eq!(post.body.as_slice(), bytes);
    assert_eq!(header(post, "webhook-id"), message.as_str());
    assert_eq!(header(post, "content-type"), "application/json; charset=utf-8");
    assert_eq!(header(post, "x-github-event"), "push");
    assert_eq!(header(post, "content-encoding"), "gzip");
    let passed = header(post, "cdn-loop");
    assert!(passed.starts_with("other, gate-"), "{passed}");
    assert!(tenant.secrets.passage.is_loop(passed));
    let names: Vec<_> = post.headers.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["x-hub-signature-256", "x-forwarded-for", "x-own"] {
        assert!(!names.contains(&name), "{names:?}");
    }
    assert_eq!((post.custom.len(), header(post, "user-agent")), (1, "sluicegate-webhooks"));
}

#[test]
fn an_event_past_its_retention_is_given_up() {
    let mut tenant = Tenant::new(1);
    let (id, message) = forward(&tenant, b"{}");
    let days = u64::from(tenant.config.retention.inbound_events_days);
    tenant.now_ms = NOW + days * DAY + 1;
    let receivers = Receivers::new(|_| status(200));
    receivers.now_ms.set(tenant.now_ms);
    receivers.ring(&tenant).unwrap();
    assert_eq!(receivers.posts(), 0);
    let row = tenant.sql.exec("SELECT status, reason FROM deliveries", &[]).unwrap().remove(0);
    assert_eq!((row.text(0), row.text(1)), (Ok("failed"), Ok("gave_up")));
    assert_eq!(attempts(&tenant, &id)[0].text(2), Ok("event_expired"));
    assert_eq!(number(&tenant, "SELECT COUNT(*) FROM endpoints WHERE failing_since IS NOT NULL"), 0);
    // Asked for again, it ends again.
    change(&tenant, |ctx, tx| rearm(ctx, tx, &message, &id));
    receivers.ring(&tenant).unwrap();
    assert_eq!((receivers.posts(), next_due(tenant.store())), (0, Ok(None)));
}

#[test]
fn a_delivery_that_was_never_made_is_made_in_its_sources_lane() {
    let tenant = Tenant::new(1);
    let (id, message) = forward(&tenant, b"{}");
    let source = tenant.sql.exec("SELECT id FROM sources", &[]).unwrap()[0].text(0).unwrap().to_owned();
    tenant.sql.exec("DELETE FROM deliveries", &[]).unwrap();
    change(&tenant, |ctx, tx| rearm(ctx, tx, &message, &id));
    let row = tenant.sql.exec("SELECT lane, due_at FROM deliveries", &[]).unwrap().remove(0);
    assert_eq!((row.text(0), row.number(1)), (Ok(source.as_str()), Ok(NOW)));
    tenant.sql.exec("UPDATE sources SET paused_at = 1", &[]).unwrap();
    change(&tenant, |ctx, tx| rearm(ctx, tx, &message, &id));
    assert_eq!(next_due(tenant.store()), Ok(None));
}

#[test]
fn what_is_not_there_cannot_be_sent_again() {
    let tenant = Tenant::new(1);
    let (id, message) = forward(&tenant, b"{}");
    let call = call(Principal::Anonymous, Operation::Me);
    let ctx = tenant.context(&call);
    for (message, id) in [(&MessageId::new(1, [1; 10]), &id), (&message, &EndpointId::new(1, [1; 10]))] {
        let outcome: Result<(), _> = ctx.store.transaction(|tx| {
            rearm(ctx, tx, message, id)?;
            tx.commit(&ctx.subject("system"), Event::new("test", ""), ())
        });
        assert!(matches!(outcome, Err(AppError::Refused(Code::NotFound, _))));
    }
}
