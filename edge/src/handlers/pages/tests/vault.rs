//! What the pages of connectors, connections and keys say and offer, and to whom.

use super::*;

/// The pages as somebody with `role` sees them, the connection or connector changed by `change`.
pub(super) fn seen_by(role: &'static str, path: &str, change: fn(&Operation, &mut Value)) -> String {
    let plane = FakePlane::new(move |call, _| {
        let mut answer = answer(&call.operation);
        match call.operation {
            Operation::Me => answer["role"] = role.into(),
            Operation::Overview => answer["me"]["role"] = role.into(),
            _ => change(&call.operation, &mut answer),
        }
        reply(200, answer)
    });
    get(path, &plane).body.into_owned()
}

/// N2: a member reads what is connected and tries it; what changes it is not offered.
#[test]
fn n2_only_who_may_connect_is_offered_it() {
    let as_it_is: fn(&Operation, &mut Value) = |_, _| ();
    let connection = format!("/connections/{}", id("con_"));
    let replace = format!("/connectors/gmail?replace={}", id("con_"));
    for (path, offered) in [
        ("/connections", vec!["value=\"authorize\"", "/disconnect\""]),
        (&*connection, vec!["value=\"authorize\"", "/disconnect\"", "Replace the credential"]),
        ("/connectors/gmail", vec!["value=\"create\"", "value=\"set_client\"", "value=\"forget_client\""]),
        (&*replace, vec!["value=\"replace\""]),
    ] {
        let (admin, member) = (seen_by("org_admin", path, as_it_is), seen_by("member", path, as_it_is));
        for form in offered {
            assert!(admin.contains(form), "{path}: {form}");
            assert!(
                !member.contains(form) || path == "/connections" && form.contains("create"),
                "{path}: {form}"
            );
        }
    }
    let member = seen_by("member", &connection, as_it_is);
    assert!(member.contains("value=\"test\"") && member.contains("value=\"dry_run\""));
    for (role, workspace, keys) in
        [("member", false, false), ("org_admin", true, false), ("super_admin", true, true)]
    {
        let body = seen_by(role, "/", as_it_is);
        assert_eq!(body.contains("href=\"/workspace\""), workspace, "{role}");
        assert_eq!(body.contains("href=\"/admin/keys\""), keys, "{role}");
    }
}

/// N2: the operator's page is the control plane's to give.
#[test]
fn n2_the_operators_page_is_refused_to_others() {
    for code in [Code::Forbidden, Code::NotFound] {
        let plane = FakePlane::new(move |call, _| match call.operation {
            Operation::GetKeys => refusal(code),
            _ => reply(200, answer(&call.operation)),
        });
        let page = get("/admin/keys", &plane);
        assert_eq!(page.status, code.status());
        assert!(!page.body.contains("value=\"rotate\"") && !page.body.contains("1,007"));
        let body = format!("csrf_token={}&action=rotate", csrf_token());
        let plane = FakePlane::new(move |call, _| match call.operation {
            Operation::GetKeys | Operation::RotateKeys => refusal(code),
            _ => reply(200, answer(&call.operation)),
        });
        assert_eq!(browse("POST", "/admin/keys", true, "", &body, &plane).unwrap().status, code.status());
    }
}

/// T7: what stands in the way of a connection is said, with the button that mends it; an active one is left alone.
#[test]
fn t7_a_connection_that_does_not_work_says_why() {
    let path = format!("/connections/{}", id("con_"));
    let with = |change: fn(&Operation, &mut Value)| seen_by("org_admin", &path, change);
    let pending = with(|_, answer| *answer = connection("pending", "oauth2"));
    assert!(pending.contains(">Grant access</button>") && pending.contains("waits for access"));
    let lost = with(|_, answer| {
        *answer = connection("reauthorization_required", "oauth2");
        answer["status_reason"] = "rotation_lost".into();
    });
    assert!(lost.contains("an answer of its that never arrived") && lost.contains(">Reconnect</button>"));
    let missing = with(|_, answer| *answer = connection("active", "oauth2"));
    assert!(missing.contains("scopes missing") && missing.contains("value=\"authorize\""));
    let well = with(|_, answer| {
        *answer = connection("active", "bearer");
        answer["missing_scopes"] = json!([]);
    });
    assert!(!well.contains("value=\"authorize\"") && !well.contains("class=\"problem\""));
    assert!(well.contains("Replace the credential"));
}

/// T1: who connects sees beforehand which scopes are sent and why, what passes, what is returned.
#[test]
fn t1_t2_a_connector_says_what_it_asks_for_and_lets_through() {
    let page = |client: fn(&Operation, &mut Value)| seen_by("org_admin", "/connectors/gmail", client);
    let body = page(|operation, answer| {
        if matches!(operation, Operation::GetConnector { .. }) {
            answer["scopes"] = json!([{ "scope": "https://scope.test/read only", "why": "Because." }]);
            answer["requests"][0]["path"] = "/messages/{id}".into();
            answer["requests"][0]["fields"] = json!(["id", "payload.headers[].name"]);
            answer["client"] = Value::Null;
        }
    });
    for said in [
        "<code class=\"wrap\">https://scope.test/read only</code>",
        "Because.",
        "/messages/{id}",
        "payload.headers[].name",
        "takes a person's own session",
        "https://gate.test/connections/callback",
    ] {
        assert!(body.contains(said), "{said}");
    }
    assert!(!body.contains("value=\"oauth2\""), "without a client there is no way to the provider");
    assert!(page(|_, _| ()).contains("value=\"oauth2\""));
}
