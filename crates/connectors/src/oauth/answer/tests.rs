use proptest::prelude::*;

use super::*;

fn read(status: u16, body: &str) -> TokenOutcome {
    TokenAnswer { status, body: body.as_bytes() }.read()
}

fn granted(body: &str) -> Granted {
    match read(200, body) {
        TokenOutcome::Granted(granted) => granted,
        other => panic!("{body}: {other:?}"),
    }
}

fn is_unreadable(status: u16, body: &str) -> bool {
    matches!(read(status, body), TokenOutcome::Unreadable)
}

/// RFC 6749, section 5.1, with the type of RFC 6750.
#[test]
fn the_answer_of_the_rfc_is_read() {
    let granted = granted(
        r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600,
            "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"example_value"}"#,
    );
    assert_eq!(granted.access_token.expose_secret(), "2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(granted.refresh_token.as_ref().unwrap().expose_secret(), "tGzv3JOkF0XG5Qx2TlKWIA");
    assert_eq!(granted.expires_in_s, Some(3600));
    assert_eq!(granted.scopes, None);
    assert_eq!(granted.extra("example_parameter"), Some("example_value"));
}

#[test]
fn lifetimes_are_read_as_providers_write_them() {
    for (expires_in, expected) in [
        ("3599", Some(3599)),
        ("\"3599\"", Some(3599)),
        ("3599.7", Some(3599)),
        ("1e3", Some(1000)),
        ("99999999999999999999", Some(MAX_LIFETIME_S)),
        ("\"99999999999\"", Some(MAX_LIFETIME_S)),
        ("\"inf\"", Some(MAX_LIFETIME_S)),
        ("0", None),
        ("-5", None),
        ("null", None),
        ("\"NaN\"", None),
        ("\"soon\"", None),
        ("\"\"", None),
        ("true", None),
        ("[3600]", None),
    ] {
        let body = format!(r#"{{"access_token":"fake-token","expires_in":{expires_in}}}"#);
        assert_eq!(granted(&body).expires_in_s, expected, "{expires_in}");
    }
}

#[test]
fn scopes_are_read_as_providers_write_them() {
    for (scope, expected) in [
        ("\"read write\"", Some(&["read", "write"][..])),
        ("\"read,write\"", Some(&["read", "write"])),
        ("\" read,  write \"", Some(&["read", "write"])),
        (r#"["read","write"]"#, Some(&["read", "write"])),
        (r#"["read write","x"]"#, Some(&["read", "write", "x"])),
        ("\"https://example.com/auth/a.b c:d\"", Some(&["https://example.com/auth/a.b", "c:d"])),
        ("\"\"", Some(&[])),
        ("[]", Some(&[])),
        ("null", None),
    ] {
        let body = format!(r#"{{"access_token":"fake-token","scope":{scope}}}"#);
        let scopes = granted(&body).scopes;
        assert_eq!(
            scopes.as_ref().map(|s| s.iter().map(String::as_str).collect::<Vec<_>>()).as_deref(),
            expected
        );
    }
    // What can't be read may hide more than was asked for.
    let many = format!("\"{}\"", "a ".repeat(MAX_SCOPES + 1));
    let long = format!("\"{}\"", "a".repeat(MAX_SCOPE + 1));
    for scope in ["7", "{}", "[1]", "[[\"a\"]]", r#""a\"b""#, r#""a\nb""#, r#""caf\u00e9""#, &many, &long] {
        assert!(
            is_unreadable(200, &format!(r#"{{"access_token":"fake-token","scope":{scope}}}"#)),
            "{scope}"
        );
    }
}

#[test]
fn a_token_that_cannot_be_sent_is_none() {
    let long = "a".repeat(8 * 1024 + 1);
    for token in ["", "abc", "a b c d", r"fake\r\nx: y", r"fake\u0000", "fak\u{e9}", &long] {
        assert!(is_unreadable(200, &format!(r#"{{"access_token":"{token}"}}"#)), "{token}");
        let refresh = format!(r#"{{"access_token":"fake-token","refresh_token":"{token}"}}"#);
        // Empty is none, and what goes into a form may hold spaces.
        assert_eq!(is_unreadable(200, &refresh), !token.is_empty() && token != "a b c d", "{token}");
    }
    for none in ["", r#","refresh_token":null"#, r#","refresh_token":"""#] {
        assert!(granted(&format!(r#"{{"access_token":"fake-token"{none}}}"#)).refresh_token.is_none());
    }
}

#[test]
fn only_bearer_tokens_are_taken() {
    for (kind, is_taken) in [
        ("\"bearer\"", true),
        ("\"BEARER\"", true),
        ("\"Bearer\"", true),
        ("null", true),
        // Slack.
        ("\"bot\"", true),
        ("\"user\"", true),
        ("\"mac\"", false),
        ("\"DPoP\"", false),
        ("\"N_A\"", false),
        ("\"\"", false),
        ("7", false),
    ] {
        let body = format!(r#"{{"access_token":"fake-token","token_type":{kind}}}"#);
        assert_eq!(!is_unreadable(200, &body), is_taken, "{kind}");
    }
}

#[test]
fn what_cannot_be_read_is_neither_granted_nor_refused() {
    let long = format!(r#"{{"access_token":"fake-token","x":"{}"}}"#, "a".repeat(MAX_ANSWER));
    for body in [
        "",
        "<html>",
        "null",
        "[]",
        "\"fake-token\"",
        "{}",
        r#"{"access_token":null}"#,
        r#"{"access_token":7}"#,
        r#"{"access_token":"fake-token""#,
        r#"{"access_token":"fake-token"}{}"#,
        r#"{"access_token":"fake-token","access_token":"fake-other"}"#,
        r#"{"access_token":"fake-token","refresh_token":"fake-1","refresh_token":"fake-2"}"#,
        r#"{"access_token":"fake-token","refresh_token":["fake-1"]}"#,
        r#"{"access_token":"fake-token","error":"invalid_grant"}"#,
        r#"{"access_token":"fake-token","ok":false}"#,
        "access_token=fake-token&token_type=bearer",
        &long,
    ] {
        assert!(is_unreadable(200, body), "{}", body.get(..60.min(body.len())).unwrap());
    }
    for status in [100, 301, 302, 307, 308] {
        assert!(is_unreadable(status, r#"{"access_token":"fake-token"}"#), "{status}");
    }
}

#[test]
fn refusals_say_whose_matter_they_are() {
    let other = |code| Refusal::Other(ErrorCode::parse(code));
    for (status, body, expected) in [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
            Refusal::InvalidGrant,
        ),
        (401, r#"{"error":"invalid_grant"}"#, Refusal::InvalidGrant),
        (401, r#"{"error":"invalid_client"}"#, Refusal::InvalidClient),
        (400, r#"{"error":"unauthorized_client"}"#, Refusal::InvalidClient),
        (400, r#"{"error":"invalid_request"}"#, other("invalid_request")),
        (400, r#"{"error":"unsupported_grant_type"}"#, other("unsupported_grant_type")),
        // Slack.
        (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#, Refusal::InvalidGrant),
        (200, r#"{"ok":false,"error":"bad_client_secret"}"#, Refusal::InvalidClient),
        (200, r#"{"ok":false,"error":"team_access_not_granted"}"#, other("team_access_not_granted")),
        (200, r#"{"ok":false}"#, other("")),
        // GitHub.
        (
            200,
            r#"{"error":"bad_verification_code","error_uri":"https://docs.example.com"}"#,
            Refusal::InvalidGrant,
        ),
        (200, r#"{"error":"bad_refresh_token"}"#, Refusal::InvalidGrant),
        (200, r#"{"error":"incorrect_client_credentials"}"#, Refusal::InvalidClient),
        // HubSpot.
        (
            400,
            r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token"}"#,
            Refusal::InvalidGrant,
        ),
        // Atlassian.
        (
            403,
            r#"{"error":"unauthorized_client","error_description":"refresh_token is invalid"}"#,
            Refusal::InvalidGrant,
        ),
        // Nothing that could be told.
        (400, "", other("")),
        (400, "<html>invalid_grant</html>", other("")),
        (403, "", other("")),
        (404, r#"{"error":{"code":"invalid_grant"}}"#, other("")),
        (400, r#"{"error":"<b>call 555"}"#, other("")),
        (400, r#"{"error":"invalid_grant","error":"other"}"#, other("")),
    ] {
        match read(status, body) {
            TokenOutcome::Refused(refusal) => assert_eq!(refusal, expected, "{status} {body}"),
            outcome => panic!("{status} {body}: {outcome:?}"),
        }
    }
}

#[test]
fn a_provider_in_trouble_is_asked_again_whatever_it_says() {
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        assert!(matches!(read(status, r#"{"error":"invalid_grant"}"#), TokenOutcome::Temporary), "{status}");
    }
    for (status, body) in [
        (400, r#"{"error":"temporarily_unavailable"}"#),
        (400, r#"{"error":"server_error"}"#),
        (200, r#"{"ok":false,"error":"ratelimited"}"#),
        (200, r#"{"ok":false,"error":"internal_error"}"#),
    ] {
        assert!(matches!(read(status, body), TokenOutcome::Temporary), "{body}");
    }
}

#[test]
fn extras_are_top_level_strings_within_bounds_and_no_tokens() {
    let many: String = (0..MAX_EXTRAS).map(|n| format!(r#","x{n}":"{n}""#)).collect();
    let body = format!(
        r#"{{"instance_url":"https://a.example.com","instance_url":"https://evil.example","id_token":"fake.id.token",
            "n":1,"o":{{"instance_url":"x"}},"long":"{}","access_token":"fake-token","refresh_token":"fake-refresh"{many}}}"#,
        "a".repeat(MAX_EXTRA + 1)
    );
    let granted = granted(&body);
    assert_eq!(granted.extra("instance_url"), Some("https://a.example.com"));
    assert_eq!(granted.extra("x0"), Some("0"));
    for name in
        ["id_token", "access_token", "refresh_token", "n", "o", "long", "", &format!("x{}", MAX_EXTRAS - 1)]
    {
        assert_eq!(granted.extra(name), None, "{name}");
    }
}

#[test]
fn debug_shows_no_token() {
    let body =
        r#"{"access_token":"fake-token","refresh_token":"fake-refresh","x":"fake-extra","scope":"read"}"#;
    let answer = TokenAnswer { status: 200, body: body.as_bytes() };
    let shown = format!("{answer:?} {:?}", answer.read());
    assert!(shown.contains("read") && !shown.contains("fake"), "{shown}");
}

proptest! {
    /// What is granted can be sent as it is: it ends no header and is no token of nothing.
    #[test]
    fn a_granted_token_is_a_header_value(token in prop_oneof![any::<String>(), "[ -~]{0,12}", "[!-~]{0,12}"]) {
        let body = serde_json::json!({ "access_token": token }).to_string();
        let is_sendable = (4..=8192).contains(&token.len()) && token.bytes().all(|b| (0x21..=0x7e).contains(&b));
        match read(200, &body) {
            TokenOutcome::Granted(granted) => {
                prop_assert!(is_sendable);
                prop_assert_eq!(granted.access_token.expose_secret(), token);
            }
            TokenOutcome::Unreadable => prop_assert!(!is_sendable),
            outcome => prop_assert!(false, "{outcome:?}"),
        }
    }

    /// Noise of any status is read without fault, and grants nothing.
    #[test]
    fn noise_grants_nothing(status: u16, body: Vec<u8>) {
        let answer = TokenAnswer { status, body: &body };
        prop_assert!(!matches!(answer.read(), TokenOutcome::Granted(_)));
    }
}
