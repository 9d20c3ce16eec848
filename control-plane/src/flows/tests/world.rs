//! The world that the flows run in.

use crate::account::{self, AccountContext, Hashing};
use crate::asks::{
    Again, AskAccount, AskIdentity, AskOrg, AskRegistry, Identity, Invited, Mail, OpenSession, Voucher, Work,
    Wrapped,
};
use crate::error::AppError;
use crate::flows::{Flow, Objects, Providers, answer, pass_on_reset, perform};
use crate::identity::{self, IdentityContext};
use crate::limiter::Passwords;
use crate::registry::{self, RegistryContext};
use crate::reply::Reply;
use crate::secrets::{Secrets, tests::fixed};
use crate::store::native::Native;
use crate::store::{Sql as _, migrations};
use config::Config;
use hmac::{Hmac, KeyInit as _, Mac as _};
use oidc::{Issuer, Jwks, Metadata, TokenRequest, Tokens};
use protocol::api::{
    AuditEvent, List, NewSecondFactor, NewSession, Org, Reauthenticated, RecoveryCodes, ShownOnce, SignedIn,
    User,
};
use protocol::{
    Access, Call, Client, Code, ISSUER, Operation, OrgId, Principal, RequestId, Role, SessionId, UserId,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use sha1::Sha1;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use tokens::{LinkKind, SessionClaims, TotpSecret, mint_link};
use zeroize::Zeroizing;

pub(super) const NOW: u64 = 1_800_000_000_000;
pub(super) const MINUTE: u64 = 60_000;
pub(super) const PASSWORD: &str = "correct horse";

/// No identity provider answers here: `tests/interop/oidc.test.mjs` has real ones.
struct NoProviders;

impl Providers for NoProviders {
    async fn metadata(&self, _: &Issuer) -> Result<Rc<Metadata>, AppError> {
        Err(Code::IdentityProviderUnavailable.into())
    }

    async fn keys(&self, _: &Metadata, _: bool) -> Result<Rc<Jwks>, AppError> {
        Err(Code::IdentityProviderUnavailable.into())
    }

    async fn user_info(&self, _: &str, _: &SecretString) -> Result<Vec<u8>, AppError> {
        Err(Code::IdentityProviderUnavailable.into())
    }

    async fn redeem(&self, _: TokenRequest) -> Result<Tokens, AppError> {
        Err(Code::IdentityProviderUnavailable.into())
    }
}

pub(super) struct World {
    identities: RefCell<BTreeMap<String, Rc<Native>>>,
    accounts: RefCell<BTreeMap<UserId, Rc<Native>>>,
    pub orgs: RefCell<BTreeMap<OrgId, ModelOrg>>,
    /// The shards of the registry.
    registry: RefCell<BTreeMap<String, Rc<Native>>>,
    /// Shards that cannot be reached.
    pub shards_down: RefCell<BTreeSet<String>>,
    pub secrets: Secrets,
    pub config: Config,
    pub now_ms: Cell<u64>,
    /// The asks so far.
    pub trace: RefCell<Vec<String>>,
    /// Asks until the flow is cut off.
    pub fuse: Cell<Option<usize>>,
    cut_off: Cell<bool>,
    /// Orgs that cannot be reached.
    pub down: RefCell<BTreeSet<OrgId>>,
    /// Other flows run between two asks and while a password is hashed.
    pub shared: Cell<bool>,
    counter: Cell<u64>,
    /// What has been hashed in the isolate that all objects share.
    pub passwords: Passwords,
}

/// What an org promises.
#[derive(Default)]
pub(super) struct ModelOrg {
    pub name: String,
    /// What wraps its data key.
    pub kek: u32,
    pub members: BTreeMap<UserId, (User, Role)>,
    pub sessions: BTreeMap<SessionId, ModelSession>,
    pub invitations: BTreeMap<String, ModelInvitation>,
    pub asks: Vec<AskOrg>,
}

#[derive(Clone, Debug)]
pub(super) struct ModelSession {
    pub user: UserId,
    pub opened: OpenSession,
    pub authenticated_at: u64,
    pub second_factor: bool,
}

pub(super) struct ModelInvitation {
    pub email: String,
    pub open: bool,
}

/// Somebody with a session.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub principal: Principal,
    pub user: UserId,
    pub org: OrgId,
    pub session: SessionId,
}

impl World {
    pub(super) fn new() -> Self {
        let mut config = config::parse(include_str!("../../../../sluicegate.toml")).unwrap();
        config.operators.super_admins = vec!["root@example.com".into()];
        config.rate_limits.passwords.limit = 100_000;
        Self {
            identities: RefCell::default(),
            accounts: RefCell::default(),
            orgs: RefCell::default(),
            registry: RefCell::default(),
            shards_down: RefCell::default(),
            secrets: Secrets::load("sgk", fixed).unwrap(),
            config,
            now_ms: Cell::new(NOW),
            trace: RefCell::default(),
            fuse: Cell::new(None),
            cut_off: Cell::new(false),
            down: RefCell::default(),
            shared: Cell::new(false),
            counter: Cell::new(0),
            passwords: Passwords::default(),
        }
    }

    /// Runs a flow; `None` where it was cut off.
    pub(super) fn try_run(
        &self,
        principal: &Principal,
        operation: Operation,
        body: &Json,
    ) -> Option<Result<Reply, AppError>> {
        let mut outcome = None;
        self.run_all([(principal.clone(), operation, body.clone())], |_, result| outcome = Some(result));
        outcome
    }

    /// Runs flows beside each other, a step of each in turn.
    pub(super) fn run_all<const N: usize>(
        &self,
        flows: [(Principal, Operation, Json); N],
        mut each: impl FnMut(usize, Result<Reply, AppError>),
    ) {
        self.cut_off.set(false);
        let mut running: Vec<_> = flows
            .into_iter()
            .map(|(principal, operation, body)| Some(Box::pin(self.one(principal, operation, body))))
            .collect();
        while running.iter().any(Option::is_some) && !self.cut_off.get() {
            for (at, slot) in running.iter_mut().enumerate() {
                let Some(flow) = slot else { continue };
                let polled = Pin::new(flow).poll(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(result) = polled {
                    *slot = None;
                    each(at, result);
                }
            }
        }
        self.fuse.set(None);
    }

    /// Runs one flow, and after some steps of it another one beside it.
    pub(super) fn run_staggered(
        &self,
        head_start: usize,
        first: (Principal, Operation, Json),
        second: (Principal, Operation, Json),
        mut each: impl FnMut(usize, Result<Reply, AppError>),
    ) {
        let mut first = Some(Box::pin(self.one(first.0, first.1, first.2)));
        let mut second = Some(Box::pin(self.one(second.0, second.1, second.2)));
        let mut poll = |slot: &mut Option<Pin<Box<_>>>, at| {
            let Some(flow) = slot else { return };
            if let Poll::Ready(result) =
                Future::poll(Pin::as_mut(flow), &mut Context::from_waker(Waker::noop()))
            {
                *slot = None;
                each(at, result);
            }
        };
        (0..head_start).for_each(|_| poll(&mut first, 0));
        while second.is_some() {
            poll(&mut second, 1);
        }
        while first.is_some() {
            poll(&mut first, 0);
        }
    }

    async fn one(&self, principal: Principal, operation: Operation, body: Json) -> Result<Reply, AppError> {
        let call = self.call(principal, operation);
        let objects = Seen { world: self, call: &call };
        let flow = Flow {
            objects: &objects,
            secrets: &self.secrets,
            config: &self.config,
            now_ms: self.now_ms.get(),
            call: &call,
            allow_local_upstreams: false,
        };
        answer(flow, &NoProviders, body.to_string().as_bytes()).await
    }

    pub(super) fn call(&self, principal: Principal, operation: Operation) -> Call {
        Call {
            request_id: RequestId::new(self.now_ms.get(), [7; 10]),
            client: Client {
                ip: "192.0.2.1".into(),
                user_agent: "test".into(),
                origin: "https://gate.test".into(),
                country: None,
            },
            principal,
            operation,
            idempotency_key: None,
        }
    }

    pub(super) fn run(&self, who: &Principal, operation: Operation, body: &Json) -> Result<Reply, AppError> {
        self.try_run(who, operation, body).unwrap()
    }

    /// The public code of a refusal.
    pub(super) fn refused(&self, who: &Principal, operation: Operation, body: &Json) -> Code {
        self.run(who, operation, body).unwrap_err().public().0
    }

    /// The asks of a flow.
    pub(super) fn traced<T>(&self, run: impl FnOnce() -> T) -> (T, Vec<String>) {
        self.trace.borrow_mut().clear();
        let result = run();
        (result, self.trace.borrow().clone())
    }

    /// Runs `flow` cut off before its first ask, before its second, … and after each lets `then` look at what is left. A
    /// fresh world each time.
    pub(super) fn cut_off_everywhere<T>(
        mut prepare: impl FnMut(&Self) -> T,
        mut flow: impl FnMut(&Self, &T) -> Option<Result<Reply, AppError>>,
        mut then: impl FnMut(&Self, &T, usize),
    ) {
        for asks in 0.. {
            let world = Self::new();
            let prepared = prepare(&world);
            world.fuse.set(Some(asks));
            let finished = flow(&world, &prepared);
            then(&world, &prepared, asks);
            if let Some(result) = finished {
                result.unwrap();
                assert!(asks > 1, "nothing was cut off");
                return;
            }
        }
    }

    pub(super) fn sign_up(&self, email: &str) -> Signed {
        let reply = self.run(&Principal::Anonymous, Operation::SignUp, &sign_up_body(email)).unwrap();
        assert_eq!(reply.status, 201);
        self.signed(&reply)
    }

    /// With a proven email.
    pub(super) fn sign_up_verified(&self, email: &str) -> Signed {
        let signed = self.sign_up(email);
        let token = token(&self.mails(&signed.user)[0]);
        self.run(&signed.principal, Operation::VerifyEmail, &json!({ "token": token })).unwrap();
        signed
    }

    pub(super) fn log_in(&self, email: &str, password: &str) -> Result<Reply, AppError> {
        self.run(&Principal::Anonymous, Operation::LogIn, &json!({ "email": email, "password": password }))
    }

    pub(super) fn signed_in(&self, email: &str, password: &str) -> Signed {
        self.signed(&self.log_in(email, password).unwrap())
    }

    pub(super) fn signed(&self, reply: &Reply) -> Signed {
        let verifier = tokens::SessionVerifier::from_jwks(&self.secrets.signer.jwks()).unwrap();
        let claims =
            verifier.verify(reply.session.as_ref().unwrap(), ISSUER, self.now_ms.get() / 1000).unwrap();
        let (user, org) =
            (UserId::parse(&claims.claims.sub).unwrap(), OrgId::parse(&claims.claims.org).unwrap());
        let session = SessionId::parse(&claims.claims.sid).unwrap();
        let principal = Principal::Session {
            org: org.clone(),
            user: user.clone(),
            session: session.clone(),
            expired: false,
            cookie: false,
        };
        Signed { principal, user, org, session }
    }

    pub(super) fn is_alive(&self, signed: &Signed) -> bool {
        self.orgs.borrow().get(&signed.org).is_some_and(|org| org.sessions.contains_key(&signed.session))
    }

    /// An invitation into an org, and its token.
    pub(super) fn invite(&self, org: &OrgId, email: &str) -> String {
        let link = mint_link(&self.secrets.mac, LinkKind::Invitation, org.body()).unwrap();
        let invitation = ModelInvitation { email: email.into(), open: true };
        self.orgs.borrow_mut().get_mut(org).unwrap().invitations.insert(link.digest, invitation);
        link.token.expose_secret().to_owned()
    }

    /// Lets an account's alarm ring: does its work and returns the mails that went out.
    pub(super) fn mails(&self, user: &UserId) -> Vec<Mail> {
        let call = self.call(Principal::Anonymous, Operation::LogIn);
        let objects = Seen { world: self, call: &call };
        let sql = self.account_sql(user);
        let ctx = self.account_context(&sql, user, &call);
        let mut mails = Vec::new();
        while let Some(pending) = account::next_work(ctx).unwrap() {
            let done = match pending.work {
                Work::Mail(mail) => {
                    mails.push(mail);
                    true
                }
                work => finish(perform(&objects, &self.secrets, &work)).is_ok(),
            };
            if done {
                account::done(ctx, pending.id).unwrap();
            } else {
                account::failed(ctx, pending.id).unwrap();
            }
        }
        mails
    }

    /// Lets the alarm of an email's identity ring.
    pub(super) fn ring(&self, email: &str) {
        let name = self.secrets.identity_name(&Identity::Email { email: email.into() });
        let sql = self.identity_sql(&name);
        let ctx = IdentityContext { sql: &*sql, config: &self.config, now_ms: self.now_ms.get() };
        if let Some(user) = identity::pending_reset(ctx).unwrap() {
            let call = self.call(Principal::Anonymous, Operation::RequestPasswordReset);
            let objects = Seen { world: self, call: &call };
            finish(pass_on_reset(&objects, &name, &user)).unwrap();
            identity::reset_done(ctx).unwrap();
        }
    }

    /// Proves an account's email by a mail that is sent again.
    pub(super) fn verify_email(&self, signed: &Signed) {
        self.mails(&signed.user);
        self.run(&signed.principal, Operation::ResendVerification, &Json::Null).unwrap();
        let token = token(&self.mails(&signed.user)[0]);
        self.run(&signed.principal, Operation::VerifyEmail, &json!({ "token": token })).unwrap();
    }

    /// Adds a second factor to an account.
    pub(super) fn with_second_factor(&self, signed: &Signed) -> Guarded {
        let reply = self.run(&signed.principal, Operation::StartSecondFactor, &Json::Null).unwrap();
        let uri = reply.read::<NewSecondFactor>().unwrap();
        let secret = TotpSecret::from_bytes(&base32(&uri.secret.0)).unwrap();
        let mut guarded = Guarded {
            secret,
            recovery: Vec::new(),
            email: self.orgs.borrow()[&signed.org].members[&signed.user].0.email.clone(),
        };
        let body = json!({ "code": guarded.code(self) });
        let reply = self.run(&signed.principal, Operation::ConfirmSecondFactor, &body).unwrap();
        let codes = reply.read::<RecoveryCodes>().unwrap().recovery_codes;
        guarded.recovery = codes.into_iter().map(|code| code.0).collect();
        guarded
    }

    /// What an account's audit trail says, newest first.
    pub(super) fn account_events(&self, user: &UserId) -> Vec<String> {
        let page = protocol::Page { limit: Some(200), cursor: None };
        let events: List<AuditEvent> = self.ask(user, AskAccount::ListEvents(page)).unwrap();
        events.data.into_iter().map(|event| event.action).collect()
    }

    /// Whom an email points to.
    pub(super) fn owner(&self, email: &str) -> Option<UserId> {
        let name = self.secrets.identity_name(&Identity::Email { email: email.into() });
        let sql = self.identity_sql(&name);
        let ctx = IdentityContext { sql: &*sql, config: &self.config, now_ms: self.now_ms.get() };
        identity::answer(ctx, &AskIdentity::Find).unwrap().read().unwrap()
    }

    /// Asks an identity directly.
    pub(super) fn point(&self, name: &str, ask: &AskIdentity) {
        let sql = self.identity_sql(name);
        let ctx = IdentityContext { sql: &*sql, config: &self.config, now_ms: self.now_ms.get() };
        identity::answer(ctx, ask).unwrap();
    }

    /// Asks an account directly.
    pub(super) fn ask<T: DeserializeOwned>(&self, user: &UserId, ask: AskAccount) -> Result<T, AppError> {
        let call = self.call(Principal::Anonymous, Operation::LogIn);
        finish(Seen { world: self, call: &call }.account(user, &ask))
    }

    /// The accounts that there are.
    pub(super) fn account_count(&self) -> usize {
        let exists = |sql: &Native| {
            !crate::store::migrations::is_empty(sql).unwrap()
                && !sql.exec("SELECT 1 FROM account", &[]).unwrap().is_empty()
        };
        self.accounts.borrow().values().filter(|sql| exists(sql)).count()
    }

    pub(super) fn account_sql(&self, user: &UserId) -> Rc<Native> {
        self.accounts.borrow_mut().entry(user.clone()).or_insert_with(|| Rc::new(Native::new())).clone()
    }

    fn identity_sql(&self, name: &str) -> Rc<Native> {
        self.identities.borrow_mut().entry(name.into()).or_insert_with(|| Rc::new(Native::new())).clone()
    }

    fn registry_sql(&self, shard: &str) -> Rc<Native> {
        let made = || {
            let sql = Native::new();
            migrations::run(&sql, migrations::REGISTRY).unwrap();
            Rc::new(sql)
        };
        self.registry.borrow_mut().entry(shard.into()).or_insert_with(made).clone()
    }

    fn registry_context<'a>(&self, sql: &'a Native) -> RegistryContext<'a> {
        RegistryContext { sql, deployed: self.secrets.keyring.current().get(), now_ms: self.now_ms.get() }
    }

    /// Lets the alarms of all shards ring, as often as they are due by now.
    pub(super) fn ring_registry(&self) {
        let call = self.call(Principal::Anonymous, Operation::Me);
        let objects = Seen { world: self, call: &call };
        for shard in registry::shards() {
            let sql = self.registry_sql(&shard);
            while registry::wakes_at(&*sql).unwrap().is_some_and(|due| due <= self.now_ms.get()) {
                finish(registry::work(self.registry_context(&sql), &objects, || self.now_ms.get())).unwrap();
            }
        }
    }

    /// Lets an account's alarm ring for its key.
    pub(super) fn check_in(&self, user: &UserId) {
        let call = self.call(Principal::Anonymous, Operation::Me);
        let objects = Seen { world: self, call: &call };
        let sql = self.account_sql(user);
        finish(account::check_in(self.account_context(&sql, user, &call), &objects)).unwrap();
    }

    fn account_context<'a>(
        &'a self,
        sql: &'a Native,
        user: &'a UserId,
        call: &'a Call,
    ) -> AccountContext<'a> {
        AccountContext {
            sql,
            secrets: &self.secrets,
            config: &self.config,
            user,
            now_ms: self.now_ms.get(),
            call,
            passwords: &self.passwords,
        }
    }

    async fn step(&self, ask: &str) {
        match self.fuse.get() {
            Some(0) => {
                self.cut_off.set(true);
                std::future::pending::<()>().await;
            }
            Some(left) => self.fuse.set(Some(left - 1)),
            None => {}
        }
        self.trace.borrow_mut().push(ask.to_owned());
        self.pause().await;
    }

    async fn pause(&self) {
        let mut waited = !self.shared.get();
        poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    fn random(&self) -> [u8; 10] {
        self.counter.set(self.counter.get() + 1);
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.counter.get().to_be_bytes());
        random
    }
}

/// Somebody with an authenticator app.
pub(super) struct Guarded {
    pub secret: TotpSecret,
    pub recovery: Vec<String>,
    email: String,
}

impl Guarded {
    /// The app's next code: time goes on, so that it is a fresh one.
    pub(super) fn code(&self, world: &World) -> String {
        world.now_ms.set(world.now_ms.get() + MINUTE);
        self.code_now(world)
    }

    /// RFC 6238, as an app does it.
    pub(super) fn code_now(&self, world: &World) -> String {
        let step = world.now_ms.get() / 30_000;
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(&step.to_be_bytes());
        let tag = mac.finalize().into_bytes();
        let at = usize::from(tag[19] & 15);
        let bits = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", bits % 1_000_000)
    }

    pub(super) fn sign_in(&self, world: &World) -> Signed {
        let challenge: Json = world.log_in(&self.email, PASSWORD).unwrap().read().unwrap();
        let body = json!({ "challenge": challenge["challenge"], "code": self.code(world) });
        world.signed(&world.run(&Principal::Anonymous, Operation::LogInSecondFactor, &body).unwrap())
    }
}

/// RFC 4648, as an app reads it.
fn base32(text: &str) -> Vec<u8> {
    let bits: String = text
        .bytes()
        .map(|c| format!("{:05b}", if c.is_ascii_digit() { c - b'2' + 26 } else { c - b'A' }))
        .collect();
    bits.as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect()
}

pub(super) fn sign_up_body(email: &str) -> Json {
    json!({ "email": email, "password": PASSWORD, "name": "Ada", "org_name": "Acme", "accept_terms": true })
}

/// The token in a mail.
pub(super) fn token(mail: &Mail) -> String {
    use crate::asks::About;
    match &mail.about {
        About::VerifyEmail { token, .. } | About::ResetPassword { token, .. } => token.0.clone(),
        other => panic!("no link in {other:?}"),
    }
}

fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// The objects, as one call sees them.
struct Seen<'a> {
    world: &'a World,
    call: &'a Call,
}

impl Objects for Seen<'_> {
    async fn identity<T: DeserializeOwned>(&self, name: &str, ask: &AskIdentity) -> Result<T, AppError> {
        self.world.step(&format!("identity.{}", kind(ask))).await;
        let sql = self.world.identity_sql(name);
        let now_ms = self.world.now_ms.get();
        let ctx = IdentityContext { sql: &*sql, config: &self.world.config, now_ms };
        let answer = identity::answer(ctx, ask);
        crossed(answer, self.call)?.read()
    }

    async fn account<T: DeserializeOwned>(&self, user: &UserId, ask: &AskAccount) -> Result<T, AppError> {
        self.world.step(&format!("account.{}", kind(ask))).await;
        let sql = self.world.account_sql(user);
        let ctx = self.world.account_context(&sql, user, self.call);
        let ask: AskAccount = serde_json::from_str(&serde_json::to_string(ask).unwrap()).unwrap();
        let answer = account::answer(ctx, &Fast(self.world), ask).await;
        crossed(answer, self.call)?.read()
    }

    async fn org(&self, org: &OrgId, ask: &AskOrg) -> Result<Reply, AppError> {
        self.world.step(&format!("org.{}", kind(ask))).await;
        if self.world.down.borrow().contains(org) {
            return Err(Code::Unavailable.into());
        }
        let ask: AskOrg = serde_json::from_str(&serde_json::to_string(ask).unwrap()).unwrap();
        crossed(self.model(org, &ask), self.call)
    }

    async fn registry<T: DeserializeOwned>(&self, shard: &str, ask: &AskRegistry) -> Result<T, AppError> {
        self.world.step(&format!("registry.{}", kind(ask))).await;
        if self.world.shards_down.borrow().contains(shard) {
            return Err(Code::Unavailable.into());
        }
        let sql = self.world.registry_sql(shard);
        let ask: &AskRegistry = &serde_json::from_str(&serde_json::to_string(ask).unwrap()).unwrap();
        crossed(registry::answer(self.world.registry_context(&sql), ask), self.call)?.read()
    }

    async fn operate(&self, org: &OrgId, operation: &Operation) -> Result<Reply, AppError> {
        self.world.step(&format!("operate.{}", kind(operation))).await;
        let Principal::Session { user, session, .. } = &self.call.principal else { panic!("who?") };
        let mut orgs = self.world.orgs.borrow_mut();
        let model = orgs.get_mut(org).ok_or(Code::Unauthenticated)?;
        match operation {
            Operation::LogOut => {
                model.sessions.remove(session).ok_or(Code::Unauthenticated)?;
            }
            Operation::LeaveOrg => {
                model.sessions.get(session).ok_or(Code::Unauthenticated)?;
                model.members.remove(user).ok_or(Code::Unauthenticated)?;
                model.sessions.retain(|_, session| session.user != *user);
            }
            other => panic!("{other:?}"),
        }
        Ok(Reply { session: Some(Zeroizing::default()), ..Reply::no_content() })
    }
}

impl Seen<'_> {
    fn model(&self, id: &OrgId, ask: &AskOrg) -> Result<Reply, AppError> {
        let (world, now_ms) = (self.world, self.world.now_ms.get());
        let mut orgs = world.orgs.borrow_mut();
        if let AskOrg::OpenSession(OpenSession { user, found: Some(found), .. }) = ask {
            orgs.entry(id.clone()).or_insert_with(|| ModelOrg {
                name: found.name.clone(),
                kek: found.kek.unwrap(),
                members: [(user.id.clone(), (user.clone(), Role::OrgAdmin))].into(),
                ..ModelOrg::default()
            });
        }
        let Some(org) = orgs.get_mut(id) else {
            return match ask {
                AskOrg::OpenSession(_) => Err(Code::Forbidden.into()),
                AskOrg::PeekInvitation { .. } | AskOrg::Join { .. } => Err(Code::InvalidLink.into()),
                AskOrg::EndSessions { .. } | AskOrg::UpdateUser(_) => Ok(Reply::no_content()),
                AskOrg::SetPlan { .. }
                | AskOrg::SetLimits { .. }
                | AskOrg::Describe { .. }
                | AskOrg::Rewrap { .. }
                | AskOrg::KeysRotated { .. } => Err(Code::NotFound.into()),
                AskOrg::Authorize | AskOrg::Stands { .. } | AskOrg::MarkAuthenticated { .. } => {
                    Err(Code::Unauthenticated.into())
                }
                AskOrg::Leave { .. } => Err(Code::NotFound.into()),
            };
        };
        org.asks.push(ask.clone());
        match ask {
            AskOrg::Authorize => {
                let Principal::Session { user, session, .. } = &self.call.principal else {
                    return Err(Code::Unauthenticated.into());
                };
                let alive = org.sessions.get(session).ok_or(Code::Unauthenticated)?;
                let (user, role) = org.members.get(user).ok_or(Code::Unauthenticated)?;
                if self.call.operation.access() == Access::Operator && !alive.opened.operator {
                    return Err(Code::Forbidden.into());
                }
                if self.call.operation.is_sensitive() && now_ms > alive.authenticated_at + 10 * MINUTE {
                    return Err(Code::ReauthenticationRequired.into());
                }
                Reply::json(
                    200,
                    &Voucher {
                        user: user.clone(),
                        session: session.clone(),
                        role: *role,
                        cookie: false,
                        authenticated_at: alive.authenticated_at,
                        second_factor: alive.second_factor,
                        operator: alive.opened.operator,
                        epoch: alive.opened.epoch,
                        renewed: None,
                    },
                )
            }
            // The broker's, no flow's.
            AskOrg::Leave { .. } => Err(Code::NotFound.into()),
            AskOrg::Stands { user, session } => match org.sessions.get(session) {
                Some(alive) if alive.user == *user => Ok(Reply::no_content()),
                _ => Err(Code::Unauthenticated.into()),
            },
            AskOrg::OpenSession(open) => {
                let (user, role) = org.members.get(&open.user.id).ok_or(Code::Forbidden)?.clone();
                let session = SessionId::new(now_ms, world.random());
                let claims = SessionClaims {
                    sub: user.id.to_string(),
                    org: id.to_string(),
                    role: role.as_str().into(),
                    sid: session.to_string(),
                    iat: now_ms / 1000,
                    exp: now_ms / 1000 + 600,
                };
                let token = world.secrets.signer.sign(&claims, ISSUER).unwrap();
                org.sessions.insert(
                    session,
                    ModelSession {
                        user: user.id.clone(),
                        opened: open.clone(),
                        authenticated_at: open.authenticated_at,
                        second_factor: open.second_factor,
                    },
                );
                let signed_in = SignedIn {
                    user,
                    org: Org {
                        id: id.clone(),
                        name: org.name.clone(),
                        region: id.region().unwrap(),
                        plan: "free".into(),
                        created_at: String::new(),
                    },
                    session: NewSession { token: ShownOnce(token.clone()), expires_at: String::new() },
                };
                Ok(Reply { session: Some(Zeroizing::new(token)), ..Reply::json(open.status, &signed_in)? })
            }
            AskOrg::EndSessions { user, but, epoch, .. } => {
                if let Some(spared) = but.as_ref().and_then(|id| org.sessions.get_mut(id)) {
                    spared.opened.epoch = *epoch;
                }
                org.sessions.retain(|id, session| session.user != *user || Some(id) == but.as_ref());
                Ok(Reply::no_content())
            }
            AskOrg::MarkAuthenticated { session, proof } => {
                let alive = org.sessions.get_mut(session).ok_or(Code::Unauthenticated)?;
                if *proof == Again::FirstOfTwo && !alive.second_factor {
                    return Err(Code::ReauthenticationRequired.into());
                }
                alive.authenticated_at = now_ms;
                alive.second_factor |= *proof == Again::Second;
                Reply::json(200, &Reauthenticated { authenticated_until: String::new() })
            }
            AskOrg::PeekInvitation { digest } => {
                let found = org.invitations.get(digest).filter(|i| i.open).ok_or(Code::InvalidLink)?;
                Reply::json(
                    200,
                    &Invited {
                        email: found.email.clone(),
                        org_name: org.name.clone(),
                        role: Role::Member,
                        inviter: Some("Ada".into()),
                    },
                )
            }
            AskOrg::Join { digest, user } => {
                let found = org.invitations.get_mut(digest).filter(|i| i.open).ok_or(Code::InvalidLink)?;
                if found.email != user.email {
                    return Err(Code::WrongEmail.into());
                }
                found.open = false;
                org.members.entry(user.id.clone()).or_insert((user.clone(), Role::Member));
                Reply::json(
                    200,
                    &Invited {
                        email: user.email.clone(),
                        org_name: org.name.clone(),
                        role: Role::Member,
                        inviter: None,
                    },
                )
            }
            AskOrg::UpdateUser(user) => {
                if let Some(member) = org.members.get_mut(&user.id) {
                    member.0 = user.clone();
                }
                Ok(Reply::no_content())
            }
            AskOrg::SetPlan { .. } | AskOrg::SetLimits { .. } | AskOrg::Describe { .. } => {
                Reply::json(200, &json!({ "org": org.name }))
            }
            AskOrg::Rewrap { version } => {
                org.kek = version.map_or(org.kek, |version| version.max(org.kek));
                Reply::json(200, &Wrapped { version: org.kek })
            }
            AskOrg::KeysRotated { .. } => Ok(Reply::no_content()),
        }
    }
}

/// A refusal crosses between objects as a problem document.
fn crossed(answer: Result<Reply, AppError>, call: &Call) -> Result<Reply, AppError> {
    if let Err(error) = &answer
        && error.public().0 == Code::Internal
    {
        panic!("{error}");
    }
    answer.unwrap_or_else(|error| Reply::problem(&error, &call.request_id)).into_result()
}

fn kind(ask: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(ask).unwrap();
    json["ask"].as_str().or(json["op"].as_str()).unwrap().to_owned()
}

/// Hashing that takes no time, but as many turns.
struct Fast<'a>(&'a World);

impl Hashing for Fast<'_> {
    async fn hash(&self, password: &SecretString) -> Result<String, AppError> {
        tokens::check_password(password, &[])?;
        self.0.pause().await;
        self.0.trace.borrow_mut().push("hash".into());
        Ok(format!("fast:{}", password.expose_secret()))
    }

    async fn verify(&self, password: &SecretString, stored: Option<&str>) -> Result<bool, AppError> {
        self.0.pause().await;
        self.0.trace.borrow_mut().push("verify".into());
        Ok(stored == Some(&format!("fast:{}", password.expose_secret())))
    }
}
