//! Scripted dialogues. A script is what the server says, one entry a read; a run gives back what the client did.

use super::*;
use crate::{Content, Mailbox, Message};

const TLS: &str = "smtps://fake-user:fake-password@mx.example.com";
const STARTTLS: &str = "smtp://fake-user:fake-password@mx.example.com";
const EHLO: &str = "EHLO acme.example\r\n";

struct Run {
    /// What was sent, a string each, and `<TLS>` where TLS began.
    sent: Vec<String>,
    result: Result<(), Error>,
}

fn envelope(text: &str) -> Envelope {
    let message = Message {
        from: Mailbox::new("Acme", Address::parse("no-reply@acme.example").unwrap()).unwrap(),
        to: Address::parse("ada@example.com").unwrap(),
        content: Content { subject: "Hello".to_owned(), text: Zeroizing::new(text.to_owned()) },
    };
    message.encode(0, [1; 16]).unwrap()
}

fn run(url: &str, script: &[&str]) -> Run {
    let (transport, envelope) = (Transport::parse(url, true).unwrap(), envelope("fake-link"));
    let mut client = Client::new(&transport, &envelope);
    let mut script = script.iter();
    let mut sent = Vec::new();
    loop {
        let result = match client.step() {
            Step::Send(bytes) => {
                sent.push(String::from_utf8(bytes.to_vec()).unwrap());
                Ok(())
            }
            Step::StartTls => {
                sent.push("<TLS>".to_owned());
                Ok(())
            }
            Step::Read => client.receive(script.next().unwrap_or(&"").as_bytes()),
            Step::Done => return Run { sent, result: Ok(()) },
        };
        if let Err(error) = result {
            return Run { sent, result: Err(error) };
        }
    }
}

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

const DELIVERY: [&str; 4] = ["250 sender ok\r\n", "250 recipient ok\r\n", "354 go on\r\n", "250 taken\r\n"];

fn script<'a>(before: &[&'a str]) -> Vec<&'a str> {
    [before, &DELIVERY].concat()
}

#[test]
fn a_submission_over_implicit_tls() {
    let run = run(TLS, &script(&["220 mx\r\n", "250-mx\r\n250 AUTH LOGIN PLAIN\r\n", "235 welcome\r\n"]));
    assert_eq!(run.result, Ok(()));
    assert_eq!(
        run.sent[..5],
        [
            EHLO.to_owned(),
            format!("AUTH PLAIN {}\r\n", base64("\0fake-user\0fake-password")),
            "MAIL FROM:<no-reply@acme.example>\r\n".to_owned(),
            "RCPT TO:<ada@example.com>\r\n".to_owned(),
            "DATA\r\n".to_owned(),
        ]
    );
    assert!(run.sent[5].starts_with("Date: ") && run.sent[5].ends_with("\r\nfake-link\r\n.\r\n"));
    assert_eq!(run.sent.len(), 6);
}

#[test]
fn login_where_plain_is_not_offered() {
    let login = ["220 mx\r\n", "250-mx\r\n250 AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", "334 \r\n", "235\r\n"];
    let run = run(TLS, &script(&login));
    assert_eq!(run.result, Ok(()));
    let expected = [
        "AUTH LOGIN\r\n".to_owned(),
        format!("{}\r\n", base64("fake-user")),
        format!("{}\r\n", base64("fake-password")),
    ];
    assert_eq!(run.sent[1..4], expected);
}

#[test]
fn starttls_comes_before_anything_else_and_forgets_what_was_said() {
    let (greeting, plain) = ("220 mx\r\n", "250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n");
    let opening = [greeting, plain, "220 go\r\n", "250-mx\r\n250 AUTH LOGIN\r\n"];
    let run_through = run(STARTTLS, &script(&[&opening[..], &["334 \r\n", "334 \r\n", "235\r\n"]].concat()));
    assert_eq!(run_through.result, Ok(()));
    assert_eq!(run_through.sent[..5], [EHLO, "STARTTLS\r\n", "<TLS>", EHLO, "AUTH LOGIN\r\n"]);

    // AUTH was offered before TLS alone: by whom, nobody knows.
    let run = run(STARTTLS, &[greeting, plain, "220 go\r\n", "250 mx\r\n"]);
    assert_eq!(run.result, Err(Error::NoAuth));
}

#[test]
fn a_stripped_starttls_ends_it_before_a_secret_is_sent() {
    let greeting = "220 mx\r\n";
    for rest in [
        &["250-mx\r\n250 AUTH PLAIN LOGIN\r\n"][..],
        &["250 STARTTLS\r\n"],
        &["250-mx\r\n250 XSTARTTLS\r\n"],
        &["250-mx\r\n250 STARTTLS\r\n", "454 not now\r\n"],
        &["250-mx\r\n250 STARTTLS\r\n", "502 what?\r\n"],
    ] {
        let run = run(STARTTLS, &[&[greeting], rest].concat());
        assert_eq!(run.result, Err(Error::NoStartTls), "{rest:?}");
        assert!(run.sent.iter().all(|sent| sent == EHLO || sent == "STARTTLS\r\n"), "{:?}", run.sent);
    }
}

#[test]
fn bytes_injected_behind_the_starttls_reply_are_refused() {
    let offer = "250-mx\r\n250 STARTTLS\r\n";
    for injected in ["220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n", "220 go\r\n2", "220 go\r\n\r\n"] {
        let run = run(STARTTLS, &["220 mx\r\n", offer, injected]);
        assert_eq!(run.result, Err(Error::Protocol("says more than it was asked")), "{injected:?}");
        assert_eq!(run.sent, [EHLO, "STARTTLS\r\n"]);
    }
}

#[test]
fn bytes_between_the_starttls_reply_and_tls_are_refused() {
    let (transport, envelope) = (Transport::parse(STARTTLS, false).unwrap(), envelope(""));
    let mut client = Client::new(&transport, &envelope);
    for said in ["220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n"] {
        assert!(matches!(client.step(), Step::Read));
        client.receive(said.as_bytes()).unwrap();
        if said != "220 go\r\n" {
            assert!(matches!(client.step(), Step::Send(_)));
        }
    }
    assert!(client.receive(b"250 AUTH PLAIN\r\n").is_err());
}

#[test]
fn a_server_that_answers_what_was_not_asked_is_refused() {
    let said = ["220 mx\r\n250 mx\r\n"];
    assert_eq!(run(TLS, &said).result, Err(Error::Protocol("says more than it was asked")));
    // Only once the mail is taken, more words change nothing.
    let mut said = script(&["220 mx\r\n", "250-mx\r\n250 AUTH PLAIN\r\n", "235 ok\r\n"]);
    *said.last_mut().unwrap() = "250 taken\r\n421 closing\r\n";
    assert_eq!(run(TLS, &said).result, Ok(()));
}

#[test]
fn plain_without_credentials_never_signs_in() {
    let run = run("smtp://127.0.0.1:1025", &script(&["220 sink\r\n", "250-sink\r\n250 AUTH PLAIN\r\n"]));
    assert_eq!(run.result, Ok(()));
    assert_eq!(run.sent[..2], [EHLO, "MAIL FROM:<no-reply@acme.example>\r\n"]);
}

#[test]
fn each_refusal_has_its_error() {
    let (hi, auth, ok) = ("220 mx\r\n", "250-mx\r\n250 AUTH PLAIN\r\n", "235 ok\r\n");
    let (yes, go) = ("250 ok\r\n", "354 go\r\n");
    let cases: &[(&[&str], Error)] = &[
        (&["554 no\r\n"], Error::ServerRefused(554)),
        (&["421 busy\r\n"], Error::ServerRefused(421)),
        (&[hi, "550 no\r\n"], Error::ServerRefused(550)),
        (&[hi, "250 mx\r\n"], Error::NoAuth),
        (&[hi, "250-mx\r\n250 AUTH CRAM-MD5 XOAUTH2\r\n"], Error::NoAuth),
        (&[hi, auth, "535 no\r\n"], Error::AuthFailed(535)),
        (&[hi, auth, "454 later\r\n"], Error::AuthFailed(454)),
        (&[hi, auth, "334 \r\n"], Error::Protocol("answers with an unexpected code")),
        (&[hi, auth, ok, "553 not yours\r\n"], Error::MailRefused(553)),
        (&[hi, auth, ok, yes, "550 nobody\r\n"], Error::RecipientRefused(550)),
        (&[hi, auth, ok, yes, "450 greylisted\r\n"], Error::RecipientDeferred(450)),
        (&[hi, auth, ok, yes, "421 bye\r\n"], Error::ServerRefused(421)),
        (&[hi, auth, ok, yes, yes, "554 no\r\n"], Error::MailRefused(554)),
        (&[hi, auth, ok, yes, yes, yes], Error::Protocol("answers with an unexpected code")),
        (&[hi, auth, ok, yes, yes, go, "552 spam\r\n"], Error::MailRefused(552)),
        (&[hi, auth, ok, yes, yes, go, "452 full\r\n"], Error::MailRefused(452)),
        (&[hi, auth, ok, yes, yes, go, go], Error::Protocol("answers with an unexpected code")),
        (&[hi, auth, ok, yes, yes, go], Error::Closed),
        (&[hi, "250-mx\r\n"], Error::Closed),
        (&[], Error::Closed),
    ];
    for (said, error) in cases {
        assert_eq!(run(TLS, said).result, Err(*error), "{said:?}");
    }
}

#[test]
fn only_what_may_change_by_itself_is_temporary() {
    for error in [Error::TimedOut, Error::Closed, Error::Unreachable, Error::RecipientDeferred(450)] {
        assert!(error.is_temporary(), "{error:?}");
    }
    for error in [Error::MailRefused(552), Error::AuthFailed(535), Error::NoStartTls, Error::Address] {
        assert!(!error.is_temporary(), "{error:?}");
    }
}

#[test]
fn a_line_with_a_dot_cannot_end_the_mail() {
    let text = ".\r\nRCPT TO:<eve@example.org>\n.\n..two\n";
    let data = envelope(text).data;
    let sent = String::from_utf8(stuffed(&data).to_vec()).unwrap();
    let (_, body) = sent.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "..\r\nRCPT TO:<eve@example.org>\r\n..\r\n...two\r\n.\r\n");
    assert_eq!(sent.matches("\r\n.\r\n").count(), 1);
}

#[test]
fn debug_shows_no_bytes() {
    assert_eq!(format!("{:?}", Step::Send(Zeroizing::new(b"fake-password".to_vec()))), "Send(…)");
}
