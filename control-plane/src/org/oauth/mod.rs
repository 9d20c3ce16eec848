//! OAuth connections (claims C8, C9, F3, F6, T1): a person grants access at the provider, the org's object keeps what was
//! granted, sealed, and asks for access tokens with it.
//!
//! [`authorize`] sends the person there, [`finish`] takes them back, [`clients`] says as whom we ask. Every URL is the
//! catalogue's, with the connection's own parameters in it, and is checked as an upstream is before anything goes there.

mod authorize;
mod clients;
mod finish;
mod refresh;
mod revoke;
mod tokens;

pub(super) use authorize::{authorize, begin, oldest, return_path};
pub(super) use clients::{delete as delete_client, owner, set as set_client};
pub(super) use finish::finish;
pub(super) use refresh::access_token;
pub(super) use revoke::revoke;
pub(super) use tokens::AccessToken;
pub use tokens::AccessTokens;

use super::connections::stood_in;
use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, wrong};
use crate::remote::RemoteRequest;
use connectors::catalogue::{self, Connector};
use connectors::oauth::{
    Client, ClientAuthentication, Provider, Revocation, RevocationAuthentication, RevocationKind,
    RevocationRequest, RevocationToken, TokenRequest,
};
use protocol::Code;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;

/// Scopes of a provider's that are noted in an audit event.
const NOTED: usize = 10;

/// Where a connection's authorization and tokens are asked for.
pub(super) struct Endpoints {
    pub oauth: &'static catalogue::OAuth,
    pub authorize_url: String,
    pub token_url: String,
    authorize_params: Vec<(String, String)>,
    token_params: Vec<(String, String)>,
}

impl Endpoints {
    /// Those of a connector, for a connection of these parameters.
    ///
    /// # Errors
    /// `ValidationFailed` for a connector without OAuth and where a parameter is missing or wrong; `BaseUrlRefused`.
    pub(super) fn of(
        ctx: Context<'_>,
        connector: &'static Connector,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, AppError> {
        let oauth = connector.oauth.as_ref().ok_or_else(|| field("connector", "does not take oauth2"))?;
        Ok(Self {
            oauth,
            authorize_url: endpoint(ctx, connector, &oauth.authorize_url, parameters)?,
            token_url: endpoint(ctx, connector, &oauth.token_url, parameters)?,
            authorize_params: oauth.authorize_params.clone().into_iter().collect(),
            token_params: oauth.token_params.clone().into_iter().collect(),
        })
    }

    /// For crate `connectors`.
    pub(super) fn provider(&self) -> Provider<'_> {
        Provider {
            authorize_url: &self.authorize_url,
            token_url: &self.token_url,
            pkce: self.oauth.pkce,
            client_authentication: match self.oauth.client_authentication {
                catalogue::ClientAuthentication::Post => ClientAuthentication::Post,
                catalogue::ClientAuthentication::Basic => ClientAuthentication::Basic,
            },
            authorize_params: &self.authorize_params,
            token_params: &self.token_params,
            token_body: self.oauth.token_body,
            scope_separator: &self.oauth.scope_separator,
        }
    }
}

/// A URL of the catalogue as it is called: completed, at the stand-in where there is one, on a host that may be called.
///
/// # Errors
/// `ValidationFailed` where a parameter is missing or wrong; `BaseUrlRefused`.
pub(super) fn endpoint(
    ctx: Context<'_>,
    connector: &Connector,
    template: &str,
    parameters: &BTreeMap<String, String>,
) -> Result<String, AppError> {
    let url = connector.fill(template, parameters).map_err(|error| wrong("parameters", error.to_string()))?;
    let url = stood_in(ctx, connector, url);
    ctx.targets.base_url(&url).map_err(|error| AppError::refused(Code::BaseUrlRefused, error.to_string()))?;
    Ok(url)
}

/// A token request, to be sent.
pub(super) fn outgoing(request: TokenRequest) -> RemoteRequest {
    let mut headers =
        vec![("accept", TokenRequest::ACCEPT.into()), ("content-type", request.content_type.into())];
    headers.extend(request.authorization.map(|value| ("authorization", value)));
    RemoteRequest { method: "POST", url: request.url, headers, body: Some(request.body) }
}

/// The request that ends a grant at its provider; `None` where the provider has no way, or takes no token that is there.
/// `tokens` are the refresh token and an access token.
///
/// # Errors
/// As [`endpoint`].
pub(super) fn revocation(
    ctx: Context<'_>,
    connector: &'static Connector,
    parameters: &BTreeMap<String, String>,
    client: &Client,
    tokens: (Option<&SecretString>, Option<&SecretString>),
) -> Result<Option<RemoteRequest>, AppError> {
    let Some(oauth) = &connector.oauth else { return Ok(None) };
    let Some(data) = &oauth.revocation else { return Ok(None) };
    // These are encoded into the URL last: they may hold what a URL of the catalogue may not.
    const OWN: [[&str; 2]; 2] = [["{client_id}", "-client-id-"], ["{token}", "-token-"]];
    let template = OWN.iter().fold(data.url.clone(), |url, [name, stand_in]| url.replace(name, stand_in));
    let url = endpoint(ctx, connector, &template, parameters)?;
    let url = OWN.iter().fold(url, |url, [name, stand_in]| url.replace(stand_in, name));
    let revocation = Revocation {
        url: &url,
        kind: match data.kind {
            catalogue::RevocationKind::Rfc7009 => RevocationKind::Rfc7009,
            catalogue::RevocationKind::Delete => RevocationKind::Delete,
            catalogue::RevocationKind::PostJson => RevocationKind::PostJson,
            catalogue::RevocationKind::Get => RevocationKind::Get,
        },
        token: match data.token {
            catalogue::TokenKind::Refresh => RevocationToken::Refresh,
            catalogue::TokenKind::Access => RevocationToken::Access,
        },
        authentication: match data.authentication {
            catalogue::RevocationAuthentication::None => RevocationAuthentication::None,
            catalogue::RevocationAuthentication::ClientBasic => RevocationAuthentication::ClientBasic,
            catalogue::RevocationAuthentication::ClientPost => RevocationAuthentication::ClientPost,
            catalogue::RevocationAuthentication::Bearer => RevocationAuthentication::Bearer,
        },
        token_header: oauth.token_header.as_deref(),
        body: data.body.as_deref(),
    };
    let Some(request) = RevocationRequest::new(&revocation, client, tokens.0, tokens.1) else {
        return Ok(None);
    };
    let mut headers = vec![("accept", TokenRequest::ACCEPT.into())];
    headers.extend(request.content_type.map(|kind| ("content-type", kind.into())));
    headers.extend(request.authentication);
    let url = request.url.expose_secret().to_owned();
    Ok(Some(RemoteRequest { method: request.method, url, headers, body: request.body }))
}
