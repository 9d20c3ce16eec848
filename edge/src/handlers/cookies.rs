//! The cookies besides the session's: what carries somebody from one page to the next while there is no session to keep it
//! in. A mailed token goes from its link into one at once, so that no page, no history and no form holds it.
//!
//! Invariant: each is `__Host-`, `HttpOnly`, `Secure`, `SameSite=Lax` and short-lived, and is cleared where it has served.
//! None of them is authority by itself: the control plane checks what is in it.

use crate::auth::cookie;
use crate::head::Head;
use crate::verdict::Answer;
use secrecy::{ExposeSecret as _, SecretString};

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The way to an OIDC provider and back, bound to this browser.
    Attempt,
    /// A right password that waits for its second factor.
    Challenge,
    /// An OIDC identity that has no account yet.
    Pending,
    /// An invitation's token.
    Invitation,
    /// A password reset's token.
    Reset,
    /// The token that proves an email address.
    Verification,
    /// The page that waits for its reader to sign in ([`super::asked`]).
    Asked,
    /// The token of a link to the customers' portal: the one that is used again and again, until the link ends.
    Portal,
}

impl Cookie {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Attempt,
        Self::Challenge,
        Self::Pending,
        Self::Invitation,
        Self::Reset,
        Self::Verification,
        Self::Asked,
        Self::Portal,
    ];

    /// The name, of this very host alone.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attempt => "__Host-sluicegate_oidc",
            Self::Challenge => "__Host-sluicegate_challenge",
            Self::Pending => "__Host-sluicegate_pending",
            Self::Invitation => "__Host-sluicegate_join",
            Self::Reset => "__Host-sluicegate_reset",
            Self::Verification => "__Host-sluicegate_verify",
            Self::Asked => "__Host-sluicegate_asked",
            Self::Portal => "__Host-sluicegate_portal",
        }
    }

    /// Seconds that it lives.
    const fn max_age(self) -> u32 {
        match self {
            Self::Attempt | Self::Challenge => 600,
            Self::Pending => 900,
            Self::Invitation | Self::Reset | Self::Verification | Self::Asked => 3600,
            // The longest that a link opens; when this one ends, its row says.
            Self::Portal => 86_400,
        }
    }

    /// Whether a value can stand in a cookie and a header without harm.
    fn takes(value: &str) -> bool {
        // Browsers keep 4,096 bytes of name, value and attributes.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        (1..=3800).contains(&value.len()) && value.bytes().all(plain)
    }

    /// The header that sets it to a value of our own making.
    pub(super) fn set(self, value: &str) -> String {
        self.header(value, self.max_age())
    }

    fn header(self, value: &str, max_age: u32) -> String {
        format!("{}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax", self.name())
    }
}

/// The cookies of a request. Opaque in `Debug`.
#[derive(Debug, Clone, Default)]
pub struct Jar([Option<SecretString>; Cookie::ALL.len()]);

impl Jar {
    /// Reads them. One that came twice, or holds what was never set, is as none.
    pub fn of(head: &Head<'_>) -> Self {
        let header = head.header("cookie").unwrap_or_default();
        Self(Cookie::ALL.map(|which| {
            let value = cookie(header, which.name()).ok().flatten();
            value.filter(|value| Cookie::takes(value)).map(SecretString::from)
        }))
    }

    /// A cookie's value.
    pub fn get(&self, which: Cookie) -> Option<&str> {
        let value = Cookie::ALL.into_iter().zip(&self.0).find(|(have, _)| *have == which)?.1;
        value.as_ref().map(|value| value.expose_secret())
    }

    /// All but one.
    #[must_use]
    pub fn without(self, which: Cookie) -> Self {
        self.with(which, None)
    }

    /// With another value of one.
    #[must_use]
    pub fn with(mut self, which: Cookie, value: Option<String>) -> Self {
        for (_, slot) in Cookie::ALL.into_iter().zip(&mut self.0).filter(|(have, _)| *have == which) {
            *slot = value.clone().map(SecretString::from);
        }
        self
    }
}

impl Answer {
    /// Sets a cookie; `None` for a value that cannot stand in one.
    pub fn with_cookie(self, which: Cookie, value: &str) -> Option<Self> {
        Cookie::takes(value).then(|| self.with("set-cookie", which.set(value)))
    }

    /// Clears cookies.
    #[must_use]
    pub fn without_cookies(self, which: &[Cookie]) -> Self {
        which.iter().fold(self, |answer, which| answer.with("set-cookie", which.header("", 0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::COOKIE;

    #[test]
    fn a_cookie_is_bound_to_this_host_and_out_of_scripts_reach() {
        for which in Cookie::ALL {
            let answer = Answer::see_other("/").with_cookie(which, "a_b-c.d~e").unwrap();
            let set = answer.header("set-cookie").unwrap();
            assert!(set.starts_with("__Host-sluicegate_") && set.contains("=a_b-c.d~e; Path=/; Max-Age="));
            assert!(set.ends_with("; Secure; HttpOnly; SameSite=Lax"), "{set}");
            let cleared = Answer::see_other("/").without_cookies(&[which]);
            assert!(cleared.header("set-cookie").unwrap().contains("=; Path=/; Max-Age=0; Secure"));
        }
    }

    #[test]
    fn a_value_that_would_write_another_cookie_or_header_is_refused() {
        for value in ["", "a;b", "a b", "a\nset-cookie:x=y", "a,b", "é", "\"a\"", &"x".repeat(3801)] {
            assert!(Answer::see_other("/").with_cookie(Cookie::Attempt, value).is_none(), "{value:.20}");
        }
    }

    /// RFC 6265bis, section 5.7: the `__Host-` rules hold for a name that begins with it. One that begins with U+2000 is
    /// another name, and any sibling of this host may set it.
    #[test]
    fn only_space_and_tab_stand_around_a_name() {
        let unicode = ('\u{b}'..=char::MAX).filter(|c| c.is_whitespace() && *c != ' ').collect::<Vec<_>>();
        assert!(unicode.len() > 20, "{unicode:?}");
        let read = |name: &str, wanted| cookie(&format!("a=b; {name}=planted"), wanted).unwrap().is_some();
        for name in Cookie::ALL.map(Cookie::name).into_iter().chain([COOKIE]) {
            for odd in &unicode {
                for planted in [format!("{odd}{name}"), format!("{name}{odd}"), format!(" {odd}\t{name}")] {
                    assert!(!read(&planted, name), "{planted:?}");
                }
                // Nor does it stand in the way of the one that the browser has kept.
                let both = format!("{odd}{name}=planted; {name}=own");
                assert_eq!(cookie(&both, name), Ok(Some("own")), "{odd:?}");
            }
            for fine in [format!(" {name} "), format!("\t{name}\t")] {
                assert!(read(&fine, name), "{fine:?}");
            }
        }
    }

    #[test]
    fn what_came_twice_is_as_none_and_debug_tells_nothing() {
        let read = |cookies: &str| {
            let head = format!("GET\nhttps://gate.test/\ncookie:{cookies}");
            Jar::of(&Head::parse(&head))
        };
        let jar = read("a=b; __Host-sluicegate_join=tok; __Host-sluicegate_reset=x y");
        assert_eq!((jar.get(Cookie::Invitation), jar.get(Cookie::Reset)), (Some("tok"), None));
        assert!(!format!("{jar:?}").contains("tok"));
        assert_eq!(jar.without(Cookie::Invitation).get(Cookie::Invitation), None);
        let twice = read("__Host-sluicegate_join=a; __Host-sluicegate_join=b");
        assert_eq!(twice.get(Cookie::Invitation), None);
    }
}
