//! The portal's forms → operations, as `handlers::forms` does for the dashboard. What a customer's user may set is for the
//! org's object to hold; the forms offer no more.

use super::{Page, left, refused, show, write};
use crate::auth::Holder;
use crate::control_plane::ControlPlane;
use crate::csrf;
use crate::handlers::Context;
use crate::handlers::forms::{Fields, Form, endpoint};
use crate::handlers::pages::read;
use crate::pages::portal::endpoint::{Recovery, recovered, secret};
use crate::pages::{self, Retry};
use crate::verdict::Answer;
use protocol::api::{Replayed, ShownOnce};
use protocol::time::rfc3339;
use protocol::{Code, Detail, EndpointId, MessageId, Operation};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a form asks for.
struct Change {
    operation: Operation,
    body: Value,
    done: Done,
}

/// What follows a change that was made.
enum Done {
    /// On to a page, which says what was done.
    SeeOther(String),
    /// The endpoint's secret is shown, once.
    Secret,
    /// What is on its way again, and whether there is more.
    Recovered(Recovery),
}

#[derive(Deserialize)]
struct Secret {
    secret: ShownOnce,
    #[serde(default)]
    previous_secret_until: Option<String>,
}

/// `POST /portal`.
///
/// # Errors
/// The refusal, where not even a page can be written.
pub(super) async fn change<P: ControlPlane>(
    context: &Context<'_, P>,
    holder: &Holder,
    body: &[u8],
) -> Result<Answer, Code> {
    let fields = checked(context, holder, body)?;
    let Change { operation, body, done } =
        convert(&fields, context.admitted.now_ms).ok_or(Code::InvalidRequest)?;
    if let Some(detail) = endpoint::malformed(&fields) {
        return again(context, holder, Code::ValidationFailed, Some(detail), fields).await;
    }
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let reply = context.call(None, holder.principal(), operation, body).await?;
    if !reply.is_success() {
        let (code, detail) = reply.problem();
        let wait = reply.retry_after.map(|seconds| format!("Try again in {}.", pages::wait(seconds)));
        return again(context, holder, code, wait.map(Detail::from).or(detail), fields).await;
    }
    match done {
        Done::SeeOther(path) => Ok(Answer::see_other(path)),
        Done::Secret => {
            let Secret { secret: shown, previous_secret_until } = read(&reply)?;
            write(context, holder, 200, None, &|portal| {
                secret(portal, &shown.0, previous_secret_until.as_deref())
            })
        }
        Done::Recovered(recovery) => {
            let replayed: Replayed = read(&reply)?;
            write(context, holder, 200, None, &|portal| recovered(portal, &recovery, &replayed))
        }
    }
}

/// `POST /portal/leave`: by a link that has ended as well.
///
/// # Errors
/// `CsrfFailed`, `InvalidRequest`.
pub(super) fn leave<P>(context: &Context<'_, P>, holder: &Holder, body: &[u8]) -> Result<Answer, Code> {
    checked(context, holder, body)?;
    left(context)
}

/// The fields of a form that a page of this link holds.
fn checked<P>(context: &Context<'_, P>, holder: &Holder, body: &[u8]) -> Result<Fields, Code> {
    let fields = Fields::parse(body).ok_or(Code::InvalidRequest)?;
    csrf::portal_token(fields.get("csrf_token"), holder, &context.state.borrow())?;
    Ok(fields)
}

/// The page of a refused form.
async fn again<P: ControlPlane>(
    context: &Context<'_, P>,
    holder: &Holder,
    code: Code,
    detail: Option<Detail>,
    fields: Fields,
) -> Result<Answer, Code> {
    let page = match (fields.text("action"), EndpointId::parse(fields.text("id"))) {
        (_, _) if code == Code::Unauthenticated => return refused(context, code, None),
        ("create", _) => Page::Endpoints { done: None, cursor: None },
        // What there is no more has no page.
        (_, Ok(id)) if code != Code::NotFound => Page::Endpoint { id, done: None },
        _ => return refused(context, code, detail.as_deref()),
    };
    let retry = Retry::new(Form::Endpoints, code, detail, fields);
    show::render(context, holder, &page, Some(&retry)).await
}

/// `None` for a form that no page of ours holds.
fn convert(fields: &Fields, now_ms: u64) -> Option<Change> {
    let action = fields.text("action");
    if action == "create" {
        let body = endpoint::new(fields);
        return Some(Change { operation: Operation::CreateEndpoint, body, done: Done::Secret });
    }
    let id = EndpointId::parse(fields.text("id")).ok()?;
    let at = |word: &str| Done::SeeOther(format!("/portal/endpoints/{id}?done={word}"));
    let of = |id: &EndpointId| id.clone();
    let (operation, body, done) = match action {
        "update" => (Operation::UpdateEndpoint { id: of(&id) }, endpoint::changed(fields), at("changed")),
        "disable" => (Operation::UpdateEndpoint { id: of(&id) }, json!({ "disabled": true }), at("disabled")),
        "enable" => (Operation::UpdateEndpoint { id: of(&id) }, json!({ "disabled": false }), at("enabled")),
        "rotate" => {
            let overlap = fields.text("overlap_seconds").parse::<u32>().ok()?;
            let body = json!({ "overlap_seconds": overlap });
            (Operation::RotateEndpointSecret { id: of(&id) }, body, Done::Secret)
        }
        "test" => (Operation::TestEndpoint { id: of(&id) }, Value::Null, at("tested")),
        "delete" => {
            let done = Done::SeeOther("/portal?done=deleted".to_owned());
            (Operation::DeleteEndpoint { id: of(&id) }, Value::Null, done)
        }
        "recover" => {
            let recovery = recovery(fields, of(&id), now_ms)?;
            let Recovery { since, until, .. } = &recovery;
            let body = match fields.text("cursor") {
                "" => json!({ "since": since, "until": until }),
                cursor => json!({ "since": since, "until": until, "cursor": cursor }),
            };
            (Operation::RecoverEndpoint { id: of(&id) }, body, Done::Recovered(recovery))
        }
        "resend" => {
            let message = MessageId::parse(fields.text("message")).ok()?;
            (Operation::ResendMessage { id: message, endpoint: of(&id) }, Value::Null, at("resent"))
        }
        _ => return None,
    };
    Some(Change { operation, body, done })
}

/// From so many hours ago until now, or the range that a first call began with.
fn recovery(fields: &Fields, endpoint: EndpointId, now_ms: u64) -> Option<Recovery> {
    if let (Some(since), Some(until)) = (fields.get("since"), fields.get("until")) {
        return Some(Recovery { endpoint, since: since.to_owned(), until: until.to_owned() });
    }
    let hours = fields.text("hours").parse::<u32>().ok()?;
    let since = now_ms.saturating_sub(u64::from(hours) * 3_600_000);
    Some(Recovery { endpoint, since: rfc3339(since), until: rfc3339(now_ms) })
}
