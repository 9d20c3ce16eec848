//! Servers that are no PostgreSQL, or not to be trusted: a customer names them.

use super::*;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag][..], &length, body].concat()
}

fn authentication(code: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes()[..], rest].concat())
}

fn row(fields: &[&str]) -> Vec<u8> {
    let mut body = u16::try_from(fields.len()).unwrap().to_be_bytes().to_vec();
    for field in fields {
        body.extend_from_slice(&u32::try_from(field.len()).unwrap().to_be_bytes());
        body.extend_from_slice(field.as_bytes());
    }
    message(b'D', &body)
}

fn columns(names: &[&str]) -> Vec<u8> {
    let mut body = u16::try_from(names.len()).unwrap().to_be_bytes().to_vec();
    for name in names {
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(&[0; 19]);
    }
    message(b'T', &body)
}

/// A stream from which `said` is read, and then its end. What is written to it goes nowhere.
fn server(said: Vec<u8>) -> DuplexStream {
    let (ours, theirs) = duplex(1 << 16);
    let (mut read, mut write) = tokio::io::split(theirs);
    tokio::spawn(async move {
        let _ = write.write_all(&said).await;
        let _ = write.shutdown().await;
    });
    tokio::spawn(async move {
        let mut heard = [0; 1024];
        while read.read(&mut heard).await.is_ok_and(|count| count > 0) {}
    });
    ours
}

fn talk(is_plain: bool, said: Vec<u8>) -> Result<String, Failure> {
    block_on(async {
        let login = login("fake", "fake-password", "fake");
        let mut session = Session::open(server(said), is_plain, &login, [7; 18]).await?;
        session.begin(false, STATEMENT_MS).await?;
        let query = Query::new("SELECT 1", Vec::new(), Some(5)).unwrap();
        all(session.query(&query, 10_000).await?).await
    })
}

fn opening() -> Vec<u8> {
    [authentication(0, &[]), message(b'Z', b"I"), row(&[""]), message(b'Z', b"T")].concat()
}

fn is_refused(result: &Result<String, Failure>) -> bool {
    matches!(result, Err(Failure::Protocol(_) | Failure::Closed | Failure::NoAuth))
}

#[test]
fn a_script_that_behaves_is_answered() {
    let rows =
        [columns(&["a", "b"]), row(&[r#"{"a":1,"b":{"c":[]}}"#]), message(b'C', b"SELECT 1\0")].concat();
    let answer = talk(true, [opening(), rows].concat()).unwrap();
    assert_eq!(answer, r#"{"columns":["a","b"],"rows":[[1,{"c":[]}]],"row_count":1,"truncated":false}"#);
}

#[test]
fn rows_of_another_form_are_refused() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(4000), "]".repeat(4000));
    for rows in [
        row(&[]),
        row(&["{\"a\":1}", "{}"]),
        row(&["{}"]),
        row(&[r#"{"a":1,"b":2}"#]),
        row(&[r#"{"a":1}]},"rows":[["#]),
        row(&["[1]"]),
        row(&["1"]),
        row(&[r#"{"a":}"#]),
        row(&[r#"{"a":1"#]),
        row(&[r#"{"a":"\ud800"}"#, "x"]),
        message(b'D', &[]),
        message(b'D', &[0, 1]),
        message(b'D', &[0, 1, 255, 255, 255, 255]),
        message(b'D', &[0, 1, 0, 0, 0, 2, b'{', 0xff]),
        message(b'D', &[0, 1, 127, 255, 255, 255, b'{', b'}']),
        [columns(&["a", "b"]), row(&[r#"{"a":1}"#])].concat(),
        message(b'G', &[0, 0, 0]),
        message(b'H', &[0, 0, 0]),
    ] {
        let said = [opening(), columns(&["a"]), rows.clone(), message(b'C', b"\0")].concat();
        assert!(is_refused(&talk(true, said)), "{rows:?}");
    }
    assert!(is_refused(&talk(true, [opening(), row(&["{}"])].concat())), "no columns were described");
    let nested = [opening(), columns(&["a"]), row(&[&deep]), message(b'C', b"\0")].concat();
    assert!(talk(true, nested).unwrap().len() > 8000, "nesting costs no stack");
}

#[test]
fn lengths_are_bounded_before_anything_is_kept() {
    let huge = |tag: u8| [&[tag][..], &u32::MAX.to_be_bytes(), b"x"].concat();
    for tag in [b'R', b'E', b'N', b'S', b'Z', b'D'] {
        assert!(is_refused(&talk(true, huge(tag))), "{tag}");
        assert!(is_refused(&talk(true, [authentication(0, &[]), huge(tag)].concat())), "{tag}");
    }
    for length in 0_u32..4 {
        assert!(is_refused(&talk(true, [&b"R"[..], &length.to_be_bytes()].concat())), "{length}");
    }
    // A row is not waited for where it would not fit.
    let answer = talk(true, [opening(), columns(&["a"]), huge(b'D')].concat()).unwrap();
    assert!(answer.ends_with(r#""rows":[],"row_count":0,"truncated":true}"#), "{answer}");
}

#[test]
fn endless_asides_are_refused() {
    let notices = message(b'N', b"SNOTICE\0\0").repeat(2000);
    assert!(is_refused(&talk(true, notices)));
    let keys = [authentication(0, &[]), message(b'K', &[0; 8]).repeat(2000)].concat();
    assert!(is_refused(&talk(true, keys)));
}

#[test]
fn the_password_goes_out_only_where_tls_stands_or_never() {
    for (is_plain, code) in
        [(true, 3), (true, 5), (false, 5), (false, 2), (false, 7), (false, 11), (false, 12)]
    {
        assert_eq!(talk(is_plain, authentication(code, b"salt")), Err(Failure::NoAuth), "{code}");
    }
    assert_eq!(talk(false, authentication(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-1\0\0")), Err(Failure::NoAuth));
}

#[test]
fn a_server_that_skips_its_own_proof_is_refused() {
    let scram = authentication(10, b"SCRAM-SHA-256\0\0");
    for rest in [
        authentication(0, &[]),
        authentication(12, b"v=AAAA"),
        authentication(11, b"r=x,s=c2FsdA==,i=4096"),
        authentication(11, b"r=BwcHBwcHBwcHBwcHBwcHBwcHBwcHx,s=c2FsdA==,i=99999999"),
        [authentication(11, b"r=BwcHBwcHBwcHBwcHBwcHBwcHx,s=c2FsdA==,i=1"), authentication(0, &[])].concat(),
        [authentication(11, b"r=BwcHBwcHBwcHBwcHBwcHBwcHx,s=c2FsdA==,i=1"), authentication(12, b"v=AAAA")]
            .concat(),
    ] {
        let said = [scram.clone(), rest, authentication(0, &[]), message(b'Z', b"I")].concat();
        assert!(matches!(talk(false, said), Err(Failure::Protocol(_))));
    }
}

#[test]
fn a_server_that_is_in_no_transaction_is_refused() {
    let signed_in = [authentication(0, &[]), message(b'Z', b"I")].concat();
    for rest in [
        [row(&[""]), message(b'Z', b"I")].concat(),
        [row(&["not_read_only"]), message(b'Z', b"T")].concat(),
        [row(&["anything"]), message(b'Z', b"T")].concat(),
        message(b'Z', b"T"),
    ] {
        assert!(is_refused(&talk(true, [signed_in.clone(), rest].concat())));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = talk(true, bytes);
    }

    #[test]
    fn no_messages_make_it_panic(
        parts in proptest::collection::vec(
            (prop_oneof![Just(b'R'), Just(b'E'), Just(b'T'), Just(b'D'), Just(b'C'), Just(b'Z'), any::<u8>()],
             proptest::collection::vec(any::<u8>(), 0..40)),
            0..8,
        ),
        far in any::<bool>(),
    ) {
        let said: Vec<u8> = parts.iter().flat_map(|(tag, body)| message(*tag, body)).collect();
        let said = if far { [opening(), columns(&["a"]), said].concat() } else { said };
        let _ = talk(true, said);
    }
}
