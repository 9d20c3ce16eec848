use proptest::prelude::*;

use super::*;

fn parse(json: &str) -> Result<Credential, Error> {
    Credential::new(serde_json::from_str(json).unwrap())
}

#[test]
fn each_kind_is_read_from_the_apis_json() {
    for (json, kind) in [
        (r#"{"type":"bearer","token":"not-a-real-token"}"#, "bearer"),
        (r#"{"type":"api_key","header":"X-Api-Key","value":"not-a-real-key"}"#, "api_key"),
        (r#"{"type":"api_key","header":"authorization","value":"Token not-a-real-key"}"#, "api_key"),
        (r#"{"type":"api_key","query":"api_key","value":"not-a-real-key"}"#, "api_key"),
        (r#"{"type":"api_key","query":"api_key","header":null,"value":"not-a-real-key"}"#, "api_key"),
        (r#"{"type":"basic","username":"user","password":"not real"}"#, "basic"),
        (r#"{"type":"basic","username":"not-a-real-key","password":""}"#, "basic"),
        (r#"{"type":"none"}"#, "none"),
    ] {
        assert_eq!(parse(json).unwrap().kind(), kind, "{json}");
    }
}

#[test]
fn anything_but_one_of_the_kinds_is_refused() {
    for json in [
        "{}",
        "null",
        r#""bearer""#,
        r#"{"type":"bearer"}"#,
        r#"{"type":"Bearer","token":"not-a-real-token"}"#,
        r#"{"type":"oauth2","token":"not-a-real-token"}"#,
        r#"{"type":"oauth2","refresh_token":"not-a-real-token"}"#,
        r#"{"type":"oauth","token":"not-a-real-token"}"#,
        r#"{"type":"none","token":"not-a-real-token"}"#,
        r#"{"type":null}"#,
        r#"{"token":"not-a-real-token"}"#,
        r#"{"type":"bearer","token":"not-a-real-token","extra":1}"#,
        r#"{"type":"bearer","token":"not-a-real-token","token":"another-token"}"#,
        r#"{"type":"bearer","token":null}"#,
        r#"{"type":"bearer","token":["not-a-real-token"]}"#,
        r#"{"type":"api_key","header":"x-key"}"#,
        r#"{"type":"basic","username":"user"}"#,
        r#"{"type":"basic","username":"user","password":"pass","token":"not-a-real-token"}"#,
    ] {
        assert!(serde_json::from_str::<CredentialInput>(json).is_err(), "{json}");
    }
}

#[test]
fn values_that_cannot_be_sent_or_scrubbed_are_refused() {
    let long = "a".repeat(MAX_VALUE + 1);
    for value in [
        "",
        "abc",
        "a b c d",
        " token",
        "token ",
        "to\nken",
        "to\r\nken",
        "to\0ken",
        "tok\u{e9}n",
        "tok\u{7f}en",
        &long,
    ] {
        let token = SecretString::from(value);
        let result = Credential::new(CredentialInput::Bearer { token });
        assert_eq!(result.err(), Some(Error::CredentialValue), "{value:?}");
    }
    for value in ["", "abc", " key", "key ", "ke\ny", "ke\u{e9}y", &long] {
        let input = CredentialInput::ApiKey {
            header: Some("x-key".into()),
            query: None,
            value: SecretString::from(value),
        };
        assert_eq!(Credential::new(input).err(), Some(Error::CredentialValue), "{value:?}");
    }
    let basic = |username: &str, password: &str| {
        Credential::new(CredentialInput::Basic { username: username.into(), password: password.into() }).err()
    };
    for username in ["us:er", "us\ner", "us\u{85}er", "\u{fc}s:er", &long] {
        assert_eq!(basic(username, "password"), Some(Error::CredentialUsername), "{username:?}");
    }
    for password in ["pass\nword", "pass\0word", "p\u{e4}ss\u{80}word", &long] {
        assert_eq!(basic("user", password), Some(Error::CredentialValue), "{password:?}");
    }
    for (username, password) in
        [("test", "123\u{a3}"), ("\u{fc}ser", "pa\u{df}w\u{f6}rt"), ("u", "\u{1f511}\u{1f511}")]
    {
        assert_eq!(basic(username, password), None, "{password:?}");
    }
    assert_eq!(basic("a", "b"), Some(Error::CredentialValue));
    assert_eq!(basic("", ""), Some(Error::CredentialValue));
    assert_eq!(basic("", "password"), None);
}

#[test]
fn an_oauth_credential_comes_from_an_authorization_alone() {
    let input: CredentialInput = serde_json::from_str(r#"{"type":"oauth2"}"#).unwrap();
    assert!(matches!(input, CredentialInput::OAuth2));
    assert_eq!(Credential::new(input).err(), Some(Error::CredentialByAuthorization));

    let credential = Credential::oauth(Some("not real".into()), Some("not-real".into())).unwrap();
    assert_eq!(credential.kind(), "oauth2");
    assert_eq!(credential.refresh_token().unwrap().expose_secret(), "not real");
    assert_eq!(credential.access_token().unwrap().expose_secret(), "not-real");
    for (refresh, access) in
        [(Some("a\r\nb: c"), None), (Some("abc"), None), (None, Some("not real")), (None, Some(""))]
    {
        let result = Credential::oauth(refresh.map(Into::into), access.map(Into::into));
        assert_eq!(result.err(), Some(Error::CredentialValue), "{refresh:?} {access:?}");
    }
    assert_eq!(Credential::bearer("not real".into()).err(), Some(Error::CredentialValue));
    let bearer = Credential::bearer("not-real".into()).unwrap();
    assert!(bearer.access_token().is_none() && bearer.refresh_token().is_none());
}

#[test]
fn an_api_key_goes_to_exactly_one_place() {
    for place in ["", r#","header":"x-key","query":"key""#, r#","header":null"#] {
        let json = format!(r#"{{"type":"api_key","value":"not-a-real-key"{place}}}"#);
        assert_eq!(parse(&json).err(), Some(Error::CredentialPlacement), "{json}");
    }
}

/// Names that APIs have; a client's own headers with `_` do not pass.
#[test]
fn a_credential_goes_into_the_header_that_its_api_names() {
    for name in ["api_key", "user_key", "X_API_Key", "x-api-key", "api-key", "Authorization"] {
        let input = CredentialInput::ApiKey {
            header: Some(name.into()),
            query: None,
            value: "not-a-real-key".into(),
        };
        assert!(Credential::new(input).is_ok(), "{name}");
    }
    assert_eq!(crate::settable("api_key"), None);
}

#[test]
fn headers_that_frame_the_message_or_are_ours_carry_no_credential() {
    for name in [
        "",
        "x key",
        "x:key",
        "x-key\r\nhost",
        "x-k\u{e9}y",
        "Host",
        "Content-Length",
        "content-type",
        "Connection",
        "Keep-Alive",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Proxy-Authorization",
        "Cookie",
        "Accept",
        "Accept-Encoding",
        "Range",
        "Origin",
        "Referer",
        "Sec-Fetch-Site",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Original-URL",
        "X-HTTP-Method-Override",
        "CF-Connecting-IP",
        "Sluicegate-Call",
        "X-CSRF-Token",
        "Idempotency-Key",
        "Via",
        "Date",
        // The same to a server that takes `_` for `-`.
        "Content_Length",
        "X_Forwarded_For",
        "X-HTTP_Method-Override",
        "CF_Ray",
    ] {
        let input = CredentialInput::ApiKey {
            header: Some(name.into()),
            query: None,
            value: "not-a-real-key".into(),
        };
        assert_eq!(Credential::new(input).err(), Some(Error::CredentialHeader), "{name:?}");
    }
    for name in ["", "a b", "a&b", "a=b", "a#b", "a+b", "a%62", "caf\u{e9}", &"a".repeat(129)] {
        let input = CredentialInput::ApiKey {
            header: None,
            query: Some(name.into()),
            value: "not-a-real-key".into(),
        };
        assert_eq!(Credential::new(input).err(), Some(Error::CredentialQuery), "{name:?}");
    }
}

/// Invariant 3.
#[test]
fn no_debug_or_error_shows_a_value() {
    let mark = "not-a-real-token";
    for json in [
        format!(r#"{{"type":"bearer","token":"{mark}"}}"#),
        format!(r#"{{"type":"api_key","query":"key","value":"{mark}"}}"#),
        format!(r#"{{"type":"basic","username":"{mark}","password":"{mark}"}}"#),
    ] {
        let input: CredentialInput = serde_json::from_str(&json).unwrap();
        assert!(!format!("{input:?}").contains(mark));
        let credential = Credential::new(input).unwrap();
        assert!(!format!("{credential:?}").contains(mark));
    }
    let credential = Credential::oauth(Some(mark.into()), Some(mark.into())).unwrap();
    assert!(!format!("{credential:?}").contains(mark));
    // serde's own messages for these quote the value.
    for json in [
        format!(r#"{{"type":"{mark}"}}"#),
        format!(r#"{{"type":"{mark}, expected `{mark}`"}}"#),
        format!(r#"{{"type":"bearer","token":{{"a":"{mark}"}}}}"#),
        format!(r#"{{"type":"bearer","token":["{mark}"]}}"#),
        format!(r#"{{"type":["{mark}"]}}"#),
        format!(r#""{mark}""#),
    ] {
        let error = serde_json::from_str::<CredentialInput>(&json).unwrap_err().to_string();
        assert!(!error.contains(mark) && error.starts_with(IN_AUTH), "{error}");
    }
}

/// Frozen: these are the bytes inside the sealed records of every database out there.
#[test]
fn the_sealed_form_never_changes() {
    for (json, bytes) in [
        (r#"{"type":"bearer","token":"tok-1"}"#, b"\x01\x01\0\0\0\x05tok-1".as_slice()),
        (r#"{"type":"api_key","header":"X-Key","value":"val 1"}"#, b"\x01\x02\0\0\0\x05x-key\0\0\0\x05val 1"),
        (r#"{"type":"api_key","query":"Key","value":"val-1"}"#, b"\x01\x03\0\0\0\x03Key\0\0\0\x05val-1"),
        (r#"{"type":"basic","username":"user","password":""}"#, b"\x01\x04\0\0\0\x04user\0\0\0\0"),
        (r#"{"type":"none"}"#, b"\x01\x06"),
    ] {
        check_sealed(&parse(json).unwrap(), bytes);
    }
    for (refresh, access, bytes) in [
        (Some("ref-1"), Some("acc-1"), b"\x01\x05\0\0\0\x05ref-1\0\0\0\x05acc-1".as_slice()),
        (Some("ref-1"), None, b"\x01\x05\0\0\0\x05ref-1\0\0\0\0"),
        (None, Some("acc-1"), b"\x01\x05\0\0\0\0\0\0\0\x05acc-1"),
        (None, None, b"\x01\x05\0\0\0\0\0\0\0\0"),
    ] {
        check_sealed(&Credential::oauth(refresh.map(Into::into), access.map(Into::into)).unwrap(), bytes);
    }
}

fn check_sealed(credential: &Credential, bytes: &[u8]) {
    let sealed = credential.to_sealed_plaintext();
    assert_eq!(sealed.as_slice(), bytes, "{credential:?}");
    assert_eq!(sealed.capacity(), bytes.len(), "a buffer that grew left copies behind");
    let read = Credential::from_sealed_plaintext(bytes).unwrap();
    assert_eq!(read.kind(), credential.kind());
    assert_eq!(read.to_sealed_plaintext().as_slice(), bytes);
}

proptest! {
    /// Fail closed: a sealed form cut short, lengthened or altered is refused or is another form in full.
    #[test]
    fn a_damaged_sealed_form_is_refused(cut in 0_usize..20, at in 0_usize..20, flip in 1_u8..) {
        let sealed = parse(r#"{"type":"basic","username":"user","password":"pass1"}"#).unwrap().to_sealed_plaintext();
        let cut = sealed.get(..cut.min(sealed.len() - 1)).unwrap();
        prop_assert_eq!(Credential::from_sealed_plaintext(cut).err(), Some(Error::CredentialStored));
        let mut long = sealed.to_vec();
        long.push(flip);
        prop_assert_eq!(Credential::from_sealed_plaintext(&long).err(), Some(Error::CredentialStored));
        let mut altered = sealed.to_vec();
        if let Some(byte) = altered.get_mut(at) {
            *byte ^= flip;
            if let Ok(read) = Credential::from_sealed_plaintext(&altered) {
                prop_assert_eq!(read.to_sealed_plaintext().to_vec(), altered);
            }
        }
    }
}
