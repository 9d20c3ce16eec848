//! What is an address, by RFC 5321, 5322, 6531 and UTS 46; and that the mailer sends to whatever is one.

use super::*;
use crate::{Client, Content, Message, Step, Transport};
use proptest::prelude::*;

#[test]
fn ordinary_addresses_are_taken_as_they_are() {
    for text in ["ada@example.com", "Ada.Lovelace+x@Sub.Example.co.uk", "o'neil@xn--bcher-kva.example"] {
        let address = Address::parse(text).unwrap();
        assert_eq!(address.as_str(), text);
        assert_eq!(address.domain(), text.split_once('@').unwrap().1);
    }
}

#[test]
fn what_is_not_exactly_one_plain_address_is_refused() {
    for text in [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@localhost",
        "ada@example..com",
        "ada@-example.com",
        ".ada@example.com",
        "ada.@example.com",
        "ada@example.com.",
        " ada@example.com",
        "ada@example.com ",
        "ada@example.com,eve@example.org",
        "ada@example.com;eve@example.org",
        "ada@example.com eve@example.org",
        "ada@eve@example.com",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        "ada@example.com> RCPT TO:<eve@example.org",
        "ada@example.com\r\nBcc: eve@example.org",
        "ada\n@example.com",
        "ada\0@example.com",
        "\"ada\"@example.com",
        "\"a\r\nb\"@example.com",
        "ada(comment)@example.com",
        "ada@[192.0.2.1]",
        "ada@192.0.2.1",
        "ada@example.1",
        "ädä@example.com",
        "ada@exämple.com",
        "eve%example.org:ada@example.com",
    ] {
        assert_eq!(Address::parse(text), Err(Error::Address), "{text:?}");
    }
}

#[test]
fn lengths_are_bounded() {
    let local = "a".repeat(64);
    let domain = format!("{0}.{0}.{1}", "d".repeat(63), "d".repeat(61));
    assert_eq!(format!("{local}@{domain}").len(), 254);
    assert!(Address::parse(&format!("{local}@{domain}")).is_ok());
    assert!(Address::parse(&format!("{local}@{domain}d")).is_err());
    assert!(Address::parse(&format!("{local}a@example.com")).is_err());
}

#[test]
fn a_name_with_a_line_end_is_refused() {
    let address = Address::parse("ada@example.com").unwrap();
    for name in ["a\r\nBcc: eve@example.org", "a\nb", "a\rb", "a\0b", "a\u{85}b"] {
        assert_eq!(Mailbox::new(name, address.clone()), Err(Error::Header), "{name:?}");
    }
    assert_eq!(Mailbox::new(&"x".repeat(161), address), Err(Error::Header));
}

#[test]
fn what_people_type_becomes_one_form() {
    for (typed, form) in [
        ("ada@example.com", "ada@example.com"),
        ("  Ada@Example.COM\r\n", "ada@example.com"),
        ("\u{feff}ada@example.com\u{200b}\u{a0}", "ada@example.com"),
        ("\u{202a}ada@example.com\u{202c}", "ada@example.com"),
        // RFC 5321, section 4.1.2: a dot-atom may hold all of these.
        ("!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"),
        // UTS 46, section 4: case, width and full stops are mapped; RFC 5891: the A-label is what is compared.
        ("ada@b\u{fc}cher.example", "ada@xn--bcher-kva.example"),
        ("ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example"),
        ("ada@B\u{dc}CHER.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@\u{ff45}\u{ff58}\u{ff41}\u{ff4d}\u{ff50}\u{ff4c}\u{ff45}\u{3002}com", "ada@example.com"),
        // Nontransitional: the sharp s is a letter of its own, as it is to browsers.
        ("ada@stra\u{df}e.example", "ada@xn--strae-oqa.example"),
        ("ada@\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}", "ada@xn--r8jz45g.xn--zckzah"),
        ("ada@ab--cd.example", "ada@ab--cd.example"),
    ] {
        let address = Address::typed(typed).unwrap_or_else(|error| panic!("{typed:?}: {error}"));
        assert_eq!(address.as_str(), form);
        assert_eq!(Address::typed(form).as_ref(), Ok(&address), "the form is its own form");
    }
}

#[test]
fn what_no_mail_can_reach_is_refused_where_it_is_typed() {
    for typed in [
        "",
        "   ",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@example",
        "ada@.example.com",
        "ada@example..com",
        "ada@example.com.",
        "ada@-example.com",
        "ada@example-.com",
        "ada@exa_mple.com",
        "ada@exam ple.com",
        ".ada@example.com",
        "ada.@example.com",
        "a..da@example.com",
        "a da@example.com",
        "a\u{0}da@example.com",
        "ada@eve@example.com",
        "\"ada\"@example.com",
        "\"eve@evil.example\"@example.com",
        "ada@[192.0.2.1]",
        "ada@[IPv6:2001:db8::1]",
        "ada@192.0.2.1",
        "Ada <ada@example.com>",
        "<ada@example.com>",
        "ada@example.com,eve@example.org",
        "ada@example.com\r\nBcc: eve@example.org",
        "ada@b\u{fc}cher",
        // No label that anybody can register: RFC 5891, section 4.2.
        "ada@xn--a.example",
        "ada@xn--.example",
        "ada@\u{308}bucher.example",
        "ada@\u{2665}\u{fffd}.example",
        &format!("ada@{}.example", "a".repeat(64)),
        &format!("ada@{}.example", "\u{fc}".repeat(64)),
        &format!("{}@example.com", "a".repeat(65)),
        &format!("ada@{}", "a.".repeat(126) + "example"),
        &format!("ada@{}.example", "\u{fc}".repeat(100_000)),
    ] {
        assert_eq!(Address::typed(typed), Err(Error::Address), "{typed:?}");
    }
}

/// RFC 6531 lets the local part be UTF-8 where every server on the way speaks SMTPUTF8. Nothing of it is mapped to ASCII: the
/// Kelvin sign is in lower case a `k`, and somebody else's address.
#[test]
fn a_local_part_beyond_ascii_is_refused_with_the_reason() {
    for typed in [
        "\u{e4}da@example.com",
        "\u{212a}ate@example.com",
        "\u{ff41}da@example.com",
        "a\u{200b}da@example.com",
    ] {
        assert_eq!(Address::typed(typed), Err(Error::LocalPart), "{typed:?}");
    }
}

proptest! {
    /// The parser's word is the mailer's: what it takes goes through the message and the dialogue as it is.
    #[test]
    fn whatever_is_taken_is_sent_to(typed in "\\PC{1,12}@\\PC{1,12}|[a-zA-Z0-9.!+'-]{1,20}@([a-z0-9\u{e9}-]{1,9}\\.){1,3}[a-z\u{e9}0-9]{1,5}") {
        if let Ok(address) = Address::typed(&typed) {
            let form = address.as_str().to_owned();
            let again = Address::typed(&form);
            prop_assert_eq!(again.as_ref(), Ok(&address));
            prop_assert_eq!(&form, &form.to_ascii_lowercase());
            let sent = sent_to(address);
            let (mail, rcpt) = (format!("MAIL FROM:<{form}>\r\n"), format!("RCPT TO:<{form}>\r\n"));
            prop_assert!(sent.contains(&mail) && sent.contains(&rcpt), "{sent:?}");
            let header = format!("To: <{}>\r\n", form);
            prop_assert!(sent.iter().any(|line| line.contains(&header)));
        }
    }
}

/// The client's side of a submission from an address to itself.
fn sent_to(address: Address) -> Vec<String> {
    let from = Mailbox::new("Acme", address.clone()).unwrap();
    let content = Content { subject: "Hello".to_owned(), text: String::new().into() };
    let envelope = Message { from, to: address, content }.encode(0, [1; 16]).unwrap();
    let transport = Transport::parse("smtp://127.0.0.1:25", true).unwrap();
    let mut client = Client::new(&transport, &envelope);
    let mut replies =
        ["220 mx\r\n", "250 mx\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 ok\r\n"].into_iter();
    let mut sent = Vec::new();
    loop {
        match client.step() {
            Step::Send(bytes) => sent.push(String::from_utf8(bytes.to_vec()).unwrap()),
            Step::Read => client.receive(replies.next().unwrap().as_bytes()).unwrap(),
            Step::StartTls => panic!("no TLS was asked for"),
            Step::Done => return sent,
        }
    }
}
