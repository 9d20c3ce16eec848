//! Who may do what: roles, permissions, API-key scopes, plan features. Data, in one place, fail closed (invariant 6).

use serde::{Deserialize, Serialize};

/// A resource that permissions and scopes speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Resource {
    ApiKeys,
    Audit,
    Connections,
    Endpoints,
    InboundEvents,
    Members,
    Messages,
    /// The workspace itself: its data key, its end.
    Org,
    Sources,
    Usage,
}

impl Resource {
    /// Every resource, in the order in which they are listed to people.
    pub const ALL: [Self; 10] = [
        Self::Connections,
        Self::Sources,
        Self::InboundEvents,
        Self::Endpoints,
        Self::Messages,
        Self::ApiKeys,
        Self::Members,
        Self::Usage,
        Self::Audit,
        Self::Org,
    ];

    /// The name in scopes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeys => "api_keys",
            Self::Audit => "audit",
            Self::Connections => "connections",
            Self::Endpoints => "endpoints",
            Self::InboundEvents => "inbound_events",
            Self::Members => "members",
            Self::Messages => "messages",
            Self::Org => "org",
            Self::Sources => "sources",
            Self::Usage => "usage",
        }
    }
}

/// Reading, or changing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Level {
    Read,
    Write,
}

/// The right to read or to change a kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Permission {
    /// What it is about.
    pub resource: Resource,
    /// How far it goes; `Write` does not imply `Read`.
    pub level: Level,
}

/// What an operation asks of its caller. Declared beside every operation ([`crate::Operation::access`]): an operation
/// without one does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone; the answer holds no tenant's data or is guarded by what the body proves (a password, a mailed token).
    Public,
    /// The edge itself, on behalf of no principal: webhook sources.
    Edge,
    /// Any live principal of the org.
    Principal,
    /// A live link to the portal alone. What else such a link opens is [`crate::Operation::is_for_portal`]'s.
    Portal,
    /// A live session; never an API key.
    Session,
    /// A live principal whose role or scopes grant this.
    Needs(Permission),
    /// A live session whose role grants this; never an API key: who belongs to the org is for people to decide.
    SessionNeeds(Permission),
    /// A live session of a SUPER_ADMIN: the operator of this installation, across orgs.
    Operator,
}

/// What a person may do. Unknown names don't parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Operates this installation. Never stored and never assigned: it follows from `operators.super_admins` of
    /// sluicegate.toml, a verified email and a second factor.
    SuperAdmin,
    /// Manages the workspace.
    OrgAdmin,
    /// Uses it.
    Member,
}

impl Role {
    /// The roles that an org gives its members.
    pub const ASSIGNABLE: [Self; 2] = [Self::OrgAdmin, Self::Member];

    /// The name in claims, rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SuperAdmin => "super_admin",
            Self::OrgAdmin => "org_admin",
            Self::Member => "member",
        }
    }

    /// The name on pages and in mails.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SuperAdmin => "operator",
            Self::OrgAdmin => "admin",
            Self::Member => "member",
        }
    }

    /// One sentence on what the role can do, for who gives it and who is given it.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::SuperAdmin => "An operator sets plans and limits of workspaces.",
            Self::OrgAdmin => {
                "An admin sees and changes everything in the workspace: connections, sources, endpoints, API keys, members and the audit trail."
            }
            Self::Member => {
                "A member sees connections, sources, events, endpoints, messages, members and usage, and changes none of them."
            }
        }
    }

    /// Whether the role has a permission in its own org.
    pub const fn grants(self, permission: Permission) -> bool {
        match self {
            Self::SuperAdmin | Self::OrgAdmin => true,
            // A member works with what is there; credentials, keys and the audit trail are the admins'.
            Self::Member => matches!(
                (permission.resource, permission.level),
                (
                    Resource::Connections
                        | Resource::Endpoints
                        | Resource::Sources
                        | Resource::InboundEvents
                        | Resource::Members
                        | Resource::Messages
                        | Resource::Usage,
                    Level::Read
                )
            ),
        }
    }
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;
    /// An assignable role's name: what stands in a row can never be SUPER_ADMIN.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ASSIGNABLE.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// A role that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown role")]
pub struct UnknownRole;

/// A scope of an API key, `connections:read`: fixed when the key is made.
///
/// `app.<resource>:read` and `:write` are the tenant's own: they grant nothing here, and `POST /v1/api-keys/verify` tells
/// the tenant's backend whether a key has them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// A permission in this product.
    Own(Permission),
    /// The tenant's own, whole: `app.invoices:read`.
    App(String),
}

impl Scope {
    /// Every scope of this product: those that some operation asks for.
    pub fn all() -> impl Iterator<Item = Self> {
        Resource::ALL.into_iter().flat_map(|resource| {
            let levels: &[Level] = match resource {
                Resource::Audit | Resource::Members | Resource::Usage => &[Level::Read],
                Resource::ApiKeys
                | Resource::Connections
                | Resource::Endpoints
                | Resource::InboundEvents
                | Resource::Messages
                | Resource::Sources => &[Level::Read, Level::Write],
                // For people alone.
                Resource::Org => &[],
            };
            levels.iter().map(move |level| Self::Own(Permission { resource, level: *level }))
        })
    }

    /// `app.`, 1 to 40 of `a-z 0-9 _ - .`, and `:read` or `:write`.
    fn is_app(text: &str) -> bool {
        let Some((name, "read" | "write")) = text.strip_prefix("app.").and_then(|rest| rest.split_once(':'))
        else {
            return false;
        };
        (1..=40).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b))
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Own(Permission { resource, level }) => {
                let level = match level {
                    Level::Read => "read",
                    Level::Write => "write",
                };
                format!("{}:{level}", resource.as_str())
            }
            Scope::App(text) => text,
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;
    fn try_from(text: String) -> Result<Self, UnknownScope> {
        if Self::is_app(&text) {
            return Ok(Self::App(text));
        }
        Self::all().find(|scope| String::from(scope.clone()) == text).ok_or(UnknownScope)
    }
}

/// A scope that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope, expected one of {}, or app.<name>:read or :write of your own", Scope::all().map(String::from).collect::<Vec<_>>().join(", "))]
pub struct UnknownScope;

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Scope {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<String> = Self::all().map(String::from).collect();
        schemars::json_schema!({ "anyOf": [
            { "type": "string", "enum": names },
            { "type": "string", "pattern": "^app\\.[a-z0-9_.-]{1,40}:(read|write)$" },
        ] })
    }
}

/// What a plan includes or leaves out. An operation names the one it needs ([`crate::Operation::feature`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Third parties' credentials and calls through them.
    Connections,
    /// Webhook sources and their events.
    Webhooks,
    /// `POST /v1/api-keys/verify`.
    KeyVerification,
    /// Gateway routes and `GET /v1/auth/check`.
    Gateway,
    /// Reading the audit trail; it is written on every plan.
    Audit,
}

/// What a plan counts in a cycle (a calendar month, UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Meter {
    /// Webhooks stored.
    InboundEvents,
    /// Messages published.
    Messages,
    /// Calls through a connection.
    ProxyCalls,
    /// `POST /v1/api-keys/verify`.
    KeyVerifications,
}

impl Meter {
    /// Every meter.
    pub const ALL: [Self; 4] =
        [Self::InboundEvents, Self::Messages, Self::ProxyCalls, Self::KeyVerifications];

    /// The name in rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InboundEvents => "inbound_events",
            Self::Messages => "messages",
            Self::ProxyCalls => "proxy_calls",
            Self::KeyVerifications => "key_verifications",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_round_trip_and_others_are_refused() {
        let app =
            ["app.invoices:read", "app.a:write", "app.a-b_c.d:read"].map(|text| Scope::App(text.into()));
        for scope in Scope::all().chain(app) {
            assert_eq!(Scope::try_from(String::from(scope.clone())), Ok(scope));
        }
        for text in [
            "",
            "connections",
            "connections:",
            "connections:admin",
            "Connections:read",
            "*:read",
            "a:b:c",
            "audit:write",
            "members:write",
            "app.:read",
            "app.x:admin",
            "app.X:read",
            "app.x:read:write",
            "app.x",
        ] {
            assert_eq!(Scope::try_from(text.to_owned()), Err(UnknownScope), "{text}");
        }
        assert!(Scope::try_from(format!("app.{}:read", "a".repeat(41))).is_err());
    }

    #[test]
    fn n2_a_member_changes_nothing_and_sees_no_keys() {
        for resource in Resource::ALL {
            assert!(!Role::Member.grants(Permission { resource, level: Level::Write }), "{resource:?}");
        }
        for resource in [Resource::ApiKeys, Resource::Audit, Resource::Org] {
            assert!(!Role::Member.grants(Permission { resource, level: Level::Read }), "{resource:?}");
        }
    }

    #[test]
    fn n9_a_row_never_makes_a_super_admin() {
        assert!("super_admin".parse::<Role>().is_err());
        assert!("root".parse::<Role>().is_err());
        assert_eq!("org_admin".parse(), Ok(Role::OrgAdmin));
    }
}
