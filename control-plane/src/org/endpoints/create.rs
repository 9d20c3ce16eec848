//! A new endpoint, checked; its secret is in this answer and no other.

use super::headers::Custom;
use super::target::Target;
use super::{about, filter, get, opens, secrets, url};
use crate::context::{Context, random};
use crate::error::AppError;
use crate::json::{check_name, field, parse};
use crate::org::actor::Actor;
use crate::org::{change, holders, plan};
use crate::reply::Reply;
use crate::store::{Committed, SqlError, Tx};
use protocol::api::{CreatedEndpoint, NewEndpoint, ShownOnce};
use protocol::routes::is_name;
use protocol::{Code, EndpointId};
use secrecy::ExposeSecret as _;

/// The most of a customer, and of the workspace's own. Each of them gets a copy of every message.
const MOST: u64 = 20;

/// `POST /v1/endpoints`
pub(in crate::org) fn create(ctx: Context<'_>, actor: &Actor, body: &[u8]) -> Result<Reply, AppError> {
    let request: NewEndpoint = parse(body)?;
    let new = New::check(ctx, actor, &request)?;
    change::answer(ctx, actor, body, 201, |tx| new.store(ctx, tx, actor))
}

/// An endpoint that may be, but for what is already there.
struct New<'a> {
    request: &'a NewEndpoint,
    target: Target,
    event_types: Vec<&'a str>,
    description: &'a str,
    customer: Option<&'a str>,
    headers: Custom,
    rate_limit: Option<String>,
}

impl<'a> New<'a> {
    fn check(ctx: Context<'_>, actor: &'a Actor, request: &'a NewEndpoint) -> Result<Self, AppError> {
        let customer = customer(actor, request.customer_id.as_deref())?;
        if customer.is_some() && !request.sources.is_empty() {
            return Err(field(
                "sources",
                "an endpoint of a customer gets messages, not the events of sources",
            ));
        }
        actor.require(ctx, opens(!request.sources.is_empty()))?;
        may_limit(actor, request.rate_limit.is_some())?;
        let rate_limit = request.rate_limit.map(filter::rate_limit).transpose()?;
        Ok(Self {
            request,
            target: Target::parse(&request.url, ctx.targets)?,
            event_types: filter::event_types(&request.event_types)?,
            description: description(request.description.as_deref().unwrap_or_default())?,
            customer,
            headers: Custom::check(&ctx.config.brand, &request.headers)?,
            rate_limit: rate_limit.map(|limit| serde_json::to_string(&limit)).transpose()?,
        })
    }

    fn store(
        &self,
        ctx: Context<'_>,
        tx: &Tx<'_>,
        actor: &Actor,
    ) -> Result<Committed<CreatedEndpoint>, AppError> {
        plan::check(ctx, tx, plan::Resource::Endpoints)?;
        if actor.customer().is_some() {
            plan::check_room_for_customers(ctx)?;
        }
        self.check_count(ctx)?;
        let id = EndpointId::new(ctx.now_ms, random()?);
        let (hosts, signature) = (&self.target.allowed_hosts, self.request.signature);
        let key = secrets::generate(signature)?;
        tx.write(
            "INSERT INTO endpoints (id, url, allowed_hosts, event_types, description, sealed, created_by, created_at, \
             customer_id, ordered, rate_limit, signature) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            &[
                id.as_str().into(),
                "".into(),
                serde_json::to_string(hosts)?.into(),
                serde_json::to_string(&self.event_types)?.into(),
                self.description.into(),
                secrets::seal(ctx, &id, hosts, &key)?.into(),
                actor.name().into(),
                ctx.now_ms.into(),
                self.customer.into(),
                u64::from(self.request.ordered.unwrap_or(!self.request.sources.is_empty())).into(),
                self.rate_limit.as_deref().into(),
                signature.as_str().into(),
            ],
        )?;
        url::store(ctx, tx, &id, &self.target)?;
        holders::record(tx, actor, id.as_str())?;
        filter::set_sources(ctx, tx, &id, &self.request.sources)?;
        self.headers.store(ctx, tx, &id, hosts)?;

        let endpoint = get(ctx, actor, &id)?;
        // The host, not the URL: receivers put secrets of their own into path and query.
        let event = about("endpoint.created", &id, self.customer)
            .with("host", hosts.as_slice())
            .with("event_types", self.event_types.as_slice());
        let secret = ShownOnce(key.for_receiver().expose_secret().to_owned());
        tx.commit(&ctx.subject(actor.name()), event, CreatedEndpoint { endpoint, secret })
    }

    fn check_count(&self, ctx: Context<'_>) -> Result<(), AppError> {
        let count = "SELECT COUNT(*) FROM endpoints WHERE customer_id IS ?";
        let row = ctx.store.first(count, &[self.customer.into()])?.ok_or(SqlError::Row)?;
        if row.number(0)? < MOST {
            return Ok(());
        }
        let whose = if self.customer.is_some() { "a customer" } else { "a workspace" };
        Err(AppError::refused(
            Code::ValidationFailed,
            format!("{whose} has at most {MOST} endpoints: delete one first"),
        ))
    }
}

/// Whose it is to be. Who comes by a link to the portal makes endpoints of the link's customer.
fn customer<'a>(actor: &'a Actor, asked: Option<&'a str>) -> Result<Option<&'a str>, AppError> {
    match (actor.customer(), asked) {
        (Some(own), Some(other)) if own != other => {
            Err(field("customer_id", "must be the link's, or absent"))
        }
        (own, asked) if asked.is_none_or(is_name) => Ok(own.or(asked)),
        _ => Err(field("customer_id", "must be 1 to 128 of a-z A-Z 0-9 . _ -")),
    }
}

/// How fast a customer is sent to is for the workspace to say, not for who comes by a link to the portal.
pub(super) fn may_limit(actor: &Actor, is_given: bool) -> Result<(), AppError> {
    if is_given && actor.customer().is_some() {
        return Err(field("rate_limit", "is the workspace's to set"));
    }
    Ok(())
}

/// For people; may be empty.
pub(super) fn description(text: &str) -> Result<&str, AppError> {
    if !text.is_empty() {
        check_name("description", text)?;
    }
    Ok(text)
}
