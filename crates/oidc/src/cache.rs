//! How long a provider's metadata and keys are kept, as state without I/O: an hour, and a key set is fetched again early
//! for a key that is not in it, but not more than once a minute, or forged tokens would make us hammer the provider.

/// How long a value is good for, in seconds.
pub const TTL_S: u64 = 3600;
/// How far apart early fetches are, in seconds.
pub const REFETCH_INTERVAL_S: u64 = 60;

/// A fetched value with its age. Times in Unix seconds.
#[derive(Debug, Clone)]
pub struct Cached<T> {
    value: T,
    fetched_s: u64,
    refetch_claimed_s: u64,
}

impl<T> Cached<T> {
    /// A value just fetched.
    pub const fn new(value: T, now_s: u64) -> Self {
        Self { value, fetched_s: now_s, refetch_claimed_s: now_s }
    }

    /// The value, unless its hour is over or the clock went back behind its beginning.
    pub fn fresh(&self, now_s: u64) -> Option<&T> {
        let age = now_s.checked_sub(self.fetched_s)?;
        (age < TTL_S).then_some(&self.value)
    }

    /// Whether to fetch before the hour is over, for a key that the set does not have. A yes counts, even if the fetch
    /// then fails.
    pub fn claim_refetch(&mut self, now_s: u64) -> bool {
        let due = now_s.checked_sub(self.refetch_claimed_s).is_some_and(|age| age >= REFETCH_INTERVAL_S);
        if due {
            self.refetch_claimed_s = now_s;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn a_value_is_good_for_an_hour() {
        let cached = Cached::new("keys", NOW);
        assert_eq!(cached.fresh(NOW), Some(&"keys"));
        assert_eq!(cached.fresh(NOW + TTL_S - 1), Some(&"keys"));
        assert_eq!(cached.fresh(NOW + TTL_S), None);
        assert_eq!(cached.fresh(NOW - 1), None);
    }

    #[test]
    fn an_early_fetch_is_allowed_once_a_minute() {
        let mut cached = Cached::new("keys", NOW);
        let allowed = (NOW..NOW + 300).filter(|now| cached.claim_refetch(*now)).count();
        assert_eq!(allowed, 4);
        assert!(!cached.claim_refetch(0));
    }
}
