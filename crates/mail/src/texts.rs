//! What each mail says: short, plain, its link alone on a line, and what to do if it was not you.
//!
//! An invitation shows names that its sender chose to somebody who did not ask for it. So that nobody can write their own
//! message by them, or put a link of their own under our name, a name is one short line that no mail program links.

use crate::Address;
use crate::address::is_invisible;
use crate::message::{Content, date};
use std::fmt::Write as _;
use zeroize::Zeroizing;

const MAX_NAME_CHARS: usize = 60;

/// Whose mails they are.
#[derive(Clone, Copy, Debug)]
pub struct Brand<'a> {
    /// The product's name.
    pub name: &'a str,
    /// Where to write to: an address or a URL. A `mailto:` before it is not shown.
    pub contact: &'a str,
}

/// Who invites to what.
#[derive(Clone, Copy)]
pub struct Invitation<'a> {
    /// The inviting member's name, in any text.
    pub inviter: &'a str,
    /// Their address.
    pub inviter_email: &'a Address,
    /// The org's name, in any text.
    pub workspace: &'a str,
    /// The role's name.
    pub role: &'a str,
    /// What it can do, a sentence.
    pub can: &'a str,
    /// Accepts it: an absolute URL of ours.
    pub link: &'a str,
    /// How long the link works, seconds.
    pub valid_for_seconds: u64,
}

/// To the address of a new account, or an account's new address. `link` is an absolute URL of ours that works for
/// `valid_for_seconds`.
#[must_use]
pub fn verify_email(brand: Brand<'_>, link: &str, valid_for_seconds: u64) -> Content {
    let name = brand.name;
    content(
        format!("Confirm your email address for {name}"),
        format!(
            "Please confirm that this is your email address:\n\n{link}\n\nThe link works for {}.\n\n\
             If you did not ask for this, do nothing: without the link the address is not confirmed. {}\n",
            duration(valid_for_seconds),
            questions(brand)
        ),
    )
}

/// To an account whose password somebody says to have forgotten. `link` as for [`verify_email`].
#[must_use]
pub fn reset_password(brand: Brand<'_>, link: &str, valid_for_seconds: u64) -> Content {
    let name = brand.name;
    content(
        format!("Reset your {name} password"),
        format!(
            "Somebody asked to reset the password of your {name} account. To choose a new one, open:\n\n{link}\n\n\
             The link works once, for {}.\n\n\
             If it was not you, do nothing: your password stays as it is. Do not pass the link on; we never ask for \
             it. {}\n",
            duration(valid_for_seconds),
            questions(brand)
        ),
    )
}

/// To somebody who is invited to a workspace.
#[must_use]
pub fn invitation(brand: Brand<'_>, invitation: Invitation<'_>) -> Content {
    let Invitation { inviter, inviter_email, workspace, role, can, link, valid_for_seconds } = invitation;
    let (name, workspace) = (brand.name, unlinked(workspace));
    content(
        format!("Invitation to \"{workspace}\" on {name}"),
        format!(
            "{inviter} ({inviter_email}) invites you to the workspace \"{workspace}\" on {name}, as {role}. {can}\n\n\
             To accept, open:\n\n{link}\n\nThe link works once, for {}.\n\n\
             If you do not know the sender, ignore this mail: you join nothing unless you accept. {}\n",
            duration(valid_for_seconds),
            questions(brand),
            inviter = unlinked(inviter),
            inviter_email = inviter_email.as_str(),
        ),
    )
}

/// To the OLD address of an account that now has another. It does not say which: whoever reads this mailbox may be no
/// longer the account's owner. `unix_seconds` is when.
#[must_use]
pub fn email_changed(brand: Brand<'_>, unix_seconds: u64) -> Content {
    changed(brand, "email address", "this address can no longer be used to sign in", unix_seconds)
}

/// To an account whose password was changed or reset. `unix_seconds` is when.
#[must_use]
pub fn password_changed(brand: Brand<'_>, unix_seconds: u64) -> Content {
    changed(brand, "password", "the old one no longer works", unix_seconds)
}

/// To an administrator of a workspace whose endpoint at `host` gets nothing any more: it has answered that it `is_gone`, or has
/// taken nothing for days. `link` is an absolute URL of ours.
#[must_use]
pub fn endpoint_disabled(
    brand: Brand<'_>,
    workspace: &str,
    host: &str,
    is_gone: bool,
    link: &str,
) -> Content {
    let (name, workspace, host) = (brand.name, unlinked(workspace), unlinked(host));
    let why = if is_gone {
        "it answered 410 Gone, by which a receiver says that it wants nothing more"
    } else {
        "it has taken no delivery for five days"
    };
    content(
        format!("A webhook endpoint of \"{workspace}\" was disabled"),
        format!(
            "{name} has stopped delivering webhooks to an endpoint of the workspace \"{workspace}\", at host {host}: {why}.\n\n\
             Nothing is lost: what was not delivered is kept for a while. Repair the endpoint, enable it and recover its \
             deliveries here:\n\n{link}\n\n\
             You get this mail as an administrator of the workspace. {}\n",
            questions(brand)
        ),
    )
}

/// To an administrator of a workspace of whose webhook `source` too many requests fail the signature. `provider` is the
/// sender's name, `link` an absolute URL of ours.
#[must_use]
pub fn signature_failures(
    brand: Brand<'_>,
    workspace: &str,
    source: &str,
    provider: &str,
    link: &str,
) -> Content {
    let (workspace, source) = (unlinked(workspace), unlinked(source));
    content(
        format!("Webhooks to \"{workspace}\" fail their signature"),
        format!(
            "Many requests to the webhook source \"{source}\" ({provider}) of the workspace \"{workspace}\" were refused, because \
             their signature does not verify or their time is wrong. None of them was stored.\n\n\
             Either the secret was changed at {provider} and not here, or somebody sends forged requests. What was refused, \
             and why, is here:\n\n{link}\n\n\
             You get this mail as an administrator of the workspace, at most once an hour while it goes on. {}\n",
            questions(brand)
        ),
    )
}

fn changed(brand: Brand<'_>, what: &str, effect: &str, unix_seconds: u64) -> Content {
    let (name, contact) = (brand.name, contact(brand));
    content(
        format!("Your {name} {what} was changed"),
        format!(
            "The {what} of your {name} account was changed at {at}; {effect}.\n\n\
             If it was you, there is nothing to do. If it was not, write to us at once:\n\n{contact}\n",
            at = date(unix_seconds),
        ),
    )
}

fn content(subject: String, text: String) -> Content {
    Content { subject, text: Zeroizing::new(text) }
}

fn questions(brand: Brand<'_>) -> String {
    format!("Questions: {}", contact(brand))
}

fn contact(brand: Brand<'_>) -> &str {
    brand.contact.strip_prefix("mailto:").unwrap_or(brand.contact)
}

/// The largest unit of which there are enough, to the nearest: what was 7 days when it was asked for still is when the mail
/// goes out.
fn duration(seconds: u64) -> String {
    let (number, unit) = match seconds {
        171_000.. => ((seconds + 43_200) / 86_400, "day"),
        3570.. => ((seconds + 1800) / 3600, "hour"),
        _ => ((seconds + 30) / 60, "minute"),
    };
    let mut text = format!("{number} {unit}");
    if number != 1 {
        // Writing to a `String` cannot fail.
        let _ = text.write_char('s');
    }
    text
}

/// A name that somebody chose, as one line of at most 60 characters: without what turns words into a link, ends the
/// quotes around it, is invisible or changes the direction of what follows.
fn unlinked(name: &str) -> String {
    let mut text = String::new();
    let mut chars = name.chars().filter(|c| !is_invisible(*c)).peekable();
    while let Some(c) = chars.next() {
        let inside = chars.peek().is_some_and(|next| !next.is_whitespace());
        text.push(match c {
            '/' | '\\' | ':' | '@' | '<' | '>' => ' ',
            // "Acme Inc." stays, "evil.example" becomes two words. The other dots serve in host names too (UTS 46).
            '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{2024}' if inside => ' ',
            '"' => '\'',
            c if c.is_control() => ' ',
            c => c,
        });
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mailbox, Message};
    use proptest::prelude::*;

    const BRAND: Brand<'_> = Brand { name: "Acme", contact: "mailto:security@acme.example" };
    const LINK: &str = "https://acme.example/a?t=fake-token";

    fn invite(inviter: &str, workspace: &str) -> Content {
        let invitation_of = Invitation {
            inviter,
            inviter_email: &Address::parse("ada@example.com").unwrap(),
            workspace,
            role: "admin",
            can: "An admin does all.",
            link: LINK,
            valid_for_seconds: 604_800,
        };
        invitation(BRAND, invitation_of)
    }

    #[test]
    fn an_invitation_says_who_to_what_as_what_and_until_when() {
        let content = invite("Ada Lovelace", "Analytical Engines Inc.");
        assert_eq!(content.subject, "Invitation to \"Analytical Engines Inc.\" on Acme");
        assert_eq!(
            content.text.as_str(),
            "Ada Lovelace (ada@example.com) invites you to the workspace \"Analytical Engines Inc.\" on Acme, as \
             admin. An admin does all.\n\n\
             To accept, open:\n\n\
             https://acme.example/a?t=fake-token\n\n\
             The link works once, for 7 days.\n\n\
             If you do not know the sender, ignore this mail: you join nothing unless you accept. Questions: \
             security@acme.example\n"
        );
    }

    #[test]
    fn every_mail_can_be_sent_says_whom_to_write_to_and_has_its_link_alone_on_a_line() {
        let linked = [
            verify_email(BRAND, LINK, 86_400),
            reset_password(BRAND, LINK, 1800),
            invite("A", "B"),
            endpoint_disabled(BRAND, "W", "hooks.example.com", true, LINK),
            signature_failures(BRAND, "W", "Payments", "Stripe", LINK),
        ];
        for content in &linked {
            assert_eq!(content.text.lines().filter(|line| *line == LINK).count(), 1, "{}", content.subject);
        }
        for content in linked.into_iter().chain([email_changed(BRAND, 0), password_changed(BRAND, 0)]) {
            assert!(content.text.contains("security@acme.example") && !content.text.contains("mailto:"));
            let from = Mailbox::new("Acme", Address::parse("no-reply@acme.example").unwrap()).unwrap();
            let message = Message { from, to: Address::parse("ada@example.com").unwrap(), content };
            assert!(message.encode(0, [0; 16]).is_ok());
        }
    }

    #[test]
    fn a_notice_says_what_happened_why_and_where_to_go_on() {
        let gone = endpoint_disabled(BRAND, "Analytical Engines", "hooks.example.com", true, LINK);
        assert_eq!(gone.subject, "A webhook endpoint of \"Analytical Engines\" was disabled");
        assert!(gone.text.contains("at host hooks example com: it answered 410 Gone"), "{}", *gone.text);
        let failing = endpoint_disabled(BRAND, "W", "h", false, LINK);
        assert!(failing.text.contains("it has taken no delivery for five days"));
        let failures = signature_failures(BRAND, "W", "Payments", "Stripe", LINK);
        assert_eq!(failures.subject, "Webhooks to \"W\" fail their signature");
        assert!(
            failures
                .text
                .contains("the webhook source \"Payments\" (Stripe) of the workspace \"W\" were refused")
        );
    }

    /// Whoever names a workspace or a source writes no mail to its administrators.
    #[test]
    fn a_name_in_a_notice_adds_no_line_and_no_link() {
        let name = "evil.example\r\n\r\nhttps://evil.example/x \"";
        let lines = |content: &Content| content.text.lines().count();
        for (evil, plain) in [
            (
                endpoint_disabled(BRAND, name, name, true, LINK),
                endpoint_disabled(BRAND, "A", "B", true, LINK),
            ),
            (
                signature_failures(BRAND, name, name, "Stripe", LINK),
                signature_failures(BRAND, "A", "B", "Stripe", LINK),
            ),
        ] {
            assert_eq!(lines(&evil), lines(&plain));
            assert_eq!(evil.text.matches("://").count(), 1);
            assert!(!evil.text.contains("evil.example") && !evil.subject.contains("evil.example"));
        }
    }

    #[test]
    fn a_name_can_be_no_link_and_no_message() {
        for (name, shown) in [
            ("J. R. Smith", "J. R. Smith"),
            ("Żółć & Söhne", "Żółć & Söhne"),
            ("evil.example", "evil example"),
            ("https://evil.example/x", "https evil example x"),
            ("evil\u{3002}example", "evil example"),
            ("evil.\u{200b}example", "evil example"),
            ("write to eve@evil.example", "write to eve evil example"),
            ("A\r\n\r\nYou won! Call\u{2028}now", "A You won! Call now"),
            ("A\" on Bank, \"", "A' on Bank, '"),
            ("\u{202e}abc", "abc"),
        ] {
            assert_eq!(unlinked(name), shown, "{name:?}");
        }
        assert_eq!(unlinked(&"x".repeat(1000)).chars().count(), 61);
    }

    #[test]
    fn durations_read_well() {
        for (seconds, text) in [
            (60, "1 minute"),
            (1800, "30 minutes"),
            (3600, "1 hour"),
            (86_400, "24 hours"),
            (172_800, "2 days"),
            (604_800, "7 days"),
            (604_790, "7 days"),
            (259_195, "3 days"),
            (3590, "1 hour"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    proptest! {
        #[test]
        fn no_name_adds_a_line_or_a_link(inviter in "\\PC{0,80}|[a-z./:@\r\n\" ]{0,80}", workspace in "[a-z./:\n]{0,80}") {
            let content = invite(&inviter, &workspace);
            prop_assert_eq!(content.text.lines().count(), invite("A", "B").text.lines().count());
            prop_assert_eq!(content.text.matches("://").count(), 1);
            prop_assert!(!content.subject.chars().any(char::is_control));
        }
    }
}
