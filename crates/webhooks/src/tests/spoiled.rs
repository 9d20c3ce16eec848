//! Claim N4 over the whole table: every provider × every way to spoil a correctly signed request.

use super::{NOW, Signed, key, key_of};
use crate::provider::Unit;
use crate::sign::standard_webhooks;
use crate::*;

const BODY: &[u8] = br#"{"id":"evt_1","type":"a.b"}"#;

fn all() -> impl Iterator<Item = Signed> {
    let samples = providers()
        .iter()
        .filter(|provider| provider.id != "generic" && !provider.fetches_key())
        .map(Signed::sample);
    // Its other scheme, in a header.
    samples.chain([Signed::new(provider("adyen").unwrap(), BODY.to_vec())])
}

/// Those whose signature stands in a header.
fn all_in_headers() -> impl Iterator<Item = Signed> {
    all().filter(|signed| !signed.headers.is_empty())
}

#[test]
fn every_provider_accepts_its_own_signature() {
    for signed in all() {
        let verified = signed.check();
        assert!(verified.is_ok(), "{}: {verified:?}", signed.provider.id);
    }
}

/// Schemes that sign values of the body or nothing of it, and say so in their caveat, and those of forms.
const UNSIGNED: &[&str] =
    &["adyen", "atlassian-connect", "braintree", "gitlab", "mailgun", "mandrill", "twilio"];

#[test]
fn n4_a_changed_body_is_refused() {
    for signed in all() {
        let mut bodies = vec![Vec::new(), [&signed.body[..], b"\n"].concat(), signed.body[1..].to_vec()];
        bodies.extend((0..signed.body.len() * 8).map(|bit| {
            let mut body = signed.body.clone();
            body[bit / 8] ^= 1 << (bit % 8);
            body
        }));
        let id = signed.provider.id;
        let genuine = signed.check().unwrap();
        for body in bodies {
            let spoiled = Signed { body, ..signed.clone() };
            match spoiled.check() {
                Err(refusal) => assert_eq!(refusal.code(), "signature_invalid", "{id}"),
                // What the scheme leaves unsigned, or another spelling of the same, which is known by the same id.
                Ok(accepted) => {
                    assert_eq!(spoiled.covered_body(), signed.covered_body(), "{id}");
                    assert_eq!(accepted.event_id, genuine.event_id, "{id}");
                    assert!(
                        UNSIGNED.contains(&id),
                        "{id} accepts {:?}",
                        String::from_utf8_lossy(&spoiled.body)
                    );
                }
            }
        }
    }
}

#[test]
fn n4_a_covered_header_missing_empty_doubled_or_respelled_is_refused() {
    for signed in all() {
        for at in signed.covered_headers() {
            let (name, value) = signed.headers[at].clone();
            let spellings = [
                String::new(),
                " ".to_owned(),
                format!(" {value}"),
                format!("{value} "),
                format!("{value}\t"),
                format!("{value},"),
                format!("{value}="),
                format!("{value}, {value}"),
                format!("{value},{value}"),
                format!("+{value}"),
                format!("0{value}"),
                value.trim_end_matches('=').to_owned() + "\u{0}",
                value.to_ascii_uppercase(),
                value[1..].to_owned(),
                value[..value.len() - 1].to_owned(),
            ];
            let is_hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
            let is_same = |spelling: &str| {
                if is_hex { spelling.eq_ignore_ascii_case(&value) } else { spelling == value }
            };
            for spelling in spellings.into_iter().filter(|spelling| !is_same(spelling)) {
                let mut spoiled = signed.clone();
                spoiled.headers[at].1.clone_from(&spelling);
                let refused =
                    spoiled.check().expect_err(&format!("{} {name}: {spelling:?}", signed.provider.id));
                assert_eq!(
                    refused.code(),
                    "signature_invalid",
                    "{} {name}: {spelling:?}",
                    signed.provider.id
                );
            }

            let mut missing = signed.clone();
            missing.headers.remove(at);
            assert!(missing.check().is_err(), "{} without {name}", signed.provider.id);

            let mut doubled = signed.clone();
            doubled.headers.push((name, value));
            assert!(doubled.check().is_err(), "{} with two {name}", signed.provider.id);
        }
    }
}

/// Official verifiers of several of them decode it (stripe-go, discord-interactions-js, paddle-go-sdk, @linear/sdk). It is the
/// same event by either spelling.
#[test]
fn hexadecimal_is_read_in_either_case() {
    let mut upper = Vec::new();
    for mut signed in all_in_headers() {
        let id = signed.check().unwrap().event_id;
        for (_, value) in &mut signed.headers {
            let digits = value.rfind(|letter: char| !letter.is_ascii_hexdigit()).map_or(0, |at| at + 1);
            let (start, end) = value.split_at(digits);
            if end.len() >= 40 {
                upper.push(signed.provider.id);
                *value = format!("{start}{}", end.to_ascii_uppercase());
            }
        }
        assert_eq!(signed.check().unwrap().event_id, id, "{}", signed.provider.id);
    }
    for provider in ["stripe", "github", "discord", "paddle", "linear", "slack", "workos"] {
        assert!(upper.contains(&provider), "{provider} of {upper:?}");
    }
}

#[test]
fn a_doubled_signature_header_is_said_to_be_doubled() {
    for mut signed in all_in_headers() {
        let first = signed.headers[0].clone();
        signed.headers.push(first);
        assert_eq!(signed.check(), Err(Refusal::SignatureDoubled), "{}", signed.provider.id);
    }
}

#[test]
fn header_names_compare_without_case() {
    for signed in all() {
        let shouted: Vec<_> =
            signed.headers.iter().map(|(name, value)| (name.to_ascii_uppercase(), value.clone())).collect();
        let request = Request { method: "POST", url: &signed.url, headers: &shouted, body: &signed.body };
        let keys = [key_of(signed.provider, 7)];
        assert!(verify(signed.provider, &keys, &request, NOW, None).is_ok(), "{}", signed.provider.id);
    }
}

#[test]
fn a_signed_url_and_method_cannot_be_changed() {
    let mut seen = Vec::new();
    for signed in all().filter(|signed| signed.provider.signs_url()) {
        seen.push(signed.provider.id);
        let elsewhere = Signed { url: signed.url.replace("src_1", "src_2"), ..signed.clone() };
        assert_eq!(elsewhere.check(), Err(Refusal::SignatureInvalid), "{}", signed.provider.id);
    }
    assert_eq!(
        seen,
        ["atlassian-connect", "contentful", "hubspot", "mandrill", "square", "trello", "twilio"]
    );
    for id in ["atlassian-connect", "contentful", "hubspot"] {
        let put = Signed { method: "PUT", ..Signed::sample(provider(id).unwrap()) };
        assert_eq!(put.check(), Err(Refusal::SignatureInvalid), "{id}");
    }
}

#[test]
fn n4_a_replay_is_refused_on_both_sides_of_the_tolerance_and_accepted_up_to_it() {
    for signed in all() {
        let id = signed.provider.id;
        let Some(rule) = signed.parts().and_then(|parts| parts.timestamp) else { continue };
        let tolerance = rule.tolerance_seconds * 1000;
        let step = if rule.unit == Unit::Milliseconds { 1 } else { 1000 };
        let at = |now| signed.check_with(&[key_of(signed.provider, 7)], now);
        assert!(at(NOW + tolerance).is_ok(), "{id}");
        assert!(at(NOW - tolerance).is_ok(), "{id}");
        assert_eq!(at(NOW + tolerance + step), Err(Refusal::TimestampTooOld), "{id}");
        assert_eq!(at(NOW - tolerance - step), Err(Refusal::TimestampInFuture), "{id}");
        assert_eq!(at(0), Err(Refusal::TimestampInFuture), "{id}");
        assert_eq!(at(u64::MAX).map_err(|refusal| refusal.code()), Err("timestamp_out_of_tolerance"), "{id}");
    }
}

#[test]
fn n4_the_time_is_spoken_of_only_to_the_holder_of_a_valid_signature() {
    for signed in all() {
        for now in [NOW + 86_400_000, 0] {
            let refused = signed.check_with(&[key_of(signed.provider, 8)], now);
            assert_eq!(refused, Err(Refusal::SignatureInvalid), "{}", signed.provider.id);
        }
    }
}

#[test]
fn another_tolerance_replaces_the_providers_own() {
    let signed = Signed::sample(provider("paddle").unwrap());
    let request = Request { method: "POST", url: &signed.url, headers: &signed.headers, body: &signed.body };
    let at = |now, tolerance| verify(signed.provider, &[key(7)], &request, now, tolerance);
    assert!(at(NOW + 6_000, None).is_err());
    assert!(at(NOW + 6_000, Some(6)).is_ok());
    assert!(at(NOW + 1_000, Some(0)).is_err());
    assert!(at(NOW + 86_400_000, Some(u64::MAX)).is_ok());
}

#[test]
fn any_of_several_secrets_is_accepted_and_named() {
    for signed in all() {
        let index =
            |secrets: &[SecretKey]| signed.check_with(secrets, NOW).map(|verified| verified.secret_index);
        let key = |fill| key_of(signed.provider, fill);
        assert_eq!(index(&[key(1), key(2), key(7)]), Ok(2), "{}", signed.provider.id);
        assert_eq!(index(&[key(7), key(7)]), Ok(0), "{}", signed.provider.id);
        assert_eq!(index(&[key(1), key(2)]), Err(Refusal::SignatureInvalid), "{}", signed.provider.id);
        assert_eq!(index(&[]), Err(Refusal::NoSecret), "{}", signed.provider.id);
    }
}

#[test]
fn several_signatures_of_a_rotation_are_tried_up_to_a_bound() {
    let signed_by = |keys: &[&SecretKey]| Signed {
        headers: standard_webhooks(keys, "msg_1", NOW / 1000, BODY).to_vec(),
        ..Signed::new(provider("standard-webhooks").unwrap(), BODY.to_vec())
    };
    assert!(signed_by(&[&key(1), &key(7)]).check().is_ok());
    assert!(signed_by(&[&key(7), &key(1)]).check().is_ok());
    assert_eq!(signed_by(&[&key(1), &key(2)]).check(), Err(Refusal::SignatureInvalid));
    assert_eq!(signed_by(&[]).check(), Err(Refusal::SignatureMalformed));

    let sixteen = [const { [0_u8; 32] }; 15].map(|bytes| SecretKey::from_bytes(bytes.to_vec()));
    let mut keys: Vec<_> = sixteen.iter().collect();
    let right = key(7);
    keys.push(&right);
    assert!(signed_by(&keys).check().is_ok());
    keys.push(&right);
    assert_eq!(signed_by(&keys).check(), Err(Refusal::TooManySignatures));
}

#[test]
fn signatures_of_other_versions_are_passed_over_but_do_not_count() {
    let standard = Signed::sample(provider("standard-webhooks").unwrap());
    let stripe = Signed::sample(provider("stripe").unwrap());
    let with = |signed: &Signed, value: String| {
        let mut other = signed.clone();
        let at = other.headers.iter().position(|(name, _)| name.ends_with("signature")).unwrap();
        other.headers[at].1 = value;
        other.check()
    };
    let (v1, t_v1) = (&standard.headers[0].1, &stripe.headers[0].1);
    assert!(with(&standard, format!("v1a,abc {v1}")).is_ok());
    assert_eq!(with(&standard, v1.replace("v1,", "v2,")), Err(Refusal::SignatureMissing));
    assert!(with(&stripe, format!("{t_v1},v0=abc")).is_ok());
    assert_eq!(with(&stripe, t_v1.replace("v1=", "v0=")), Err(Refusal::SignatureMissing));
    assert_eq!(with(&stripe, format!("{t_v1},t=1760000000")), Err(Refusal::SignatureDoubled));
    assert_eq!(with(&stripe, format!("{t_v1},")), Err(Refusal::SignatureMalformed));
    assert_eq!(with(&stripe, "v1=".to_owned() + &"0".repeat(64)), Err(Refusal::TimestampMissing));
}

#[test]
fn an_oversized_header_is_refused_unread() {
    for mut signed in all_in_headers() {
        signed.headers[0].1.push_str(&"a".repeat(5000));
        assert_eq!(signed.check(), Err(Refusal::SignatureMalformed), "{}", signed.provider.id);
    }
}

/// A signed body may hold anything: ids that are too long or of other characters are left to the body's hash.
#[test]
fn unusable_event_ids_are_not_passed_on() {
    let id_of = |id: &str| {
        let body = format!(r#"{{"id":{id},"type":"a"}}"#).into_bytes();
        Signed::new(provider("stripe").unwrap(), body).check().unwrap().event_id
    };
    assert_eq!(id_of(r#""evt_1""#).as_deref(), Some("evt_1"));
    assert_eq!(id_of("42").as_deref(), Some("42"));
    for unusable in [r#""""#, r#""a\u0000b""#, r#""a b""#, r#""é""#, "null", "{}", "1.5", "[]", "true"] {
        assert_eq!(id_of(unusable), None, "{unusable}");
    }
    assert_eq!(id_of(&format!(r#""{}""#, "a".repeat(128))), Some("a".repeat(128)));
    assert_eq!(id_of(&format!(r#""{}""#, "a".repeat(129))), None);
}

#[test]
fn an_id_says_whether_the_signature_covers_it() {
    let covered = |id: &str| Signed::sample(provider(id).unwrap()).check().unwrap().event_id_signed;
    assert!(covered("stripe") && covered("standard-webhooks") && covered("svix"));
    assert!(!covered("github") && !covered("shopify") && !covered("line"));
}

/// The same signed string, cut elsewhere: the old time moves into the id, and the body's first digits become the time.
#[test]
fn n4_a_signed_string_is_not_cut_in_another_place() {
    let provider = provider("standard-webhooks").unwrap();
    let old = NOW - 3_600_000;
    let [_, _, signature] =
        standard_webhooks(&[&key(7)], "msg.1", old / 1000, format!("{}.5", NOW / 1000).as_bytes());
    let headers = vec![
        ("webhook-id", format!("msg.1.{}", old / 1000)),
        ("webhook-timestamp", (NOW / 1000).to_string()),
        signature,
    ];
    let recut = Signed { headers, body: b"5".to_vec(), ..Signed::new(provider, Vec::new()) };
    assert_eq!(recut.check(), Err(Refusal::SignedHeaderMalformed));

    let dotted = standard_webhooks(&[&key(7)], "user.created.42", NOW / 1000, b"{}").to_vec();
    assert!(Signed { headers: dotted, ..Signed::new(provider, b"{}".to_vec()) }.check().is_ok());
}

/// N4: where a URL is signed directly before the body, the signed string cannot be cut elsewhere.
#[test]
fn n4_a_body_and_the_url_before_it_cannot_lend_each_other_bytes() {
    for id in ["hubspot", "square"] {
        let sample = Signed::sample(provider(id).unwrap());
        for moved in 1..=sample.body.len() {
            let mut cut = sample.clone();
            let rest = cut.body.split_off(moved);
            cut.url.push_str(std::str::from_utf8(&cut.body).unwrap());
            cut.body = rest;
            assert_eq!(cut.check(), Err(Refusal::BodyMalformed), "{id} {moved}");
        }
        let mut grown = sample.clone();
        let tail = grown.url.split_off(sample.url.len() - 3);
        grown.body.splice(0..0, tail.into_bytes());
        assert_eq!(grown.check(), Err(Refusal::BodyMalformed), "{id}");
        assert!(sample.check().is_ok(), "{id}");
    }
}
