//! Tests of the whole crate over the whole table.

mod properties;
mod spoiled;
mod units;
mod vectors;

use crate::provider::Field;
use crate::sign::{Unsigned, sign_as};
use crate::*;

const NOW: u64 = 1_760_000_000_000;
const URL: &str = "https://edge.example/in/src_1";

fn key(fill: u8) -> SecretKey {
    SecretKey::from_bytes(vec![fill; 32])
}

/// A body that has a time and an id for those who keep them there.
fn body() -> Vec<u8> {
    format!(r#"{{"id":"evt_1","type":"a.b","webhookTimestamp":{NOW}}}"#).into_bytes()
}

/// A request correctly signed under `key(7)`, to be spoiled.
#[derive(Clone)]
struct Signed {
    provider: &'static Provider,
    method: &'static str,
    url: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Signed {
    fn new(provider: &'static Provider, body: Vec<u8>) -> Self {
        let message = Unsigned { method: "POST", url: URL, id: "msg_1", timestamp_ms: NOW, body: &body };
        let headers = sign_as(provider, &key(7), &message);
        Signed { provider, method: "POST", url: URL, headers, body }
    }

    fn check(&self) -> Result<Verified, Refusal> {
        self.check_with(&[key(7)], NOW)
    }

    fn check_with(&self, secrets: &[SecretKey], now_ms: u64) -> Result<Verified, Refusal> {
        let request =
            Request { method: self.method, url: self.url, headers: &self.headers, body: &self.body };
        verify(self.provider, secrets, &request, now_ms, None)
    }

    /// The places among the headers that the signature stands in or covers.
    fn covered_headers(&self) -> Vec<usize> {
        let time = match self.provider.timestamp.map(|rule| rule.source) {
            Some(Field::Header(name)) => name,
            _ => "",
        };
        let covered = |name| {
            name == time
                || self.provider.signature.headers.contains(&name)
                || self.provider.signs_header(name)
        };
        (0..self.headers.len()).filter(|&at| covered(self.headers[at].0)).collect()
    }
}
