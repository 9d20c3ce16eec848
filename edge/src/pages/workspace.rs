//! `/workspace`: the workspace's data key, and its end (claim B4).

use super::parts::{input, notice, number, refusal, table, time};
use super::{Notice, Retry, Shell, receipts};
use crate::handlers::forms::Form;
use maud::{Markup, html};
use protocol::api::{DeletedOrg, Me, OrgKey};

const PATH: &str = "/workspace";

/// The data key, its rotation, and the form that deletes the workspace.
pub fn render(
    shell: &Shell<'_>,
    me: &Me,
    key: &OrgKey,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    shell.page("Workspace", "", &html! {
        h1 { "Workspace " (me.org.name) }
        (notice(done, "Workspace"))
        (refusal(retry, Form::Workspace))
        section aria-labelledby="key" {
            h2 id="key" { "Data key" }
            p { "It seals this workspace's credentials and nothing of any other. It is kept wrapped by a key-encryption key of the installation." }
            dl {
                dt { "Version" } dd { (key.dek_version) ", since " (time(&key.rotated_at)) }
                dt { "Wrapped by" } dd { "key-encryption key " (key.kek_version) }
                dt { "Sealed by an earlier key" } dd {
                    @match key.records_left {
                        0 => "nothing",
                        left => { (number(left)) " records, being sealed again. " a href=(PATH) { "Look again" } }
                    }
                }
            }
            (shell.button(PATH, "rotate", &[], "quiet", "Rotate the data key"))
        }
        section aria-labelledby="delete" {
            h2 id="delete" { "Delete this workspace" }
            p { "Its data key is destroyed: nothing that it has sealed can be read again, in no backup either. Credentials are revoked at their providers where that can be done, everybody is signed out, and all of its data is deleted. A signed certificate says so; it is shown once." }
            form.card method="post" action=(PATH) {
                (shell.hidden("delete", &[]))
                (input("Type the workspace's name", "name", "text", Retry::typed_for(retry, Form::Workspace, "delete", "name"), "It cannot be undone."))
                button.danger { "Delete the workspace" }
            }
        }
    })
}

/// The certificate, for who has just deleted the workspace and belongs to it no longer.
pub fn deleted(shell: &Shell<'_>, deleted: &DeletedOrg) -> Markup {
    let claims = &deleted.claims;
    shell.page("Workspace deleted", "", &html! {
        h1 { "The workspace is deleted" }
        p { "This certificate is shown only now: copy it. Anybody can verify it by the keys at "
            a href="/.well-known/jwks.json" { "/.well-known/jwks.json" } "." }
        pre.secret tabindex="0" aria-label="Deletion certificate" { (deleted.certificate) }
        h2 { "What it says" }
        dl {
            dt { "Issued by" } dd { (claims.iss) }
            dt { "Workspace" } dd { code.wrap { (claims.sub) } }
            dt { "Deleted" } dd { (time(&claims.deleted_at)) }
            dt { "Its data was in" } dd { (claims.jurisdiction) }
            dt { "Data key destroyed" } dd { "version " (claims.dek_version) ", wrapped by key-encryption key " (claims.kek_version) }
            dt { "SHA-256 of the wrapped key" } dd { code.wrap { (claims.wrapped_key_sha256) } }
            dt { "Receipts in all" } dd { (number(claims.receipts_total)) ", their SHA-256 " code.wrap { (claims.receipts_sha256) } }
            dt { "Audit trail" } dd { (number(claims.audit_length)) " events, the last one's hash " code.wrap { (claims.audit_head) } }
        }
        (table("Rows deleted", &["Table", "Rows deleted"], &html! {
            @for (name, rows) in &claims.rows { tr { td { code { (name) } } td { (number(*rows)) } } }
        }))
        @if !claims.receipts.is_empty() { (receipts::table(&claims.receipts)) }
        p { a href="/" { "Sign in to another workspace" } }
    })
}
