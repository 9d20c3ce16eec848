//! What other objects of this Worker ask an org ([`crate::asks`] is the contract).

use super::{actor, invitations, keys, limits, members, operator, sessions};
use crate::asks::AskOrg;
use crate::context::Context;
use crate::error::AppError;
use crate::reply::Reply;

/// Answers an ask. The call beside it says for which request it is; only [`AskOrg::Authorize`] decides on the call itself,
/// the flow that sends any other has asked that first or has a proof of its own.
///
/// # Errors
/// Faults and refusals alike, as for [`super::handle`].
pub fn answer(ctx: Context<'_>, ask: &AskOrg) -> Result<Reply, AppError> {
    match ask {
        AskOrg::Authorize => {
            let actor = actor::authorize(ctx)?;
            limits::check(ctx, &actor)?;
            Reply::json(200, &actor.voucher()?)
        }
        AskOrg::OpenSession(request) => sessions::open(ctx, request),
        AskOrg::EndSessions { user, but, epoch, reason } => {
            sessions::end(ctx, user, but.as_ref(), *epoch, reason)
        }
        AskOrg::Stands { user, session } => sessions::stands(ctx, user, session),
        AskOrg::MarkAuthenticated { session, proof } => sessions::mark_authenticated(ctx, session, *proof),
        AskOrg::PeekInvitation { digest } => invitations::peek(ctx, digest),
        AskOrg::Join { digest, user } => invitations::join(ctx, digest, user),
        AskOrg::UpdateUser(user) => members::update_user(ctx, user),
        AskOrg::SetPlan { operator, plan, at_once } => operator::set_plan(ctx, operator, plan, *at_once),
        AskOrg::SetLimits { operator, limits } => operator::set_limits(ctx, operator, limits),
        AskOrg::Describe { .. } => operator::describe(ctx),
        AskOrg::Rewrap { version } => Reply::json(200, &keys::rewrap(ctx, *version)?),
        AskOrg::KeysRotated { operator, from, to, before } => {
            keys::rotated(ctx, operator, *from, *to, before)
        }
        // A provider may have to be asked first: `super::leave`.
        AskOrg::Leave { .. } => Err(AppError::Platform("leave was asked where nobody can be asked for it")),
    }
}
