//! Where each operation is answered. Exhaustive: an operation that nobody answers does not compile.

use protocol::Operation;

/// Where a call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It takes more than one object: [`crate::flows`].
    Flow,
    /// The org's object alone, in one synchronous piece.
    Org,
    /// The org's object, which asks a provider while it answers ([`crate::remote`]).
    OrgRemote,
    /// The stateless part, by leave of the org's object: `broker`.
    Broker,
}

/// Where an operation is answered.
pub fn of(operation: &Operation) -> Place {
    use Operation as Op;
    match operation {
        Op::SignUp
        | Op::LogIn
        | Op::LogInSecondFactor
        | Op::RequestPasswordReset
        | Op::ResetPassword
        | Op::VerifyEmail
        | Op::ResendVerification
        | Op::GetAccount
        | Op::ListAccountEvents(_)
        | Op::ChangePassword
        | Op::ChangeEmail
        | Op::Reauthenticate
        | Op::StartSecondFactor
        | Op::ConfirmSecondFactor
        | Op::RemoveSecondFactor
        | Op::NewRecoveryCodes
        | Op::UnlinkIdentity { .. }
        | Op::StartOidc(_)
        | Op::FinishOidc(_)
        | Op::FinishSignUp { .. }
        | Op::PeekInvitation { .. }
        | Op::ListOrgs
        | Op::CreateOrg
        | Op::SwitchOrg
        | Op::AcceptInvitation
        | Op::RevokeOtherSessions
        | Op::LeaveOrg
        | Op::SetOrgPlan { .. }
        | Op::SetOrgLimits { .. }
        | Op::GetOrgAsOperator { .. }
        | Op::GetKeys
        | Op::RotateKeys => Place::Flow,

        Op::CreateConnection
        | Op::ReplaceCredential { .. }
        | Op::FinishAuthorization { .. }
        | Op::DeleteConnection { .. }
        | Op::DeleteOrg
        | Op::ListenToSource { .. }
        | Op::GetProviderKey { .. } => Place::OrgRemote,

        Op::Proxy { .. } | Op::Query { .. } | Op::TestConnection { .. } => Place::Broker,

        Op::LogOut
        | Op::RefreshSession
        | Op::ListSessions(_)
        | Op::RevokeSession { .. }
        | Op::Me
        | Op::Overview
        | Op::VerifyPrincipal { .. }
        | Op::GetUsage
        | Op::ListMembers(_)
        | Op::UpdateMember { .. }
        | Op::RemoveMember { .. }
        | Op::ListInvitations(_)
        | Op::CreateInvitation
        | Op::RevokeInvitation { .. }
        | Op::ListApiKeys(_)
        | Op::CreateApiKey
        | Op::GetApiKey { .. }
        | Op::RevokeApiKey { .. }
        | Op::RotateApiKey { .. }
        | Op::VerifyApiKey
        | Op::ListConnectors
        | Op::GetConnector { .. }
        | Op::SetConnectorClient { .. }
        | Op::DeleteConnectorClient { .. }
        | Op::ListConnections(_)
        | Op::GetConnection { .. }
        | Op::AuthorizeConnection { .. }
        | Op::DryRun { .. }
        | Op::ListReceipts(_)
        | Op::GetReceipt { .. }
        | Op::ListProviders
        | Op::GetProvider { .. }
        | Op::ListSources(_)
        | Op::CreateSource
        | Op::GetSource { .. }
        | Op::DeleteSource { .. }
        | Op::SourceKeys { .. }
        | Op::StoreInbound(_)
        | Op::RecordRejections(_)
        | Op::FinishHandshake { .. }
        | Op::UpdateSource { .. }
        | Op::RotateSourceSecret { .. }
        | Op::TakeVerificationToken { .. }
        | Op::ListRejections { .. }
        | Op::ListInboundEvents { .. }
        | Op::GetInboundEvent { .. }
        | Op::ReplayEvent { .. }
        | Op::ReplayEvents
        | Op::ListEndpoints { .. }
        | Op::CreateEndpoint
        | Op::GetEndpoint { .. }
        | Op::UpdateEndpoint { .. }
        | Op::DeleteEndpoint { .. }
        | Op::RotateEndpointSecret { .. }
        | Op::TestEndpoint { .. }
        | Op::RecoverEndpoint { .. }
        | Op::ListAttempts { .. }
        | Op::ListDeliveries { .. }
        | Op::ListMessages { .. }
        | Op::PublishMessage
        | Op::GetMessage { .. }
        | Op::ListMessageDeliveries { .. }
        | Op::ListMessageAttempts { .. }
        | Op::ResendMessage { .. }
        | Op::SkipDelivery { .. }
        | Op::ListEventTypes(_)
        | Op::GetEventType { .. }
        | Op::SetEventType { .. }
        | Op::DeleteEventType { .. }
        | Op::ListPortalLinks(_)
        | Op::CreatePortalLink
        | Op::DeletePortalLink { .. }
        | Op::GetPortal
        | Op::GetOrgKey
        | Op::RotateOrgKey
        | Op::ListAudit(_)
        | Op::VerifyAudit { .. } => Place::Org,
    }
}
