//! The forms of `/members`, `/account` and `/confirm` → operations, as [`super::convert`] does for the rest.

use super::convert::{put_region, secret, texts};
use super::{Done, Fields, Form};
use crate::handlers::pages::once::Once;
use crate::route::slug;
use protocol::call::{OidcPurpose, OidcStart};
use protocol::{ConnectionId, EndpointId, InvitationId, Operation, SessionId, SourceId, UserId};
use serde_json::Value;

/// Where a confirmation may lead back to. Nothing else is: no open redirect.
const BACK: [&str; 9] = [
    "/account",
    "/admin/keys",
    "/connections",
    "/endpoints",
    "/keys",
    "/members",
    "/portal-links",
    "/sources",
    "/workspace",
];

/// The way back of a confirmation, which says that it is done.
fn back(path: &str) -> String {
    let path = if BACK.contains(&path) || is_of_one(path) { path } else { "/" };
    format!("{path}?done=confirmed")
}

/// Whether it is the path of a page about one thing.
fn is_of_one(path: &str) -> bool {
    let mut parts = path.strip_prefix('/').unwrap_or_default().splitn(2, '/');
    match (parts.next(), parts.next()) {
        (Some("connections"), Some(id)) => ConnectionId::parse(id).is_ok(),
        (Some("connectors"), Some(id)) => slug(id).is_some(),
        (Some("endpoints"), Some(id)) => EndpointId::parse(id).is_ok(),
        (Some("sources"), Some(id)) => SourceId::parse(id).is_ok(),
        _ => false,
    }
}

/// `None` for a form that no page of ours holds.
pub(super) fn members(action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    let person = || UserId::parse(fields.text("id")).ok();
    Some(match action {
        "role" => (
            Operation::UpdateMember { id: person()? },
            texts(&[("role", fields.text("role"))]),
            Done::at("/members?done=role-changed"),
        ),
        "remove" => {
            (Operation::RemoveMember { id: person()? }, Value::Null, Done::at("/members?done=member-removed"))
        }
        "invite" => (
            Operation::CreateInvitation,
            texts(&[("email", fields.text("email")), ("role", fields.text("role"))]),
            Done::Shown(Once::Invitation),
        ),
        "revoke" => (
            Operation::RevokeInvitation { id: InvitationId::parse(fields.text("id")).ok()? },
            Value::Null,
            Done::at("/members?done=invitation-revoked"),
        ),
        "leave" => (Operation::LeaveOrg, Value::Null, Done::SignedOut("/?done=left")),
        _ => return None,
    })
}

/// `None` for a form that no page of ours holds.
pub(super) fn account(form: Form, action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    Some(match (form, action) {
        (Form::Confirm, "provider") => to_provider(fields, OidcPurpose::Reauthenticate)?,
        (Form::Confirm, _) => (Operation::Reauthenticate, proof(fields), Done::at(back(fields.text("back")))),
        (Form::Password, _) => (
            Operation::ChangePassword,
            texts(&[
                ("current_password", secret(fields, "current_password")),
                ("new_password", secret(fields, "new_password")),
            ]),
            Done::at("/account?done=password-changed"),
        ),
        (_, "resend_verification") => {
            (Operation::ResendVerification, Value::Null, Done::at("/account?done=verification-sent"))
        }
        (_, "change_email") => (
            Operation::ChangeEmail,
            texts(&[("email", fields.text("email"))]),
            Done::at("/account?done=email-asked"),
        ),
        (_, "start_second_factor") => {
            (Operation::StartSecondFactor, Value::Null, Done::Shown(Once::SecondFactor))
        }
        (_, "confirm_second_factor") => (
            Operation::ConfirmSecondFactor,
            texts(&[("code", fields.text("code"))]),
            Done::Shown(Once::RecoveryCodes),
        ),
        (_, "new_recovery_codes") => {
            (Operation::NewRecoveryCodes, Value::Null, Done::Shown(Once::RecoveryCodes))
        }
        (_, "remove_second_factor") => {
            (Operation::RemoveSecondFactor, Value::Null, Done::at("/account?done=second-factor-off"))
        }
        (_, "link") => to_provider(fields, OidcPurpose::Link)?,
        (_, "unlink") => (
            Operation::UnlinkIdentity { provider: provider(fields)? },
            Value::Null,
            Done::at("/account?done=unlinked"),
        ),
        (_, "end_session") => (
            Operation::RevokeSession { id: SessionId::parse(fields.text("id")).ok()? },
            Value::Null,
            Done::at("/account?done=session-ended"),
        ),
        (_, "end_other_sessions") => {
            (Operation::RevokeOtherSessions, Value::Null, Done::at("/account?done=sessions-ended"))
        }
        (_, "switch") => (Operation::SwitchOrg, texts(&[("org_id", fields.text("org_id"))]), Done::at("/")),
        (_, "create_org") => {
            let mut body = texts(&[("name", fields.text("name"))]);
            put_region(&mut body, fields);
            (Operation::CreateOrg, body, Done::at("/"))
        }
        _ => return None,
    })
}

/// The code, or else the password: the control plane takes one of the two, and browsers fill in passwords unasked.
fn proof(fields: &Fields) -> Value {
    match fields.text("code") {
        "" => texts(&[("password", secret(fields, "password"))]),
        code => texts(&[("code", code)]),
    }
}

fn to_provider(fields: &Fields, purpose: OidcPurpose) -> Option<(Operation, Value, Done)> {
    let start = OidcStart { provider: provider(fields)?, purpose };
    Some((Operation::StartOidc(start), Value::Null, Done::ToProvider))
}

/// A provider's id, as the routes take it. Whether it is configured is the control plane's to say.
fn provider(fields: &Fields) -> Option<String> {
    slug(fields.text("provider"))
}
