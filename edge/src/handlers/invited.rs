//! What an invitation is for, to the browser that has its token: which workspace, who invites, as what, for which address.
//! Whoever has the token may know; nobody else gets an answer.

use super::Context;
use super::cookies::{Cookie, Jar};
use super::pages::read;
use crate::control_plane::ControlPlane;
use protocol::api::ShownOnce;
use protocol::call::Invited;
use protocol::{Code, Operation, Principal};

/// What the invitation in the jar is for; `None` where that cannot be said now: the page does without.
///
/// # Errors
/// `InvalidLink` where there is none, or none that can be accepted.
pub async fn peek<P: ControlPlane>(context: &Context<'_, P>, jar: &Jar) -> Result<Option<Invited>, Code> {
    let token = ShownOnce(jar.get(Cookie::Invitation).ok_or(Code::InvalidLink)?.to_owned());
    let operation = Operation::PeekInvitation { token };
    let Ok(reply) = context.call(None, Principal::Anonymous, operation, Vec::new()).await else {
        return Ok(None);
    };
    match reply.problem().0 {
        _ if reply.is_success() => Ok(read(&reply).ok()),
        Code::InvalidLink => Err(Code::InvalidLink),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
