//! What each scope of an API key reaches in the end: by the operations that it opens, and by what can be made with them.
//!
//! Some things, once made, work without the credential of their maker ([`Made`]). The rule: making one takes every permission
//! that it opens, so nothing is reached by a detour. [`TABLE`] says it in words; the control plane's test `closure` makes
//! everything that a key of each scope can make, uses it, and compares.

use crate::Permission;
use crate::access::{Level, Resource};

/// Something that works without the credential of its maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// A link to the portal: its holder manages a customer's endpoints and what is delivered to them.
    PortalLink,
    /// An endpoint that is sent messages.
    MessageEndpoint,
    /// An endpoint that is sent the events of sources.
    EventEndpoint,
    /// One more delivery of a stored event: it reaches the endpoint that had it, or was to have it.
    EventDelivery,
}

impl Made {
    /// The permissions that it opens. Its maker must have them all.
    pub const fn opens(self) -> &'static [Permission] {
        const fn may(resource: Resource, level: Level) -> Permission {
            Permission { resource, level }
        }
        const MESSAGES: Permission = may(Resource::Messages, Level::Read);
        match self {
            Self::PortalLink => {
                const {
                    &[
                        may(Resource::Endpoints, Level::Read),
                        may(Resource::Endpoints, Level::Write),
                        MESSAGES,
                        may(Resource::Messages, Level::Write),
                    ]
                }
            }
            Self::MessageEndpoint => &[MESSAGES],
            Self::EventEndpoint => const { &[may(Resource::InboundEvents, Level::Read)] },
            Self::EventDelivery => const { &[may(Resource::InboundEvents, Level::Write)] },
        }
    }
}

/// Each scope, what it reaches alone, and what takes more than it.
pub const TABLE: [Reach; 15] = [
    Reach {
        scope: "connections:read",
        alone: "connections and receipts; calls through a connection that only read",
        with: &[],
    },
    Reach {
        scope: "connections:write",
        alone: "making and deleting connections, replacing a credential",
        with: &[(
            "a call through a connection of your own (generic HTTP) that writes",
            &["connections:read"],
        )],
    },
    Reach {
        scope: "sources:read",
        alone: "sources, without their secrets, and what they refused",
        with: &[],
    },
    Reach {
        scope: "sources:write",
        alone: "sources and the secrets by which they accept events; somebody who sets a secret can also sign events with it",
        with: &[],
    },
    Reach {
        scope: "inbound_events:read",
        alone: "stored events with their bodies, and new ones as they come",
        with: &[],
    },
    Reach {
        scope: "inbound_events:write",
        alone: "forwarding stored events once more, to the endpoints of their source",
        with: &[],
    },
    Reach {
        scope: "endpoints:read",
        alone: "endpoints, without secrets; deliveries and attempts at them, with the receivers' answers",
        with: &[],
    },
    Reach {
        scope: "endpoints:write",
        alone: "renaming, disabling, enabling and deleting endpoints, their limits and headers, new secrets for them, their whole URLs; listing and closing portal links",
        with: &[
            ("an endpoint that gets messages, or another URL or other types for it", &["messages:read"]),
            (
                "an endpoint that gets events of sources, or another URL, types or sources for it",
                &["inbound_events:read"],
            ),
            ("a portal link", &["endpoints:read", "messages:read", "messages:write"]),
        ],
    },
    Reach {
        scope: "messages:read",
        alone: "messages with their payloads, their deliveries and attempts; event types",
        with: &[],
    },
    Reach {
        scope: "messages:write",
        alone: "publishing, test messages, sending messages again or skipping them; event types",
        with: &[("the same for an endpoint that gets events of sources", &["inbound_events:write"])],
    },
    Reach { scope: "api_keys:read", alone: "API keys, without secrets; verifying a key", with: &[] },
    Reach {
        scope: "api_keys:write",
        alone: "revoking any key; making and rotating keys of no more scopes, places, requests and time than the key's own; any app.* scope",
        with: &[],
    },
    Reach { scope: "members:read", alone: "members and invitations", with: &[] },
    Reach { scope: "usage:read", alone: "the plan and what was used of it", with: &[] },
    Reach {
        scope: "audit:read",
        alone: "the audit trail: ids, names and addresses of everything that was changed",
        with: &[],
    },
];

/// A row of [`TABLE`].
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// As in a key's `scopes`.
    pub scope: &'static str,
    /// With no other scope.
    pub alone: &'static str,
    /// What takes other scopes besides, and which.
    pub with: &'static [(&'static str, &'static [&'static str])],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{self, ROUTES};
    use crate::{Access, Operation, Scope};

    fn names(permissions: &[Permission]) -> Vec<String> {
        permissions.iter().map(|permission| Scope::Own(*permission).into()).collect()
    }

    #[test]
    fn every_scope_has_its_row_and_no_other() {
        let scopes: Vec<String> = Scope::all().map(String::from).collect();
        assert_eq!(TABLE.map(|row| row.scope).as_slice(), scopes);
    }

    #[test]
    fn what_takes_more_than_a_scope_is_what_opens_more() {
        let of = |scope: &str| TABLE.iter().find(|row| row.scope == scope).unwrap().with;
        let needs = |made: Made, own: &str| {
            let mut names = names(made.opens());
            names.retain(|name| name != own);
            names
        };
        let endpoints = of("endpoints:write");
        for (row, made) in
            [Made::MessageEndpoint, Made::EventEndpoint, Made::PortalLink].into_iter().enumerate()
        {
            assert_eq!(endpoints[row].1, needs(made, "endpoints:write"), "{made:?}");
        }
        assert_eq!(of("messages:write")[0].1, needs(Made::EventDelivery, "messages:write"));
    }

    /// What a link opens is what the portal's operations need, each of them.
    #[test]
    fn a_link_opens_exactly_what_its_operations_need() {
        let ids = ["end_", "msg_", "x"].map(|kind| format!("{kind:0<30}"));
        let mut needed = Vec::new();
        for route in ROUTES {
            for id in &ids {
                let path =
                    route.path.replace("{id}", id).replace("{endpoint_id}", &format!("{:0<30}", "end_"));
                let Ok((_, operation)) = routes::find(route.method, &path, "") else { continue };
                if let (true, Access::Needs(permission)) = (operation.is_for_portal(), operation.access()) {
                    needed.push(permission);
                }
            }
        }
        let opens = Made::PortalLink.opens();
        assert!(needed.iter().all(|permission| opens.contains(permission)), "{:?}", names(&needed));
        assert!(opens.iter().all(|permission| needed.contains(permission)), "{:?}", names(&needed));
        assert_eq!(Operation::CreatePortalLink.also_needs(), opens);
    }
}
