//! Deliveries: a world of receivers on a clock that passes only while everybody waits, and an engine that can be cut off at
//! each of its awaits.

mod answers;
mod crashes;
mod engine;
mod fairness;
mod forwarded;
mod lanes;
mod statements;

use super::*;
use crate::org::deliveries::{Audience, Content, Outgoing, enqueue, next_due};
use crate::store::{Event, Row, SqlError};
use protocol::{EndpointId, InboundEventId, MessageId};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use zeroize::Zeroizing;

/// What a receiver does: it answers after so many ms.
type Answered = (u64, Result<Answer, NoResponse>);

/// Receivers, as a test has them answer.
struct Receivers<F> {
    now_ms: Cell<u64>,
    sleepers: RefCell<BTreeMap<(u64, u64), Waker>>,
    slept: Cell<u64>,
    posts: RefCell<Vec<(u64, Post)>>,
    answer: F,
}

impl<F: Fn(&Post) -> Answered> Receivers<F> {
    fn new(answer: F) -> Self {
        Self {
            now_ms: Cell::new(NOW),
            sleepers: RefCell::default(),
            slept: Cell::new(0),
            posts: RefCell::default(),
            answer,
        }
    }

    fn posts(&self) -> usize {
        self.posts.borrow().len()
    }

    /// How many went where.
    fn posts_to(&self, host: &str) -> usize {
        self.posts.borrow().iter().filter(|(_, post)| post.url.contains(&format!("//{host}"))).count()
    }

    /// The alarm rings.
    fn ring(&self, tenant: &Tenant) -> Result<(), AppError> {
        let call = call(Principal::Anonymous, Operation::Me);
        self.run(deliver(tenant.context(&call), self), usize::MAX).expect("it ends")
    }

    /// As [`Self::ring`], and the object is gone after so many awaits; whether it was at work by then.
    fn ring_and_crash(&self, tenant: &Tenant, awaits: usize) -> bool {
        let call = call(Principal::Anonymous, Operation::Me);
        let is_cut_off = self.run(deliver(tenant.context(&call), self), awaits).is_none();
        // The engine is gone with it.
        self.sleepers.take();
        tenant.limits.replace(OrgLimiter::default());
        is_cut_off
    }

    /// The alarm rings when the next delivery is due; `None`: none is.
    fn ring_when_due(&self, tenant: &Tenant) -> Option<u64> {
        let due = next_due(tenant.store()).unwrap()?;
        self.now_ms.set(due.max(self.now_ms.get()));
        self.ring(tenant).unwrap();
        Some(due)
    }

    /// Time passes when nobody has anything else to do.
    fn run<T>(&self, work: impl Future<Output = T>, awaits: usize) -> Option<T> {
        struct Idle;
        impl Wake for Idle {
            fn wake(self: Arc<Self>) {}
        }
        let mut work = pin!(work);
        for _ in 0..awaits {
            let waker = Waker::from(Arc::new(Idle));
            if let Poll::Ready(done) = work.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
                return Some(done);
            }
            let ((at, _), sleeper) =
                self.sleepers.borrow_mut().pop_first().expect("somebody waits for a time");
            self.now_ms.set(at.max(self.now_ms.get()));
            sleeper.wake();
        }
        None
    }
}

/// One who sleeps; whoever is dropped does so no longer.
struct Sleeper<'a>(&'a RefCell<BTreeMap<(u64, u64), Waker>>, (u64, u64));

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().remove(&self.1);
    }
}

impl<F: Fn(&Post) -> Answered> Courier for Receivers<F> {
    async fn post(&self, post: &Post) -> Result<Answer, NoResponse> {
        let copy = Post {
            url: post.url.clone(),
            headers: post.headers.clone(),
            custom: post.custom.clone(),
            body: post.body.clone(),
        };
        self.posts.borrow_mut().push((self.now_ms.get(), copy));
        let (after_ms, answer) = (self.answer)(post);
        self.sleep(after_ms).await;
        answer
    }

    async fn sleep(&self, ms: u64) {
        let number = self.slept.get();
        self.slept.set(number + 1);
        let key = (self.now_ms.get() + ms, number);
        let _sleeper = Sleeper(&self.sleepers, key);
        let mut has_waited = false;
        poll_fn(|cx| {
            if self.now_ms.get() >= key.0 && std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            has_waited = true;
            self.sleepers.borrow_mut().insert(key, cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }
}

fn status(status: u16) -> Answered {
    (1, Ok(Answer { status, duration_ms: 1, ..Answer::default() }))
}

/// It takes the connection and says nothing.
fn hang() -> Answered {
    (15_000, Err(NoResponse::Timeout))
}

fn header<'a>(post: &'a Post, name: &str) -> &'a str {
    let mut found = post.headers.iter().filter(|(header, _)| header == name);
    let (_, value) = found.next().unwrap();
    assert!(found.next().is_none(), "{name} twice");
    value
}

fn body(post: &Post) -> &str {
    std::str::from_utf8(&post.body).unwrap()
}

fn id_of(json: &Json) -> EndpointId {
    EndpointId::parse(json["id"].as_str().unwrap()).unwrap()
}

fn create(tenant: &Tenant, body: &Json) -> Json {
    tenant.ok(Operation::CreateEndpoint, body)
}

/// The workspace's own endpoint.
fn endpoint(tenant: &Tenant, url: &str) -> EndpointId {
    id_of(&create(tenant, &json!({ "url": url })))
}

/// Messages for the workspace's own endpoints.
fn publish(tenant: &Tenant, count: usize) -> Vec<MessageId> {
    publish_to(tenant, count, Audience::Customer(None))
}

fn publish_to(tenant: &Tenant, count: usize, audience: Audience<'_>) -> Vec<MessageId> {
    let call = call(Principal::Anonymous, Operation::Me);
    let ctx = tenant.context(&call);
    let ids: Vec<_> =
        (0..count).map(|_| MessageId::new(ctx.now_ms, crate::context::random().unwrap())).collect();
    change(tenant, |ctx, tx| {
        for (i, id) in ids.iter().enumerate() {
            let payload = format!("{{\"type\":\"test\",  \"n\":{i}}}");
            let content = Content::Payload(&payload);
            enqueue(ctx, tx, &Outgoing { id, event_type: "test", audience, content, keep: true })?;
        }
        Ok(())
    });
    ids
}

/// A change that ends well.
fn change(tenant: &Tenant, change: impl FnOnce(Context<'_>, &crate::store::Tx<'_>) -> Result<(), AppError>) {
    let call = call(Principal::Anonymous, Operation::Me);
    let ctx = tenant.context(&call);
    ctx.store
        .transaction(|tx| {
            change(ctx, tx)?;
            tx.commit(&ctx.subject("system"), Event::new("test", ""), ())
        })
        .unwrap();
}

/// Of an endpoint, newest first.
fn deliveries_of(tenant: &Tenant, id: &EndpointId) -> Json {
    tenant.ok(Operation::ListDeliveries { id: id.clone(), status: None, page: Page::default() }, &Json::Null)
        ["data"]
        .take()
}

/// Status, HTTP status, error and answer of an endpoint's attempts, oldest first.
fn attempts(tenant: &Tenant, id: &EndpointId) -> Vec<Row> {
    tenant
        .sql
        .exec(
            "SELECT status, http_status, error, response, number, duration_ms FROM attempts WHERE endpoint_id = ? \
             ORDER BY rowid",
            &[id.as_str().into()],
        )
        .unwrap()
}

fn number(tenant: &Tenant, select: &str) -> u64 {
    tenant.sql.exec(select, &[]).unwrap()[0].number(0).unwrap()
}
