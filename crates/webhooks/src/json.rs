//! Picks a few values out of a JSON body in one pass, building nothing of the rest.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::provider::Path;

/// Longest value picked, in bytes: ids, types, times and challenges are shorter.
const MAX_VALUE: usize = 512;

/// The key of a [`Path`] that stands for an array's only element.
pub(crate) const ONLY: &str = "[]";

/// The strings and whole numbers at the paths (at most 32 of them), in their order.
///
/// All `None` if the body isn't one JSON document. Of a repeated key the last counts, as in `JSON.parse`.
pub(crate) fn pick(body: &[u8], paths: &[Path<'_>]) -> Vec<Option<String>> {
    read(body, paths, false)
}

/// The same, but all `None` too where a key on the way to one of the paths is repeated or the body isn't UTF-8: for values
/// that decide whether a body is genuine, and that its reader must not find elsewhere.
pub(crate) fn pick_once(body: &[u8], paths: &[Path<'_>]) -> Vec<Option<String>> {
    if str::from_utf8(body).is_err() { vec![None; paths.len()] } else { read(body, paths, true) }
}

fn read(body: &[u8], paths: &[Path<'_>], once: bool) -> Vec<Option<String>> {
    let mut found = vec![None; paths.len()];
    let live = (0..paths.len()).fold(0, |live, index| live | 1 << index);
    let mut document = serde_json::Deserializer::from_slice(body);
    let read = Value { paths, depth: 0, live, once, found: &mut found }
        .deserialize(&mut document)
        .and_then(|()| document.end());
    if read.is_err() {
        found.fill(None);
    }
    found
}

/// A value reached by the first `depth` keys of the paths whose bit in `live` is set.
struct Value<'a> {
    paths: &'a [Path<'a>],
    depth: usize,
    live: u32,
    once: bool,
    found: &'a mut [Option<String>],
}

impl Value<'_> {
    /// What lies one key deeper, for the paths in `live`.
    fn deeper(&mut self, live: u32) -> Value<'_> {
        Value { paths: self.paths, depth: self.depth + 1, live, once: self.once, found: self.found }
    }

    /// Sets what ends here; what would lie deeper isn't there, even if an earlier object of the same key had it.
    fn set(&mut self, value: Option<String>) {
        for (index, (path, found)) in self.paths.iter().zip(self.found.iter_mut()).enumerate() {
            if self.live & 1 << index != 0 {
                *found = if path.len() == self.depth { value.clone() } else { None };
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.set(None);
        let mut seen = 0;
        while let Some(live) =
            map.next_key_seed(Key { paths: self.paths, depth: self.depth, live: self.live })?
        {
            if self.once && seen & live != 0 {
                return Err(A::Error::custom("a repeated key"));
            }
            seen |= live;
            if live == 0 {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(self.deeper(live))?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        self.set(None);
        let only = Key { paths: self.paths, depth: self.depth, live: self.live }.through(ONLY);
        if only == 0 {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
        } else if seq.next_element_seed(self.deeper(only))?.is_some() {
            while seq.next_element::<IgnoredAny>()?.is_some() {
                self.deeper(only).set(None);
            }
        }
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.set((text.len() <= MAX_VALUE).then(|| text.to_owned()));
        Ok(())
    }

    fn visit_u64<E>(mut self, number: u64) -> Result<(), E> {
        self.set(Some(number.to_string()));
        Ok(())
    }

    fn visit_i64<E>(mut self, number: i64) -> Result<(), E> {
        self.set(Some(number.to_string()));
        Ok(())
    }

    fn visit_f64<E>(mut self, _: f64) -> Result<(), E> {
        self.set(None);
        Ok(())
    }

    fn visit_bool<E>(mut self, _: bool) -> Result<(), E> {
        self.set(None);
        Ok(())
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.set(None);
        Ok(())
    }
}

/// An object's key: narrows `live` to the paths that go on through it.
struct Key<'a> {
    paths: &'a [Path<'a>],
    depth: usize,
    live: u32,
}

impl Key<'_> {
    fn through(&self, key: &str) -> u32 {
        let goes_on = |path: &Path| path.get(self.depth).is_some_and(|next| *next == key);
        let through = self.paths.iter().enumerate().filter(|(_, path)| goes_on(path));
        self.live & through.fold(0, |live, (index, _)| live | 1 << index)
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<u32, E> {
        // An array's element is no member of an object, whatever its name.
        Ok(if key == ONLY { 0 } else { self.through(key) })
    }
}
