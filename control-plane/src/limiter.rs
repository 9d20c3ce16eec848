//! What all clients together may have hashed, and what one client address may try in all: sign-ups, sign-ins and mailed links, counted in one place for every edge
//! location (claim M6). The edge counts too, each isolate for itself, and lets no flood come this far; this is where the
//! count is exact.
//!
//! Addresses are spread over [`SHARDS`] objects, so that there is no one that everybody crosses and no one for each
//! address that an attacker can make up. A shard remembers in memory, of a fixed size: where the platform puts it to
//! sleep, after some seconds without a request, what it forgets is at most one burst of [`config::RateLimits::auth`].

use crate::error::AppError;
use config::Quota;
use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr};
use throttle::{ClientKey, Decision, Table, Tat, client_key};

/// Objects that share the addresses.
const SHARDS: u8 = 64;
/// Addresses that a shard remembers at a time.
const CAPACITY: usize = 4096;

/// The name of the object that counts an address. One that the platform does not give is one like any other.
pub fn shard_of(ip: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let hash = Sha256::digest(format!("{:?}", key_of(ip)));
    format!("lim_{:02}", hash.first().map_or(0, |byte| byte % SHARDS))
}

/// A shard's memory.
pub struct Limiter(RefCell<Table<ClientKey>>);

impl Limiter {
    /// An empty one; `seed` is random.
    pub fn new(seed: [u8; 16]) -> Self {
        Self(RefCell::new(Table::new(CAPACITY, seed)))
    }

    /// Counts an attempt from `ip`.
    ///
    /// # Errors
    /// [`AppError::Limited`].
    pub fn count(&self, ip: &str, quota: Quota, now_ms: u64) -> Result<(), AppError> {
        held(
            "too many attempts from this address",
            self.0.borrow_mut().check(key_of(ip), checked(quota)?, now_ms),
        )
    }
}

/// What a refusal by [`Passwords`] says.
const BUSY: &str = "too many passwords are being checked";

/// The passwords of all clients that are hashed in this isolate: bcrypt burns CPU that everybody shares.
#[derive(Default)]
pub struct Passwords(Cell<Tat>);

impl Passwords {
    /// Counts a password that is about to be hashed.
    ///
    /// # Errors
    /// [`AppError::Limited`].
    pub fn count(&self, quota: Quota, now_ms: u64) -> Result<(), AppError> {
        let mut tat = self.0.get();
        let decision = tat.check(checked(quota)?, now_ms);
        self.0.set(tat);
        held(BUSY, decision)
    }

    /// Whether one could be hashed now, which takes nothing: so that a flood is refused before it wakes an object.
    ///
    /// # Errors
    /// [`AppError::Limited`].
    pub fn check(&self, quota: Quota, now_ms: u64) -> Result<(), AppError> {
        held(BUSY, self.0.get().check(checked(quota)?, now_ms))
    }
}

fn checked(quota: Quota) -> Result<throttle::Quota, AppError> {
    throttle::Quota::new(quota.limit, quota.period_seconds)
        .map_err(|_| AppError::Platform("a quota that cannot be"))
}

fn held(why: &'static str, decision: Decision) -> Result<(), AppError> {
    match decision.retry_after_seconds {
        None => Ok(()),
        Some(seconds) => Err(AppError::limited(why, seconds)),
    }
}

/// One subscriber's addresses count as one.
fn key_of(ip: &str) -> ClientKey {
    client_key(ip.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;
    const QUOTA: Quota = Quota { limit: 20, period_seconds: 60 };

    #[test]
    fn m6_an_address_has_its_attempts_and_no_more_wherever_they_come_in() {
        let limiter = Limiter::new([1; 16]);
        let allowed = (0..1000).filter(|_| limiter.count("192.0.2.1", QUOTA, NOW).is_ok()).count();
        assert_eq!(allowed, 20);
        assert!(matches!(
            limiter.count("192.0.2.1", QUOTA, NOW),
            Err(AppError::Limited { retry_after_seconds: 3, .. })
        ));
        assert!(limiter.count("192.0.2.2", QUOTA, NOW).is_ok());
        assert!(limiter.count("192.0.2.1", QUOTA, NOW + 3000).is_ok());
    }

    #[test]
    fn a_subscribers_addresses_meet_in_one_shard() {
        assert_eq!(shard_of("2001:db8::1"), shard_of("2001:db8::ffff:1"));
        assert_eq!(shard_of(""), shard_of("no address"));
        let shards: std::collections::HashSet<_> =
            (0..=255).map(|n| shard_of(&format!("192.0.2.{n}"))).collect();
        assert!(shards.len() > 32, "{}", shards.len());
    }
}
