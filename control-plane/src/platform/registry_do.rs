//! One object per shard of the registry. It exists so that a rotation of key-encryption keys finds every org and account
//! there is, idle ones too, without any of their calls crossing a place that all of them share.

use super::objects::Asker;
use super::sql::ObjectSql;
use super::{Isolate, alarm_call, alarm_ended, call_of, now_ms, respond, wake_by};
use crate::asks::AskRegistry;
use crate::error::AppError;
use crate::registry::{self, RegistryContext};
use crate::reply::Reply;
use crate::store::{SqlError, migrations};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// After a fault, ms.
const RETRY_MS: u64 = 60_000;

#[durable_object]
pub struct RegistryDo {
    sql: ObjectSql,
    state: State,
    migrated: std::result::Result<(), SqlError>,
    env: Env,
}

impl DurableObject for RegistryDo {
    fn new(state: State, env: Env) -> Self {
        let sql = ObjectSql::new(&state);
        let migrated = migrations::run(&sql, migrations::REGISTRY);
        Self { sql, state, migrated, env }
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
        self.watch(alarm_ended("registry", self.work().await, RETRY_MS)).await;
        // A fault is not the platform's to repeat: who is left to be asked has a time of their own.
        Response::empty()
    }
}

impl RegistryDo {
    fn answer(&self, body: &[u8]) -> std::result::Result<Reply, AppError> {
        self.migrated?;
        let isolate = Isolate::get(&self.env)?;
        let ask: AskRegistry = serde_json::from_slice(body)?;
        registry::answer(self.context(&isolate), &ask)
    }

    fn context<'a>(&'a self, isolate: &'a Isolate) -> RegistryContext<'a> {
        let deployed = isolate.secrets.keyring.current().get();
        RegistryContext { sql: &self.sql, deployed, now_ms: now_ms() }
    }

    async fn watch(&self, earliest: u64) {
        let Ok(Some(due)) = registry::wakes_at(&self.sql) else { return };
        wake_by(&self.state, due.max(earliest)).await;
    }

    async fn work(&self) -> std::result::Result<(), AppError> {
        self.migrated?;
        let isolate = Isolate::get(&self.env)?;
        let call = alarm_call()?;
        let asker = Asker { isolate: &isolate, env: &self.env, call: &call };
        registry::work(self.context(&isolate), &asker, now_ms).await
    }
}
