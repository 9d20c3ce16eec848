//! A shard of the limiter ([`crate::limiter`]): memory alone, no storage.

use super::{Isolate, call_of, now_ms, respond};
use crate::error::AppError;
use crate::limiter::Limiter;
use crate::reply::Reply;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

#[durable_object(fetch)]
pub struct LimiterDo {
    /// `None` where there was no randomness: then nobody passes.
    limiter: Option<Limiter>,
    env: Env,
}

impl DurableObject for LimiterDo {
    fn new(_: State, env: Env) -> Self {
        Self { limiter: crate::context::random().ok().map(Limiter::new), env }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let call = match call_of(&request) {
            Ok(call) => call,
            Err(_) => return Response::error("not a call", 400),
        };
        respond(self.count(&call.client.ip), &call.request_id)
    }
}

impl LimiterDo {
    fn count(&self, ip: &str) -> std::result::Result<Reply, AppError> {
        let isolate = Isolate::get(&self.env)?;
        let limiter = self.limiter.as_ref().ok_or(AppError::Platform("no randomness"))?;
        limiter.count(ip, isolate.config.rate_limits.auth, now_ms())?;
        Ok(Reply::no_content())
    }
}
