//! `/sources`: the list, what is the matter with each, and the form for a new one.

use super::parts::badge;
use crate::handlers::forms::Form;
use crate::pages::parts::{field, input, may, more, notice, refusal, secret, select, table, time, time_or};
use crate::pages::{Notice, Retry, Shell};
use maud::{Markup, html};
use protocol::Operation;
use protocol::api::{List, Me, Source, SourceStatus};
use webhooks::providers;

pub(super) const PATH: &str = "/sources";

type Choices = &'static [(&'static str, &'static str)];

/// A generic scheme's fields: name, label, hint, and what there is to choose; none: free text.
#[rustfmt::skip]
const SCHEME: [(&str, &str, &str, Choices); 11] = [
    ("scheme.header", "Header of the signature", "x-signature", &[]),
    ("scheme.algorithm", "Algorithm", "", &[("hmac-sha256", "HMAC-SHA256"), ("hmac-sha512", "HMAC-SHA512"), ("hmac-sha1", "HMAC-SHA1")]),
    ("scheme.encoding", "The signature is written in", "", &[("hex", "hex, in either case"), ("base64", "base64"), ("base64url", "base64url")]),
    ("scheme.prefix", "Before the signature stands", "Such as sha256=.", &[]),
    ("scheme.key_encoding", "The secret is written in", "", &[("utf8", "plain text"), ("hex", "hex"), ("base64", "base64")]),
    ("scheme.signed", "What is signed", "{body}, or with {timestamp}, {id}, {method}, {url} and text around it: {timestamp}.{body}", &[]),
    ("scheme.timestamp_header", "Header of the time", "Needed for {timestamp}.", &[]),
    ("scheme.timestamp_unit", "The time is in", "", &[("seconds", "seconds"), ("milliseconds", "milliseconds"), ("rfc3339", "RFC 3339")]),
    ("scheme.tolerance_seconds", "How far it may lie from now, in seconds", "1 to 3600; 300 where empty.", &[]),
    ("scheme.id_header", "Header of the event's id", "", &[]),
    ("scheme.type_header", "Header of the event's type", "", &[]),
];

/// The page. `provider`: chosen beforehand for the new one.
pub fn render(
    shell: &Shell<'_>,
    me: &Me,
    sources: &List<Source>,
    provider: Option<&str>,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    shell.page("Webhook sources", PATH, &html! {
        h1 { "Webhook sources" }
        (notice(done, "Source"))
        (refusal(retry, Form::Sources))
        @for source in &sources.data { (alert(source)) }
        @if sources.data.is_empty() {
            p.empty {
                "No source yet. Create one and paste its URL at the provider: each event is verified, stored, and only then "
                "acknowledged."
            }
        } @else {
            (list(&sources.data))
        }
        (more(PATH, sources.next_cursor.as_deref()))
        @if may(me, &Operation::CreateSource) { (create(shell, provider, retry)) }
    })
}

/// Says that a source refuses more than is usual.
pub fn alert(source: &Source) -> Markup {
    html! { @if let Some(since) = &source.alerting_since {
        div.problem role="status" {
            strong { (source.name) " refuses too much since " (time(since)) "." }
            " Somebody forges events, or the secret is not the provider's any more. "
            a href=(format!("{PATH}/{}#rejections", source.id)) { "See why" }
        }
    } }
}

fn list(sources: &[Source]) -> Markup {
    let heads = ["Name", "URL to paste at the provider", "Status", "Stored", "Last one", "Refused"];
    table(
        "Your sources",
        &heads,
        &html! { @for source in sources { tr {
            td {
                strong { a href=(format!("{PATH}/{}", source.id)) { (source.name) } } br;
                span.faint { (provider_name(&source.provider)) }
            }
            td { code.wrap { (source.url) } }
            td { (status(source.status)) }
            td { (source.event_count) }
            td { (time_or(source.last_event_at.as_deref(), "none yet")) }
            td { (source.rejected_count) }
        } } },
    )
}

/// Whether it works, in a word or two.
pub(super) fn status(status: SourceStatus) -> Markup {
    match status {
        SourceStatus::Active => badge("good", "active"),
        SourceStatus::Paused => badge("waits", "paused"),
        SourceStatus::AwaitingHandshake => badge("waits", "awaits the handshake"),
    }
}

fn create(shell: &Shell<'_>, provider: Option<&str>, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed_for(retry, Form::Sources, "create", name);
    let chosen = typed("provider").or(|| provider.unwrap_or_default().into());
    let generic = webhooks::provider("generic").is_none();
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "New source" }
            form.card method="post" action=(PATH) {
                (shell.hidden("create", &[]))
                label {
                    span { "Provider" }
                    select name="provider" required aria-invalid=[chosen.invalid()] aria-describedby=[chosen.described_by()] {
                        option value="" selected[chosen.is_empty()] { "Choose…" }
                        @for provider in providers() {
                            option value=(provider.id) selected[chosen == provider.id] { (provider.name) }
                        }
                        @if generic { option value="generic" selected[chosen == "generic"] { "Another sender" } }
                    }
                    small { a href="/providers" { "How each signs, and what it takes" } }
                }
                (chosen.fault())
                (input("Name", "name", "text", typed("name"), ""))
                (secret("Signing secret", "secret", &typed("secret"), "As the provider shows it. It verifies events; it is sealed and never shown again. Empty where the provider sends it by itself, or has a public key."))
                (field("Public key", "public_key", "text", typed("public_key"), "Of providers that sign with a key pair."))
                (field("URL at the provider", "url", "url", typed("url"), "Where requests come through a domain of yours, for providers that sign the URL."))
                details open[chosen == "generic"] {
                    summary { "How another sender signs" }
                    div.card { @for (name, label, hint, options) in SCHEME {
                        @if options.is_empty() { (field(label, name, "text", typed(name), hint)) }
                        @else { (select(label, name, typed(name), options)) }
                    } }
                }
                button { "Create source" }
            }
        }
    }
}

/// For people; the id itself where the table no longer has it.
pub(in crate::pages) fn provider_name(id: &str) -> &str {
    webhooks::provider(id).map_or(id, |provider| provider.name)
}
