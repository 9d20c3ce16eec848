//! SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side. The server has to prove that it knows the password too.
//!
//! The password is prepared as PostgreSQL does it, by the mappings of SASLprep (RFC 4013). Its prohibitions are left out: text that
//! runs both ways, or holds characters for private use, is mapped here and used as it is there, and does not sign in.

use super::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// They are computed in one piece, in which the org's object answers nobody else: so that no server makes that long. These
/// take some ten milliseconds; PostgreSQL's default is 4,096.
const MAX_ITERATIONS: u32 = 20_000;
const MAX_SALT: usize = 256;
/// The most that NFKC makes of a byte of UTF-8 (UAX 15, section 12).
const MOST_GROWTH: usize = 11;
/// Of no channel binding: base64 of `n,,`.
const CHANNEL: &str = "c=biws";
const WRONG: Failure = Failure::Protocol("does not sign in as SCRAM does");

/// After the client's first message.
pub(super) struct Scram {
    nonce: String,
}

/// After the client's last message: what the server has to answer.
pub(super) struct Proven {
    server_key: Zeroizing<[u8; 32]>,
    transcript: String,
}

impl Scram {
    /// `nonce` is fresh random bytes.
    pub(super) fn new(nonce: [u8; 18]) -> Self {
        Self { nonce: STANDARD.encode(nonce) }
    }

    /// The client's first message.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.first_bare())
    }

    /// PostgreSQL takes the user from the startup message.
    fn first_bare(&self) -> String {
        format!("n=,r={}", self.nonce)
    }

    /// The client's last message, by the server's first.
    pub(super) fn last(self, password: &str, server_first: &str) -> Result<(String, Proven), Failure> {
        let mut fields = server_first.split(',');
        let mut field = |name: &str| fields.next().and_then(|field| field.strip_prefix(name)).ok_or(WRONG);
        let (nonce, salt, iterations) = (field("r=")?, field("s=")?, field("i=")?);
        if fields.next().is_some() || nonce.len() <= self.nonce.len() || !nonce.starts_with(&self.nonce) {
            return Err(WRONG);
        }
        let salt =
            STANDARD.decode(salt).ok().filter(|salt| (1..=MAX_SALT).contains(&salt.len())).ok_or(WRONG)?;
        let digits = !iterations.is_empty() && iterations.bytes().all(|byte| byte.is_ascii_digit());
        let iterations = iterations.parse().ok().filter(|_| digits).ok_or(WRONG)?;
        if !(1..=MAX_ITERATIONS).contains(&iterations) {
            return Err(Failure::Protocol(
                "asks for more than 20000 scram_iterations; set that lower and set the password anew",
            ));
        }

        let salted = salted_password(prepared(password).as_bytes(), &salt, iterations)?;
        let client_key = hmac(&*salted, &[b"Client Key"])?;
        let server_key = hmac(&*salted, &[b"Server Key"])?;
        let without_proof = format!("{CHANNEL},r={nonce}");
        let transcript = format!("{},{server_first},{without_proof}", self.first_bare());
        let stored_key: [u8; 32] = Sha256::digest(*client_key).into();
        let mut proof = hmac(&stored_key, &[transcript.as_bytes()])?;
        proof.iter_mut().zip(client_key.iter()).for_each(|(byte, key)| *byte ^= key);
        let last = format!("{without_proof},p={}", STANDARD.encode(*proof));
        Ok((last, Proven { server_key, transcript }))
    }
}

impl Proven {
    /// Checks the server's last message.
    pub(super) fn check(&self, server_last: &str) -> Result<(), Failure> {
        let signature = server_last.strip_prefix("v=").and_then(|v| STANDARD.decode(v).ok()).ok_or(WRONG)?;
        let mac = Hmac::<Sha256>::new_from_slice(&*self.server_key).map_err(|_| WRONG)?;
        mac.chain_update(&self.transcript)
            .verify_slice(&signature)
            .map_err(|_| Failure::Protocol("does not know the password itself"))
    }
}

/// RFC 4013, sections 2.1 and 2.2.
fn prepared(password: &str) -> Zeroizing<String> {
    let mapped = password.chars().filter_map(|c| match c {
        // RFC 3454, table C.1.2, which PostgreSQL looks at first.
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Some(' '),
        // Table B.1.
        '\u{ad}'
        | '\u{34f}'
        | '\u{1806}'
        | '\u{180b}'..='\u{180d}'
        | '\u{200c}'
        | '\u{200d}'
        | '\u{2060}' => None,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => None,
        other => Some(other),
    });
    // Room for all of it: what a growing buffer leaves behind is not wiped.
    let mut text = Zeroizing::new(String::with_capacity(password.len()));
    text.extend(mapped);
    let mut form = Zeroizing::new(String::with_capacity(text.len() * MOST_GROWTH));
    form.extend(tokens::nfkc(&text));
    form
}

/// PBKDF2 with one block (RFC 8018).
fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let keyed = Hmac::<Sha256>::new_from_slice(password).map_err(|_| WRONG)?;
    let next = |parts: &[&[u8]]| -> [u8; 32] {
        parts.iter().fold(keyed.clone(), |mac, part| mac.chain_update(part)).finalize().into_bytes().into()
    };
    let mut block = Zeroizing::new(next(&[salt, &1_u32.to_be_bytes()]));
    let mut sum = block.clone();
    for _ in 1..iterations {
        *block = next(&[&*block]);
        sum.iter_mut().zip(block.iter()).for_each(|(byte, other)| *byte ^= other);
    }
    Ok(sum)
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let keyed = Hmac::<Sha256>::new_from_slice(key).map_err(|_| WRONG)?;
    let mac = parts.iter().fold(keyed, |mac, part| mac.chain_update(part));
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677 §3, whose nonce is no base64 of ours and whose user is named: the key derivation and signatures alone.
    #[test]
    fn the_vector_of_rfc_7677() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let salted = salted_password(b"pencil", &salt, 4096).unwrap();
        let transcript = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let client_key = hmac(&*salted, &[b"Client Key"]).unwrap();
        let stored_key: [u8; 32] = Sha256::digest(*client_key).into();
        let mut proof = hmac(&stored_key, &[transcript.as_bytes()]).unwrap();
        proof.iter_mut().zip(client_key.iter()).for_each(|(byte, key)| *byte ^= key);
        assert_eq!(STANDARD.encode(*proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");

        let server_key = hmac(&*salted, &[b"Server Key"]).unwrap();
        let proven = Proven { server_key, transcript: transcript.to_owned() };
        assert_eq!(proven.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
        for wrong in ["v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", "v=", "v=AAAA", "e=other-error", ""] {
            assert!(proven.check(wrong).is_err(), "{wrong}");
        }
    }

    /// RFC 4013, section 3, and PostgreSQL's regression test of SASLprep (`password.sql`, `saslprep.pl`).
    #[test]
    fn a_password_is_prepared_as_the_server_does() {
        for (typed, same) in [
            ("I\u{ad}X", "IX"),
            ("user", "user"),
            ("USER", "USER"),
            ("\u{aa}", "a"),
            ("\u{2168}", "IX"),
            ("foo\u{a0}bar", "foo bar"),
            ("e\u{301}", "\u{e9}"),
            ("p\u{e4}ssword\u{b2}", "p\u{e4}ssword2"),
            ("\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}", "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}"),
        ] {
            assert_eq!(*prepared(typed), same);
        }
    }

    #[test]
    fn a_servers_first_message_is_read_strictly() {
        let ours = Scram::new([7; 18]).nonce;
        let read = |first: &str| Scram::new([7; 18]).last("fake-password", first).map(|_| ());
        for iterations in [1, 4096, 20_000] {
            assert_eq!(read(&format!("r={ours}x,s=c2FsdA==,i={iterations}")), Ok(()));
        }
        for first in [
            String::new(),
            format!("r={ours},s=c2FsdA==,i=4096"),
            format!("r=x{ours},s=c2FsdA==,i=4096"),
            format!("r={ours}x,s=,i=4096"),
            format!("r={ours}x,s=?,i=4096"),
            format!("r={ours}x,s=c2FsdA==,i=0"),
            format!("r={ours}x,s=c2FsdA==,i=-1"),
            format!("r={ours}x,s=c2FsdA==,i=+1"),
            format!("r={ours}x,s=c2FsdA==,i=4294967295"),
            format!("r={ours}x,s=c2FsdA==,i=20001"),
            format!("r={ours}x,s=c2FsdA==,i=4096,m=x"),
            format!("m=x,r={ours}x,s=c2FsdA==,i=4096"),
            format!("s=c2FsdA==,r={ours}x,i=4096"),
        ] {
            assert!(matches!(read(&first), Err(Failure::Protocol(_))), "{first}");
        }
    }
}
