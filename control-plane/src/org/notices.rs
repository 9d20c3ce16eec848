//! What the workspace's administrators are told by mail: that something of theirs does not work, or is tried to be misused.
//! A notice names what it is about; what its mail says is read when it is sent, by an administrator of that moment.

use super::outbox::{self, Task};
use crate::context::Context;
use crate::error::AppError;
use crate::store::{SqlError, Tx};
use protocol::{EndpointId, Role, SourceId, UserId};
use serde::{Deserialize, Serialize};

/// Administrators who are told, the longest-serving first.
const MOST_TOLD: u32 = 20;

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// An endpoint was taken out of use because of what it answered.
    EndpointDisabled {
        /// Which.
        endpoint: EndpointId,
    },
    /// Too many requests to a source fail its signature.
    SignatureFailures {
        /// Which.
        source: SourceId,
    },
}

impl Notice {
    /// The path of the page that says more, down to the part of it.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::EndpointDisabled { endpoint } => format!("/endpoints/{endpoint}"),
            Self::SignatureFailures { source } => format!("/sources/{source}#rejections"),
        }
    }
}

/// A notice's mail, to be written.
#[derive(Debug, PartialEq, Eq)]
pub struct NoticeMail {
    /// The recipient's address.
    pub to: String,
    /// The org's name.
    pub workspace: String,
    /// What it tells.
    pub facts: Facts,
}

/// What a notice's mail tells.
#[derive(Debug, PartialEq, Eq)]
pub enum Facts {
    /// An endpoint is out of use.
    EndpointDisabled {
        /// Its host.
        host: String,
        /// It answered 410, rather than failing for days.
        is_gone: bool,
    },
    /// Requests to a source fail its signature.
    SignatureFailures {
        /// The source's name.
        source: String,
        /// Its provider's.
        provider: String,
    },
}

/// Adds a notice to a change, where this installation sends mail.
///
/// # Errors
/// Those of the database.
pub(super) fn tell(ctx: Context<'_>, tx: &Tx<'_>, notice: Notice) -> Result<(), AppError> {
    if !ctx.mail_enabled {
        return Ok(());
    }
    outbox::put(ctx, tx, &Task::MailNotice { notice })
}

/// Makes one task of a notice for each administrator, so that one mail that cannot be sent repeats no other.
///
/// # Errors
/// Those of the database.
pub fn address(ctx: Context<'_>, notice: &Notice) -> Result<(), AppError> {
    let admins = ctx.store.query(
        "SELECT user_id FROM members WHERE role = ? ORDER BY created_at, rowid LIMIT ?",
        &[Role::OrgAdmin.as_str().into(), MOST_TOLD.into()],
    )?;
    for row in &admins {
        let task = Task::MailNoticeTo { notice: notice.clone(), user: row.parse(0)? };
        outbox::split(ctx.store, ctx.now_ms, &task)?;
    }
    Ok(())
}

/// The mail of a notice to one administrator; `None` where there is nobody to tell, or nothing to tell any more.
///
/// # Errors
/// Those of the database.
pub fn prepare_notice_mail(
    ctx: Context<'_>,
    notice: &Notice,
    user: &UserId,
) -> Result<Option<NoticeMail>, SqlError> {
    let admin = ctx.store.first(
        "SELECT email, (SELECT name FROM org) FROM members WHERE user_id = ? AND role = ?",
        &[user.as_str().into(), Role::OrgAdmin.as_str().into()],
    )?;
    let (Some(admin), Some(facts)) = (admin, facts(ctx, notice)?) else { return Ok(None) };
    Ok(Some(NoticeMail { to: admin.text(0)?.to_owned(), workspace: admin.text(1)?.to_owned(), facts }))
}

fn facts(ctx: Context<'_>, notice: &Notice) -> Result<Option<Facts>, SqlError> {
    match notice {
        Notice::EndpointDisabled { endpoint } => {
            let row = ctx.store.first(
                "SELECT allowed_hosts, disabled_reason FROM endpoints WHERE id = ? AND disabled_at IS NOT NULL",
                &[endpoint.as_str().into()],
            )?;
            let Some(row) = row else { return Ok(None) };
            let hosts: Vec<String> = row.json(0)?;
            let is_gone = row.optional_text(1)? == Some("gone");
            Ok(hosts.into_iter().next().map(|host| Facts::EndpointDisabled { host, is_gone }))
        }
        Notice::SignatureFailures { source } => {
            let row = ctx
                .store
                .first("SELECT name, provider FROM sources WHERE id = ?", &[source.as_str().into()])?;
            let Some(row) = row else { return Ok(None) };
            let provider = webhooks::provider(row.text(1)?).map_or_else(|| row.text(1), |of| Ok(of.name))?;
            Ok(Some(Facts::SignatureFailures {
                source: row.text(0)?.to_owned(),
                provider: provider.to_owned(),
            }))
        }
    }
}
