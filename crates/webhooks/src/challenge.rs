//! Providers that ask whether a URL is its owner's before they send events to it.
//!
//! A signed question is answered only after its signature was verified. An unsigned one is answered to anybody: the
//! answer is the asker's own token, as plain text and of harmless characters, and proves nothing but that we listen.

use serde_json::json;

use crate::encoding::encode_hex;
use crate::provider::{ChallengeAnswer, ChallengeRule, Path, Row, UrlCheck};
use crate::secret::SecretKey;
use crate::verify::is_type;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// The answer to a provider's question, to be sent with `X-Content-Type-Options: nosniff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The answer's status: 200, or 204 where there is no body.
    pub status: u16,
    /// The answer's `Content-Type`.
    pub content_type: &'static str,
    /// The answer's body.
    pub body: String,
}

/// Answers the unsigned GET or HEAD by which some providers check a URL when it is registered; `query` is the part
/// after `?`, still percent-encoded. `None` where it isn't such a request.
#[must_use]
pub fn url_check(row: &Row<'_>, method: &str, query: &str) -> Option<Challenge> {
    match row.url_check? {
        UrlCheck::Head if method == "HEAD" => Some(ok(TEXT, String::new())),
        UrlCheck::EchoQuery(name) if method == "GET" => {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let (_, token) = pairs.find(|(key, _)| *key == name)?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            let harmless = (1..=256).contains(&token.len()) && token.bytes().all(plain);
            harmless.then(|| ok(TEXT, token.to_owned()))
        }
        UrlCheck::Head | UrlCheck::EchoQuery(_) => None,
    }
}

fn ok(content_type: &'static str, body: String) -> Challenge {
    Challenge { status: 200, content_type, body }
}

/// Where in the body a challenge, what speaks against it, and its token stand.
pub(crate) fn paths(rule: &ChallengeRule) -> impl Iterator<Item = Path<'static>> {
    let token = match rule.answer {
        ChallengeAnswer::Echo(path) | ChallengeAnswer::JsonMac { path, .. } => Some(path),
        ChallengeAnswer::Fixed(_) | ChallengeAnswer::Nothing => None,
    };
    [Some(rule.kind.0), rule.unless, token].into_iter().flatten()
}

/// The answer to a verified request, if it is a question; `value` looks into its body.
pub(crate) fn answer<'v>(
    row: &Row<'_>,
    secret: &SecretKey,
    value: impl Fn(Path<'static>) -> Option<&'v str>,
) -> Option<Challenge> {
    let asks = |rule: &&ChallengeRule| {
        let (path, kind) = rule.kind;
        value(path) == Some(kind) && rule.unless.is_none_or(|path| value(path).is_none())
    };
    let rule = row.challenge.iter().find(asks)?;
    let asked = |path| value(path).filter(|token| is_type(token));
    Some(match rule.answer {
        ChallengeAnswer::Echo(path) => ok(TEXT, asked(path)?.to_owned()),
        ChallengeAnswer::JsonMac { path, token, mac } => {
            let asked = asked(path)?;
            let tag = row.parts().first()?.algorithm.tag(secret, &[asked.as_bytes()])?;
            ok(JSON, json!({ token: asked, mac: encode_hex(&tag) }).to_string())
        }
        ChallengeAnswer::Fixed(json) => ok(JSON, json.to_owned()),
        ChallengeAnswer::Nothing => Challenge { status: 204, content_type: JSON, body: String::new() },
    })
}
