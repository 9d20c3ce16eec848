//! Many isolates, one home and the network between them, in virtual milliseconds: no clock, seeded randomness.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Home, Lease, Spend, Spender, Strictness};
use crate::Quota;
use crate::table::Table;

const SEED: [u8; 16] = *b"a seed for tests";
const START: u64 = 1_800_000_000_000;
const KEY: u64 = 7;

/// xorshift64*.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `n`; 0 for 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % n.max(1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// Each request at any isolate.
    Uniform,
    /// One and a half times the limit at once, at one isolate.
    Bursty,
    /// Nine of ten requests at one isolate.
    Skewed,
    /// Two requests a millisecond at one isolate until it refuses, then at the next.
    Moving,
    /// Warms a lease up, takes it when the quota has rested, lets it lie until just before its end, then spends it and
    /// the whole quota with it.
    Hoarding,
}

pub(super) const LOADS: [Load; 5] = [Load::Uniform, Load::Bursty, Load::Skewed, Load::Moving, Load::Hoarding];

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    /// Each isolate for itself, as without leases.
    Alone,
    Leased(Strictness),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct World {
    pub(super) isolates: usize,
    pub(super) quota: Quota,
    pub(super) ttl_ms: u32,
    pub(super) counting: Counting,
    /// The isolates' clocks are this far before or behind the home's, at most.
    pub(super) skew_ms: u64,
    /// The longest way to the home, and back.
    pub(super) delay_ms: u64,
    /// Of a hundred asks and answers.
    pub(super) lost: u64,
    /// Requests at all isolates together, in a second.
    pub(super) rate: u64,
    pub(super) seconds: u64,
    pub(super) seed: u64,
}

#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// When each request was let through, in order.
    pub(super) through: Vec<u64>,
    pub(super) through_by: Vec<u64>,
    pub(super) requests: u64,
    pub(super) asks: u64,
    /// What the home gave away, spent or not.
    pub(super) granted: u64,
}

impl Outcome {
    /// The most by which any interval has more than exact GCRA's `limit + ⌊W / e⌋`, in requests.
    ///
    /// Over all pairs `i <= j` of requests the largest `(j - i + 1) e - (t_j - t_i)`, by keeping the least of the terms in `i`.
    pub(super) fn overshoot(&self, quota: Quota) -> u64 {
        let emission = i128::from(quota.emission_nanos());
        let (mut least, mut most) = (i128::MAX, 0);
        for (i, &at) in self.through.iter().enumerate() {
            let line = emission * i as i128 - i128::from(at) * 1_000_000;
            least = least.min(line);
            most = most.max(line - least + emission);
        }
        let over = most - emission * i128::from(quota.limit());
        u64::try_from((over + emission - 1).div_euclid(emission)).unwrap_or(0)
    }
}

enum Message {
    Ask { ahead: u32 },
    Answer(Lease),
}

struct Isolate {
    spender: Spender<u64>,
    table: Table<u64>,
    /// Its clock's distance from the home's.
    skew: i64,
}

struct Simulation {
    world: World,
    rng: Rng,
    home: Home<u64>,
    isolates: Vec<Isolate>,
    /// What is on its way: when it arrives, and its place in `messages`.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    messages: Vec<Option<(usize, u64, Message)>>,
    outcome: Outcome,
    /// Where [`Load::Moving`] is.
    at: usize,
}

/// Runs `load` in `world`.
pub(super) fn run(world: World, load: Load) -> Outcome {
    let mut rng = Rng::new(world.seed);
    let isolates = (0..world.isolates).map(|_| Isolate {
        spender: Spender::new(1, SEED),
        table: Table::new(1, SEED),
        skew: rng.below(2 * world.skew_ms + 1) as i64 - world.skew_ms as i64,
    });
    let isolates: Vec<_> = isolates.collect();
    let strictness = match world.counting {
        Counting::Leased(strictness) => strictness,
        Counting::Alone => Strictness::Bounded,
    };
    let outcome = Outcome { through_by: vec![0; world.isolates], ..Outcome::default() };
    let mut simulation = Simulation {
        home: Home::new(1, SEED, strictness, world.ttl_ms),
        world,
        rng,
        isolates,
        due: BinaryHeap::new(),
        messages: Vec::new(),
        outcome,
        at: 0,
    };
    for ms in 0..world.seconds * 1000 {
        simulation.deliver(START + ms);
        simulation.arrive(load, ms);
    }
    simulation.deliver(u64::MAX);
    simulation.outcome.through.sort_unstable();
    simulation.outcome
}

impl Simulation {
    fn arrive(&mut self, load: Load, ms: u64) {
        let now = START + ms;
        let n = self.world.isolates as u64;
        let limit = u64::from(self.world.quota.limit());
        // The rate in whole requests a millisecond, its rest by chance.
        let requests = (self.world.rate + self.rng.below(1000)) / 1000;
        match load {
            Load::Uniform => {
                for _ in 0..requests {
                    let isolate = self.rng.below(n) as usize;
                    self.request(isolate, now);
                }
            }
            Load::Skewed => {
                for _ in 0..requests {
                    let isolate = if self.rng.below(10) < 9 { 0 } else { self.rng.below(n) as usize };
                    self.request(isolate, now);
                }
            }
            Load::Bursty => {
                for _ in 0..requests {
                    if self.rng.below(limit * 3 / 2) == 0 {
                        let isolate = self.rng.below(n) as usize;
                        (0..limit * 3 / 2).for_each(|_| self.request(isolate, now));
                    }
                }
            }
            Load::Moving => (0..2).for_each(|_| self.request(self.at, now)),
            Load::Hoarding => self.hoard(ms),
        }
    }

    /// With `T` the lease's life: seven requests, rest until almost `2 T` after them, one request that takes the lease, all
    /// at `3 T`, and a period's rest. On two isolates where there are two.
    fn hoard(&mut self, ms: u64) {
        let ttl = u64::from(self.world.ttl_ms).min(u64::from(self.world.quota.period_seconds()) * 125);
        let cycle = ttl * 3 + u64::from(self.world.quota.period_seconds()) * 1100;
        let (at, now) = (ms % cycle, START + ms);
        let step = self.world.delay_ms * 2 + 1;
        if at % step == 0 && at / step < 7 {
            self.request(0, now);
        }
        // Before the pause in which the lease's size is forgotten: counted from the last ask, the fourth of the seven.
        let again = (ttl * 2).saturating_sub(step);
        if at == again {
            self.request(0, now);
        }
        // The last millisecond of the lease.
        if at + 1 == again + ttl {
            (0..u64::from(self.world.quota.limit()) * 2).for_each(|_| self.request(0, now));
            for isolate in 1..self.isolates.len() {
                (0..u64::from(self.world.quota.limit())).for_each(|_| self.request(isolate, now));
            }
        }
    }

    fn request(&mut self, to: usize, now: u64) {
        self.outcome.requests += 1;
        let isolate = &mut self.isolates[to];
        let own = now.saturating_add_signed(isolate.skew);
        let decision = match self.world.counting {
            Counting::Alone => isolate.table.check(KEY, self.world.quota, own),
            Counting::Leased(_) => match isolate.spender.spend(KEY, own) {
                Spend::Decided(decision) => decision,
                Spend::Ask { ahead } => return self.send(to, now, now, Message::Ask { ahead }),
            },
        };
        self.decided(decision.allowed, to, now);
    }

    fn decided(&mut self, allowed: bool, by: usize, now: u64) {
        if allowed {
            self.outcome.through.push(now);
            self.outcome.through_by[by] += 1;
        } else if by == self.at {
            self.at = (self.at + 1) % self.isolates.len();
        }
    }

    fn send(&mut self, isolate: usize, asked: u64, now: u64, message: Message) {
        self.outcome.asks += u64::from(matches!(message, Message::Ask { .. }));
        if self.rng.below(100) < self.world.lost {
            return;
        }
        let arrives = now + self.rng.below(self.world.delay_ms + 1);
        self.due.push(Reverse((arrives, self.messages.len())));
        self.messages.push(Some((isolate, asked, message)));
        // Without a way to go the answer is there before the next request.
        if self.world.delay_ms == 0 {
            self.deliver(now);
        }
    }

    fn deliver(&mut self, until: u64) {
        while let Some(&Reverse((at, message))) = self.due.peek() {
            if at > until {
                return;
            }
            self.due.pop();
            let Some((isolate, asked, message)) = self.messages[message].take() else { continue };
            match message {
                Message::Ask { ahead } => {
                    let lease = self.home.lease(KEY, self.world.quota, ahead, at);
                    self.outcome.granted += u64::from(lease.decision.allowed) + u64::from(lease.ahead);
                    // Counted when the home answers, whether or not the answer arrives.
                    self.decided(lease.decision.allowed, isolate, at);
                    self.send(isolate, asked, at, Message::Answer(lease));
                }
                Message::Answer(lease) => {
                    let Isolate { spender, skew, .. } = &mut self.isolates[isolate];
                    let [asked, now] = [asked, at].map(|at| at.saturating_add_signed(*skew));
                    spender.accept(KEY, lease, asked, now);
                }
            }
        }
    }
}
