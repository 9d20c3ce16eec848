//! What several pages are made of.

use super::{Notice, Retry};
use crate::handlers::forms::Form;
use maud::{Markup, html};

/// An RFC 3339 time, short for the eye and whole for the machine.
pub(super) fn time(at: &str) -> Markup {
    // `2026-11-22T04:05:06.789Z`
    let short = at.get(..16).map_or_else(|| at.to_owned(), |minute| minute.replacen('T', " ", 1));
    html! { time datetime=(at) title=(at) { (short) } }
}

/// A time, or what its absence means.
pub(super) fn time_or(at: Option<&str>, absent: &str) -> Markup {
    match at {
        Some(at) => time(at),
        None => html! { span.faint { (absent) } },
    }
}

/// A size, in the unit that writes it without a fraction.
pub(super) fn size(bytes: u32) -> String {
    match bytes {
        0 => "0 bytes".to_owned(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// What was just done to a `thing`.
pub(super) fn notice(notice: Option<Notice>, thing: &str) -> Markup {
    let done = notice.map(|notice| match notice {
        Notice::Created => "created",
        Notice::Deleted => "deleted",
        Notice::Revoked => "revoked",
    });
    html! { @if let Some(done) = done { p.notice role="status" { (thing) " " (done) "." } } }
}

/// Why a form was refused.
pub(super) fn refusal(retry: Option<&Retry>, form: Form) -> Markup {
    html! {
        @if let Some(retry) = retry.filter(|retry| retry.form == form) {
            div.problem role="alert" {
                strong { (retry.title) "." }
                @if let Some(detail) = &retry.detail { " " (detail) }
            }
        }
    }
}

/// A labelled input. `kind` is its type.
pub(super) fn input(label: &str, name: &str, kind: &str, typed: &str, hint: &str) -> Markup {
    html! {
        label {
            span { (label) }
            input type=(kind) name=(name) value=[(!typed.is_empty()).then_some(typed)] autocomplete="off" required;
            @if !hint.is_empty() { small { (hint) } }
        }
    }
}

/// An input for a secret: never filled in, never kept by the browser.
pub(super) fn secret(label: &str, name: &str, hint: &str) -> Markup {
    html! {
        label {
            span { (label) }
            input type="password" name=(name) autocomplete="off" spellcheck="false";
            @if !hint.is_empty() { small { (hint) } }
        }
    }
}

/// What stands where a role may not look.
pub(super) fn not_allowed(what: &str) -> Markup {
    html! { p.empty { "Your role does not include " (what) ". Ask an admin of this workspace." } }
}
