//! A TCP connection of the platform's, with TLS when it is asked for.
//!
//! The platform checks a server's certificate against the host name that was connected to, and agrees on TLS 1.2 or later.
//! It lets no Worker connect to port 25.

use crate::client_hello::{client_hello, is_server_hello};
use crate::context::random;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use js_sys::{Object, Reflect};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use worker::{Delay, worker_sys};

/// When TLS begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    /// With the connection. A failure then looks like any other failure to connect.
    FromTheStart,
    /// With [`Socket::start_tls`].
    Later,
    Never,
}

/// Why there is no connection, or no TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    Unreachable,
    /// The server speaks TLS, and its certificate is not trusted for the host.
    BadCertificate,
    TlsFailed,
}

/// The raw socket beside the one that reads and writes, whose `start_tls` would panic where the platform throws.
pub(super) struct Socket {
    raw: worker_sys::Socket,
    io: worker::Socket,
}

impl Socket {
    /// Begins to connect. That nobody answers shows at the first use, or in [`connected`](Self::connected).
    pub(super) fn open(host: &str, port: u16, tls: Tls) -> Result<Self, Lost> {
        let security = match tls {
            Tls::FromTheStart => "on",
            Tls::Later => "starttls",
            Tls::Never => "off",
        };
        let address = object([("hostname", host.into()), ("port", port.into())])?;
        let options = object([("secureTransport", security.into())])?;
        worker_sys::connect(address, options).map(Self::from).map_err(|_| Lost::Unreachable)
    }

    /// Waits for the connection, of TLS too if that has begun.
    pub(super) async fn connected(&self) -> Result<(), Lost> {
        self.io.opened().await.map(drop).map_err(|_| Lost::Unreachable)
    }

    /// Begins TLS. What was read from the network and not given away is dropped: it came from nobody knows whom.
    pub(super) fn start_tls(&mut self) -> Result<(), Lost> {
        let secure = self.raw.start_tls().map_err(|_| Lost::TlsFailed)?;
        self.io = worker::Socket::from(secure.clone());
        self.raw = secure;
        Ok(())
    }

    /// Begins TLS and waits until it stands.
    pub(super) async fn secure(&mut self) -> Result<(), Lost> {
        self.start_tls()?;
        self.connected().await.map_err(|_| Lost::TlsFailed)
    }

    /// Why [`secure`](Self::secure) failed on another connection that had come as far as this one.
    pub(super) async fn why_not_secure(&mut self, host: &str) -> Lost {
        let found = async {
            self.write_all(&client_hello(host, random().ok()?)).await.ok()?;
            let mut said = Vec::new();
            loop {
                let mut buffer = [0; 64];
                let read = self.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
                said.extend_from_slice(buffer.get(..read)?);
                if let Some(is_hello) = is_server_hello(&said) {
                    return Some(is_hello);
                }
            }
        };
        if found.await == Some(true) { Lost::BadCertificate } else { Lost::TlsFailed }
    }
}

/// What `future` comes to, if it does within `limit`.
pub(super) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), pin!(Delay::from(limit))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// However it ends: the object that connected may live on for hours.
impl Drop for Socket {
    fn drop(&mut self) {
        if let Ok(closed) = self.raw.close() {
            spawn_local(JsFuture::from(closed).map(drop));
        }
    }
}

impl From<worker_sys::Socket> for Socket {
    fn from(raw: worker_sys::Socket) -> Self {
        Self { io: worker::Socket::from(raw.clone()), raw }
    }
}

fn object<const N: usize>(properties: [(&str, JsValue); N]) -> Result<JsValue, Lost> {
    let object = Object::new();
    for (name, value) in properties {
        // Fails on frozen objects alone.
        Reflect::set(&object, &name.into(), &value).map_err(|_| Lost::Unreachable)?;
    }
    Ok(object.into())
}
