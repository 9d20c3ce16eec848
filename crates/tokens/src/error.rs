//! Why a token was refused or a key not taken. No variant carries a value: a message may reach a log or a client.

/// A refusal. Each variant is one cause; its text is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// A configured key, key set or prefix is not of its documented form.
    #[error("a configured key is malformed")]
    Key,
    /// The platform gave no randomness.
    #[error("no randomness available")]
    Random,
    /// The given org id is not `org_` and 26 characters of base32.
    #[error("not an org id")]
    Org,
    /// Claims that cannot be signed: an end before the beginning, or past the year 2106.
    #[error("session claims out of range")]
    Claims,
    /// Longer than any session token this system signs.
    #[error("session token too long")]
    SessionTooLong,
    /// The token's header is not one that a known key writes: other algorithm, type, key id or members.
    #[error("session token not signed by a known key")]
    SessionHeader,
    /// The signature does not match, or issuer, audience or a claim is missing or wrong.
    #[error("session token invalid")]
    SessionInvalid,
    /// Issued in the future, beyond the leeway.
    #[error("session token not valid yet")]
    SessionNotYet,
    /// Not of the form of an API key.
    #[error("API key malformed")]
    ApiKeyMalformed,
    /// An API key that was never issued, or was mistyped: its tail does not match.
    #[error("API key not genuine")]
    ApiKeyForged,
    /// Not the text form of a key digest.
    #[error("API key digest malformed")]
    Digest,
    /// Not a source id that was issued here.
    #[error("source id not genuine")]
    SourceId,
    /// Not the 26 characters of an id's body.
    #[error("not the body of an id")]
    Subject,
    /// Not a link of the expected kind that was made here.
    #[error("link not genuine")]
    Link,
    /// Not the 20 bytes of a TOTP secret.
    #[error("TOTP secret malformed")]
    TotpSecret,
    /// A bcrypt cost outside of 4 to 14.
    #[error("password hash cost out of range")]
    HashCost,
    /// A password of fewer than 10 characters.
    #[error("the password must have at least 10 characters")]
    PasswordTooShort,
    /// A password of more than 72 bytes, of which bcrypt would ignore the rest.
    #[error("the password must have at most 72 bytes")]
    PasswordTooLong,
    /// A password with a control character. At a NUL bcrypt begins again; RFC 8265 refuses them all.
    #[error("the password must not contain control characters, such as tabs and line ends")]
    PasswordControl,
    /// A password that is tried first.
    #[error(
        "the password is too easy to guess: choose one that is not made of common words, sequences, your name or your email"
    )]
    PasswordGuessable,
}
