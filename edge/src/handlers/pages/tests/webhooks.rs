//! What the pages of webhooks ask for, say and offer, and to whom.

use super::vault::seen_by;
use super::*;
use crate::pages::Notice;
use protocol::api::DeliveryStatus;
use protocol::call::EventFilter;
use protocol::{SourceId, call};

fn as_it_is(_: &Operation, _: &mut Value) {}

/// N2: a member sees all of it and is offered no change.
#[test]
fn n2_a_member_changes_nothing_of_webhooks() {
    let (source, endpoint) = (format!("/sources/{}", SOURCE), format!("/endpoints/{}", id("end_")));
    let (event, message) = (format!("/events/{}", id("ine_")), format!("/messages/{}", id("msg_")));
    for (path, offered) in [
        ("/sources", vec!["create"]),
        (&source, vec!["resume", "token", "rename", "rotate", "replay"]),
        (&event, vec!["replay", "resend", "skip"]),
        ("/endpoints", vec!["create"]),
        (&endpoint, vec!["enable", "recover", "update", "rotate", "resend", "skip"]),
        ("/messages", vec!["publish"]),
        (&message, vec!["resend", "skip"]),
        ("/event-types", vec!["set"]),
        ("/event-types/a.b", vec!["set", "delete"]),
    ] {
        let (admin, member) = (seen_by("org_admin", path, as_it_is), seen_by("member", path, as_it_is));
        for action in offered {
            let form = format!("name=\"action\" value=\"{action}\"");
            assert!(admin.contains(&form), "{path}: {action}");
        }
        let changes = forms(&member).into_iter().filter(|form| form.contains("method=\"post\"")).count();
        assert_eq!(changes, 1, "{path}: sign-out alone");
        assert!(!member.contains("/delete\""), "{path}");
        assert_eq!(
            admin.contains("href=\"/portal-links\""),
            path.contains("/e") && !path.contains("/events") || path.contains("/m"),
            "{path}"
        );
        assert!(!member.contains("href=\"/portal-links\""), "{path}");
    }
    let plane = FakePlane::new(|call, _| match call.operation {
        Operation::ListPortalLinks(_) => refusal(Code::Forbidden),
        _ => reply(200, answer(&call.operation)),
    });
    let answer = get("/portal-links", &plane);
    assert!(answer.status == 403 && !answer.body.contains("value=\"create\""));
}

/// The first call after who is looking, and whether a filter that cannot be meant is refused as a page.
#[test]
fn filters_become_those_of_the_api() {
    let asked = |path: &str| {
        let plane = hostile();
        get(path, &plane);
        plane.operations().remove(1)
    };
    let page = |cursor: Option<&str>| call::Page { limit: None, cursor: cursor.map(str::to_owned) };
    let none = EventFilter::default();
    for path in ["/events", "/events?source_id=&event_type=&since=&until=&forwarding="] {
        assert_eq!(
            asked(path),
            Operation::ListInboundEvents { filter: none.clone(), page: page(None) },
            "{path}"
        );
    }
    let filter = EventFilter {
        source: Some(SourceId::parse(SOURCE).unwrap()),
        event_type: Some("a.b".into()),
        since: Some(1_795_341_600_000),
        until: Some(1_795_341_630_000),
        forwarding: Some(DeliveryStatus::Failed),
    };
    let query = format!(
        "source_id={}&event_type=+a.b+&since=2026-11-22T10%3A00&until=2026-11-22T10%3A00%3A30&forwarding=failed&cursor=ine_x",
        SOURCE
    );
    assert_eq!(
        asked(&format!("/events?{query}")),
        Operation::ListInboundEvents { filter: filter.clone(), page: page(Some("ine_x")) }
    );
    // The way on, and what the form holds, mean the same once more.
    let body = get(&format!("/events?{query}"), &hostile()).body.into_owned();
    let more = body.split("href=\"").find(|rest| rest.contains(">More<")).unwrap();
    let more = more.split('"').next().unwrap().replace("&amp;", "&");
    assert_eq!(asked(&more), Operation::ListInboundEvents { filter, page: page(Some("xxx_next")) });
    assert!(body.contains("value=\"2026-11-22T10:00:30\"") && body.contains("value=\"failed\" selected"));

    let customer_id = Some("cus_1".to_owned());
    assert_eq!(
        asked("/endpoints?customer_id=cus_1"),
        Operation::ListEndpoints { customer_id: customer_id.clone(), page: page(None) }
    );
    assert_eq!(
        asked("/messages?customer_id=cus_1"),
        Operation::ListMessages { customer_id, page: page(None) }
    );
    for path in [
        "/events?source_id=x",
        "/events?event_type=a%20b",
        "/events?since=yesterday",
        "/events?forwarding=lost",
        "/messages?customer_id=%3Cscript%3E",
        "/endpoints?customer_id=a/b",
    ] {
        let text =
            head("GET", path, &[("accept", "text/html"), ("cookie", &cookie(&cookie_token(NOW + 60)).1)]);
        let answer = answered(&mut isolate(), &text);
        assert!(answer.status == 400 && answer.body.contains("<h1>"), "{path}");
    }
}

/// M8: a payload is shown as it is delivered, to the byte.
#[test]
fn m8_a_payload_is_shown_as_it_is() {
    let plane = FakePlane::new(|call, _| {
        let mut reply = reply(200, answer(&call.operation)).unwrap();
        if let Operation::GetMessage { .. } = call.operation {
            let text = String::from_utf8(reply.body.to_vec()).unwrap();
            let payload = text.find("\"payload\":").unwrap();
            let end = payload + text[payload..].find('}').unwrap() + 1;
            let text = format!("{}\"payload\":{{\"b\": 1.0,  \"a\":1e2}}{}", &text[..payload], &text[end..]);
            reply.body = text.into_bytes().into();
        }
        Some(reply)
    });
    let body = get(&format!("/messages/{}", id("msg_")), &plane).body;
    assert!(body.contains(">{&quot;b&quot;: 1.0,  &quot;a&quot;:1e2}</pre>"), "{body}");
}

/// B6: what is the matter with a source is said on its page, in the list and on the first page; what is well is not.
#[test]
fn b6_c6_a_source_that_refuses_too_much_is_said_to() {
    let well: fn(&Operation, &mut Value) = |operation, answer| match operation {
        Operation::GetSource { .. } => answer["alerting_since"] = Value::Null,
        Operation::ListSources(_) => answer["data"][0]["alerting_since"] = Value::Null,
        _ => {}
    };
    let path = format!("/sources/{}", SOURCE);
    for path in ["/", "/sources", &path] {
        assert!(seen_by("member", path, as_it_is).contains("refuses too much"), "{path}");
    }
    for path in ["/sources", &path] {
        assert!(!seen_by("member", path, well).contains("refuses too much"), "{path}");
    }
    assert!(seen_by("member", &path, as_it_is).contains("never to the sender"));
}

#[test]
fn a_source_says_what_to_paste_where() {
    let body = seen_by("org_admin", &format!("/sources/{}", SOURCE), |operation, answer| match operation {
        Operation::GetSource { .. } => {
            answer["provider"] = "acme".into();
            answer["url"] = format!("https://gate.test:8443/in/{SOURCE}").into();
        }
        Operation::ListProviders => {
            let provider = &mut answer["data"][0];
            provider["id"] = "acme".into();
            for name in ["secret_hint", "scheme", "handshake", "caveat"] {
                provider[name] = format!("the {name}").into();
            }
            provider["docs"] = "https://docs.test".into();
        }
        _ => {}
    });
    for said in [
        "the secret_hint",
        "the scheme",
        "the handshake",
        "the caveat",
        "href=\"https://docs.test\"",
        "to the letter",
        "300 seconds",
    ] {
        assert!(body.contains(said), "{said}");
    }
    let command = format!("listen --url https://gate.test:8443 --source {SOURCE} --to http://localhost:3000");
    assert!(body.contains(&command) && body.contains("sources:read") && body.contains("inbound_events:read"));
    let chosen = seen_by("org_admin", "/sources?provider=stripe", as_it_is);
    assert!(chosen.contains("<option value=\"stripe\" selected>"));
}

#[test]
fn an_endpoint_out_of_use_says_why_and_can_be_put_back() {
    let path = format!("/endpoints/{}", id("end_"));
    let with = |change: fn(&Operation, &mut Value)| seen_by("org_admin", &path, change);
    let disabled = with(as_it_is);
    assert!(disabled.contains("taken nothing for five days") && disabled.contains("value=\"enable\""));
    assert!(!disabled.contains("value=\"test\"") && !disabled.contains("value=\"disable\""));
    let failing = with(|operation, answer| {
        if let Operation::GetEndpoint { .. } = operation {
            answer["disabled_at"] = Value::Null;
        }
    });
    assert!(failing.contains("Every attempt has failed since") && !failing.contains("value=\"enable\""));
    assert!(failing.contains("value=\"test\"") && failing.contains("value=\"disable\""));
    let well = with(|operation, answer| {
        if let Operation::GetEndpoint { .. } = operation {
            answer["disabled_at"] = Value::Null;
            answer["failing_since"] = Value::Null;
        }
    });
    assert!(!well.contains("class=\"problem\""));
}

/// What stands in the form of an endpoint is what it has; its URL and headers are not.
#[test]
fn an_endpoints_form_holds_what_the_endpoint_has() {
    let body = seen_by("org_admin", &format!("/endpoints/{}", id("end_")), |operation, answer| {
        if let Operation::GetEndpoint { .. } = operation {
            answer["event_types"] = json!(["a.b", "c.*"]);
            answer["description"] = "Theirs".into();
            answer["header_names"] = json!(["x-key"]);
        }
    });
    let form = forms(&body).into_iter().find(|form| form.contains("value=\"update\"")).unwrap();
    for held in [
        "value=\"a.b c.*\"",
        "value=\"Theirs\"",
        "name=\"limit\" value=\"3\"",
        "name=\"url\" value=\"\"",
        "x-key",
        "value=\"true\" selected",
        " checked",
    ] {
        assert!(form.contains(held), "{held}: {form}");
    }
    assert!(form.contains("name=\"headers\" rows=\"3\" spellcheck=\"false\"></textarea>"));
}

#[test]
fn an_event_without_a_message_asks_for_no_attempts() {
    let said = |sources: Value, created_at: &'static str| {
        let plane = FakePlane::new(move |call, _| {
            let mut answer = answer(&call.operation);
            if let Operation::GetInboundEvent { .. } = call.operation {
                answer.as_object_mut().unwrap().remove("message_id");
                answer["received_at"] = "2026-11-29T12:00:00.000Z".into();
            }
            if let Operation::ListEndpoints { .. } = call.operation {
                answer["data"][0]["sources"] = sources.clone();
                answer["data"][0]["created_at"] = created_at.into();
            }
            reply(200, answer)
        });
        let body = get(&format!("/events/{}", id("ine_")), &plane).body;
        assert_eq!(plane.operations().len(), 3);
        body
    };
    let (before, after) = ("2026-11-29T11:59:59.999Z", "2026-11-29T12:00:00.001Z");
    assert!(said(json!([]), before).contains("No endpoint gets the events of this source."));
    assert!(said(json!([SOURCE]), after).contains("the endpoints of this source are newer"));
    assert!(
        said(json!([SOURCE]), before).contains("none was enabled for this source and this type of event")
    );
}

const LONG: &str = "https://example.com/hooks/a-path-of-some-length/and-some-more-of-it/T00000000?key=hush";

/// Two endpoints on one host are told apart by their titles.
#[test]
fn an_endpoint_is_titled_by_its_description_or_its_url() {
    let path = format!("/endpoints/{}", id("end_"));
    let described = seen_by("org_admin", &path, |operation, answer| {
        if let Operation::GetEndpoint { .. } = operation {
            answer["description"] = "Invoices".into();
        }
    });
    assert!(described.contains("<h1>Endpoint Invoices</h1>"));
    let plain = seen_by("org_admin", &path, |operation, answer| {
        if let Operation::GetEndpoint { .. } = operation {
            answer["url"] = "https://example.com/…".into();
            answer["description"] = "".into();
        }
    });
    assert!(plain.contains("<h1>Endpoint https://example.com/…</h1>"));
    let whole = seen_by("org_admin", &path, |operation, answer| {
        if let Operation::GetEndpoint { .. } = operation {
            answer["url"] = LONG.into();
            answer["description"] = "".into();
        }
    });
    assert!(whole.contains(&format!("<h1>Endpoint {}…</h1>", &LONG[..60])));
    assert!(whole.contains(LONG), "all of it, below");
}

#[test]
fn a_message_leads_to_its_attempts() {
    let page = get(&format!("/messages/{}", id("msg_")), &hostile()).body;
    assert!(page.contains("<a href=\"#attempts\">1+</a>") && page.contains("id=\"attempts\""), "{page}");
}

#[test]
fn pages_that_belong_together_lead_to_each_other() {
    for (path, group, others) in [
        ("/events", "Webhooks in", ["/sources", "/providers"]),
        ("/messages", "Webhooks out", ["/endpoints", "/event-types"]),
    ] {
        let body = get(path, &hostile()).body;
        let inner = body.split(&format!("<nav class=\"sub\" aria-label=\"{group}\">")).nth(1).unwrap();
        let inner = inner.split("</nav>").next().unwrap();
        assert!(inner.contains(&format!("<a href=\"{path}\" aria-current=\"page\">")), "{path}");
        for other in others {
            assert!(inner.contains(&format!("<a href=\"{other}\">")), "{path}: {other}");
        }
        assert!(body.contains(&format!("aria-current=\"true\">{group}</a>")), "{path}");
    }
    assert!(!get("/usage", &hostile()).body.contains("class=\"sub\""));
    assert!(Notice::of("done=test-sent").is_some());
}
