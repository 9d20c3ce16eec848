//! The account's object by itself: hashes, its audit trail, its outbox, identities.

use super::outbox::Task;
use super::*;
use crate::asks::{Creation, Mail, NewAccount, NewIdentity, Pending, Secret, SignIn, Work};
use crate::secrets::tests::{fixed, with_keyring};
use crate::store::native::Native;
use crate::store::{GENESIS, chain_hash};
use protocol::api::{Account as Shown, AuditEvent, List};
use protocol::{Client, Operation, OrgId, Page, Principal, RequestId, SessionId};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const NOW: u64 = 1_800_000_000_000;
const HOUR: u64 = 3_600_000;

struct Object {
    sql: Native,
    secrets: Secrets,
    config: Config,
    user: UserId,
    now_ms: Cell<u64>,
    call: Call,
    passwords: Passwords,
}

impl Object {
    fn new() -> Self {
        Self {
            sql: Native::new(),
            secrets: Secrets::load("sgk", fixed).unwrap(),
            config: config::parse(include_str!("../../../sluicegate.toml")).unwrap(),
            user: UserId::new(NOW, [1; 10]),
            now_ms: Cell::new(NOW),
            call: Call {
                request_id: RequestId::new(NOW, [2; 10]),
                client: Client {
                    ip: "192.0.2.1".into(),
                    user_agent: String::new(),
                    origin: "https://gate.test".into(),
                    country: None,
                },
                principal: Principal::Anonymous,
                operation: Operation::SignUp,
                idempotency_key: None,
            },
            passwords: Passwords::default(),
        }
    }

    fn made(new: &NewAccount) -> Self {
        let object = Self::new();
        assert!(matches!(object.ask(AskAccount::Create(new.clone())).unwrap(), Creation::Made(_)));
        object
    }

    fn context(&self) -> AccountContext<'_> {
        AccountContext {
            sql: &self.sql,
            secrets: &self.secrets,
            config: &self.config,
            user: &self.user,
            now_ms: self.now_ms.get(),
            call: &self.call,
            passwords: &self.passwords,
        }
    }

    fn ask<T: DeserializeOwned>(&self, ask: AskAccount) -> Result<T, AppError> {
        finish(answer(self.context(), &Fast, ask))?.read()
    }

    fn code<T: DeserializeOwned + std::fmt::Debug>(&self, ask: AskAccount) -> Code {
        self.ask::<T>(ask).unwrap_err().public().0
    }

    fn next(&self) -> Option<Pending> {
        next_work(self.context()).unwrap()
    }

    fn describe(&self) -> Shown {
        self.ask(AskAccount::Describe).unwrap()
    }
}

struct Fast;

impl Hashing for Fast {
    async fn hash(&self, password: &SecretString) -> Result<String, AppError> {
        use secrecy::ExposeSecret as _;
        Ok(format!("fast:{}", password.expose_secret()))
    }

    async fn verify(&self, password: &SecretString, stored: Option<&str>) -> Result<bool, AppError> {
        use secrecy::ExposeSecret as _;
        Ok(stored == Some(&format!("fast:{}", password.expose_secret())))
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

fn ada() -> NewAccount {
    NewAccount {
        email: "ada@example.com".into(),
        email_verified: false,
        name: "Ada".into(),
        password: Some(Secret("correct horse".into())),
        identity: None,
        org: OrgId::new(Region::Eu, [3; 16]),
        org_name: "Acme".into(),
        joins_as: None,
        kek: None,
    }
}

fn identity(subject: &str) -> NewIdentity {
    NewIdentity {
        provider: "idp".into(),
        issuer: "https://idp.example".into(),
        subject: subject.into(),
        email: Some("ada@idp.example".into()),
    }
}

fn prove(password: &str) -> AskAccount {
    AskAccount::ProvePassword {
        email: "ada@example.com".into(),
        password: Secret(password.into()),
        org: None,
    }
}

#[test]
fn m3_a_password_is_kept_as_bcrypt_at_cost_12_and_others_run_while_it_is_made() {
    let object = Object::new();
    let breaks = Cell::new(0);
    let hashing = Sliced(async || {
        breaks.set(breaks.get() + 1);
        let mut waited = false;
        poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
    });
    let answer = |ask| finish(answer(object.context(), &hashing, ask));
    answer(AskAccount::Create(ada())).unwrap();
    assert!(breaks.get() > 20);
    let hash =
        object.sql.exec("SELECT password_hash FROM account", &[]).unwrap()[0].text(0).unwrap().to_owned();
    assert!(hash.starts_with("$2b$12$"), "{hash}");
    assert!(matches!(answer(prove("correct horse")).unwrap().read().unwrap(), SignIn::Proven(_)));
    let error = answer(prove("wrong horse")).unwrap_err();
    assert_eq!(error.public().0, Code::InvalidCredentials);
    // As many rounds for nobody as for somebody.
    breaks.set(0);
    let nobody = Object::new();
    finish(super::answer(nobody.context(), &hashing, prove("correct horse"))).unwrap_err();
    assert_eq!(breaks.get(), 4096 / 64 - 1);
}

#[test]
fn an_object_that_is_no_account_proves_nothing_and_stays_empty() {
    let object = Object::new();
    let digest = "0".repeat(64);
    assert_eq!(object.code::<SignIn>(prove("correct horse")), Code::InvalidCredentials);
    let reset = AskAccount::ResetPassword { digest: digest.clone(), new: Secret("battery staple".into()) };
    assert_eq!(object.code::<()>(reset), Code::InvalidLink);
    let code = AskAccount::ProveSecondFactor { digest: digest.clone(), code: Secret("123456".into()) };
    assert_eq!(object.code::<()>(code), Code::InvalidLink);
    assert_eq!(object.code::<()>(AskAccount::VerifyEmail { digest }), Code::InvalidLink);
    object.ask::<()>(AskAccount::QueueReset { identity: "idn_x".into() }).unwrap();
    let by_identity = AskAccount::ProveIdentity { identity: identity("1").identity(), email: None };
    assert!(object.ask::<Option<SignIn>>(by_identity).unwrap().is_none());
    for ask in [
        AskAccount::Describe,
        AskAccount::Orgs,
        AskAccount::StartSecondFactor,
        AskAccount::ResendVerification,
    ] {
        assert_eq!(object.code::<serde_json::Value>(ask), Code::Unauthenticated);
    }
    assert_eq!(wakes_at(&object.sql, true).unwrap(), None);
    assert!(migrations::is_empty(&object.sql).unwrap());
}

#[test]
fn m7_b7_every_change_of_an_account_is_in_its_chain() {
    let object = Object::made(&ada());
    let org = ada().org;
    let entered = AskAccount::Entered {
        org: org.clone(),
        org_name: "Acme".into(),
        role: None,
        epoch: 0,
        reason: "signup".into(),
    };
    assert!(object.ask::<bool>(entered).unwrap());
    object.ask::<()>(AskAccount::LinkIdentity(identity("1"))).unwrap();
    object.ask::<Identity>(AskAccount::UnlinkIdentity { provider: "idp".into() }).unwrap();
    let change = AskAccount::ChangePassword {
        current: Secret("correct horse".into()),
        new: Secret("battery staple".into()),
    };
    object.ask::<serde_json::Value>(change).unwrap();
    let other = AskAccount::ProveAgain { password: Some(Secret("wrong".into())), code: None };
    assert_eq!(object.code::<bool>(other), Code::InvalidCredentials);
    object.ask::<()>(AskAccount::Left { org }).unwrap();

    let page = Page { limit: Some(2), cursor: None };
    let newest: List<AuditEvent> = object.ask(AskAccount::ListEvents(page)).unwrap();
    assert_eq!((newest.data.len(), newest.next_cursor.is_some()), (2, true));
    let page = Page { limit: Some(200), cursor: None };
    let events: List<AuditEvent> = object.ask(AskAccount::ListEvents(page)).unwrap();
    let actions: Vec<_> = events.data.iter().rev().map(|event| event.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "account.created",
            "session.opened",
            "identity.linked",
            "identity.unlinked",
            "password.changed",
            "password.refused",
            "workspace.left"
        ]
    );
    let mut previous = GENESIS.to_owned();
    for event in events.data.iter().rev() {
        let (number, at) = (event.sequence.to_string(), protocol::time::parse_rfc3339(&event.at).unwrap());
        let metadata = serde_json::to_string(&event.metadata).unwrap();
        let fields = [
            &*number,
            event.id.as_str(),
            &at.to_string(),
            &event.actor,
            &event.ip,
            &event.action,
            &event.target,
            &metadata,
            "auto",
            &event.request_id,
        ];
        assert_eq!(
            (event.prev_hash.clone(), event.hash.clone()),
            (previous.clone(), chain_hash(&previous, &fields))
        );
        assert_eq!((event.actor.as_str(), event.ip.as_str()), (object.user.as_str(), "192.0.2.1"));
        previous.clone_from(&event.hash);
    }
}

#[test]
fn a_mail_is_tried_again_ever_later_and_given_up_after_a_day() {
    let object = Object::made(&ada());
    assert_eq!(outbox::next_due(&object.sql).unwrap(), Some(NOW));
    let mut waits = Vec::new();
    while let Some(due_at) = outbox::next_due(&object.sql).unwrap() {
        assert!(
            due_at == NOW || {
                object.now_ms.set(due_at - 1);
                object.next().is_none()
            }
        );
        waits.push((due_at - NOW) / 1000);
        object.now_ms.set(due_at);
        let pending = object.next().unwrap();
        assert!(matches!(pending.work, Work::Mail(Mail { .. })));
        failed(object.context(), pending.id).unwrap();
    }
    assert_eq!(waits[..6], [0, 10, 70, 370, 2_170, 9_370]);
    assert!(object.now_ms.get() > NOW + 21 * HOUR && object.now_ms.get() < NOW + 24 * HOUR);
    let events: List<AuditEvent> = object.ask(AskAccount::ListEvents(Page::default())).unwrap();
    assert_eq!(events.data[0].action, "mail.given_up");
}

#[test]
fn work_for_other_objects_is_never_given_up() {
    let object = Object::made(&ada());
    let entered = AskAccount::Entered {
        org: ada().org,
        org_name: "Acme".into(),
        role: None,
        epoch: 0,
        reason: "signup".into(),
    };
    object.ask::<bool>(entered).unwrap();
    let end = AskAccount::EndSessions { but: SessionId::new(NOW, [4; 10]) };
    object.ask::<serde_json::Value>(end).unwrap();
    object.sql.exec("DELETE FROM outbox WHERE task LIKE '%mail%'", &[]).unwrap();
    // The flow that has queued it does it; the alarm only takes over.
    assert_eq!(outbox::next_due(&object.sql).unwrap(), Some(NOW + 30_000));
    for _ in 0..100 {
        object.now_ms.set(outbox::next_due(&object.sql).unwrap().unwrap());
        failed(object.context(), object.next().unwrap().id).unwrap();
    }
    assert!(object.now_ms.get() > NOW + 7 * 24 * HOUR);
    object.now_ms.set(outbox::next_due(&object.sql).unwrap().unwrap());
    done(object.context(), object.next().unwrap().id).unwrap();
    assert_eq!(outbox::next_due(&object.sql).unwrap(), None);
}

#[test]
fn a_proof_from_before_sessions_were_ended_opens_none() {
    let object = Object::made(&ada());
    let entered = |epoch| AskAccount::Entered {
        org: ada().org,
        org_name: "Acme".into(),
        role: None,
        epoch,
        reason: "login".into(),
    };
    assert!(object.ask::<bool>(entered(0)).unwrap());
    object.ask::<serde_json::Value>(AskAccount::EndSessions { but: SessionId::new(NOW, [4; 10]) }).unwrap();
    assert!(!object.ask::<bool>(entered(0)).unwrap());
    assert!(object.ask::<bool>(entered(1)).unwrap());
}

#[test]
fn c3_an_identity_is_one_persons_and_never_the_last_way_out() {
    let by_provider =
        NewAccount { password: None, email_verified: true, identity: Some(identity("1")), ..ada() };
    let object = Object::made(&by_provider);
    let prove = |subject: &str| {
        let ask = AskAccount::ProveIdentity { identity: identity(subject).identity(), email: None };
        object.ask::<Option<SignIn>>(ask).unwrap().is_some()
    };
    assert!(prove("1") && !prove("2"));
    assert!(object.describe().email_verified && !object.describe().has_password);
    // Without a password no password is right.
    for password in ["", "correct horse"] {
        assert_eq!(object.code::<SignIn>(self::prove(password)), Code::InvalidCredentials);
    }
    let unlink = || AskAccount::UnlinkIdentity { provider: "idp".into() };
    assert_eq!(object.code::<Identity>(unlink()), Code::ValidationFailed);
    object.ask::<()>(AskAccount::LinkIdentity(identity("1"))).unwrap();
    assert_eq!(object.code::<()>(AskAccount::LinkIdentity(identity("2"))), Code::ValidationFailed);
    object.sql.exec("UPDATE account SET password_hash = 'fast:correct horse'", &[]).unwrap();
    assert_eq!(object.ask::<Identity>(unlink()).unwrap(), identity("1").identity());
    assert!(!prove("1"));
    assert_eq!(object.code::<Identity>(unlink()), Code::NotFound);
}

#[test]
fn a_sign_up_by_a_provider_that_was_cut_off_goes_on_but_not_past_a_second_factor() {
    let by_provider = NewAccount { password: None, identity: Some(identity("1")), ..ada() };
    let object = Object::made(&by_provider);
    let again = |new: &NewAccount| object.ask::<Creation>(AskAccount::Create(new.clone()));
    assert!(matches!(again(&by_provider).unwrap(), Creation::Made(_)));
    let other = NewAccount { identity: Some(identity("2")), ..by_provider.clone() };
    assert_eq!(again(&other).unwrap_err().public().0, Code::EmailTaken);
    let elsewhere = NewAccount { email: "eve@example.com".into(), ..other };
    assert_eq!(again(&elsewhere).unwrap(), Creation::Elsewhere);
    object.sql.exec("UPDATE account SET totp = x'00'", &[]).unwrap();
    assert_eq!(again(&by_provider).unwrap_err().public().0, Code::EmailTaken);
}

#[test]
fn an_object_asked_for_another_account_answers_nothing() {
    let mut object = Object::made(&ada());
    object.user = UserId::new(NOW, [9; 10]);
    assert_eq!(object.code::<serde_json::Value>(AskAccount::Describe), Code::Internal);
}

#[test]
fn frozen_tasks() {
    let (org, session) = (OrgId::new(Region::Eu, [0; 16]), SessionId::new(0, [0; 10]));
    let to = || "a@b.c".to_owned();
    for (task, json) in [
        (Task::MailVerification, r#"{"task":"mail_verification"}"#),
        (Task::MailReset { to: to() }, r#"{"task":"mail_reset","to":"a@b.c"}"#),
        (Task::MailChange { to: to() }, r#"{"task":"mail_change","to":"a@b.c"}"#),
        (
            Task::MailPasswordChanged { to: to(), at_ms: 1 },
            r#"{"task":"mail_password_changed","to":"a@b.c","at_ms":1}"#,
        ),
        (
            Task::MailEmailChanged { to: to(), at_ms: 1 },
            r#"{"task":"mail_email_changed","to":"a@b.c","at_ms":1}"#,
        ),
        (
            Task::EndSessions { org: org.clone(), but: Some(session), reason: "r".into() },
            r#"{"task":"end_sessions","org":"org_e0000000000000000000000000","but":"ses_00000000000000000000000000","reason":"r"}"#,
        ),
        (Task::UpdateUser { org }, r#"{"task":"update_user","org":"org_e0000000000000000000000000"}"#),
        (Task::Release { email: to() }, r#"{"task":"release","email":"a@b.c"}"#),
    ] {
        assert_eq!(serde_json::to_string(&task).unwrap(), json);
        assert_eq!(serde_json::from_str::<Task>(json).unwrap(), task);
    }
}

#[test]
fn asks_show_no_secret_in_debug() {
    let ask = AskAccount::ChangePassword { current: Secret("hunter2".into()), new: Secret("hunter3".into()) };
    let new = AskAccount::Create(NewAccount { password: Some(Secret("hunter2".into())), ..ada() });
    assert!(!format!("{ask:?}{new:?}").contains("hunter"));
}

/// C7: a second factor stands whatever wraps the key that its secret is sealed under.
#[test]
fn c7_an_account_is_wrapped_by_a_higher_version_and_its_second_factor_works_on() {
    let mut object = Object::made(&ada());
    let started: protocol::api::NewSecondFactor = object.ask(AskAccount::StartSecondFactor).unwrap();
    assert!(!started.secret.0.is_empty());
    let rewrap = |object: &Object, version| {
        object.ask::<crate::asks::Wrapped>(AskAccount::Rewrap { version }).map(|wrapped| wrapped.version)
    };
    assert_eq!(rewrap(&object, Some(2)).unwrap_err().public().0, Code::KeyVersionRefused);
    object.secrets = with_keyring(1, &[1, 2, 3]);
    assert_eq!(rewrap(&object, None).unwrap(), 1);
    assert_eq!(rewrap(&object, Some(3)).unwrap(), 3);
    assert_eq!(rewrap(&object, Some(2)).unwrap(), 3, "never down");
    // A wrong code is told from a secret that does not open.
    object.secrets = with_keyring(3, &[3]);
    let wrong = AskAccount::ConfirmSecondFactor { code: Secret("000000".into()) };
    assert_eq!(object.code::<serde_json::Value>(wrong), Code::InvalidCode);
    let events: List<AuditEvent> = object.ask(AskAccount::ListEvents(Page::default())).unwrap();
    assert_eq!(events.data[0].action, "account_key.rewrapped");
}

#[test]
fn c7_an_object_that_is_no_account_has_nothing_to_wrap() {
    let object = Object::new();
    let rewrap = AskAccount::Rewrap { version: Some(1) };
    assert_eq!(object.code::<crate::asks::Wrapped>(rewrap), Code::NotFound);
    assert!(migrations::is_empty(&object.sql).unwrap());
}

#[test]
fn c7_a_new_account_is_wrapped_by_what_the_registry_says_or_not_made() {
    let told = NewAccount { kek: Some(2), ..ada() };
    let mut object = Object::new();
    assert_eq!(object.code::<Creation>(AskAccount::Create(told.clone())), Code::Unavailable);
    object.secrets = with_keyring(1, &[1, 2]);
    assert!(matches!(object.ask(AskAccount::Create(told)).unwrap(), Creation::Made(_)));
    let rewrap = AskAccount::Rewrap { version: None };
    assert_eq!(object.ask::<crate::asks::Wrapped>(rewrap).unwrap().version, 2);
}
