//! Scripted dialogues. A script is what the server says, one entry a read; a run gives back what the client did.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

const EHLO: &str = "EHLO [127.0.0.1]\r\n";
const HI: &str = "220 mx\r\n";
const IMAP_HI: &str = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n";
const S3: &str = "s3 CAPABILITY\r\n";

#[derive(Debug)]
struct Run {
    /// What was sent, a string each, and `<TLS>` where TLS began.
    sent: Vec<String>,
    result: Result<(), LoginFailure>,
}

fn credentials(user: &str, password: &str) -> Credentials {
    Credentials::new(user, &password.into()).unwrap()
}

fn run_as(mut login: Login, script: &[&str]) -> Run {
    let mut script = script.iter();
    let mut sent = Vec::new();
    loop {
        let result = match login.step() {
            Step::Send(bytes) => {
                sent.push(String::from_utf8(bytes.to_vec()).unwrap());
                Ok(())
            }
            Step::StartTls => {
                sent.push("<TLS>".to_owned());
                Ok(())
            }
            Step::Read => login.receive(script.next().unwrap_or(&"").as_bytes()),
            Step::Done => return Run { sent, result: Ok(()) },
        };
        if let Err(error) = result {
            return Run { sent, result: Err(error) };
        }
    }
}

fn run(protocol: Protocol, security: LoginSecurity, script: &[&str]) -> Run {
    run_as(Login::new(protocol, security, credentials("fake-user", "fake-password")), script)
}

fn smtp(script: &[&str]) -> Run {
    run(Protocol::Smtp, LoginSecurity::Tls, script)
}

fn smtp_starttls(script: &[&str]) -> Run {
    run(Protocol::Smtp, LoginSecurity::StartTls, script)
}

fn imap(script: &[&str]) -> Run {
    run(Protocol::Imap, LoginSecurity::Tls, script)
}

fn imap_starttls(script: &[&str]) -> Run {
    run(Protocol::Imap, LoginSecurity::StartTls, script)
}

fn secret() -> String {
    STANDARD.encode("\0fake-user\0fake-password")
}

/// No form of the password, nor the start of a login.
fn gave_nothing_away(run: &Run) -> bool {
    let sent = run.sent.concat();
    !["fake", &secret(), &STANDARD.encode("fake-password"), "AUTH", "LOGIN"]
        .iter()
        .any(|part| sent.contains(part))
}

#[test]
fn smtp_over_tls_with_each_mechanism() {
    let plain = smtp(&[HI, "250-mx\r\n250 AUTH LOGIN PLAIN\r\n", "235 welcome\r\n"]);
    assert_eq!(plain.result, Ok(()));
    assert_eq!(plain.sent, [EHLO.to_owned(), format!("AUTH PLAIN {}\r\n", secret())]);

    let login = smtp(&[HI, "250-mx\r\n250 AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", "334 \r\n", "235\r\n"]);
    assert_eq!(login.result, Ok(()));
    let encoded = ["fake-user", "fake-password"].map(|part| format!("{}\r\n", STANDARD.encode(part)));
    assert_eq!(login.sent[1..], ["AUTH LOGIN\r\n", &encoded[0], &encoded[1]]);
}

#[test]
fn smtp_starttls_forgets_what_was_said_before() {
    let opening = [HI, "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n", "220 go\r\n"];
    let through = smtp_starttls(&[&opening[..], &["250-mx\r\n250 AUTH PLAIN\r\n", "235\r\n"]].concat());
    assert_eq!(through.result, Ok(()));
    assert_eq!(through.sent[..4], [EHLO, "STARTTLS\r\n", "<TLS>", EHLO]);

    let stripped = smtp_starttls(&[&opening[..], &["250 mx\r\n"]].concat());
    assert_eq!(stripped.result, Err(LoginFailure::NoAuth));
    assert!(gave_nothing_away(&stripped));
}

#[test]
fn imap_over_tls_with_each_mechanism() {
    let initial = imap(&[IMAP_HI, "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\ns3 OK\r\n", "s4 OK in\r\n"]);
    assert_eq!(initial.result, Ok(()));
    assert_eq!(initial.sent, [S3.to_owned(), format!("s4 AUTHENTICATE PLAIN {}\r\n", secret())]);

    let asked = ["* OK\r\n", "* CAPABILITY IMAP4rev1 auth=plain LOGINDISABLED\r\ns3 OK\r\n", "+ \r\n"];
    let asked = imap(&[&asked[..], &["* CAPABILITY IMAP4rev1 IDLE\r\ns4 OK in\r\n* 3 EXISTS\r\n"]].concat());
    assert_eq!(asked.result, Ok(()));
    assert_eq!(asked.sent[1..], ["s4 AUTHENTICATE PLAIN\r\n".to_owned(), format!("{}\r\n", secret())]);

    let login = imap(&[IMAP_HI, "* CAPABILITY IMAP4rev1\r\n", "s3 OK\r\n", "s4 OK in\r\n"]);
    assert_eq!(login.result, Ok(()));
    assert_eq!(login.sent, [S3, "s4 LOGIN \"fake-user\" \"fake-password\"\r\n"]);
}

#[test]
fn imap_login_quotes_or_counts_whatever_is_in_a_password() {
    let capable = "* CAPABILITY IMAP4rev1\r\ns3 OK\r\n";
    let attempt = |password| {
        let login = Login::new(Protocol::Imap, LoginSecurity::Tls, credentials("fake", password));
        run_as(login, &[IMAP_HI, capable, "+ go\r\n", "+ go\r\n", "s4 OK\r\n"]).sent
    };
    assert_eq!(attempt(r#"a" "\b"#)[1..], ["s4 LOGIN \"fake\" \"a\\\" \\\"\\\\b\"\r\n"]);
    assert_eq!(attempt("f\u{e4}ke")[1..], ["s4 LOGIN {4}\r\n", "fake {5}\r\n", "f\u{e4}ke\r\n"]);
}

#[test]
fn imap_starttls_forgets_what_was_said_before() {
    let opening = ["* OK\r\n", "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\r\ns1 OK\r\n", "s2 OK go\r\n"];
    let after = ["* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\ns3 OK\r\n", "s4 OK in\r\n"];
    let through = imap_starttls(&[&opening[..], &after].concat());
    assert_eq!(through.result, Ok(()));
    assert_eq!(through.sent[..4], ["s1 CAPABILITY\r\n", "s2 STARTTLS\r\n", "<TLS>", S3]);

    // Nothing is said after TLS: neither AUTH=PLAIN nor the leave to use LOGIN is carried over.
    let disabled =
        imap_starttls(&[&opening[..], &["* CAPABILITY IMAP4rev1 LOGINDISABLED\r\ns3 OK\r\n"]].concat());
    assert_eq!(disabled.result, Err(LoginFailure::NoAuth));
    assert!(gave_nothing_away(&Run { sent: disabled.sent, result: Ok(()) }));
}

#[test]
fn a_stripped_starttls_ends_it_before_a_secret_is_sent() {
    for script in [
        &[HI, "250-mx\r\n250 AUTH PLAIN LOGIN\r\n"][..],
        &[HI, "250 STARTTLS\r\n"],
        &[HI, "250-mx\r\n250 XSTARTTLS\r\n"],
        &[HI, "250-mx\r\n250 STARTTLS\r\n", "502 what?\r\n"],
    ] {
        let run = smtp_starttls(script);
        assert_eq!(run.result, Err(LoginFailure::NoStartTls), "{script:?}");
        assert!(gave_nothing_away(&run));
    }
    for script in [
        &["* OK\r\n", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\ns1 OK\r\n"][..],
        &["* OK [CAPABILITY IMAP4rev1 STARTTLS]\r\n", "s1 OK\r\n"],
        &["* OK\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\ns1 OK\r\n", "s2 NO\r\n"],
        &["* OK\r\n", "* CAPABILITY IMAP4rev1 STARTTLS\r\ns1 OK\r\n", "s2 BAD\r\n"],
    ] {
        let run = imap_starttls(script);
        assert_eq!(run.result, Err(LoginFailure::NoStartTls), "{script:?}");
        assert!(gave_nothing_away(&run));
    }
}

/// CVE-2011-0411 seen from the client: what somebody on the way appends to the last plain line.
#[test]
fn bytes_ahead_of_tls_are_refused() {
    const MORE: Result<(), LoginFailure> = Err(LoginFailure::Protocol("says more than it was asked"));
    for injected in ["220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n", "220 go\r\n2", "220 go\r\n\r\n"] {
        let run = smtp_starttls(&[HI, "250-mx\r\n250 STARTTLS\r\n", injected]);
        assert_eq!(run.result, MORE, "{injected:?}");
        assert_eq!(run.sent, [EHLO, "STARTTLS\r\n"]);
    }
    let capable = "* CAPABILITY IMAP4rev1 STARTTLS\r\ns1 OK\r\n";
    for injected in ["s2 OK\r\n* CAPABILITY AUTH=PLAIN\r\ns3 OK\r\n", "s2 OK\r\n*", "s2 OK\r\n\r\n"] {
        let run = imap_starttls(&["* OK\r\n", capable, injected]);
        assert_eq!(run.result, MORE, "{injected:?}");
        assert_eq!(run.sent, ["s1 CAPABILITY\r\n", "s2 STARTTLS\r\n"]);
    }
    // In a piece of their own, before the handshake is begun.
    let scripts: [(_, &[&str]); 2] = [
        (Protocol::Smtp, &[HI, "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n"]),
        (Protocol::Imap, &["* OK\r\n", capable, "s2 OK\r\n"]),
    ];
    for (protocol, script) in scripts {
        let mut login = Login::new(protocol, LoginSecurity::StartTls, credentials("fake", "fake"));
        let (last, first) = script.split_last().unwrap();
        for said in first {
            assert!(matches!(login.step(), Step::Read));
            login.receive(said.as_bytes()).unwrap();
            assert!(matches!(login.step(), Step::Send(_)));
        }
        assert!(matches!(login.step(), Step::Read));
        login.receive(last.as_bytes()).unwrap();
        assert_eq!(login.receive(b"* OK\r\n"), Err(LoginFailure::Protocol("speaks before it is asked")));
    }
}

/// CVE-2020-12398: a greeting that claims that the login is done already.
#[test]
fn preauth_is_refused() {
    for security in [LoginSecurity::Tls, LoginSecurity::StartTls] {
        let run = run(Protocol::Imap, security, &["* PREAUTH welcome\r\n"]);
        assert!(matches!(run.result, Err(LoginFailure::Protocol(_))) && run.sent.is_empty(), "{run:?}");
    }
}

#[test]
fn smtp_refusals_have_their_reasons() {
    let auth = "250-mx\r\n250 AUTH PLAIN\r\n";
    let cases: &[(&[&str], LoginFailure)] = &[
        (&["554 no\r\n"], LoginFailure::Refused),
        (&["421 busy\r\n"], LoginFailure::Temporary),
        (&["250 hm\r\n"], LoginFailure::Protocol("answers with an unexpected code")),
        (&["* OK IMAP\r\n"], LoginFailure::Protocol("does not speak SMTP")),
        (&[HI, "550 no\r\n"], LoginFailure::Refused),
        (&[HI, "250-mx\r\n250 AUTH CRAM-MD5 XOAUTH2\r\n"], LoginFailure::NoAuth),
        (&[HI, auth, "535 5.7.8 no\r\n"], LoginFailure::BadPassword),
        (&[HI, auth, "534 5.7.9 app password\r\n"], LoginFailure::BadPassword),
        (&[HI, auth, "504 what\r\n"], LoginFailure::NoAuth),
        (&[HI, auth, "454 4.7.0 later\r\n"], LoginFailure::Temporary),
        (&[HI, auth, "421 bye\r\n"], LoginFailure::Temporary),
        (&[HI, auth, "334 \r\n"], LoginFailure::Protocol("answers with an unexpected code")),
        (&[HI, auth, "250 ok\r\n"], LoginFailure::Protocol("answers with an unexpected code")),
        (&[HI, auth], LoginFailure::Protocol("closes the connection")),
    ];
    for (said, failure) in cases {
        assert_eq!(smtp(said).result, Err(*failure), "{said:?}");
    }
    let busy = smtp_starttls(&[HI, "250-mx\r\n250 STARTTLS\r\n", "454 not now\r\n"]);
    assert_eq!(busy.result, Err(LoginFailure::Temporary));
}

#[test]
fn imap_refusals_have_their_reasons() {
    let auth = "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\ns3 OK\r\n";
    let cases: &[(&[&str], LoginFailure)] = &[
        (&["* BYE full\r\n"], LoginFailure::Refused),
        (&["* BYE [UNAVAILABLE] later\r\n"], LoginFailure::Temporary),
        (&["* NO hm\r\n"], LoginFailure::Protocol("does not greet as IMAP does")),
        (&["220 mx\r\n"], LoginFailure::Protocol("does not speak IMAP")),
        (&["s3 OK\r\n"], LoginFailure::Protocol("does not speak IMAP")),
        (&[IMAP_HI, "s3 NO\r\n"], LoginFailure::Refused),
        (&[IMAP_HI, "* CAPABILITY LOGINDISABLED AUTH=GSSAPI\r\ns3 OK\r\n"], LoginFailure::NoAuth),
        (&[IMAP_HI, auth, "s4 NO [AUTHENTICATIONFAILED] no\r\n"], LoginFailure::BadPassword),
        (&[IMAP_HI, auth, "s4 NO no\r\n"], LoginFailure::BadPassword),
        (&[IMAP_HI, auth, "s4 NO [UNAVAILABLE] later\r\n"], LoginFailure::Temporary),
        (&[IMAP_HI, auth, "s4 NO [PRIVACYREQUIRED] no\r\n"], LoginFailure::NoAuth),
        (&[IMAP_HI, auth, "s4 BAD what\r\n"], LoginFailure::Protocol("does not understand a login")),
        (&[IMAP_HI, auth, "+ more\r\n"], LoginFailure::Protocol("asks for more where all is said")),
        (&[IMAP_HI, auth, "* BYE\r\n"], LoginFailure::Refused),
        (&[IMAP_HI, auth, "s3 OK\r\n"], LoginFailure::Protocol("does not speak IMAP")),
        (&[IMAP_HI, auth, ""], LoginFailure::Protocol("closes the connection")),
        (&["* OK\r\n* OK\r\n"], LoginFailure::Protocol("says more than it was asked")),
    ];
    for (said, failure) in cases {
        assert_eq!(imap(said).result, Err(*failure), "{said:?}");
    }
    // The user name alone was asked for; a server that agrees to that lets everybody in.
    let wanting = ["* OK\r\n", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\ns3 OK\r\n", "s4 OK\r\n"];
    assert_eq!(imap(&wanting).result, Err(LoginFailure::Protocol("agrees before everything is said")));
}

#[test]
fn credentials_that_could_end_a_command_are_refused() {
    let long = "p".repeat(MAX_BYTES + 1);
    for (user, password) in
        [("", "p"), ("u", ""), ("u\r\nQUIT", "p"), ("u", "p\n"), ("u\0", "p"), ("u", "p\0x"), ("u", &long)]
    {
        let refused = Credentials::new(user, &password.into()).unwrap_err();
        assert_eq!(refused, LoginFailure::Credentials);
    }
}

#[test]
fn debug_shows_no_credentials() {
    assert_eq!(format!("{:?}", credentials("fake-user", "fake-password")), "Credentials(…)");
}

proptest! {
    /// Whatever a server says before TLS, no credential is sent.
    #[test]
    fn nothing_said_before_tls_brings_a_credential_out(
        imap in any::<bool>(),
        said in proptest::collection::vec(
            prop_oneof![
                Just("220 a\r\n"), Just("250-a\r\n"), Just("250 AUTH PLAIN\r\n"), Just("250-a\r\n250 STARTTLS\r\n"),
                Just("334 \r\n"), Just("235 ok\r\n"), Just("* OK\r\n"), Just("* CAPABILITY STARTTLS AUTH=PLAIN SASL-IR\r\n"),
                Just("s1 OK\r\n"), Just("s3 OK\r\n"), Just("s4 OK\r\n"), Just("+ \r\n"), Just("* PREAUTH\r\n"),
            ],
            0..8,
        ),
    ) {
        let protocol = if imap { Protocol::Imap } else { Protocol::Smtp };
        let mut run = run(protocol, LoginSecurity::StartTls, &said);
        if let Some(tls) = run.sent.iter().position(|sent| sent == "<TLS>") {
            run.sent.truncate(tls);
        }
        prop_assert!(gave_nothing_away(&run), "{:?}", run);
    }

    #[test]
    fn no_bytes_make_it_panic(imap in any::<bool>(), bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
        let protocol = if imap { Protocol::Imap } else { Protocol::Smtp };
        let mut login = Login::new(protocol, LoginSecurity::Tls, credentials("fake", "fake"));
        prop_assert!(matches!(login.step(), Step::Read));
        let _ = login.receive(&bytes);
    }
}
