//! A relay that keeps every byte that passes, of either direction.

use e2e::wire::{Body, Framing, Head};
use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// What passed, a talk each connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Arc<Talk>>>>);

#[derive(Debug, Default)]
struct Talk {
    asked: Mutex<Vec<u8>>,
    answered: Mutex<Vec<u8>>,
}

/// A request or an answer, its body as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// All of it, without the framing that could stand within a secret.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let fields = self.head.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let head = format!("{}\r\n{}\r\n", self.head.first, fields.collect::<String>());
        [head.as_bytes(), &self.body].concat()
    }
}

impl Recorder {
    /// Before a server on TCP: the recorder's own address.
    pub(crate) fn tcp(to: SocketAddr) -> (Self, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let recorder = Self::default();
        recorder.relay(move || Ok((listener.accept()?.0, TcpStream::connect(to)?)));
        (recorder, address)
    }

    /// Before a server on a Unix socket, which need not be there yet.
    pub(crate) fn unix(at: &Path, to: PathBuf) -> Self {
        let listener = UnixListener::bind(at).unwrap();
        let recorder = Self::default();
        recorder.relay(move || Ok((listener.accept()?.0, UnixStream::connect(&to)?)));
        recorder
    }

    /// The raw bytes of all requests.
    pub(crate) fn asked(&self) -> Vec<u8> {
        self.talks().iter().flat_map(|talk| talk.asked.lock().unwrap().clone()).collect()
    }

    /// The raw bytes of all answers.
    pub(crate) fn answered(&self) -> Vec<u8> {
        self.talks().iter().flat_map(|talk| talk.answered.lock().unwrap().clone()).collect()
    }

    /// Each request with its answer, as far as both are whole.
    pub(crate) fn exchanges(&self) -> Vec<(Message, Message)> {
        let of_talk = |talk: &Arc<Talk>| -> Vec<(Message, Message)> {
            let asked = messages(&talk.asked.lock().unwrap(), Framing::Length(0));
            let answered = messages(&talk.answered.lock().unwrap(), Framing::UntilClose);
            asked.into_iter().zip(answered).collect()
        };
        self.talks().iter().flat_map(of_talk).collect()
    }

    fn talks(&self) -> Vec<Arc<Talk>> {
        self.0.lock().unwrap().clone()
    }

    fn relay<S: Stream>(&self, mut next: impl FnMut() -> io::Result<(S, S)> + Send + 'static) {
        let talks = self.0.clone();
        thread::spawn(move || {
            loop {
                // Where nobody answers the one who asks is hung up on.
                let Ok((client, server)) = next() else { continue };
                let talk = Arc::<Talk>::default();
                talks.lock().unwrap().push(talk.clone());
                let (Ok(from), Ok(to)) = (client.twin(), server.twin()) else { continue };
                let asked = talk.clone();
                thread::spawn(move || pass(from, to, &asked.asked));
                thread::spawn(move || pass(server, client, &talk.answered));
            }
        });
    }
}

/// Keeps what comes, then hands it on, to the end of the stream.
fn pass(mut from: impl Stream, mut to: impl Stream, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        kept.lock().unwrap().extend_from_slice(&buffer[..read]);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    to.end();
}

/// The messages of one direction of a connection. `or` is how one is framed that does not say.
fn messages(mut bytes: &[u8], or: Framing) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut reader = BufReader::new(&mut bytes);
    while let Ok(Some(head)) = Head::read(&mut reader) {
        let status = head.first.split(' ').nth(1).unwrap_or_default();
        let is_empty = or == Framing::UntilClose && ["204", "304"].contains(&status);
        let framing = if is_empty { Framing::Length(0) } else { head.framing(or) };
        let mut body = Body::new(reader, framing);
        let Ok(whole) = body.rest() else { break };
        messages.push(Message { head, body: whole });
        reader = body.into_inner();
    }
    messages
}

trait Stream: Read + Write + Send + Sized + 'static {
    fn twin(&self) -> io::Result<Self>;
    fn end(&self);
}

impl Stream for TcpStream {
    fn twin(&self) -> io::Result<Self> {
        self.try_clone()
    }
    fn end(&self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}

impl Stream for UnixStream {
    fn twin(&self) -> io::Result<Self> {
        self.try_clone()
    }
    fn end(&self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}
