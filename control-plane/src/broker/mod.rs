//! The credential broker: what is done with a connection's credential (invariants 3 and 4; claims B2, N5, T2).
//!
//! leave from the org's object → open the sealed credential → call → scrub → filter. It runs in the stateless part of this
//! Worker: plaintext exists here, for the length of one call, and nowhere else.

mod answer;
mod leave;
mod proxy;
mod query;
mod test;
mod upstream;

use crate::error::AppError;
use crate::platform::Isolate;
use crate::router::{Failure, org_of};
use leave::Leaves;
use protocol::{Call, Operation};
use worker::{Env, Request, Response};

/// Answers a call that uses a credential.
pub(crate) async fn answer(
    isolate: &Isolate,
    env: &Env,
    call: &Call,
    request: &mut Request,
) -> Result<Response, Failure> {
    let leaves = Leaves { isolate, env, call, org: org_of(isolate, call)? };
    match &call.operation {
        Operation::Proxy { .. } => proxy::proxy(&leaves, request).await,
        Operation::TestConnection { .. } => test::test(&leaves).await,
        Operation::Query { .. } => query::query(&leaves, request).await,
        _ => Err(AppError::Platform("not a use of a credential").into()),
    }
}
