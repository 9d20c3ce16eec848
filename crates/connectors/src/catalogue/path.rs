//! The paths of a rule: `/users/me/messages/{id}`, `/issues/{number:int}.json`, `/{kind=open|closed}/list`.
//!
//! A pattern matches decoded segments, one for one, and writes the path that is sent from what it matched. So a path
//! that passed is made of the pattern's own literals and of plain characters, however the caller spelled it.

use serde::Deserialize;

/// The longest value of a `{placeholder}`, in bytes.
const MAX_VALUE: usize = 256;

/// A rule's path.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Variable { prefix: String, values: Values, suffix: String },
}

#[derive(Debug)]
enum Values {
    /// Letters, digits and `-._~@+=!`.
    Plain,
    /// 1 to 20 digits.
    Int,
    OneOf(Vec<String>),
}

impl PathPattern {
    /// As it is written in the catalogue.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether any path but one matches.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Variable { .. }))
    }

    /// The path to send for these decoded segments, where they match.
    #[must_use]
    pub fn matched<'a>(&self, mut segments: impl Iterator<Item = &'a str>) -> Option<String> {
        let mut path = String::new();
        for expected in &self.segments {
            let given = segments.next().filter(|given| expected.accepts(given))?;
            path.push('/');
            path.push_str(given);
        }
        segments.next().is_none().then_some(path)
    }
}

impl Segment {
    fn accepts(&self, given: &str) -> bool {
        match self {
            Self::Literal(literal) => given == literal,
            Self::Variable { prefix, values, suffix } => given
                .strip_prefix(prefix.as_str())
                .and_then(|rest| rest.strip_suffix(suffix.as_str()))
                .is_some_and(|value| values.accept(value)),
        }
    }
}

impl Values {
    fn accept(&self, value: &str) -> bool {
        match self {
            Self::Plain => {
                (1..=MAX_VALUE).contains(&value.len())
                    && value.bytes().all(is_plain)
                    // `.`, `..` and what a server might make of more of them.
                    && !value.bytes().all(|b| b == b'.')
            }
            Self::Int => (1..=20).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit()),
            Self::OneOf(allowed) => allowed.iter().any(|allowed| allowed == value),
        }
    }
}

impl TryFrom<String> for PathPattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let segments = text
            .strip_prefix('/')
            .ok_or("a path starts with a slash")?
            .split('/')
            .map(Segment::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self { text, segments })
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, &'static str> {
        const BRACES: &str = "a segment has at most one {placeholder}, its braces in pairs";
        let Some((prefix, rest)) = text.split_once('{') else {
            return Ok(Self::Literal(literal(text, 1)?));
        };
        let (inner, suffix) = rest.split_once('}').ok_or(BRACES)?;
        if inner.contains('{') {
            return Err(BRACES);
        }
        let (name, values) = match (inner.split_once('='), inner.split_once(':')) {
            (Some((name, list)), _) => {
                let allowed = list.split('|').map(|value| literal(value, 1)).collect::<Result<_, _>>()?;
                (name, Values::OneOf(allowed))
            }
            (None, Some((name, "int"))) => (name, Values::Int),
            (None, Some(_)) => return Err("a placeholder is {name}, {name:int} or {name=one|other}"),
            (None, None) => (inner, Values::Plain),
        };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err("a placeholder's name is letters, digits and _");
        }
        Ok(Self::Variable { prefix: literal(prefix, 0)?, values, suffix: literal(suffix, 0)? })
    }
}

/// Text of the pattern itself. Unlike a value it may hold `$` and `:`, as in `:search`.
fn literal(text: &str, min: usize) -> Result<String, &'static str> {
    let is_fine = text.len() >= min
        && text.bytes().all(|b| is_plain(b) || matches!(b, b'$' | b':' | b','))
        && (text.is_empty() || min == 0 || !text.bytes().all(|b| b == b'.'));
    is_fine
        .then(|| text.to_owned())
        .ok_or("a path has no empty, dotted or encoded segments, and braces in pairs")
}

/// A character that stands for itself in a path, and that no server takes for a separator, an operator or an encoding.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'@' | b'+' | b'=' | b'!')
}
