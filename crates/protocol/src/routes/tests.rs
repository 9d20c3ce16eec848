//! The table as requests meet it.

use super::*;
use crate::Page;
use proptest::prelude::*;

const ID: &str = "con_00000000000000000000000000";

fn operation(method: &str, path: &str, query: &str) -> Result<Operation, Code> {
    find(method, path, query).map(|(_, operation)| operation).map_err(|refused| refused.code)
}

/// The code, and what the refusal says.
fn refusal(path: &str, query: &str) -> (u16, String) {
    let refused = find("GET", path, query).unwrap_err();
    (refused.code.status(), refused.detail.map(|detail| detail.text().to_string()).unwrap_or_default())
}

#[test]
fn paths_find_their_operations() {
    assert_eq!(operation("GET", "/v1/me", ""), Ok(Operation::Me));
    assert!(matches!(
        operation("GET", &format!("/v1/connections/{ID}"), ""),
        Ok(Operation::GetConnection { .. })
    ));
    assert_eq!(operation("GET", "/v1/audit/verify", ""), Ok(Operation::VerifyAudit { from: 0 }));
    assert_eq!(operation("GET", "/v1/audit/verify", "from=x"), Err(Code::InvalidRequest));
    assert_eq!(
        operation("GET", "/v1/audit", "limit=3&cursor=aud_x"),
        Ok(Operation::ListAudit(Page { limit: Some(3), cursor: Some("aud_x".into()) }))
    );
}

#[test]
fn a_proxied_path_keeps_its_encoding_and_its_query() {
    let found = operation("PATCH", &format!("/v1/connections/{ID}/proxy/a%2Fb/../c"), "q=%20&r");
    assert_eq!(
        found,
        Ok(Operation::Proxy {
            id: ConnectionId::parse(ID).unwrap(),
            method: "PATCH".into(),
            path_and_query: "/a%2Fb/../c?q=%20&r".into(),
        })
    );
    assert!(operation("GET", &format!("/v1/connections/{ID}/proxy/"), "").is_ok());
    // A base URL may be the endpoint itself, and then a slash behind it is another's.
    for (query, path_and_query) in [("", ""), ("a=1", "?a=1")] {
        let found = operation("POST", &format!("/v1/connections/{ID}/proxy"), query);
        let Ok(Operation::Proxy { path_and_query: found, .. }) = found else { panic!("{found:?}") };
        assert_eq!(found, path_and_query);
    }
    assert_eq!(operation("GET", &format!("/v1/connections/{ID}/proxyx"), ""), Err(Code::NotFound));
    assert_eq!(operation("TRACE", &format!("/v1/connections/{ID}/proxy/"), ""), Err(Code::MethodNotAllowed));
}

#[test]
fn what_is_not_in_the_table_is_refused() {
    for path in
        ["", "/", "v1/me", "/v1", "/v1/me/", "/v1//me", "/V1/me", "/v1/me/x", "/v1/connections/", "/v2/me"]
    {
        assert_eq!(operation("GET", path, ""), Err(Code::NotFound), "{path}");
    }
    assert_eq!(operation("GET", "/v1/connections/con_1", ""), Err(Code::NotFound));
    assert_eq!(operation("PUT", "/v1/me", ""), Err(Code::MethodNotAllowed));
    assert_eq!(operation("GET", "/v1/api-keys/verify", ""), Err(Code::MethodNotAllowed));
    assert_eq!(allowed("/v1/api-keys/verify").collect::<Vec<_>>(), ["POST"]);
    for query in ["limit=0", "limit=201", "limit=-1", "limit=", "limit=1e3", "cursor=%20", "cursor=a'b"] {
        assert_eq!(operation("GET", "/v1/audit", query), Err(Code::InvalidRequest), "{query}");
    }
}

#[test]
fn a_refused_parameter_is_named_and_its_value_is_not_repeated() {
    let time = "must be an RFC 3339 time such as 2026-11-22T08:00:00Z";
    let events = "/v1/inbound-events";
    for (path, query, detail) in [
        ("/v1/audit", "limit=1000", "limit: must be 1 to 200".to_owned()),
        ("/v1/audit", "limit=%31%30", String::new()),
        ("/v1/audit", "limit=5&limit=6", "limit: must stand once".to_owned()),
        ("/v1/audit", "limit=5&&", String::new()),
        ("/v1/audit", "cursor=a%20b", "cursor: must be the next_cursor of the last page".to_owned()),
        ("/v1/audit/verify", "from=-1", "from: must be a number from 0 on".to_owned()),
        ("/v1/audit/verify", "from=+1", "from: must be a number from 0 on".to_owned()),
        (events, "since=yesterday", format!("since: {time}")),
        (events, "until=2026-11-22", format!("until: {time}")),
        (events, "since=2026-11-22T09%3A00%3A00%2B01%3A00", String::new()),
        (events, "since=2026-11-22T09:00:00+01:00", String::new()),
        (events, "since=2026-11-22t08:00:00z", String::new()),
        (events, "source_id=con_00000000000000000000000000", "source_id: must be an id that begins with src_".to_owned()),
        (events, "forwarding=lost", "forwarding: must be one of pending, delivered, failed".to_owned()),
        (events, "event_type=a%2Fb", "event_type: must be 1 to 128 of a-z A-Z 0-9 . _ -".to_owned()),
        (events, "source=src_0", "source: is not a query parameter here: this path takes source_id, event_type, since, until, forwarding, limit, cursor".to_owned()),
        ("/v1/me", "foo=1", "foo: is not a query parameter here: this path takes none".to_owned()),
        ("/v1/me", "sgk_0123456789", "an unknown query parameter: this path takes none".to_owned()),
        ("/v1/me", "%F0%9F%98%80=1", "an unknown query parameter: this path takes none".to_owned()),
    ] {
        match find("GET", path, query) {
            Ok(_) => assert_eq!(detail, "", "{path}?{query}"),
            Err(refused) => {
                assert_eq!(refused.code, Code::InvalidRequest);
                let told = refused.detail.unwrap();
                assert_eq!(told.text(), &detail, "{path}?{query}");
                let field = told.errors().first().map(|error| &*error.field);
                assert_eq!(field, detail.split_once(": ").map(|(field, _)| field).filter(|field| !field.contains(' ')));
            }
        }
    }
}

/// What a value of no kind is.
#[test]
fn every_parameter_of_every_route_is_read() {
    let id = |prefix: &str| format!("{prefix}00000000000000000000000000");
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        let prefix = match route.path.split('/').nth(2) {
            Some("sources") => "src_",
            Some("endpoints") => "end_",
            Some("messages") => "msg_",
            _ => "",
        };
        let path = route.path.replace("{id}", &id(prefix));
        for parameter in route.query {
            let (status, detail) = refusal(&path, &format!("{}=%21", parameter.name));
            assert_eq!(status, 400, "{path}");
            assert_eq!(detail, format!("{}: {}", parameter.name, parameter.kind.must()), "{path}");
        }
    }
}

#[test]
fn a_wrong_path_is_told_what_was_meant() {
    for (path, meant) in [
        ("/v1/connections/", Some("/v1/connections")),
        ("/v1/conections", Some("/v1/connections")),
        ("/v1/Connections", Some("/v1/connections")),
        ("/v1//me", Some("/v1/me")),
        ("/v1/api_keys", Some("/v1/api-keys")),
        ("/v1/inbound-event/x", Some("/v1/inbound-events/{id}")),
        ("/v1/connections/x/tset", Some("/v1/connections/{id}/test")),
        ("/v1/webhooks", None),
        ("/v1/admin/key", None),
        ("/v1/admin/keys/", None),
        ("/v1/", None),
        ("/v1/xy", None),
    ] {
        let told =
            meant.map_or("no such path".to_owned(), |meant| format!("no such path; did you mean {meant}?"));
        assert_eq!(refusal(path, ""), (404, told), "{path}");
    }
    assert_eq!(suggest("/connections"), Some("/v1/connections"));
    assert_eq!(suggest("/favicon.ico"), None);
}

#[test]
fn what_cannot_be_an_id_here_is_told_what_one_is() {
    for (path, prefix) in [
        ("/v1/connections/src_0", "con_"),
        ("/v1/connections/con_…", "con_"),
        ("/v1/connections/con_0", "con_"),
        ("/v1/sources/con_00000000000000000000000000", "src_"),
        ("/v1/messages/1", "msg_"),
        ("/v1/admin/orgs/acme", "org_"),
    ] {
        assert_eq!(
            refusal(path, ""),
            (404, format!("an id here begins with {prefix}, and is whole")),
            "{path}"
        );
    }
}

#[test]
fn no_two_rows_are_the_same() {
    for (i, a) in ROUTES.iter().enumerate() {
        assert!(ROUTES.iter().skip(i + 1).all(|b| (a.method, a.path) != (b.method, b.path)), "{}", a.path);
    }
}

proptest! {
    #[test]
    fn any_request_is_an_answer(path in "(/[a-z0-9_%.{}*-]{0,12}){0,6}", query in ".{0,40}") {
        let _ = find("GET", &path, &query);
        let _ = find("GET", &format!("/v1{path}"), &query);
    }
}
