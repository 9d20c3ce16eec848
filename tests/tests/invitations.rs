//! Joining a workspace: by invitation, by whom it is for, once (claims N2, N9).

use e2e::subject::{CONFIRM, INVITATION};
use e2e::{Client, Gate, Org, Response, fresh_email, link_token, random, text};
use serde_json::{Value, json};
use std::thread;

/// N2: from the invitation to the membership, by the mailed link.
#[test]
fn n2_an_invited_person_joins_by_the_mailed_link() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let email = fresh_email();
    let shouted = format!(" {} ", email.to_uppercase());
    let created = org.invitation(&shouted, "member");
    let (id, shown) = (text(&created, "/id"), text(&created, "/token"));
    let url = text(&created, "/url");
    assert!(url.starts_with(&format!("{}/join?token=", org.origin())), "{url}");
    assert_eq!(link_token(&url), shown);
    assert_eq!((&created["email"], &created["role"]), (&json!(email), &json!("member")));
    assert_eq!((&created["status"], &created["invited_by"]), (&json!("pending"), &json!(org.user_id)));
    let mailed = gate.mailed_token(&email, INVITATION, 1);
    let listed = org.get("/v1/invitations").send();
    for secret in [&shown, &mailed] {
        assert!(!listed.text().contains(secret.as_str()), "shown once: {listed}");
    }
    assert_eq!(status_of(&org, &id), "pending");
    e2e::until("the mail to be sent", || (row_of(&org, &id)["mail"] == "sent").then_some(()));

    let signed_in = join(&gate.client(), &email, &mailed).ok(201);
    let member = Org::new(&org, &email, "unused", &signed_in);
    assert_eq!(member.id, org.id);
    let me = member.get("/v1/me").send().ok(200);
    assert_eq!((&me["role"], &me["org"]["id"]), (&json!("member"), &json!(org.id)));
    assert_eq!(status_of(&org, &id), "accepted");
    let members = org.list("/v1/members");
    assert_eq!(members.len(), 2);
    let row = members.iter().find(|row| row["id"] == member.user_id.as_str()).expect("the member");
    assert_eq!(
        (&row["email"], &row["role"], &row["name"]),
        (&json!(email), &json!("member"), &json!("Grace"))
    );

    // Used is used, by the other link too.
    for used in [&mailed, &shown] {
        join(&gate.client(), &fresh_email(), used).problem("invalid_link");
        member.post("/v1/invitations/accept", &json!({ "token": used })).send().problem("invalid_link");
    }
    org.post("/v1/invitations", &json!({ "email": email, "role": "org_admin" }))
        .send()
        .problem("already_member");
}

/// The link that the inviting admin sees proves nothing of the address.
#[test]
fn n2_the_shown_link_proves_no_address() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let email = fresh_email();
    let token = text(&org.invitation(&email, "org_admin"), "/token");
    let admin = Org::new(&org, &email, "unused", &join(&gate.client(), &email, &token).ok(201));
    assert_eq!(admin.get("/v1/me").send().ok(200)["role"], "org_admin");
    assert_eq!(admin.get("/v1/account").send().ok(200)["email_verified"], false);
    gate.mail_to(&email, CONFIRM, 1);
}

/// N2: an invitation is its email's: whoever else holds the link, signed in or not, joins nothing by it.
#[test]
fn n2_an_invitation_is_bound_to_its_email() {
    let gate = Gate::shared();
    let (org, thief) = (Org::sign_up(gate), Org::sign_up(gate));
    let email = fresh_email();
    let created = org.invitation(&email, "org_admin");
    let token = text(&created, "/token");
    thief.post("/v1/invitations/accept", &json!({ "token": token })).send().problem("wrong_email");
    let other = fresh_email();
    let refused = join(&gate.client(), &other, &token);
    refused.problem("wrong_email");
    assert!(!refused.text().contains(&email), "nor does it say whose: {refused}");
    // Nothing was made on the way.
    let body = json!({ "email": other, "password": "password-of-nobody" });
    gate.client().post("/v1/login", &body).send().problem("invalid_credentials");
    assert_eq!(org.list("/v1/members").len(), 1);
    assert_eq!(thief.list("/v1/orgs").len(), 1);
    assert_eq!(status_of(&org, &text(&created, "/id")), "pending");
    join(&gate.client(), &email, &token).ok(201);
}

/// N2: who has an account joins with it, and keeps what they had.
#[test]
fn n2_a_signed_in_person_accepts_with_their_account() {
    let gate = Gate::shared();
    let (org, guest) = (Org::sign_up(gate), Org::sign_up(gate));
    let token = text(&org.invitation(&guest.email, "member"), "/token");
    // Signing up again is not the way.
    join(&gate.client(), &guest.email, &token).problem("email_taken");
    let accepted = guest.session();
    let inside = guest
        .with_session(&accepted.post("/v1/invitations/accept", &json!({ "token": token })).send().ok(200));
    assert_eq!((&inside.id, &inside.user_id), (&org.id, &guest.user_id));
    assert_eq!(inside.get("/v1/me").send().ok(200)["role"], "member");
    inside.post("/v1/sources", &json!({})).send().problem("forbidden");
    let mut orgs: Vec<String> = inside.list("/v1/orgs").iter().map(|row| text(row, "/org_id")).collect();
    orgs.sort();
    let mut both = [org.id.clone(), guest.id.clone()];
    both.sort();
    assert_eq!(orgs, both);
    guest.post("/v1/invitations/accept", &json!({ "token": token })).send().problem("invalid_link");
}

#[test]
fn n2_an_invitation_can_be_taken_back() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let email = fresh_email();
    let created = org.invitation(&email, "member");
    // Once it is taken back no mail goes out any more.
    let mailed = gate.mailed_token(&email, INVITATION, 1);
    let path = format!("/v1/invitations/{}", text(&created, "/id"));
    org.delete(&path).send().ok(204);
    assert_eq!(status_of(&org, &text(&created, "/id")), "revoked");
    join(&gate.client(), &email, &text(&created, "/token")).problem("invalid_link");
    join(&gate.client(), &email, &mailed).problem("invalid_link");
    org.delete(&path).send().problem("not_found");
    // A new one is another one.
    let again = text(&org.invitation(&email, "member"), "/token");
    join(&gate.client(), &email, &again).ok(201);
}

/// N9: an invitation gives a role that an org has, no other; a link that is none gives nothing.
#[test]
fn n9_an_invitation_makes_no_operator_and_a_made_up_one_nobody() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    for role in [json!("super_admin"), json!("owner"), json!(""), json!(["org_admin"]), Value::Null] {
        let body = json!({ "email": fresh_email(), "role": role });
        org.post("/v1/invitations", &body).send().problem("validation_failed");
    }
    for email in ["", "nobody", "a@b@c.example"] {
        let body = json!({ "email": email, "role": "member" });
        assert!(org.post("/v1/invitations", &body).send().problem("validation_failed").contains("email"));
    }
    assert_eq!(org.list("/v1/invitations"), Vec::<Value>::new());
    let email = fresh_email();
    let token = text(&org.invitation(&email, "member"), "/token");
    for forged in ["", "token", &token[1..], &format!("{token}0"), &org.token] {
        join(&gate.client(), &email, forged).problem("invalid_link");
        org.post("/v1/invitations/accept", &json!({ "token": forged })).send().problem("invalid_link");
    }
    // It names the org: a body cannot.
    let body = json!({
        "email": email, "password": random::text("password-"), "name": "Grace", "accept_terms": true,
        "invitation_token": token, "org_name": "Mine",
    });
    gate.client().post("/v1/signup", &body).send().problem("validation_failed");
}

/// N2: however often an invitation is accepted at once, it makes one member.
#[test]
fn n2_an_invitation_accepted_many_times_at_once_makes_one_member() {
    let gate = Gate::shared();
    let org = Org::sign_up(gate);
    let guest = Org::sign_up(gate);
    let sessions = [guest.session(), guest.session(), guest.session()];
    let token = text(&org.invitation(&guest.email, "member"), "/token");
    let statuses = at_once(&sessions, |session| {
        session.post("/v1/invitations/accept", &json!({ "token": token })).send()
    });
    assert!(statuses.contains(&200), "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 400].contains(status)), "{statuses:?}");
    assert_eq!(org.list("/v1/members").len(), 2);

    let email = fresh_email();
    let token = text(&org.invitation(&email, "member"), "/token");
    let clients = [gate.client(), gate.client(), gate.client()];
    let statuses = at_once(&clients, |client| join(client, &email, &token));
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 400, 409].contains(status)), "{statuses:?}");
    let members = org.list("/v1/members");
    assert_eq!(members.iter().filter(|row| row["email"] == email.as_str()).count(), 1, "{members:?}");
    assert_eq!(members.len(), 3);
    assert_eq!(org.get("/v1/audit/verify").send().ok(200)["ok"], true);
}

fn at_once<C: Sync>(clients: &[C], send: impl Fn(&C) -> Response + Sync) -> Vec<u16> {
    let send = &send;
    thread::scope(|scope| {
        let threads: Vec<_> = clients.iter().map(|client| scope.spawn(move || send(client).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn row_of(org: &Org, invitation: &str) -> Value {
    let rows = org.list("/v1/invitations");
    rows.into_iter().find(|row| row["id"] == invitation).expect("the invitation")
}

fn status_of(org: &Org, invitation: &str) -> String {
    text(&row_of(org, invitation), "/status")
}

fn join(client: &Client, email: &str, token: &str) -> Response {
    let body = json!({
        "email": email, "password": random::text("password-"), "name": "Grace", "accept_terms": true,
        "invitation_token": token,
    });
    client.post("/v1/signup", &body).send()
}
