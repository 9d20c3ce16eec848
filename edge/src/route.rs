//! Which task a path is for. The API's paths are `protocol::routes::ROUTES`; the edge's own are here. Whatever is in no
//! table does not exist.

mod portal;

use crate::handlers::cookies::Cookie;
use crate::handlers::forms::Form;
use crate::handlers::pages::Page;
use crate::handlers::pages::webhooks::View;
use crate::handlers::portal::Ask;
use crate::head::Head;
use crate::pages::{Home, Notice};
use crate::public::Document;
use config::Config;
use protocol::routes::{self, Route};
use protocol::{ApiKeyId, Code, ConnectionId, Detail, Operation, Refused, UserId};
use secrecy::SecretString;

/// What a path is for.
#[derive(Debug)]
pub enum Target<'a> {
    /// A public document, answered from memory.
    Document(Document),
    /// Whether the control plane answers.
    Ready,
    /// The API.
    Api(&'static Route, Operation),
    /// The webhook receiver; the id is not checked yet.
    Inbound(&'a str),
    /// A page.
    Page(Page),
    /// A page's form.
    Form(Form),
    /// A mailed link to a page: the token goes into a cookie, and the browser to the page without it.
    Link {
        /// The page's.
        path: &'static str,
        /// For the token.
        cookie: Cookie,
        /// As received.
        token: SecretString,
    },
    /// The customers' portal.
    Portal(Ask),
    /// A link to it: as [`Target::Link`], once its MAC is checked.
    PortalLink {
        /// As received.
        token: SecretString,
    },
    /// A gateway route, by its index in the configuration.
    Gateway(usize),
}

/// Why there is no target.
#[derive(Debug, PartialEq, Eq)]
pub struct NoTarget {
    /// `NotFound`, `MethodNotAllowed` or `InvalidRequest`.
    pub code: Code,
    /// What to change, where that is known.
    pub detail: Option<Detail>,
    /// `Allow`, where the method is the reason.
    pub allow: Option<String>,
}

/// Finds the target of a request.
///
/// # Errors
/// [`NoTarget`].
pub fn find<'a>(head: &Head<'a>, config: &Config) -> Result<Target<'a>, NoTarget> {
    if head.path.starts_with("/v1/") {
        return api(head);
    }
    if let Some(id) = head.path.strip_prefix("/in/") {
        return only(head, &["POST", "GET", "HEAD"], Target::Inbound(id));
    }
    if let Some(document) = Document::at(head.path) {
        return only(head, &["GET", "HEAD"], Target::Document(document));
    }
    if let Some(rest) = below_portal(head.path) {
        return portal::find(head, rest);
    }
    if head.path == "/readyz" {
        return only(head, &["GET", "HEAD"], Target::Ready);
    }
    if let Some(route) = config.routes.iter().position(|route| head.path.starts_with(&route.path)) {
        // The URL is normalised on its way out: a path that climbs would leave the route.
        if !connectors::is_plain_path(head.path) {
            return Err(NoTarget { allow: None, ..Code::PathRefused.into() });
        }
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        return only(head, &methods, Target::Gateway(route));
    }
    if sends_key(head)
        && let Some(near) = routes::suggest(head.path)
    {
        let detail = Some(format!("this is a page; did you mean {near}?").into());
        return Err(NoTarget { detail, ..Code::NotFound.into() });
    }
    page(head, config).map_err(|no_target| {
        let near =
            routes::suggest(head.path).filter(|_| no_target.code == Code::NotFound && !wants_page(head));
        let detail = near.map(|near| format!("no such path; did you mean {near}?").into());
        NoTarget { detail: detail.or(no_target.detail), ..no_target }
    })
}

/// Whether the request is one for the API, which no page is.
fn sends_key(head: &Head<'_>) -> bool {
    head.header("authorization").is_some_and(|value| value.starts_with("Bearer "))
}

/// Whether a browser asks, for something to be shown.
fn wants_page(head: &Head<'_>) -> bool {
    head.header("accept").is_some_and(|types| types.contains("text/html"))
}

impl From<Code> for NoTarget {
    fn from(code: Code) -> Self {
        Self { code, detail: None, allow: None }
    }
}

/// Forward auth. A proxy asks by GET, by HEAD or by its client's method, and it is the same question by each.
const FORWARD_AUTH: &str = "/v1/auth/check";

fn api<'a>(head: &Head<'a>) -> Result<Target<'a>, NoTarget> {
    let method = if head.path == FORWARD_AUTH { "GET" } else { head.method };
    match routes::find(method, head.path, head.query) {
        Ok((route, operation)) => Ok(Target::Api(route, operation)),
        Err(Refused { code, detail }) => {
            let allow = (code == Code::MethodNotAllowed).then(|| {
                let methods = routes::allowed(head.path).map(|method| match method {
                    "*" => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
                    method => method,
                });
                methods.collect::<Vec<_>>().join(", ")
            });
            Err(NoTarget { code, detail, allow })
        }
    }
}

/// What follows `/portal` in a path that is the portal's.
fn below_portal(path: &str) -> Option<&str> {
    path.strip_prefix("/portal").filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whose pages a path is among.
pub fn home(path: &str) -> Home {
    if below_portal(path).is_some() { Home::Portal } else { Home::Dashboard }
}

/// Whether a request is a person's, in a browser: its refusals are pages.
pub fn is_for_people(head: &Head<'_>, config: &Config) -> bool {
    match find(head, config) {
        Ok(
            Target::Page(_)
            | Target::Form(_)
            | Target::Link { .. }
            | Target::Portal(_)
            | Target::PortalLink { .. },
        ) => true,
        // A mistyped address, or a filter that cannot be meant.
        Err(NoTarget { code: Code::NotFound | Code::InvalidRequest, .. }) => {
            let of_machines = ["/v1/", "/in/"].iter().any(|prefix| head.path.starts_with(prefix));
            matches!(head.method, "GET" | "HEAD") && wants_page(head) && !of_machines
        }
        _ => false,
    }
}

fn page<'a>(head: &Head<'_>, config: &Config) -> Result<Target<'a>, NoTarget> {
    let notice = Notice::of(head.query);
    let (page, form) = match head.path {
        "/" => (Page::Home(notice), None),
        "/sign-in" => (Page::Home(None), Some(Form::SignIn)),
        "/sign-in/code" => (Page::SignInCode, Some(Form::SignInCode)),
        "/sign-up" => (Page::Home(None), Some(Form::SignUp)),
        "/finish-sign-up" => (Page::FinishSignUp, Some(Form::FinishSignUp)),
        "/forgot-password" => (Page::ForgotPassword(notice), Some(Form::ForgotPassword)),
        "/reset-password" => (Page::ResetPassword, Some(Form::ResetPassword)),
        "/verify-email" => (Page::VerifyEmail, Some(Form::VerifyEmail)),
        "/join" => (Page::Join, Some(Form::Join)),
        "/join/sign-up" => (Page::Join, Some(Form::JoinSignUp)),
        "/sign-out" => (Page::Home(None), Some(Form::SignOut)),
        "/connections" => (Page::Connections(notice), Some(Form::Connections)),
        "/connections/callback" => {
            (Page::FinishAuthorization { query: SecretString::from(head.query) }, None)
        }
        "/connectors" => (Page::Connectors, Some(Form::Connectors)),
        "/receipts" => (Page::Receipts { cursor: cursor(head.query, "cursor") }, None),
        "/workspace" => (Page::Workspace(notice), Some(Form::Workspace)),
        "/admin/keys" => (Page::AdminKeys(notice), Some(Form::AdminKeys)),
        "/keys" => (Page::Keys(notice), Some(Form::Keys)),
        "/members" => (Page::Members { notice, cursor: cursor(head.query, "cursor") }, Some(Form::Members)),
        "/members/leave" => (Page::Leave, None),
        "/usage" => (Page::Usage, None),
        "/account" => (Page::Account(notice), Some(Form::Account)),
        "/account/password" => (Page::Account(None), Some(Form::Password)),
        "/confirm" => (Page::Confirm, Some(Form::Confirm)),
        "/audit" => (Page::Audit { verify: head.query == "verify=1" }, None),
        path => match of_one(path, head.query, config) {
            Some(page) => (page, None),
            None => {
                let (view, form) = View::find(path, head.query)?;
                (Page::Webhooks(Box::new(view)), form)
            }
        },
    };
    match (head.method, form) {
        ("HEAD", _) if page.is_callback() => {
            Err(NoTarget { allow: Some("GET".to_owned()), ..Code::MethodNotAllowed.into() })
        }
        ("GET" | "HEAD", _) => Ok(link(head).unwrap_or(Target::Page(page))),
        ("POST", Some(form)) => Ok(Target::Form(form)),
        (_, form) => {
            let allow = if form.is_some() { "GET, HEAD, POST" } else { "GET, HEAD" };
            Err(NoTarget { allow: Some(allow.to_owned()), ..Code::MethodNotAllowed.into() })
        }
    }
}

/// The pages that name one thing in their path.
fn of_one(path: &str, query: &str, config: &Config) -> Option<Page> {
    if let Some(id) = path.strip_prefix("/members/").and_then(|rest| rest.strip_suffix("/remove")) {
        return Some(Page::RemoveMember { id: UserId::parse(id).ok()?, cursor: cursor(query, "cursor") });
    }
    if let Some((id, ask)) = path.strip_prefix("/keys/").and_then(|rest| rest.split_once('/')) {
        let id = ApiKeyId::parse(id).ok()?;
        return match ask {
            "rotate" => Some(Page::RotateKey(id)),
            "revoke" => Some(Page::RevokeKey(id)),
            _ => None,
        };
    }
    if let Some(rest) = path.strip_prefix("/connections/") {
        return match rest.strip_suffix("/disconnect") {
            Some(id) => ConnectionId::parse(id).ok().map(Page::Disconnect),
            None => Some(Page::Connection { id: ConnectionId::parse(rest).ok()?, notice: Notice::of(query) }),
        };
    }
    if let Some(id) = path.strip_prefix("/connectors/") {
        let replace = query.strip_prefix("replace=").and_then(|id| ConnectionId::parse(id).ok());
        return Some(Page::Connector { id: slug(id)?, notice: Notice::of(query), replace });
    }
    let rest = path.strip_prefix("/sign-in/")?;
    let (id, back) = rest.strip_suffix("/callback").map_or((rest, false), |id| (id, true));
    let provider = config.sign_in.oidc.iter().find(|provider| provider.id == id)?.id.clone();
    Some(if back {
        Page::FinishOidc { provider, query: SecretString::from(query) }
    } else {
        Page::StartOidc { provider }
    })
}

/// The id of something that configuration or catalogue names, as the API takes it.
pub fn slug(id: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    ((1..=40).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}

/// A mailed link: a page's path with the token that it needs.
fn link<'a>(head: &Head<'_>) -> Option<Target<'a>> {
    let (path, cookie) = match head.path {
        "/reset-password" => ("/reset-password", Cookie::Reset),
        "/verify-email" => ("/verify-email", Cookie::Verification),
        "/join" => ("/join", Cookie::Invitation),
        _ => return None,
    };
    let token = head.query.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    Some(Target::Link { path, cookie, token: SecretString::from(token) })
}

/// Where a list goes on, as the API takes it.
pub fn cursor(query: &str, parameter: &str) -> Option<String> {
    let cursor = query.split('&').find_map(|pair| pair.strip_prefix(parameter)?.strip_prefix('='))?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    ((1..=64).contains(&cursor.len()) && cursor.bytes().all(plain)).then(|| cursor.to_owned())
}

fn only<'a>(head: &Head<'_>, methods: &[&str], target: Target<'a>) -> Result<Target<'a>, NoTarget> {
    if methods.contains(&head.method) {
        return Ok(target);
    }
    Err(NoTarget { allow: Some(methods.join(", ")), ..Code::MethodNotAllowed.into() })
}
