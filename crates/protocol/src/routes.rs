//! The table of the public API: every path, its method and what it asks of the control plane. Routing, `405`s,
//! /openapi.json and the tests read this table; a path that is not in it does not exist.

use crate::api::DeliveryStatus;
use crate::call::EventFilter;
use crate::{
    Access, ApiKeyId, Code, ConnectionId, EndpointId, InboundEventId, InvitationId, MessageId, Operation,
    OrgId, Page, PortalLinkId, SessionId, SourceId, UserId,
};

/// Which rate limit a route falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Sign-up, login and what comes back by mail: far tighter.
    Auth,
    /// Checks the password of who is signed in: as tight as [`Class::Auth`], with a credential.
    Password,
    /// Everything else with a credential.
    Api,
}

/// What a route takes as its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Nothing; what is sent is ignored.
    None,
    /// `application/json`.
    Json,
    /// `application/json`, or nothing.
    OptionalJson,
    /// `application/json`, as large as a message.
    Message,
    /// Anything, streamed on.
    Stream,
}

/// A row of the table.
#[derive(Debug)]
pub struct Route {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`; `*`: any that HTTP defines besides CONNECT and TRACE.
    pub method: &'static str,
    /// `{name}` is one segment, `{name*}` the rest of the path and the query.
    pub path: &'static str,
    /// One line for the documentation.
    pub summary: &'static str,
    /// Its rate limit.
    pub class: Class,
    /// Its body.
    pub body: Body,
    build: fn(&Request<'_>) -> Result<Operation, Code>,
}

/// The part of a request that picks an operation.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Upper case.
    pub method: &'a str,
    /// Percent-encoding as received.
    pub path: &'a str,
    /// After `?`; empty where there is none.
    pub query: &'a str,
    id: &'a str,
    /// Of a path that names two things, the second.
    second: &'a str,
    rest: &'a str,
}

const fn route(
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    class: Class,
    body: Body,
    build: fn(&Request<'_>) -> Result<Operation, Code>,
) -> Route {
    Route { method, path, summary, class, body, build }
}

/// The table.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    route("POST", "/v1/signup", "Create an account and its workspace, or join the one that an invitation is for", Class::Auth, Body::Json, |_| Ok(Operation::SignUp)),
    route("POST", "/v1/login", "Sign in with email and password", Class::Auth, Body::Json, |_| Ok(Operation::LogIn)),
    route("POST", "/v1/login/second-factor", "Finish a sign-in with a code of the authenticator app or a recovery code", Class::Auth, Body::Json, |_| Ok(Operation::LogInSecondFactor)),
    route("POST", "/v1/password-reset", "Mail a link to set a new password; says nothing about whether the account exists", Class::Auth, Body::Json, |_| Ok(Operation::RequestPasswordReset)),
    route("POST", "/v1/password-reset/confirm", "Set a new password by the mailed token; every session ends", Class::Auth, Body::Json, |_| Ok(Operation::ResetPassword)),
    route("POST", "/v1/email/verify", "Prove an email address by the mailed token, signed in to its account", Class::Api, Body::Json, |_| Ok(Operation::VerifyEmail)),
    route("POST", "/v1/logout", "End the session", Class::Api, Body::None, |_| Ok(Operation::LogOut)),
    route("GET", "/v1/me", "Who the caller is", Class::Api, Body::None, |_| Ok(Operation::Me)),
    route("GET", "/v1/auth/check", "Whether the credential is good, decided at the edge (for forward-auth proxies); at most revocation.max_staleness_seconds old", Class::Api, Body::None, |_| Ok(Operation::VerifyPrincipal { audience: None, want: 0 })),

    route("GET", "/v1/account", "The signed-in person's account", Class::Api, Body::None, |_| Ok(Operation::GetAccount)),
    route("GET", "/v1/account/events", "What happened to the account, newest first", Class::Api, Body::None, |r| Ok(Operation::ListAccountEvents(r.page()?))),
    route("DELETE", "/v1/account/identities/{id}", "Unlink an identity provider", Class::Api, Body::None, |r| Ok(Operation::UnlinkIdentity { provider: r.slug()? })),
    route("POST", "/v1/password", "Change the password; every other session ends", Class::Password, Body::Json, |_| Ok(Operation::ChangePassword)),
    route("POST", "/v1/email", "Change the email; takes effect when the new address is proven", Class::Api, Body::Json, |_| Ok(Operation::ChangeEmail)),
    route("POST", "/v1/email/verification", "Mail the proof of the account's email again", Class::Api, Body::None, |_| Ok(Operation::ResendVerification)),
    route("POST", "/v1/reauthenticate", "Prove the password or the second factor once more, for sensitive changes", Class::Password, Body::Json, |_| Ok(Operation::Reauthenticate)),
    route("POST", "/v1/second-factor", "Begin to use an authenticator app (TOTP)", Class::Api, Body::None, |_| Ok(Operation::StartSecondFactor)),
    route("POST", "/v1/second-factor/confirm", "Confirm it by a first code; gives the recovery codes", Class::Api, Body::Json, |_| Ok(Operation::ConfirmSecondFactor)),
    route("DELETE", "/v1/second-factor", "Stop using the authenticator app", Class::Api, Body::None, |_| Ok(Operation::RemoveSecondFactor)),
    route("POST", "/v1/second-factor/recovery-codes", "New recovery codes; the old ones are void", Class::Api, Body::None, |_| Ok(Operation::NewRecoveryCodes)),

    route("GET", "/v1/sessions", "List the caller's sessions in this workspace", Class::Api, Body::None, |r| Ok(Operation::ListSessions(r.page()?))),
    route("DELETE", "/v1/sessions", "End every other session of the caller, in every workspace", Class::Api, Body::None, |_| Ok(Operation::RevokeOtherSessions)),
    route("POST", "/v1/sessions/refresh", "A fresh token for a live session", Class::Api, Body::None, |_| Ok(Operation::RefreshSession)),
    route("DELETE", "/v1/sessions/{id}", "End one of the caller's sessions", Class::Api, Body::None, |r| Ok(Operation::RevokeSession { id: SessionId::parse(r.id).map_err(absent)? })),

    route("GET", "/v1/orgs", "List the person's workspaces", Class::Api, Body::None, |_| Ok(Operation::ListOrgs)),
    route("POST", "/v1/orgs", "Create another workspace and go there", Class::Api, Body::Json, |_| Ok(Operation::CreateOrg)),
    route("POST", "/v1/orgs/switch", "Go to another workspace: a session there takes this one's place", Class::Api, Body::Json, |_| Ok(Operation::SwitchOrg)),
    route("POST", "/v1/leave", "Leave the workspace", Class::Api, Body::None, |_| Ok(Operation::LeaveOrg)),

    route("GET", "/v1/members", "List members", Class::Api, Body::None, |r| Ok(Operation::ListMembers(r.page()?))),
    route("POST", "/v1/members", "Invite somebody to become a member: the same as POST /v1/invitations", Class::Api, Body::Json, |_| Ok(Operation::CreateInvitation)),
    route("PATCH", "/v1/members/{id}", "Change a member's role", Class::Api, Body::Json, |r| Ok(Operation::UpdateMember { id: UserId::parse(r.id).map_err(absent)? })),
    route("DELETE", "/v1/members/{id}", "Remove a member: their sessions here and the API keys that they made end at once", Class::Api, Body::None, |r| Ok(Operation::RemoveMember { id: UserId::parse(r.id).map_err(absent)? })),
    route("GET", "/v1/invitations", "List invitations", Class::Api, Body::None, |r| Ok(Operation::ListInvitations(r.page()?))),
    route("POST", "/v1/invitations", "Invite somebody by email; the link is mailed, and shown here once", Class::Api, Body::Json, |_| Ok(Operation::CreateInvitation)),
    route("POST", "/v1/invitations/accept", "Join the workspace that an invitation is for, as the person signed in", Class::Api, Body::Json, |_| Ok(Operation::AcceptInvitation)),
    route("DELETE", "/v1/invitations/{id}", "Take an invitation back", Class::Api, Body::None, |r| Ok(Operation::RevokeInvitation { id: InvitationId::parse(r.id).map_err(absent)? })),
    route("GET", "/v1/usage", "What the workspace uses of its plan, now", Class::Api, Body::None, |_| Ok(Operation::GetUsage)),

    route("GET", "/v1/api-keys", "List API keys", Class::Api, Body::None, |r| Ok(Operation::ListApiKeys(r.page()?))),
    route("POST", "/v1/api-keys", "Create an API key; it is shown once", Class::Api, Body::Json, |_| Ok(Operation::CreateApiKey)),
    route("POST", "/v1/api-keys/verify", "Whether a key of this workspace is good, for your own backend", Class::Api, Body::Json, |_| Ok(Operation::VerifyApiKey)),
    route("GET", "/v1/api-keys/{id}", "An API key, without the key", Class::Api, Body::None, |r| Ok(Operation::GetApiKey { id: r.api_key()? })),
    route("DELETE", "/v1/api-keys/{id}", "Revoke an API key at once", Class::Api, Body::None, |r| Ok(Operation::RevokeApiKey { id: r.api_key()? })),
    route("POST", "/v1/api-keys/{id}/rotate", "A new key with the same id and rights; the old one works on for grace_seconds", Class::Api, Body::Json, |r| Ok(Operation::RotateApiKey { id: r.api_key()? })),

    route("GET", "/v1/connectors", "The catalogue: what each connector asks for, lets through and returns", Class::Api, Body::None, |_| Ok(Operation::ListConnectors)),
    route("GET", "/v1/connectors/{id}", "A connector of the catalogue", Class::Api, Body::None, |r| Ok(Operation::GetConnector { connector: r.slug()? })),
    route("PUT", "/v1/connectors/{id}/client", "The workspace's own OAuth client at the provider, its secret sealed", Class::Api, Body::Json, |r| Ok(Operation::SetConnectorClient { connector: r.slug()? })),
    route("DELETE", "/v1/connectors/{id}/client", "Forget the workspace's own OAuth client", Class::Api, Body::None, |r| Ok(Operation::DeleteConnectorClient { connector: r.slug()? })),

    route("GET", "/v1/connections", "List connections", Class::Api, Body::None, |r| Ok(Operation::ListConnections(r.page()?))),
    route("POST", "/v1/connections", "Store a third party's credential, sealed", Class::Api, Body::Json, |_| Ok(Operation::CreateConnection)),
    route("GET", "/v1/connections/{id}", "A connection, without its credential", Class::Api, Body::None, |r| Ok(Operation::GetConnection { id: r.connection()? })),
    route("DELETE", "/v1/connections/{id}", "Disconnect: revoked at the provider where it can be, deleted here; a receipt says what became of it", Class::Api, Body::None, |r| Ok(Operation::DeleteConnection { id: r.connection()? })),
    route("PUT", "/v1/connections/{id}/auth", "Replace the credential by another of its kind; the id stays", Class::Api, Body::Json, |r| Ok(Operation::ReplaceCredential { id: r.connection()? })),
    route("POST", "/v1/connections/{id}/authorize", "Where to send the person who grants access, or grants it again; the id stays", Class::Api, Body::Json, |r| Ok(Operation::AuthorizeConnection { id: r.connection()? })),
    route("POST", "/v1/connections/{id}/test", "Whether the provider takes the credential, by the connector's test request", Class::Api, Body::None, |r| Ok(Operation::TestConnection { id: r.connection()? })),
    route("POST", "/v1/connections/{id}/dry-run", "Which rule would allow or refuse a request, and why; nothing is sent", Class::Api, Body::Json, |r| Ok(Operation::DryRun { id: r.connection()? })),
    route("POST", "/v1/connections/{id}/query", "Read from a warehouse: one statement in a read-only transaction, rows streamed", Class::Api, Body::Json, |r| Ok(Operation::Query { id: r.connection()? })),
    route("GET", "/v1/receipts", "What became of the credentials of connections that were", Class::Api, Body::None, |r| Ok(Operation::ListReceipts(r.page()?))),
    route("GET", "/v1/receipts/{id}", "What became of one connection's credential", Class::Api, Body::None, |r| Ok(Operation::GetReceipt { id: r.connection()? })),
    route("*", "/v1/connections/{id}/proxy/{path*}", "Call the connection's upstream with its credential", Class::Api, Body::Stream, |r| r.proxy()),

    route("GET", "/v1/sources", "List webhook sources", Class::Api, Body::None, |r| Ok(Operation::ListSources(r.page()?))),
    route("POST", "/v1/sources", "Create a webhook source", Class::Api, Body::Json, |_| Ok(Operation::CreateSource)),
    route("GET", "/v1/sources/{id}", "A webhook source, without its secret", Class::Api, Body::None, |r| Ok(Operation::GetSource { id: r.source()? })),
    route("PATCH", "/v1/sources/{id}", "Rename a webhook source, pause it or let it go on", Class::Api, Body::Json, |r| Ok(Operation::UpdateSource { id: r.source()? })),
    route("DELETE", "/v1/sources/{id}", "Delete a webhook source; its events stay", Class::Api, Body::None, |r| Ok(Operation::DeleteSource { id: r.source()? })),
    route("POST", "/v1/sources/{id}/rotate-secret", "Give a source the provider's new secret; the old one verifies for a while", Class::Api, Body::Json, |r| Ok(Operation::RotateSourceSecret { id: r.source()? })),
    route("POST", "/v1/sources/{id}/verification-token", "The token that the provider has sent to the URL, to be pasted there; shown once", Class::Api, Body::None, |r| Ok(Operation::TakeVerificationToken { id: r.source()? })),
    route("GET", "/v1/sources/{id}/rejections", "Requests to a source that were refused, and why", Class::Api, Body::None, |r| Ok(Operation::ListRejections { id: r.source()?, page: r.page()? })),
    route("GET", "/v1/sources/{id}/listen", "Wait up to 20 s for a source's next events, oldest first, from ?after= on", Class::Api, Body::None, |r| Ok(Operation::ListenToSource { id: r.source()?, after: r.after()? })),
    route("GET", "/v1/providers", "Webhook providers: how each signs, and what to paste where", Class::Api, Body::None, |_| Ok(Operation::ListProviders)),
    route("GET", "/v1/providers/{id}", "A webhook provider", Class::Api, Body::None, |r| Ok(Operation::GetProvider { provider: r.provider()? })),

    route("GET", "/v1/inbound-events", "List stored webhooks, newest first", Class::Api, Body::None, |r| Ok(Operation::ListInboundEvents { filter: r.event_filter()?, page: r.page()? })),
    route("GET", "/v1/inbound-events/{id}", "A stored webhook with its body", Class::Api, Body::None, |r| Ok(Operation::GetInboundEvent { id: InboundEventId::parse(r.id).map_err(absent)? })),
    route("POST", "/v1/inbound-events/{id}/replay", "Forward a stored webhook again", Class::Api, Body::OptionalJson, |r| Ok(Operation::ReplayEvent { id: InboundEventId::parse(r.id).map_err(absent)? })),
    route("POST", "/v1/inbound-events/replay", "Forward a source's events again: a range of them, or those that failed; 500 a call", Class::Api, Body::Json, |_| Ok(Operation::ReplayEvents)),

    route("GET", "/v1/endpoints", "List endpoints", Class::Api, Body::None, |r| Ok(Operation::ListEndpoints { customer_id: r.customer()?, page: r.page()? })),
    route("POST", "/v1/endpoints", "Have messages, or a source's events, delivered to a URL, signed; the secret is shown once", Class::Api, Body::Json, |_| Ok(Operation::CreateEndpoint)),
    route("GET", "/v1/endpoints/{id}", "An endpoint, without its secret", Class::Api, Body::None, |r| Ok(Operation::GetEndpoint { id: r.endpoint()? })),
    route("PATCH", "/v1/endpoints/{id}", "Change an endpoint, take it out of use or back into it", Class::Api, Body::Json, |r| Ok(Operation::UpdateEndpoint { id: r.endpoint()? })),
    route("DELETE", "/v1/endpoints/{id}", "Delete an endpoint", Class::Api, Body::None, |r| Ok(Operation::DeleteEndpoint { id: r.endpoint()? })),
    route("POST", "/v1/endpoints/{id}/rotate-secret", "A new secret, shown once; the old one signs too for a while", Class::Api, Body::OptionalJson, |r| Ok(Operation::RotateEndpointSecret { id: r.endpoint()? })),
    route("POST", "/v1/endpoints/{id}/test", "Send an example to an endpoint", Class::Api, Body::None, |r| Ok(Operation::TestEndpoint { id: r.endpoint()? })),
    route("POST", "/v1/endpoints/{id}/recover", "Send again what has failed since a time; 500 a call", Class::Api, Body::Json, |r| Ok(Operation::RecoverEndpoint { id: r.endpoint()? })),
    route("GET", "/v1/endpoints/{id}/attempts", "Attempts at an endpoint: status, latency, the answer's first kilobyte", Class::Api, Body::None, |r| Ok(Operation::ListAttempts { id: r.endpoint()?, page: r.page()? })),
    route("GET", "/v1/endpoints/{id}/deliveries", "What was, or is still to be, delivered to an endpoint; ?status=failed: dead letters", Class::Api, Body::None, |r| Ok(Operation::ListDeliveries { id: r.endpoint()?, status: r.status("status")?, page: r.page()? })),

    route("GET", "/v1/messages", "List messages, newest first", Class::Api, Body::None, |r| Ok(Operation::ListMessages { customer_id: r.customer()?, page: r.page()? })),
    route("POST", "/v1/messages", "Publish a message to every endpoint that wants it", Class::Api, Body::Message, |_| Ok(Operation::PublishMessage)),
    route("GET", "/v1/messages/{id}", "A message with its payload", Class::Api, Body::None, |r| Ok(Operation::GetMessage { id: r.message()? })),
    route("GET", "/v1/messages/{id}/deliveries", "How far a message has come, endpoint by endpoint", Class::Api, Body::None, |r| Ok(Operation::ListMessageDeliveries { id: r.message()? })),
    route("GET", "/v1/messages/{id}/attempts", "Attempts at delivering a message", Class::Api, Body::None, |r| Ok(Operation::ListMessageAttempts { id: r.message()?, page: r.page()? })),
    route("POST", "/v1/messages/{id}/endpoints/{endpoint_id}/resend", "Send a message to an endpoint again", Class::Api, Body::None, |r| Ok(Operation::ResendMessage { id: r.message()?, endpoint: r.second_endpoint()? })),
    route("POST", "/v1/messages/{id}/endpoints/{endpoint_id}/skip", "Give a delivery up, so that what waits behind it goes on", Class::Api, Body::None, |r| Ok(Operation::SkipDelivery { id: r.message()?, endpoint: r.second_endpoint()? })),

    route("GET", "/v1/event-types", "The types of events, with their JSON Schemas", Class::Api, Body::None, |r| Ok(Operation::ListEventTypes(r.page()?))),
    route("GET", "/v1/event-types/{id}", "A type of event", Class::Api, Body::None, |r| Ok(Operation::GetEventType { name: r.event_type_name()? })),
    route("PUT", "/v1/event-types/{id}", "Describe a type of event", Class::Api, Body::Json, |r| Ok(Operation::SetEventType { name: r.event_type_name()? })),
    route("DELETE", "/v1/event-types/{id}", "Forget what a type of event means; messages of it go on", Class::Api, Body::None, |r| Ok(Operation::DeleteEventType { name: r.event_type_name()? })),

    route("GET", "/v1/portal-links", "Links to the portal that still open", Class::Api, Body::None, |r| Ok(Operation::ListPortalLinks(r.page()?))),
    route("POST", "/v1/portal-links", "A short-lived link by which a customer's user manages that customer's endpoints", Class::Api, Body::Json, |_| Ok(Operation::CreatePortalLink)),
    route("DELETE", "/v1/portal-links/{id}", "Close a link to the portal", Class::Api, Body::None, |r| Ok(Operation::DeletePortalLink { id: PortalLinkId::parse(r.id).map_err(absent)? })),

    route("GET", "/v1/org/key", "The workspace's data key: its version, and how far a rotation has come", Class::Api, Body::None, |_| Ok(Operation::GetOrgKey)),
    route("POST", "/v1/org/key/rotate", "A new data key; every record is sealed again in the background", Class::Api, Body::None, |_| Ok(Operation::RotateOrgKey)),
    route("POST", "/v1/org/delete", "Delete the workspace: its data key is destroyed, a signed certificate says so", Class::Api, Body::Json, |_| Ok(Operation::DeleteOrg)),

    route("GET", "/v1/audit", "List audit events, newest first", Class::Api, Body::None, |r| Ok(Operation::ListAudit(r.page()?))),
    route("GET", "/v1/audit/verify", "Recompute the audit trail's hash chain, 10,000 events a call, from ?from= on", Class::Api, Body::None, |r| Ok(Operation::VerifyAudit { from: r.from()? })),

    route("GET", "/v1/admin/orgs/{id}", "A workspace's plan, limits and usage, for the operator (super_admin)", Class::Api, Body::None, |r| Ok(Operation::GetOrgAsOperator { org: r.org()? })),
    route("PUT", "/v1/admin/orgs/{id}/plan", "Change a workspace's plan: up at once, down with the next cycle", Class::Api, Body::Json, |r| Ok(Operation::SetOrgPlan { org: r.org()? })),
    route("PUT", "/v1/admin/orgs/{id}/rate-limits", "Give a workspace limits of its own", Class::Api, Body::Json, |r| Ok(Operation::SetOrgLimits { org: r.org()? })),
    route("GET", "/v1/admin/keys", "Key-encryption keys: what each version wraps, how far a rotation has come (super_admin)", Class::Api, Body::None, |_| Ok(Operation::GetKeys)),
    route("POST", "/v1/admin/keys/rotate", "Make a deployed key-encryption key the current one and re-wrap every data key (super_admin)", Class::Api, Body::Json, |_| Ok(Operation::RotateKeys)),
];

/// The rows and the operation for a request.
///
/// # Errors
/// `NotFound` for a path that is not in the table or an id that cannot be one, `MethodNotAllowed` for a path with other
/// methods, `InvalidRequest` for a query that the route does not take.
pub fn find(method: &str, path: &str, query: &str) -> Result<(&'static Route, Operation), Code> {
    let mut found_path = false;
    for route in candidates(path) {
        let Some((id, second, rest)) = route.matches(path) else { continue };
        found_path = true;
        if route.method == method || (route.method == "*" && PROXIED.contains(&method)) {
            return Ok((route, (route.build)(&Request { method, path, query, id, second, rest })?));
        }
    }
    Err(if found_path { Code::MethodNotAllowed } else { Code::NotFound })
}

/// Methods that a path of the table takes, for `Allow`.
pub fn allowed(path: &str) -> impl Iterator<Item = &'static str> {
    candidates(path).filter(move |route| route.matches(path).is_some()).map(|route| route.method)
}

/// The rows that can be for a path: one that stands in the table to the letter is never an id's (`/v1/api-keys/verify`).
fn candidates(path: &str) -> impl Iterator<Item = &'static Route> {
    let literal = ROUTES.iter().any(|route| route.path == path);
    ROUTES.iter().filter(move |route| !literal || route.path == path)
}

/// Methods of a route that takes any.
pub const PROXIED: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The name of a type of event, or a customer's id: 1 to 128 of `a-z A-Z 0-9 . _ -`.
pub fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn absent(_: crate::id::InvalidId) -> Code {
    Code::NotFound
}

impl Route {
    /// Whether it takes no credential. What an `{id}` names is always somebody's.
    pub fn is_open(&self) -> bool {
        let request =
            Request { method: self.method, path: self.path, query: "", id: "", second: "", rest: "" };
        (self.build)(&request).is_ok_and(|operation| operation.access() == Access::Public)
    }

    /// The `{id}`, the second one and the rest of the path (from its `/` on), empty where the route has none.
    fn matches<'a>(&self, path: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
        let (mut pattern, mut text, mut id, mut second) = (self.path, path, "", "");
        loop {
            let (want, pattern_rest) = split(pattern)?;
            if want.ends_with("*}") {
                return text.starts_with('/').then_some((id, second, text));
            }
            let (have, text_rest) = split(text)?;
            if want.starts_with('{') {
                if have.is_empty() {
                    return None;
                }
                *(if id.is_empty() { &mut id } else { &mut second }) = have;
            } else if want != have {
                return None;
            }
            (pattern, text) = (pattern_rest, text_rest);
            match (pattern.is_empty(), text.is_empty()) {
                (true, true) => return Some((id, second, "")),
                (true, false) => return None,
                _ => {}
            }
        }
    }
}

/// The first segment and what follows it.
fn split(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/')?;
    Some(path.find('/').map_or((path, ""), |slash| path.split_at(slash)))
}

impl Request<'_> {
    fn connection(&self) -> Result<ConnectionId, Code> {
        ConnectionId::parse(self.id).map_err(absent)
    }

    fn api_key(&self) -> Result<ApiKeyId, Code> {
        ApiKeyId::parse(self.id).map_err(absent)
    }

    /// Of an org that could exist: a region that nobody knows names no object.
    fn org(&self) -> Result<OrgId, Code> {
        let id = OrgId::parse(self.id).map_err(absent)?;
        id.region().map(|_| id).ok_or(Code::NotFound)
    }

    fn endpoint(&self) -> Result<EndpointId, Code> {
        EndpointId::parse(self.id).map_err(absent)
    }

    /// The id of something that configuration or catalogue names.
    fn slug(&self) -> Result<String, Code> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if self.id.len() <= 40 && self.id.bytes().all(plain) {
            Ok(self.id.to_owned())
        } else {
            Err(Code::NotFound)
        }
    }

    fn source(&self) -> Result<SourceId, Code> {
        SourceId::parse(self.id).map_err(absent)
    }

    fn message(&self) -> Result<MessageId, Code> {
        MessageId::parse(self.id).map_err(absent)
    }

    fn second_endpoint(&self) -> Result<EndpointId, Code> {
        EndpointId::parse(self.second).map_err(absent)
    }

    /// The id of a provider of the signature table: `cal.com` has a dot.
    fn provider(&self) -> Result<String, Code> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
        if self.id.len() <= 40 && self.id.bytes().all(plain) {
            Ok(self.id.to_owned())
        } else {
            Err(Code::NotFound)
        }
    }

    fn event_type_name(&self) -> Result<String, Code> {
        if is_name(self.id) { Ok(self.id.to_owned()) } else { Err(Code::NotFound) }
    }

    fn event_filter(&self) -> Result<EventFilter, Code> {
        let source = self.parameter("source_id").map(SourceId::parse).transpose();
        Ok(EventFilter {
            source: source.map_err(|_| Code::InvalidRequest)?,
            event_type: self.name("event_type")?,
            since: self.time("since")?,
            until: self.time("until")?,
            forwarding: self.status("forwarding")?,
        })
    }

    fn customer(&self) -> Result<Option<String>, Code> {
        self.name("customer_id")
    }

    /// An event's type, a customer's id.
    fn name(&self, parameter: &str) -> Result<Option<String>, Code> {
        match self.parameter(parameter) {
            Some(name) if !is_name(name) => Err(Code::InvalidRequest),
            name => Ok(name.map(str::to_owned)),
        }
    }

    fn status(&self, parameter: &str) -> Result<Option<DeliveryStatus>, Code> {
        self.parameter(parameter)
            .map(|name| DeliveryStatus::parse(name).ok_or(Code::InvalidRequest))
            .transpose()
    }

    /// RFC 3339. `%3A` for its colons is what form encoders write.
    fn time(&self, parameter: &str) -> Result<Option<u64>, Code> {
        self.parameter(parameter)
            .map(|text| {
                let text =
                    text.replace("%3A", ":").replace("%3a", ":").replace("%2B", "+").replace("%2b", "+");
                crate::time::parse_rfc3339(&text).ok_or(Code::InvalidRequest)
            })
            .transpose()
    }

    fn after(&self) -> Result<Option<String>, Code> {
        match self.parameter("after") {
            Some(cursor) if cursor.len() > 32 || !cursor.bytes().all(|b| b.is_ascii_digit()) => {
                Err(Code::InvalidRequest)
            }
            cursor => Ok(cursor.filter(|cursor| !cursor.is_empty()).map(str::to_owned)),
        }
    }

    fn page(&self) -> Result<Page, Code> {
        let limit = self.parameter("limit").map(|text| match text.parse() {
            Ok(limit @ 1..=Page::MAX) => Ok(limit),
            _ => Err(Code::InvalidRequest),
        });
        let cursor = self.parameter("cursor").filter(|cursor| !cursor.is_empty());
        if cursor.is_some_and(|c| c.len() > 64 || !c.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        {
            return Err(Code::InvalidRequest);
        }
        Ok(Page { limit: limit.transpose()?, cursor: cursor.map(str::to_owned) })
    }

    fn from(&self) -> Result<u64, Code> {
        self.parameter("from").map_or(Ok(0), |text| text.parse().map_err(|_| Code::InvalidRequest))
    }

    fn proxy(&self) -> Result<Operation, Code> {
        let question = if self.query.is_empty() { "" } else { "?" };
        Ok(Operation::Proxy {
            id: self.connection()?,
            method: self.method.to_owned(),
            path_and_query: format!("{}{question}{}", self.rest, self.query),
        })
    }

    /// A query parameter's first value. What the API takes needs no percent-encoding.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "con_00000000000000000000000000";

    fn operation(method: &str, path: &str, query: &str) -> Result<Operation, Code> {
        find(method, path, query).map(|(_, operation)| operation)
    }

    #[test]
    fn paths_find_their_operations() {
        assert_eq!(operation("GET", "/v1/me", ""), Ok(Operation::Me));
        assert!(matches!(
            operation("GET", &format!("/v1/connections/{ID}"), ""),
            Ok(Operation::GetConnection { .. })
        ));
        assert_eq!(operation("GET", "/v1/audit/verify", ""), Ok(Operation::VerifyAudit { from: 0 }));
        assert_eq!(operation("GET", "/v1/audit/verify", "from=x"), Err(Code::InvalidRequest));
        assert_eq!(
            operation("GET", "/v1/audit", "limit=3&cursor=aud_x"),
            Ok(Operation::ListAudit(Page { limit: Some(3), cursor: Some("aud_x".into()) }))
        );
    }

    #[test]
    fn a_proxied_path_keeps_its_encoding_and_its_query() {
        let found = operation("PATCH", &format!("/v1/connections/{ID}/proxy/a%2Fb/../c"), "q=%20&r");
        assert_eq!(
            found,
            Ok(Operation::Proxy {
                id: ConnectionId::parse(ID).unwrap(),
                method: "PATCH".into(),
                path_and_query: "/a%2Fb/../c?q=%20&r".into(),
            })
        );
        assert!(operation("GET", &format!("/v1/connections/{ID}/proxy/"), "").is_ok());
        assert_eq!(operation("GET", &format!("/v1/connections/{ID}/proxy"), ""), Err(Code::NotFound));
        assert_eq!(
            operation("TRACE", &format!("/v1/connections/{ID}/proxy/"), ""),
            Err(Code::MethodNotAllowed)
        );
    }

    #[test]
    fn what_is_not_in_the_table_is_refused() {
        for path in [
            "",
            "/",
            "v1/me",
            "/v1",
            "/v1/me/",
            "/v1//me",
            "/V1/me",
            "/v1/me/x",
            "/v1/connections/",
            "/v2/me",
        ] {
            assert_eq!(operation("GET", path, ""), Err(Code::NotFound), "{path}");
        }
        assert_eq!(operation("GET", "/v1/connections/con_1", ""), Err(Code::NotFound));
        assert_eq!(operation("PUT", "/v1/me", ""), Err(Code::MethodNotAllowed));
        assert_eq!(operation("GET", "/v1/api-keys/verify", ""), Err(Code::MethodNotAllowed));
        assert_eq!(allowed("/v1/api-keys/verify").collect::<Vec<_>>(), ["POST"]);
        for query in ["limit=0", "limit=201", "limit=-1", "limit=", "limit=1e3", "cursor=%20", "cursor=a'b"] {
            assert_eq!(operation("GET", "/v1/audit", query), Err(Code::InvalidRequest), "{query}");
        }
    }

    #[test]
    fn no_two_rows_are_the_same() {
        for (i, a) in ROUTES.iter().enumerate() {
            assert!(
                ROUTES.iter().skip(i + 1).all(|b| (a.method, a.path) != (b.method, b.path)),
                "{}",
                a.path
            );
        }
    }

    proptest! {
        #[test]
        fn any_request_is_an_answer(path in "(/[a-z0-9_%.{}*-]{0,12}){0,6}", query in ".{0,40}") {
            let _ = find("GET", &path, &query);
            let _ = find("GET", &format!("/v1{path}"), &query);
        }
    }
}
