//! The service binding to the control plane.

use crate::control_plane::{ControlPlane, Reply, Unreachable};
use protocol::Call;
use protocol::call::reply;
use wasm_bindgen::JsValue;
use worker::{Env, Fetcher, Method, Request, RequestInit, RequestRedirect, Response};
use zeroize::Zeroizing;

/// The name of the binding.
const BINDING: &str = "CONTROL_PLANE";
/// A service binding goes by the binding; the URL only has to be one.
const CALL_URL: &str = "https://control-plane/call";
const READY_URL: &str = "https://control-plane/readyz";

/// The binding.
pub(super) struct Binding(Fetcher);

impl Binding {
    /// Finds it in the environment.
    ///
    /// # Errors
    /// [`Unreachable`] where the deployment has none.
    pub(super) fn of(env: &Env) -> Result<Self, Unreachable> {
        env.service(BINDING).map(Self).map_err(|_| Unreachable)
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
        let request = Request::new_with_init(CALL_URL, &init).map_err(|_| Unreachable)?;
        let response = self.0.fetch_request(request).await.map_err(|_| Unreachable)?;
        Ok(response.into())
    }
}

impl ControlPlane for Binding {
    async fn call(&self, call: &Call, body: Vec<u8>) -> Result<Reply, Unreachable> {
        let body = match body.as_slice() {
            [] => JsValue::UNDEFINED,
            bytes => js_sys::Uint8Array::from(bytes).into(),
        };
        let mut response = Response::from(self.send(call, [], body).await?);
        let header = |name| response.headers().get(name).ok().flatten();
        Ok(Reply {
            status: response.status_code(),
            session: header(reply::SESSION).map(Zeroizing::new),
            rate_limit: header(reply::RATE_LIMIT),
            body: Zeroizing::new(response.bytes().await.map_err(|_| Unreachable)?),
        })
    }

    async fn is_ready(&self) -> bool {
        self.0.fetch(READY_URL, None).await.is_ok_and(|response| response.status_code() == 200)
    }
}
