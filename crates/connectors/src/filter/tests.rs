mod attacks;
mod conformance;
mod reference;

use super::*;

fn filter(fields: &[&str]) -> FieldFilter {
    FieldFilter::new(&fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>())
}

/// Filters `text` cut into pieces of `sizes`, over and over.
fn run(fields: &[&str], text: &[u8], sizes: &[usize]) -> Result<Vec<u8>, FilterError> {
    let mut filter = filter(fields);
    let mut out = Vec::new();
    let mut rest = text;
    for size in sizes.iter().cycle() {
        let (chunk, tail) = rest.split_at(rest.len().min(*size));
        filter.push(chunk, &mut out)?;
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    filter.finish(&mut out)?;
    Ok(out)
}

/// Filters `text` at once and a byte at a time, which must give the same.
fn filtered(fields: &[&str], text: impl AsRef<[u8]>) -> Result<String, FilterError> {
    let text = text.as_ref();
    let whole = run(fields, text, &[text.len().max(1)]);
    assert_eq!(whole, run(fields, text, &[1]), "{:?}", String::from_utf8_lossy(text));
    whole.map(|out| String::from_utf8(out).unwrap())
}

#[test]
fn t2_listed_fields_pass_and_nothing_else() {
    let message = r#" {
        "id" : "18c", "threadId": "18a", "snippet": "Dear Bob,", "sizeEstimate": 5,
        "payload": { "mimeType": "text/plain", "body": { "data": "c2VjcmV0" },
            "headers": [ { "name": "From", "value": "a@example.com", "extra": [1, {"a": 2}] }, 7, { } ] },
        "labelIds": [ "INBOX", ["nested"], { "a": 1 }, "UNREAD" ],
        "internalDate": 1.50e+3, "raw": null } "#;
    let fields =
        ["id", "threadId", "labelIds[]", "internalDate", "payload.headers[].name", "payload.headers[].value"];
    let passes = r#"{"id":"18c","threadId":"18a","payload":{"headers":[{"name":"From","value":"a@example.com"},{}]},"labelIds":["INBOX","UNREAD"],"internalDate":1.50e+3}"#;
    assert_eq!(filtered(&fields, message).unwrap(), passes);
}

#[test]
fn a_field_names_scalars_and_the_containers_on_the_way() {
    for (fields, text, passes) in [
        // What holds something else than the field says is left out whole.
        (&["a"][..], r#"{"a":{"b":1}}"#, "{}"),
        (&["a"], r#"{"a":[1]}"#, "{}"),
        (&["a"], r#"[{"a":1}]"#, "null"),
        (&["a"], r#""a""#, "null"),
        (&["a.b"], r#"{"a":1}"#, "{}"),
        (&["a.b"], r#"{"a":null}"#, "{}"),
        (&["a.b"], r#"{"a":[{"b":1}]}"#, "{}"),
        (&["a[]"], r#"{"a":{"b":1}}"#, "{}"),
        (&["a[]"], r#"{"a":{"0":1}}"#, "{}"),
        (&["[]"], r#"{"0":1}"#, "null"),
        (&[], r#"{"a":1}"#, "null"),
        // Containers on the way pass, empty or not.
        (&["a.b"], r#"{"a":{"c":1}}"#, r#"{"a":{}}"#),
        (&["a[].b"], r#"{"a":[1,{},{"b":2},[{"b":3}]]}"#, r#"{"a":[{},{"b":2}]}"#),
        (&["[]"], "[1,[2],{},null]", "[1,null]"),
        (&["[][]"], "[1,[2,[3]],{}]", "[[2]]"),
        (&["[].a"], r#"[{"a":1,"b":2},{"b":3}]"#, r#"[{"a":1},{}]"#),
        // Any key.
        (&["a.*"], r#"{"a":{"b":1,"c":{"d":2},"e":[3],"f":null}}"#, r#"{"a":{"b":1,"f":null}}"#),
        (&["*.b"], r#"{"a":{"b":1,"c":2},"b":3}"#, r#"{"a":{"b":1}}"#),
        (&["*[]"], r#"{"a":[1,[2]],"b":3}"#, r#"{"a":[1]}"#),
        (&["*.x", "a.y"], r#"{"a":{"x":1,"y":2},"b":{"x":3,"y":4}}"#, r#"{"a":{"x":1,"y":2},"b":{"x":3}}"#),
        (&["*.*.z", "a.b"], r#"{"a":{"b":1,"c":{"z":2}}}"#, r#"{"a":{"b":1,"c":{"z":2}}}"#),
        // A field may be a scalar here and lead on there.
        (&["a", "a.b", "a[]"], r#"{"a":1,"a":{"b":2,"c":3},"a":[4]}"#, r#"{"a":1,"a":{"b":2},"a":[4]}"#),
        // Keys that hold what has a meaning in a field.
        (
            &[r"@odata\.nextLink"],
            r#"{"@odata.nextLink":1,"@odata":{"nextLink":2}}"#,
            r#"{"@odata.nextLink":1}"#,
        ),
        (&[r"\*"], r#"{"*":1,"a":2}"#, r#"{"*":1}"#),
        (&[r"a\[\]"], r#"{"a[]":1,"a":[2]}"#, r#"{"a[]":1}"#),
        (&[r"a\\"], r#"{"a\\":1,"a":2}"#, r#"{"a\\":1}"#),
    ] {
        assert_eq!(filtered(fields, text).as_deref(), Ok(passes), "{fields:?} {text}");
    }
}

#[test]
fn what_is_no_field_lets_nothing_pass() {
    for field in
        ["", ".", "a.", ".a", "a..b", "a[", "a]", "a[0]", "a[]b", "[", "]", "[]a", "[].", r"a\", "a.[]"]
    {
        assert!(fields::parse(field).is_none(), "{field}");
        assert_eq!(filtered(&[field], r#"{"":1,"a":{"":1,"b":[1]},"0":1}"#).unwrap(), "null", "{field}");
    }
}

#[test]
fn the_answer_is_compact_with_the_least_escapes() {
    let text = r#" { "a" : "\u0041\/\u00e9\ud83d\ude00é😀\u007f\u2028\"\\\b\f\n\r\t\u0000\u001F\u0022\u005c" , "\u0062\n\u0000\"" : -0.0E-0 } "#;
    let passes = "{\"a\":\"A/é😀é😀\u{7f}\u{2028}\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\\\"\\\\\",\"b\\n\\u0000\\\"\":-0.0E-0}";
    assert_eq!(filtered(&["*"], text).unwrap(), passes);
}

#[test]
fn what_passes_is_written_as_it_comes() {
    let mut filter = filter(&["a"]);
    let mut out = Vec::new();
    for (chunk, so_far) in [
        (r#"{"a"#, r#"{"#),
        (r#"":"on"#, r#"{"a":"on"#),
        (r#"ce","b":"x"#, r#"{"a":"once""#),
        (r#"","a":12"#, r#"{"a":"once","a":12"#),
        (r#"3}"#, r#"{"a":"once","a":123}"#),
    ] {
        filter.push(chunk.as_bytes(), &mut out).unwrap();
        assert_eq!(String::from_utf8_lossy(&out), so_far);
    }
    assert_eq!(filter.finish(&mut out), Ok(()));
}

#[test]
fn an_error_stays() {
    let mut filter = filter(&["a"]);
    let mut out = Vec::new();
    assert_eq!(filter.push(b"{]", &mut out), Err(FilterError::Syntax));
    let len = out.len();
    assert_eq!(filter.push(br#""a":1}"#, &mut out), Err(FilterError::Syntax));
    assert_eq!(filter.finish(&mut out), Err(FilterError::Syntax));
    assert_eq!(out.len(), len);
}

/// `cargo test --release -p sluicegate-connectors throughput -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::disallowed_methods)]
fn throughput() {
    let message = |body: &str| {
        format!(
            r#"{{"id":"18c2f0a1b2c3d4e5","threadId":"18c2f0a1b2c3d4e5","labelIds":["INBOX","UNREAD"],"snippet":"{body}","payload":{{"headers":[{{"name":"From","value":"Ann <ann@example.com>"}},{{"name":"Date","value":"Mon, 1 Jan 2024 00:00:00 +0000"}}],"body":{{"size":{},"data":"{body}"}}}},"sizeEstimate":12345}}"#,
            body.len()
        )
    };
    for (name, body) in
        [("short", "word ".repeat(4)), ("long", "word ".repeat(400)), ("Greek", "λόγος ".repeat(400))]
    {
        let text = format!("[{}]", vec![message(&body); 10_000_000 / message(&body).len()].join(","));
        for fields in
            [&["[].id"][..], &["[].id", "[].payload.headers[].*", "[].snippet", "[].payload.body.data"]]
        {
            let mut out = Vec::with_capacity(text.len());
            let begun = std::time::Instant::now();
            let mut filter = filter(fields);
            for chunk in text.as_bytes().chunks(16 * 1024) {
                filter.push(chunk, &mut out).unwrap();
            }
            filter.finish(&mut out).unwrap();
            let rate = text.len() as f64 / begun.elapsed().as_secs_f64() / 1e6;
            println!(
                "{name} strings, {} fields: {rate:.0} MB/s, {} of {} bytes",
                fields.len(),
                out.len(),
                text.len()
            );
        }
    }
}
