//! The object ends at each of the engine's awaits: nothing is lost, and what comes twice was under way.

use super::*;

/// Rings and is cut off after so many awaits, in turn, until nothing is due.
fn ring_through(tenant: &Tenant, receivers: &Receivers<impl Fn(&Post) -> Answered>, cuts: &[usize]) {
    for awaits in cuts.iter().copied().chain(std::iter::repeat(usize::MAX)) {
        let Some(due) = next_due(tenant.store()).unwrap() else { return };
        receivers.now_ms.set(due.max(receivers.now_ms.get()));
        receivers.ring_and_crash(tenant, awaits);
    }
}

#[test]
fn m8_whatever_ends_it_everything_is_delivered_and_twice_only_what_was_under_way() {
    for cut in 1..40 {
        let tenant = Tenant::new(1);
        let endpoints: Vec<_> =
            (0..4).map(|i| endpoint(&tenant, &format!("https://h{i}.example.com"))).collect();
        let messages = publish(&tenant, 5);
        let receivers = Receivers::new(|_| status(200));
        ring_through(&tenant, &receivers, &[cut, 1, cut, 3, cut]);
        let posts = receivers.posts.take();
        for id in &endpoints {
            let listed = deliveries_of(&tenant, id);
            assert!(listed.as_array().unwrap().iter().all(|d| d["status"] == "delivered"), "{cut}: {listed}");
        }
        for message in &messages {
            let sent =
                posts.iter().filter(|(_, post)| header(post, "webhook-id") == message.as_str()).count();
            assert!(sent >= 4, "{cut}");
        }
        let interrupted = number(&tenant, "SELECT COUNT(*) FROM attempts WHERE status = 'interrupted'");
        assert_eq!(posts.len() as u64, 20 + interrupted, "{cut}");
        assert_eq!(number(&tenant, "SELECT COUNT(*) FROM attempts WHERE status = 'sending'"), 0);
        assert_eq!(tenant.count("attempts"), posts.len() as u64);
    }
}

#[test]
fn a_lane_keeps_its_order_whatever_ends_the_object() {
    for cut in 1..25 {
        let tenant = Tenant::new(1);
        let body = json!({ "url": "https://example.com", "ordered": true });
        create(&tenant, &body);
        let messages = publish(&tenant, 6);
        let failing = Cell::new(0);
        let receivers = Receivers::new(|_| {
            failing.set(failing.get() + 1);
            status(if failing.get() % 3 == 0 { 500 } else { 200 })
        });
        ring_through(&tenant, &receivers, &[cut, cut, 2, cut]);
        let posts = receivers.posts.take();
        let order: Vec<_> = posts.iter().map(|(_, post)| header(post, "webhook-id").to_owned()).collect();
        let mut once = order.clone();
        once.dedup();
        let expected: Vec<_> = messages.iter().map(|id| id.as_str().to_owned()).collect();
        assert_eq!(once, expected, "{cut}");
        assert_eq!(number(&tenant, "SELECT COUNT(*) FROM deliveries WHERE status = 'delivered'"), 6);
    }
}

#[test]
fn an_interrupted_attempt_keeps_its_place_in_the_schedule() {
    let tenant = Tenant::new(1);
    endpoint(&tenant, "https://example.com");
    publish(&tenant, 1);
    let receivers = Receivers::new(|_| status(500));
    let mut at = Vec::new();
    for step in 0.. {
        let Some(due) = next_due(tenant.store()).unwrap() else { break };
        receivers.now_ms.set(due);
        receivers.ring_and_crash(&tenant, if step % 2 == 0 { 1 } else { usize::MAX });
        at.push(due);
    }
    let waits: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let schedule = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map(|seconds| seconds * 1000);
    assert_eq!((waits.len(), receivers.posts()), (7, 8));
    for (wait, planned) in waits.iter().zip(schedule) {
        assert!(wait.abs_diff(planned) <= planned / 10 + 1, "{wait} for {planned}");
    }
}
