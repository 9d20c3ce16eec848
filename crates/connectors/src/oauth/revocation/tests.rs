use super::*;

const URL: &str = "https://auth.example.com/revoke";

fn client() -> Client {
    Client { id: "cli/ent&1".to_owned(), secret: "fake\"secret".into() }
}

fn revocation(kind: RevocationKind, authentication: RevocationAuthentication) -> Revocation<'static> {
    Revocation {
        kind,
        url: URL,
        token: RevocationToken::Refresh,
        authentication,
        token_header: None,
        body: None,
    }
}

/// Builds the call for the tokens `fake-refresh/{client_id}` and `fake-access`.
fn request(revocation: &Revocation<'_>) -> RevocationRequest {
    let (refresh, access) = ("fake-refresh/{client_id}".into(), "fake-access".into());
    RevocationRequest::new(revocation, &client(), Some(&refresh), Some(&access)).unwrap()
}

fn text(secret: &Option<SecretString>) -> Option<&str> {
    secret.as_ref().map(|secret| secret.expose_secret())
}

/// The value of `Authorization`.
fn header(request: &RevocationRequest) -> Option<&str> {
    request.authentication.as_ref().map(|(name, value)| {
        assert_eq!(*name, "authorization");
        value.expose_secret()
    })
}

#[test]
fn a_token_goes_in_the_header_of_its_providers_api() {
    let own = Revocation {
        token: RevocationToken::Access,
        token_header: Some("X-Token"),
        ..revocation(RevocationKind::Delete, RevocationAuthentication::Bearer)
    };
    let (name, value) = request(&own).authentication.unwrap();
    assert_eq!((name, value.expose_secret()), ("X-Token", "fake-access"));
    // The client's password is not a token.
    let basic = Revocation { authentication: RevocationAuthentication::ClientBasic, ..own };
    assert!(header(&request(&basic)).unwrap().starts_with("Basic "));
}

#[test]
fn rfc_7009_posts_the_token_with_a_hint() {
    use RevocationAuthentication::{Bearer, ClientBasic, ClientPost, None as Nobody};
    let token = "token=fake-refresh%2F%7Bclient_id%7D&token_type_hint=refresh_token";
    let with_client = format!("{token}&client_id=cli%2Fent%261&client_secret=fake%22secret");
    for (authentication, authorization, body) in [
        (Nobody, None, token),
        (ClientBasic, Some("Basic Y2xpJTJGZW50JTI2MTpmYWtlJTIyc2VjcmV0"), token),
        (ClientPost, None, with_client.as_str()),
        (Bearer, Some("Bearer fake-refresh/{client_id}"), token),
    ] {
        let request = request(&revocation(RevocationKind::Rfc7009, authentication));
        assert_eq!((request.method, request.url.expose_secret()), ("POST", URL));
        assert_eq!(header(&request), authorization);
        assert_eq!(request.content_type, Some("application/x-www-form-urlencoded"));
        assert_eq!(text(&request.body), Some(body));
    }
}

#[test]
fn rfc_7009_takes_the_token_that_is_there_and_others_only_the_right_one() {
    let (refresh, access) = (SecretString::from("fake-refresh"), SecretString::from("fake-access"));
    let build = |kind, token, refresh, access| {
        let revocation = Revocation { token, ..revocation(kind, RevocationAuthentication::None) };
        RevocationRequest::new(&revocation, &client(), refresh, access)
    };
    use RevocationToken::{Access, Refresh};
    for (wanted, has_refresh, has_access, sent) in [
        (Refresh, true, true, "token=fake-refresh&token_type_hint=refresh_token"),
        (Access, true, true, "token=fake-access&token_type_hint=access_token"),
        (Refresh, false, true, "token=fake-access&token_type_hint=access_token"),
        (Access, true, false, "token=fake-refresh&token_type_hint=refresh_token"),
    ] {
        let (refresh, access) = (has_refresh.then_some(&refresh), has_access.then_some(&access));
        let request = build(RevocationKind::Rfc7009, wanted, refresh, access).unwrap();
        assert_eq!(text(&request.body), Some(sent));
        let other = build(RevocationKind::Delete, wanted, refresh, access);
        assert_eq!(other.is_some(), has_refresh && has_access);
    }
    assert!(build(RevocationKind::Rfc7009, Refresh, None, None).is_none());
}

/// As HubSpot (the token in the path), GitHub (in JSON, authenticated by the client) and Slack (as a bearer) want it.
#[test]
fn the_token_goes_where_the_provider_wants_it() {
    let hubspot = Revocation {
        url: "https://api.example.com/tokens/{token}",
        ..revocation(RevocationKind::Delete, RevocationAuthentication::None)
    };
    let sent = request(&hubspot);
    assert_eq!(sent.method, "DELETE");
    assert_eq!(sent.url.expose_secret(), "https://api.example.com/tokens/fake%2Drefresh%2F%7Bclient%5Fid%7D");
    assert!(sent.authentication.is_none() && sent.body.is_none() && sent.content_type.is_none());

    let github = Revocation {
        url: "https://api.example.com/applications/{client_id}/grant",
        token: RevocationToken::Access,
        body: Some(r#"{"access_token": "{token}", "x": {}, "s": "{client_secret}"}"#),
        ..revocation(RevocationKind::Delete, RevocationAuthentication::ClientBasic)
    };
    let sent = request(&github);
    assert_eq!(sent.url.expose_secret(), "https://api.example.com/applications/cli%2Fent%261/grant");
    assert_eq!(text(&sent.body), Some(r#"{"access_token": "fake-access", "x": {}, "s": "fake\"secret"}"#));
    assert_eq!(sent.content_type, Some("application/json"));
    assert!(header(&sent).unwrap().starts_with("Basic "));
    let posted = request(&Revocation { kind: RevocationKind::PostJson, ..github });
    assert_eq!((posted.method, text(&posted.body)), ("POST", text(&sent.body)));

    let slack = Revocation {
        token: RevocationToken::Access,
        ..revocation(RevocationKind::Get, RevocationAuthentication::Bearer)
    };
    let sent = request(&slack);
    assert_eq!((sent.method, sent.url.expose_secret()), ("GET", URL));
    assert_eq!(header(&sent), Some("Bearer fake-access"));
    assert!(sent.body.is_none());
}

/// A token is the provider's text: it must not become structure, nor bring in the client's secret.
#[test]
fn a_hostile_token_stays_inside_its_place() {
    let revocation = Revocation {
        url: "https://api.example.com/{token}/x",
        body: Some(r#"{"t": "{token}"}"#),
        ..revocation(RevocationKind::Delete, RevocationAuthentication::None)
    };
    let token = r#"../..?#"},{client_secret}\"#.into();
    let sent = RevocationRequest::new(&revocation, &client(), Some(&token), None).unwrap();
    let url = url::Url::parse(sent.url.expose_secret()).unwrap();
    assert_eq!(url.path_segments().unwrap().count(), 2);
    assert!(url.query().is_none() && url.fragment().is_none());
    let body: Value = serde_json::from_str(text(&sent.body).unwrap()).unwrap();
    assert_eq!(body, serde_json::json!({ "t": token.expose_secret() }));
}

#[test]
fn debug_shows_no_secret() {
    let url = "https://api.example.com/{token}";
    for authentication in [RevocationAuthentication::Bearer, RevocationAuthentication::ClientBasic] {
        let revocation =
            Revocation { url, body: Some("{token}"), ..revocation(RevocationKind::Delete, authentication) };
        let shown = format!("{:?}", request(&revocation));
        assert!(!shown.contains("fake") && !shown.contains("Basic"), "{shown}");
    }
}

#[test]
fn the_verdict_is_no_better_than_what_the_answer_proves() {
    use Verdict::{AlreadyGone, Failed, NotTaken, Revoked, Temporary};
    let long = format!(r#"{{"ok":false,"x":"{}"}}"#, "a".repeat(MAX_ANSWER));
    for (status, body, already_gone, verdict) in [
        (200, "", &[][..], Revoked),
        (204, "", &[], Revoked),
        (200, "OK", &[], Revoked),
        (200, "{}", &[], Revoked),
        (200, r#"{"ok":true,"revoked":true}"#, &[], Revoked),
        (200, r#"{"ok":true,"revoked":false}"#, &[], Failed),
        (200, r#"{"ok":false}"#, &[], Failed),
        (200, r#"{"ok":false,"error":"token_revoked"}"#, &[], AlreadyGone),
        (200, r#"{"ok":false,"error":"invalid_auth"}"#, &[], NotTaken),
        (200, r#"{"ok":false,"error":"token_expired"}"#, &[], NotTaken),
        (401, r#"{"ok":false,"error":"not_authed"}"#, &[], NotTaken),
        (401, r#"{"error":"invalid_client"}"#, &[], Failed),
        (401, "", &[401], AlreadyGone),
        (200, r#"{"ok":false,"error":"ratelimited"}"#, &[], Temporary),
        (200, r#"{"ok":false,"error":"no_permission"}"#, &[], Failed),
        (200, r#"{"error":{"code":1}}"#, &[], Failed),
        (200, r#"{"error":"invalid_client"}"#, &[], Failed),
        (400, r#"{"error":"invalid_token"}"#, &[400], AlreadyGone),
        (400, r#"{"error":"invalid_token"}"#, &[], Failed),
        (400, "", &[400], AlreadyGone),
        (400, r#"{"error":"invalid_client"}"#, &[400], Failed),
        (400, r#"{"error":"invalid_request"}"#, &[400], Failed),
        (404, "", &[404], AlreadyGone),
        (404, "", &[], Failed),
        (401, "", &[], NotTaken),
        (302, "", &[], Failed),
        (408, "", &[], Temporary),
        (429, "", &[], Temporary),
        (500, "", &[], Temporary),
        (503, r#"{"ok":true}"#, &[], Temporary),
        (200, r#"{"ok":fal"#, &[], Failed),
        (200, &long, &[], Failed),
    ] {
        let shown = body.get(..60.min(body.len())).unwrap();
        assert_eq!(revocation_verdict(status, body.as_bytes(), already_gone), verdict, "{status} {shown}");
    }
}
