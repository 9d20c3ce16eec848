//! The terms in which a provider's signature scheme is declared.
//!
//! Everything that schemes commonly vary in is a field here; [`crate::verify()`] and [`crate::sign`] read these and know no
//! provider by name. What is no string of parts under one signature is a variant of [`Scheme`] with a file of its own.

use crate::fetched::Fetched;

/// A row of the table: a provider and its signature scheme.
pub type Provider = Row<'static>;

/// One sender of webhooks and its signature scheme. Rows of the table are [`Provider`]s; a row that lives shorter comes of
/// [`crate::generic::Scheme::with_row`].
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Stable id, as it stands in the API (`"stripe"`).
    pub id: &'a str,
    /// The name people know.
    pub name: &'a str,
    /// The provider's own page on its signatures.
    pub docs: &'a str,
    /// Where an operator finds the secret and how it looks.
    pub secret_hint: &'a str,
    /// What the scheme does not protect, for whoever relies on it.
    pub caveat: Option<&'a str>,
    /// How the row is known to be right.
    pub tested: Tested,
    pub(crate) scheme: Scheme<'a>,
    /// The provider's id for the event; the first field that holds a usable value counts.
    pub(crate) event_id: &'a [Field<'a>],
    /// What kind of event it is; the first field that holds a usable value counts.
    pub(crate) event_type: &'a [Field<'a>],
    pub(crate) handshake: Option<Handshake>,
    /// The first rule that an event meets counts.
    pub(crate) challenge: &'a [ChallengeRule],
    pub(crate) url_check: Option<UrlCheck>,
}

/// How a row is known to be right; `tests/vectors.rs` holds it to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tested {
    /// The provider's own package made or accepted what is accepted here.
    Sdk,
    /// An example that the provider, or the standard it follows, has published is accepted here.
    Vector,
    /// Written after the provider's documentation, and tested with signatures computed after it.
    Documentation,
}

/// How requests are signed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scheme<'a> {
    /// Signatures over a string that is put together from parts of the request.
    Parts(Parts<'a>),
    /// Several such schemes with keys of one form: the first whose signature a request carries decides.
    FirstOf(&'a [Parts<'a>]),
    /// A JSON Web Token that vouches for the request.
    Jwt(Jwt<'a>),
    /// A signature by a key that has to be fetched: [`crate::read`], not [`crate::verify()`].
    Fetched(Fetched),
    /// The source says how ([`crate::generic::Scheme`]); nothing verifies by this row itself.
    Declared,
}

/// Signatures over a string that is put together from parts of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: KeyFormat,
    pub(crate) signature: Signature<'a>,
    /// What is signed: these parts, joined with nothing in between.
    pub(crate) signed: &'a [Part<'a>],
    pub(crate) timestamp: Option<Timestamp<'a>>,
}

/// A JSON Web Token (RFC 7519) signed with HS256, in a header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Jwt<'a> {
    /// Lower-case header name.
    pub(crate) header: &'a str,
    /// What stands before the token.
    pub(crate) prefix: &'a str,
    pub(crate) binds: Binding,
    /// Longest time from now to the token's end.
    pub(crate) lifetime_seconds: u64,
}

/// What ties a token to its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    /// The claim `sha256`: base64 of the body's SHA-256.
    BodyHash,
    /// The claim `qsh`: hex SHA-256 of method, path and query in Atlassian's canonical form. The body is not bound.
    QueryHash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    HmacSha256,
    HmacSha512,
    /// Still sound as a MAC (SHA-1's collisions don't touch HMAC), and what some providers offer.
    HmacSha1,
    /// RFC 8032, pure.
    Ed25519,
    /// ECDSA on P-256 over SHA-256, the signature in DER.
    EcdsaP256,
    /// No signature: the secret itself is sent.
    Token,
}

/// How the pasted secret or public key becomes the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFormat {
    /// The whole string's UTF-8 bytes.
    Utf8,
    /// The same of a secret that no provider makes: people choose it, so it must not be short.
    ChosenUtf8,
    /// Base64 after a prefix that may be missing, as Standard Webhooks has it.
    Base64 { prefix: &'static str },
    /// Base64 where the prefix stands, the string's UTF-8 bytes where it doesn't.
    Base64IfPrefixed { prefix: &'static str },
    /// Hexadecimal, either case.
    Hex,
    /// The SHA-1 of the string's UTF-8 bytes.
    Sha1,
    /// An Ed25519 public key, 32 bytes in hexadecimal.
    Ed25519Hex,
    /// An Ed25519 public key, 32 bytes in base64.
    Ed25519Base64,
    /// A P-256 public key, base64 of its DER `SubjectPublicKeyInfo` (RFC 5280).
    P256Spki,
}

/// Where the signatures stand and how they are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signature<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) grammar: Grammar<'a>,
    pub(crate) encoding: Encoding,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// Lower-case header names; each that is present contributes its signatures.
    Headers(&'a [&'a str]),
    /// A string in the JSON body, which then cannot be signed whole.
    Json(Path<'a>),
    /// A field of the form in the body; every other field must be signed.
    Form(&'a str),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Grammar<'a> {
    /// The prefix (may be empty), then one signature, and nothing else.
    One { prefix: &'a str },
    /// `key=value` pairs: one timestamp, one or more signatures, unknown keys passed over.
    Pairs { separator: &'a str, timestamp: &'a str, signature: &'a str },
    /// Space-separated `version,signature` items; other versions passed over.
    Versioned { version: &'a str },
    /// `key name|signature` items with `&` between them, one for each of the sender's keys.
    Named,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Hexadecimal: written in lower case, read in either.
    Hex,
    /// RFC 4648 base64, padded.
    Base64,
    /// RFC 4648 base64url, not padded.
    Base64Url,
    /// The text's own bytes, of [`Algorithm::Token`].
    Text,
}

/// One part of the signed string.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    Body,
    /// The timestamp, as it was written.
    Timestamp,
    /// A header's value: it must be present, short and of plain id characters.
    Header(&'a str),
    /// The headers that this header lists, itself among them: `name:value` with `;` between them, in the list's order.
    ListedHeaders(&'a str),
    Method,
    Url,
    /// The URL without its port, or with it: 443 or 80 where none is written.
    UrlAnyPort,
    /// The URL's path and query.
    Path,
    /// A value of the JSON body.
    Json {
        path: Path<'a>,
        value: JsonValue,
    },
    /// A field of the form in the body.
    Form(&'a str),
    /// The form's fields sorted by name, name and value with nothing in between. Where `body_hash` names a query parameter
    /// of the URL: nothing, and that parameter must be the body's SHA-256 in hex.
    SortedForm {
        body_hash: Option<&'a str>,
    },
}

/// What a signed JSON value may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonValue {
    /// Plain id characters other than `:`.
    Id,
    /// The same, or nothing at all.
    OptionalId,
    /// Any text, or nothing at all. Of one signed string only one part may be so, else it could be cut elsewhere.
    Free,
}

/// The keys that lead from a JSON document's top to a value; `[]` is the only element of an array.
pub(crate) type Path<'a> = &'a [&'a str];

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    /// A header, by its lower-case name.
    Header(&'a str),
    /// The timestamp pair of [`Grammar::Pairs`].
    SignaturePair,
    /// A string or whole number in the JSON body, by the keys that lead to it.
    Json(Path<'a>),
    /// A hash of the valid signature: of the same content the same, however its form or JSON is spelled. The id of events
    /// whose scheme signs values of the body and not its bytes. (Not the signature: ids are stored and shown.)
    SignatureHash,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Timestamp<'a> {
    pub(crate) source: Field<'a>,
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

/// How a provider hands its secret to the URL when the webhook is registered there, before the source has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// A POST whose header of this lower-case name is the secret, to be answered 200 with the same header.
    EchoHeader(&'static str),
    /// A POST whose JSON body holds it under this name; its owner then pastes it back at the provider.
    BodyField(&'static str),
}

/// A signed event by which the provider asks whether this URL is really its owner's: known by a JSON value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChallengeRule {
    /// Where the kind stands, and the value that makes it a challenge.
    pub(crate) kind: (Path<'static>, &'static str),
    /// Where a value makes it an event after all.
    pub(crate) unless: Option<Path<'static>>,
    pub(crate) answer: ChallengeAnswer,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum ChallengeAnswer {
    /// The token at this path itself, as text.
    Echo(Path<'static>),
    /// JSON of the token at this path under the first name and its lower-case hex MAC under the second.
    JsonMac { path: Path<'static>, token: &'static str, mac: &'static str },
    /// This JSON.
    Fixed(&'static str),
    /// Status 204 and no body.
    Nothing,
}

/// An unsigned request by which the provider asks, before it sends any event, whether the URL answers at all.
#[derive(Debug, Clone, Copy)]
pub(crate) enum UrlCheck {
    /// A GET whose query parameter of this name is to be sent back.
    EchoQuery(&'static str),
    /// A HEAD to which 200 is the answer.
    Head,
}

impl<'a> Row<'a> {
    /// Whether the provider signs the URL it calls. Then [`crate::Request::url`] must be the URL it was given, to the
    /// letter, with the query of the request.
    #[must_use]
    pub fn signs_url(&self) -> bool {
        let is_url = |part: &Part| matches!(part, Part::Url | Part::UrlAnyPort | Part::Path);
        match self.scheme {
            Scheme::Jwt(jwt) => jwt.binds == Binding::QueryHash,
            _ => self.parts().iter().any(|parts| parts.signed.iter().any(is_url)),
        }
    }

    /// How far a signed timestamp may lie from now, in seconds; `None` where the scheme has no timestamp, so that a
    /// replay shows only by its event id or its bytes.
    #[must_use]
    pub fn tolerance_seconds(&self) -> Option<u64> {
        match self.scheme {
            Scheme::Jwt(jwt) => Some(jwt.lifetime_seconds),
            Scheme::Fetched(fetched) => Some(fetched.tolerance().past_seconds),
            _ => self.parts().iter().find_map(|parts| Some(parts.timestamp?.tolerance_seconds)),
        }
    }

    /// How the provider hands over its secret itself, where it does.
    #[must_use]
    pub fn handshake(&self) -> Option<Handshake> {
        self.handshake
    }

    /// The schemes of parts that the row has; none where it has another kind.
    pub(crate) fn parts(&self) -> &[Parts<'a>] {
        match &self.scheme {
            Scheme::Parts(parts) => std::slice::from_ref(parts),
            Scheme::FirstOf(several) => several,
            Scheme::Jwt(_) | Scheme::Fetched(_) | Scheme::Declared => &[],
        }
    }

    /// The lower-case names of the headers that a signature stands in.
    pub fn signature_headers(&self) -> impl Iterator<Item = &'a str> {
        let other = match self.scheme {
            Scheme::Jwt(jwt) => Some(jwt.header),
            Scheme::Fetched(fetched) => fetched.header(),
            _ => None,
        };
        let of_parts = self.parts().iter().flat_map(|parts| match parts.signature.place {
            Place::Headers(names) => names,
            Place::Json(_) | Place::Form(_) => &[],
        });
        of_parts.copied().chain(other)
    }
}

impl Parts<'_> {
    /// Whether the time is part of the signed string, and not of a body that is.
    pub(crate) fn signs_time(&self) -> bool {
        self.signed.iter().any(|part| matches!(part, Part::Timestamp))
    }

    /// Whether the signature covers a value that was found at a field.
    pub(crate) fn covers(&self, field: Field<'_>) -> bool {
        self.signed.iter().any(|part| match (part, field) {
            (_, Field::SignatureHash | Field::SignaturePair) | (Part::Body, Field::Json(_)) => true,
            (Part::Header(name), Field::Header(other)) => *name == other,
            (Part::Json { path, .. }, Field::Json(other)) => *path == other,
            _ => false,
        })
    }
}
