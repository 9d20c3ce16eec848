//! What a client may do: `limit` requests per period.
//!
//! Held as the emission interval, the time one request costs. In nanoseconds and rounded up, so that a quota such
//! as 7 per minute is neither distorted nor ever exceeded.

/// The largest limit; with the shortest period one request then costs a microsecond.
pub const MAX_LIMIT: u32 = 1_000_000;
/// The longest period, in seconds: 31 days.
pub const MAX_PERIOD_SECONDS: u32 = 31 * 24 * 60 * 60;

pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;
pub(crate) const NANOS_PER_MILLI: u64 = 1_000_000;

/// `limit` requests per `period_seconds`, which may come as one burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    limit: u32,
    period_seconds: u32,
    emission_nanos: u64,
    window_nanos: u64,
}

/// Why a pair of numbers is no quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuotaError {
    /// The limit is 0 or above [`MAX_LIMIT`].
    #[error("a rate limit must allow between 1 and {MAX_LIMIT} requests")]
    Limit,
    /// The period is 0 or above [`MAX_PERIOD_SECONDS`].
    #[error("a rate limit's period must be between 1 and {MAX_PERIOD_SECONDS} seconds")]
    Period,
}

impl Quota {
    /// A quota of `limit` requests per `period_seconds`.
    ///
    /// # Errors
    /// [`QuotaError`] where a number is zero or above its bound.
    pub const fn new(limit: u32, period_seconds: u32) -> Result<Self, QuotaError> {
        if limit == 0 || limit > MAX_LIMIT {
            return Err(QuotaError::Limit);
        }
        if period_seconds == 0 || period_seconds > MAX_PERIOD_SECONDS {
            return Err(QuotaError::Period);
        }
        let emission_nanos = (period_seconds as u64 * NANOS_PER_SECOND).div_ceil(limit as u64);
        Ok(Self { limit, period_seconds, emission_nanos, window_nanos: emission_nanos * limit as u64 })
    }

    /// The most requests a rested client may send at once.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// The time after which a spent allowance is whole again, in seconds.
    #[must_use]
    pub const fn period_seconds(&self) -> u32 {
        self.period_seconds
    }

    /// What one request costs.
    pub(crate) const fn emission_nanos(&self) -> u64 {
        self.emission_nanos
    }

    /// The most debt a client can have: all of its requests just spent. At most the period and `limit` nanoseconds.
    pub(crate) const fn window_nanos(&self) -> u64 {
        self.window_nanos
    }

    /// The same rate with a burst that is smaller by what accrues in `nanos`.
    pub(crate) const fn reserving(self, nanos: u64) -> Self {
        Self { window_nanos: self.window_nanos.saturating_sub(nanos), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_unbounded_numbers_are_refused() {
        assert_eq!(Quota::new(0, 60), Err(QuotaError::Limit));
        assert_eq!(Quota::new(MAX_LIMIT + 1, 60), Err(QuotaError::Limit));
        assert_eq!(Quota::new(1, 0), Err(QuotaError::Period));
        assert_eq!(Quota::new(1, MAX_PERIOD_SECONDS + 1), Err(QuotaError::Period));
    }

    #[test]
    fn the_emission_interval_is_not_distorted_by_rounding() {
        assert_eq!(Quota::new(1000, 60).unwrap().emission_nanos(), 60_000_000);
        assert_eq!(Quota::new(7, 60).unwrap().emission_nanos(), 8_571_428_572);
        assert_eq!(Quota::new(MAX_LIMIT, 1).unwrap().emission_nanos(), 1_000);
        for (limit, period) in
            [(7, 60), (999_999, 1), (3, MAX_PERIOD_SECONDS), (MAX_LIMIT, MAX_PERIOD_SECONDS)]
        {
            let window = Quota::new(limit, period).unwrap().window_nanos();
            let exact = u64::from(period) * NANOS_PER_SECOND;
            assert!(window >= exact && window < exact + u64::from(limit), "{limit}/{period}");
        }
    }
}
