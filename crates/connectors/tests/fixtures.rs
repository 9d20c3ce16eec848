//! Every connector against its fixture, `fixtures/<id>.json`: requests that pass and that are refused, and answers as
//! the provider documents them, before and after the filter.
//!
//! A connector that is called over HTTP and has no fixture fails, so that one can't be added without.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use connectors::catalogue::{self, BodyShape, Connector, CredentialKind, Kind, Method, Pattern};
use connectors::{BaseUrl, Decision, FieldFilter, TargetPolicy};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    allowed: Vec<Sample>,
    #[serde(default)]
    writes: Vec<Sample>,
    refused_writes: Vec<Sample>,
    refused_reads: Vec<Sample>,
    filtered: Vec<Filtered>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    method: String,
    path_and_query: String,
    body: Option<Value>,
    /// Of a request that passes.
    rule: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filtered {
    rule: String,
    upstream: Value,
    passes: Value,
}

impl Sample {
    fn decide<'a>(&self, connector: &'a Connector) -> Decision<'a> {
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        connector.decide(&self.method, &self.path_and_query, Some(body.as_bytes()))
    }

    fn name(&self, connector: &Connector) -> String {
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        format!("{}: {} {} {body}", connector.id, self.method, self.path_and_query)
    }
}

fn get(id: &str) -> &'static Connector {
    catalogue::get(id).unwrap_or_else(|| panic!("{id}: cannot be read"))
}

/// Every connector with rules, and its fixture.
fn fixtures() -> impl Iterator<Item = (&'static Connector, Fixture)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    catalogue::all()
        .iter()
        .map(|summary| get(summary.id))
        .filter(|connector| connector.kind == Kind::Http && !connector.is_generic())
        .map(move |connector| {
            let path = folder.join(format!("{}.json", connector.id));
            let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let fixture: Fixture =
                serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", connector.id));
            (connector, fixture)
        })
}

/// Values for every parameter, as a connection would have them.
fn parameters(connector: &Connector) -> BTreeMap<String, String> {
    connector
        .parameters
        .iter()
        .map(|(name, parameter)| {
            let value = match parameter.pattern {
                Pattern::Host => {
                    format!("acme{}", parameter.suffixes.first().map_or(".example.com", String::as_str))
                }
                Pattern::Uuid => "123e4567-e89b-12d3-a456-426614174000".to_owned(),
                Pattern::Port => "8443".to_owned(),
                Pattern::Choice => parameter.one_of.first().cloned().unwrap_or_default(),
                _ => "acme".to_owned(),
            };
            (name.clone(), value)
        })
        .collect()
}

#[test]
fn every_fixture_shows_all_there_is_to_show() {
    for (connector, fixture) in fixtures() {
        let id = &connector.id;
        assert!(!fixture.allowed.is_empty(), "{id}: no allowed request");
        assert!(!fixture.refused_writes.is_empty(), "{id}: no refused write");
        assert!(!fixture.refused_reads.is_empty(), "{id}: no refused read");
        let is_shorter = |filtered: &Filtered| filtered.upstream != filtered.passes;
        assert!(fixture.filtered.iter().any(is_shorter), "{id}: no answer of which something is left out");
        let shown: BTreeSet<&str> = fixture
            .allowed
            .iter()
            .chain(&fixture.writes)
            .filter_map(|sample| sample.rule.as_deref())
            .collect();
        let rules: BTreeSet<&str> = connector.requests.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(shown, rules, "{id}: a rule without a request that it allows");
    }
}

#[test]
fn t2_listed_requests_pass_and_stay_below_the_base_url() {
    for (connector, fixture) in fixtures() {
        let base = connector.base_url(&parameters(connector)).unwrap();
        let base = BaseUrl::parse(&base, TargetPolicy::Public).unwrap_or_else(|e| panic!("{base}: {e}"));
        for sample in fixture.allowed.iter().chain(&fixture.writes) {
            let name = sample.name(connector);
            let Decision::Allowed(allowed) = sample.decide(connector) else {
                panic!("{name}\n{:?}", sample.decide(connector))
            };
            assert_eq!(Some(allowed.rule.id.as_str()), sample.rule.as_deref(), "{name}");
            let url = base.join(&allowed.path_and_query).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(url.as_str().ends_with(&allowed.path_and_query), "{name}: sent as {url}");
            let sent: Option<Value> = allowed.body.map(|body| serde_json::from_slice(&body).unwrap());
            match (&sample.body, &sent) {
                // A listed document is sent as the catalogue spells it.
                (Some(given), Some(sent)) if given.get("query").is_some_and(Value::is_string) => {
                    assert_eq!(given.get("variables"), sent.get("variables"), "{name}");
                }
                (given, sent) => assert_eq!(given, sent, "{name}"),
            }
        }
    }
}

#[test]
fn t2_reads_that_are_not_listed_are_refused() {
    for (connector, fixture) in fixtures() {
        for sample in &fixture.refused_reads {
            assert!(sample.rule.is_none());
            assert!(matches!(sample.decide(connector), Decision::Refused(_)), "{}", sample.name(connector));
        }
    }
}

#[test]
fn t4_writes_are_refused_and_the_listed_ones_are_marked() {
    for (connector, fixture) in fixtures() {
        for sample in &fixture.refused_writes {
            assert!(sample.rule.is_none());
            assert!(matches!(sample.decide(connector), Decision::Refused(_)), "{}", sample.name(connector));
        }
        for (samples, writes) in [(&fixture.allowed, false), (&fixture.writes, true)] {
            for rule in samples.iter().filter_map(|sample| connector.rule(sample.rule.as_deref()?)) {
                assert_eq!(rule.writes, writes, "{}: {}", connector.id, rule.id);
            }
        }
    }
    // Every request that writes, anywhere: a new one is a decision, and so a line here.
    let writing: Vec<String> = catalogue::all()
        .iter()
        .flat_map(|summary| &get(summary.id).requests)
        .filter(|rule| rule.writes)
        .map(|rule| format!("{} {}", rule.method.as_str(), rule.path.as_str()))
        .collect();
    assert_eq!(
        writing,
        [
            "POST /repos/{owner}/{repo}/issues",
            "POST /ex/jira/{cloud}/rest/api/2/issue",
            "POST /api/chat.postMessage",
            "POST /api/v2/tickets.json",
        ]
    );
}

#[test]
fn t4_what_reads_by_another_method_than_get_is_a_search_or_a_query() {
    // A query language's own document or statement is checked to read; of a JSON body only its provider says so.
    let searches: Vec<String> = catalogue::all()
        .iter()
        .flat_map(|summary| &get(summary.id).requests)
        .filter(|rule| !rule.writes && rule.method != Method::Get)
        .filter(|rule| matches!(rule.body.shape, BodyShape::None | BodyShape::Json(_)))
        .map(|rule| format!("{} {}", rule.method.as_str(), rule.path.as_str()))
        .collect();
    // Notion's.
    assert_eq!(searches, ["POST /v1/search", "POST /v1/data_sources/{id}/query"]);
}

#[test]
fn t2_of_an_answer_the_listed_fields_pass_and_nothing_else() {
    for (connector, fixture) in fixtures() {
        for Filtered { rule, upstream, passes } in &fixture.filtered {
            let name = format!("{}: {rule}", connector.id);
            let rule = connector.rule(rule).unwrap_or_else(|| panic!("{name}: no such rule"));
            for size in [1, 7, usize::MAX] {
                let mut filter = FieldFilter::new(&rule.fields);
                let mut out = Vec::new();
                for chunk in upstream.to_string().as_bytes().chunks(size) {
                    filter.push(chunk, &mut out).unwrap();
                }
                filter.finish(&mut out).unwrap();
                let out: Value = serde_json::from_slice(&out).unwrap();
                assert_eq!(&out, passes, "{name}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn t2_whatever_is_made_of_an_allowed_request_it_stays_below_the_base_url_and_in_its_rule(
        sample in any::<prop::sample::Selector>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..3usize, piece()), 0..3),
    ) {
        let (connector, sample) = sample.select(&*ALLOWED);
        let mut target: Vec<char> = sample.path_and_query.chars().collect();
        for (at, removed, inserted) in edits {
            let at = at.index(target.len() + 1);
            let end = (at + removed).min(target.len());
            target.splice(at..end, inserted.chars());
        }
        let target: String = target.into_iter().collect();
        let body = sample.body.as_ref().map(Value::to_string).unwrap_or_default();
        if let Decision::Allowed(allowed) = connector.decide(&sample.method, &target, Some(body.as_bytes())) {
            let base = connector.base_url(&parameters(connector)).unwrap();
            let base = BaseUrl::parse(&base, TargetPolicy::Public).unwrap();
            let url = base.join(&allowed.path_and_query).unwrap();
            prop_assert_eq!(url.as_str(), format!("{}{}", base.as_str().trim_end_matches('/'), allowed.path_and_query));
            let body = allowed.body.clone().unwrap_or_default();
            let again = connector.decide(&sample.method, &allowed.path_and_query, Some(&body));
            let Decision::Allowed(again) = again else { panic!("{target}: {again:?}") };
            prop_assert_eq!(&again.rule.id, &allowed.rule.id);
            prop_assert_eq!((again.path_and_query, again.body), (allowed.path_and_query, allowed.body));
        }
    }
}

static ALLOWED: LazyLock<Vec<(&Connector, Sample)>> = LazyLock::new(|| {
    let all = |(connector, fixture): (_, Fixture)| {
        fixture.allowed.into_iter().map(move |sample| (connector, sample))
    };
    fixtures().flat_map(all).collect()
});

/// What someone who wants more might write into a target.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "/",
        "//",
        "..",
        ".",
        "%2e%2e",
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
        "+",
        "%20",
        "%26",
        "%27",
        "'",
        "[]",
        ",",
        "a",
        "1",
        "@",
        ":",
        "$",
        "~",
        "%",
        "%c0%ae",
        "_method=DELETE",
        "&fields=*",
        "&alt=media",
        "..;/",
    ];
    prop_oneof![
        prop::sample::select(pieces.map(str::to_owned).to_vec()),
        any::<char>().prop_map(String::from)
    ]
}

#[test]
fn a_connection_test_is_an_allowed_read() {
    for (connector, _) in fixtures() {
        let Some(test) = &connector.test else { continue };
        let allowed =
            connector.test_request().unwrap_or_else(|| panic!("{}: its test is refused", connector.id));
        assert_eq!((&allowed.rule.id, allowed.rule.writes), (test, false));
    }
}

/// The scopes of `id`, as they are asked.
fn scopes(id: &str) -> Vec<&'static str> {
    let oauth = get(id).oauth.as_ref().unwrap_or_else(|| panic!("{id}: no OAuth"));
    oauth.scopes.iter().map(|scope| scope.scope.as_str()).collect()
}

#[test]
fn t1_each_connector_asks_for_exactly_its_published_least_scopes() {
    assert_eq!(scopes("gmail"), ["https://www.googleapis.com/auth/gmail.readonly"]);
    for id in ["messages.get", "threads.get"] {
        let rule = get("gmail").rule(id).unwrap();
        let format = rule.query.get("format").unwrap();
        assert!(format.required && format.constraint.allowed() == "one of metadata", "gmail: {id}");
    }
    assert_eq!(scopes("linear"), ["read"]);
    assert_eq!(scopes("jira"), ["read:jira-work", "read:jira-user", "write:jira-work", "offline_access"]);

    let salesforce = get("salesforce");
    assert_eq!(scopes("salesforce"), ["api", "refresh_token"]);
    let query = salesforce.rule("query").unwrap().query.get("q").unwrap();
    assert!(query.constraint.allowed().ends_with("listed fields of Case, CaseHistory"));
    assert!(salesforce.requests.iter().all(|rule| !rule.writes));

    let zendesk: Vec<_> = get("zendesk").credentials.iter().map(|c| (c.kind, &c.username_suffix)).collect();
    assert_eq!(zendesk, [(CredentialKind::Basic, &Some("/token".to_owned()))]);

    // The Issues API: its documentation's chapter holds assignees, labels and milestones too.
    let github = get("github");
    assert!(github.credentials.iter().any(|credential| credential.kind == CredentialKind::Bearer));
    let paths: Vec<_> = github.requests.iter().map(|rule| rule.path.as_str()).collect();
    let is_issues = |path: &&str| {
        path.split('/').any(|segment| ["issues", "labels", "milestones", "assignees"].contains(&segment))
    };
    assert!(paths.iter().all(is_issues), "{paths:?}");

    // The page's table is made of the same values.
    for summary in catalogue::all() {
        let asked: Vec<_> = get(summary.id)
            .oauth
            .iter()
            .flat_map(|oauth| &oauth.scopes)
            .map(|scope| (scope.scope.as_str(), scope.why.as_str()))
            .collect();
        let shown: Vec<_> = summary.scopes.iter().map(|scope| (scope.scope, scope.why)).collect();
        assert_eq!(asked, shown, "{}", summary.id);
    }
}

#[test]
fn t1_the_catalogue_is_whole() {
    let ids: Vec<_> = catalogue::all().iter().map(|summary| summary.id).collect();
    assert_eq!(
        ids,
        [
            "bigquery",
            "bitbucket",
            "github",
            "gitlab",
            "gmail",
            "google-sign-in",
            "http",
            "hubspot",
            "imap",
            "intercom",
            "jira",
            "linear",
            "microsoft-graph",
            "notion",
            "pipedrive",
            "postgres",
            "salesforce",
            "shopify",
            "slack",
            "smtp",
            "snowflake",
            "stripe",
            "zendesk",
        ]
    );
}
