//! Where in a JSON text a byte stands: `auth.type`. serde_json tells a fault's line and column and nothing more; a deserializer that
//! keeps track of its path would be there twice for every type.
//!
//! Invariant: a key that does not look like a field's name is not repeated.

use std::borrow::Cow;

/// The place of a fault.
pub(super) struct Place {
    /// The keys that lead to it.
    keys: Vec<String>,
    /// The last key of the object that has just ended there.
    last: Option<String>,
}

struct Frame {
    is_object: bool,
    expects_key: bool,
    key: Option<String>,
}

impl Place {
    /// Of the byte at `offset` in a text that is JSON up to there.
    pub(super) fn of(text: &[u8], offset: usize) -> Self {
        let mut rest = text.get(..offset).unwrap_or(text).iter();
        let mut frames: Vec<Frame> = Vec::new();
        let mut last = None;
        while let Some(byte) = rest.next() {
            if !byte.is_ascii_whitespace() {
                last = None;
            }
            match byte {
                b'"' => {
                    let key = string(&mut rest);
                    if let Some(frame) = frames.last_mut().filter(|frame| frame.expects_key) {
                        frame.key = Some(key);
                    }
                }
                b'{' | b'[' => {
                    let is_object = *byte == b'{';
                    frames.push(Frame { is_object, expects_key: is_object, key: None });
                }
                b'}' | b']' => last = frames.pop().and_then(|frame| frame.key),
                b':' | b',' => {
                    if let Some(frame) = frames.last_mut() {
                        frame.expects_key = frame.is_object && *byte == b',';
                    }
                }
                _ => {}
            }
        }
        Self { keys: frames.into_iter().filter_map(|frame| frame.key).collect(), last }
    }

    /// Of the value that these keys lead to.
    pub(super) fn inside(keys: &[&str]) -> Self {
        Self { keys: keys.iter().map(|key| (*key).to_owned()).collect(), last: None }
    }

    /// The path of the value there. A fault of an object's last value is told at the object's end.
    pub(super) fn of_value(&self) -> Option<String> {
        path(self.keys.iter().chain(&self.last).map(String::as_str))
    }

    /// The path of a field of the object there.
    pub(super) fn of_field(&self, name: &str) -> Option<String> {
        let keys = self.keys.iter().map(String::as_str);
        let is_there = self.last.is_none() && self.keys.last().is_some_and(|key| key == name);
        path(keys.chain((!is_there).then_some(name)))
    }
}

/// `None` for the whole text, and from a key on that is no name.
fn path<'a>(keys: impl Iterator<Item = &'a str>) -> Option<String> {
    let keys: Vec<&str> = keys.take_while(|key| is_name(key)).collect();
    (!keys.is_empty()).then(|| keys.join("."))
}

fn is_name(key: &str) -> bool {
    (1..=40).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphabetic() || b"_-".contains(&b))
}

/// What follows a quotation mark, up to the next one; escapes as they are.
fn string(rest: &mut std::slice::Iter<'_, u8>) -> String {
    let mut bytes = Vec::new();
    while let Some(byte) = rest.next().filter(|byte| **byte != b'"') {
        bytes.push(*byte);
        if *byte == b'\\' {
            bytes.extend(rest.next());
        }
    }
    Cow::into_owned(String::from_utf8_lossy(&bytes))
}

/// The byte that a line and a column of serde_json's mean, both from 1.
pub(super) fn offset(text: &[u8], line: usize, column: usize) -> usize {
    let before = text.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1));
    before.map(<[u8]>::len).sum::<usize>() + column
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_byte_is_in_its_value() {
        let text = r#"{"name": "a}\"{", "auth": {"type": "x", "a": [1, {"b": 2}]}, "c d": {"e": 1}}"#;
        let at = |mark: &str| Place::of(text.as_bytes(), text.find(mark).unwrap() + mark.len());
        assert_eq!(at(r#""a}\"{""#).of_value().as_deref(), Some("name"));
        assert_eq!(at(r#""x""#).of_value().as_deref(), Some("auth.type"));
        assert_eq!(at("[1").of_value().as_deref(), Some("auth.a"));
        assert_eq!(at("2").of_value().as_deref(), Some("auth.a.b"));
        assert_eq!(at("2}]}").of_field("token").as_deref(), Some("auth.token"));
        assert_eq!(at(r#""e""#).of_value(), None, "a key that is no field's is not repeated");
        assert_eq!(at("1}}").of_field("x").as_deref(), Some("x"));
    }

    proptest! {
        #[test]
        fn any_text_has_places(text in "[{}\\[\\]\":,a-c\\\\ \n]{0,40}", at in 0usize..50, line in 0usize..4) {
            let place = Place::of(text.as_bytes(), at);
            let _ = (place.of_value(), place.of_field("x"), offset(text.as_bytes(), line, at));
        }
    }
}
