//! Rate limits, in isolate memory (claim M6): per client address over everything, far tighter for sign-in, per
//! principal, per webhook source and per sender to it.
//!
//! Invariant: each limit has a table of its own, of a fixed size (crate `throttle`), and its state is written on the
//! answer, refused or not.

use crate::random::{NoRandomness, Random};
use config::RateLimits;
use protocol::{Code, Detail};
use std::borrow::Cow;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr};
use throttle::{
    ClientKey, Decision, MAX_LIMIT, Quota, Spender, Table, client_key, rate_limit, rate_limit_policy,
};

/// The limits.
pub struct Limits {
    /// Of one client address.
    pub ip: Limit<ClientKey>,
    /// Of one client address, for sign-in and sign-up.
    pub auth: Limit<ClientKey>,
    /// Of one user in one org.
    pub user: Limit<u128>,
    /// Of one API key.
    pub key: Limit<u128>,
    /// Of one user or API key with a quota of its own: apart from the others, whom debts of another length would crowd out
    /// of the table, and so that nothing of it is owed once the quota is another one.
    pub own: Limit<u128>,
    /// Of one user or API key with a quota of its own, where the edge decides alone: what the org's object has leased to
    /// this isolate, so that the quota holds over all of them.
    pub leased: Spender<u128>,
    /// Of one link to the portal: apart from the org's own people and keys.
    pub portal: Limit<u128>,
    /// Of one webhook source: what its provider has signed.
    source: Limit<u128>,
    /// Of one client address at one source: what nobody has signed. By address and source, since an address may be a
    /// provider's, which sends for all tenants and lets anybody have something sent anywhere.
    unverified: Limit<(ClientKey, u128)>,
    /// Of one client address, over all sources: the work that finding out takes.
    sender: Limit<ClientKey>,
}

impl Limits {
    /// Empty tables. `scale` multiplies each limit: for tests and benchmarks.
    ///
    /// # Errors
    /// [`NoRandomness`], since each table is keyed.
    pub fn new(config: &RateLimits, scale: u32, random: &mut Random) -> Result<Self, NoRandomness> {
        Ok(Self {
            ip: Limit::new("ip", config.ip, scale, 16_384, random)?,
            auth: Limit::new("auth", config.auth, scale, 4096, random)?,
            user: Limit::new("principal", config.principal, scale, 8192, random)?,
            key: Limit::new("principal", config.principal, scale, 8192, random)?,
            own: Limit::new("principal", config.principal, scale, 8192, random)?,
            leased: Spender::new(8192, random.take()?),
            portal: Limit::new("principal", config.principal, scale, 4096, random)?,
            source: Limit::new("source", config.source, scale, 4096, random)?,
            unverified: Limit::new("ip", config.ip, scale, 8192, random)?,
            sender: Limit::new("sender", config.source, scale, 4096, random)?,
        })
    }

    /// Counts a request to a source whose signature is not known yet, against its sender. `source` is its key in a table.
    ///
    /// # Errors
    /// [`Limited`], to be answered 429.
    pub fn count_unverified(
        &mut self,
        ip: Option<IpAddr>,
        source: u128,
        now_ms: u64,
        spent: &mut Spent,
    ) -> Result<(), Limited> {
        self.unverified.count((sender(ip), source), now_ms, spent)?;
        // Clients without an address are no one sender.
        ip.map_or(Ok(()), |ip| self.sender.count(client_key(ip), now_ms, spent))
    }

    /// Counts a request that the source's provider has signed against the source; its sender has it back.
    ///
    /// # Errors
    /// [`Limited`], to be answered 429.
    pub fn count_verified(
        &mut self,
        ip: Option<IpAddr>,
        source: u128,
        now_ms: u64,
        spent: &mut Spent,
    ) -> Result<(), Limited> {
        if let Some(ip) = ip {
            self.sender.give_back(client_key(ip), now_ms);
        }
        self.unverified.give_back((sender(ip), source), now_ms);
        self.source.count(source, now_ms, spent)
    }
}

fn sender(ip: Option<IpAddr>) -> ClientKey {
    client_key(ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}

/// One limit and whom it has counted.
pub struct Limit<K> {
    name: &'static str,
    quota: Option<Quota>,
    policy: String,
    table: Table<K>,
}

impl<K: Copy + Eq + Hash> Limit<K> {
    fn new(
        name: &'static str,
        quota: config::Quota,
        scale: u32,
        capacity: usize,
        random: &mut Random,
    ) -> Result<Self, NoRandomness> {
        let limit = quota.limit.saturating_mul(scale).min(MAX_LIMIT);
        // The configuration's bounds are narrower: a quota that cannot be is one that refuses.
        let quota = Quota::new(limit, quota.period_seconds).ok();
        let policy = quota.map(|quota| rate_limit_policy(name, &quota)).unwrap_or_default();
        Ok(Self { name, quota, policy, table: Table::new(capacity, random.take()?) })
    }

    /// Counts a request of `key` by the limit's own quota.
    ///
    /// # Errors
    /// [`Limited`], to be answered 429.
    pub fn count(&mut self, key: K, now_ms: u64, spent: &mut Spent) -> Result<(), Limited> {
        let quota = self.quota.ok_or(Limited)?;
        let decision = self.table.check(key, quota, now_ms);
        spent.add(self.policy.clone(), self.name, quota, &decision)
    }

    /// Gives a counted request back.
    fn give_back(&mut self, key: K, now_ms: u64) {
        if let Some(quota) = self.quota {
            self.table.give_back(key, quota, now_ms);
        }
    }

    /// Counts a request of `key` by a quota that takes the place of the limit's own.
    ///
    /// # Errors
    /// [`Limited`], to be answered 429.
    pub fn count_by(&mut self, key: K, quota: Quota, now_ms: u64, spent: &mut Spent) -> Result<(), Limited> {
        let decision = self.table.check(key, quota, now_ms);
        spent.add(rate_limit_policy(self.name, &quota), self.name, quota, &decision)
    }
}

/// A request over a limit; [`Spent`] says when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited;

/// What a request has used of the limits that it was counted by, as header values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spent {
    policies: String,
    states: String,
    retry_after_seconds: Option<u32>,
    refusal: Option<String>,
}

fn refusal(name: &str, quota: Quota, decision: &Decision) -> String {
    let whose = match name {
        "ip" => "this address",
        "auth" => "sign-ins from this address",
        "passwords" => "sign-ins of all clients together",
        "source" => "this source",
        _ => "this key or session",
    };
    let (limit, period) = (quota.limit(), quota.period_seconds());
    let wait = decision.retry_after_seconds.unwrap_or_default();
    format!("{whose}: at most {limit} requests in {period} seconds; again in {wait} seconds")
}

impl Spent {
    /// Adds what a lease says of a principal's own quota.
    ///
    /// # Errors
    /// [`Limited`], to be answered 429.
    pub fn add_leased(&mut self, quota: Quota, decision: &Decision) -> Result<(), Limited> {
        self.add(rate_limit_policy("principal", &quota), "principal", quota, decision)
    }

    fn add(&mut self, policy: String, name: &str, quota: Quota, decision: &Decision) -> Result<(), Limited> {
        for (list, item) in [(&mut self.policies, policy), (&mut self.states, rate_limit(name, decision))] {
            if list.is_empty() {
                *list = item;
            } else {
                list.push_str(", ");
                list.push_str(&item);
            }
        }
        self.retry_after_seconds = decision.retry_after_seconds;
        if decision.allowed {
            return Ok(());
        }
        self.refusal = Some(refusal(name, quota, decision));
        Err(Limited)
    }

    /// When a refused request may come again.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    /// Whose limit has refused the request, for who is told that a limit did.
    pub fn refusal(&self, code: Code) -> Option<Detail> {
        self.refusal.clone().filter(|_| code == Code::RateLimited).map(Detail::from)
    }

    /// Adds `RateLimit-Policy`, `RateLimit` and, for a refused request, `Retry-After`.
    pub fn write_to(&self, headers: &mut Vec<(Cow<'static, str>, String)>) {
        if self.policies.is_empty() {
            return;
        }
        headers.push(("ratelimit-policy".into(), self.policies.clone()));
        headers.push(("ratelimit".into(), self.states.clone()));
        if let Some(seconds) = self.retry_after_seconds {
            headers.push(("retry-after".into(), seconds.to_string()));
        }
    }
}
