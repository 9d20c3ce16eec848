//! JSON → types, by way of a tree. What `serde_json` makes of a derived type is fast and takes kilobytes of Wasm a type; here
//! a type costs a third of that, which counts for the many that pages and configuration have. For what is read once a page
//! or once an isolate.
//!
//! Invariant: an error says nothing of what was read. Unlike with `serde_json`, of a key that comes twice the last counts,
//! and a struct is never an array.

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use std::fmt::Display;

/// The text is no JSON of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the JSON that was expected")]
pub struct Malformed;

impl serde::de::Error for Malformed {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// Reads a type.
///
/// # Errors
/// [`Malformed`].
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Malformed> {
    T::deserialize(Node(serde_json::from_slice(json).map_err(|_| Malformed)?))
}

struct Node(Value);

impl<'de> Deserializer<'de> for Node {
    type Error = Malformed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), ..) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (_, _, Some(value)) => visitor.visit_f64(value),
                _ => Err(Malformed),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Object(fields) => visitor.visit_map(Fields::of(fields)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.0 {
            Value::Object(fields) => visitor.visit_map(Fields::of(fields)),
            _ => Err(Malformed),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            _ => Err(Malformed),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        match self.0 {
            Value::String(text) => Key(text).deserialize_enum(name, variants, visitor),
            _ => Err(Malformed),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            _ => Err(Malformed),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        self.deserialize_string(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct identifier ignored_any
    }
}

struct Items(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Malformed;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Malformed> {
        self.0.next().map(|item| seed.deserialize(Node(item))).transpose()
    }
}

struct Fields {
    rest: <Map<String, Value> as IntoIterator>::IntoIter,
    value: Value,
}

impl Fields {
    fn of(fields: Map<String, Value>) -> Self {
        Self { rest: fields.into_iter(), value: Value::Null }
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Malformed;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Malformed> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = value;
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Malformed> {
        seed.deserialize(Node(self.value.take()))
    }
}

/// A name: of a field, of an enum's variant, or a number that is a key.
struct Key(String);

impl<'de> Deserializer<'de> for Key {
    type Error = Malformed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_string(self.0)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Malformed> {
        visitor.visit_u32(self.0.parse().map_err(|_| Malformed)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        let name: StringDeserializer<Malformed> = self.0.into_deserializer();
        visitor.visit_enum(name)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Malformed> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Config;
    use protocol::Problem;
    use protocol::api::{AuditEvent, CreatedApiKey, DeletedOrg, InboundEvent, Keys, List, Usage};
    use protocol::call::OidcOutcome;
    use serde::Serialize;
    use serde_json::json;

    /// What `serde_json` reads, the tree reads the same.
    fn same<T: DeserializeOwned + Serialize>(value: &Value) -> Value {
        let text = value.to_string();
        let by_tree: T = read(text.as_bytes()).unwrap();
        let direct: T = serde_json::from_str(&text).unwrap();
        let by_tree = serde_json::to_value(&by_tree).unwrap();
        assert_eq!(by_tree, serde_json::to_value(&direct).unwrap());
        by_tree
    }

    #[test]
    fn types_are_read_as_serde_json_reads_them() {
        use crate::handlers::fixtures::answer;
        use protocol::Operation as O;
        let page = || protocol::Page::default();
        assert_eq!(
            read::<Config>(crate::CONFIG.as_bytes()).unwrap(),
            Config::from_embedded(crate::CONFIG).unwrap()
        );
        // Numbers and variants as keys, flattened structs, tagged enums, untyped JSON.
        same::<Keys>(&answer(&O::GetKeys));
        same::<Usage>(&answer(&O::GetUsage));
        same::<DeletedOrg>(&answer(&O::DeleteOrg));
        same::<CreatedApiKey>(&answer(&O::CreateApiKey));
        same::<List<protocol::api::Connector>>(&answer(&O::ListConnectors));
        let mut events = answer(&O::ListAccountEvents(page()));
        events["data"][0]["metadata"] = json!({ "a": [1, -2, 1.5, null, true, "x", { "b": {} }] });
        assert_eq!(same::<List<AuditEvent>>(&events)["data"][0]["metadata"], events["data"][0]["metadata"]);
        let id = protocol::InboundEventId::parse(&crate::handlers::fixtures::id("ine_")).unwrap();
        same::<InboundEvent>(&answer(&O::GetInboundEvent { id }));
        same::<OidcOutcome>(&json!({ "outcome": "second_factor", "challenge": "c" }));
        same::<Problem>(
            &serde_json::to_value(Problem::new(
                protocol::Code::NotFound,
                protocol::RequestId::new(0, [0; 10]),
            ))
            .unwrap(),
        );
    }

    #[test]
    fn what_is_not_of_the_type_is_refused() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            "{}{}",
            r#"{"current":"2","versions":[]}"#,
            r#"{"current":2}"#,
            r#"{"current":2,"versions":{}}"#,
        ] {
            assert_eq!(read::<Keys>(text.as_bytes()), Err(Malformed), "{text}");
        }
        let unknown = crate::CONFIG.replacen("\"limits\":{", "\"limits\":{\"nope\":1,", 1);
        assert_ne!(unknown, crate::CONFIG);
        assert_eq!(read::<Config>(unknown.as_bytes()), Err(Malformed));
        let deep = "[".repeat(100_000);
        assert_eq!(read::<Keys>(deep.as_bytes()), Err(Malformed));
    }
}
