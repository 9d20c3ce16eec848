//! The forms of `/members`, `/account` and `/confirm` → operations, as [`super::convert`] does for the rest.

use super::convert::{put_region, secret};
use super::{Done, Fields, Form};
use crate::handlers::pages::show::Once;
use protocol::call::{OidcPurpose, OidcStart};
use protocol::{InvitationId, Operation, SessionId, UserId};
use serde_json::{Value, json};

/// Where a confirmation may lead back to, and how it says that it is done. Nothing else is: no open redirect.
const BACK: [(&str, &str); 5] = [
    ("/account", "/account?done=confirmed"),
    ("/connections", "/connections?done=confirmed"),
    ("/keys", "/keys?done=confirmed"),
    ("/members", "/members?done=confirmed"),
    ("/sources", "/sources?done=confirmed"),
];

/// `None` for a form that no page of ours holds.
pub(super) fn members(action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    let person = || UserId::parse(fields.text("id")).ok();
    Some(match action {
        "role" => (
            Operation::UpdateMember { id: person()? },
            json!({ "role": fields.text("role") }),
            Done::SeeOther("/members?done=role-changed"),
        ),
        "remove" => (
            Operation::RemoveMember { id: person()? },
            Value::Null,
            Done::SeeOther("/members?done=member-removed"),
        ),
        "invite" => (
            Operation::CreateInvitation,
            json!({ "email": fields.text("email"), "role": fields.text("role") }),
            Done::Shown(Once::Invitation),
        ),
        "revoke" => (
            Operation::RevokeInvitation { id: InvitationId::parse(fields.text("id")).ok()? },
            Value::Null,
            Done::SeeOther("/members?done=invitation-revoked"),
        ),
        "leave" => (Operation::LeaveOrg, Value::Null, Done::SignedOut("/?done=left")),
        _ => return None,
    })
}

/// `None` for a form that no page of ours holds.
pub(super) fn account(form: Form, action: &str, fields: &Fields) -> Option<(Operation, Value, Done)> {
    Some(match (form, action) {
        (Form::Confirm, "provider") => to_provider(fields, OidcPurpose::Reauthenticate)?,
        (Form::Confirm, _) => {
            let back = BACK.into_iter().find(|(path, _)| *path == fields.text("back"));
            let done = Done::SeeOther(back.map_or("/?done=confirmed", |(_, confirmed)| confirmed));
            (Operation::Reauthenticate, proof(fields), done)
        }
        (Form::Password, _) => (
            Operation::ChangePassword,
            json!({
                "current_password": secret(fields, "current_password"),
                "new_password": secret(fields, "new_password"),
            }),
            Done::SeeOther("/account?done=password-changed"),
        ),
        (_, "resend_verification") => {
            (Operation::ResendVerification, Value::Null, Done::SeeOther("/account?done=verification-sent"))
        }
        (_, "change_email") => (
            Operation::ChangeEmail,
            json!({ "email": fields.text("email") }),
            Done::SeeOther("/account?done=email-asked"),
        ),
        (_, "start_second_factor") => {
            (Operation::StartSecondFactor, Value::Null, Done::Shown(Once::SecondFactor))
        }
        (_, "confirm_second_factor") => (
            Operation::ConfirmSecondFactor,
            json!({ "code": fields.text("code") }),
            Done::Shown(Once::RecoveryCodes),
        ),
        (_, "new_recovery_codes") => {
            (Operation::NewRecoveryCodes, Value::Null, Done::Shown(Once::RecoveryCodes))
        }
        (_, "remove_second_factor") => {
            (Operation::RemoveSecondFactor, Value::Null, Done::SeeOther("/account?done=second-factor-off"))
        }
        (_, "link") => to_provider(fields, OidcPurpose::Link)?,
        (_, "unlink") => (
            Operation::UnlinkIdentity { provider: provider(fields)? },
            Value::Null,
            Done::SeeOther("/account?done=unlinked"),
        ),
        (_, "end_session") => (
            Operation::RevokeSession { id: SessionId::parse(fields.text("id")).ok()? },
            Value::Null,
            Done::SeeOther("/account?done=session-ended"),
        ),
        (_, "end_other_sessions") => {
            (Operation::RevokeOtherSessions, Value::Null, Done::SeeOther("/account?done=sessions-ended"))
        }
        (_, "switch") => {
            (Operation::SwitchOrg, json!({ "org_id": fields.text("org_id") }), Done::SeeOther("/"))
        }
        (_, "create_org") => {
            let mut body = json!({ "name": fields.text("name") });
            put_region(&mut body, fields);
            (Operation::CreateOrg, body, Done::SeeOther("/"))
        }
        _ => return None,
    })
}

/// The code, or else the password: the control plane takes one of the two, and browsers fill in passwords unasked.
fn proof(fields: &Fields) -> Value {
    match fields.text("code") {
        "" => json!({ "password": secret(fields, "password") }),
        code => json!({ "code": code }),
    }
}

fn to_provider(fields: &Fields, purpose: OidcPurpose) -> Option<(Operation, Value, Done)> {
    let start = OidcStart { provider: provider(fields)?, purpose };
    Some((Operation::StartOidc(start), Value::Null, Done::ToProvider))
}

/// A provider's id, as the routes take it. Whether it is configured is the control plane's to say.
fn provider(fields: &Fields) -> Option<String> {
    let id = fields.text("provider");
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    ((1..=40).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}
