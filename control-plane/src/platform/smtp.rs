//! Hands one mail to the submission server, over the platform's TCP socket: the I/O around [`mail::Client`], which decides
//! everything.

use super::now_ms;
use super::socket::{Socket, Tls};
use futures_util::future::{Either, select};
use mail::{Client, Envelope, Error, Message, QUIT, Security, Step, Transport};
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use worker::Delay;

/// For the whole submission. Somebody waits for it.
const LIMIT: Duration = Duration::from_secs(15);
/// More than any honest reply: most have one line.
const READ_BYTES: usize = 4096;

/// Sends `message` now. `id`, fresh random bytes, names it.
///
/// # Errors
/// When the server has not taken the mail within 15 s; [`Error::is_temporary`] says whether to try again.
pub(crate) async fn send(transport: &Transport, message: &Message, id: [u8; 16]) -> Result<(), Error> {
    let envelope = message.encode(now_ms() / 1000, id)?;
    let mut limit = pin!(Delay::from(LIMIT));
    let tls = match transport.security() {
        Security::Tls => Tls::FromTheStart,
        Security::StartTls => Tls::Later,
        Security::Plain => Tls::Never,
    };
    let mut socket = Socket::open(transport.host(), transport.port(), tls).map_err(|_| Error::Unreachable)?;
    let result = match select(pin!(submit(&mut socket, transport, &envelope)), limit.as_mut()).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(Error::TimedOut),
    };
    if result.is_ok() {
        // A courtesy: the mail is taken.
        let _ = select(pin!(socket.write_all(QUIT)), limit).await;
    }
    result
}

async fn submit(socket: &mut Socket, transport: &Transport, envelope: &Envelope) -> Result<(), Error> {
    let mut client = Client::new(transport, envelope);
    let mut buffer = vec![0; READ_BYTES];
    // A failure to connect, or of TLS, shows at the first use of the socket.
    let mut lost = Error::Unreachable;
    loop {
        match client.step() {
            Step::Send(bytes) => socket.write_all(&bytes).await.map_err(|_| lost)?,
            Step::StartTls => {
                lost = Error::Unreachable;
                socket.start_tls().map_err(|_| lost)?;
            }
            Step::Read => {
                let read = socket.read(&mut buffer).await.map_err(|_| lost)?;
                let said = buffer.get(..read).filter(|said| !said.is_empty()).ok_or(lost)?;
                lost = Error::Closed;
                client.receive(said)?;
            }
            Step::Done => return Ok(()),
        }
    }
}
