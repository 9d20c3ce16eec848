//! Signing in by an OpenID Connect provider (claims C3, F9, M9): crate `oidc` decides what a provider's answer proves, the
//! accounts decide whom it belongs to.
//!
//! An identity is the provider's issuer and the person's subject there, never an email: addresses change hands. An email
//! leads to an account in one case alone: the account has proven it, the provider vouches for it, and the operator has
//! said that this provider may (`link_by_email`). Otherwise whoever comes by a provider with an address that has an
//! account is told to sign in and link it.

use super::claim::claim;
use super::sign_up::{self, Destination, Person};
use super::{Flow, Objects};
use crate::asks::{Again, AskAccount, AskIdentity, AskOrg, Identity, NewIdentity, SignIn};
use crate::error::AppError;
use crate::json::{self, field};
use crate::reply::Reply;
use config::OidcProvider;
use oidc::{
    Attempt, Callback, Client, Issuer, Jwks, Metadata, OidcError, PendingIdentity, Purpose, ReturnPath,
    SignedIn, TokenRequest, Tokens, Transport, verify_id_token,
};
use protocol::api::{Account, FinishSignUp, ShownOnce};
use protocol::call::{OidcCallback, OidcOutcome, OidcPurpose, OidcRedirect, OidcStart};
use protocol::{Code, OrgId, SessionId, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use std::rc::Rc;

/// The providers, as they are reached.
#[allow(async_fn_in_trait, reason = "futures of a Worker stay on their thread")]
pub trait Providers {
    /// A provider's discovery document, at most an hour old.
    ///
    /// # Errors
    /// `IdentityProviderUnavailable`.
    async fn metadata(&self, issuer: &Issuer) -> Result<Rc<Metadata>, AppError>;

    /// Its keys, at most an hour old; fetched `again` where that has not been done for a minute.
    ///
    /// # Errors
    /// As above.
    async fn keys(&self, metadata: &Metadata, again: bool) -> Result<Rc<Jwks>, AppError>;

    /// The tokens for a code.
    ///
    /// # Errors
    /// As above; `IdentityRefused` for a code that is unknown or used.
    async fn redeem(&self, request: TokenRequest) -> Result<Tokens, AppError>;

    /// What the userinfo endpoint says.
    ///
    /// # Errors
    /// As above.
    async fn user_info(&self, url: &str, access_token: &SecretString) -> Result<Vec<u8>, AppError>;
}

/// The way to a provider → `OidcRedirect`.
pub(super) async fn start<O: Objects>(
    flow: Flow<'_, O>,
    providers: &impl Providers,
    start: &OidcStart,
) -> Result<Reply, AppError> {
    let purpose = match start.purpose {
        OidcPurpose::SignIn => Purpose::SignIn,
        OidcPurpose::Link => Purpose::Link(signed_in(flow).await?),
        OidcPurpose::Reauthenticate => Purpose::Reauthenticate(signed_in(flow).await?),
    };
    let provider = Provider::of(flow, &start.provider)?;
    let metadata = providers.metadata(&provider.issuer).await?;
    let attempt = Attempt::new(&start.provider, &metadata, purpose, ReturnPath::root(), flow.now_ms / 1000)
        .map_err(|_| AppError::Platform("no randomness"))?;
    let location = attempt.authorization_url(&metadata, &provider.client).map_err(|_| AppError::Encoding)?;
    let attempt = attempt.to_cookie(&flow.secrets.oidc_state).map_err(|_| AppError::Encoding)?;
    Reply::json(200, &OidcRedirect { location, attempt: ShownOnce(attempt) })
}

/// The way back → `OidcOutcome`.
pub(super) async fn finish<O: Objects>(
    flow: Flow<'_, O>,
    providers: &impl Providers,
    callback: &OidcCallback,
) -> Result<Reply, AppError> {
    let now_s = flow.now_ms / 1000;
    let attempt = Attempt::from_cookie(&flow.secrets.oidc_state, &callback.attempt.0, now_s)
        .map_err(|_| Code::InvalidLink)?;
    if attempt.provider() != callback.provider {
        return Err(Code::InvalidLink.into());
    }
    let provider = Provider::of(flow, attempt.provider())?;
    let metadata = providers.metadata(&provider.issuer).await?;
    let identity = prove(providers, &provider, &metadata, &attempt, &callback.query.0, now_s).await?;
    let new = NewIdentity {
        provider: callback.provider.clone(),
        issuer: identity.issuer.clone(),
        subject: identity.subject.clone(),
        email: identity.email.clone(),
    };
    match attempt.purpose() {
        Purpose::SignIn => match sign_in(flow, provider.settings, &identity, &new).await? {
            Some(signed_in) => outcome(flow, signed_in).await,
            None => offer_sign_up(flow, identity),
        },
        Purpose::Link(who) => {
            let (user, org, session) = ids(who)?;
            flow.objects.org(&org, &AskOrg::Stands { user: user.clone(), session }).await?;
            take(flow, &user, &new.identity()).await?;
            flow.objects.account::<()>(&user, &AskAccount::LinkIdentity(new)).await?;
            Reply::json(200, &OidcOutcome::Done { purpose: OidcPurpose::Link })
        }
        Purpose::Reauthenticate(who) => {
            let (user, org, session) = ids(who)?;
            let ask = AskAccount::ProveIdentity { identity: new.identity(), email: new.email };
            let proof = match flow.objects.account::<Option<SignIn>>(&user, &ask).await? {
                None => {
                    return Err(AppError::refused(
                        Code::IdentityRefused,
                        "this is not an identity of your account",
                    ));
                }
                Some(SignIn::SecondFactor { .. }) => Again::FirstOfTwo,
                Some(SignIn::Proven(proven)) if proven.second_factor => Again::Second,
                Some(SignIn::Proven(_)) => Again::First,
            };
            flow.objects.org(&org, &AskOrg::MarkAuthenticated { session, proof }).await?;
            Reply::json(200, &OidcOutcome::Done { purpose: OidcPurpose::Reauthenticate })
        }
    }
}

/// `POST /finish-sign-up`: who came by a provider has accepted the terms → `api::SignedIn`.
pub(super) async fn finish_sign_up<O: Objects>(
    flow: Flow<'_, O>,
    pending: &str,
    body: &[u8],
) -> Result<Reply, AppError> {
    let request: FinishSignUp = json::parse(body)?;
    let pending = PendingIdentity::from_cookie(&flow.secrets.oidc_state, pending, flow.now_ms / 1000)
        .map_err(|_| Code::InvalidLink)?;
    let email = crate::email::normalize(pending.email().ok_or(Code::InvalidLink)?)?;
    json::check_name("name", &request.name)?;
    if !request.accept_terms {
        return Err(field("accept_terms", "must be true"));
    }
    let settings = flow.config.sign_in.oidc.iter().find(|provider| provider.issuer == pending.issuer());
    let identity = NewIdentity {
        provider: settings.ok_or(Code::InvalidLink)?.id.clone(),
        issuer: pending.issuer().to_owned(),
        subject: pending.subject().to_owned(),
        email: Some(email.clone()),
    };
    let person =
        Person { email, email_verified: true, name: request.name, password: None, identity: Some(identity) };
    let destination =
        Destination::of(flow, &person.email, request.org_name, request.region, request.invitation_token)
            .await?;
    sign_up::open(flow, person, destination).await
}

/// Takes an identity for an account.
///
/// # Errors
/// `AccountExists` where it is another account's.
pub(super) async fn take<O: Objects>(
    flow: Flow<'_, O>,
    user: &UserId,
    identity: &Identity,
) -> Result<(), AppError> {
    if claim(flow, user, identity).await? {
        return Ok(());
    }
    Err(AppError::refused(Code::AccountExists, "this identity is linked to another account"))
}

/// A provider of sluicegate.toml, and how this system is registered there.
struct Provider<'a> {
    settings: &'a OidcProvider,
    issuer: Issuer,
    client: Client,
}

impl<'a> Provider<'a> {
    fn of<O>(flow: Flow<'a, O>, id: &str) -> Result<Self, AppError> {
        let settings =
            flow.config.sign_in.oidc.iter().find(|provider| provider.id == id).ok_or(Code::NotFound)?;
        let transport = if flow.allow_local_upstreams { Transport::HttpsOrLocal } else { Transport::Https };
        let issuer = Issuer::parse(&settings.issuer, transport)
            .map_err(|_| AppError::Platform("an issuer of sluicegate.toml is not usable here"))?;
        let secret = flow.secrets.oidc_clients.get(id);
        let client = Client {
            id: settings.client_id.clone(),
            secret: secret.ok_or(AppError::Platform("OIDC_CLIENT_SECRETS lacks a provider"))?.clone(),
            redirect_uri: format!("{}/sign-in/{id}/callback", flow.call.client.origin),
        };
        Ok(Self { settings, issuer, client })
    }
}

/// Who it is, by the provider's word for this attempt.
async fn prove(
    providers: &impl Providers,
    provider: &Provider<'_>,
    metadata: &Metadata,
    attempt: &Attempt,
    query: &str,
    now_s: u64,
) -> Result<oidc::Identity, AppError> {
    let callback = Callback::from_query(query).map_err(refused)?;
    let code = attempt.check_callback(metadata, callback).map_err(refused)?;
    let tokens = providers.redeem(TokenRequest::new(metadata, &provider.client, code)).await?;
    let token = &tokens.id_token;
    let expected = attempt.expects(&provider.client.id, now_s);
    let keys = providers.keys(metadata, false).await?;
    let identity = match verify_id_token(token.expose_secret(), &keys, &expected) {
        // The provider may have rotated its keys.
        Err(OidcError::UnknownKey) => {
            let keys = providers.keys(metadata, true).await?;
            verify_id_token(token.expose_secret(), &keys, &expected).map_err(refused)?
        }
        other => other.map_err(refused)?,
    };
    match metadata.userinfo_endpoint().filter(|_| identity.wants_user_info()) {
        Some(url) => {
            let answer = providers.user_info(url, &tokens.access_token).await?;
            identity.with_user_info(&answer).map_err(refused)
        }
        None => Ok(identity),
    }
}

fn refused(error: OidcError) -> AppError {
    match error {
        OidcError::Denied => AppError::refused(Code::IdentityRefused, "the identity provider was told no"),
        OidcError::State | OidcError::Callback => Code::InvalidLink.into(),
        // Fixed words of ours, none of the provider's.
        other => AppError::refused(Code::IdentityRefused, other.to_string()),
    }
}

/// The account's word on an identity that a provider has proven; `None`: nobody's.
async fn sign_in<O: Objects>(
    flow: Flow<'_, O>,
    settings: &OidcProvider,
    identity: &oidc::Identity,
    new: &NewIdentity,
) -> Result<Option<SignIn>, AppError> {
    let proof = AskAccount::ProveIdentity { identity: new.identity(), email: new.email.clone() };
    let name = flow.secrets.identity_name(&new.identity());
    if let Some(user) = flow.objects.identity::<Option<UserId>>(&name, &AskIdentity::Find).await?
        && let Some(signed_in) = flow.objects.account(&user, &proof).await?
    {
        return Ok(Some(signed_in));
    }
    let unproven = || {
        AppError::refused(Code::IdentityRefused, "the identity provider has not proven your email address")
    };
    let email = identity.email.as_deref().filter(|_| identity.email_verified).ok_or_else(unproven)?;
    let unreachable = |_| {
        AppError::refused(
            Code::IdentityRefused,
            "the email address of your identity cannot receive mail from here",
        )
    };
    let email = crate::email::normalize(email).map_err(unreachable)?;
    let name = flow.secrets.identity_name(&Identity::Email { email: email.clone() });
    let Some(user) = flow.objects.identity::<Option<UserId>>(&name, &AskIdentity::Find).await? else {
        return Ok(None);
    };
    let account = match flow.objects.account::<Account>(&user, &AskAccount::Describe).await {
        Ok(account) if account.user.email == email => account,
        // The email points to what is no account, or no longer its own.
        Ok(_) | Err(AppError::Refused(Code::Unauthenticated, _)) => return Ok(None),
        Err(error) => return Err(error),
    };
    if !(settings.link_by_email && account.email_verified) {
        return Err(Code::AccountExists.into());
    }
    take(flow, &user, &new.identity()).await?;
    flow.objects.account::<()>(&user, &AskAccount::LinkIdentity(new.clone())).await?;
    flow.objects.account(&user, &proof).await
}

async fn outcome<O: Objects>(flow: Flow<'_, O>, signed_in: SignIn) -> Result<Reply, AppError> {
    match signed_in {
        SignIn::Proven(proof) => {
            let reply = super::sign_in::proven(flow, proof, "oidc").await?;
            let done = OidcOutcome::Done { purpose: OidcPurpose::SignIn };
            Ok(Reply { session: reply.session, ..Reply::json(200, &done)? })
        }
        SignIn::SecondFactor { challenge, .. } => {
            Reply::json(200, &OidcOutcome::SecondFactor { challenge: ShownOnce(challenge.0.clone()) })
        }
    }
}

fn offer_sign_up<O>(flow: Flow<'_, O>, identity: oidc::Identity) -> Result<Reply, AppError> {
    let email = identity.email.clone().unwrap_or_default();
    let name = identity.name.clone().unwrap_or_default();
    let pending = PendingIdentity::new(identity, flow.now_ms / 1000);
    let pending = pending.to_cookie(&flow.secrets.oidc_state).map_err(|_| AppError::Encoding)?;
    Reply::json(200, &OidcOutcome::SignUp { pending: ShownOnce(pending), email, name })
}

/// Who is signed in, for the attempt to remember.
async fn signed_in<O: Objects>(flow: Flow<'_, O>) -> Result<SignedIn, AppError> {
    let caller = flow.caller().await?;
    Ok(SignedIn {
        user: caller.user().to_string(),
        org: caller.org.to_string(),
        session: caller.voucher.session.to_string(),
    })
}

fn ids(who: &SignedIn) -> Result<(UserId, OrgId, SessionId), AppError> {
    let parse = || {
        Some((
            UserId::parse(&who.user).ok()?,
            OrgId::parse(&who.org).ok()?,
            SessionId::parse(&who.session).ok()?,
        ))
    };
    parse().ok_or(AppError::Encoding)
}
