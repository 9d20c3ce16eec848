//! Responses of each kind, and what is none.

use super::*;
use proptest::prelude::*;

fn reader() -> ResponseReader {
    let mut reader = ResponseReader::default();
    reader.greeted(b"s1");
    reader
}

fn read(bytes: &[u8]) -> Result<Vec<Response>, LoginFailure> {
    let (mut reader, mut bytes, mut all) = (reader(), bytes, Vec::new());
    while let Some(response) = reader.push(&mut bytes)? {
        all.push(response);
    }
    Ok(all)
}

#[test]
fn responses_of_each_kind() {
    let all = read(b"* CAPABILITY IMAP4rev1 starttls\r\n+ \r\n+\r\ns1 no [limit] slow down\r\n").unwrap();
    let kinds: Vec<_> = all.iter().map(Response::kind).collect();
    let expected = [Kind::Untagged, Kind::Continuation, Kind::Continuation, Kind::Tagged(Status::No)];
    assert_eq!(kinds, expected);
    assert!(all[0].is_untagged("capability") && all[0].names("STARTTLS"));
    assert!(!all[0].names("CAPABILITY") && !all[0].names("START"));
    assert!(all[3].is_temporary() && all[3].has_code("LIMIT") && !all[3].has_code("LIM"));
}

#[test]
fn a_code_counts_in_its_own_place_alone() {
    for (line, is_code) in [
        ("* BYE [UNAVAILABLE] later\r\n", true),
        ("* BYE later [UNAVAILABLE]\r\n", false),
        ("s1 NO [AUTHENTICATIONFAILED] [UNAVAILABLE]\r\n", false),
        ("s1 NO x[UNAVAILABLE]\r\n", false),
    ] {
        assert_eq!(read(line.as_bytes()).unwrap()[0].is_temporary(), is_code, "{line}");
    }
}

#[test]
fn a_literal_hides_no_line() {
    let all = read(b"* X {14}\r\ns1 OK let in\r\n tail\r\ns1 NO\r\n").unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].kind(), Kind::Tagged(Status::No));
    let all = read(b"* X {3}\r\na\n\r)\r\n* Y {1}\r\n\r\r\n").unwrap();
    assert_eq!(all.len(), 2, "a literal may end in a CR");
    // No literal: braces without a number.
    assert_eq!(read(b"* OK {x}\r\n* OK {}\r\n* OK 1}\r\n").unwrap().len(), 3);
}

#[test]
fn what_is_no_response_is_refused() {
    for bytes in [
        &b"* OK ready\n"[..],
        b"* O\rK\r\n",
        b"\r\n",
        b"*\r\n",
        b"s2 OK\r\n",
        b"S1 OK\r\n",
        b"s1\r\n",
        b"s1 OKAY\r\n",
        b"220 mx ready\r\n",
        b"* nul\0\r\n",
        b"* {99999}\r\n",
        b"* {99999999999999999999999}\r\n",
    ] {
        assert!(matches!(read(bytes), Err(LoginFailure::Protocol(_))), "{bytes:?}");
    }
    for bytes in [&b"+ go\r\n"[..], b"s1 OK\r\n"] {
        assert!(ResponseReader::default().push(&mut &*bytes).is_err(), "before the greeting: {bytes:?}");
    }
}

#[test]
fn endless_responses_are_refused() {
    assert!(read(&[b'x'; MAX_BYTES + 1]).is_err());
    assert!(read(&b"* OK still here\r\n".repeat(MAX_RESPONSES)).is_ok());
    assert!(read(&b"* OK still here\r\n".repeat(MAX_RESPONSES + 1)).is_err());
    let literals = b"* A {3000}\r\n".iter().chain(&[b'x'; 3000]);
    let line: Vec<u8> = literals.cycle().take(20_000).copied().collect();
    assert!(read(&line).is_err());
}

proptest! {
    #[test]
    fn pieces_make_no_difference(
        bytes in "(([*+]|s1) (OK|NO|BAD|X)( \\[[A-Z]{1,4}\\])?( \\{[0-9]{1,2}\\})?\r?\n){0,4}",
        cut in 0_usize..80,
    ) {
        let bytes = bytes.as_bytes();
        let (one, two) = bytes.split_at(cut.min(bytes.len()));
        let mut reader = reader();
        let mut pieces = Ok(Vec::new());
        'all: for mut part in [one, two] {
            loop {
                match reader.push(&mut part) {
                    Ok(Some(response)) => pieces.as_mut().unwrap().push(response),
                    Ok(None) => break,
                    Err(error) => {
                        pieces = Err(error);
                        break 'all;
                    }
                }
            }
        }
        prop_assert_eq!(read(bytes), pieces);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }
}
