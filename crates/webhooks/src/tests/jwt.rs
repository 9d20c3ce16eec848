//! Attacks on requests that a JSON Web Token vouches for.

use serde_json::{Value, json};

use super::{NOW, Signed, URL, key};
use crate::provider::{Algorithm, Encoding};
use crate::*;

const BODY: &[u8] = br#"{"event":"room_started","id":"EV_1"}"#;
/// base64 of the SHA-256 of [`BODY`], computed with Python's `hashlib`.
const HASH: &str = "ZYQ+lXP6v+9WEJABoE/0hl6cUiPYTBHbDM4ow9BzwQE=";

fn token(header: Value, claims: Value) -> String {
    let encode = |value: Value| Encoding::Base64Url.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let tag = Algorithm::HmacSha256.tag(&key(7), &[signed.as_bytes()]).unwrap();
    format!("{signed}.{}", Encoding::Base64Url.encode(&tag))
}

fn livekit(token: &str) -> Result<Verified, Refusal> {
    let headers = [("authorization", token)];
    let request = Request { method: "POST", url: URL, headers: &headers[..], body: BODY };
    verify(provider("livekit").unwrap(), &[key(7)], &request, NOW, None)
}

fn claimed(change: impl FnOnce(&mut Value)) -> Result<Verified, Refusal> {
    let mut claims = json!({ "exp": NOW / 1000 + 300, "nbf": NOW / 1000, "sha256": HASH });
    change(&mut claims);
    livekit(&token(json!({ "alg": "HS256" }), claims))
}

#[test]
fn n4_another_algorithm_is_refused_even_under_a_valid_mac() {
    assert!(claimed(|_| ()).is_ok());
    for algorithm in
        [json!("none"), json!("HS512"), json!("hs256"), json!("RS256"), json!(null), json!(["HS256"])]
    {
        let claims = json!({ "exp": NOW / 1000 + 300, "sha256": HASH });
        let refused = livekit(&token(json!({ "alg": algorithm }), claims));
        assert_eq!(refused, Err(Refusal::SignatureMalformed), "{algorithm}");
    }
}

#[test]
fn n4_an_unsigned_or_misspelled_token_is_refused() {
    let good = token(json!({ "alg": "HS256" }), json!({ "exp": NOW / 1000 + 300, "sha256": HASH }));
    assert!(livekit(&good).is_ok());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        signed.to_owned(),
        format!("{signed}."),
        format!("{good}="),
        format!("{good}."),
        format!("Bearer {good}"),
        format!("{signed}.{}", signature.replace(['-', '_'], "+") + "+"),
        format!("{signed}.{}", "A".repeat(43)),
        format!("{signed}.{signature}.{signature}"),
        format!("{good}, {good}"),
    ] {
        assert_eq!(livekit(&token).unwrap_err().code(), "signature_invalid", "{token}");
    }
}

#[test]
fn n4_a_token_counts_for_its_own_body_alone() {
    for hash in [json!(""), json!(null), json!(HASH.to_lowercase()), json!(format!("{HASH} ")), json!([HASH])]
    {
        assert_eq!(
            claimed(|claims| claims["sha256"] = hash.clone()),
            Err(Refusal::SignatureInvalid),
            "{hash}"
        );
    }
    assert_eq!(
        claimed(|claims| drop(claims.as_object_mut().unwrap().remove("sha256"))),
        Err(Refusal::SignatureInvalid)
    );
}

#[test]
fn n4_a_token_counts_between_its_times_alone() {
    let now = NOW / 1000;
    for (name, value, refusal) in [
        ("exp", json!(now - 61), Refusal::TimestampTooOld),
        ("exp", json!(now + 3661), Refusal::TimestampInFuture),
        ("exp", json!("1e12"), Refusal::TimestampMalformed),
        ("exp", json!(null), Refusal::TimestampMissing),
        ("nbf", json!(now + 61), Refusal::TimestampInFuture),
        ("iat", json!(now + 61), Refusal::TimestampInFuture),
        ("nbf", json!(-1), Refusal::TimestampMalformed),
    ] {
        assert_eq!(claimed(|claims| claims[name] = value.clone()), Err(refusal), "{name} {value}");
    }
    for (name, value) in [("exp", now - 60), ("exp", now + 3660), ("nbf", now + 60), ("iat", now + 60)] {
        assert!(claimed(|claims| claims[name] = value.into()).is_ok(), "{name} {value}");
    }
}

/// Atlassian's own value for tokens that are made for a page and not for a request.
#[test]
fn n4_a_context_token_is_no_webhook() {
    let atlassian = provider("atlassian-connect").unwrap();
    let check = |qsh: &str| {
        let claims = json!({ "exp": NOW / 1000 + 180, "iat": NOW / 1000, "qsh": qsh });
        let headers = [("authorization", format!("JWT {}", token(json!({ "alg": "HS256" }), claims)))];
        let request = Request { method: "POST", url: URL, headers: &headers[..], body: BODY };
        verify(atlassian, &[key(7)], &request, NOW, None)
    };
    assert_eq!(check("context-qsh"), Err(Refusal::SignatureInvalid));
    // SHA-256 of `POST&/in/src_1&`, computed with Python's `hashlib`.
    assert!(check("bf45e169a3baf4e93df415c1ba43a3aca45fcd72550bacd00e9d73f32a14a61a").is_ok());
    let signed = Signed::sample(atlassian);
    for url in [format!("{URL}?a=b"), URL.replace("/in", "/In"), format!("{URL}/x")] {
        let elsewhere = Signed { url, ..signed.clone() };
        assert_eq!(elsewhere.check(), Err(Refusal::SignatureInvalid));
    }
}
