//! `/sources/{id}`: what to paste where, what came and what was refused, and what can be done with it.

use super::sources::{PATH, alert, provider_name, status};
use crate::handlers::forms::Form;
use crate::pages::parts::{field, input, may, notice, refusal, secret, select, table, time, time_or};
use crate::pages::{Notice, Retry, Shell, Typed};
use maud::{Markup, html};
use protocol::Operation;
use protocol::api::{Endpoint, Me, Provider, Rejection, ShownOnce, Source, SourceCredential, SourceStatus};

/// How long an old secret verifies too.
pub(super) const OVERLAPS: [(&str, &str); 4] =
    [("86400", "for a day"), ("3600", "for an hour"), ("604800", "for a week"), ("0", "no more")];

/// What the page shows.
pub struct Data {
    /// The source.
    pub source: Source,
    /// Its provider, where the table still has it.
    pub provider: Option<Provider>,
    /// What was refused.
    pub rejections: Vec<Rejection>,
    /// Of the workspace.
    pub endpoints: Vec<Endpoint>,
}

/// The page.
pub fn render(
    shell: &Shell<'_>,
    me: &Me,
    data: &Data,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    let Data { source, rejections, .. } = data;
    let id = [("id", source.id.as_str())];
    let may_change = may(me, &Operation::CreateSource);
    shell.page(&source.name, PATH, &html! {
        p { a href=(PATH) { "← Webhook sources" } }
        h1 { (source.name) }
        (notice(done, "Source"))
        (refusal(retry, Form::Sources))
        (alert(source))
        (facts(data))
        @if may_change {
            div.row {
                @if source.status == SourceStatus::Paused { (shell.button(PATH, "resume", &id, "quiet", "Go on forwarding")) }
                @else { (shell.button(PATH, "pause", &id, "quiet", "Pause forwarding")) }
                @if source.has_verification_token { (shell.button(PATH, "token", &id, "", "Show the verification token, once")) }
                a.danger href=(format!("{PATH}/{}/delete", source.id)) { "Delete" }
            }
        }
        @if let Some(provider) = &data.provider { (at_the_provider(source, provider)) }
        section aria-labelledby="rejections" {
            h2 id="rejections" { "Refused" }
            p.faint { "Why is told to you, never to the sender. Nothing of the bodies is kept." }
            @if rejections.is_empty() { p.empty { "Nothing was refused." } } @else { (refused(rejections)) }
        }
        @if may(me, &Operation::ReplayEvents) { (replay(shell, data, retry)) }
        @if may_change { (settings(shell, data, retry)) }
        section aria-labelledby="listen" {
            h2 id="listen" { "On your own machine" }
            p { "Streams what comes to a local port; it needs an API key with " code { "sources:read" } " and " code { "inbound_events:read" } "." }
            pre tabindex="0" aria-label="Command" { "cargo xtask listen --url " (instance(source)) " --source " (source.id) " --to http://localhost:3000" }
        }
    })
}

/// The instance that takes the source's requests.
fn instance(source: &Source) -> &str {
    source.url.split("/in/").next().unwrap_or_default()
}

fn facts(data: &Data) -> Markup {
    let source = &data.source;
    let targets: Vec<_> =
        data.endpoints.iter().filter(|endpoint| endpoint.sources.contains(&source.id)).collect();
    html! {
        dl {
            dt { "Status" } dd {
                (status(source.status))
                @match source.status {
                    SourceStatus::Active => {}
                    SourceStatus::Paused => " Stores and acknowledges; what it stores is forwarded, in order, once it goes on.",
                    SourceStatus::AwaitingHandshake => " Register the URL at the provider: it sends its secret then.",
                }
            }
            dt { "Provider" } dd { (provider_name(&source.provider)) }
            dt { "Stored" } dd { (source.event_count) ", " a href=(format!("/events?source_id={}", source.id)) { "show them" } }
            dt { "Last one" } dd { (time_or(source.last_event_at.as_deref(), "none yet")) }
            dt { "Refused" } dd { (source.rejected_count) @if let Some(at) = &source.last_rejected_at { ", last " (time(at)) } }
            @if let Some(until) = &source.previous_secret_until { dt { "The secret before verifies too" } dd { "until " (time(until)) } }
            dt { "Forwarded to" } dd {
                @if targets.is_empty() { span.faint { "no endpoint; " } a href="/endpoints#new" { "create one" } }
                @for endpoint in targets { a href=(format!("/endpoints/{}", endpoint.id)) { code.wrap { (endpoint.url) } } " " }
            }
            dt { "Created" } dd { (time(&source.created_at)) }
        }
    }
}

fn at_the_provider(source: &Source, provider: &Provider) -> Markup {
    html! {
        section aria-labelledby="paste" {
            h2 id="paste" { "What to paste where" }
            dl {
                dt { "URL" } dd { code.wrap { (source.url) } @if provider.signs_url { br; "The provider signs it: register it to the letter." } }
                dt { (credential_name(provider.credential)) } dd { (provider.secret_hint) }
                @if let Some(handshake) = &provider.handshake { dt { "Handshake" } dd { (handshake) } }
                dt { "Scheme" } dd { (provider.scheme) }
                @if let Some(seconds) = provider.tolerance_seconds { dt { "Time" } dd { "at most " (seconds) " seconds from now" } }
                @if let Some(caveat) = &provider.caveat { dt { "Mind" } dd { strong { (caveat) } } }
                dt { "Documentation" } dd { a href=(provider.docs) rel="noreferrer" { (provider.docs) } }
            }
        }
    }
}

/// What a source of a provider is created with.
pub(super) fn credential_name(credential: SourceCredential) -> &'static str {
    match credential {
        SourceCredential::Secret => "Signing secret",
        SourceCredential::PublicKey => "Public key",
        SourceCredential::Handshake => "Sent by the provider",
    }
}

fn refused(rejections: &[Rejection]) -> Markup {
    table(
        "Refused requests",
        &["Last", "Times", "Reason", "Sender"],
        &html! { @for rejection in rejections { tr {
            td { (time(&rejection.at)) }
            td { (rejection.count) }
            td { (rejection.reason) br; code { (rejection.code) } }
            td { code { (rejection.ip) } br; span.faint { (rejection.user_agent) } }
        } } },
    )
}

fn replay(shell: &Shell<'_>, data: &Data, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed_for(retry, Form::Sources, "replay", name);
    html! {
        section aria-labelledby="replay" {
            h2 id="replay" { "Forward again" }
            form.card method="post" action=(PATH) {
                (shell.hidden("replay", &[("id", data.source.id.as_str())]))
                (field("Received since", "since", "datetime-local", typed("since"), "UTC. Leave empty for all."))
                (field("Received before", "until", "datetime-local", typed("until"), "UTC."))
                (field("Event types", "event_types", "text", typed("event_types"), "With spaces between. Leave empty for all."))
                (endpoint_select(&data.endpoints, &typed("endpoint_id"), "Every one that gets its events"))
                label.check {
                    input type="checkbox" name="failed_only" value="true" checked[!typed("failed_only").is_empty()];
                    span { "Only what has failed" }
                }
                button { "Forward again" }
            }
        }
    }
}

/// A choice of endpoint, or `all`.
pub(super) fn endpoint_select(endpoints: &[Endpoint], chosen: &Typed<'_>, all: &str) -> Markup {
    html! {
        label {
            span { "Endpoint" }
            select name="endpoint_id" aria-invalid=[chosen.invalid()] aria-describedby=[chosen.described_by()] {
                option value="" { (all) }
                @for endpoint in endpoints {
                    option value=(endpoint.id) selected[*chosen == endpoint.id.as_str()] { (endpoint.url) " " (endpoint.description) }
                }
            }
        }
        (chosen.fault())
    }
}

fn settings(shell: &Shell<'_>, data: &Data, retry: Option<&Retry>) -> Markup {
    let id = [("id", data.source.id.as_str())];
    let typed = |action, name| Retry::typed_for(retry, Form::Sources, action, name);
    let name = typed("rename", "name").or(|| data.source.name.as_str().into());
    let credential = data.provider.as_ref().map_or(SourceCredential::Secret, |provider| provider.credential);
    html! {
        section aria-labelledby="settings" {
            h2 id="settings" { "Settings" }
            div.columns {
                form.card method="post" action=(PATH) {
                    h3 { "Another name" }
                    (shell.hidden("rename", &id))
                    (input("Name", "name", "text", &name, ""))
                    button { "Rename" }
                }
                form.card method="post" action=(PATH) {
                    h3 { "Another secret" }
                    (shell.hidden("rotate", &id))
                    @if credential == SourceCredential::PublicKey {
                        (field("New public key", "public_key", "text", typed("rotate", "public_key"), ""))
                    } @else {
                        (secret("New signing secret", "secret", &typed("rotate", "secret"), "Sealed, and never shown again."))
                    }
                    (select("The one before verifies", "overlap_seconds", typed("rotate", "overlap_seconds"), &OVERLAPS))
                    button { "Rotate" }
                }
            }
        }
    }
}

/// Asks before it is deleted.
pub fn delete(shell: &Shell<'_>, source: &Source) -> Markup {
    let title = format!("Delete {}?", source.name);
    shell.page(&title, PATH, &html! {
        h1 { (title) }
        p { "Its URL takes nothing from then on, and its secret is wiped. Take it off the provider first, or the provider goes on trying. What it has stored stays until its retention ends." }
        form.card method="post" action=(PATH) {
            (shell.hidden("delete", &[("id", source.id.as_str())]))
            button.danger { "Delete " (source.name) }
            a href=(format!("{PATH}/{}", source.id)) { "Keep it" }
        }
    })
}

/// The one page that shows a verification token.
pub fn token(shell: &Shell<'_>, path: &str, token: &ShownOnce) -> Markup {
    shell.page(
        "Verification token",
        PATH,
        &html! {
            h1 { "The provider's verification token" }
            p { "Paste it at the provider, which has sent it to the URL. This is the only time it is shown." }
            pre.secret tabindex="0" aria-label="Verification token" { (token.0) }
            p { a href=(path) { "Done" } }
        },
    )
}
