//! Every refusal: one stable code each, answered as RFC 9457 `application/problem+json`.

use crate::{RequestId, Scope};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal $title:literal;)*) => {
        /// What went wrong, as a machine reads it. The HTTP status and the title follow from it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, for the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// One line for a person; says nothing of the request.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The request line, a header or the query cannot be understood.
    InvalidRequest = 400 "invalid_request" "The request is malformed";
    /// The body is not JSON.
    InvalidJson = 400 "invalid_json" "The body is not valid JSON";
    /// The JSON says something that this call does not take.
    ValidationFailed = 422 "validation_failed" "A field is missing, unknown or has a wrong value";
    /// No credential, or one that is not (or no longer) good.
    Unauthenticated = 401 "unauthenticated" "A valid credential is required";
    /// An API key past its end. Only the holder of the whole key is told.
    KeyExpired = 401 "key_expired" "This API key has expired";
    /// An API key that was revoked, or a secret that a rotation has replaced. Only the holder of the whole key is told.
    KeyRevoked = 401 "key_revoked" "This API key is revoked";
    /// Email and password do not belong together.
    InvalidCredentials = 401 "invalid_credentials" "Email or password is wrong";
    /// A code of the second factor that is wrong, used or too old.
    InvalidCode = 401 "invalid_code" "The code is wrong or has been used";
    /// A mailed link, an invitation or a sign-in attempt that is unknown, used or too old.
    InvalidLink = 400 "invalid_link" "This link is not, or no longer, valid";
    /// The OIDC provider's answer does not prove who somebody is.
    IdentityRefused = 401 "identity_refused" "The identity provider's answer is not valid";
    /// The OIDC provider cannot be asked.
    IdentityProviderUnavailable = 502 "identity_provider_unavailable" "The identity provider cannot be reached";
    /// An OIDC identity whose email belongs to an account that it is not linked to.
    AccountExists = 409 "account_exists" "This email already has an account: sign in, then link the provider";
    /// A sensitive change long after the last proof of who sits there.
    ReauthenticationRequired = 403 "reauthentication_required" "Confirm your password first";
    /// An operator without a second factor, or a second factor that is there already.
    SecondFactorState = 409 "second_factor_state" "The second factor is not in the state that this needs";
    /// An API key used from a network that it is not for.
    IpNotAllowed = 403 "ip_not_allowed" "This API key may not be used from this address";
    /// A new secret for an API key that is revoked or past its end.
    ApiKeyEnded = 409 "api_key_ended" "This API key is revoked or has expired: make a new one";
    /// An org without an administrator.
    LastAdmin = 409 "last_admin" "The workspace would be left without an administrator";
    /// An invitation for who is a member.
    AlreadyMember = 409 "already_member" "This person is a member already";
    /// An invitation for another email than the account's.
    WrongEmail = 403 "wrong_email" "This invitation is for another email address";
    /// A webhook whose signature does not verify.
    SignatureInvalid = 401 "signature_invalid" "The signature does not verify";
    /// A rightly signed webhook from too long ago, or from the future.
    TimestampOutOfTolerance = 401 "timestamp_out_of_tolerance" "The signed time is too far from now";
    /// The role does not allow it.
    Forbidden = 403 "forbidden" "Your role does not allow this";
    /// The API key's scopes do not allow it.
    InsufficientScope = 403 "insufficient_scope" "The API key lacks the scope for this";
    /// A cookie-authenticated change without its CSRF token.
    CsrfFailed = 403 "csrf_failed" "The CSRF token is missing or wrong";
    /// A browser says that another site sends this.
    CrossOrigin = 403 "cross_origin" "Cross-origin requests are refused";
    /// The org's plan does not include it, or its limit is reached.
    PlanRequired = 403 "plan_required" "Your plan does not include this";
    /// No such thing, or not yours: the answers are the same bytes.
    NotFound = 404 "not_found" "There is nothing here";
    /// The path exists, with other methods.
    MethodNotAllowed = 405 "method_not_allowed" "This path does not take this method";
    /// Sign-up with an email that has an account.
    EmailTaken = 409 "email_taken" "This email already has an account";
    /// A body that comes too slowly, or not at all.
    BodyTimeout = 408 "body_timeout" "The body took too long to arrive";
    /// The same `Idempotency-Key` with another request.
    IdempotencyMismatch = 409 "idempotency_mismatch" "This Idempotency-Key was used for a different request";
    /// Between the Workers: what the edge knows of a source is outdated.
    SourceOutdated = 409 "source_outdated" "The source has changed: read it again";
    /// A body over the configured limit.
    PayloadTooLarge = 413 "payload_too_large" "The body is larger than the limit";
    /// A URL over the limit.
    UriTooLong = 414 "uri_too_long" "The URL is longer than the limit";
    /// Anything but JSON where JSON is taken.
    UnsupportedMediaType = 415 "unsupported_media_type" "The body must be application/json";
    /// A request by a host that is none of this deployment's.
    Misdirected = 421 "misdirected" "This host is not served here";
    /// Too many requests.
    RateLimited = 429 "rate_limited" "Too many requests";
    /// Headers over the limit.
    HeadersTooLarge = 431 "headers_too_large" "The headers are larger than the limit";
    /// A connection's base URL that is not an HTTPS URL of a public host.
    BaseUrlRefused = 422 "base_url_refused" "This base URL is not allowed";
    /// A path that would leave the base URL of its connection or gateway route.
    PathRefused = 400 "path_refused" "The path leaves its base URL";
    /// A request that the connection's connector does not list.
    RequestNotAllowed = 403 "request_not_allowed" "This connector does not allow this request";
    /// A request that writes, by something else than a person's own session.
    WriteNeedsPerson = 403 "write_needs_person" "This request writes: it takes a person's own session";
    /// A connection that cannot be used yet, or no longer.
    ConnectionNotReady = 409 "connection_not_ready" "This connection waits for a person to grant access";
    /// A connection whose access token cannot be refreshed at the moment.
    RefreshFailed = 503 "refresh_failed" "The provider gives no access token at the moment";
    /// A connector that needs an OAuth client and has none.
    ClientMissing = 409 "client_missing" "There is no OAuth client for this connector";
    /// A credential that its provider does not take.
    CredentialRefused = 422 "credential_refused" "The provider does not take this credential";
    /// The way back from a provider that cannot be taken.
    AuthorizationRefused = 400 "authorization_refused" "Access was not granted";
    /// A role of the warehouse that can write.
    RoleCanWrite = 403 "role_can_write" "The database role of this connection can write";
    /// A statement that the warehouse refuses.
    QueryRefused = 422 "query_refused" "The warehouse refuses this statement";
    /// A key version that cannot be the current one.
    KeyVersionRefused = 409 "key_version_refused" "This key version cannot become the current one";
    /// A new data key while the last one's records are still sealed anew.
    RotationRunning = 409 "rotation_running" "The last rotation is still under way";
    /// A delivery to an endpoint that is out of use.
    EndpointDisabled = 409 "endpoint_disabled" "This endpoint is out of use: enable it first";
    /// An answer of an upstream that cannot be passed on safely.
    AnswerRefused = 502 "answer_refused" "The upstream's answer cannot be passed on";
    /// An upstream that answered with a redirect to another host.
    RedirectRefused = 502 "redirect_refused" "The upstream redirects to a host that this connection does not allow";
    /// An upstream that cannot be reached.
    UpstreamUnreachable = 502 "upstream_unreachable" "The upstream cannot be reached";
    /// An upstream that took too long.
    UpstreamTimeout = 504 "upstream_timeout" "The upstream took too long";
    /// A request that this gate has sent itself, or that has passed too many others (RFC 8586).
    LoopDetected = 508 "loop_detected" "This request has passed this gate before, or too many others: it is a loop";
    /// A fault of ours. Logged with the request id, told to nobody.
    Internal = 500 "internal" "Something went wrong on our side";
    /// The control plane cannot be reached.
    Unavailable = 503 "unavailable" "Temporarily unavailable";
}

impl Code {
    /// Whether the refusal is about the credential that came with the request: `WWW-Authenticate` says the same.
    pub const fn is_about_credential(self) -> bool {
        matches!(self, Self::Unauthenticated | Self::KeyExpired | Self::KeyRevoked)
    }
}

/// The detail for an API key that may be forged, mistyped, or of another deployment: one text for all, so that nobody learns
/// by it how far a key that they made up has come.
pub const UNKNOWN_KEY: &str = "this API key is not known here: copy it again, whole, or make a new one";

/// `WWW-Authenticate` (RFC 6750, section 3) for a bearer token that is no good. `description` is text of ours: what cannot
/// stand in the quoted string is left out of it.
pub fn challenge(description: &str) -> String {
    let plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    let description: String = description.chars().filter(plain).collect();
    format!(r#"Bearer error="invalid_token", error_description="{description}""#)
}

/// An error's body.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// `urn:sluicegate:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// One line for a person.
    pub title: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: Code,
    /// What to change, where there is more to say than the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Cow<'static, str>>,
    /// The fields of the body, or the parameters of the query, that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Of `insufficient_scope`: the scopes that this takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_scopes: Vec<Scope>,
    /// The request's id, as in `X-Request-Id`.
    pub request_id: RequestId,
}

impl Problem {
    /// The media type of RFC 9457.
    pub const CONTENT_TYPE: &'static str = "application/problem+json";

    /// A problem without a detail.
    pub fn new(code: Code, request_id: RequestId) -> Self {
        Self::with_detail(code, None, request_id)
    }

    /// A problem with a detail: text of ours, never of the request.
    pub fn with_detail(code: Code, detail: Option<Detail>, request_id: RequestId) -> Self {
        let (detail, errors, required_scopes) = match detail {
            Some(Detail { text, errors, required_scopes }) => (Some(text), errors, required_scopes),
            None => (None, Vec::new(), Vec::new()),
        };
        Self {
            kind: format!("urn:sluicegate:problem:{}", code.as_str()).into(),
            title: code.title().into(),
            status: code.status(),
            code,
            detail,
            errors,
            required_scopes,
            request_id,
        }
    }

    /// The detail with its errors, to be passed on.
    pub fn into_detail(self) -> Option<Detail> {
        let (errors, required_scopes) = (self.errors, self.required_scopes);
        self.detail.map(|text| Detail { text, errors, required_scopes })
    }
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// The field's path in the body, `auth.type`, or the parameter's name.
    pub field: Cow<'static, str>,
    /// What it must be.
    pub message: Cow<'static, str>,
}

/// What a caller has to change, and in which field. Text of ours: no value of the request stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    text: Cow<'static, str>,
    errors: Vec<FieldError>,
    required_scopes: Vec<Scope>,
}

impl Detail {
    /// A detail about one field: its text is `field: message`.
    pub fn field(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        let error = FieldError { field: field.into(), message: message.into() };
        Self {
            text: format!("{}: {}", error.field, error.message).into(),
            errors: vec![error],
            required_scopes: Vec::new(),
        }
    }

    /// A detail about scopes that an API key lacks.
    pub fn scopes(text: impl Into<Cow<'static, str>>, required_scopes: Vec<Scope>) -> Self {
        Self { text: text.into(), errors: Vec::new(), required_scopes }
    }

    /// The whole text.
    pub fn text(&self) -> &Cow<'static, str> {
        &self.text
    }

    /// The fields that it is about.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Deref for Detail {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}

impl<T: Into<Cow<'static, str>>> From<T> for Detail {
    fn from(text: T) -> Self {
        Self { text: text.into(), errors: Vec::new(), required_scopes: Vec::new() }
    }
}

/// Why a request is refused: the code, and what to change where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What went wrong.
    pub code: Code,
    /// What to change.
    pub detail: Option<Detail>,
}

impl Refused {
    /// A refusal that says more than its title.
    pub fn new(code: Code, detail: impl Into<Detail>) -> Self {
        Self { code, detail: Some(detail.into()) }
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self { code, detail: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_in_json_is_the_code_in_the_table() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!((400..600).contains(&code.status()));
        }
    }

    /// RFC 6750, section 3: `%x20-21 / %x23-5B / %x5D-7E`, and no more.
    #[test]
    fn a_description_stays_within_its_quotes() {
        let head = r#"Bearer error="invalid_token", error_description="#;
        assert_eq!(challenge("it ended: make one"), format!("{head}\"it ended: make one\""));
        assert_eq!(challenge("a\"b\\c\r\nd\u{e9}~"), format!("{head}\"abcd~\""));
        assert_eq!(challenge(UNKNOWN_KEY), format!("{head}\"{UNKNOWN_KEY}\""));
    }

    #[test]
    fn frozen_body() {
        let problem = Problem::new(Code::NotFound, RequestId::new(0, [0; 10]));
        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            r#"{"type":"urn:sluicegate:problem:not_found","title":"There is nothing here","status":404,"code":"not_found","request_id":"req_00000000000000000000000000"}"#
        );
    }

    #[test]
    fn frozen_body_of_a_wrong_field() {
        let detail = Detail::field("limit", "must be 1 to 200");
        let problem = Problem::with_detail(Code::InvalidRequest, Some(detail), RequestId::new(0, [0; 10]));
        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            r#"{"type":"urn:sluicegate:problem:invalid_request","title":"The request is malformed","status":400,"code":"invalid_request","detail":"limit: must be 1 to 200","errors":[{"field":"limit","message":"must be 1 to 200"}],"request_id":"req_00000000000000000000000000"}"#
        );
        assert_eq!(problem.into_detail(), Some(Detail::field("limit", "must be 1 to 200")));
    }
}
