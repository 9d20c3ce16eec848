//! Prefixed, typed ids: `con_01j…`. The type says what an id names, so a key's id cannot be looked up as a connection.
//!
//! The body is 26 characters of lower-case Crockford base32. For records it is a ULID (48 bits of time in ms, 80 bits of
//! randomness), so ids sort by age and a page's cursor is an id. An org's body is random and opens with its region's
//! letter, because the region picks the jurisdiction of the org's object before anything can be looked up (DESIGN.md, Scale).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A string that is not an id of the expected kind: what one begins with. Carries nothing of the string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id, expected one that begins with {0}")]
pub struct InvalidId(pub &'static str);

/// Where an org's data lives. Part of the org's id, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// European Union.
    Eu,
    /// United States.
    Us,
    /// Wherever the platform places it.
    Auto,
}

impl Region {
    const fn letter(self) -> u8 {
        match self {
            Self::Eu => b'e',
            Self::Us => b's',
            Self::Auto => b'a',
        }
    }

    /// The name in URLs, JSON and audit events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Us => "us",
            Self::Auto => "auto",
        }
    }
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const BODY: usize = 26;

#[allow(clippy::indexing_slicing, reason = "five bits index 32 characters")]
fn encode(value: u128) -> String {
    (0..BODY as u32).rev().map(|place| char::from(ALPHABET[((value >> (place * 5)) & 31) as usize])).collect()
}

fn is_body(body: &str) -> bool {
    body.len() == BODY && body.bytes().all(|b| ALPHABET.contains(&b))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Parses an id as it stands in a URL or a row.
            ///
            /// # Errors
            /// [`InvalidId`] for any other string, of any length.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                match text.strip_prefix($prefix) {
                    Some(body) if is_body(body) => Ok(Self(text.to_owned())),
                    _ => Err(InvalidId($prefix)),
                }
            }

            /// The whole id, prefix included.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

macro_rules! record_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {
        ids! { $($(#[$doc])* $name = $prefix;)* }
        $(impl $name {
            /// A new id: `now_ms` is Unix time in milliseconds, `random` fresh random bytes.
            pub fn new(now_ms: u64, random: [u8; 10]) -> Self {
                let mut low = [0; 16];
                low[6..].copy_from_slice(&random);
                let value = (u128::from(now_ms) & 0xffff_ffff_ffff) << 80 | u128::from_be_bytes(low);
                Self(format!("{}{}", $prefix, encode(value)))
            }
        })*
    };
}

record_ids! {
    /// A person, across orgs.
    UserId = "usr_";
    /// A server-side session record.
    SessionId = "ses_";
    /// An invitation into an org.
    InvitationId = "inv_";
    /// An API key's record; not the key.
    ApiKeyId = "key_";
    /// A stored third-party credential and where it may be used.
    ConnectionId = "con_";
    /// A stored inbound webhook.
    InboundEventId = "ine_";
    /// Where messages and forwarded events are delivered.
    EndpointId = "end_";
    /// An event on its way to endpoints.
    MessageId = "msg_";
    /// One attempt at a delivery.
    AttemptId = "att_";
    /// A link by which a customer's user manages that customer's endpoints.
    PortalLinkId = "ptl_";
    /// An audit event.
    AuditId = "aud_";
    /// One request, from the edge through every log line.
    RequestId = "req_";
}

ids! {
    /// A tenant. Picks the Durable Object that holds all of the tenant's data (invariant 2).
    OrgId = "org_";
}

impl OrgId {
    /// A new org's id in a region.
    #[allow(clippy::indexing_slicing, reason = "the body is 26 ASCII characters")]
    pub fn new(region: Region, random: [u8; 16]) -> Self {
        let body = encode(u128::from_be_bytes(random));
        Self(format!("org_{}{}", char::from(region.letter()), &body[1..]))
    }

    /// The region that the id names; `None` where the letter is no region's.
    pub fn region(&self) -> Option<Region> {
        let letter = *self.0.as_bytes().get(Self::PREFIX.len())?;
        [Region::Eu, Region::Us, Region::Auto].into_iter().find(|region| region.letter() == letter)
    }

    /// The part after `org_`, as it stands inside API keys and source ids.
    pub fn body(&self) -> &str {
        self.0.strip_prefix(Self::PREFIX).unwrap_or_default()
    }

    /// The org of a [`body`](Self::body).
    ///
    /// # Errors
    /// [`InvalidId`] where it is not one.
    pub fn from_body(body: &str) -> Result<Self, InvalidId> {
        let id = Self::parse(&format!("org_{body}"))?;
        id.region().map(|_| id).ok_or(InvalidId(Self::PREFIX))
    }
}

/// A webhook source's public id, `src_…`: carries its org and a MAC (crate `tokens`), so it is longer than a record id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct SourceId(String);

impl SourceId {
    /// What every source id begins with.
    pub const PREFIX: &'static str = "src_";
    const MAX_BODY: usize = 64;

    /// Checks the alphabet and a bound on the length; the MAC is checked by the edge.
    ///
    /// # Errors
    /// [`InvalidId`] for any other string.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        match text.strip_prefix(Self::PREFIX) {
            Some(body)
                if (1..=Self::MAX_BODY).contains(&body.len())
                    && body.bytes().all(|b| ALPHABET.contains(&b)) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidId(Self::PREFIX)),
        }
    }

    /// The whole id, prefix included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SourceId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

impl From<SourceId> for String {
    fn from(id: SourceId) -> Self {
        id.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frozen_record_id() {
        assert_eq!(ConnectionId::new(1_750_000_000_000, [7; 10]).as_str(), "con_01jxt21q000w3ge1r70w3ge1r7");
    }

    #[test]
    fn frozen_org_ids() {
        assert_eq!(OrgId::new(Region::Eu, [0xff; 16]).as_str(), "org_ezzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(OrgId::new(Region::Us, [0; 16]).as_str(), "org_s0000000000000000000000000");
    }

    #[test]
    fn another_kind_of_id_is_refused() {
        let id = ConnectionId::new(1, [1; 10]);
        assert_eq!(ApiKeyId::parse(id.as_str()), Err(InvalidId("key_")));
    }

    #[test]
    fn an_org_id_without_a_known_region_is_refused() {
        let body = "x".to_owned() + &"0".repeat(25);
        assert_eq!(OrgId::from_body(&body), Err(InvalidId("org_")));
    }

    proptest! {
        #[test]
        fn ids_round_trip_and_sort_by_time(a in 0u64..1 << 47, b in 0u64..1 << 47, r: [u8; 10]) {
            let (x, y) = (AuditId::new(a, r), AuditId::new(b, r));
            prop_assert_eq!(AuditId::parse(x.as_str()), Ok(x.clone()));
            prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        }

        #[test]
        fn parse_never_panics(text in ".{0,64}") {
            let _ = (OrgId::parse(&text), SourceId::parse(&text), OrgId::from_body(&text));
        }
    }
}
