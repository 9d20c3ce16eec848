//! One object per person. It exists so that password hashing, the slowest thing this product does, runs on a thread of its
//! own for each account: guessing at one holds up no other, and no tenant.

use super::{call_of, respond};
use protocol::Code;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

#[durable_object(fetch)]
pub struct AccountDo;

impl DurableObject for AccountDo {
    fn new(_: State, _: Env) -> Self {
        Self
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match call_of(&request) {
            Ok(call) => respond(Err(Code::Unavailable.into()), &call.request_id),
            Err(_) => Response::error("not a call", 400),
        }
    }
}
