//! The filter against a plain one over parsed values.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::run;

/// A place in a document: keys, and None for an element.
pub(super) type Place = Vec<Option<String>>;

/// Fields here hold no escapes, so that they split plainly.
fn steps(field: &str) -> Vec<&str> {
    let mut steps = Vec::new();
    for part in field.split('.') {
        let name = part.trim_end_matches("[]");
        steps.extend((!name.is_empty()).then_some(name));
        steps.extend(vec!["[]"; (part.len() - name.len()) / 2]);
    }
    steps
}

fn is_match(steps: &[&str], place: &Place) -> bool {
    steps.len() == place.len()
        && steps.iter().zip(place).all(|(step, at)| match (*step, at) {
            ("[]", at) => at.is_none(),
            ("*", at) => at.is_some(),
            (name, at) => at.as_deref() == Some(name),
        })
}

pub(super) fn reference(fields: &[&str], place: &Place, value: &Value) -> Option<Value> {
    let leads_on = |element: bool| {
        fields.iter().map(|field| steps(field)).any(|steps| {
            steps.get(place.len()).is_some_and(|next| (*next == "[]") == element)
                && is_match(&steps[..place.len()], place)
        })
    };
    let inside = |at: Option<&String>, value: &Value| {
        let mut place = place.clone();
        place.push(at.cloned());
        reference(fields, &place, value)
    };
    match value {
        Value::Object(members) => leads_on(false).then(|| {
            let members = members.iter();
            members
                .filter_map(|(key, value)| Some((key.clone(), inside(Some(key), value)?)))
                .collect::<Map<_, _>>()
                .into()
        }),
        Value::Array(items) => {
            leads_on(true).then(|| items.iter().filter_map(|item| inside(None, item)).collect())
        }
        scalar => fields.iter().any(|field| is_match(&steps(field), place)).then(|| scalar.clone()),
    }
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[abc]", 1 => Just("é".to_owned()), 1 => Just("\"\\".to_owned()), 1 => "\\PC{0,3}", 1 => Just("😀\n".to_owned())]
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(|number: f64| Value::from(number)),
        any::<String>().prop_map(Value::from),
        "[a-z \"\\\\\n]{0,40}".prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(key(), inner, 0..5)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    let name = prop_oneof![6 => "[abc]", 1 => Just("é".to_owned()), 1 => Just("😀\n".to_owned()), 3 => Just("*".to_owned())];
    let part = (name, prop_oneof![3 => Just(0_usize), 2 => Just(1), 1 => Just(2)])
        .prop_map(|(name, elements)| name + &"[]".repeat(elements));
    (prop_oneof![3 => Just(""), 1 => Just("[]."), 1 => Just("[][].")], vec(part, 1..4))
        .prop_map(|(root, parts)| format!("{root}{}", parts.join(".")))
}

/// Writes `value` with whitespace and escapes that `choices` picks.
fn spell(value: &Value, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
    fn pick(choices: &mut impl Iterator<Item = u8>) -> u8 {
        choices.next().unwrap_or_default()
    }
    fn space(choices: &mut impl Iterator<Item = u8>, out: &mut String) {
        out.push_str(["", "", "", " ", "\n", "\t\r\n  "][usize::from(pick(choices) % 6)]);
    }
    fn text(text: &str, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            if pick(choices).is_multiple_of(4) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&if pick(choices).is_multiple_of(2) {
                        format!("\\u{unit:04x}")
                    } else {
                        format!("\\u{unit:04X}")
                    });
                }
            } else {
                let plain = serde_json::to_string(&c).unwrap();
                out.push_str(&plain[1..plain.len() - 1]);
            }
        }
        out.push('"');
    }
    space(choices, out);
    match value {
        Value::String(value) => text(value, choices, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                spell(item, choices, out);
            }
            space(choices, out);
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            space(choices, out);
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index > 0 { ",\n" } else { "" });
                text(key, choices, out);
                space(choices, out);
                out.push(':');
                spell(value, choices, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
    space(choices, out);
}

fn document() -> impl Strategy<Value = String> {
    (value(), vec(any::<u8>(), 1..40)).prop_map(|(value, choices)| {
        let mut text = String::new();
        spell(&value, &mut choices.into_iter().cycle(), &mut text);
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn t2_what_passes_is_what_the_reference_says(
        text in document(),
        fields in vec(field(), 0..6),
        sizes in vec(1_usize..12, 1..6),
    ) {
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        let out = run(&fields, text.as_bytes(), &sizes).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let expected = reference(&fields, &Vec::new(), &value).unwrap_or(Value::Null);
        prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), expected);
        // Compact: it is byte for byte what a second pass makes of it.
        if out != b"null" {
            prop_assert_eq!(run(&fields, &out, &sizes).unwrap(), out);
        }
    }

    /// What is damaged is refused or is still JSON, and what comes out always is.
    #[test]
    fn a_damaged_document_is_refused_exactly_if_it_is_no_json(
        text in document(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(&b"{}[],:\"\\u0e-+. tfn\xc3\xa9"[..])],
        how in 0..3,
        fields in vec(field(), 0..6),
        sizes in vec(1_usize..12, 1..6),
    ) {
        let mut text = text.into_bytes();
        let at = at.index(text.len());
        match how {
            0 => text[at] = byte,
            1 => text.insert(at, byte),
            _ => text.truncate(at),
        }
        // serde_json skips text without looking at its encoding.
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok() && core::str::from_utf8(&text).is_ok();
        prop_assert_eq!(run(&[], &text, &sizes).is_ok(), is_json);
        let fields: Vec<_> = fields.iter().map(String::as_str).collect();
        match run(&fields, &text, &sizes) {
            Ok(out) => {
                prop_assert!(is_json);
                prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&out).is_ok());
            }
            // Where text is kept or compared, half a surrogate pair is refused as well.
            Err(_) => prop_assert!(serde_json::from_slice::<Value>(&text).is_err()),
        }
    }

    #[test]
    fn noise_is_no_fault(noise in vec(any::<u8>(), 0..200), sizes in vec(1_usize..12, 1..4)) {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&noise).is_ok() && core::str::from_utf8(&noise).is_ok();
        prop_assert_eq!(run(&["a"], &noise, &sizes).is_ok(), is_json);
    }
}
