//! Rate limits as configured (claim M6): on a server of its own, where nothing multiplies them.

use config::Quota;
use e2e::{ApiKey, Client, Gate, Org, Response, until};
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

fn start(name: &str) -> Gate {
    Gate::start_with(name, |options| drop(options.variables.insert("RATE_LIMIT_SCALE".into(), "1".into())))
}

/// Sends until it is limited; returns how many passed, which is at least the limit, and the refusal.
fn exhaust(quota: &Quota, mut send: impl FnMut() -> Response) -> (usize, Response) {
    // Some come back while this goes on, on a slow machine many.
    for passed in 0..quota.limit as usize * 30 {
        let response = send();
        if response.status == 429 {
            response.problem("rate_limited");
            assert!(passed >= quota.limit as usize, "only {passed} passed: {response}");
            return (passed, response);
        }
        assert!(response.status < 500, "{response}");
    }
    panic!("never limited");
}

/// The item of `RateLimit-Policy`.
fn stated(name: &str, quota: &Quota) -> String {
    format!(r#""{name}";q={};w={}"#, quota.limit, quota.period_seconds)
}

fn log_in(client: &Client) -> Response {
    // Refused for its form: the limit counts attempts, and this one costs no bcrypt.
    client.post("/v1/login", &json!({})).send()
}

/// M6: a few sign-in attempts at once from one address, then one every few seconds, whatever is tried; other addresses
/// and the rest of the API go on.
#[test]
fn m6_sign_in_is_limited_far_tighter() {
    let limits = e2e::config().rate_limits;
    assert!(limits.auth.limit * 10 <= limits.ip.limit);
    let gate = start("limits-sign-in");
    let client = gate.client_from("192.0.2.1");
    let (passed, refused) = exhaust(&limits.auth, || log_in(&client));
    let wait: u64 = refused.header("retry-after").expect("Retry-After").parse().expect("seconds");
    assert!(
        (1..=u64::from(limits.auth.period_seconds.div_ceil(limits.auth.limit))).contains(&wait),
        "{wait}"
    );
    let policy = refused.header("ratelimit-policy").unwrap();
    assert!(
        policy.contains(&stated("ip", &limits.ip)) && policy.contains(&stated("auth", &limits.auth)),
        "{policy}"
    );
    let left = refused.header("ratelimit").unwrap();
    assert!(left.contains(r#""auth";r=0;t="#), "{left} after {passed}");
    let sign_up = client.post("/v1/signup", &json!({})).send();
    assert!([422, 429].contains(&sign_up.status), "{sign_up}");

    client.get("/healthz").send().ok(200);
    // All addresses together have a limit too, which gives back faster.
    let other = gate.client_from("192.0.2.2");
    until("another address", || (log_in(&other).status == 422).then_some(()));
    thread::sleep(Duration::from_secs(wait));
    until("the next attempt", || (log_in(&client).status == 422).then_some(()));
}

/// M6: what one address may try is counted in one place, over all connections and all that counts as one subscriber.
#[test]
fn m6_an_addresses_attempts_are_exact_over_connections() {
    let quota = e2e::config().rate_limits.auth;
    let gate = start("limits-exact");
    let started = Instant::now();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let gate = &gate;
                scope.spawn(move || -> Vec<u16> {
                    let send = |nth: usize| {
                        let client = gate.client_from(&format!("2001:db8:7:7:{thread:x}::{nth:x}"));
                        let body = json!({ "email": "nobody@example.com" });
                        client.post("/v1/password-reset", &body).send().status
                    };
                    (0..10).map(send).collect()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let passed = statuses.iter().filter(|status| **status == 202).count();
    let limited = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(passed + limited, statuses.len(), "{statuses:?}");
    let most = quota.limit as usize;
    // One comes back every so often while this goes on.
    let back = started.elapsed().as_secs() as usize * most / quota.period_seconds as usize + 1;
    assert!((most..=most + back).contains(&passed), "{passed} passed, {back} may have come back");
}

/// M6: one address cannot use up another's requests; an IPv6 client is its /64.
#[test]
fn m6_one_address_does_not_starve_another() {
    let limit = e2e::config().rate_limits.ip;
    let gate = start("limits-addresses");
    let greedy = gate.client_from("192.0.2.10");
    let other = gate.client_from("192.0.2.11");
    let first = other.get("/healthz").send();
    assert!(
        first.header("ratelimit").unwrap().contains(&format!(r#""ip";r={};"#, limit.limit - 1)),
        "{first}"
    );
    let (_, refused) = exhaust(&limit, || greedy.get("/healthz").send());
    assert!(refused.header("retry-after").is_some());
    for path in ["/healthz", "/v1/me", "/", "/nothing"] {
        assert_ne!(other.get(path).send().status, 429, "{path}");
    }

    let mut host = 0;
    exhaust(&limit, || {
        host += 1;
        gate.client_from(&format!("2001:db8:1:2::{host:x}")).get("/healthz").send()
    });
    gate.client_from("2001:db8:1:3::1").get("/healthz").send().ok(200);
}

/// N7: a key's own limit holds whatever address it comes from, and leaves the org's other credentials alone.
#[test]
fn n7_a_keys_own_limit_holds_from_every_address() {
    let gate = start("limits-key");
    let org = Org::sign_up_from(&gate.client_from("192.0.2.20"));
    let limit = json!({ "limit": 3, "period_seconds": 3600 });
    let body = json!({ "name": "slow", "scopes": ["connections:read"], "rate_limit": limit });
    let key = ApiKey::new(&org, &org.post("/v1/api-keys", &body).send().ok(201));
    let mut address = 100;
    let own = Quota { limit: 3, period_seconds: 3600 };
    let (passed, refused) = exhaust(&own, || {
        address += 1;
        let client = gate.client_from(&format!("192.0.2.{address}"));
        client.bearer(&key.key).get("/v1/connections").send()
    });
    // The edge learns of the limit with the first answer.
    assert!(passed <= 4, "{passed} passed");
    assert!(refused.header("ratelimit-policy").unwrap().contains("q=3;w=3600"), "{refused}");
    assert!(refused.header("retry-after").is_some());
    org.get("/v1/connections").send().ok(200);
    org.api_key(&["connections:read"]).get("/v1/connections").send().ok(200);
}
