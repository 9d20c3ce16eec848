use super::*;
use secrecy::ExposeSecret;

const STATE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn parse(query: &str) -> Result<Callback, CallbackError> {
    Callback::parse(&query.replace("STATE", STATE))
}

#[test]
fn a_code_is_read_with_its_state_and_issuer() {
    let callback =
        parse("state=STATE&code=4%2F0Ab+c&scope=a%20b&iss=https%3A%2F%2Fauth.example.com&hd=x&hd=y").unwrap();
    assert_eq!(callback.state.digest(), State::parse(STATE).unwrap().digest());
    assert_eq!(callback.code.expose_secret(), "4/0Ab c");
    assert_eq!(callback.iss.as_deref(), Some("https://auth.example.com"));
    assert!(!format!("{callback:?}").contains("4/0A") && !format!("{callback:?}").contains(STATE));
}

#[test]
fn a_refusal_keeps_its_code_only_if_it_is_a_plain_word() {
    for (error, code) in [
        ("access_denied", Some("access_denied")),
        ("user_cancelled", Some("user_cancelled")),
        ("", None),
        ("%3Cscript%3E", None),
        ("access denied", None),
        ("Access_Denied", None),
        ("a%0d%0ab", None),
        (&"a".repeat(41), None),
    ] {
        let query = format!("error={error}&error_description=%3Cb%3EPlease+call+us&state=STATE");
        let refused = parse(&query).unwrap_err();
        let CallbackError::Refused { state, code: kept } = &refused else { panic!("{error}") };
        assert_eq!(state.digest(), State::parse(STATE).unwrap().digest());
        assert_eq!(kept.as_ref().map(ErrorCode::as_str), code, "{error}");
        assert!(!format!("{refused:?} {refused}").contains("call"));
    }
}

#[test]
fn what_is_repeated_contradictory_or_too_long_is_refused() {
    let long = |len: usize| "a".repeat(len);
    for query in [
        "",
        "code=c",
        "state=STATE",
        "state=&code=c",
        "state=STATE&code=",
        "state=STATEx&code=c",
        "state=STATE&code=c&code=c",
        "state=STATE&state=STATE&code=c",
        "state=STATE&code=c&st%61te=STATE",
        "state=STATE&code=c&iss=a&iss=a",
        "state=STATE&error=a&error=a",
        "state=STATE&code=c&error=access_denied",
        "error=access_denied",
        "state=STATE&code=c%0d%0ax",
        "state=STATE&code=%ff",
        "state=STATE&code=caf%C3%A9",
        &format!("state=STATE&code={}", long(4097)),
        &format!("state=STATE&code=c&x={}", long(8192)),
    ] {
        assert!(matches!(parse(query), Err(CallbackError::Malformed)), "{query}");
    }
    assert!(parse(&format!("state=STATE&code={}", long(4096))).is_ok());
}

/// RFC 9700, section 4.4: the code of one provider must not be taken to another.
#[test]
fn an_answer_of_another_issuer_is_recognised() {
    for (iss, is_from) in [
        ("", true),
        ("&iss=https://auth.example.com", true),
        ("&iss=https://auth.example.com:443/tenant/v2.0", true),
        ("&iss=https://evil.example.com", false),
        ("&iss=https://auth.example.com.evil.example", false),
        ("&iss=https://auth.example.com@evil.example", false),
        ("&iss=http://auth.example.com", false),
        ("&iss=https://auth.example.com:8443", false),
        ("&iss=", false),
        ("&iss=auth.example.com", false),
        ("&iss=data:,x", false),
    ] {
        let callback = parse(&format!("state=STATE&code=c{iss}")).unwrap();
        assert_eq!(callback.is_from("https://auth.example.com/authorize?x=1"), is_from, "{iss}");
        assert_eq!(callback.is_from("data:,x"), iss.is_empty(), "{iss}");
    }
}
