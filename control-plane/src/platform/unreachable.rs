//! Asks a host once more that gave no answer, for the reason alone: the I/O around [`crate::unreachable`].

use super::socket::{Lost, Socket, Tls, within};
use crate::unreachable::{Said, Second, Unreachable};
use std::time::Duration;
use url::Url;

/// Somebody waits for it.
const LIMIT: Duration = Duration::from_secs(2);

/// Why `url` gave no answer, when `text` was `fetch`'s error. Connects once more, for 2 s at most; no secret goes there.
pub(crate) async fn why_unreachable(url: &str, text: &str) -> Unreachable {
    let Some(said) = Said::read(text) else { return Unreachable::Unknown };
    match within(LIMIT, second(url, said)).await.flatten() {
        Some(second) => Unreachable::of(said, second),
        None => Unreachable::Unknown,
    }
}

async fn second(url: &str, said: Said) -> Option<Second> {
    let url = Url::parse(url).ok()?;
    let (host, port) = (url.host_str()?, url.port_or_known_default()?);
    let mut socket = Socket::open(host, port, Tls::Later).ok()?;
    if socket.connected().await.is_err() {
        return Some(Second::Nothing);
    }
    if said == Said::Lost || url.scheme() != "https" {
        return Some(Second::Open);
    }
    Some(if socket.why_not_secure(host).await == Lost::BadCertificate {
        Second::Hello
    } else {
        Second::NoHello
    })
}
