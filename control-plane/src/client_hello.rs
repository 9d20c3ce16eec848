//! Tells a bad certificate from no TLS at all, once a handshake has failed.
//!
//! The platform says of a failed handshake that it failed and nothing else: "internal error" for an expired certificate, one
//! of another name, one that nobody vouches for, an old TLS and a server that speaks none. So the same server is asked
//! again, in a ClientHello of our own (RFC 8446 §4.1.2) that goes no further: if it answers with a ServerHello of TLS 1.2
//! or 1.3, all is well up to its certificate. No secret is near, and nothing of this decides what is trusted.

const RECORD_HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
/// Also that of TLS 1.3, which is told by an extension.
const TLS_1_2: [u8; 2] = [3, 3];

/// TLS 1.3's, and what TLS 1.2 has of ephemeral keys with AEAD.
const CIPHER_SUITES: [u16; 9] = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9];
/// x25519, P-256, P-384.
const GROUPS: [u16; 3] = [0x001d, 0x0017, 0x0018];
/// ECDSA, Ed25519, RSA-PSS, RSA PKCS #1: each with SHA-256 and up.
const SIGNATURES: [u16; 9] = [0x0403, 0x0503, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601];

/// A ClientHello for `host`, with no key in it: a server of TLS 1.3 asks for one then, in a ServerHello.
#[must_use]
pub fn client_hello(host: &str, random: [u8; 32]) -> Vec<u8> {
    let mut extensions = Vec::new();
    // Names alone, not addresses (RFC 6066 §3).
    if host.bytes().any(|byte| byte.is_ascii_alphabetic()) && !host.starts_with('[') {
        let name = [&[0][..], &counted(host.as_bytes())].concat();
        extension(&mut extensions, 0, &counted(&name));
    }
    extension(&mut extensions, 10, &counted(&words(&GROUPS)));
    // Points uncompressed.
    extension(&mut extensions, 11, &[1, 0]);
    extension(&mut extensions, 13, &counted(&words(&SIGNATURES)));
    extension(&mut extensions, 43, &[4, 3, 4, 3, 3]);
    extension(&mut extensions, 51, &counted(&[]));

    let mut hello = TLS_1_2.to_vec();
    hello.extend_from_slice(&random);
    // No session to resume.
    hello.push(0);
    hello.extend_from_slice(&counted(&words(&CIPHER_SUITES)));
    // No compression.
    hello.extend_from_slice(&[1, 0]);
    hello.extend_from_slice(&counted(&extensions));

    let handshake = [&[1, 0][..], &counted(&hello)].concat();
    [&[RECORD_HANDSHAKE, 3, 1][..], &counted(&handshake)].concat()
}

/// Whether what the server said begins a ServerHello of TLS 1.2 or 1.3; `None` while too little of it is there.
#[must_use]
pub fn is_server_hello(said: &[u8]) -> Option<bool> {
    if said.first().is_some_and(|kind| *kind != RECORD_HANDSHAKE) {
        return Some(false);
    }
    // Record: kind, version, length; handshake: kind, length; then the version.
    let [_, _, _, _, _, kind, _, _, _, version @ ..] = said.first_chunk::<11>()?;
    Some(*kind == SERVER_HELLO && *version == TLS_1_2)
}

fn extension(out: &mut Vec<u8>, kind: u16, body: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&counted(body));
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// `body` behind its length. A host name has at most 253 bytes, so nothing here comes near 65,535.
fn counted(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u16).to_be_bytes()[..], body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_counts_its_own_bytes_and_names_hosts_alone() {
        for (host, named) in [("mail.example.com", true), ("192.0.2.1", false), ("[2001:db8::1]", false)] {
            let hello = client_hello(host, [7; 32]);
            assert_eq!(usize::from(u16::from_be_bytes([hello[3], hello[4]])), hello.len() - 5);
            assert_eq!(hello[5..7], [1, 0]);
            assert_eq!(usize::from(u16::from_be_bytes([hello[7], hello[8]])), hello.len() - 9);
            assert_eq!(hello.windows(host.len()).any(|part| part == host.as_bytes()), named, "{host}");
        }
    }

    #[test]
    fn only_a_server_hello_of_tls_1_2_counts() {
        let hello = [22, 3, 3, 0, 80, 2, 0, 0, 76, 3, 3, 9];
        assert_eq!(is_server_hello(&hello), Some(true));
        assert_eq!(is_server_hello(&hello[..10]), None);
        assert_eq!(is_server_hello(&[]), None);
        assert_eq!(is_server_hello(&[22, 3, 2, 0, 80, 2, 0, 0, 76, 3, 2]), Some(false), "TLS 1.1");
        assert_eq!(is_server_hello(&[21, 3, 3, 0, 2, 2, 70]), Some(false), "an alert");
        assert_eq!(is_server_hello(b"220 mx.example.com ready"), Some(false));
        assert_eq!(is_server_hello(&[22, 3, 3, 0, 80, 11, 0, 0, 76, 3, 3]), Some(false), "another message");
    }
}
