//! What a page says of the change that led to it. A redirect names it by a word of this table; any other word says nothing,
//! so that a link cannot put words into a page's mouth.

/// What was just done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Something of the page's kind is new.
    Created,
    /// Something of the page's kind is gone.
    Deleted,
    /// A key is dead.
    Revoked,
    /// A sentence.
    Said(&'static str),
}

#[rustfmt::skip]
const NOTICES: [(&str, Notice); 39] = [
    ("created", Notice::Created),
    ("deleted", Notice::Deleted),
    ("revoked", Notice::Revoked),
    ("confirmed", Notice::Said("Confirmed: you can make the change now.")),
    ("reset-asked", Notice::Said("If this address has an account, a link to set a new password is on its way to it.")),
    ("password-set", Notice::Said("Your new password is set. Every session has ended: sign in with it.")),
    ("email-verified", Notice::Said("Your email address is confirmed.")),
    ("joined", Notice::Said("Welcome: you have joined this workspace.")),
    ("left", Notice::Said("You have left the workspace.")),
    ("verification-sent", Notice::Said("A link is on its way to your email address.")),
    ("email-asked", Notice::Said("A link is on its way to the new address. Until you open it, the old one counts.")),
    ("password-changed", Notice::Said("Your password is changed. Every other session has ended.")),
    ("second-factor-off", Notice::Said("The authenticator app is removed: you sign in without a code now.")),
    ("linked", Notice::Said("The provider is linked: you can sign in with it.")),
    ("unlinked", Notice::Said("The provider is unlinked.")),
    ("session-ended", Notice::Said("The session has ended.")),
    ("sessions-ended", Notice::Said("Every other session has ended.")),
    ("role-changed", Notice::Said("The role is changed.")),
    ("member-removed", Notice::Said("The member is removed; their sessions and API keys here have ended.")),
    ("connected", Notice::Said("Connected: access is granted.")),
    ("replaced", Notice::Said("The credential is replaced.")),
    ("client-set", Notice::Said("Your OAuth client is stored, its secret sealed.")),
    ("client-forgotten", Notice::Said("Your OAuth client is forgotten.")),
    ("key-rotated", Notice::Said("There is a new data key. Every record is being sealed again by it.")),
    ("keys-rotating", Notice::Said("The rotation has begun.")),
    ("renamed", Notice::Said("It has another name now.")),
    ("paused", Notice::Said("Paused: what comes is stored, and forwarded once it goes on.")),
    ("resumed", Notice::Said("It forwards again, what was stored meanwhile first.")),
    ("secret-rotated", Notice::Said("The new secret verifies from now on.")),
    ("changed", Notice::Said("The changes are saved.")),
    ("enabled", Notice::Said("It is in use again. What it has missed can be recovered.")),
    ("disabled", Notice::Said("It is out of use: nothing is sent.")),
    ("test-sent", Notice::Said("A test is on its way: its attempt stands below in a moment.")),
    ("published", Notice::Said("The message is published.")),
    ("resent", Notice::Said("It is on its way again.")),
    ("skipped", Notice::Said("Given up: what waited behind it goes on.")),
    ("described", Notice::Said("The event type is described.")),
    ("link-closed", Notice::Said("The link is closed, and what it had opened.")),
    ("invitation-revoked", Notice::Said("The invitation is taken back.")),
];

impl Notice {
    /// By a query, `done=created`.
    pub fn of(query: &str) -> Option<Self> {
        let word = query.strip_prefix("done=")?;
        NOTICES.into_iter().find(|(name, _)| *name == word).map(|(_, notice)| notice)
    }

    /// The sentence, about a `thing` of the page's kind.
    pub fn text(self, thing: &str) -> String {
        match self {
            Self::Created => format!("{thing} created."),
            Self::Deleted => format!("{thing} deleted."),
            Self::Revoked => format!("{thing} revoked."),
            Self::Said(sentence) => sentence.to_owned(),
        }
    }
}
