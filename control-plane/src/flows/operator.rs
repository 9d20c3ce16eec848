//! What the operator of this installation sets of an org, and sees of it: no content. The operator's own org vouches for
//! their session ([`protocol::Access::Operator`]); the target org keeps who did it in its audit trail.

use super::{Caller, Flow, Objects};
use crate::asks::AskOrg;
use crate::error::AppError;
use crate::json;
use crate::reply::Reply;
use protocol::api::{SetOrgLimits, SetPlan};
use protocol::{Code, OrgId, UserId};

/// `PUT /v1/admin/orgs/{id}/plan`.
pub(super) async fn set_plan<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    org: &OrgId,
    body: &[u8],
) -> Result<Reply, AppError> {
    let operator = operator(caller)?;
    let SetPlan { plan, at_once } = json::parse(body)?;
    flow.objects.org(org, &AskOrg::SetPlan { operator, plan, at_once }).await
}

/// `PUT /v1/admin/orgs/{id}/rate-limits`.
pub(super) async fn set_limits<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    org: &OrgId,
    body: &[u8],
) -> Result<Reply, AppError> {
    let operator = operator(caller)?;
    let limits: SetOrgLimits = json::parse(body)?;
    flow.objects.org(org, &AskOrg::SetLimits { operator, limits }).await
}

/// `GET /v1/admin/orgs/{id}`.
pub(super) async fn describe<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    org: &OrgId,
) -> Result<Reply, AppError> {
    let operator = operator(caller)?;
    flow.objects.org(org, &AskOrg::Describe { operator }).await
}

/// The org has decided; that it did is checked once more, since another org's limits hang on it.
pub(super) fn operator(caller: &Caller) -> Result<UserId, AppError> {
    if caller.voucher.operator { Ok(caller.user().clone()) } else { Err(Code::Forbidden.into()) }
}
