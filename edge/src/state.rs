//! What an isolate holds between requests: public keys, MAC keys, bounded caches, limiter tables. Nothing here opens a
//! credential or signs a token (invariant 1), nothing is older than its bound, and nothing grows with the traffic
//! (invariant 8).

use crate::CONFIG;
use crate::auth::{Identity, Proof};
use crate::cache::Cache;
use crate::handlers::check::Checked;
use crate::handlers::webhook::{Backlog, KnownKeys, KnownSource};
use crate::limits::Limits;
use crate::origins::Origins;
use crate::random::Random;
use crate::tree;
use config::Config;
use protocol::{Code, SourceId};
use std::net::IpAddr;
use std::rc::Rc;
use tokens::{ApiKeyFormat, MacKey, Passage, SessionVerifier};

/// What deployment gives: secrets and variables.
#[derive(Clone, Copy, Default)]
pub struct Environment<'a> {
    /// `SESSION_JWKS`: the session keys' public halves, served as they are.
    pub session_jwks: &'a str,
    /// `API_KEY_MAC_KEY`, base64 of 32 bytes: checks API keys and source ids.
    pub api_key_mac_key: &'a str,
    /// `CSRF_KEY`, base64 of 32 bytes.
    pub csrf_key: &'a str,
    /// `CLIENT_IP_HEADER`: the header in which a trusted platform or proxy writes the client's address; no other source
    /// of it is believed. Empty: all clients count as one.
    pub client_ip_header: &'a str,
    /// `CLIENT_COUNTRY_HEADER`: the header in which it writes the address's country (ISO 3166-1 alpha-2), for the list of
    /// sessions. Empty: not known.
    pub client_country_header: &'a str,
    /// `PUBLIC_ORIGIN`: scheme and authority that clients use, several apart by commas, the canonical one first. A request by
    /// another host than theirs and this machine's own is refused. Empty: this machine's own alone.
    pub public_origin: &'a str,
    /// `CONFIG`: the configuration to enforce, as JSON that xtask made of a checked file. Empty: the embedded one.
    pub config: &'a str,
    /// `RATE_LIMIT_SCALE`: multiplies every configured limit. For tests and benchmarks alone. Empty: 1.
    pub rate_limit_scale: &'a str,
}

impl Environment<'_> {
    /// The operator's decisions.
    ///
    /// # Errors
    /// [`StartError::Config`]: a `CONFIG` that cannot be read never falls back to another.
    pub fn config(&self) -> Result<Config, StartError> {
        let json = if self.config.is_empty() { CONFIG } else { self.config };
        tree::read(json.as_bytes()).map_err(|_| StartError::Config)
    }
}

/// A deployment that cannot serve. Names the variable, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum StartError {
    #[error("CONFIG, or what is embedded in its place, is not a configuration that xtask has checked")]
    Config,
    #[error("SESSION_JWKS is missing or not a set of Ed25519 keys")]
    SessionJwks,
    #[error("API_KEY_MAC_KEY is missing or not 32 bytes of base64")]
    ApiKeyMacKey,
    #[error("CSRF_KEY is missing or not 32 bytes of base64")]
    CsrfKey,
    #[error("CLIENT_IP_HEADER or CLIENT_COUNTRY_HEADER is not a lower-case header name")]
    ClientIpHeader,
    #[error("PUBLIC_ORIGIN is not scheme://authority, or several of them apart by commas")]
    PublicOrigin,
    #[error("RATE_LIMIT_SCALE is not a number from 1 on")]
    RateLimitScale,
    #[error("no randomness available")]
    Random,
}

/// An isolate's memory.
pub struct State {
    /// The operator's decisions.
    pub config: Config,
    /// Pool of random bytes.
    pub random: Random,
    /// Session keys, public.
    pub verifier: SessionVerifier,
    /// As deployed, for `/.well-known/jwks.json`.
    pub session_jwks: String,
    /// For API keys and source ids.
    pub mac: MacKey,
    /// The mark of requests that have passed here.
    pub passage: Passage,
    /// For CSRF tokens.
    pub csrf: MacKey,
    /// The brand's API keys.
    pub key_format: ApiKeyFormat,
    /// Rate limits.
    pub limits: Limits,
    /// Genuine tokens by their hash.
    pub identities: Cache<Proof, Rc<Identity>>,
    /// What the control plane said of a principal, by token hash and gateway route.
    pub checked: Cache<(Proof, Option<usize>), Checked>,
    /// Webhook sources' verification secrets.
    pub sources: Cache<SourceId, KnownSource>,
    /// Providers' public keys that had to be fetched.
    pub fetched: KnownKeys,
    /// Webhooks that were refused, as far as their tenants have not been told.
    pub rejections: Backlog,
    client_ip_header: String,
    client_country_header: String,
    origins: Origins,
}

impl State {
    /// Reads the environment. Within a request: it draws randomness.
    ///
    /// # Errors
    /// [`StartError`]: the deployment is wrong, and no request is served.
    pub fn new(config: Config, environment: &Environment<'_>) -> Result<Self, StartError> {
        let mut random = Random::default();
        let scale = match environment.rate_limit_scale {
            "" => 1,
            text => text.parse().ok().filter(|scale| *scale >= 1).ok_or(StartError::RateLimitScale)?,
        };
        let mac = MacKey::from_base64(environment.api_key_mac_key).map_err(|_| StartError::ApiKeyMacKey)?;
        Ok(Self {
            verifier: SessionVerifier::from_jwks(environment.session_jwks)
                .map_err(|_| StartError::SessionJwks)?,
            session_jwks: environment.session_jwks.to_owned(),
            passage: Passage::new(&mac),
            mac,
            csrf: MacKey::from_base64(environment.csrf_key).map_err(|_| StartError::CsrfKey)?,
            key_format: ApiKeyFormat::new(config.brand.api_key_prefix.as_str())
                .map_err(|_| StartError::Config)?,
            limits: Limits::new(&config.rate_limits, scale, &mut random).map_err(|_| StartError::Random)?,
            identities: Cache::new(4096),
            checked: Cache::new(4096),
            sources: Cache::new(256),
            fetched: KnownKeys::new(&mut random).map_err(|_| StartError::Random)?,
            rejections: Backlog::new(&mut random).map_err(|_| StartError::Random)?,
            client_ip_header: header_name(environment.client_ip_header)?,
            client_country_header: header_name(environment.client_country_header)?,
            origins: Origins::parse(environment.public_origin).ok_or(StartError::PublicOrigin)?,
            config,
            random,
        })
    }

    /// The client's address by the header that the deployment trusts.
    pub fn client_ip(&self, head: &crate::head::Head<'_>) -> Option<IpAddr> {
        if self.client_ip_header.is_empty() {
            return None;
        }
        head.header(&self.client_ip_header)?.parse().ok()
    }

    /// The client's country by the header that the deployment trusts. Cloudflare writes `XX` for an unknown one and `T1`
    /// for Tor.
    pub fn client_country(&self, head: &crate::head::Head<'_>) -> Option<String> {
        if self.client_country_header.is_empty() {
            return None;
        }
        let country = head.header(&self.client_country_header)?;
        let plain = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
        (plain && country != "XX").then(|| country.to_owned())
    }

    /// Scheme and authority that the client uses ([`Origins::of`]).
    ///
    /// # Errors
    /// `InvalidRequest` or `Misdirected` for a host that is not served.
    pub fn own_origin(&self, head: &crate::head::Head<'_>) -> Result<String, Code> {
        self.origins.of(head)
    }

    /// Scheme and authority that documents name ([`Origins::canonical`]).
    ///
    /// # Errors
    /// As [`State::own_origin`].
    pub fn canonical_origin(&self, head: &crate::head::Head<'_>) -> Result<String, Code> {
        self.origins.canonical(head)
    }
}

fn header_name(text: &str) -> Result<String, StartError> {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if plain { Ok(text.to_owned()) } else { Err(StartError::ClientIpHeader) }
}
