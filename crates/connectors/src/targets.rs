//! Where this deployment may send anything: hosts by policy, and never its own origins. A request that led back here would
//! be answered here, cause the next one, and so on.
//!
//! Another name for the same place, or a redirector, is not seen here: the edge knows those by the request's `CDN-Loop`.

use url::{Host, Url};

use crate::{BaseUrl, Error, TargetPolicy};

/// The default ports. A proxy that ends TLS turns a request to one into a request to the other.
const DEFAULT_PORTS: [u16; 2] = [80, 443];

/// What may be sent to.
#[derive(Clone, Debug)]
pub struct Targets {
    policy: TargetPolicy,
    own: Vec<Origin>,
}

impl Targets {
    /// By this policy, without this deployment's `origins` (`https://gate.example.com`). `None`: one of them is no origin.
    pub fn new<'a>(policy: TargetPolicy, origins: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let own = origins.into_iter().map(Origin::parse).collect::<Option<_>>()?;
        Some(Self { policy, own })
    }

    /// The policy alone, for what is no request: a URL to compare, a socket.
    #[must_use]
    pub const fn policy(&self) -> TargetPolicy {
        self.policy
    }

    /// A base URL that may be sent to.
    ///
    /// # Errors
    /// As [`BaseUrl::parse`], and [`Error::OwnOrigin`].
    pub fn base_url(&self, base_url: &str) -> Result<BaseUrl, Error> {
        let base_url = BaseUrl::parse(base_url, self.policy)?;
        let asked = Origin::of(base_url.url()).ok_or(Error::BaseUrlInvalid)?;
        if self.own.iter().any(|own| own.is_at(&asked)) { Err(Error::OwnOrigin) } else { Ok(base_url) }
    }
}

impl From<TargetPolicy> for Targets {
    fn from(policy: TargetPolicy) -> Self {
        Self { policy, own: Vec::new() }
    }
}

/// A host and a port; any scheme.
#[derive(Clone, Debug)]
struct Origin {
    host: Host,
    port: u16,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        Self::of(&Url::parse(text.trim()).ok()?)
    }

    fn of(url: &Url) -> Option<Self> {
        Some(Self { host: url.host()?.to_owned(), port: url.port_or_known_default()? })
    }

    fn is_at(&self, other: &Self) -> bool {
        let is_host =
            self.host == other.host || (is_this_machine(&self.host) && is_this_machine(&other.host));
        let is_port = self.port == other.port
            || (DEFAULT_PORTS.contains(&self.port) && DEFAULT_PORTS.contains(&other.port));
        is_host && is_port
    }
}

/// Whether it is this machine, by any of its names (RFC 6761, section 6.3; RFC 1122, section 3.2.1.3).
fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name.rsplit('.').next().is_some_and(|last| last == "localhost"),
        Host::Ipv4(ip) => ip.is_loopback() || ip.is_unspecified(),
        Host::Ipv6(ip) => ip.is_loopback() || ip.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(policy: TargetPolicy, url: &str) -> Option<Error> {
        let own = ["https://gate.example.com", " https://gate.example.org:8443", "http://127.0.0.1:8787"];
        Targets::new(policy, own).unwrap().base_url(url).err()
    }

    #[test]
    fn an_own_origin_is_refused_in_every_spelling() {
        for url in [
            "https://gate.example.com",
            "https://GATE.example.com:443/in/src_x",
            "http://gate.example.com/in/src_x",
            "https://gate.example.com:80",
            "https://gate.example.org:8443/v1",
            "http://gate.example.org:8443/v1",
            "http://127.0.0.1:8787/in/src_x",
            "https://127.0.0.1:8787",
            "http://localhost:8787",
            "http://LOCALHOST:8787",
            "http://a.localhost:8787",
            "http://127.1:8787",
            "http://2130706433:8787",
            "http://0x7f000001:8787",
            "http://127.8.9.1:8787",
            "http://[::1]:8787",
            "http://[0:0:0:0:0:0:0:1]:8787",
        ] {
            assert_eq!(refusal(TargetPolicy::Development, url), Some(Error::OwnOrigin), "{url}");
        }
        // Other spellings are refused, if not as ours.
        for url in ["http://[::ffff:127.0.0.1]:8787", "http://[::]:8787", "https://gate.example.com."] {
            assert!(refusal(TargetPolicy::Development, url).is_some(), "{url}");
        }
    }

    #[test]
    fn what_is_beside_it_is_not_it() {
        for url in [
            "https://gate.example.com:8443",
            "https://gate.example.org",
            "https://example.com",
            "https://a.gate.example.com",
            "https://gate.example.com.evil.example",
            "http://127.0.0.1:8788",
            "http://localhost:4001",
        ] {
            assert_eq!(refusal(TargetPolicy::Development, url), None, "{url}");
        }
    }

    #[test]
    fn the_policy_still_holds() {
        assert_eq!(refusal(TargetPolicy::Public, "http://example.com"), Some(Error::BaseUrlInsecure));
        assert_eq!(refusal(TargetPolicy::Public, "https://127.0.0.1:1"), Some(Error::HostNotAllowed));
        assert_eq!(refusal(TargetPolicy::Public, "https://gate.example.com"), Some(Error::OwnOrigin));
        assert!(Targets::new(TargetPolicy::Public, ["gate.example.com"]).is_none());
    }
}
