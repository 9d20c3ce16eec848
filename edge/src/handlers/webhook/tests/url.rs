//! The URL: as it is registered at the provider, and as some of them check it.

use super::*;
use crate::verdict::Task;

const REGISTERED: &str = "https://hooks.tenant.test/trello";

fn registered(url: Option<&str>) -> FakePlane {
    let url = url.map(str::to_owned);
    FakePlane::new(move |call, _| match call.operation {
        Operation::SourceKeys { .. } => {
            reply(200, SourceKeys { url: url.clone(), ..source_keys("trello", SECRET, 1) })
        }
        _ => stored(),
    })
}

fn signed_for(url: &str, path_and_query: &str) -> Incoming {
    let trello = provider("trello").unwrap();
    let unsigned = Unsigned { id: "", timestamp_ms: NOW_MS, method: "POST", url, body: BODY };
    let headers = sign_as(trello, &trello.parse_secret(SECRET).unwrap(), &unsigned).into_iter();
    Incoming {
        path_and_query: path_and_query.into(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).collect(),
        body: BODY.to_vec(),
    }
}

#[test]
fn a_registered_url_stands_in_the_place_of_the_own_one() {
    let own = [ORIGIN, "/in/x"].concat();
    let with_query = [REGISTERED, "?a=1"].concat();
    let theirs = [REGISTERED, "?b=2"].concat();
    for (url, signed, path, good) in [
        (None, own.as_str(), "/in/x", true),
        (None, REGISTERED, "/in/x", false),
        (Some(REGISTERED), REGISTERED, "/in/x", true),
        (Some(REGISTERED), own.as_str(), "/in/x", false),
        // What the provider adds to the query is in what it signs.
        (Some(REGISTERED), with_query.as_str(), "/in/x?a=1", true),
        (Some(REGISTERED), REGISTERED, "/in/x?a=1", false),
        (Some(REGISTERED), with_query.as_str(), "/in/x", false),
        (Some(theirs.as_str()), theirs.as_str(), "/in/x", true),
        (Some(theirs.as_str()), with_query.as_str(), "/in/x?a=1", true),
    ] {
        let outcome = run(&fixture(), &registered(url), &signed_for(signed, path));
        assert_eq!(outcome.is_ok(), good, "{url:?} {signed} {path}");
    }
}

fn ask(plane: &FakePlane, method: &str, query: &str) -> Result<Answer, Code> {
    let mut state = state();
    let path = format!("/in/{}{query}", source_id());
    let admitted = admitted(&mut state, &head(method, &path, &[]));
    let state = RefCell::new(state);
    let context = Context { state: &state, plane, admitted: &admitted };
    let Task::UrlCheck { source, head, query } = &admitted.task else { panic!("{:?}", admitted.task) };
    block_on(check_url(&context, source, *head, query))
}

fn of(provider: &'static str) -> FakePlane {
    FakePlane::new(move |call, _| match call.operation {
        Operation::SourceKeys { .. } => {
            reply(200, source_keys(provider, "0123456789abcdef0123456789abcdef", 1))
        }
        _ => panic!("a question stores nothing"),
    })
}

#[test]
fn a_providers_question_is_answered_as_plain_text() {
    let meta = "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=x";
    for (provider, method, query, body) in [
        ("dropbox", "GET", "?challenge=a-b_C", "a-b_C"),
        ("meta", "GET", meta, "1158201444"),
        ("whatsapp", "GET", meta, "1158201444"),
        ("onfleet", "GET", "?check=abc", "abc"),
        ("trello", "HEAD", "", ""),
    ] {
        let answer = ask(&of(provider), method, query).unwrap();
        assert_eq!((answer.status, answer.body.as_ref()), (200, body), "{provider}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[test]
fn what_is_no_question_of_the_provider_is_a_method_not_allowed() {
    for (provider, method, query) in [
        ("stripe", "GET", "?challenge=abc"),
        ("stripe", "HEAD", ""),
        ("trello", "GET", ""),
        ("dropbox", "HEAD", "?challenge=abc"),
        ("dropbox", "GET", ""),
        ("dropbox", "GET", "?challenge=%3Cscript%3E"),
        ("meta", "GET", "?challenge=abc"),
    ] {
        let answer = ask(&of(provider), method, query).unwrap();
        assert_eq!(code_of(&answer), Code::MethodNotAllowed, "{provider} {method}");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
}

#[test]
fn a_question_to_a_source_that_is_gone_is_not_found() {
    let plane = FakePlane::new(|_, _| refusal(Code::NotFound));
    assert_eq!(ask(&plane, "GET", "?challenge=abc"), Err(Code::NotFound));
}
