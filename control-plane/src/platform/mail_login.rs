//! Tries a login on a customer's mail server, over the platform's TCP socket: the I/O around [`mail::login`], which decides
//! everything.
//!
//! Whoever calls has checked that the host is one to connect to: [`connectors::check_host`].

use super::socket::{Lost, Socket, Tls, within};
use mail::Step;
use mail::login::{Credentials, Login, LoginFailure, LoginSecurity, Protocol};
use secrecy::SecretString;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// For the login and, should TLS fail, for finding out why. Somebody waits for it.
const LIMIT: Duration = Duration::from_secs(10);
/// For saying goodbye, where nothing depends on it any more.
const FAREWELL: Duration = Duration::from_secs(1);
const READ_BYTES: usize = 4096;

/// A mail server.
#[derive(Clone, Copy)]
pub(crate) struct MailServer<'a> {
    /// What it speaks.
    pub protocol: Protocol,
    /// A host name, an IPv4 address, or an IPv6 address in brackets.
    pub host: &'a str,
    /// Not 25.
    pub port: u16,
    /// When TLS begins.
    pub security: LoginSecurity,
}

/// Whether the server lets this user in, now.
///
/// # Errors
/// Why not, within 10 s.
pub(crate) async fn verify(
    server: MailServer<'_>,
    username: &str,
    password: &SecretString,
) -> Result<(), LoginFailure> {
    let credentials = Credentials::new(username, password)?;
    let attempt = async {
        let login = Login::new(server.protocol, server.security, credentials.clone());
        match attempt(server, login, false).await {
            // The same again, up to where TLS would begin.
            Err(LoginFailure::TlsFailed) => {
                let login = Login::new(server.protocol, server.security, credentials);
                attempt(server, login, true).await
            }
            result => result,
        }
    };
    within(LIMIT, attempt).await.unwrap_or(Err(LoginFailure::TimedOut))
}

/// One connection. With `probe`, it is only asked what is wrong with its TLS.
async fn attempt(server: MailServer<'_>, mut login: Login, probe: bool) -> Result<(), LoginFailure> {
    let mut socket = Socket::open(server.host, server.port, Tls::Later)?;
    // So that no answer is told from no TLS.
    socket.connected().await?;
    if server.security == LoginSecurity::Tls {
        secure(&mut socket, server.host, probe).await?;
    }
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match login.step() {
            Step::Send(bytes) => {
                socket
                    .write_all(&bytes)
                    .await
                    .map_err(|_| LoginFailure::Protocol("closes the connection"))?;
            }
            Step::StartTls => secure(&mut socket, server.host, probe).await?,
            Step::Read => {
                let read = socket.read(&mut buffer).await.unwrap_or(0);
                login.receive(buffer.get(..read).unwrap_or_default())?;
            }
            Step::Done => {
                let _ = within(FAREWELL, socket.write_all(login.farewell())).await;
                return Ok(());
            }
        }
    }
}

async fn secure(socket: &mut Socket, host: &str, probe: bool) -> Result<(), Lost> {
    if probe { Err(socket.why_not_secure(host).await) } else { socket.secure().await }
}

impl From<Lost> for LoginFailure {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Unreachable => Self::Unreachable,
            Lost::BadCertificate => Self::BadCertificate,
            Lost::TlsFailed => Self::TlsFailed,
        }
    }
}
