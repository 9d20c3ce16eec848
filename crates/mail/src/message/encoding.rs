//! The encodings of a mail: RFC 5322 dates, RFC 2047 encoded words, RFC 2045 quoted-printable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// 39 bytes are 52 of base64 and 64 with their frame: with "Subject: " before it, a line of 73.
const WORD_BYTES: usize = 39;
const LINE: usize = 76;

/// `Sun, 22 Nov 2026 04:05:06 +0000`. Years past 9999 are clamped to the last second of 9999.
pub(crate) fn date(unix_seconds: u64) -> String {
    const LAST: u64 = 253_402_300_799;
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = unix_seconds.min(LAST);
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let weekday = match days % 7 {
        0 => "Thu",
        1 => "Fri",
        2 => "Sat",
        3 => "Sun",
        4 => "Mon",
        5 => "Tue",
        _ => "Wed",
    };
    // Days to a civil date after Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 2 } else { mp - 10 };
    let year = era * 400 + yoe + u64::from(month < 2);
    let month = usize::try_from(month).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or("Jan");
    format!(
        "{weekday}, {day:02} {month} {year:04} {:02}:{:02}:{:02} +0000",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

/// Encoded words in base64, folded, no character split between two.
pub(super) fn encoded_words(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    loop {
        let (word, after) = rest.split_at(rest.floor_char_boundary(WORD_BYTES));
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        rest = after;
        if rest.is_empty() {
            return words.join("\r\n ");
        }
    }
}

/// Appends the text line by line, each ended by CRLF.
pub(super) fn quoted_printable(text: &str, out: &mut Vec<u8>) {
    for line in text.lines() {
        let mut column = 0;
        let mut bytes = line.bytes().peekable();
        while let Some(byte) = bytes.next() {
            let last = bytes.peek().is_none();
            let literal = matches!(byte, b'!'..=b'~' if byte != b'=') || (byte == b' ' && !last);
            let width = if literal { 1 } else { 3 };
            // The last column is the soft break's.
            if column + width >= LINE {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            column += width;
            if literal {
                out.push(byte);
            } else {
                out.extend_from_slice(&[b'=', hex(byte >> 4), hex(byte & 15)]);
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'A' - 10 + digit }
}
