//! The only part that knows Workers: entry points, storage, bindings.

mod account_do;
mod deliver;
mod identity_do;
mod isolate;
mod limiter_do;
pub(crate) mod mail_login;
mod objects;
mod org_do;
mod post;
pub(crate) mod postgres;
mod providers;
mod registry_do;
mod remote;
mod smtp;
mod socket;
mod sql;
mod unreachable;

pub(crate) use isolate::Isolate;
pub(crate) use objects::Asker;
pub(crate) use providers::Web;
pub(crate) use remote::Outside;
pub(crate) use unreachable::why_unreachable;

use crate::error::AppError;
use crate::reply::Reply;
use crate::router;
use js_sys::Promise;
use protocol::api::RateLimit;
use protocol::call::reply as header;
use protocol::{Call, Client, Code, Operation, Principal, RequestId};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::future_to_promise;
use worker::durable::ScheduledTime;
use worker::{Env, Headers, Request, Response, State, console_error};

/// The Worker's `fetch`, called by `entry.js`.
#[wasm_bindgen(js_name = handle)]
#[allow(unreachable_pub, reason = "exported to JavaScript")]
pub fn handle(request: web_sys::Request, env: Env) -> Promise {
    router::pass_on(&request, &env).unwrap_or_else(|| {
        future_to_promise(async move {
            let response = router::route(Request::from(request), &env).await?;
            Ok(web_sys::Response::from(response).into())
        })
    })
}

/// The header by which one object of this Worker asks another ([`crate::asks`]); its value is the asked object's name. It is
/// set by this Worker alone: nothing of an incoming request's headers reaches an object.
pub(crate) const ASK: &str = "sluicegate-ask";

/// The call of a request.
///
/// # Errors
/// [`AppError::Encoding`] where there is none: nothing but the edge speaks to this Worker.
pub(crate) fn call_of(request: &Request) -> Result<Call, AppError> {
    let header = request.headers().get(Call::HEADER).ok().flatten().ok_or(AppError::Encoding)?;
    Ok(serde_json::from_str(&header)?)
}

/// A reply, or an error as a problem document, as an HTTP response. Faults of ours are logged here, once.
///
/// # Errors
/// Where the platform refuses a header: in practice never.
pub(crate) fn respond(result: Result<Reply, AppError>, request_id: &RequestId) -> worker::Result<Response> {
    let reply = result.unwrap_or_else(|error| {
        if error.code() == Code::Internal {
            console_error!(
                "{}",
                serde_json::json!({ "level": "error", "request_id": request_id, "error": error.to_string() })
            );
        }
        Reply::problem(&error, request_id)
    });
    let headers = Headers::new();
    headers.set("content-type", reply.content_type())?;
    if let Some(session) = &reply.session {
        headers.set(header::SESSION, session)?;
    }
    if let Some(RateLimit { limit, period_seconds }) = reply.rate_limit {
        headers.set(header::RATE_LIMIT, &format!("{limit}/{period_seconds}"))?;
    }
    if let Some(seconds) = reply.retry_after {
        headers.set("retry-after", &seconds.to_string())?;
    }
    if let Some(why) = &reply.challenge {
        headers.set(header::CHALLENGE, why)?;
    }
    if reply.replayed {
        headers.set("idempotency-replayed", "true")?;
    }
    let builder = Response::builder().with_status(reply.status).with_headers(headers);
    Ok(if reply.body.is_empty() { builder.empty() } else { builder.fixed(reply.body.to_vec()) })
}

/// Sees to it that an object's alarm rings at `due_ms` at the latest. Whether it will.
async fn wake_by(state: &State, due_ms: u64) -> bool {
    let storage = state.storage();
    let set = storage.get_alarm().await.ok().flatten();
    if set.is_some_and(|set| set as u64 <= due_ms) {
        return true;
    }
    let time = ScheduledTime::new(js_sys::Date::new(&(due_ms as f64).into()));
    storage.set_alarm(time).await.is_ok()
}

/// For what an alarm does: on behalf of nobody, under a request id of its own.
///
/// # Errors
/// Where there is no randomness.
fn alarm_call() -> Result<Call, AppError> {
    let nobody =
        Client { ip: String::new(), user_agent: String::new(), origin: String::new(), country: None };
    Ok(Call {
        request_id: RequestId::new(now_ms(), crate::context::random()?),
        client: nobody,
        principal: Principal::Anonymous,
        operation: Operation::Me,
        idempotency_key: None,
    })
}

/// From when on an object's alarm may ring again, Unix ms. After a fault, which is logged, `retry_ms` later: what failed by
/// itself would else fail again at once, without end.
fn alarm_ended(object: &str, outcome: Result<(), AppError>, retry_ms: u64) -> u64 {
    let Err(error) = outcome else { return now_ms() };
    console_error!(
        "{}",
        serde_json::json!({ "level": "error", "alarm": object, "error": error.to_string() })
    );
    now_ms() + retry_ms
}

/// Unix time, ms. The clock of a Worker stands still while it computes.
pub(crate) fn now_ms() -> u64 {
    // Whole and positive, far below 2^53.
    js_sys::Date::now() as u64
}
