//! Lanes: one at a time, in order, whatever happens in whatever order.

use super::*;
use crate::org::deliveries::{hold, rearm, release, reorder, skip};
use crate::org::endpoints::disable;
use proptest::prelude::*;
use protocol::api::DisabledReason;

#[derive(Debug, Clone)]
enum Step {
    Publish { source: usize },
    Ring { status: u16, awaits: usize },
    Wait,
    Rearm(usize),
    Skip(usize),
    Pause { source: usize, is_paused: bool },
    Disable,
    Enable,
    Order(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0usize..2).prop_map(|source| Step::Publish { source }),
        4 => (prop_oneof![Just(200u16), Just(500)], 1usize..6)
            .prop_map(|(status, awaits)| Step::Ring { status, awaits }),
        2 => Just(Step::Wait),
        3 => (0usize..20).prop_map(Step::Rearm),
        2 => (0usize..20).prop_map(Step::Skip),
        2 => (0usize..2, any::<bool>()).prop_map(|(source, is_paused)| Step::Pause { source, is_paused }),
        1 => Just(Step::Disable),
        2 => Just(Step::Enable),
        1 => any::<bool>().prop_map(Step::Order),
    ];
    prop::collection::vec(step, 1..60)
}

struct World {
    tenant: Tenant,
    endpoint: EndpointId,
    sources: [SourceId; 2],
    messages: Vec<MessageId>,
    paused: [bool; 2],
    now_ms: u64,
}

impl World {
    fn new() -> Self {
        let tenant = Tenant::new(1);
        let sources = [1, 2].map(|name| {
            let request =
                json!({ "name": name.to_string(), "provider": "github", "secret": "fake-source-secret" });
            let source = tenant.ok(Operation::CreateSource, &request);
            SourceId::parse(source["id"].as_str().unwrap()).unwrap()
        });
        let endpoint = create(&tenant, &json!({ "url": "https://example.com", "sources": sources }));
        Self {
            endpoint: id_of(&endpoint),
            tenant,
            sources,
            messages: vec![],
            paused: [false; 2],
            now_ms: NOW,
        }
    }

    fn set(&self, column: &str, value: Value) {
        let set = format!("UPDATE endpoints SET {column} = ?");
        self.tenant.sql.exec(&set, &[value]).unwrap();
    }

    fn step(&mut self, step: &Step) {
        self.now_ms += 1;
        self.tenant.now_ms = self.now_ms;
        let tenant = &self.tenant;
        match *step {
            Step::Publish { source } => {
                let audience = Audience::Source { id: &self.sources[source], paused: self.paused[source] };
                self.messages.extend(publish_to(tenant, 1, audience));
            }
            Step::Ring { status, awaits } => {
                let receivers = Receivers::new(|_| super::status(status));
                receivers.now_ms.set(self.now_ms);
                receivers.ring_and_crash(tenant, awaits);
                self.now_ms = receivers.now_ms.get();
            }
            Step::Wait => self.now_ms = next_due(tenant.store()).unwrap().unwrap_or(0).max(self.now_ms),
            Step::Rearm(at) => {
                let is_out =
                    number(tenant, "SELECT COUNT(*) FROM endpoints WHERE disabled_at IS NOT NULL") == 1;
                if let (Some(message), false) = (self.messages.get(at), is_out) {
                    change(tenant, |ctx, tx| rearm(ctx, tx, message, &self.endpoint));
                }
            }
            Step::Skip(at) => {
                if let Some(message) = self.messages.get(at) {
                    change(tenant, |ctx, tx| skip(ctx, tx, message, &self.endpoint).map(|_| ()));
                }
            }
            Step::Pause { source, is_paused } => {
                let id = &self.sources[source];
                self.paused[source] = is_paused;
                change(tenant, |ctx, tx| {
                    let at = is_paused.then_some(1u64);
                    tx.write(
                        "UPDATE sources SET paused_at = ? WHERE id = ?",
                        &[at.into(), id.as_str().into()],
                    )?;
                    if is_paused { Ok(hold(tx, id)?) } else { release(ctx, tx, id) }
                });
            }
            Step::Disable => {
                let call = call(Principal::Anonymous, Operation::Me);
                disable(tenant.context(&call), &self.endpoint, DisabledReason::Gone).unwrap();
            }
            Step::Enable => self.set("disabled_at", Value::Null),
            Step::Order(is_ordered) => {
                self.set("ordered", u64::from(is_ordered).into());
                change(tenant, |ctx, tx| reorder(ctx, tx, &self.endpoint));
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let is_ordered = number(&self.tenant, "SELECT ordered FROM endpoints") == 1;
        let is_out =
            number(&self.tenant, "SELECT COUNT(*) FROM endpoints WHERE disabled_at IS NOT NULL") == 1;
        for (source, is_paused) in self.sources.iter().zip(self.paused) {
            let counts = self
                .tenant
                .sql
                .exec(
                    "SELECT COUNT(*), COUNT(due_at) FROM deliveries WHERE lane = ? AND status = 'pending'",
                    &[source.as_str().into()],
                )
                .unwrap();
            let (pending, due) = (counts[0].number(0).unwrap(), counts[0].number(1).unwrap());
            let expected = match (is_paused, is_ordered) {
                (true, _) => 0,
                (false, true) => pending.min(1),
                (false, false) => pending,
            };
            prop_assert_eq!(due, expected, "of {} pending", pending);
            prop_assert!(!is_out || pending == 0);
        }
        let stray = "SELECT COUNT(*) FROM deliveries WHERE status <> 'pending' AND due_at IS NOT NULL";
        prop_assert_eq!(number(&self.tenant, stray), 0);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn an_ordered_lane_has_one_due_and_nothing_waits_for_nothing(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            world.check()?;
        }
        // And all of it ends.
        for source in 0..2 {
            world.step(&Step::Pause { source, is_paused: false });
        }
        let receivers = Receivers::new(|_| status(200));
        receivers.now_ms.set(world.now_ms);
        while receivers.ring_when_due(&world.tenant).is_some() {}
        let pending = "SELECT COUNT(*) FROM deliveries WHERE status = 'pending'";
        prop_assert_eq!(number(&world.tenant, pending), 0);
    }
}

#[test]
fn what_comes_later_waits_for_what_came_earlier_and_for_no_other_lane() {
    let mut world = World::new();
    for source in [0, 0, 1] {
        world.step(&Step::Publish { source });
    }
    let receivers = Receivers::new(|_| status(500));
    receivers.now_ms.set(world.now_ms);
    receivers.ring(&world.tenant).unwrap();
    let sent = |posts: &[(u64, Post)]| -> Vec<_> {
        posts.iter().map(|(_, post)| header(post, "webhook-id").to_owned()).collect()
    };
    let [first, second, other] = world.messages.as_slice() else { panic!() };
    assert_eq!(sent(&receivers.posts.take()), [first.as_str(), other.as_str()]);
    // Given up, it makes way.
    change(&world.tenant, |ctx, tx| skip(ctx, tx, first, &world.endpoint).map(|_| ()));
    let receivers = Receivers::new(|_| status(200));
    receivers.now_ms.set(world.now_ms);
    receivers.ring(&world.tenant).unwrap();
    assert_eq!(sent(&receivers.posts.take()), [second.as_str()]);
}

#[test]
fn a_delivery_that_is_skipped_while_it_is_taken_has_been_delivered() {
    let tenant = Tenant::new(1);
    let id = endpoint(&tenant, "https://example.com");
    let message = publish(&tenant, 1).remove(0);
    let outcome = |answer: u16| {
        let receivers = Receivers::new(|_| {
            change(&tenant, |ctx, tx| skip(ctx, tx, &message, &id).map(|_| ()));
            status(answer)
        });
        receivers.ring(&tenant).unwrap();
        let listed = deliveries_of(&tenant, &id);
        (listed[0]["status"].clone(), listed[0].get("reason").cloned())
    };
    assert_eq!(outcome(500), (json!("failed"), Some(json!("skipped"))));
    change(&tenant, |ctx, tx| rearm(ctx, tx, &message, &id));
    assert_eq!(outcome(200), (json!("delivered"), None));
}

#[test]
fn a_resend_while_it_fails_is_sent_at_once() {
    let tenant = Tenant::new(1);
    let id = endpoint(&tenant, "https://example.com");
    let message = publish(&tenant, 1).remove(0);
    let tries = Cell::new(0);
    let receivers = Receivers::new(|_| {
        tries.set(tries.get() + 1);
        if tries.get() == 1 {
            change(&tenant, |ctx, tx| rearm(ctx, tx, &message, &id));
        }
        status(if tries.get() == 1 { 500 } else { 200 })
    });
    receivers.ring(&tenant).unwrap();
    assert_eq!(receivers.posts(), 2);
    assert_eq!(deliveries_of(&tenant, &id)[0]["attempts"], 2);
}
