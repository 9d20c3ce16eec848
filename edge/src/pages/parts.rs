//! What several pages are made of.

use super::{Notice, Retry, Typed};
use crate::handlers::forms::Form;
use config::Config;
use maud::{Markup, html};
use protocol::api::Me;
use protocol::{Access, Operation, Region, Role};

/// Whether the one table of authorization lets somebody do it: what a page offers. The control plane decides.
pub(super) fn may(me: &Me, operation: &Operation) -> bool {
    match (operation.access(), me.role) {
        (Access::Needs(permission) | Access::SessionNeeds(permission), Some(role)) => role.grants(permission),
        (Access::Operator, role) => role == Some(Role::SuperAdmin),
        _ => false,
    }
}

/// A table with its heads; one without words is of buttons.
pub(super) fn table(label: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) { table {
            thead { tr { @for head in heads {
                th scope="col" { @if head.is_empty() { span.hidden { "Actions" } } @else { (head) } }
            } } }
            tbody { (rows) }
        } }
    }
}

/// The way to a list's next page, where there is one.
pub(super) fn more(path: &str, next_cursor: Option<&str>) -> Markup {
    more_of(path, "", next_cursor)
}

/// The same of a list that a query narrows; the query ends with `&` where there is one.
pub(super) fn more_of(path: &str, query: &str, next_cursor: Option<&str>) -> Markup {
    html! { @if let Some(next) = next_cursor { p { a href=(format!("{path}?{query}cursor={next}")) { "More" } } } }
}

/// Short texts, each as code.
pub(super) fn codes(texts: &[String]) -> Markup {
    html! { @for text in texts { code.wrap { (text) } " " } }
}

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
    html! { @if let Some(notice) = notice { p.notice role="status" { (notice.text(thing)) } } }
}

/// A number with its thousands apart.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A role, for people.
pub(super) fn role_name(role: Role) -> &'static str {
    role.title()
}

/// A choice of role. `label` is for those who don't see where it stands.
pub(super) fn role_select(label: &Markup, chosen: Role) -> Markup {
    html! {
        label {
            (label)
            select name="role" {
                @for role in Role::ASSIGNABLE {
                    option value=(role.as_str()) selected[role == chosen] { (role_name(role)) }
                }
            }
        }
    }
}

/// A choice of region.
pub(super) fn region_select(config: &Config, typed: &Typed<'_>) -> Markup {
    let chosen = |region: &Region| match typed.as_ref() {
        "" => *region == config.residency.default,
        typed => region.as_str() == typed,
    };
    html! {
        label {
            span { "Region" }
            select name="region" aria-invalid=[typed.invalid()] aria-describedby=[typed.described_by()] {
                @for region in &config.residency.regions {
                    option value=(region.as_str()) selected[chosen(region)] { (region_name(*region)) }
                }
            }
            small { "Where its data lives, for good." }
        }
        (typed.fault())
    }
}

/// A region, for people.
pub(super) fn region_name(region: Region) -> &'static str {
    match region {
        Region::Eu => "European Union",
        Region::Us => "United States",
        Region::Auto => "Automatic (nearest)",
    }
}

/// An input for a new password.
pub(super) fn new_password(label: &str, name: &str, typed: &Typed<'_>) -> Markup {
    html! {
        label {
            span { (label) }
            input type="password" name=(name) autocomplete="new-password" minlength="10" required
                aria-invalid=[typed.invalid()] aria-describedby=[typed.described_by()];
            small { "At least 10 characters. Common words, sequences and your own details are not enough." }
        }
        (typed.fault())
    }
}

/// An input for the code of an authenticator app.
pub(super) fn code(label: &str, hint: &str, required: bool, typed: &Typed<'_>) -> Markup {
    html! {
        label {
            span { (label) }
            input type="text" name="code" autocomplete="one-time-code" inputmode="numeric" autocapitalize="none"
                spellcheck="false" maxlength="64" required[required]
                aria-invalid=[typed.invalid()] aria-describedby=[typed.described_by()];
            @if !hint.is_empty() { small { (hint) } }
        }
        (typed.fault())
    }
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

/// A labelled input.
pub(super) struct Line<'l> {
    /// For everybody.
    pub(super) label: &'l str,
    /// Of the form's field.
    pub(super) name: &'l str,
    /// Its type.
    pub(super) kind: &'l str,
    /// What a browser may fill in.
    pub(super) autocomplete: &'l str,
    /// Whether it may not be left empty.
    pub(super) required: bool,
    /// What else is to be said of it.
    pub(super) hint: &'l str,
}

impl Line<'_> {
    /// With what was typed into it.
    pub(super) fn with(&self, typed: &Typed<'_>) -> Markup {
        html! {
            label {
                span { (self.label) }
                input type=(self.kind) name=(self.name) value=[(!typed.is_empty()).then_some(typed)]
                    autocomplete=(self.autocomplete) spellcheck="false" required[self.required]
                    aria-invalid=[typed.invalid()] aria-describedby=[typed.described_by()];
                @if !self.hint.is_empty() { small { (self.hint) } }
            }
            (typed.fault())
        }
    }
}

/// A line that must be filled in, and no browser does. `kind` is its type.
pub(super) fn input<'t>(
    label: &str,
    name: &str,
    kind: &str,
    typed: impl Into<Typed<'t>>,
    hint: &str,
) -> Markup {
    Line { label, name, kind, autocomplete: "off", required: true, hint }.with(&typed.into())
}

/// The same for what may be left empty.
pub(super) fn field<'t>(
    label: &str,
    name: &str,
    kind: &str,
    typed: impl Into<Typed<'t>>,
    hint: &str,
) -> Markup {
    Line { label, name, kind, autocomplete: "off", required: false, hint }.with(&typed.into())
}

/// The password that somebody has.
pub(super) fn password<'t>(label: &str, name: &str, typed: impl Into<Typed<'t>>, required: bool) -> Markup {
    Line { label, name, kind: "password", autocomplete: "current-password", required, hint: "" }
        .with(&typed.into())
}

/// A labelled text of several lines.
pub(super) fn area<'t>(label: &str, name: &str, typed: impl Into<Typed<'t>>, hint: &Markup) -> Markup {
    let typed = typed.into();
    html! {
        label {
            span { (label) }
            textarea name=(name) rows="3" spellcheck="false" aria-invalid=[typed.invalid()]
                aria-describedby=[typed.described_by()] { (typed) }
            small { (hint) }
        }
        (typed.fault())
    }
}

/// A labelled choice of `(value, words)`.
pub(super) fn select<'t>(
    label: &str,
    name: &str,
    chosen: impl Into<Typed<'t>>,
    options: &[(&str, &str)],
) -> Markup {
    let chosen = chosen.into();
    html! {
        label {
            span { (label) }
            select name=(name) aria-invalid=[chosen.invalid()] aria-describedby=[chosen.described_by()] {
                @for (value, words) in options { option value=(value) selected[chosen == *value] { (words) } }
            }
        }
        (chosen.fault())
    }
}

/// An input for a secret: never filled in, never kept by the browser.
pub(super) fn secret(label: &str, name: &str, typed: &Typed<'_>, hint: &str) -> Markup {
    Line { label, name, kind: "password", autocomplete: "off", required: false, hint }.with(typed)
}

/// What stands where a role may not look.
pub(super) fn not_allowed(what: &str) -> Markup {
    html! { p.empty { "Your role does not include " (what) ". Ask an admin of this workspace." } }
}
