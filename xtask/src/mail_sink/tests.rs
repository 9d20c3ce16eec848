use super::*;
use mail::{Address, Client, Content, Error, Mailbox, Message, QUIT, Step, Transport};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

const TO: &str = "ada@example.com";
const PATIENCE: Duration = Duration::from_secs(5);

/// What the control plane does, over a native socket.
fn send(sink: &MailSink, subject: &str, text: &str) -> Result<(), Error> {
    let message = Message {
        from: Mailbox::new("Äcme", Address::parse("no-reply@acme.example").unwrap()).unwrap(),
        to: Address::parse(TO).unwrap(),
        content: Content { subject: subject.to_owned(), text: text.to_owned().into() },
    };
    let (transport, envelope) =
        (Transport::parse(&sink.transport(), true).unwrap(), message.encode(0, [0; 16]).unwrap());
    let mut stream = TcpStream::connect((transport.host(), transport.port())).unwrap();
    let mut client = Client::new(&transport, &envelope);
    // One byte a read: replies come in pieces.
    let mut buffer = [0];
    loop {
        match client.step() {
            Step::Send(bytes) => stream.write_all(&bytes).unwrap(),
            Step::StartTls => panic!("the sink has no TLS"),
            Step::Read => {
                let read = stream.read(&mut buffer).unwrap();
                client.receive(&buffer[..read])?;
            }
            Step::Done => break,
        }
    }
    stream.write_all(QUIT).unwrap();
    let mut goodbye = String::new();
    stream.read_to_string(&mut goodbye).unwrap();
    assert_eq!(goodbye, "221 goodbye\r\n");
    Ok(())
}

/// The replies to `said`, up to the connection's end.
fn talk(sink: &MailSink, said: &str) -> String {
    let mut stream = TcpStream::connect(sink.address()).unwrap();
    stream.write_all(said.as_bytes()).unwrap();
    let mut replies = String::new();
    stream.read_to_string(&mut replies).unwrap();
    replies
}

fn get(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn our_client_delivers_any_mail_as_it_was_written() {
    let sink = MailSink::start(0).unwrap();
    for (subject, text) in [
        ("Hello", "One\n\nhttps://acme.example/verify?token=a=b\n"),
        (
            "Grüße von Żółć, 今日は, und noch viel mehr, so dass es mehrere Wörter werden",
            "ä\n.\n..\n.x\nend \n",
        ),
        ("=?utf-8?B?ZXZl?=", "a=3Db =\n"),
        ("x", &format!("https://acme.example/{}\n", "=.".repeat(500))),
    ] {
        send(&sink, subject, text).unwrap();
        let mail = sink.wait_for(TO, |mail| mail.subject == subject, PATIENCE).unwrap();
        assert_eq!((mail.from.as_str(), mail.text.as_str()), ("no-reply@acme.example", text));
    }
    assert_eq!(sink.mails().len(), 4);
    assert_eq!(sink.mails()[0].link(), Some("https://acme.example/verify?token=a=b"));
}

#[test]
fn waiting_ends_with_the_mail_or_the_timeout() {
    let sink = MailSink::start(0).unwrap();
    assert_eq!(sink.wait_for(TO, |_| true, Duration::from_millis(20)), None);
    let later = sink.clone();
    let sender = thread::spawn(move || send(&later, "late", "x"));
    assert!(sink.wait_for(TO, |mail| mail.subject == "late", PATIENCE).is_some());
    assert_eq!(sink.wait_for("eve@example.org", |_| true, Duration::from_millis(20)), None);
    sender.join().unwrap().unwrap();
}

#[test]
fn it_is_told_of_each_mail_and_keeps_the_last_ones() {
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    let sink = MailSink::start_with(0, move |_| *count.lock().unwrap() += 1).unwrap();
    let one = "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n";
    talk(&sink, &format!("EHLO x\r\n{}QUIT\r\n", one.repeat(KEPT + 5)));
    assert_eq!(sink.mails().len(), KEPT);
    assert_eq!(*told.lock().unwrap(), KEPT + 5);
}

#[test]
fn a_client_that_breaks_the_protocol_delivers_nothing() {
    let sink = MailSink::start(0).unwrap();
    let rest = "RCPT TO:<d@e.f>\r\nDATA\r\n\r\nx\r\n.\r\nQUIT\r\n";
    // A browser that was lured to this port.
    let http = format!("POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\nMAIL FROM:<a@b.c>\r\n{rest}");
    for said in [http.as_str(), &format!("EHLO x\r\n{rest}"), "EHLO x\nMAIL FROM:<a@b.c>\n"] {
        let mut stream = TcpStream::connect(sink.address()).unwrap();
        stream.write_all(said.as_bytes()).unwrap();
        // It may be reset while we still speak.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    // A bare line feed cannot end a mail.
    let smuggled = "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nx\n.\nMAIL FROM:<e@v.e>\r\n.\r\n";
    let _ = TcpStream::connect(sink.address()).unwrap().write_all(smuggled.as_bytes());
    assert_eq!(sink.wait_for("d@e.f", |_| true, Duration::from_millis(100)), None);
    assert!(sink.mails().is_empty());
}

#[test]
fn the_page_shows_mails_escaped_and_links_links_alone() {
    let sink = MailSink::start(0).unwrap();
    let text = "<script>alert(1)</script>\nhttps://acme.example/?a=1&b=\"2\"\njavascript:alert(1)\n";
    send(&sink, "<b>first</b>", text).unwrap();
    send(&sink, "second", "x").unwrap();
    let port = sink.serve_page(0).unwrap();
    let page = get(port, &format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"));
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(page.contains("&lt;b&gt;first&lt;/b&gt;") && page.contains("&lt;script&gt;"));
    assert!(page.contains(r#"<a href="https://acme.example/?a=1&amp;b=&quot;2&quot;">"#));
    assert_eq!(page.matches("<a ").count(), 1);
    assert!(page.find("second").unwrap() < page.find("first").unwrap());
}

#[test]
fn the_page_answers_to_this_machines_names_alone() {
    let sink = MailSink::start(0).unwrap();
    send(&sink, "fake-secret", "x").unwrap();
    let port = sink.serve_page(0).unwrap();
    for request in [
        format!("GET / HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n"),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        format!("GET /x HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"),
    ] {
        let answer = get(port, &request);
        assert!(answer.starts_with("HTTP/1.1 4") && !answer.contains("fake-secret"), "{answer}");
    }
}
