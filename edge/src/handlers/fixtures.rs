//! What the tests of pages and forms share: a control plane whose every text is hostile, and a browser's requests.

pub(crate) mod webhooks;

pub(crate) use webhooks::SOURCE;

use super::Context;
use crate::state::State;
use crate::testing::*;
use crate::verdict::{Admitted, Answer, Task};
use protocol::{Code, Operation};
use serde_json::{Value, json};
use std::cell::RefCell;

pub(crate) const EVIL: &str = "\"><script>alert(1)</script>";
/// Every cookie that a browser may carry besides the session's. The newcomer's name and email are [`EVIL`].
pub(crate) const COOKIES: &str = "__Host-sluicegate_oidc=attempt_1; __Host-sluicegate_challenge=chal_1; \
    __Host-sluicegate_pending=pend_1~Ij48c2NyaXB0PmFsZXJ0KDEpPC9zY3JpcHQ-~Ij48c2NyaXB0PmFsZXJ0KDEpPC9zY3JpcHQ-; \
    __Host-sluicegate_join=inv_token_1; __Host-sluicegate_reset=rst_token_1; __Host-sluicegate_verify=ver_token_1";

pub(crate) fn id(prefix: &str) -> String {
    format!("{prefix}{}", "0".repeat(26))
}

/// An isolate with an identity provider.
pub(crate) fn isolate() -> State {
    state_with(|config| {
        config.sign_in.oidc = vec![config::OidcProvider {
            id: "idp".into(),
            name: EVIL.into(),
            issuer: "https://idp.test".into(),
            client_id: "client".into(),
            link_by_email: false,
        }];
    })
}

/// Sends a request and runs what it is admitted to. `signed_in`: with a session in the cookie.
pub(crate) fn browse(
    method: &str,
    path: &str,
    signed_in: bool,
    cookies: &str,
    body: &str,
    plane: &FakePlane,
) -> Result<Answer, Code> {
    let mut isolate = isolate();
    let session = cookie(&cookie_token(NOW + 60)).1;
    let header = if signed_in { format!("{session}; {cookies}") } else { cookies.to_owned() };
    let admitted: Admitted =
        match decide_at(&mut isolate, &head(method, path, &[("cookie", &header)]), NOW_MS) {
            crate::verdict::Verdict::GoOn(admitted) => *admitted,
            crate::verdict::Verdict::Answer(answer) => return Ok(answer),
        };
    let state = RefCell::new(isolate);
    let context = Context { state: &state, plane, admitted: &admitted };
    match &admitted.task {
        Task::Page { page, caller, jar } => {
            block_on(super::pages::handle(&context, page, caller.as_ref(), jar))
        }
        Task::Form { form, caller, jar } => {
            block_on(super::forms::handle(&context, *form, caller.as_ref(), jar, body.as_bytes()))
        }
        task => panic!("{task:?}"),
    }
}

/// A form of a signed-in page, with its token.
pub(crate) fn post(path: &str, body: &str, plane: &FakePlane) -> Result<Answer, Code> {
    let body = format!("csrf_token={}&{body}", csrf_token());
    browse("POST", path, true, COOKIES, &body, plane)
}

pub(crate) fn me() -> Value {
    json!({
        "user": { "id": USER, "email": EVIL, "name": EVIL },
        "org": { "id": ORG, "name": EVIL, "region": "eu", "plan": EVIL, "created_at": EVIL },
        "role": "org_admin", "auth": "session",
    })
}

fn key() -> Value {
    json!({
        "id": id("key_"), "name": EVIL, "created_by": USER, "prefix": EVIL, "scopes": ["audit:read", "app.x:read"],
        "created_at": EVIL, "expires_at": EVIL, "last_used_at": EVIL, "last_used_ip": EVIL, "allowed_ips": [EVIL],
        "external_id": EVIL, "previous_works_until": EVIL, "rate_limit": { "limit": 3, "period_seconds": 60 },
    })
}

fn audit_event() -> Value {
    json!({
        "id": id("aud_"), "sequence": 1, "at": EVIL, "actor": EVIL, "ip": EVIL, "action": EVIL, "target": EVIL,
        "metadata": {}, "jurisdiction": "eu", "request_id": EVIL, "hash": EVIL, "prev_hash": EVIL,
    })
}

pub(crate) fn overview() -> Value {
    let mut revoked = key();
    revoked["revoked_at"] = EVIL.into();
    json!({
        "me": me(),
        "connections": [connection("active", "bearer"), connection("pending", "oauth2")],
        "api_keys": [key(), revoked],
        "sources": [webhooks::source()],
        "events": [webhooks::summary()],
        "audit": [audit_event()],
    })
}

pub(crate) fn connection(status: &str, auth_type: &str) -> Value {
    json!({
        "id": id("con_"), "connector": EVIL, "name": EVIL, "status": status, "base_url": EVIL,
        "parameters": { EVIL: EVIL }, "auth_type": auth_type, "allowed_hosts": [EVIL], "scopes": [EVIL],
        "missing_scopes": [EVIL], "created_at": EVIL, "last_used_at": EVIL, "refreshed_at": EVIL,
    })
}

pub(crate) fn connector() -> Value {
    let auth =
        |kind: &str, header: Value| json!({ "type": kind, "label": EVIL, "hint": EVIL, "header": header });
    json!({
        "id": EVIL, "name": EVIL, "category": EVIL, "summary": EVIL, "docs": EVIL, "kind": "http", "base_url": EVIL,
        "auth": [auth("oauth2", Value::Null), auth("bearer", Value::Null), auth("api_key", EVIL.into()),
            auth("api_key", Value::Null), auth("basic", Value::Null), auth("none", Value::Null)],
        "scopes": [{ "scope": EVIL, "why": EVIL }],
        "parameters": [{ "name": EVIL, "label": EVIL, "hint": EVIL, "optional": true }],
        "requests": [{ "id": EVIL, "method": EVIL, "path": EVIL, "summary": EVIL, "writes": true, "query": [EVIL],
            "fields": [EVIL] }],
        "revocation": EVIL, "client": "workspace",
    })
}

pub(crate) fn receipt() -> Value {
    json!({
        "connection_id": id("con_"), "connector": EVIL, "name": EVIL, "revocation": "failed", "disconnected_at": EVIL,
        "deleted_at": EVIL, "evidence": { "endpoint": EVIL, "http_status": 503, "at": EVIL, "attempts": 3 },
        "detail": EVIL,
    })
}

fn keys() -> Value {
    json!({
        "current": 2,
        "versions": [
            { "version": 1, "deployed": true, "orgs": 3, "accounts": 4, "retirable": false, "reason": EVIL },
            { "version": 2, "deployed": true, "orgs": 1_000, "accounts": 0, "retirable": false },
        ],
        "rotation": { "target": 2, "started_at": EVIL, "total": 1_007, "done": 1_000, "failing": 1,
            "before": { "1": 1_007 }, "after": { "1": 7, "2": 1_000 } },
    })
}

pub(crate) fn deleted() -> Value {
    json!({
        "certificate": EVIL,
        "claims": {
            "iss": EVIL, "sub": ORG, "iat": 1, "deleted_at": EVIL, "jurisdiction": EVIL, "dek_version": 3,
            "kek_version": 2, "wrapped_key_sha256": EVIL, "rows": { EVIL: 12 }, "receipts": [receipt()],
            "receipts_total": 3_210, "receipts_sha256": EVIL, "audit_length": 4_321, "audit_head": EVIL,
        },
    })
}

/// Somebody else than who is looking.
pub(crate) fn other() -> String {
    id("usr_").replace("usr_0", "usr_1")
}

pub(crate) fn members() -> Value {
    let member = |id: &str| json!({ "id": id, "email": EVIL, "name": EVIL, "role": "member", "joined_at": EVIL, "last_seen_at": EVIL, "api_keys": 3 });
    json!({ "data": [member(USER), member(&other())], "next_cursor": "usr_next" })
}

fn invitation() -> Value {
    json!({
        "id": id("inv_"), "email": EVIL, "role": "org_admin", "status": "pending", "invited_by": USER,
        "created_at": EVIL, "expires_at": EVIL, "mail": "off",
    })
}

pub(crate) fn account() -> Value {
    json!({
        "user": { "id": USER, "email": EVIL, "name": EVIL },
        "email_verified": false, "pending_email": EVIL, "has_password": true, "second_factor": true,
        "recovery_codes_left": 7, "identities": [{ "provider": "idp", "email": EVIL, "linked_at": EVIL },
            { "provider": EVIL, "email": EVIL, "linked_at": EVIL }],
        "terms_accepted_at": EVIL, "created_at": EVIL,
    })
}

fn session(id: &str, current: bool) -> Value {
    json!({
        "id": id, "current": current, "device": EVIL, "ip": EVIL, "country": EVIL, "second_factor": true,
        "created_at": EVIL, "last_used_at": EVIL,
    })
}

fn usage() -> Value {
    let amount = |used: u64, limit: u64| json!({ "used": used, "limit": limit });
    json!({
        "plan": EVIL, "next_plan": { "plan": EVIL, "at": EVIL }, "features": ["webhooks", "audit"],
        "cycle_started_at": EVIL, "cycle_ends_at": EVIL,
        "resources": { "api_keys": amount(19, 20), "members": amount(1, 1), "sources": amount(0, 0), EVIL: amount(0, 5) },
        "meters": { "proxy_calls": amount(1_234_567, 10_000_000), "inbound_events": { "used": 5, "limit": null } },
    })
}

pub(crate) fn with(mut record: Value, more: &[(&str, Value)]) -> Value {
    for (name, value) in more {
        record[*name] = value.clone();
    }
    record
}

/// What the control plane would say of an operation, every text of it hostile.
pub(crate) fn answer(operation: &Operation) -> Value {
    use Operation as O;
    let list = |rows: Value| json!({ "data": rows, "next_cursor": null });
    match operation {
        O::Me => me(),
        O::Overview => overview(),
        O::ListConnectors => list(json!([connector(), connector()])),
        O::GetConnector { .. } => connector(),
        O::GetConnection { .. } => connection("reauthorization_required", "api_key"),
        O::CreateConnection | O::AuthorizeConnection { .. } => {
            json!({ "authorize_url": "https://idp.test/authorize?x=\"><script>" })
        }
        O::TestConnection { .. } => {
            json!({ "ok": false, "status": 401, "reason": EVIL, "detail": EVIL, "duration_ms": 12 })
        }
        O::DryRun { .. } => json!({
            "allowed": true, "rule": EVIL, "reason": EVIL, "writes": true, "url": EVIL, "fields": [EVIL],
        }),
        O::DeleteConnection { .. } => json!({ "receipt": receipt() }),
        O::ListReceipts(_) => json!({ "data": [receipt()], "next_cursor": "con_next" }),
        O::GetOrgKey => {
            json!({ "dek_version": 3, "kek_version": 2, "rotated_at": EVIL, "records_left": 1_234 })
        }
        O::GetKeys => keys(),
        O::DeleteOrg => deleted(),
        O::VerifyAudit { .. } => json!({ "ok": true, "length": 1, "head": EVIL }),
        O::PeekInvitation { .. } => {
            json!({ "email": EVIL, "org_name": EVIL, "role": "member", "inviter": EVIL })
        }
        O::ListMembers(_) => members(),
        O::ListInvitations(_) => list(json!([invitation()])),
        O::GetAccount => account(),
        O::ListSessions(_) => {
            list(json!([session(SESSION, true), session(&id("ses_").replace("ses_0", "ses_1"), false)]))
        }
        O::ListOrgs => list(json!([
            { "org_id": ORG, "org_name": EVIL, "role": "member", "current": true },
            { "org_id": ORG.replace("a00", "a10"), "org_name": EVIL, "role": "member", "current": false },
        ])),
        O::ListAccountEvents(_) => list(json!([audit_event()])),
        O::GetUsage => usage(),
        O::CreateApiKey | O::RotateApiKey { .. } => with(key(), &[("key", EVIL.into())]),
        O::CreateInvitation => with(invitation(), &[("url", EVIL.into()), ("token", EVIL.into())]),
        O::StartSecondFactor => json!({ "secret": EVIL, "otpauth_uri": format!("otpauth://totp/{EVIL}") }),
        O::ConfirmSecondFactor | O::NewRecoveryCodes => json!({ "recovery_codes": [EVIL, EVIL] }),
        O::StartOidc(_) => {
            json!({ "location": "https://idp.test/authorize?x=\"><script>", "attempt": "att_1" })
        }
        operation => webhooks::answer(operation),
    }
}

pub(crate) fn hostile() -> FakePlane {
    FakePlane::new(|call, _| reply(200, answer(&call.operation)))
}

/// The same, but one operation is refused.
pub(crate) fn refusing(code: Code, refused: fn(&Operation) -> bool) -> FakePlane {
    FakePlane::new(
        move |call, _| {
            if refused(&call.operation) { refusal(code) } else { reply(200, answer(&call.operation)) }
        },
    )
}
