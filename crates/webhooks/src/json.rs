//! Picks a few values out of a JSON body in one pass, building nothing of the rest.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Longest value picked, in bytes: ids, types, times and challenges are shorter.
const MAX_VALUE: usize = 512;

/// The keys that lead from the document's top to a value.
pub(crate) type Path = &'static [&'static str];

/// The strings and whole numbers at the paths (at most 32 of them), in their order.
///
/// All `None` if the body isn't one JSON document. Of a repeated key the last counts, as in `JSON.parse`.
pub(crate) fn pick(body: &[u8], paths: &[Path]) -> Vec<Option<String>> {
    let mut found = vec![None; paths.len()];
    let live = (0..paths.len()).fold(0, |live, index| live | 1 << index);
    let mut document = serde_json::Deserializer::from_slice(body);
    let read = Value { paths, depth: 0, live, found: &mut found }
        .deserialize(&mut document)
        .and_then(|()| document.end());
    if read.is_err() {
        found.fill(None);
    }
    found
}

/// A value reached by the first `depth` keys of the paths whose bit in `live` is set.
struct Value<'a> {
    paths: &'a [Path],
    depth: usize,
    live: u32,
    found: &'a mut [Option<String>],
}

impl Value<'_> {
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
        while let Some(live) =
            map.next_key_seed(Key { paths: self.paths, depth: self.depth, live: self.live })?
        {
            if live == 0 {
                map.next_value::<IgnoredAny>()?;
            } else {
                let depth = self.depth + 1;
                map.next_value_seed(Value { paths: self.paths, depth, live, found: &mut *self.found })?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        self.set(None);
        while seq.next_element::<IgnoredAny>()?.is_some() {}
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
    paths: &'a [Path],
    depth: usize,
    live: u32,
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
        let goes_on = |path: &Path| path.get(self.depth).is_some_and(|next| *next == key);
        let through = self.paths.iter().enumerate().filter(|(_, path)| goes_on(path));
        Ok(self.live & through.fold(0, |live, (index, _)| live | 1 << index))
    }
}
