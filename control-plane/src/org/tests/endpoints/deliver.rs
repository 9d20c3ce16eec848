//! Deliveries: at least once, by the schedule, signed, and nobody waits for who hangs.

use super::*;
use crate::store::Event;
use futures_util::FutureExt as _;
use std::cell::Cell;
use std::future::pending;
use webhooks::{Refusal, Request, SecretKey, provider, verify};

/// Receivers, as a test has them answer, on a clock that stands still.
struct Receivers<F> {
    now_ms: Cell<u64>,
    posts: RefCell<Vec<(u64, Post)>>,
    answer: F,
}

/// `None`: it hangs.
type Answered = Option<Result<Answer, NoAnswer>>;

impl<F: Fn(&Post) -> Answered> Receivers<F> {
    fn new(answer: F) -> Self {
        Self { now_ms: Cell::new(NOW), posts: RefCell::default(), answer }
    }

    fn posts(&self) -> usize {
        self.posts.borrow().len()
    }

    /// The alarm rings.
    fn ring(&self, tenant: &Tenant) -> Result<(), AppError> {
        let call = call(Principal::Anonymous, Operation::Me);
        block_on(deliver(tenant.context(&call), self))
    }

    /// As [`Self::ring`], and the object is gone when somebody hangs.
    fn ring_and_crash(&self, tenant: &Tenant) {
        let call = call(Principal::Anonymous, Operation::Me);
        assert!(deliver(tenant.context(&call), self).now_or_never().is_none());
    }

    /// The alarm rings when the next delivery is due; `None`: none is.
    fn ring_when_due(&self, tenant: &Tenant) -> Option<u64> {
        let due = next_due(tenant.store()).unwrap()?;
        self.now_ms.set(due);
        self.ring(tenant).unwrap();
        Some(due)
    }
}

impl<F: Fn(&Post) -> Answered> Courier for Receivers<F> {
    async fn post(&self, post: &Post) -> Result<Answer, NoAnswer> {
        let copy = Post { url: post.url.clone(), headers: post.headers.clone(), body: post.body.clone() };
        self.posts.borrow_mut().push((self.now_ms.get(), copy));
        match (self.answer)(post) {
            Some(answer) => answer,
            None => pending().await,
        }
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }
}

fn status(status: u16) -> Answered {
    Some(Ok(Answer { status, retry_after: None }))
}

fn header<'a>(post: &'a Post, name: &str) -> &'a str {
    let mut found = post.headers.iter().filter(|(header, _)| header == name);
    let (_, value) = found.next().unwrap();
    assert!(found.next().is_none(), "{name} twice");
    value
}

/// As the receiver's own verifier sees it.
fn verified(post: &Post, key: &SecretKey, now_ms: u64) -> Result<webhooks::Verified, Refusal> {
    let request = Request {
        method: "POST",
        url: &post.url,
        headers: post.headers.as_slice(),
        body: post.body.as_bytes(),
    };
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
    let endpoint = create(&tenant, &endpoint("https://example.com/hooks?team=7"));
    let other = create(&tenant, &super::endpoint("https://example.org/"));
    disconnect(&tenant);
    let receivers = Receivers::new(|_| status(204));
    receivers.now_ms.set(NOW + 1500);
    receivers.ring(&tenant).unwrap();

    let posts = receivers.posts.take();
    let (_, post) = posts.iter().find(|(_, post)| post.url == "https://example.com/hooks?team=7").unwrap();
    let verdict = verified(post, &key_of(&endpoint), NOW + 1500).unwrap();
    assert_eq!(verdict.event_id.as_deref(), Some(header(post, "webhook-id")));
    assert_eq!(verdict.event_type.as_deref(), Some("connection.disconnected"));
    assert_eq!(verdict.timestamp_ms, Some((NOW + 1500) / 1000 * 1000));
    assert_eq!(header(post, "x-gr-e-co-7-signature"), header(post, "webhook-signature"));
    assert_eq!(header(post, "content-type"), "application/json");
    assert_eq!(header(post, "user-agent"), "gr-e-co-7-webhooks");

    let tampered = Post {
        url: post.url.clone(),
        headers: post.headers.clone(),
        body: post.body.replace("unsupported", "revoked"),
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
    create(&tenant, &endpoint("https://example.com/"));
    disconnect(&tenant);
    let receivers = Receivers::new(|_| status(200));
    receivers.ring(&tenant).unwrap();
    assert!(header(&receivers.posts.borrow()[0].1, "x-sgk-signature").starts_with("v1,"));
}

#[test]
fn a_delivery_is_tried_eight_times_by_the_schedule_then_fails() {
    for answer in [status(500), status(404), Some(Err(NoAnswer))] {
        let tenant = Tenant::new(1);
        let id = id_of(&create(&tenant, &endpoint("https://example.com")));
        disconnect(&tenant);
        let receivers = Receivers::new(|_| answer);
        let mut waits = Vec::new();
        while let Some(due) = receivers.ring_when_due(&tenant) {
            let listed = &deliveries(&tenant, &id)[0];
            assert_eq!(listed["attempts"], waits.len() + 1);
            assert_eq!(listed["http_status"], json!(answer.unwrap().ok().map(|answer| answer.status)));
            waits.push(due);
        }
        let listed = &deliveries(&tenant, &id)[0];
        assert_eq!((&listed["status"], &listed["next_attempt_at"]), (&json!("failed"), &Json::Null));

        let posts = receivers.posts.take();
        assert_eq!(posts.iter().map(|(at, _)| *at).collect::<Vec<_>>(), waits);
        let waits: Vec<_> = waits.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let schedule = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map(|seconds| seconds * 1000);
        assert_eq!(waits.len(), schedule.len());
        for (wait, planned) in waits.iter().zip(schedule) {
            assert!(wait.abs_diff(planned) <= planned / 10, "{wait} for {planned}");
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
    let endpoint = create(&tenant, &endpoint("https://example.com"));
    let id = id_of(&endpoint);
    disconnect(&tenant);
    let hanging = Receivers::new(|_| None);
    hanging.ring_and_crash(&tenant);
    let listed = &deliveries(&tenant, &id)[0];
    assert_eq!((&listed["status"], &listed["attempts"]), (&json!("pending"), &json!(1)));
    hanging.ring(&tenant).unwrap();
    assert_eq!(hanging.posts(), 1, "not at once, or one that takes the object down would do so for ever");

    let receivers = Receivers::new(|_| status(200));
    let due = receivers.ring_when_due(&tenant).unwrap();
    assert!((NOW + 4_500..=NOW + 5_500).contains(&due));
    let listed = &deliveries(&tenant, &id)[0];
    assert_eq!((&listed["status"], &listed["attempts"]), (&json!("delivered"), &json!(2)));
    let (first, second) = (hanging.posts.take().remove(0).1, receivers.posts.take().remove(0).1);
    assert_eq!(header(&first, "webhook-id"), header(&second, "webhook-id"));
    assert!(verified(&second, &key_of(&endpoint), due).is_ok());
    assert_eq!(receivers.ring_when_due(&tenant), None);
}

#[test]
fn a_delivery_whose_last_attempt_was_cut_off_is_said_to_have_failed() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    disconnect(&tenant);
    let hanging = Receivers::new(|_| None);
    for _ in 0..8 {
        hanging.now_ms.set(next_due(tenant.store()).unwrap().unwrap());
        hanging.ring_and_crash(&tenant);
    }
    assert_eq!(deliveries(&tenant, &id)[0]["status"], "pending");
    // Where it cannot be told, what comes after it goes on.
    disconnect(&tenant);
    let receivers = Receivers::new(|_| status(200));
    while receivers.ring_when_due(&tenant).is_some() {}
    let listed = deliveries(&tenant, &id);
    assert_eq!((&listed[0]["status"], &listed[1]["status"]), (&json!("delivered"), &json!("failed")));
    assert_eq!((&listed[1]["attempts"], receivers.posts()), (&json!(8), 1));
}

#[test]
fn an_endpoint_that_hangs_holds_up_nobody_else() {
    let tenant = Tenant::new(1);
    let all: Vec<_> =
        (0..8).map(|i| id_of(&create(&tenant, &endpoint(&format!("https://h{i}.example.com"))))).collect();
    for _ in 0..4 {
        disconnect(&tenant);
    }
    // Five of eight, with four deliveries each: one connection is left.
    let is_hanging = |post: &Post| (0..5).any(|i| post.url.contains(&format!("//h{i}.")));
    let receivers = Receivers::new(|post| if is_hanging(post) { None } else { status(200) });
    receivers.ring_and_crash(&tenant);
    for id in &all[5..] {
        assert!(deliveries(&tenant, id).as_array().unwrap().iter().all(|d| d["status"] == "delivered"));
    }
    assert_eq!(receivers.posts(), 5 + 3 * 4, "each endpoint gets one delivery at a time");
}

#[test]
fn endpoints_take_turns() {
    let tenant = Tenant::new(1);
    for i in 0..7 {
        create(&tenant, &endpoint(&format!("https://h{i}.example.com")));
    }
    for _ in 0..2 {
        disconnect(&tenant);
    }
    let receivers = Receivers::new(|_| status(200));
    receivers.ring(&tenant).unwrap();
    let posts = receivers.posts.take();
    let host = |(_, post): &(u64, Post)| post.url.clone();
    let round =
        |round: usize| posts[round * 7..][..7].iter().map(host).collect::<std::collections::BTreeSet<_>>();
    assert_eq!((posts.len(), round(0).len(), round(1).len()), (14, 7, 7));
}

#[test]
fn a_long_turn_ends_and_the_rest_stays_due() {
    let tenant = Tenant::new(1);
    create(&tenant, &endpoint("https://example.com"));
    for _ in 0..5 {
        disconnect(&tenant);
    }
    let clock = std::rc::Rc::new(Cell::new(NOW));
    let slow = Receivers::new(|_| status(200));
    struct Slow<'a, C>(&'a C, std::rc::Rc<Cell<u64>>);
    impl<C: Courier> Courier for Slow<'_, C> {
        async fn post(&self, post: &Post) -> Result<Answer, NoAnswer> {
            self.1.set(self.1.get() + 9_000);
            self.0.post(post).await
        }
        fn now_ms(&self) -> u64 {
            self.1.get()
        }
    }
    let call = call(Principal::Anonymous, Operation::Me);
    block_on(deliver(tenant.context(&call), &Slow(&slow, clock.clone()))).unwrap();
    assert_eq!(slow.posts(), 3);
    assert!(next_due(tenant.store()).unwrap().unwrap() <= clock.get());
}

#[test]
fn an_endpoint_says_when_to_come_back_and_when_never_to() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    disconnect(&tenant);
    let busy = Receivers::new(|_| Some(Ok(Answer { status: 429, retry_after: Some(3_600) })));
    busy.ring(&tenant).unwrap();
    assert_eq!(next_due(tenant.store()), Ok(Some(NOW + 3_600_000)));

    disconnect(&tenant);
    let gone = Receivers::new(|_| status(410));
    gone.ring(&tenant).unwrap();
    assert_eq!((gone.posts(), next_due(tenant.store())), (1, Ok(None)));
    let listed = deliveries(&tenant, &id);
    assert!(listed.as_array().unwrap().iter().all(|delivery| delivery["status"] == "failed"), "{listed}");
    assert_eq!((&listed[0]["http_status"], &listed[1]["http_status"]), (&json!(410), &json!(429)));
}

#[test]
fn a_redirect_is_a_failure() {
    for redirect in [301, 302, 303, 307, 308, 304] {
        let tenant = Tenant::new(1);
        let id = id_of(&create(&tenant, &endpoint("https://example.com/hook")));
        disconnect(&tenant);
        let receivers = Receivers::new(|_| status(redirect));
        receivers.ring(&tenant).unwrap();
        let listed = &deliveries(&tenant, &id)[0];
        assert_eq!((&listed["status"], &listed["http_status"]), (&json!("pending"), &json!(redirect)));
        assert_eq!(receivers.posts(), 1);
        assert_eq!(receivers.posts.borrow()[0].1.url, "https://example.com/hook");
    }
}

#[test]
fn nothing_is_sent_where_a_row_has_come_to_point() {
    let move_to = "UPDATE endpoints SET url = ? WHERE id = ?";
    for (url, opens) in [
        ("https://169.254.169.254/latest", true),
        ("https://127.0.0.1/", true),
        ("http://example.com/", true),
        ("https://evil.example/", false),
        ("https://example.com:8443/", false),
    ] {
        let tenant = Tenant::new(1);
        let id = id_of(&create(&tenant, &endpoint("https://example.com/")));
        let other = id_of(&create(&tenant, &endpoint("https://example.org/")));
        disconnect(&tenant);
        tenant.sql.exec(move_to, &[url.into(), id.as_str().into()]).unwrap();
        let receivers = Receivers::new(|_| status(200));
        // That a secret does not open is a fault, which the log shows; others get theirs all the same.
        assert_eq!(receivers.ring(&tenant).is_ok(), opens, "{url}");
        let posts = receivers.posts.take();
        assert_eq!((posts.len(), posts[0].1.url.as_str()), (1, "https://example.org/"), "{url}");
        assert_eq!(deliveries(&tenant, &other)[0]["status"], "delivered");
        let listed = &deliveries(&tenant, &id)[0];
        assert_eq!((&listed["status"], &listed["attempts"]), (&json!("pending"), &json!(1)), "{url}");
    }
}

#[test]
fn invariant_4_a_secret_moved_to_another_endpoint_does_not_open() {
    let tenant = Tenant::new(1);
    let [first, second] = ["https://example.com/a", "https://example.com/b"].map(|url| {
        let id = id_of(&create(&tenant, &endpoint(url)));
        id.as_str().to_owned()
    });
    disconnect(&tenant);
    let copy = "UPDATE endpoints SET sealed = (SELECT sealed FROM endpoints WHERE id = ?) WHERE id = ?";
    tenant.sql.exec(copy, &[first.as_str().into(), second.as_str().into()]).unwrap();
    let receivers = Receivers::new(|_| status(200));
    assert!(matches!(receivers.ring(&tenant), Err(AppError::Vault(_))));
    let posts = receivers.posts.take();
    assert_eq!((posts.len(), posts[0].1.url.as_str()), (1, "https://example.com/a"));
}

#[test]
fn an_endpoint_that_is_deleted_while_it_answers_leaves_nothing() {
    let tenant = Tenant::new(1);
    let id = id_of(&create(&tenant, &endpoint("https://example.com")));
    disconnect(&tenant);
    let receivers = Receivers::new(|_| {
        tenant.ok(Operation::DeleteEndpoint { id: id.clone() }, &Json::Null);
        status(500)
    });
    receivers.ring(&tenant).unwrap();
    assert_eq!((tenant.count("deliveries"), next_due(tenant.store())), (0, Ok(None)));
}

#[test]
fn an_event_that_is_published_while_others_are_sent_goes_too() {
    let tenant = Tenant::new(1);
    create(&tenant, &endpoint("https://example.com"));
    disconnect(&tenant);
    let receivers = Receivers::new(|_| {
        if tenant.count("messages") < 3 {
            let call = call(Principal::Anonymous, Operation::Me);
            let ctx = tenant.context(&call);
            ctx.store
                .transaction(|tx| {
                    publish(ctx, tx, &OwnEvent::OrgKeyRotated { org_id: ctx.org, version: 2 })?;
                    tx.commit(&ctx.subject("system"), Event::new("test", ""), ())
                })
                .unwrap();
        }
        status(200)
    });
    receivers.ring(&tenant).unwrap();
    assert_eq!(receivers.posts(), 3);
}
