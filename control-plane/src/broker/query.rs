//! `POST /v1/connections/{id}/query`: one statement that reads, in a customer's own database. Rows pass through and are
//! stored nowhere (claim C1).

use super::leave::Leaves;
use super::proxy::read;
use super::test::login_of;
use crate::error::AppError;
use crate::json::parse;
use crate::platform::postgres::{self, Limits};
use crate::router::Failure;
use crate::warehouse::{Failure as Refused, Login, Parameter, Query};
use protocol::Code;
use std::time::Duration;
use worker::{Request, Response};

/// The rows, streamed.
///
/// # Errors
/// `QueryRefused`, `RoleCanWrite`, `UpstreamUnreachable`, `UpstreamTimeout`; those of the org's object.
pub(super) async fn query(leaves: &Leaves<'_>, request: &mut Request) -> Result<Response, Failure> {
    let config = &leaves.isolate.config.limits;
    let body = read(request, config.json_body_bytes.into()).await?;
    let asked: Asked = parse(&body)?;
    let query =
        Query::new(&asked.sql, asked.parameters, asked.max_rows, config.query_rows).map_err(public)?;
    let limits = Limits {
        max_bytes: config.query_bytes as usize,
        statement: Duration::from_secs(config.query_timeout_seconds.into()),
    };
    let granted = leaves.ask_once().await?;
    let of = login_of(&granted)?;
    let login = Login::new(of.username, of.password, of.database.unwrap_or_default()).map_err(public)?;
    let response = postgres::query(postgres::of(&of, &login), &query, limits).await.map_err(public)?;
    granted.tell(response)
}

/// As `api::Query`, which is for the documentation: parameters keep the digits that they came with.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    sql: String,
    #[serde(default)]
    parameters: Vec<Parameter>,
    #[serde(default)]
    max_rows: Option<u32>,
}

fn public(failure: Refused) -> AppError {
    let code = match &failure {
        Refused::Sql | Refused::Parameters | Refused::MaxRows(_) => Code::ValidationFailed,
        Refused::RoleMayWrite(_) | Refused::RoleMayDoMore(_) => Code::RoleCanWrite,
        Refused::Postgres(_) => Code::QueryRefused,
        Refused::TimedOut => Code::UpstreamTimeout,
        Refused::Login | Refused::BadPassword | Refused::NoDatabase | Refused::NoAuth => {
            Code::CredentialRefused
        }
        _ => Code::UpstreamUnreachable,
    };
    let detail = match &failure {
        // What PostgreSQL says of the caller's own statement is for the caller.
        Refused::Postgres(error) => format!("{}: {}", error.sqlstate, error.message),
        failure => failure.to_string(),
    };
    AppError::refused(code, detail)
}
