//! Cross-site request forgery (claim M5): what a browser says of where a request comes from, and the token that only a
//! page of ours can know. Bearer tokens need neither: a browser never adds one by itself.

use crate::auth::Holder;
use crate::head::{Head, is_safe_method};
use crate::state::State;
use protocol::{Code, SessionId};

/// A change, or a sign-in, must come from a page of this origin, or from no page at all. Old browsers send neither
/// header; there the CSRF token alone decides, and `SameSite=Lax`.
///
/// # Errors
/// `CrossOrigin`.
pub fn same_origin(head: &Head<'_>, own_origin: &str) -> Result<(), Code> {
    let site = head.header("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = head.header("origin").is_none_or(|origin| origin == own_origin);
    if site && origin { Ok(()) } else { Err(Code::CrossOrigin) }
}

/// A read by cookie must not come from another site: no answer with a tenant's data is worth probing by its timing.
///
/// # Errors
/// `CrossOrigin`.
pub fn not_cross_site(head: &Head<'_>) -> Result<(), Code> {
    match head.header("sec-fetch-site") {
        Some("cross-site") => Err(Code::CrossOrigin),
        _ => Ok(()),
    }
}

/// Forward auth by cookie. A proxy asks about a request of a browser's and passes that one's headers on; the rules are those of
/// a gateway route:
///
/// - A change must come from a page of this origin, or from no page at all. Its method is the proxy's own,
///   `X-Forwarded-Method` (Traefik, Caddy) or `X-Original-Method` (ingress-nginx): one that is not safe makes it a change.
/// - So must everything with an `Origin`: browsers send it with each change and each WebSocket, and plain nginx asks by GET
///   without a word about the method.
/// - A read may come from another origin of the same site. From another site only a navigation may, the link that somebody
///   has followed: nobody can read its answer there.
///
/// A header that a client makes up can only turn a read into a change.
///
/// # Errors
/// `CrossOrigin`.
pub fn forwarded(head: &Head<'_>, own_origin: &str) -> Result<(), Code> {
    let told = ["x-forwarded-method", "x-original-method"].map(|name| head.header(name));
    let is_read = head.is_safe() && told.into_iter().flatten().all(is_safe_method);
    if !is_read || head.header("origin").is_some() {
        return same_origin(head, own_origin);
    }
    if head.header("sec-fetch-mode") == Some("navigate") { Ok(()) } else { not_cross_site(head) }
}

/// `X-CSRF-Token`, or a form's hidden field, must be the session's.
///
/// # Errors
/// `CsrfFailed`.
pub fn token(presented: Option<&str>, session: Option<&SessionId>, state: &State) -> Result<(), Code> {
    bound_to(session.map(SessionId::as_str), presented, state)
}

/// The hidden field of a form of the portal must be the link's.
///
/// # Errors
/// `CsrfFailed`.
pub fn portal_token(presented: Option<&str>, holder: &Holder, state: &State) -> Result<(), Code> {
    bound_to(Some(holder.csrf_subject()), presented, state)
}

fn bound_to(subject: Option<&str>, presented: Option<&str>, state: &State) -> Result<(), Code> {
    match (subject, presented) {
        (Some(subject), Some(token)) if tokens::csrf_valid(&state.csrf, subject, token) => Ok(()),
        _ => Err(Code::CsrfFailed),
    }
}
