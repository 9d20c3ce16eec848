//! Limits of principals and of the whole org, counted exactly.

use super::*;
use protocol::api::RateLimit;

fn set(tenant: &Tenant, principal: Option<(u32, u32)>, org: Option<(u32, u32)>) {
    let limit = |(limit, period_seconds)| RateLimit { limit, period_seconds };
    let limits = protocol::api::OrgLimits { principal: principal.map(limit), org: org.map(limit) };
    let call = call(Principal::Anonymous, Operation::Me);
    let ask = AskOrg::SetLimits { operator: user(99).id, limits };
    answer(tenant.context(&call), &ask).unwrap();
}

fn me(tenant: &Tenant, principal: &Principal) -> bool {
    match tenant.call(principal, Operation::Me, &Json::Null) {
        Ok(_) => true,
        Err(AppError::Limited { retry_after_seconds: 1.., .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

fn lease(tenant: &Tenant, principal: &Principal, want: u32) -> Json {
    let operation = Operation::VerifyPrincipal { audience: None, want };
    let reply = tenant.call(principal, operation, &Json::Null).unwrap();
    serde_json::from_slice(&reply.body).unwrap()
}

#[test]
fn m6_ten_thousand_calls_are_counted_exactly() {
    let mut tenant = Tenant::new(1);
    set(&tenant, None, Some((3000, 3000)));
    let member = tenant.add_member(&user(9));
    let key = tenant.key(json!(["connections:read"]));
    // That made one call; the sessions were opened by none.
    let mut allowed = 1;
    for number in 0..10_000u64 {
        // Over 1,000 seconds, which give a request back each.
        tenant.now_ms = NOW + number / 10 * 1000;
        let by = [&tenant.founder, &member, &key][(number % 3) as usize];
        allowed += u64::from(me(&tenant, by));
    }
    assert_eq!(allowed, 3000 + 999);
}

#[test]
fn m6_a_principals_limit_is_its_own() {
    let mut tenant = Tenant::new(1);
    let body =
        json!({ "name": "k", "scopes": ["audit:read"], "rate_limit": { "limit": 2, "period_seconds": 600 } });
    let key = tenant.principal_of(tenant.ok(Operation::CreateApiKey, &body)["key"].as_str().unwrap());
    let member = tenant.add_member(&user(9));
    set(&tenant, Some((5, 600)), None);
    let allowed = |principal: &Principal| (0..10).filter(|_| me(&tenant, principal)).count();
    assert_eq!(allowed(&key), 2, "the key's own limit goes before the org's");
    assert_eq!(allowed(&tenant.founder), 5);
    assert_eq!(allowed(&member), 5);

    tenant.now_ms += 120_000;
    assert!(me(&tenant, &member) && !me(&tenant, &member));
    assert!(!me(&tenant, &key), "a key of 2 in 10 minutes waits for 5");
}

#[test]
fn m6_what_the_org_refuses_costs_its_caller_nothing() {
    let mut tenant = Tenant::new(1);
    let member = tenant.add_member(&user(9));
    set(&tenant, Some((5, 500)), Some((6, 600)));
    assert_eq!((0..5).filter(|_| me(&tenant, &tenant.founder)).count(), 5);
    assert_eq!((0..5).filter(|_| me(&tenant, &member)).count(), 1, "five and one are the org's six");
    tenant.now_ms += 600_000;
    assert_eq!((0..5).filter(|_| me(&tenant, &member)).count(), 5);
}

#[test]
fn m6_a_refused_call_does_nothing_and_says_when_to_come_back() {
    let tenant = Tenant::new(1);
    set(&tenant, None, Some((1, 600)));
    assert!(me(&tenant, &tenant.founder));
    let body = connection(&secret("one"));
    let error = tenant.call(&tenant.founder, Operation::CreateConnection, &body).unwrap_err();
    let reply = Reply::problem(&error, &RequestId::new(NOW, [7; 10]));
    assert_eq!((reply.status, reply.retry_after), (429, Some(600)));
    assert!(tenant.sql.exec("SELECT 1 FROM connections", &[]).unwrap().is_empty());
}

#[test]
fn webhooks_are_no_principals_calls() {
    let tenant = Tenant::new(1);
    let created = tenant.ok(Operation::CreateSource, &source());
    let id = SourceId::parse(created["id"].as_str().unwrap()).unwrap();
    set(&tenant, Some((1, 600)), Some((1, 600)));
    for number in 0..5u8 {
        webhook(&tenant, &id, None, &[number]).unwrap();
    }
}

#[test]
fn m6_the_edge_is_told_the_limit_and_how_much_of_it_to_let_through() {
    let tenant = Tenant::new(1);
    let free = lease(&tenant, &tenant.founder, 50);
    assert_eq!(
        (&free["rate_limit"], &free["lease"]),
        (&Json::Null, &Json::Null),
        "the configured limit is the edge's"
    );

    set(&tenant, Some((100, 60)), None);
    let told = lease(&tenant, &tenant.founder, 1000);
    assert_eq!(told["rate_limit"], json!({ "limit": 100, "period_seconds": 60 }));
    // A quarter of the 99 that are free, for as long as the answer holds.
    let expected =
        json!({ "ahead": 24, "ttl_ms": 5000, "limit": 100, "remaining": 75, "reset_after_seconds": 15 });
    assert_eq!(told["lease"], expected);
    assert_eq!(lease(&tenant, &tenant.founder, 3)["lease"]["ahead"], 3);
    let reply = tenant.call(&tenant.founder, Operation::Me, &Json::Null).unwrap();
    assert_eq!(reply.rate_limit, Some(RateLimit { limit: 100, period_seconds: 60 }));
    // 25, 4 and 1 are spent: what is leased is not let through again.
    assert_eq!((0..100).filter(|_| me(&tenant, &tenant.founder)).count(), 70);
    let refused =
        tenant.call(&tenant.founder, Operation::VerifyPrincipal { audience: None, want: 5 }, &Json::Null);
    assert_eq!(code(refused), Code::RateLimited);
}

#[test]
fn m6_a_lease_is_the_orgs_too_and_never_outlives_its_quota() {
    let mut tenant = Tenant::new(1);
    set(&tenant, Some((1000, 60)), Some((100, 60)));
    let leased = lease(&tenant, &tenant.founder, 1000)["lease"].clone();
    assert_eq!(
        (&leased["ahead"], &leased["limit"]),
        (&json!(24), &json!(1000)),
        "the org's total is the smaller one"
    );
    assert_eq!((0..1000).filter(|_| me(&tenant, &tenant.founder)).count(), 75);

    set(&tenant, Some((1000, 60)), Some((100, 16)));
    let member = tenant.add_member(&user(9));
    tenant.now_ms += 60_000;
    assert_eq!(lease(&tenant, &member, 10)["lease"]["ttl_ms"], 2000, "an eighth of the shorter period");
}

#[test]
fn the_operator_may_be_looser_and_a_change_holds_from_the_next_call() {
    let tenant = Tenant::new(1);
    let most = tenant.config.rate_limits.principal;
    set(&tenant, Some((most.limit * 2, most.period_seconds)), None);
    let body = json!({ "name": "k", "scopes": ["audit:read"],
                       "rate_limit": { "limit": most.limit + 1, "period_seconds": most.period_seconds } });
    assert!(tenant.call(&tenant.founder, Operation::CreateApiKey, &body).is_ok());
    set(&tenant, Some((1, 600)), None);
    assert!(!me(&tenant, &tenant.founder), "two calls by the looser limit are more than one");
    set(&tenant, None, None);
    assert!((0..100).all(|_| me(&tenant, &tenant.founder)));
    assert_eq!(code(tenant.call(&tenant.founder, Operation::CreateApiKey, &body)), Code::ValidationFailed);
}

#[test]
fn m6_a_sleeping_object_gives_no_burst_back() {
    // One request in 86.4 seconds: each is written down.
    let mut tenant = Tenant::new(1);
    set(&tenant, None, Some((1000, 86_400)));
    assert_eq!((0..600).filter(|_| me(&tenant, &tenant.founder)).count(), 600);
    tenant.sleep();
    assert_eq!((0..600).filter(|_| me(&tenant, &tenant.founder)).count(), 400);

    // One in 0.6 seconds: after each burst that is too short to be written down, the object sleeps.
    let mut tenant = Tenant::new(1);
    set(&tenant, Some((6000, 3600)), None);
    let mut allowed = (0..6000).filter(|_| me(&tenant, &tenant.founder)).count();
    assert_eq!(allowed, 6000);
    for _ in 0..20 {
        tenant.sleep();
        tenant.now_ms += 60_000;
        allowed += (0..200).filter(|_| me(&tenant, &tenant.founder)).count();
    }
    let accrued = 20 * 60 * 10 / 6;
    let forgotten = 20 * 17;
    assert!((6000 + accrued..=6000 + accrued + forgotten).contains(&allowed), "{allowed}");
}

#[test]
fn m6_a_limit_costs_few_statements() {
    let tenant = Tenant::new(1);
    set(&tenant, Some((6000, 3600)), None);
    let written = || tenant.sql.exec("SELECT whole_at FROM spent", &[]).unwrap();
    // 0.6 seconds each, and ten are written down.
    assert!((0..15).all(|_| me(&tenant, &tenant.founder)) && written().is_empty());
    assert!(me(&tenant, &tenant.founder) && written().len() == 1);
    let first = written();
    assert!((0..15).all(|_| me(&tenant, &tenant.founder)) && written() == first);
    set(&tenant, Some((6000, 60)), None);
    assert!((0..6000).filter(|_| me(&tenant, &tenant.founder)).count() > 0 && written() == first);
}
