//! RFC 3339 UTC times from Unix milliseconds and back, without a clock and without a calendar crate in the Wasm.
//! Days ↔ civil dates after Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>.

use std::ops::Range;
use std::time::UNIX_EPOCH;

/// `2026-11-22T04:05:06.789Z`. Years past 9999 are clamped to the last millisecond that has four digits.
pub fn rfc3339(unix_ms: u64) -> String {
    const LAST: u64 = 253_402_300_799_999;
    let ms = unix_ms.min(LAST);
    let (days, rest) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = civil(days);
    let (hour, minute, second, milli) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Unix milliseconds of an RFC 3339 time in UTC (`Z`), from 1970 to 9999, seconds with up to nine decimals (cut to ms).
/// `None` for anything else, other offsets included: the API speaks UTC.
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let number = |digits: &str, len: usize| -> Option<u64> {
        (digits.len() == len && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
    };
    let mut parts = date.split('-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let (clock, fraction) = time.split_once('.').map_or((time, None), |(clock, f)| (clock, Some(f)));
    let mut clock_parts = clock.split(':');
    let (hour, minute, second) =
        (number(clock_parts.next()?, 2)?, number(clock_parts.next()?, 2)?, number(clock_parts.next()?, 2)?);
    if parts.next().is_some() || clock_parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let milli = match fraction {
        None => 0,
        Some(f) if (1..=9).contains(&f.len()) && f.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{f:0<3}").get(..3)?.parse().ok()?
        }
        Some(_) => return None,
    };
    let days = days_from_civil(year, month, day)?;
    Some(days * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1000 + milli)
}

/// Unix milliseconds of a date of HTTP, in each of the three forms that a recipient must take (RFC 9110, 5.6.7):
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`. `None` for anything else and
/// for times before 1970; the day's name is not compared with the date.
pub fn parse_http_date(text: &str) -> Option<u64> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

/// The calendar month, UTC, that a moment is in: its first millisecond, and the next month's.
pub fn month_of(unix_ms: u64) -> Range<u64> {
    const DAY: u64 = 86_400_000;
    let days = unix_ms / DAY;
    let (year, month, day) = civil(days);
    let start = days + 1 - day;
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    };
    start * DAY..(start + length) * DAY
}

fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (era * 400 + yoe + u64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let y = year - u64::from(month <= 2);
    let (era, yoe) = (y / 400, y % 400);
    let mp = (month + 9) % 12;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + (153 * mp + 2) / 5 + day - 1;
    let days = (era * 146_097 + doe).checked_sub(719_468)?;
    // A day that the month does not have comes back as another date.
    (civil(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The examples of RFC 9110, 5.6.7.
    #[test]
    fn a_date_of_http_has_three_forms() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse_http_date(text), Some(784_111_777_000), "{text}");
        }
        for text in [
            "",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 32 Jan 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37.5 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994  08:49:37 GMT",
            "S\u{fc}n, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_date_of_http_panic(text in ".{0,40}") {
            parse_http_date(&text);
        }
    }

    #[test]
    fn known_times() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(1_795_320_306_789), "2026-11-22T04:05:06.789Z");
        assert_eq!(parse_rfc3339("2000-02-29T00:00:00Z"), Some(951_782_400_000));
        assert_eq!(parse_rfc3339("2026-11-22T04:05:06.7Z"), Some(1_795_320_306_700));
    }

    #[test]
    fn other_strings_are_refused() {
        for text in [
            "",
            "2001-02-29T00:00:00Z",
            "2000-13-01T00:00:00Z",
            "2000-01-01T24:00:00Z",
            "2000-01-01T00:00:00",
            "2000-01-01T00:00:00+01:00",
            "2000-01-01 00:00:00Z",
            "2000-01-01T00:00:00.Z",
            "1969-12-31T23:59:59Z",
            "2000-1-01T00:00:00Z",
            "2000-01-01T00:00:00.1234567890Z",
            "+000-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn n3_a_month_ends_where_the_next_begins() {
        for (moment, start, end) in [
            ("2026-11-22T04:05:06.789Z", "2026-11-01", "2026-12-01"),
            ("2026-12-31T23:59:59.999Z", "2026-12-01", "2027-01-01"),
            ("2027-01-01T00:00:00.000Z", "2027-01-01", "2027-02-01"),
            ("2028-02-29T12:00:00.000Z", "2028-02-01", "2028-03-01"),
            ("2027-02-28T23:59:59.999Z", "2027-02-01", "2027-03-01"),
            ("2000-02-29T00:00:00.000Z", "2000-02-01", "2000-03-01"),
            ("2100-02-28T23:59:59.999Z", "2100-02-01", "2100-03-01"),
            ("1970-01-01T00:00:00.000Z", "1970-01-01", "1970-02-01"),
        ] {
            let month = month_of(parse_rfc3339(moment).unwrap());
            let midnight = |day| format!("{day}T00:00:00.000Z");
            assert_eq!([rfc3339(month.start), rfc3339(month.end)], [start, end].map(midnight), "{moment}");
        }
    }

    proptest! {
        #[test]
        fn a_moment_is_in_its_month_and_months_meet(ms in 0u64..253_402_300_800_000) {
            let month = month_of(ms);
            prop_assert!(month.contains(&ms));
            prop_assert_eq!(month_of(month.start), month.clone());
            prop_assert_eq!(month_of(month.end).start, month.end);
            prop_assert!(rfc3339(month.start).ends_with("-01T00:00:00.000Z"));
        }

        #[test]
        fn round_trip(ms in 0u64..253_402_300_800_000) {
            prop_assert_eq!(parse_rfc3339(&rfc3339(ms)), Some(ms));
        }
    }
}
