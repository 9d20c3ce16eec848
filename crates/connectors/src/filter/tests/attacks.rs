//! What an upstream may try so that content passes, or so that the filter breaks.

use super::{filter, filtered};
use crate::filter::FilterError::{Depth, Encoding, Syntax, Truncated};
use crate::filter::MAX_DEPTH;

#[test]
fn t2_a_key_in_escapes_is_the_key_it_spells() {
    for spelling in [r"\u0062ody", r"b\u006fdy", r"\u0062\u006F\u0064\u0079"] {
        let text = format!(r#"{{"{spelling}":"kept"}}"#);
        assert_eq!(filtered(&["body"], &text).unwrap(), r#"{"body":"kept"}"#);
        assert_eq!(filtered(&["id"], &text).unwrap(), "{}");
        // It is not what it looks like.
        assert_eq!(filtered(&[&spelling.replace('\\', r"\\")], &text).unwrap(), "{}");
    }
    assert_eq!(filtered(&["😀"], r#"{"\ud83D\uDe00":1,"\uff5e":2}"#).unwrap(), r#"{"😀":1}"#);
    // Neither a prefix, nor what comes behind a NUL, nor another case or normal form.
    for key in ["i", "idx", r"id\u0000", "ID", " id", "id ", r"\u0131d", ""] {
        assert_eq!(filtered(&["id"], format!(r#"{{"{key}":"x"}}"#)).unwrap(), "{}", "{key}");
    }
    assert_eq!(filtered(&["\u{e9}"], r#"{"e\u0301":"x"}"#).unwrap(), "{}");
}

#[test]
fn t2_duplicate_keys_are_each_held_to_the_rule() {
    let text = r#"{"a":{"secret":1},"a":[2],"a":3,"b":4,"a":{"ok":5,"secret":6},"\u0061":7}"#;
    assert_eq!(filtered(&["a", "a.ok"], text).unwrap(), r#"{"a":{},"a":3,"a":{"ok":5},"a":7}"#);
}

#[test]
fn t2_a_key_in_a_value_and_a_value_in_a_key_deceive_nobody() {
    for text in [
        r#"{"x":"\",\"id\":\"smuggled"}"#,
        r#"{"x":"\\","y":"\\\",\"id\":1"}"#,
        r#"{"\",\"id\":\"smuggled":1}"#,
        r#"{"x":{"id":1},"y":[{"id":2}],"z":[["id",3]]}"#,
        r#"{"x":"\u0022,\u0022id\u0022:1"}"#,
    ] {
        assert_eq!(filtered(&["id"], text).unwrap(), "{}", "{text}");
    }
    // A kept string cannot end itself early in the answer.
    let text = r#"{"id":"\u0022,\u0022body\u0022:\u0022","body":1}"#;
    assert_eq!(filtered(&["id"], text).unwrap(), r#"{"id":"\",\"body\":\""}"#);
    // Nor a key that `*` lets pass.
    assert_eq!(filtered(&["*"], r#"{"a\u0022:1,\u0022b":2}"#).unwrap(), r#"{"a\":1,\"b":2}"#);
}

#[test]
fn nesting_is_bounded() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"a":"#, "}]")] {
        let levels = MAX_DEPTH / if open.len() == 6 { 2 } else { 1 };
        let nested = |levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
        for fields in [&[][..], &["[][][][]"], &["a.a.a.a"]] {
            assert!(filtered(fields, nested(levels)).is_ok());
            assert_eq!(filtered(fields, nested(levels + 1)), Err(Depth));
        }
        assert_eq!(filtered(&[], open.repeat(100_000)), Err(Depth));
    }
}

#[test]
fn memory_is_bounded_whatever_is_sent() {
    let mut filter = filter(&["kept", "*.*"]);
    let mut out = Vec::new();
    let chunk = |byte: u8| vec![byte; 64 * 1024];
    for (before, filling, behind) in [
        (r#"{"kept":""#, b'a', r#"","#),
        (r#""kept":1"#, b'0', ","),
        (r#""left out":{"x":{"y":""#, b'b', r#""}},"#),
        (r#""left out":{"x":{"y":-1"#, b'1', "}},"),
        (r#""long key"#, b'c', r#"":{"a":"x"},"#),
        (r#""spaces":"#, b' ', "{}}"),
    ] {
        filter.push(before.as_bytes(), &mut out).unwrap();
        for _ in 0..64 {
            filter.push(&chunk(filling), &mut out).unwrap();
            // What passes is handed on at once, what doesn't is not kept.
            out.clear();
            assert!(filter.key.text().is_none_or(|key| key.len() <= 1024));
        }
        filter.push(behind.as_bytes(), &mut out).unwrap();
    }
    filter.finish(&mut out).unwrap();
    assert!(filter.frames.capacity() <= 2 * MAX_DEPTH);
}

#[test]
fn a_key_too_long_to_compare_is_read_and_left_out() {
    for (len, passes) in [(1024, true), (1025, false), (100_000, false)] {
        for (spelled, plain) in [("a", "a"), (r"\u0061", "a"), ("é", "é"), (r"\ud83d\ude00", "😀")] {
            let count = len / plain.len() + len % plain.len();
            let key = plain.repeat(count);
            let text = format!(r#"{{"{}":1,"b":2}}"#, spelled.repeat(count));
            let expected = if passes && key.len() <= 1024 {
                format!(r#"{{"{key}":1,"b":2}}"#)
            } else {
                r#"{"b":2}"#.into()
            };
            assert_eq!(filtered(&["*"], &text).unwrap(), expected);
        }
    }
    // An escaped quotation mark behind the bound is still no end.
    let text = format!(r#"{{"{}\",\"b":1}}"#, "a".repeat(2000));
    assert_eq!(filtered(&["b"], text).unwrap(), "{}");
}

#[test]
fn text_that_is_not_unicode_is_refused_where_it_is_kept_or_compared() {
    for bad in [
        r"\ud83d",
        r"\ude00",
        r"\ud83dx",
        r"\ud83d\n",
        r"\ud83d\ud83d",
        r"\ud83d\u0041",
        r"\ud83dé",
        r"\ude00\ud83d",
    ] {
        assert_eq!(filtered(&["a"], format!(r#"{{"a":"{bad}"}}"#)), Err(Encoding), "{bad}");
        assert_eq!(filtered(&["a"], format!(r#"{{"{bad}":1}}"#)), Err(Encoding), "{bad}");
        // A title cut in half that nobody reads is no reason to refuse the rest.
        assert_eq!(
            filtered(&["a"], format!(r#"{{"b":"{bad}","c":{{"{bad}":1}},"a":2}}"#)).unwrap(),
            r#"{"a":2}"#
        );
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused_everywhere() {
    for bad in [
        &b"\x80"[..],
        b"\xbf",
        b"\xc0\xaf",
        b"\xc1\x81",
        b"\xc3",
        b"\xc3(",
        b"\xe0\x80\xaf",
        b"\xe0\x9f\xbf",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x8f\xbf\xbf",
        b"\xf0\x9f\x98",
        b"\xf0\x9f\x98\\n",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xfe",
        b"\xff",
    ] {
        for (before, behind) in
            [(r#"{"a":""#, r#""}"#), (r#"{"b":""#, r#""}"#), (r#"{""#, r#"":1}"#), (r#"{"b":{""#, r#"":1}}"#)]
        {
            let text = [before.as_bytes(), bad, behind.as_bytes()].concat();
            assert_eq!(filtered(&["a"], &text), Err(Encoding), "{before}{bad:x?}");
        }
    }
    for good in
        ["\u{80}", "\u{7ff}", "\u{800}", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}", "\u{10ffff}"]
    {
        assert_eq!(filtered(&["a"], format!(r#"{{"a":"{good}"}}"#)).unwrap(), format!(r#"{{"a":"{good}"}}"#));
    }
}

#[test]
fn every_document_cut_short_is_refused() {
    let text = r#" {"a":[1.5e-3,true,"\u00e9é\n"],"b":{"c":null},"d":false,"e":-0}"#;
    assert!(filtered(&["a[]"], text).is_ok());
    for len in 0..text.len() {
        assert_eq!(filtered(&["a[]"], &text.as_bytes()[..len]), Err(Truncated), "{len}");
        assert_eq!(filtered(&["e"], &text.as_bytes()[..len]), Err(Truncated), "{len}");
    }
    for text in ["-", "1.", "1e", "1e+", "tru", "\"a"] {
        assert_eq!(filtered(&["a"], text), Err(Truncated), "{text}");
    }
}

#[test]
fn a_second_document_is_refused() {
    for behind in ["{}", "1", "null", "\"\"", ",", "]", "}", "\0", "\u{feff}", "//", "x"] {
        for document in [r#"{"a":1}"#, "[]", "null ", "\"x\"\n"] {
            assert_eq!(filtered(&["a"], format!("{document}{behind}")), Err(Syntax), "{document}{behind}");
        }
    }
    assert_eq!(filtered(&["a"], "{\"a\":1}\n{\"a\":2}\n"), Err(Syntax));
}
