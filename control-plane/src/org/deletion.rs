//! The end of an org (claim B4): its data key is destroyed with all that it has sealed, and a signed certificate says so.
//!
//! First each connection is ended at its provider, as far as that goes in a few seconds. Then, in one transaction, its keys,
//! its credentials, its people and the org itself go: there is all of that or nothing of it. What stays is a tombstone: the
//! id, so that no org is ever made by it again, and the certificate. From then on the object answers as one that never was
//! an org's. What there may be any number of rows of, which nothing reads any more, its alarm deletes in batches
//! ([`clear`]), from wherever the last one ended.
//!
//! SQLite leaves what it deletes in its pages: keys and credentials are overwritten first. Received events and kept answers
//! are deleted alone: without the key nobody reads them. Names and the audit trail are not sealed; they are deleted, and
//! are gone for good when their pages are used anew.

use super::actor::Actor;
use super::outbox::{self, Task};
use super::{connections, dek, oauth, plan, readmit, receipts, reseal};
use crate::context::{Context, hex};
use crate::error::AppError;
use crate::json::{self, field};
use crate::remote::{Remote, within};
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError, Store, Tx};
use futures_util::{StreamExt as _, stream};
use protocol::api::{DeleteOrg, DeletedOrg, DeletionClaims, Receipt, Revocation};
use protocol::time::rfc3339;
use protocol::{Code, ConnectionId, ISSUER, OrgId, Region};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// How long the providers are waited for in all, ms.
const REVOKING_MS: u64 = 20_000;
/// Providers asked at a time.
const AT_ONCE: usize = 6;

/// Receipts that the certificate lists: the rest is counted. However long an org has lived, its tombstone is one row of a
/// Durable Object, which holds 2 MB.
pub(super) const LISTED: usize = 200;
/// Receipts that are read at a time.
const READ: u32 = 500;

const NOT_ASKED: &str = "the provider has not confirmed it in time: end access there by hand";

/// Every table that goes with the data key, in the order in which they are emptied.
pub(super) const TABLES: [&str; 21] = [
    "connections",
    "receipts",
    "authorizations",
    "oauth_clients",
    "sources",
    "source_secrets",
    "rejections",
    "endpoints",
    "endpoint_sources",
    "endpoint_secrets",
    "endpoint_headers",
    "endpoint_urls",
    "event_types",
    "portal_links",
    "api_keys",
    "rotated_keys",
    "secret_holders",
    "invitations",
    "invitation_tokens",
    "sessions",
    "members",
];
/// The org itself goes with them.
pub(super) const ORG: &str = "org";
/// And what it had to do: others take its place.
pub(super) const OUTBOX: &str = "outbox";
/// Of which there may be any number of rows: emptied by the object's alarm ([`clear`]).
pub(super) const BULK: [&str; 8] =
    ["inbound_events", "idempotency", "messages", "deliveries", "attempts", "meters", "spent", "audit"];

/// Rows of a table that the alarm deletes at once: a few milliseconds.
const BATCH: u32 = 500;

/// Wrapped data keys.
const WRAPPED: [&str; 2] = ["wrapped_dek", "old_wrapped_dek"];

/// `POST /v1/org/delete`.
pub(super) async fn delete(
    ctx: Context<'_>,
    remote: &impl Remote,
    actor: &Actor,
    body: &[u8],
) -> Result<Reply, AppError> {
    let DeleteOrg { name } = json::parse(body)?;
    check_name(ctx, &name)?;
    let begun_ms = ctx.now_ms;
    let _ = within(remote, REVOKING_MS, end_connections(ctx, remote, actor)).await;
    // Who may delete it, and whether it is still there, is decided once more after that.
    let ctx = ctx.at(remote.now_ms());
    let actor = readmit(ctx)?;
    check_name(ctx, &name)?;
    let deleted = destroy(ctx, &actor, begun_ms)?;
    Ok(Reply { session: Some(Zeroizing::default()), ..Reply::json(200, &deleted)? })
}

fn check_name(ctx: Context<'_>, name: &str) -> Result<(), AppError> {
    let row = ctx.store.first("SELECT name FROM org", &[])?.ok_or(Code::Unauthenticated)?;
    if tokens::nfc(row.text(0)?).eq(tokens::nfc(name)) {
        Ok(())
    } else {
        Err(field("name", "must be the workspace's name"))
    }
}

/// One attempt at each provider. Whatever goes wrong with one stands in its receipt.
async fn end_connections(ctx: Context<'_>, remote: &impl Remote, actor: &Actor) -> Result<(), AppError> {
    let ids = |select| -> Result<Vec<ConnectionId>, SqlError> {
        ctx.store.query(select, &[])?.iter().map(|row| row.parse(0)).collect()
    };
    let connected = ids("SELECT id FROM connections ORDER BY rowid")?;
    let pending = ids("SELECT connection_id FROM receipts WHERE revocation = 'pending' ORDER BY rowid")?;
    let ends = connected.into_iter().map(|id| (id, true)).chain(pending.into_iter().map(|id| (id, false)));
    stream::iter(ends)
        .for_each_concurrent(AT_ONCE, |(id, is_connected)| async move {
            let _: Result<(), AppError> = if is_connected {
                connections::revoke_now(ctx, remote, actor, &id).await.map(drop)
            } else {
                oauth::revoke(ctx, remote, &id, None).await
            };
        })
        .await;
    Ok(())
}

/// Everything that counts goes, or nothing.
fn destroy(ctx: Context<'_>, actor: &Actor, begun_ms: u64) -> Result<DeletedOrg, AppError> {
    let deleted = ctx.store.transaction(|tx| {
        let keys = dek::Keys::load(ctx)?;
        let receipts = Receipts::load(ctx, begun_ms)?;
        let members = ctx.store.query("SELECT user_id, email FROM members", &[])?;
        let event = Event::new("org.deleted", ctx.org)
            .with("members", members.len())
            .with("connections", receipts.listed.len());
        let committed = tx.commit(&ctx.subject(actor.name()), event, ())?;
        let (audit_length, audit_head) = store::head(ctx.store)?;
        let claims = DeletionClaims {
            iss: ISSUER.to_owned(),
            sub: ctx.org.clone(),
            iat: ctx.now_ms / 1000,
            deleted_at: rfc3339(ctx.now_ms),
            jurisdiction: ctx.org.region().unwrap_or(Region::Auto).as_str().to_owned(),
            dek_version: keys.current.dek_version().get(),
            kek_version: keys.current.key_version().get(),
            wrapped_key_sha256: hex(&Sha256::digest(keys.current.as_bytes())),
            rows: count(ctx.store)?,
            receipts: receipts.listed,
            receipts_total: receipts.total,
            receipts_sha256: hex(&receipts.sha256.finalize()),
            audit_length,
            audit_head,
        };
        let certificate = ctx.secrets.signer.sign_deletion_certificate(&claims)?;
        wipe(tx)?;
        tx.write(
            "INSERT INTO tombstone (id, deleted_at, certificate) VALUES (?, ?, ?)",
            &[ctx.org.as_str().into(), ctx.now_ms.into(), certificate.as_str().into()],
        )?;
        let told = members.iter().map(|member| {
            Ok(Task::TellAccount { user: member.parse(0)?, email: member.text(1)?.to_owned() })
        });
        let tasks: Vec<Task> = told.chain([Ok(Task::LeaveRegistry)]).collect::<Result<_, SqlError>>()?;
        outbox::replace(ctx, tx, &tasks)?;
        Ok(committed.map(|()| DeletedOrg { certificate, claims }))
    })?;
    plan::forget(ctx);
    Ok(deleted)
}

/// What became of every credential.
#[derive(Default)]
struct Receipts {
    /// Of the connections that this deletion has ended, as many as the certificate lists.
    listed: Vec<Receipt>,
    total: u64,
    sha256: Sha256,
}

impl Receipts {
    /// With the data key goes also what is not settled.
    fn load(ctx: Context<'_>, begun_ms: u64) -> Result<Self, AppError> {
        let (begun, now) = (rfc3339(begun_ms), rfc3339(ctx.now_ms));
        let (mut receipts, mut last) = (Self::default(), 0);
        loop {
            let batch = receipts::after(ctx, last, READ)?;
            let Some((row, _)) = batch.last() else { break };
            last = *row;
            for (_, mut receipt) in batch {
                if receipt.revocation == Revocation::Pending {
                    receipt.revocation = Revocation::Failed;
                    receipt.detail = Some(NOT_ASKED.to_owned());
                }
                let deleted_at = receipt.deleted_at.get_or_insert_with(|| now.clone());
                let is_ended_by_it = *deleted_at >= begun;
                receipts.add(receipt, is_ended_by_it)?;
            }
        }
        // Made, or not come to, while the others were ended.
        for row in ctx.store.query("SELECT id, connector, name FROM connections ORDER BY rowid", &[])? {
            let id: ConnectionId = row.parse(0)?;
            ctx.tokens.take(&id, ctx.now_ms);
            let receipt = Receipt {
                connection_id: id,
                connector: row.text(1)?.to_owned(),
                name: row.text(2)?.to_owned(),
                revocation: Revocation::Failed,
                disconnected_at: now.clone(),
                deleted_at: Some(now.clone()),
                evidence: None,
                detail: Some(NOT_ASKED.to_owned()),
            };
            receipts.add(receipt, true)?;
        }
        Ok(receipts)
    }

    fn add(&mut self, receipt: Receipt, is_ended_by_it: bool) -> Result<(), AppError> {
        self.total += 1;
        self.sha256.update(serde_json::to_vec(&receipt)?);
        self.sha256.update(b"\n");
        if is_ended_by_it && self.listed.len() < LISTED {
            self.listed.push(receipt);
        }
        Ok(())
    }
}

fn count(store: Store<'_>) -> Result<BTreeMap<String, u64>, SqlError> {
    TABLES
        .into_iter()
        .chain(BULK)
        .chain([ORG, OUTBOX])
        .map(|table| {
            let row = store.first(&format!("SELECT COUNT(*) FROM {table}"), &[])?.ok_or(SqlError::Row)?;
            Ok((table.to_owned(), row.number(0)?))
        })
        .collect()
}

fn wipe(tx: &Tx<'_>) -> Result<(), SqlError> {
    let columns = reseal::COLUMNS.iter().filter(|column| TABLES.contains(&column.table));
    let sealed = columns.map(|column| (column.table, "sealed"));
    for (table, column) in WRAPPED.into_iter().map(|key| (ORG, key)).chain(sealed) {
        tx.write(
            &format!("UPDATE {table} SET {column} = zeroblob(length({column})) WHERE length({column}) > 0"),
            &[],
        )?;
    }
    for table in TABLES.into_iter().chain([ORG]) {
        tx.write(&format!("DELETE FROM {table}"), &[])?;
    }
    Ok(())
}

/// Which org was here.
///
/// # Errors
/// Those of the database.
pub fn buried(store: Store<'_>) -> Result<Option<OrgId>, SqlError> {
    store.first("SELECT id FROM tombstone", &[])?.as_ref().map(|row: &Row| row.parse(0)).transpose()
}

/// Deletes a batch of each kind of row that a deletion has left.
///
/// # Errors
/// Those of the database.
pub fn clear(store: Store<'_>) -> Result<(), SqlError> {
    if !has_rest(store)? {
        return Ok(());
    }
    BULK.into_iter().try_for_each(|table| {
        let batch = format!("DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} LIMIT ?)");
        store.bookkeeping(&batch, &[BATCH.into()])
    })
}

/// Whether a deletion has left something to [`clear`]. Never so for an org that is there.
///
/// # Errors
/// Those of the database.
pub fn has_rest(store: Store<'_>) -> Result<bool, SqlError> {
    let left = BULK.map(|table| format!("EXISTS (SELECT 1 FROM {table})")).join(" OR ");
    Ok(store.first(&format!("SELECT 1 FROM tombstone WHERE {left}"), &[])?.is_some())
}
