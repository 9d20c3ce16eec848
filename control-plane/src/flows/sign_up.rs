//! Signing up: an account with a workspace of its own, or one that joins the workspace which an invitation is for.
//!
//! The email's identity is claimed first, then the account is made where that points to: two sign-ups at once, or one that
//! was cut off and comes again, meet in one account object, which makes one account.

use super::claim::claim;
use super::enter::{Proof, enter};
use super::orgs::{Invitation, join};
use super::{Flow, Objects, oidc, register};
use crate::asks::{
    AskAccount, AskIdentity, Creation, Entrant, Identity, NewAccount, NewIdentity, Place, Secret,
};
use crate::context::random;
use crate::email;
use crate::error::AppError;
use crate::json::{self, field};
use crate::reply::Reply;
use protocol::api::SignUp;
use protocol::{Code, OrgId, Region, UserId};
use secrecy::SecretString;

/// `POST /v1/signup`.
pub(super) async fn sign_up<O: Objects>(flow: Flow<'_, O>, body: &[u8]) -> Result<Reply, AppError> {
    let request: SignUp = json::parse(body)?;
    let email = email::normalize(&request.email)?;
    json::check_name("name", &request.name)?;
    if !request.accept_terms {
        return Err(field("accept_terms", "must be true"));
    }
    let brand = flow.config.brand.name.as_str();
    let about = [&email, &request.name, request.org_name.as_deref().unwrap_or_default(), brand];
    json::check_new_password("password", &request.password, &about)?;
    let person = Person {
        email,
        email_verified: false,
        name: request.name,
        password: Some(Secret::from(&request.password)),
        identity: None,
    };
    let destination =
        Destination::of(flow, &person.email, request.org_name, request.region, request.invitation_token)
            .await?;
    open(flow, person, destination).await
}

/// Who signs up, and what for.
pub(super) struct Person {
    pub email: String,
    /// Somebody vouches for the email.
    pub email_verified: bool,
    pub name: String,
    /// `None`: signs in by `identity` alone.
    pub password: Option<Secret>,
    pub identity: Option<NewIdentity>,
}

/// The first org of who signs up.
pub(super) enum Destination {
    /// Their own, to be made.
    Own(OrgId, String),
    /// That of an invitation.
    Invited(Invitation),
}

impl Destination {
    /// By what a sign-up says: a name for a new org, or the token of an invitation to this email.
    ///
    /// # Errors
    /// 422 naming a field; `InvalidLink`, `WrongEmail`.
    pub(super) async fn of<O: Objects>(
        flow: Flow<'_, O>,
        email: &str,
        org_name: Option<String>,
        region: Option<Region>,
        invitation_token: Option<SecretString>,
    ) -> Result<Self, AppError> {
        match (org_name, invitation_token) {
            (Some(name), None) => {
                json::check_name("org_name", &name)?;
                Ok(Self::Own(OrgId::new(flow.region(region)?, random()?), name))
            }
            (None, Some(token)) => {
                if region.is_some() {
                    return Err(field("region", "must be left out: the workspace of the invitation has one"));
                }
                let invitation = Invitation::peek(flow, &token).await?;
                if email::normalize(&invitation.invited.email)? != email {
                    return Err(Code::WrongEmail.into());
                }
                Ok(Self::Invited(invitation))
            }
            (Some(_), Some(_)) => Err(field("org_name", "must be left out with an invitation_token")),
            (None, None) => Err(field("org_name", "must be given, or an invitation_token")),
        }
    }
}

/// Makes the account, and opens its first session.
pub(super) async fn open<O: Objects>(
    flow: Flow<'_, O>,
    person: Person,
    destination: Destination,
) -> Result<Reply, AppError> {
    let Person { email, email_verified, name, password, identity } = person;
    let (org, org_name, joins_as) = match &destination {
        Destination::Own(org, name) => (org.clone(), name.clone(), None),
        Destination::Invited(Invitation { org, invited, .. }) => {
            (org.clone(), invited.org_name.clone(), Some(invited.role))
        }
    };
    let place = Place { org: org.clone(), name: org_name.clone(), unmade: joins_as.is_none() };
    let new =
        NewAccount { email, email_verified, name, password, identity, org, org_name, joins_as, kek: None };
    let entrant = make(flow, &new).await?;
    if let Destination::Invited(invitation) = &destination {
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
        if let Some(identity) = &new.identity {
            // First: an account whose identity leads nowhere could not be signed in to.
            oidc::take(flow, &holder, &identity.identity()).await?;
        }
        let kek = Some(register(flow, holder.as_str()).await?);
        let create = AskAccount::Create(NewAccount { kek, ..new.clone() });
        match flow.objects.account(&holder, &create).await? {
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
