//! A form that was refused: what was typed into it, and which of its fields are wrong.
//!
//! Invariant: a fault is either marked at a field that the form has, or said above it; none is lost.

use crate::handlers::forms::{Fields, Form};
use maud::{Markup, Render, html};
use protocol::{Code, Detail};
use std::borrow::Cow;
use std::ops::Deref;

/// A form that was refused: why, and what was typed.
pub struct Retry {
    /// Which.
    pub form: Form,
    /// The answer's status.
    pub status: u16,
    /// What stands above the form.
    pub title: &'static str,
    /// The problem's detail, unless it stands at a field.
    pub detail: Option<Cow<'static, str>>,
    /// Without secrets.
    pub fields: Fields,
    faults: Vec<Fault>,
}

/// What is wrong with one field of the form.
struct Fault {
    name: String,
    message: String,
}

/// What the API calls otherwise than our forms.
const NAMES: [(&str, &str); 4] = [
    ("expires_at", "expires_on"),
    ("rate_limit", "limit"),
    ("auth.header", "parameter"),
    ("auth.query", "parameter"),
];
/// Groups of boxes: nothing is sent of one where none is ticked.
const BOXES: [&str; 3] = ["scopes", "sources", "accept_terms"];
/// Fields that nobody sees, and choices of which none is wrong: what is said of them stands above the form.
const UNMARKED: [&str; 13] = [
    "id",
    "action",
    "csrf_token",
    "connector",
    "auth_type",
    "back",
    "cursor",
    "with_sources",
    "role",
    "method",
    "failed_only",
    "no_headers",
    "allow_writable_role",
];

impl Retry {
    /// What was typed is kept, secrets aside.
    pub fn new(form: Form, code: Code, detail: Option<Detail>, typed: Fields) -> Self {
        let faults = faults(code, detail.as_ref(), &typed);
        let marked = !faults.is_empty();
        let generic = matches!(code, Code::ValidationFailed | Code::InvalidRequest);
        let title = if marked && generic { "Check the field that is marked" } else { code.title() };
        let detail = detail.filter(|_| !marked).map(|detail| detail.text().clone());
        Self { form, status: code.status(), title, detail, fields: typed.without_secrets(), faults }
    }

    /// `form`'s field.
    pub(super) fn typed<'r>(retry: Option<&'r Self>, form: Form, name: &str) -> Typed<'r> {
        let retry = retry.filter(|retry| retry.form == form);
        retry.map(|retry| retry.field(name)).unwrap_or_default()
    }

    /// The same where a page has several forms at one path.
    pub(super) fn typed_for<'r>(retry: Option<&'r Self>, form: Form, action: &str, name: &str) -> Typed<'r> {
        Self::typed(retry.filter(|retry| retry.fields.text("action") == action), form, name)
    }

    /// One of its fields.
    pub(super) fn field(&self, name: &str) -> Typed<'_> {
        Typed {
            text: self.fields.get(name).unwrap_or_default().into(),
            fault: self.faults.iter().find(|fault| fault.name == name),
        }
    }
}

/// What can be marked: all that is wrong or nothing, so that what stands above the form is the whole or none of it.
fn faults(code: Code, detail: Option<&Detail>, typed: &Fields) -> Vec<Fault> {
    let own = match code {
        Code::EmailTaken | Code::AlreadyMember => Some("email"),
        Code::InvalidCode => Some("code"),
        Code::BaseUrlRefused => Some("base_url"),
        Code::PathRefused => Some("path"),
        _ => None,
    };
    let errors = detail.map(Detail::errors).unwrap_or_default();
    let fault = |path: &str, message: &str| {
        Some(Fault { name: name(path, typed)?.to_owned(), message: sentence(message) })
    };
    let all: Option<Vec<Fault>> = match own {
        Some(own) if errors.is_empty() => {
            fault(own, detail.map_or(code.title(), |detail| detail.text())).map(|fault| vec![fault])
        }
        _ => errors.iter().map(|error| fault(&error.field, &error.message)).collect(),
    };
    all.unwrap_or_default()
}

/// The form's field that the API's `path` is about.
fn name<'f>(path: &'f str, typed: &'f Fields) -> Option<&'f str> {
    let path = NAMES.iter().find(|(api, _)| *api == path).map_or(path, |(_, form)| form);
    // Each box names a scope that there is: only what was typed can be none.
    let path = if path == "scopes" && !typed.text("app_scopes").is_empty() { "app_scopes" } else { path };
    let seen = || typed.names().chain(BOXES).filter(|name| !name.is_empty() && !UNMARKED.contains(name));
    let above =
        |name: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let last = path.rsplit('.').next();
    seen().find(|name| above(name)).or_else(|| seen().find(|name| Some(*name) == last))
}

/// A message of the API as a sentence of its own.
fn sentence(message: &str) -> String {
    let mut rest = message.chars();
    let first = rest.next().map(char::to_uppercase);
    let end = if message.ends_with(['.', '?', '!']) { "" } else { "." };
    first.into_iter().flatten().chain(rest).chain(end.chars()).collect()
}

/// A field of a form: what was typed into it, and what is wrong with that.
#[derive(Clone, Default)]
pub(super) struct Typed<'t> {
    /// Empty for a secret.
    pub(super) text: Cow<'t, str>,
    fault: Option<&'t Fault>,
}

impl<'t> Typed<'t> {
    /// The same field with another text.
    pub(super) fn or(self, text: impl FnOnce() -> Cow<'t, str>) -> Self {
        if self.text.is_empty() { Self { text: text(), ..self } } else { self }
    }

    /// `aria-invalid`.
    pub(super) fn invalid(&self) -> Option<&'static str> {
        self.fault.map(|_| "true")
    }

    /// `aria-describedby`.
    pub(super) fn described_by(&self) -> Option<String> {
        self.fault.map(|fault| format!("wrong-{}", fault.name))
    }

    /// What is wrong with it: stands behind its label.
    pub(super) fn fault(&self) -> Markup {
        html! { @if let Some(fault) = self.fault { p.fault id=[self.described_by()] { (fault.message) } } }
    }
}

impl Deref for Typed<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}

impl PartialEq<&str> for Typed<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl Render for Typed<'_> {
    fn render_to(&self, buffer: &mut String) {
        self.text.render_to(buffer);
    }
}

impl<'t> From<&'t str> for Typed<'t> {
    fn from(text: &'t str) -> Self {
        Self { text: text.into(), fault: None }
    }
}

impl From<String> for Typed<'_> {
    fn from(text: String) -> Self {
        Self { text: text.into(), fault: None }
    }
}

impl<'t> From<&'t String> for Typed<'t> {
    fn from(text: &'t String) -> Self {
        text.as_str().into()
    }
}

impl<'t> From<&'t Typed<'_>> for Typed<'t> {
    fn from(typed: &'t Typed<'_>) -> Self {
        Self { text: typed.text.as_ref().into(), fault: typed.fault }
    }
}
