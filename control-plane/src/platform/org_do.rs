//! One object per tenant. It exists so that a tenant is a database: whatever a call may touch is in this object's own
//! SQLite, and no mistake in a query can reach another tenant's (invariant 2, claim N1).

use super::sql::ObjectSql;
use super::{Isolate, PROVEN, call_of, now_ms, respond};
use crate::asks::OpenSession;
use crate::context::Context;
use crate::error::AppError;
use crate::org;
use crate::reply::Reply;
use crate::store::{Sql as _, SqlError, Store, migrations};
use protocol::{Access, Call, Code, OrgId, Principal};
use std::cell::OnceCell;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// A session to open, and where.
#[derive(serde::Deserialize)]
struct Proven {
    org: OrgId,
    open: OpenSession,
}

#[durable_object(fetch)]
pub struct OrgDo {
    sql: ObjectSql,
    migrated: std::result::Result<(), SqlError>,
    org: OnceCell<OrgId>,
    env: Env,
}

impl DurableObject for OrgDo {
    fn new(state: State, env: Env) -> Self {
        let sql = ObjectSql::new(&state);
        let migrated = migrations::run(&sql, migrations::ORG);
        Self { sql, migrated, org: OnceCell::new(), env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let call = match call_of(&request) {
            Ok(call) => call,
            Err(_) => return Response::error("not a call", 400),
        };
        let proven = request.headers().has(PROVEN)?;
        // No other call starts between here and the reply but at this await.
        let body = request.bytes().await?;
        let result = if proven { self.open_session(&call, &body) } else { self.answer(&call, &body) };
        respond(result, &call.request_id)
    }
}

impl OrgDo {
    fn answer(&self, call: &Call, body: &[u8]) -> std::result::Result<Reply, AppError> {
        self.migrated?;
        let isolate = Isolate::get(&self.env)?;
        // Which org this is, its own database says; a principal of another gets no further (crate::org::actor).
        let Some(org) = self.org()? else {
            return Err(match (call.operation.access(), &call.principal) {
                (Access::Edge, Principal::Anonymous) => Code::NotFound.into(),
                _ => Code::Unauthenticated.into(),
            });
        };
        org::handle(self.context(&isolate, &org, call), body)
    }

    fn open_session(&self, call: &Call, body: &[u8]) -> std::result::Result<Reply, AppError> {
        self.migrated?;
        let isolate = Isolate::get(&self.env)?;
        let proven: Proven = serde_json::from_slice(body)?;
        if self.org()?.is_some_and(|org| org != proven.org) {
            return Err(AppError::Platform("an object was asked for another org"));
        }
        org::open_session(self.context(&isolate, &proven.org, call), &proven.open)
    }

    /// An object's org is written once and never changes, so it is read once.
    fn org(&self) -> std::result::Result<Option<OrgId>, SqlError> {
        if self.org.get().is_none() {
            let Some(row) = self.sql.exec("SELECT id FROM org", &[])?.into_iter().next() else {
                return Ok(None);
            };
            let _ = self.org.set(row.parse(0)?);
        }
        Ok(self.org.get().cloned())
    }

    fn context<'a>(&'a self, isolate: &'a Isolate, org: &'a OrgId, call: &'a Call) -> Context<'a> {
        Context {
            store: Store::new(&self.sql),
            secrets: &isolate.secrets,
            config: &isolate.config,
            org,
            now_ms: now_ms(),
            call,
            allow_local_upstreams: isolate.allow_local_upstreams,
        }
    }
}
