//! The headers of every answer (claims M2 and M5): constant sets, chosen by what kind of answer it is.
//!
//! Invariant: an answer has a [`Kind`], a kind has a set, a set holds [`BASE`]. There is no way to answer without them:
//! `entry.js` builds every response from a set, its own bare 500 included.

use config::Csp;

/// What kind of answer it is. The discriminant is the set's index in [`all`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A refusal, RFC 9457. First, since `entry.js` uses it when nothing else works.
    Problem = 0,
    /// JSON of the API.
    Json = 1,
    /// A document that anyone may read and keep for a while.
    Public = 2,
    /// A page. Its policy has a nonce, so it is added to the answer itself.
    Html = 3,
    /// What a third party answered through a connection: nothing in it may run in this origin.
    ThirdParty = 4,
    /// What the operator's own upstream answered on a gateway route. Its own policy stands, where it has one.
    Upstream = 5,
}

impl Kind {
    /// Every kind, in the order of their discriminants.
    pub const ALL: [Self; 6] =
        [Self::Problem, Self::Json, Self::Public, Self::Html, Self::ThirdParty, Self::Upstream];
}

const PERMISSIONS: &str = "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), \
    clipboard-read=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), \
    idle-detection=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), \
    screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()";

/// On every answer. Cross-Origin-Embedder-Policy is left out: nothing here uses what it unlocks, and it would refuse the
/// images that an operator allows in `csp.img_src`.
pub const BASE: [(&str, &str); 6] = [
    ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("permissions-policy", PERMISSIONS),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// For answers that are no pages.
const INERT: &str = "default-src 'none'; frame-ancestors 'none'";
/// For what others wrote: even opened as a page it has no origin, no script, no form.
const SANDBOXED: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
/// For an upstream's page without a policy of its own.
const OWN_SITE: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

const CSP: &str = "content-security-policy";
const NO_STORE: (&str, &str) = ("cache-control", "no-store");
const NO_REFERRER: (&str, &str) = ("referrer-policy", "no-referrer");

/// The headers of a kind, [`BASE`] aside. An answer's own headers of these names take their place.
pub fn own(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Problem => &[("content-type", "application/problem+json"), (CSP, INERT), NO_REFERRER, NO_STORE],
        Kind::Json => &[("content-type", "application/json"), (CSP, INERT), NO_REFERRER, NO_STORE],
        Kind::Public => &[
            ("content-type", "application/json"),
            (CSP, INERT),
            NO_REFERRER,
            ("cache-control", "public, max-age=300"),
        ],
        // Not `no-referrer`: with it, browsers send `Origin: null` along with this origin's own forms.
        Kind::Html => {
            &[("content-type", "text/html; charset=utf-8"), ("referrer-policy", "same-origin"), NO_STORE]
        }
        Kind::ThirdParty => &[(CSP, SANDBOXED), NO_REFERRER, NO_STORE],
        Kind::Upstream => &[(CSP, OWN_SITE), ("referrer-policy", "same-origin"), NO_STORE],
    }
}

/// The policy of a page: it brings its one style sheet along, under a nonce, and runs nothing.
pub fn page_policy(nonce: &str, additions: &Csp) -> (&'static str, String) {
    let sources = |name: &str, origins: &[String]| match origins {
        [] => String::new(),
        _ => format!("; {name} {}", origins.join(" ")),
    };
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'{}{}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        sources("img-src", &additions.img_src),
        sources("connect-src", &additions.connect_src),
    );
    (CSP, policy)
}

/// Whether an upstream's header of this name gives way to the set's: it has no say in this origin's protection.
pub fn is_ours(name: &str) -> bool {
    BASE.iter().any(|(ours, _)| *ours == name) || name == "referrer-policy"
}

/// All sets for `entry.js`, which makes them once: `name:value` lines, an empty line between two sets.
pub fn all() -> String {
    let set = |kind: Kind| {
        let lines = BASE.iter().chain(own(kind)).map(|(name, value)| format!("{name}:{value}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    Kind::ALL.map(set).join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_where_its_discriminant_says() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }

    /// M2, M5: every kind of answer has HSTS with preload, and a policy that forbids framing.
    #[test]
    fn m2_m5_every_set_is_complete() {
        for (set, kind) in all().split("\n\n").zip(Kind::ALL) {
            for (name, value) in BASE {
                assert!(set.contains(&format!("{name}:{value}")), "{kind:?} {name}");
            }
            for name in ["referrer-policy:", "cache-control:"] {
                assert!(set.contains(name), "{kind:?} {name}");
            }
            // A page's policy comes with its nonce.
            assert_eq!(set.contains("content-security-policy:"), kind != Kind::Html, "{kind:?}");
            assert!(set.lines().all(|line| line.split_once(':').is_some_and(|(_, value)| !value.is_empty())));
        }
    }

    /// M5: a page's policy allows its own style and the configured origins, nothing else, and no script.
    #[test]
    fn m5_a_page_policy_is_strict() {
        let (_, policy) = page_policy("abc", &Csp::default());
        assert_eq!(
            policy,
            "default-src 'none'; style-src 'nonce-abc'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        let csp = Csp { img_src: vec!["https://img.example".into()], ..Csp::default() };
        assert!(page_policy("abc", &csp).1.contains("; img-src https://img.example;"));
    }
}
