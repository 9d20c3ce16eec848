use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

const ID: [u8; 16] = [0xab; 16];

fn message(name: &str, subject: &str, text: &str) -> Message {
    Message {
        from: Mailbox::new(name, Address::parse("no-reply@acme.example").unwrap()).unwrap(),
        to: Address::parse("ada@example.com").unwrap(),
        content: Content { subject: subject.to_owned(), text: Zeroizing::new(text.to_owned()) },
    }
}

fn encoded(name: &str, subject: &str, text: &str) -> String {
    let envelope = message(name, subject, text).encode(1_795_320_306, ID).unwrap();
    String::from_utf8(envelope.data.to_vec()).unwrap()
}

/// The bytes that a reader gets, by RFC 2045 §6.7.
fn decode_quoted_printable(body: &str) -> Vec<u8> {
    let joined = body.replace("=\r\n", "");
    let mut bytes = joined.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'=' {
            let pair = [bytes.next().unwrap(), bytes.next().unwrap()];
            u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap()
        } else {
            byte
        });
    }
    out
}

/// The text that a reader sees, by RFC 2047 §6.2.
fn decode_words(value: &str) -> String {
    let words = value.split("\r\n ").flat_map(|word| {
        let base64 = word.strip_prefix("=?utf-8?B?").unwrap().strip_suffix("?=").unwrap();
        let bytes = STANDARD.decode(base64).unwrap();
        // Each word stands by itself: no character may be split.
        String::from_utf8(bytes).unwrap().chars().collect::<Vec<_>>()
    });
    words.collect()
}

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let (head, _) = mail.split_once("\r\n\r\n").unwrap();
    let start = head.find(&format!("{name}: ")).unwrap() + name.len() + 2;
    let mut end = start;
    loop {
        end += head[end..].find("\r\n").unwrap_or(head.len() - end);
        if !head[end..].starts_with("\r\n ") {
            return &head[start..end];
        }
        end += 2;
    }
}

#[test]
fn a_whole_mail() {
    assert_eq!(
        encoded("Acme", "Confirm your email", "Hello\n\nhttps://acme.example/v?t=abc\n"),
        "Date: Sun, 22 Nov 2026 04:05:06 +0000\r\n\
         From: \"Acme\"\r\n <no-reply@acme.example>\r\n\
         To: <ada@example.com>\r\n\
         Subject: Confirm your email\r\n\
         Message-ID: <abababababababababababababababab@acme.example>\r\n\
         Auto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\
         \r\n\
         Hello\r\n\r\nhttps://acme.example/v?t=3Dabc\r\n"
    );
}

#[test]
fn known_dates() {
    for (seconds, text) in [
        (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
        (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 +0000"),
        (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 +0000"),
        (u64::MAX, "Fri, 31 Dec 9999 23:59:59 +0000"),
    ] {
        assert_eq!(date(seconds), text);
    }
}

#[test]
fn a_subject_with_a_line_end_is_refused() {
    for subject in ["a\r\nBcc: eve@example.org", "a\nb", "a\rb", "a\0b", "a\u{85}b", &"x".repeat(501)] {
        let refused = message("Acme", subject, "").encode(0, ID).map(|_| ());
        assert_eq!(refused, Err(Error::Header), "{subject:?}");
    }
    let refused = message("Acme", "s", &"x".repeat(64 * 1024 + 1)).encode(0, ID).map(|_| ());
    assert_eq!(refused, Err(Error::TooLong));
}

#[test]
fn a_name_cannot_end_its_quotes_nor_pose_as_encoded() {
    for name in ["Acme\" <eve@example.org>, \"", "Acme\\", "=?utf-8?B?ZXZl?="] {
        let mail = encoded(name, name, "");
        let from = header(&mail, "From").strip_suffix("\r\n <no-reply@acme.example>").unwrap();
        assert_eq!(decode_words(from), name);
    }
    assert_eq!(decode_words(header(&encoded("Acme", "=?utf-8?B?ZXZl?=", ""), "Subject")), "=?utf-8?B?ZXZl?=");
}

#[test]
fn debug_shows_nothing_of_a_mail() {
    let message = message("Acme", "subject-fake", "https://acme.example/reset?t=fake-token");
    let shown = format!("{message:?} {:?} {:?}", message.content, message.encode(0, ID).unwrap());
    assert_eq!(shown, "Message(…) Content(…) Envelope(…)");
}

proptest! {
    #[test]
    fn every_mail_is_seven_bit_lines_with_one_head(
        name in "\\PC{0,30}",
        subject in "\\PC{0,100}",
        text in "(\\PC|[\r\n\t\0=. ]){0,300}",
    ) {
        let mail = encoded(&name, &subject, &text);
        prop_assert!(mail.is_ascii());
        prop_assert!(mail.ends_with("\r\n"));
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        for line in mail.split("\r\n") {
            prop_assert!(line.len() <= 76, "{line:?}");
            prop_assert!(!line.contains(['\r', '\n', '\0']));
        }
        for line in body.split("\r\n") {
            prop_assert!(!line.ends_with([' ', '\t']));
        }
        let names = head.split("\r\n").filter(|line| !line.starts_with(' ')).count();
        prop_assert_eq!(names, 9);

        let lines: Vec<_> = text.lines().collect();
        let expected: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        prop_assert_eq!(decode_quoted_printable(body), expected.into_bytes());
        let subject_line = header(&mail, "Subject");
        if subject_line != subject {
            prop_assert_eq!(decode_words(subject_line), subject);
        }
    }
}
