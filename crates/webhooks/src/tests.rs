//! Table-driven tests: every provider × every way to spoil a request.

use crate::sign::{Unsigned, sign_as};
use crate::*;

const NOW: u64 = 1_760_000_000_000;

#[test]
fn every_provider_accepts_its_own() {
    for provider in providers() {
        let key = SecretKey::from_bytes(vec![7; 32]);
        let body = format!(r#"{{"id":"evt_1","type":"a.b","event_id":"Ev1","webhookTimestamp":{NOW}}}"#);
        let message = Unsigned {
            method: "POST",
            url: "https://edge.example/in/src_1",
            id: "msg_1",
            timestamp_ms: NOW,
            body: body.as_bytes(),
        };
        let headers = sign_as(provider, &key, &message);
        let request =
            Request { method: "POST", url: message.url, headers: headers.as_slice(), body: body.as_bytes() };
        let verified = verify(provider, &[key], &request, NOW, None);
        assert!(verified.is_ok(), "{}: {verified:?}", provider.id);
    }
}
