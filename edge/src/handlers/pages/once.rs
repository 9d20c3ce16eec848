//! Answers to forms that are pages of their own: a secret that is shown only now, and what came of a change or a trial.

use super::{idle_days, read, write};
use crate::auth::Caller;
use crate::control_plane::Reply;
use crate::handlers::Context;
use crate::handlers::forms::Fields;
use crate::pages;
use crate::pages::webhooks::{endpoints, links, replayed, source};
use crate::verdict::Answer;
use maud::Markup;
use protocol::api::{
    ConnectionTest, CreatedApiKey, CreatedInvitation, DeletedOrg, Disconnected, DryRunResult, Endpoint,
    NewSecondFactor, PortalLink, RecoveryCodes, Replayed, RotatedEndpointSecret, ShownOnce,
    VerificationToken,
};
use protocol::{Code, ConnectionId};
use serde::Deserialize;

/// What is shown on the answer to the form that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// A new API key, or a rotated one's new secret.
    Key,
    /// An invitation's link.
    Invitation,
    /// What goes into the authenticator app.
    SecondFactor,
    /// Recovery codes.
    RecoveryCodes,
    /// A new endpoint's secret.
    Endpoint,
    /// An endpoint's secret after its rotation.
    EndpointSecret {
        /// The endpoint's page.
        path: String,
    },
    /// What a provider has sent to a source's URL.
    Token {
        /// The source's page.
        path: String,
    },
    /// A link to the customers' portal.
    PortalLink,
    /// How much is sent again.
    Replayed {
        /// The path of the form that asked for it.
        form: &'static str,
        /// The page of what it was about.
        path: String,
    },
    /// Whether a connection's credential works.
    Test(ConnectionId),
    /// What would become of a request.
    DryRun(ConnectionId),
    /// What became of a connection.
    Receipt,
    /// A deleted workspace's certificate. Who sees it is signed out.
    Deleted,
}

// What a reply has besides its record. Read apart: a flattened struct takes far more Wasm than two.
#[derive(Deserialize)]
struct Key {
    key: ShownOnce,
}

#[derive(Deserialize)]
struct Link {
    url: ShownOnce,
    token: ShownOnce,
}

#[derive(Deserialize)]
struct Secret {
    secret: ShownOnce,
}

#[derive(Deserialize)]
struct Url {
    url: ShownOnce,
}

/// The page that shows it. `typed`: the form's fields.
///
/// # Errors
/// The refusal.
pub fn show<P>(
    context: &Context<'_, P>,
    caller: &Caller,
    what: &Once,
    typed: &Fields,
    reply: &Reply,
) -> Result<Answer, Code> {
    let caller = Some(caller);
    let answer = match what {
        Once::Key => {
            let Key { key } = read(reply)?;
            let key = CreatedApiKey { key, record: read(reply)? };
            let origin = &context.admitted.client.origin;
            write(context, 200, caller, None, &|shell, _| pages::keys::created(shell, &key, origin))?
        }
        Once::Invitation => {
            let Link { url, token } = read(reply)?;
            let invitation = CreatedInvitation { url, token, record: read(reply)? };
            write(context, 200, caller, None, &|shell, _| pages::members::invited(shell, &invitation))?
        }
        Once::SecondFactor => {
            let new: NewSecondFactor = read(reply)?;
            write(context, 200, caller, None, &|shell, _| pages::second_factor::start(shell, &new))?
        }
        Once::RecoveryCodes => {
            let codes: RecoveryCodes = read(reply)?;
            write(context, 200, caller, None, &|shell, _| pages::second_factor::codes(shell, &codes))?
        }
        Once::Endpoint
        | Once::EndpointSecret { .. }
        | Once::Token { .. }
        | Once::PortalLink
        | Once::Replayed { .. } => webhooks(context, caller, what, typed, reply)?,
        Once::Test(id) => {
            let test: ConnectionTest = read(reply)?;
            write(context, 200, caller, None, &|shell, _| pages::connection::test(shell, id, &test))?
        }
        Once::DryRun(id) => {
            let result: DryRunResult = read(reply)?;
            write(context, 200, caller, None, &|shell, _| {
                pages::connection::dry_run(shell, id, &result, typed)
            })?
        }
        Once::Receipt => {
            let Disconnected { receipt } = read(reply)?;
            write(context, 200, caller, None, &|shell, _| pages::connection::disconnected(shell, &receipt))?
        }
        Once::Deleted => {
            let deleted: DeletedOrg = read(reply)?;
            let answer =
                write(context, 200, None, None, &|shell, _| pages::workspace::deleted(shell, &deleted))?;
            return Ok(answer.with_session(Some(""), idle_days(context)));
        }
    };
    Ok(answer.with_session(reply.session.as_deref().map(String::as_str), idle_days(context)))
}

/// The same of webhooks.
fn webhooks<P>(
    context: &Context<'_, P>,
    caller: Option<&Caller>,
    what: &Once,
    typed: &Fields,
    reply: &Reply,
) -> Result<Answer, Code> {
    let markup: Box<dyn Fn(&pages::Shell<'_>) -> Markup + '_> = match what {
        Once::Endpoint => {
            let (Secret { secret }, endpoint): (_, Endpoint) = (read(reply)?, read(reply)?);
            let path = format!("/endpoints/{}", endpoint.id);
            Box::new(move |shell| endpoints::secret(shell, &path, Some(&endpoint.url), None, &secret))
        }
        Once::EndpointSecret { path } => {
            let RotatedEndpointSecret { secret, previous_secret_until } = read(reply)?;
            let until = previous_secret_until;
            Box::new(move |shell| endpoints::secret(shell, path, None, until.as_deref(), &secret))
        }
        Once::Token { path } => {
            let VerificationToken { verification_token } = read(reply)?;
            Box::new(move |shell| source::token(shell, path, &verification_token))
        }
        Once::PortalLink => {
            let (Url { url }, link): (_, PortalLink) = (read(reply)?, read(reply)?);
            Box::new(move |shell| links::created(shell, &link, &url))
        }
        Once::Replayed { form, path } => {
            let replayed: Replayed = read(reply)?;
            Box::new(move |shell| replayed::render(shell, form, path, typed, &replayed))
        }
        _ => return Err(Code::Internal),
    };
    write(context, 200, caller, None, &|shell, _| markup(shell))
}
