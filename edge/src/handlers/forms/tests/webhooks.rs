//! The forms of webhooks.

use super::vault::signed;
use super::*;
use protocol::api::{
    NewEndpoint, NewMessage, NewPortalLink, NewSource, Recover, ReplayEvent, ReplayEvents,
    RotateEndpointSecret, RotateSourceSecret, SetEventType, UpdateEndpoint, UpdateSource,
};
use protocol::{EndpointId, InboundEventId, MessageId, PortalLinkId, SourceId};

/// A form's path and fields; its operation, its JSON and the type of that; where it leads, or nowhere where its answer is
/// a page.
type Case = (&'static str, String, Operation, Value, Reads, String);

fn hold(cases: Vec<Case>) {
    for (path, fields, operation, expected, reads, location) in cases {
        let plane = hostile();
        let answer = signed(path, &fields, &plane);
        assert!(reads(&expected), "{fields}: not what the API takes");
        assert_eq!(sent(&plane), (operation, expected), "{fields}");
        let leads = Some(location.as_str()).filter(|location| !location.is_empty());
        assert_eq!(answer.header("location"), leads, "{fields}");
        assert_eq!(answer.status, if leads.is_some() { 303 } else { 200 }, "{fields}");
    }
}

#[test]
fn forms_of_sources_and_events_become_the_json_of_the_api() {
    use Operation as O;
    let src = || SourceId::parse(SOURCE).unwrap();
    let ine = || InboundEventId::parse(&id("ine_")).unwrap();
    let at = |said: &str| format!("/sources/{}{said}", SOURCE);
    let on = |action: &str| format!("action={action}&id={}", SOURCE);
    hold(vec![
        (
            "/sources",
            "action=create&provider=github&name=+N+&secret=+s+&public_key=&url=&scheme.header=&scheme.algorithm=hmac-sha256".into(),
            O::CreateSource,
            json!({ "provider": "github", "name": "N", "secret": " s " }),
            read::<NewSource>,
            at("?done=created"),
        ),
        (
            "/sources",
            "action=create&provider=generic&name=N&secret=s&url=+https://a.test+&public_key=k&scheme.header=x-sig\
             &scheme.prefix=&scheme.algorithm=hmac-sha512&scheme.tolerance_seconds=60&scheme.signed=%7Btimestamp%7D.%7Bbody%7D"
                .into(),
            O::CreateSource,
            json!({
                "provider": "generic", "name": "N", "secret": "s", "public_key": "k", "url": "https://a.test",
                "scheme": { "header": "x-sig", "algorithm": "hmac-sha512", "tolerance_seconds": 60, "signed": "{timestamp}.{body}" },
            }),
            read::<NewSource>,
            at("?done=created"),
        ),
        ("/sources", on("pause"), O::UpdateSource { id: src() }, json!({ "paused": true }), read::<UpdateSource>, at("?done=paused")),
        ("/sources", on("resume"), O::UpdateSource { id: src() }, json!({ "paused": false }), read::<UpdateSource>, at("?done=resumed")),
        ("/sources", on("rename&name=N"), O::UpdateSource { id: src() }, json!({ "name": "N" }), read::<UpdateSource>, at("?done=renamed")),
        (
            "/sources",
            on("rotate&secret=s&overlap_seconds=3600"),
            O::RotateSourceSecret { id: src() },
            json!({ "secret": "s", "overlap_seconds": 3600 }),
            read::<RotateSourceSecret>,
            at("?done=secret-rotated"),
        ),
        ("/sources", on("token"), O::TakeVerificationToken { id: src() }, Value::Null, read::<()>, String::new()),
        ("/sources", on("delete"), O::DeleteSource { id: src() }, Value::Null, read::<()>, "/sources?done=deleted".into()),
        (
            "/sources",
            on("replay&since=2026-11-22T10%3A00&until=&event_types=a.b,+c.d&endpoint_id="),
            O::ReplayEvents,
            json!({ "source_id": SOURCE, "since": "2026-11-22T10:00:00Z", "event_types": ["a.b", "c.d"], "failed_only": false }),
            read::<ReplayEvents>,
            String::new(),
        ),
        (
            "/sources",
            on(&format!("replay&until=2026-11-22T10%3A00%3A30&failed_only=true&endpoint_id={}&cursor=12", id("end_"))),
            O::ReplayEvents,
            json!({
                "source_id": SOURCE, "until": "2026-11-22T10:00:30Z", "event_types": [], "failed_only": true,
                "endpoint_id": id("end_"), "cursor": "12",
            }),
            read::<ReplayEvents>,
            String::new(),
        ),
        (
            "/events",
            format!("action=replay&id={}&endpoint_id=", id("ine_")),
            O::ReplayEvent { id: ine() },
            json!({}),
            read::<ReplayEvent>,
            String::new(),
        ),
        (
            "/events",
            format!("action=replay&id={}&endpoint_id={}", id("ine_"), id("end_")),
            O::ReplayEvent { id: ine() },
            json!({ "endpoint_id": id("end_") }),
            read::<ReplayEvent>,
            String::new(),
        ),
    ]);
}

#[test]
fn forms_of_endpoints_become_the_json_of_the_api() {
    use Operation as O;
    let end = || EndpointId::parse(&id("end_")).unwrap();
    let at = |said: &str| format!("/endpoints/{}{said}", id("end_"));
    let on = |action: &str| format!("action={action}&id={}", id("end_"));
    let update = || O::UpdateEndpoint { id: end() };
    hold(vec![
        (
            "/endpoints",
            "action=create&url=https://a.test&event_types=a.b,+c.d%0D%0A&description=&headers=&limit=&period_seconds=&customer_id=&ordered=".into(),
            O::CreateEndpoint,
            json!({ "url": "https://a.test", "event_types": ["a.b", "c.d"] }),
            read::<NewEndpoint>,
            String::new(),
        ),
        (
            "/endpoints",
            format!(
                "action=create&url=u&event_types=invoice.*&description=+D+&headers=X-A:+1:2%0D%0A%0D%0Ax-b:%0D%0A&limit=5\
                 &period_seconds=1&customer_id=cus_1&ordered=false&signature=v1a&sources={}",
                SOURCE
            ),
            O::CreateEndpoint,
            json!({
                "url": "u", "event_types": ["invoice.*"], "description": "D", "headers": { "X-A": "1:2", "x-b": "" },
                "rate_limit": { "limit": 5, "period_seconds": 1 }, "customer_id": "cus_1", "ordered": false,
                "signature": "v1a", "sources": [SOURCE],
            }),
            read::<NewEndpoint>,
            String::new(),
        ),
        (
            "/endpoints",
            on("update&url=&event_types=&description=&headers=&limit=&period_seconds=&ordered=true&with_sources=true"),
            update(),
            json!({ "event_types": [], "description": "", "rate_limit": null, "ordered": true, "sources": [] }),
            read::<UpdateEndpoint>,
            at("?done=changed"),
        ),
        (
            "/endpoints",
            on("update&url=https://b.test&event_types=a&description=D&headers=&no_headers=true&limit=1&period_seconds=60"),
            update(),
            json!({
                "url": "https://b.test", "event_types": ["a"], "description": "D", "headers": {},
                "rate_limit": { "limit": 1, "period_seconds": 60 },
            }),
            read::<UpdateEndpoint>,
            at("?done=changed"),
        ),
        ("/endpoints", on("enable"), update(), json!({ "disabled": false }), read::<UpdateEndpoint>, at("?done=enabled")),
        ("/endpoints", on("disable"), update(), json!({ "disabled": true }), read::<UpdateEndpoint>, at("?done=disabled")),
        (
            "/endpoints",
            on("rotate&overlap_seconds=0"),
            O::RotateEndpointSecret { id: end() },
            json!({ "overlap_seconds": 0 }),
            read::<RotateEndpointSecret>,
            String::new(),
        ),
        ("/endpoints", on("test"), O::TestEndpoint { id: end() }, Value::Null, read::<()>, at("?done=test-sent")),
        (
            "/endpoints",
            on("recover&since=2026-11-22T10%3A00&cursor=7"),
            O::RecoverEndpoint { id: end() },
            json!({ "since": "2026-11-22T10:00:00Z", "cursor": "7" }),
            read::<Recover>,
            String::new(),
        ),
        ("/endpoints", on("delete"), O::DeleteEndpoint { id: end() }, Value::Null, read::<()>, "/endpoints?done=deleted".into()),
    ]);
}

#[test]
fn forms_of_messages_and_what_belongs_to_them_become_the_json_of_the_api() {
    use Operation as O;
    let msg = || MessageId::parse(&id("msg_")).unwrap();
    let endpoint = || EndpointId::parse(&id("end_")).unwrap();
    let on = |action: &str| format!("action={action}&id={}&endpoint_id={}", id("msg_"), id("end_"));
    let at = |said: &str| format!("/messages/{}{said}", id("msg_"));
    let name = || "invoice.paid".to_owned();
    hold(vec![
        (
            "/messages",
            "action=publish&event_type=invoice.paid&customer_id=cus_1&payload=+%7B%22a%22:1%7D+".into(),
            O::PublishMessage,
            json!({ "event_type": "invoice.paid", "customer_id": "cus_1", "payload": { "a": 1 } }),
            |body| serde_json::from_str::<NewMessage>(&body.to_string()).is_ok(),
            at("?done=published"),
        ),
        (
            "/messages",
            on("resend"),
            O::ResendMessage { id: msg(), endpoint: endpoint() },
            Value::Null,
            read::<()>,
            at("?done=resent"),
        ),
        (
            "/messages",
            on("skip"),
            O::SkipDelivery { id: msg(), endpoint: endpoint() },
            Value::Null,
            read::<()>,
            at("?done=skipped"),
        ),
        (
            "/event-types",
            "action=set&name=invoice.paid&description=D&schema=%7B%22type%22:%22object%22%7D&example=%5B1%5D"
                .into(),
            O::SetEventType { name: name() },
            json!({ "description": "D", "schema": { "type": "object" }, "example": [1] }),
            read::<SetEventType>,
            "/event-types?done=described".into(),
        ),
        (
            "/event-types",
            "action=set&name=invoice.paid&description=&schema=&example=".into(),
            O::SetEventType { name: name() },
            json!({ "description": "" }),
            read::<SetEventType>,
            "/event-types?done=described".into(),
        ),
        (
            "/event-types",
            "action=delete&name=invoice.paid".into(),
            O::DeleteEventType { name: name() },
            Value::Null,
            read::<()>,
            "/event-types?done=deleted".into(),
        ),
        (
            "/portal-links",
            "action=create&customer_id=cus_1&expires_in_seconds=600".into(),
            O::CreatePortalLink,
            json!({ "customer_id": "cus_1", "expires_in_seconds": 600 }),
            read::<NewPortalLink>,
            String::new(),
        ),
        (
            "/portal-links",
            format!("action=close&id={}", id("ptl_")),
            O::DeletePortalLink { id: PortalLinkId::parse(&id("ptl_")).unwrap() },
            Value::Null,
            read::<()>,
            "/portal-links?done=link-closed".into(),
        ),
    ]);
}

/// M8: what is published is what was typed, to the byte; browsers write the ends of lines as CR LF.
#[test]
fn m8_a_payload_goes_along_as_it_was_typed() {
    let plane = hostile();
    let payload = "%7B%22b%22:1.0,%0D%0A+%22a%22:12345678901234567890123,%22b%22:%22%C3%A9%7D%22%7D";
    signed("/messages", &format!("action=publish&event_type=a%7D&payload={payload}"), &plane);
    let calls = plane.calls.borrow();
    let body = std::str::from_utf8(&calls[0].1).unwrap();
    assert_eq!(
        body,
        "{\"event_type\":\"a}\",\"payload\":{\"b\":1.0,\n \"a\":12345678901234567890123,\"b\":\"é}\"}}"
    );
}

/// What is no JSON, or no header, ends here: spliced into a body it could say more than it seems to.
#[test]
fn what_is_not_json_reaches_nobody_and_is_kept() {
    for (path, fields, why, kept) in [
        (
            "/messages",
            "action=publish&event_type=a&payload=1,%22customer_id%22:%22x%22",
            "wrong-payload\">Must be JSON.",
            "customer_id&quot;:&quot;x",
        ),
        (
            "/messages",
            "action=publish&event_type=kept&payload=",
            "wrong-payload\">Must be JSON.",
            "value=\"kept\"",
        ),
        (
            "/messages",
            "action=publish&event_type=kept&payload=1%7D",
            "wrong-payload\">Must be JSON.",
            ">1}</textarea>",
        ),
        ("/event-types", "action=set&name=a&schema=nope", "wrong-schema\">Must be JSON.", ">nope</textarea>"),
        (
            "/event-types",
            "action=set&name=a&example=nope",
            "wrong-example\">Must be JSON.",
            ">nope</textarea>",
        ),
        ("/event-types", "action=set&name=a/b", "wrong-name\">Must be 1 to 128", "value=\"a/b\""),
        ("/endpoints", "action=create&url=https://kept.test&headers=hush", "one a line", "https://kept.test"),
        (
            "/endpoints",
            "action=create&url=https://kept.test&headers=a:hush%0D%0Aa:x",
            "one a line",
            "https://kept.test",
        ),
    ] {
        let plane = hostile();
        let answer = signed(path, fields, &plane);
        assert_eq!(answer.status, 422, "{fields}");
        assert!(answer.body.contains(why) && answer.body.contains(kept), "{fields}: {}", answer.body);
        assert!(!answer.body.contains("hush"), "{fields}");
        let reads = |operation: &Operation| {
            format!("{operation:?}").starts_with("List") || *operation == Operation::Me
        };
        assert!(plane.operations().iter().all(reads), "{fields}");
    }
}

/// Secrets of providers and endpoints are shown on the answer to their form and never in one that was refused.
#[test]
fn a_refused_form_of_webhooks_keeps_what_was_typed_but_no_secret() {
    let end = id("end_");
    for (path, fields, kept) in [
        ("/sources", "action=create&provider=stripe&name=Kept&secret=hush".to_owned(), "value=\"Kept\""),
        (
            "/sources",
            format!("action=rotate&id={SOURCE}&secret=hush&overlap_seconds=604800"),
            "value=\"604800\" selected",
        ),
        (
            "/endpoints",
            "action=create&url=https://a.test&description=Kept&headers=X-Key:+hush".to_owned(),
            "value=\"Kept\"",
        ),
        (
            "/endpoints",
            format!("action=update&id={end}&description=Kept&headers=X-Key:+hush&limit=77"),
            "value=\"77\"",
        ),
    ] {
        let changes = |operation: &Operation| {
            use Operation as O;
            matches!(
                operation,
                O::CreateSource | O::RotateSourceSecret { .. } | O::CreateEndpoint | O::UpdateEndpoint { .. }
            )
        };
        let answer = signed(path, &fields, &refusing(Code::ValidationFailed, changes));
        assert_eq!(answer.status, 422, "{fields}");
        assert!(answer.body.contains(kept) && !answer.body.contains("hush"), "{fields}");
        assert!(answer.body.contains(Code::ValidationFailed.title()), "{fields}");
    }
}

#[test]
fn secrets_and_links_are_shown_once() {
    let end = id("end_");
    for (path, fields) in [
        ("/endpoints", "action=create&url=https://a.test".to_owned()),
        ("/endpoints", format!("action=rotate&id={end}&overlap_seconds=0")),
        ("/sources", format!("action=token&id={}", SOURCE)),
        ("/portal-links", "action=create&customer_id=c&expires_in_seconds=60".to_owned()),
    ] {
        let plane = FakePlane::new(|call, _| {
            let mut answer = answer(&call.operation);
            let names: &[&str] = match call.operation {
                Operation::TakeVerificationToken { .. } => &["verification_token"],
                Operation::CreatePortalLink => &["url"],
                _ => &["secret"],
            };
            for name in names {
                answer[*name] = "shown_once".into();
            }
            reply(201, answer)
        });
        let answer = signed(path, &fields, &plane);
        assert!(answer.body.contains("shown_once"), "{fields}");
        assert_eq!((answer.status, answer.header("location")), (200, None), "{fields}");
    }
}

/// What sends many again goes on where it ended, by a form that says the same.
#[test]
fn a_long_replay_goes_on_step_by_step() {
    let body =
        signed("/sources", &format!("action=replay&id={}&failed_only=true&until=", SOURCE), &hostile()).body;
    assert!(body.contains("1,500 deliveries are on their way again"));
    for field in [
        "name=\"action\" value=\"replay\"",
        "name=\"failed_only\" value=\"true\"",
        "name=\"cursor\" value=\"&quot;&gt;",
    ] {
        assert!(body.contains(field), "{field}");
    }
    let last = FakePlane::new(|_, _| reply(202, json!({ "deliveries": 1, "next_cursor": null })));
    let body = signed("/endpoints", &format!("action=recover&id={}&since=x", id("end_")), &last).body;
    assert!(body.contains("1 delivery is on its way again") && !body.contains("name=\"cursor\""));
}
