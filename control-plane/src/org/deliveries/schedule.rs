//! When an endpoint that did not take a delivery is tried again.

use protocol::time::parse_http_date;

/// Seconds before each attempt, counted from the end of the one before it.
const WAITS_S: [u64; 8] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
/// The longest that an endpoint may put us off by `Retry-After`, seconds.
const MOST_PUT_OFF_S: u64 = 86_400;

/// Milliseconds until the next attempt after `made` of them; `None`: that was the last. A tenth more or less, as `random`
/// says, so that what failed together does not come back together; never sooner than the endpoint has asked for.
pub(super) fn wait_ms(made: u64, put_off_ms: u64, random: u16) -> Option<u64> {
    let wait_s = WAITS_S.get(usize::try_from(made).ok()?)?;
    let jittered = wait_s * (900 + u64::from(random) % 201);
    Some(jittered.max(put_off_ms))
}

/// Milliseconds that a `Retry-After` (RFC 9110, 10.2.3) asks for, at most a day; none where it is neither seconds nor a date
/// to come.
pub fn put_off_ms(retry_after: Option<&str>, now_ms: u64) -> u64 {
    let text = retry_after.unwrap_or_default().trim();
    let asked = match parse_http_date(text) {
        Some(then_ms) => then_ms.saturating_sub(now_ms),
        // More digits than a number has are a long time.
        None if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            text.parse::<u64>().unwrap_or(MOST_PUT_OFF_S).min(MOST_PUT_OFF_S) * 1000
        }
        None => 0,
    };
    asked.min(MOST_PUT_OFF_S * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 100 of 0..=200: no jitter.
    const EVEN: u16 = 100;
    /// Fri, 15 Jan 2027 08:00:00 GMT
    const NOW: u64 = 1_800_000_000_000;

    #[test]
    fn the_schedule_is_that_of_the_specification() {
        let minutes = [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];
        assert_eq!(wait_ms(0, 0, EVEN), Some(0));
        for (made, wait) in (1..).zip(minutes) {
            assert_eq!(wait_ms(made, 0, EVEN), Some(wait));
            assert_eq!(wait_ms(made, 0, 0), Some(wait / 10 * 9));
            assert_eq!(wait_ms(made, 0, 200), Some(wait / 10 * 11));
        }
        assert_eq!(wait_ms(8, 0, EVEN), None);
    }

    #[test]
    fn an_endpoint_puts_us_off_and_never_calls_us_sooner() {
        assert_eq!(wait_ms(1, 90_000, EVEN), Some(90_000));
        assert_eq!(wait_ms(2, 1_000, EVEN), Some(300_000));
        assert_eq!(wait_ms(8, 1_000, EVEN), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_a_day_at_most() {
        for (text, expected) in [
            ("120", 120_000),
            (" 7 ", 7_000),
            ("0", 0),
            ("86401", 86_400_000),
            ("99999999999999999999999999", 86_400_000),
            ("Fri, 15 Jan 2027 08:01:30 GMT", 90_000),
            ("Friday, 15-Jan-27 08:01:30 GMT", 90_000),
            ("Fri Jan 15 08:01:30 2027", 90_000),
            ("Fri, 15 Jan 2027 07:59:00 GMT", 0),
            ("Fri, 15 Jan 2038 08:00:00 GMT", 86_400_000),
            ("", 0),
            ("-5", 0),
            ("+5", 0),
            ("1.5", 0),
            ("soon", 0),
            ("2027-01-15T08:01:30Z", 0),
        ] {
            assert_eq!(put_off_ms(Some(text), NOW), expected, "{text}");
        }
        assert_eq!(put_off_ms(None, NOW), 0);
    }

    proptest! {
        #[test]
        fn jitter_is_a_tenth(made in 1u64..8, random: u16) {
            let (even, wait) = (wait_ms(made, 0, EVEN).unwrap(), wait_ms(made, 0, random).unwrap());
            prop_assert!(wait.abs_diff(even) <= even / 10);
        }

        #[test]
        fn nothing_an_endpoint_says_puts_us_off_for_more_than_a_day(text in ".{0,40}", now in 0..u64::MAX / 2) {
            prop_assert!(put_off_ms(Some(&text), now) <= 86_400_000);
        }
    }
}
