//! One object per sign-in identity. It exists so that password hashing, the slowest thing this product does, runs on a
//! thread of its own for each account: guessing at one holds up no other, and no tenant.

use super::sql::ObjectSql;
use super::{Isolate, call_of, now_ms, respond};
use crate::account;
use crate::error::AppError;
use crate::reply::Reply;
use protocol::{Call, Code, Operation};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

#[durable_object(fetch)]
pub struct AccountDo {
    sql: ObjectSql,
    env: Env,
}

impl DurableObject for AccountDo {
    fn new(state: State, env: Env) -> Self {
        Self { sql: ObjectSql::new(&state), env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let call = match call_of(&request) {
            Ok(call) => call,
            Err(_) => return Response::error("not a call", 400),
        };
        let body = request.bytes().await?;
        respond(self.answer(&call, &body), &call.request_id)
    }
}

impl AccountDo {
    fn answer(&self, call: &Call, body: &[u8]) -> std::result::Result<Reply, AppError> {
        let isolate = Isolate::get(&self.env)?;
        let proven = match call.operation {
            Operation::SignUp => account::sign_up(&self.sql, &isolate.config, now_ms(), body),
            Operation::LogIn => account::log_in(&self.sql, now_ms(), body),
            _ => Err(Code::NotFound.into()),
        }?;
        Reply::json(200, &proven)
    }
}
