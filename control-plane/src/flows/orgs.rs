//! A person in several orgs: which, another one, from one to the other, into one by invitation, out of one.

use super::enter::{Proof, enter};
use super::{Caller, Flow, Objects};
use crate::asks::{AskAccount, AskOrg, Entrant, Invited, Joining, Place};
use crate::context::random;
use crate::error::AppError;
use crate::json;
use crate::reply::Reply;
use protocol::api::{AcceptInvitation, List, Membership, NewOrg, SwitchOrg};
use protocol::{Code, Operation, OrgId, Principal};
use secrecy::{ExposeSecret as _, SecretString};
use tokens::{LinkKind, parse_link};

/// `GET /v1/orgs`. Role and name are as of the last sign-in there, but for the org that is asked from.
pub(super) async fn list<O: Objects>(flow: Flow<'_, O>, caller: &Caller) -> Result<Reply, AppError> {
    let mut data: Vec<Membership> = flow.objects.account(caller.user(), &AskAccount::Orgs).await?;
    for membership in data.iter_mut().filter(|membership| membership.org_id == caller.org) {
        membership.role = caller.voucher.role;
        membership.current = true;
    }
    Reply::json(200, &List { data, next_cursor: None })
}

/// `POST /v1/orgs`.
pub(super) async fn create<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    body: &[u8],
) -> Result<Reply, AppError> {
    let request: NewOrg = json::parse(body)?;
    json::check_name("name", &request.name)?;
    let org = OrgId::new(flow.region(request.region)?, random()?);
    let found = AskAccount::Found { org, name: request.name };
    let (entrant, place) = flow.objects.account::<(Entrant, Place)>(caller.user(), &found).await?;
    go(flow, caller, &entrant, &place, "switch", 201).await
}

/// `POST /v1/orgs/switch`.
pub(super) async fn switch<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    body: &[u8],
) -> Result<Reply, AppError> {
    let SwitchOrg { org_id: org } = json::parse(body)?;
    let known: Option<(Entrant, Place)> =
        flow.objects.account(caller.user(), &AskAccount::Place { org }).await?;
    let (entrant, place) = known.ok_or(Code::NotFound)?;
    go(flow, caller, &entrant, &place, "switch", 200).await
}

/// What an invitation is for, to whoever has its token → [`Invited`].
pub(super) async fn peek_invitation<O: Objects>(flow: Flow<'_, O>, token: &str) -> Result<Reply, AppError> {
    Reply::json(200, &Invitation::peek(flow, &token.into()).await?.invited)
}

/// `POST /v1/invitations/accept`.
pub(super) async fn accept_invitation<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    body: &[u8],
) -> Result<Reply, AppError> {
    let request: AcceptInvitation = json::parse(body)?;
    let invitation = Invitation::peek(flow, &request.token).await?;
    let Invited { org_name: name, role, .. } = invitation.invited.clone();
    let joining = AskAccount::Joining { org: invitation.org.clone(), name, role };
    let Joining { entrant, place, noted } = flow.objects.account(caller.user(), &joining).await?;
    // Whether it is for this person's email, the org says.
    join(flow, &entrant, &invitation, noted).await?;
    go(flow, caller, &entrant, &place, "invitation", 200).await
}

/// `POST /v1/leave`: the org decides and ends its sessions; the account then knows it. Should it not come to know, the org
/// says so at the next sign-in.
pub(super) async fn leave<O: Objects>(flow: Flow<'_, O>) -> Result<Reply, AppError> {
    let org = flow.call.principal.org().ok_or(Code::Unauthenticated)?;
    // It refuses who is no person.
    let reply = flow.objects.operate(org, &Operation::LeaveOrg).await?;
    if let Principal::Session { user, .. } = &flow.call.principal {
        let _ = flow.objects.account::<()>(user, &AskAccount::Left { org: org.clone() }).await;
    }
    Ok(reply)
}

/// An invitation whose token somebody has.
pub(super) struct Invitation {
    /// The inviting org.
    pub org: OrgId,
    /// Whom, as what.
    pub invited: Invited,
    digest: String,
}

impl Invitation {
    /// Looks at an invitation.
    ///
    /// # Errors
    /// `InvalidLink`.
    pub(super) async fn peek<O: Objects>(flow: Flow<'_, O>, token: &SecretString) -> Result<Self, AppError> {
        let link = parse_link(&flow.secrets.mac, LinkKind::Invitation, token.expose_secret().trim())
            .map_err(|_| Code::InvalidLink)?;
        let org = OrgId::from_body(&link.subject).map_err(|_| Code::InvalidLink)?;
        let peek = AskOrg::PeekInvitation { digest: link.digest.clone() };
        let invited: Invited = flow.objects.org(&org, &peek).await?.read()?;
        Ok(Self { org, invited, digest: link.digest })
    }
}

/// Makes a person a member. Where the org refuses, the account's note that they join is taken back, if there was none
/// before.
pub(super) async fn join<O: Objects>(
    flow: Flow<'_, O>,
    entrant: &Entrant,
    invitation: &Invitation,
    noted: bool,
) -> Result<(), AppError> {
    let join = AskOrg::Join { digest: invitation.digest.clone(), user: entrant.user.clone() };
    let refused = match flow.objects.org(&invitation.org, &join).await {
        Ok(_) => return Ok(()),
        Err(refused) => refused,
    };
    let decided =
        matches!(refused, AppError::Refused(Code::InvalidLink | Code::WrongEmail | Code::PlanRequired, _));
    if noted && decided {
        let left = AskAccount::Left { org: invitation.org.clone() };
        flow.objects.account::<()>(&entrant.user.id, &left).await?;
    }
    Err(refused)
}

/// From the caller's org to another: a session there, with what was proven here, takes the place of the one here.
async fn go<O: Objects>(
    flow: Flow<'_, O>,
    caller: &Caller,
    entrant: &Entrant,
    place: &Place,
    reason: &str,
    status: u16,
) -> Result<Reply, AppError> {
    let proof = Proof {
        reason,
        status,
        authenticated_at: caller.voucher.authenticated_at,
        second_factor: caller.voucher.second_factor,
    };
    // By the proof of the session here: all may have been ended since the org has vouched for it.
    let entrant = Entrant { epoch: caller.voucher.epoch, ..entrant.clone() };
    let reply = enter(flow, &entrant, place, &proof).await?.ok_or(Code::NotFound)?;
    // A session that is left behind stands in the person's list; the new one does not fail for it.
    let _ = flow.objects.operate(&caller.org, &Operation::LogOut).await;
    Ok(reply)
}
