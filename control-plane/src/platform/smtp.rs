//! Hands one mail to the submission server, over the platform's TCP socket: the I/O around [`mail::Client`], which decides
//! everything.
//!
//! The platform checks the server's certificate against the transport's host name. It lets no Worker connect to port 25.

use super::now_ms;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use js_sys::{Object, Reflect};
use mail::{Client, Envelope, Error, Message, QUIT, Security, Step, Transport};
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use worker::{Delay, Socket, worker_sys};

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
    let mut connection = Connection::open(transport)?;
    let result = match select(pin!(connection.submit(transport, &envelope)), limit.as_mut()).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(Error::TimedOut),
    };
    if result.is_ok() {
        // A courtesy: the mail is taken.
        let _ = select(pin!(connection.io.write_all(QUIT)), limit).await;
    }
    result
}

/// The raw socket beside the one that reads and writes, whose `start_tls` would panic where the platform throws.
struct Connection {
    raw: worker_sys::Socket,
    io: Socket,
}

impl Connection {
    fn open(transport: &Transport) -> Result<Self, Error> {
        let security = match transport.security() {
            Security::Tls => "on",
            Security::StartTls => "starttls",
            Security::Plain => "off",
        };
        let address = object([("hostname", transport.host().into()), ("port", transport.port().into())])?;
        let options = object([("secureTransport", security.into())])?;
        worker_sys::connect(address, options).map(Self::from).map_err(|_| Error::Unreachable)
    }

    async fn submit(&mut self, transport: &Transport, envelope: &Envelope) -> Result<(), Error> {
        let mut client = Client::new(transport, envelope);
        let mut buffer = vec![0; READ_BYTES];
        // A failure to connect, or of TLS, shows at the first use of the socket.
        let mut lost = Error::Unreachable;
        loop {
            match client.step() {
                Step::Send(bytes) => self.io.write_all(&bytes).await.map_err(|_| lost)?,
                Step::StartTls => {
                    lost = Error::Unreachable;
                    let secure = self.raw.start_tls().map_err(|_| lost)?;
                    // What the old one had read and not given away goes with it.
                    (self.raw, self.io) = (secure.clone(), Socket::from(secure));
                }
                Step::Read => {
                    let read = self.io.read(&mut buffer).await.map_err(|_| lost)?;
                    let said = buffer.get(..read).filter(|said| !said.is_empty()).ok_or(lost)?;
                    lost = Error::Closed;
                    client.receive(said)?;
                }
                Step::Done => return Ok(()),
            }
        }
    }
}

/// However it ends: the object that sends may live on for hours.
impl Drop for Connection {
    fn drop(&mut self) {
        if let Ok(closed) = self.raw.close() {
            spawn_local(JsFuture::from(closed).map(drop));
        }
    }
}

impl From<worker_sys::Socket> for Connection {
    fn from(raw: worker_sys::Socket) -> Self {
        Self { io: Socket::from(raw.clone()), raw }
    }
}

fn object<const N: usize>(properties: [(&str, JsValue); N]) -> Result<JsValue, Error> {
    let object = Object::new();
    for (name, value) in properties {
        // Fails on frozen objects alone.
        Reflect::set(&object, &name.into(), &value).map_err(|_| Error::Unreachable)?;
    }
    Ok(object.into())
}
