//! Attacks on schemes that keep their signature in the body or sign a form: what is accepted is known by one id, however
//! it is spelled, and what two readers could read differently is refused.

use super::{NOW, Signed};
use crate::*;

fn with_body(id: &str, change: impl FnOnce(&str) -> String) -> Result<Verified, Refusal> {
    let mut signed = Signed::sample(provider(id).unwrap());
    let before = String::from_utf8(signed.body.clone()).unwrap();
    signed.body = change(&before).into_bytes();
    assert_ne!(signed.body, before.into_bytes(), "{id}: nothing was changed");
    signed.check()
}

#[test]
fn n4_a_json_body_that_holds_a_signed_key_twice_is_refused() {
    for (id, again) in [
        ("mailgun", r#","signature":{"signature":"00"}}"#),
        ("mailgun", r#","signature":null}"#),
        ("adyen", r#","notificationItems":[]}"#),
    ] {
        let doubled = with_body(id, |body| body[..body.len() - 1].to_owned() + again);
        assert_eq!(doubled, Err(Refusal::SignatureMissing), "{id} {again}");
    }
    let inner = with_body("mailgun", |body| body.replace(r#""token":"#, r#""token":"x","token":"#));
    assert_eq!(inner, Err(Refusal::SignatureMissing));
}

/// One item is signed and one alone: a second would ride along unverified.
#[test]
fn n4_a_second_payment_beside_the_signed_one_is_refused() {
    let item = r#"{"NotificationRequestItem":{"pspReference":"1","amount":{"value":1,"currency":"EUR"},"eventCode":"REFUND","success":"true"}}"#;
    for change in [format!("[{item},"), format!("[{item},{item},")] {
        assert_eq!(with_body("adyen", |body| body.replacen('[', &change, 1)), Err(Refusal::SignatureMissing));
    }
    let after = with_body("adyen", |body| body.replacen("}]}", &format!("}},{item}]}}"), 1));
    assert_eq!(after, Err(Refusal::SignatureMissing));
}

/// `a:b` and `c` would sign as `a` and `b:c` do.
#[test]
fn n4_colons_do_not_move_between_the_signed_fields_of_a_payment() {
    let moved = with_body("adyen", |body| {
        body.replace(r#""TestMerchant""#, r#""TestMerchant:ref""#).replace(r#""ref: 1""#, r#"" 1""#)
    });
    assert_eq!(moved, Err(Refusal::BodyMalformed));
}

#[test]
fn n4_every_signed_field_of_a_payment_is_covered() {
    for (from, to) in [
        ("7914073381342284", "7914073381342285"),
        ("TestMerchant", "OtherMerchant"),
        ("ref: 1", "ref: 2"),
        ("1130", "1"),
        ("EUR", "USD"),
        ("AUTHORISATION", "REFUND"),
        (r#""true""#, r#""false""#),
        (r#""eventCode""#, r#""originalReference":"1","eventCode""#),
    ] {
        assert_eq!(
            with_body("adyen", |body| body.replace(from, to)),
            Err(Refusal::SignatureInvalid),
            "{from}"
        );
    }
}

/// A respelled form passes, since what it says is signed; but as the event it was.
#[test]
fn n4_a_respelled_form_is_the_same_event() {
    for (id, from, to) in [
        ("mandrill", "%5B", "%5b"),
        ("mandrill", "a+b", "a%20b"),
        ("braintree", "PG5", "%50G5"),
        ("braintree", "bt_payload", "bt%5Fpayload"),
    ] {
        let original = Signed::sample(provider(id).unwrap()).check().unwrap().event_id;
        assert!(original.is_some(), "{id}");
        let respelled = with_body(id, |body| body.replace(from, to)).unwrap();
        assert_eq!(respelled.event_id, original, "{id} {from}");
        assert!(respelled.event_id_signed, "{id}");
    }
}

#[test]
fn n4_a_form_with_a_field_twice_or_beside_the_signed_ones_is_refused() {
    for (id, more) in [
        ("mandrill", "&x=a+b"),
        ("mandrill", "&x=a%20b"),
        ("mandrill", "&"),
        ("mandrill", "&y"),
        ("mandrill", "&y=%zz"),
        ("mandrill", "&y=%ff"),
        ("mandrill", "&y=%2"),
        ("braintree", "&kind=dispute_lost"),
        ("braintree", "&bt_payload="),
        ("braintree", "&bt_signature=x%7C00"),
    ] {
        let refused = with_body(id, |body| body.to_owned() + more).unwrap_err();
        assert_eq!(refused.code(), "signature_invalid", "{id} {more}");
    }
    let other = with_body("mandrill", |body| body.to_owned() + "&y=1");
    assert_eq!(other, Err(Refusal::SignatureInvalid));
}

#[test]
fn n4_a_twilio_body_is_bound_by_the_hash_in_its_signed_url() {
    let twilio = provider("twilio").unwrap();
    let signed = Signed::new(twilio, b"{\"a\":1}".to_vec());
    assert!(signed.url.contains("?bodySHA256=") && signed.check().is_ok());
    for url in [
        signed.url.replace("bodySHA256", "bodysha256"),
        signed.url.clone() + "&bodySHA256=",
        format!("{}&{}", signed.url, signed.url.split_once('?').unwrap().1),
        signed.url.split_once('?').unwrap().0.to_owned(),
    ] {
        let refused = Signed { url, ..signed.clone() }.check().unwrap_err();
        assert_eq!(refused.code(), "signature_invalid");
    }
    assert_eq!(Signed { body: b"{\"a\":2}".to_vec(), ..signed }.check(), Err(Refusal::SignatureInvalid));
}

/// Of nothing but the token is anything said: the same secret with a signing token is no plain token.
#[test]
fn n4_a_gitlab_signing_token_is_never_accepted_as_a_plain_one() {
    let gitlab = provider("gitlab").unwrap();
    let signing = concat!("whsec", "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let check = |pasted: &str, sent: &str| {
        let headers = [("x-gitlab-token", sent)];
        let request = Request { method: "POST", url: "", headers: &headers[..], body: b"{}" };
        verify(gitlab, &[gitlab.parse_secret(pasted).unwrap()], &request, NOW, None)
    };
    let verified = check("fake-secret-token", "fake-secret-token").unwrap();
    assert_eq!((verified.timestamp_ms, verified.event_id), (None, None));
    for sent in [
        "",
        "fake-secret-toke",
        "fake-secret-token ",
        "FAKE-SECRET-TOKEN",
        "fake-secret-token, fake-secret-token",
    ] {
        assert_eq!(check("fake-secret-token", sent).unwrap_err().code(), "signature_invalid", "{sent}");
    }
    assert_eq!(check(signing, signing), Err(Refusal::SignatureInvalid));
    // A signature that is there decides, whatever token stands beside it.
    let both = [("x-gitlab-token", "fake-secret-token"), ("webhook-signature", "v1,AAAA")];
    let request = Request { method: "POST", url: "", headers: &both[..], body: b"{}" };
    let secret = gitlab.parse_secret("fake-secret-token").unwrap();
    assert_eq!(verify(gitlab, &[secret], &request, NOW, None), Err(Refusal::SignatureMalformed));
}

#[test]
fn n4_contentful_signs_nothing_that_its_list_leaves_out() {
    let contentful = provider("contentful").unwrap();
    let signed = Signed::sample(contentful);
    let at = signed.headers.iter().position(|(name, _)| *name == "x-contentful-signed-headers").unwrap();
    for list in [
        "x-contentful-timestamp",
        "x-contentful-signed-headers",
        "x-contentful-signed-headers,x-contentful-timestamp,x-contentful-timestamp",
        "x-contentful-signed-headers, x-contentful-timestamp",
        "X-Contentful-Signed-Headers,x-contentful-timestamp",
        "",
    ] {
        let mut other = signed.clone();
        other.headers[at].1 = list.to_owned();
        assert_eq!(other.check(), Err(Refusal::SignedHeaderMalformed), "{list}");
    }
    let mut more = signed;
    more.headers[at].1.push_str(",host");
    assert_eq!(more.check(), Err(Refusal::SignedHeaderMissing));
}
