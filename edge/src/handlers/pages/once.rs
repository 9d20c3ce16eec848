//! Answers to forms that are pages of their own: a secret that is shown only now, and what came of a change or a trial.

use super::{idle_days, read, write};
use crate::auth::Caller;
use crate::control_plane::Reply;
use crate::handlers::Context;
use crate::handlers::forms::Fields;
use crate::pages;
use crate::verdict::Answer;
use protocol::api::{
    ConnectionTest, CreatedApiKey, CreatedEndpoint, CreatedInvitation, DeletedOrg, Disconnected,
    DryRunResult, NewSecondFactor, RecoveryCodes, ShownOnce,
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
    /// An endpoint's secret.
    Endpoint,
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
            write(context, 200, caller, None, &|shell, _| pages::keys::created(shell, &key))?
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
        Once::Endpoint => {
            let Secret { secret } = read(reply)?;
            let endpoint = CreatedEndpoint { endpoint: read(reply)?, secret };
            write(context, 200, caller, None, &|shell, _| {
                pages::webhooks::endpoints::created(shell, &endpoint)
            })?
        }
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
