//! The request head, as `entry.js` hands it over in one string: method, URL, then one header a line.
//!
//! Invariant: reading never fails and never panics. What is missing or odd reads as empty, and the decision refuses it.

/// White space in a header: space and tab (RFC 9110, section 5.6.3), and nothing of what Unicode calls so besides. A browser
/// takes U+2000 for a part of a cookie's name.
pub const WHITE_SPACE: [char; 2] = [' ', '\t'];

/// A request without its body. Header names are lower case, as the platform's `Headers` gives them.
#[derive(Debug)]
pub struct Head<'a> {
    /// Upper case, as sent.
    pub method: &'a str,
    /// `https` or `http`.
    pub scheme: &'a str,
    /// Host and port.
    pub authority: &'a str,
    /// From the first `/` on, percent-encoding as received.
    pub path: &'a str,
    /// After `?`; empty where there is none.
    pub query: &'a str,
    /// Length of the whole URL, bytes.
    pub url_bytes: usize,
    /// Length of all headers as HTTP/1.1 would write them, bytes.
    pub header_bytes: usize,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Head<'a> {
    /// Reads `method \n url \n name:value \n …`. Neither a URL nor a header can hold a line feed.
    pub fn parse(text: &'a str) -> Self {
        let mut lines = text.split('\n');
        let method = lines.next().unwrap_or_default();
        let url = lines.next().unwrap_or_default();
        let headers: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();

        let without_fragment = url.split_once('#').map_or(url, |(before, _)| before);
        let (scheme, rest) = without_fragment.split_once("://").unwrap_or_default();
        let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match location.find('/') {
            Some(slash) => location.split_at(slash),
            None => (location, "/"),
        };
        Self {
            method,
            scheme,
            authority,
            path,
            query,
            url_bytes: url.len(),
            header_bytes: headers.iter().map(|(name, value)| name.len() + value.len() + ": \r\n".len()).sum(),
            headers,
        }
    }

    /// A header's value; several of one name are joined by `", "`, as the platform does.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(have, _)| *have == name).map(|(_, value)| *value)
    }

    /// How many headers there are.
    pub fn header_count(&self) -> usize {
        self.headers.len()
    }

    /// Whether the method is one that changes nothing (RFC 9110, section 9.2.1).
    pub fn is_safe(&self) -> bool {
        is_safe_method(self.method)
    }

    /// Scheme and authority: `https://gate.example.com`.
    pub fn origin(&self) -> String {
        [self.scheme, "://", self.authority].concat()
    }
}

/// Whether a method is one that changes nothing (RFC 9110, section 9.2.1). One that is not known may change anything.
pub fn is_safe_method(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_taken_apart() {
        let head = Head::parse("POST\nhttps://gate.test:8443/v1/a%2Fb?x=/?y#z\naccept:*/*\nx-a:b:c");
        assert_eq!((head.method, head.scheme, head.authority), ("POST", "https", "gate.test:8443"));
        assert_eq!((head.path, head.query), ("/v1/a%2Fb", "x=/?y"));
        assert_eq!((head.header("x-a"), head.header("x-b")), (Some("b:c"), None));
        assert_eq!(head.header_bytes, "accept: */*\r\nx-a: b:c\r\n".len());
        assert_eq!(head.origin(), "https://gate.test:8443");
    }

    #[test]
    fn a_url_without_a_path_is_the_root() {
        assert_eq!(Head::parse("GET\nhttp://a").path, "/");
        assert_eq!(Head::parse("GET\nhttp://a?q=/x").path, "/");
    }
}
