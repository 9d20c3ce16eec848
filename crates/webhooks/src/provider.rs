//! The terms in which a provider's signature scheme is declared.
//!
//! Everything a plain HMAC scheme can vary in is a field here; [`crate::verify()`] and [`crate::sign`] read these and
//! know no provider by name.

/// One webhook provider and its signature scheme.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// Stable id, as it stands in the API (`"stripe"`).
    pub id: &'static str,
    /// The name people know.
    pub name: &'static str,
    /// The provider's own page on its signatures.
    pub docs: &'static str,
    /// Where an operator finds the secret and how it looks.
    pub secret_hint: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: KeyFormat,
    pub(crate) signature: Signature,
    /// What is signed: these parts, joined with nothing in between.
    pub(crate) signed: &'static [Part],
    pub(crate) timestamp: Option<Timestamp>,
    /// The provider's id for the event; the first field that holds a usable value counts.
    pub(crate) event_id: &'static [Field],
    /// What kind of event it is; the first field that holds a usable value counts.
    pub(crate) event_type: &'static [Field],
    pub(crate) challenge: Option<ChallengeRule>,
    pub(crate) url_check: Option<UrlCheck>,
    pub(crate) handshake: Option<HandshakeRule>,
}

impl Provider {
    /// Whether the provider signs the URL it calls. Then [`crate::Request::url`] must be the URL it was given, to the
    /// letter.
    #[must_use]
    pub fn signs_url(&self) -> bool {
        self.signed.iter().any(|part| matches!(part, Part::Url))
    }

    /// How far a signed timestamp may lie from now, in seconds; `None` where the scheme has no timestamp, so that a
    /// replay shows only by its event id or its bytes.
    #[must_use]
    pub fn tolerance_seconds(&self) -> Option<u64> {
        self.timestamp.map(|timestamp| timestamp.tolerance_seconds)
    }

    /// Whether the provider makes the secret and sends it when the webhook is registered ([`crate::handshake()`]).
    #[must_use]
    pub fn sends_secret(&self) -> bool {
        self.handshake.is_some()
    }

    /// Whether a header's value is covered by the signature.
    pub(crate) fn signs_header(&self, header: &str) -> bool {
        self.signed.iter().any(|part| matches!(part, Part::Header(name) if *name == header))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    HmacSha256,
    HmacSha512,
    /// Still sound as a MAC (SHA-1's collisions don't touch HMAC), and what some providers offer.
    HmacSha1,
}

/// How the pasted secret becomes the HMAC key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFormat {
    /// The whole string's UTF-8 bytes.
    Utf8,
    /// Base64 after a prefix that may be missing, as Standard Webhooks has it.
    Base64 { prefix: &'static str },
    /// Base64 where the prefix stands, the string's UTF-8 bytes where it doesn't.
    Base64IfPrefixed { prefix: &'static str },
    /// Hexadecimal, either case.
    Hex,
}

/// Where the signatures stand and how they are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signature {
    /// Lower-case header names; each that is present contributes its signatures.
    pub(crate) headers: &'static [&'static str],
    pub(crate) grammar: Grammar,
    pub(crate) encoding: Encoding,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Grammar {
    /// The prefix (may be empty), then one signature, and nothing else.
    One { prefix: &'static str },
    /// `key=value` pairs: one timestamp, one or more signatures, unknown keys passed over.
    Pairs { separator: &'static str, timestamp: &'static str, signature: &'static str },
    /// Space-separated `version,signature` items; other versions passed over.
    Versioned { version: &'static str },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Lower-case hexadecimal.
    Hex,
    /// RFC 4648 base64, padded.
    Base64,
    /// RFC 4648 base64url, not padded.
    Base64Url,
}

/// One part of the signed string.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Text(&'static str),
    Body,
    /// The timestamp, as it was written.
    Timestamp,
    /// A header's value: it must be present, short and of plain id characters.
    Header(&'static str),
    Method,
    Url,
}

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// A header, by its lower-case name.
    Header(&'static str),
    /// The timestamp pair of [`Grammar::Pairs`].
    SignaturePair,
    /// A string or whole number in the JSON body, by the keys that lead to it.
    Json(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Timestamp {
    pub(crate) source: Field,
    pub(crate) unit: Unit,
    /// Both into the past and into the future, inclusive.
    pub(crate) tolerance_seconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds since the Unix epoch.
    Seconds,
    /// Milliseconds since the Unix epoch.
    Milliseconds,
    /// RFC 3339, with `Z` or an offset.
    Rfc3339,
}

/// A signed event by which the provider asks whether this URL is really its owner's: known by one JSON value,
/// answered with another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChallengeRule {
    /// Where the kind stands, and the value that makes it a challenge.
    pub(crate) kind: (&'static [&'static str], &'static str),
    pub(crate) token: &'static [&'static str],
    pub(crate) answer: ChallengeAnswer,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum ChallengeAnswer {
    /// The token itself, as text.
    Echo,
    /// JSON of the token under the first name and its lower-case hex MAC under the second.
    JsonMac { token: &'static str, mac: &'static str },
}

/// An unsigned request by which the provider asks, before it sends any event, whether the URL answers at all.
#[derive(Debug, Clone, Copy)]
pub(crate) enum UrlCheck {
    /// A GET whose query parameter of this name is to be sent back.
    EchoQuery(&'static str),
    /// A HEAD to which 200 is the answer.
    Head,
}

/// How a provider sends the secret that it has made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HandshakeRule {
    /// In this header, lower case; it wants the same header back.
    Header(&'static str),
    /// In the JSON body, by the keys that lead to it.
    Json(&'static [&'static str]),
}
