//! Claim N4 as properties: no single mutation of what a signature covers is accepted, whatever the body.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{NOW, Signed, key, key_of, takes_any_body};
use crate::provider::{Encoding, Part, Unit};
use crate::*;

#[derive(Debug, Clone)]
enum Mutation {
    Replace(Index, char),
    Insert(Index, char),
    Remove(Index),
    Swap(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let letter = || {
        prop_oneof![
            any::<char>(),
            proptest::char::range(' ', '~'),
            select(b"0=, ;vt+/_-\t".map(char::from).to_vec())
        ]
    };
    prop_oneof![
        (any::<Index>(), letter()).prop_map(|(at, new)| Mutation::Replace(at, new)),
        (any::<Index>(), letter()).prop_map(|(at, new)| Mutation::Insert(at, new)),
        any::<Index>().prop_map(Mutation::Remove),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Mutation::Swap(a, b)),
    ]
}

impl Mutation {
    fn text(&self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        match self {
            Mutation::Replace(at, new) => letters[at.index(text.len())] = *new,
            Mutation::Insert(at, new) => letters.insert(at.index(text.len() + 1), *new),
            Mutation::Remove(at) => drop(letters.remove(at.index(text.len()))),
            Mutation::Swap(a, b) => letters.swap(a.index(text.len()), b.index(text.len())),
        }
        letters.into_iter().collect()
    }

    fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut mutated = bytes.to_vec();
        match self {
            Mutation::Insert(at, new) => mutated.insert(at.index(bytes.len() + 1), *new as u8),
            _ if bytes.is_empty() => mutated.push(0),
            Mutation::Replace(at, new) => mutated[at.index(bytes.len())] = *new as u8,
            Mutation::Remove(at) => drop(mutated.remove(at.index(bytes.len()))),
            Mutation::Swap(a, b) => mutated.swap(a.index(bytes.len()), b.index(bytes.len())),
        }
        mutated
    }
}

fn any_provider() -> impl Strategy<Value = &'static Provider> {
    select(
        providers()
            .iter()
            .filter(|provider| provider.id != "generic" && !provider.fetches_key())
            .collect::<Vec<_>>(),
    )
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        r#"\{"id":"[a-z0-9]{1,20}","type":"[a-z.]{1,20}"\}"#.prop_map(String::into_bytes),
        "[0-9]{0,3}1760000000[0-9.]{0,20}".prop_map(String::into_bytes),
    ]
    .prop_map(|body| body.to_vec())
}

/// With this body where the scheme takes any.
fn signed(provider: &'static Provider, body: Vec<u8>) -> Signed {
    if takes_any_body(provider) { Signed::new(provider, body) } else { Signed::sample(provider) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn n4_no_mutated_header_is_accepted(
        provider in any_provider(), body in any_body(), which in any::<Index>(), mutation in mutation(),
    ) {
        let mut signed = signed(provider, body);
        prop_assert!(signed.check().is_ok());
        let covered = signed.covered_headers();
        prop_assume!(!covered.is_empty());
        let at = covered[which.index(covered.len())];
        let mutated = mutation.text(&signed.headers[at].1);
        // Hexadecimal may be in either case: a header that differs in no more says the same, or is refused.
        prop_assume!(!mutated.eq_ignore_ascii_case(&signed.headers[at].1));
        signed.headers[at].1 = mutated;
        let refused = signed.check();
        prop_assert!(refused.is_err(), "{} accepts {:?}", provider.id, signed.headers);
        prop_assert_eq!(refused.unwrap_err().code(), "signature_invalid");
    }

    #[test]
    fn n4_no_mutated_body_is_accepted(provider in any_provider(), body in any_body(), mutation in mutation()) {
        let original = signed(provider, body);
        let mut signed = original.clone();
        signed.body = mutation.bytes(&original.body);
        prop_assume!(signed.body != original.body);
        match signed.check() {
            Err(refusal) => prop_assert_eq!(refusal.code(), "signature_invalid"),
            Ok(accepted) => {
                prop_assert_eq!(signed.covered_body(), original.covered_body(), "{}", provider.id);
                prop_assert_eq!(accepted.event_id, original.check().unwrap().event_id);
            }
        }
    }

    /// What is signed is a concatenation, so nothing may be movable between a header and the body beside it.
    #[test]
    fn n4_nothing_moves_between_a_header_and_the_body(
        provider in any_provider(), body in any_body(), which in any::<Index>(), count in 1_usize..40, later in 0_u64..2,
    ) {
        let original = signed(provider, body);
        let covered = original.covered_headers();
        prop_assume!(!covered.is_empty());
        let at = covered[which.index(covered.len())];
        let value = original.headers[at].1.clone();
        let (body, count) = (&original.body, count.min(value.len() - 1));
        let taken = count.min(body.len());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let moves = [
            (value[..value.len() - count].to_owned(), [&value.as_bytes()[value.len() - count..], body].concat()),
            (value[count..].to_owned(), [body, &value.as_bytes()[..count]].concat()),
            (value.clone() + &text(&body[..taken]), body[taken..].to_vec()),
            (text(&body[body.len() - taken..]) + &value, body[..body.len() - taken].to_vec()),
        ];
        for (value, body) in moves {
            let mut moved = original.clone();
            if (&moved.headers[at].1, &moved.body) == (&value, &body) { continue }
            moved.headers[at].1 = value;
            moved.body = body;
            prop_assert!(moved.check_with(&[key_of(provider, 7)], NOW + later).is_err(), "{}: {:?}", provider.id, moved.headers);
        }
    }

    #[test]
    fn random_requests_neither_pass_nor_panic(
        provider in any_provider(),
        values in proptest::collection::vec("\\PC{0,80}|[a-z0-9=,; ]{0,80}", 4),
        body in any_body(),
    ) {
        let parts = provider.parts().iter().flat_map(|parts| parts.signed);
        let names = provider.signature_headers().chain(parts.filter_map(|part| match part {
            Part::Header(name) | Part::ListedHeaders(name) => Some(*name),
            _ => None,
        }));
        let headers: Vec<_> = names.zip(values).collect();
        let request = Request { method: "POST", url: "", headers: &headers, body: &body };
        let refused = verify(provider, &[key(7)], &request, NOW, None).unwrap_err();
        prop_assert_eq!(refused.code(), "signature_invalid");
    }

    #[test]
    fn one_text_a_signature(text in "[ -~]{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
        for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
            prop_assert_eq!(encoding.decode(&encoding.encode(&bytes)), Some(bytes.clone()));
            if let Some(decoded) = encoding.decode(&text) {
                let canonical = if encoding == Encoding::Hex { text.to_ascii_lowercase() } else { text.clone() };
                prop_assert_eq!(&encoding.encode(&decoded), &canonical);
            }
        }
    }

    #[test]
    fn a_time_reads_back_as_it_was_written(ms in 0_u64..99_999_999_999_000) {
        for unit in [Unit::Seconds, Unit::Milliseconds, Unit::Rfc3339] {
            prop_assert_eq!(unit.parse(&unit.format(ms)), Some(unit.floor(ms)));
        }
    }

    #[test]
    fn reading_a_time_never_panics(text in "\\PC{0,40}|[0-9TZ:.+-]{0,40}") {
        for unit in [Unit::Seconds, Unit::Milliseconds, Unit::Rfc3339] {
            let _ = unit.parse(&text);
        }
    }
}
