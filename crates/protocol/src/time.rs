//! RFC 3339 times from Unix milliseconds, in UTC, and back, in any offset, without a clock and without a calendar crate in the Wasm.
//! Days ↔ civil dates after Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>.

use std::ops::Range;
use std::time::UNIX_EPOCH;

/// `2026-11-22T04:05:06.789Z`. Years past 9999 are clamped to the last millisecond that has four digits.
pub fn rfc3339(unix_ms: u64) -> String {
    let ms = unix_ms.min(LAST);
    let (days, rest) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = civil(days);
    let (hour, minute, second, milli) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// What a refused time has to be.
pub const MUST_BE_A_TIME: &str = "must be an RFC 3339 time such as 2026-11-22T08:00:00Z";

/// The last millisecond of a year with four digits.
const LAST: u64 = 253_402_300_799_999;

/// Unix milliseconds of an RFC 3339 time (section 5.6), from 1970 to 9999: any offset, `t` and `z` in lower case too, any number of
/// decimals (cut to ms). A leap second is the first moment after it, as Unix time has it. `None` for anything else.
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't'])?;
    let (time, offset_minutes) = split_offset(time)?;
    let (clock, fraction) = time.split_once('.').map_or((time, "0"), |(clock, fraction)| (clock, fraction));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 60 || fraction.is_empty() || !is_digits(fraction) {
        return None;
    }
    let milli: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = days_from_civil(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second;
    let seconds = seconds.checked_add_signed(offset_minutes * -60)?;
    if second == 60 && !ends_a_month(seconds) {
        return None;
    }
    Some(seconds * 1000 + if second == 60 { 0 } else { milli }).filter(|ms| *ms <= LAST)
}

/// The clock before the offset, and the offset in minutes.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let (clock, offset) = time.split_at_checked(time.rfind(['+', '-'])?)?;
    let [hour, minute] = numbers(offset.get(1..)?, ':', [2, 2])?;
    let minutes = i64::try_from(hour * 60 + minute).ok().filter(|_| hour < 24 && minute < 60)?;
    Some((clock, if offset.starts_with('-') { -minutes } else { minutes }))
}

/// Exactly `N` numbers of as many digits each as `lengths` says.
fn numbers<const N: usize>(text: &str, separator: char, lengths: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part = parts.next().filter(|part| part.len() == length && is_digits(part))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a month begins with this second of Unix time: leap seconds are at the end of months, in UTC.
fn ends_a_month(seconds: u64) -> bool {
    seconds.is_multiple_of(86_400) && civil(seconds / 86_400).2 == 1
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

    /// RFC 3339, section 5.8, and the notes of 5.6; seconds by `date -u -d … +%s`.
    #[test]
    fn every_form_of_rfc_3339_is_read() {
        for (text, ms) in [
            ("1985-04-12T23:20:50.52Z", 482_196_050_520),
            ("1996-12-19T16:39:57-08:00", 851_042_397_000),
            ("1990-12-31T23:59:60Z", 662_688_000_000),
            ("1990-12-31T15:59:60-08:00", 662_688_000_000),
            ("1990-12-31T23:59:60.75Z", 662_688_000_000),
            ("2026-11-22t08:00:00z", 1_795_334_400_000),
            ("2026-11-22T08:00:00+00:00", 1_795_334_400_000),
            ("2026-11-22T08:00:00-00:00", 1_795_334_400_000),
            ("2026-11-22T09:30:00+01:30", 1_795_334_400_000),
            ("2026-11-23T07:59:00+23:59", 1_795_334_400_000),
            ("2026-11-22T08:00:00.1234567890123Z", 1_795_334_400_123),
        ] {
            assert_eq!(parse_rfc3339(text), Some(ms), "{text}");
        }
        assert_eq!(parse_rfc3339("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse_rfc3339("1970-01-01T00:00:00+01:00"), None);
        assert_eq!(parse_rfc3339("9999-12-31T23:59:59-01:00"), None);
    }

    #[test]
    fn other_strings_are_refused() {
        for text in [
            "",
            "2001-02-29T00:00:00Z",
            "2000-13-01T00:00:00Z",
            "2000-01-01T24:00:00Z",
            "2000-01-01T00:00:00",
            "2000-01-01T00:00:00+0100",
            "2000-01-01T00:00:00+24:00",
            "2000-01-01T00:00:00+01:60",
            "2000-01-01T00:00:00+1:00",
            "2000-01-01T00:00:00Z+01:00",
            "2000-01-01T00:00:00 Z",
            "2000-01-01T00:00Z",
            "2000-01-01T23:59:60Z",
            "2000-01-31T23:58:60Z",
            "2000-01-31T23:59:60+01:00",
            "2000-01-31T23:59:61Z",
            "2000-01-01 00:00:00Z",
            "2000-01-01T00:00:00.Z",
            "1969-12-31T23:59:59Z",
            "2000-1-01T00:00:00Z",
            "2000-01-01T00:00:00.5.5Z",
            "2000-01-01T00:00:00,5Z",
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
