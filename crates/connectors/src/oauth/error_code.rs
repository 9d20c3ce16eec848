//! A provider's error code: the only text of its answers that is kept.

use core::fmt;

/// The longest code, in bytes.
const MAX_LEN: usize = 40;

/// An error code of plain lower-case letters and underscores, such as `access_denied`. Fit for a log or a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorCode(String);

impl ErrorCode {
    /// None: not plain.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        ((1..=MAX_LEN).contains(&text.len()) && text.bytes().all(is_plain)).then(|| Self(text.to_owned()))
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
