//! Which headers cross the broker, in either direction.
//!
//! Towards the upstream: nothing that authenticates the caller to us, names where he comes from, belongs to one hop
//! (RFC 9110 §7.6.1), or could make the upstream see another path or method than the one that was allowed. Back: a list of
//! names that steer nothing, neither our own origin nor a proxy or cache in front of it.

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Scrubber;
use crate::exchange::{Exchange, is_identity};

#[cfg(test)]
mod tests;

/// Header fields in order, names in lower case. Holds credentials once they are injected: `Debug` shows names alone.
#[derive(Clone, Default, ZeroizeOnDrop)]
pub struct Headers(Vec<Header>);

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Header {
    name: String,
    value: String,
}

impl Headers {
    /// Adds a field after those there are.
    pub fn append(&mut self, name: &str, value: &str) {
        self.0.push(Header { name: name.to_ascii_lowercase(), value: value.to_owned() });
    }

    /// Replaces every field of that name by one.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|header| !header.name.eq_ignore_ascii_case(name));
        self.append(name, value);
    }

    /// Likewise, and replaces what is the same name to a server that takes `_` for `-`, as CGI and its heirs do.
    pub(crate) fn set_alone(&mut self, name: &str, value: &str) {
        let dashed = |name: &str| name.to_ascii_lowercase().replace('_', "-");
        let one = dashed(name);
        self.0.retain(|header| dashed(&header.name) != one);
        self.append(name, value);
    }

    /// The first field of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_str())
    }

    /// All fields: lower-case name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|header| (header.name.as_str(), header.value.as_str()))
    }
}

impl core::fmt::Debug for Headers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|header| &header.name)).finish()
    }
}

/// The caller's request headers that go on to the upstream.
///
/// `accept-encoding` is forced to `identity`, so that the answer can be scrubbed. `range` is dropped: by asking for an
/// echoed secret in pieces a caller would get it past the scrubber.
pub fn forward_request<'a>(incoming: impl IntoIterator<Item = (&'a str, &'a str)> + Clone) -> Headers {
    let mut out = filter(incoming, is_forwarded_request);
    out.set("accept-encoding", "identity");
    out
}

/// The upstream's response headers that go back to the caller, their values scrubbed.
///
/// Those of a list alone. `accept-ranges` is not on it, since `range` is not passed on. References are absolute: a relative one
/// would lead to us.
pub fn forward_response<'a>(
    exchange: &Exchange<'_>,
    incoming: impl IntoIterator<Item = (&'a str, &'a str)> + Clone,
    scrubber: &Scrubber,
) -> Headers {
    let mut out = Headers::default();
    for (name, value) in filter(incoming, is_forwarded_response).iter() {
        let value = match name {
            "location" => exchange.location(value),
            "link" => Some(exchange.links(value)),
            _ => Some(value.to_owned()),
        };
        // Last: a parser of URLs takes tabs out of a reference, and what they cut up is whole again.
        if let Some(value) = value {
            out.append(name, &scrubber.scrub_str(&value));
        }
    }
    out
}

/// Whether a body with this `Content-Encoding` can be scrubbed as a Worker reads it: its runtime has undone gzip and br. Any
/// other must not be passed on.
#[must_use]
pub fn is_scrubbable(content_encoding: Option<&str>) -> bool {
    content_encoding.is_none_or(|coding| is_identity(coding) || matches!(coding.trim(), "gzip" | "br"))
}

fn filter<'a>(
    incoming: impl IntoIterator<Item = (&'a str, &'a str)> + Clone,
    passes: fn(&str) -> bool,
) -> Headers {
    let named_by_connection: Vec<String> = incoming
        .clone()
        .into_iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
        .flat_map(|(_, value)| value.split(','))
        .map(|option| option.trim().to_ascii_lowercase())
        .collect();
    let mut out = Headers::default();
    for (name, value) in incoming {
        let name = name.to_ascii_lowercase();
        let sendable = is_token(&name) && !value.bytes().any(|b| matches!(b, b'\r' | b'\n' | b'\0'));
        if sendable && passes(&name) && !named_by_connection.contains(&name) {
            out.append(&name, value);
        }
    }
    out
}

/// Whether a request header of this lower-case name goes on to the upstream.
pub(crate) fn is_forwarded_request(name: &str) -> bool {
    // CGI and its heirs read `x_real_ip` and `x-real-ip` as one name: the first would pass a list of the second.
    !name.contains('_')
        && !is_hop_by_hop(name)
        && !is_internal(name)
        && !is_proxy_claim(name)
        && !["sec-", "access-control-request-"].iter().any(|prefix| name.starts_with(prefix))
        && !matches!(
            name,
            // The caller's credentials.
            "authorization" | "cookie" | "cookie2" | "x-csrf-token"
            // The message's frame, and what makes it unreadable or partial.
            | "host" | "content-length" | "expect" | "max-forwards" | "accept-encoding" | "range" | "if-range"
            // Where the caller comes from; the rest of it is a proxy's to claim.
            | "origin" | "referer"
        )
}

/// The lower-case form of a name under which a tenant may have a value of its own sent, such as a credential: a token of up to
/// 128 characters that is not the message's frame, one hop's, a proxy's or a browser's to say. `authorization` is.
#[must_use]
pub fn settable(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let describes_message = name.starts_with("content-")
        || matches!(name.as_str(), "accept" | "date" | "expect" | "idempotency-key");
    let allowed = name == "authorization" || (is_forwarded_request(&name) && !describes_message);
    (name.len() <= 128 && is_token(&name) && allowed).then_some(name)
}

/// The lower-case form of a name under which a credential may be sent: [`settable`], also with `_` for `-`. An API's own name may
/// be `api_key`, and it is the tenant's who chose that API: no client of ours gets it past a list.
pub(crate) fn credential_name(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    settable(&name.replace('_', "-")).map(|_| name)
}

/// Whether a request header of this lower-case name is for a proxy to write and a client to leave alone: where a request
/// comes from, who is signed in, another method, path or host than the one asked for.
#[must_use]
pub fn is_proxy_claim(name: &str) -> bool {
    ["x-forwarded-", "x-auth-request-", "x-remote-", "cf-"].iter().any(|prefix| name.starts_with(prefix))
        || matches!(
            name,
            "forwarded"
                | "via"
                | "x-real-ip"
                | "x-client-ip"
                | "true-client-ip"
                | "client-ip"
                | "x-cluster-client-ip"
                | "cdn-loop"
                | "early-data"
                | "remote-user"
                | "x-user"
                | "x-http-method-override"
                | "x-http-method"
                | "x-method-override"
                | "x-method"
                | "http-method"
                | "http-method-override"
                | "method-override"
                | "x-original-url"
                | "x-rewrite-url"
                | "x-original-host"
                | "x-host"
        )
}

/// Whether a response header of this lower-case name goes back to the caller: those of this list alone.
///
/// A list of names that do not pass would never be complete: every proxy, cache and browser has headers of its own that
/// steer it (`X-Accel-Redirect` makes nginx read a file). These describe a resource, its paging and its limits, or name a
/// request to the upstream's support.
fn is_forwarded_response(name: &str) -> bool {
    is_limit(name)
        || matches!(
            name,
            // RFC 9110, 8288, 5789, 6266, 7240, 9745, 8594.
            "content-type" | "content-language" | "content-disposition" | "date" | "etag" | "last-modified"
            | "location" | "link" | "retry-after" | "vary" | "allow" | "accept-patch" | "accept-post"
            | "preference-applied" | "deprecation" | "sunset"
            // Paging.
            | "x-total-count" | "x-total" | "x-total-pages" | "x-page" | "x-per-page" | "x-next-page" | "x-prev-page"
            // A provider's own.
            | "request-id" | "x-correlation-id" | "x-github-request-id" | "x-amzn-requestid" | "x-amz-request-id"
            | "x-ms-request-id" | "x-slack-req-id" | "api-version" | "x-api-version" | "x-github-media-type"
            | "x-oauth-scopes" | "x-accepted-oauth-scopes" | "x-accepted-github-permissions" | "x-poll-interval"
            | "x-shopify-shop-api-call-limit" | "x-shopify-api-version" | "stripe-version" | "stripe-should-retry"
            | "idempotency-key" | "idempotent-replayed" | "original-request" | "sforce-limit-info"
            | "openai-processing-ms" | "openai-version"
        )
}

/// Limits, which APIs spell in many ways: of words that leave no room for a secret.
fn is_limit(name: &str) -> bool {
    const WORDS: [&str; 44] = [
        "api",
        "app",
        "available",
        "bucket",
        "burst",
        "capacity",
        "core",
        "cost",
        "count",
        "current",
        "daily",
        "day",
        "global",
        "hour",
        "input",
        "interval",
        "ip",
        "limit",
        "max",
        "minute",
        "month",
        "monthly",
        "org",
        "output",
        "per",
        "period",
        "project",
        "quota",
        "rate",
        "remaining",
        "request",
        "requests",
        "reset",
        "resource",
        "retry",
        "after",
        "scope",
        "search",
        "second",
        "time",
        "token",
        "tokens",
        "used",
        "window",
    ];
    ["x-ratelimit-", "x-rate-limit-", "ratelimit-", "anthropic-ratelimit-"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .is_some_and(|rest| rest.split('-').all(|word| WORDS.contains(&word)))
}

fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-authentication-info"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

fn is_internal(name: &str) -> bool {
    name.starts_with("sluicegate-") || name.starts_with("cf-")
}

/// A field name: RFC 9110 §5.6.2 `token`.
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
