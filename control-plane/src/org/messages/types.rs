//! The catalogue of event types: what each means, its JSON Schema and an example, for people who write receivers. First come
//! Sluicegate's own, which nobody changes, then what the workspace has described. Nothing is checked against it: a message
//! may be of any type.

use super::event::EventType as OwnType;
use super::{built_in, schema};
use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, parse};
use crate::org::actor::Actor;
use crate::org::change;
use crate::reply::Reply;
use crate::store::{self, Event, Row, SqlError};
use protocol::api::{EventType, List, SetEventType};
use protocol::time::rfc3339;
use protocol::{Code, Detail, Page};

/// Types that a workspace describes at most.
const MOST: u64 = 500;
/// Of a description, characters.
const MAX_DESCRIPTION: usize = 1000;
/// Of a schema and an example as compact JSON, bytes.
const MAX_SCHEMA: usize = 48 * 1024;
const MAX_EXAMPLE: usize = 16 * 1024;

const SELECT: &str = "SELECT rowid, name, description, schema, example, updated_at FROM event_types";

/// `GET /v1/event-types`. A cursor among the built-in ones is `b` and how many of them came before.
pub(in crate::org) fn list(
    ctx: Context<'_>,
    actor: &Actor,
    page: &Page,
) -> Result<List<EventType>, AppError> {
    let own = if is_told_own(actor) { OwnType::ALL.as_slice() } else { &[] };
    let (start, cursor) = match page.cursor.as_deref().map(|cursor| (cursor, cursor.strip_prefix('b'))) {
        None => (0, None),
        Some((_, Some(place))) => match place.parse::<usize>() {
            Ok(place) => (place, None),
            Err(_) => {
                return Err(AppError::refused(
                    Code::InvalidRequest,
                    Detail::field("cursor", "must be the next_cursor of the last page"),
                ));
            }
        },
        Some((cursor, None)) => (own.len(), Some(cursor.to_owned())),
    };
    let limit = page.limit() as usize;
    let mut data = own
        .iter()
        .skip(start)
        .take(limit)
        .map(|kind| built_in::describe(*kind))
        .collect::<Result<Vec<_>, _>>()?;
    let left = limit - data.len();
    if left == 0 {
        let next = start + limit;
        let more = next < own.len() || ctx.store.first("SELECT 1 FROM event_types LIMIT 1", &[])?.is_some();
        return Ok(List { data, next_cursor: more.then(|| format!("b{next}")) });
    }
    let rest = Page { limit: u32::try_from(left).ok(), cursor };
    let rest = store::list(ctx.store, SELECT, [], &rest, read)?;
    data.extend(rest.data);
    Ok(List { data, next_cursor: rest.next_cursor })
}

/// `GET /v1/event-types/{name}`.
pub(in crate::org) fn get(ctx: Context<'_>, actor: &Actor, name: &str) -> Result<EventType, AppError> {
    match OwnType::parse(name) {
        Some(kind) if is_told_own(actor) => built_in::describe(kind),
        Some(_) => Err(Code::NotFound.into()),
        None => described(ctx, name)?.ok_or_else(|| Code::NotFound.into()),
    }
}

/// `PUT /v1/event-types/{name}`: all of it; what is absent is empty from then on.
pub(in crate::org) fn set(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    name: &str,
) -> Result<Reply, AppError> {
    let request: SetEventType = parse(body)?;
    refuse_own(name)?;
    let description = request.description.unwrap_or_default();
    if description.chars().count() > MAX_DESCRIPTION {
        return Err(field("description", "must be at most 1000 characters"));
    }
    if let Some(schema) = &request.schema {
        schema::check(schema)?;
    }
    let schema = text(request.schema.as_ref())?;
    if schema.as_ref().is_some_and(|text| text.len() > MAX_SCHEMA) {
        return Err(field("schema", "must be at most 48 KiB"));
    }
    let example = text(request.example.as_ref())?;
    if example.as_ref().is_some_and(|text| text.len() > MAX_EXAMPLE) {
        return Err(field("example", "must be at most 16 KiB"));
    }

    change::answer(ctx, actor, body, 200, |tx| {
        let count = ctx.store.first("SELECT COUNT(*) FROM event_types WHERE name <> ?", &[name.into()])?;
        if count.ok_or(SqlError::Row)?.number(0)? >= MOST {
            return Err(AppError::refused(
                Code::ValidationFailed,
                format!("a workspace describes at most {MOST} types: delete one first"),
            ));
        }
        tx.write(
            "INSERT INTO event_types (name, description, schema, example, updated_at) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (name) DO UPDATE SET description = excluded.description, schema = excluded.schema, \
             example = excluded.example, updated_at = excluded.updated_at",
            &[
                name.into(),
                description.as_str().into(),
                schema.as_deref().into(),
                example.as_deref().into(),
                ctx.now_ms.into(),
            ],
        )?;
        let event = Event::new("event_type.set", name)
            .with("has_schema", schema.is_some())
            .with("has_example", example.is_some());
        let described = described(ctx, name)?.ok_or(SqlError::Row)?;
        tx.commit(&ctx.subject(actor.name()), event, described)
    })
}

/// `DELETE /v1/event-types/{name}`.
pub(in crate::org) fn delete(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    name: &str,
) -> Result<Reply, AppError> {
    refuse_own(name)?;
    change::answer(ctx, actor, body, 204, |tx| {
        let deleted = tx.write("DELETE FROM event_types WHERE name = ? RETURNING name", &[name.into()])?;
        if deleted.is_empty() {
            return Err(Code::NotFound.into());
        }
        tx.commit(&ctx.subject(actor.name()), Event::new("event_type.deleted", name), ())
    })
}

/// The first described type by name that begins so, of the workspace's or built in.
pub(super) fn first_with(ctx: Context<'_>, prefix: &str) -> Result<Option<String>, AppError> {
    let row = ctx.store.first(
        "SELECT name FROM event_types WHERE name > ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name LIMIT 1",
        &[prefix.into()],
    )?;
    let own = OwnType::ALL.into_iter().map(OwnType::as_str).find(|name| name.starts_with(prefix));
    Ok(match row {
        Some(row) => Some(row.text(0)?.to_owned()),
        None => own.map(str::to_owned),
    })
}

/// The example of a type that the workspace has described.
pub(super) fn example(ctx: Context<'_>, name: &str) -> Result<Option<String>, SqlError> {
    let row = ctx.store.first("SELECT example FROM event_types WHERE name = ?", &[name.into()])?;
    row.map_or(Ok(None), |row| row.optional_text(0).map(|example| example.map(str::to_owned)))
}

/// Sluicegate's own events go to the workspace's own endpoints: a customer never gets one.
fn is_told_own(actor: &Actor) -> bool {
    actor.customer().is_none()
}

fn refuse_own(name: &str) -> Result<(), AppError> {
    match OwnType::parse(name) {
        Some(_) => Err(field("name", "is a type that Sluicegate itself publishes: it cannot be changed")),
        None => Ok(()),
    }
}

fn described(ctx: Context<'_>, name: &str) -> Result<Option<EventType>, SqlError> {
    let row = ctx.store.first(&format!("{SELECT} WHERE name = ?"), &[name.into()])?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<EventType, SqlError> {
    Ok(EventType {
        name: row.text(1)?.to_owned(),
        description: row.text(2)?.to_owned(),
        schema: row.optional_text(3)?.map(|_| row.json(3)).transpose()?,
        example: row.optional_text(4)?.map(|_| row.json(4)).transpose()?,
        built_in: false,
        updated_at: Some(rfc3339(row.number(5)?)),
    })
}

fn text<T: serde::Serialize>(value: Option<&T>) -> Result<Option<String>, AppError> {
    Ok(value.map(serde_json::to_string).transpose()?)
}
