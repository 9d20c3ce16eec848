//! A connection's parameters and the URLs that they complete.
//!
//! A value becomes part of a host name that a credential is sent to, so its pattern is all that keeps the request at
//! the provider: there is no escaping, only values that need none.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::model::Parameter;

/// What a parameter's value looks like. All are ASCII in lower case where case does not matter.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// One label of a DNS name (RFC 1123), no `xn--`.
    Label,
    /// A DNS name of at least two labels: no address, no port, no `xn--`.
    Host,
    /// 1 to 64 letters, digits, `_` and `-`.
    Id,
    /// 1 to 63 letters, digits and `_$.-`, as a database is called.
    Name,
    /// A UUID with its hyphens.
    Uuid,
    /// A TCP port.
    Port,
    /// One of the parameter's `one_of`.
    Choice,
}

/// Why parameters don't complete a URL. Names the parameter, by the catalogue's word for it, and never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// The connector has no base URL of its own.
    #[error("this connector has no base URL of its own")]
    NoUrl,
    /// A parameter is missing.
    #[error("the parameter `{0}` is required")]
    Missing(String),
    /// A parameter is none of the connector's.
    #[error("a parameter is not one of this connector's")]
    Unknown,
    /// A value isn't what the parameter is.
    #[error("the parameter `{name}` must be {allowed}")]
    Invalid {
        /// The parameter.
        name: String,
        /// What it may be.
        allowed: String,
    },
}

impl Parameter {
    /// Whether `value` is what this parameter may be.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        match self.pattern {
            Pattern::Label => is_label(value),
            Pattern::Host => {
                is_host(value)
                    && (self.suffixes.is_empty()
                        || self.suffixes.iter().any(|suffix| {
                            value.strip_suffix(suffix.as_str()).is_some_and(|rest| !rest.is_empty())
                        }))
            }
            Pattern::Id => {
                (1..=64).contains(&value.len())
                    && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
            }
            Pattern::Name => {
                (1..=63).contains(&value.len())
                    && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_$.-".contains(&b))
            }
            Pattern::Uuid => {
                value.len() == 36
                    && value.bytes().enumerate().all(|(at, b)| match at {
                        8 | 13 | 18 | 23 => b == b'-',
                        _ => b.is_ascii_hexdigit(),
                    })
            }
            Pattern::Port => {
                !value.starts_with('0')
                    && value.bytes().all(|b| b.is_ascii_digit())
                    && value.parse::<u16>().is_ok_and(|port| port > 0)
            }
            Pattern::Choice => self.one_of.iter().any(|allowed| allowed == value),
        }
    }

    /// What it may be, for a person.
    #[must_use]
    pub fn allowed(&self) -> String {
        match self.pattern {
            Pattern::Label => "one label of a host name: lower-case letters, digits and hyphens".to_owned(),
            Pattern::Host if self.suffixes.is_empty() => {
                "a host name in lower case, without scheme, port or path".to_owned()
            }
            Pattern::Host => {
                format!("a host name in lower case that ends with {}", self.suffixes.join(" or "))
            }
            Pattern::Id => "1 to 64 letters, digits, _ or -".to_owned(),
            Pattern::Name => "1 to 63 letters, digits, _, $, . or -".to_owned(),
            Pattern::Uuid => "a UUID such as 123e4567-e89b-12d3-a456-426614174000".to_owned(),
            Pattern::Port => "a port number from 1 to 65535".to_owned(),
            Pattern::Choice => format!("one of {}", self.one_of.join(", ")),
        }
    }
}

/// The parts of a URL with `{parameter}`s: each literal, and the parameter after it. `None`: a brace without its other.
pub(super) fn parts(template: &str) -> Option<Vec<(&str, Option<&str>)>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        if literal.contains('}') || name.is_empty() || name.contains('{') {
            return None;
        }
        parts.push((literal, Some(name)));
        rest = after;
    }
    (!rest.contains('}')).then(|| parts.push((rest, None)))?;
    Some(parts)
}

/// Completes `template` with values that each fit their parameter, and with `own` values, percent-encoded already.
pub(super) fn fill(
    template: &str,
    declared: &BTreeMap<String, Parameter>,
    values: &BTreeMap<String, String>,
    own: &[(&str, &str)],
) -> Result<String, ParameterError> {
    // Never grown, since one of them may be a token: a buffer that grows leaves copies behind.
    let defaults = declared.values().filter_map(|parameter| parameter.default.as_deref());
    let size = values.values().map(String::as_str).chain(defaults).chain(own.iter().map(|(_, value)| *value));
    let mut out = String::with_capacity(template.len() + size.map(str::len).sum::<usize>());
    for (literal, name) in parts(template).ok_or(ParameterError::NoUrl)? {
        out.push_str(literal);
        let Some(name) = name else { continue };
        if let Some((_, value)) = own.iter().find(|(own, _)| *own == name) {
            out.push_str(value);
            continue;
        }
        let parameter = declared.get(name).ok_or(ParameterError::Unknown)?;
        let value = values
            .get(name)
            .or(parameter.default.as_ref())
            .ok_or_else(|| ParameterError::Missing(name.to_owned()))?;
        if !parameter.accepts(value) {
            return Err(ParameterError::Invalid { name: name.to_owned(), allowed: parameter.allowed() });
        }
        out.push_str(value);
    }
    Ok(out)
}

fn is_label(value: &str) -> bool {
    (1..=63).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-')
        // An IDN's ASCII form: what a person sees is another name.
        && !value.starts_with("xn--")
}

fn is_host(value: &str) -> bool {
    // A top-level name has a letter, and an address has none there.
    let last = value.rsplit('.').next().unwrap_or_default();
    value.len() <= 253
        && value.contains('.')
        && value.split('.').all(is_label)
        && last.bytes().all(|b| b.is_ascii_lowercase())
}
