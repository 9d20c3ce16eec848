//! Timestamps as providers write them, read strictly: one spelling a moment, so that nothing can be moved between a
//! timestamp and its neighbour in the signed string.

use crate::provider::Unit;

const DAY_MS: u64 = 86_400_000;

impl Unit {
    /// Milliseconds since the Unix epoch.
    ///
    /// Numbers are ASCII digits without sign, space or leading zero, at most 11 (seconds) or 14 (milliseconds).
    pub(crate) fn parse(self, text: &str) -> Option<u64> {
        match self {
            Unit::Seconds => whole(text, 11)?.checked_mul(1000),
            Unit::Milliseconds => whole(text, 14),
            Unit::Rfc3339 => parse_rfc3339(text),
        }
    }

    /// Writes a moment, cut down to the unit's precision.
    pub(crate) fn format(self, ms: u64) -> String {
        match self {
            Unit::Seconds => (ms / 1000).to_string(),
            Unit::Milliseconds => ms.to_string(),
            Unit::Rfc3339 => format_rfc3339(ms),
        }
    }

    /// Now, in the unit's precision: a moment of a second that has not passed is not in the future.
    pub(crate) fn floor(self, ms: u64) -> u64 {
        match self {
            Unit::Seconds | Unit::Rfc3339 => ms - ms % 1000,
            Unit::Milliseconds => ms,
        }
    }
}

fn whole(text: &str, max_digits: usize) -> Option<u64> {
    let plain = text.len() <= max_digits
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// `YYYY-MM-DDThh:mm:ss[.f…](Z|±hh:mm)` from 1970 on, RFC 3339 section 5.6, upper case; fractions to 9 digits.
fn parse_rfc3339(text: &str) -> Option<u64> {
    let (date, time) = text.split_once('T')?;
    let (year, month_day) = date.split_once('-')?;
    let (month, day) = month_day.split_once('-')?;
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    if year < 1970 || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }

    let (time, offset_minutes) = split_offset(time)?;
    let (clock, fraction) = time.split_once('.').map_or((time, None), |(clock, f)| (clock, Some(f)));
    let (hour, minute_second) = clock.split_once(':')?;
    let (minute, second) = minute_second.split_once(':')?;
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let millis = match fraction {
        None => 0,
        Some(f) => {
            digits(f, f.len()).filter(|_| f.len() <= 9)?;
            format!("{f:0<3}").get(..3)?.parse().ok()?
        }
    };

    let local =
        days_since_epoch(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + millis;
    local.checked_add_signed(offset_minutes * -60_000)
}

/// Splits `hh:mm:ss±hh:mm` into its clock and the offset in minutes.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (clock, offset) = time.split_at_checked(at)?;
    let (hour, minute) = offset.get(1..)?.split_once(':')?;
    let (hour, minute) = (digits(hour, 2)?, digits(minute, 2)?);
    if hour > 23 || minute > 59 {
        return None;
    }
    let minutes = i64::try_from(hour * 60 + minute).ok()?;
    Some((clock, if offset.starts_with('-') { -minutes } else { minutes }))
}

fn digits(text: &str, len: usize) -> Option<u64> {
    (text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn format_rfc3339(ms: u64) -> String {
    let (mut days, clock) = (ms / DAY_MS, ms % DAY_MS / 1000);
    let mut year = 1970;
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_in_month(year, month) {
        days -= days_in_month(year, month);
        month += 1;
    }
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

fn days_since_epoch(year: u64, month: u64, day: u64) -> u64 {
    (1970..year).map(days_in_year).sum::<u64>()
        + (1..month).map(|m| days_in_month(year, m)).sum::<u64>()
        + day
        - 1
}

fn days_in_year(year: u64) -> u64 {
    if leap(year) { 366 } else { 365 }
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}
