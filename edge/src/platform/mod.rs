//! The part that knows Workers: what `entry.js` calls, the service binding, streams.

#![allow(unreachable_pub, reason = "wasm-bindgen exports public functions alone")]

mod admitted;
mod body;
mod control_plane;

use crate::head::Head;
use crate::security_headers;
use crate::state::{Environment, State};
use crate::verdict::{Admitted, Answer, Verdict};
use js_sys::Promise;
use protocol::{Code, RequestId};
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};
use wasm_bindgen_futures::future_to_promise;

thread_local! {
    /// Empty in a new instance, and in one that replaces an instance after a trap.
    static STATE: OnceCell<Rc<RefCell<State>>> = const { OnceCell::new() };
    /// From `decide` to `handle`, which `entry.js` calls before anything else can run.
    static ADMITTED: Cell<Option<Box<Admitted>>> = const { Cell::new(None) };
}

#[wasm_bindgen]
extern "C" {
    /// One run of the Worker, as the platform tells it apart.
    pub type Invocation;

    /// Keeps it alive, for at most half a minute after the answer, until the promise is settled.
    #[wasm_bindgen(method, js_name = waitUntil)]
    fn wait_until(this: &Invocation, promise: &Promise);
}

/// The header sets, one for each kind of answer: `name:value` lines, an empty line between sets.
#[wasm_bindgen(js_name = headerSets)]
pub fn header_sets() -> String {
    security_headers::all()
}

/// Gives the instance its environment.
///
/// # Errors
/// Names the variable that is wrong.
#[wasm_bindgen]
#[allow(clippy::too_many_arguments, reason = "one for each variable: JavaScript passes them by place")]
pub fn configure(
    session_jwks: &str,
    api_key_mac_key: &str,
    csrf_key: &str,
    client_ip_header: &str,
    client_country_header: &str,
    public_origin: &str,
    config: &str,
    rate_limit_scale: &str,
) -> Result<(), JsError> {
    let environment = Environment {
        session_jwks,
        api_key_mac_key,
        csrf_key,
        client_ip_header,
        client_country_header,
        public_origin,
        config,
        rate_limit_scale,
    };
    let state = State::new(environment.config()?, &environment)?;
    STATE.with(|cell| {
        let _ = cell.set(Rc::new(RefCell::new(state)));
    });
    Ok(())
}

/// Decides on a request by its head (module [`crate::head`]).
///
/// Returns an answer (module [`crate::verdict`]); or `>` and the request id: go on with [`handle`]; or nothing: this
/// instance wants [`configure`] first.
///
/// # Errors
/// Where the platform gives no randomness.
#[wasm_bindgen]
pub fn decide(head: &str, now_ms: f64) -> Result<String, JsError> {
    let Some(state) = STATE.with(|cell| cell.get().cloned()) else { return Ok(String::new()) };
    let head = Head::parse(head);
    match crate::decide(&head, now_ms as u64, &mut state.borrow_mut())? {
        Verdict::Answer(answer) => {
            log(&answer, head.method, head.path);
            Ok(answer.encode())
        }
        Verdict::GoOn(admitted) => {
            let go_on = [">", admitted.request_id.as_str()].concat();
            ADMITTED.set(Some(admitted));
            Ok(go_on)
        }
    }
}

/// Does what the last [`decide`] admitted. Resolves to an answer as [`decide`] returns one, or to `[answer, response]`
/// where the response's body (or WebSocket) is the answer's.
#[wasm_bindgen]
pub fn handle(request: web_sys::Request, env: worker::Env, invocation: Invocation) -> Promise {
    let admitted = ADMITTED.take();
    let state = STATE.with(|cell| cell.get().cloned());
    future_to_promise(async move {
        let (Some(admitted), Some(state)) = (admitted, state) else {
            return Err(JsError::new("handle without decide").into());
        };
        Ok(admitted::run(&admitted, &state, &request, &env, &invocation).await)
    })
}

/// One line for a refusal that an operator wants to see: never a header, a query or a body.
fn log(answer: &Answer, method: &str, path: &str) {
    let Some(code) = answer.logged else { return };
    let request_id =
        answer.headers.iter().find(|(name, _)| name == "x-request-id").map(|(_, id)| id.as_str());
    write_log(code, request_id, method, path);
}

fn write_log(code: Code, request_id: Option<&str>, method: &str, path: &str) {
    let line = serde_json::json!({
        "level": if code.status() >= 500 { "error" } else { "warn" },
        "code": code.as_str(),
        "status": code.status(),
        "method": method,
        "path": path.chars().take(200).collect::<String>(),
        "request_id": request_id,
    });
    web_sys::console::log_1(&JsValue::from_str(&line.to_string()));
}

fn log_admitted(code: Code, request_id: &RequestId, method: &str, path: &str) {
    write_log(code, Some(request_id.as_str()), method, path);
}
