//! What a scheme keeps inside the body: the one thing read there before a signature is known to be valid.
//!
//! A provider that puts its signature into the body, or signs values of it, leaves no other way. So both readers are
//! bounded and strict: a key or field that is there twice is refused, lest the tenant's reader find another value than
//! the one that was verified.

use crate::form::{self, Form};
use crate::json::pick_once;
use crate::provider::{Field, Part, Parts, Path, Place};
use crate::url;
use crate::verify::Refusal;

/// Values of the body, as far as the scheme names them.
#[derive(Debug, Default)]
pub(crate) struct Inside<'r> {
    form: Form<'r>,
    json: Vec<(Path<'r>, Option<String>)>,
}

impl<'r> Inside<'r> {
    pub(crate) fn read(parts: &Parts<'r>, url: &str, body: &'r [u8]) -> Result<Self, Refusal> {
        let form = if has_form(parts, url) {
            let form = form::read(body).ok_or(Refusal::BodyMalformed)?;
            if !form.iter().all(|(name, _)| knows(parts, name)) {
                return Err(Refusal::BodyMalformed);
            }
            form
        } else {
            Vec::new()
        };
        let paths: Vec<Path<'r>> = json_paths(parts).collect();
        let found = if paths.is_empty() { Vec::new() } else { pick_once(body, &paths) };
        Ok(Inside { form, json: paths.into_iter().zip(found).collect() })
    }

    /// The only value of a form's field.
    pub(crate) fn form(&self, name: &str) -> Option<&str> {
        form::value(&self.form, name)
    }

    /// The form's fields in the order in which they are signed.
    pub(crate) fn sorted_form(&self) -> String {
        form::sorted(&self.form)
    }

    /// A JSON value.
    pub(crate) fn json(&self, path: Path<'_>) -> Option<&str> {
        self.json.iter().find_map(|(its_path, found)| if *its_path == path { found.as_deref() } else { None })
    }
}

/// Whether the body is read as a form. One whose hash stands in the signed URL is not.
fn has_form(parts: &Parts<'_>, url: &str) -> bool {
    matches!(parts.signature.place, Place::Form(_))
        || parts.signed.iter().any(|part| match part {
            Part::Form(_) => true,
            Part::SortedForm { body_hash } => {
                body_hash.is_none_or(|name| url::parameter(url, name).is_none())
            }
            _ => false,
        })
}

/// Whether a form's field is signed or the signature.
fn knows(parts: &Parts<'_>, name: &str) -> bool {
    matches!(parts.signature.place, Place::Form(its_name) if its_name == name)
        || parts.signed.iter().any(|part| match part {
            Part::Form(its_name) => *its_name == name,
            Part::SortedForm { .. } => true,
            _ => false,
        })
}

/// The paths of the signature, the signed values and the signed time.
fn json_paths<'r>(parts: &Parts<'r>) -> impl Iterator<Item = Path<'r>> {
    let place = if let Place::Json(path) = parts.signature.place { Some(path) } else { None };
    let time = match parts.timestamp.map(|rule| rule.source) {
        Some(Field::Json(path)) if parts.signs_time() => Some(path),
        _ => None,
    };
    let signed = parts
        .signed
        .iter()
        .filter_map(|part| if let Part::Json { path, .. } = part { Some(*path) } else { None });
    place.into_iter().chain(time).chain(signed)
}
