//! The pages of who is signed in: everything that a page shows is asked for at once.

mod vault;
mod webhooks;

use super::public;
use super::{Page, idle_days, read, status, write};
use crate::auth::Caller;
use crate::control_plane::{ControlPlane, Reply};
use crate::handlers::cookies::{Cookie, Jar};
use crate::handlers::forms::Form;
use crate::handlers::{Context, asked, invited};
use crate::pages::{self, Retry};
use crate::verdict::Answer;
use futures_util::future::join_all;
use protocol::api::{
    Account, AuditEvent, AuditVerification, Invitation, List, Me, Member, Membership, Overview, Session,
    Usage,
};
use protocol::{ApiKeyId, Code, Operation, call};
use serde::de::DeserializeOwned;
use std::vec::IntoIter;

/// Events of the account that its page shows.
const ACCOUNT_EVENTS: u32 = 20;

impl Page {
    /// What the page shows, in the order in which [`render`] reads it. Who is looking always comes first.
    fn operations(&self) -> Vec<Operation> {
        let first = |limit| call::Page { limit: Some(limit), cursor: None };
        match self {
            Self::Webhooks(view) => webhooks::operations(view),
            Self::Audit { verify: true } => vec![Operation::Overview, Operation::VerifyAudit { from: 0 }],
            Self::Members { cursor, .. } => vec![
                Operation::Me,
                Operation::ListMembers(call::Page { limit: None, cursor: cursor.clone() }),
                Operation::ListInvitations(call::Page::default()),
            ],
            Self::RemoveMember { cursor, .. } => vec![
                Operation::Me,
                Operation::ListMembers(call::Page { limit: None, cursor: cursor.clone() }),
            ],
            Self::Usage => vec![Operation::Me, Operation::GetUsage],
            Self::Account(_) => vec![
                Operation::Me,
                Operation::GetAccount,
                Operation::ListSessions(first(call::Page::MAX)),
                Operation::ListOrgs,
                Operation::ListAccountEvents(first(ACCOUNT_EVENTS)),
            ],
            Self::Confirm => vec![Operation::Me, Operation::GetAccount],
            Self::Leave | Self::Join | Self::VerifyEmail | Self::SecondFactor => vec![Operation::Me],
            page => vault::operations(page).unwrap_or_else(|| vec![Operation::Overview]),
        }
    }
}

/// What came, in the order in which it was asked for.
struct Replies(IntoIter<Reply>);

impl Replies {
    fn take(&mut self) -> Result<Reply, Code> {
        self.0.next().ok_or(Code::Internal)
    }

    fn next<T: DeserializeOwned>(&mut self) -> Result<T, Code> {
        read(&self.take()?)
    }
}

/// A page. `retry`: a form of it was refused.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub async fn render<P: ControlPlane>(
    context: &Context<'_, P>,
    page: &Page,
    caller: &Caller,
    jar: &Jar,
    retry: Option<&Retry>,
) -> Result<Answer, Code> {
    let link = match page {
        Page::Join => Some((Cookie::Invitation, Form::Join)),
        Page::VerifyEmail => Some((Cookie::Verification, Form::VerifyEmail)),
        _ => None,
    };
    if let Some((_, form)) = link.filter(|(cookie, _)| jar.get(*cookie).is_none()) {
        return public::dead_link(context, form);
    }
    let ask = |operation| context.call(Some(caller), caller.principal(), operation, Vec::new());
    let replies = join_all(page.operations().into_iter().map(ask)).await;
    let mut replies = replies.into_iter().collect::<Result<Vec<Reply>, Code>>()?;
    if replies.iter().all(Reply::is_success) {
        let further = webhooks::further(page, &replies)?;
        for reply in join_all(further.into_iter().map(ask)).await {
            replies.push(reply?);
        }
    }
    if let Some(refusal) = replies.iter().find(|reply| !reply.is_success()) {
        return refused(context, page, caller, jar, refusal).await;
    }
    let session = replies.iter().rev().find_map(|reply| reply.session.clone());
    let answer = if let Page::Join = page {
        let me = read(replies.first().ok_or(Code::Internal)?)?;
        match invited::peek(context, jar).await {
            Ok(invited) => write(context, status(retry), Some(caller), Some(&me), &|shell, _| {
                pages::join::accept(shell, &me, invited.as_ref(), retry)
            })?,
            Err(_) => public::dead_invitation(context, jar, Form::Join)?,
        }
    } else {
        write_from(context, page, caller, retry, Replies(replies.into_iter()))?
    };
    Ok(answer.with_session(session.as_deref().map(String::as_str), idle_days(context)))
}

fn write_from<P>(
    context: &Context<'_, P>,
    page: &Page,
    caller: &Caller,
    retry: Option<&Retry>,
    mut replies: Replies,
) -> Result<Answer, Code> {
    let (status, caller) = (status(retry), Some(caller));
    if let [Operation::Overview, ..] = page.operations().as_slice() {
        let data: Overview = replies.next()?;
        let chain: Option<AuditVerification> =
            matches!(page, Page::Audit { verify: true }).then(|| replies.next()).transpose()?;
        if let Page::RotateKey(id) | Page::RevokeKey(id) = page {
            return ask_about_key(context, page, caller, &data, id, retry);
        }
        return write(context, status, caller, Some(&data.me), &|shell, _| match page {
            Page::Connections(notice) => pages::connections::render(shell, &data, *notice, retry),
            Page::Keys(notice) => pages::keys::render(shell, &data, *notice, retry),
            Page::Audit { .. } => pages::audit::render(shell, &data, chain.as_ref()),
            Page::Home(notice) => pages::overview::render(shell, &data, *notice),
            _ => pages::overview::render(shell, &data, None),
        });
    }
    let me: Me = replies.next()?;
    let who = Some(&me);
    match page {
        Page::Webhooks(view) => webhooks::render(context, view, caller, &me, retry, replies),
        Page::Members { notice, cursor } => {
            let members: List<Member> = replies.next()?;
            let invitations: List<Invitation> = replies.next()?;
            let lists = pages::members::Lists { members, invitations, cursor: cursor.as_deref() };
            write(context, status, caller, who, &|shell, _| {
                pages::members::render(shell, &me, &lists, *notice, retry)
            })
        }
        Page::RemoveMember { id, .. } => {
            let members: List<Member> = replies.next()?;
            match members.data.iter().find(|member| member.id == *id) {
                Some(member) => {
                    write(context, status, caller, who, &|shell, _| pages::members::remove(shell, member))
                }
                None => nothing(context, caller, &me),
            }
        }
        Page::Usage => {
            let usage: Usage = replies.next()?;
            write(context, status, caller, who, &|shell, _| pages::usage::render(shell, &usage))
        }
        Page::Account(notice) => {
            let account: Account = replies.next()?;
            let sessions: List<Session> = replies.next()?;
            let orgs: List<Membership> = replies.next()?;
            let events: List<AuditEvent> = replies.next()?;
            let data = pages::account::Data {
                account,
                sessions: sessions.data,
                orgs: orgs.data,
                events: events.data,
            };
            write(context, status, caller, who, &|shell, state| {
                pages::account::render(shell, &state.config, &data, *notice, retry)
            })
        }
        Page::Confirm => {
            let account: Account = replies.next()?;
            write(context, status, caller, who, &|shell, state| {
                pages::confirm::render(shell, &state.config, &account, retry)
            })
        }
        Page::Leave => write(context, status, caller, who, &|shell, _| pages::members::leave(shell, &me)),
        Page::VerifyEmail => {
            write(context, status, caller, who, &|shell, _| pages::verify_email::confirm(shell, &me, retry))
        }
        Page::SecondFactor => {
            write(context, status, caller, who, &|shell, _| pages::second_factor::again(shell, retry))
        }
        page => vault::render(context, page, caller, &me, retry, replies),
    }
}

/// The page that asks first. What is revoked is beyond both.
fn ask_about_key<P>(
    context: &Context<'_, P>,
    page: &Page,
    caller: Option<&Caller>,
    data: &Overview,
    id: &ApiKeyId,
    retry: Option<&Retry>,
) -> Result<Answer, Code> {
    let mut keys = data.api_keys.iter().flatten();
    match keys.find(|key| key.id == *id && key.revoked_at.is_none()) {
        Some(key) => write(context, status(retry), caller, Some(&data.me), &|shell, _| match page {
            Page::RotateKey(_) => pages::keys::rotate(shell, key, retry),
            _ => pages::keys::revoke(shell, key, retry),
        }),
        None => nothing(context, caller, &data.me),
    }
}

fn nothing<P>(context: &Context<'_, P>, caller: Option<&Caller>, me: &Me) -> Result<Answer, Code> {
    let code = Code::NotFound;
    write(context, code.status(), caller, Some(me), &|shell, _| pages::problem(shell, code.title(), None))
}

/// A refusal on a page: who is not signed in any more begins at the sign-in form, without the dead cookie.
async fn refused<P: ControlPlane>(
    context: &Context<'_, P>,
    page: &Page,
    caller: &Caller,
    jar: &Jar,
    reply: &Reply,
) -> Result<Answer, Code> {
    let (code, detail) = reply.problem();
    let answer = match (code, page) {
        (Code::Unauthenticated, Page::Home(_) | Page::Join | Page::VerifyEmail) => {
            public::render(context, page, jar, None).await?
        }
        (Code::Unauthenticated, _) => Answer::see_other("/"),
        _ => {
            return write(context, code.status(), Some(caller), None, &|shell, _| {
                pages::problem(shell, code.title(), detail.as_deref())
            });
        }
    };
    Ok(asked::again(answer.with_session(Some(""), idle_days(context)), jar))
}
