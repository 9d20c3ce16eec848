//! Schemes that a source declares itself, for senders the table does not know: checked once, then verified as any row.
//!
//! What would protect nothing is refused here, with a word about why: a body or a time that is not signed, and an id or a
//! URL and a body that could be cut apart in two places.

use crate::provider::{
    Algorithm, Encoding, Field, Grammar, KeyFormat, Part, Parts, Place, Provider, Row, Scheme as RowScheme,
    Signature, Tested, Timestamp, Unit,
};
use crate::verify::is_id_byte;

/// Longest header name, prefix and signed string, in bytes.
const MAX_NAME: usize = 64;
const MAX_SIGNED: usize = 256;
const TOLERANCE_SECONDS: u32 = 300;
const MAX_TOLERANCE_SECONDS: u32 = 3600;

/// The row under which the table lists these schemes. Nothing verifies by it.
pub(crate) const GENERIC: Provider = Row {
    id: "generic",
    name: "Generic",
    docs: "https://www.rfc-editor.org/rfc/rfc2104",
    secret_hint: "The secret that you share with the sender: 16 bytes at least. How it is written is part of the scheme.",
    caveat: Some("As strong as what is declared: without {timestamp} a request can be repeated."),
    tested: Tested::Documentation,
    scheme: RowScheme::Declared,
    event_id: &[],
    event_type: &[],
    handshake: None,
    challenge: &[],
    url_check: None,
};

impl Row<'_> {
    /// Whether each source of the row declares its own scheme ([`Scheme`]).
    #[must_use]
    pub fn is_declared(&self) -> bool {
        matches!(self.scheme, RowScheme::Declared)
    }
}

/// A scheme as it is declared: what is absent has its default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declaration<'a> {
    /// `hmac-sha256` (the default), `hmac-sha512` or `hmac-sha1`.
    pub algorithm: Option<&'a str>,
    /// The header that holds the signature.
    pub header: &'a str,
    /// What stands before the signature.
    pub prefix: Option<&'a str>,
    /// `hex` (the default, in either case), `base64` or `base64url` (unpadded).
    pub encoding: Option<&'a str>,
    /// How the secret is written: `utf8` (the default), `hex` or `base64`.
    pub key_encoding: Option<&'a str>,
    /// What is signed: `{body}` (the default), with `{timestamp}`, `{id}`, `{method}`, `{url}` and text around it.
    pub signed: Option<&'a str>,
    /// The header that holds the time.
    pub timestamp_header: Option<&'a str>,
    /// `seconds` (the default), `milliseconds` or `rfc3339`.
    pub timestamp_unit: Option<&'a str>,
    /// How far the time may lie from now; 1 to 3600, 300 by default.
    pub tolerance_seconds: Option<u32>,
    /// The header that holds the event's id.
    pub id_header: Option<&'a str>,
    /// The header that holds the event's type.
    pub type_header: Option<&'a str>,
}

/// A declared scheme that was found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    algorithm: Algorithm,
    key: KeyFormat,
    header: String,
    prefix: String,
    encoding: Encoding,
    signed: String,
    timestamp: Option<(String, Unit, u32)>,
    id_header: Option<String>,
    type_header: Option<String>,
}

/// Why a declared scheme is refused: the text is for whoever declared it, [`SchemeError::field`] says of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemeError {
    /// None of the algorithms.
    #[error("must be hmac-sha256, hmac-sha512 or hmac-sha1")]
    Algorithm,
    /// None of the encodings of a signature.
    #[error("must be hex, base64 or base64url")]
    Encoding,
    /// None of the encodings of a secret.
    #[error("must be utf8, hex or base64")]
    KeyEncoding,
    /// No header name of RFC 9110, or too long.
    #[error("must be a header name of at most 64 letters, digits and hyphens")]
    HeaderName(&'static str),
    /// Two values in one header.
    #[error("must be another header than the scheme's others")]
    HeaderTaken(&'static str),
    /// Too long, or of other characters.
    #[error("must be at most 64 printable ASCII characters, without a comma and a space after one another")]
    Prefix,
    /// Too long, or of other characters.
    #[error("must be at most 256 printable ASCII characters or line feeds")]
    Signed,
    /// A brace that belongs to no placeholder, or a placeholder of another name.
    #[error(
        "knows the placeholders {{body}}, {{timestamp}}, {{id}}, {{method}} and {{url}}, and no other braces"
    )]
    Placeholder,
    /// A placeholder is there twice.
    #[error("must hold each placeholder once at most")]
    PlaceholderTwice,
    /// The body is not signed.
    #[error("must hold {{body}}: what is not signed can be changed by anybody")]
    BodyUnsigned,
    /// `{timestamp}` without a header that holds it.
    #[error("is needed for {{timestamp}}")]
    TimestampHeaderMissing,
    /// A time that is not signed.
    #[error("must hold {{timestamp}}: a time that is not signed can be changed by anybody")]
    TimestampUnsigned,
    /// `{id}` without a header that holds it.
    #[error("is needed for {{id}}")]
    IdHeaderMissing,
    /// An id and a body that could be cut apart in two places.
    #[error("needs {{timestamp}}, or a character that no id holds such as |, between {{id}} and {{body}}")]
    IdBesideBody,
    /// A URL and a body that could be cut apart in two places.
    #[error("needs something between {{url}} and {{body}}, such as a line feed")]
    UrlBesideBody,
    /// Without a time there is nothing to say of it.
    #[error("is only for schemes with a timestamp_header")]
    NoTimestamp(&'static str),
    /// None of the units.
    #[error("must be seconds, milliseconds or rfc3339")]
    TimestampUnit,
    /// Too little, or too much.
    #[error("must be 1 to 3600")]
    Tolerance,
}

impl SchemeError {
    /// The declaration's field that is wrong.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            SchemeError::Algorithm => "algorithm",
            SchemeError::Encoding => "encoding",
            SchemeError::KeyEncoding => "key_encoding",
            SchemeError::HeaderName(field)
            | SchemeError::HeaderTaken(field)
            | SchemeError::NoTimestamp(field) => field,
            SchemeError::Prefix => "prefix",
            SchemeError::Signed
            | SchemeError::Placeholder
            | SchemeError::PlaceholderTwice
            | SchemeError::BodyUnsigned
            | SchemeError::TimestampUnsigned
            | SchemeError::IdBesideBody
            | SchemeError::UrlBesideBody => "signed",
            SchemeError::TimestampHeaderMissing => "timestamp_header",
            SchemeError::IdHeaderMissing => "id_header",
            SchemeError::TimestampUnit => "timestamp_unit",
            SchemeError::Tolerance => "tolerance_seconds",
        }
    }
}

impl Scheme {
    /// Checks a declaration.
    ///
    /// # Errors
    /// [`SchemeError`], the first that is found.
    pub fn new(declared: &Declaration<'_>) -> Result<Self, SchemeError> {
        let header = header_name("header", declared.header)?;
        let timestamp_header =
            declared.timestamp_header.map(|name| header_name("timestamp_header", name)).transpose()?;
        let id_header = declared.id_header.map(|name| header_name("id_header", name)).transpose()?;
        let type_header = declared.type_header.map(|name| header_name("type_header", name)).transpose()?;
        let mut taken = vec![&header];
        for (field, name) in [
            ("timestamp_header", &timestamp_header),
            ("id_header", &id_header),
            ("type_header", &type_header),
        ] {
            if let Some(name) = name {
                if taken.contains(&name) {
                    return Err(SchemeError::HeaderTaken(field));
                }
                taken.push(name);
            }
        }
        let prefix = declared.prefix.unwrap_or_default();
        let plain = prefix.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if prefix.len() > MAX_NAME || !plain || prefix.contains(", ") {
            return Err(SchemeError::Prefix);
        }
        let signed = declared.signed.unwrap_or("{body}");
        check_signed(&parse(signed, id_header.as_deref())?, timestamp_header.is_some())?;

        Ok(Scheme {
            algorithm: match declared.algorithm {
                None | Some("hmac-sha256") => Algorithm::HmacSha256,
                Some("hmac-sha512") => Algorithm::HmacSha512,
                Some("hmac-sha1") => Algorithm::HmacSha1,
                Some(_) => return Err(SchemeError::Algorithm),
            },
            key: match declared.key_encoding {
                None | Some("utf8") => KeyFormat::ChosenUtf8,
                Some("hex") => KeyFormat::Hex,
                Some("base64") => KeyFormat::Base64 { prefix: "" },
                Some(_) => return Err(SchemeError::KeyEncoding),
            },
            encoding: match declared.encoding {
                None | Some("hex") => Encoding::Hex,
                Some("base64") => Encoding::Base64,
                Some("base64url") => Encoding::Base64Url,
                Some(_) => return Err(SchemeError::Encoding),
            },
            timestamp: timestamp(declared, timestamp_header)?,
            header,
            prefix: prefix.to_owned(),
            signed: signed.to_owned(),
            id_header,
            type_header,
        })
    }

    /// Hands out the scheme as a row, by which [`crate::verify()`], [`Row::parse_secret`] and [`crate::sign::sign_as`] go.
    pub fn with_row<R>(&self, take: impl FnOnce(&Row<'_>) -> R) -> R {
        let headers = [self.header.as_str()];
        // It was parsed before; nothing signed would be verified by nothing.
        let Ok(signed) = parse(&self.signed, self.id_header.as_deref()) else { return take(&GENERIC) };
        let id = self.id_header.as_deref().map(Field::Header);
        let kind = self.type_header.as_deref().map(Field::Header);
        take(&Row {
            scheme: RowScheme::Parts(Parts {
                algorithm: self.algorithm,
                key: self.key,
                signature: Signature {
                    place: Place::Headers(&headers),
                    grammar: Grammar::One { prefix: &self.prefix },
                    encoding: self.encoding,
                },
                signed: &signed,
                timestamp: self.timestamp.as_ref().map(|(name, unit, tolerance)| Timestamp {
                    source: Field::Header(name),
                    unit: *unit,
                    tolerance_seconds: u64::from(*tolerance),
                }),
            }),
            event_id: id.as_slice(),
            event_type: kind.as_slice(),
            ..GENERIC
        })
    }
}

fn header_name(field: &'static str, name: &str) -> Result<String, SchemeError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain) {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(SchemeError::HeaderName(field))
    }
}

fn timestamp(
    declared: &Declaration<'_>,
    header: Option<String>,
) -> Result<Option<(String, Unit, u32)>, SchemeError> {
    let Some(header) = header else {
        return match (declared.timestamp_unit, declared.tolerance_seconds) {
            (Some(_), _) => Err(SchemeError::NoTimestamp("timestamp_unit")),
            (None, Some(_)) => Err(SchemeError::NoTimestamp("tolerance_seconds")),
            (None, None) => Ok(None),
        };
    };
    let unit = match declared.timestamp_unit {
        None | Some("seconds") => Unit::Seconds,
        Some("milliseconds") => Unit::Milliseconds,
        Some("rfc3339") => Unit::Rfc3339,
        Some(_) => return Err(SchemeError::TimestampUnit),
    };
    let tolerance = declared.tolerance_seconds.unwrap_or(TOLERANCE_SECONDS);
    if (1..=MAX_TOLERANCE_SECONDS).contains(&tolerance) {
        Ok(Some((header, unit, tolerance)))
    } else {
        Err(SchemeError::Tolerance)
    }
}

/// Reads `{timestamp}.{body}` and its like.
fn parse<'s>(signed: &'s str, id_header: Option<&'s str>) -> Result<Vec<Part<'s>>, SchemeError> {
    let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ' || byte == b'\n';
    if signed.len() > MAX_SIGNED || !signed.bytes().all(plain) {
        return Err(SchemeError::Signed);
    }
    let mut parts = Vec::new();
    let mut rest = signed;
    while !rest.is_empty() {
        let (text, after) =
            rest.split_at_checked(rest.find(['{', '}']).unwrap_or(rest.len())).unwrap_or((rest, ""));
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        if after.is_empty() {
            break;
        }
        let (name, after) =
            after.strip_prefix('{').and_then(|name| name.split_once('}')).ok_or(SchemeError::Placeholder)?;
        parts.push(match name {
            "body" => Part::Body,
            "timestamp" => Part::Timestamp,
            "id" => Part::Header(id_header.ok_or(SchemeError::IdHeaderMissing)?),
            "method" => Part::Method,
            "url" => Part::Url,
            _ => return Err(SchemeError::Placeholder),
        });
        rest = after;
    }
    Ok(parts)
}

fn check_signed(parts: &[Part<'_>], has_time: bool) -> Result<(), SchemeError> {
    let at = |is: fn(&Part<'_>) -> bool| -> Result<Option<usize>, SchemeError> {
        let mut places = (0..parts.len()).filter(|&at| parts.get(at).is_some_and(is));
        let first = places.next();
        if places.next().is_some() { Err(SchemeError::PlaceholderTwice) } else { Ok(first) }
    };
    let body = at(|part| matches!(part, Part::Body))?.ok_or(SchemeError::BodyUnsigned)?;
    let id = at(|part| matches!(part, Part::Header(_)))?;
    let time = at(|part| matches!(part, Part::Timestamp))?;
    at(|part| matches!(part, Part::Method))?;
    let url = at(|part| matches!(part, Part::Url))?;
    match (time, has_time) {
        (Some(_), false) => return Err(SchemeError::TimestampHeaderMissing),
        (None, true) => return Err(SchemeError::TimestampUnsigned),
        _ => {}
    }
    if url.is_some_and(|url| url.abs_diff(body) == 1) {
        return Err(SchemeError::UrlBesideBody);
    }
    let Some(id) = id else { return Ok(()) };
    let between = parts.get(id.min(body) + 1..id.max(body)).unwrap_or_default();
    let divides = |part: &Part<'_>| match part {
        Part::Timestamp => true,
        Part::Text(text) => !text.bytes().all(is_id_byte),
        _ => false,
    };
    if between.iter().any(divides) { Ok(()) } else { Err(SchemeError::IdBesideBody) }
}
