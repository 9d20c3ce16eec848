//! Loops, as an attacker makes them: an endpoint that leads to a source of the same gate feeds itself. By the gate's own names
//! it is refused; through a forwarder it ends after one round (RFC 8586).

use e2e::{Call, Client, Gate, Org, Response, Upstream, now_ms, random, text, until};
use serde_json::json;
use webhooks::sign::{Unsigned, sign_as};

/// What a forwarder writes itself.
const HOP: [&str; 4] = ["host", "connection", "content-length", "transfer-encoding"];

/// A server that sends each request on to the gate with all of its headers.
fn forwarder(client: Client) -> Upstream {
    Upstream::start(move |call| {
        let body = call.body.rest()?;
        let response = forward(&client, call, body);
        call.answer(&format!("{} Forwarded", response.status), &[], &response.body)
    })
}

fn forward(client: &Client, call: &Call, body: Vec<u8>) -> Response {
    let is_kept = |name: &str| !HOP.iter().any(|hop| hop.eq_ignore_ascii_case(name));
    let headers = call.head.headers.iter().filter(|(name, _)| is_kept(name));
    client
        .request(call.method(), call.target())
        .headers(headers.map(|(name, value)| (name, value)))
        .body(body)
        .send()
}

/// A source that takes what an endpoint signs, and that endpoint: the ids of both, and the secret that they share.
fn pair(org: &Org, forwarder: &Upstream) -> [String; 3] {
    let first = org.source("github", &random::text("shared-"));
    let body = json!({ "url": forwarder.url(), "sources": [first] });
    let endpoint = org.post("/v1/endpoints", &body).send().ok(201);
    let (id, secret) = (text(&endpoint, "/id"), text(&endpoint, "/secret"));
    let source = org.source("standard-webhooks", &secret);
    let change = json!({ "url": format!("{}/in/{source}", forwarder.url()), "sources": [source] });
    org.patch(&format!("/v1/endpoints/{id}"), &change).send().ok(200);
    [source, id, secret]
}

#[test]
fn an_endpoint_that_leads_back_through_a_forwarder_ends_after_one_round() {
    let org = Org::sign_up(Gate::shared());
    let forwarder = forwarder(org.anonymous());
    let [source, endpoint, secret] = pair(&org, &forwarder);
    let provider = webhooks::provider("standard-webhooks").unwrap();
    let unsigned =
        Unsigned { method: "POST", url: "", id: "msg_1", timestamp_ms: now_ms(), body: b"{\"n\":1}" };
    let signed = sign_as(provider, &provider.parse_secret(&secret).unwrap(), &unsigned).unwrap();
    let path = format!("/in/{source}");
    org.anonymous().request("POST", &path).headers(signed.headers).body(unsigned.body).send().ok(200);

    let attempts = format!("/v1/endpoints/{endpoint}/attempts");
    let ended = until("the round to end", || {
        org.list(&attempts).into_iter().find(|attempt| !attempt["http_status"].is_null())
    });
    assert_eq!(ended["http_status"], 508, "{ended}");
    assert_eq!(org.list(&format!("/v1/inbound-events?source_id={source}")).len(), 1);

    // Without its mark the very same request would have been taken: nothing else stopped it.
    let head = forwarder.heads().remove(0);
    let unmarked = head.headers.iter().filter(|(name, _)| {
        !name.eq_ignore_ascii_case("cdn-loop") && !HOP.iter().any(|hop| hop.eq_ignore_ascii_case(name))
    });
    let again = org.anonymous().request("POST", &path).headers(unmarked.map(|(name, value)| (name, value)));
    again.body(unsigned.body).send().ok(200);
}

/// `LINK_ORIGIN` of the gate under test is one of its names.
#[test]
fn nothing_leads_to_the_gate_by_its_own_name() {
    let org = Org::sign_up(Gate::shared());
    for url in ["https://gate.example/in/x", "https://GATE.example:443/", "http://gate.example/v1"] {
        let said = org.post("/v1/endpoints", &json!({ "url": url })).send().problem("validation_failed");
        assert!(said.contains("this service itself"), "{url}: {said}");
        let auth = json!({ "type": "bearer", "token": random::text("token-") });
        let body = json!({ "connector": "http", "name": "e2e", "base_url": url, "auth": auth });
        org.post("/v1/connections", &body).send().problem("base_url_refused");
    }
}
