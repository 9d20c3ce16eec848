//! OAuth connections: a person grants access at the provider, and the org's object keeps what was granted.

mod refresh;
mod tokens;

pub(super) use refresh::access_token;
pub use tokens::{AccessToken, AccessTokens};

// TEMP until oauth's clients and catalogue are merged.
mod clients {
    pub(super) fn load(
        _: crate::context::Context<'_>,
        _: &connectors::catalogue::Connector,
    ) -> Result<connectors::oauth::Client, crate::error::AppError> {
        Ok(connectors::oauth::Client { id: "client".into(), secret: "fake-client-secret".into() })
    }
}
struct Endpoints { token_url: String }
impl Endpoints {
    fn new(
        _: crate::context::Context<'_>,
        connector: &connectors::catalogue::Connector,
        _: &std::collections::BTreeMap<String, String>,
    ) -> Result<Self, crate::error::AppError> {
        Ok(Self { token_url: connector.oauth.as_ref().unwrap().token_url.clone() })
    }
    fn provider(&self) -> connectors::oauth::Provider<'_> {
        connectors::oauth::Provider {
            authorize_url: "",
            token_url: &self.token_url,
            pkce: true,
            client_authentication: connectors::oauth::ClientAuthentication::Post,
            authorize_params: &[],
            scope_separator: " ",
        }
    }
}
