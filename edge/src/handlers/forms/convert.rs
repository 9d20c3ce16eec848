//! A form's fields → an operation and the JSON it takes. What is wrong in it is the control plane's to say, as to any
//! client of the API.

use super::{Change, Done, Fields, Form, account, vault, webhooks};
use crate::handlers::cookies::{Cookie, Jar};
use crate::handlers::oidc::Newcomer;
use crate::handlers::pages::once::Once;
use protocol::api::ShownOnce;
use protocol::{ApiKeyId, Operation};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// `None` for a form that no page of ours holds.
pub(super) fn change(form: Form, fields: &Fields, jar: &Jar) -> Option<Change> {
    let (operation, body, done) = match (form, fields.text("action")) {
        (Form::SignIn, _) => (Operation::LogIn, sign_in(fields), Done::SignedIn),
        (Form::SignInCode, _) => {
            let body = texts(&[("challenge", jar.get(Cookie::Challenge)?), ("code", fields.text("code"))]);
            (Operation::LogInSecondFactor, body, Done::SignedIn)
        }
        (Form::SignUp, _) => (Operation::SignUp, sign_up(fields), Done::SignedIn),
        (Form::JoinSignUp, _) => {
            let body = with_invitation(sign_up(fields), jar.get(Cookie::Invitation));
            (Operation::SignUp, body, Done::at("/?done=joined"))
        }
        (Form::FinishSignUp, _) => {
            let pending = Newcomer::from_cookie(jar.get(Cookie::Pending)?)?.pending;
            let body = with_invitation(newcomer(fields), jar.get(Cookie::Invitation));
            let pending = ShownOnce(pending.expose_secret().to_owned());
            (Operation::FinishSignUp { pending }, body, Done::at("/"))
        }
        (Form::ForgotPassword, _) => (
            Operation::RequestPasswordReset,
            texts(&[("email", fields.text("email"))]),
            Done::at("/forgot-password?done=reset-asked"),
        ),
        (Form::ResetPassword, _) => {
            let new_password = secret(fields, "new_password");
            let body = texts(&[("token", jar.get(Cookie::Reset)?), ("new_password", new_password)]);
            (Operation::ResetPassword, body, Done::SignedOut("/?done=password-set"))
        }
        (Form::VerifyEmail, _) => {
            let body = texts(&[("token", jar.get(Cookie::Verification)?)]);
            (Operation::VerifyEmail, body, Done::at("/?done=email-verified"))
        }
        (Form::Join, _) => {
            let body = texts(&[("token", jar.get(Cookie::Invitation)?)]);
            (Operation::AcceptInvitation, body, Done::at("/?done=joined"))
        }
        (Form::SignOut, _) => (Operation::LogOut, Value::Null, Done::SignedOut("/")),
        (Form::Connections, action) => vault::connections(action, fields)?,
        (Form::Connectors, action) => vault::connectors(action, fields)?,
        (Form::Workspace, action) => vault::workspace(action, fields)?,
        (Form::AdminKeys, "rotate") => vault::rotate_keys(fields)?,
        (Form::Keys, "create") => (Operation::CreateApiKey, api_key(fields), Done::Shown(Once::Key)),
        (Form::Keys, "rotate") => (
            Operation::RotateApiKey { id: ApiKeyId::parse(fields.text("id")).ok()? },
            json!({ "grace_seconds": fields.text("grace_seconds").parse::<u32>().ok()? }),
            Done::Shown(Once::Key),
        ),
        (Form::Keys, "revoke") => (
            Operation::RevokeApiKey { id: ApiKeyId::parse(fields.text("id")).ok()? },
            Value::Null,
            Done::at("/keys?done=revoked"),
        ),
        (Form::Members, action) => account::members(action, fields)?,
        (Form::Account | Form::Password | Form::Confirm, action) => account::account(form, action, fields)?,
        (form, action) => return webhooks::change(form, action, fields),
    };
    Some(Change::new(operation, &body, done))
}

fn sign_in(fields: &Fields) -> Value {
    texts(&[("email", fields.text("email")), ("password", secret(fields, "password"))])
}

fn sign_up(fields: &Fields) -> Value {
    let mut body = newcomer(fields);
    put(&mut body, "email", fields.text("email"));
    put(&mut body, "password", secret(fields, "password"));
    body
}

/// What everybody says who is new. The workspace is left out where the form has none, as with an invitation.
fn newcomer(fields: &Fields) -> Value {
    let mut body =
        json!({ "name": fields.text("name"), "accept_terms": fields.get("accept_terms").is_some() });
    if fields.get("org_name").is_some() {
        put(&mut body, "org_name", fields.text("org_name"));
    }
    put_region(&mut body, fields);
    body
}

fn with_invitation(mut body: Value, token: Option<&str>) -> Value {
    if let Some(token) = token {
        put(&mut body, "invitation_token", token);
    }
    body
}

/// The region that was chosen; none is the configured default.
pub(super) fn put_region(body: &mut Value, fields: &Fields) {
    if let region @ ("eu" | "us" | "auto") = fields.text("region") {
        put(body, "region", region);
    }
}

/// An object of texts.
pub(super) fn texts(fields: &[(&str, &str)]) -> Value {
    fields.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect()
}

pub(super) fn put(body: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(object) = body.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

fn api_key(fields: &Fields) -> Value {
    let own = fields.text("app_scopes").split(is_separator).filter(|scope| !scope.is_empty());
    let scopes: Vec<&str> = fields.all("scopes").chain(own).collect();
    let mut body = json!({ "name": fields.text("name"), "scopes": scopes });
    match fields.text("expires_on") {
        "" => {}
        // The key's last moment is the day's first: a date alone names no later one without a time zone.
        day => put(&mut body, "expires_at", format!("{day}T00:00:00Z")),
    }
    let networks = fields.text("allowed_ips").split(is_separator).filter(|network| !network.is_empty());
    let networks: Vec<&str> = networks.collect();
    if !networks.is_empty() {
        put(&mut body, "allowed_ips", networks);
    }
    match fields.text("external_id") {
        "" => {}
        id => put(&mut body, "external_id", id),
    }
    match fields.text("limit") {
        "" => {}
        limit => {
            put(
                &mut body,
                "rate_limit",
                json!({ "limit": number(limit), "period_seconds": number(fields.text("period_seconds")) }),
            );
        }
    }
    body
}

/// A number, or the text as it is: what is wrong with it is said by who reads it.
pub(super) fn number(text: &str) -> Value {
    text.parse::<u32>().map_or_else(|_| text.into(), Value::from)
}

/// Between the items of a list as people type it.
pub(super) fn is_separator(c: char) -> bool {
    c == ',' || c.is_whitespace()
}

/// As typed: a space may be part of it.
pub(super) fn secret<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).unwrap_or_default()
}
