//! What a catalogue file says: the types of `catalogue/<id>.toml`.
//!
//! The build script reads the TOML into these types and the library the same values as JSON, so that neither knows a key
//! that the other does not. A key that is not here is refused. What one value alone cannot show is checked in `check`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::grant::OAuth;
use super::parameter::Pattern;
use super::rule::Rule;

/// A provider: what is asked of it, where its requests go, and which of them pass.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connector {
    /// The file's name.
    pub id: String,
    /// The provider's own name for it.
    pub name: String,
    /// The shelf it stands on.
    pub category: Category,
    /// What speaks to the upstream.
    #[serde(default)]
    pub kind: Kind,
    /// The page that the facts of the file are from.
    pub docs: String,
    /// One sentence on what is read and what is not.
    pub summary: String,
    /// Where requests go, `{parameter}`s in it. `None` for `http`, whose connections name it, and for other kinds.
    pub base_url: Option<String>,
    /// What a connection must say besides its credential.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// How a connection is authorized by OAuth 2.0.
    pub oauth: Option<OAuth>,
    /// The static credentials that a connection may hold.
    #[serde(default)]
    pub credentials: Vec<StaticCredential>,
    /// Request headers that are always sent, and that a caller cannot change.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The request that a connection test sends.
    pub test: Option<String>,
    /// The fields of an error answer (status 400 and above) that pass.
    #[serde(default = "default_error_fields")]
    pub error_fields: Vec<String>,
    /// The allowed requests, the first match deciding.
    #[serde(default)]
    pub requests: Vec<Rule>,
}

/// The shelf a connector stands on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "a list of plain words")]
pub enum Category {
    Mail,
    Identity,
    Issues,
    Crm,
    Code,
    Support,
    Chat,
    Docs,
    Payments,
    Commerce,
    Files,
    Warehouse,
    Generic,
}

impl Category {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Identity => "identity",
            Self::Issues => "issues",
            Self::Crm => "crm",
            Self::Code => "code",
            Self::Support => "support",
            Self::Chat => "chat",
            Self::Docs => "docs",
            Self::Payments => "payments",
            Self::Commerce => "commerce",
            Self::Files => "files",
            Self::Warehouse => "warehouse",
            Self::Generic => "generic",
        }
    }
}

/// What speaks to the upstream.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The proxy.
    #[default]
    Http,
    /// A login to a mail submission server.
    Smtp,
    /// A login to a mailbox.
    Imap,
    /// Read-only queries.
    Postgres,
}

impl Kind {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Postgres => "postgres",
        }
    }
}

/// Something a connection must say besides its credential, such as the provider's subdomain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Shown in the form.
    pub label: String,
    /// How to find the value.
    pub hint: Option<String>,
    /// What the value looks like.
    pub pattern: Pattern,
    /// With the pattern `choice`: the values.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// With the pattern `host`: the value ends with one of these, such as `.salesforce.com`. Empty: any host.
    #[serde(default)]
    pub suffixes: Vec<String>,
    /// The value of a connection that says none.
    pub default: Option<String>,
}

/// A static credential that a connection may hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticCredential {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: CredentialKind,
    /// The provider's word for it.
    pub label: String,
    /// How to fill it in.
    pub hint: Option<String>,
    /// With `api_key`: the header that carries it.
    pub header: Option<String>,
    /// With `api_key`: the query parameter that carries it.
    pub query: Option<String>,
    /// With `basic`: what is added to the user name.
    pub username_suffix: Option<String>,
}

/// The kind of a static credential, as in the API.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// `Authorization: Bearer …`.
    Bearer,
    /// A header or a query parameter.
    ApiKey,
    /// HTTP basic authentication, or a login's user name and password.
    Basic,
    /// None.
    None,
}

impl CredentialKind {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::ApiKey => "api_key",
            Self::Basic => "basic",
            Self::None => "none",
        }
    }
}

fn default_error_fields() -> Vec<String> {
    const FIELDS: [&str; 16] = [
        "error",
        "error_description",
        "message",
        "code",
        "status",
        "type",
        "title",
        "error.code",
        "error.message",
        "error.status",
        "error.type",
        "errors[].code",
        "errors[].message",
        "errors[].type",
        "[].errorCode",
        "[].message",
    ];
    FIELDS.map(str::to_owned).to_vec()
}
