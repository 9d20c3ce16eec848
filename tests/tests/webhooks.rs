//! Inbound webhooks: verified over the raw bytes, stored, then acknowledged (claims B6, N4). The official SDKs' side of it
//! is in `tests/interop`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::{Gate, Org, Request, Response, now_ms, random};
use serde_json::{Value, json};
use std::thread;
use webhooks::sign::{Unsigned, sign_as};

/// What the receiver's path takes, whatever the source.
const ALL: &str = "POST, GET, HEAD";
const PROVIDERS: [&str; 5] = ["stripe", "github", "standard-webhooks", "slack", "shopify"];

/// A source and what its provider knows.
struct Source<'a> {
    org: &'a Org,
    provider: &'static webhooks::Provider,
    id: String,
    secret: String,
}

impl<'a> Source<'a> {
    fn new(org: &'a Org, provider: &str) -> Self {
        let provider = webhooks::provider(provider).unwrap();
        let secret = secret_for(provider.id);
        Self { org, provider, id: org.source(provider.id, &secret), secret }
    }

    /// The request with `body`, signed at `timestamp_ms`.
    fn signed(&self, body: &[u8], timestamp_ms: u64) -> Vec<(&'static str, String)> {
        self.signed_with(&self.secret, body, timestamp_ms)
    }

    fn signed_with(&self, secret: &str, body: &[u8], timestamp_ms: u64) -> Vec<(&'static str, String)> {
        let id = format!(
            "msg_{}",
            e2e::random::bytes(8).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        );
        let unsigned = Unsigned { method: "POST", url: "", id: &id, timestamp_ms, body };
        sign_as(self.provider, &self.provider.parse_secret(secret).unwrap(), &unsigned).unwrap().headers
    }

    fn request(&self, headers: &[(&'static str, String)], body: &[u8]) -> Request {
        let request = self.org.anonymous().request("POST", &format!("/in/{}", self.id));
        request.headers(headers.iter().map(|(name, value)| (*name, value))).body(body)
    }

    fn deliver(&self, body: &[u8]) -> Response {
        self.request(&self.signed(body, now_ms()), body).send()
    }

    fn events(&self) -> Vec<Value> {
        self.org.list(&format!("/v1/inbound-events?source_id={}", self.id))
    }
}

/// Made here, so that no scanner finds a secret in the repository.
fn secret_for(provider: &str) -> String {
    match provider {
        "standard-webhooks" => format!("whsec_{}", STANDARD.encode(random::bytes(24))),
        "stripe" => random::text("whsec_"),
        _ => random::text("shared-"),
    }
}

/// B6: what a provider signed is stored byte for byte, shown, and its credentials are not.
#[test]
fn b6_a_signed_event_is_stored_byte_for_byte() {
    let org = Org::sign_up(Gate::shared());
    for provider in PROVIDERS {
        println!("{provider}");
        let source = Source::new(&org, provider);
        let bodies: [&[u8]; 5] = [
            br#"{"id":"evt_1","type":"thing.made","event_id":"Ev1"}"#,
            b"{\"id\" : \"evt_2\",\r\n \"type\":\"thing.made\"}\n\n",
            b"\xff\xfe\x00not text at all\x80",
            "{\"text\":\"\u{fffd}\u{1f600}\"}".as_bytes(),
            b"",
        ];
        for body in bodies {
            let headers = source.signed(body, now_ms());
            let request = source.request(&headers, body);
            let request = request
                .header("authorization", "Bearer their-token")
                .header("cookie", "their=cookie")
                .header("x-gitlab-token", "their-token")
                .header("sluicegate-call", "{}")
                .header("x-plain", "plain");
            let received = request.send().ok(200);
            assert_eq!(received["duplicate"], false);

            let id = received["id"].as_str().unwrap();
            let shown = org.get(&format!("/v1/inbound-events/{id}")).send();
            let event = shown.ok(200);
            assert_eq!(STANDARD.decode(event["body_base64"].as_str().unwrap()).unwrap(), body);
            assert_eq!((&event["provider"], &event["size"]), (&json!(provider), &json!(body.len())));
            let stored = event["headers"].to_string();
            assert!(stored.contains(r#"["x-plain","plain"]"#), "{stored}");
            assert!(!stored.contains("their") && !stored.contains("sluicegate-"), "{stored}");
            let signatures =
                headers.iter().filter(|(name, _)| name.contains("signature") || name.contains("hmac"));
            for (name, value) in signatures {
                assert!(!shown.text().contains(value), "{name} in {stored}");
                assert!(stored.contains(&format!(r#"["{name}","[redacted]"]"#)), "{stored}");
            }
        }
        assert_eq!(source.events().len(), bodies.len());
        assert_eq!(
            org.get(&format!("/v1/sources/{}", source.id)).send().ok(200)["event_count"],
            bodies.len()
        );
    }
}

/// N4: nothing is accepted that differs from what was signed, was signed by another, or says it twice.
#[test]
fn n4_a_tampered_request_is_refused_and_nothing_is_stored() {
    let gate = Gate::shared();
    let (org, other) = (Org::sign_up(gate), Org::sign_up(gate));
    for provider in PROVIDERS {
        println!("{provider}");
        let source = Source::new(&org, provider);
        let theirs = Source::new(&other, provider);
        let body = br#"{"id":"evt_1","type":"thing.made","amount":1000}"#;
        let now = now_ms();
        let good = source.signed(body, now);
        let refused = |headers: &[(&'static str, String)], body: &[u8], what: &str| {
            println!("  {what}");
            source.request(headers, body).send().problem("signature_invalid");
        };

        for bit in [0, 7, 100, body.len() * 8 - 1] {
            let mut changed = body.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            refused(&good, &changed, "one bit of the body changed");
        }
        refused(&good, &body[..body.len() - 1], "the body cut");
        refused(&good, &[&body[..], b"\n"].concat(), "a line feed more");
        refused(&good, b"", "no body");
        refused(&source.signed_with(&secret_for(provider), body, now), body, "another secret");
        refused(&theirs.signed(body, now), body, "another org's secret");
        refused(&[], body, "no header");

        for (at, (name, value)) in good.iter().enumerate() {
            let signed = covered(provider, name);
            let change = |value: String| {
                let mut headers = good.clone();
                headers[at].1 = value;
                headers
            };
            if signed {
                let mut without = good.clone();
                without.remove(at);
                refused(&without, body, &format!("without {name}"));
                let mut doubled = good.clone();
                doubled.push((name, value.clone()));
                refused(&doubled, body, &format!("{name} doubled"));
                refused(&change(String::new()), body, &format!("{name} empty"));
                refused(&change(flip_last(value)), body, &format!("{name} changed"));
                refused(&change(format!("{value}0")), body, &format!("{name} longer"));
                let upper = value.to_uppercase();
                if upper != *value {
                    refused(&change(upper), body, &format!("{name} in upper case"));
                }
            }
        }
        assert_eq!(source.events(), Vec::<Value>::new());
        assert_eq!(theirs.events(), Vec::<Value>::new());
        // It was the request, not the source.
        source.request(&good, body).send().ok(200);
    }
}

/// Whether a provider's header takes part in the signature. Shopify's and GitHub's ids do not.
fn covered(provider: &str, header: &str) -> bool {
    provider == "standard-webhooks"
        || header.contains("signature")
        || header.contains("hmac")
        || header.contains("timestamp")
}

/// N4: a rightly signed request from another time is refused, and told apart from a forged one.
#[test]
fn n4_an_old_or_future_timestamp_is_refused() {
    let org = Org::sign_up(Gate::shared());
    for provider in ["stripe", "standard-webhooks", "slack"] {
        let source = Source::new(&org, provider);
        let tolerance_ms = source.provider.tolerance_seconds().unwrap() * 1000;
        let at =
            |timestamp_ms: u64, body: &[u8]| source.request(&source.signed(body, timestamp_ms), body).send();
        let now = now_ms();
        at(now - tolerance_ms - 1000, b"{}").problem("timestamp_out_of_tolerance");
        at(now - 86_400_000, b"{}").problem("timestamp_out_of_tolerance");
        at(0, b"{}").problem("timestamp_out_of_tolerance");
        // Well over it: the server's clock goes on while the request is on its way.
        at(now + tolerance_ms + 120_000, b"{}").problem("timestamp_out_of_tolerance");
        let other = source.signed_with(&secret_for(provider), b"{}", now - 86_400_000);
        source.request(&other, b"{}").send().problem("signature_invalid");
        assert_eq!(source.events().len(), 0);
        at(now - tolerance_ms + 60_000, b"{\"a\":1}").ok(200);
        at(now + tolerance_ms - 5000, b"{\"a\":2}").ok(200);
        assert_eq!(source.events().len(), 2);
    }
}

#[test]
fn a_source_that_is_unknown_forged_or_deleted_is_not_found() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let source = Source::new(&org, "stripe");
    let headers = source.signed(b"{}", now_ms());
    let to = |id: &str| {
        let request = org.anonymous().request("POST", &format!("/in/{id}"));
        request.headers(headers.clone()).body("{}").send()
    };
    let issued = tokens::mint_source_id(&gate.mac(), &org.id).unwrap();
    let no_org = tokens::mint_source_id(&gate.mac(), "org_a0000000000000000000000000").unwrap();
    let mut forged = source.id.clone().into_bytes();
    for at in [5, 20, 35, 45, source.id.len() - 1] {
        forged[at] = if forged[at] == b'2' { b'3' } else { b'2' };
        to(&String::from_utf8(forged.clone()).unwrap()).problem("not_found");
    }
    for id in [
        issued.as_str(),
        &no_org,
        "",
        "src_",
        "../v1/me",
        &source.id[4..],
        &format!("{}/", source.id),
        &source.id.to_uppercase(),
    ] {
        to(id).problem("not_found");
    }
    // GET and HEAD are how some providers check a URL; this one does not.
    for (method, allow) in
        [("GET", "POST"), ("HEAD", "POST"), ("PUT", ALL), ("DELETE", ALL), ("OPTIONS", ALL)]
    {
        let response = org.anonymous().request(method, &format!("/in/{}", source.id)).send();
        assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{response}");
    }
    to(&source.id).ok(200);
    let before = source.events();
    org.delete(&format!("/v1/sources/{}", source.id)).send().ok(204);
    // The edge still has its secret in memory; the org's object says no all the same.
    source.request(&source.signed(b"{\"n\":2}", now_ms()), b"{\"n\":2}").send().problem("not_found");
    assert_eq!(source.events(), before, "its events stay");
    org.get(&format!("/v1/sources/{}", source.id)).send().problem("not_found");
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let most = e2e::config().limits.webhook_body_bytes as usize;
    let org = Org::sign_up(Gate::shared());
    let source = Source::new(&org, "github");
    let largest = vec![b'x'; most];
    source.deliver(&largest).ok(200);
    let over = vec![b'x'; most + 1];
    let headers = source.signed(&over, now_ms());
    source.request(&headers, &over).send().problem("payload_too_large");
    let chunks = over.chunks(10_000).map(<[u8]>::to_vec);
    source.request(&headers, b"").chunks(chunks).send().problem("payload_too_large");
    assert_eq!(source.events().len(), 1);
    let in_chunks = largest[1..].chunks(10_000).map(<[u8]>::to_vec);
    source.request(&source.signed(&largest[1..], now_ms()), b"").chunks(in_chunks).send().ok(200);
}

/// B6: a provider's repetition is stored once, also when both arrive at the same time.
#[test]
fn b6_a_repeated_event_is_stored_once() {
    let org = Org::sign_up(Gate::shared());
    for provider in PROVIDERS {
        println!("{provider}");
        let source = Source::new(&org, provider);
        let body = br#"{"id":"evt_1","type":"thing.made","event_id":"Ev1"}"#;
        let headers = source.signed(body, now_ms());
        let first = source.request(&headers, body).send().ok(200);
        for _ in 0..2 {
            let again = source.request(&headers, body).send().ok(200);
            assert_eq!(again, json!({ "id": first["id"], "duplicate": true }));
        }
        let events = source.events();
        assert_eq!((events.len(), &events[0]["duplicate_count"]), (1, &json!(2)));

        let body = br#"{"id":"evt_2","type":"thing.made","event_id":"Ev2"}"#;
        let headers = source.signed(body, now_ms());
        let received: Vec<Value> = thread::scope(|scope| {
            let send = || source.request(&headers, body).send().ok(200);
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(send)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(received.iter().filter(|one| one["duplicate"] == false).count(), 1, "{received:?}");
        assert!(received.iter().all(|one| one["id"] == received[0]["id"]), "{received:?}");
        assert_eq!(source.events()[0]["duplicate_count"], 5);
    }
}

/// N4: an id that the signature does not cover is no way to have a captured request stored again.
#[test]
fn n4_a_replay_under_a_new_id_is_a_duplicate() {
    let org = Org::sign_up(Gate::shared());
    for (provider, header) in [("github", "x-github-delivery"), ("shopify", "x-shopify-event-id")] {
        let source = Source::new(&org, provider);
        let body = br#"{"action":"opened"}"#;
        let mut headers = source.signed(body, now_ms());
        headers.retain(|(name, _)| *name != header);
        for id in ["one", "two"] {
            source.request(&headers, body).header(header, id).send().ok(200);
        }
        assert_eq!(source.events().len(), 1, "{provider}");
    }
}

/// Slack asks whether the URL is its owner's; the answer is the challenge, and no event.
#[test]
fn a_signed_challenge_is_answered_and_not_stored() {
    let org = Org::sign_up(Gate::shared());
    let source = Source::new(&org, "slack");
    let body = br#"{"type":"url_verification","challenge":"3eZbrw1aB10bTZ","token":"t"}"#;
    let answer = source.deliver(body);
    assert_eq!((answer.status, answer.text().as_str()), (200, "3eZbrw1aB10bTZ"));
    let forged = source.signed_with(&secret_for("slack"), body, now_ms());
    source.request(&forged, body).send().problem("signature_invalid");
    assert_eq!(source.events().len(), 0);
}

/// Whoever knows a source's secret can sign anything: it is stored as it came, and read no deeper than is safe.
#[test]
fn a_signed_body_of_any_shape_is_stored() {
    let org = Org::sign_up(Gate::shared());
    let bodies = [
        "[".repeat(500_000),
        format!("{}{}", "[".repeat(200_000), "]".repeat(200_000)),
        format!("{}1{}", "{\"id\":".repeat(100_000), "}".repeat(100_000)),
        format!("{{\"id\":\"{}\",\"type\":\"{}\"}}", "i".repeat(100_000), "t".repeat(100_000)),
        format!("{{\"id\":{}}}", "9".repeat(100_000)),
        format!("{{{}}}", (0..20_000).map(|n| format!("\"id\":\"{n}\"")).collect::<Vec<_>>().join(",")),
        "{\"id\":\"\\u0000\\ud800\",\"type\":null,\"event\":{\"type\":[]}}".to_owned(),
        "\u{feff}{\"id\":\"evt\"} trailing".to_owned(),
        "\0".repeat(1000),
    ];
    for provider in ["stripe", "slack", "standard-webhooks"] {
        let source = Source::new(&org, provider);
        for body in &bodies {
            let received = source.deliver(body.as_bytes()).ok(200);
            let event =
                org.get(&format!("/v1/inbound-events/{}", received["id"].as_str().unwrap())).send().ok(200);
            assert_eq!(STANDARD.decode(event["body_base64"].as_str().unwrap()).unwrap(), body.as_bytes());
        }
        assert_eq!(source.events().len(), bodies.len());
    }
    assert!(!Gate::shared().log().contains("instance replaced"));
}

#[test]
fn a_source_takes_a_provider_and_a_secret_of_its_form() {
    let org = Org::sign_up(Gate::shared());
    let create = |provider: &str, secret: &str| {
        org.post("/v1/sources", &json!({ "provider": provider, "name": "x", "secret": secret })).send()
    };
    let secret = random::text("shared-");
    assert!(create("nobody", &secret).problem("validation_failed").contains("provider"));
    for (provider, secret) in [
        ("stripe", ""),
        ("stripe", " padded "),
        ("stripe", "https://x.example"),
        ("standard-webhooks", "whsec_%%%"),
    ] {
        let response = create(provider, secret);
        assert!(response.problem("validation_failed").contains("secret"), "{response}");
        assert!(secret.is_empty() || !response.text().contains(secret.trim()), "{response}");
    }
    let made = create("github", &secret);
    let source = made.ok(201);
    assert_eq!(source["url"], format!("{}/in/{}", org.origin(), source["id"].as_str().unwrap()));
    assert!(!made.text().contains(&secret) && !org.get("/v1/sources").send().text().contains(&secret));
}

fn flip_last(value: &str) -> String {
    let mut bytes = value.as_bytes().to_vec();
    // Base64 may end in `=`, and its last character in bits that do not count.
    let at = bytes.len().saturating_sub(4);
    bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
    String::from_utf8(bytes).unwrap()
}
