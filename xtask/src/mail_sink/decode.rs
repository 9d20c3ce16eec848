//! Reads mails of the form that `crates/mail` writes: base64 encoded words in the subject, a quoted-printable text.
//! Written against the RFCs and not against that crate, so that its tests would notice a mistake there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Subject and text.
pub(super) fn mail(bytes: &[u8]) -> (String, String) {
    let mail = String::from_utf8_lossy(bytes);
    let (head, body) = mail.split_once("\r\n\r\n").unwrap_or((&mail, ""));
    let head = head.replace("\r\n ", " ");
    let header = |name: &str| {
        head.split("\r\n").find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let subject = encoded_words(&header("subject").unwrap_or_default());
    let quoted = header("content-transfer-encoding").is_some_and(|coding| coding == "quoted-printable");
    let text = if quoted { quoted_printable(body) } else { body.to_owned() };
    (subject, text.replace("\r\n", "\n"))
}

/// RFC 2047: words side by side are joined without the space between them.
fn encoded_words(value: &str) -> String {
    let decode = |word: &str| STANDARD.decode(word.strip_prefix("=?utf-8?B?")?.strip_suffix("?=")?).ok();
    let words: Option<Vec<_>> = value.split(' ').map(decode).collect();
    words.map_or_else(|| value.to_owned(), |words| String::from_utf8_lossy(&words.concat()).into_owned())
}

/// RFC 2045 §6.7. What is not of it stays as it is.
fn quoted_printable(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut parts = joined.split('=');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.split_at_checked(2).map(|(hex, rest)| (u8::from_str_radix(hex, 16), rest)) {
            Some((Ok(byte), rest)) => {
                out.push(byte);
                out.extend_from_slice(rest.as_bytes());
            }
            _ => out.extend_from_slice(format!("={part}").as_bytes()),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
