//! What is made of an answer, and what is kept of it.

use super::*;
use crate::unreachable::Unreachable;

fn answer(answer: Answer) -> impl Fn(&Post) -> Answered {
    move |_| (1, Ok(answer.clone()))
}

#[test]
fn an_endpoint_says_when_to_come_back() {
    for (text, wait) in [("3600", 3_600_000), ("Fri, 15 Jan 2027 09:00:00 GMT", 3_599_999), ("604800", DAY)] {
        let tenant = Tenant::new(1);
        endpoint(&tenant, "https://example.com");
        publish(&tenant, 1);
        let busy = Answer { status: 429, retry_after: Some(text.into()), ..Answer::default() };
        Receivers::new(answer(busy)).ring(&tenant).unwrap();
        assert_eq!(next_due(tenant.store()), Ok(Some(NOW + 1 + wait)), "{text}");
    }
}

#[test]
fn a_redirect_is_a_failure() {
    for redirect in [301, 302, 303, 307, 308, 304] {
        let tenant = Tenant::new(1);
        let id = endpoint(&tenant, "https://example.com/hook");
        publish(&tenant, 1);
        let receivers = Receivers::new(|_| status(redirect));
        receivers.ring(&tenant).unwrap();
        let listed = &deliveries_of(&tenant, &id)[0];
        assert_eq!((&listed["status"], &listed["http_status"]), (&json!("pending"), &json!(redirect)));
        assert_eq!(attempts(&tenant, &id)[0].text(2), Ok("redirect"));
        assert_eq!(receivers.posts(), 1);
        assert_eq!(receivers.posts.borrow()[0].1.url, "https://example.com/hook");
    }
}

#[test]
fn an_attempt_says_how_it_went() {
    for (given, status, http_status, error, duration) in [
        (
            (7, Ok(Answer { status: 200, duration_ms: 5, ..Answer::default() })),
            "succeeded",
            Some(200),
            None,
            5,
        ),
        ((7, Ok(Answer { status: 500, duration_ms: 5, ..Answer::default() })), "failed", Some(500), None, 5),
        (hang(), "failed", None, Some("timeout"), 15_000),
        ((7, Err(NoResponse::Unreachable(Unreachable::NoSuchHost))), "failed", None, Some("no_such_host"), 7),
    ] {
        let tenant = Tenant::new(1);
        let id = endpoint(&tenant, "https://example.com");
        publish(&tenant, 1);
        let receivers = Receivers::new(|_| given.clone());
        let call = call(Principal::Anonymous, Operation::Me);
        receivers.run(deliver(tenant.context(&call), &receivers), 1);
        drop(receivers);
        let receivers = Receivers::new(|_| given.clone());
        receivers.now_ms.set(next_due(tenant.store()).unwrap().unwrap());
        receivers.ring(&tenant).unwrap();
        let attempts = attempts(&tenant, &id);
        let [_, attempt] = attempts.as_slice() else { panic!("{attempts:?}") };
        assert_eq!(
            (
                attempt.text(0).unwrap(),
                attempt.optional_number(1).unwrap(),
                attempt.optional_text(2).unwrap(),
                attempt.number(4).unwrap(),
                attempt.number(5).unwrap()
            ),
            (status, http_status, error, 2, duration)
        );
    }
}

#[test]
fn an_answer_is_kept_without_what_the_endpoint_was_told() {
    let tenant = Tenant::new(1);
    let body =
        json!({ "url": "https://example.com", "headers": { "authorization": "Bearer fake-own-token" } });
    let created = create(&tenant, &body);
    let secret = created["secret"].as_str().unwrap().to_owned();
    publish(&tenant, 1);
    let echo = Receivers::new(|post| {
        let body = format!(
            "{} {} {} {} ok\u{1b}",
            header(post, "webhook-signature"),
            secrecy::ExposeSecret::expose_secret(&post.custom[0].1),
            secret,
            &secret["whsec_".len()..]
        );
        (1, Ok(Answer { status: 200, body: body.into_bytes(), ..Answer::default() }))
    });
    echo.ring(&tenant).unwrap();
    assert_eq!(echo.posts.borrow()[0].1.custom[0].0, "authorization");
    let attempts = attempts(&tenant, &id_of(&created));
    let kept = attempts[0].text(3).unwrap();
    assert!(kept.ends_with("ok\u{fffd}"), "{kept}");
    for part in
        [&secret["whsec_".len()..], "fake-own", header(&echo.posts.borrow()[0].1, "webhook-signature")]
    {
        assert!(!kept.contains(part), "{kept}");
    }
}
