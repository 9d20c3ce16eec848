use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::collection::vec;
use proptest::prelude::*;
use url::form_urlencoded::byte_serialize;

use super::*;
use crate::CredentialInput;
use crate::auth::{MAX_VALUE, MIN_SECRET};

fn bearer(token: &str) -> Credential {
    Credential::new(CredentialInput::Bearer { token: token.into() }).unwrap()
}

fn basic(username: &str, password: &str) -> Credential {
    Credential::new(CredentialInput::Basic { username: username.into(), password: password.into() }).unwrap()
}

fn api_key(value: &str) -> Credential {
    let header = Some("authorization".to_owned());
    Credential::new(CredentialInput::ApiKey { header, query: None, value: value.into() }).unwrap()
}

/// Scrubs `text` in chunks of `sizes`, over and over.
fn chunked(credential: &Credential, text: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (mut scrubber, mut out, mut rest) = (Scrubber::new(credential), Vec::new(), text);
    for size in sizes.iter().cycle() {
        let (chunk, tail) = rest.split_at((*size).min(rest.len()));
        scrubber.push(chunk, &mut out);
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    scrubber.finish(&mut out);
    out
}

fn scrub(credential: &Credential, text: &str) -> String {
    Scrubber::new(credential).scrub_str(text)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A secret in which every encoder has something to do.
const AWKWARD: &str = r#"nr~Q5"\/<a>&'b+c=d?e%f*g!h(i)j;k,l:m@n$o#p`q"#;

/// Claim B2: the encodings of real encoders, each written out by hand or by the encoder itself.
#[test]
fn a_secret_is_found_in_every_encoding() {
    let token = AWKWARD;
    let json = serde_json::to_string(token).unwrap();
    let json = json.trim_matches('"');
    let hex = |upper: bool| -> String {
        token.bytes().map(|b| if upper { format!("{b:02X}") } else { format!("{b:02x}") }).collect()
    };
    let percent = |keep: &str, upper: bool| -> String {
        let escape = |b: u8| if upper { format!("%{b:02X}") } else { format!("%{b:02x}") };
        token
            .bytes()
            .map(|b| {
                if keep.contains(char::from(b)) || b.is_ascii_alphanumeric() {
                    char::from(b).to_string()
                } else {
                    escape(b)
                }
            })
            .collect()
    };
    let html = |quote: &str, apostrophe: &str, slash: &str| {
        token
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', quote)
            .replace('\'', apostrophe)
            .replace('/', slash)
    };
    let encodings = [
        token.to_owned(),
        STANDARD.encode(token),
        STANDARD_NO_PAD.encode(token),
        URL_SAFE.encode(token),
        URL_SAFE_NO_PAD.encode(token),
        hex(false),
        hex(true),
        byte_serialize(token.as_bytes()).collect(),
        percent("-._~", true),
        percent("-._~", false),
        percent("-._~/", true),                   // Python, urllib.parse.quote
        percent("-_.!~*'()", true),               // ECMAScript, encodeURIComponent
        percent(";,/?:@&=+$-_.!~*'()#", true),    // ECMAScript, encodeURI
        percent("-_.*", true),                    // Java, URLEncoder
        percent("-_.", true).replace('~', "%7E"), // PHP, urlencode
        percent("-_.!*()", false),                // .NET, WebUtility.UrlEncode
        percent("", true),
        token.bytes().map(|b| format!("%{b:02X}")).collect(),
        token.bytes().map(|b| format!("\\u{b:04x}")).collect(),
        json.to_owned(),
        json.replace('/', "\\/"), // PHP, json_encode
        json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"), // Go, encoding/json
        json.replace('<', "\\u003C")
            .replace('>', "\\u003E")
            .replace('&', "\\u0026")
            .replace('\'', "\\u0027")
            .replace('/', "\\/"),
        html("&quot;", "&#39;", "/"),
        html("&quot;", "&#x27;", "/"),      // Python, html.escape
        html("&quot;", "&#x27;", "&#x2F;"), // underscore, older React
        html("&#34;", "&#39;", "/"),        // Go, html.EscapeString
        html("\"", "'", "/"),               // text nodes
    ];
    for encoding in encodings {
        assert_eq!(scrub(&bearer(token), &format!("a {encoding} b")), "a [redacted] b", "{encoding}");
    }
}

/// Claim B2: escapes that stand in a text which is escaped in its turn, and each character's own.
#[test]
fn a_secret_is_found_in_escapes_of_escapes() {
    let token = AWKWARD;
    let json = |text: &str| {
        let quoted = serde_json::to_string(text).unwrap();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let html = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
    };
    let percent = |text: &str| {
        text.bytes().fold(String::new(), |out, b| {
            out + &if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
    };
    let each = |escape: &dyn Fn(u8) -> String| token.bytes().map(escape).collect::<String>();
    let encodings = [
        json(&json(token)),
        json(token).replace('/', "\\/").replace('\\', "\\\\").replace('"', "\\\""),
        percent(&percent(token)),
        percent(&json(token)),
        html(&html(token)),
        html(&json(token)),
        json(&html(token)),
        each(&|b| format!("\\x{b:02x}")),
        each(&|b| format!("\\x{b:02X}")),
        each(&|b| format!("&#{b};")),
        each(&|b| format!("&#x{b:x};")),
        each(&|b| format!("&#x{b:X};")),
    ];
    for encoding in encodings {
        assert_eq!(scrub(&bearer(token), &format!("a {encoding} b")), "a [redacted] b", "{encoding}");
    }
}

#[test]
fn a_secret_is_found_in_utf_16() {
    let token = "not-a-real-token";
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let units = |text: &str| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let out = chunked(&bearer(token), &units(&format!("a {token} b")), &[3]);
        // In either order it is found; a zero beside it may go along, which belongs to the other order's spelling.
        assert!(contains(&out, REDACTED.as_bytes()) && !contains(&out, b"n\0o\0t"), "{out:?}");
        assert!(contains(&out, b"a\0 ") && contains(&out, b" \0b"), "{out:?}");
    }
}

/// A password is text: Python and PHP write it in ASCII, browsers in UTF-8.
#[test]
fn a_password_in_another_script_is_found() {
    let password = "pa\u{df}w\u{f6}rt\u{1f511}";
    for echo in [
        password.to_owned(),
        "pa\\u00dfw\\u00f6rt\\ud83d\\udd11".to_owned(),
        "pa\\u00DFw\\u00F6rt\\uD83D\\uDD11".to_owned(),
        "pa%C3%9Fw%C3%B6rt%F0%9F%94%91".to_owned(),
        "pa&#223;w&#246;rt&#128273;".to_owned(),
        "pa\\xc3\\x9fw\\xc3\\xb6rt\\xf0\\x9f\\x94\\x91".to_owned(),
        STANDARD.encode(password),
        STANDARD.encode(format!("user:{password}")),
    ] {
        let out = scrub(&basic("user", password), &format!("\u{e4} {echo} \u{f6}"));
        assert!(out == "\u{e4} [redacted] \u{f6}", "{echo}: {out}");
    }
}

/// Claim B2: the header as it was sent, encoded as a whole by the upstream.
#[test]
fn a_secret_is_found_inside_a_longer_base64_text() {
    let token = "not-a-real-token-0123456789";
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        for before in ["", "x", "xy", "Bearer ", "{\"authorization\":\"Bearer "] {
            for behind in ["", "z", "zz", "zzz", "\"}"] {
                let answer = engine.encode(format!("{before}{token}{behind}"));
                let out = scrub(&bearer(token), &answer);
                assert!(out.contains(REDACTED), "{answer}");
                // At most one partial character stays on either side of the mark.
                let kept = out.len() - REDACTED.len();
                let outside = engine.encode(before).len() + engine.encode(behind).len();
                assert!(kept <= outside + 4, "{answer} → {out}");
            }
        }
    }
}

#[test]
fn a_basic_credential_is_found_as_a_pair_and_as_a_password() {
    let credential = basic("user", "not-a-real-pass");
    for (echo, out) in [
        ("user:not-a-real-pass", "[redacted]"),
        ("Basic dXNlcjpub3QtYS1yZWFsLXBhc3M=", "Basic [redacted]"),
        (r#"{"user":"user","pass":"not-a-real-pass"}"#, r#"{"user":"user","pass":"[redacted]"}"#),
        ("user%3Anot-a-real-pass", "[redacted]"),
    ] {
        assert_eq!(scrub(&credential, echo), out);
    }
}

#[test]
fn a_key_in_the_user_name_is_found_and_an_ordinary_name_is_left() {
    assert_eq!(scrub(&basic("key1234", ""), "hello key1234"), "hello [redacted]");
    assert_eq!(scrub(&basic("key1234", "X"), "hello key1234"), "hello [redacted]");
    assert_eq!(scrub(&basic("not_a_real_key_0001", "api_token"), "not_a_real_key_0001"), "[redacted]");
    assert_eq!(scrub(&basic("ann", "not-a-real-pass"), "hello ann"), "hello ann");
    assert_eq!(
        scrub(&basic("ann.other@example.com", "not-a-real-pass"), "ann.other@example.com"),
        "ann.other@example.com"
    );
}

#[test]
fn both_tokens_of_an_oauth_credential_are_found() {
    let credential =
        Credential::oauth(Some("not-a-refresh-token".into()), Some("not-an-access-token".into())).unwrap();
    let text = r#"{"access_token":"not-an-access-token","refresh_token":"not-a-refresh-token"}"#;
    let scrubbed = scrub(&credential, text);
    assert_eq!(scrubbed, r#"{"access_token":"[redacted]","refresh_token":"[redacted]"}"#);
    let none = Credential::new(CredentialInput::None).unwrap();
    assert_eq!(scrub(&none, text), text);
}

#[test]
fn an_api_key_behind_a_scheme_is_found_without_it() {
    let credential = api_key("Token not-a-real-key");
    assert_eq!(scrub(&credential, "key not-a-real-key, Token not-a-real-key"), "key [redacted], [redacted]");
    assert_eq!(scrub(&credential, "Token"), "Token");
}

#[test]
fn overlapping_occurrences_leave_no_rest() {
    let credential = bearer("abcabcab");
    assert_eq!(scrub(&credential, "-abcabcabcab-"), "-[redacted]-");
    assert_eq!(scrub(&credential, "-abcabcababcabcab-"), "-[redacted][redacted]-");
    assert_eq!(scrub(&credential, "-abcabcabcabcabcabcabcab-"), "-[redacted]-");
    assert_eq!(scrub(&credential, "-abcabcaabcabca-"), "-abcabcaabcabca-");
    assert_eq!(scrub(&credential, "abcabcabcabca"), "[redacted]ca");
}

/// The pair begins with the user name and ends with the password, and each alone is a needle too.
#[test]
fn a_secret_that_begins_another_is_found_in_both() {
    let credential = basic("aaaa", "aaaab");
    assert_eq!(scrub(&credential, "aaaab"), "[redacted]");
    assert_eq!(scrub(&credential, "aaaa:aaaab"), "[redacted]");
    assert_eq!(scrub(&credential, "aaaa:aaaa"), "aaaa:aaaa");
    assert_eq!(scrub(&credential, "aaaaaaab"), "aaa[redacted]");
}

#[test]
fn a_secret_in_the_middle_of_another_is_found_where_the_other_breaks_off() {
    let credential = basic("not_a_pass_real_key_0001", "pass");
    assert_eq!(scrub(&credential, "not_a_pass_real_key_0001"), "[redacted]");
    assert_eq!(scrub(&credential, "not_a_pass_real_key_0002"), "not_a_[redacted]_real_key_0002");
}

/// Encoders that escape the base64 of a secret once more.
#[test]
fn escaped_base64_is_found() {
    let token = "~~>>??not-a-real-token>";
    let encoded = STANDARD.encode(token);
    assert!(encoded.contains('/') && encoded.contains('+') && encoded.contains('='), "{encoded}");
    for escaped in [
        encoded.replace('/', "\\/"),
        encoded.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
        encoded.replace('+', "%2b").replace('/', "%2f").replace('=', "%3d"),
    ] {
        assert_eq!(scrub(&bearer(token), &format!("a {escaped} b")), "a [redacted] b");
    }
}

#[test]
fn a_partial_secret_at_the_end_comes_out_unchanged() {
    let credential = bearer("not-a-real-token");
    assert_eq!(chunked(&credential, b"x not-a-real-toke", &[1]), b"x not-a-real-toke");
    assert_eq!(chunked(&credential, b"", &[1]), b"");
}

#[test]
fn a_body_is_answered_as_it_streams() {
    let mut scrubber = Scrubber::new(&bearer("not-a-real-token"));
    let mut out = Vec::new();
    scrubber.push(b"hello no", &mut out);
    assert_eq!(out, b"hello ");
    scrubber.push(b"body", &mut out);
    assert_eq!(out, b"hello nobody");
    scrubber.push(b" not-a-real-token", &mut out);
    // The next byte could begin an occurrence that overlaps this one.
    scrubber.push(b".", &mut out);
    assert_eq!(out, b"hello nobody [redacted].");
}

/// A chain of overlapping occurrences as long as the answer doesn't pile up in memory.
#[test]
fn memory_is_bounded_by_the_longest_needle() {
    let mut scrubber = Scrubber::new(&bearer("aaaaaaaa"));
    let mut out = Vec::new();
    for _ in 0..1000 {
        scrubber.push(&[b'a'; 1000], &mut out);
        assert!(scrubber.body.held.len() <= 64 && scrubber.body.found.len() <= 1);
    }
    scrubber.push(b"b", &mut out);
    scrubber.finish(&mut out);
    assert_eq!(out, b"[redacted]b");
}

#[test]
fn the_longest_secret_is_found_in_a_long_hostile_answer() {
    let token = format!("{}b", "a".repeat(MAX_VALUE - 1));
    let answer = format!("{}{token}{}", "a".repeat(2_000_000), "a".repeat(1_000_000));
    let out = chunked(&bearer(&token), answer.as_bytes(), &[65_536]);
    assert_eq!(out.len(), 3_000_000 + REDACTED.len());
    assert!(!contains(&out, b"b"));
}

#[test]
fn ten_megabytes_of_binary_pass_unchanged_but_for_the_secret() {
    let mut random = 1_u64;
    let mut body: Vec<u8> = std::iter::repeat_with(|| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 56) as u8
    })
    .take(10_000_000)
    .collect();
    let credential = bearer("not-a-real-token-0123456789");
    assert!(chunked(&credential, &body, &[65_536, 1, 100]) == body);
    body.splice(5_000_000..5_000_000, *b"not-a-real-token-0123456789");
    let out = chunked(&credential, &body, &[65_536, 7]);
    assert_eq!(&out[5_000_000..5_000_010], REDACTED.as_bytes());
    assert!(out[..5_000_000] == body[..5_000_000] && out[5_000_010..] == body[5_000_027..]);
}

/// The reference: marks every occurrence of every needle, then writes one mark a run of overlapping ones.
fn reference(needles: &[Vec<u8>], text: &[u8]) -> Vec<u8> {
    let mut found: Vec<(usize, usize)> = needles
        .iter()
        .flat_map(|needle| {
            let ends =
                (0..=text.len().saturating_sub(needle.len())).filter(|at| text[*at..].starts_with(needle));
            ends.map(|at| (at, at + needle.len()))
        })
        .collect();
    found.sort_unstable();
    let (mut out, mut at, mut from) = (Vec::new(), 0, 0);
    for (start, end) in found {
        if start >= at {
            out.extend_from_slice(&text[from.max(at)..start]);
            out.extend_from_slice(REDACTED.as_bytes());
        }
        at = at.max(end);
        from = at;
    }
    out.extend_from_slice(&text[at..]);
    out
}

/// Bytes that share long prefixes with each other, with secrets and with escapes.
fn soup() -> impl Strategy<Value = String> {
    vec(
        prop::sample::select(vec![
            "a", "b", "ab", "aab", "abab", "%61", "\\u0061", "YWFh", "YWI", "6162", "/", "=", " ",
        ]),
        0..40,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Claim B2: any printable secret, in a text of its encodings and noise, cut anywhere: the reference's answer, and
    /// no needle in it.
    #[test]
    fn no_needle_survives_any_encoding_or_chunking(
        token in "[!-~]{4,24}", noise in vec(("[ -~]{0,12}", any::<prop::sample::Index>()), 1..12), sizes in vec(1_usize..20, 1..8),
    ) {
        // A secret that is part of the mark can't be told from it.
        prop_assume!(!"[redacted][redacted]".contains(&token));
        let credential = bearer(&token);
        let needles: Vec<Vec<u8>> = needles::of(&credential).iter().map(|needle| needle.to_vec()).collect();
        let mut text = Vec::new();
        for (noise, pick) in &noise {
            text.extend_from_slice(noise.as_bytes());
            text.extend_from_slice(pick.get::<Vec<u8>>(&needles));
        }
        let out = chunked(&credential, &text, &sizes);
        prop_assert_eq!(&out, &reference(&needles, &text));
        prop_assert_eq!(&out, &chunked(&credential, &text, &[usize::MAX]));
        prop_assert_eq!(&out, &chunked(&credential, &text, &[1]));
        for part in out.split(|b| matches!(b, b'[' | b']')) {
            for needle in needles.iter().filter(|needle| !needle.iter().any(|b| b"[]".contains(b))) {
                prop_assert!(!contains(part, needle));
            }
        }
    }

    /// Small alphabets: overlaps, prefixes and failure links of every shape.
    #[test]
    fn repetitive_texts_give_the_references_answer(user in "[ab]{0,20}", password in "[ab]{4,8}", text in soup(), sizes in vec(1_usize..9, 1..6)) {
        let credential = basic(&user, &password);
        let needles: Vec<Vec<u8>> = needles::of(&credential).iter().map(|needle| needle.to_vec()).collect();
        let out = chunked(&credential, text.as_bytes(), &sizes);
        prop_assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(reference(&needles, text.as_bytes())).unwrap());
    }

    /// Text in any script stays text.
    #[test]
    fn scrubbing_a_header_value_keeps_what_is_around(before in r"\PC{0,20}", behind in r"\PC{0,20}") {
        let token = "not-a-real-token";
        let expected = format!("{before}{REDACTED}{behind}");
        prop_assert_eq!(scrub(&bearer(token), &format!("{before}{token}{behind}")), expected);
    }

    /// Each needle is long enough not to turn up by chance.
    #[test]
    fn no_needle_is_short(token in "[!-~]{4,12}") {
        for needle in needles::of(&bearer(&token)) {
            prop_assert!(needle.len() >= MIN_SECRET);
        }
    }
}
