//! From an admitted task to JavaScript: reads bodies, runs the handler, and turns what comes of it into what
//! [`super::handle`] resolves to.

use super::control_plane::Binding;
use super::fetch::Web;
use super::{Invocation, body, log_admitted};
use crate::MAX_FORM_BYTES;
use crate::control_plane::Unreachable;
use crate::handlers::gateway::Onward;
use crate::handlers::webhook::Incoming;
use crate::handlers::{self, Context, check, forms, forward, gateway, pages, portal, webhook};
use crate::state::State;
use crate::verdict::{Admitted, Answer, Forward, Task};
use js_sys::Array;
use protocol::call::reply;
use protocol::{Code, Operation, Refused};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;
use worker::{Env, Fetch, Method, RequestInit, RequestRedirect};

/// What a task comes to: an answer, and the response whose body it streams.
struct Outcome {
    answer: Answer,
    source: Option<web_sys::Response>,
}

/// Runs the task. Never fails: a refusal is an answer.
pub(super) async fn run(
    admitted: &Admitted,
    state: &Rc<RefCell<State>>,
    request: &web_sys::Request,
    env: &Env,
    invocation: &Invocation,
) -> JsValue {
    let outcome = run_task(admitted, state, request, env, invocation).await.unwrap_or_else(|refused| {
        let answer = pages::refused(admitted, &mut state.borrow_mut(), refused);
        if let Some(code) = answer.logged {
            log_admitted(code, &admitted.request_id, &request.method(), path_of(&request.url()));
        }
        answer.into()
    });
    let answer =
        JsValue::from_str(&outcome.answer.finish(&admitted.request_id, &admitted.spent.borrow()).encode());
    match outcome.source {
        Some(response) => Array::of2(&answer, &response).into(),
        None => answer,
    }
}

async fn run_task(
    admitted: &Admitted,
    state: &Rc<RefCell<State>>,
    request: &web_sys::Request,
    env: &Env,
    invocation: &Invocation,
) -> Result<Outcome, Refused> {
    let plane = Binding::of(env).map_err(|Unreachable| Code::Unavailable)?;
    let context = Context { state, plane: &plane, admitted };
    let answer = match &admitted.task {
        Task::Ready => handlers::ready(&context).await?,
        Task::Check { caller, ahead } => check::handle(&context, caller, *ahead).await?,
        Task::Page { page, caller, jar } => pages::handle(&context, page, caller.as_ref(), jar).await?,
        Task::Form { form, caller, jar } => {
            let body = body::read(request, MAX_FORM_BYTES).await?;
            forms::handle(&context, *form, caller.as_ref(), jar, &body).await?
        }
        Task::Portal { ask, holder } => {
            let body = if ask.is_change() { body::read(request, MAX_FORM_BYTES).await? } else { Vec::new() };
            portal::handle(&context, holder, ask, &body).await?
        }
        Task::Webhook { source, path_and_query } => {
            let cap = state.borrow().config.limits.webhook_body_bytes;
            let incoming = Incoming {
                path_and_query: path_and_query.clone(),
                headers: headers_of(&request.headers()),
                body: body::read(request, cap).await?,
            };
            match webhook::handle(&context, &Web, source, &incoming).await {
                Ok(answer) => answer,
                Err(webhook::Refused { code, report }) => {
                    if let Some(report) = report {
                        let (plane, state) = (plane.clone(), state.clone());
                        let sent = async move { report.send(&plane, &state).await };
                        invocation.wait_until(&future_to_promise(async {
                            sent.await;
                            Ok(JsValue::UNDEFINED)
                        }));
                    }
                    return Err(code.into());
                }
            }
        }
        Task::UrlCheck { source, head, query } => webhook::check_url(&context, source, *head, query).await?,
        Task::Forward(task) => return Ok(relay(&context, task, request).await?),
        Task::Gateway { route, caller, ahead, path_and_query } => {
            let onward = gateway::admit(&context, *route, caller, *ahead, path_and_query).await?;
            return Ok(to_upstream(&context, onward, request).await?);
        }
    };
    Ok(answer.into())
}

/// A call of the API: the bodies stream past.
async fn relay(
    context: &Context<'_, Binding>,
    task: &Forward,
    request: &web_sys::Request,
) -> Result<Outcome, Code> {
    let call = forward::call(context.admitted, task);
    let headers = headers_of(&request.headers())
        .into_iter()
        .filter(|(name, _)| forward::passes_in(&task.operation, name));
    let sent = match (&task.operation, task.body_cap) {
        (_, None) => context.plane.send(&call, headers, JsValue::UNDEFINED).await,
        (Operation::Proxy { .. }, Some(cap)) => {
            let through = body::through(request, cap)?;
            let sent = context.plane.send(&call, headers, through.stream).await;
            if through.exceeded.get() {
                return Err(Code::PayloadTooLarge);
            }
            sent
        }
        (_, Some(cap)) => {
            let bytes = body::read(request, cap).await?;
            context.plane.send(&call, headers, js_sys::Uint8Array::from(bytes.as_slice()).into()).await
        }
    };
    let response = sent.map_err(|Unreachable| Code::Unavailable)?;

    let headers = headers_of(&response.headers());
    let told = headers.iter().find(|(name, _)| name == reply::RATE_LIMIT).map(|(_, value)| value.as_str());
    handlers::learn_quota(task.caller.as_ref(), told, context.admitted.now_ms);
    let idle_days = pages::idle_days(context);
    let bearer = context.admitted.bearer;
    let mut answer = forward::answer(&task.operation, response.status(), pairs(&headers), idle_days, bearer);
    if let (Operation::Me, 200, Some(caller)) = (&task.operation, response.status(), &task.caller)
        && caller.cookie
    {
        let body = worker::Response::from(response).bytes().await.map_err(|_| Code::Unavailable)?;
        answer.body = forward::with_csrf_token(&body, caller, &context.state.borrow())?.into();
        return Ok(answer.into());
    }
    let source = Some(response).filter(|_| !forward::is_head(&task.operation));
    Ok(Outcome { answer, source })
}

/// A gateway route: on to the operator's upstream.
async fn to_upstream(
    context: &Context<'_, Binding>,
    onward: Onward,
    request: &web_sys::Request,
) -> Result<Outcome, Code> {
    let received = headers_of(&request.headers());
    let websocket =
        received.iter().any(|(name, value)| name == "upgrade" && value.eq_ignore_ascii_case("websocket"));
    let headers = worker::Headers::new();
    for (name, value) in gateway::request_headers(pairs(&received), websocket) {
        headers.append(name, &value).map_err(|_| Code::InvalidRequest)?;
    }
    headers.set(gateway::ASSERTION, &onward.assertion).map_err(|_| Code::Unavailable)?;
    headers.set("x-request-id", context.admitted.request_id.as_str()).map_err(|_| Code::Internal)?;
    let client = &context.admitted.client;
    let (scheme, authority) = client.origin.split_once("://").unwrap_or(("https", &client.origin));
    let claims = [
        ("x-forwarded-for", client.ip.as_str()),
        ("x-forwarded-proto", scheme),
        ("x-forwarded-host", authority),
    ];
    for (name, value) in claims.into_iter().filter(|(_, value)| !value.is_empty()) {
        headers.set(name, value).map_err(|_| Code::InvalidRequest)?;
    }

    let cap = context.state.borrow().config.limits.proxy_body_bytes;
    let through = body::through(request, cap)?;
    let mut init = RequestInit::new();
    init.with_method(Method::from(request.method()))
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(through.stream).filter(|body| !body.is_undefined()));
    let upstream = worker::Request::new_with_init(&onward.url, &init).map_err(|_| Code::InvalidRequest)?;
    let sent = Fetch::Request(upstream).send().await;
    if through.exceeded.get() {
        return Err(Code::PayloadTooLarge);
    }
    let sent = sent.map_err(|_| Code::UpstreamUnreachable)?;
    // No response can be built of any other status.
    let answerable = match sent.status_code() {
        200..=599 => true,
        101 => websocket,
        _ => false,
    };
    if !answerable {
        return Err(Code::UpstreamUnreachable);
    }
    let response: web_sys::Response = sent.into();
    let headers = headers_of(&response.headers());
    let answer = gateway::answer(response.status(), pairs(&headers))
        .with_session(onward.session.as_deref(), pages::idle_days(context));
    Ok(Outcome { answer, source: Some(response) })
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self { answer, source: None }
    }
}

/// All headers, names in lower case.
fn headers_of(headers: &web_sys::Headers) -> Vec<(String, String)> {
    worker::Headers(headers.clone()).entries().collect()
}

fn pairs(headers: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or_default()
}
