//! Pages: which there are, and each written from its data. What a page shows is fetched in one go; who is signed in sees
//! [`show`]'s, everybody else [`public`]'s.

pub mod once;
pub mod public;
pub mod show;
pub mod webhooks;

use super::cookies::Jar;
use super::{Context, connect, oidc};
use crate::auth::Caller;
use crate::control_plane::{ControlPlane, Reply};
use crate::pages::{self, Home, Notice, Retry, Shell};
use crate::random::NoRandomness;
use crate::state::State;
use crate::tree;
use crate::verdict::{Admitted, Answer, Task};
use maud::Markup;
use protocol::api::Me;
use protocol::{ApiKeyId, Code, ConnectionId, Refused, UserId};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

/// Which page.
#[derive(Debug, Clone)]
pub enum Page {
    /// Sign-in, or the overview.
    Home(Option<Notice>),
    /// The code of the second factor.
    SignInCode,
    /// Terms and workspace, for who came by an OIDC provider and has no account.
    FinishSignUp,
    /// Asks for a mail to set a new password.
    ForgotPassword(Option<Notice>),
    /// Sets a new password.
    ResetPassword,
    /// Proves the email address of who is signed in.
    VerifyEmail,
    /// Accepts an invitation.
    Join,
    /// The way to an OIDC provider, to sign in.
    StartOidc {
        /// A configured one's id.
        provider: String,
    },
    /// The way back from it.
    FinishOidc {
        /// A configured one's id.
        provider: String,
        /// As received: it holds the authorization code.
        query: SecretString,
    },
    /// Connections.
    Connections(Option<Notice>),
    /// One connection.
    Connection {
        /// Which.
        id: ConnectionId,
        /// What was just done.
        notice: Option<Notice>,
    },
    /// Asks before a connection is disconnected.
    Disconnect(ConnectionId),
    /// The way back from a connector's provider.
    FinishAuthorization {
        /// As received: it holds the authorization code.
        query: SecretString,
    },
    /// The catalogue of connectors.
    Connectors,
    /// One connector, and the forms that connect it.
    Connector {
        /// Its id, or what may be one.
        id: String,
        /// What was just done.
        notice: Option<Notice>,
        /// The connection that gets another credential.
        replace: Option<ConnectionId>,
    },
    /// What became of the credentials of connections that were.
    Receipts {
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
    /// API keys.
    Keys(Option<Notice>),
    /// Asks before an API key gets another secret.
    RotateKey(ApiKeyId),
    /// Asks before an API key is revoked.
    RevokeKey(ApiKeyId),
    /// One of webhooks.
    Webhooks(Box<webhooks::View>),
    /// Members and invitations.
    Members {
        /// What was just done.
        notice: Option<Notice>,
        /// Where the last page of the list ended.
        cursor: Option<String>,
    },
    /// Asks before a member is removed.
    RemoveMember {
        /// Whom.
        id: UserId,
        /// Of the list's page that holds them.
        cursor: Option<String>,
    },
    /// Asks before the workspace is left.
    Leave,
    /// Plan and usage.
    Usage,
    /// The workspace's data key, and its end.
    Workspace(Option<Notice>),
    /// The installation's key-encryption keys, for operators.
    AdminKeys(Option<Notice>),
    /// The person's own account.
    Account(Option<Notice>),
    /// Takes the first code of a new second factor once more; the answer to a wrong one, at no path of its own.
    SecondFactor,
    /// Proves once more who sits there.
    Confirm,
    /// The audit trail; its chain is recomputed where `verify` asks for it.
    Audit {
        /// Whether to.
        verify: bool,
    },
}

impl Page {
    /// Whether the page is for signed-in people alone.
    pub fn needs_caller(&self) -> bool {
        !matches!(self, Self::Home(_) | Self::Join | Self::VerifyEmail | Self::FinishAuthorization { .. })
            && !self.ignores_caller()
    }

    /// Whether it is the same page for everybody.
    fn ignores_caller(&self) -> bool {
        matches!(
            self,
            Self::SignInCode
                | Self::FinishSignUp
                | Self::ForgotPassword(_)
                | Self::ResetPassword
                | Self::StartOidc { .. }
                | Self::FinishOidc { .. }
        )
    }

    /// Whether opening it ends what was begun elsewhere: asking what it would answer does not.
    pub fn is_callback(&self) -> bool {
        matches!(self, Self::FinishOidc { .. } | Self::FinishAuthorization { .. })
    }

    /// Whether opening it is a step of signing in, and counts as such.
    pub fn signs_in(&self) -> bool {
        matches!(self, Self::StartOidc { .. } | Self::FinishOidc { .. })
    }
}

/// Answers a page.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub async fn handle<P: ControlPlane>(
    context: &Context<'_, P>,
    page: &Page,
    caller: Option<&Caller>,
    jar: &Jar,
) -> Result<Answer, Code> {
    match (page, caller) {
        (Page::StartOidc { provider }, _) => oidc::start(context, provider).await,
        (Page::FinishOidc { provider, query }, _) => {
            oidc::finish(context, provider, query, caller, jar).await
        }
        (Page::FinishAuthorization { query }, caller) => connect::finish(context, query, caller).await,
        (page, Some(caller)) if !page.ignores_caller() => {
            show::render(context, page, caller, jar, None).await
        }
        (page, _) => public::render(context, page, jar, None).await,
    }
}

/// The answer to a refusal: a page for pages and forms, problem+json for everything else.
pub fn refused(admitted: &Admitted, state: &mut State, refused: Refused) -> Answer {
    let Refused { code, detail } = refused;
    let place = match &admitted.task {
        Task::Page { caller, .. } | Task::Form { caller, .. } => Some((Home::Dashboard, caller.as_ref())),
        Task::Portal { .. } => Some((Home::Portal, None)),
        _ => None,
    };
    let wait_seconds = admitted.spent.borrow().retry_after_seconds();
    let page = place.map(|(home, caller)| {
        let refusal = pages::Refusal { code, detail: None, wait_seconds, home, caller };
        pages::refused(state, &refusal, &admitted.request_id)
    });
    match page {
        Some(Ok(page)) => page,
        Some(Err(NoRandomness)) | None => {
            let detail = detail.or_else(|| admitted.spent.borrow().refusal(code));
            Answer::problem(code, detail, admitted.bearer, &admitted.request_id)
        }
    }
}

/// A page as an answer, under a policy of its own. `me`: who is signed in, where that is known.
///
/// # Errors
/// `Internal`.
pub(super) fn write<P>(
    context: &Context<'_, P>,
    status: u16,
    caller: Option<&Caller>,
    me: Option<&Me>,
    page: &dyn Fn(&Shell<'_>, &State) -> Markup,
) -> Result<Answer, Code> {
    let state = &mut context.state.borrow_mut();
    let nonce = pages::nonce(&mut state.random).map_err(|_| Code::Internal)?;
    let csrf = caller.and_then(|caller| pages::csrf_token(caller, state));
    let shell = Shell { brand: &state.config.brand.name, nonce: &nonce, csrf: csrf.as_deref(), me };
    let markup = page(&shell, state);
    Ok(pages::answer(status, markup, &nonce, &state.config.csp))
}

/// A reply's JSON.
///
/// # Errors
/// `Unavailable`.
pub(super) fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, Code> {
    tree::read(&reply.body).map_err(|_| Code::Unavailable)
}

/// The status of a page: its form's, where one was refused.
fn status(retry: Option<&Retry>) -> u16 {
    retry.map_or(200, |retry| retry.status)
}

/// For the cookie's `Max-Age`.
pub fn idle_days<P>(context: &Context<'_, P>) -> u32 {
    context.state.borrow().config.sessions.idle_days
}

#[cfg(test)]
mod tests;
