//! The service binding to the control plane.

use crate::control_plane::{ControlPlane, Reply, Unreachable};
use js_sys::Promise;
use protocol::Call;
use protocol::call::reply;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::{Env, Method, RequestInit, RequestRedirect};
use zeroize::Zeroizing;

/// The name of the binding.
const BINDING: &str = "CONTROL_PLANE";
/// A service binding goes by the binding; the URL only has to be one.
const CALL_URL: &str = "https://control-plane/call";
const READY_URL: &str = "https://control-plane/readyz";

#[wasm_bindgen]
extern "C" {
    #[derive(Clone)]
    /// A service binding: `worker::Fetcher` makes a request and a response of its own around each call.
    type Service;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Service, url: &str, init: &web_sys::RequestInit) -> Result<Promise, JsValue>;
}

/// The binding.
#[derive(Clone)]
pub(super) struct Binding(Service);

impl Binding {
    /// Finds it in the environment.
    ///
    /// # Errors
    /// [`Unreachable`] where the deployment has none.
    pub(super) fn of(env: &Env) -> Result<Self, Unreachable> {
        let service = js_sys::Reflect::get(env.as_ref(), &BINDING.into()).map_err(|_| Unreachable)?;
        if service.is_object() { Ok(Self(service.unchecked_into())) } else { Err(Unreachable) }
    }

    /// Makes a call with `headers` besides the call's own; the answer streams.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub(super) async fn send(
        &self,
        call: &Call,
        headers: impl IntoIterator<Item = (String, String)>,
        body: JsValue,
    ) -> Result<web_sys::Response, Unreachable> {
        let onward = worker::Headers::new();
        for (name, value) in headers {
            onward.append(&name, &value).map_err(|_| Unreachable)?;
        }
        let call = call.to_header().map_err(|_| Unreachable)?;
        onward.set(Call::HEADER, &call).map_err(|_| Unreachable)?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post)
            .with_headers(onward)
            // A redirect is an upstream's answer, for the client. Followed, it would make the call a second time.
            .with_redirect(RequestRedirect::Manual)
            .with_body(Some(body).filter(|body| !body.is_undefined()));
        let promise = self.0.fetch(CALL_URL, &(&init).into()).map_err(|_| Unreachable)?;
        let response = JsFuture::from(promise).await.map_err(|_| Unreachable)?;
        response.dyn_into().map_err(|_| Unreachable)
    }
}

impl ControlPlane for Binding {
    async fn call(&self, call: &Call, body: Vec<u8>) -> Result<Reply, Unreachable> {
        let body = match body.as_slice() {
            [] => JsValue::UNDEFINED,
            bytes => js_sys::Uint8Array::from(bytes).into(),
        };
        let response = self.send(call, [], body).await?;
        let headers = response.headers();
        let header = |name| headers.get(name).ok().flatten();
        let body = response.array_buffer().map_err(|_| Unreachable)?;
        let body = JsFuture::from(body).await.map_err(|_| Unreachable)?;
        Ok(Reply {
            status: response.status(),
            session: header(reply::SESSION).map(Zeroizing::new),
            rate_limit: header(reply::RATE_LIMIT),
            retry_after: header("retry-after").and_then(|seconds| seconds.parse().ok()),
            body: Zeroizing::new(js_sys::Uint8Array::new(&body).to_vec()),
        })
    }

    async fn is_ready(&self) -> bool {
        let Ok(promise) = self.0.fetch(READY_URL, &web_sys::RequestInit::new()) else { return false };
        let response = JsFuture::from(promise).await.ok().and_then(|response| response.dyn_into().ok());
        response.is_some_and(|response: web_sys::Response| response.status() == 200)
    }
}
