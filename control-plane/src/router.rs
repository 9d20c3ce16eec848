//! From a call to the object that answers it. Nothing is decided here but which object that is, and that follows from
//! whom the edge has authenticated, never from a request's URL or body (invariant 2).

use crate::broker;
use crate::error::AppError;
use crate::flows::{self, Flow};
use crate::place::{self, Place};
use crate::platform::{Asker, Isolate, Web, call_of, now_ms, respond};
use crate::reply::Reply;
use connectors::TargetPolicy;
use js_sys::Promise;
use protocol::{Access, Call, Code, OrgId, Region};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use worker::durable::{ObjectNamespace, Stub};
use worker::{Env, Request, Response, Result};
use zeroize::Zeroizing;

/// A call goes by the stub; the URL only has to be one.
pub(crate) const OBJECT_URL: &str = "https://object/";

/// The answer to a call that one object answers alone, as most are: the platform carries call and answer, and no future
/// of this Worker waits in between. `None`: the call, or what is wrong with it, is for [`route`].
pub(crate) fn pass_on(request: &web_sys::Request, env: &Env) -> Option<Promise> {
    let header = request.headers().get(Call::HEADER).ok().flatten()?;
    let call: Call = serde_json::from_str(&header).ok()?;
    if matches!(place::of(&call.operation), Place::Flow | Place::Broker) {
        return None;
    }
    let isolate = Isolate::get(env).ok()?;
    let org = org_of(&isolate, &call).ok()?;
    let namespace = org_namespace(&isolate, env, &org).ok()?;
    let namespace: &JsValue = namespace.as_ref();
    let headers = web_sys::Headers::new().ok()?;
    headers.set(Call::HEADER, &header).ok()?;
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    if let Some(body) = request.body() {
        init.set_body(&body);
    }
    namespace.unchecked_ref::<Namespace>().get_by_name(org.as_str()).ok()?.fetch(OBJECT_URL, &init).ok()
}

/// Answers the edge.
///
/// # Errors
/// Where an object cannot be reached; the edge answers 503.
pub(crate) async fn route(mut request: Request, env: &Env) -> Result<Response> {
    if request.path() == "/readyz" {
        return match Isolate::get(env) {
            Ok(_) => Response::ok("ready"),
            Err(error) => Response::error(error.to_string(), 503),
        };
    }
    let call = match call_of(&request) {
        Ok(call) => call,
        Err(_) => return Response::error("not a call", 400),
    };
    let isolate = match Isolate::get(env) {
        Ok(isolate) => isolate,
        Err(error) => return respond(Err(error), &call.request_id),
    };
    let outcome = match place::of(&call.operation) {
        Place::Flow => {
            let answer = flow(&isolate, env, &call, &mut request).await;
            return respond(answer, &call.request_id);
        }
        Place::Broker => broker::answer(&isolate, env, &call, &mut request).await,
        Place::Org | Place::OrgRemote => match org_of(&isolate, &call) {
            // Or it had been passed on.
            Ok(_) => Err(worker::Error::from("an org's object cannot be reached").into()),
            Err(error) => Err(error.into()),
        },
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(Failure::Answer(error)) => respond(Err(error), &call.request_id),
        Err(Failure::Platform(error)) => Err(error),
    }
}

/// A call that takes more than one object. What anybody may try is counted first, in one place for all locations.
async fn flow(
    isolate: &Isolate,
    env: &Env,
    call: &Call,
    request: &mut Request,
) -> std::result::Result<Reply, AppError> {
    let body = Zeroizing::new(request.bytes().await.map_err(|_| Code::InvalidRequest)?);
    let objects = Asker { isolate, env, call };
    if call.operation.hashes_password() {
        isolate.passwords.check(isolate.config.rate_limits.passwords, now_ms())?;
    }
    if call.operation.access() == Access::Public {
        objects.count().await?;
    }
    let flow = Flow {
        objects: &objects,
        secrets: &isolate.secrets,
        config: &isolate.config,
        now_ms: now_ms(),
        call,
        allow_local_upstreams: isolate.targets.policy() == TargetPolicy::Development,
    };
    flows::answer(flow, &Web, &body).await
}

/// Why there is no response: an answer of ours, or the platform.
pub(crate) enum Failure {
    Answer(AppError),
    Platform(worker::Error),
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::Answer(error)
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self::Answer(code.into())
    }
}

impl From<worker::Error> for Failure {
    fn from(error: worker::Error) -> Self {
        Self::Platform(error)
    }
}

/// The org whose object answers: the principal's, or for the edge's own operations the one in the source's id, under its
/// MAC.
pub(crate) fn org_of(isolate: &Isolate, call: &Call) -> std::result::Result<OrgId, AppError> {
    if let Some(source) = call.operation.source() {
        let org =
            tokens::parse_source_id(&isolate.secrets.mac, source.as_str()).map_err(|_| Code::NotFound)?;
        return OrgId::parse(&org).map_err(|_| Code::NotFound.into());
    }
    call.principal.org().cloned().ok_or_else(|| Code::Unauthenticated.into())
}

/// The stub of an org's object, in the jurisdiction that the org's id names (claim M10).
pub(crate) fn org_object(isolate: &Isolate, env: &Env, org: &OrgId) -> Result<Stub> {
    org_namespace(isolate, env, org)?.get_by_name(org.as_str())
}

fn org_namespace(isolate: &Isolate, env: &Env, org: &OrgId) -> Result<ObjectNamespace> {
    let namespace = env.durable_object("ORGS")?;
    match org.region() {
        Some(region @ (Region::Eu | Region::Us)) if isolate.jurisdictions => jurisdiction(&namespace, region),
        _ => Ok(namespace),
    }
}

/// `namespace.jurisdiction("eu")`, which the `worker` crate does not have.
fn jurisdiction(namespace: &ObjectNamespace, region: Region) -> Result<ObjectNamespace> {
    let raw: &JsValue = namespace.as_ref();
    let method: js_sys::Function = js_sys::Reflect::get(raw, &"jurisdiction".into())?.into();
    let restricted = method.call1(raw, &region.as_str().into())?;
    <ObjectNamespace as worker::EnvBinding>::get(restricted)
}

#[wasm_bindgen]
extern "C" {
    /// A namespace's object: `worker::Stub` makes a request and a response of its own around each call.
    type Object;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Object, url: &str, init: &web_sys::RequestInit) -> std::result::Result<Promise, JsValue>;

    type Namespace;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn get_by_name(this: &Namespace, name: &str) -> std::result::Result<Object, JsValue>;
}
