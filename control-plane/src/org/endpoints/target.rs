//! Where an endpoint is: an HTTPS URL of a public host, by the rules for connections ([`connectors::BaseUrl`]) but with a
//! path and a query of its own.

use crate::error::AppError;
use crate::json::field;
use connectors::{Error, Targets};

const MAX_URL: usize = 2048;

/// A URL that may be sent to.
#[derive(Debug)]
pub(in crate::org) struct Target {
    /// In its normal form.
    pub url: String,
    /// `host` or `host:port`: what the endpoint's secret is sealed to.
    pub allowed_hosts: Vec<String>,
}

impl Target {
    /// Checks a URL, when it is stored and again whenever something is sent there.
    ///
    /// # Errors
    /// `ValidationFailed`, saying what is allowed.
    pub(in crate::org) fn parse(url: &str, targets: &Targets) -> Result<Self, AppError> {
        let invalid = || {
            field(
                "url",
                "must be an https:// URL of at most 2048 characters, with an optional path and query and without user, \
                 fragment or dot segments, such as https://example.com/webhooks",
            )
        };
        let authority_at = url.find("://").ok_or_else(invalid)? + 3;
        let rest = url.get(authority_at..).unwrap_or_default();
        let path_at = authority_at + rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (origin, path_and_query) = url.split_at_checked(path_at).ok_or_else(invalid)?;
        if url.len() > MAX_URL {
            return Err(invalid());
        }
        let origin = targets.base_url(origin).map_err(|error| match error {
            Error::HostNotAllowed => field(
                "url",
                "must name a public host: private, local, link-local and metadata addresses are not reachable",
            ),
            Error::OwnOrigin => {
                field("url", "must not lead to this service itself: what it sends would come back to it")
            }
            _ => invalid(),
        })?;
        let url = origin.join(path_and_query).map_err(|_| invalid())?;
        Ok(Self { url: url.into(), allowed_hosts: origin.allowed_hosts() })
    }
}

/// What is shown of a URL in its normal form: scheme and authority. Receivers put secrets of their own behind those.
pub(super) fn shown(url: &str) -> String {
    let authority_at = url.find("://").map_or(0, |at| at + 3);
    let path_at = url.get(authority_at..).and_then(|rest| rest.find('/')).map(|at| authority_at + at);
    match path_at.and_then(|at| url.split_at_checked(at)) {
        Some((_, "/")) | None => url.to_owned(),
        Some((origin, _)) => format!("{origin}/…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connectors::TargetPolicy;

    fn refusal(url: &str) -> String {
        match Target::parse(url, &TargetPolicy::Public.into()).unwrap_err() {
            AppError::Refused(protocol::Code::ValidationFailed, Some(detail)) => detail.to_string(),
            other => panic!("{url}: {other}"),
        }
    }

    #[test]
    fn only_the_origin_is_shown() {
        for (url, expected) in [
            ("https://example.com/", "https://example.com/"),
            ("https://example.com/?token=x", "https://example.com/…"),
            ("https://example.com/services/T0/B0/x?y=//z", "https://example.com/…"),
            ("https://example.com:8443/a", "https://example.com:8443/…"),
        ] {
            let target = Target::parse(url, &TargetPolicy::Public.into()).unwrap();
            assert_eq!(shown(&target.url), expected);
        }
    }

    #[test]
    fn a_public_https_url_keeps_its_path_and_query() {
        for (url, normal, host) in [
            ("https://example.com", "https://example.com/", "example.com"),
            ("https://Example.COM:443/a/b/?x=1&y=%2F", "https://example.com/a/b/?x=1&y=%2F", "example.com"),
            ("https://example.com?x=1", "https://example.com/?x=1", "example.com"),
            ("https://example.com:8443/a%20b", "https://example.com:8443/a%20b", "example.com:8443"),
            ("https://1.1.1.1/hook@home", "https://1.1.1.1/hook@home", "1.1.1.1"),
        ] {
            let target = Target::parse(url, &TargetPolicy::Public.into()).unwrap();
            assert_eq!(
                (target.url.as_str(), &target.allowed_hosts),
                (normal, &vec![host.to_owned()]),
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_no_url_of_a_receiver_is_refused() {
        let long = format!("https://example.com/{}", "a".repeat(2048));
        for url in [
            "",
            "://",
            "https://",
            "example.com/x",
            "http://example.com/x",
            "ftp://example.com/x",
            "https://user@example.com/x",
            "https://user:word@example.com/x",
            "https://example.com/x#fragment",
            "https://example.com#fragment",
            "https://example.com/../x",
            "https://example.com/%2e%2e/x",
            "https://example.com\\@evil.example/",
            "https://example.com//evil.example",
            "https://example.com/a b",
            "https://example.com/a\nb",
            "https://example.com/ż",
            &long,
        ] {
            assert!(refusal(url).starts_with("url: must be an https:// URL"), "{url}");
        }
    }

    #[test]
    fn private_and_metadata_addresses_are_refused_in_every_spelling() {
        for host in [
            "localhost",
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "10.0.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "[::1]",
            "[::ffff:169.254.169.254]",
            "[fd00:ec2::254]",
            "metadata.google.internal",
            "metadata.google.internal.",
            "printer.local",
            "intranet",
        ] {
            assert!(refusal(&format!("https://{host}/x")).contains("public host"), "{host}");
        }
        // In development, this machine; the metadata service nowhere.
        let local = |url| Target::parse(url, &TargetPolicy::Development.into());
        assert!(local("http://127.0.0.1:4001/x").is_ok());
        assert!(local("http://169.254.169.254/latest").is_err());
    }
}
