//! Which credential a connection may hold: one of a kind that its connector takes, put where the provider reads it.

use super::Target;
use crate::context::Context;
use crate::error::AppError;
use crate::json::wrong;
use crate::org::actor::Actor;
use crate::org::limits;
use crate::remote::{Login, LoginRefused, Remote};
use crate::store::{Event, Tx};
use connectors::catalogue::{Connector, CredentialKind, Kind, StaticCredential};
use connectors::{Credential, CredentialInput};
use protocol::Code;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

/// The most that composing makes of a byte of UTF-8 (UAX 15, section 12).
const MOST_GROWTH: usize = 3;

/// Checks a credential that is given with the call.
///
/// # Errors
/// `ValidationFailed`, saying what the connector takes or what is wrong with the value.
pub(super) fn admit(connector: &Connector, input: CredentialInput) -> Result<Credential, AppError> {
    let fitted = if connector.is_generic() { Some(input) } else { fit(connector, input) };
    let fitted =
        fitted.ok_or_else(|| wrong("auth", format!("{} takes {}", connector.name, taken(connector))))?;
    Credential::new(composed(fitted)).map_err(|error| wrong("auth", error.to_string()))
}

/// A name and password in the form in which RFC 7617, section 2.1, has them sent: accents composed.
fn composed(input: CredentialInput) -> CredentialInput {
    let CredentialInput::Basic { username, password } = input else { return input };
    let mut form = String::with_capacity(password.expose_secret().len() * MOST_GROWTH);
    form.extend(tokens::nfc(password.expose_secret()));
    // A copy of the exact size; the longer one is wiped.
    let form = Zeroizing::new(form);
    CredentialInput::Basic { username: tokens::nfc(&username).collect(), password: form.as_str().into() }
}

/// The input as the connector's data says that it is sent; `None` where it takes no such credential.
fn fit(connector: &Connector, input: CredentialInput) -> Option<CredentialInput> {
    let of = |kind| connector.credentials.iter().filter(move |credential| credential.kind == kind);
    Some(match input {
        CredentialInput::Bearer { token } => {
            of(CredentialKind::Bearer).next()?;
            CredentialInput::Bearer { token }
        }
        CredentialInput::ApiKey { header, query, value } => {
            let place = of(CredentialKind::ApiKey)
                .find(|place| agrees(&header, &place.header) && agrees(&query, &place.query))?;
            CredentialInput::ApiKey { header: place.header.clone(), query: place.query.clone(), value }
        }
        CredentialInput::Basic { mut username, password } => {
            let suffix = of(CredentialKind::Basic).next()?.username_suffix.as_deref().unwrap_or_default();
            if !username.ends_with(suffix) {
                username.push_str(suffix);
            }
            CredentialInput::Basic { username, password }
        }
        CredentialInput::None => {
            of(CredentialKind::None).next()?;
            CredentialInput::None
        }
        CredentialInput::OAuth2 => return None,
    })
}

/// Whether what is given, if anything is, is what the catalogue says.
fn agrees(given: &Option<String>, fixed: &Option<String>) -> bool {
    let Some(given) = given else { return true };
    fixed.as_ref().is_some_and(|fixed| fixed.eq_ignore_ascii_case(given))
}

fn taken(connector: &Connector) -> String {
    let oauth = connector.oauth.iter().map(|_| "oauth2".to_owned());
    let kinds: Vec<String> = oauth.chain(connector.credentials.iter().map(described)).collect();
    kinds.join(" or ")
}

fn described(credential: &StaticCredential) -> String {
    let kind = credential.kind.as_str();
    match (&credential.header, &credential.query) {
        (Some(name), _) => format!("{kind} in the header {name}"),
        (None, Some(name)) => format!("{kind} in the query parameter {name}"),
        (None, None) => kind.to_owned(),
    }
}

/// The login by which a credential is proven before it is stored; `None` for what speaks HTTP.
///
/// # Errors
/// [`AppError::Platform`] where target or credential are not what such a connector's are.
pub(super) fn login<'a>(
    connector: &Connector,
    target: &'a Target,
    credential: &'a Credential,
    allow_writable_role: bool,
) -> Result<Option<Login<'a>>, AppError> {
    let kind = match connector.kind {
        Kind::Http => return Ok(None),
        other => other.as_str(),
    };
    let Target { parameters, allowed_hosts, .. } = target;
    let login = Login::new(kind, parameters, allowed_hosts, credential, allow_writable_role);
    login.map(Some).ok_or(AppError::Platform("a connection's row does not make the login that was checked"))
}

/// Proves a credential by logging in. That this was tried is counted and on record before anybody is asked: a login that
/// fails is otherwise nowhere, and whoever guesses passwords of somebody else's server by us makes many of those (M7).
///
/// `admit` says in the same transaction what else has to hold. What was read before is to be read again afterwards.
///
/// # Errors
/// `CredentialRefused`; [`AppError::Limited`]; those of `admit` and the database.
pub(super) async fn prove(
    ctx: Context<'_>,
    remote: &impl Remote,
    actor: &Actor,
    connector: &Connector,
    target: impl ToString,
    login: Login<'_>,
    admit: impl FnOnce(&Tx<'_>) -> Result<(), AppError>,
) -> Result<(), AppError> {
    ctx.store.transaction(|tx| {
        admit(tx)?;
        limits::of_logins(ctx)?;
        let event = Event::new("connection.login_tried", target)
            .with("connector", connector.id.as_str())
            .with("host", login.host);
        tx.commit(&ctx.subject(actor.name()), event, ())
    })?;
    let refused = |LoginRefused { reason, detail }| {
        AppError::refused(Code::CredentialRefused, format!("{reason}: {detail}"))
    };
    remote.log_in(login).await.map_err(refused)
}
