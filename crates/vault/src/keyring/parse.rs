//! The keyring secret's JSON. Strict, because a key lost to a typo is every credential lost: no unknown member, no
//! version twice (plain serde would keep the last), no key under two versions.

use super::KeyVersion;
use crate::VaultError;
use crate::cipher::Key;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

pub(super) fn keyring(json: &str) -> Result<(KeyVersion, BTreeMap<KeyVersion, Key>), VaultError> {
    // The parser's own error may quote the secret: it is dropped here.
    let document: Document = serde_json::from_str(json).map_err(|_| VaultError::KeyringSyntax)?;
    let current = NonZeroU32::new(document.current).ok_or(VaultError::KeyringVersion)?;
    let mut keys: BTreeMap<KeyVersion, Key> = BTreeMap::new();
    for (name, encoded) in document.keys.0 {
        let version = key_version(&name)?;
        let key = key(&encoded)?;
        if keys.iter().any(|(other, held)| *other == version || held.as_bytes() == key.as_bytes()) {
            return Err(VaultError::KeyringDuplicate);
        }
        keys.insert(version, key);
    }
    Ok((KeyVersion(current), keys))
}

fn key_version(name: &str) -> Result<KeyVersion, VaultError> {
    // `parse` alone also takes "+1" and "01".
    name.parse::<NonZeroU32>()
        .ok()
        .filter(|number| number.to_string() == name)
        .map(KeyVersion)
        .ok_or(VaultError::KeyringVersion)
}

fn key(encoded: &str) -> Result<Key, VaultError> {
    let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| VaultError::KeyringEncoding)?);
    Key::from_slice(&bytes).ok_or(VaultError::KeyringLength)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    current: u32,
    keys: Entries,
}

/// The members of `keys` in their order, doubles included.
struct Entries(Vec<(String, Zeroizing<String>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("keys by version")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some((version, key)) = map.next_entry::<String, String>()? {
                    entries.push((version, Zeroizing::new(key)));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
