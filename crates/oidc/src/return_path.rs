//! Where a person lands after signing in. Only a path on this origin: anything that a browser could read as another
//! origin would make the sign-in an open redirect (RFC 9700, section 4.11).

use crate::OidcError;

const MAX_LEN: usize = 512;

/// A path on this origin, query included: `/connections?page=2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnPath(String);

impl ReturnPath {
    /// The front page.
    #[must_use]
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Takes printable ASCII of at most 512 bytes that begins with one slash and has no backslash and no fragment.
    ///
    /// # Errors
    /// [`OidcError::ReturnPath`].
    pub fn parse(text: &str) -> Result<Self, OidcError> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#');
        let on_this_origin = text.starts_with('/') && !text.starts_with("//");
        if text.len() > MAX_LEN || !on_this_origin || !text.bytes().all(plain) {
            return Err(OidcError::ReturnPath);
        }
        Ok(Self(text.to_owned()))
    }

    /// For a `Location` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Url;

    #[test]
    fn another_origin_in_any_disguise_is_refused() {
        for path in ["/", "/a/b?c=d&e=%2F", "/a//b", "/@evil.example"] {
            assert_eq!(ReturnPath::parse(path).unwrap().as_str(), path);
        }
        let long = "/".to_owned() + &"a".repeat(MAX_LEN);
        let refused = [
            "",
            "a",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a\r\nset-cookie: x=1",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            " /a",
            "/é",
            "/a#b",
            &long,
        ];
        for path in refused {
            assert_eq!(ReturnPath::parse(path).unwrap_err(), OidcError::ReturnPath, "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_stays_on_its_origin(path in "[/\\\\.@:?#a-c\t %]{0,12}") {
            if let Ok(path) = ReturnPath::parse(&path) {
                let base = Url::parse("https://app.example.com/auth/callback").unwrap();
                prop_assert_eq!(base.join(path.as_str()).unwrap().origin(), base.origin());
            }
        }
    }
}
