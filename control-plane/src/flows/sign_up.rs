//! Signing up: an account with a workspace of its own, or one that joins the workspace which an invitation is for.
//!
//! The email's identity is claimed first, then the account is made where that points to: two sign-ups at once, or one that
//! was cut off and comes again, meet in one account object, which makes one account.

use super::claim::claim;
use super::enter::{Proof, enter};
use super::orgs::{Invitation, join};
use super::{Flow, Objects};
use crate::asks::{AskAccount, AskIdentity, Creation, Entrant, Identity, NewAccount, Place, Secret};
use crate::context::random;
use crate::error::AppError;
use crate::json::{self, field};
use crate::reply::Reply;
use protocol::api::SignUp;
use protocol::{Code, OrgId, Region, UserId};

/// `POST /v1/signup`.
pub(super) async fn sign_up<O: Objects>(flow: Flow<'_, O>, body: &[u8]) -> Result<Reply, AppError> {
    let request: SignUp = json::parse(body)?;
    let email = json::email(&request.email)?;
    json::check_name("name", &request.name)?;
    if !request.accept_terms {
        return Err(field("accept_terms", "must be true"));
    }
    json::check_new_password("password", &request.password)?;
    let mut new = NewAccount {
        email,
        email_verified: false,
        name: request.name,
        password: Some(Secret::from(&request.password)),
        identity: None,
        org: OrgId::new(Region::Auto, [0; 16]),
        org_name: String::new(),
        joins_as: None,
    };
    let invitation = match (request.org_name, request.invitation_token) {
        (Some(name), None) => {
            json::check_name("org_name", &name)?;
            new.org = OrgId::new(flow.region(request.region)?, random()?);
            new.org_name = name;
            None
        }
        (None, Some(token)) => {
            if request.region.is_some() {
                return Err(field("region", "must be left out: the workspace of the invitation has one"));
            }
            let invitation = Invitation::peek(flow, &token).await?;
            if json::email(&invitation.invited.email)? != new.email {
                return Err(Code::WrongEmail.into());
            }
            new.org = invitation.org.clone();
            new.org_name.clone_from(&invitation.invited.org_name);
            new.joins_as = Some(invitation.invited.role);
            Some(invitation)
        }
        (Some(_), Some(_)) => return Err(field("org_name", "must be left out with an invitation_token")),
        (None, None) => return Err(field("org_name", "must be given, or an invitation_token")),
    };
    let entrant = make(flow, &new).await?;
    let place = Place { org: new.org, name: new.org_name, unmade: invitation.is_none() };
    if let Some(invitation) = &invitation {
        join(flow, &entrant, invitation, true).await?;
    }
    let proof = Proof { reason: "signup", status: 201, authenticated_at: flow.now_ms, second_factor: false };
    enter(flow, &entrant, &place, &proof).await?.ok_or_else(|| Code::Unavailable.into())
}

/// Makes the account to which the email's identity points, and has the OIDC identity that it may come with point there too.
pub(super) async fn make<O: Objects>(flow: Flow<'_, O>, new: &NewAccount) -> Result<Entrant, AppError> {
    /// Each more means that somebody else was quicker.
    const TRIES: usize = 3;
    let name = flow.secrets.identity_name(&Identity::Email { email: new.email.clone() });
    for _ in 0..TRIES {
        let user = UserId::new(flow.now_ms, random()?);
        let holder: UserId = flow.objects.identity(&name, &AskIdentity::Claim { user }).await?;
        match flow.objects.account(&holder, &AskAccount::Create(new.clone())).await? {
            Creation::Made(entrant) => {
                if let Some(identity) = &new.identity {
                    claim(flow, &holder, &identity.identity()).await?;
                }
                return Ok(entrant);
            }
            Creation::Elsewhere => {
                let to = UserId::new(flow.now_ms, random()?);
                let reclaim = AskIdentity::Reclaim { from: holder, to };
                flow.objects.identity::<UserId>(&name, &reclaim).await?;
            }
        }
    }
    Err(Code::Unavailable.into())
}

impl<O> Flow<'_, O> {
    /// The region of a new org.
    pub(super) fn region(&self, asked_for: Option<Region>) -> Result<Region, AppError> {
        let region = asked_for.unwrap_or(self.config.residency.default);
        if self.config.residency.regions.contains(&region) {
            return Ok(region);
        }
        Err(field("region", "must be one of the regions on offer"))
    }
}
