//! Gateway routes: authenticated traffic on its way to the operator's own upstream, with a signed identity assertion.
//!
//! Invariant: the upstream sees no credential of ours and no identity header that the client made up; the assertion was
//! asked for at most `revocation.max_staleness_seconds` ago.

use super::forward::{is_hop_by_hop, is_ours_alone};
use super::{Context, check};
use crate::auth::{COOKIE_PREFIX, Caller};
use crate::control_plane::ControlPlane;
use crate::head::WHITE_SPACE;
use crate::security_headers::{Kind, is_ours};
use crate::verdict::{Admitted, Answer};
use protocol::{Code, Refused};

/// The header with the assertion.
pub const ASSERTION: &str = "sluicegate-assertion";

/// Leave to go to the upstream.
#[derive(Debug)]
pub struct Onward {
    /// The upstream's URL for this request.
    pub url: String,
    /// For [`ASSERTION`].
    pub assertion: String,
    /// A token for the session cookie.
    pub session: Option<String>,
}

/// Checks the caller, by memory or by the control plane.
///
/// # Errors
/// The refusal.
pub async fn admit<P: ControlPlane>(
    context: &Context<'_, P>,
    route: usize,
    caller: &Caller,
    ahead: Option<u32>,
    path_and_query: &str,
) -> Result<Onward, Refused> {
    let Admitted { now_ms, client, .. } = context.admitted;
    // A lease is asked for even where memory would do.
    let recalled = match ahead {
        Some(_) => None,
        None => {
            let ip = client.ip.parse().ok();
            check::recall(caller, Some(route), ip, *now_ms, &mut context.state.borrow_mut())
        }
    };
    let (good, session) = match recalled {
        Some(outcome) => (outcome?, None),
        None => check::ask(context, caller, Some(route), ahead).await?,
    };
    let state = context.state.borrow();
    let upstream = state.config.routes.get(route).ok_or(Code::NotFound)?.upstream.trim_end_matches('/');
    let assertion = good.assertion.ok_or(Code::Unavailable)?.to_string();
    Ok(Onward { url: [upstream, path_and_query].concat(), assertion, session })
}

/// What the upstream gets of the client's headers: all but what is ours. Of the cookies, only ours are taken out.
pub fn request_headers<'h>(
    headers: impl Iterator<Item = (&'h str, &'h str)>,
    websocket: bool,
) -> Vec<(&'h str, String)> {
    headers
        .filter(|(name, _)| (*name == "cookie" || !is_ours_alone(name)) && *name != "host")
        .filter(|(name, _)| !connectors::is_proxy_claim(name))
        // CGI and its heirs take `_` for `-`: `x_forwarded_user` would be a proxy's claim again.
        .filter(|(name, _)| !name.contains('_'))
        // The platform opens the WebSocket by this header.
        .filter(|(name, _)| !is_hop_by_hop(name) || (websocket && *name == "upgrade"))
        .filter_map(|(name, value)| match name {
            "cookie" => without_ours(value).map(|value| (name, value)),
            _ => Some((name, value.to_owned())),
        })
        .collect()
}

/// What the client gets of the upstream's answer. Its own content policy and caching stand; this origin's protection and
/// cookies are not its to change.
pub fn answer<'h>(status: u16, headers: impl Iterator<Item = (&'h str, &'h str)>) -> Answer {
    let refused = |name: &str, value: &str| {
        is_ours(name)
            || is_hop_by_hop(name)
            || matches!(name, "content-length" | "server" | "x-powered-by")
            || name.starts_with("sluicegate-")
            || (name == "set-cookie" && is_our_cookie(value))
    };
    headers
        .filter(|(name, value)| !refused(name, value))
        .fold(Answer::new(status, Kind::Upstream, ""), |answer, (name, value)| {
            answer.with(name.to_owned(), value.to_owned())
        })
}

fn without_ours(cookies: &str) -> Option<String> {
    let pairs = cookies.split(';').map(|pair| pair.trim_matches(WHITE_SPACE));
    let left: Vec<&str> = pairs.filter(|pair| !is_our_cookie(pair)).collect();
    (!left.is_empty()).then(|| left.join("; "))
}

/// Whether a `name=value` is a cookie of ours: the session, a mailed token or a step of a sign-in. Not everybody reads cookies
/// alike: a name in other case, after the `=` of a nameless cookie, or after what Unicode takes for white space, counts as ours
/// here as well, though it signs nobody in ([`crate::auth::cookie`]).
fn is_our_cookie(pair: &str) -> bool {
    let name = pair.trim_start_matches(|c: char| c == '=' || c.is_whitespace());
    name.get(..COOKIE_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(COOKIE_PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::COOKIE;
    use crate::handlers::cookies::Cookie;

    #[test]
    fn the_upstream_sees_no_credential_of_ours_and_no_made_up_identity() {
        let sent = [
            ("authorization", "Bearer x"),
            ("cookie", "a=1; __Host-sluicegate_session=t; b=2"),
            ("x-csrf-token", "c"),
            ("sluicegate-assertion", "forged"),
            ("host", "gate"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-user", "admin"),
            ("x-http-method-override", "DELETE"),
            ("x_forwarded_user", "admin"),
            ("sluicegate_assertion", "forged"),
            ("connection", "keep-alive"),
            ("upgrade", "websocket"),
            ("accept", "*/*"),
        ];
        let headers = request_headers(sent.into_iter(), false);
        assert_eq!(headers, [("cookie", "a=1; b=2".to_owned()), ("accept", "*/*".to_owned())]);
        assert!(request_headers(sent.into_iter(), true).contains(&("upgrade", "websocket".to_owned())));
        let only_ours = [("cookie", "__Host-sluicegate_session=t")];
        assert!(request_headers(only_ours.into_iter(), false).is_empty());
    }

    /// The steps of a sign-in and the mailed tokens are credentials too.
    #[test]
    fn no_cookie_of_ours_goes_to_the_upstream_or_comes_from_it() {
        let names = Cookie::ALL.map(Cookie::name).into_iter().chain([COOKIE]);
        let read_alike = |name: &str| {
            [name.to_owned(), name.to_uppercase(), format!("={name}"), format!("\u{2000}={name}")]
        };
        for name in names.flat_map(read_alike) {
            let sent = format!("a=1;\t{name} = t ;b=__Host-sluicegate_x; {name}");
            let kept = request_headers([("cookie", sent.as_str())].into_iter(), false);
            assert_eq!(kept, [("cookie", "a=1; b=__Host-sluicegate_x".to_owned())], "{name}");
            for set in [format!(" {name}=evil; Path=/"), format!("\t{name} =; Max-Age=0"), name.clone()] {
                let answer = answer(200, [("set-cookie", set.as_str()), ("set-cookie", "app=1")].into_iter());
                assert_eq!(answer.headers.len(), 1, "{set}");
                assert_eq!(answer.header("set-cookie"), Some("app=1"), "{set}");
            }
        }
    }

    #[test]
    fn the_upstream_keeps_its_policy_but_not_our_session_or_protection() {
        let answer = answer(
            200,
            [
                ("content-security-policy", "default-src 'self' cdn.example"),
                ("x-frame-options", "ALLOWALL"),
                ("strict-transport-security", "max-age=0"),
                ("set-cookie", "__Host-sluicegate_session=evil"),
                ("set-cookie", "app=1"),
                ("server", "nginx"),
            ]
            .into_iter(),
        );
        assert_eq!(answer.kind, Kind::Upstream);
        assert_eq!(
            answer.headers.iter().map(|(name, value)| (name.as_ref(), value.as_str())).collect::<Vec<_>>(),
            [("content-security-policy", "default-src 'self' cdn.example"), ("set-cookie", "app=1")]
        );
    }
}
