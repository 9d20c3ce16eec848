//! The table of the public API: every path, its method and what it asks of the control plane. Routing, `405`s,
//! /openapi.json and the tests read this table; a path that is not in it does not exist.

pub mod query;
mod suggest;

pub use suggest::suggest;

use crate::id::InvalidId;
use crate::{
    Access, ApiKeyId, Code, ConnectionId, EndpointId, InboundEventId, InvitationId, MessageId, Operation,
    OrgId, PortalLinkId, Refused, SessionId, SourceId, UserId,
};
use query::{
    AFTER, CURSOR, CUSTOMER_ID, EVENT_TYPE, FORWARDING, FROM, LIMIT, Parameter, Query, SINCE, SOURCE_ID,
    STATUS, UNTIL,
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
    /// All that its query may hold; of a route that takes the rest of the path, nothing: the query belongs to that.
    pub query: &'static [Parameter],
    build: fn(&Request<'_>) -> Result<Operation, Refused>,
}

/// The part of a request that picks an operation.
#[derive(Debug)]
struct Request<'a> {
    /// Upper case.
    method: &'a str,
    /// What the route's parameters say.
    given: Query<'a>,
    /// After `?`, as received; empty where there is none.
    query: &'a str,
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
    build: fn(&Request<'_>) -> Result<Operation, Refused>,
) -> Route {
    Route { method, path, summary, class, body, query: &[], build }
}

impl Route {
    const fn takes(mut self, query: &'static [Parameter]) -> Self {
        self.query = query;
        self
    }
}

/// The parameters of a list.
const PAGE: &[Parameter] = &[LIMIT, CURSOR];

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
    route("GET", "/v1/auth/check", "Whether the credential is good, decided at the edge (for forward-auth proxies, by HEAD and any other method too); at most revocation.max_staleness_seconds old", Class::Api, Body::None, |_| Ok(Operation::VerifyPrincipal { audience: None, want: 0 })),

    route("GET", "/v1/account", "The signed-in person's account", Class::Api, Body::None, |_| Ok(Operation::GetAccount)),
    route("GET", "/v1/account/events", "What happened to the account, newest first", Class::Api, Body::None, |r| Ok(Operation::ListAccountEvents(r.given.page()?))).takes(PAGE),
    route("DELETE", "/v1/account/identities/{id}", "Unlink an identity provider", Class::Api, Body::None, |r| Ok(Operation::UnlinkIdentity { provider: r.slug()? })),
    route("POST", "/v1/password", "Change the password; every other session ends", Class::Password, Body::Json, |_| Ok(Operation::ChangePassword)),
    route("POST", "/v1/email", "Change the email; takes effect when the new address is proven", Class::Api, Body::Json, |_| Ok(Operation::ChangeEmail)),
    route("POST", "/v1/email/verification", "Mail the proof of the account's email again", Class::Api, Body::None, |_| Ok(Operation::ResendVerification)),
    route("POST", "/v1/reauthenticate", "Prove the password or the second factor once more, for sensitive changes", Class::Password, Body::Json, |_| Ok(Operation::Reauthenticate)),
    route("POST", "/v1/second-factor", "Begin to use an authenticator app (TOTP)", Class::Api, Body::None, |_| Ok(Operation::StartSecondFactor)),
    route("POST", "/v1/second-factor/confirm", "Confirm it by a first code; gives the recovery codes", Class::Api, Body::Json, |_| Ok(Operation::ConfirmSecondFactor)),
    route("DELETE", "/v1/second-factor", "Stop using the authenticator app", Class::Api, Body::None, |_| Ok(Operation::RemoveSecondFactor)),
    route("POST", "/v1/second-factor/recovery-codes", "New recovery codes; the old ones are void", Class::Api, Body::None, |_| Ok(Operation::NewRecoveryCodes)),

    route("GET", "/v1/sessions", "List the caller's sessions in this workspace", Class::Api, Body::None, |r| Ok(Operation::ListSessions(r.given.page()?))).takes(PAGE),
    route("DELETE", "/v1/sessions", "End every other session of the caller, in every workspace", Class::Api, Body::None, |_| Ok(Operation::RevokeOtherSessions)),
    route("POST", "/v1/sessions/refresh", "A fresh token for a live session", Class::Api, Body::None, |_| Ok(Operation::RefreshSession)),
    route("DELETE", "/v1/sessions/{id}", "End one of the caller's sessions", Class::Api, Body::None, |r| Ok(Operation::RevokeSession { id: SessionId::parse(r.id).map_err(absent)? })),

    route("GET", "/v1/orgs", "List the person's workspaces", Class::Api, Body::None, |_| Ok(Operation::ListOrgs)),
    route("POST", "/v1/orgs", "Create another workspace and go there", Class::Api, Body::Json, |_| Ok(Operation::CreateOrg)),
    route("POST", "/v1/orgs/switch", "Go to another workspace: a session there takes this one's place", Class::Api, Body::Json, |_| Ok(Operation::SwitchOrg)),
    route("POST", "/v1/leave", "Leave the workspace", Class::Api, Body::None, |_| Ok(Operation::LeaveOrg)),

    route("GET", "/v1/members", "List members", Class::Api, Body::None, |r| Ok(Operation::ListMembers(r.given.page()?))).takes(PAGE),
    route("POST", "/v1/members", "Invite somebody to become a member: the same as POST /v1/invitations", Class::Api, Body::Json, |_| Ok(Operation::CreateInvitation)),
    route("PATCH", "/v1/members/{id}", "Change a member's role", Class::Api, Body::Json, |r| Ok(Operation::UpdateMember { id: UserId::parse(r.id).map_err(absent)? })),
    route("DELETE", "/v1/members/{id}", "Remove a member: their sessions here and the API keys that they made end at once", Class::Api, Body::None, |r| Ok(Operation::RemoveMember { id: UserId::parse(r.id).map_err(absent)? })),
    route("GET", "/v1/invitations", "List invitations", Class::Api, Body::None, |r| Ok(Operation::ListInvitations(r.given.page()?))).takes(PAGE),
    route("POST", "/v1/invitations", "Invite somebody by email; the link is mailed, and shown here once", Class::Api, Body::Json, |_| Ok(Operation::CreateInvitation)),
    route("POST", "/v1/invitations/accept", "Join the workspace that an invitation is for, as the person signed in", Class::Api, Body::Json, |_| Ok(Operation::AcceptInvitation)),
    route("DELETE", "/v1/invitations/{id}", "Take an invitation back", Class::Api, Body::None, |r| Ok(Operation::RevokeInvitation { id: InvitationId::parse(r.id).map_err(absent)? })),
    route("GET", "/v1/usage", "What the workspace uses of its plan, now", Class::Api, Body::None, |_| Ok(Operation::GetUsage)),

    route("GET", "/v1/api-keys", "List API keys", Class::Api, Body::None, |r| Ok(Operation::ListApiKeys(r.given.page()?))).takes(PAGE),
    route("POST", "/v1/api-keys", "Create an API key; it is shown once", Class::Api, Body::Json, |_| Ok(Operation::CreateApiKey)),
    route("POST", "/v1/api-keys/verify", "Whether a key of this workspace is good, for your own backend", Class::Api, Body::Json, |_| Ok(Operation::VerifyApiKey)),
    route("GET", "/v1/api-keys/{id}", "An API key, without the key", Class::Api, Body::None, |r| Ok(Operation::GetApiKey { id: r.api_key()? })),
    route("DELETE", "/v1/api-keys/{id}", "Revoke an API key at once", Class::Api, Body::None, |r| Ok(Operation::RevokeApiKey { id: r.api_key()? })),
    route("POST", "/v1/api-keys/{id}/rotate", "A new key with the same id and rights; the old one works on for grace_seconds", Class::Api, Body::Json, |r| Ok(Operation::RotateApiKey { id: r.api_key()? })),

    route("GET", "/v1/connectors", "The catalogue: what each connector asks for, lets through and returns", Class::Api, Body::None, |_| Ok(Operation::ListConnectors)),
    route("GET", "/v1/connectors/{id}", "A connector of the catalogue", Class::Api, Body::None, |r| Ok(Operation::GetConnector { connector: r.slug()? })),
    route("PUT", "/v1/connectors/{id}/client", "The workspace's own OAuth client at the provider, its secret sealed", Class::Api, Body::Json, |r| Ok(Operation::SetConnectorClient { connector: r.slug()? })),
    route("DELETE", "/v1/connectors/{id}/client", "Forget the workspace's own OAuth client", Class::Api, Body::None, |r| Ok(Operation::DeleteConnectorClient { connector: r.slug()? })),

    route("GET", "/v1/connections", "List connections", Class::Api, Body::None, |r| Ok(Operation::ListConnections(r.given.page()?))).takes(PAGE),
    route("POST", "/v1/connections", "Store a third party's credential, sealed", Class::Api, Body::Json, |_| Ok(Operation::CreateConnection)),
    route("GET", "/v1/connections/{id}", "A connection, without its credential", Class::Api, Body::None, |r| Ok(Operation::GetConnection { id: r.connection()? })),
    route("DELETE", "/v1/connections/{id}", "Disconnect: revoked at the provider where it can be, deleted here; a receipt says what became of it", Class::Api, Body::None, |r| Ok(Operation::DeleteConnection { id: r.connection()? })),
    route("PUT", "/v1/connections/{id}/auth", "Replace the credential by another of its kind; the id stays", Class::Api, Body::Json, |r| Ok(Operation::ReplaceCredential { id: r.connection()? })),
    route("POST", "/v1/connections/{id}/authorize", "Where to send the person who grants access, or grants it again; the id stays", Class::Api, Body::Json, |r| Ok(Operation::AuthorizeConnection { id: r.connection()? })),
    route("POST", "/v1/connections/{id}/test", "Whether the provider takes the credential, by the connector's test request", Class::Api, Body::None, |r| Ok(Operation::TestConnection { id: r.connection()? })),
    route("POST", "/v1/connections/{id}/dry-run", "Which rule would allow or refuse a request, and why; nothing is sent", Class::Api, Body::Json, |r| Ok(Operation::DryRun { id: r.connection()? })),
    route("POST", "/v1/connections/{id}/query", "Read from a warehouse: one statement in a read-only transaction, rows streamed", Class::Api, Body::Json, |r| Ok(Operation::Query { id: r.connection()? })),
    route("GET", "/v1/receipts", "What became of the credentials of connections that were", Class::Api, Body::None, |r| Ok(Operation::ListReceipts(r.given.page()?))).takes(PAGE),
    route("GET", "/v1/receipts/{id}", "What became of one connection's credential", Class::Api, Body::None, |r| Ok(Operation::GetReceipt { id: r.connection()? })),
    route("*", "/v1/connections/{id}/proxy/{path*}", "Call the connection's upstream with its credential", Class::Api, Body::Stream, |r| r.proxy()),

    route("GET", "/v1/sources", "List webhook sources", Class::Api, Body::None, |r| Ok(Operation::ListSources(r.given.page()?))).takes(PAGE),
    route("POST", "/v1/sources", "Create a webhook source", Class::Api, Body::Json, |_| Ok(Operation::CreateSource)),
    route("GET", "/v1/sources/{id}", "A webhook source, without its secret", Class::Api, Body::None, |r| Ok(Operation::GetSource { id: r.source()? })),
    route("PATCH", "/v1/sources/{id}", "Rename a webhook source, pause it or let it go on", Class::Api, Body::Json, |r| Ok(Operation::UpdateSource { id: r.source()? })),
    route("DELETE", "/v1/sources/{id}", "Delete a webhook source; its events stay", Class::Api, Body::None, |r| Ok(Operation::DeleteSource { id: r.source()? })),
    route("POST", "/v1/sources/{id}/rotate-secret", "Give a source the provider's new secret; the old one verifies for a while", Class::Api, Body::Json, |r| Ok(Operation::RotateSourceSecret { id: r.source()? })),
    route("POST", "/v1/sources/{id}/verification-token", "The token that the provider has sent to the URL, to be pasted there; shown once", Class::Api, Body::None, |r| Ok(Operation::TakeVerificationToken { id: r.source()? })),
    route("GET", "/v1/sources/{id}/rejections", "Requests to a source that were refused, and why", Class::Api, Body::None, |r| Ok(Operation::ListRejections { id: r.source()?, page: r.given.page()? })).takes(PAGE),
    route("GET", "/v1/sources/{id}/listen", "Wait up to 20 s for a source's next events, oldest first, from ?after= on", Class::Api, Body::None, |r| Ok(Operation::ListenToSource { id: r.source()?, after: r.given.after()? })).takes(&[AFTER]),
    route("GET", "/v1/providers", "Webhook providers: how each signs, and what to paste where", Class::Api, Body::None, |_| Ok(Operation::ListProviders)),
    route("GET", "/v1/providers/{id}", "A webhook provider", Class::Api, Body::None, |r| Ok(Operation::GetProvider { provider: r.slug()? })),

    route("GET", "/v1/inbound-events", "List stored webhooks, newest first", Class::Api, Body::None, |r| Ok(Operation::ListInboundEvents { filter: r.given.event_filter()?, page: r.given.page()? })).takes(&[SOURCE_ID, EVENT_TYPE, SINCE, UNTIL, FORWARDING, LIMIT, CURSOR]),
    route("GET", "/v1/inbound-events/{id}", "A stored webhook with its body", Class::Api, Body::None, |r| Ok(Operation::GetInboundEvent { id: InboundEventId::parse(r.id).map_err(absent)? })),
    route("POST", "/v1/inbound-events/{id}/replay", "Forward a stored webhook again", Class::Api, Body::OptionalJson, |r| Ok(Operation::ReplayEvent { id: InboundEventId::parse(r.id).map_err(absent)? })),
    route("POST", "/v1/inbound-events/replay", "Forward a source's events again: a range of them, or those that failed; 500 a call", Class::Api, Body::Json, |_| Ok(Operation::ReplayEvents)),

    route("GET", "/v1/endpoints", "List endpoints", Class::Api, Body::None, |r| Ok(Operation::ListEndpoints { customer_id: r.given.name(CUSTOMER_ID)?, page: r.given.page()? })).takes(&[CUSTOMER_ID, LIMIT, CURSOR]),
    route("POST", "/v1/endpoints", "Have messages, or a source's events, delivered to a URL, signed; the secret is shown once", Class::Api, Body::Json, |_| Ok(Operation::CreateEndpoint)),
    route("GET", "/v1/endpoints/{id}", "An endpoint, without its secret", Class::Api, Body::None, |r| Ok(Operation::GetEndpoint { id: r.endpoint()? })),
    route("PATCH", "/v1/endpoints/{id}", "Change an endpoint, take it out of use or back into it", Class::Api, Body::Json, |r| Ok(Operation::UpdateEndpoint { id: r.endpoint()? })),
    route("DELETE", "/v1/endpoints/{id}", "Delete an endpoint", Class::Api, Body::None, |r| Ok(Operation::DeleteEndpoint { id: r.endpoint()? })),
    route("POST", "/v1/endpoints/{id}/rotate-secret", "A new secret, shown once; the old one signs too for a while", Class::Api, Body::OptionalJson, |r| Ok(Operation::RotateEndpointSecret { id: r.endpoint()? })),
    route("POST", "/v1/endpoints/{id}/test", "Send an example to an endpoint", Class::Api, Body::None, |r| Ok(Operation::TestEndpoint { id: r.endpoint()? })),
    route("POST", "/v1/endpoints/{id}/recover", "Send again what has failed since a time; 500 a call", Class::Api, Body::Json, |r| Ok(Operation::RecoverEndpoint { id: r.endpoint()? })),
    route("GET", "/v1/endpoints/{id}/attempts", "Attempts at an endpoint: status, latency, the answer's first kilobyte", Class::Api, Body::None, |r| Ok(Operation::ListAttempts { id: r.endpoint()?, page: r.given.page()? })).takes(PAGE),
    route("GET", "/v1/endpoints/{id}/deliveries", "What was, or is still to be, delivered to an endpoint; ?status=failed: dead letters", Class::Api, Body::None, |r| Ok(Operation::ListDeliveries { id: r.endpoint()?, status: r.given.status(STATUS)?, page: r.given.page()? })).takes(&[STATUS, LIMIT, CURSOR]),

    route("GET", "/v1/messages", "List messages, newest first", Class::Api, Body::None, |r| Ok(Operation::ListMessages { customer_id: r.given.name(CUSTOMER_ID)?, page: r.given.page()? })).takes(&[CUSTOMER_ID, LIMIT, CURSOR]),
    route("POST", "/v1/messages", "Publish a message to every endpoint that wants it", Class::Api, Body::Message, |_| Ok(Operation::PublishMessage)),
    route("GET", "/v1/messages/{id}", "A message with its payload", Class::Api, Body::None, |r| Ok(Operation::GetMessage { id: r.message()? })),
    route("GET", "/v1/messages/{id}/deliveries", "How far a message has come, endpoint by endpoint", Class::Api, Body::None, |r| Ok(Operation::ListMessageDeliveries { id: r.message()? })),
    route("GET", "/v1/messages/{id}/attempts", "Attempts at delivering a message", Class::Api, Body::None, |r| Ok(Operation::ListMessageAttempts { id: r.message()?, page: r.given.page()? })).takes(PAGE),
    route("POST", "/v1/messages/{id}/endpoints/{endpoint_id}/resend", "Send a message to an endpoint again", Class::Api, Body::None, |r| Ok(Operation::ResendMessage { id: r.message()?, endpoint: r.second_endpoint()? })),
    route("POST", "/v1/messages/{id}/endpoints/{endpoint_id}/skip", "Give a delivery up, so that what waits behind it goes on", Class::Api, Body::None, |r| Ok(Operation::SkipDelivery { id: r.message()?, endpoint: r.second_endpoint()? })),

    route("GET", "/v1/event-types", "The types of events, with their JSON Schemas", Class::Api, Body::None, |r| Ok(Operation::ListEventTypes(r.given.page()?))).takes(PAGE),
    route("GET", "/v1/event-types/{id}", "A type of event", Class::Api, Body::None, |r| Ok(Operation::GetEventType { name: r.event_type_name()? })),
    route("PUT", "/v1/event-types/{id}", "Describe a type of event", Class::Api, Body::Json, |r| Ok(Operation::SetEventType { name: r.event_type_name()? })),
    route("DELETE", "/v1/event-types/{id}", "Forget what a type of event means; messages of it go on", Class::Api, Body::None, |r| Ok(Operation::DeleteEventType { name: r.event_type_name()? })),

    route("GET", "/v1/portal-links", "Links to the portal that still open", Class::Api, Body::None, |r| Ok(Operation::ListPortalLinks(r.given.page()?))).takes(PAGE),
    route("POST", "/v1/portal-links", "A short-lived link by which a customer's user manages that customer's endpoints", Class::Api, Body::Json, |_| Ok(Operation::CreatePortalLink)),
    route("DELETE", "/v1/portal-links/{id}", "Close a link to the portal", Class::Api, Body::None, |r| Ok(Operation::DeletePortalLink { id: PortalLinkId::parse(r.id).map_err(absent)? })),

    route("GET", "/v1/org/key", "The workspace's data key: its version, and how far a rotation has come", Class::Api, Body::None, |_| Ok(Operation::GetOrgKey)),
    route("POST", "/v1/org/key/rotate", "A new data key; every record is sealed again in the background", Class::Api, Body::None, |_| Ok(Operation::RotateOrgKey)),
    route("POST", "/v1/org/delete", "Delete the workspace: its data key is destroyed, a signed certificate says so", Class::Api, Body::Json, |_| Ok(Operation::DeleteOrg)),

    route("GET", "/v1/audit", "List audit events, newest first", Class::Api, Body::None, |r| Ok(Operation::ListAudit(r.given.page()?))).takes(PAGE),
    route("GET", "/v1/audit/verify", "Recompute the audit trail's hash chain, 10,000 events a call, from ?from= on", Class::Api, Body::None, |r| Ok(Operation::VerifyAudit { from: r.given.from()? })).takes(&[FROM]),

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
/// methods, `InvalidRequest` for a query that the route does not take, naming the parameter.
pub fn find(method: &str, path: &str, query: &str) -> Result<(&'static Route, Operation), Refused> {
    let mut found_path = false;
    for route in candidates(path) {
        let Some((id, second, rest)) = route.matches(path) else { continue };
        found_path = true;
        if route.method == method || (route.method == "*" && PROXIED.contains(&method)) {
            let given = if route.takes_rest() { Query::default() } else { Query::read(query, route.query)? };
            return Ok((route, (route.build)(&Request { method, given, query, id, second, rest })?));
        }
    }
    Err(if found_path { Code::MethodNotAllowed.into() } else { no_such_path(path) })
}

fn no_such_path(path: &str) -> Refused {
    match suggest(path) {
        Some(near) => Refused::new(Code::NotFound, format!("no such path; did you mean {near}?")),
        None => Refused::new(Code::NotFound, "no such path"),
    }
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

/// What cannot be an id here; one that could be gets the answer of one that never was.
fn absent(InvalidId(prefix): InvalidId) -> Refused {
    Refused::new(Code::NotFound, format!("an id here begins with {prefix}, and is whole"))
}

impl Route {
    /// Whether it takes no credential. What an `{id}` names is always somebody's.
    pub fn is_open(&self) -> bool {
        let request =
            Request { method: self.method, given: Query::default(), query: "", id: "", second: "", rest: "" };
        (self.build)(&request).is_ok_and(|operation| operation.access() == Access::Public)
    }

    /// Whether the rest of the path, and the query, are another's.
    fn takes_rest(&self) -> bool {
        self.path.ends_with("*}")
    }

    /// The `{id}`, the second one and the rest of the path (from its `/` on, where there is one), empty where the route has none.
    fn matches<'a>(&self, path: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
        let (mut pattern, mut text, mut id, mut second) = (self.path, path, "", "");
        loop {
            let (want, pattern_rest) = split(pattern)?;
            if want.ends_with("*}") {
                return (text.is_empty() || text.starts_with('/')).then_some((id, second, text));
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
    fn connection(&self) -> Result<ConnectionId, Refused> {
        ConnectionId::parse(self.id).map_err(absent)
    }

    fn api_key(&self) -> Result<ApiKeyId, Refused> {
        ApiKeyId::parse(self.id).map_err(absent)
    }

    /// Of an org that could exist: a region that nobody knows names no object.
    fn org(&self) -> Result<OrgId, Refused> {
        let id = OrgId::parse(self.id).map_err(absent)?;
        id.region().map(|_| id).ok_or(Code::NotFound.into())
    }

    fn endpoint(&self) -> Result<EndpointId, Refused> {
        EndpointId::parse(self.id).map_err(absent)
    }

    fn source(&self) -> Result<SourceId, Refused> {
        SourceId::parse(self.id).map_err(absent)
    }

    fn message(&self) -> Result<MessageId, Refused> {
        MessageId::parse(self.id).map_err(absent)
    }

    fn second_endpoint(&self) -> Result<EndpointId, Refused> {
        EndpointId::parse(self.second).map_err(absent)
    }

    /// The id of something that configuration, the catalogue or the signature table names: `cal.com` has a dot. In any case: who
    /// asks for `GitHub` is told of `github`.
    fn slug(&self) -> Result<String, Refused> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
        if self.id.len() <= 40 && self.id.bytes().all(plain) {
            Ok(self.id.to_owned())
        } else {
            Err(Code::NotFound.into())
        }
    }

    fn event_type_name(&self) -> Result<String, Refused> {
        if is_name(self.id) { Ok(self.id.to_owned()) } else { Err(Code::NotFound.into()) }
    }

    fn proxy(&self) -> Result<Operation, Refused> {
        let question = if self.query.is_empty() { "" } else { "?" };
        Ok(Operation::Proxy {
            id: self.connection()?,
            method: self.method.to_owned(),
            path_and_query: format!("{}{question}{}", self.rest, self.query),
        })
    }
}

#[cfg(test)]
mod tests;
