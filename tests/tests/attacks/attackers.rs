//! Who attacks: every credential that is bad, was good, or is good for something else.

use crate::furnished::Furnished;
use crate::routes::Case;
use e2e::{ApiKey, Client, Gate, Org, database, now_ms, until};
use protocol::access::{Access, Scope};
use serde_json::json;
use std::sync::LazyLock;
use tokens::SessionClaims;

/// By what an attacker fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By no credential, or one that is not or no longer good.
    Nobody,
    /// The holder of a key that was revoked, who is told so.
    RevokedKey,
    /// An admin's browser without its session's token.
    WithoutCsrf,
    /// An admin's browser, sent by a page of another origin.
    OtherOrigin,
    /// An admin's browser, sent by another site.
    OtherSite,
    /// By its role.
    Member,
    /// An admin whose last proof of who sits there is long ago.
    StaleAdmin,
    /// The admin of another org.
    Stranger,
    /// A key of another org with every scope.
    StrangersKey,
    /// A key of the org that has all scopes but the one asked for.
    KeyWithoutScope,
    /// A key of the org, where people alone may.
    KeyWithAllScopes,
    /// A key of the org, from a network that it is not for.
    KeyElsewhere,
}

/// An attacker, with the client for a case.
pub(super) struct Attacker {
    pub name: &'static str,
    pub kind: Kind,
    pub client: Box<dyn Fn(&Case) -> Client>,
}

fn attacker(name: &'static str, kind: Kind, client: &Client) -> Attacker {
    let client = client.clone();
    Attacker { name, kind, client: Box::new(move |_| client.clone()) }
}

/// All of them. Stops and starts the server: time passes for one session.
pub(super) fn attackers(gate: &mut Gate, victim: &Furnished) -> Vec<Attacker> {
    let org = &victim.org;
    let stale = org.session();
    // Before the restart, so that what was ended stays ended over one.
    let mut all = nobodies(gate, org);
    gate.stop();
    let database = database::of_org(gate, &org.id);
    let long_ago = now_ms() - (u64::from(e2e::config().sessions.reauthentication_minutes) + 1) * 60_000;
    let aged = database.execute(
        "UPDATE sessions SET authenticated_at = ? WHERE id = ?",
        (long_ago as i64, stale.session_id()),
    );
    assert_eq!(aged, Ok(1));
    drop(database);
    gate.restart();
    all.push(attacker("an admin who proved themselves long ago", Kind::StaleAdmin, &stale));
    all.extend(browsers(org));
    all.extend(lesser(org, &victim.member));
    all.extend(keys(org));
    all.extend(strangers(gate));
    all
}

fn nobodies(gate: &Gate, org: &Org) -> Vec<Attacker> {
    let (anonymous, scopes) = (org.anonymous(), all_scopes());
    let tampered = |text: &str| {
        let (before, rest) = text.split_at(text.len() / 2);
        let other = if rest.starts_with('A') { 'B' } else { 'A' };
        format!("{before}{other}{}", &rest[1..])
    };
    let revoked = org.api_key(&scopes);
    org.delete(&format!("/v1/api-keys/{}", revoked.id)).send().ok(204);
    let rotated = org.api_key(&scopes);
    org.post(&format!("/v1/api-keys/{}/rotate", rotated.id), &json!({ "grace_seconds": 1 })).send().ok(200);
    until("the end of the grace", || (rotated.get("/v1/me").send().status == 401).then_some(()));

    let closed = org.session();
    let closed_browser = closed.browser();
    closed.request("POST", "/v1/logout").send().ok(204);
    // Signed by us, past its end, in the cookie, with its CSRF token: all but the record that would renew it.
    let dead_cookie = closed_browser.cookie(&cookie_of(gate, org, &closed.session_id(), now_ms() / 1000 - 1));
    let expired = token_of(gate, org, &org.session_id(), now_ms() / 1000 - 1);

    let removed = org.invite("org_admin");
    let removed_key = removed.api_key(&scopes);
    let removed_browser = removed.browser();
    org.delete(&format!("/v1/members/{}", removed.user_id)).send().ok(204);

    let careful = org.invite("org_admin");
    let earlier = careful.session();
    let change =
        json!({ "current_password": careful.password, "new_password": "another-password-of-theirs" });
    careful.post("/v1/password", &change).send().ok(200);

    let nobody = |name, client: &Client| attacker(name, Kind::Nobody, client);
    vec![
        nobody("no credential", &anonymous),
        nobody("a garbage token", &anonymous.bearer("garbage")),
        nobody("an empty token", &anonymous.with("authorization", "Bearer ")),
        nobody("another scheme", &anonymous.with("authorization", "Basic YTpi")),
        nobody(
            "a doubled credential",
            &anonymous.with("authorization", &format!("Bearer {0}, Bearer {0}", org.token)),
        ),
        nobody("a changed session token", &anonymous.bearer(&tampered(&org.token))),
        nobody("a changed session cookie", &anonymous.cookie(&tampered(&org.cookie))),
        nobody("a changed API key", &anonymous.bearer(&tampered(&rotated.key))),
        nobody("an expired bearer token", &anonymous.bearer(&expired)),
        nobody("a closed session", &closed),
        nobody("a closed session's browser", &closed_browser),
        nobody("a closed session's expired cookie", &dead_cookie),
        nobody("a session of before a password change", &earlier),
        attacker("a revoked API key", Kind::RevokedKey, &revoked),
        nobody("a rotated API key after its grace", &rotated),
        nobody("a removed member", &removed),
        nobody("a removed member's browser", &removed_browser),
        attacker("a removed member's API key", Kind::RevokedKey, &removed_key),
    ]
}

fn browsers(org: &Org) -> Vec<Attacker> {
    let browser = org.browser();
    let others_token = csrf_token(&org.session());
    let foreign_token = csrf_token(&org.invite("member"));
    vec![
        attacker("a browser without CSRF token", Kind::WithoutCsrf, &browser.without("x-csrf-token")),
        attacker(
            "a browser with the session token for CSRF token",
            Kind::WithoutCsrf,
            &browser.with("x-csrf-token", &org.token),
        ),
        attacker(
            "a browser with another session's CSRF token",
            Kind::WithoutCsrf,
            &browser.with("x-csrf-token", &others_token),
        ),
        attacker(
            "a browser with another member's CSRF token",
            Kind::WithoutCsrf,
            &browser.with("x-csrf-token", &foreign_token),
        ),
        attacker(
            "a page of another origin",
            Kind::OtherOrigin,
            &browser.with("origin", "https://evil.example"),
        ),
        attacker("an opaque origin", Kind::OtherOrigin, &browser.with("origin", "null")),
        attacker("another site", Kind::OtherSite, &browser.with("sec-fetch-site", "cross-site")),
    ]
}

fn lesser(org: &Org, member: &Org) -> Vec<Attacker> {
    let demoted = org.invite("org_admin");
    demoted.get("/v1/api-keys").send().ok(200);
    org.patch(&format!("/v1/members/{}", demoted.user_id), &json!({ "role": "member" })).send().ok(200);
    vec![
        attacker("a member", Kind::Member, member),
        attacker("a member's browser", Kind::Member, &member.browser()),
        attacker("a demoted admin, by the same session", Kind::Member, &demoted),
    ]
}

fn keys(org: &Org) -> Vec<Attacker> {
    let scopes = all_scopes();
    let without = |missing: &str| -> ApiKey {
        let scopes: Vec<&str> = scopes.iter().copied().filter(|scope| *scope != missing).collect();
        org.api_key(&scopes)
    };
    let narrow: Vec<ApiKey> = scopes.iter().map(|scope| without(scope)).collect();
    let narrow_for = move |case: &Case| -> Client {
        let at = match case.access() {
            Access::Needs(permission) => {
                let needed = String::from(Scope::Own(permission));
                all_scopes().iter().position(|scope| *scope == needed).expect("a key without it")
            }
            _ => 0,
        };
        (*narrow[at]).clone()
    };
    let home = json!({ "name": "home", "scopes": scopes, "allowed_ips": ["2001:db8:feed::/48"] });
    let elsewhere = ApiKey::new(org, &org.post("/v1/api-keys", &home).send().ok(201));
    vec![
        Attacker {
            name: "an API key without the scope",
            kind: Kind::KeyWithoutScope,
            client: Box::new(narrow_for),
        },
        attacker("an API key with every scope", Kind::KeyWithAllScopes, &org.api_key(&scopes)),
        attacker("an API key from another network", Kind::KeyElsewhere, &elsewhere),
    ]
}

fn strangers(gate: &Gate) -> Vec<Attacker> {
    let (stranger, scopes) = (Org::sign_up(gate), all_scopes());
    let key = stranger.api_key(&scopes);
    vec![
        attacker("another org's admin", Kind::Stranger, &stranger),
        attacker("another org's admin's browser", Kind::Stranger, &stranger.browser()),
        attacker("another org's API key with every scope", Kind::StrangersKey, &key),
    ]
}

fn all_scopes() -> Vec<&'static str> {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| Scope::all().map(String::from).collect());
    ALL.iter().map(String::as_str).collect()
}

fn csrf_token(org: &Org) -> String {
    let me = org.cookie(&org.cookie).get("/v1/me").send().ok(200);
    e2e::text(&me, "/csrf_token")
}

/// A token that our own key signs, for this person.
pub(crate) fn token_of(gate: &Gate, org: &Org, session: &str, exp: u64) -> String {
    gate.signer().sign(&claims_of(org, session, exp), protocol::ISSUER).unwrap()
}

/// The same for the cookie.
fn cookie_of(gate: &Gate, org: &Org, session: &str, exp: u64) -> String {
    gate.signer().sign_cookie(&claims_of(org, session, exp), protocol::ISSUER).unwrap()
}

fn claims_of(org: &Org, session: &str, exp: u64) -> SessionClaims {
    SessionClaims {
        sub: org.user_id.clone(),
        org: org.id.clone(),
        role: "org_admin".to_owned(),
        sid: session.to_owned(),
        iat: exp - 600,
        exp,
    }
}
