//! What deployment gives to this Worker and to no other: the KEK keyring, the session signing keys, the key of the
//! account index. Parsed once; a bad one stops every call instead of weakening one (invariant 6).

use crate::asks::Identity;
use crate::error::AppError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use oidc::StateKey;
use protocol::UserId;
use secrecy::SecretString;
use sha2::Sha256;
use std::collections::HashMap;
use tokens::{ApiKeyFormat, MacKey, Passage, SessionSigner};
use vault::{KeyVersion, Keyring};
use zeroize::Zeroizing;

/// The Worker's secrets.
pub struct Secrets {
    /// Key-encryption keys.
    pub keyring: Keyring,
    /// Ed25519 keys of session tokens and identity assertions.
    pub signer: SessionSigner,
    /// Makes the MAC tails of API keys and source ids; the edge has it too, to check them.
    pub mac: MacKey,
    /// Marks requests that go out, so that the edge knows them again.
    pub passage: Passage,
    /// The brand's key format.
    pub api_keys: ApiKeyFormat,
    /// Signs what an OIDC attempt leaves in the browser.
    pub oidc_state: StateKey,
    /// Client secrets of the OIDC providers, by their `id` in sluicegate.toml.
    pub oidc_clients: HashMap<String, SecretString>,
    /// Client secrets of the operator's OAuth clients, by connector.
    pub connector_clients: HashMap<String, SecretString>,
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
        let account_index: Hmac<Sha256> =
            Hmac::new_from_slice(&index).map_err(|_| AppError::Platform("ACCOUNT_INDEX_KEY is not a key"))?;
        let clients = |name, fault| {
            let json = variable(name).filter(|json| !json.is_empty());
            json.map_or(Ok(HashMap::new()), |json| serde_json::from_str(&json))
                .map_err(|_| AppError::Platform(fault))
        };
        let mac = MacKey::from_base64(&get("API_KEY_MAC_KEY")?)?;
        Ok(Self {
            oidc_state: StateKey::new(
                &account_index.clone().chain_update(b"oidc state\0").finalize().into_bytes().into(),
            ),
            oidc_clients: clients(
                "OIDC_CLIENT_SECRETS",
                "OIDC_CLIENT_SECRETS is not JSON of strings by provider id",
            )?,
            connector_clients: clients(
                "CONNECTOR_CLIENT_SECRETS",
                "CONNECTOR_CLIENT_SECRETS is not JSON of strings by connector",
            )?,
            keyring: Keyring::from_json(&get("KEYRING")?)?,
            signer: SessionSigner::from_json(&get("SESSION_KEYS")?)?,
            passage: Passage::new(&mac),
            mac,
            api_keys: ApiKeyFormat::new(api_key_prefix)?,
            account_index,
        })
    }

    /// A version of the keyring; `None`: it is not deployed here.
    pub fn kek(&self, version: u32) -> Option<KeyVersion> {
        KeyVersion::new(version).filter(|version| self.keyring.has(*version))
    }

    /// The name of an identity's object: a keyed hash, so that the name, which stands in the platform's own logs, tells
    /// nobody whose it is. Frozen.
    pub fn identity_name(&self, identity: &Identity) -> String {
        format!("idn_{}", tokens::base32::encode(&self.identity_hash(b"", identity)))
    }

    /// Whom to ask about an identity that is nobody's: an account that never is, always the same for one identity, so that
    /// what is unknown is treated step by step as what is known. Frozen.
    pub fn decoy(&self, identity: &Identity) -> UserId {
        let hash = self.identity_hash(b"decoy\0", identity);
        let (time, rest) = hash.split_at(6);
        let now_ms = time.iter().fold(0, |ms, byte| ms << 8 | u64::from(*byte));
        let mut random = [0; 10];
        random.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        UserId::new(now_ms, random)
    }

    fn identity_hash(&self, label: &[u8], identity: &Identity) -> [u8; 32] {
        let mut mac = self.account_index.clone();
        mac.update(label);
        match identity {
            Identity::Email { email } => {
                mac.update(b"email\0");
                mac.update(email.as_bytes());
            }
            // An issuer is a URL of the configuration: no NUL is in it.
            Identity::Oidc { issuer, subject } => {
                mac.update(b"oidc\0");
                mac.update(issuer.as_bytes());
                mac.update(b"\0");
                mac.update(subject.as_bytes());
            }
        }
        mac.finalize().into_bytes().into()
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

    /// With a keyring of these versions; version 1 is that of [`fixed`].
    pub(crate) fn with_keyring(current: u8, versions: &[u8]) -> Secrets {
        let key = |version: &u8| format!(r#""{version}":"{}""#, STANDARD.encode([*version; 32]));
        let keys: Vec<String> = versions.iter().map(key).collect();
        let keyring = format!(r#"{{"current":{current},"keys":{{{}}}}}"#, keys.join(","));
        let secret = |name: &str| match name {
            "KEYRING" => Some(Zeroizing::new(keyring.clone())),
            name => fixed(name),
        };
        Secrets::load("sgk", secret).unwrap()
    }

    #[test]
    fn frozen_names_of_identities() {
        let secrets = Secrets::load("sgk", fixed).unwrap();
        let ada = Identity::Email { email: "ada@example.com".into() };
        let oidc = Identity::Oidc { issuer: "https://idp.example".into(), subject: "1".into() };
        assert_eq!(secrets.identity_name(&ada), "idn_26z3dtd3pnx5cer5ygnnjx103k2kjymermcbckgaqnem0f3atvb0");
        assert_eq!(secrets.identity_name(&oidc), "idn_a13nf2ttzcddyxgpz8wt3dwscytcy6ek0sqvks7bghq66sbr2zc0");
        assert_eq!(secrets.decoy(&ada).as_str(), "usr_12es49c6ys9v70wwt712593mbf");
        assert_eq!(secrets.decoy(&oidc).as_str(), "usr_30ek8zakns3p68q28zv27pn6w8");
    }

    #[test]
    fn an_email_and_an_oidc_identity_never_share_an_object() {
        let secrets = Secrets::load("sgk", fixed).unwrap();
        let names = [
            Identity::Email { email: "a".into() },
            Identity::Oidc { issuer: "a".into(), subject: String::new() },
            Identity::Oidc { issuer: String::new(), subject: "a".into() },
            Identity::Oidc { issuer: "a".into(), subject: "a".into() },
        ]
        .map(|identity| secrets.identity_name(&identity));
        assert_eq!(names.iter().collect::<std::collections::HashSet<_>>().len(), names.len());
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
