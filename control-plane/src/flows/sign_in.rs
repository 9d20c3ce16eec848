//! Signing in: a password, or an identity provider's word, then a second factor where there is one, then a session.
//!
//! Whether an account exists does not show: what is unknown is asked the same questions in the same order, down to bcrypt,
//! and an attempt is counted before either is known.

use super::enter::{Proof, enter};
use super::{Flow, Objects};
use crate::asks::{AskAccount, AskIdentity, Entrant, Identity, Place, Proven, Secret, SignIn};
use crate::context::random;
use crate::error::AppError;
use crate::json;
use crate::reply::Reply;
use protocol::api::{LogIn, SecondFactor, SecondFactorNeeded, ShownOnce};
use protocol::time::rfc3339;
use protocol::{Code, OrgId, UserId};
use secrecy::ExposeSecret as _;
use tokens::{LinkKind, parse_link};

/// `POST /v1/login`.
pub(super) async fn log_in<O: Objects>(flow: Flow<'_, O>, body: &[u8]) -> Result<Reply, AppError> {
    let request: LogIn = json::parse(body)?;
    let email = crate::email::normalize(&request.email)?;
    let identity = Identity::Email { email: email.clone() };
    let name = flow.secrets.identity_name(&identity);
    let found: Option<UserId> = flow.objects.identity(&name, &AskIdentity::Attempt).await?;
    let user = found.unwrap_or_else(|| flow.secrets.decoy(&identity));
    let password = Secret::from(&request.password);
    let prove = AskAccount::ProvePassword { email, password, org: request.org_id };
    let sign_in = flow.objects.account(&user, &prove).await;
    // Right, or not looked at.
    if matches!(sign_in, Ok(_) | Err(AppError::Limited { .. })) {
        flow.objects.identity::<()>(&name, &AskIdentity::Forgive).await?;
    }
    match sign_in? {
        SignIn::Proven(proof) => proven(flow, proof, "login").await,
        SignIn::SecondFactor { challenge, expires_at } => {
            let challenge = ShownOnce(challenge.0.clone());
            Reply::json(202, &SecondFactorNeeded { challenge, expires_at: rfc3339(expires_at) })
        }
    }
}

/// `POST /v1/login/second-factor`.
pub(super) async fn second_factor<O: Objects>(flow: Flow<'_, O>, body: &[u8]) -> Result<Reply, AppError> {
    let request: SecondFactor = json::parse(body)?;
    let (user, digest) = flow.link(LinkKind::SecondFactor, request.challenge.expose_secret())?;
    let prove = AskAccount::ProveSecondFactor { digest, code: Secret::from(&request.code) };
    let proof = flow.objects.account(&user, &prove).await?;
    proven(flow, proof, "login").await
}

/// From a proof to a session: in the org that was asked for, else in the one used last that still knows the person, else in
/// a new one of their own: nobody who can sign in is ever left without a workspace. `reason` is for the audit trail.
///
/// # Errors
/// `NotFound` where the org that was asked for is none of the person's.
pub async fn proven<O: Objects>(flow: Flow<'_, O>, proven: Proven, reason: &str) -> Result<Reply, AppError> {
    let Proven { entrant, places, org: asked_for, second_factor } = proven;
    let proof = Proof { reason, status: 200, authenticated_at: flow.now_ms, second_factor };
    let wanted = places.iter().filter(|place| asked_for.as_ref().is_none_or(|org| *org == place.org));
    for place in wanted {
        if let Some(reply) = enter(flow, &entrant, place, &proof).await? {
            return Ok(reply);
        }
    }
    if asked_for.is_some() {
        return Err(Code::NotFound.into());
    }
    let place = found_own(flow, &entrant).await?;
    enter(flow, &entrant, &place, &proof).await?.ok_or_else(|| Code::Unavailable.into())
}

async fn found_own<O: Objects>(flow: Flow<'_, O>, entrant: &Entrant) -> Result<Place, AppError> {
    const SUFFIX: &str = "'s workspace";
    let own: String = entrant.user.name.chars().take(100 - SUFFIX.len()).collect();
    let org = OrgId::new(flow.config.residency.default, random()?);
    let found = AskAccount::Found { org, name: format!("{}{SUFFIX}", own.trim_end()) };
    let (_, place) = flow.objects.account::<(Entrant, Place)>(&entrant.user.id, &found).await?;
    Ok(place)
}

impl<O> Flow<'_, O> {
    /// The account and the digest of a link of this kind, pasted with white space around it or not.
    pub(super) fn link(&self, kind: LinkKind, presented: &str) -> Result<(UserId, String), AppError> {
        let link = parse_link(&self.secrets.mac, kind, presented.trim()).map_err(|_| Code::InvalidLink)?;
        let user = UserId::parse(&format!("{}{}", UserId::PREFIX, link.subject));
        Ok((user.map_err(|_| Code::InvalidLink)?, link.digest))
    }
}
