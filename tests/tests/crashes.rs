//! A power cut in the middle of what several objects do together (claims M4, N2): afterwards all of it can be done again, and
//! nobody is locked out, doubled or left signed in.

use e2e::{Client, Gate, Org, fresh_email, random, text};
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

const CUTS: u64 = 8;

/// Sends a request and kills the server some time into it; whether it was answered first.
fn cut(gate: &mut Gate, after: Duration, request: e2e::Request) -> Option<u16> {
    let request = thread::spawn(move || request.attempt().map(|response| response.status));
    thread::sleep(after);
    gate.kill9();
    let answered = request.join().unwrap();
    gate.restart();
    answered
}

/// A moment of a call that takes up to a second: each cut another one.
fn moment(nth: u64) -> Duration {
    Duration::from_millis(30 + nth * 110)
}

/// A sign-up that was cut off is done, or was never begun: the email is good for one or the other.
#[test]
fn a_sign_up_cut_off_can_be_done_again() {
    let mut gate = Gate::start("crash-sign-up");
    for nth in 0..CUTS {
        let (email, password) = (fresh_email(), random::text("password-"));
        let sign_up = json!({
            "email": email, "password": password, "name": "Ada", "org_name": "Engines", "accept_terms": true,
        });
        let client = gate.client();
        let answered = cut(&mut gate, moment(nth), client.post("/v1/signup", &sign_up));
        println!("cut {nth}: {answered:?}");
        let log_in = client.post("/v1/login", &json!({ "email": email, "password": password })).send();
        let org = if log_in.status == 200 {
            client.post("/v1/signup", &sign_up).send().problem("email_taken");
            Org::new(&client, &email, &password, &log_in.ok(200))
        } else {
            log_in.problem("invalid_credentials");
            assert_eq!(answered, None, "an answered sign-up is lost");
            Org::new(&client, &email, &password, &client.post("/v1/signup", &sign_up).send().ok(201))
        };
        let members = org.list("/v1/members");
        assert_eq!((members.len(), &members[0]["role"]), (1, &json!("org_admin")));
        assert_eq!(org.get("/v1/account").send().ok(200)["user"]["email"], email.as_str());
        assert_eq!(org.list("/v1/orgs").len(), 1);
        assert_eq!(org.get("/v1/audit/verify").send().ok(200)["ok"], true);
        org.api_key(&["audit:read"]).get("/v1/audit").send().ok(200);
    }
}

/// M4: a password change that was cut off has happened or not: one password is good, and where it is the new one, the
/// sessions of before are over.
#[test]
fn m4_a_password_change_cut_off_leaves_one_password() {
    let mut gate = Gate::start("crash-password");
    let first = Org::sign_up(&gate);
    let mut password = first.password.clone();
    for nth in 0..CUTS {
        let log_in = |password: &str| {
            let body = json!({ "email": first.email, "password": password });
            first.anonymous().post("/v1/login", &body).send()
        };
        let [asking, beside] = [(); 2].map(|()| first.with_session(&log_in(&password).ok(200)));
        let new = random::text("password-");
        let change = |client: &Client, new: &str| {
            client.post("/v1/password", &json!({ "current_password": password, "new_password": new }))
        };
        let answered = cut(&mut gate, moment(nth), change(&asking, &new));
        println!("cut {nth}: {answered:?}");
        let is_changed = match log_in(&new).status {
            200 => true,
            status => {
                assert_eq!((status, answered), (401, None));
                false
            }
        };
        assert_eq!(log_in(&password).status, if is_changed { 401 } else { 200 });
        if is_changed {
            // What the cut kept from being done at once is done as soon as the server is back.
            e2e::until("the session of before to end", || {
                let response = beside.get("/v1/me").send();
                (response.status == 401).then_some(())
            });
            password = new;
        } else {
            beside.get("/v1/me").send().ok(200);
        }
        // And it can be done (again).
        let last = random::text("password-");
        let session = first.with_session(&log_in(&password).ok(200));
        let body = json!({ "current_password": password, "new_password": last });
        session.post("/v1/password", &body).send().ok(200);
        beside.get("/v1/me").send().problem("unauthenticated");
        log_in(&password).problem("invalid_credentials");
        password = last;
    }
}

/// N2: an invitation whose acceptance was cut off makes one member, now or the next time.
#[test]
fn n2_an_acceptance_cut_off_can_be_done_again() {
    let mut gate = Gate::start("crash-invitation");
    let org = Org::sign_up(&gate);
    for nth in 0..CUTS {
        let guest = Org::sign_up(&gate);
        let token = text(&org.invitation(&guest.email, "member"), "/token");
        let accept = || guest.post("/v1/invitations/accept", &json!({ "token": token }));
        let answered = cut(&mut gate, Duration::from_millis(4 + nth * 6), accept());
        println!("cut {nth}: {answered:?}");
        let again = {
            // The session may have ended with the acceptance.
            let session = guest.session();
            session.post("/v1/invitations/accept", &json!({ "token": token })).send()
        };
        assert!([200, 400].contains(&again.status), "{again}");
        let rows = org.list("/v1/members");
        let row: Vec<&Value> = rows.iter().filter(|row| row["id"] == guest.user_id.as_str()).collect();
        assert_eq!(row.len(), 1, "{answered:?}, then {again}");
        let body = json!({ "email": guest.email, "password": guest.password, "org_id": org.id });
        let inside = guest.with_session(&guest.anonymous().post("/v1/login", &body).send().ok(200));
        assert_eq!(inside.get("/v1/me").send().ok(200)["role"], "member");
        assert_eq!(inside.list("/v1/orgs").len(), 2);
        assert_eq!(org.get("/v1/audit/verify").send().ok(200)["ok"], true);
        org.delete(&format!("/v1/members/{}", guest.user_id)).send().ok(204);
    }
}
