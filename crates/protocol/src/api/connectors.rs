//! The catalogue of connectors, as its users see it, and the OAuth clients by which it asks for access.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A connector of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Connector {
    /// `gmail`
    pub id: String,
    /// For people.
    pub name: String,
    /// `mail`, `issues`, `crm`, `code`, …
    pub category: String,
    /// One sentence: what it is for.
    pub summary: String,
    /// The provider's documentation.
    pub docs: String,
    /// `http`, `smtp`, `imap` or `postgres`: what it speaks.
    pub kind: String,
    /// Where requests go, `{parameter}`s unfilled; empty for the generic connector and for what is not HTTP.
    pub base_url: String,
    /// Kinds of credential that it takes.
    pub auth: Vec<ConnectorAuth>,
    /// OAuth scopes, exactly as asked for.
    pub scopes: Vec<ConnectorScope>,
    /// What a connection is given besides a credential.
    pub parameters: Vec<ConnectorParameter>,
    /// Every request that passes; empty for `http`, where everything below its base URL does.
    pub requests: Vec<ConnectorRequest>,
    /// `revoked at the provider` or what to do by hand.
    pub revocation: String,
    /// Whose OAuth client asks for access: `workspace`, `installation`, or absent where there is none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// A kind of credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectorAuth {
    /// `oauth2`, `bearer`, `api_key`, `basic` or `none`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people: what the provider calls it.
    pub label: String,
    /// Where to find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// `api_key`: the header it goes into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// `api_key`: the query parameter it goes into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

/// An OAuth scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectorScope {
    /// As sent.
    pub scope: String,
    /// What it is asked for.
    pub why: String,
}

/// What a connection is given besides a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectorParameter {
    /// In `parameters` of a new connection.
    pub name: String,
    /// For people.
    pub label: String,
    /// An example.
    pub hint: String,
    /// It is in the provider's answer and need not be given.
    pub optional: bool,
}

/// A request that passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectorRequest {
    /// Its rule's name, in a dry run and in the audit trail.
    pub id: String,
    /// Upper case.
    pub method: String,
    /// With `{placeholders}`.
    pub path: String,
    /// One line.
    pub summary: String,
    /// It takes a person's own session.
    pub writes: bool,
    /// Query parameters that pass; all others are refused.
    pub query: Vec<String>,
    /// What is returned of the answer.
    pub fields: Vec<String>,
}

/// `PUT /v1/connectors/{id}/client`: the workspace's own OAuth client at a provider.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SetConnectorClient {
    /// As registered with the provider.
    pub client_id: String,
    /// Sealed at once; no call returns it.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub client_secret: SecretString,
}

/// The workspace's own OAuth client, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConnectorClient {
    /// Its connector.
    pub connector: String,
    /// As registered with the provider.
    pub client_id: String,
    /// To register with the provider.
    pub redirect_uri: String,
    /// RFC 3339.
    pub updated_at: String,
}
