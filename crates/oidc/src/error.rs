//! Why a sign-in was refused. No variant carries a value: a provider's text, a token or a cookie never reaches a log or a
//! page by way of an error.

/// A refusal. Each variant is one cause; its text is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OidcError {
    /// The configured issuer is not an https URL without query, fragment and user info, or is too long.
    #[error("not an issuer")]
    Issuer,
    /// The discovery document is too long, not the expected JSON, or lacks a member.
    #[error("provider metadata malformed")]
    Metadata,
    /// The discovery document is another issuer's.
    #[error("provider metadata of another issuer")]
    MetadataIssuer,
    /// An endpoint is not https, names an IP address or carries parameters of its own that are ours to set.
    #[error("provider endpoint not usable")]
    Endpoint,
    /// The token endpoint takes neither `client_secret_basic` nor `client_secret_post`.
    #[error("provider offers no supported client authentication")]
    ClientAuthentication,
    /// The key set is too long, malformed, or has no key of a supported kind.
    #[error("provider key set malformed")]
    Jwks,
    /// What one provider gave was used with another.
    #[error("parts of two providers mixed")]
    OtherProvider,
    /// The platform gave no randomness.
    #[error("no randomness available")]
    Random,
    /// Not a path on this origin.
    #[error("return path not allowed")]
    ReturnPath,
    /// What the cookie has to carry does not fit.
    #[error("state cookie too long")]
    CookieTooLong,
    /// Not a cookie that this key signed for this use.
    #[error("state cookie not genuine")]
    Cookie,
    /// A genuine cookie after its time.
    #[error("state cookie expired")]
    CookieExpired,
    /// The callback's parameters are too long, repeated, or lack the code.
    #[error("callback malformed")]
    Callback,
    /// The callback's state is not the attempt's: another browser, or a forged request.
    #[error("callback state does not match")]
    State,
    /// The callback names another issuer, or none where the provider promises one (RFC 9207).
    #[error("callback from another issuer")]
    CallbackIssuer,
    /// The person, or a policy of the provider, said no.
    #[error("denied at the provider")]
    Denied,
    /// The provider answered with any other error.
    #[error("the provider reported an error")]
    Provider,
    /// The token endpoint's answer is too long, malformed, or without an ID token.
    #[error("token response malformed")]
    TokenResponse,
    /// The userinfo endpoint's answer is too long, malformed, or about somebody else.
    #[error("userinfo response malformed")]
    UserInfo,
    /// Longer than any ID token that is taken.
    #[error("ID token too long")]
    TokenTooLong,
    /// Not three parts of canonical base64url.
    #[error("ID token malformed")]
    TokenMalformed,
    /// The header is not plain: another type, `crit`, or a key of its own.
    #[error("ID token header not accepted")]
    TokenHeader,
    /// Signed, or said to be signed, by an algorithm that is not on the list.
    #[error("ID token algorithm not accepted")]
    Algorithm,
    /// No key of the set is the one named. The set may have been rotated: fetch it again, once.
    #[error("ID token signed by an unknown key")]
    UnknownKey,
    /// More than one key of the set would do.
    #[error("ID token does not say which key signed it")]
    AmbiguousKey,
    /// The signature does not match.
    #[error("ID token signature invalid")]
    Signature,
    /// A required claim is missing, repeated, or of another type.
    #[error("ID token claims malformed")]
    Claims,
    /// Another issuer.
    #[error("ID token of another issuer")]
    TokenIssuer,
    /// Made for another client.
    #[error("ID token for another audience")]
    Audience,
    /// Made on the request of another client, or for several without saying whose.
    #[error("ID token for another authorized party")]
    AuthorizedParty,
    /// Past its expiry.
    #[error("ID token expired")]
    Expired,
    /// Issued or valid in the future only.
    #[error("ID token not valid yet")]
    NotYet,
    /// Issued too long ago to be of this sign-in.
    #[error("ID token too old")]
    TooOld,
    /// Not made for this attempt.
    #[error("ID token nonce does not match")]
    Nonce,
    /// The subject is empty, too long, or not printable ASCII.
    #[error("ID token subject not accepted")]
    Subject,
    /// A new authentication was asked for, and the token does not show one.
    #[error("ID token shows no fresh authentication")]
    AuthenticationTime,
}
