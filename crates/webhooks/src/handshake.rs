//! Providers that make the signing secret themselves and send it, unsigned, to the URL when the webhook is registered.
//!
//! Whoever comes first is believed, so it counts only for a source that waits for it, and once: the caller's to see to.
//! What is taken is bounded and of plain characters, because it is stored and, for some, said back in a header.

use secrecy::SecretString;

use crate::headers::Headers;
use crate::json;
use crate::provider::{Handshake, Row};
use crate::verify::Request;

/// Lengths of a secret, in bytes: 128 bits in hex are 32 characters, in base64 22.
const MIN_SECRET: usize = 16;
const MAX_SECRET: usize = 256;
/// Longest body of a handshake, in bytes.
const MAX_BODY: usize = 2048;

/// A provider's secret on its way in.
#[derive(Debug)]
pub struct SentSecret {
    /// 16 to 256 plain characters. The source's secret from now on.
    pub secret: SecretString,
    /// The header of the answer in which the provider wants the secret back, lower case.
    pub echo: Option<&'static str>,
}

/// The secret that a POST brings. `None` where the provider has no handshake or this is none: what carries a signature
/// is an event.
#[must_use]
pub fn sent_secret<H: Headers + ?Sized>(row: &Row<'_>, request: &Request<'_, H>) -> Option<SentSecret> {
    let handshake = row.handshake()?;
    let signed = row.signature_headers().any(|name| request.headers.get(name).is_some());
    if signed || request.body.len() > MAX_BODY {
        return None;
    }
    let (secret, echo) = match handshake {
        Handshake::EchoHeader(name) => (request.headers.get(name)?.into_owned(), Some(name)),
        Handshake::BodyField(name) => (json::pick_once(request.body, &[&[name]]).pop()??, None),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let usable = (MIN_SECRET..=MAX_SECRET).contains(&secret.len())
        && secret.bytes().all(plain)
        && row.parse_secret(&secret).is_ok();
    usable.then(|| SentSecret { secret: secret.into(), echo })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;
    use secrecy::ExposeSecret;

    const SECRET: &str = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81";

    fn ask(id: &str, headers: &[(&str, &str)], body: &str) -> Option<(String, Option<&'static str>)> {
        let request = Request { method: "POST", url: "", headers, body: body.as_bytes() };
        let found = sent_secret(provider(id).unwrap(), &request)?;
        Some((found.secret.expose_secret().to_owned(), found.echo))
    }

    #[test]
    fn each_handshake_is_known_by_its_form() {
        let expected = (SECRET.to_owned(), Some("x-hook-secret"));
        assert_eq!(ask("asana", &[("X-Hook-Secret", SECRET)], "{}"), Some(expected));
        let body = format!(r#"{{"verification_token":"secret_{SECRET}"}}"#);
        assert_eq!(ask("notion", &[], &body), Some((format!("secret_{SECRET}"), None)));
    }

    #[test]
    fn another_providers_handshake_is_none() {
        let body = format!(r#"{{"verification_token":"{SECRET}"}}"#);
        assert_eq!(ask("asana", &[], &body), None);
        assert_eq!(ask("notion", &[("x-hook-secret", SECRET)], "{}"), None);
        assert_eq!(ask("github", &[("x-hook-secret", SECRET)], &body), None);
    }

    #[test]
    fn a_secret_that_is_doubled_short_long_or_not_plain_is_none() {
        let long = "a".repeat(257);
        for secret in
            ["", "short", long.as_str(), "0123456789abcdef0123456789abcde\n", "0123456789abcdef<script>"]
        {
            assert_eq!(ask("asana", &[("x-hook-secret", secret)], "{}"), None, "{secret}");
            let body = serde_json::json!({ "verification_token": secret }).to_string();
            assert_eq!(ask("notion", &[], &body), None, "{secret}");
        }
        assert_eq!(ask("asana", &[("x-hook-secret", SECRET), ("x-hook-secret", SECRET)], "{}"), None);
        let nested = format!(r#"{{"verification_token":{{"verification_token":"{SECRET}"}}}}"#);
        assert_eq!(ask("notion", &[], &nested), None);
    }

    #[test]
    fn what_is_signed_or_oversized_is_no_handshake() {
        assert_eq!(ask("asana", &[("x-hook-secret", SECRET), ("x-hook-signature", "00")], "{}"), None);
        let body = format!(r#"{{"verification_token":"{SECRET}","x":"{}"}}"#, "y".repeat(MAX_BODY));
        assert_eq!(ask("notion", &[], &body), None);
    }
}
