//! The connection under a warehouse query, and its answer on the way out: the I/O around [`crate::warehouse`].
//!
//! One connection a query, dropped with the answer's stream, so that a caller who goes away ends the statement too. While
//! there is no row yet, workerd does not notice that he has gone: then the statement's own limit ends it. Whoever calls has
//! checked that the host is one to connect to: [`connectors::check_host`].

use super::now_ms;
use super::socket::{Lost, Socket, Tls, within};
use crate::context::random;
use crate::remote;
use crate::warehouse::{Failure, Login, Query, Rows, Session};
use futures_util::stream;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use worker::Response;

/// Until the statement goes out: connecting, TLS, signing in, looking at the role.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// For the whole, from connecting to the last row.
const LIMIT_MS: u64 = 60_000;
/// For the statement, until its last row is taken: a caller who stops reading does not keep it running either.
const STATEMENT_MS: u32 = 30_000;
/// Of an answer.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// SSLRequest: its length and its code (<https://www.postgresql.org/docs/current/protocol-flow.html>).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A database and whose login it is.
#[derive(Clone, Copy)]
pub(crate) struct Database<'a> {
    /// A host name, an IPv4 address, or an IPv6 address in brackets.
    pub host: &'a str,
    /// Usually 5432.
    pub port: u16,
    /// Without TLS: for development, on this machine.
    pub is_plain: bool,
    /// User, password and the database's name.
    pub login: &'a Login,
    /// Whether a role that could write is taken.
    pub may_write: bool,
}

/// The database of a connection.
pub(crate) fn of<'a>(of: &remote::Login<'a>, login: &'a Login) -> Database<'a> {
    Database { host: of.host, port: of.port, is_plain: false, login, may_write: of.allow_writable_role }
}

/// Whether a query could be asked: signs in and looks at what the role may do.
///
/// # Errors
/// Why not, within 10 s.
pub(crate) async fn check(database: Database<'_>) -> Result<(), Failure> {
    open(database).await.map(drop)
}

/// Asks `query`; the answer's rows are streamed, as JSON. A failure underway breaks the stream off.
///
/// # Errors
/// Why there is no first row.
pub(crate) async fn query(database: Database<'_>, query: &Query) -> Result<Response, Failure> {
    let deadline = now_ms() + LIMIT_MS;
    let session = open(database).await?;
    let rows = until(deadline, session.query(query, MAX_BYTES)).await?;
    let pieces = stream::try_unfold(rows, move |mut rows: Rows<Socket>| async move {
        let piece = until(deadline, rows.next()).await;
        // Not what PostgreSQL said, which could be logged on the way.
        let piece = piece.map_err(|failure| worker::Error::RustError(failure.to_string()))?;
        Ok::<_, worker::Error>(piece.map(|piece| (piece, rows)))
    });
    let response = Response::from_stream(pieces).map_err(|_| Failure::Closed)?;
    response.headers().set("content-type", "application/json").map_err(|_| Failure::Closed)?;
    Ok(response)
}

async fn open(database: Database<'_>) -> Result<Session<Socket>, Failure> {
    let opening = async {
        let socket = match connect(database, false).await {
            // The same again, up to where TLS would begin.
            Err(Failure::TlsFailed) => connect(database, true).await?,
            result => result?,
        };
        let nonce = random().map_err(|_| Failure::Unreachable)?;
        let mut session = Session::open(socket, database.is_plain, database.login, nonce).await?;
        session.begin(database.may_write, STATEMENT_MS).await?;
        Ok(session)
    };
    within(OPEN_LIMIT, opening).await.unwrap_or(Err(Failure::TimedOut))
}

/// A connection on which TLS stands. With `probe`, it is only asked what is wrong with its TLS.
async fn connect(database: Database<'_>, probe: bool) -> Result<Socket, Failure> {
    let mut socket = Socket::open(database.host, database.port, Tls::Later)?;
    socket.connected().await?;
    if database.is_plain {
        return Ok(socket);
    }
    socket.write_all(&SSL_REQUEST).await.map_err(|_| Failure::Closed)?;
    // Room for more than the one byte, to see whether somebody on the way has put words of theirs behind it
    // (CVE-2021-23222).
    let mut answer = [0; 2];
    let read = socket.read(&mut answer).await.map_err(|_| Failure::Closed)?;
    match answer.get(..read) {
        Some(b"S") => {}
        Some(b"N") => return Err(Failure::NoTls),
        Some(b"") => return Err(Failure::Closed),
        _ => return Err(Failure::Protocol("answers with what was not asked")),
    }
    if probe {
        return Err(socket.why_not_secure(database.host).await.into());
    }
    socket.secure().await?;
    Ok(socket)
}

async fn until<T>(deadline: u64, future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let left = Duration::from_millis(deadline.saturating_sub(now_ms()));
    within(left, future).await.unwrap_or(Err(Failure::TimedOut))
}

impl From<Lost> for Failure {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Unreachable => Self::Unreachable,
            Lost::BadCertificate => Self::BadCertificate,
            Lost::TlsFailed => Self::TlsFailed,
        }
    }
}
