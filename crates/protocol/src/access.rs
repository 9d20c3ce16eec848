//! Who may do what: roles, permissions, API-key scopes. Data, in one place, fail closed (invariant 6).

use serde::{Deserialize, Serialize};

/// A resource that permissions and scopes speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Resource {
    ApiKeys,
    Audit,
    Connections,
    InboundEvents,
    Sources,
}

impl Resource {
    /// Every resource, in the order in which they are listed to people.
    pub const ALL: [Self; 5] =
        [Self::Connections, Self::Sources, Self::InboundEvents, Self::ApiKeys, Self::Audit];

    /// The name in scopes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeys => "api_keys",
            Self::Audit => "audit",
            Self::Connections => "connections",
            Self::InboundEvents => "inbound_events",
            Self::Sources => "sources",
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
    /// Anyone; the answer holds no tenant's data or is guarded by what the body proves (a password).
    Public,
    /// The edge itself, on behalf of no principal: webhook sources.
    Edge,
    /// Any live principal of the org.
    Principal,
    /// A live session; never an API key.
    Session,
    /// A live principal whose role or scopes grant this.
    Needs(Permission),
}

/// What a member may do in an org. Unknown names don't parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Manages the workspace.
    OrgAdmin,
    /// Uses it.
    Member,
}

impl Role {
    /// The name in claims, rows and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrgAdmin => "org_admin",
            Self::Member => "member",
        }
    }

    /// Whether the role has a permission.
    pub const fn grants(self, permission: Permission) -> bool {
        match self {
            Self::OrgAdmin => true,
            // A member works with what is there; credentials, keys and the audit trail are the admins'.
            Self::Member => matches!(
                (permission.resource, permission.level),
                (Resource::Connections | Resource::Sources | Resource::InboundEvents, Level::Read)
            ),
        }
    }
}

impl std::str::FromStr for Role {
    type Err = crate::id::InvalidId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::OrgAdmin, Self::Member]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(crate::id::InvalidId)
    }
}

/// A scope of an API key, `connections:read`: fixed when the key is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(pub Permission);

impl Scope {
    /// Every scope that exists.
    pub fn all() -> impl Iterator<Item = Self> {
        Resource::ALL.into_iter().flat_map(|resource| {
            [Level::Read, Level::Write].map(|level| Self(Permission { resource, level }))
        })
    }
}

impl From<Scope> for String {
    fn from(Scope(Permission { resource, level }): Scope) -> Self {
        let level = match level {
            Level::Read => "read",
            Level::Write => "write",
        };
        format!("{}:{level}", resource.as_str())
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;
    fn try_from(text: String) -> Result<Self, UnknownScope> {
        Self::all().find(|scope| String::from(*scope) == text).ok_or(UnknownScope)
    }
}

/// A scope that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope, expected one of {}", Scope::all().map(String::from).collect::<Vec<_>>().join(", "))]
pub struct UnknownScope;

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Scope {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<String> = Self::all().map(String::from).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_round_trip_and_others_are_refused() {
        for scope in Scope::all() {
            assert_eq!(Scope::try_from(String::from(scope)), Ok(scope));
        }
        for text in
            ["", "connections", "connections:", "connections:admin", "Connections:read", "*:read", "a:b:c"]
        {
            assert_eq!(Scope::try_from(text.to_owned()), Err(UnknownScope), "{text}");
        }
    }

    #[test]
    fn a_member_changes_nothing_and_sees_no_keys() {
        for resource in Resource::ALL {
            assert!(!Role::Member.grants(Permission { resource, level: Level::Write }), "{resource:?}");
        }
        assert!(!Role::Member.grants(Permission { resource: Resource::ApiKeys, level: Level::Read }));
    }
}
