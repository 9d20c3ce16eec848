//! What a catalogue file says: the types of `catalogue/<id>.toml`.
//!
//! The build script reads the TOML into these types and the library the same values as JSON, so that neither knows a key
//! that the other does not. A key that is not here is refused. What one value alone cannot show is checked in `check`.

use core::fmt;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::parameter::Pattern;
use super::path::PathPattern;

/// The largest request body that a rule takes where it names no other size, in bytes.
pub const DEFAULT_MAX_BODY: usize = 64 * 1024;

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
    /// With `rotated`: for how long the provider takes the former token again. 0: never, and it may end the grant.
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

/// An allowed request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Unique in its file.
    pub id: String,
    /// The method, exactly.
    pub method: Method,
    /// The paths, below the base URL.
    pub path: PathPattern,
    /// What it reads or writes, in a few words.
    pub summary: String,
    /// Whether it changes something at the provider: it then needs a person's own session.
    #[serde(default)]
    pub writes: bool,
    /// The query parameters that may be sent. Others are refused.
    #[serde(default)]
    pub query: BTreeMap<String, Argument>,
    /// The body that may be sent.
    #[serde(default)]
    pub body: Body,
    /// The fields of the answer that pass.
    #[serde(default)]
    pub fields: Vec<String>,
}

/// A request method. `HEAD` is no method of the catalogue.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the methods of RFC 9110 and RFC 5789")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As it is sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A query parameter or a field of a JSON body that may be sent.
#[derive(Debug, Deserialize)]
#[serde(try_from = "ArgumentKeys")]
pub struct Argument {
    /// What it may say.
    pub constraint: Constraint,
    /// Whether it must be there.
    pub required: bool,
    /// Whether a query parameter may be there more than once.
    pub repeat: bool,
    /// The value that the broker sends where the caller sends none.
    pub set: Option<String>,
}

/// What an argument may say.
#[derive(Debug, PartialEq)]
pub enum Constraint {
    /// Anything. In a body: any JSON value.
    Any,
    /// One of these.
    OneOf(Vec<Scalar>),
    /// Any text that holds none of these.
    Without(Vec<String>),
    /// A comma-separated list of these.
    ListOf(Vec<String>),
    /// Words with a space between them. One that ends with a colon is followed by a value of letters, digits and
    /// `@._/+-`; another stands as it is. Nothing else is searched for, so the answer tells nothing of texts.
    Words(Vec<String>),
    /// An integer, both ends included.
    Int(IntRange),
    /// A string of at most so many characters.
    Text(TextLimit),
    /// `true` or `false`.
    Bool,
    /// A SOQL query of these objects.
    Soql(BTreeMap<String, SoqlObject>),
}

/// What a SOQL query may name of an object.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(from = "SoqlObjectKeys")]
pub struct SoqlObject {
    /// The fields, wherever in the query.
    pub fields: Vec<String>,
    /// Fields that the WHERE must bind to some of these values.
    pub only: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SoqlObjectKeys {
    Fields(Vec<String>),
    Bound(SoqlObjectBound),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SoqlObjectBound {
    fields: Vec<String>,
    only: BTreeMap<String, Vec<String>>,
}

impl From<SoqlObjectKeys> for SoqlObject {
    fn from(keys: SoqlObjectKeys) -> Self {
        match keys {
            SoqlObjectKeys::Fields(fields) => Self { fields, only: BTreeMap::new() },
            SoqlObjectKeys::Bound(SoqlObjectBound { fields, only }) => Self { fields, only },
        }
    }
}

impl Constraint {
    /// Whether a query parameter may say `value`. False for SOQL, which is read as a whole.
    #[must_use]
    pub fn accepts_text(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Without(forbidden) => !forbidden.iter().any(|text| value.contains(text.as_str())),
            Self::Words(allowed) => value.split(' ').all(|word| allowed.iter().any(|a| is_word(word, a))),
            Self::OneOf(allowed) => allowed.iter().any(|scalar| scalar.to_string() == value),
            Self::ListOf(allowed) => value.split(',').all(|item| allowed.iter().any(|a| a == item)),
            // Digits alone, and no leading zero or plus: one spelling a number.
            Self::Int(range) => value
                .parse::<i64>()
                .is_ok_and(|n| n.to_string() == value && (range.min..=range.max).contains(&n)),
            Self::Text(limit) => value.chars().count() <= limit.max,
            Self::Bool => matches!(value, "true" | "false"),
            Self::Soql(_) => false,
        }
    }
}

fn is_word(word: &str, allowed: &str) -> bool {
    if !allowed.ends_with(':') {
        return word == allowed;
    }
    word.strip_prefix(allowed).is_some_and(|value| {
        (1..=128).contains(&value.len())
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"@._/+-".contains(&b))
    })
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(flag) => flag.fmt(f),
            Self::Int(n) => n.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The ends of an integer's range, both included.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct IntRange {
    /// The least.
    pub min: i64,
    /// The greatest.
    pub max: i64,
}

/// The length of a string, in characters.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct TextLimit {
    /// The greatest.
    pub max: usize,
}

/// A plain value of TOML and JSON.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
#[allow(missing_docs, reason = "JSON's own words")]
pub enum Scalar {
    Bool(bool),
    Int(i64),
    Text(String),
}

/// The keys of an argument as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArgumentKeys {
    any: Option<bool>,
    forbid: Option<Vec<String>>,
    one_of: Option<Vec<Scalar>>,
    list_of: Option<Vec<String>>,
    words: Option<Vec<String>>,
    int: Option<IntRange>,
    string: Option<TextLimit>,
    bool: Option<bool>,
    soql: Option<BTreeMap<String, SoqlObject>>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    repeat: bool,
    set: Option<String>,
}

impl TryFrom<ArgumentKeys> for Argument {
    type Error = &'static str;

    fn try_from(keys: ArgumentKeys) -> Result<Self, Self::Error> {
        let ArgumentKeys {
            any,
            forbid,
            one_of,
            list_of,
            words,
            int,
            string,
            bool,
            soql,
            required,
            repeat,
            set,
        } = keys;
        if forbid.as_ref().is_some_and(|texts| any.is_none() || texts.iter().all(String::is_empty)) {
            return Err("forbid lists texts, and goes with any");
        }
        let mut named = [
            any.map(|yes| yes.then(|| forbid.clone().map_or(Constraint::Any, Constraint::Without))),
            one_of.map(|values| (!values.is_empty()).then_some(Constraint::OneOf(values))),
            list_of.map(|values| (!values.is_empty()).then_some(Constraint::ListOf(values))),
            words.map(|words| (!words.is_empty()).then_some(Constraint::Words(words))),
            int.map(|range| (range.min <= range.max).then_some(Constraint::Int(range))),
            string.map(|limit| (limit.max > 0).then_some(Constraint::Text(limit))),
            bool.map(|yes| yes.then_some(Constraint::Bool)),
            soql.map(|objects| (!objects.is_empty()).then_some(Constraint::Soql(objects))),
        ]
        .into_iter()
        .flatten();
        let constraint = match (named.next(), named.next(), &set) {
            (Some(Some(constraint)), None, _) => constraint,
            (None, None, Some(fixed)) => Constraint::OneOf(vec![Scalar::Text(fixed.clone())]),
            (Some(None), None, _) => return Err("the constraint allows nothing"),
            _ => {
                return Err(
                    "needs exactly one of any, one_of, list_of, words, int, string, bool, soql, or a `set` alone",
                );
            }
        };
        Ok(Self { constraint, required, repeat, set })
    }
}

/// The body that a request may have.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "BodyKeys")]
pub struct Body {
    /// What it is.
    pub shape: BodyShape,
    /// Its greatest size, in bytes.
    pub max: usize,
}

/// What a body is.
#[derive(Debug, Default)]
pub enum BodyShape {
    /// There is none.
    #[default]
    None,
    /// A JSON object of these fields alone, by dotted path; `[]` stands for any element.
    Json(BTreeMap<String, Argument>),
    /// A GraphQL request with one of these documents.
    Graphql(Vec<String>),
    /// A JSON object with one SQL statement that reads, and further fields.
    Sql {
        /// The field of the statement, at the top of the object.
        field: String,
        /// The other fields.
        fields: BTreeMap<String, Argument>,
    },
}

/// The keys of a body as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BodyKeys {
    kind: BodyKind,
    #[serde(default)]
    fields: BTreeMap<String, Argument>,
    #[serde(default)]
    documents: Vec<String>,
    field: Option<String>,
    max_body: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum BodyKind {
    None,
    Json,
    Graphql,
    Sql,
}

impl TryFrom<BodyKeys> for Body {
    type Error = &'static str;

    fn try_from(keys: BodyKeys) -> Result<Self, Self::Error> {
        let BodyKeys { kind, fields, documents, field, max_body } = keys;
        let shape = match (kind, field) {
            (BodyKind::None, None) if fields.is_empty() && documents.is_empty() => BodyShape::None,
            (BodyKind::Json, None) if !fields.is_empty() && documents.is_empty() => BodyShape::Json(fields),
            (BodyKind::Graphql, None) if fields.is_empty() && !documents.is_empty() => {
                BodyShape::Graphql(documents)
            }
            (BodyKind::Sql, Some(field)) if documents.is_empty() => BodyShape::Sql { field, fields },
            _ => {
                return Err(
                    "a json body has fields, a graphql body documents, a sql body a field, and none of the others'",
                );
            }
        };
        Ok(Self { shape, max: max_body.unwrap_or(DEFAULT_MAX_BODY) })
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

const fn yes() -> bool {
    true
}

fn space() -> String {
    " ".to_owned()
}

const fn an_hour() -> u64 {
    3600
}
