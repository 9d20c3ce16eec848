//! When an endpoint that did not take a delivery is tried again.

/// Seconds before each attempt, counted from the end of the one before it.
const WAITS_S: [u64; 8] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
/// The longest that an endpoint may put us off by `Retry-After`, seconds.
const MOST_PUT_OFF_S: u32 = 86_400;

/// Milliseconds until the next attempt after `made` of them; `None`: that was the last. A tenth more or less, as `random`
/// says, so that what failed together does not come back together.
pub(super) fn wait_ms(made: u64, retry_after_s: Option<u32>, random: u16) -> Option<u64> {
    let wait_s = WAITS_S.get(usize::try_from(made).ok()?)?;
    let jittered = wait_s * (900 + u64::from(random) % 201);
    let put_off = u64::from(retry_after_s.unwrap_or(0).min(MOST_PUT_OFF_S)) * 1000;
    Some(jittered.max(put_off))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 100 of 0..=200: no jitter.
    const EVEN: u16 = 100;

    #[test]
    fn the_schedule_is_that_of_the_specification() {
        let minutes = [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];
        assert_eq!(wait_ms(0, None, EVEN), Some(0));
        for (made, wait) in (1..).zip(minutes) {
            assert_eq!(wait_ms(made, None, EVEN), Some(wait));
            assert_eq!(wait_ms(made, None, 0), Some(wait / 10 * 9));
            assert_eq!(wait_ms(made, None, 200), Some(wait / 10 * 11));
        }
        assert_eq!(wait_ms(8, None, EVEN), None);
    }

    #[test]
    fn an_endpoint_puts_us_off_by_a_day_at_most_and_never_calls_us_sooner() {
        assert_eq!(wait_ms(1, Some(90), EVEN), Some(90_000));
        assert_eq!(wait_ms(2, Some(1), EVEN), Some(300_000));
        assert_eq!(wait_ms(1, Some(u32::MAX), EVEN), Some(86_400_000));
        assert_eq!(wait_ms(8, Some(1), EVEN), None);
    }

    proptest! {
        #[test]
        fn jitter_is_a_tenth(made in 1u64..8, random: u16) {
            let (even, wait) = (wait_ms(made, None, EVEN).unwrap(), wait_ms(made, None, random).unwrap());
            prop_assert!(wait.abs_diff(even) <= even / 10);
        }
    }
}
