//! What deployment gives to this Worker and to no other: the KEK keyring, the session signing keys, the key of the
//! account index. Parsed once; a bad one stops every call instead of weakening one (invariant 6).

use crate::error::AppError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokens::{ApiKeyFormat, MacKey, SessionSigner};
use vault::Keyring;
use zeroize::Zeroizing;

/// The Worker's secrets.
pub struct Secrets {
    /// Key-encryption keys.
    pub keyring: Keyring,
    /// Ed25519 keys of session tokens and identity assertions.
    pub signer: SessionSigner,
    /// Makes the MAC tails of API keys and source ids; the edge has it too, to check them.
    pub mac: MacKey,
    /// The brand's key format.
    pub api_keys: ApiKeyFormat,
    account_index: Hmac<Sha256>,
}

impl Secrets {
    /// Reads all secrets. `variable` returns a secret's value by its name.
    ///
    /// # Errors
    /// [`AppError::Platform`] for one that is missing, else the parser's error; none shows a value.
    pub fn load(
        api_key_prefix: &str,
        variable: impl Fn(&str) -> Option<Zeroizing<String>>,
    ) -> Result<Self, AppError> {
        let get = |name| variable(name).ok_or(AppError::Platform("a secret is not set"));
        let index = Zeroizing::new(
            STANDARD
                .decode(get("ACCOUNT_INDEX_KEY")?.as_bytes())
                .map_err(|_| AppError::Platform("ACCOUNT_INDEX_KEY is not base64"))?,
        );
        if index.len() != 32 {
            return Err(AppError::Platform("ACCOUNT_INDEX_KEY is not 32 bytes"));
        }
        Ok(Self {
            keyring: Keyring::from_json(&get("KEYRING")?)?,
            signer: SessionSigner::from_json(&get("SESSION_KEYS")?)?,
            mac: MacKey::from_base64(&get("API_KEY_MAC_KEY")?)?,
            api_keys: ApiKeyFormat::new(api_key_prefix)?,
            account_index: Hmac::new_from_slice(&index)
                .map_err(|_| AppError::Platform("ACCOUNT_INDEX_KEY is not a key"))?,
        })
    }

    /// The name of the object that holds an email's account: a keyed hash, so that the object's name, which stands in the
    /// platform's own logs, tells nobody whose it is. Frozen.
    pub fn account_name(&self, email: &str) -> String {
        let mut mac = self.account_index.clone();
        mac.update(b"account\0");
        mac.update(email.as_bytes());
        format!("acc_{}", tokens::base32::encode(&mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn fixed(name: &str) -> Option<Zeroizing<String>> {
        let key = |byte: u8| STANDARD.encode([byte; 32]);
        Some(Zeroizing::new(match name {
            "KEYRING" => format!(r#"{{"current":1,"keys":{{"1":"{}"}}}}"#, key(1)),
            "SESSION_KEYS" => format!(r#"{{"current":"k1","keys":{{"k1":"{}"}}}}"#, key(2)),
            "ACCOUNT_INDEX_KEY" => key(3),
            "API_KEY_MAC_KEY" => key(4),
            _ => return None,
        }))
    }

    #[test]
    fn frozen_account_name() {
        let secrets = Secrets::load("sgk", fixed).unwrap();
        assert_eq!(
            secrets.account_name("ada@example.com"),
            "acc_9js1w61s2216528sfd1bxkcbmxq5j3bqfbtd2ge45a20wbwhpwv0"
        );
        assert_ne!(secrets.account_name("ada@example.com"), secrets.account_name("ada@example.org"));
    }

    #[test]
    fn a_missing_or_short_secret_is_refused() {
        for missing in ["KEYRING", "SESSION_KEYS", "ACCOUNT_INDEX_KEY", "API_KEY_MAC_KEY"] {
            assert!(
                Secrets::load("sgk", |name| fixed(name).filter(|_| name != missing)).is_err(),
                "{missing}"
            );
            let short = |name: &str| {
                if name == missing { Some(Zeroizing::new(STANDARD.encode([1; 31]))) } else { fixed(name) }
            };
            assert!(Secrets::load("sgk", short).is_err(), "{missing}");
        }
    }
}
