//! Where a connection's requests may go: a base URL, the paths below it, and the redirects that stay on its host.
//!
//! Invariant 4: a credential goes to its own host and no other. A host *name* that resolves to a private address is
//! the socket's business (the runtime's outbound network), after name resolution.

use url::{Host, Url};

use crate::{Error, address};

#[cfg(test)]
mod tests;

const MAX_BASE: usize = 2048;
const MAX_PATH: usize = 8 * 1024;
/// How many times over a path may be percent-encoded.
const MAX_ENCODINGS: usize = 3;

/// Names that only ever mean something inside a network (RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN's `.internal`,
/// and the suffixes that ICANN keeps out of the root because networks use them).
const LOCAL_SUFFIXES: [&str; 13] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "invalid",
    "test",
    "onion",
    "arpa",
];

/// Which hosts may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetPolicy {
    /// Public hosts, over `https` alone.
    Public,
    /// Development: also `http`, and this machine and its private network. Link-local and metadata addresses stay
    /// refused.
    Development,
}

/// The URL a connection is bound to: scheme, host, port and a path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// No query, no fragment, no user; the path without its trailing slash unless it is the root.
    url: Url,
}

impl BaseUrl {
    /// Checks and normalises `base_url`.
    ///
    /// # Errors
    /// [`Error::BaseUrlInvalid`], [`Error::BaseUrlInsecure`] or [`Error::HostNotAllowed`].
    pub fn parse(base_url: &str, policy: TargetPolicy) -> Result<Self, Error> {
        // The URL standard drops tabs and newlines, trims spaces and turns backslashes into slashes. What a reader
        // sees must be what is called.
        if base_url.len() > MAX_BASE || base_url.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\') {
            return Err(Error::BaseUrlInvalid);
        }
        let (_, rest) = base_url.split_once("://").ok_or(Error::BaseUrlInvalid)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.contains('@') || rest.contains(['?', '#']) {
            return Err(Error::BaseUrlInvalid);
        }
        let path = rest.get(authority.len()..).unwrap_or_default();
        let mut url = Url::parse(base_url).map_err(|_| Error::BaseUrlInvalid)?;
        match (url.scheme(), policy) {
            ("https", _) | ("http", TargetPolicy::Development) => {}
            ("http", TargetPolicy::Public) => return Err(Error::BaseUrlInsecure),
            _ => return Err(Error::BaseUrlInvalid),
        }
        if !is_allowed_host(url.host().ok_or(Error::BaseUrlInvalid)?, policy) {
            return Err(Error::HostNotAllowed);
        }
        check_path(path).map_err(|_| Error::BaseUrlInvalid)?;
        // Nothing encoded, by the caller or by the parser: one spelling a path.
        if url.path().contains('%') {
            return Err(Error::BaseUrlInvalid);
        }
        let trimmed = url.path().trim_end_matches('/').to_owned();
        url.set_path(&trimmed);
        Ok(Self { url })
    }

    /// The base URL in its normal form, to store and to show.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// The hosts a credential of this connection may be sent to: this URL's own `host` or `host:port`, in lower case,
    /// the port left out where it is the scheme's default.
    #[must_use]
    pub fn allowed_hosts(&self) -> Vec<String> {
        vec![self.url.authority().to_owned()]
    }

    /// The URL of `path_and_query` below this base: `join("users?page=2")` of `https://api.example.com/v1` is
    /// `https://api.example.com/v1/users?page=2`. A leading slash makes no difference.
    ///
    /// An encoded slash (`%2f`) is kept, since APIs have ids with slashes in them, and counts as a slash when the path
    /// is searched for dot segments.
    ///
    /// # Errors
    /// [`Error::PathInvalid`] or [`Error::PathEscapesBase`].
    pub fn join(&self, path_and_query: &str) -> Result<Url, Error> {
        if path_and_query.len() > MAX_PATH
            || !path_and_query.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
        {
            return Err(Error::PathInvalid);
        }
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path_and_query, None),
        };
        let relative = path.strip_prefix('/').unwrap_or(path);
        if relative.starts_with('/') {
            return Err(Error::PathEscapesBase);
        }
        let first = relative.split('/').next().unwrap_or_default();
        if first.ends_with(':') {
            return Err(Error::PathInvalid);
        }
        check_path(relative)?;

        let base = self.url.path().trim_end_matches('/');
        let mut url = self.url.clone();
        if !path.is_empty() {
            url.set_path(&format!("{base}/{relative}"));
        }
        url.set_query(query);
        // Shown once more on the result, whatever the parser makes of a path.
        let below =
            url.path().strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        (self.is_same_origin(&url) && below).then_some(url).ok_or(Error::PathEscapesBase)
    }

    /// Where a redirect from `current` leads: the URL to follow with the credential.
    ///
    /// `location` is the upstream's `Location` header. The same scheme, host and port only; the path is the upstream's
    /// to choose.
    ///
    /// # Errors
    /// [`Error::RedirectNotAllowed`].
    pub fn follow(&self, current: &Url, location: &str) -> Result<Url, Error> {
        if location.len() > MAX_PATH || location.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\') {
            return Err(Error::RedirectNotAllowed);
        }
        let mut next = current.join(location).map_err(|_| Error::RedirectNotAllowed)?;
        next.set_fragment(None);
        self.is_same_origin(&next).then_some(next).ok_or(Error::RedirectNotAllowed)
    }

    fn is_same_origin(&self, other: &Url) -> bool {
        other.scheme() == self.url.scheme()
            && other.host() == self.url.host()
            && other.port_or_known_default() == self.url.port_or_known_default()
            && other.username().is_empty()
            && other.password().is_none()
    }
}

/// Whether a connection that is no HTTP, to a mail or database server, may be made to `host` and `port`.
///
/// `host` in its normal form alone, since it is handed to the socket as it is: what was checked must be what is called.
///
/// # Errors
/// [`Error::HostInvalid`], [`Error::HostNotPublic`] or [`Error::PortNotAllowed`].
pub fn check_host(host: &str, port: u16, policy: TargetPolicy) -> Result<(), Error> {
    if matches!(port, 0 | 25) {
        return Err(Error::PortNotAllowed);
    }
    let parsed = Host::parse(host).map_err(|_| Error::HostInvalid)?;
    let parsed_as_ref = match &parsed {
        Host::Domain(name) => Host::Domain(name.as_str()),
        Host::Ipv4(ip) => Host::Ipv4(*ip),
        Host::Ipv6(ip) => Host::Ipv6(*ip),
    };
    if !is_allowed_host(parsed_as_ref, policy) {
        return Err(Error::HostNotPublic);
    }
    (parsed.to_string() == host).then_some(()).ok_or(Error::HostInvalid)
}

fn is_allowed_host(host: Host<&str>, policy: TargetPolicy) -> bool {
    let is_allowed_ip =
        |ip| address::is_public(ip) || (policy == TargetPolicy::Development && address::is_local(ip));
    match host {
        Host::Ipv4(ip) => is_allowed_ip(ip.into()),
        Host::Ipv6(ip) => is_allowed_ip(ip.into()),
        Host::Domain(name) => {
            // `metadata.google.internal.` with its dot is the same name to a resolver, but not to a list of names.
            let is_name = name.len() <= 253
                && name.split('.').all(|label| (1..=63).contains(&label.len()))
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            let is_metadata =
                name == "metadata" || name.starts_with("metadata.") || name.starts_with("instance-data.");
            let last = name.rsplit('.').next().unwrap_or_default();
            let is_local = !name.contains('.') || LOCAL_SUFFIXES.contains(&last);
            is_name && !(is_metadata && is_local) && (policy == TargetPolicy::Development || !is_local)
        }
    }
}

/// Whether a path climbs nowhere, however often a server decodes it: no dot segments, no backslashes, no control
/// characters in any spelling.
#[must_use]
pub fn is_plain_path(path: &str) -> bool {
    check_path(path).is_ok()
}

/// Refuses every spelling of a dot segment that some server may see as one, also where it is percent-encoded twice.
fn check_path(path: &str) -> Result<(), Error> {
    let mut seen = path.as_bytes().to_vec();
    for _ in 0..=MAX_ENCODINGS {
        if seen.iter().any(u8::is_ascii_control) {
            return Err(Error::PathInvalid);
        }
        // `..;x=1` is `..` to servers with path parameters, and a backslash is a slash to others.
        let mut names = seen.split(|b| *b == b'/').map(|segment| segment.split(|b| *b == b';').next());
        if seen.contains(&b'\\') || names.any(|name| matches!(name, Some(b"." | b".."))) {
            return Err(Error::PathEscapesBase);
        }
        let decoded = percent_decode(&seen);
        if decoded == seen {
            return Ok(());
        }
        seen = decoded;
    }
    Err(Error::PathInvalid)
}

/// One round of percent-decoding.
fn percent_decode(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    while let Some((&byte, rest)) = bytes.split_first() {
        let hex = rest.first_chunk::<2>().filter(|_| byte == b'%').and_then(|[high, low]| {
            let digit = |b: u8| char::from(b).to_digit(16);
            u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
        });
        out.push(hex.unwrap_or(byte));
        bytes = if hex.is_some() { rest.get(2..).unwrap_or_default() } else { rest };
    }
    out
}
