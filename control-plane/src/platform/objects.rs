//! The objects of this Worker, as one asks another: a call, an ask beside it, a reply.

use super::{ASK, Isolate};
use crate::asks::{AskAccount, AskIdentity, AskOrg, Identity};
use crate::error::AppError;
use crate::flows::Objects;
use crate::reply::Reply;
use crate::router;
use protocol::api::RateLimit;
use protocol::call::reply as header;
use protocol::{Call, OrgId, UserId};
use serde::Serialize;
use worker::durable::Stub;
use worker::{Env, Headers, Method, Request, RequestInit};
use zeroize::Zeroizing;

/// The objects, asked for the sake of one call.
pub(crate) struct Asker<'a> {
    pub(crate) isolate: &'a Isolate,
    pub(crate) env: &'a Env,
    pub(crate) call: &'a Call,
}

impl Asker<'_> {
    /// Counts an attempt of the call's client, wherever it comes in.
    ///
    /// # Errors
    /// [`AppError::Limited`]; where the object cannot be reached, nobody passes.
    pub(crate) async fn count(&self) -> Result<(), AppError> {
        let shard = crate::limiter::shard_of(&self.call.client.ip);
        let stub = self.stub("LIMITERS", &shard);
        self.send(stub, &shard, &()).await?.into_result().map(drop)
    }

    fn stub(&self, namespace: &str, name: &str) -> worker::Result<Stub> {
        self.env.durable_object(namespace)?.get_by_name(name)
    }

    /// `name` goes along: an object that is empty yet does not know who it is.
    async fn send(&self, stub: worker::Result<Stub>, name: &str, ask: &impl Serialize) -> Result<Reply, AppError> {
        let body = Zeroizing::new(serde_json::to_vec(ask)?);
        let call = self.call.to_header()?;
        let reply = async {
            let headers = Headers::new();
            headers.set(Call::HEADER, &call)?;
            headers.set(ASK, name)?;
            let mut init = RequestInit::new();
            init.with_method(Method::Post)
                .with_headers(headers)
                .with_body(Some(js_sys::Uint8Array::from(body.as_slice()).into()));
            let mut response = stub?.fetch_with_request(Request::new_with_init(router::OBJECT_URL, &init)?).await?;
            let headers = response.headers();
            let number = |name: &str| headers.get(name).ok().flatten().and_then(|text| text.parse().ok());
            let (session, retry_after) = (headers.get(header::SESSION)?, number("retry-after"));
            let rate_limit = headers.get(header::RATE_LIMIT)?.and_then(|text| {
                let (limit, period) = text.split_once('/')?;
                Some(RateLimit { limit: limit.parse().ok()?, period_seconds: period.parse().ok()? })
            });
            Ok::<_, worker::Error>(Reply {
                status: response.status_code(),
                session: session.map(Zeroizing::new),
                retry_after,
                rate_limit,
                body: Zeroizing::new(response.bytes().await?),
                ..Reply::default()
            })
        };
        reply.await.map_err(|_| AppError::Platform("an object cannot be reached"))
    }
}
