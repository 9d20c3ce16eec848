//! The pages of connectors, connections and keys: what each asks for besides who is looking, and shows.

use super::{Page, Replies, status, write};
use crate::auth::Caller;
use crate::handlers::Context;
use crate::pages::{self, Retry};
use crate::verdict::Answer;
use protocol::api::{Connection, Connector, Keys, List, Me, OrgKey, Receipt};
use protocol::{Code, Operation, call};

/// What a page asks for, in the order in which [`render`] reads it; `None` for a page of another module.
pub(super) fn operations(page: &Page) -> Option<Vec<Operation>> {
    let list = |cursor: &Option<String>| call::Page { limit: None, cursor: cursor.clone() };
    let mut operations = vec![Operation::Me];
    operations.push(match page {
        Page::Connection { id, .. } | Page::Disconnect(id) => Operation::GetConnection { id: id.clone() },
        Page::Connectors => Operation::ListConnectors,
        Page::Connector { id, .. } => Operation::GetConnector { connector: id.clone() },
        Page::Receipts { cursor } => Operation::ListReceipts(list(cursor)),
        Page::Workspace(_) => Operation::GetOrgKey,
        Page::AdminKeys(_) => Operation::GetKeys,
        _ => return None,
    });
    if let Page::Connector { replace: Some(id), .. } = page {
        operations.push(Operation::GetConnection { id: id.clone() });
    }
    Some(operations)
}

/// The page.
///
/// # Errors
/// `Unavailable`, `Internal`.
pub(super) fn render<P>(
    context: &Context<'_, P>,
    page: &Page,
    caller: Option<&Caller>,
    me: &Me,
    retry: Option<&Retry>,
    mut replies: Replies,
) -> Result<Answer, Code> {
    let markup: Box<dyn Fn(&pages::Shell<'_>) -> maud::Markup + '_> = match page {
        Page::Connection { notice, .. } => {
            let connection: Connection = replies.next()?;
            Box::new(move |shell| pages::connection::render(shell, me, &connection, *notice, retry))
        }
        Page::Disconnect(_) => {
            let connection: Connection = replies.next()?;
            Box::new(move |shell| pages::connection::disconnect(shell, &connection))
        }
        Page::Connectors => {
            let connectors: List<Connector> = replies.next()?;
            Box::new(move |shell| pages::connectors::list(shell, &connectors))
        }
        Page::Connector { notice, replace, .. } => {
            let connector: Connector = replies.next()?;
            let replace: Option<Connection> = replace.is_some().then(|| replies.next()).transpose()?;
            let redirect_uri = format!("{}/connections/callback", context.admitted.client.origin);
            let data = pages::connectors::Data { connector, replace, redirect_uri };
            Box::new(move |shell| pages::connectors::one(shell, me, &data, *notice, retry))
        }
        Page::Receipts { .. } => {
            let receipts: List<Receipt> = replies.next()?;
            Box::new(move |shell| pages::receipts::render(shell, &receipts))
        }
        Page::Workspace(notice) => {
            let key: OrgKey = replies.next()?;
            Box::new(move |shell| pages::workspace::render(shell, me, &key, *notice, retry))
        }
        Page::AdminKeys(notice) => {
            let keys: Keys = replies.next()?;
            Box::new(move |shell| pages::admin_keys::render(shell, &keys, *notice, retry))
        }
        _ => return Err(Code::Internal),
    };
    write(context, status(retry), caller, Some(me), &|shell, _| markup(shell))
}
