//! Which origins are this deployment's: those that the operator names (`PUBLIC_ORIGIN`), and this machine's own names.
//!
//! Invariant: `Host` is the client's to write. It picks one of these or the request is refused, so that no path, no link and no
//! document comes from it.

use crate::head::Head;
use protocol::Code;

/// This machine, by whatever port.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The named origins, the canonical one first.
#[derive(Debug, PartialEq, Eq)]
pub struct Origins(Vec<Origin>);

#[derive(Debug, PartialEq, Eq)]
struct Origin {
    text: String,
    host: String,
    port: u16,
    default_port: u16,
}

impl Origins {
    /// Reads `https://gate.example.com,https://gate.example.org`. An empty text names none.
    pub fn parse(text: &str) -> Option<Self> {
        let named = text.split(',').map(str::trim);
        let origins = if text.is_empty() { Some(Vec::new()) } else { named.map(Origin::parse).collect() };
        origins.map(Self)
    }

    /// Scheme and authority that the client of this request uses. Behind a proxy that asks by a name of this machine, that is
    /// the canonical origin.
    ///
    /// # Errors
    /// `InvalidRequest` for what is no host, `Misdirected` for one of somebody else (RFC 9110, sections 7.2 and 7.4).
    pub fn of(&self, head: &Head<'_>) -> Result<String, Code> {
        // The platform's URL begins with whatever `Host` holds: `gate/healthz?` would be a host and a path.
        if head.header("host").is_some_and(|host| !host.eq_ignore_ascii_case(head.authority)) {
            return Err(Code::InvalidRequest);
        }
        let (host, port) = authority(head.authority).ok_or(Code::InvalidRequest)?;
        if let Some(named) = self.0.iter().find(|origin| origin.is_at(host, port)) {
            return Ok(named.text.clone());
        }
        if !LOOPBACK.iter().any(|name| name.eq_ignore_ascii_case(host)) {
            return Err(Code::Misdirected);
        }
        Ok(self.0.first().map_or_else(|| head.origin(), |canonical| canonical.text.clone()))
    }

    /// The one that documents name, whichever of the names a request comes by.
    ///
    /// # Errors
    /// As [`Origins::of`].
    pub fn canonical(&self, head: &Head<'_>) -> Result<String, Code> {
        let asked = self.of(head)?;
        Ok(self.0.first().map_or(asked, |canonical| canonical.text.clone()))
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (default_port, rest) = match text.strip_prefix("https://") {
            Some(rest) => (443, rest),
            None => (80, text.strip_prefix("http://")?),
        };
        let (host, port) = authority(rest)?;
        let text = text.to_ascii_lowercase();
        Some(Self { text, host: host.to_ascii_lowercase(), port: port.unwrap_or(default_port), default_port })
    }

    /// The scheme is not compared: where a proxy ends TLS, the request comes without it.
    fn is_at(&self, host: &str, port: Option<u16>) -> bool {
        self.host.eq_ignore_ascii_case(host) && self.port == port.unwrap_or(self.default_port)
    }
}

/// Host and port of an authority (RFC 3986, section 3.2), which may hold nothing else.
fn authority(text: &str) -> Option<(&str, Option<u16>)> {
    let in_brackets = text.starts_with('[');
    let end = if in_brackets { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
    let (host, rest) = text.split_at_checked(end)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let name = if in_brackets { host.trim_matches(['[', ']']) } else { host };
    if name.is_empty() || !name.bytes().all(|byte| plain(byte) || (in_brackets && byte == b':')) {
        return None;
    }
    let port = match rest.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
        None if rest.is_empty() => None,
        _ => return None,
    };
    Some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://gate.example.com, https://gate.example.org:8443,http://[2001:db8::1]";

    fn asked(origins: &str, url: &str, host: Option<&str>) -> Result<String, Code> {
        let header = host.map(|host| format!("\nhost:{host}")).unwrap_or_default();
        Origins::parse(origins).unwrap().of(&Head::parse(&format!("GET\n{url}{header}")))
    }

    #[test]
    fn a_named_host_is_served_by_its_own_origin() {
        for (url, origin) in [
            ("https://gate.example.com/v1/me", "https://gate.example.com"),
            ("http://gate.example.com/", "https://gate.example.com"),
            ("http://gate.example.com:443/", "https://gate.example.com"),
            ("http://GATE.example.COM/", "https://gate.example.com"),
            ("http://gate.example.org:8443/", "https://gate.example.org:8443"),
            ("http://[2001:db8::1]/", "http://[2001:db8::1]"),
            ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]"),
        ] {
            assert_eq!(asked(HERE, url, None).as_deref(), Ok(origin), "{url}");
        }
    }

    #[test]
    fn this_machine_is_served_by_any_port_and_stands_for_the_canonical_origin() {
        for host in ["localhost", "localhost:8787", "LocalHost:1", "127.0.0.1:8787", "[::1]:8787", "[::1]"] {
            let url = format!("http://{host}/x");
            assert_eq!(asked("", &url, Some(host)), Ok(format!("http://{host}")), "{host}");
            assert_eq!(asked(HERE, &url, Some(host)).as_deref(), Ok("https://gate.example.com"), "{host}");
        }
    }

    #[test]
    fn a_host_of_somebody_else_is_refused() {
        for host in [
            "evil.example",
            "gate.example.com.evil.example",
            "evil.gate.example.com",
            "gate.example.com.",
            "gate.example.com:80",
            "gate.example.com:8443",
            "gate.example.org",
            "10.0.0.1",
            "127.0.0.2",
            "localhost.evil.example",
            "a.localhost",
            "0.0.0.0",
            "[::ffff:127.0.0.1]",
            "[2001:db8::2]",
        ] {
            let url = format!("https://{host}/");
            assert_eq!(asked(HERE, &url, Some(host)), Err(Code::Misdirected), "{host}");
            assert_eq!(asked("", &url, None), Err(Code::Misdirected), "{host}");
        }
    }

    /// The platform writes the URL as `http://`, `Host` and the target, one after the other.
    #[test]
    fn what_is_no_host_decides_nothing() {
        for host in [
            "127.0.0.1/healthz?",
            "localhost/healthz#",
            "localhost?",
            "gate.example.com/.well-known/security.txt?",
            "user@localhost",
            "localhost:80:80",
            "localhost:x",
            "localhost:65536",
            "localhost:-1",
            "[::1",
            "[::1]x",
            "::1",
            "[]",
            "",
            ":80",
            "a b",
            "gate.example.com, evil.example",
            "gäte.example.com",
            "localhost\\evil.example",
            "localhost%2f",
        ] {
            let url = format!("http://{host}/v1/me");
            assert_eq!(asked(HERE, &url, Some(host)), Err(Code::InvalidRequest), "{host}");
        }
        // The target of a request may name a host of its own (RFC 9112, section 3.2.2).
        let other = asked(HERE, "http://gate.example.com/", Some("evil.example"));
        assert_eq!(other, Err(Code::InvalidRequest));
    }

    #[test]
    fn a_document_names_the_canonical_origin() {
        let canonical = |origins: &str, url: &str| {
            Origins::parse(origins).unwrap().canonical(&Head::parse(&format!("GET\n{url}")))
        };
        let org = "http://gate.example.org:8443/";
        assert_eq!(canonical(HERE, org).as_deref(), Ok("https://gate.example.com"));
        assert_eq!(canonical("", "http://localhost:1/").as_deref(), Ok("http://localhost:1"));
        assert_eq!(canonical(HERE, "http://evil.example/"), Err(Code::Misdirected));
    }

    #[test]
    fn what_names_no_origin_is_no_list_of_them() {
        for text in [
            ",",
            "https://a.example,",
            "a.example",
            "https://",
            "https://a/",
            "ftp://a",
            "https://a?b",
            "https://*",
        ] {
            assert_eq!(Origins::parse(text), None, "{text}");
        }
    }
}
