//! The parts: secrets, times, the JSON reader, challenges, redaction, the table's own order.

use super::{NOW, Signed, key};
use crate::json::pick;
use crate::provider::{Scheme, Unit};
use crate::*;

#[test]
fn ids_are_sorted_unique_and_complete_rows() {
    assert!(providers().is_sorted_by(|a, b| a.id < b.id));
    for provider in providers() {
        assert!(provider.docs.starts_with("https://"), "{}", provider.id);
        assert!(!provider.name.is_empty() && !provider.secret_hint.is_empty(), "{}", provider.id);
        if let Scheme::FirstOf([first, others @ ..]) = provider.scheme {
            assert!(others.iter().all(|other| other.key == first.key), "{}: one secret for all", provider.id);
        }
    }
    assert!(provider("stripe").is_some() && provider("Stripe").is_none() && provider("").is_none());
}

#[test]
fn a_pasted_secret_is_taken_or_refused_with_a_reason() {
    let parse = |id: &str, secret: &str| provider(id).unwrap().parse_secret(secret).map(drop);
    let whsec = concat!("whsec", "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    assert_eq!(parse("standard-webhooks", whsec), Ok(()));
    assert_eq!(parse("standard-webhooks", &whsec[6..]), Ok(()));
    assert_eq!(parse("standard-webhooks", &whsec[..6]), Err(SecretError::Empty));
    assert_eq!(parse("standard-webhooks", &format!("{whsec}!")), Err(SecretError::NotBase64));
    assert_eq!(parse("standard-webhooks", concat!("whsec", "_c2hvcnQ=")), Err(SecretError::TooShort));
    assert_eq!(parse("openai", "no prefix, so not base64"), Ok(()));
    assert_eq!(parse("openai", concat!("whsec", "_not base64")), Err(SecretError::NotBase64));
    assert_eq!(parse("onfleet", &"0aF9".repeat(8)), Ok(()));
    assert_eq!(parse("onfleet", &"0aF".repeat(11)), Err(SecretError::NotHex));
    assert_eq!(parse("onfleet", &"zz".repeat(16)), Err(SecretError::NotHex));
    assert_eq!(parse("github", "It's a Secret to Everybody"), Ok(()));
    for (pasted, error) in [
        ("", SecretError::Empty),
        (" \n", SecretError::Empty),
        ("secret ", SecretError::Whitespace),
        ("secret\n", SecretError::Whitespace),
        ("sec\tret", SecretError::Whitespace),
        (concat!("sk", "_live_fake"), SecretError::AnotherKind),
        (concat!("whpk", "_fake"), SecretError::AnotherKind),
        ("https://example.com/hook", SecretError::AnotherKind),
    ] {
        assert_eq!(parse("github", pasted), Err(error), "{pasted:?}");
    }
    assert_eq!(parse("github", &"a".repeat(513)), Err(SecretError::TooLong));
}

#[test]
fn a_key_shows_nothing_of_itself() {
    let shown = format!("{:?}", provider("github").unwrap().parse_secret("AAAA-fake").unwrap());
    assert!(!shown.contains("65") && !shown.contains("AAAA"), "{shown}");
}

#[test]
fn times_are_read_in_one_spelling_only() {
    assert_eq!(Unit::Seconds.parse("1760000000"), Some(NOW));
    assert_eq!(Unit::Milliseconds.parse("1760000000123"), Some(NOW + 123));
    for text in [
        "",
        " 1",
        "1 ",
        "+1",
        "-1",
        "01",
        "1.0",
        "1e9",
        "0x1",
        "١٢٣",
        "123456789012",
        "1,1",
        "18446744073709551616",
    ] {
        assert_eq!(Unit::Seconds.parse(text), None, "{text:?}");
    }
    assert_eq!(Unit::Milliseconds.parse("999999999999999"), None);

    for (text, ms) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2025-10-09T08:53:20Z", NOW),
        ("2025-10-09T08:53:20.5Z", NOW + 500),
        ("2025-10-09T08:53:20.123456789Z", NOW + 123),
        ("2025-10-09T01:53:20-07:00", NOW),
        ("2025-10-09T14:23:20+05:30", NOW),
        ("2000-02-29T23:59:59Z", 951_868_799_000),
    ] {
        assert_eq!(Unit::Rfc3339.parse(text), Some(ms), "{text}");
    }
    for text in [
        "2025-10-09 08:53:20Z",
        "2025-10-09T08:53:20",
        "2025-10-09t08:53:20z",
        "2025-13-09T08:53:20Z",
        "2025-02-29T08:53:20Z",
        "1900-02-29T08:53:20Z",
        "2025-10-00T08:53:20Z",
        "2025-10-09T24:53:20Z",
        "2025-10-09T08:60:20Z",
        "2025-10-09T08:53:60Z",
        "2025-10-09T08:53:20.Z",
        "2025-10-09T08:53:20+0700",
        "12025-10-09T08:53:20Z",
        "2025-1-09T08:53:20Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "2025-10-09T08:53:20ZZ",
        "2025-10-09T08:53:20.1234567890Z",
        "",
    ] {
        assert_eq!(Unit::Rfc3339.parse(text), None, "{text}");
    }
}

#[test]
fn json_values_are_picked_by_path_alone() {
    let find = |body: &str| pick(body.as_bytes(), &[&["id"], &["event", "type"], &["event"]]);
    let some = |text: &str| Some(text.to_owned());
    let values = find(
        r#" {"x":{"id":"no"},"list":["id",{"id":1}],"id":"a\u0062","event":{"id":3,"type":"t"},"n":1e400} "#,
    );
    assert_eq!(values, [some("ab"), some("t"), None]);
    assert_eq!(find(r#"{"id":-7,"event":"e"}"#), [some("-7"), None, some("e")]);
    // As in JSON.parse the last of two counts, and it hides all of the first.
    assert_eq!(find(r#"{"id":"a","id":"b","event":{"type":"t"},"event":null}"#), [some("b"), None, None]);
    assert_eq!(find(r#"{"event":{"type":"t"},"event":{}}"#), [None, None, None]);
    for broken in
        ["", "{", r#"{"id":"a"}x"#, r#"{"id":"a",}"#, "[]", "7", r#"{"id":"a\ud800"}"#, "token=x&id=a"]
    {
        assert_eq!(find(broken), [None, None, None], "{broken}");
    }
    assert_eq!(pick(b"{\"id\":\"\xff\"}", &[&["id"]]), [None]);
    assert_eq!(pick("[".repeat(100_000).as_bytes(), &[&["id"]]), [None]);
    assert_eq!(pick(format!(r#"{{"id":"{}"}}"#, "a".repeat(513)).as_bytes(), &[&["id"]]), [None]);
}

#[test]
fn a_signed_challenge_is_answered_and_an_unsigned_one_is_not() {
    let body = br#"{"token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;
    let mut slack = Signed::new(provider("slack").unwrap(), body.to_vec());
    let challenge = slack.check().unwrap().challenge.unwrap();
    assert_eq!(challenge.content_type, "text/plain; charset=utf-8");
    assert_eq!(challenge.body, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
    slack.headers[0].1 = format!("v0={}", "0".repeat(64));
    assert_eq!(slack.check(), Err(Refusal::SignatureInvalid));

    let ordinary = br#"{"type":"event_callback","challenge":"abc"}"#.to_vec();
    assert_eq!(Signed::new(provider("slack").unwrap(), ordinary).check().unwrap().challenge, None);
    let hostile = br#"{"type":"url_verification","challenge":"<script> alert(1)\n"}"#.to_vec();
    assert_eq!(Signed::new(provider("slack").unwrap(), hostile).check().unwrap().challenge, None);
}

/// The MAC was computed with Python's `hmac` over the plain token.
#[test]
fn zooms_challenge_is_answered_with_a_mac() {
    let zoom = provider("zoom").unwrap();
    let secret = || zoom.parse_secret("fake-secret-for-tests").unwrap();
    let body = br#"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#;
    let message = sign::Unsigned { method: "POST", url: "", id: "", timestamp_ms: NOW, body };
    let headers = sign::sign_as(zoom, &secret(), &message).unwrap().headers;
    let request = Request { method: "POST", url: "", headers: &headers, body };
    let challenge = verify(zoom, &[key(1), secret()], &request, NOW, None).unwrap().challenge.unwrap();
    assert_eq!(challenge.content_type, "application/json");
    assert_eq!(
        challenge.body,
        r#"{"encryptedToken":"eca0f4710ba0879dfa6be7d0d82b4ea107d5087eb332c848cd46db5a955b8f40","plainToken":"qgg8vlvZRS6UYooatFL8Aw"}"#
    );
}

#[test]
fn an_unsigned_url_check_echoes_harmless_tokens_alone() {
    let ask = |id: &str, method: &str, query: &str| {
        url_check(provider(id).unwrap(), method, query).map(|challenge| challenge.body)
    };
    let meta = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=x";
    assert_eq!(ask("meta", "GET", meta).as_deref(), Some("1158201444"));
    assert_eq!(ask("dropbox", "GET", "challenge=a-b_C").as_deref(), Some("a-b_C"));
    assert_eq!(ask("trello", "HEAD", "").as_deref(), Some(""));
    assert_eq!(ask("meta", "POST", meta), None);
    assert_eq!(ask("trello", "GET", ""), None);
    assert_eq!(ask("stripe", "GET", meta), None);
    for query in ["", "challenge=", "challenge", "challenge=%3Cb%3E", "challenge=<b>", "xchallenge=a"] {
        assert_eq!(ask("dropbox", "GET", query), None, "{query}");
    }
    assert_eq!(ask("dropbox", "GET", &format!("challenge={}", "a".repeat(257))), None);
}

#[test]
fn every_signature_header_and_every_credential_is_redacted() {
    for provider in providers() {
        assert!(provider.signature_headers().all(is_sensitive_header), "{}", provider.id);
    }
    for name in
        ["Authorization", "cookie", "X-Gitlab-Token", "X-Api-Key", "x-hook-secret", "Proxy-Authorization"]
    {
        assert!(is_sensitive_header(name), "{name}");
    }
    for name in ["content-type", "user-agent", "x-github-delivery", "webhook-id", "x-shopify-topic", "cf-ray"]
    {
        assert!(!is_sensitive_header(name), "{name}");
    }
}

#[test]
fn discords_ping_is_answered() {
    let discord = provider("discord").unwrap();
    let answer = |body: &str| Signed::new(discord, body.as_bytes().to_vec()).check().unwrap().challenge;
    let pong = answer(r#"{"id":"1","application_id":"2","type":1}"#).unwrap();
    assert_eq!(
        (pong.status, pong.content_type, pong.body.as_str()),
        (200, "application/json", r#"{"type":1}"#)
    );
    assert_eq!(answer(r#"{"id":"1","type":2}"#), None);
}

/// An event webhook's number for its question is another, and an interaction's is its number for events.
/// <https://docs.discord.com/developers/events/webhook-events>
#[test]
fn discords_events_are_told_from_its_pings() {
    let discord = provider("discord").unwrap();
    let check = |body: &str| Signed::new(discord, body.as_bytes().to_vec()).check().unwrap();
    let ping = check(r#"{"version":1,"application_id":"2","type":0}"#).challenge.unwrap();
    assert_eq!((ping.status, ping.body.as_str()), (204, ""));
    let event = check(
        r#"{"version":1,"application_id":"2","type":1,"event":{"type":"ENTITLEMENT_CREATE","timestamp":"2024-10-18T18:41:21.109604","data":{}}}"#,
    );
    assert_eq!((event.challenge, event.event_type.as_deref()), (None, Some("ENTITLEMENT_CREATE")));
}

/// What `GET /v1/providers` says is made of the row: these lines change with the table and with nothing else.
#[test]
fn a_row_describes_itself() {
    let describe = |id: &str| provider(id).unwrap().describe();
    for (id, line) in [
        ("github", "HMAC-SHA256 of {body}, hex, in X-Hub-Signature-256 (sha256=…)"),
        ("stripe", "HMAC-SHA256 of {timestamp}.{body}, hex, in Stripe-Signature (t=…,v1=…)"),
        (
            "slack",
            "HMAC-SHA256 of v0:{timestamp}:{body}, hex, in X-Slack-Signature (v0=…); the time in X-Slack-Request-Timestamp",
        ),
        (
            "svix",
            "HMAC-SHA256 of {svix-id}.{timestamp}.{body}, base64, in Svix-Signature (v1,…); the time in Svix-Timestamp",
        ),
        (
            "linear",
            "HMAC-SHA256 of {body}, hex, in Linear-Signature; the time in webhookTimestamp of the body",
        ),
        (
            "discord",
            "Ed25519 of {timestamp}{body}, hex, in X-Signature-Ed25519; the time in X-Signature-Timestamp",
        ),
        (
            "gitlab",
            "HMAC-SHA256 of {webhook-id}.{timestamp}.{body}, base64, in Webhook-Signature (v1,…); the time in Webhook-Timestamp; or The secret itself, in X-Gitlab-Token",
        ),
        (
            "twilio",
            "HMAC-SHA1 of {url}{sorted form, or bodySHA256 in the URL}, base64, in X-Twilio-Signature",
        ),
        (
            "contentful",
            "HMAC-SHA256 of {method}\\n{path}\\n{headers of x-contentful-signed-headers}\\n{body}, hex, in X-Contentful-Signature; the time in X-Contentful-Timestamp",
        ),
        (
            "mailgun",
            "HMAC-SHA256 of {timestamp}{token}, hex, in signature.signature of the body; the time in signature.timestamp of the body",
        ),
        ("braintree", "HMAC-SHA1 of {bt_payload}, hex, in bt_signature of the form (key|…)"),
        (
            "livekit",
            "JWT signed with HS256, its claim sha256 (base64 SHA-256 of {body}), in Authorization (…)",
        ),
    ] {
        assert_eq!(describe(id), line);
    }
    for provider in providers() {
        assert!(!provider.describe().is_empty(), "{}", provider.id);
        // Who signs less than the whole body says so.
        let signs_less =
            ["adyen", "atlassian-connect", "generic", "gitlab", "mailgun"].contains(&provider.id);
        assert_eq!(provider.caveat.is_some(), signs_less || provider.fetches_key(), "{}", provider.id);
    }
}

#[test]
fn a_handshake_is_told_in_words() {
    let words = |id: &str| provider(id).unwrap().describe_handshake();
    assert_eq!(words("github"), None);
    assert_eq!(
        words("asana").unwrap(),
        "A POST with X-Hook-Secret brings the secret; it is answered with the same header."
    );
    assert_eq!(
        words("discord").unwrap(),
        r#"A signed event with type = 1 and no event.type is answered with {"type":1}. A signed event with type = 0 is answered with status 204."#
    );
    assert_eq!(
        words("zoom").unwrap(),
        "A signed event with event = endpoint.url_validation is answered with its payload.plainToken and that one's MAC."
    );
    assert_eq!(words("meta").unwrap(), "A GET with hub.challenge is answered with its value.");
    let handing: Vec<_> =
        providers().iter().filter(|row| row.credential() == Credential::Handshake).collect();
    assert!(handing.iter().map(|row| row.id).eq(["asana", "notion"]));
}
