//! JSON and GraphQL bodies.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{acme, decide};
use crate::policy::{Decision, graphql};

/// The body that is sent to `path`, or the refusal's code.
fn post(path: &str, body: impl AsRef<[u8]>) -> Result<Value, &'static str> {
    match acme().decide("POST", path, Some(body.as_ref())) {
        Decision::Allowed(allowed) => Ok(serde_json::from_slice(&allowed.body.unwrap()).unwrap()),
        Decision::NeedsBody { .. } => Err("needs_body"),
        Decision::Refused(refusal) => Err(refusal.code()),
    }
}

#[test]
fn a_body_of_listed_fields_passes() {
    let body = json!({
        "fields": { "summary": "Broken", "project": { "key": "ENG" }, "urgent": true, "points": 8, "dry": false },
        "filters": [{ "name": "a", "values": ["x", "yz"] }, { "name": "a" }],
        "free": { "any": ["thing", 1.5, null] },
    });
    assert_eq!(post("/v1/issues", body.to_string()), Ok(body));
}

#[test]
fn a_body_that_readers_could_read_apart_is_refused() {
    let deep = format!(r#"{{"free":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    for body in [
        "",
        "null",
        "[]",
        r#"[{"fields": {"summary": "x"}}]"#,
        "\u{feff}{\"fields\": {\"summary\": \"x\"}}",
        r#"{"fields": {"summary": "x"}} {}"#,
        r#"{"fields": {"summary": "x"},}"#,
        r#"{"fields": {"summary": "x"}} // end"#,
        r#"{"fields": {"summary": "x"}, "fields": {"summary": "y"}}"#,
        r#"{"fields": {"summary": "x", "summ\u0061ry": "y"}}"#,
        r#"{"fields": {"summary": "x"}, "free": {"a": {"b": 1, "b": 2}}}"#,
        r#"{"fields": {"summary": "\ud800"}}"#,
        r#"{"fields": {"summary": "x"}, "free": 1e400}"#,
        r#"{"fields": {"summary": "x"}, "free": 123456789012345678901234567890}"#,
        "summary=x&_method=DELETE",
        &deep,
    ] {
        assert_eq!(post("/v1/issues", body), Err("body_malformed"), "{body}");
    }
    assert_eq!(post("/v1/issues", b"{\"fields\": {\"summary\": \"\xff\"}}"), Err("body_malformed"));
    let large = format!(r#"{{"fields": {{"summary": "x"}}, "free": "{}"}}"#, "a".repeat(4096));
    assert_eq!(post("/v1/issues", large), Err("body_too_large"));
}

#[test]
fn t4_a_field_that_is_not_listed_is_refused_at_every_depth() {
    for body in [
        json!({ "fields": { "summary": "x", "description": "y" } }),
        json!({ "fields": { "summary": "x" }, "update": {} }),
        json!({ "fields": { "summary": "x" }, "Fields": { "summary": "y" } }),
        json!({ "fields": { "summary": "x", "project": { "key": "ENG", "id": 1 } } }),
        json!({ "fields": { "summary": "x", "project": "ENG" } }),
        json!({ "fields": { "summary": "x", "project": null } }),
        json!({ "fields": { "summary": "x", "project": [{ "key": "ENG" }] } }),
        json!({ "fields": "x" }),
        json!({ "fields.summary": "x" }),
        json!({ "fields": { "summary": "x" }, "filters[]": { "name": "a" } }),
        json!({ "fields": { "summary": "x" }, "filters": { "name": "a" } }),
        json!({ "fields": { "summary": "x" }, "filters": [["a"]] }),
        json!({ "fields": { "summary": "x" }, "": 1 }),
        json!({ "fields": { "summary": "x", "project.key": "ENG" } }),
    ] {
        assert_eq!(post("/v1/issues", body.to_string()), Err("field_not_listed"), "{body}");
    }
}

#[test]
fn a_field_says_what_it_may_and_is_there_where_it_must() {
    for body in [
        json!({ "fields": { "summary": "longer than ten" } }),
        json!({ "fields": { "summary": 1 } }),
        json!({ "fields": { "summary": ["x"] } }),
        json!({ "fields": { "summary": "x", "project": { "key": "HR" } } }),
        json!({ "fields": { "summary": "x", "urgent": "true" } }),
        json!({ "fields": { "summary": "x", "points": 9 } }),
        json!({ "fields": { "summary": "x", "points": 1.5 } }),
        json!({ "fields": { "summary": "x", "points": "1" } }),
        json!({ "fields": { "summary": "x", "dry": true } }),
        json!({ "fields": { "summary": "x", "dry": "false" } }),
        json!({ "fields": { "summary": "x" }, "filters": [{ "name": "b" }] }),
        json!({ "fields": { "summary": "x" }, "filters": [{ "name": "a", "values": ["long"] }] }),
        json!({ "fields": { "summary": "x" }, "filters": [{ "name": "a", "values": [["x"]] }] }),
    ] {
        assert_eq!(post("/v1/issues", body.to_string()), Err("field_not_allowed"), "{body}");
    }
    for body in [json!({}), json!({ "fields": {} }), json!({ "fields": { "summary": "x" }, "filters": [{}] })]
    {
        assert_eq!(post("/v1/issues", body.to_string()), Err("field_missing"), "{body}");
    }
}

const ISSUES: &str = r#"query Issues($after: String, $first: Int = 50) { issues(first: $first, after: $after, filter: {state: "open, \"new\""}) { nodes { id ...on Bug { title } } } }"#;

#[test]
fn a_listed_document_passes_as_the_catalogue_spells_it() {
    let spelled = ISSUES.replace(", ", "\n\t,,  ").replace("open\n\t,,  ", "open, ");
    assert_ne!(spelled, ISSUES);
    let body = json!({ "query": spelled, "variables": { "after": "c1" }, "operationName": "Issues" });
    assert_eq!(
        post("/graphql", body.to_string()),
        Ok(json!({ "query": ISSUES, "variables": { "after": "c1" }, "operationName": "Issues" }))
    );
    assert_eq!(
        post("/graphql", r#"{"query":"{teams{nodes{id}}}"}"#),
        Ok(json!({ "query": "{ teams { nodes { id } } }" }))
    );
}

#[test]
fn t2_another_document_is_refused() {
    for query in [
        "",
        "{ teams { nodes { id name } } }",
        "{ teams { nodes { i d } } }",
        "{ teams { nodes { ID } } }",
        "query { teams { nodes { id } } }",
        "{ teams { nodes { id } } } mutation { issueDelete(id: 1) { success } }",
        "{ teams { nodes { id } } } # and more",
        "#\n{ teams { nodes { id } } }",
        "{ teams { nodes { id } } }\u{a0}",
        "\u{feff}{ teams { nodes { id } } }",
        "{ teams { nodes { id } } } \"",
        "{ teams @skip(if: false) { nodes { id } } }",
        &ISSUES.replace("open, ", "open,  "),
        &ISSUES.replace("open, ", "open "),
        &ISSUES.replace("50", "5 0"),
        &ISSUES.replace("title", "title, description"),
        &ISSUES.replace("...on", ".. .on"),
    ] {
        assert_eq!(
            post("/graphql", json!({ "query": query }).to_string()),
            Err("document_not_listed"),
            "{query}"
        );
    }
    for body in [json!({}), json!({ "variables": {} })] {
        assert_eq!(post("/graphql", body.to_string()), Err("document_not_listed"), "{body}");
    }
    let query = "{ teams { nodes { id } } }";
    for body in [
        json!({ "query": query, "extensions": { "persistedQuery": { "sha256Hash": "ab" } } }),
        json!({ "query": query, "id": "1" }),
        json!({ "query": query, "Query": "mutation { a }" }),
        json!({ "query": query, "variables": [] }),
        json!({ "query": query, "variables": "{}" }),
        json!({ "query": query, "operationName": "a b" }),
        json!({ "query": [query] }),
        json!({ "query": null }),
    ] {
        assert_eq!(post("/graphql", body.to_string()), Err("field_not_listed"), "{body}");
    }
    let batched = json!([{ "query": query }]);
    assert_eq!(post("/graphql", batched.to_string()), Err("body_malformed"));
    assert_eq!(
        post("/graphql", r#"{"query": "{ teams { nodes { id } } }", "query": "mutation { a }"}"#),
        Err("body_malformed")
    );
    assert_eq!(decide("GET", "/graphql?query={teams{nodes{id}}}", Some(b"")), Err("method_not_listed"));
    assert_eq!(decide("POST", "/graphql?query=x", None), Err("parameter_not_listed"));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..12i64).prop_map(Value::from),
        prop::sample::select(vec!["", "x", "ENG", "a", "longer than ten"]).prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "fields", "summary", "project", "key", "urgent", "points", "filters", "name", "values", "other",
    ]);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The paths of all that is no object and no array.
fn leaves(path: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(&format!("{path}.{key}"), value, out))
        }
        Value::Array(items) => items.iter().for_each(|value| leaves(&format!("{path}[]"), value, out)),
        _ => out.push(path.trim_start_matches('.').to_owned()),
    }
}

proptest! {
    #[test]
    fn a_body_that_passes_has_listed_leaves_alone(fields in json_value(), filters in json_value(), with_summary in any::<bool>()) {
        let mut body = json!({ "fields": fields, "filters": filters });
        if let (true, Some(fields)) = (with_summary, body["fields"].as_object_mut()) {
            fields.insert("summary".into(), "x".into());
        }
        if let Ok(sent) = post("/v1/issues", body.to_string()) {
            prop_assert_eq!(&sent, &body);
            let mut paths = Vec::new();
            leaves("", &sent, &mut paths);
            let listed = [
                "fields.summary", "fields.project.key", "fields.urgent", "fields.points", "filters[].name",
                "filters[].values[]",
            ];
            prop_assert!(paths.iter().all(|path| listed.contains(&path.as_str())), "{paths:?}");
        }
    }

    #[test]
    fn tokens_are_all_of_a_document_but_what_is_ignored(document in "[ ,\\n{}()a-z0-9\"\\\\.$:!-]{0,40}") {
        if let Some(tokens) = graphql::tokens(&document) {
            let ignored = |c: char| matches!(c, ' ' | ',' | '\n');
            let left: String = tokens.concat().chars().filter(|c| !ignored(*c)).collect();
            prop_assert_eq!(left, document.replace(ignored, ""));
        }
    }
}
