//! `/admin/keys`, for operators: key-encryption keys, what each of them wraps, and how far a rotation has come (claims C7,
//! B4).

use super::parts::{notice, number, refusal, select, table, time};
use super::{Notice, Retry, Shell};
use crate::handlers::forms::Form;
use maud::{Markup, html};
use protocol::api::{KekVersion, KeyRotation, Keys};
use std::collections::BTreeMap;

const PATH: &str = "/admin/keys";

/// Versions, progress, and the button that rotates.
pub fn render(shell: &Shell<'_>, keys: &Keys, done: Option<Notice>, retry: Option<&Retry>) -> Markup {
    let deployed = keys.versions.iter().filter(|version| version.deployed);
    let deployed: Vec<String> = deployed.map(|version| version.version.to_string()).collect();
    let options = [("", "the keyring's highest")].into_iter();
    let options: Vec<_> =
        options.chain(deployed.iter().map(|version| (version.as_str(), version.as_str()))).collect();
    shell.page("Encryption keys", PATH, &html! {
        h1 { "Encryption keys" }
        (notice(done, "Keys"))
        (refusal(retry, Form::AdminKeys))
        p { "Each workspace and each account has a data key of its own, wrapped by one of these. They come with the deployment and are stored nowhere else." }
        (table("Key-encryption keys", &["Version", "Deployed", "Workspaces", "Accounts", "Can be taken out"], &html! {
            @for version in &keys.versions { (row(version, keys.current)) }
        }))
        @if let Some(rotation) = &keys.rotation { (progress(rotation)) }
        section aria-labelledby="rotate" {
            h2 id="rotate" { "Rotate" }
            p { "Add a version to the keyring and deploy; then make it the current one here. Every data key is wrapped again, online." }
            form.card method="post" action=(PATH) {
                (shell.hidden("rotate", &[]))
                (select("To version", "version", Retry::typed(retry, Form::AdminKeys, "version"), &options))
                button { "Rotate" }
            }
        }
    })
}

fn row(version: &KekVersion, current: u32) -> Markup {
    html! { tr {
        td { strong { (version.version) } @if version.version == current { " (current)" } }
        td { @if version.deployed { "yes" } @else { strong { "no" } } }
        td { (number(version.orgs)) }
        td { (number(version.accounts)) }
        td {
            @if version.retirable { "yes" } @else { "no" }
            @if let Some(reason) = &version.reason { br; span.faint { (reason) } }
        }
    } }
}

fn progress(rotation: &KeyRotation) -> Markup {
    html! {
        section aria-labelledby="rotation" {
            h2 id="rotation" { "Rotation to version " (rotation.target) }
            dl {
                dt { "Started" } dd { (time(&rotation.started_at)) }
                dt { "Finished" } dd {
                    @match &rotation.finished_at {
                        Some(at) => (time(at)),
                        None => { "not yet. " a href=(PATH) { "Look again" } }
                    }
                }
                dt { "Wrapped by it" } dd {
                    meter min="0" max=(rotation.total.max(1)) value=(rotation.done) aria-label="Data keys wrapped again" {}
                    " " (number(rotation.done)) " of " (number(rotation.total))
                }
                @if rotation.failing > 0 { dt { "Tried in vain" } dd { strong { (number(rotation.failing)) } ", tried again" } }
                dt { "Before, by version" } dd { (counts(&rotation.before)) }
                dt { "Now, by version" } dd { (counts(&rotation.after)) }
            }
        }
    }
}

fn counts(counts: &BTreeMap<u32, u64>) -> Markup {
    html! { @for (place, (version, count)) in counts.iter().enumerate() {
        @if place > 0 { ", " } (version) ": " (number(*count))
    } }
}
