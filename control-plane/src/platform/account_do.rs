//! One object per person. It exists so that a person is no org's: who they are and how they prove it outlives any
//! membership. And so that password hashing, the slowest thing this product does, runs on a thread of its own for each
//! person; where all objects share one, it runs in slices, one password at a time.

use super::objects::Asker;
use super::post::{brand, post};
use super::sql::ObjectSql;
use super::{ASK, Isolate, alarm_call, alarm_ended, call_of, now_ms, respond, wake_by};
use crate::account::{self, AccountContext, Hashing, Sliced};
use crate::asks::{About, AskAccount, Mail, Secret, Work};
use crate::error::AppError;
use crate::flows;
use crate::reply::Reply;
use mail::texts;
use protocol::{Call, UserId};
use secrecy::SecretString;
use std::cell::{Cell, OnceCell};
use std::time::Duration;
use worker::{Delay, DurableObject, Env, Request, Response, Result, State, durable_object};

/// Tasks worked off by one alarm; the next one goes on.
const TASKS: u32 = 50;
/// After a fault, ms.
const RETRY_MS: u64 = 60_000;

#[durable_object]
pub struct AccountDo {
    sql: ObjectSql,
    state: State,
    user: OnceCell<UserId>,
    env: Env,
}

impl DurableObject for AccountDo {
    fn new(state: State, env: Env) -> Self {
        Self { sql: ObjectSql::new(&state), state, user: OnceCell::new(), env }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let call = match call_of(&request) {
            Ok(call) => call,
            Err(_) => return Response::error("not a call", 400),
        };
        let name = request.headers().get(ASK)?.unwrap_or_default();
        let body = request.bytes().await?;
        let result = self.answer(&name, &call, &body).await;
        self.watch(now_ms(), true).await;
        respond(result, &call.request_id)
    }

    async fn alarm(&self) -> Result<Response> {
        self.watch(alarm_ended("account", self.work().await, RETRY_MS), false).await;
        // A fault is not the platform's to repeat: what is left to do has its own times.
        Response::empty()
    }
}

impl AccountDo {
    async fn answer(&self, name: &str, call: &Call, body: &[u8]) -> std::result::Result<Reply, AppError> {
        let isolate = Isolate::get(&self.env)?;
        let user =
            UserId::parse(name).map_err(|_| AppError::Platform("an account was asked by another name"))?;
        let ask: AskAccount = serde_json::from_slice(body)?;
        let user = self.user.get_or_init(|| user);
        account::answer(self.context(&isolate, user, call), &InTurn, ask).await
    }

    fn context<'a>(&'a self, isolate: &'a Isolate, user: &'a UserId, call: &'a Call) -> AccountContext<'a> {
        AccountContext {
            sql: &self.sql,
            secrets: &isolate.secrets,
            config: &isolate.config,
            user,
            now_ms: now_ms(),
            call,
            passwords: &isolate.passwords,
        }
    }

    /// Sees to it that an alarm is set for what is left to do.
    async fn watch(&self, earliest: u64, used: bool) {
        let Ok(Some(due)) = account::wakes_at(&self.sql, used) else { return };
        wake_by(&self.state, due.max(earliest)).await;
    }

    async fn work(&self) -> std::result::Result<(), AppError> {
        let isolate = Isolate::get(&self.env)?;
        let Some(user) = account::who(&self.sql)? else { return Ok(()) };
        let call = alarm_call()?;
        for _ in 0..TASKS {
            let ctx = self.context(&isolate, &user, &call);
            let Some(pending) = account::next_work(ctx)? else { break };
            if self.perform(&isolate, &call, &pending.work).await {
                account::done(self.context(&isolate, &user, &call), pending.id)?;
            } else {
                account::failed(self.context(&isolate, &user, &call), pending.id)?;
            }
        }
        let asker = Asker { isolate: &isolate, env: &self.env, call: &call };
        account::check_in(self.context(&isolate, &user, &call), &asker).await
    }

    /// Whether the work is done, or of no use.
    async fn perform(&self, isolate: &Isolate, call: &Call, work: &Work) -> bool {
        let asker = Asker { isolate, env: &self.env, call };
        match work {
            Work::Mail(mail) => {
                send(isolate, mail).await.map_or_else(|error| !error.is_temporary(), |()| true)
            }
            work => flows::perform(&asker, &isolate.secrets, work).await.is_ok(),
        }
    }
}

async fn send(isolate: &Isolate, mail: &Mail) -> std::result::Result<(), mail::Error> {
    let Some(settings) = &isolate.mail else { return Ok(()) };
    let (brand, origin) = (brand(isolate), &settings.link_origin);
    let link = |page: &str, Secret(token): &Secret| format!("{origin}/{page}?token={token}");
    let content = match &mail.about {
        About::VerifyEmail { token, valid_for_seconds } => {
            texts::verify_email(brand, &link("verify-email", token), *valid_for_seconds)
        }
        About::ResetPassword { token, valid_for_seconds } => {
            texts::reset_password(brand, &link("reset-password", token), *valid_for_seconds)
        }
        About::PasswordChanged { at } => texts::password_changed(brand, *at),
        About::EmailChanged { at } => texts::email_changed(brand, *at),
    };
    post(isolate, &mail.to, content).await
}

/// A password's hashing that has not breathed for so long is no more: its request was cancelled, ms.
const STALLED_MS: u64 = 1000;

thread_local! {
    /// When the password that is being hashed on this thread last took a breath, Unix ms; 0: none is.
    static HASHING: Cell<u64> = const { Cell::new(0) };
}

/// One password at a time: two in turns would take twice as long each, and twice the breaks of everybody else.
struct InTurn;

impl Hashing for InTurn {
    async fn hash(&self, password: &SecretString) -> std::result::Result<String, AppError> {
        let _turn = Turn::take().await;
        Sliced(breathe).hash(password).await
    }

    async fn verify(
        &self,
        password: &SecretString,
        stored: Option<&str>,
    ) -> std::result::Result<bool, AppError> {
        let _turn = Turn::take().await;
        Sliced(breathe).verify(password, stored).await
    }
}

struct Turn;

impl Turn {
    async fn take() -> Self {
        while now_ms() < HASHING.get() + STALLED_MS {
            Delay::from(Duration::from_millis(5)).await;
        }
        HASHING.set(now_ms());
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        HASHING.set(0);
    }
}

/// Lets everybody else on this thread have their turn.
async fn breathe() {
    Delay::from(Duration::ZERO).await;
    HASHING.set(now_ms());
}
