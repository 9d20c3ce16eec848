//! Why a connection, a path or a redirect is refused. Texts say what to do and repeat nothing of what was sent.

/// A refusal by this crate. [`code`](Self::code) is stable and goes into the API's problem documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not an absolute URL, or one with parts a base URL can't have.
    #[error(
        "base_url must be an absolute URL of a host and an optional path, such as https://api.example.com/v1: \
         no user, query, fragment, spaces, backslashes or encoded slashes"
    )]
    BaseUrlInvalid,
    /// The scheme isn't `https`.
    #[error("base_url must start with https://")]
    BaseUrlInsecure,
    /// The host is a local, private or reserved one.
    #[error(
        "base_url must name a public host: private, local, link-local and metadata addresses are not reachable"
    )]
    HostNotAllowed,
    /// The host is this deployment itself.
    #[error("base_url must not lead to this service itself: its requests would come back to it")]
    OwnOrigin,
    /// Not a host as `BaseUrl` would write it: a name in lower case (punycode), an IPv4 address, `[IPv6]`.
    #[error(
        "host must be a host name such as mail.example.com, an IPv4 address or an IPv6 address in brackets"
    )]
    HostInvalid,
    /// The host of a mail or database server is a local, private or reserved one.
    #[error("host must be a public one: private, local, link-local and metadata addresses are not reachable")]
    HostNotPublic,
    /// Port 25 is for mail between servers, where nobody signs in, and the platform connects to it for nobody.
    #[error("port must be from 1 to 65535 and not 25; mail programs use 465, 587, 993 or 143")]
    PortNotAllowed,
    /// The path holds something other than printable ASCII, or is too long, or is a URL of its own.
    #[error(
        "the path must be relative to base_url, at most 8 KiB of printable ASCII; percent-encode anything else"
    )]
    PathInvalid,
    /// The path holds `.` or `..` segments in some spelling.
    #[error(
        "the path must stay below base_url: remove its `.` and `..` segments, backslashes and leading `//`"
    )]
    PathEscapesBase,
    /// The upstream redirects to another scheme, host or port.
    #[error(
        "the upstream redirects to another host, where this credential must not go; call that host by a connection of its own"
    )]
    RedirectNotAllowed,
    /// A secret is empty, too long, or holds characters that can't be sent.
    #[error(
        "a token or value must be 4 to 8192 printable ASCII characters, without spaces at either end; a password may be \
         any text without control characters, at most 8192 bytes in UTF-8"
    )]
    CredentialValue,
    /// A basic user name is too long, holds a colon or can't be sent.
    #[error(
        "a basic user name must be at most 8192 bytes in UTF-8, without control characters and without a colon"
    )]
    CredentialUsername,
    /// An `api_key` names no place, or two.
    #[error("an api_key needs exactly one of header and query")]
    CredentialPlacement,
    /// The header can't carry a credential.
    #[error(
        "this header cannot carry a credential: use the one the provider's documentation names, such as x-api-key"
    )]
    CredentialHeader,
    /// The query parameter's name can't be sent plainly.
    #[error("the query parameter's name must be 1 to 128 letters, digits or any of - . _ ~ [ ]")]
    CredentialQuery,
    /// `oauth2` where a credential is needed at once.
    #[error("an oauth2 connection gets its credential by its authorization at the provider")]
    CredentialByAuthorization,
    /// A stored credential isn't in a format this version knows.
    #[error("the stored credential cannot be read")]
    CredentialStored,
}

impl Error {
    /// The stable code that the API answers with.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BaseUrlInvalid => "base_url_invalid",
            Self::BaseUrlInsecure => "base_url_insecure",
            Self::HostInvalid => "host_invalid",
            Self::HostNotAllowed | Self::HostNotPublic | Self::OwnOrigin => "host_not_allowed",
            Self::PortNotAllowed => "port_not_allowed",
            Self::PathInvalid => "path_invalid",
            Self::PathEscapesBase => "path_escapes_base",
            Self::RedirectNotAllowed => "redirect_not_allowed",
            Self::CredentialValue
            | Self::CredentialUsername
            | Self::CredentialPlacement
            | Self::CredentialHeader
            | Self::CredentialQuery
            | Self::CredentialByAuthorization => "credential_invalid",
            Self::CredentialStored => "credential_unreadable",
        }
    }
}
