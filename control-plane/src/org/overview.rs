//! Who am I, and the dashboard's first page.

use super::actor::{Actor, Kind};
use super::{api_keys, audit, connections, inbound, sessions, sources};
use crate::context::Context;
use crate::error::AppError;
use protocol::access::{Level, Resource};
use protocol::api::{AuthKind, List, Me, Overview};
use protocol::call::EventFilter;
use protocol::time::rfc3339;
use protocol::{Code, Page, Permission};

pub(super) fn me(ctx: Context<'_>, actor: &Actor) -> Result<Me, AppError> {
    let org = sessions::org(ctx)?;
    match &actor.kind {
        Kind::Member { user, proof, .. } => Ok(Me {
            user: Some(user.clone()),
            org,
            role: actor.shown_role(),
            auth: AuthKind::Session,
            authenticated_until: Some(rfc3339(proof.until(ctx))),
            scopes: None,
            csrf_token: None,
        }),
        Kind::ApiKey { scopes, .. } => Ok(Me {
            user: None,
            org,
            role: None,
            auth: AuthKind::ApiKey,
            authenticated_until: None,
            scopes: Some(scopes.clone()),
            csrf_token: None,
        }),
        Kind::Edge | Kind::Portal { .. } => Err(Code::Forbidden.into()),
    }
}

pub(super) fn overview(ctx: Context<'_>, actor: &Actor) -> Result<Overview, AppError> {
    let page = Page { limit: Some(Overview::ROWS), cursor: None };
    Ok(Overview {
        me: me(ctx, actor)?,
        connections: readable(actor, Resource::Connections, || connections::list(ctx, &page))?,
        api_keys: readable(actor, Resource::ApiKeys, || api_keys::list(ctx, &page))?,
        sources: readable(actor, Resource::Sources, || sources::list(ctx, &page))?,
        events: readable(actor, Resource::InboundEvents, || {
            inbound::list(ctx, &EventFilter::default(), &page)
        })?,
        audit: readable(actor, Resource::Audit, || audit::list(ctx, &page))?,
    })
}

fn readable<T>(
    actor: &Actor,
    resource: Resource,
    list: impl FnOnce() -> Result<List<T>, AppError>,
) -> Result<Option<Vec<T>>, AppError> {
    if !actor.may(Permission { resource, level: Level::Read }) {
        return Ok(None);
    }
    Ok(Some(list()?.data))
}
