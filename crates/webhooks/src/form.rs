//! `application/x-www-form-urlencoded` bodies, read strictly: whatever a reader might leave out or take twice is refused.

use std::borrow::Cow;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Most fields read.
const MAX_FIELDS: usize = 1000;

/// A form's names and values, decoded, in the order they came in.
pub(crate) type Form<'b> = Vec<(Cow<'b, str>, Cow<'b, str>)>;

/// Reads a form. `None` if a field has no `=`, is there twice, or isn't UTF-8 rightly encoded. An empty body is an empty
/// form.
pub(crate) fn read(body: &[u8]) -> Option<Form<'_>> {
    let text = str::from_utf8(body).ok()?;
    if text.is_empty() {
        return Some(Vec::new());
    }
    let mut form: Form<'_> = Vec::new();
    for field in text.split('&') {
        let (name, value) = field.split_once('=')?;
        if form.len() == MAX_FIELDS {
            return None;
        }
        form.push((decode(name)?, decode(value)?));
    }
    let mut sorted: Vec<_> = form.iter().collect();
    sorted.sort_unstable();
    (!sorted.windows(2).any(|two| matches!(two, [a, b] if a == b))).then_some(form)
}

/// The only value of a name.
pub(crate) fn value<'f>(form: &'f Form<'_>, name: &str) -> Option<&'f str> {
    let mut values = form.iter().filter(|(its_name, _)| its_name == name);
    let (_, value) = values.next()?;
    values.next().is_none().then_some(value)
}

/// Name and value of every field, sorted, with nothing in between.
pub(crate) fn sorted(form: &Form<'_>) -> String {
    let mut fields: Vec<_> = form.iter().collect();
    fields.sort_unstable();
    fields.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]).collect()
}

/// Writes one field, every byte but letters and digits encoded.
pub(crate) fn write(name: &str, value: &str) -> String {
    format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
}

/// Decodes a name or value: `+` is a space, `%` stands before two hex digits.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    let encoded = text.split('%').skip(1);
    for rest in encoded {
        rest.get(..2).filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    }
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|text| Cow::Owned(text.into_owned()))
}
