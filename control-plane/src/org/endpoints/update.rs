//! A change of an endpoint. On another host nothing of the one before comes along but the secrets, sealed anew: custom
//! headers may be credentials for it.

use super::create::{description, may_limit};
use super::headers::{self, Custom};
use super::target::Target;
use super::{about, filter, find, get, listed, opens, secrets, state, url};
use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, parse};
use crate::org::actor::Actor;
use crate::org::{change, deliveries};
use crate::reply::Reply;
use crate::store::{Committed, Tx};
use protocol::api::{DisabledReason, Endpoint, UpdateEndpoint};
use protocol::{Code, EndpointId};

/// `PATCH /v1/endpoints/{id}`
pub(in crate::org) fn update(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &EndpointId,
) -> Result<Reply, AppError> {
    let request: UpdateEndpoint = parse(body)?;
    let update = Update::check(ctx, actor, &request)?;
    change::answer(ctx, actor, body, 200, |tx| update.store(ctx, tx, actor, id))
}

/// What may be changed, but for what is there.
struct Update<'a> {
    request: &'a UpdateEndpoint,
    target: Option<Target>,
    event_types: Option<Vec<&'a str>>,
    description: Option<&'a str>,
    headers: Option<Custom>,
    /// As stored; `Some(None)`: no limit.
    rate_limit: Option<Option<String>>,
}

impl<'a> Update<'a> {
    fn check(ctx: Context<'_>, actor: &Actor, request: &'a UpdateEndpoint) -> Result<Self, AppError> {
        may_limit(actor, request.rate_limit.is_some())?;
        let target = |url: &String| Target::parse(url, ctx.targets);
        let rate_limit = |limit: Option<_>| -> Result<_, AppError> {
            let limit = limit.map(filter::rate_limit).transpose()?;
            Ok(limit.map(|limit| serde_json::to_string(&limit)).transpose()?)
        };
        let update = Self {
            request,
            target: request.url.as_ref().map(target).transpose()?,
            event_types: request.event_types.as_deref().map(filter::event_types).transpose()?,
            description: request.description.as_deref().map(description).transpose()?,
            headers: request
                .headers
                .as_ref()
                .map(|headers| Custom::check(&ctx.config.brand, headers))
                .transpose()?,
            rate_limit: request.rate_limit.map(rate_limit).transpose()?,
        };
        if update.fields().is_empty() && request.disabled.is_none() {
            return Err(AppError::refused(Code::ValidationFailed, "nothing to change"));
        }
        Ok(update)
    }

    /// Whether it says anew where the endpoint is or what it gets.
    fn sends_elsewhere(&self) -> bool {
        self.target.is_some() || self.event_types.is_some() || self.request.sources.is_some()
    }

    /// Names of what is given, but for `disabled`, which has events of its own.
    fn fields(&self) -> Vec<&'static str> {
        let request = self.request;
        [
            ("url", request.url.is_some()),
            ("event_types", request.event_types.is_some()),
            ("description", request.description.is_some()),
            ("sources", request.sources.is_some()),
            ("ordered", request.ordered.is_some()),
            ("headers", request.headers.is_some()),
            ("rate_limit", request.rate_limit.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_given)| is_given.then_some(name))
        .collect()
    }

    fn store(
        &self,
        ctx: Context<'_>,
        tx: &Tx<'_>,
        actor: &Actor,
        id: &EndpointId,
    ) -> Result<Committed<Endpoint>, AppError> {
        let before = listed(ctx, actor, id)?;
        if self.sends_elsewhere() {
            actor.require(ctx, opens(!before.sources.is_empty()))?;
        }
        let row = find(ctx, actor, id, "SELECT allowed_hosts FROM endpoints")?;
        let hosts = match &self.target {
            Some(target) => self.go_to(ctx, tx, id, row.json(0)?, target)?,
            None => row.json(0)?,
        };
        if let Some(headers) = &self.headers {
            headers.store(ctx, tx, id, &hosts)?;
        }
        let types = self.event_types.as_ref().map(serde_json::to_string).transpose()?;
        let limit = self.rate_limit.as_ref();
        tx.write(
            "UPDATE endpoints SET event_types = COALESCE(?1, event_types), description = COALESCE(?2, description), \
             ordered = COALESCE(?3, ordered), rate_limit = iif(?4, ?5, rate_limit), tat = iif(?4, 0, tat) WHERE id = ?6",
            &[
                types.into(),
                self.description.into(),
                self.request.ordered.map(u64::from).into(),
                u64::from(limit.is_some()).into(),
                limit.and_then(Option::as_deref).into(),
                id.as_str().into(),
            ],
        )?;
        self.set_sources(ctx, tx, id, &before)?;
        if self.request.ordered.is_some_and(|ordered| ordered != before.ordered) {
            deliveries::reorder(ctx, tx, id)?;
        }
        self.record(ctx, tx, actor, &before, &hosts)
    }

    /// Another URL; its hosts. How the one before did says nothing about it.
    fn go_to(
        &self,
        ctx: Context<'_>,
        tx: &Tx<'_>,
        id: &EndpointId,
        hosts: Vec<String>,
        target: &Target,
    ) -> Result<Vec<String>, AppError> {
        if url::url(ctx, id, &hosts)? == target.url {
            return Ok(hosts);
        }
        if hosts != target.allowed_hosts {
            secrets::follow(ctx, tx, id, [&hosts, &target.allowed_hosts])?;
            headers::forget(tx, id)?;
        }
        url::store(ctx, tx, id, target)?;
        tx.write("UPDATE endpoints SET failing_since = NULL WHERE id = ?", &[id.as_str().into()])?;
        Ok(target.allowed_hosts.clone())
    }

    /// From some sources to others: from none or to none it would get other kinds of things than before.
    fn set_sources(
        &self,
        ctx: Context<'_>,
        tx: &Tx<'_>,
        id: &EndpointId,
        before: &Endpoint,
    ) -> Result<(), AppError> {
        match &self.request.sources {
            Some(sources) if sources.is_empty() != before.sources.is_empty() => Err(field(
                "sources",
                "not from some to none, or from none to some: make another endpoint for that",
            )),
            Some(sources) => filter::set_sources(ctx, tx, id, sources),
            None => Ok(()),
        }
    }

    fn record(
        &self,
        ctx: Context<'_>,
        tx: &Tx<'_>,
        actor: &Actor,
        before: &Endpoint,
        hosts: &[String],
    ) -> Result<Committed<Endpoint>, AppError> {
        let (id, name, fields) = (&before.id, actor.name(), self.fields());
        let switched = match (self.request.disabled, before.disabled_at.is_some()) {
            (Some(true), false) => Some(state::take_out(ctx, tx, name, id, DisabledReason::Manual)?),
            (Some(false), true) => Some(state::put_back(ctx, tx, name, id)?),
            _ => None,
        };
        let done = match switched {
            Some(done) if fields.is_empty() => done,
            _ => {
                let event = about("endpoint.updated", id, before.customer_id.as_deref())
                    .with("fields", fields)
                    .with("host", hosts);
                let event = match &self.event_types {
                    Some(types) => event.with("event_types", types.as_slice()),
                    None => event,
                };
                tx.commit(&ctx.subject(name), event, ())?
            }
        };
        let endpoint = get(ctx, actor, id)?;
        Ok(done.map(|()| endpoint))
    }
}
