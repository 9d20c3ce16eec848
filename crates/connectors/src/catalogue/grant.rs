//! How a connection is authorized by OAuth 2.0, as a catalogue file says it: the endpoints, the scopes and their reasons,
//! what becomes of tokens.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How a connection is authorized by OAuth 2.0 (RFC 6749).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth {
    /// The authorization endpoint.
    pub authorize_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// Whether a PKCE challenge (RFC 7636, `S256`) is sent. Only false where the provider refuses one.
    #[serde(default = "yes")]
    pub pkce: bool,
    /// How the client says who it is.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// Further parameters of the authorization request.
    #[serde(default)]
    pub authorize_params: BTreeMap<String, String>,
    /// Further parameters of every request to the token endpoint.
    #[serde(default)]
    pub token_params: BTreeMap<String, String>,
    /// The form of the token endpoint's requests.
    #[serde(default)]
    pub token_body: TokenBody,
    /// The header that carries the bare access token. `None`: `Authorization: Bearer`.
    pub token_header: Option<String>,
    /// What stands between two scopes: a space, or a comma.
    #[serde(default = "space")]
    pub scope_separator: String,
    /// Connection parameters that the token response tells: parameter, top-level string of the response.
    #[serde(default)]
    pub token_parameters: BTreeMap<String, String>,
    /// What becomes of a token that expires.
    pub refresh: Refresh,
    /// How a token is revoked. `None`: the provider has no way.
    pub revocation: Option<Revocation>,
    /// Every scope that is asked, with its reason.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    /// Scopes that the provider may grant without being asked. A `*` at the end stands for any rest.
    #[serde(default)]
    pub tolerated_scopes: Vec<String>,
}

/// How a client authenticates at the token endpoint (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// `client_id` and `client_secret` in the body.
    #[default]
    Post,
    /// HTTP basic authentication.
    Basic,
}

/// The form of the token endpoint's requests.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TokenBody {
    /// `application/x-www-form-urlencoded` (RFC 6749).
    #[default]
    Form,
    /// A JSON object of the same members.
    Json,
}

/// What becomes of an access token that expires.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// What a refresh does to the refresh token.
    pub kind: RefreshKind,
    /// With `rotated`: for how long the provider takes the former token again. 0: never, and it may end the grant. Said for
    /// the reader alone: after a lost answer the former token is sent again in any case, and where the provider refuses it,
    /// the connection's status says `rotation_lost`.
    #[serde(default)]
    pub reuse_grace_seconds: u64,
    /// The access token's lifetime where the token response names none.
    #[serde(default = "an_hour")]
    pub default_lifetime_seconds: u64,
}

/// What a refresh does to the refresh token.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RefreshKind {
    /// It stays.
    Kept,
    /// Each refresh gives a new one.
    Rotated,
    /// There is none: the access token does not expire.
    None,
}

/// How a token is revoked at the provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// The request's form.
    pub kind: RevocationKind,
    /// Where it goes. Besides parameters it may hold `{client_id}` and `{token}`.
    pub url: String,
    /// Which token is revoked.
    pub token: TokenKind,
    /// Who says so.
    #[serde(default)]
    pub authentication: RevocationAuthentication,
    /// With `post_json` and `delete`: the body, `{token}` standing for the token.
    pub body: Option<String>,
    /// Statuses that say: it is not valid any more.
    #[serde(default)]
    pub already_gone: Vec<u16>,
}

/// The form of a revocation.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RevocationKind {
    /// RFC 7009: `POST token=…&token_type_hint=…`.
    Rfc7009,
    /// `DELETE`, with or without a JSON body.
    Delete,
    /// `POST` of a JSON body.
    PostJson,
    /// `GET`.
    Get,
}

/// A token of a grant.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// The refresh token.
    Refresh,
    /// The access token.
    Access,
}

/// Who asks for a revocation.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum RevocationAuthentication {
    /// Nobody: holding the token is enough.
    #[default]
    None,
    /// The client, by HTTP basic authentication.
    ClientBasic,
    /// The client, in the body.
    ClientPost,
    /// The token itself, as a bearer token.
    Bearer,
}

/// A scope that is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// As it is sent.
    pub scope: String,
    /// Why it is needed, for the person who consents.
    pub why: String,
    /// Other spellings of it in the token response.
    #[serde(default)]
    pub granted_as: Vec<String>,
    /// Whether the token response never names it.
    #[serde(default)]
    pub unlisted: bool,
}

const fn yes() -> bool {
    true
}

fn space() -> String {
    " ".to_owned()
}

const fn an_hour() -> u64 {
    3600
}
