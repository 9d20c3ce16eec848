//! Reads a signature header by its provider's grammar, strictly and within bounds.
//!
//! Claim N4: a header that was doubled, cut, padded or re-encoded is malformed, not "probably the same".

use std::borrow::Cow;

use crate::headers::Headers;
use crate::provider::{Grammar, Provider};
use crate::verify::Refusal;

/// Longest signature header read, in bytes. Sixteen SHA-512 signatures in hex fit.
const MAX_HEADER: usize = 4096;
/// Most signatures tried: a provider sends one for each secret in rotation, so two or three.
const MAX_CANDIDATES: usize = 16;

/// What the signature headers hold.
#[derive(Debug, Default)]
pub(crate) struct Signatures {
    /// Decoded, each of the algorithm's tag length; at least one.
    pub(crate) candidates: Vec<Vec<u8>>,
    /// The timestamp pair of [`Grammar::Pairs`], as written.
    pub(crate) timestamp: Option<String>,
}

impl Signatures {
    pub(crate) fn read<H: Headers + ?Sized>(provider: &Provider, headers: &H) -> Result<Self, Refusal> {
        let mut signatures = Signatures::default();
        for value in provider.signature.headers.iter().filter_map(|name| headers.get(name)) {
            signatures.read_header(provider, value)?;
        }
        if signatures.candidates.is_empty() { Err(Refusal::SignatureMissing) } else { Ok(signatures) }
    }

    fn read_header(&mut self, provider: &Provider, value: Cow<'_, str>) -> Result<(), Refusal> {
        if value.len() > MAX_HEADER {
            return Err(Refusal::SignatureMalformed);
        }
        let list = matches!(provider.signature.grammar, Grammar::Pairs { separator: ", ", .. });
        if !list && value.contains(", ") {
            return Err(Refusal::SignatureDoubled);
        }
        match provider.signature.grammar {
            Grammar::One { prefix } => {
                let text = value.strip_prefix(prefix).ok_or(Refusal::SignatureMalformed)?;
                self.add(provider, text)
            }
            Grammar::Versioned { version } => {
                for item in value.split(' ') {
                    let (its_version, text) = item.split_once(',').ok_or(Refusal::SignatureMalformed)?;
                    if its_version == version {
                        self.add(provider, text)?;
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
                        self.add(provider, text)?;
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
        }
    }

    fn add(&mut self, provider: &Provider, text: &str) -> Result<(), Refusal> {
        if self.candidates.len() == MAX_CANDIDATES {
            return Err(Refusal::TooManySignatures);
        }
        let candidate = provider.signature.encoding.decode(text).ok_or(Refusal::SignatureMalformed)?;
        if candidate.len() != provider.algorithm.tag_len() {
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
