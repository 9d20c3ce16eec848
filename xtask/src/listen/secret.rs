//! The secret that a handler on the developer's machine verifies with.
//!
//! Invariant: it is the same at every start, so that it is pasted into the handler's configuration once: derived from the
//! source's id and a key that this checkout keeps in a private file. It verifies nothing but what `listen` sends.

use crate::private;
use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fs;
use std::path::Path;
use webhooks::sign::{Unsigned, sign_as};
use webhooks::{Provider, SecretKey, provider};

/// How events are signed, and with what.
pub(super) struct Secret {
    /// The provider whose scheme signs; `None`: Standard Webhooks, since only the provider can sign as it does.
    pub(super) provider: Option<&'static Provider>,
    pub(super) key: SecretKey,
    /// As it is pasted into the handler's configuration.
    pub(super) text: String,
}

impl Secret {
    /// The one that was given.
    pub(super) fn given(provider_id: &str, text: String) -> Result<Self> {
        let own = provider(provider_id).filter(|provider| signs(provider, &text));
        let scheme =
            own.or_else(|| provider("standard-webhooks")).context("no provider standard-webhooks")?;
        let key = scheme.parse_secret(&text).map_err(|error| anyhow!("--secret: {error}"))?;
        Ok(Self { provider: own, key, text })
    }

    /// The source's own in this checkout, whose key is in `key_file`; it is made if it is missing.
    pub(super) fn of(provider_id: &str, source: &str, key_file: &Path) -> Result<Self> {
        let derived = derive(&read_or_make(key_file)?, source)?;
        let hex: String = derived.iter().map(|byte| format!("{byte:02x}")).collect();
        let standard = format!("whsec_{}", STANDARD.encode(derived));
        let fits = provider(provider_id)
            .and_then(|provider| [&standard, &hex].into_iter().find(|text| signs(provider, text)));
        let text = fits.unwrap_or(&standard).clone();
        Self::given(provider_id, text)
    }
}

/// Whether the provider's scheme signs with a shared secret that can be of this form.
fn signs(provider: &Provider, secret: &str) -> bool {
    let message =
        Unsigned { method: "POST", url: "http://localhost/", id: "msg_1", timestamp_ms: 0, body: b"{}" };
    provider.parse_secret(secret).is_ok_and(|key| sign_as(provider, &key, &message).is_some())
}

fn derive(key: &str, source: &str) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())?;
    mac.update(source.as_bytes());
    Ok(mac.finalize().into_bytes().into())
}

fn read_or_make(file: &Path) -> Result<String> {
    if let Ok(key) = fs::read_to_string(file) {
        return Ok(key.trim().to_owned());
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
    let key = STANDARD.encode(random);
    private::write_new(file, &key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn key_file(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("sluicegate-listen-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&dir));
        dir.join("listen.key")
    }

    #[test]
    fn a_source_has_the_same_secret_at_every_start_and_another_one_than_its_neighbour() {
        let file = key_file("stable");
        let first = Secret::of("github", "src_1", &file).unwrap().text;
        assert_eq!(Secret::of("github", "src_1", &file).unwrap().text, first);
        assert_ne!(Secret::of("github", "src_2", &file).unwrap().text, first);
        assert_ne!(Secret::of("github", "src_1", &key_file("other")).unwrap().text, first);
    }

    #[test]
    fn every_provider_gets_a_secret_of_its_form_or_that_of_standard_webhooks() {
        let file = key_file("forms");
        for provider in webhooks::providers() {
            let secret = Secret::of(provider.id, "src_1", &file).unwrap();
            match secret.provider {
                Some(own) => assert_eq!(own.id, provider.id),
                None => assert!(secret.text.starts_with("whsec_"), "{}: {}", provider.id, secret.text),
            }
        }
        assert!(Secret::of("stripe", "src_1", &file).unwrap().text.starts_with("whsec_"));
    }

    #[test]
    fn a_given_secret_is_taken_and_a_bad_one_refused() {
        let given = Secret::given("github", "the secret of the handler".to_owned()).unwrap();
        assert_eq!(
            (given.provider.unwrap().id, given.text.as_str()),
            ("github", "the secret of the handler")
        );
        assert!(Secret::given("github", " ".to_owned()).is_err());
    }
}
