//! Schemes whose key is fetched: what is fetched, how often, and what follows when it is not there.

use super::*;
use protocol::call::ProviderKey;
use serde_json::json;

/// The moment of the vectors, which are crate `webhooks`' own.
const AT_MS: u64 = 1_760_000_000_000;
const CERTIFICATE: &[u8] = include_bytes!("../../../../../crates/webhooks/src/tests/certificates/good.pem");
const WEBHOOK_ID: &str = "8PT597110X687430L";
const CERTIFICATE_URL: &str = "https://api.paypal.com/v1/notifications/certs/CERT-1";
const PAYPAL_BODY: &[u8] = br#"{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED"}"#;
const PAYPAL: &str = "Hv3lq8AIPg+K5j8hJTVTrmOE9DwHSjvH9uvmbD32tDDq3Y+RQQIUFUXHAnRs7psPiPNbMfQ+ZV5wmnsIEcMuwGsKdB0IlNUm7NNNGnTrdhAGPPQHgs9J0O++gzkqlAV4DMFmmox1u3bOIsDZVmxTUqAvMMASEBJTNWJoLneww1vLjhjJaBQXuaS0dxziB/9yR2LTXhOmC1kLrGdFNOaOL4alY64NlGvyCZrSEl/HumHMOKo6jDPBTYNsZB4wAnPc/cgabY6FD7Rb30WtRQdMyGFG+64qV5fWs9W8O5GiAN+S3W1vfL4EGlKH0UdreFwaW/RXnwYEhqF6L8FRQRTK/w==";
const TOPIC: &str = "arn:aws:sns:us-west-2:123456789012:MyTopic";
const SUBSCRIBE_URL: &str = "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-west-2:123456789012:MyTopic&Token=2336412f37";
const CONFIRMATION: &str = "VmpXOqEBDaVK+iscOU0Z0gDwoQCXCjLP6zVUAhebIKmqA/74wVTBchgChY4DYPK8RYUU0INFdD7Ub6GgUoxdZyVU6HG/m8Bb7cpj7trCO6AmhDfvS3tHrRZfLowSZZbfRh5RuOiRNQUJ6pCHV7JFX4xMe0EfM6TGKPHf8xLcXetPslWfK3jb70ThMvFsCNtwvS4eFvEtijzdm+qMkmQmGvDZniqpOUgtMKWGMFjiBfOtyaasQaGusBFZYGvgI4ekCH2fmwE3jicbp8vDyLetMRtrDbXu8lxPMyO8+H/1LvP8CvbSPEn44GOa0NkPUJKqK22Ml6Wk+r0e6R/xSPo/Qg==";
const KEY_ID: &str = "6c5516e1-92dc-479e-a8ff-5a51992e0001";
const PLAID_BODY: &[u8] =
    br#"{"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE","item_id":"x"}"#;
const PLAID: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjZjNTUxNmUxLTkyZGMtNDc5ZS1hOGZmLTVhNTE5OTJlMDAwMSIsInR5cCI6IkpXVCJ9.eyJpYXQiOjE3NjAwMDAwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiI5ZDc0N2Q5ODllOGJhYzRhMTc1NjE0NWQ4ZTA2OGVjZTI4OTQxOGIyMjlkZjFmYjcyMDFmYWIwY2ViYTJlZDhmIn0.KNqd5KySB4p8766OovhqI1jivW-WVTMDZnp9Zzy_YT2q_x9_NCtLXlum3fGXp-K7X6qihgpw75wm-dI2OBxnkg";

/// A web that notes what is fetched.
struct FakeWeb {
    urls: RefCell<Vec<String>>,
    status: Cell<Option<u16>>,
}

impl FakeWeb {
    fn new(status: Option<u16>) -> Self {
        Self { urls: RefCell::default(), status: Cell::new(status) }
    }
}

impl Fetch for FakeWeb {
    async fn get(&self, url: &str) -> Result<Got, Unreachable> {
        self.urls.borrow_mut().push(url.to_owned());
        let status = self.status.get().ok_or(Unreachable)?;
        Ok(Got { status, body: CERTIFICATE.to_vec() })
    }
}

fn at_their_time() -> Fixture {
    let mut fixture = fixture();
    fixture.admitted.now_ms = AT_MS;
    fixture
}

fn of(provider: &'static str, secret: &'static str) -> FakePlane {
    FakePlane::new(move |call, _| match call.operation {
        Operation::SourceKeys { .. } => reply(200, source_keys(provider, secret, 1)),
        _ => stored(),
    })
}

fn ask(fixture: &Fixture, plane: &FakePlane, web: &FakeWeb, incoming: &Incoming) -> Result<u16, Code> {
    let context = Context { state: &fixture.state, plane, admitted: &fixture.admitted };
    let answer = block_on(handle(&context, web, &fixture.source, incoming));
    answer.map(|answer| answer.status).map_err(|refused| refused.code)
}

fn incoming(headers: &[(&str, &str)], body: &[u8]) -> Incoming {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Incoming { path_and_query: "/in/x".into(), headers: headers.collect(), body: body.to_vec() }
}

fn paypal(url: &str) -> Incoming {
    let headers = [
        ("paypal-transmission-id", "69cd13f0-d67a-11e5-baa3-778b53f4ae55"),
        ("paypal-transmission-time", "2025-10-09T08:53:20Z"),
        ("paypal-cert-url", url),
        ("paypal-auth-algo", "SHA256withRSA"),
        ("paypal-transmission-sig", PAYPAL),
    ];
    incoming(&headers, PAYPAL_BODY)
}

fn events(plane: &FakePlane) -> usize {
    plane.operations().iter().filter(|operation| matches!(operation, Operation::StoreInbound(_))).count()
}

#[test]
fn n4_a_certificate_is_fetched_once_an_hour_and_the_event_stored() {
    let (mut fixture, plane, web) = (at_their_time(), of("paypal", WEBHOOK_ID), FakeWeb::new(Some(200)));
    for (after_ms, fetches) in [(0, 1), (1, 1), (3_599_999, 1), (3_600_000, 2)] {
        fixture.admitted.now_ms = AT_MS + after_ms;
        assert_eq!(ask(&fixture, &plane, &web, &paypal(CERTIFICATE_URL)), Ok(200));
        assert_eq!(*web.urls.borrow(), vec![CERTIFICATE_URL; fetches], "after {after_ms} ms");
    }
    assert_eq!(events(&plane), 4);
}

#[test]
fn n4_nothing_is_fetched_from_elsewhere() {
    let (fixture, plane, web) = (at_their_time(), of("paypal", WEBHOOK_ID), FakeWeb::new(Some(200)));
    for url in ["http://127.0.0.1/", "https://api.paypal.com@evil.test/v1/notifications/certs/CERT-1", ""] {
        assert_eq!(ask(&fixture, &plane, &web, &paypal(url)), Err(Code::SignatureInvalid), "{url}");
    }
    let mut stale = paypal(CERTIFICATE_URL);
    stale.headers.retain(|(name, _)| name != "paypal-transmission-sig");
    assert_eq!(ask(&fixture, &plane, &web, &stale), Err(Code::SignatureInvalid), "nothing to verify");
    assert!(web.urls.borrow().is_empty());
}

/// N4, M6: made-up addresses cost the provider little, take no memory, and keep no event out whose key is known.
#[test]
fn n4_a_flood_of_made_up_certificates_makes_few_fetches() {
    let (mut fixture, plane, web) = (at_their_time(), of("paypal", WEBHOOK_ID), FakeWeb::new(Some(200)));
    assert_eq!(ask(&fixture, &plane, &web, &paypal(CERTIFICATE_URL)), Ok(200));
    web.status.set(Some(404));
    for n in 0..3_000 {
        fixture.admitted.now_ms = AT_MS + n * 20;
        let refused = ask(&fixture, &plane, &web, &paypal(&format!("{CERTIFICATE_URL}{n}")));
        assert!(matches!(refused, Err(Code::SignatureInvalid | Code::Unavailable)), "{refused:?}");
    }
    assert!((30..=61).contains(&web.urls.borrow().len()), "{}", web.urls.borrow().len());
    assert_eq!(ask(&fixture, &plane, &web, &paypal(CERTIFICATE_URL)), Ok(200));
    assert!(plane.operations().len() < 40, "nor does it ask for secrets each time");
}

#[test]
fn a_certificate_that_is_not_there_is_a_refusal_and_an_outage_is_none() {
    for (status, expected) in [
        (Some(404), Code::SignatureInvalid),
        (Some(301), Code::SignatureInvalid),
        (Some(204), Code::SignatureInvalid),
        (Some(500), Code::Unavailable),
        (Some(503), Code::Unavailable),
        (Some(429), Code::Unavailable),
        (None, Code::Unavailable),
    ] {
        let (fixture, plane, web) = (at_their_time(), of("paypal", WEBHOOK_ID), FakeWeb::new(status));
        assert_eq!(ask(&fixture, &plane, &web, &paypal(CERTIFICATE_URL)), Err(expected), "{status:?}");
        web.status.set(Some(200));
        assert_eq!(ask(&fixture, &plane, &web, &paypal(CERTIFICATE_URL)), Ok(200), "it is asked for again");
    }
}

#[test]
fn a_subscription_to_a_topic_is_confirmed_and_not_stored() {
    let body = json!({
        "Type": "SubscriptionConfirmation", "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "Token": "2336412f37", "TopicArn": TOPIC, "Message": "You have chosen to subscribe",
        "SubscribeURL": SUBSCRIBE_URL, "Timestamp": "2025-10-09T08:53:20.123Z",
        "SignatureVersion": "2", "Signature": CONFIRMATION,
        "SigningCertURL": "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem",
    });
    let request = incoming(&[], body.to_string().as_bytes());
    let (fixture, plane, web) = (at_their_time(), of("aws-sns", TOPIC), FakeWeb::new(Some(200)));
    assert_eq!(ask(&fixture, &plane, &web, &request), Ok(200));
    assert_eq!(web.urls.borrow().last().unwrap(), SUBSCRIBE_URL);
    assert_eq!(events(&plane), 0);
    for status in [None, Some(403), Some(500), Some(302)] {
        web.status.set(status);
        assert_eq!(ask(&fixture, &plane, &web, &request), Err(Code::Unavailable), "{status:?}");
    }
    // Of somebody else's topic nothing is even fetched.
    let (other, web) = (of("aws-sns", "arn:aws:sns:us-west-2:123456789012:Mine"), FakeWeb::new(Some(200)));
    assert_eq!(ask(&at_their_time(), &other, &web, &request), Err(Code::SignatureInvalid));
    assert!(web.urls.borrow().is_empty());
}

fn jwk() -> serde_json::Value {
    json!({
        "alg": "ES256", "crv": "P-256", "kid": KEY_ID, "kty": "EC", "use": "sig", "expired_at": null,
        "x": "lu9Wo4_dgufGXqyDsNLgKAjFJB0hFjfXA-6hdex9PRk", "y": "o8O7F5KXyfscnqr9cGrvsP4ZkzeVgTTbCjW3YI3yJGw",
    })
}

/// A source whose credential stays in the control plane, which knows one key.
fn plaid() -> FakePlane {
    FakePlane::new(|call, _| match &call.operation {
        Operation::SourceKeys { .. } => {
            reply(200, SourceKeys { secrets: Vec::new(), ..source_keys("plaid", "", 1) })
        }
        Operation::GetProviderKey { key_id, .. } if key_id == KEY_ID => {
            reply(200, ProviderKey { jwk: jwk() })
        }
        Operation::GetProviderKey { .. } => refusal(Code::NotFound),
        _ => stored(),
    })
}

fn keys_asked(plane: &FakePlane) -> usize {
    let operations = plane.operations();
    operations.iter().filter(|operation| matches!(operation, Operation::GetProviderKey { .. })).count()
}

#[test]
fn n4_a_public_key_is_asked_of_the_control_plane_once_for_each_source() {
    let (mut fixture, plane, web) = (at_their_time(), plaid(), FakeWeb::new(None));
    let event = incoming(&[("plaid-verification", PLAID)], PLAID_BODY);
    for _ in 0..3 {
        assert_eq!(ask(&fixture, &plane, &web, &event), Ok(200));
    }
    assert_eq!((keys_asked(&plane), events(&plane)), (1, 3));
    // What one account's credential vouches for is nothing to another's.
    fixture.source = SourceId::parse(&source_id()).unwrap();
    assert_eq!(ask(&fixture, &plane, &web, &event), Ok(200));
    assert_eq!(keys_asked(&plane), 2);
    let changed = incoming(&[("plaid-verification", PLAID)], b"{}");
    assert_eq!(ask(&fixture, &plane, &web, &changed), Err(Code::SignatureInvalid));
}

#[test]
fn n4_a_flood_of_made_up_key_ids_is_bounded() {
    let (mut fixture, plane, web) = (at_their_time(), plaid(), FakeWeb::new(None));
    let event = incoming(&[("plaid-verification", PLAID)], PLAID_BODY);
    assert_eq!(ask(&fixture, &plane, &web, &event), Ok(200));
    let (_, rest) = PLAID.split_once('.').unwrap();
    for n in 0..3_000 {
        fixture.admitted.now_ms = AT_MS + n * 20;
        let header = json!({ "alg": "ES256", "kid": format!("kid-{n}") }).to_string();
        let token = [base64url(header.as_bytes()).as_str(), rest].join(".");
        let refused = ask(&fixture, &plane, &web, &incoming(&[("plaid-verification", &token)], PLAID_BODY));
        assert!(matches!(refused, Err(Code::SignatureInvalid | Code::Unavailable)), "{refused:?}");
    }
    assert!((30..=61).contains(&keys_asked(&plane)), "{}", keys_asked(&plane));
    assert_eq!(ask(&fixture, &plane, &web, &event), Ok(200), "what is known goes on");
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_declared_scheme_verifies_like_a_row() {
    let scheme = protocol::api::GenericScheme {
        algorithm: Some("hmac-sha512".into()),
        header: "X-Acme-Signature".into(),
        prefix: Some("v1=".into()),
        encoding: Some("base64".into()),
        key_encoding: None,
        signed: Some("{timestamp}.{body}".into()),
        timestamp_header: Some("X-Acme-Time".into()),
        timestamp_unit: None,
        tolerance_seconds: Some(60),
        id_header: None,
        type_header: None,
    };
    let declared = scheme.clone();
    let plane = FakePlane::new(move |call, _| match call.operation {
        Operation::SourceKeys { .. } => {
            reply(200, SourceKeys { scheme: Some(declared.clone()), ..source_keys("generic", SECRET, 1) })
        }
        _ => stored(),
    });
    let rules = webhooks::generic::Scheme::new(&webhooks::generic::Declaration {
        algorithm: Some("hmac-sha512"),
        header: "x-acme-signature",
        prefix: Some("v1="),
        encoding: Some("base64"),
        signed: Some("{timestamp}.{body}"),
        timestamp_header: Some("x-acme-time"),
        tolerance_seconds: Some(60),
        ..Default::default()
    });
    let headers = rules.unwrap().with_row(|row| {
        let unsigned = Unsigned { id: "", timestamp_ms: NOW_MS, method: "POST", url: "", body: BODY };
        let signed = sign_as(row, &row.parse_secret(SECRET).unwrap(), &unsigned).unwrap();
        let headers = signed.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
        headers.collect::<Vec<_>>()
    });
    let genuine = Incoming { path_and_query: "/in/x".into(), headers, body: BODY.to_vec() };
    assert_eq!(run(&fixture(), &plane, &genuine).unwrap().status, 200);
    let mut late = fixture();
    late.admitted.now_ms += 61_000;
    assert_eq!(run(&late, &plane, &genuine), Err(Code::TimestampOutOfTolerance));
    let changed = Incoming { body: b"{}".to_vec(), ..genuine };
    assert_eq!(run(&fixture(), &plane, &changed), Err(Code::SignatureInvalid));
}
