//! A provider's discovery document (OpenID Connect Discovery 1.0), reduced to what a sign-in needs. The issuer in it must be
//! the configured one to the letter: a document from elsewhere could send people and client secrets anywhere.

use crate::OidcError;
use crate::authorize::PARAMETERS;
use crate::issuer::Issuer;
use serde::Deserialize;
use url::Url;

/// Longest discovery document, in bytes.
pub const MAX_METADATA_LEN: usize = 256 * 1024;

/// Where an issuer's discovery document is (Discovery 1.0, section 4).
#[must_use]
pub fn discovery_url(issuer: &Issuer) -> String {
    let base = issuer.as_str();
    format!("{}/.well-known/openid-configuration", base.strip_suffix('/').unwrap_or(base))
}

/// What a sign-in needs of a provider, checked.
#[derive(Debug, Clone)]
pub struct Metadata {
    issuer: Issuer,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    userinfo_endpoint: Option<Url>,
    pub(crate) client_authentication: ClientAuthentication,
    pub(crate) names_issuer_in_callback: bool,
}

/// How the client shows its secret to the token endpoint (OpenID Connect Core, section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientAuthentication {
    Basic,
    Post,
}

impl Metadata {
    /// Reads the document fetched from [`discovery_url`].
    ///
    /// # Errors
    /// [`OidcError::Metadata`], [`OidcError::MetadataIssuer`], [`OidcError::Endpoint`] or
    /// [`OidcError::ClientAuthentication`].
    pub fn parse(issuer: &Issuer, document: &[u8]) -> Result<Self, OidcError> {
        if document.len() > MAX_METADATA_LEN {
            return Err(OidcError::Metadata);
        }
        let document: Document = serde_json::from_slice(document).map_err(|_| OidcError::Metadata)?;
        if document.issuer != issuer.as_str() {
            return Err(OidcError::MetadataIssuer);
        }
        let endpoint = |text: &str| issuer.transport().endpoint(text).ok_or(OidcError::Endpoint);
        let authorization_endpoint = endpoint(&document.authorization_endpoint)?;
        // A parameter of ours that is already there would be sent twice, and which of them counts is anyone's guess (M9).
        if authorization_endpoint.query_pairs().any(|(name, _)| PARAMETERS.contains(&name.as_ref())) {
            return Err(OidcError::Endpoint);
        }
        Ok(Self {
            authorization_endpoint,
            token_endpoint: endpoint(&document.token_endpoint)?,
            jwks_uri: endpoint(&document.jwks_uri)?,
            userinfo_endpoint: document.userinfo_endpoint.as_deref().map(endpoint).transpose()?,
            client_authentication: document.client_authentication()?,
            names_issuer_in_callback: document.authorization_response_iss_parameter_supported,
            issuer: issuer.clone(),
        })
    }

    /// The provider's issuer.
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Where the keys for [`Jwks::parse`](crate::Jwks::parse) are.
    pub fn jwks_uri(&self) -> &str {
        self.jwks_uri.as_str()
    }

    /// Where an identity that [wants it](crate::Identity::wants_user_info) is completed.
    pub fn userinfo_endpoint(&self) -> Option<&str> {
        self.userinfo_endpoint.as_ref().map(Url::as_str)
    }

    pub(crate) const fn authorization_endpoint(&self) -> &Url {
        &self.authorization_endpoint
    }

    pub(crate) fn token_endpoint(&self) -> &str {
        self.token_endpoint.as_str()
    }
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Document {
    fn client_authentication(&self) -> Result<ClientAuthentication, OidcError> {
        let Some(methods) = &self.token_endpoint_auth_methods_supported else {
            // Discovery 1.0, section 3: the default.
            return Ok(ClientAuthentication::Basic);
        };
        let offers = |name: &str| methods.iter().any(|method| method == name);
        match () {
            () if offers("client_secret_basic") => Ok(ClientAuthentication::Basic),
            () if offers("client_secret_post") => Ok(ClientAuthentication::Post),
            () => Err(OidcError::ClientAuthentication),
        }
    }
}

#[cfg(test)]
mod tests;
