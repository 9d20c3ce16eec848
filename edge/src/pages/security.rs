//! `/security`: what is enforced, read from the configuration and the constants that enforce it (claims T8, B11). A line
//! stands here only if the code of this build does what it says.

use super::Shell;
use super::parts::{size, table};
use crate::security_headers::{BASE, page_policy};
use config::{Config, Quota};
use connectors::catalogue;
use maud::{Markup, html};
use webhooks::providers;

/// The page.
pub fn render(config: &Config, nonce: &str) -> Markup {
    let shell = Shell { brand: &config.brand.name, nonce, csrf: None, me: None };
    let limits = &config.limits;
    let rates = &config.rate_limits;
    let contact = config.brand.security_contact.as_str();
    let (_, policy) = page_policy("…", &config.csp);
    shell.page("Security", "/security", &html! {
        h1 { "Security" }
        p { "This page is written from the configuration that this deployment enforces." }

        h2 { "Signing in" }
        dl {
            dt { "Session token" } dd { "Ed25519, valid for " (config.sessions.access_seconds) " seconds; the server-side session decides" }
            dt { "Unused session" } dd { "ends after " (config.sessions.idle_days) " days" }
            dt { "Passwords" } dd { "kept as bcrypt hashes of cost " (tokens::PASSWORD_COST) }
            dt { "Wrong passwords" } dd { "of one account: " (quota(rates.account)) ", counted exactly, whether or not it exists" }
            dt { "Second factor" } dd { "authenticator app (RFC 6238) with single-use recovery codes" }
            dt { "Sensitive changes" } dd { "need a password or code of the last " (config.sessions.reauthentication_minutes) " minutes" }
            @if !config.sign_in.oidc.is_empty() {
                dt { "Identity providers" } dd {
                    @for (index, provider) in config.sign_in.oidc.iter().enumerate() { @if index > 0 { ", " } (provider.name) }
                    "; asked for " code { "openid email profile" } " and nothing else"
                }
            }
            dt { "Roles" } dd { "checked by the server on every call; nobody raises their own" }
            dt { "API keys" } dd { "256 random bits, shown once, kept as bcrypt hashes; forged ones are refused by their MAC" }
            dt { "Cookie" } dd { code { "__Host-, Secure, HttpOnly, SameSite=Lax" } "; a change by cookie needs this origin and a CSRF token, on a gateway route this origin" }
        }

        h2 { "Revocation" }
        dl {
            dt { "Your data" } dd { "checked again in the workspace's own database, on every request" }
            dt { "Decisions at the edge" } dd { "by an answer at most " (config.revocation.max_staleness_seconds) " seconds old; a WebSocket of a gateway route when it opens" }
        }

        h2 { "Limits" }
        p { "Requests are counted in each instance of the edge; sign-ins, and limits of a key's or a workspace's own, in one place for all of them." }
        dl {
            dt { "Of one address" } dd { (quota(rates.ip)) }
            dt { "Sign-in and sign-up of one address" } dd { (quota(rates.auth)) }
            dt { "Sign-in and sign-up of all" } dd { (quota(rates.passwords)) }
            dt { "Of one user or key" } dd { (quota(rates.principal)) }
            dt { "Of one webhook source" } dd { (quota(rates.source)) }
            dt { "JSON body" } dd { (size(limits.json_body_bytes)) }
            dt { "Webhook body" } dd { (size(limits.webhook_body_bytes)) }
            dt { "Proxied body" } dd { (size(limits.proxy_body_bytes)) }
            dt { "Headers" } dd { (size(limits.header_bytes)) }
            dt { "URL" } dd { (size(limits.url_bytes)) }
        }

        (webhooks_in(config))
        (webhooks_out(config))

        h2 { "Third parties' credentials" }
        dl {
            dt { "Sealed" } dd { "with AES-256-GCM by a key of the workspace's own, bound to its connection and the hosts that it may go to, before it is stored" }
            dt { "Keys" } dd { "each workspace's is wrapped by a key that comes with the deployment and is not stored with the data; both are rotated online" }
            dt { "Out" } dd { "there is no call that returns one; what a third party echoes of it is redacted from the answer" }
            dt { "Access tokens of OAuth" } dd { "in memory alone, where the provider lets them expire" }
            dt { "Calls through one connection" } dd { (quota(rates.connection)) }
            dt { "Disconnecting" } dd { "revokes at the provider where it can be done, at once, and gives a receipt with the provider's answer" }
            dt { "Deleting a workspace" } dd { "destroys its key and gives a signed certificate" }
        }
        h2 { "Connectors" }
        p { "Each asks for these scopes, as they are sent, and no others. Only listed requests pass and only listed fields return; what writes takes a person's own session." }
        (table("Connectors", &["Provider", "OAuth scopes, as sent", "Writes"], &html! {
            @for connector in catalogue::all() { tr {
                td { (connector.name) }
                td {
                    @for scope in connector.scopes { code.wrap { (scope.scope) } " " }
                    @if connector.scopes.is_empty() { span.faint { "none" } }
                }
                td { @if connector.id == "http" { "whatever its own API does" } @else if connector.writes { "by a person's click" } @else { "nothing" } }
            } }
        }))

        h2 { "Retention" }
        dl {
            dt { "Stored webhooks" } dd { "readable for " (config.retention.inbound_events_days) " days, then deleted daily" }
            dt { "Messages" } dd { "with their deliveries and attempts for " (config.retention.messages_days) " days, then deleted daily" }
            dt { "Idempotency keys" } dd { "answer the same for " (config.retention.idempotency_hours) " hours; the kept answer is sealed" }
        }

        h2 { "On every page" }
        p { "Every other answer has the same headers with a content policy that allows nothing at all; what your own upstream answers may bring its own policy." }
        div.scroll tabindex="0" role="region" aria-label="Headers" { table {
            thead { tr { th scope="col" { "Header" } th scope="col" { "Value" } } }
            tbody {
                @for (name, value) in BASE { tr { td { code { (name) } } td { code.wrap { (value) } } } }
                tr { td { code { "content-security-policy" } } td { code.wrap { (policy) } } }
            }
        } }

        h2 { "Report a vulnerability" }
        p { a href=(contact) { (contact.trim_start_matches("mailto:")) } " · "
            a href="/.well-known/security.txt" { "security.txt" } }
    })
}

fn webhooks_in(config: &Config) -> Markup {
    let tolerances = || providers().iter().filter_map(webhooks::Provider::tolerance_seconds);
    let timeless = providers().iter().filter(|provider| provider.tolerance_seconds().is_none()).count();
    let failures = config.detections.signature_failures;
    html! {
        h2 { "Webhooks in" }
        dl {
            dt { "Verified" } dd { "by the schemes of " (providers().len()) " providers, over the bytes as they arrive and in constant time, before anything else reads them" }
            dt { "A signed time" } dd {
                "may lie at most "
                @match (tolerances().min(), tolerances().max()) {
                    (Some(least), Some(most)) if least != most => { (least) " to " (most) " seconds, by provider," }
                    (least, _) => { (least.unwrap_or_default()) " seconds" }
                }
                " from now, before or after; " (timeless) " providers sign none"
            }
            dt { "What comes again" } dd { "is stored once: known by the provider's id where the signature covers it, else by the body's hash" }
            dt { "Acknowledged" } dd { "once it is stored, and not before" }
            dt { "Refused" } dd { "the reason is told to the workspace, never to the sender" }
            dt { "Forged ones" } dd { "of one source: more than " (failures.limit) " in " (failures.period_seconds) " seconds are told to its admins and logged as a detection" }
        }
    }
}

fn webhooks_out(config: &Config) -> Markup {
    html! {
        h2 { "Webhooks out" }
        dl {
            dt { "Signed" } dd { "by Standard Webhooks with a secret of the endpoint's own, HMAC-SHA256 or Ed25519, in " code { "webhook-signature" } " and in a header that carries the brand" }
            dt { "Delivered" } dd { "at least once; what comes twice has the same " code { "webhook-id" } }
            dt { "Tried" } dd { "at once, after 5 seconds, 5 and 30 minutes, 2, 5, 10 and 10 hours, then kept as a dead letter that can be sent again" }
            dt { "Where to" } dd { "HTTPS of public hosts; redirects are not followed; an endpoint that takes nothing for five days is disabled" }
            dt { "Payload" } dd { (size(config.limits.message_bytes)) ", delivered to the byte" }
            dt { "Their secrets" } dd { "sealed like third parties' credentials, shown once, rotated with an overlap" }
        }
    }
}

fn quota(quota: Quota) -> Markup {
    html! { (quota.limit) " requests in " (quota.period_seconds) " seconds" }
}
