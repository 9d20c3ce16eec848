//! `CDN-Loop` (RFC 8586): the mark that a request which leaves this deployment carries, so that the edge refuses one that
//! comes back.
//!
//! Invariant: the mark is this deployment's alone. A webhook from one installation to another is no loop.

use crate::MacKey;
use crate::mac::Domain;

/// The most marks that a request may carry: a chain that is longer serves nobody.
const MAX_PASSAGES: usize = 8;

/// This deployment's mark, a pseudonym (RFC 8586, section 2). Both Workers derive the same.
#[derive(Debug, Clone)]
pub struct Passage(String);

impl Passage {
    /// The mark of the deployment that has this key.
    pub fn new(key: &MacKey) -> Self {
        Self(format!("gate-{}", key.tail(Domain::Passage, "", 16)))
    }

    /// The header of a request that goes out because of one that carried `before`.
    pub fn header(&self, before: Option<&str>) -> String {
        match before.map(str::trim).filter(|before| !before.is_empty()) {
            Some(before) => format!("{before}, {}", self.0),
            None => self.0.clone(),
        }
    }

    /// Whether a request with this header has passed here, or has passed too many others.
    pub fn is_loop(&self, header: &str) -> bool {
        let marks = || header.split(',').map(mark).filter(|mark| !mark.is_empty());
        marks().count() > MAX_PASSAGES || marks().any(|mark| mark.eq_ignore_ascii_case(&self.0))
    }
}

/// The `cdn-id` before its parameters. A comma in a quoted parameter begins a mark too many, which hides none.
fn mark(info: &str) -> &str {
    info.split(';').next().unwrap_or_default().trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    fn passage(key: u8) -> Passage {
        Passage::new(&MacKey::from_base64(&STANDARD.encode([key; 32])).unwrap())
    }

    #[test]
    fn a_request_that_has_passed_is_known_in_every_form_of_the_header() {
        let here = passage(1);
        let mark = here.header(None);
        for header in [
            mark.clone(),
            here.header(Some("cloudflare; loops=1")),
            format!("{mark}; v=\"1,2\", other"),
            format!("other ,\t{mark}\t;x"),
            format!(",,{mark}"),
            format!("a; b=\"unclosed, {mark}"),
            mark.to_ascii_uppercase(),
        ] {
            assert!(here.is_loop(&header), "{header}");
        }
    }

    #[test]
    fn those_of_others_are_no_loop() {
        let (here, there) = (passage(1), passage(2));
        for header in ["", "cloudflare", "cloudflare; subreqs=1", "foo123.example.com:8080, barcdn"] {
            assert!(!here.is_loop(header), "{header}");
        }
        assert!(!here.is_loop(&there.header(None)));
        assert!(here.is_loop(&there.header(Some(&here.header(None)))), "from here by another and back");
    }

    #[test]
    fn a_chain_has_an_end() {
        let here = passage(1);
        assert!(!here.is_loop(&["other"; MAX_PASSAGES].join(", ")));
        assert!(here.is_loop(&["other"; MAX_PASSAGES + 1].join(", ")));
    }

    #[test]
    fn the_mark_is_a_token() {
        let mark = passage(1).header(None);
        assert!(mark.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{mark}");
    }
}
