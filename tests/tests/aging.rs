//! What time does. One server is stopped, what it keeps is aged behind its back, and it starts again (claims C4, N2, N3).

use e2e::{Gate, Org, database, fresh_email, now_ms, random, text};
use rusqlite::params;
use serde_json::json;

const MINUTE: u64 = 60_000;

/// C4, N2, N3: a proof of who sits there serves for minutes, an idle session for days, an invitation for days, a plan until
/// the next one's day.
#[test]
fn c4_n2_n3_what_is_too_old_no_longer_counts() {
    let mut gate = Gate::start("aging");
    let sessions = e2e::config().sessions;
    let org = Org::sign_up(&gate);
    let (stale, idle, almost_idle) = (org.session(), org.session(), org.session());
    let admin_key = org.api_key(&["api_keys:write", "audit:read"]);
    let [late, in_time] = [fresh_email(), fresh_email()];
    let [late_token, token] = [&late, &in_time].map(|email| text(&org.invitation(email, "member"), "/token"));
    let other = Org::sign_up(&gate);
    gate.stop();

    let now = now_ms();
    let rows = database::of_org(&gate, &org.id);
    let session = |column: &str, at: u64, session: &Org| {
        let sql = format!("UPDATE sessions SET {column} = ? WHERE id = ?");
        assert_eq!(rows.execute(&sql, params![at as i64, session.session_id()]), Ok(1));
    };
    session("authenticated_at", now - (u64::from(sessions.reauthentication_minutes) * MINUTE + 1000), &stale);
    let idle_ms = u64::from(sessions.idle_days) * 1440 * MINUTE;
    session("seen_at", now - idle_ms - 1000, &idle);
    session("seen_at", now - idle_ms + MINUTE, &almost_idle);
    let expired = rows
        .execute("UPDATE invitations SET expires_at = ? WHERE email = ?", params![now as i64 - 1000, late]);
    assert_eq!(expired, Ok(1));
    drop(rows);
    let rows = database::of_org(&gate, &other.id);
    let changed = rows.execute(
        "UPDATE org SET plan = 'scale', next_plan = 'suspended', next_plan_at = ?",
        params![now as i64 - 1000],
    );
    assert_eq!(changed, Ok(1));
    drop(rows);
    gate.restart();

    // C4: sensitive changes wait for a new proof, of this session and no other; everything else goes on.
    let create = json!({ "name": "k", "scopes": ["audit:read"] });
    let detail = stale.post("/v1/api-keys", &create).send().problem("reauthentication_required");
    assert!(detail.contains("/v1/reauthenticate"), "{detail}");
    stale.browser().post("/v1/api-keys", &create).send().problem("reauthentication_required");
    stale.get("/v1/connections").send().ok(200);
    stale
        .post("/v1/reauthenticate", &json!({ "password": random::text("wrong-") }))
        .send()
        .problem("invalid_credentials");
    stale.post("/v1/api-keys", &create).send().problem("reauthentication_required");
    let again = stale.post("/v1/reauthenticate", &json!({ "password": org.password })).send().ok(200);
    assert_eq!(stale.get("/v1/me").send().ok(200)["authenticated_until"], again["authenticated_until"]);
    stale.post("/v1/api-keys", &create).send().ok(201);
    // A key has no moment of authentication.
    admin_key.post("/v1/api-keys", &create).send().ok(201);

    // C4: an unused session is over, for its cookie too.
    idle.get("/v1/me").send().problem("unauthenticated");
    idle.cookie(&idle.cookie).get("/v1/me").send().problem("unauthenticated");
    idle.get("/v1/account").send().problem("unauthenticated");
    almost_idle.get("/v1/me").send().ok(200);
    let alive: Vec<String> = org.list("/v1/sessions").iter().map(|row| text(row, "/id")).collect();
    assert!(!alive.contains(&idle.session_id()) && alive.contains(&almost_idle.session_id()), "{alive:?}");

    // N2: an invitation of last week is none.
    let join = |email: &str, token: &str| {
        let body = json!({
            "email": email, "password": random::text("password-"), "name": "Grace", "accept_terms": true,
            "invitation_token": token,
        });
        gate.client().post("/v1/signup", &body).send()
    };
    join(&late, &late_token).problem("invalid_link");
    join(&in_time, &token).ok(201);
    let statuses: Vec<String> = org.list("/v1/invitations").iter().map(|row| text(row, "/status")).collect();
    assert_eq!(statuses, ["accepted", "expired"], "newest first");

    // N3: the plan to come has come.
    let usage = other.get("/v1/usage").send().ok(200);
    assert_eq!((&usage["plan"], &usage["next_plan"]), (&json!("suspended"), &json!(null)));
    other.get("/v1/audit").send().problem("plan_required");
}
