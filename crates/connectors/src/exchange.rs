//! A request and its answer as HTTP means them (RFC 9110): which answers have no content, which are redirects, where their links
//! lead, and what may be asked again.

use url::Url;

#[cfg(test)]
mod tests;

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// Upper case.
    pub method: &'a str,
    /// The URL that was asked, without the credential.
    pub url: &'a Url,
    /// The answer's status.
    pub status: u16,
}

impl Exchange<'_> {
    /// Whether there is nothing to read (sections 6.4.1 and 8.6), whatever `Content-Encoding` says: decoders fail on an empty
    /// body. `content_length` is the answer's header.
    #[must_use]
    pub fn is_empty(&self, content_length: Option<&str>) -> bool {
        self.method == "HEAD"
            || matches!(self.status, 204 | 205 | 304)
            || content_length.is_some_and(|length| length.trim() == "0")
    }

    /// Whether `Location` says where to ask next (section 15.4). That of 300 is one choice of several, and 304 has other uses.
    #[must_use]
    pub const fn is_redirect(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }

    /// Whether to ask once more after a moment: a safe request (section 9.2.1) of a server that is not there for the moment, and
    /// that has not said when it will be (section 10.2.3).
    #[must_use]
    pub fn may_repeat(&self, retry_after: Option<&str>) -> bool {
        is_safe(self.method) && matches!(self.status, 502..=504) && retry_after.is_none()
    }

    /// What the body of a GET would have as its length (section 8.6), of an answer to HEAD. A length of something encoded is not
    /// that of what the caller would get.
    #[must_use]
    pub fn length(&self, content_length: Option<&str>, content_encoding: Option<&str>) -> Option<u64> {
        let is_plain = content_encoding.is_none_or(is_identity);
        let text = content_length
            .filter(|_| is_plain && self.method == "HEAD" && !matches!(self.status, 204 | 304))?;
        text.trim().parse().ok().filter(|_| text.trim().bytes().all(|b| b.is_ascii_digit()))
    }

    /// `Location` for the caller, to whom a relative one would lead to us: absolute. `None` where it leads nowhere, or where an
    /// answer of the 3xx class leads to another host, to which the caller's program could follow with its headers.
    #[must_use]
    pub fn location(&self, location: &str) -> Option<String> {
        let target = self.url.join(location).ok()?;
        let is_ours = target.origin() == self.url.origin() || !(300..400).contains(&self.status);
        is_ours.then(|| target.into())
    }

    /// `Link` (RFC 8288) for the caller, likewise: each target absolute. A target that is no reference stays as it is.
    #[must_use]
    pub fn links(&self, links: &str) -> String {
        let (mut out, mut rest, mut is_quoted) = (String::new(), links, false);
        while let Some(at) = rest.find(['"', '\\', '<']) {
            let (before, found) = rest.split_at(at);
            out.push_str(before);
            // A quoted pair hides its second character.
            let length =
                if found.starts_with('\\') { found.chars().take(2).map(char::len_utf8).sum() } else { 1 };
            let (mark, behind) = found.split_at(length);
            out.push_str(mark);
            rest = behind;
            is_quoted ^= mark == "\"";
            if let Some((target, behind)) = rest.split_once('>').filter(|_| mark == "<" && !is_quoted) {
                out.push_str(self.url.join(target).as_ref().map_or(target, Url::as_str));
                out.push('>');
                rest = behind;
            }
        }
        out + rest
    }
}

/// Whether a method asks for nothing but an answer, and has no content: what one would mean is not defined (section 9.3.1), and
/// the platform sends none.
#[must_use]
pub fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

/// A coding that is none (section 8.4.1; names of codings have no case).
pub(crate) fn is_identity(coding: &str) -> bool {
    matches!(coding.trim(), "") || coding.trim().eq_ignore_ascii_case("identity")
}
