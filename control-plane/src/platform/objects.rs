//! The objects of this Worker, as one asks another: a call, an ask beside it, a reply.

use super::{ASK, Isolate};
use crate::asks::{AskAccount, AskIdentity, AskOrg, AskRegistry};
use crate::error::AppError;
use crate::flows::Objects;
use crate::limiter::shard_of;
use crate::reply::Reply;
use crate::router;
use protocol::api::RateLimit;
use protocol::call::reply as header;
use protocol::{Call, Code, Operation, OrgId, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::durable::Stub;
use worker::{Env, Headers, Method, Request, RequestInit};
use zeroize::Zeroizing;

/// The objects, asked for the sake of one call.
pub(crate) struct Asker<'a> {
    pub(crate) isolate: &'a Isolate,
    pub(crate) env: &'a Env,
    pub(crate) call: &'a Call,
}

impl Objects for Asker<'_> {
    async fn identity<T: DeserializeOwned>(&self, name: &str, ask: &AskIdentity) -> Result<T, AppError> {
        self.send(self.stub("IDENTITIES", name), self.call, Some((name, ask))).await?.into_result()?.read()
    }

    /// In the jurisdiction that is everybody's: who a person is belongs to no org.
    async fn account<T: DeserializeOwned>(&self, user: &UserId, ask: &AskAccount) -> Result<T, AppError> {
        let stub = self.stub("ACCOUNTS", user.as_str());
        self.send(stub, self.call, Some((user.as_str(), ask))).await?.into_result()?.read()
    }

    async fn org(&self, org: &OrgId, ask: &AskOrg) -> Result<Reply, AppError> {
        let stub = router::org_object(self.isolate, self.env, org);
        self.send(stub, self.call, Some((org.as_str(), ask))).await?.into_result()
    }

    async fn registry<T: DeserializeOwned>(&self, shard: &str, ask: &AskRegistry) -> Result<T, AppError> {
        self.send(self.stub("REGISTRY", shard), self.call, Some((shard, ask))).await?.into_result()?.read()
    }

    async fn operate(&self, org: &OrgId, operation: &Operation) -> Result<Reply, AppError> {
        let call = Call { operation: operation.clone(), idempotency_key: None, ..self.call.clone() };
        let stub = router::org_object(self.isolate, self.env, org);
        self.send::<()>(stub, &call, None).await?.into_result()
    }
}

impl Asker<'_> {
    /// Counts an attempt of the call's client, wherever it comes in.
    ///
    /// # Errors
    /// [`AppError::Limited`]; where the object cannot be reached, nobody passes.
    pub(crate) async fn count(&self) -> Result<(), AppError> {
        let shard = shard_of(&self.call.client.ip);
        self.send(self.stub("LIMITERS", &shard), self.call, Some((&shard, &())))
            .await?
            .into_result()
            .map(drop)
    }

    fn stub(&self, namespace: &str, name: &str) -> worker::Result<Stub> {
        self.env.durable_object(namespace)?.get_by_name(name)
    }

    /// An ask goes with the name of whom it is for: an object that is empty yet does not know who it is.
    async fn send<A: Serialize>(
        &self,
        stub: worker::Result<Stub>,
        call: &Call,
        ask: Option<(&str, &A)>,
    ) -> Result<Reply, AppError> {
        let body = ask.map(|(_, ask)| serde_json::to_vec(ask).map(Zeroizing::new)).transpose()?;
        let call = call.to_header()?;
        let reply = async {
            let headers = Headers::new();
            headers.set(Call::HEADER, &call)?;
            if let Some((name, _)) = ask {
                headers.set(ASK, name)?;
            }
            let mut init = RequestInit::new();
            init.with_method(Method::Post)
                .with_headers(headers)
                .with_body(body.map(|body| js_sys::Uint8Array::from(body.as_slice()).into()));
            let request = Request::new_with_init(router::OBJECT_URL, &init)?;
            let mut response = stub?.fetch_with_request(request).await?;
            let headers = response.headers();
            let retry_after = headers.get("retry-after")?.and_then(|text| text.parse().ok());
            let session = headers.get(header::SESSION)?.map(Zeroizing::new);
            let rate_limit = headers.get(header::RATE_LIMIT)?.and_then(|text| {
                let (limit, period) = text.split_once('/')?;
                Some(RateLimit { limit: limit.parse().ok()?, period_seconds: period.parse().ok()? })
            });
            Ok::<_, worker::Error>(Reply {
                status: response.status_code(),
                challenge: headers.get(header::CHALLENGE)?,
                session,
                retry_after,
                rate_limit,
                body: Zeroizing::new(response.bytes().await?),
                ..Reply::default()
            })
        };
        // An object that failed has logged why.
        reply.await.map_err(|_| Code::Unavailable.into())
    }
}
