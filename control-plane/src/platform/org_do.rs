//! One object per tenant. It exists so that a tenant is a database: whatever a call may touch is in this object's own
//! SQLite, and no mistake in a query can reach another tenant's (invariant 2, claim N1).

use super::deliver::Webhooks;
use super::objects::Asker;
use super::post::{brand, post};
use super::remote::Outside;
use super::sql::ObjectSql;
use super::{ASK, Isolate, alarm_call, alarm_ended, call_of, now_ms, respond, wake_by};
use crate::asks::{AskAccount, AskOrg, AskRegistry};
use crate::context::Context;
use crate::error::AppError;
use crate::flows::Objects as _;
use crate::org::{self, AccessTokens, Facts, NoticeMail, OrgLimiter, keys, outbox};
use crate::place::{self, Place};
use crate::registry::shard_of;
use crate::reply::Reply;
use crate::store::{Sql as _, SqlError, Store, migrations};
use futures_util::future::{Either, select};
use mail::{Address, texts};
use protocol::problem::UNKNOWN_KEY;
use protocol::{Access, Call, Code, Operation, OrgId, Principal};
use secrecy::ExposeSecret as _;
use std::cell::{Cell, OnceCell, RefCell};
use std::pin::pin;
use worker::{DurableObject, Env, Request, Response, Result, State, console_warn, durable_object};

/// Retention is kept once a day.
const DAY_MS: u64 = 86_400_000;
/// Tasks worked off by one alarm; the next one goes on.
const TASKS: u32 = 50;
/// When a call that waits for a provider is over at the latest, ms.
const UNFINISHED_MS: u64 = 30_000;
/// After a fault, ms.
const RETRY_MS: u64 = 60_000;

#[durable_object]
pub struct OrgDo {
    sql: ObjectSql,
    state: State,
    migrated: std::result::Result<(), SqlError>,
    org: OnceCell<OrgId>,
    limits: RefCell<OrgLimiter>,
    tokens: AccessTokens,
    /// Whether an alarm is known to be set.
    watched: Cell<bool>,
    /// When retention is to be kept next, Unix ms; 0: with the next alarm.
    purge_at: Cell<u64>,
    /// The org was here and has been deleted.
    gone: Cell<bool>,
    env: Env,
}

impl DurableObject for OrgDo {
    fn new(state: State, env: Env) -> Self {
        let sql = ObjectSql::new(&state);
        let migrated = migrations::run(&sql, migrations::ORG);
        Self {
            sql,
            state,
            migrated,
            org: OnceCell::new(),
            limits: RefCell::default(),
            tokens: AccessTokens::default(),
            watched: Cell::new(false),
            purge_at: Cell::new(0),
            gone: Cell::new(false),
            env,
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let call = match call_of(&request) {
            Ok(call) => call,
            Err(_) => return Response::error("not a call", 400),
        };
        let asked_as = request.headers().get(ASK)?;
        // Where no provider is asked, no other call starts between here and the reply but at this await.
        let body = request.bytes().await?;
        let result = match asked_as {
            Some(name) => self.ask(&name, &call, &body).await,
            None => self.answer(&call, &body).await,
        };
        self.log_detected();
        if org::leaves_work(&call.operation, &self.limits) || !self.watched.get() {
            self.watch(now_ms(), true).await;
        }
        respond(result, &call.request_id)
    }

    async fn alarm(&self) -> Result<Response> {
        let worked = self.work().await;
        self.log_detected();
        self.watch(alarm_ended("org", worked, RETRY_MS), false).await;
        // A fault is not the platform's to repeat: what is left to do has its own times.
        Response::empty()
    }
}

impl OrgDo {
    /// What calls and alarms have seen that an operator has to know.
    fn log_detected(&self) {
        for line in org::take_detected(&self.limits) {
            console_warn!("{}", line);
        }
    }

    async fn answer(&self, call: &Call, body: &[u8]) -> std::result::Result<Reply, AppError> {
        self.migrated?;
        let isolate = Isolate::get(&self.env)?;
        // Which org this is, its own database says; a principal of another gets no further (crate::org::actor).
        let Some(org) = self.org()? else {
            return Err(match (call.operation.access(), &call.principal) {
                (Access::Edge, Principal::Anonymous) => Code::NotFound.into(),
                (_, Principal::ApiKey { .. }) => AppError::refused(Code::Unauthenticated, UNKNOWN_KEY),
                _ => Code::Unauthenticated.into(),
            });
        };
        let ctx = self.context(&isolate, &org, call);
        match place::of(&call.operation) {
            Place::OrgRemote => {
                // What a call leaves to do, it leaves before it waits: should this object stop there, its alarm goes on. Who
                // only listens leaves nothing.
                if !matches!(call.operation, Operation::ListenToSource { .. }) {
                    wake_by(&self.state, now_ms() + UNFINISHED_MS).await;
                }
                let answer = org::handle_remote(ctx, &Outside, body).await;
                self.gone.set(org::buried(ctx.store)?.is_some());
                answer
            }
            _ => org::handle(ctx, body),
        }
    }

    async fn ask(&self, name: &str, call: &Call, body: &[u8]) -> std::result::Result<Reply, AppError> {
        self.migrated?;
        let isolate = Isolate::get(&self.env)?;
        let ask: AskOrg = serde_json::from_slice(body)?;
        let asked = OrgId::parse(name).map_err(|_| AppError::Platform("an org was asked by another name"))?;
        match (self.org()?, &ask) {
            (Some(org), _) if org != asked => {
                return Err(AppError::Platform("an object was asked for another org"));
            }
            (Some(_), _) => {}
            // Only the session of who founds it opens an org that is not there yet.
            (None, AskOrg::OpenSession(open)) if open.found.is_some() => {}
            (None, AskOrg::PeekInvitation { .. } | AskOrg::Join { .. }) => {
                return Err(Code::InvalidLink.into());
            }
            (None, AskOrg::OpenSession(_)) => return Err(Code::Forbidden.into()),
            (None, AskOrg::Authorize | AskOrg::Leave { .. }) => return Err(Code::Unauthenticated.into()),
            (None, AskOrg::EndSessions { .. } | AskOrg::UpdateUser(_)) => return Ok(Reply::no_content()),
            (None, _) => return Err(Code::NotFound.into()),
        }
        let ctx = self.context(&isolate, &asked, call);
        if let AskOrg::Leave { body, refused_token } = &ask {
            return org::leave(ctx, &Outside, body.as_deref(), *refused_token).await;
        }
        org::answer(ctx, &ask)
    }

    /// An object's org is written once and does not change until it is deleted, so it is read once.
    fn org(&self) -> std::result::Result<Option<OrgId>, SqlError> {
        if self.gone.get() {
            return Ok(None);
        }
        if self.org.get().is_none() {
            let Some(row) = self.sql.exec("SELECT id FROM org", &[])?.into_iter().next() else {
                return Ok(None);
            };
            let _ = self.org.set(row.parse(0)?);
        }
        Ok(self.org.get().cloned())
    }

    fn context<'a>(&'a self, isolate: &'a Isolate, org: &'a OrgId, call: &'a Call) -> Context<'a> {
        Context {
            store: Store::new(&self.sql),
            secrets: &isolate.secrets,
            config: &isolate.config,
            org,
            now_ms: now_ms(),
            limits: &self.limits,
            tokens: &self.tokens,
            call,
            targets: &isolate.targets,
            mail_enabled: isolate.mail.is_some(),
        }
    }

    /// Sees to it that an alarm is set for what is left to do, and for the daily retention.
    async fn watch(&self, earliest: u64, used: bool) {
        let store = Store::new(&self.sql);
        let Ok(Some(_)) = self.org() else {
            // Who is to be told of its end, and what is left of it; a call that it overtook may leave more.
            self.watched.set(false);
            let told = outbox::next_due(store).ok().flatten();
            let rest = org::has_rest(store).unwrap_or_default().then_some(earliest);
            if let Some(due) = told.into_iter().chain(rest).min() {
                wake_by(&self.state, due.max(earliest)).await;
            }
            return;
        };
        let tasks = outbox::next_due(store).ok().flatten();
        let due = tasks.into_iter().chain(keys::wakes_at(store, used).ok().flatten()).min();
        let daily = match self.purge_at.get() {
            0 => now_ms() + DAY_MS,
            at => at.max(earliest),
        };
        self.watched.set(wake_by(&self.state, due.map_or(daily, |due| due.max(earliest).min(daily))).await);
    }

    async fn work(&self) -> std::result::Result<(), AppError> {
        self.migrated?;
        let isolate = Isolate::get(&self.env)?;
        // One that is no more has still to be told of.
        let Some(org) = self.org()?.or(org::buried(Store::new(&self.sql))?) else { return Ok(()) };
        let call = alarm_call()?;
        if self.org()?.is_none() {
            self.tasks(&isolate, &org, &call).await?;
            return Ok(org::clear(Store::new(&self.sql))?);
        }
        // Not with every alarm: deliveries make it ring all the time.
        if now_ms() >= self.purge_at.get() {
            if org::purge(self.context(&isolate, &org, &call))? {
                wake_by(&self.state, now_ms()).await;
            } else {
                self.purge_at.set(now_ms() + DAY_MS);
            }
        }
        // No one of these waits for another to be whole again.
        let delivered = self.deliver(&isolate, &org, &call).await;
        let asker = Asker { isolate: &isolate, env: &self.env, call: &call };
        keys::background(self.context(&isolate, &org, &call), &asker).await.and(delivered)
    }

    /// Sends what is due to endpoints, and beside it does what changes have left to do and leave meanwhile: a mail server
    /// that hangs holds up no delivery.
    async fn deliver(
        &self,
        isolate: &Isolate,
        org: &OrgId,
        call: &Call,
    ) -> std::result::Result<(), AppError> {
        let mut sending = pin!(org::deliver(self.context(isolate, org, call), &Webhooks));
        loop {
            // Neither is stopped in the middle.
            match select(sending.as_mut(), pin!(self.tasks(isolate, org, call))).await {
                Either::Left((delivered, tasks)) => return tasks.await.and(delivered),
                Either::Right((done, _)) => done?,
            }
            let left = pin!(org::new_tasks(&self.limits));
            if let Either::Left((delivered, _)) = select(sending.as_mut(), left).await {
                return delivered;
            }
        }
    }

    /// Works off what changes have left to do.
    async fn tasks(&self, isolate: &Isolate, org: &OrgId, call: &Call) -> std::result::Result<(), AppError> {
        for _ in 0..TASKS {
            let ctx = self.context(isolate, org, call);
            let Some((id, task)) = outbox::next(ctx.store, ctx.now_ms)? else { break };
            match self.perform(ctx, isolate, &task).await {
                Ok(()) => outbox::done(ctx.store, id)?,
                Err(permanent) => outbox::failed(ctx.store, id, ctx.now_ms, permanent)?,
            }
        }
        Ok(())
    }

    /// Does what a change has left to do. The error says whether it is of no use to try again.
    async fn perform(
        &self,
        ctx: Context<'_>,
        isolate: &Isolate,
        task: &outbox::Task,
    ) -> std::result::Result<(), bool> {
        match task {
            // The account's copy of a role is renewed with the next session.
            outbox::Task::TellAccount { user, .. } => {
                if org::role_of(ctx.store, user).map_err(|_| false)?.is_some() {
                    return Ok(());
                }
                let asker = Asker { isolate, env: &self.env, call: ctx.call };
                let left = AskAccount::Left { org: ctx.org.clone() };
                asker.account::<()>(user, &left).await.map_err(|_| false)
            }
            outbox::Task::MailInvitation { invitation, origin } => {
                // Mailed links lead where the operator says, not where its sender came in.
                let origin = isolate.mail.as_ref().map_or(origin, |mail| &mail.link_origin);
                let mail = org::prepare_invitation_mail(ctx, invitation, origin).map_err(|_| false)?;
                let Some(mail) = mail else { return Ok(()) };
                let inviter_email = Address::parse(&mail.inviter.email).map_err(|_| true)?;
                let content = texts::invitation(
                    brand(isolate),
                    texts::Invitation {
                        inviter: &mail.inviter.name,
                        inviter_email: &inviter_email,
                        workspace: &mail.org_name,
                        role: mail.role.title(),
                        can: mail.role.summary(),
                        link: mail.link.expose_secret(),
                        valid_for_seconds: mail.valid_for_seconds,
                    },
                );
                post(isolate, &mail.to, content).await.map_err(|error| !error.is_temporary())
            }
            outbox::Task::MailNotice { notice } => org::address(ctx, notice).map_err(|_| false),
            outbox::Task::MailNoticeTo { notice, user } => {
                let Some(mail) = &isolate.mail else { return Err(true) };
                let prepared = org::prepare_notice_mail(ctx, notice, user).map_err(|_| false)?;
                let Some(NoticeMail { to, workspace, facts }) = prepared else { return Ok(()) };
                let link = format!("{}{}", mail.link_origin, notice.path());
                let content = match &facts {
                    Facts::EndpointDisabled { host, is_gone } => {
                        texts::endpoint_disabled(brand(isolate), &workspace, host, *is_gone, &link)
                    }
                    Facts::SignatureFailures { source, provider } => {
                        texts::signature_failures(brand(isolate), &workspace, source, provider, &link)
                    }
                };
                post(isolate, &to, content).await.map_err(|error| !error.is_temporary())
            }
            outbox::Task::LeaveRegistry => {
                let asker = Asker { isolate, env: &self.env, call: ctx.call };
                let forget = AskRegistry::Forget { id: ctx.org.to_string() };
                asker.registry::<()>(&shard_of(ctx.org.as_str()), &forget).await.map_err(|_| false)
            }
            outbox::Task::Revoke { connection } => match org::revoke(ctx, &Outside, connection).await {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => Err(false),
            },
        }
    }
}
