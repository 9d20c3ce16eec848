//! `ANY /v1/connections/{id}/proxy/{path}`: a call to the connection's upstream, with its credential.

use super::answer::{Answered, pass_on};
use super::leave::{Granted, Leaves, text};
use super::upstream::{Body, Upstream};
use crate::error::AppError;
use crate::org::Destination;
use crate::router::Failure;
use connectors::catalogue::{self, Connector};
use connectors::{Headers as Fields, forward_request, is_safe};
use futures_util::StreamExt as _;
use protocol::{Code, Operation};
use wasm_bindgen::JsValue;
use worker::{Request, Response};

/// The upstream's answer to the call.
///
/// # Errors
/// Refusals of the org's object and of the upstream.
pub(super) async fn proxy(leaves: &Leaves<'_>, request: &mut Request) -> Result<Response, Failure> {
    let incoming: Vec<(String, String)> = request.headers().entries().collect();
    if matches!(&leaves.call.operation, Operation::Proxy { method, .. } if is_safe(method)) {
        check_empty(request, "a GET or HEAD has no body: put what it says into the path or the query")
            .await?;
    }
    let (mut granted, body) = match leaves.ask(None, None).await? {
        Ok(granted) if is_streamed(&granted.grant.target) => {
            let stream = request.inner().body().map(JsValue::from);
            (granted, stream.map_or(Body::None, Body::Stream))
        }
        Ok(granted) => {
            check_empty(request, "the rule that allows this request sends no body").await?;
            (granted, Body::None)
        }
        Err(max_bytes) => {
            let body = text(read(request, max_bytes).await?)?;
            let granted = leaves.ask(Some(body.clone()), None).await?;
            let granted =
                granted.map_err(|_| AppError::Platform("a policy wants a body that it has been given"))?;
            (granted, if body.is_empty() { Body::None } else { Body::Text(body) })
        }
    };
    let answered = call(leaves, &mut granted, &incoming, body).await?;
    granted.tell(pass_on(leaves.isolate, &granted, answered)?)
}

/// Refuses a body that would be dropped: its sender would never know.
async fn check_empty(request: &mut Request, detail: &'static str) -> Result<(), Failure> {
    match read(request, 0).await {
        Err(Failure::Answer(error)) if error.code() == Code::PayloadTooLarge => {
            Err(AppError::refused(Code::InvalidRequest, detail).into())
        }
        read => read.map(drop),
    }
}

/// Whether the client's body goes on as it comes, empty ones included. Of what a rule allows the policy has read all that is
/// sent, and GET and HEAD have no content (RFC 9110, section 9.3.1): such a request can be sent again.
fn is_streamed(destination: &Destination) -> bool {
    matches!(destination, Destination::Http { method, rule: None, .. } if !is_safe(method))
}

/// The upstream's answer as it comes. If it refuses an access token, a fresh one is tried, once, where the request can be
/// sent again: what was refused for its credential was not done.
pub(super) async fn call(
    leaves: &Leaves<'_>,
    granted: &mut Granted,
    incoming: &[(String, String)],
    body: Body,
) -> Result<Answered, Failure> {
    let answer = send(leaves, granted, incoming, body.clone()).await?;
    let is_refused = answer.response.status_code() == 401;
    let Some(token) = granted.grant.token.filter(|_| is_refused && body.can_repeat()) else {
        return Ok(answer);
    };
    let seen = if let Body::Text(text) = &body { Some(text.clone()) } else { None };
    match leaves.ask(seen, Some(token)).await? {
        Ok(fresh) if fresh.grant.token != Some(token) => {
            *granted = fresh;
            send(leaves, granted, incoming, body).await
        }
        _ => Ok(answer),
    }
}

async fn send(
    leaves: &Leaves<'_>,
    granted: &Granted,
    incoming: &[(String, String)],
    body: Body,
) -> Result<Answered, Failure> {
    let Destination::Http { base_url, method, path_and_query, body: checked, rule } = &granted.grant.target
    else {
        return Err(AppError::Platform("leave for another kind of call").into());
    };
    let connector =
        catalogue::get(&granted.grant.connector).ok_or(AppError::Platform("leave for no connector"))?;
    let rule = match rule {
        Some(id) => {
            let rule = connector.rule(id).ok_or(AppError::Platform("leave by no rule of the connector"))?;
            Some((connector, rule))
        }
        None => None,
    };
    let mut headers = headers(connector, incoming);
    let body = match checked {
        // What the policy has read is what is sent.
        Some(checked) => {
            headers.set("content-type", "application/json");
            Body::Text(checked.clone())
        }
        None if !is_streamed(&granted.grant.target) => Body::None,
        None => body,
    };
    let is_by_rule = rule.is_some();
    let upstream = Upstream { isolate: leaves.isolate, method, path_and_query, headers, body, is_by_rule };
    let (url, response) = upstream.call(granted, base_url).await?;
    Ok(Answered { rule, method: method.clone(), url, response })
}

/// The caller's headers that go on: of a catalogued connector's few, since some change what an upstream answers with.
fn headers(connector: &Connector, incoming: &[(String, String)]) -> Fields {
    let incoming = incoming.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    if connector.is_generic() {
        return forward_request(incoming);
    }
    let mut headers = forward_request(incoming.filter(|(name, _)| {
        ["idempotency-key", "if-none-match", "if-modified-since", "user-agent"]
            .iter()
            .any(|plain| name.eq_ignore_ascii_case(plain))
    }));
    headers.set("accept", "application/json");
    for (name, value) in &connector.headers {
        headers.set(name, value);
    }
    headers
}

/// The whole body, of which the policy takes no more than so much.
pub(super) async fn read(request: &mut Request, max_bytes: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // A request without a body has no stream.
    let Ok(mut chunks) = request.stream() else { return Ok(bytes) };
    while let Some(chunk) = chunks.next().await {
        bytes.extend(chunk?);
        if bytes.len() as u64 > max_bytes {
            return Err(Code::PayloadTooLarge.into());
        }
    }
    Ok(bytes)
}
