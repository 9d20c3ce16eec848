//! Which task a path is for. The API's paths are `protocol::routes::ROUTES`; the edge's own are here. Whatever is in no
//! table does not exist.

use crate::handlers::forms::Form;
use crate::handlers::pages::Page;
use crate::head::Head;
use crate::public::Document;
use config::Config;
use protocol::routes::{self, Route};
use protocol::{Code, InboundEventId, Operation};

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
    /// A gateway route, by its index in the configuration.
    Gateway(usize),
}

/// Why there is no target.
#[derive(Debug, PartialEq, Eq)]
pub struct NoTarget {
    /// `NotFound`, `MethodNotAllowed` or `InvalidRequest`.
    pub code: Code,
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
        return only(head, &["POST"], Target::Inbound(id));
    }
    if let Some(document) = Document::at(head.path) {
        return only(head, &["GET", "HEAD"], Target::Document(document));
    }
    if head.path == "/readyz" {
        return only(head, &["GET", "HEAD"], Target::Ready);
    }
    if let Some(route) = config.routes.iter().position(|route| head.path.starts_with(&route.path)) {
        // The URL is normalised on its way out: a path that climbs would leave the route.
        if !connectors::is_plain_path(head.path) {
            return Err(NoTarget { code: Code::PathRefused, allow: None });
        }
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        return only(head, &methods, Target::Gateway(route));
    }
    page(head)
}

fn api<'a>(head: &Head<'a>) -> Result<Target<'a>, NoTarget> {
    match routes::find(head.method, head.path, head.query) {
        Ok((route, operation)) => Ok(Target::Api(route, operation)),
        Err(code) => {
            let allow = (code == Code::MethodNotAllowed).then(|| {
                let methods = routes::allowed(head.path).map(|method| match method {
                    "*" => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
                    method => method,
                });
                methods.collect::<Vec<_>>().join(", ")
            });
            Err(NoTarget { code, allow })
        }
    }
}

fn page<'a>(head: &Head<'_>) -> Result<Target<'a>, NoTarget> {
    let (page, form) = match head.path {
        "/" => (Page::Home, None),
        "/sign-in" => (Page::Home, Some(Form::SignIn)),
        "/sign-up" => (Page::Home, Some(Form::SignUp)),
        "/sign-out" => (Page::Home, Some(Form::SignOut)),
        "/connections" => (Page::Connections(Page::notice(head.query)), Some(Form::Connections)),
        "/keys" => (Page::Keys(Page::notice(head.query)), Some(Form::Keys)),
        "/sources" => (Page::Sources(Page::notice(head.query)), Some(Form::Sources)),
        "/events" => (Page::Events, None),
        "/audit" => (Page::Audit { verify: head.query == "verify=1" }, None),
        path => {
            let id = path.strip_prefix("/events/").and_then(|id| InboundEventId::parse(id).ok());
            (Page::Event(id.ok_or(NoTarget { code: Code::NotFound, allow: None })?), None)
        }
    };
    match (head.method, form) {
        ("GET" | "HEAD", _) => Ok(Target::Page(page)),
        ("POST", Some(form)) => Ok(Target::Form(form)),
        (_, form) => {
            let allow = if form.is_some() { "GET, HEAD, POST" } else { "GET, HEAD" };
            Err(NoTarget { code: Code::MethodNotAllowed, allow: Some(allow.to_owned()) })
        }
    }
}

fn only<'a>(head: &Head<'_>, methods: &[&str], target: Target<'a>) -> Result<Target<'a>, NoTarget> {
    if methods.contains(&head.method) {
        return Ok(target);
    }
    Err(NoTarget { code: Code::MethodNotAllowed, allow: Some(methods.join(", ")) })
}
