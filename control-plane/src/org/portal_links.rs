//! Links to the portal: each lets its holder manage the endpoints of one customer, for a short time (at most a day). The
//! link itself is shown once; of it only the digest is kept. Who holds one is [`super::actor`]'s `portal`.

use super::actor::{Actor, Kind};
use super::{change, holders};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::{field, parse};
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError, Tx};
use protocol::api::{CreatedPortalLink, List, NewPortalLink, PortalLink, ShownOnce};
use protocol::routes::is_name;
use protocol::time::rfc3339;
use protocol::{Code, Page, PortalLinkId};
use secrecy::ExposeSecret as _;
use tokens::{LinkKind, mint_link};

/// Links of an org that open at a time.
const MOST_OPEN: u64 = 1000;
/// How long one may open, seconds, and how long it does where nobody says.
const LIFE: std::ops::RangeInclusive<u32> = 60..=86_400;
const DEFAULT_LIFE: u32 = 3600;

const SELECT: &str = "SELECT rowid, id, customer_id, created_at, expires_at FROM portal_links";

/// Those that still open.
pub(super) fn list(ctx: Context<'_>, page: &Page) -> Result<List<PortalLink>, AppError> {
    store::list(ctx.store, SELECT, [("expires_at > ?", ctx.now_ms.into())], page, read)
}

fn read(row: &Row) -> Result<PortalLink, SqlError> {
    Ok(PortalLink {
        id: row.parse(1)?,
        customer_id: row.text(2)?.to_owned(),
        created_at: rfc3339(row.number(3)?),
        expires_at: rfc3339(row.number(4)?),
    })
}

fn get(ctx: Context<'_>, id: &PortalLinkId) -> Result<PortalLink, AppError> {
    let row = ctx.store.first(&format!("{SELECT} WHERE id = ?"), &[id.as_str().into()])?;
    Ok(read(&row.ok_or(Code::NotFound)?)?)
}

/// The link that its holder has come by.
pub(super) fn own(ctx: Context<'_>, actor: &Actor) -> Result<PortalLink, AppError> {
    match &actor.kind {
        Kind::Portal { link, .. } => get(ctx, link),
        Kind::Member { .. } | Kind::ApiKey { .. } | Kind::Edge => Err(Code::Forbidden.into()),
    }
}

/// A new link, to be given to a customer's user.
pub(super) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: NewPortalLink = parse(body)?;
    let customer = request.customer_id;
    if !is_name(&customer) {
        return Err(field("customer_id", "must be 1 to 128 of a-z A-Z 0-9 . _ -"));
    }
    let life = request.expires_in_seconds.unwrap_or(DEFAULT_LIFE);
    if !LIFE.contains(&life) {
        return Err(field("expires_in_seconds", "must be 60 to 86400"));
    }
    let expires_at = ctx.now_ms + u64::from(life) * 1000;

    change::answer(ctx, actor, body, 201, |tx| {
        holders::check_current(actor)?;
        holders::check_unbound(actor)?;
        check_room(ctx, tx)?;
        let id = PortalLinkId::new(ctx.now_ms, random()?);
        let minted = mint_link(&ctx.secrets.mac, LinkKind::Portal, ctx.org.body())?;
        tx.write(
            "INSERT INTO portal_links (id, digest, customer_id, created_by, created_at, expires_at) \
             VALUES (?, ?, ?, ?, ?, ?)",
            &[
                id.as_str().into(),
                minted.digest.into(),
                customer.as_str().into(),
                actor.name().into(),
                ctx.now_ms.into(),
                expires_at.into(),
            ],
        )?;
        holders::record(tx, actor, id.as_str())?;
        // As the links of invitations in answers: by the origin that the caller itself has come to.
        let url = format!("{}/portal?token={}", ctx.call.client.origin, minted.token.expose_secret());
        let event = Event::new("portal_link.created", &id)
            .with("customer_id", customer.as_str())
            .with("expires_at", rfc3339(expires_at));
        let created = CreatedPortalLink { link: get(ctx, &id)?, url: ShownOnce(url) };
        tx.commit(&ctx.subject(actor.name()), event, created)
    })
}

fn check_room(ctx: Context<'_>, tx: &Tx<'_>) -> Result<(), AppError> {
    let open = tx
        .store()
        .first("SELECT COUNT(*) FROM portal_links WHERE expires_at > ?", &[ctx.now_ms.into()])?
        .ok_or(SqlError::Row)?
        .number(0)?;
    if open < MOST_OPEN {
        return Ok(());
    }
    Err(AppError::refused(
        Code::RateLimited,
        format!(
            "at most {MOST_OPEN} links to the portal can be open at a time: close some, or let them end sooner"
        ),
    ))
}

/// Closes a link, and what it had opened.
pub(super) fn delete(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &PortalLinkId,
) -> Result<Reply, AppError> {
    change::answer(ctx, actor, body, 204, |tx| {
        let deleted = tx.write(
            "DELETE FROM portal_links WHERE id = ? RETURNING customer_id, expires_at",
            &[id.as_str().into()],
        )?;
        // One that has ended is as good as gone, whether or not its row is.
        let row = deleted.first().ok_or(Code::NotFound)?;
        if row.number(1)? <= ctx.now_ms {
            return Err(Code::NotFound.into());
        }
        let event = Event::new("portal_link.deleted", id).with("customer_id", row.text(0)?);
        tx.commit(&ctx.subject(actor.name()), event, ())
    })
}
