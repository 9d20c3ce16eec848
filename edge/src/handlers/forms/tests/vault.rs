//! The forms of connectors, connections and keys.

use super::*;
use protocol::ConnectionId;
use protocol::api::{
    Authorize, DeleteOrg, DryRun, NewConnection, ReplaceCredential, RotateKeys, SetConnectorClient,
};

fn con() -> ConnectionId {
    ConnectionId::parse(&id("con_")).unwrap()
}

pub(super) fn signed(path: &str, fields: &str, plane: &FakePlane) -> Answer {
    post(path, &format!("csrf_token={}&{fields}", csrf_token()), plane).unwrap()
}

/// Each form: its operation, its JSON, and where it leads; nowhere where its answer is a page.
#[test]
fn forms_of_connections_and_keys_become_the_json_of_the_api() {
    use Operation as O;
    let connector = || "gmail".to_owned();
    let con_id = id("con_");
    let new = read::<NewConnection<Value>>;
    let cases: Vec<(&str, String, O, Value, Reads, &str)> = vec![
        (
            "/connections",
            "action=create&connector=gmail&auth_type=oauth2&name=+N+&parameters.subdomain=+acme+&parameters.empty=".into(),
            O::CreateConnection,
            json!({ "connector": "gmail", "name": "N", "auth": { "type": "oauth2" }, "parameters": { "subdomain": "acme" } }),
            new,
            "",
        ),
        (
            "/connections",
            "action=create&connector=zendesk&auth_type=basic&name=N&username=u&password=+p+&place=query".into(),
            O::CreateConnection,
            json!({ "connector": "zendesk", "name": "N", "auth": { "type": "basic", "username": "u", "password": " p " } }),
            new,
            "/connections?done=created",
        ),
        (
            "/connections",
            "action=create&connector=http&auth_type=none&name=N&base_url=+https://a.test+".into(),
            O::CreateConnection,
            json!({ "connector": "http", "name": "N", "base_url": "https://a.test", "auth": { "type": "none" } }),
            new,
            "/connections?done=created",
        ),
        (
            "/connections",
            "action=create&connector=postgres&auth_type=basic&name=N&username=u&password=p&allow_writable_role=true".into(),
            O::CreateConnection,
            json!({ "connector": "postgres", "name": "N", "auth": { "type": "basic", "username": "u", "password": "p" }, "allow_writable_role": true }),
            new,
            "/connections?done=created",
        ),
        (
            "/connections",
            format!("action=replace&connector=stripe&id={con_id}&auth_type=api_key&place=header&parameter=x-key&value=v"),
            O::ReplaceCredential { id: con() },
            json!({ "auth": { "type": "api_key", "header": "x-key", "value": "v" } }),
            read::<ReplaceCredential<Value>>,
            "/connections/con_00000000000000000000000000?done=replaced",
        ),
        (
            "/connections",
            format!("action=authorize&id={con_id}&return_to=https://evil.test"),
            O::AuthorizeConnection { id: con() },
            json!({}),
            read::<Authorize>,
            "",
        ),
        ("/connections", format!("action=test&id={con_id}"), O::TestConnection { id: con() }, Value::Null, read::<()>, ""),
        (
            "/connections",
            format!("action=dry_run&id={con_id}&method=GET&path=+/a?b=c+&body="),
            O::DryRun { id: con() },
            json!({ "method": "GET", "path": "/a?b=c" }),
            read::<DryRun>,
            "",
        ),
        (
            "/connections",
            format!("action=dry_run&id={con_id}&method=POST&path=/a&body=%7B%7D"),
            O::DryRun { id: con() },
            json!({ "method": "POST", "path": "/a", "body": "{}" }),
            read::<DryRun>,
            "",
        ),
        (
            "/connections",
            format!("action=disconnect&id={con_id}"),
            O::DeleteConnection { id: con() },
            Value::Null,
            read::<()>,
            "",
        ),
        (
            "/connectors",
            "action=set_client&connector=gmail&client_id=+i+&client_secret=+s+".into(),
            O::SetConnectorClient { connector: connector() },
            json!({ "client_id": "i", "client_secret": "s" }),
            read::<SetConnectorClient>,
            "/connectors/gmail?done=client-set",
        ),
        (
            "/connectors",
            "action=forget_client&connector=gmail".into(),
            O::DeleteConnectorClient { connector: connector() },
            Value::Null,
            read::<()>,
            "/connectors/gmail?done=client-forgotten",
        ),
        ("/workspace", "action=rotate".into(), O::RotateOrgKey, Value::Null, read::<()>, "/workspace?done=key-rotated"),
        ("/workspace", "action=delete&name=+N+".into(), O::DeleteOrg, json!({ "name": "N" }), read::<DeleteOrg>, ""),
        (
            "/admin/keys",
            "action=rotate&version=".into(),
            O::RotateKeys,
            json!({}),
            read::<RotateKeys>,
            "/admin/keys?done=keys-rotating",
        ),
        (
            "/admin/keys",
            "action=rotate&version=3".into(),
            O::RotateKeys,
            json!({ "version": 3 }),
            read::<RotateKeys>,
            "/admin/keys?done=keys-rotating",
        ),
    ];
    for (path, body, operation, expected, reads, location) in cases {
        let plane = hostile();
        let answer = signed(path, &body, &plane);
        assert!(reads(&expected), "{path} {body}: no JSON of the API");
        assert_eq!(sent(&plane), (operation, expected), "{path} {body}");
        assert_eq!(plane.calls.borrow().len(), 1, "{path} {body}");
        if location.is_empty() {
            assert_eq!((answer.status, answer.header("location")), (200, None), "{path} {body}");
        } else {
            assert_eq!((answer.status, answer.header("location")), (303, Some(location)), "{path} {body}");
        }
    }
}

/// T4: what a person does by a click is a form of their own session: not a link, not another site's, not a key's.
#[test]
fn t4_a_click_is_a_form_of_ones_own_session() {
    let own = format!("csrf_token={}&action=disconnect&id={}", csrf_token(), id("con_"));
    for (method, path) in [("GET", format!("/connections?{own}")), ("POST", format!("/connections?{own}"))] {
        let plane = hostile();
        let answer = browse(method, &path, true, "", "", &plane);
        let changed = plane.operations().into_iter().any(|operation| operation != Operation::Overview);
        assert!(!changed, "{method}: {:?}", answer.map(|answer| answer.status));
    }
    let session = cookie(&cookie_token(NOW + 60)).1;
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")] {
        let text = head("POST", "/connections", &[form, ("cookie", &session), (name, value)]);
        let answer = answered(&mut isolate(), &text);
        assert_eq!(answer.logged, Some(Code::CrossOrigin), "{name}");
    }
    let key = bearer(&api_key()).1;
    let text = head("POST", "/connections", &[form, ("authorization", &key)]);
    let answer = answered(&mut isolate(), &text);
    assert_eq!((answer.status, answer.header("location")), (404, None), "a key has no pages");
    let plane = hostile();
    browse("POST", "/connections", false, "", &own, &plane).unwrap();
    assert!(plane.operations().is_empty());
}

/// F9: the way to a provider is a page that goes on by itself; an address that is none is not gone to.
#[test]
fn f9_the_way_to_a_provider_begins_with_a_form() {
    let begin = [
        "action=create&connector=gmail&auth_type=oauth2&name=N".to_owned(),
        format!("action=authorize&id={}", id("con_")),
    ];
    for fields in &begin {
        let plane = FakePlane::new(|_, _| {
            let mut reply = reply(201, json!({ "authorize_url": "https://idp.test/a?b=c&state=s" })).unwrap();
            reply.session = Some(Zeroizing::new("aa.bb.cc".into()));
            Some(reply)
        });
        let answer = signed("/connections", fields, &plane);
        assert_eq!((answer.status, answer.header("location")), (200, None));
        assert!(answer.body.contains("content=\"0;url=https://idp.test/a?b=c&amp;state=s\""));
        assert!(cookies(&answer)[0].starts_with("__Host-sluicegate_session=aa.bb.cc;"));
    }
    for address in
        ["javascript:alert(1)", "//evil.test", "/x", "https://idp.test/\nset-cookie:a=b", "https://é", ""]
    {
        let plane = FakePlane::new(move |_, _| reply(201, json!({ "authorize_url": address })));
        let body = format!("csrf_token={}&{}", csrf_token(), begin[0]);
        assert_eq!(post("/connections", &body, &plane), Err(Code::Unavailable), "{address}");
    }
}

/// C2: what is typed as a secret is on no page again, whatever is wrong with it; the rest stands where it was typed.
#[test]
fn c2_a_refused_credential_is_not_written_into_its_form_again() {
    let secrets = "token=hunter2&value=hunter2&password=hunter2&client_secret=hunter2";
    for (path, fields, kept) in [
        (
            "/connections",
            "action=create&connector=zendesk&auth_type=basic&name=Kept&username=ada&parameters.subdomain=acme",
            vec!["Kept", "ada"],
        ),
        (
            "/connections",
            "action=create&auth_type=api_key&name=Kept&base_url=https://kept.test&parameter=x-kept",
            vec!["Kept", "kept.test", "x-kept"],
        ),
        (
            "/connections",
            "action=replace&connector=zendesk&auth_type=basic&username=ada&id=con_00000000000000000000000000",
            vec![],
        ),
        ("/connectors", "action=set_client&connector=gmail&client_id=kept-client", vec!["kept-client"]),
    ] {
        let plane = refusing(Code::CredentialRefused, |operation| {
            matches!(
                operation,
                Operation::CreateConnection
                    | Operation::ReplaceCredential { .. }
                    | Operation::SetConnectorClient { .. }
            )
        });
        let answer = signed(path, &format!("{fields}&{secrets}"), &plane);
        assert_eq!(answer.status, Code::CredentialRefused.status(), "{fields}");
        assert!(answer.body.contains(Code::CredentialRefused.title()), "{fields}");
        assert!(!answer.body.contains("hunter2"), "{fields}");
        for text in kept {
            assert!(answer.body.contains(text), "{fields}: {text}");
        }
    }
}

/// Several forms stand on a connector's page: what was typed into one is not in another.
#[test]
fn what_was_typed_goes_back_into_its_own_form() {
    let plane = refusing(Code::CredentialRefused, |operation| *operation == Operation::CreateConnection);
    let answer = signed("/connections", "action=create&connector=http&auth_type=basic&name=Typed", &plane);
    assert_eq!(answer.body.matches("value=\"Typed\"").count(), 1);
}

/// C8, B3: disconnecting shows what the provider said, on the answer itself.
#[test]
fn c8_b3_disconnecting_shows_its_receipt() {
    for (revocation, said) in [
        ("revoked", "revoked"),
        ("pending", "being tried again"),
        ("unsupported", "cannot be revoked there"),
        ("failed", "failed"),
    ] {
        let plane = FakePlane::new(move |_, _| {
            let mut receipt = receipt();
            receipt["revocation"] = revocation.into();
            reply(200, json!({ "receipt": receipt }))
        });
        let answer = signed("/connections", &format!("action=disconnect&id={}", id("con_")), &plane);
        assert!(answer.body.contains(&format!("<strong>{said}</strong>")), "{revocation}");
        assert!(answer.body.contains("HTTP 503") && answer.body.contains("attempts: 3"));
    }
}

/// B4: who has deleted the workspace sees its certificate, and is signed out.
#[test]
fn b4_a_deleted_workspace_leaves_its_certificate() {
    let plane = FakePlane::new(|_, _| {
        let mut deleted = deleted();
        deleted["certificate"] = "aaaa.bbbb.cccc".into();
        reply(200, deleted)
    });
    let answer = signed("/workspace", "action=delete&name=N", &plane);
    assert!(answer.body.contains("aaaa.bbbb.cccc") && answer.body.contains("4,321 events"));
    assert!(!answer.body.contains("<form"), "nothing is left to be done here");
    assert_eq!(cookies(&answer), [crate::handlers::session_cookie("", 14).unwrap()]);
}
