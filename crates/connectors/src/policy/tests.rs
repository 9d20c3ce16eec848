//! Requests written by someone who wants more than a rule gives.

use std::sync::LazyLock;

use proptest::prelude::*;
use url::{Url, form_urlencoded};

use super::*;
use crate::catalogue::{self, check};
use crate::headers::is_proxy_claim;

mod bodies;
mod statements;

const ACME: &str = r#"
id = "acme"
name = "Acme"
category = "issues"
docs = "https://docs.acme.example/api"
summary = "Everything a rule can say."
base_url = "https://api.acme.example"
test = "me"

[[credentials]]
type = "bearer"
label = "Token"

[[requests]]
id = "me"
method = "GET"
path = "/v1/me"
summary = "Who"
query = { version = { set = "2" }, kind = { one_of = ["full", "short"], set = "short" } }
fields = ["id"]

[[requests]]
id = "message"
method = "GET"
path = "/v1/messages/{id}"
summary = "A message's metadata"
query = { format = { one_of = ["metadata"], required = true }, header = { one_of = ["From", "To"], repeat = true }, limit = { int = { min = 1, max = 500 } } }
fields = ["id"]

[[requests]]
id = "search"
method = "GET"
path = "/v1/issues/{number:int}/{what=events|labels}.json"
summary = "An issue's list"
query = { q = { any = true }, jql = { any = true, forbid = ["~", "text"] }, find = { words = ["from:", "after:", "has:attachment"] }, "expand[]" = { list_of = ["a", "b"] }, "$top" = { int = { min = 0, max = 9 } }, deep = { bool = true }, name = { string = { max = 4 } } }
fields = ["id"]

[[requests]]
id = "cases"
method = "GET"
path = "/v1/query"
summary = "Cases"
query = { q = { required = true, soql = { Case = ["Id", "Status", "CreatedDate"], CaseHistory = ["Id", "Field"] } } }
fields = ["records[].Id"]

[[requests]]
id = "create"
method = "POST"
path = "/v1/issues"
summary = "Creates an issue"
writes = true
fields = ["id"]
[requests.body]
kind = "json"
max_body = 4096
[requests.body.fields]
"fields.summary" = { string = { max = 10 }, required = true }
"fields.project.key" = { one_of = ["ENG", "OPS"] }
"fields.urgent" = { bool = true }
"fields.points" = { int = { min = 0, max = 8 } }
"fields.dry" = { one_of = [false] }
"filters[].name" = { one_of = ["a"], required = true }
"filters[].values[]" = { string = { max = 3 } }
free = { any = true }

[[requests]]
id = "graphql.issues"
method = "POST"
path = "/graphql"
summary = "Issues"
fields = ["data.issues.nodes[].id"]
[requests.body]
kind = "graphql"
documents = ['query Issues($after: String, $first: Int = 50) { issues(first: $first, after: $after, filter: {state: "open, \"new\""}) { nodes { id ...on Bug { title } } } }']

[[requests]]
id = "graphql.teams"
method = "POST"
path = "/graphql"
summary = "Teams"
fields = ["data.teams.nodes[].id"]
[requests.body]
kind = "graphql"
documents = ["{ teams { nodes { id } } }"]

[[requests]]
id = "statement"
method = "POST"
path = "/v1/statements"
summary = "A query"
fields = ["data"]
[requests.body]
kind = "sql"
field = "statement"
[requests.body.fields]
timeout = { int = { min = 0, max = 60 } }
"#;

fn acme() -> &'static Connector {
    static READ: LazyLock<Connector> = LazyLock::new(|| {
        let connector = toml::from_str(ACME).unwrap();
        assert_eq!(check::findings("acme", &connector), [""; 0]);
        connector
    });
    &READ
}

/// What a GET of `target` is sent as, with its rule; or the refusal's code.
fn get(target: &str) -> Result<(String, String), &'static str> {
    decide("GET", target, Some(b""))
}

fn decide(method: &str, target: &str, body: Option<&[u8]>) -> Result<(String, String), &'static str> {
    match acme().decide(method, target, body) {
        Decision::Allowed(allowed) => Ok((allowed.rule.id.clone(), allowed.path_and_query)),
        Decision::NeedsBody { .. } => Err("needs_body"),
        Decision::Refused(refusal) => Err(refusal.code()),
    }
}

fn sent(rule: &str, target: &str) -> Result<(String, String), &'static str> {
    Ok((rule.to_owned(), target.to_owned()))
}

#[test]
fn a_listed_request_passes_with_its_fixed_parameters() {
    assert_eq!(get("/v1/me"), sent("me", "/v1/me?kind=short&version=2"));
    assert_eq!(get("v1/me?kind=full"), sent("me", "/v1/me?kind=full&version=2"));
    assert_eq!(
        get("/v1/messages/18c?header=From&format=metadata&header=To&limit=500"),
        sent("message", "/v1/messages/18c?header=From&format=metadata&header=To&limit=500")
    );
    assert_eq!(
        get(
            "/v1/issues/42/events.json?q=a+b%20c%26d%3D%2B&expand[]=b,a&$top=0&deep=true&name=%C3%A4%C3%B6%C3%BC!"
        ),
        sent(
            "search",
            "/v1/issues/42/events.json?q=a%20b%20c%26d%3D%2B&expand%5B%5D=b%2Ca&$top=0&deep=true&name=%C3%A4%C3%B6%C3%BC%21"
        )
    );
    // Another spelling of the same is sent in the one spelling.
    assert_eq!(
        get("/v1/mess%61ges/a%40b?form%61t=met%61data"),
        sent("message", "/v1/messages/a@b?format=metadata")
    );
}

#[test]
fn t2_a_path_that_is_not_listed_is_refused_in_every_spelling() {
    for target in [
        "",
        "/",
        "?",
        "/v1",
        "/v1/",
        "/v1/me/",
        "//v1/me",
        "/v1//me",
        "/V1/me",
        "/v1/ME",
        "/v1/me%2F",
        "/v1/me;a=1",
        "/v1/me%3Ba=1",
        "/v1/me%3Fkind=full",
        "/v1/me.json",
        "/v1/./me",
        "/v1/%2e/me",
        "/v1/x/../me",
        "/v1/x/%2e%2e/me",
        "/v1/x/.%2E/me",
        "/v1%2Fme",
        "/v1%252Fme",
        "/v1/messages/",
        "/v1/messages/.?format=metadata",
        "/v1/messages/..?format=metadata",
        "/v1/messages/...?format=metadata",
        "/v1/messages/%2e%2e?format=metadata",
        "/v1/messages/%252e%252e?format=metadata",
        "/v1/messages/a%2Fb?format=metadata",
        "/v1/messages/a%252Fb?format=metadata",
        "/v1/messages/a%5Cb?format=metadata",
        "/v1/messages/a;b?format=metadata",
        "/v1/messages/a:send?format=metadata",
        "/v1/messages/$value?format=metadata",
        "/v1/messages/('a')?format=metadata",
        "/v1/messages/a%23?format=metadata",
        "/v1/messages/a%20b?format=metadata",
        "/v1/messages/a*?format=metadata",
        "/v1/messages/%C3%A9?format=metadata",
        "/v1/messages/a/attachments/b",
        "/v1/issues/x/events.json",
        "/v1/issues/-1/events.json",
        "/v1/issues/1/comments.json",
        "/v1/issues/1/events",
        "/v1/issues/1/events.xml",
        "/v1/issues/123456789012345678901/events.json",
        "https://evil.example/v1/me",
        "@evil.example/v1/me",
    ] {
        assert_eq!(get(target), Err("path_not_listed"), "{target}");
    }
    let long = format!("/v1/messages/{}?format=metadata", "a".repeat(257));
    assert_eq!(get(&long), Err("path_not_listed"));
}

#[test]
fn a_target_that_reads_in_two_ways_is_refused() {
    for target in [
        "/v1/me#",
        "/v1/me?kind=full#x",
        "/v1\\me",
        "/v1/me ",
        "/v1/mé",
        "/v1/me\0",
        "/v1/me\r\nhost: evil",
        "/v1/me%",
        "/v1/me%0",
        "/v1/me%zz",
        "/v1/me%00",
        "/v1/me%0d%0a",
        "/v1/me%7F",
        "/v1/me%C2%85",
        "/v1/messages/%ff?format=metadata",
        // Overlong: `/` and `.` in two bytes.
        "/v1%c0%afme",
        "/v1/%c0%ae%c0%ae/me",
        "/v1/me?kind=full;kind=short",
        "/v1/me?&kind=full",
        "/v1/me?kind=full&",
        "/v1/me?kind=full&&version=2",
        "/v1/me?=full",
        "/v1/me?kind=%00",
        "/v1/me?kind=%F0%28%8C%28",
    ] {
        assert_eq!(get(target), Err("request_malformed"), "{target}");
    }
    assert_eq!(get(&format!("/v1/me?kind={}", "a".repeat(8192))), Err("request_malformed"));
    assert_eq!(get(&format!("/v1/me?{}kind=full", "kind=full&".repeat(64))), Err("request_malformed"));
}

#[test]
fn t2_a_parameter_cannot_be_smuggled_past_its_constraint() {
    let message = |query: &str| get(&format!("/v1/messages/1{query}"));
    for query in ["", "?", "?header=From"] {
        assert_eq!(message(query), Err("parameter_missing"), "{query}");
    }
    for query in [
        "?format=full",
        "?form%61t=full",
        "?format=FULL",
        "?format=Metadata",
        "?format=metadata%20",
        "?format=metadata%26format%3Dfull",
        "?format=metadata,full",
        "?format",
        "?format=",
        "?format==metadata",
        "?format=metadata?format=full",
        "?format=metadata&header=Subject",
        "?format=metadata&limit=0",
        "?format=metadata&limit=501",
        "?format=metadata&limit=+5",
        "?format=metadata&limit=%2B5",
        "?format=metadata&limit=05",
        "?format=metadata&limit=5.0",
        "?format=metadata&limit=0x5",
        "?format=metadata&limit=99999999999999999999",
    ] {
        assert_eq!(message(query), Err("parameter_not_allowed"), "{query}");
    }
    for query in [
        "?format=metadata&format=full",
        "?format=metadata&format=metadata",
        "?format=metadata&form%61t=full",
        "?format=metadata&limit=5&limit=6",
    ] {
        assert_eq!(message(query), Err("parameter_repeated"), "{query}");
    }
    for query in [
        "?format[]=full&format=metadata",
        "?format%5B%5D=metadata",
        "?format[0]=metadata",
        "?Format=metadata",
        "?%66ormat%20=metadata",
        "?+format=metadata",
        "?form%2561t=metadata",
        "??format=metadata",
        "?format=metadata&fields=payload",
        "?format=metadata&alt=media",
        "?format=metadata&_method=DELETE",
        "?format=metadata&X-HTTP-Method-Override=DELETE",
        "?format=metadata&access_token=abcd",
        "?format=metadata&%E2%80%8Bformat=full",
    ] {
        assert_eq!(message(query), Err("parameter_not_listed"), "{query}");
    }
    for find in [
        "",
        "+",
        "secret",
        "from:",
        "subject:x",
        "from:a+",
        "+from:a",
        "from:a++after:1",
        "from:a+secret",
        "from:%22a%22",
        "from:(a)",
        "from:subject:a",
        "-from:a",
        "From:a",
        "has:attachments",
        "has:attachment:x",
        "from:a%09b",
        "from:%C3%A9",
        "from:a%7Cb",
        "{from:a",
    ] {
        let target = format!("/v1/issues/1/events.json?find={find}");
        assert!(matches!(get(&target), Err("parameter_not_allowed" | "request_malformed")), "{find}");
    }
    assert!(
        get("/v1/issues/1/events.json?find=from:a%2Bb@x.example+after:2026/01/31+has:attachment").is_ok()
    );
    assert!(get("/v1/issues/1/events.json?jql=project+%3D+OPS").is_ok());
    for jql in ["summary~x", "summary%7Ex", "a+!~+b", "text"] {
        assert_eq!(
            get(&format!("/v1/issues/1/events.json?jql={jql}")),
            Err("parameter_not_allowed"),
            "{jql}"
        );
    }
    assert_eq!(get("/v1/me?kind=full&version=3"), Err("parameter_not_allowed"));
    assert_eq!(get("/v1/issues/1/events.json?expand[]=a,c"), Err("parameter_not_allowed"));
    assert_eq!(get("/v1/issues/1/events.json?expand[]=a,,b"), Err("parameter_not_allowed"));
    assert_eq!(
        get("/v1/issues/1/events.json?name=%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4"),
        Err("parameter_not_allowed")
    );
    assert_eq!(get("/v1/issues/1/events.json?deep=1"), Err("parameter_not_allowed"));
}

#[test]
fn t4_no_other_method_passes_for_a_listed_one() {
    for method in
        ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "GET ", "", "GET\r\nX: y"]
    {
        assert_eq!(decide(method, "/v1/me", Some(b"")), Err("method_not_listed"), "{method}");
    }
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(decide(method, "/v1/issues", Some(b"")), Err("method_not_listed"), "{method}");
    }
    // Nor by a header: what a server would take for one is a proxy's to claim, and so not forwarded.
    for name in ["x-http-method-override", "x-method-override", "x-http-method", "method-override"] {
        assert!(is_proxy_claim(name), "{name}");
    }
}

#[test]
fn a_body_is_sent_only_where_a_rule_takes_one() {
    assert_eq!(decide("GET", "/v1/me", Some(b"_method=DELETE")), Err("body_not_allowed"));
    let connector = acme();
    let Decision::Allowed(unread) = connector.decide("GET", "/v1/me", None) else { panic!("refused") };
    assert!(unread.body.is_none());
    let Decision::NeedsBody { max } = connector.decide("POST", "/v1/issues", None) else { panic!("decided") };
    assert_eq!(max, 4096);
    // Not read at all where the request is refused without it.
    assert_eq!(decide("POST", "/v1/issues?a=1", None), Err("parameter_not_listed"));
}

#[test]
fn the_refusal_is_that_of_the_nearest_rule_and_repeats_nothing() {
    let refusal = |method: &str, target: &str, body: &[u8]| match acme().decide(method, target, Some(body)) {
        Decision::Refused(refusal) => refusal.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refusal("GET", "/v1/messages/1?format=s3cr3t", b""),
        "`message` allows the query parameter `format` to be one of metadata"
    );
    assert_eq!(
        refusal("GET", "/v1/messages/1?s3cr3t=s3cr3t", b""),
        "`message` allows these query parameters and no others, in this spelling: format, header, limit"
    );
    assert_eq!(refusal("S3CR3T", "/v1/me", b""), "this path allows other methods only: GET (`me`)");
    assert_eq!(
        refusal("POST", "/graphql", br#"{"query":"{ s3cr3t }"}"#),
        "`graphql.issues` takes its listed GraphQL documents alone, without comments; their values go into variables"
    );
    let path = refusal("GET", "/s3cr3t", b"");
    assert!(path.contains("GET /v1/messages/{id}, GET /v1/issues/{number:int}"), "{path}");
    for (method, target, body) in [
        ("GET", "/s3cr3t", ""),
        ("GET", "/v1/query?q=SELECT+s3cr3t+FROM+Case", ""),
        ("GET", "/v1/query?q=SELECT+Id+FROM+s3cr3t", ""),
        ("POST", "/v1/issues", r#"{"s3cr3t": 1}"#),
        ("POST", "/v1/issues", r#"{"fields": {"summary": "s3cr3t s3cr3t"}}"#),
        ("POST", "/v1/statements", r#"{"statement": "DELETE FROM s3cr3t"}"#),
    ] {
        assert!(!refusal(method, target, body.as_bytes()).contains("s3cr3t"), "{target} {body}");
    }
}

#[test]
fn a_dry_run_says_which_rules_were_looked_at() {
    let connector = acme();
    let explained = connector.explain("POST", "/graphql", Some(br#"{"query":"{teams{nodes{id}}}"}"#));
    let looked_at: Vec<_> = explained
        .considered
        .iter()
        .map(|c| (c.rule.id.as_str(), c.refusal.as_ref().map(Refusal::code)))
        .collect();
    assert_eq!(looked_at, [("graphql.issues", Some("document_not_listed")), ("graphql.teams", None)]);
    assert!(matches!(explained.decision, Decision::Allowed(allowed) if allowed.rule.id == "graphql.teams"));
    assert!(connector.explain("GET", "/nowhere", None).considered.is_empty());
}

#[test]
fn a_connector_without_rules_allows_nothing() {
    let http = catalogue::get("http").unwrap();
    assert!(http.is_generic());
    assert!(matches!(http.decide("GET", "/", None), Decision::Refused(Refusal::Path { .. })));
}

/// What must hold of whatever is sent, told by the URL standard's own parser and not by ours.
fn assert_within_rules(rule: &str, target: &str) {
    let url = Url::parse(&format!("https://api.acme.example{target}")).unwrap();
    assert_eq!(&url.as_str()["https://api.acme.example".len()..], target, "the parser normalised it");
    assert!(url.fragment().is_none());
    let path = url.path();
    let query: Vec<(String, String)> =
        url.query().map(|q| form_urlencoded::parse(q.as_bytes()).into_owned().collect()).unwrap_or_default();
    let all = |name: &str| -> Vec<&str> {
        query.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect()
    };
    match rule {
        "me" => {
            assert_eq!(path, "/v1/me");
            assert_eq!(all("version"), ["2"]);
            assert!(matches!(all("kind")[..], ["short" | "full"]));
            assert_eq!(query.len(), 2);
        }
        "message" => {
            let id = path.strip_prefix("/v1/messages/").unwrap();
            assert!(
                !id.is_empty() && !id.contains(['/', '%', ';', ':', '\\']) && !id.bytes().all(|b| b == b'.')
            );
            assert_eq!(all("format"), ["metadata"]);
            assert!(all("limit").len() <= 1 && all("limit").iter().all(|n| n.parse::<u32>().unwrap() <= 500));
            assert!(all("header").iter().all(|h| ["From", "To"].contains(h)));
            assert_eq!(query.len(), 1 + all("limit").len() + all("header").len());
        }
        "search" => {
            let middle = path.strip_prefix("/v1/issues/").unwrap().strip_suffix(".json").unwrap();
            let (number, what) = middle.split_once('/').unwrap();
            assert!(number.bytes().all(|b| b.is_ascii_digit()) && ["events", "labels"].contains(&what));
            assert!(query.iter().all(|(n, _)| {
                ["q", "jql", "find", "expand[]", "$top", "deep", "name"].contains(&n.as_str())
            }));
        }
        other => panic!("no rule {other} by GET without a statement"),
    }
}

fn seed() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "/v1/me?kind=full",
        "/v1/messages/18c3?format=metadata&header=From&limit=10",
        "/v1/issues/42/events.json?q=state%3Aopen&expand[]=a,b&$top=3&deep=true&name=abcd",
    ])
    .prop_map(str::to_owned)
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "/",
            "//",
            "..",
            ".",
            "%2e",
            "%2E%2e",
            "%2f",
            "%252f",
            "%5c",
            "\\",
            ";",
            "?",
            "#",
            "&",
            "=",
            "%00",
            "%0a",
            "+",
            "%20",
            "%26",
            "%3d",
            "format",
            "format=full",
            "form%61t",
            "[]",
            "full",
            "limit=",
            "me",
            "messages",
            "events.json",
            "%c0%ae",
            "@",
            ":",
            "\0",
            "é",
            "%",
            "%u002e",
            "_method=DELETE",
            "..;/",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn t2_whatever_is_made_of_an_allowed_request_it_leaves_no_rule(
        seed in seed(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4usize, piece()), 1..4),
    ) {
        let mut target: Vec<char> = seed.chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(target.len() + 1);
            let end = (at + removed).min(target.len());
            target.splice(at..end, inserted.chars());
        }
        let target: String = target.into_iter().collect();
        if let Ok((rule, sent)) = get(&target) {
            assert_within_rules(&rule, &sent);
            // And what is sent would be allowed as it is.
            prop_assert_eq!(get(&sent), Ok((rule, sent)));
        }
    }

    #[test]
    fn nothing_panics(method in "\\PC{0,8}", target in "\\PC{0,64}", body in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = decide(&method, &target, Some(&body));
        let _ = decide("GET", &target, Some(&body));
        let _ = decide("GET", &format!("/v1/query?q={target}"), Some(b""));
        for path in ["/v1/issues", "/graphql", "/v1/statements"] {
            let _ = decide("POST", path, Some(&body));
        }
    }
}
