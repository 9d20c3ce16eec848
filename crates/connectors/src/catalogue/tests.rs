use serde_json::json;

use super::*;

/// A file in which nothing is wrong.
const FILE: &str = r#"
id = "acme"
name = "Acme"
category = "support"
docs = "https://docs.acme.example"
summary = "Tickets"
base_url = "https://{subdomain}.acme.example/api"
test = "me"
headers = { Acme-Version = "2" }

[parameters.subdomain]
label = "Subdomain"
pattern = "label"

[oauth]
authorize_url = "https://{subdomain}.acme.example/authorize"
token_url = "https://auth.acme.example/token"
[oauth.refresh]
kind = "rotated"
reuse_grace_seconds = 30
[oauth.revocation]
kind = "delete"
url = "https://auth.acme.example/apps/{client_id}/{token}"
token = "refresh"
already_gone = [404]
[[oauth.scopes]]
scope = "read"
why = "Reads."

[[credentials]]
type = "api_key"
label = "Key"
header = "x-key"

[[requests]]
id = "me"
method = "GET"
path = "/me"
summary = "Who"
query = { v = { set = "1", required = true } }
fields = ["id", "a.b[].c", "tags[]"]

[[requests]]
id = "list"
method = "POST"
path = "/list"
summary = "List"
fields = ["[].id", "[].a"]
[requests.body]
kind = "graphql"
documents = ["query A { a }"]

[[requests]]
id = "create"
method = "POST"
path = "/tickets/{kind=a|b}"
summary = "Create"
writes = true
fields = ["id"]
[requests.body]
kind = "json"
[requests.body.fields]
"ticket.subject" = { string = { max = 9 } }
"#;

/// What the build script says of a file's text.
fn problems(text: &str) -> Vec<String> {
    match toml::from_str::<Connector>(text) {
        Ok(connector) => check::findings("acme", &connector),
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn a_sound_file_has_no_findings() {
    assert_eq!(problems(FILE), [""; 0]);
}

#[test]
fn a_bad_value_is_named_by_its_key() {
    for (good, bad, key) in [
        (r#"id = "acme""#, r#"id = "other""#, "id: "),
        (r#"name = "Acme""#, r#"name = " ""#, "name: "),
        (r#"name = "Acme""#, "name = \"Acme\"\nnickname = \"A\"", "unknown field `nickname`"),
        (r#"category = "support""#, r#"category = "other""#, "unknown variant `other`"),
        (r#"docs = "https"#, r#"docs = "http"#, "docs: "),
        (r#"base_url = "https://{subdomain}.acme.example/api""#, "", "base_url: is required"),
        (r#"base_url = "https://"#, r#"base_url = "http://"#, "base_url: must be an https URL"),
        (".acme.example/api", ".acme.example/api?x=1", "base_url: "),
        (".acme.example/api", ".acme.example:8443/api", "base_url: "),
        (".acme.example/api", ".acme.example@evil.example/api", "base_url: "),
        (".acme.example/api", ".acme.example/{tenant}", "base_url: names a parameter"),
        (".acme.example/api", ".acme.example/{subdomain", "base_url: has a brace"),
        // The registrable name must not be the connection's to choose.
        ("{subdomain}.acme.example/api", "{subdomain}.example/api", "base_url: a parameter in the host"),
        ("{subdomain}.acme.example/api", "api.{subdomain}/api", "base_url: a parameter in the host"),
        ("{subdomain}.acme.example/api", "{subdomain}", "base_url: a parameter in the host"),
        (r#"pattern = "label""#, r#"pattern = "id""#, "base_url: a parameter in the host"),
        (r#"pattern = "label""#, r#"pattern = "host""#, "oauth.authorize_url: a parameter in the host"),
        (r#"pattern = "label""#, r#"pattern = "any""#, "unknown variant `any`"),
        (r#"pattern = "label""#, r#"pattern = "choice""#, "parameters.subdomain.one_of: "),
        (r#"pattern = "label""#, "pattern = \"label\"\ndefault = \"A.b\"", "parameters.subdomain.default: "),
        (
            r#"pattern = "label""#,
            "pattern = \"host\"\nsuffixes = [\".com\"]",
            "parameters.subdomain.suffixes: ",
        ),
        (
            "[parameters.subdomain]",
            "[parameters.unused]\nlabel = \"x\"\npattern = \"id\"\n[parameters.subdomain]",
            "parameters.unused: is used by no URL",
        ),
        (
            r#"token_url = "https://auth.acme.example"#,
            r#"token_url = "http://auth.acme.example"#,
            "oauth.token_url: ",
        ),
        (
            "[oauth.refresh]",
            "authorize_params = { state = \"x\" }\n[oauth.refresh]",
            "oauth.authorize_params.state: ",
        ),
        (
            "[oauth.refresh]",
            "token_params = { grant_type = \"x\" }\n[oauth.refresh]",
            "oauth.token_params.grant_type: ",
        ),
        ("[oauth.refresh]", "token_header = \"host\"\n[oauth.refresh]", "oauth.token_header: "),
        (
            "[oauth.refresh]",
            "token_parameters = { x = \"y\" }\n[oauth.refresh]",
            "oauth.token_parameters.x: ",
        ),
        ("[oauth.refresh]", "tolerated_scopes = [\"*\"]\n[oauth.refresh]", "oauth.tolerated_scopes: "),
        ("[oauth.refresh]", "scope_separator = \";\"\n[oauth.refresh]", "oauth.scope_separator: "),
        (r#"kind = "rotated""#, r#"kind = "kept""#, "oauth.refresh.reuse_grace_seconds: "),
        ("kind = \"rotated\"\nreuse_grace_seconds = 30", r#"kind = "none""#, "oauth.revocation.token: "),
        (
            "auth.acme.example/apps/{client_id}",
            "{token}.acme.example",
            "oauth.revocation.url: has the client's id",
        ),
        (r#"kind = "delete""#, r#"kind = "rfc7009""#, "oauth.revocation.url: holds {token}"),
        ("already_gone = [404]", "already_gone = [503]", "oauth.revocation.already_gone: "),
        ("already_gone = [404]", "body = \"{}\"", "oauth.revocation.body: "),
        (r#"kind = "delete""#, r#"kind = "post_json""#, "oauth.revocation.body: "),
        (r#"why = "Reads.""#, r#"why = """#, "oauth.scopes[read].why: "),
        (r#"why = "Reads.""#, "", "missing field `why`"),
        (r#"scope = "read""#, r#"scope = "read write""#, "oauth.scopes[read write]: "),
        (r#"header = "x-key""#, "", "credentials[api_key]: "),
        (r#"header = "x-key""#, "header = \"x-key\"\nquery = \"key\"", "credentials[api_key]: "),
        (
            r#"header = "x-key""#,
            "header = \"x-key\"\nusername_suffix = \"/t\"",
            "credentials[api_key].username_suffix: ",
        ),
        ("Acme-Version", "Authorization", "headers.Authorization: "),
        ("Acme-Version", "X-HTTP-Method-Override", "headers.X-HTTP-Method-Override: "),
        (r#"id = "list""#, r#"id = "me""#, "requests[me]: stands twice"),
        (r#"test = "me""#, r#"test = "create""#, "test: "),
        (r#"test = "me""#, r#"test = "nothing""#, "test: "),
        (r#"{ set = "1", required = true }"#, "{ any = true, required = true }", "test: "),
        (
            r#"{ set = "1", required = true }"#,
            r#"{ int = { min = 2, max = 3 }, set = "1" }"#,
            "requests[me].query.v.set: ",
        ),
        (r#"{ set = "1", required = true }"#, "{ required = true }", "needs exactly one of any"),
        (r#"{ set = "1", required = true }"#, "{ any = true, bool = true }", "needs exactly one of any"),
        (r#"{ set = "1", required = true }"#, "{ any = false }", "the constraint allows nothing"),
        (r#"{ set = "1", required = true }"#, "{ one_of = [] }", "the constraint allows nothing"),
        (
            r#"{ set = "1", required = true }"#,
            "{ int = { min = 3, max = 2 } }",
            "the constraint allows nothing",
        ),
        (r#"{ set = "1", required = true }"#, "{ bool = true, forbid = [\"x\"] }", "forbid lists texts"),
        (r#"{ set = "1", required = true }"#, "{ list_of = [\"a,b\"] }", "requests[me].query.v.list_of: "),
        (
            r#"{ set = "1", required = true }"#,
            "{ soql = { Case = [\"Owner.Name\"] } }",
            "requests[me].query.v.soql: ",
        ),
        (r#"query = { v ="#, r#"query = { _method ="#, "requests[me].query._method: "),
        (r#"query = { v ="#, r#"query = { access_token ="#, "requests[me].query.access_token: "),
        (r#"fields = ["id", "a.b[].c", "tags[]"]"#, "fields = []", "requests[me].fields: must not be empty"),
        (r#""a.b[].c""#, r#""a..c""#, "requests[me].fields[a..c]: "),
        (r#"path = "/me""#, r#"path = "me""#, "a path starts with a slash"),
        (r#"path = "/me""#, r#"path = "/a/../me""#, "a path has no empty, dotted or encoded segments"),
        (r#"path = "/me""#, r#"path = "/a//me""#, "a path has no empty"),
        (r#"path = "/me""#, r#"path = "/me?x=1""#, "a path has no empty"),
        (r#"path = "/me""#, r#"path = "/%6de""#, "a path has no empty"),
        (r#"path = "/me""#, r#"path = "/{a}{b}""#, "a path has no empty"),
        (r#"path = "/me""#, r#"path = "/{a""#, "a segment has at most one {placeholder}"),
        (r#"path = "/me""#, r#"path = "/{a:text}""#, "a placeholder is {name}"),
        (r#"path = "/me""#, r#"path = "/{x}""#, "test: "),
        (r#"method = "GET""#, r#"method = "HEAD""#, "unknown variant `HEAD`"),
        (r#"method = "GET""#, r#"method = "DELETE""#, "requests[me].writes: this method writes"),
        ("method = \"GET\"", "method = \"GET\"\nwrites = true", "requests[me].writes: a GET does not write"),
        ("query A { a }", "mutation A { a }", "requests[list].body.documents: must be a query"),
        ("query A { a }", "query A { a } mutation B { b }", "requests[list].body.documents: must be a query"),
        ("query A { a }", "query A { a } # all", "requests[list].body.documents: is not GraphQL"),
        ("kind = \"graphql\"", "kind = \"json\"", "a json body has fields"),
        (r#"path = "/list""#, r#"path = "/tickets/{kind=a|b}""#, ""),
        (r#""ticket.subject" ="#, r#""ticket..subject" ="#, "requests[create].body.fields.ticket..subject: "),
        (r#""ticket.subject" ="#, r#""ticket.*" ="#, "requests[create].body.fields.ticket.*: is not"),
        (r#""ticket.subject" ="#, r#""[].subject" ="#, "requests[create].body.fields.[].subject: is not"),
        (r#""ticket.subject" ="#, r#"'ticket.a\.b' ="#, "requests[create].body.fields.ticket.a\\.b: is not"),
        (r#""a.b[].c""#, r#""a.b[x].c""#, "requests[me].fields[a.b[x].c]: "),
        (r#""a.b[].c""#, r#"'a\.b.*'"#, ""),
        (
            "{ string = { max = 9 } }",
            "{ soql = { Case = [\"Id\"] } }",
            "requests[create].body.fields.ticket.subject.soql: ",
        ),
        (
            r#""ticket.subject" ="#,
            "ticket = { any = true }\n\"ticket.subject\" =",
            "requests[create].body.fields.ticket: another field is below",
        ),
        (
            "{ string = { max = 9 } }",
            "{ string = { max = 9 }, repeat = true }",
            "requests[create].body.fields.ticket.subject: ",
        ),
        ("kind = \"json\"", "kind = \"json\"\nmax_body = 2000000", "requests[create].body.max_body: "),
    ] {
        assert!(FILE.contains(good), "{good}");
        let found = problems(&FILE.replacen(good, bad, 1));
        if key.is_empty() {
            assert_eq!(found, [""; 0], "{bad}");
        } else {
            assert!(found.iter().any(|what| what.contains(key)), "{bad}: {found:?}");
        }
    }
    let twins = format!(
        "{FILE}\n[[requests]]\nid = \"twin\"\nmethod = \"POST\"\npath = \"/list\"\nsummary = \"x\"\nfields = [\"id\"]"
    );
    assert!(problems(&twins).iter().any(|what| what.starts_with("requests[twin].body: another rule")));
    let mail = "id = \"acme\"\nname = \"x\"\ncategory = \"mail\"\ndocs = \"https://x.example\"\nsummary = \"x\"\nkind = \"smtp\"";
    assert_eq!(problems(mail), ["credentials: must name a credential where there is no oauth"]);
}

fn connector(pattern: &str) -> Connector {
    serde_json::from_value(json!({
        "id": "acme", "name": "Acme", "category": "crm", "docs": "https://x.example", "summary": "x",
        "base_url": "https://{place}.acme.example/v1", "parameters": { "place": pattern_of(pattern) },
    }))
    .unwrap()
}

fn pattern_of(pattern: &str) -> serde_json::Value {
    match pattern {
        "bound" => json!({ "label": "x", "pattern": "host", "suffixes": [".acme.example"] }),
        "choice" => {
            json!({ "label": "x", "pattern": "choice", "one_of": ["tls", "starttls"], "default": "tls" })
        }
        pattern => json!({ "label": "x", "pattern": pattern }),
    }
}

fn place(value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("place".to_owned(), value.to_owned())])
}

#[test]
fn a_parameter_cannot_move_a_request_to_another_host() {
    let label = connector("label");
    for value in ["acme", "a", "acme-2", "2acme", &"a".repeat(63)] {
        assert_eq!(label.base_url(&place(value)), Ok(format!("https://{value}.acme.example/v1")));
    }
    let long = "a".repeat(300);
    for value in [
        "",
        ".",
        "a.b",
        "a.",
        ".a",
        "evil.com/",
        "evil.com#",
        "evil.com?",
        "x#",
        "x?",
        "x/",
        "x\\",
        "x@",
        "@",
        "user:pass@evil.com",
        "x:443",
        "a b",
        " a",
        "a\t",
        "a\n",
        "a\r\nHost: evil",
        "a\0",
        "A",
        "Acme",
        "acmé",
        "аcme",
        "xn--acm-dma",
        "-a",
        "a-",
        "a_b",
        "%61",
        "%2e",
        "a%2fb",
        "{place}",
        "{",
        "a\u{3002}b",
        "a\u{200b}",
        "evil\u{ff0f}",
        &"a".repeat(64),
        &long,
    ] {
        assert!(matches!(label.base_url(&place(value)), Err(ParameterError::Invalid { .. })), "{value}");
        assert!(label.check_parameters(&place(value)).is_err(), "{value}");
    }
    assert_eq!(label.base_url(&BTreeMap::new()), Err(ParameterError::Missing("place".to_owned())));
    assert_eq!(
        label.check_parameters(&BTreeMap::from([("other".to_owned(), "a".to_owned())])),
        Err(ParameterError::Unknown)
    );
    let error = label.base_url(&place("s3cr3t.evil.com/")).unwrap_err().to_string();
    assert!(error.contains("`place` must be one label") && !error.contains("s3cr3t"), "{error}");
}

#[test]
fn a_host_is_a_name_below_its_suffix() {
    let accepts = |pattern: &str, value: &str| connector(pattern).check_parameters(&place(value)).is_ok();
    for value in ["gitlab.example.com", "a.io", "a-b.c1.museum"] {
        assert!(accepts("host", value), "{value}");
    }
    for value in [
        "",
        "localhost",
        "a.",
        ".a",
        "a..b",
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "[::1]",
        "a.b:8443",
        "a.b/",
        "a.b@c.d",
        "https://a.b",
        "A.b",
        "a.b#",
        "xn--a.com",
        "a.xn--p1ai",
        "a_b.com",
        "a.com.",
        &format!("{}.com", "a.".repeat(130)),
    ] {
        assert!(!accepts("host", value), "{value}");
    }
    for value in ["x.acme.example", "x.y.acme.example"] {
        assert!(accepts("bound", value), "{value}");
    }
    for value in [
        "acme.example",
        ".acme.example",
        "xacme.example",
        "x.acme.example.evil.com",
        "acme.example.evil.com",
        "evil.com",
    ] {
        assert!(!accepts("bound", value), "{value}");
    }
    let bound = connector("bound");
    assert_eq!(bound.parameter_of_token("place", "https://x.acme.example/"), Ok("x.acme.example".to_owned()));
    for told in [
        "http://x.acme.example",
        "https://evil.example",
        "https://x.acme.example/a",
        "https://x.acme.example@evil.example",
    ] {
        assert!(bound.parameter_of_token("place", told).is_err(), "{told}");
    }
}

#[test]
fn other_parameters_hold_plain_values_only() {
    let accepts = |pattern: &str, value: &str| connector(pattern).check_parameters(&place(value)).is_ok();
    for (pattern, good, bad) in [
        ("id", vec!["a", "A_b-9"], vec!["", "a.b", "a/b", "a b", "é"]),
        ("name", vec!["db", "my.db-1$_"], vec!["", "a b", "a'b", "a/b", "a;b"]),
        (
            "uuid",
            vec!["123e4567-e89b-12d3-a456-426614174000"],
            vec![
                "",
                "123e4567e89b12d3a456426614174000",
                "123e4567-e89b-12d3-a456-42661417400g",
                "123e4567-e89b-12d3-a456-4266141740000",
            ],
        ),
        ("port", vec!["1", "993", "65535"], vec!["", "0", "65536", "0993", "+993", "-1", "99 ", "9e2"]),
        ("choice", vec!["tls", "starttls"], vec!["", "none", "TLS"]),
    ] {
        assert!(good.iter().all(|value| accepts(pattern, value)), "{pattern}");
        for value in bad {
            assert!(!accepts(pattern, value), "{pattern}: {value}");
        }
    }
    assert_eq!(connector("choice").base_url(&BTreeMap::new()), Ok("https://tls.acme.example/v1".to_owned()));
}

#[test]
fn a_token_in_a_revocation_url_stays_one_segment() {
    let connector: Connector = toml::from_str(FILE).unwrap();
    let revocation = connector.oauth.as_ref().unwrap().revocation.as_ref().unwrap();
    let token = SecretString::from("a/../b?c#d%2f{token}");
    let url = connector.revocation_url(revocation, &BTreeMap::new(), "id/1", &token).unwrap();
    assert_eq!(*url, "https://auth.acme.example/apps/id%2F1/a%2F..%2Fb%3Fc%23d%252f%7Btoken%7D");
}

#[test]
fn a_stand_in_takes_scheme_and_authority_alone() {
    for (url, expected) in [
        ("https://api.acme.example/v1/a?b=c", "http://127.0.0.1:4001/v1/a?b=c"),
        ("https://api.acme.example", "http://127.0.0.1:4001"),
        ("https://api.acme.example?x=https://a/b", "http://127.0.0.1:4001?x=https://a/b"),
    ] {
        assert_eq!(stand_in(url, "http://127.0.0.1:4001"), expected);
        assert_eq!(stand_in(url, "http://127.0.0.1:4001/"), expected);
    }
}

#[test]
fn every_file_is_read_and_found_by_its_id() {
    for summary in all() {
        let connector = get(summary.id).unwrap();
        assert_eq!((connector.id.as_str(), connector.kind), (summary.id, summary.kind));
        assert_eq!(check::findings(summary.id, connector), [""; 0]);
    }
    for id in ["", "GMAIL", "gmail ", "../http", "gmail.toml"] {
        assert!(get(id).is_none(), "{id}");
    }
}
