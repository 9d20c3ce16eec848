//! What is kept of an endpoint's answer, for who looks after the endpoint: text without the secrets that the endpoint was
//! told, in any spelling, and without what looks like one (invariant 3).

use super::Post;
use connectors::{REDACTED, Scrubber};
use secrecy::ExposeSecret as _;
use url::Url;
use zeroize::Zeroizing;

/// Bytes that are kept.
const KEPT: usize = 1_024;
/// A base64 text so long may be a shared secret's, which has 43 characters; a shorter run of its characters is not looked at.
const LONG_RUN: usize = 16;
/// In front of what are secrets by their form.
const PREFIXES: [&str; 4] = ["whsec_", "whsk_", "bearer ", "basic "];

/// The first KiB of the answer to `post` as text. `key_prefix` is that of our own API keys; `shared` opens the endpoint's
/// secrets, where some text might be one.
pub(super) fn shown(
    body: &[u8],
    post: &Post,
    key_prefix: &str,
    shared: impl FnOnce() -> Vec<Zeroizing<String>>,
) -> String {
    let is_base64 = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_%\\".contains(b);
    let has_long_run = body.split(|b| !is_base64(b)).any(|run| run.len() >= LONG_RUN);
    let shared = if has_long_run { shared() } else { Vec::new() };
    // Of several signatures in the one header each, too.
    let signatures = post.headers.iter().filter(|(name, _)| name == "webhook-signature");
    let signatures = signatures.flat_map(|(_, value)| value.split([' ', ',']));
    let custom = post.custom.iter().map(|(_, value)| value.expose_secret());
    let of_url = of_url(&post.url);
    let opened = shared.iter().chain(&of_url).map(|secret| secret.as_str());
    let secrets = signatures.chain(custom).chain(opened);
    let mut scrubber = Scrubber::of_secrets(secrets);
    let mut scrubbed = Vec::new();
    scrubber.push(body, &mut scrubbed);
    scrubber.finish(&mut scrubbed);
    let text = String::from_utf8_lossy(&scrubbed);
    cut(&without_formed(&text, &format!("{key_prefix}_")))
}

/// What an endpoint's URL may hold as its secret: the path with the query, each segment, and each value, as written and as read.
fn of_url(url: &str) -> Vec<Zeroizing<String>> {
    let Ok(url) = Url::parse(url) else { return Vec::new() };
    let query = url.query().unwrap_or_default();
    let whole = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let segments = url.path().split('/').map(str::to_owned);
    let written =
        query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value).to_owned());
    let read = url.query_pairs().map(|(_, value)| value.into_owned());
    [whole].into_iter().chain(segments).chain(written).chain(read).map(Zeroizing::new).collect()
}

/// Without what looks like a secret, and without control characters.
fn without_formed(text: &str, key_prefix: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let prefix = PREFIXES
            .into_iter()
            .chain([key_prefix])
            .find(|prefix| rest.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)));
        let Some(prefix) = prefix else {
            shown.push(if next.is_control() && next != '\n' && next != '\t' { '\u{fffd}' } else { next });
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
            continue;
        };
        let (start, behind) = rest.split_at_checked(prefix.len()).unwrap_or((rest, ""));
        let end = behind.find(|c: char| !is_token(c)).unwrap_or(behind.len());
        shown.push_str(start);
        if end > 0 {
            shown.push_str(REDACTED);
        }
        rest = behind.get(end..).unwrap_or_default();
    }
    shown
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=-._~".contains(c)
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(KEPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown_to(body: &[u8], sent: &[(&str, &str)], shared: &str) -> String {
        shown_at("", body, sent, shared)
    }

    fn shown_at(url: &str, body: &[u8], sent: &[(&str, &str)], shared: &str) -> String {
        let (headers, custom): (Vec<_>, Vec<_>) =
            sent.iter().partition(|(name, _)| name.starts_with("webhook-"));
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let post = Post {
            url: url.to_owned(),
            headers: headers.iter().map(own).collect(),
            custom: custom.iter().map(own).map(|(name, value)| (name, value.into())).collect(),
            body: Zeroizing::default(),
        };
        shown(body, &post, "sgk", || vec![Zeroizing::new(shared.to_owned())])
    }

    const SHARED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn what_an_endpoint_was_told_does_not_come_back() {
        let sent = [
            ("webhook-id", "msg_1"),
            ("webhook-signature", "v1,c2lnbmF0dXJlLW9uZQ== v1a,c2lnbmF0dXJlLXR3bw=="),
            ("authorization", "Token fake-\"own\"-key"),
        ];
        for body in [
            "Token fake-\"own\"-key",
            "{\"authorization\": \"Token fake-\\\"own\\\"-key\"}",
            "VG9rZW4gZmFrZS0ib3duIi1rZXk=",
            "v1a,c2lnbmF0dXJlLXR3bw==",
            "c2lnbmF0dXJlLW9uZQ==",
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "key AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= end",
            "whsec_ZmFrZS1vZi1hbm90aGVy",
            "Bearer fake.token-1",
            "sgk_fake0123456789",
        ] {
            let text = shown_to(body.as_bytes(), &sent, SHARED);
            assert!(text.contains(REDACTED), "{body}: {text}");
            for part in ["fake", "own", "c2ln", "AAEC", "VG9r", "ZmFr"] {
                assert!(!text.contains(part), "{body}: {text}");
            }
        }
        assert_eq!(shown_to(b"msg_1 accepted", &sent, SHARED), "msg_1 accepted");
    }

    #[test]
    fn what_stands_in_the_url_does_not_come_back() {
        let url = "https://example.com/in/fake-path-1/T0?team=fake%20value&v=2&fake-bare-3";
        for body in [
            "no route /in/fake-path-1/T0?team=fake%20value&v=2&fake-bare-3",
            "no hook fake-path-1",
            "{\"path\": \"\\/in\\/fake-path-1\\/T0\"}",
            "team fake%20value is unknown",
            "team fake value is unknown",
            "what is fake-bare-3?",
            "ZmFrZS1wYXRoLTE=",
        ] {
            let text = shown_at(url, body.as_bytes(), &[], SHARED);
            assert!(
                text.contains(REDACTED) && !text.contains("fake") && !text.contains("ZmFr"),
                "{body}: {text}"
            );
        }
        // What is too short to be a secret is left, and so is the host.
        assert_eq!(shown_at(url, b"in T0 v=2 at example.com", &[], SHARED), "in T0 v=2 at example.com");
    }

    #[test]
    fn a_secret_across_the_end_leaves_no_beginning() {
        let sent = [("x-key", "fake-key-0123456789-0123456789")];
        for before in 990..1030 {
            let body = format!("{}{}", "a".repeat(before), sent[0].1);
            assert!(!shown_to(body.as_bytes(), &sent, SHARED).contains("fake"), "{before}");
        }
    }

    #[test]
    fn what_is_no_text_is_shown_as_such() {
        let text = shown_to(b"a\x00b\x1b[31m\xff\xc3\n\tc\x7f", &[], SHARED);
        assert_eq!(text, "a\u{fffd}b\u{fffd}[31m\u{fffd}\u{fffd}\n\tc\u{fffd}");
    }

    proptest! {
        #[test]
        fn never_more_than_a_kib_of_clean_text(body: Vec<u8>, times in 1usize..80) {
            let text = shown_to(&body.repeat(times), &[("x-key", "fake-key")], SHARED);
            prop_assert!(text.len() <= KEPT);
            prop_assert!(text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        }

        #[test]
        fn a_secret_is_found_wherever_it_stands(before in ".{0,600}", secret in "[!-~]{8,60}", after in ".{0,600}") {
            let body = format!("{before}{secret}{after}");
            prop_assert!(!shown_to(body.as_bytes(), &[("x-key", &secret)], SHARED).contains(&secret));
        }
    }
}
