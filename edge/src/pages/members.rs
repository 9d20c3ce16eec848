//! `/members`: who belongs to the workspace, who is invited, and what an admin may change of it (claims N2, N8, N9).

use super::parts::{input, may, notice, refusal, role_name, role_select, time, time_or};
use super::{Notice, Retry, Shell};
use crate::handlers::forms::Form;
use maud::{Markup, html};
use protocol::api::{CreatedInvitation, Invitation, InvitationStatus, List, MailStatus, Me, Member};
use protocol::{Operation, Role};

const PATH: &str = "/members";

/// What the page lists.
pub struct Lists<'a> {
    /// A page of the members.
    pub members: List<Member>,
    /// The newest invitations.
    pub invitations: List<Invitation>,
    /// Where the page of members begins; `None` at the first.
    pub cursor: Option<&'a str>,
}

/// Both lists; for admins with their forms.
pub fn render(
    shell: &Shell<'_>,
    me: &Me,
    lists: &Lists<'_>,
    done: Option<Notice>,
    retry: Option<&Retry>,
) -> Markup {
    let may_change = may(me, &Operation::CreateInvitation);
    shell.page(
        "Members",
        PATH,
        &html! {
            h1 { "Members" }
            (notice(done, "Member"))
            (refusal(retry, Form::Members))
            (members(shell, me, lists, may_change))
            @if let Some(next) = &lists.members.next_cursor {
                p { a href=(format!("{PATH}?cursor={next}")) { "More members" } }
            }
            section aria-labelledby="invitations" {
                h2 id="invitations" { "Invitations" }
                @if lists.invitations.data.is_empty() {
                    p.empty { "Nobody is invited." @if may_change { " Invite somebody below." } }
                } @else {
                    (invitations(shell, &lists.invitations.data, may_change))
                }
            }
            @if may_change { (invite(shell, retry)) }
            section aria-labelledby="leave" {
                h2 id="leave" { "Leave" }
                p { a href="/members/leave" { "Leave this workspace" } }
            }
        },
    )
}

fn members(shell: &Shell<'_>, me: &Me, lists: &Lists<'_>, may_change: bool) -> Markup {
    let is_me = |member: &Member| me.user.as_ref().is_some_and(|user| user.id == member.id);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Members" { table {
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "Role" } th scope="col" { "Joined" }
                th scope="col" { "Last seen" } th scope="col" { "API keys" }
                @if may_change { th scope="col" { span.hidden { "Actions" } } }
            } }
            tbody { @for member in &lists.members.data { tr {
                td { strong { (member.name) } @if is_me(member) { " (you)" } br; (member.email) }
                td {
                    // Nobody changes their own role.
                    @if may_change && !is_me(member) { (role_form(shell, member)) } @else { (role_name(member.role)) }
                }
                td { (time(&member.joined_at)) }
                td { (time_or(member.last_seen_at.as_deref(), "never")) }
                td { (member.api_keys) }
                @if may_change { td {
                    @if !is_me(member) {
                        a.danger href=(remove_path(member, lists.cursor)) aria-label=(format!("Remove {}", member.name)) { "Remove" }
                    }
                } }
            } } }
        } }
    }
}

fn remove_path(member: &Member, cursor: Option<&str>) -> String {
    let page = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
    format!("{PATH}/{}/remove{page}", member.id)
}

fn role_form(shell: &Shell<'_>, member: &Member) -> Markup {
    html! {
        form.inline method="post" action=(PATH) {
            (shell.csrf_field())
            input type="hidden" name="action" value="role";
            input type="hidden" name="id" value=(member.id);
            (role_select(&html! { span.hidden { "Role of " (member.name) } }, member.role))
            button.quiet aria-label=(format!("Change role of {}", member.name)) { "Change" }
        }
    }
}

fn invitations(shell: &Shell<'_>, invitations: &[Invitation], may_change: bool) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Who is invited" { table {
            thead { tr {
                th scope="col" { "Email" } th scope="col" { "As" } th scope="col" { "Status" } th scope="col" { "Mail" }
                th scope="col" { "Sent" } th scope="col" { "Ends" }
                @if may_change { th scope="col" { span.hidden { "Actions" } } }
            } }
            tbody { @for invitation in invitations { tr {
                td { (invitation.email) }
                td { (role_name(invitation.role)) }
                td { (status_name(invitation.status)) }
                td { (mail_name(invitation.mail)) }
                td { (time(&invitation.created_at)) }
                td { (time(&invitation.expires_at)) }
                @if may_change { td {
                    @if invitation.status == InvitationStatus::Pending {
                        (shell.row_button(PATH, "revoke", invitation.id.as_str(), "Take back", &invitation.email))
                    }
                } }
            } } }
        } }
    }
}

fn invite(shell: &Shell<'_>, retry: Option<&Retry>) -> Markup {
    let typed = |name: &str| Retry::typed_for(retry, Form::Members, "invite", name);
    let role = typed("role").parse().unwrap_or(Role::Member);
    html! {
        section aria-labelledby="new" {
            h2 id="new" { "Invite somebody" }
            form.card method="post" action=(PATH) {
                (shell.csrf_field())
                input type="hidden" name="action" value="invite";
                (input("Email", "email", "email", typed("email"), "Nobody else can accept it."))
                (role_select(&html! { span { "Role" } }, role))
                p.faint { (Role::Member.summary()) " " (Role::OrgAdmin.summary()) }
                button { "Invite" }
            }
        }
    }
}

/// The one page that shows an invitation's link.
pub fn invited(shell: &Shell<'_>, created: &CreatedInvitation) -> Markup {
    let record = &created.record;
    shell.page("Invitation", PATH, &html! {
        h1 { "Invitation for " (record.email) }
        @match record.mail {
            MailStatus::Off => p { "This installation sends no mail: hand the link on yourself." },
            MailStatus::Failed => p { "The mail could not be sent: hand the link on yourself." },
            MailStatus::Queued | MailStatus::Sent => p { "It is mailed. You can hand the link on as well." },
        }
        p { "This is the only time it is shown. It works once, until " (time(&record.expires_at)) " UTC, for this email address." }
        pre.secret tabindex="0" aria-label="Invitation link" { (created.url.0) }
        p { a href=(PATH) { "Done" } }
    })
}

/// Asks before a member is removed.
pub fn remove(shell: &Shell<'_>, member: &Member) -> Markup {
    let title = format!("Remove {}?", member.name);
    shell.page(
        &title,
        PATH,
        &html! {
            h1 { (title) }
            p { strong { (member.email) } " loses access at once: their sessions in this workspace end." }
            p { (keys_that_end(member.api_keys)) }
            form.card method="post" action=(PATH) {
                (shell.csrf_field())
                input type="hidden" name="action" value="remove";
                input type="hidden" name="id" value=(member.id);
                button.danger { "Remove " (member.name) }
                a href=(PATH) { "Keep them" }
            }
        },
    )
}

fn keys_that_end(keys: u32) -> String {
    match keys {
        0 => "They have made no API key that still works.".to_owned(),
        1 => "One API key that they made ends with it.".to_owned(),
        keys => format!("{keys} API keys that they made end with it."),
    }
}

/// Asks before the workspace is left.
pub fn leave(shell: &Shell<'_>, me: &Me) -> Markup {
    let title = format!("Leave {}?", me.org.name);
    shell.page(
        &title,
        PATH,
        &html! {
            h1 { (title) }
            p { "You lose access at once, and API keys that you made here end. Only an admin can invite you again." }
            form.card method="post" action=(PATH) {
                (shell.csrf_field())
                input type="hidden" name="action" value="leave";
                button.danger { "Leave" }
                a href=(PATH) { "Stay" }
            }
        },
    )
}

fn status_name(status: InvitationStatus) -> &'static str {
    match status {
        InvitationStatus::Pending => "pending",
        InvitationStatus::Accepted => "accepted",
        InvitationStatus::Revoked => "taken back",
        InvitationStatus::Expired => "expired",
    }
}

fn mail_name(mail: MailStatus) -> &'static str {
    match mail {
        MailStatus::Queued => "on its way",
        MailStatus::Sent => "sent",
        MailStatus::Failed => "failed",
        MailStatus::Off => "no mail here",
    }
}
