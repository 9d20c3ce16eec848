//! One object per sign-in identity. It exists so that attempts to prove an identity are counted in one place, and before
//! anybody knows whether there is an account behind it.

use super::objects::Asker;
use super::sql::ObjectSql;
use super::{Isolate, alarm_call, alarm_ended, call_of, now_ms, respond, wake_by};
use crate::asks::AskIdentity;
use crate::error::AppError;
use crate::flows;
use crate::identity::{self, IdentityContext};
use crate::reply::Reply;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// Between two attempts to tell an account, ms.
const RETRY_MS: u64 = 30_000;

#[durable_object]
pub struct IdentityDo {
    sql: ObjectSql,
    state: State,
    env: Env,
}

impl DurableObject for IdentityDo {
    fn new(state: State, env: Env) -> Self {
        Self { sql: ObjectSql::new(&state), state, env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let call = match call_of(&request) {
            Ok(call) => call,
            Err(_) => return Response::error("not a call", 400),
        };
        let body = request.bytes().await?;
        let result = self.answer(&body);
        self.watch(now_ms()).await;
        respond(result, &call.request_id)
    }

    async fn alarm(&self) -> Result<Response> {
        // Whatever fails is tried again later.
        self.watch(alarm_ended("identity", self.work().await, RETRY_MS)).await;
        Response::empty()
    }
}

impl IdentityDo {
    fn answer(&self, body: &[u8]) -> std::result::Result<Reply, AppError> {
        let isolate = Isolate::get(&self.env)?;
        let ask: AskIdentity = serde_json::from_slice(body)?;
        identity::answer(self.context(&isolate), &ask)
    }

    fn context<'a>(&'a self, isolate: &'a Isolate) -> IdentityContext<'a> {
        IdentityContext { sql: &self.sql, config: &isolate.config, now_ms: now_ms() }
    }

    async fn watch(&self, earliest: u64) {
        let Ok(Some(due)) = identity::wakes_at(&self.sql) else { return };
        wake_by(&self.state, due.max(earliest)).await;
    }

    async fn work(&self) -> std::result::Result<(), AppError> {
        let isolate = Isolate::get(&self.env)?;
        if let Some(user) = identity::pending_reset(self.context(&isolate))? {
            let call = alarm_call()?;
            let asker = Asker { isolate: &isolate, env: &self.env, call: &call };
            let name = self.state.id().name().ok_or(AppError::Platform("an identity without a name"))?;
            flows::pass_on_reset(&asker, &name, &user).await?;
            identity::reset_done(self.context(&isolate))?;
        }
        if identity::sweep(self.context(&isolate))? {
            let gone = self.state.storage().delete_all().await;
            gone.map_err(|_| AppError::Platform("an object cannot be emptied"))?;
        }
        Ok(())
    }
}
