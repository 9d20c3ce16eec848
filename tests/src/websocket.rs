//! WebSocket frames on the wire (RFC 6455, section 5), as far as a test's client and upstream need them: whole messages
//! under 126 bytes, no extension.

use crate::random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use std::io::{self, Read, Write};

/// The opcode of a text message.
pub const TEXT: u8 = 1;
/// The opcode of a binary message.
pub const BINARY: u8 = 2;
/// The opcode of a close frame.
pub const CLOSE: u8 = 8;

/// `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`.
pub fn accept_of(key: &str) -> String {
    STANDARD.encode(Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")))
}

/// Which end writes: a client masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum End {
    Client,
    Server,
}

/// Writes a frame.
///
/// # Errors
/// Those of the socket.
///
/// # Panics
/// For a payload of 126 bytes or more.
pub fn write(mut writer: impl Write, from: End, opcode: u8, payload: &[u8]) -> io::Result<()> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).expect("a short payload");
    let mut frame = vec![0x80 | opcode];
    match from {
        End::Server => {
            frame.push(length);
            frame.extend(payload);
        }
        End::Client => {
            let mask = random::bytes(4);
            frame.push(0x80 | length);
            frame.extend(&mask);
            frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        }
    }
    writer.write_all(&frame)
}

/// Reads a frame: its opcode and payload, unmasked.
///
/// # Errors
/// Those of the socket.
///
/// # Panics
/// For a frame that is in parts, extended, or not short.
pub fn read(mut reader: impl Read) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    reader.read_exact(&mut head)?;
    let [first, second] = head;
    assert_eq!(first & 0xf0, 0x80, "one frame a message, no extension");
    let length = second & 0x7f;
    assert!(length < 126, "a short payload");
    let mut mask = [0; 4];
    if second & 0x80 != 0 {
        reader.read_exact(&mut mask)?;
    }
    let mut payload = vec![0; usize::from(length)];
    reader.read_exact(&mut payload)?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok((first & 0x0f, payload))
}
