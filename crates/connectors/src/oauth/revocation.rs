//! Revocation at the provider: by RFC 7009 or the provider's own call, and what its answer proves.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::{Client, FORM, MAX_ANSWER, request};

#[cfg(test)]
mod tests;

const AUTHORIZATION: &str = "authorization";

/// How a provider revokes, as the catalogue describes it.
#[derive(Clone, Copy, Debug)]
pub struct Revocation<'a> {
    /// The kind of call.
    pub kind: RevocationKind,
    /// Where to. `{client_id}` and, but for RFC 7009, `{token}` stand for those, percent-encoded.
    pub url: &'a str,
    /// Which token ends the grant.
    pub token: RevocationToken,
    /// How the call is authenticated.
    pub authentication: RevocationAuthentication,
    /// Where [`RevocationAuthentication::Bearer`] puts the token, if not in `Authorization`: a header's name.
    pub token_header: Option<&'static str>,
    /// The JSON of a `post_json` or `delete`. `{token}`, `{client_id}` and `{client_secret}`, inside of quotation marks,
    /// stand for those.
    pub body: Option<&'a str>,
}

/// The call that revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationKind {
    /// A form with `token` and `token_type_hint`, posted.
    Rfc7009,
    /// A DELETE, with JSON where the catalogue has a body.
    Delete,
    /// JSON, posted.
    PostJson,
    /// A GET.
    Get,
}

/// The token that a provider wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationToken {
    /// The refresh token.
    Refresh,
    /// The access token.
    Access,
}

/// Who revokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationAuthentication {
    /// Whoever has the token.
    None,
    /// The client, in an `Authorization: Basic` header.
    ClientBasic,
    /// The client, with its id and secret in the form.
    ClientPost,
    /// The token itself, as in a call of the provider's API: as a bearer or in a header of its own.
    Bearer,
}

/// A call that revokes. Its URL may hold the token.
#[derive(Debug)]
pub struct RevocationRequest {
    /// `POST`, `DELETE` or `GET`.
    pub method: &'static str,
    /// Where to.
    pub url: SecretString,
    /// The header that authenticates it: its name and value.
    pub authentication: Option<(&'static str, SecretString)>,
    /// `Content-Type` of the body.
    pub content_type: Option<&'static str>,
    /// The body.
    pub body: Option<SecretString>,
}

impl RevocationRequest {
    /// Builds the call. None: there is no token that it could be made for. RFC 7009 takes either, so the other one serves
    /// where the wanted one is missing.
    #[must_use]
    pub fn new(
        revocation: &Revocation<'_>,
        client: &Client,
        refresh: Option<&SecretString>,
        access: Option<&SecretString>,
    ) -> Option<Self> {
        let refresh = refresh.map(|token| (token.expose_secret(), "refresh_token"));
        let access = access.map(|token| (token.expose_secret(), "access_token"));
        let (wanted, other) = match revocation.token {
            RevocationToken::Refresh => (refresh, access),
            RevocationToken::Access => (access, refresh),
        };
        let is_standard = revocation.kind == RevocationKind::Rfc7009;
        let (token, hint) = wanted.or(other.filter(|_| is_standard))?;

        let (content_type, body) = if is_standard {
            (Some(FORM), Some(form(revocation, client, token, hint)))
        } else {
            let values = |name: &str| match name {
                "token" => Some(json(token)),
                "client_id" => Some(json(&client.id)),
                "client_secret" => Some(json(client.secret.expose_secret())),
                _ => None,
            };
            let body = revocation.body.map(|template| fill(template, values));
            (body.is_some().then_some("application/json"), body)
        };
        let url = fill(revocation.url, |name| match name {
            "token" if !is_standard => Some(percent(token)),
            "client_id" => Some(percent(&client.id)),
            _ => None,
        });
        let authentication = match (revocation.authentication, revocation.token_header) {
            (RevocationAuthentication::None | RevocationAuthentication::ClientPost, _) => None,
            (RevocationAuthentication::ClientBasic, _) => Some((AUTHORIZATION, request::basic(client))),
            (RevocationAuthentication::Bearer, None) => {
                Some((AUTHORIZATION, format!("Bearer {token}").into()))
            }
            (RevocationAuthentication::Bearer, Some(header)) => Some((header, token.into())),
        };
        let method = match revocation.kind {
            RevocationKind::Rfc7009 | RevocationKind::PostJson => "POST",
            RevocationKind::Delete => "DELETE",
            RevocationKind::Get => "GET",
        };
        Some(Self { method, url, authentication, content_type, body })
    }
}

/// RFC 7009, section 2.1.
fn form(revocation: &Revocation<'_>, client: &Client, token: &str, hint: &str) -> SecretString {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", token).append_pair("token_type_hint", hint);
    if revocation.authentication == RevocationAuthentication::ClientPost {
        form.append_pair("client_id", &client.id).append_pair("client_secret", client.secret.expose_secret());
    }
    form.finish().into()
}

/// `template` with its `{name}`s replaced, in one pass: what stands in a value stays as it is. Other braces stay as well.
fn fill(template: &str, value: impl Fn(&str) -> Option<Zeroizing<String>>) -> SecretString {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        match behind.split_once('}').and_then(|(name, tail)| Some((value(name)?, tail))) {
            Some((value, tail)) => {
                out.push_str(&value);
                rest = tail;
            }
            None => {
                out.push('{');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out.into()
}

fn percent(text: &str) -> Zeroizing<String> {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().into()
}

/// The inside of a JSON string.
fn json(text: &str) -> Zeroizing<String> {
    let quoted = Zeroizing::new(Value::from(text).to_string());
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned().into()
}

/// What an answer to a [`RevocationRequest`] proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The provider says that it revoked.
    Revoked,
    /// The provider says that there is nothing (more) to revoke.
    AlreadyGone,
    /// The provider does not take the token that was sent. Of an access token that proves nothing: it may have expired while
    /// the grant lives.
    NotTaken,
    /// Try again later.
    Temporary,
    /// It didn't, and trying again would not help.
    Failed,
}

/// Reads an answer. `already_gone` are the statuses by which the provider says that the token is not valid any more.
#[must_use]
pub fn revocation_verdict(status: u16, body: &[u8], already_gone: &[u16]) -> Verdict {
    #[derive(Default, Deserialize)]
    struct Answer {
        ok: Option<Value>,
        /// Slack's word on what it did.
        revoked: Option<Value>,
        error: Option<Value>,
    }
    // RFC 7009 gives no body a meaning; JSON that can't be read may say no.
    let is_json = body.trim_ascii_start().starts_with(b"{");
    let read = (body.len() <= MAX_ANSWER).then(|| serde_json::from_slice::<Answer>(body).ok()).flatten();
    let is_unclear = is_json && read.is_none();
    let answer = read.unwrap_or_default();
    let error = answer.error.as_ref().and_then(Value::as_str).unwrap_or_default();
    let says_no = [&answer.ok, &answer.revoked].into_iter().any(|word| *word == Some(Value::Bool(false)));
    match error {
        // The request was at fault, not the token; some answer so with a status that is in `already_gone`.
        "invalid_client" | "unauthorized_client" | "invalid_request" | "unsupported_token_type" => {
            Verdict::Failed
        }
        _ if already_gone.contains(&status) => Verdict::AlreadyGone,
        _ if matches!(status, 408 | 425 | 429 | 500..) => Verdict::Temporary,
        "token_expired" | "invalid_auth" | "not_authed" => Verdict::NotTaken,
        _ if status == 401 => Verdict::NotTaken,
        _ if !(200..=299).contains(&status) => Verdict::Failed,
        // Slack answers with status 200 always.
        "token_revoked" | "account_inactive" => Verdict::AlreadyGone,
        "ratelimited" | "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
            Verdict::Temporary
        }
        "" if !says_no && !is_unclear && answer.error.is_none() => Verdict::Revoked,
        _ => Verdict::Failed,
    }
}
