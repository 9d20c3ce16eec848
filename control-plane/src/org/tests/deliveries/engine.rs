//! At least once, by the schedule, signed.

use super::*;
use crate::unreachable::Unreachable;
use webhooks::{Refusal, Request, SecretKey, provider, verify};

/// As the receiver's own verifier sees it.
fn verified(post: &Post, key: &SecretKey, now_ms: u64) -> Result<webhooks::Verified, Refusal> {
    let request =
        Request { method: "POST", url: &post.url, headers: post.headers.as_slice(), body: &post.body };
    let key = std::slice::from_ref(key);
    verify(provider("standard-webhooks").unwrap(), key, &request, now_ms, None)
}

fn key_of(endpoint: &Json) -> SecretKey {
    provider("standard-webhooks").unwrap().parse_secret(endpoint["secret"].as_str().unwrap()).unwrap()
}

#[test]
fn m8_a_delivery_is_signed_by_standard_webhooks_and_under_the_brands_name() {
    let mut tenant = Tenant::new(1);
    tenant.config.brand.name = "Größe & Co. 7".into();
    let endpoint = create(&tenant, &json!({ "url": "https://example.com/hooks?team=7" }));
    let other = create(&tenant, &json!({ "url": "https://example.org/" }));
    publish(&tenant, 1);
    let receivers = Receivers::new(|_| status(204));
    receivers.now_ms.set(NOW + 1500);
    receivers.ring(&tenant).unwrap();

    let posts = receivers.posts.take();
    let (_, post) = posts.iter().find(|(_, post)| post.url == "https://example.com/hooks?team=7").unwrap();
    let verdict = verified(post, &key_of(&endpoint), NOW + 1500).unwrap();
    assert_eq!(verdict.event_id.as_deref(), Some(header(post, "webhook-id")));
    assert_eq!(verdict.event_type.as_deref(), Some("test"));
    assert_eq!(body(post), "{\"type\":\"test\",  \"n\":0}", "to the byte");
    assert_eq!(verdict.timestamp_ms, Some((NOW + 1500) / 1000 * 1000));
    assert_eq!(header(post, "x-gr-e-co-7-signature"), header(post, "webhook-signature"));
    assert_eq!(header(post, "content-type"), "application/json");
    assert_eq!(header(post, "user-agent"), "gr-e-co-7-webhooks");

    let tampered = Post {
        url: post.url.clone(),
        headers: post.headers.clone(),
        custom: Vec::new(),
        body: Zeroizing::new(body(post).replace("0", "1").into_bytes()),
    };
    assert_eq!(verified(&tampered, &key_of(&endpoint), NOW), Err(Refusal::SignatureInvalid));
    assert_eq!(verified(post, &key_of(&other), NOW), Err(Refusal::SignatureInvalid));
    let late = verified(post, &key_of(&endpoint), NOW + 600_000);
    assert_eq!(late, Err(Refusal::TimestampTooOld));
}

#[test]
fn a_brand_without_latin_letters_signs_under_its_prefix() {
    let mut tenant = Tenant::new(1);
    tenant.config.brand.name = "水門".into();
    endpoint(&tenant, "https://example.com/");
    publish(&tenant, 1);
    let receivers = Receivers::new(|_| status(200));
    receivers.ring(&tenant).unwrap();
    assert!(header(&receivers.posts.borrow()[0].1, "x-sgk-signature").starts_with("v1,"));
}

#[test]
fn a_delivery_is_tried_eight_times_by_the_schedule_then_fails() {
    for answer in [status(500), status(404), (1, Err(NoResponse::Unreachable(Unreachable::Refused)))] {
        let tenant = Tenant::new(1);
        let id = endpoint(&tenant, "https://example.com");
        publish(&tenant, 1);
        let receivers = Receivers::new(|_| answer.clone());
        let mut waits = Vec::new();
        while let Some(due) = receivers.ring_when_due(&tenant) {
            let listed = &deliveries_of(&tenant, &id)[0];
            assert_eq!(listed["attempts"], waits.len() + 1);
            let status = answer.1.as_ref().ok().map(|answer| answer.status);
            assert_eq!(listed.get("http_status"), status.map(|status| json!(status)).as_ref());
            waits.push(due);
        }
        let listed = &deliveries_of(&tenant, &id)[0];
        assert_eq!((&listed["status"], &listed["reason"]), (&json!("failed"), &json!("gave_up")));
        assert!(listed.get("next_attempt_at").is_none());
        assert_eq!(attempts(&tenant, &id).len(), 8);

        let posts = receivers.posts.take();
        assert_eq!(posts.iter().map(|(at, _)| *at).collect::<Vec<_>>(), waits);
        let waits: Vec<_> = waits.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let schedule = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map(|seconds| seconds * 1000);
        assert_eq!(waits.len(), schedule.len());
        for (wait, planned) in waits.iter().zip(schedule) {
            assert!(wait.abs_diff(planned) <= planned / 10 + 1, "{wait} for {planned}");
        }
        // The same message, signed anew for its time.
        assert!(
            posts.iter().all(|(_, post)| header(post, "webhook-id") == header(&posts[0].1, "webhook-id"))
        );
        assert!(posts.iter().all(|(at, post)| header(post, "webhook-timestamp") == (at / 1000).to_string()));
    }
}

#[test]
fn an_object_that_ends_between_mark_and_answer_delivers_again() {
    let tenant = Tenant::new(1);
    let endpoint = create(&tenant, &json!({ "url": "https://example.com" }));
    let id = id_of(&endpoint);
    publish(&tenant, 1);
    let receivers = Receivers::new(|_| status(200));
    assert!(receivers.ring_and_crash(&tenant, 1));
    let listed = &deliveries_of(&tenant, &id)[0];
    assert_eq!((&listed["status"], &listed["attempts"]), (&json!("pending"), &json!(1)));
    assert_eq!(attempts(&tenant, &id)[0].text(0), Ok("sending"));
    receivers.ring(&tenant).unwrap();
    assert_eq!(receivers.posts(), 1, "not at once, or one that takes the object down would do so for ever");
    assert_eq!(attempts(&tenant, &id)[0].text(0), Ok("interrupted"));

    let due = receivers.ring_when_due(&tenant).unwrap();
    assert!((NOW + 4_500..=NOW + 5_500).contains(&due));
    let listed = &deliveries_of(&tenant, &id)[0];
    assert_eq!((&listed["status"], &listed["attempts"]), (&json!("delivered"), &json!(2)));
    let [(_, first), (_, second)] = receivers.posts.take().try_into().ok().unwrap();
    assert_eq!(header(&first, "webhook-id"), header(&second, "webhook-id"));
    assert!(verified(&second, &key_of(&endpoint), due).is_ok());
    let attempts = attempts(&tenant, &id);
    assert_eq!((attempts[1].text(0), attempts[1].number(4)), (Ok("succeeded"), Ok(2)));
    assert_eq!(receivers.ring_when_due(&tenant), None);
}

#[test]
fn a_delivery_whose_last_attempt_was_cut_off_is_said_to_have_failed() {
    let tenant = Tenant::new(1);
    let id = endpoint(&tenant, "https://example.com");
    publish(&tenant, 1);
    let receivers = Receivers::new(|_| status(200));
    for _ in 0..8 {
        receivers.now_ms.set(next_due(tenant.store()).unwrap().unwrap());
        assert!(receivers.ring_and_crash(&tenant, 1));
    }
    assert_eq!(deliveries_of(&tenant, &id)[0]["status"], "pending");
    // Where it cannot be told, what comes after it goes on.
    publish(&tenant, 1);
    while receivers.ring_when_due(&tenant).is_some() {}
    let listed = deliveries_of(&tenant, &id);
    assert_eq!((&listed[0]["status"], &listed[1]["status"]), (&json!("delivered"), &json!("failed")));
    assert_eq!((&listed[1]["attempts"], receivers.posts()), (&json!(8), 9));
    assert_eq!(number(&tenant, "SELECT COUNT(*) FROM attempts WHERE status = 'interrupted'"), 8);
}

#[test]
fn a_long_turn_ends_and_the_rest_stays_due() {
    let tenant = Tenant::new(1);
    endpoint(&tenant, "https://example.com");
    publish(&tenant, 10);
    let slow = Receivers::new(|_| (9_000, status(200).1));
    slow.ring(&tenant).unwrap();
    assert_eq!(slow.posts(), 4);
    assert!(next_due(tenant.store()).unwrap().unwrap() <= slow.now_ms());
}

#[test]
fn what_is_published_while_somebody_is_slow_goes_at_once() {
    let tenant = Tenant::new(1);
    endpoint(&tenant, "https://slow.example.com");
    publish(&tenant, 1);
    let quick = endpoint(&tenant, "https://quick.example.com");
    let receivers = Receivers::new(|post| {
        if post.url.contains("//quick") {
            return status(200);
        }
        publish_to(&tenant, 1, Audience::Endpoint { id: &quick, customer: None });
        hang()
    });
    receivers.ring(&tenant).unwrap();
    let posts = receivers.posts.take();
    assert_eq!((posts[0].0, posts[1].0), (NOW, NOW));
    assert!(posts[1].1.url.contains("//quick"));
}

#[test]
fn what_an_answer_leads_to_goes_at_once() {
    let tenant = Tenant::new(1);
    let gone = endpoint(&tenant, "https://gone.example.com");
    endpoint(&tenant, "https://told.example.com");
    publish_to(&tenant, 1, Audience::Endpoint { id: &gone, customer: None });
    let receivers = Receivers::new(|post| status(if post.url.contains("//gone") { 410 } else { 200 }));
    receivers.ring(&tenant).unwrap();
    assert_eq!((receivers.posts_to("gone"), receivers.posts_to("told")), (1, 1), "that it is out of use");
}

#[test]
fn what_becomes_due_to_one_that_is_slow_goes_after_its_answer() {
    let tenant = Tenant::new(1);
    let slow = endpoint(&tenant, "https://slow.example.com");
    let quick = endpoint(&tenant, "https://quick.example.com");
    publish_to(&tenant, 2, Audience::Endpoint { id: &slow, customer: None });
    let tries = Cell::new(0);
    let receivers = Receivers::new(|post| {
        if post.url.contains("//quick") {
            return status(200);
        }
        tries.set(tries.get() + 1);
        match tries.get() {
            1 => status(500),
            2 => {
                // Somebody looks what there is to do before the first one is due again.
                publish_to(&tenant, 1, Audience::Endpoint { id: &quick, customer: None });
                (8_000, status(200).1)
            }
            _ => status(200),
        }
    });
    receivers.ring(&tenant).unwrap();
    assert_eq!((receivers.posts_to("slow"), receivers.posts_to("quick")), (3, 1));
    assert_eq!(next_due(tenant.store()), Ok(None));
}

#[test]
fn what_becomes_due_while_somebody_is_slow_goes_in_time() {
    let tenant = Tenant::new(1);
    endpoint(&tenant, "https://slow.example.com");
    endpoint(&tenant, "https://busy.example.com");
    publish(&tenant, 1);
    let receivers = Receivers::new(|post| if post.url.contains("//slow") { hang() } else { status(503) });
    receivers.ring(&tenant).unwrap();
    let busy: Vec<_> = receivers
        .posts
        .borrow()
        .iter()
        .filter(|(_, post)| post.url.contains("//busy"))
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(busy.len(), 2);
    assert!((4_500..=5_501).contains(&(busy[1] - busy[0])), "while the other one hangs for 15 s");
}

#[test]
fn an_endpoint_that_is_gone_gets_nothing_more() {
    let tenant = Tenant::new(1);
    let id = endpoint(&tenant, "https://example.com");
    publish(&tenant, 2);
    let gone = Receivers::new(|_| status(410));
    gone.ring(&tenant).unwrap();
    assert_eq!(gone.posts(), 1);
    let listed = deliveries_of(&tenant, &id);
    let reasons: Vec<_> = listed.as_array().unwrap().iter().map(|d| (&d["status"], &d["reason"])).collect();
    assert!(reasons.contains(&(&json!("failed"), &json!("endpoint_gone"))), "{listed}");
    assert!(reasons.iter().all(|(status, _)| *status == "failed"), "{listed}");
    let endpoint = tenant.ok(Operation::GetEndpoint { id }, &Json::Null);
    assert_eq!(endpoint["disabled_reason"], "gone");
    assert!(tenant.actions().contains(&"endpoint.disabled".to_owned()));
    // Nothing but a mail to the administrators.
    assert_eq!(tenant.count("outbox"), 1);
    assert_eq!(number(&tenant, "SELECT COUNT(due_at) FROM deliveries"), 0);
}

#[test]
fn five_days_of_failures_take_an_endpoint_out_of_use_and_one_success_does_not() {
    for recovers in [false, true] {
        let mut tenant = Tenant::new(1);
        let id = endpoint(&tenant, "https://example.com");
        let receivers = Receivers::new(|_| status(500));
        for day in 0..=5 {
            tenant.now_ms = NOW + day * DAY + day;
            receivers.now_ms.set(tenant.now_ms);
            if recovers && day == 3 {
                publish(&tenant, 1);
                let well = Receivers::new(|_| status(200));
                well.now_ms.set(tenant.now_ms);
                well.ring(&tenant).unwrap();
                receivers.now_ms.set(well.now_ms());
            }
            publish(&tenant, 1);
            receivers.ring(&tenant).unwrap();
            let endpoint = tenant.ok(Operation::GetEndpoint { id: id.clone() }, &Json::Null);
            assert_eq!(endpoint.get("disabled_at").is_some(), day == 5 && !recovers, "day {day}");
            assert!(endpoint.get("failing_since").is_some());
        }
        if !recovers {
            let endpoint = tenant.ok(Operation::GetEndpoint { id: id.clone() }, &Json::Null);
            assert_eq!(endpoint["disabled_reason"], "failing");
            let listed = deliveries_of(&tenant, &id);
            assert!(
                listed.as_array().unwrap().iter().all(|d| d["reason"] == "endpoint_disabled"),
                "{listed}"
            );
        }
    }
}

/// The endpoint's row as it would be had a former policy let the URL through.
fn point(tenant: &Tenant, id: &EndpointId, url: &str) {
    let call = call(Principal::Anonymous, Operation::LogIn);
    let place = vault::Context {
        org: tenant.org.as_str(),
        record: id.as_str(),
        connector: "",
        allowed_hosts: &["example.com".to_owned()],
        purpose: vault::Purpose::EndpointUrl,
    };
    let sealed = dek::seal(tenant.context(&call), &place, url.as_bytes()).unwrap().into_bytes();
    let point = "UPDATE endpoint_urls SET sealed = ? WHERE endpoint_id = ?";
    tenant.sql.exec(point, &[sealed.into(), id.as_str().into()]).unwrap();
}

#[test]
fn nothing_is_sent_where_a_row_has_come_to_point() {
    for (url, opens) in [
        ("https://169.254.169.254/latest", true),
        ("https://127.0.0.1/", true),
        ("http://example.com/", true),
        ("https://gate.example.com/in/src_x", true),
        ("https://evil.example/", false),
        ("https://example.com:8443/", false),
    ] {
        let tenant = Tenant::new(1);
        let id = endpoint(&tenant, "https://example.com/");
        let other = endpoint(&tenant, "https://example.org/");
        publish(&tenant, 1);
        point(&tenant, &id, url);
        let receivers = Receivers::new(|_| status(200));
        // That a secret does not open is a fault, which the log shows; others get theirs all the same.
        receivers.ring(&tenant).unwrap();
        assert_eq!(crate::org::take_detected(&tenant.limits).is_empty(), opens, "{url}");
        let posts = receivers.posts.take();
        assert_eq!((posts.len(), posts[0].1.url.as_str()), (1, "https://example.org/"), "{url}");
        assert_eq!(deliveries_of(&tenant, &other)[0]["status"], "delivered");
        let listed = &deliveries_of(&tenant, &id)[0];
        assert_eq!((&listed["status"], &listed["attempts"]), (&json!("pending"), &json!(1)), "{url}");
        let error = attempts(&tenant, &id)[0].text(2).unwrap().to_owned();
        assert_eq!(error, if opens { "url_not_allowed" } else { "internal" }, "{url}");
    }
}

#[test]
fn invariant_4_a_secret_moved_to_another_endpoint_does_not_open() {
    let tenant = Tenant::new(1);
    let [first, second] = ["https://example.com/a", "https://example.com/b"].map(|url| {
        let id = endpoint(&tenant, url);
        id.as_str().to_owned()
    });
    publish(&tenant, 1);
    let copy = "UPDATE endpoints SET sealed = (SELECT sealed FROM endpoints WHERE id = ?) WHERE id = ?";
    tenant.sql.exec(copy, &[first.as_str().into(), second.as_str().into()]).unwrap();
    let receivers = Receivers::new(|_| status(200));
    // Nor is it more than this delivery's fault: the alarm has not failed, and nothing else is put off.
    assert!(receivers.ring(&tenant).is_ok());
    let detected = crate::org::take_detected(&tenant.limits);
    assert_eq!(detected.len(), 1);
    assert_eq!((&detected[0]["level"], &detected[0]["count"]), (&json!("error"), &json!(1)));
    assert_eq!(detected[0]["detection"], "deliveries_not_prepared");
    let posts = receivers.posts.take();
    assert_eq!((posts.len(), posts[0].1.url.as_str()), (1, "https://example.com/a"));
}

#[test]
fn an_endpoint_that_is_deleted_while_it_answers_leaves_nothing() {
    let tenant = Tenant::new(1);
    let id = endpoint(&tenant, "https://example.com");
    publish(&tenant, 1);
    let receivers = Receivers::new(|_| {
        tenant.ok(Operation::DeleteEndpoint { id: id.clone() }, &Json::Null);
        status(500)
    });
    receivers.ring(&tenant).unwrap();
    assert_eq!((tenant.count("deliveries"), next_due(tenant.store())), (0, Ok(None)));
}

#[test]
fn what_is_settled_goes_with_its_retention_and_what_is_pending_stays() {
    let mut tenant = Tenant::new(1);
    endpoint(&tenant, "https://a.example.com");
    endpoint(&tenant, "https://b.example.com");
    publish(&tenant, 1);
    Receivers::new(|post| status(if post.url.contains("//a") { 200 } else { 500 })).ring(&tenant).unwrap();
    let kept = |tenant: &Tenant| {
        while purge(tenant.context(&call(Principal::Anonymous, Operation::Me))).unwrap() {}
        ["messages", "deliveries", "attempts"].map(|table| tenant.count(table))
    };
    tenant.now_ms = NOW + 30 * DAY;
    assert_eq!(kept(&tenant), [1, 2, 2]);
    tenant.now_ms += 2;
    assert_eq!(kept(&tenant), [1, 1, 0]);
    let receivers = Receivers::new(|_| status(200));
    receivers.ring_when_due(&tenant).unwrap();
    assert_eq!(kept(&tenant)[..2], [0, 0]);
}
