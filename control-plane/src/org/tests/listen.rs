//! Listening to a source: what came after a cursor, waited for, and for nobody who may not have it any more.

use super::*;
use futures_util::FutureExt as _;
use futures_util::future::join;
use std::cell::Cell;
use std::rc::Rc;

/// An outside where time passes as it is waited for.
#[derive(Clone)]
struct Clock(Rc<Cell<u64>>);

impl Remote for Clock {
    async fn send(&self, _: RemoteRequest) -> Result<RemoteAnswer, NoAnswer> {
        Err(NoAnswer)
    }

    async fn log_in(&self, _: Login<'_>) -> Result<(), LoginRefused> {
        Err(LoginRefused { reason: "unreachable", detail: String::new() })
    }

    fn now_ms(&self) -> u64 {
        self.0.get()
    }

    async fn sleep(&self, ms: u64) {
        self.0.set(self.0.get() + ms);
    }
}

fn listening(id: &SourceId, after: Option<&str>) -> Operation {
    Operation::ListenToSource { id: id.clone(), after: after.map(str::to_owned) }
}

fn bodies(listened: &Json) -> Vec<String> {
    use base64::Engine as _;
    let body = |event: &Json| {
        let body = event["body_base64"].as_str().unwrap();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(body).unwrap()).unwrap()
    };
    listened["data"].as_array().unwrap().iter().map(body).collect()
}

#[test]
fn it_begins_now_and_goes_on_from_the_cursor_oldest_first() {
    let tenant = Tenant::new(1);
    let (id, other) = (tenant.new_source(), tenant.new_source());
    tenant.receive(&id, "push", b"before");
    let begun = tenant.ok(listening(&id, None), &Json::Null);
    assert_eq!(begun["data"], json!([]));
    tenant.receive(&id, "push", b"first");
    tenant.receive(&other, "push", b"another source's");
    tenant.receive(&id, "push", b"second");
    let next = tenant.ok(listening(&id, begun["cursor"].as_str()), &Json::Null);
    assert_eq!(bodies(&next), ["first", "second"]);
    assert_eq!(next["data"][0]["headers"], json!([["content-type", "application/json"]]));
    let again = tenant.ok(listening(&id, begun["cursor"].as_str()), &Json::Null);
    assert_eq!(next, again, "a cursor can be used again");
}

#[test]
fn it_waits_for_the_next_event_of_this_source() {
    let tenant = Tenant::new(1);
    let (id, other) = (tenant.new_source(), tenant.new_source());
    let call = call(tenant.founder.clone(), listening(&id, Some("0")));
    let mut listen = Box::pin(handle_remote(tenant.context(&call), &Nobody, b""));
    assert!(listen.as_mut().now_or_never().is_none());
    tenant.receive(&other, "push", b"not this");
    assert!(listen.as_mut().now_or_never().is_none());
    tenant.receive(&id, "push", b"this");
    let listened = json_of(&listen.now_or_never().unwrap().unwrap());
    assert_eq!(bodies(&listened), ["this"]);
}

#[test]
fn it_answers_after_twenty_seconds_in_which_nothing_came() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    let clock = Clock(Rc::new(Cell::new(NOW)));
    let reply = tenant.call_outside(&tenant.founder, listening(&id, Some("0")), &Json::Null, &clock).unwrap();
    assert_eq!(json_of(&reply), json!({ "data": [], "cursor": "0" }));
    assert_eq!(clock.0.get(), NOW + 20_000);
}

#[test]
fn who_may_not_listen_any_more_when_something_comes_gets_nothing_of_it() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    let member = tenant.add_member(&user(9));
    let call = call(member.clone(), listening(&id, Some("0")));
    let listen = handle_remote(tenant.context(&call), &Nobody, b"");
    let meanwhile = async {
        tenant.sql.exec("DELETE FROM members WHERE user_id = ?", &[user(9).id.as_str().into()]).unwrap();
        tenant.receive(&id, "push", b"secret");
    };
    let (listened, ()) = block_on(join(listen, meanwhile));
    assert_eq!(code(listened), Code::Unauthenticated);
}

/// B5: a call that waits does not outlive its caller's rights by more than the configuration allows.
#[test]
fn b5_a_listener_is_refused_in_time_where_nothing_comes() {
    let mut tenant = Tenant::new(1);
    tenant.config.revocation.max_staleness_seconds = 5;
    let id = tenant.new_source();
    let key = tenant.key(json!(["sources:read", "inbound_events:read"]));
    let clock = Clock(Rc::new(Cell::new(NOW)));
    tenant.sql.exec("UPDATE api_keys SET expires_at = ?", &[(NOW + 6000).into()]).unwrap();
    let listened = tenant.call_outside(&key, listening(&id, Some("0")), &Json::Null, &clock);
    assert_eq!(code(listened), Code::KeyExpired);
    assert_eq!(clock.0.get(), NOW + 10_000);
}

#[test]
fn an_answer_is_bounded_in_events_and_bytes() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    for number in 0..20u8 {
        tenant.receive(&id, "push", &[b'a' + number]);
    }
    let first = tenant.ok(listening(&id, Some("0")), &Json::Null);
    assert_eq!(bodies(&first).len(), 16);
    let rest = tenant.ok(listening(&id, first["cursor"].as_str()), &Json::Null);
    assert_eq!(bodies(&rest).len(), 4);

    let large = |byte: u8| vec![byte; 1 << 20];
    for byte in [b'x', b'y', b'z'] {
        tenant.receive(&id, "push", &large(byte));
    }
    let two = tenant.ok(listening(&id, rest["cursor"].as_str()), &Json::Null);
    assert_eq!(bodies(&two).len(), 2, "2 MiB");
    let third = tenant.ok(listening(&id, two["cursor"].as_str()), &Json::Null);
    assert_eq!(bodies(&third).len(), 1);
    tenant.receive(&id, "push", &vec![b'v'; 3 << 20]);
    tenant.receive(&id, "push", b"w");
    let one = tenant.ok(listening(&id, third["cursor"].as_str()), &Json::Null);
    assert_eq!(bodies(&one).len(), 1, "one that is larger comes alone");
    let last = tenant.ok(listening(&id, one["cursor"].as_str()), &Json::Null);
    assert_eq!(bodies(&last), ["w"]);
}

#[test]
fn only_so_many_wait_at_a_time_and_who_gives_up_makes_room() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    let call = call(tenant.founder.clone(), listening(&id, Some("0")));
    let listen = || Box::pin(handle_remote(tenant.context(&call), &Nobody, b""));
    let mut waiting: Vec<_> = (0..32).map(|_| listen()).collect();
    assert!(waiting.iter_mut().all(|one| one.as_mut().now_or_never().is_none()));
    let refused = listen().now_or_never().unwrap();
    assert_eq!(code(refused), Code::RateLimited);
    waiting.pop();
    assert!(listen().now_or_never().is_none());
    drop(waiting);
    assert_eq!(tenant.limits.borrow().listeners, 0);
}

#[test]
fn a_cursor_from_before_all_rows_went_begins_at_the_first() {
    let tenant = Tenant::new(1);
    let id = tenant.new_source();
    for body in [b"a", b"b", b"c"] {
        tenant.receive(&id, "push", body);
    }
    let cursor = tenant.ok(listening(&id, None), &Json::Null)["cursor"].take();
    tenant.sql.exec("DELETE FROM inbound_events", &[]).unwrap();
    tenant.receive(&id, "push", b"d");
    assert_eq!(bodies(&tenant.ok(listening(&id, cursor.as_str()), &Json::Null)), ["d"]);
    let bad = listening(&id, Some("99999999999999999999"));
    assert_eq!(code(tenant.call(&tenant.founder, bad, &Json::Null)), Code::InvalidRequest);
}
