//! Signed requests for every provider, independent of [`crate::sign`].

mod examples;

use super::key_of;
use crate::*;
use examples::VECTORS;

/// A signed request, and what is to be found in it.
struct Vector {
    provider: &'static str,
    by: By,
    url: &'static str,
    secret: &'static str,
    now_ms: u64,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    event_id: Option<&'static str>,
    event_type: Option<&'static str>,
}

/// Where a vector comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// An example published by the provider, or in the standard that it follows.
    Published,
    /// Made or accepted by the provider's own package of this version.
    Sdk(&'static str),
    /// Computed after the provider's documentation.
    Computed,
}

/// N4: what the provider signs is accepted, and nothing else is: not one byte more, not under another key.
#[test]
fn vectors_are_accepted_and_their_near_misses_refused() {
    for vector in VECTORS {
        let provider = provider(vector.provider).unwrap();
        let check = |secret: SecretKey, body: &[u8]| {
            let request = Request { method: "POST", url: vector.url, headers: vector.headers, body };
            verify(provider, &[secret], &request, vector.now_ms, None)
        };
        let secret = || provider.parse_secret(vector.secret).unwrap();

        let verified = check(secret(), vector.body.as_bytes());
        let verified = verified.unwrap_or_else(|refusal| panic!("{}: {refusal}", provider.id));
        assert_eq!(verified.event_id.as_deref(), vector.event_id, "{}", provider.id);
        assert_eq!(verified.event_type.as_deref(), vector.event_type, "{}", provider.id);
        let timed = provider.tolerance_seconds().is_some();
        assert_eq!(verified.timestamp_ms.is_some(), timed, "{}", provider.id);

        let longer = check(secret(), &[vector.body.as_bytes(), b"a"].concat());
        let refused = longer.map_err(|refusal| refusal.code());
        // Its body is not signed.
        if provider.id != "atlassian-connect" {
            assert_eq!(refused, Err("signature_invalid"), "{}", provider.id);
        }
        let other = check(key_of(provider, 9), vector.body.as_bytes());
        assert_eq!(other, Err(Refusal::SignatureInvalid), "{}", provider.id);
    }
}

#[test]
fn every_provider_has_a_vector_of_the_kind_it_claims() {
    for provider in providers().iter().filter(|row| row.id != "generic" && !row.fetches_key()) {
        let mut vectors =
            VECTORS.iter().filter(|vector| vector.provider == provider.id).map(|vector| vector.by);
        let holds = match provider.tested {
            Tested::Sdk => vectors.any(|by| matches!(by, By::Sdk(_))),
            Tested::Vector => vectors.any(|by| by == By::Published),
            Tested::Documentation => {
                let all: Vec<By> = vectors.collect();
                !all.is_empty() && all.iter().all(|by| *by == By::Computed)
            }
        };
        assert!(holds, "{} is not {:?}", provider.id, provider.tested);
    }
}
