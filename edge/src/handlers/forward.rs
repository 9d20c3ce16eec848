//! `/v1/*`: the call that the control plane gets, and what of its reply reaches the client. The bodies stream past in
//! `platform`; here is what may pass.

use crate::auth::Caller;
use crate::security_headers::{Kind, is_ours};
use crate::state::State;
use crate::verdict::{Admitted, Answer, Forward};
use protocol::call::reply;
use protocol::{Call, Code, Operation};

/// The call for a forwarded request.
pub fn call(admitted: &Admitted, forward: &Forward) -> Call {
    Call {
        request_id: admitted.request_id.clone(),
        client: admitted.client.clone(),
        principal: forward.principal.clone(),
        operation: forward.operation.clone(),
        idempotency_key: forward.idempotency_key.clone(),
    }
}

/// Whether a client's header goes along with the call. An API call takes the body's type alone; a proxied one takes all
/// that is not the client's credential for us, and the control plane filters what the upstream sees.
pub fn passes_in(operation: &Operation, name: &str) -> bool {
    match operation {
        Operation::Proxy { .. } => {
            !is_ours_alone(name)
                && !is_hop_by_hop(name)
                && !matches!(name, "host" | "content-length" | "expect")
        }
        _ => name == "content-type",
    }
}

/// What the client gets of a reply, its body aside. `header` are the reply's headers, names in lower case; `bearer`: the
/// request came with a bearer token. An upstream's 401 is not about that and asks for none.
pub fn answer<'h>(
    operation: &Operation,
    status: u16,
    headers: impl Iterator<Item = (&'h str, &'h str)>,
    idle_days: u32,
    bearer: bool,
) -> Answer {
    let proxied = matches!(operation, Operation::Proxy { .. });
    let is_head = is_head(operation);
    let kind = match status {
        _ if proxied => Kind::ThirdParty,
        400.. => Kind::Problem,
        _ => Kind::Json,
    };
    let mut answer = Answer::new(status, kind, "");
    let mut wrong = None;
    for (name, value) in headers {
        if name == reply::CHALLENGE {
            wrong = Some(value);
        } else if name == reply::SESSION {
            answer = answer.with_session(Some(value), idle_days);
        } else if name == reply::LENGTH && is_head {
            answer = answer.with("content-length", value.to_owned());
        } else if if proxied {
            passes_out(name)
        } else {
            matches!(name, "content-type" | "idempotency-replayed" | "retry-after")
        } {
            answer = answer.with(name.to_owned(), value.to_owned());
        }
    }
    if status == 401 && (wrong.is_some() || !proxied) {
        answer = answer.challenging(wrong.filter(|_| bearer));
    }
    answer
}

/// Whether the answer has no body, and a length all the same (RFC 9110, section 9.3.2).
pub fn is_head(operation: &Operation) -> bool {
    matches!(operation, Operation::Proxy { method, .. } if method == "HEAD")
}

/// Whether a third party's header reaches the client: nothing that would speak for this origin.
fn passes_out(name: &str) -> bool {
    const REFUSED: [&str; 9] = [
        "content-length",
        "content-security-policy",
        "content-security-policy-report-only",
        "set-cookie",
        "clear-site-data",
        "refresh",
        "server",
        "x-powered-by",
        "www-authenticate",
    ];
    !REFUSED.contains(&name)
        && !is_ours(name)
        && !is_hop_by_hop(name)
        && !name.starts_with("sluicegate-")
        && !name.starts_with("access-control-")
}

/// What a client sends for the edge's eyes alone.
pub fn is_ours_alone(name: &str) -> bool {
    matches!(name, "authorization" | "cookie" | "x-csrf-token") || name.starts_with("sluicegate-")
}

/// RFC 9110, section 7.6.1, and what older clients send.
pub fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// `GET /v1/me` by cookie: adds the session's CSRF token to the control plane's answer.
///
/// # Errors
/// `Unavailable` for an answer that is no JSON object.
pub fn with_csrf_token(body: &[u8], caller: &Caller, state: &State) -> Result<String, Code> {
    let mut me: serde_json::Value = serde_json::from_slice(body).map_err(|_| Code::Unavailable)?;
    let object = me.as_object_mut().ok_or(Code::Unavailable)?;
    if let Some(session) = caller.session() {
        object.insert("csrf_token".to_owned(), tokens::csrf_token(&state.csrf, session.as_str()).into());
    }
    Ok(me.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::problem::challenge;

    const REVOKED: &str = "this API key was revoked at 2026-11-22T08:00:00.000Z";

    fn challenge_of(
        operation: &Operation,
        status: u16,
        bearer: bool,
        headers: &[(&str, &str)],
    ) -> Option<String> {
        let answer = answer(operation, status, headers.iter().copied(), 14, bearer);
        assert!(answer.header(reply::CHALLENGE).is_none());
        answer.header("www-authenticate").map(str::to_owned)
    }

    /// RFC 9110, section 15.5.2: a 401 of ours has a challenge. RFC 6750, section 3.1: with the error, if a token came.
    #[test]
    fn the_challenge_says_what_the_control_plane_says() {
        let proxy = Operation::Proxy {
            id: protocol::ConnectionId::parse("con_00000000000000000000000000").unwrap(),
            method: "GET".into(),
            path_and_query: "/".into(),
        };
        let told = [(reply::CHALLENGE, REVOKED)];
        for operation in [&Operation::Me, &proxy] {
            assert_eq!(challenge_of(operation, 401, true, &told), Some(challenge(REVOKED)));
            assert_eq!(challenge_of(operation, 401, false, &told).as_deref(), Some("Bearer"));
            assert_eq!(challenge_of(operation, 200, true, &[]), None);
        }
        assert_eq!(challenge_of(&Operation::Me, 401, true, &[]).as_deref(), Some("Bearer"));
        // The upstream's own 401 is no word about the caller's credential here.
        let theirs = [("www-authenticate", "Basic realm=x")];
        assert_eq!(challenge_of(&proxy, 401, true, &theirs), None);
    }
}
