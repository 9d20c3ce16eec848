//! The server's side of one SMTP connection (RFC 5321), as far as a submission client needs it.

use super::{Mail, decode};
use anyhow::{Result, bail};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_LINE: u64 = 1000;
const MAX_MAIL: usize = 1024 * 1024;

/// Serves until QUIT, or until the client breaks the protocol: a browser that was sent to this port, for one.
pub(super) fn serve(stream: &TcpStream, take: &dyn Fn(Mail)) -> Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut lines = Lines(BufReader::new(stream));
    let say = |reply: &str| -> Result<()> {
        let mut stream = stream;
        Ok(stream.write_all(format!("{reply}\r\n").as_bytes())?)
    };
    let mut from = None;
    let mut to = Vec::new();
    say("220 mail sink")?;
    loop {
        let line = String::from_utf8(lines.next()?)?;
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        match (verb.to_ascii_uppercase().as_str(), &from) {
            ("EHLO" | "HELO" | "RSET", _) => {
                from = None;
                to.clear();
                say("250 mail sink")?;
            }
            ("NOOP", _) => say("250 fine")?,
            ("QUIT", _) => return say("221 goodbye"),
            ("MAIL", None) => match path(argument, "FROM:") {
                Some(path) => {
                    from = Some(path);
                    say("250 sender noted")?;
                }
                None => say("501 MAIL FROM:<address>")?,
            },
            ("RCPT", Some(_)) => match path(argument, "TO:").filter(|path| !path.is_empty()) {
                Some(path) => {
                    to.push(path);
                    say("250 recipient noted")?;
                }
                None => say("501 RCPT TO:<address>")?,
            },
            ("DATA", Some(sender)) if !to.is_empty() => {
                say("354 end with a dot")?;
                let (subject, text) = decode::mail(&lines.mail()?);
                let received_at = SystemTime::now();
                for to in to.drain(..) {
                    let (from, subject, text) = (sender.clone(), subject.clone(), text.clone());
                    take(Mail { from, to, subject, text, received_at });
                }
                from = None;
                say("250 taken")?;
            }
            ("MAIL" | "RCPT" | "DATA", _) => say("503 not now")?,
            _ => {
                say("500 unknown command")?;
                bail!("not an SMTP client");
            }
        }
    }
}

/// `FROM:<address>`, parameters ignored.
fn path(argument: &str, prefix: &str) -> Option<String> {
    let (head, rest) = argument.split_at_checked(prefix.len())?;
    let (path, _) = rest.strip_prefix('<')?.split_once('>')?;
    head.eq_ignore_ascii_case(prefix).then(|| path.to_owned())
}

struct Lines<'a>(BufReader<&'a TcpStream>);

impl Lines<'_> {
    /// The next line without its CRLF.
    fn next(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.0).take(MAX_LINE).read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n") {
            Some(line) if !line.contains(&b'\r') => Ok(line.to_vec()),
            _ => bail!("not a line of at most {MAX_LINE} bytes that ends in CRLF"),
        }
    }

    /// The lines up to the single dot, each without the dot that was put before it.
    fn mail(&mut self) -> Result<Vec<u8>> {
        let mut mail = Vec::new();
        loop {
            let line = self.next()?;
            if line == b"." {
                return Ok(mail);
            }
            mail.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            mail.extend_from_slice(b"\r\n");
            if mail.len() > MAX_MAIL {
                bail!("a mail of more than {MAX_MAIL} bytes");
            }
        }
    }
}
