//! Deliveries on the real runtime (claim M8): a power cut loses none, one endpoint's trouble is no other's, and the portal of one
//! customer shows nothing of another. What the packages of Standard Webhooks say of them is in `tests/interop`.

use e2e::{Call, Gate, Org, Upstream, text, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What an endpoint got: how often each `webhook-id`, in the order of the first of them.
#[derive(Default)]
struct Got(Mutex<Vec<String>>);

impl Got {
    fn take(&self, call: &mut Call) {
        let id = call.head.all("webhook-id").next().unwrap().to_owned();
        self.0.lock().unwrap().push(id);
    }

    fn counts(&self) -> BTreeMap<String, usize> {
        self.0.lock().unwrap().iter().fold(BTreeMap::new(), |mut counts, id| {
            *counts.entry(id.clone()).or_default() += 1;
            counts
        })
    }
}

fn receiver(answer: impl Fn(&mut Call) -> io::Result<()> + Send + Sync + 'static) -> (Arc<Got>, Upstream) {
    let got = Arc::new(Got::default());
    let taken = Arc::clone(&got);
    let upstream = Upstream::start(move |call| {
        call.body.rest()?;
        taken.take(call);
        answer(call)
    });
    (got, upstream)
}

fn endpoint(org: &Org, to: &Upstream, customer: &str) -> String {
    let body = json!({ "url": format!("{}/hooks", to.url()), "customer_id": customer });
    text(&org.post("/v1/endpoints", &body).send().ok(201), "/id")
}

fn publish(org: &Org, customer: &str, number: usize) -> String {
    let body =
        json!({ "event_type": "order.paid", "payload": { "number": number }, "customer_id": customer });
    let request = org.post("/v1/messages", &body).header("idempotency-key", &format!("{customer}-{number}"));
    text(&request.send().ok(202), "/id")
}

/// M8: killed in the middle of everything, several times: what was accepted arrives, and only what was under way at a kill comes
/// twice.
#[test]
fn m8_a_power_cut_loses_no_delivery() {
    const MESSAGES: usize = 120;
    let mut gate = Gate::start("outbound-crash");
    let org = Org::sign_up(&gate);
    let (got, upstream) = receiver(|call| {
        thread::sleep(Duration::from_millis(10));
        call.answer("200 OK", &[], b"")
    });
    let id = endpoint(&org, &upstream, "cus_1");
    let mut published = Vec::new();
    for batch in 0..4 {
        for number in 0..MESSAGES / 4 {
            published.push(publish(&org, "cus_1", batch * 1000 + number));
        }
        thread::sleep(Duration::from_millis(40 * batch as u64));
        gate.kill9();
        gate.restart();
    }
    // An answer that was lost is asked for again: it is the same message.
    assert_eq!(publish(&org, "cus_1", 0), published[0]);
    until("all deliveries", || (got.counts().len() == MESSAGES).then_some(()));
    until("all settled", || {
        let open = org.list(&format!("/v1/endpoints/{id}/deliveries?status=pending"));
        open.is_empty().then_some(())
    });
    let counts = got.counts();
    assert!(published.iter().all(|id| counts.contains_key(id)));
    let twice: usize = counts.values().map(|count| count - 1).sum();
    let attempts = org.list(&format!("/v1/endpoints/{id}/attempts"));
    let interrupted = attempts.iter().filter(|attempt| attempt["status"] == "interrupted").count();
    assert!(twice <= interrupted, "{twice} came twice, {interrupted} attempts were interrupted");
    assert_eq!(org.get("/v1/audit/verify").send().ok(200)["ok"], true);
}

/// Eight endpoints that never answer, and one that does: it waits for none of them.
#[test]
fn an_endpoint_that_hangs_delays_nobody_else() {
    let gate = Gate::start("outbound-hanging");
    let org = Org::sign_up(&gate);
    let done = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&done);
    let (hung, hanging) = receiver(move |_| {
        while !over.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    });
    let (got, fine) = receiver(|call| call.answer("200 OK", &[], b""));
    for _ in 0..8 {
        endpoint(&org, &hanging, "cus_1");
    }
    endpoint(&org, &fine, "cus_2");
    publish(&org, "cus_1", 0);
    until("the first that hang", || (!hung.counts().is_empty()).then_some(()));
    // All that hang are known to, once each has been tried.
    thread::sleep(Duration::from_secs(32));
    for number in 1..4 {
        publish(&org, "cus_1", number);
    }
    let began = Instant::now();
    let ids: Vec<String> = (0..20).map(|number| publish(&org, "cus_2", number)).collect();
    until("the healthy endpoint's", || (got.counts().len() == ids.len()).then_some(()));
    let took = began.elapsed();
    done.store(true, Ordering::Relaxed);
    assert!(took < Duration::from_secs(6), "{took:?}");
}

/// The portal: a customer's endpoints and nothing else, for as long as the link lives.
#[test]
fn a_portal_shows_its_own_customer_alone() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let (_, upstream) = receiver(|call| call.answer("200 OK", &[], b""));
    let own = endpoint(&org, &upstream, "cus_1");
    let others = endpoint(&org, &upstream, "cus_2");
    let message = publish(&org, "cus_2", 1);
    let link = org
        .post("/v1/portal-links", &json!({ "customer_id": "cus_1", "expires_in_seconds": 60 }))
        .send()
        .ok(201);
    let (url, id) = (text(&link, "/url"), text(&link, "/id"));
    let path = url.strip_prefix(&org.origin()).unwrap_or_else(|| panic!("{url}"));

    let browser = org.anonymous();
    let opened = browser.get(path).send();
    assert_eq!((opened.status, opened.header("location")), (303, Some("/portal")), "{opened}");
    let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-sluicegate_portal="), "{cookie}");
    let portal = browser.with("cookie", &cookie);

    let page = portal.get("/portal").send();
    assert_eq!(page.status, 200, "{page}");
    assert!(page.text().contains(&own) && !page.text().contains(&others), "{page}");
    assert_eq!(portal.get(&format!("/portal/endpoints/{own}")).send().status, 200);
    assert_eq!(portal.get(&format!("/portal/endpoints/{others}")).send().status, 404);
    assert_eq!(portal.get(&format!("/portal/messages/{message}")).send().status, 404);
    // It is no session, neither for the API nor for the workspace's pages; and a session is none here.
    for path in ["/v1/endpoints", "/v1/me", "/v1/audit"] {
        portal.get(path).send().problem("unauthenticated");
    }
    let page = portal.get("/sources").send();
    assert_eq!((page.status, page.header("location")), (303, Some("/")), "{page}");
    assert_eq!(org.browser().get("/portal").send().status, 401);
    // A change needs the form's token.
    let form = portal.request("POST", "/portal").header("content-type", "application/x-www-form-urlencoded");
    let forged =
        form.header("origin", &org.origin()).body("action=create&url=https%3A%2F%2Fexample.com%2F").send();
    assert_eq!(forged.status, 403, "{forged}");

    org.delete(&format!("/v1/portal-links/{id}")).send().ok(204);
    assert_eq!(portal.get("/portal").send().status, 401);
    let listed: Vec<Value> = org.list("/v1/portal-links");
    assert!(listed.is_empty());
}
