//! The call from the edge to the control plane: who asks, from where, for what.
//!
//! It travels as JSON in the header [`Call::HEADER`] of one request over the private service binding; the request's body
//! is the client's body as received, which the edge never parses. The encoding has a frozen-format test, because the two
//! Workers are deployed one after the other.

use crate::access::{Access, Feature, Level, Permission, Resource};
use crate::api::{DeliveryStatus, RateLimit, ShownOnce};
use crate::reach::Made;
use crate::{
    ApiKeyId, ConnectionId, EndpointId, InboundEventId, InvitationId, MessageId, OrgId, PortalLinkId,
    RequestId, Role, Scope, SessionId, SourceId, UserId,
};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// One request, as the edge hands it on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// In `X-Request-Id`, every log line and every audit event.
    pub request_id: RequestId,
    /// Where the request came from.
    pub client: Client,
    /// Who the edge has seen. The control plane checks again that the principal still stands (invariant 7).
    pub principal: Principal,
    /// What is asked for.
    pub operation: Operation,
    /// The client's `Idempotency-Key`, at most 255 visible ASCII characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl Call {
    /// The header that carries a call.
    pub const HEADER: &'static str = "sluicegate-call";

    /// The header's value: JSON in ASCII, since a header takes nothing else safely.
    ///
    /// # Errors
    /// None in practice: every type of a call has string keys.
    pub fn to_header(&self) -> serde_json::Result<String> {
        let json = serde_json::to_string(self)?;
        if json.is_ascii() {
            return Ok(json);
        }
        // Outside ASCII there are only the contents of strings, where an escape says the same.
        let mut ascii = String::with_capacity(json.len() + 64);
        for c in json.chars() {
            if c.is_ascii() {
                ascii.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(ascii, "\\u{unit:04x}");
                }
            }
        }
        Ok(ascii)
    }
}

/// Headers of the control plane's answer that are for the edge alone; the edge removes every `sluicegate-*` header.
pub mod reply {
    /// A session token to be set as the cookie. Empty: clear the cookie.
    pub const SESSION: &str = "sluicegate-session";
    /// The calling API key's own limit, `limit/period_seconds`: the edge counts the key by it from then on.
    pub const RATE_LIMIT: &str = "sluicegate-rate-limit";
    /// Of a refusal of the caller's credential: what is wrong with it, for `WWW-Authenticate`. An upstream's 401 has none.
    pub const CHALLENGE: &str = "sluicegate-challenge";
    /// The `Content-Length` of a proxied answer to HEAD, which is that of no body here.
    pub const LENGTH: &str = "sluicegate-length";
}

/// The network side of a caller, for the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The address as the platform gives it; empty where it gives none.
    pub ip: String,
    /// At most 256 characters of `User-Agent`.
    pub user_agent: String,
    /// Scheme and authority that the client used, `https://gate.example.com`: for URLs in answers, never stored.
    pub origin: String,
    /// ISO 3166-1 alpha-2, where the platform tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// Who the edge has authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Principal {
    /// Nobody.
    Anonymous,
    /// The holder of a session token whose signature the edge has verified.
    Session {
        /// The tenant.
        org: OrgId,
        /// The person.
        user: UserId,
        /// The server-side record, which is the authority.
        session: SessionId,
        /// The token is past its `exp`; it came in the cookie, so a live record may renew it.
        expired: bool,
        /// It came in the cookie.
        cookie: bool,
    },
    /// The holder of an API key whose MAC the edge has verified.
    ApiKey {
        /// The tenant that the key names.
        org: OrgId,
        /// The key's 8 plaintext characters.
        lookup: String,
        /// SHA-256 of the secret part, as `tokens::KeyDigest` writes it: the key itself stays at the edge.
        digest: String,
    },
    /// The holder of a link to the portal whose MAC the edge has verified.
    Portal {
        /// The tenant that the link names.
        org: OrgId,
        /// SHA-256 of the link's secret: names its row, which is the authority.
        digest: String,
    },
}

impl Principal {
    /// The tenant whose object answers.
    pub fn org(&self) -> Option<&OrgId> {
        match self {
            Self::Anonymous => None,
            Self::Session { org, .. } | Self::ApiKey { org, .. } | Self::Portal { org, .. } => Some(org),
        }
    }
}

/// A page of a list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Rows asked for, 1 to [`Page::MAX`]; absent: [`Page::DEFAULT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the last page ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Page {
    /// Rows of a page where the caller does not say.
    pub const DEFAULT: u32 = 50;
    /// The most rows of a page.
    pub const MAX: u32 = 200;

    /// Rows to return.
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(Self::DEFAULT).clamp(1, Self::MAX)
    }
}

/// Everything that the control plane does. A payload is the client's JSON body, of the type named in each comment
/// (module [`crate::api`]); what stands in the URL is here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    // Across a person's account and the orgs it belongs to: the control plane's `flows`.
    /// `api::SignUp` → `api::SignedIn`.
    SignUp,
    /// `api::LogIn` → `api::SignedIn`, or 202 with `api::SecondFactorNeeded`.
    LogIn,
    /// `api::SecondFactor` → `api::SignedIn`.
    LogInSecondFactor,
    /// `api::RequestPasswordReset` → 202, whether or not there is such an account.
    RequestPasswordReset,
    /// `api::ResetPassword`. Ends every session.
    ResetPassword,
    /// `api::VerifyEmail`: proves the caller's email, or moves their account to a new one. Not without a session: whoever
    /// follows a link that they never asked for must not prove the email of the account that somebody else made with it.
    VerifyEmail,
    /// Mails the proof of the account's email once more → 202.
    ResendVerification,
    /// → `api::Account`.
    GetAccount,
    /// → `api::List<api::AuditEvent>`, of the account rather than of the org.
    ListAccountEvents(Page),
    /// `api::ChangePassword` → `api::Renewed`. Ends every other session.
    ChangePassword,
    /// `api::ChangeEmail` → 202: the new address gets a proof to send back.
    ChangeEmail,
    /// `api::Reauthenticate` → `api::Reauthenticated`.
    Reauthenticate,
    /// → `api::NewSecondFactor`, which counts once it is confirmed.
    StartSecondFactor,
    /// `api::ConfirmSecondFactor` → `api::RecoveryCodes`.
    ConfirmSecondFactor,
    /// Signs in by password alone again.
    RemoveSecondFactor,
    /// → `api::RecoveryCodes`; the old ones are void.
    NewRecoveryCodes,
    /// Takes an OIDC identity off the account.
    UnlinkIdentity {
        /// `id` of a provider in sluicegate.toml.
        provider: String,
    },
    /// Begins a sign-in, a link or a re-authentication with an OIDC provider → `OidcRedirect`. Anonymous, or a session
    /// for the latter two. From the edge's pages alone.
    StartOidc(OidcStart),
    /// Ends it → `OidcOutcome`.
    FinishOidc(OidcCallback),
    /// `api::FinishSignUp` → `api::SignedIn`, for who came by OIDC and had no account.
    FinishSignUp {
        /// The cookie that `FinishOidc` has set.
        pending: ShownOnce,
    },
    /// What an invitation is for → [`Invited`], for the page that asks whether to accept it. From the edge's pages alone.
    PeekInvitation {
        /// Whoever has it may know.
        token: ShownOnce,
    },
    /// → `api::List<api::Membership>`.
    ListOrgs,
    /// `api::NewOrg` → `api::SignedIn` in it.
    CreateOrg,
    /// `api::SwitchOrg` → `api::SignedIn` there; the session here ends.
    SwitchOrg,
    /// `api::AcceptInvitation` → `api::SignedIn` in the inviting org.
    AcceptInvitation,
    /// Ends every other session of the person, in every org.
    RevokeOtherSessions,
    /// Leaves the org.
    LeaveOrg,
    /// `api::SetPlan` → `api::AdminOrg`, of another org.
    SetOrgPlan {
        /// Which.
        org: OrgId,
    },
    /// `api::SetOrgLimits` → `api::AdminOrg`, of another org.
    SetOrgLimits {
        /// Which.
        org: OrgId,
    },
    /// → `api::AdminOrg`, of another org.
    GetOrgAsOperator {
        /// Which.
        org: OrgId,
    },
    /// → `api::Keys`: key-encryption keys of the whole installation.
    GetKeys,
    /// `api::RotateKeys` → 202 with `api::Keys`.
    RotateKeys,

    // In the principal's org.
    /// Ends the session.
    LogOut,
    /// → `api::Renewed`, for who holds the token itself.
    RefreshSession,
    /// → `api::List<api::Session>`, the caller's own in this org.
    ListSessions(Page),
    /// Ends one of the caller's own sessions.
    RevokeSession {
        /// Which.
        id: SessionId,
    },
    /// → `api::Me`.
    Me,
    /// → `api::Overview`, what the dashboard's first page shows.
    Overview,
    /// → `VerifiedPrincipal`: what the edge may decide alone until it is stale.
    VerifyPrincipal {
        /// Asks for an identity assertion for a gateway route's upstream.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
        /// Requests that the edge wants to let through by the answer (crate `throttle`, leases); 0: none.
        #[serde(default)]
        want: u32,
    },
    /// → `api::Usage`.
    GetUsage,

    /// → `api::List<api::Member>`.
    ListMembers(Page),
    /// `api::UpdateMember` → `api::Member`.
    UpdateMember {
        /// Which.
        id: UserId,
    },
    /// Removes a member: its sessions end, and the keys that it made.
    RemoveMember {
        /// Which.
        id: UserId,
    },
    /// → `api::List<api::Invitation>`.
    ListInvitations(Page),
    /// `api::NewInvitation` → `api::CreatedInvitation`.
    CreateInvitation,
    /// Takes an invitation back.
    RevokeInvitation {
        /// Which.
        id: InvitationId,
    },

    /// → `api::List<api::ApiKey>`.
    ListApiKeys(Page),
    /// `api::NewApiKey` → `api::CreatedApiKey`.
    CreateApiKey,
    /// → `api::ApiKey`.
    GetApiKey {
        /// Which.
        id: ApiKeyId,
    },
    /// Revokes a key.
    RevokeApiKey {
        /// The key's record.
        id: ApiKeyId,
    },
    /// `api::RotateApiKey` → `api::CreatedApiKey`: a new secret, the old one good for the grace.
    RotateApiKey {
        /// Which.
        id: ApiKeyId,
    },
    /// `api::VerifyApiKey` → `api::KeyVerdict`.
    VerifyApiKey,

    /// → `api::List<api::Connector>`.
    ListConnectors,
    /// → `api::Connector`.
    GetConnector {
        /// Which.
        connector: String,
    },
    /// `api::SetConnectorClient` → `api::ConnectorClient`.
    SetConnectorClient {
        /// Whose provider.
        connector: String,
    },
    /// Forgets the workspace's own OAuth client.
    DeleteConnectorClient {
        /// Whose provider.
        connector: String,
    },

    /// → `api::List<api::Connection>`.
    ListConnections(Page),
    /// `api::NewConnection` → `api::Connection`.
    CreateConnection,
    /// → `api::Connection`.
    GetConnection {
        /// Which.
        id: ConnectionId,
    },
    /// `api::ReplaceCredential` → `api::Connection`.
    ReplaceCredential {
        /// Which.
        id: ConnectionId,
    },
    /// `api::Authorize` → `api::Authorization`: a person grants access, or grants it again.
    AuthorizeConnection {
        /// Which.
        id: ConnectionId,
    },
    /// → `api::Authorized`. From the edge's callback alone, by the session that began it.
    FinishAuthorization {
        /// The query as received, at most 8 KiB: it holds the authorization code.
        query: ShownOnce,
    },
    /// → `api::ConnectionTest`.
    TestConnection {
        /// Which.
        id: ConnectionId,
    },
    /// `api::DryRun` → `api::DryRunResult`.
    DryRun {
        /// Which.
        id: ConnectionId,
    },
    /// `api::Query` → `api::QueryResult`, streamed.
    Query {
        /// Which.
        id: ConnectionId,
    },
    /// → `api::Disconnected`.
    DeleteConnection {
        /// Which.
        id: ConnectionId,
    },
    /// → `api::List<api::Receipt>`.
    ListReceipts(Page),
    /// → `api::Receipt`.
    GetReceipt {
        /// Of the connection that was.
        id: ConnectionId,
    },
    /// A call to the connection's upstream: body and headers are the client's, method is the request's.
    Proxy {
        /// Which credential.
        id: ConnectionId,
        /// The method to send.
        method: String,
        /// What follows `/proxy`, percent-encoding as received, with the query: `/v1/items?limit=3`.
        path_and_query: String,
    },

    /// → `api::List<api::Provider>`, whole.
    ListProviders,
    /// → `api::Provider`.
    GetProvider {
        /// Which.
        provider: String,
    },

    /// → `api::List<api::Source>`.
    ListSources(Page),
    /// `api::NewSource` → `api::Source`.
    CreateSource,
    /// → `api::Source`.
    GetSource {
        /// Which.
        id: SourceId,
    },
    /// Deletes a source; its events stay.
    DeleteSource {
        /// Which.
        id: SourceId,
    },
    /// → `SourceKeys`, the one place where a secret leaves the control plane, for the edge alone (invariant 1).
    SourceKeys {
        /// Which.
        id: SourceId,
    },
    /// Stores a verified webhook, whose raw body is the request's body → `api::Received`.
    StoreInbound(Box<VerifiedWebhook>),
    /// Counts refused requests and tells the tenant why, and whether they are too many (claim C6).
    RecordRejections(Box<Rejections>),
    /// The secret that a provider sends when the webhook is registered: taken once, by a source that waits for it.
    FinishHandshake {
        /// Which.
        source: SourceId,
        /// As received.
        secret: ShownOnce,
    },
    /// → `ProviderKey`: the public key of this id, for providers that have to be asked for it with a credential.
    GetProviderKey {
        /// Of which.
        source: SourceId,
        /// As the signature names it.
        key_id: String,
    },
    /// `api::UpdateSource` → `api::Source`.
    UpdateSource {
        /// Which.
        id: SourceId,
    },
    /// `api::RotateSourceSecret` → `api::Source`.
    RotateSourceSecret {
        /// Which.
        id: SourceId,
    },
    /// → `api::VerificationToken`, once.
    TakeVerificationToken {
        /// Which.
        id: SourceId,
    },
    /// → `api::List<api::Rejection>`.
    ListRejections {
        /// Of which.
        id: SourceId,
        /// The page.
        page: Page,
    },
    /// → `api::Listened`: waits for events up to 20 s.
    ListenToSource {
        /// Which.
        id: SourceId,
        /// The last call's `cursor`; absent: what comes from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },

    /// → `api::List<api::InboundEventSummary>`.
    ListInboundEvents {
        /// Which of them.
        #[serde(flatten)]
        filter: EventFilter,
        /// The page.
        page: Page,
    },
    /// → `api::InboundEvent`.
    GetInboundEvent {
        /// Which.
        id: InboundEventId,
    },
    /// `api::ReplayEvent` → 202 with `api::Replayed`.
    ReplayEvent {
        /// Which.
        id: InboundEventId,
    },
    /// `api::ReplayEvents` → 202 with `api::Replayed`.
    ReplayEvents,

    /// → `api::List<api::Endpoint>`.
    ListEndpoints {
        /// Of one customer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        customer_id: Option<String>,
        /// The page.
        page: Page,
    },
    /// `api::NewEndpoint` → `api::CreatedEndpoint`.
    CreateEndpoint,
    /// → `api::Endpoint`.
    GetEndpoint {
        /// Which.
        id: EndpointId,
    },
    /// `api::UpdateEndpoint` → `api::Endpoint`.
    UpdateEndpoint {
        /// Which.
        id: EndpointId,
    },
    /// `api::RotateEndpointSecret` → `api::RotatedEndpointSecret`.
    RotateEndpointSecret {
        /// Which.
        id: EndpointId,
    },
    /// → 202 with `api::MessageSummary`: an example, to this endpoint alone.
    TestEndpoint {
        /// Which.
        id: EndpointId,
    },
    /// `api::Recover` → 202 with `api::Replayed`.
    RecoverEndpoint {
        /// Which.
        id: EndpointId,
    },
    /// → `api::List<api::Attempt>`.
    ListAttempts {
        /// At which endpoint.
        id: EndpointId,
        /// The page.
        page: Page,
    },
    /// Deletes an endpoint; what is on its way to it is not delivered.
    DeleteEndpoint {
        /// Which.
        id: EndpointId,
    },
    /// → `api::List<api::Delivery>`.
    ListDeliveries {
        /// Of which.
        id: EndpointId,
        /// Those that have come so far.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<DeliveryStatus>,
        /// The page.
        page: Page,
    },

    /// → `api::List<api::MessageSummary>`.
    ListMessages {
        /// Of one customer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        customer_id: Option<String>,
        /// The page.
        page: Page,
    },
    /// `api::NewMessage` → 202 with `api::MessageSummary`.
    PublishMessage,
    /// → `api::Message`.
    GetMessage {
        /// Which.
        id: MessageId,
    },
    /// → `api::List<api::Delivery>`, whole: one an endpoint.
    ListMessageDeliveries {
        /// Of which.
        id: MessageId,
    },
    /// → `api::List<api::Attempt>`.
    ListMessageAttempts {
        /// Of which.
        id: MessageId,
        /// The page.
        page: Page,
    },
    /// → 202 with `api::Delivery`, due now.
    ResendMessage {
        /// Which.
        id: MessageId,
        /// Where to.
        endpoint: EndpointId,
    },
    /// → `api::Delivery`, given up: what waits behind it goes on.
    SkipDelivery {
        /// Which.
        id: MessageId,
        /// Where to.
        endpoint: EndpointId,
    },

    /// → `api::List<api::EventType>`: the workspace's own events, then those that it has described.
    ListEventTypes(Page),
    /// → `api::EventType`.
    GetEventType {
        /// Which.
        name: String,
    },
    /// `api::SetEventType` → `api::EventType`.
    SetEventType {
        /// Which.
        name: String,
    },
    /// Forgets what a type means; messages of it go on.
    DeleteEventType {
        /// Which.
        name: String,
    },

    /// → `api::List<api::PortalLink>`, those that still open.
    ListPortalLinks(Page),
    /// `api::NewPortalLink` → `api::CreatedPortalLink`.
    CreatePortalLink,
    /// The link opens nothing any more, and what it had opened is closed.
    DeletePortalLink {
        /// Which.
        id: PortalLinkId,
    },
    /// → `api::PortalLink`: what the portal's pages show of themselves.
    GetPortal,

    /// → `api::OrgKey`.
    GetOrgKey,
    /// → 202 with `api::OrgKey`.
    RotateOrgKey,
    /// `api::DeleteOrg` → `api::DeletedOrg`.
    DeleteOrg,

    /// → `api::List<api::AuditEvent>`.
    ListAudit(Page),
    /// → `api::AuditVerification`.
    VerifyAudit {
        /// The event to go on from, already verified; 0: from the first.
        #[serde(default)]
        from: u64,
    },
}

impl Operation {
    /// What the caller must be. The one table of authorization: the edge reads it to ask for a credential, the org's
    /// object to decide.
    pub fn access(&self) -> Access {
        use Level::{Read, Write};
        use Resource::{
            ApiKeys, Audit, Connections, Endpoints, InboundEvents, Members, Messages, Org, Sources, Usage,
        };
        let needs = |resource, level| Access::Needs(Permission { resource, level });
        match self {
            Self::SignUp
            | Self::LogIn
            | Self::LogInSecondFactor
            | Self::RequestPasswordReset
            | Self::ResetPassword
            | Self::FinishOidc(_)
            | Self::FinishSignUp { .. }
            | Self::PeekInvitation { .. } => Access::Public,
            Self::StartOidc(start) => match start.purpose {
                OidcPurpose::SignIn => Access::Public,
                OidcPurpose::Link | OidcPurpose::Reauthenticate => Access::Session,
            },
            Self::SourceKeys { .. }
            | Self::StoreInbound(_)
            | Self::RecordRejections(_)
            | Self::FinishHandshake { .. }
            | Self::GetProviderKey { .. } => Access::Edge,
            Self::Me
            | Self::VerifyPrincipal { .. }
            | Self::ListConnectors
            | Self::GetConnector { .. }
            | Self::ListProviders
            | Self::GetProvider { .. } => Access::Principal,
            Self::GetPortal => Access::Portal,
            Self::LogOut
            | Self::RefreshSession
            | Self::ListSessions(_)
            | Self::RevokeSession { .. }
            | Self::RevokeOtherSessions
            | Self::Overview
            | Self::VerifyEmail
            | Self::ResendVerification
            | Self::GetAccount
            | Self::ListAccountEvents(_)
            | Self::ChangePassword
            | Self::ChangeEmail
            | Self::Reauthenticate
            | Self::StartSecondFactor
            | Self::ConfirmSecondFactor
            | Self::RemoveSecondFactor
            | Self::NewRecoveryCodes
            | Self::UnlinkIdentity { .. }
            | Self::ListOrgs
            | Self::CreateOrg
            | Self::SwitchOrg
            | Self::AcceptInvitation
            | Self::LeaveOrg => Access::Session,
            Self::SetOrgPlan { .. }
            | Self::SetOrgLimits { .. }
            | Self::GetOrgAsOperator { .. }
            | Self::GetKeys
            | Self::RotateKeys => Access::Operator,
            Self::GetOrgKey | Self::RotateOrgKey | Self::DeleteOrg => {
                Access::SessionNeeds(Permission { resource: Org, level: Write })
            }
            Self::GetUsage => needs(Usage, Read),
            Self::ListMembers(_) | Self::ListInvitations(_) => needs(Members, Read),
            Self::UpdateMember { .. }
            | Self::RemoveMember { .. }
            | Self::CreateInvitation
            | Self::RevokeInvitation { .. } => {
                Access::SessionNeeds(Permission { resource: Members, level: Write })
            }
            Self::ListApiKeys(_) | Self::GetApiKey { .. } | Self::VerifyApiKey => needs(ApiKeys, Read),
            Self::CreateApiKey | Self::RevokeApiKey { .. } | Self::RotateApiKey { .. } => {
                needs(ApiKeys, Write)
            }
            Self::ListConnections(_)
            | Self::GetConnection { .. }
            | Self::ListReceipts(_)
            | Self::GetReceipt { .. }
            | Self::DryRun { .. }
            | Self::TestConnection { .. }
            | Self::Query { .. } => needs(Connections, Read),
            Self::CreateConnection | Self::ReplaceCredential { .. } | Self::DeleteConnection { .. } => {
                needs(Connections, Write)
            }
            // What a person grants at a provider comes back to the browser that went there.
            Self::AuthorizeConnection { .. }
            | Self::FinishAuthorization { .. }
            | Self::SetConnectorClient { .. }
            | Self::DeleteConnectorClient { .. } => {
                Access::SessionNeeds(Permission { resource: Connections, level: Write })
            }
            // The least: what writes, by the connector's rule or else by its method, takes more. The org's object knows.
            Self::Proxy { .. } => needs(Connections, Read),
            Self::ListEndpoints { .. }
            | Self::GetEndpoint { .. }
            | Self::ListDeliveries { .. }
            | Self::ListAttempts { .. } => needs(Endpoints, Read),
            Self::CreateEndpoint
            | Self::UpdateEndpoint { .. }
            | Self::DeleteEndpoint { .. }
            | Self::RotateEndpointSecret { .. }
            | Self::ListPortalLinks(_)
            | Self::CreatePortalLink
            | Self::DeletePortalLink { .. } => needs(Endpoints, Write),
            Self::ListMessages { .. }
            | Self::GetMessage { .. }
            | Self::ListMessageDeliveries { .. }
            | Self::ListMessageAttempts { .. }
            | Self::ListEventTypes(_)
            | Self::GetEventType { .. } => needs(Messages, Read),
            Self::PublishMessage
            | Self::ResendMessage { .. }
            | Self::SkipDelivery { .. }
            | Self::TestEndpoint { .. }
            | Self::RecoverEndpoint { .. }
            | Self::SetEventType { .. }
            | Self::DeleteEventType { .. } => needs(Messages, Write),
            Self::ListSources(_) | Self::GetSource { .. } | Self::ListRejections { .. } => {
                needs(Sources, Read)
            }
            Self::CreateSource
            | Self::UpdateSource { .. }
            | Self::RotateSourceSecret { .. }
            | Self::DeleteSource { .. } => needs(Sources, Write),
            // It is shown to who will paste it at the provider.
            Self::TakeVerificationToken { .. } => {
                Access::SessionNeeds(Permission { resource: Sources, level: Write })
            }
            Self::ListInboundEvents { .. } | Self::GetInboundEvent { .. } | Self::ListenToSource { .. } => {
                needs(InboundEvents, Read)
            }
            Self::ReplayEvent { .. } | Self::ReplayEvents => needs(InboundEvents, Write),
            Self::ListAudit(_) | Self::VerifyAudit { .. } => needs(Audit, Read),
        }
    }

    /// What the caller needs besides [`Operation::access`], so that what it makes opens nothing that its maker cannot open
    /// (module [`crate::reach`]). What depends on the body, the org's object knows.
    pub fn also_needs(&self) -> &'static [Permission] {
        match self {
            Self::CreatePortalLink => Made::PortalLink.opens(),
            _ => &[],
        }
    }

    /// Whether its answer holds a secret that is shown once. A repetition under the same `Idempotency-Key` shows it again
    /// to the same credential alone.
    pub fn shows_secret(&self) -> bool {
        matches!(
            self,
            Self::CreateApiKey
                | Self::RotateApiKey { .. }
                | Self::CreateEndpoint
                | Self::RotateEndpointSecret { .. }
                | Self::CreatePortalLink
                | Self::CreateInvitation
                | Self::TakeVerificationToken { .. }
        )
    }

    /// Whether a session must have authenticated within the last `sessions.reauthentication_minutes` (claim C4): what
    /// gives a power that outlasts the session to somebody at an unlocked screen. What only reads, uses what is there or
    /// takes away does not. An API key has no moment of authentication; its scopes decide alone.
    ///
    /// Every operation is listed: one without a decision does not compile.
    pub fn is_sensitive(&self) -> bool {
        match self {
            // Ways into the account.
            Self::ChangeEmail
            | Self::StartSecondFactor
            | Self::ConfirmSecondFactor
            | Self::RemoveSecondFactor
            | Self::NewRecoveryCodes
            | Self::UnlinkIdentity { .. }
            | Self::StartOidc(OidcStart { purpose: OidcPurpose::Link, .. }) => true,
            // Who belongs to the org, and keys.
            Self::UpdateMember { .. }
            | Self::RemoveMember { .. }
            | Self::CreateInvitation
            | Self::CreateApiKey
            | Self::RotateApiKey { .. } => true,
            // The installation, and the org as a whole.
            Self::SetOrgPlan { .. }
            | Self::SetOrgLimits { .. }
            | Self::RotateKeys
            | Self::RotateOrgKey
            | Self::DeleteOrg => true,
            // Credentials at other people's servers, and where they are used.
            Self::SetConnectorClient { .. }
            | Self::DeleteConnectorClient { .. }
            | Self::CreateConnection
            | Self::ReplaceCredential { .. }
            | Self::AuthorizeConnection { .. } => true,
            // Secrets by which events are accepted.
            Self::CreateSource
            | Self::RotateSourceSecret { .. }
            | Self::TakeVerificationToken { .. } => true,
            // Where data is sent, and secrets and links that are handed out.
            Self::CreateEndpoint
            | Self::UpdateEndpoint { .. }
            | Self::RotateEndpointSecret { .. }
            | Self::CreatePortalLink => true,
            // Public, or proven by what they bring: a password, a code, a mailed token, a provider's answer.
            Self::SignUp
            | Self::LogIn
            | Self::LogInSecondFactor
            | Self::RequestPasswordReset
            | Self::ResetPassword
            | Self::VerifyEmail
            | Self::ChangePassword
            | Self::Reauthenticate
            | Self::StartOidc(_)
            | Self::FinishOidc(_)
            | Self::FinishSignUp { .. }
            | Self::AcceptInvitation
            | Self::PeekInvitation { .. }
            // Its beginning was: the answer of the provider must not wait for a proof.
            | Self::FinishAuthorization { .. } => false,
            // The edge's own.
            Self::SourceKeys { .. }
            | Self::StoreInbound(_)
            | Self::RecordRejections(_)
            | Self::FinishHandshake { .. }
            | Self::GetProviderKey { .. } => false,
            // Nothing that lasts, or less than before.
            Self::ResendVerification
            | Self::RevokeOtherSessions
            | Self::LeaveOrg
            | Self::LogOut
            | Self::RefreshSession
            | Self::RevokeSession { .. }
            | Self::CreateOrg
            | Self::SwitchOrg
            | Self::RevokeInvitation { .. }
            | Self::RevokeApiKey { .. }
            | Self::DeleteConnection { .. }
            | Self::DeleteSource { .. }
            | Self::DeleteEndpoint { .. }
            | Self::DeletePortalLink { .. }
            | Self::UpdateSource { .. }
            | Self::SetEventType { .. }
            | Self::DeleteEventType { .. } => false,
            // Uses of what is there.
            Self::VerifyPrincipal { .. }
            | Self::VerifyApiKey
            | Self::TestConnection { .. }
            | Self::DryRun { .. }
            | Self::Query { .. }
            | Self::Proxy { .. }
            | Self::ReplayEvent { .. }
            | Self::ReplayEvents
            | Self::TestEndpoint { .. }
            | Self::RecoverEndpoint { .. }
            | Self::PublishMessage
            | Self::ResendMessage { .. }
            | Self::SkipDelivery { .. } => false,
            // Reading.
            Self::GetAccount
            | Self::ListAccountEvents(_)
            | Self::ListOrgs
            | Self::GetOrgAsOperator { .. }
            | Self::GetKeys
            | Self::ListSessions(_)
            | Self::Me
            | Self::Overview
            | Self::GetUsage
            | Self::ListMembers(_)
            | Self::ListInvitations(_)
            | Self::ListApiKeys(_)
            | Self::GetApiKey { .. }
            | Self::ListConnectors
            | Self::GetConnector { .. }
            | Self::ListConnections(_)
            | Self::GetConnection { .. }
            | Self::ListReceipts(_)
            | Self::GetReceipt { .. }
            | Self::ListProviders
            | Self::GetProvider { .. }
            | Self::ListSources(_)
            | Self::GetSource { .. }
            | Self::ListRejections { .. }
            | Self::ListenToSource { .. }
            | Self::ListInboundEvents { .. }
            | Self::GetInboundEvent { .. }
            | Self::ListEndpoints { .. }
            | Self::GetEndpoint { .. }
            | Self::ListAttempts { .. }
            | Self::ListDeliveries { .. }
            | Self::ListMessages { .. }
            | Self::GetMessage { .. }
            | Self::ListMessageDeliveries { .. }
            | Self::ListMessageAttempts { .. }
            | Self::ListEventTypes(_)
            | Self::GetEventType { .. }
            | Self::ListPortalLinks(_)
            | Self::GetPortal
            | Self::GetOrgKey
            | Self::ListAudit(_)
            | Self::VerifyAudit { .. } => false,
        }
    }

    /// Whether the holder of a link to the portal may ask for it, for the endpoints of that link's customer and what is
    /// delivered to them.
    pub fn is_for_portal(&self) -> bool {
        matches!(
            self,
            Self::GetPortal
                | Self::ListEndpoints { .. }
                | Self::CreateEndpoint
                | Self::GetEndpoint { .. }
                | Self::UpdateEndpoint { .. }
                | Self::DeleteEndpoint { .. }
                | Self::RotateEndpointSecret { .. }
                | Self::TestEndpoint { .. }
                | Self::RecoverEndpoint { .. }
                | Self::ListAttempts { .. }
                | Self::ListDeliveries { .. }
                | Self::GetMessage { .. }
                | Self::ListMessageAttempts { .. }
                | Self::ResendMessage { .. }
                | Self::ListEventTypes(_)
                | Self::GetEventType { .. }
        )
    }

    /// Whether it may hash a password, which takes more CPU than all else together.
    pub fn hashes_password(&self) -> bool {
        matches!(
            self,
            Self::SignUp | Self::LogIn | Self::ResetPassword | Self::ChangePassword | Self::Reauthenticate
        )
    }

    /// Whether it changes something when the holder of a link to the portal asks for it.
    pub fn changes_for_portal(&self) -> bool {
        matches!(
            self,
            Self::CreateEndpoint
                | Self::UpdateEndpoint { .. }
                | Self::DeleteEndpoint { .. }
                | Self::RotateEndpointSecret { .. }
                | Self::TestEndpoint { .. }
                | Self::RecoverEndpoint { .. }
                | Self::ResendMessage { .. }
        )
    }

    /// What the org's plan must include. Reading, and taking away what is there, stays possible on every plan.
    ///
    /// Every operation is listed: one without a decision does not compile.
    pub fn feature(&self) -> Option<Feature> {
        match self {
            Self::CreateConnection
            | Self::ReplaceCredential { .. }
            | Self::Proxy { .. }
            | Self::Query { .. }
            | Self::TestConnection { .. }
            | Self::AuthorizeConnection { .. }
            | Self::FinishAuthorization { .. } => Some(Feature::Connections),
            Self::CreateEndpoint
            | Self::PublishMessage
            | Self::TestEndpoint { .. }
            | Self::ResendMessage { .. }
            | Self::RecoverEndpoint { .. }
            | Self::ReplayEvent { .. }
            | Self::ReplayEvents
            | Self::CreatePortalLink
            | Self::CreateSource
            | Self::GetProviderKey { .. }
            | Self::StoreInbound(_) => Some(Feature::Webhooks),
            Self::VerifyApiKey => Some(Feature::KeyVerification),
            Self::VerifyPrincipal { .. } => Some(Feature::Gateway),
            Self::ListAudit(_) | Self::VerifyAudit { .. } => Some(Feature::Audit),
            // People, their accounts and orgs.
            Self::SignUp
            | Self::LogIn
            | Self::LogInSecondFactor
            | Self::RequestPasswordReset
            | Self::ResetPassword
            | Self::VerifyEmail
            | Self::ResendVerification
            | Self::GetAccount
            | Self::ListAccountEvents(_)
            | Self::ChangePassword
            | Self::ChangeEmail
            | Self::Reauthenticate
            | Self::StartSecondFactor
            | Self::ConfirmSecondFactor
            | Self::RemoveSecondFactor
            | Self::NewRecoveryCodes
            | Self::UnlinkIdentity { .. }
            | Self::StartOidc(_)
            | Self::FinishOidc(_)
            | Self::FinishSignUp { .. }
            | Self::ListOrgs
            | Self::CreateOrg
            | Self::SwitchOrg
            | Self::AcceptInvitation
            | Self::PeekInvitation { .. }
            | Self::RevokeOtherSessions
            | Self::LeaveOrg
            | Self::LogOut
            | Self::RefreshSession
            | Self::ListSessions(_)
            | Self::RevokeSession { .. }
            | Self::Me
            | Self::Overview
            | Self::GetUsage
            | Self::ListMembers(_)
            | Self::UpdateMember { .. }
            | Self::RemoveMember { .. }
            | Self::ListInvitations(_)
            | Self::CreateInvitation
            | Self::RevokeInvitation { .. } => None,
            // The operator's.
            Self::SetOrgPlan { .. }
            | Self::SetOrgLimits { .. }
            | Self::GetOrgAsOperator { .. }
            | Self::GetKeys
            | Self::RotateKeys => None,
            // Keys are on every plan, and so are the org's own key and its end.
            Self::ListApiKeys(_)
            | Self::CreateApiKey
            | Self::GetApiKey { .. }
            | Self::RevokeApiKey { .. }
            | Self::RotateApiKey { .. }
            | Self::GetOrgKey
            | Self::RotateOrgKey
            | Self::DeleteOrg => None,
            // Reading, settings, and taking away.
            Self::ListConnectors
            | Self::GetConnector { .. }
            | Self::SetConnectorClient { .. }
            | Self::DeleteConnectorClient { .. }
            | Self::ListConnections(_)
            | Self::GetConnection { .. }
            | Self::DryRun { .. }
            | Self::DeleteConnection { .. }
            | Self::ListReceipts(_)
            | Self::GetReceipt { .. }
            | Self::ListProviders
            | Self::GetProvider { .. }
            | Self::ListSources(_)
            | Self::GetSource { .. }
            | Self::UpdateSource { .. }
            | Self::RotateSourceSecret { .. }
            | Self::TakeVerificationToken { .. }
            | Self::DeleteSource { .. }
            | Self::SourceKeys { .. }
            | Self::RecordRejections(_)
            | Self::FinishHandshake { .. }
            | Self::ListRejections { .. }
            | Self::ListenToSource { .. }
            | Self::ListInboundEvents { .. }
            | Self::GetInboundEvent { .. }
            | Self::ListEndpoints { .. }
            | Self::GetEndpoint { .. }
            | Self::UpdateEndpoint { .. }
            | Self::RotateEndpointSecret { .. }
            | Self::DeleteEndpoint { .. }
            | Self::ListAttempts { .. }
            | Self::ListDeliveries { .. }
            | Self::ListMessages { .. }
            | Self::GetMessage { .. }
            | Self::ListMessageDeliveries { .. }
            | Self::ListMessageAttempts { .. }
            | Self::SkipDelivery { .. }
            | Self::ListEventTypes(_)
            | Self::GetEventType { .. }
            | Self::SetEventType { .. }
            | Self::DeleteEventType { .. }
            | Self::ListPortalLinks(_)
            | Self::DeletePortalLink { .. }
            | Self::GetPortal => None,
        }
    }

    /// The tenant that the operation itself names; only the edge's own operations do.
    pub fn source(&self) -> Option<&SourceId> {
        match self {
            Self::SourceKeys { id } => Some(id),
            Self::StoreInbound(webhook) => Some(&webhook.source),
            Self::RecordRejections(rejections) => Some(&rejections.source),
            Self::FinishHandshake { source, .. } | Self::GetProviderKey { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Why somebody goes to an OIDC provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OidcPurpose {
    /// To sign in or up.
    SignIn,
    /// To add the identity to the account that is signed in.
    Link,
    /// To prove once more who sits there.
    Reauthenticate,
}

/// The way to an OIDC provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcStart {
    /// `id` of a provider in sluicegate.toml.
    pub provider: String,
    /// Why.
    pub purpose: OidcPurpose,
}

/// Where to send the browser, and what it must bring back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OidcRedirect {
    /// The provider's authorization endpoint with its query.
    pub location: String,
    /// For the attempt's cookie.
    pub attempt: ShownOnce,
}

/// The way back from an OIDC provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcCallback {
    /// `id` of the provider whose callback was called.
    pub provider: String,
    /// The attempt's cookie.
    pub attempt: ShownOnce,
    /// The query as received, at most 8 KiB: it holds the authorization code.
    pub query: ShownOnce,
}

/// What came of it. The session, where there is one, is in the reply's header.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum OidcOutcome {
    /// Signed in, linked or re-authenticated.
    Done {
        /// Why the browser had gone.
        purpose: OidcPurpose,
    },
    /// The provider vouches for somebody without an account: terms are to be accepted first.
    SignUp {
        /// For the cookie that `FinishSignUp` takes.
        pending: ShownOnce,
        /// As the provider says it.
        email: String,
        /// As the provider says it; may be empty.
        name: String,
    },
    /// The account has a second factor.
    SecondFactor {
        /// For `LogInSecondFactor`.
        challenge: ShownOnce,
    },
}

/// An invitation, to who has its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// Whom it is for.
    pub email: String,
    /// The workspace's name.
    pub org_name: String,
    /// As what.
    pub role: Role,
    /// Who invites; absent where they have left since.
    #[serde(default)]
    pub inviter: Option<String>,
}

/// Which stored events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventFilter {
    /// Of one source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// Of one type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Received at this time or later, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Received before this time, Unix ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Some delivery of which has come so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<DeliveryStatus>,
}

/// Requests to a source that the edge has refused, of one cause and from one sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejections {
    /// Where they came.
    pub source: SourceId,
    /// `signature_invalid` or `timestamp_out_of_tolerance`.
    pub code: String,
    /// In the words of crate `webhooks`, for the tenant.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// A provider's public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderKey {
    /// As the provider gives it: a JWK.
    pub jwk: serde_json::Value,
}

/// A webhook that the edge has verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerifiedWebhook {
    /// The source it came to.
    pub source: SourceId,
    /// Which generation of the source's secrets verified it.
    pub generation: u64,
    /// The provider's own id of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Whether the signature covers that id. Only then does it serve for dedupe, else the body's hash does: an id that
    /// anybody can change would let a captured request in again (claim N4).
    pub event_id_signed: bool,
    /// The provider's type of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Headers as received, credentials and signatures redacted.
    pub headers: Vec<(String, String)>,
}

/// A source's verification secrets, for the edge's memory.
#[derive(Clone, Serialize, Deserialize)]
pub struct SourceKeys {
    /// Row of the provider table.
    pub provider: String,
    /// Secrets as their owner pasted them, the current one first.
    pub secrets: Vec<String>,
    /// Changes with every change of the source.
    pub generation: u64,
    /// The URL that is registered at the provider, where it is not the source's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of the provider `generic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<crate::api::GenericScheme>,
    /// The source waits for the provider's secret; until it has come, there is none.
    #[serde(default)]
    pub awaiting_handshake: bool,
}

impl std::fmt::Debug for SourceKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceKeys")
            .field("provider", &self.provider)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// What the edge may go by alone for a bounded time ([`Operation::VerifyPrincipal`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerifiedPrincipal {
    /// The tenant.
    pub org_id: OrgId,
    /// The person or the key.
    pub subject: String,
    /// A session's role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// A key's scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
    /// A limit that takes the place of the configured one: the key's own, or the org's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Networks that a key may be used from; absent: any. The edge checks them again on every request that it lets pass
    /// by this answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_ips: Option<Vec<String>>,
    /// Of a principal whose limit is counted over all of the edge: what this isolate may let through of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// A JWT for the audience that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<ShownOnce>,
}

/// A lease of crate `throttle`, as it crosses to the isolate. The request that asked was allowed: a refusal is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Lease {
    /// Requests that the isolate may let through besides.
    pub ahead: u32,
    /// Milliseconds from when the isolate asked.
    pub ttl_ms: u32,
    /// The quota's limit.
    pub limit: u32,
    /// Requests that were left.
    pub remaining: u32,
    /// Seconds until the whole quota is back.
    pub reset_after_seconds: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Region;

    #[test]
    fn frozen_call() {
        let call = Call {
            request_id: RequestId::new(0, [0; 10]),
            client: Client {
                ip: "192.0.2.1".into(),
                user_agent: "curl/8 é".into(),
                origin: "https://gate.test".into(),
                country: None,
            },
            principal: Principal::ApiKey {
                org: OrgId::new(Region::Eu, [0; 16]),
                lookup: "abcd1234".into(),
                digest: "00ff".into(),
            },
            operation: Operation::GetConnection { id: ConnectionId::new(0, [0; 10]) },
            idempotency_key: None,
        };
        assert_eq!(
            call.to_header().unwrap(),
            r#"{"request_id":"req_00000000000000000000000000","client":{"ip":"192.0.2.1","user_agent":"curl/8 \u00e9","origin":"https://gate.test"},"principal":{"kind":"api_key","org":"org_e0000000000000000000000000","lookup":"abcd1234","digest":"00ff"},"operation":{"op":"get_connection","id":"con_00000000000000000000000000"}}"#
        );
        let back: Call = serde_json::from_str(&call.to_header().unwrap()).unwrap();
        assert_eq!(back, call);
    }

    #[test]
    fn the_secrets_of_a_sign_in_by_oidc_do_not_show_in_debug() {
        let hush = || ShownOnce("hush".into());
        let callback = OidcCallback { provider: "idp".into(), attempt: hush(), query: hush() };
        for operation in [
            Operation::FinishOidc(callback),
            Operation::FinishSignUp { pending: hush() },
            Operation::PeekInvitation { token: hush() },
        ] {
            assert!(!format!("{operation:?}").contains("hush"), "{operation:?}");
            assert!(serde_json::to_string(&operation).unwrap().contains(r#":"hush""#), "the wire has them");
        }
    }

    #[test]
    fn a_source_secret_does_not_show_in_debug() {
        let keys = SourceKeys {
            provider: "stripe".into(),
            secrets: vec!["hush".into()],
            generation: 1,
            url: None,
            scheme: None,
            awaiting_handshake: false,
        };
        assert!(!format!("{keys:?}").contains("hush"));
    }
}
