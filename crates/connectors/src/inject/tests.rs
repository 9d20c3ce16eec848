use super::*;

fn credential(json: &str) -> Credential {
    Credential::new(serde_json::from_str(json).unwrap()).unwrap()
}

fn apply(json: &str, url: &str, headers: &[(&str, &str)]) -> Outbound {
    let mut sent = Headers::default();
    for (name, value) in headers {
        sent.append(name, value);
    }
    let mut request = Outbound { url: Url::parse(url).unwrap(), headers: sent };
    credential(json).apply(&mut request);
    request
}

#[test]
fn each_kind_lands_in_its_place() {
    const URL: &str = "https://api.example.com/a";
    let authorization = |json| apply(json, URL, &[]).headers.get("Authorization").map(str::to_owned);
    let bearer = authorization(r#"{"type":"bearer","token":"not-a-real-token"}"#);
    assert_eq!(bearer.unwrap(), "Bearer not-a-real-token");
    // RFC 7617 §2.
    let basic = authorization(r#"{"type":"basic","username":"Aladdin","password":"open sesame"}"#);
    assert_eq!(basic.unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    // RFC 7617 §2.1, in UTF-8.
    let basic = authorization(r#"{"type":"basic","username":"test","password":"123\u00a3"}"#);
    assert_eq!(basic.unwrap(), "Basic dGVzdDoxMjPCow==");
    let header = apply(r#"{"type":"api_key","header":"X-Api-Key","value":"not-a-real-key"}"#, URL, &[]);
    assert_eq!(header.headers.iter().collect::<Vec<_>>(), [("x-api-key", "not-a-real-key")]);
    let query = apply(r#"{"type":"api_key","query":"api_key","value":"a+b/c=d&e f"}"#, URL, &[]);
    assert_eq!(query.url.as_str(), "https://api.example.com/a?api_key=a%2Bb%2Fc%3Dd%26e+f");
    assert_eq!(query.headers.iter().count(), 0);
}

#[test]
fn an_oauth_credential_sends_its_access_token_and_nothing_else() {
    let sent = |credential: Credential| {
        let url = Url::parse("https://api.example.com/a").unwrap();
        let mut request = Outbound { url, headers: Headers::default() };
        credential.apply(&mut request);
        assert_eq!(request.url.as_str(), "https://api.example.com/a");
        request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>()
    };
    let refresh = || Some("not-a-refresh-token".into());
    let both = Credential::oauth(refresh(), Some("not-an-access-token".into())).unwrap();
    assert_eq!(sent(both), ["authorization: Bearer not-an-access-token"]);
    let hop = Credential::bearer("not-an-access-token".into()).unwrap();
    assert_eq!(sent(hop), ["authorization: Bearer not-an-access-token"]);
    assert!(sent(Credential::oauth(refresh(), None).unwrap()).is_empty());
}

/// Claim F5.
#[test]
fn f5_none_sends_nothing() {
    let sent = [("x-other", "1")];
    let request = apply(r#"{"type":"none"}"#, "https://api.example.com/a?b=1", &sent);
    assert_eq!(request.headers.iter().collect::<Vec<_>>(), sent);
    assert_eq!(request.url.as_str(), "https://api.example.com/a?b=1");
}

/// Claim B2: a caller cannot put a credential of his own beside the injected one.
#[test]
fn headers_of_the_same_name_are_replaced() {
    let sent = [("X-Api-Key", "mine"), ("x-other", "1"), ("x-api-key", "mine too")];
    let request = apply(
        r#"{"type":"api_key","header":"X-API-KEY","value":"not-a-real-key"}"#,
        "https://api.example.com",
        &sent,
    );
    assert_eq!(
        request.headers.iter().collect::<Vec<_>>(),
        [("x-other", "1"), ("x-api-key", "not-a-real-key")]
    );
}

/// To CGI and its heirs `api-key` and `api_key` are one name, of which they take either.
#[test]
fn a_header_that_servers_take_for_the_same_is_replaced() {
    let sent = [("api-key", "mine"), ("x-other", "1"), ("API-Key", "mine too")];
    let request = apply(
        r#"{"type":"api_key","header":"api_key","value":"not-a-real-key"}"#,
        "https://api.example.com",
        &sent,
    );
    assert_eq!(request.headers.iter().collect::<Vec<_>>(), [("x-other", "1"), ("api_key", "not-a-real-key")]);
}

#[test]
fn query_parameters_of_the_same_name_are_replaced_in_every_spelling() {
    for (query, kept) in [
        ("api_key=mine", ""),
        ("api_key", ""),
        ("a=1&api_key=mine&b=2", "a=1&b=2&"),
        ("api_key=1&api_key=2&a=1", "a=1&"),
        ("%61pi_key=mine", ""),
        ("%61%70%69%5f%6b%65%79=mine", ""),
        ("API_KEY=mine&Api_Key=mine", ""),
        ("+api_key=mine&%20api_key=mine&api_key+=mine", ""),
        ("a=1;api_key=mine&b=2", "b=2&"),
        ("a=api_key&my_api_key=1&api_keys=2", "a=api_key&my_api_key=1&api_keys=2&"),
        ("a=%2F&b=+%20&c=%zz&&d", "a=%2F&b=+%20&c=%zz&d&"),
    ] {
        let request = apply(
            r#"{"type":"api_key","query":"api_key","value":"not-a-real-key"}"#,
            &format!("https://api.example.com/a?{query}"),
            &[],
        );
        assert_eq!(request.url.query().unwrap(), format!("{kept}api_key=not-a-real-key"), "{query}");
    }
}

/// Invariant 3.
#[test]
fn debug_of_a_request_shows_no_secret() {
    for json in [
        r#"{"type":"api_key","query":"api_key","value":"not-a-real-key"}"#,
        r#"{"type":"bearer","token":"not-a-real-key"}"#,
    ] {
        let shown = format!("{:?}", apply(json, "https://api.example.com/a", &[]));
        assert!(shown.contains("api.example.com") && !shown.contains("not-a-real-key"), "{shown}");
    }
}
