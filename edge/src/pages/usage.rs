//! `/usage`: what the workspace uses of its plan, now (claim N3).

use super::Shell;
use super::parts::{number, time};
use maud::{Markup, html};
use protocol::api::{Amount, Usage};
use protocol::{Feature, Meter};

const PATH: &str = "/usage";
/// Plan, resources, meters.
pub fn render(shell: &Shell<'_>, usage: &Usage) -> Markup {
    let resources = usage.resources.iter().map(|(name, amount)| (resource_name(name), *amount));
    let meters = usage.meters.iter().map(|(meter, amount)| (meter_name(*meter), *amount));
    shell.page("Usage", PATH, &html! {
        h1 { "Usage" }
        dl {
            dt { "Plan" } dd { strong { (usage.plan) } }
            @if let Some(next) = &usage.next_plan {
                dt { "From " (time(&next.at)) " on" } dd { strong { (next.plan) } ", with its lower limits" }
            }
            dt { "Includes" } dd {
                @if usage.features.is_empty() { "nothing besides reading what is there" }
                @for (place, feature) in usage.features.iter().enumerate() {
                    @if place > 0 { ", " } (feature_name(*feature))
                }
            }
            dt { "This cycle" } dd { (time(&usage.cycle_started_at)) " to " (time(&usage.cycle_ends_at)) " UTC" }
        }
        section aria-labelledby="resources" {
            h2 id="resources" { "At a time" }
            (table("What there is", resources))
        }
        section aria-labelledby="meters" {
            h2 id="meters" { "In this cycle" }
            @if usage.meters.is_empty() {
                p.empty { "Your plan counts nothing." }
            } @else {
                (table("What was counted", meters))
            }
        }
    })
}

fn table<'n>(label: &str, rows: impl Iterator<Item = (&'n str, Amount)>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) { table {
            thead { tr {
                th scope="col" { "What" } th scope="col" { "Used" } th scope="col" { "Included" }
                th scope="col" { "Share" }
            } }
            tbody { @for (name, amount) in rows { tr {
                td { (name) }
                td { (number(amount.used)) }
                td { @match amount.limit { Some(limit) => (number(limit)), None => "no limit" } }
                td { (bar(name, amount)) }
            } } }
        } }
    }
}

fn bar(name: &str, amount: Amount) -> Markup {
    html! {
        @match amount.limit {
            None => span.faint { "–" },
            Some(0) => span.faint { "not included" },
            Some(limit) => {
                @let percent = amount.used.saturating_mul(100) / limit;
                meter min="0" max=(limit) optimum="0" high=(limit.saturating_mul(4) / 5) value=(amount.used)
                    aria-label=(name) {}
                " " (percent) " %"
                @if percent >= 100 { " " strong { "used up" } }
            }
        }
    }
}

fn resource_name(name: &str) -> &str {
    match name {
        "api_keys" => "API keys",
        "connections" => "Connections",
        "members" => "Members",
        "sources" => "Webhook sources",
        "endpoints" => "Endpoints",
        other => other,
    }
}

fn meter_name(meter: Meter) -> &'static str {
    match meter {
        Meter::InboundEvents => "Webhooks stored",
        Meter::Messages => "Messages published",
        Meter::ProxyCalls => "Calls through connections",
        Meter::KeyVerifications => "Verifications of API keys",
    }
}

fn feature_name(feature: Feature) -> &'static str {
    match feature {
        Feature::Connections => "connections",
        Feature::Webhooks => "webhooks",
        Feature::KeyVerification => "verification of API keys",
        Feature::Gateway => "the gateway",
        Feature::Audit => "the audit trail",
    }
}
