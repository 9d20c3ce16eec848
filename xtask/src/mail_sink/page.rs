//! The mails as a page, for the developer's browser.
//!
//! Whoever reads them can sign in as anyone in this checkout, so the page answers only to a browser that was sent to
//! this machine by name: another site's name that resolves to 127.0.0.1 gets nothing (DNS rebinding).

use super::{Mail, MailSink, is_link};
use anyhow::{Context as _, Result};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, SystemTime};

const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_HEAD: u64 = 16 * 1024;
const STYLE: &str = "body{font:16px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}\
    article{border-top:1px solid #ccc;padding:.5rem 0}h2{font-size:1.1rem;margin:.5rem 0}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}small{color:#555}";

pub(super) fn serve(sink: MailSink, port: u16) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("the mail page needs port {port}"))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sink = sink.clone();
            thread::spawn(move || drop(answer(&stream, &sink)));
        }
    });
    Ok(port)
}

fn answer(mut stream: &TcpStream, sink: &MailSink) -> Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut lines = BufReader::new(stream.take(MAX_HEAD)).lines();
    let request = lines.next().context("no request")??;
    let mut local = false;
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("host") {
            let host = value.trim().rsplit_once(':').map_or(value.trim(), |(host, _)| host);
            local = matches!(host, "localhost" | "127.0.0.1");
        }
    }
    let (status, body) = match request.as_str() {
        _ if !local => ("421 Misdirected Request", String::new()),
        "GET / HTTP/1.1" => ("200 OK", page(&sink.mails()).into_string()),
        _ => ("404 Not Found", String::new()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}

fn page(mails: &[Mail]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content="3";
                title { "Mail (development)" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Mail" }
                p { "What this checkout's Sluicegate has sent. Nothing leaves this machine." }
                @if mails.is_empty() { p { "None yet." } }
                @for mail in mails.iter().rev() { (article(mail)) }
            }
        }
    }
}

fn article(mail: &Mail) -> Markup {
    let age = SystemTime::now().duration_since(mail.received_at).unwrap_or_default().as_secs();
    html! {
        article {
            h2 { (mail.subject) }
            small { "to " (mail.to) ", from " (mail.from) ", " (age) " s ago" }
            pre {
                @for line in mail.text.lines() {
                    @if is_link(line) { a href=(line) { (line) } } @else { (line) }
                    "\n"
                }
            }
        }
    }
}
