//! Who waits for whom: an endpoint for itself.

use super::*;

#[test]
fn endpoints_take_turns() {
    let tenant = Tenant::new(1);
    for i in 0..7 {
        endpoint(&tenant, &format!("https://h{i}.example.com"));
    }
    publish(&tenant, 3);
    let receivers = Receivers::new(|_| status(200));
    receivers.ring(&tenant).unwrap();
    let posts = receivers.posts.take();
    assert_eq!(posts.len(), 21);
    // Nobody is more than a turn ahead, nor one more while it is found out who answers.
    let mut counts: BTreeMap<&str, usize> = posts.iter().map(|(_, post)| (post.url.as_str(), 0)).collect();
    for (_, post) in &posts {
        *counts.get_mut(post.url.as_str()).unwrap() += 1;
        let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
        assert!(most - least <= 2, "{counts:?}");
    }
    assert!(counts.values().all(|count| *count == 3));
}

#[test]
fn ten_that_hang_hold_up_nobody_who_answers() {
    let tenant = Tenant::new(1);
    let healthy = endpoint(&tenant, "https://healthy.example.com");
    let receivers = Receivers::new(|post| if post.url.contains("//healthy") { status(200) } else { hang() });
    publish(&tenant, 1);
    receivers.ring(&tenant).unwrap();
    for i in 0..10 {
        endpoint(&tenant, &format!("https://h{i}.example.com"));
    }
    let last = || {
        let posts = receivers.posts.borrow();
        posts.iter().filter(|(_, post)| post.url.contains("//healthy")).map(|(at, _)| *at).max().unwrap()
    };
    // Before anybody knows that they hang.
    publish(&tenant, 100);
    let begun = receivers.now_ms();
    receivers.ring(&tenant).unwrap();
    assert_eq!(receivers.posts_to("healthy"), 101);
    assert!(last() - begun <= 200, "of 1 ms each");

    // When it is known, neither who was there before nor who is new waits.
    while number(&tenant, "SELECT COUNT(*) FROM endpoints WHERE failing_since IS NOT NULL") < 10 {
        receivers.ring_when_due(&tenant).unwrap();
    }
    let new = endpoint(&tenant, "https://healthy-too.example.com");
    publish_to(&tenant, 100, Audience::Endpoint { id: &healthy, customer: None });
    publish_to(&tenant, 100, Audience::Endpoint { id: &new, customer: None });
    let begun = receivers.now_ms();
    receivers.ring(&tenant).unwrap();
    assert_eq!(receivers.posts_to("healthy"), 301);
    assert!(last() - begun <= 200);
}

#[test]
fn of_those_that_hang_each_gets_its_turn() {
    let tenant = Tenant::new(1);
    for i in 0..6 {
        endpoint(&tenant, &format!("https://h{i}.example.com"));
    }
    publish(&tenant, 20);
    tenant.sql.exec("UPDATE endpoints SET failing_since = ?", &[NOW.into()]).unwrap();
    let receivers = Receivers::new(|_| hang());
    // Two in each alarm.
    for _ in 0..3 {
        receivers.ring(&tenant).unwrap();
    }
    for i in 0..6 {
        assert_eq!(receivers.posts_to(&format!("h{i}")), 1, "{i}");
    }
}

#[test]
fn ten_that_take_it_slowly_hold_up_nobody_who_is_quick() {
    let tenant = Tenant::new(1);
    for i in 0..10 {
        endpoint(&tenant, &format!("https://h{i}.example.com"));
    }
    let quick = endpoint(&tenant, "https://quick.example.com");
    let receivers =
        Receivers::new(
            |post| {
                if post.url.contains("//quick") { status(200) } else { (5_000, status(200).1) }
            },
        );
    publish(&tenant, 1);
    receivers.ring(&tenant).unwrap();
    assert_eq!(receivers.posts(), 11);
    publish(&tenant, 1);
    publish_to(&tenant, 99, Audience::Endpoint { id: &quick, customer: None });
    let begun = receivers.now_ms();
    receivers.ring(&tenant).unwrap();
    let posts = receivers.posts.borrow();
    let last = posts.iter().filter(|(_, post)| post.url.contains("//quick")).map(|(at, _)| *at).max();
    assert_eq!(receivers.posts_to("quick"), 101);
    assert!(last.unwrap() - begun <= 200, "of 1 ms each");
    assert_eq!(posts.len(), 121, "and the slow ones get theirs");
}

#[test]
fn an_endpoint_gets_one_delivery_at_a_time_and_all_together_six() {
    let tenant = Tenant::new(1);
    for i in 0..9 {
        endpoint(&tenant, &format!("https://h{i}.example.com"));
    }
    publish(&tenant, 20);
    let under_way = "SELECT COUNT(*) FROM attempts WHERE status = 'sending'";
    let at_most_one = "SELECT COALESCE(MAX(n), 0) FROM (SELECT COUNT(*) AS n FROM attempts WHERE status = 'sending' \
                       GROUP BY endpoint_id)";
    let most = Cell::new(0);
    let receivers = Receivers::new(|_| {
        most.set(most.get().max(number(&tenant, under_way)));
        assert_eq!(number(&tenant, at_most_one), 1);
        status(200)
    });
    receivers.ring(&tenant).unwrap();
    assert_eq!((receivers.posts(), most.get()), (180, 6));
}

#[test]
fn a_limit_is_kept_and_no_alarm_spins() {
    let tenant = Tenant::new(1);
    let limited =
        json!({ "url": "https://limited.example.com", "rate_limit": { "limit": 5, "period_seconds": 10 } });
    create(&tenant, &limited);
    endpoint(&tenant, "https://free.example.com");
    publish(&tenant, 30);
    let receivers = Receivers::new(|_| status(200));
    let mut rings = 0;
    while receivers.ring_when_due(&tenant).is_some() {
        rings += 1;
    }
    assert_eq!((receivers.posts_to("limited"), receivers.posts_to("free")), (30, 30));
    let posts = receivers.posts.borrow();
    let of = |host: &str| -> Vec<u64> {
        posts.iter().filter(|(_, post)| post.url.contains(host)).map(|(at, _)| *at).collect()
    };
    assert!(of("//free").last().unwrap() - NOW <= 100, "it waits for nobody");
    let limited = of("//limited");
    for (i, at) in limited.iter().enumerate() {
        assert!(limited.iter().skip(i).filter(|other| *other - at < 10_000).count() <= 10);
        assert!(*at >= NOW + (i.saturating_sub(4) as u64) * 2_000, "{i}");
    }
    // What is due in two seconds is waited for.
    assert!(rings <= 4, "{rings}");
}

#[test]
fn a_limit_that_is_reached_is_when_the_alarm_rings() {
    let tenant = Tenant::new(1);
    create(
        &tenant,
        &json!({ "url": "https://example.com", "rate_limit": { "limit": 1, "period_seconds": 3600 } }),
    );
    publish(&tenant, 2);
    let receivers = Receivers::new(|_| status(200));
    receivers.ring(&tenant).unwrap();
    assert_eq!((receivers.posts(), next_due(tenant.store())), (1, Ok(Some(NOW + 3_600_000))));
    receivers.ring_when_due(&tenant);
    assert_eq!((receivers.posts(), next_due(tenant.store())), (2, Ok(None)));
}

#[test]
fn nothing_is_due_to_an_endpoint_out_of_use() {
    let tenant = Tenant::new(1);
    let id = endpoint(&tenant, "https://example.com");
    publish(&tenant, 1);
    // As if it had been written by somebody who does not know better.
    tenant.sql.exec("UPDATE endpoints SET disabled_at = 1 WHERE id = ?", &[id.as_str().into()]).unwrap();
    assert_eq!(next_due(tenant.store()), Ok(None));
    let receivers = Receivers::new(|_| status(200));
    receivers.ring(&tenant).unwrap();
    assert_eq!(receivers.posts(), 0);
}
