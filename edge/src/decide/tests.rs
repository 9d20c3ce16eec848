use super::*;
use crate::security_headers::Kind;
use crate::testing::*;
use proptest::prelude::*;

const CONNECTION: &str = "/v1/connections/con_00000000000000000000000000";

fn with<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[test]
fn each_refusal_has_its_code() {
    let key = bearer(&api_key());
    let long = format!("/{}", "x".repeat(9000));
    let big = "y".repeat(40_000);
    let source = format!("/in/{}", source_id());
    let forged = format!("/in/{}", source_id().replace("src_a", "src_e"));
    let json = ("content-type", "application/json");
    let auth = ("authorization", key.1.as_str());
    type Case<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>, Code);
    let cases: Vec<Case<'_>> = vec![
        ("GET", "/nope", vec![], Code::NotFound),
        ("GET", "/v1/nope", vec![], Code::NotFound),
        ("GET", "/v1/connections/con_1", vec![auth], Code::NotFound),
        ("PUT", "/v1/me", vec![auth], Code::MethodNotAllowed),
        ("POST", "/healthz", vec![], Code::MethodNotAllowed),
        ("PATCH", "/connections", vec![], Code::MethodNotAllowed),
        ("GET", &long, vec![], Code::UriTooLong),
        ("GET", "/healthz", vec![("x-a", &big)], Code::HeadersTooLarge),
        ("GET", "/healthz", vec![("x", ""); 129], Code::HeadersTooLarge),
        ("GET", "/v1/me", vec![], Code::Unauthenticated),
        ("GET", "/v1/audit?limit=0", vec![auth], Code::InvalidRequest),
        ("POST", "/v1/connections", vec![auth, json, ("content-length", "65537")], Code::PayloadTooLarge),
        ("POST", "/v1/connections", vec![auth, json, ("content-length", "-1")], Code::InvalidRequest),
        ("POST", "/v1/connections", vec![auth, ("content-type", "text/json")], Code::UnsupportedMediaType),
        ("POST", "/v1/connections", vec![auth, ("content-length", "2")], Code::UnsupportedMediaType),
        ("POST", "/v1/connections", vec![auth, ("transfer-encoding", "chunked")], Code::UnsupportedMediaType),
        ("POST", "/v1/login", vec![json, ("origin", "https://evil.test")], Code::CrossOrigin),
        ("POST", "/v1/signup", vec![json, ("sec-fetch-site", "cross-site")], Code::CrossOrigin),
        ("POST", "/v1/api-keys", vec![auth, json, ("idempotency-key", "")], Code::InvalidRequest),
        ("POST", "/v1/api-keys", vec![auth, json, ("idempotency-key", "a b")], Code::InvalidRequest),
        ("POST", "/in/src_0", vec![], Code::NotFound),
        ("POST", &forged, vec![], Code::NotFound),
        ("PUT", &source, vec![], Code::MethodNotAllowed),
        ("GET", &forged, vec![], Code::NotFound),
        ("POST", &source, vec![("content-length", "1048577")], Code::PayloadTooLarge),
    ];
    for (method, path, headers, expected) in cases {
        let answer = answered(&mut state(), &head(method, path, &headers));
        assert_eq!((code_of(&answer), answer.status), (expected, expected.status()), "{method} {path:.40}");
        assert_eq!(answer.header("allow").is_some(), expected == Code::MethodNotAllowed);
        assert_eq!(answer.header("www-authenticate").is_some(), expected == Code::Unauthenticated);
    }
}

#[test]
fn a_method_not_allowed_names_those_that_are() {
    let mut state = state();
    let allow = |state: &mut State, method, path: &str| {
        answered(state, &head(method, path, &[])).header("allow").map(str::to_owned)
    };
    assert_eq!(allow(&mut state, "PUT", CONNECTION).as_deref(), Some("GET, DELETE"));
    assert_eq!(allow(&mut state, "PUT", "/usage").as_deref(), Some("GET, HEAD"));
    assert_eq!(allow(&mut state, "PUT", "/keys").as_deref(), Some("GET, HEAD, POST"));
}

/// M5: whatever the verdict, the answer is of a kind that has a set, and carries its request id once.
#[test]
fn m5_every_answer_has_its_request_id_and_its_limits() {
    for (method, path, kind) in [
        ("GET", "/healthz", Kind::Json),
        ("GET", "/.well-known/jwks.json", Kind::Public),
        ("GET", "/.well-known/security.txt", Kind::Public),
        ("GET", "/openapi.json", Kind::Public),
        ("GET", "/security", Kind::Html),
        ("GET", "/connections", Kind::Html),
        ("GET", "/v1/me", Kind::Problem),
        ("BREW", "/%00", Kind::Problem),
    ] {
        let answer = answered(&mut state(), &head(method, path, &[("x-request-id", "mine")]));
        assert_eq!(answer.kind, kind, "{path}");
        let ids: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "x-request-id").collect();
        assert!(ids.len() == 1 && RequestId::parse(&ids[0].1).is_ok(), "{path}: {ids:?}");
        assert_eq!(answer.header("ratelimit-policy"), Some(r#""ip";q=600;w=60"#), "{path}");
        assert_eq!(answer.header("content-security-policy").is_some(), kind == Kind::Html, "{path}");
    }
}

#[test]
fn the_answer_is_encoded_in_lines() {
    let answer = Answer::new(200, Kind::Json, "{\n\n}").with("a", "1".into()).with("b", "2".into());
    assert_eq!(answer.encode(), "200 1\na:1\nb:2\n\n{\n\n}");
}

/// M4: what is taken as a credential, by way and by state.
#[test]
fn m4_the_matrix_of_credentials() {
    let (good, old) = (session_token(NOW + 60), session_token(NOW));
    let key = api_key();
    let tampered = good.replace('.', ".x");
    let other = if key.ends_with('0') { '1' } else { '0' };
    let wrong_tail = format!("{}{other}", &key[..key.len() - 1]);
    let own_cookie = cookie(&cookie_token(NOW + 60)).1;
    let me = |headers: &[(&str, &str)]| match decide_at(&mut state(), &head("GET", "/v1/me", headers), NOW_MS)
    {
        Verdict::Answer(answer) => Err(code_of(&answer)),
        Verdict::GoOn(admitted) => match admitted.task {
            Task::Forward(forward) => Ok(forward.principal),
            task => panic!("{task:?}"),
        },
    };
    let session = |expired, cookie| {
        Ok(Principal::Session {
            org: protocol::OrgId::parse(ORG).unwrap(),
            user: protocol::UserId::parse(USER).unwrap(),
            session: protocol::SessionId::parse(SESSION).unwrap(),
            expired,
            cookie,
        })
    };
    let bad = Err(Code::Unauthenticated);

    assert_eq!(me(&[("authorization", &bearer(&good).1)]), session(false, false));
    assert_eq!(me(&[("authorization", &format!("bEaReR {good}"))]), session(false, false));
    assert_eq!(me(&[("cookie", &own_cookie)]), session(false, true));
    assert_eq!(me(&[("cookie", &format!("a=b; {own_cookie}; c"))]), session(false, true));
    assert_eq!(me(&[("cookie", &cookie(&cookie_token(NOW)).1)]), session(true, true));
    // Each token goes one way, in time and past it.
    for token in [&good, &old] {
        assert_eq!(me(&[("cookie", &cookie(token).1)]), bad);
    }
    for token in [cookie_token(NOW + 60), cookie_token(NOW)] {
        assert_eq!(me(&[("authorization", &bearer(&token).1)]), bad);
    }
    assert!(matches!(me(&[("authorization", &bearer(&key).1)]), Ok(Principal::ApiKey { .. })));

    // Authorization wins, also where it is bad.
    assert_eq!(me(&[("authorization", "Bearer x"), ("cookie", &own_cookie)]), bad);
    assert_eq!(me(&[("authorization", ""), ("cookie", &own_cookie)]), bad);
    for header in [
        bearer(&old).1,
        bearer(&tampered).1,
        bearer(&wrong_tail).1,
        bearer("").1,
        bearer(&"x".repeat(20_000)).1,
        format!("Basic {good}"),
        format!("Bearer  {good}"),
        format!("Bearer {good}, Bearer {good}"),
        format!("Bearer{good}"),
    ] {
        assert_eq!(me(&[("authorization", &header)]), bad, "{header:.60}");
    }
    for header in [
        cookie(&tampered).1,
        cookie(&key).1,
        cookie("").1,
        format!("{own_cookie}; {own_cookie}"),
        format!("x{own_cookie}"),
    ] {
        assert_eq!(me(&[("cookie", &header)]), bad, "{header:.60}");
    }
}

#[test]
fn public_routes_ignore_credentials() {
    let headers = [("authorization", "Bearer nonsense"), ("content-type", "application/json")];
    let admitted = admitted(&mut state(), &head("POST", "/v1/login", &headers));
    assert!(matches!(admitted.task, Task::Forward(Forward { principal: Principal::Anonymous, .. })));
}

/// M5: by cookie, a change needs token and origin; a read must not come from another site; a bearer token needs neither.
#[test]
fn m5_the_matrix_of_cross_site_requests() {
    let token = csrf_token();
    let wrong = token.replace(|c: char| c.is_ascii_lowercase(), "A");
    let session = session_token(NOW + 60);
    let own = cookie_token(NOW + 60);
    let outcome = |method: &str, path: &str, credential: (&'static str, String), headers: &[(&str, &str)]| {
        let mut all = vec![(credential.0, credential.1.as_str())];
        all.extend_from_slice(headers);
        match decide_at(&mut state(), &head(method, path, &all), NOW_MS) {
            Verdict::Answer(answer) => Err(code_of(&answer)),
            Verdict::GoOn(_) => Ok(()),
        }
    };
    let delete = |headers: &[(&str, &str)]| outcome("DELETE", CONNECTION, cookie(&own), headers);
    let get = |headers: &[(&str, &str)]| outcome("GET", CONNECTION, cookie(&own), headers);
    let csrf = ("x-csrf-token", token.as_str());

    assert_eq!(delete(&[csrf]), Ok(()));
    assert_eq!(delete(&[csrf, ("origin", ORIGIN), ("sec-fetch-site", "same-origin")]), Ok(()));
    assert_eq!(delete(&[]), Err(Code::CsrfFailed));
    assert_eq!(delete(&[("x-csrf-token", &wrong)]), Err(Code::CsrfFailed));
    for (name, value) in [
        ("origin", "null"),
        ("origin", "https://gate.test.evil"),
        ("origin", "http://gate.test"),
        ("origin", "https://gate.test:8443"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", ""),
    ] {
        assert_eq!(delete(&[csrf, (name, value)]), Err(Code::CrossOrigin), "{name}: {value}");
    }
    assert_eq!(get(&[]), Ok(()));
    assert_eq!(get(&[("sec-fetch-site", "same-site")]), Ok(()));
    assert_eq!(get(&[("sec-fetch-site", "cross-site")]), Err(Code::CrossOrigin));

    let by_bearer = [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")];
    assert_eq!(outcome("DELETE", CONNECTION, bearer(&session), &by_bearer), Ok(()));
    assert_eq!(outcome("GET", CONNECTION, bearer(&session), &by_bearer), Ok(()));
}

/// Whatever method a proxy asks by, it is the same question: RFC 9110 lets HEAD stand for GET, and forward auth passes others on.
#[test]
fn forward_auth_answers_every_method() {
    let (name, value) = bearer(&api_key());
    for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "BREW"] {
        let text = head(method, "/v1/auth/check", &[(name, &value), ("content-length", "3")]);
        assert!(matches!(admitted(&mut state(), &text).task, Task::Check { .. }), "{method}");
        let refused = answered(&mut state(), &head(method, "/v1/auth/check", &[]));
        assert_eq!(code_of(&refused), Code::Unauthenticated, "{method}");
    }
}

/// M5: forward auth goes by what the client's browser says, and by the client's method where the proxy tells it. Values of
/// `Sec-Fetch-*` as the W3C's Fetch Metadata has them.
#[test]
fn m5_forward_auth_has_the_cross_site_rules_of_a_gateway_route() {
    let own = cookie(&cookie_token(NOW + 60)).1;
    let outcome = |method: &str, headers: &[(&str, &str)]| {
        let mut all = vec![("cookie", own.as_str())];
        all.extend_from_slice(headers);
        match decide_at(&mut state(), &head(method, "/v1/auth/check", &all), NOW_MS) {
            Verdict::Answer(answer) => Err(code_of(&answer)),
            Verdict::GoOn(_) => Ok(()),
        }
    };
    let (cross, same_site, own_page) = (
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "same-origin"),
    );
    let (navigates, evil, ours) =
        (("sec-fetch-mode", "navigate"), ("origin", "https://evil.test"), ("origin", ORIGIN));
    let refused = Err(Code::CrossOrigin);

    // Reads: from here, from no page, from a page of the same site, and by a link from anywhere.
    for headers in [vec![], vec![own_page], vec![("sec-fetch-site", "none"), navigates], vec![same_site]] {
        assert_eq!(outcome("GET", &headers), Ok(()), "{headers:?}");
        assert_eq!(outcome("HEAD", &headers), Ok(()), "{headers:?}");
    }
    assert_eq!(outcome("GET", &[cross, navigates]), Ok(()), "a link in a mail");
    assert_eq!(outcome("GET", &[cross, ("sec-fetch-mode", "no-cors")]), refused);
    assert_eq!(outcome("GET", &[cross, ("sec-fetch-mode", "cors"), evil]), refused);

    // Changes, by whichever way the proxy tells the method: no CSRF token, which the app's pages do not have.
    let ways: [(&str, Option<(&str, &str)>); 3] = [
        ("POST", None),
        ("GET", Some(("x-forwarded-method", "POST"))),
        ("HEAD", Some(("x-original-method", "DELETE"))),
    ];
    for (method, told) in ways {
        let with = |headers: &[(&'static str, &'static str)]| {
            let all: Vec<_> = told.into_iter().chain(headers.iter().copied()).collect();
            outcome(method, &all)
        };
        assert_eq!(with(&[own_page, ours]), Ok(()), "{method}");
        assert_eq!(with(&[]), Ok(()), "{method}: no browser, or an old one");
        for headers in [&[same_site, ours][..], &[cross, navigates], &[evil], &[("origin", "null")]] {
            assert_eq!(with(headers), refused, "{method} {headers:?}");
        }
    }
    // nginx asks by GET, whatever its client's method is; a WebSocket is opened by GET. Both have an `Origin`.
    assert_eq!(outcome("GET", &[ours, own_page]), Ok(()));
    for headers in [&[evil][..], &[evil, same_site], &[("origin", "null"), navigates, cross]] {
        assert_eq!(outcome("GET", headers), refused, "{headers:?}");
    }
    // A proxy's word makes nothing safer than it is.
    assert_eq!(outcome("POST", &[("x-forwarded-method", "GET"), same_site]), refused);

    // A bearer token is nothing that a browser adds by itself.
    let (name, value) = bearer(&session_token(NOW + 60));
    let text = head("POST", "/v1/auth/check", &[(name, &value), cross, evil]);
    assert!(matches!(admitted(&mut state(), &text).task, Task::Check { .. }));
}

/// M4: what memory knows of a token or a key is known of the way that it came: an API key is never a cookie.
#[test]
fn m4_a_credential_that_is_known_is_still_none_the_other_way() {
    let mut state = state();
    let me = |header: (&str, String)| head("GET", "/v1/me", &[(header.0, &header.1)]);
    let (bearers, cookies) = ([api_key(), session_token(NOW + 60)], [cookie_token(NOW + 60)]);
    for token in &bearers {
        admitted(&mut state, &me(bearer(token)));
        assert_eq!(code_of(&answered(&mut state, &me(cookie(token)))), Code::Unauthenticated);
        admitted(&mut state, &me(bearer(token)));
    }
    for token in &cookies {
        admitted(&mut state, &me(cookie(token)));
        assert_eq!(code_of(&answered(&mut state, &me(bearer(token)))), Code::Unauthenticated);
        admitted(&mut state, &me(cookie(token)));
    }
}

/// M6: the limits are written on each answer and hold, sign-in's far earlier than the address's.
#[test]
fn m6_limits_are_told_and_held() {
    let mut state = state();
    let login = |ip: &str| {
        head("POST", "/v1/login", &[("cf-connecting-ip", ip), ("content-type", "application/json")])
    };
    for _ in 0..10 {
        assert!(matches!(decide_at(&mut state, &login("192.0.2.1"), NOW_MS), Verdict::GoOn(_)));
    }
    let refused = answered(&mut state, &login("192.0.2.1"));
    assert_eq!(code_of(&refused), Code::RateLimited);
    assert_eq!(refused.header("retry-after"), Some("6"));
    assert_eq!(refused.header("ratelimit-policy"), Some(r#""ip";q=600;w=60, "auth";q=10;w=60"#));
    assert_eq!(refused.header("ratelimit"), Some(r#""ip";r=589;t=2, "auth";r=0;t=60"#));

    // Another address, and other routes of the same one, go on; and so does this one when it has waited.
    assert!(matches!(decide_at(&mut state, &login("192.0.2.2"), NOW_MS), Verdict::GoOn(_)));
    assert_eq!(
        answered(&mut state, &head("GET", "/healthz", &[("cf-connecting-ip", "192.0.2.1")])).status,
        200
    );
    assert!(matches!(decide_at(&mut state, &login("192.0.2.1"), NOW_MS + 6000), Verdict::GoOn(_)));
}

/// M6: a user is counted over all of its tokens and addresses; a key by its own limit, once that is known.
#[test]
fn m6_a_principal_is_counted_whatever_its_address() {
    let mut state = state_with(|config| config.rate_limits.principal.limit = 2);
    let me = |credential: (&'static str, String), ip: &str| {
        head("GET", "/v1/me", &[(credential.0, &credential.1), ("cf-connecting-ip", ip)])
    };
    let tokens = [session_token(NOW + 60), cookie_token(NOW + 61)];
    assert!(matches!(decide_at(&mut state, &me(bearer(&tokens[0]), "192.0.2.1"), NOW_MS), Verdict::GoOn(_)));
    assert!(matches!(decide_at(&mut state, &me(cookie(&tokens[1]), "192.0.2.2"), NOW_MS), Verdict::GoOn(_)));
    assert_eq!(code_of(&answered(&mut state, &me(bearer(&tokens[0]), "192.0.2.3"))), Code::RateLimited);

    let key = api_key();
    let Task::Forward(first) = admitted(&mut state, &me(bearer(&key), "192.0.2.1")).task else { panic!() };
    crate::handlers::learn_quota(first.caller.as_ref(), Some("2/3600"), NOW_MS);
    for _ in 0..2 {
        admitted(&mut state, &me(bearer(&key), "192.0.2.1"));
    }
    let refused = answered(&mut state, &me(bearer(&key), "192.0.2.1"));
    assert_eq!(code_of(&refused), Code::RateLimited);
    assert!(refused.header("ratelimit-policy").unwrap().ends_with(r#""principal";q=2;w=3600"#));
    // The limit may have been lifted meanwhile: the org's object is asked again.
    let again = decide_at(&mut state, &me(bearer(&key), "192.0.2.1"), NOW_MS + 5001);
    assert!(matches!(again, Verdict::GoOn(_)));
}

/// M6: what one workspace's limit leaves to a person is not spent in another one.
#[test]
fn m6_a_person_is_counted_in_each_workspace_by_itself() {
    let mut state = state_with(|config| config.rate_limits.principal.limit = 1);
    let other = ORG.replace("a00", "a10");
    for token in [session_token(NOW + 60), session_token_in(&other, NOW + 60)] {
        let (name, value) = bearer(&token);
        let me = head("GET", "/v1/me", &[(name, &value)]);
        admitted(&mut state, &me);
        assert_eq!(code_of(&answered(&mut state, &me)), Code::RateLimited);
    }
}

#[test]
fn a_forged_address_header_counts_for_nothing_where_none_is_trusted() {
    let mut state = state_with(|config| config.rate_limits.ip.limit = 1);
    let ip = |header, ip| head("GET", "/healthz", &[(header, ip)]);
    assert_eq!(answered(&mut state, &ip("x-forwarded-for", "192.0.2.1")).status, 200);
    assert_eq!(answered(&mut state, &ip("x-forwarded-for", "192.0.2.2")).status, 429);
    assert_eq!(answered(&mut state, &ip("cf-connecting-ip", "not an address")).status, 429);
    assert_eq!(answered(&mut state, &ip("cf-connecting-ip", "192.0.2.2")).status, 200);
}

/// M4: a token known to the isolate is not taken for a second past its end.
#[test]
fn m4_a_remembered_token_does_not_outlive_its_end() {
    let mut state = state();
    let (key, value) = bearer(&session_token(NOW + 60));
    let me = head("GET", "/v1/me", &[(key, &value)]);
    for (after_ms, good) in [(0, true), (59_999, true), (60_000, false)] {
        let verdict = decide_at(&mut state, &me, NOW_MS + after_ms);
        assert_eq!(matches!(verdict, Verdict::GoOn(_)), good, "after {after_ms} ms");
    }
}

#[test]
fn pages_lead_those_without_a_session_to_sign_in() {
    for headers in [vec![], with(&[cookie("junk")]), with(&[bearer(&session_token(NOW + 60))])] {
        let answer = answered(&mut state(), &head("GET", "/keys", &headers));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    }
    let session = cookie(&cookie_token(NOW + 60));
    let admitted = admitted(&mut state(), &head("GET", "/keys", &with(&[session])));
    assert!(matches!(admitted.task, Task::Page { caller: Some(_), .. }));
}

/// M5: what is refused of a page or a form is said on a page, to people; the API's refusals stay JSON.
#[test]
fn m5_people_are_refused_by_a_page() {
    let mut state = state();
    let json = ("content-type", "application/json");
    let big = ("content-length", "65537");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (path, header, code) in [
        ("/sign-in", json, Code::UnsupportedMediaType),
        ("/sign-in", ("sec-fetch-site", "same-site"), Code::CrossOrigin),
        ("/forgot-password", ("origin", "https://evil.test"), Code::CrossOrigin),
        ("/join/sign-up", ("sec-fetch-site", "cross-site"), Code::CrossOrigin),
        ("/members", ("origin", "null"), Code::CrossOrigin),
        ("/reset-password", big, Code::PayloadTooLarge),
    ] {
        let headers = if header == json { vec![json] } else { vec![form, header] };
        let answer = answered(&mut state, &head("POST", path, &headers));
        assert_eq!((answer.status, answer.kind), (code.status(), Kind::Html), "{path}");
        assert!(answer.body.contains(&format!("<h1>{}</h1>", code.title())), "{path}: {}", answer.body);
        assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
        assert_eq!(answer.logged.is_some(), code == Code::CrossOrigin);
    }
}

/// A mistyped address in a browser is a page; whatever else asks, and whatever is the API's, gets JSON.
#[test]
fn an_address_that_is_none_is_said_to_people_on_a_page() {
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let kind = |method, path, headers: &[(&str, &str)]| {
        let answer = answered(&mut state(), &head(method, path, headers));
        assert_eq!(answer.status, 404, "{path}");
        answer.kind
    };
    for path in ["/nope", "/members/usr_0/remove", "/events/ine_0", "/sign-in/nope"] {
        assert_eq!(kind("GET", path, &browser), Kind::Html, "{path}");
        assert_eq!(kind("GET", path, &[]), Kind::Problem, "{path}");
        assert_eq!(kind("POST", path, &browser), Kind::Problem, "{path}");
    }
    assert_eq!(kind("GET", "/v1/nope", &browser), Kind::Problem);
    assert_eq!(kind("POST", "/in/src_0", &browser), Kind::Problem);
}

/// M6: opening the way to a provider, and each form that tries a password, code or token, counts as a sign-in.
#[test]
fn m6_every_step_of_signing_in_is_counted_and_the_wait_is_said() {
    let session = cookie(&cookie_token(NOW + 60)).1;
    for (method, path) in [
        ("POST", "/sign-in"),
        ("POST", "/sign-in/code"),
        ("POST", "/sign-up"),
        ("POST", "/finish-sign-up"),
        ("POST", "/forgot-password"),
        ("POST", "/reset-password"),
        ("POST", "/verify-email"),
        ("POST", "/join/sign-up"),
        ("POST", "/account/password"),
        ("POST", "/confirm"),
        ("GET", "/sign-in/idp"),
        ("GET", "/sign-in/idp/callback?code=x"),
    ] {
        let mut state = state_with(|config| {
            config.rate_limits.auth.limit = 1;
            config.sign_in.oidc = vec![config::OidcProvider {
                id: "idp".into(),
                name: "Idp".into(),
                issuer: "https://idp.test".into(),
                client_id: "client".into(),
                link_by_email: false,
            }];
        });
        let request = head(method, path, &[("cookie", &session)]);
        admitted(&mut state, &request);
        let answer = answered(&mut state, &request);
        assert_eq!((answer.status, answer.kind), (429, Kind::Html), "{path}");
        assert_eq!(answer.header("retry-after"), Some("60"), "{path}");
        assert!(answer.body.contains("Try again in 60 seconds."), "{path}");
    }
    let mut state = state_with(|config| config.rate_limits.auth.limit = 1);
    for path in ["/members", "/account", "/forgot-password", "/join"] {
        admitted(&mut state, &head("GET", path, &[("cookie", &session)]));
    }
}

#[test]
fn the_new_pages_lead_those_without_a_session_to_sign_in() {
    for path in ["/members", "/members/leave", "/usage", "/account", "/confirm"] {
        let answer = answered(&mut state(), &head("GET", path, &[]));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{path}");
    }
    for path in ["/members", "/account", "/account/password", "/confirm", "/join", "/verify-email"] {
        let answer = answered(&mut state(), &head("POST", path, &[]));
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{path}");
    }
}

#[test]
fn a_gateway_route_takes_its_prefix_and_checks_changes_by_cookie() {
    let gateway = |config: &mut config::Config| {
        config.routes.push(config::GatewayRoute {
            path: "/app/".into(),
            upstream: "https://app.test".into(),
            audience: "app".into(),
        });
    };
    let mut state = state_with(gateway);
    assert_eq!(code_of(&answered(&mut state, &head("GET", "/app/x", &[]))), Code::Unauthenticated);
    assert_eq!(code_of(&answered(&mut state, &head("GET", "/app", &[]))), Code::NotFound);
    let by_cookie = cookie(&cookie_token(NOW + 60)).1;
    let evil = [("cookie", by_cookie.as_str()), ("origin", "https://evil.test")];
    let go = admitted(&mut state, &head("GET", "/app/x?y=1", &evil));
    assert!(
        matches!(go.task, Task::Gateway { route: 0, ref path_and_query, .. } if path_and_query == "/app/x?y=1")
    );
    assert_eq!(code_of(&answered(&mut state, &head("POST", "/app/x", &evil))), Code::CrossOrigin);
    let socket = [evil[0], evil[1], ("upgrade", "websocket")];
    assert_eq!(code_of(&answered(&mut state, &head("GET", "/app/x", &socket))), Code::CrossOrigin);
}

#[test]
fn a_gateway_path_that_climbs_is_refused_in_every_spelling() {
    let mut state = state_with(|config| {
        config.routes = vec![config::GatewayRoute {
            path: "/app/".into(),
            upstream: "https://up.example".into(),
            audience: "app".into(),
        }];
    });
    let key = bearer(&api_key());
    let auth = [("authorization", key.1.as_str())];
    for path in [
        "/app/../admin",
        "/app/%2e%2e/admin",
        "/app/.%2E/admin",
        "/app/..\\admin",
        "/app/%5c..",
        "/app/..;/x",
    ] {
        let answer = answered(&mut state, &head("GET", path, &auth));
        assert_eq!(code_of(&answer), Code::PathRefused, "{path}");
    }
}

/// M6: until its signature is known, a webhook counts against its sender at this source, and takes nothing of others'.
#[test]
fn m6_unsigned_webhooks_count_against_their_sender() {
    let mut state = state_with(|config| {
        config.rate_limits.ip.limit = 2;
        config.rate_limits.source.limit = 5;
    });
    let to = |source: &str, method, ip| head(method, source, &[("cf-connecting-ip", ip)]);
    let source = format!("/in/{}", source_id());
    for method in ["POST", "GET"] {
        admitted(&mut state, &to(&source, method, "192.0.2.1"));
    }
    let refused = answered(&mut state, &to(&source, "POST", "192.0.2.1"));
    assert_eq!((code_of(&refused), refused.header("retry-after")), (Code::RateLimited, Some("30")));
    admitted(&mut state, &to(&source, "POST", "192.0.2.2"));
    // A provider's address sends to all sources; the work of one address has an end over all of them.
    for n in 0..4 {
        let other = format!("/in/{}", source_id());
        let verdict = decide_at(&mut state, &to(&other, "POST", "192.0.2.1"), NOW_MS);
        assert_eq!(matches!(verdict, Verdict::GoOn(_)), n < 3, "{n}");
    }
    // An id that was never issued counts against its sender as anything else.
    let mut state = state_with(|config| config.rate_limits.ip.limit = 1);
    let forged = format!("/in/{}", source_id().replace("src_a", "src_e"));
    assert_eq!(code_of(&answered(&mut state, &head("POST", &forged, &[]))), Code::NotFound);
    assert_eq!(code_of(&answered(&mut state, &head("POST", &forged, &[]))), Code::RateLimited);
}

/// M6: a page of another site does not keep its visitors from signing in.
#[test]
fn m6_what_another_site_sends_is_no_sign_in_of_the_visitors() {
    let mut state = state_with(|config| config.rate_limits.auth.limit = 1);
    for (path, kind) in [("/v1/login", "application/json"), ("/sign-in", "application/x-www-form-urlencoded")]
    {
        for planted in [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")] {
            let refused = answered(&mut state, &head("POST", path, &[("content-type", kind), planted]));
            assert_eq!(refused.status, 403, "{path}");
        }
    }
    admitted(&mut state, &head("POST", "/v1/login", &[("content-type", "application/json")]));
}

#[test]
fn security_txt_expires_within_a_year() {
    let answer = answered(&mut state(), &head("GET", "/.well-known/security.txt", &[]));
    let expires = answer.body.lines().find_map(|line| line.strip_prefix("Expires: ")).unwrap();
    let days = (protocol::time::parse_rfc3339(expires).unwrap() - NOW_MS) / 86_400_000;
    assert!((1..365).contains(&days), "{days}");
    assert!(answer.body.contains("Canonical: https://gate.test/.well-known/security.txt\n"));
}

/// RFC 9110, section 7.4: a request for another origin is not served, and its sender is counted.
#[test]
fn a_foreign_host_gets_nothing_and_decides_no_path() {
    let mut state = state_with(|config| config.rate_limits.ip.limit = 2);
    let document = |host: &str| {
        let path = "/.well-known/security.txt";
        format!("GET\nhttp://{host}{path}\nhost:{host}")
    };
    assert_eq!(code_of(&answered(&mut state, &document("evil.example"))), Code::Misdirected);
    let planted = answered(&mut state, &document("gate.test/healthz?"));
    assert_eq!((code_of(&planted), planted.status), (Code::InvalidRequest, 400));
    assert_eq!(code_of(&answered(&mut state, &document("evil.example"))), Code::RateLimited);

    let mut state = crate::testing::state();
    for host in ["gate.test", "GATE.test:443", "localhost:8787"] {
        let text = answered(&mut state, &document(host)).body;
        assert!(text.contains("\nCanonical: https://gate.test/.well-known/"), "{host}: {text}");
    }
}

#[test]
fn a_deployment_with_a_bad_variable_does_not_start() {
    use crate::state::{Environment, StartError, State};
    let config = || config::Config::from_embedded(crate::CONFIG).unwrap();
    let key = "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=";
    let jwks = state().session_jwks;
    let good =
        Environment { session_jwks: &jwks, api_key_mac_key: key, csrf_key: key, ..Environment::default() };
    for (environment, error) in [
        (Environment { session_jwks: "", ..good }, StartError::SessionJwks),
        (Environment { api_key_mac_key: "AAAA", ..good }, StartError::ApiKeyMacKey),
        (Environment { csrf_key: "", ..good }, StartError::CsrfKey),
        (Environment { client_ip_header: "X-Real-IP", ..good }, StartError::ClientIpHeader),
        (Environment { public_origin: "https://a.test/", ..good }, StartError::PublicOrigin),
        (Environment { rate_limit_scale: "0", ..good }, StartError::RateLimitScale),
    ] {
        assert_eq!(State::new(config(), &environment).err(), Some(error));
    }
    assert!(State::new(config(), &good).is_ok());
}

#[test]
fn a_given_configuration_takes_the_embedded_ones_place_and_a_bad_one_stops_the_worker() {
    use crate::state::{Environment, StartError};
    let given = |config: &str| Environment { config, ..Environment::default() }.config();
    let embedded = given("").unwrap();
    let mut other = embedded.clone();
    other.brand.name = "Other".to_owned();
    assert_eq!(given(&serde_json::to_string(&other).unwrap()), Ok(other));
    let unknown = crate::CONFIG.replacen('{', r#"{"unknown":1,"#, 1);
    for bad in ["{}", " ", "null", crate::CONFIG.trim_end_matches('}'), unknown.as_str()] {
        assert_eq!(given(bad), Err(StartError::Config), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_is_decided(head in any::<String>(), now_ms: u64) {
        let mut state = state();
        let _ = decide(&Head::parse(&head), now_ms, &mut state).unwrap();
    }

    #[test]
    fn any_request_is_decided(
        method in "(GET|POST|DELETE|HEAD|[A-Z]{0,8})",
        path in "(/v1|/in/src_|/events|/sign-in|/connections|/members|/join|/reset-password)?(/?[a-z0-9_%.:~-]{0,12}){0,4}(\\?.{0,30})?",
        headers in proptest::collection::vec(
            ("(authorization|cookie|origin|content-length|content-type|upgrade|sec-fetch-site|idempotency-key)", "(Bearer |__Host-sluicegate_session=)?(sgk_)?[ -~é]{0,60}"),
            0..5,
        ),
    ) {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if let Verdict::Answer(answer) = decide_at(&mut state(), &head(&method, &path, &headers), NOW_MS) {
            prop_assert!((200..500).contains(&answer.status));
            prop_assert!(answer.header("x-request-id").is_some());
        }
    }
}

/// M6, C1: a query and a test are calls of the API as any other, in its limits; a query's answer is handed on as it comes.
#[test]
fn m6_queries_and_tests_are_calls_of_the_api() {
    use crate::handlers::forward;
    let auth = bearer(&session_token(NOW + 60)).1;
    let headers = [("authorization", &*auth), ("content-type", "application/json")];
    let mut state = state_with(|config| config.rate_limits.principal.limit = 2);
    for (call, cap) in [("query", Some(65_536)), ("test", None)] {
        let text = head("POST", &format!("{CONNECTION}/{call}"), &headers);
        let Task::Forward(task) = admitted(&mut state, &text).task else { panic!("{call}") };
        assert_eq!(task.body_cap, cap, "{call}");
        assert!(forward::passes_in(&task.operation, "content-type"));
        assert!(
            !forward::passes_in(&task.operation, "x-anything")
                && !forward::passes_in(&task.operation, "cookie")
        );
        let told = [("content-type", "application/json"), ("set-cookie", "a=b"), ("x-upstream", "1")];
        let answer = forward::answer(&task.operation, 200, told.into_iter(), 14, false);
        assert_eq!((answer.kind, &*answer.body, answer.headers.len()), (Kind::Json, "", 1), "{call}");
    }
    let text = head("POST", &format!("{CONNECTION}/query"), &headers);
    assert_eq!(code_of(&answered(&mut state, &text)), Code::RateLimited);
    let big = [headers[0], headers[1], ("content-length", "65537")];
    let text = head("POST", &format!("{CONNECTION}/query"), &big);
    assert_eq!(code_of(&answered(&mut crate::testing::state(), &text)), Code::PayloadTooLarge);
}

/// RFC 9110, section 8.6: an answer to HEAD has the length of what a GET would get, and no other answer has it from another.
#[test]
fn a_proxied_head_keeps_its_length() {
    use crate::handlers::forward;
    let auth = bearer(&session_token(NOW + 60)).1;
    let told = [("sluicegate-length", "1234"), ("content-length", "99"), ("etag", "\"1\"")];
    for (method, length) in [("HEAD", Some("1234")), ("GET", None), ("OPTIONS", None)] {
        let text = head(method, &format!("{CONNECTION}/proxy/x"), &[("authorization", &*auth)]);
        let Task::Forward(task) = admitted(&mut state(), &text).task else { panic!("{method}") };
        let answer = forward::answer(&task.operation, 200, told.into_iter(), 14, true);
        assert_eq!(answer.header("content-length"), length, "{method}");
        assert_eq!(answer.header("sluicegate-length"), None, "{method}");
        assert_eq!(forward::is_head(&task.operation), length.is_some(), "{method}");
    }
    let text = head("GET", CONNECTION, &[("authorization", &*auth)]);
    let Task::Forward(task) = admitted(&mut state(), &text).task else { panic!() };
    let answer = forward::answer(&task.operation, 200, told.into_iter(), 14, true);
    assert_eq!(answer.header("content-length"), None);
}

/// RFC 8586, section 2: a request that names this deployment has been here.
#[test]
fn what_has_passed_this_gate_is_refused_on_every_path() {
    let mut state = state();
    let here = state.passage.header(Some("other; v=1"));
    for path in ["/v1/me", "/", "/in/x", "/healthz", "/portal"] {
        let answer = answered(&mut state, &head("POST", path, &[("cdn-loop", here.as_str())]));
        assert_eq!(answer.status, 508, "{path}");
    }
}
