//! Issuers and endpoints: which URLs a provider may have. https by name, always; a loopback address only where the operator
//! runs a provider on the same machine. The issuer's text is kept as written, because it is compared as written.

use crate::OidcError;
use std::fmt;
use url::{Host, Url};

/// Longest issuer in bytes. It has to fit into the cookies beside everything else.
const MAX_ISSUER_LEN: usize = 255;
const MAX_ENDPOINT_LEN: usize = 1024;

/// Where providers may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// https, by host name.
    Https,
    /// Also http or https on `localhost`, `127.0.0.1` and `[::1]`: development and tests.
    HttpsOrLocal,
}

impl Transport {
    /// The URL, if requests may go there: no user info, no fragment, no IP address, nothing that a parser would mend.
    pub(crate) fn endpoint(self, text: &str) -> Option<Url> {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        if text.len() > MAX_ENDPOINT_LEN || !text.bytes().all(plain) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let host = url.host()?;
        let allowed = match url.scheme() {
            _ if is_local(&host) => self == Self::HttpsOrLocal && matches!(url.scheme(), "http" | "https"),
            "https" => matches!(host, Host::Domain(_)),
            _ => false,
        };
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (allowed && bare && !text.contains('@')).then_some(url)
    }
}

fn is_local(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// A provider's issuer identifier (OpenID Connect Core, section 1.2), as the operator configured it.
#[derive(Clone, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    transport: Transport,
}

impl Issuer {
    /// Takes an https URL of at most 255 bytes without query, fragment and user info. `transport` also governs the
    /// endpoints that this issuer's metadata may name.
    ///
    /// # Errors
    /// [`OidcError::Issuer`].
    pub fn parse(text: &str, transport: Transport) -> Result<Self, OidcError> {
        let url = transport.endpoint(text).ok_or(OidcError::Issuer)?;
        if text.len() > MAX_ISSUER_LEN || url.query().is_some() || text.contains('#') {
            return Err(OidcError::Issuer);
        }
        Ok(Self { text: text.to_owned(), transport })
    }

    /// The identifier, to the letter.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) const fn transport(&self) -> Transport {
        self.transport
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_by_name_is_an_issuer() {
        for text in
            ["https://accounts.google.com", "https://id.example.com/tenant/", "https://id.example.com:8443"]
        {
            assert_eq!(Issuer::parse(text, Transport::Https).unwrap().as_str(), text);
        }
        let refused = [
            "",
            "accounts.google.com",
            "http://accounts.google.com",
            "ftp://accounts.google.com",
            "file:///etc/passwd",
            "https://",
            "https://169.254.169.254",
            "https://2852039166",
            "https://0x7f.1",
            "https://[::1]",
            "https://localhost",
            "https://LOCALHOST.",
            "https://a.localhost",
            "http://localhost",
            "https://user@id.example.com",
            "https://@id.example.com",
            "https://user:pass@id.example.com",
            "https://id.example.com?tenant=1",
            "https://id.example.com?",
            "https://id.example.com#x",
            "https://id.example.com#",
            "https:\\\\id.example.com",
            "https://id.example.com/\n",
            " https://id.example.com",
            "https://idé.example.com",
        ];
        for text in refused {
            assert_eq!(Issuer::parse(text, Transport::Https).unwrap_err(), OidcError::Issuer, "{text}");
        }
        let long = format!("https://id.example.com/{}", "a".repeat(255));
        assert_eq!(Issuer::parse(&long, Transport::Https).unwrap_err(), OidcError::Issuer);
    }

    #[test]
    fn a_local_provider_must_be_allowed_and_be_on_this_machine() {
        for text in
            ["http://localhost:9000", "http://127.0.0.1:9000", "http://[::1]:9000", "https://localhost"]
        {
            assert!(Issuer::parse(text, Transport::HttpsOrLocal).is_ok(), "{text}");
            assert!(Issuer::parse(text, Transport::Https).is_err(), "{text}");
        }
        for text in
            ["http://10.0.0.1", "http://192.168.1.1", "http://localhost.example.com", "ws://localhost"]
        {
            assert!(Issuer::parse(text, Transport::HttpsOrLocal).is_err(), "{text}");
        }
    }
}
