//! Reads a request's signatures by its provider's grammar, strictly and within bounds.
//!
//! Claim N4: a header that was doubled, cut, padded or re-encoded is malformed, not "probably the same".

use std::borrow::Cow;

use crate::headers::Headers;
use crate::inside::Inside;
use crate::provider::{Grammar, Parts, Place};
use crate::verify::Refusal;

/// Longest signature header read, in bytes. Sixteen SHA-512 signatures in hex fit.
pub(crate) const MAX_HEADER: usize = 4096;
/// Most signatures tried: a provider sends one for each secret in rotation, so two or three.
const MAX_CANDIDATES: usize = 16;

/// What the places of signatures hold.
#[derive(Debug, Default)]
pub(crate) struct Signatures {
    /// Decoded, each of a length that the algorithm's signatures have; at least one.
    pub(crate) candidates: Vec<Vec<u8>>,
    /// The timestamp pair of [`Grammar::Pairs`], as written.
    pub(crate) timestamp: Option<String>,
}

impl Signatures {
    pub(crate) fn read<H: Headers + ?Sized>(
        parts: &Parts<'_>,
        headers: &H,
        inside: &Inside<'_>,
    ) -> Result<Self, Refusal> {
        let mut signatures = Signatures::default();
        match parts.signature.place {
            Place::Headers(names) => {
                for value in names.iter().filter_map(|name| headers.get(name)) {
                    signatures.read_header(parts, value)?;
                }
            }
            Place::Json(path) => {
                signatures.read_text(parts, inside.json(path).ok_or(Refusal::SignatureMissing)?)?;
            }
            Place::Form(name) => {
                signatures.read_text(parts, inside.form(name).ok_or(Refusal::SignatureMissing)?)?;
            }
        }
        if signatures.candidates.is_empty() { Err(Refusal::SignatureMissing) } else { Ok(signatures) }
    }

    fn read_header(&mut self, parts: &Parts<'_>, value: Cow<'_, str>) -> Result<(), Refusal> {
        let list = matches!(parts.signature.grammar, Grammar::Pairs { separator: ", ", .. });
        if !list && value.len() <= MAX_HEADER && value.contains(", ") {
            return Err(Refusal::SignatureDoubled);
        }
        self.read_text(parts, &value)
    }

    fn read_text(&mut self, parts: &Parts<'_>, value: &str) -> Result<(), Refusal> {
        if value.len() > MAX_HEADER {
            return Err(Refusal::SignatureMalformed);
        }
        match parts.signature.grammar {
            Grammar::One { prefix } => {
                let text = value.strip_prefix(prefix).ok_or(Refusal::SignatureMalformed)?;
                self.add(parts, text)
            }
            Grammar::Versioned { version } => {
                for item in value.split(' ') {
                    let (its_version, text) = item.split_once(',').ok_or(Refusal::SignatureMalformed)?;
                    if its_version == version {
                        self.add(parts, text)?;
                    } else if !is_name(its_version) {
                        return Err(Refusal::SignatureMalformed);
                    }
                }
                Ok(())
            }
            Grammar::Pairs { separator, timestamp, signature } => {
                for pair in value.split(separator) {
                    let (name, text) = pair.split_once('=').ok_or(Refusal::SignatureMalformed)?;
                    if name == signature {
                        self.add(parts, text)?;
                    } else if name == timestamp {
                        if self.timestamp.replace(text.to_owned()).is_some() {
                            return Err(Refusal::SignatureDoubled);
                        }
                    } else if !is_name(name) {
                        return Err(Refusal::SignatureMalformed);
                    }
                }
                Ok(())
            }
            Grammar::Named => {
                for item in value.split('&') {
                    let (name, text) = item.split_once('|').ok_or(Refusal::SignatureMalformed)?;
                    if !is_name(name) {
                        return Err(Refusal::SignatureMalformed);
                    }
                    self.add(parts, text)?;
                }
                Ok(())
            }
        }
    }

    fn add(&mut self, parts: &Parts<'_>, text: &str) -> Result<(), Refusal> {
        if self.candidates.len() == MAX_CANDIDATES {
            return Err(Refusal::TooManySignatures);
        }
        let candidate = parts.signature.encoding.decode(text).ok_or(Refusal::SignatureMalformed)?;
        if !parts.algorithm.takes_len(candidate.len()) {
            return Err(Refusal::SignatureMalformed);
        }
        self.candidates.push(candidate);
        Ok(())
    }
}

/// A version or key that a newer scheme may bring: passed over, but it must look like one.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
