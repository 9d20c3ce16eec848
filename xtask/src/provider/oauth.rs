//! The stand-in provider's OAuth: authorization code with PKCE (RFC 6749, RFC 7636), rotating refresh tokens with reuse
//! detection (RFC 9700, section 4.14.2), revocation (RFC 7009).

use super::{Answer, Counts, Options};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use maud::{DOCTYPE, html};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::time::Instant;
use url::form_urlencoded;

/// An endpoint of OAuth, whatever the connector's provider calls it.
pub(super) enum Endpoint {
    Authorize,
    Token,
    Revoke,
}

pub(super) fn endpoint(path: &str) -> Option<Endpoint> {
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    // The page leads back to the path it was got from, so that forms work for every provider.
    match last {
        "authorize" | "auth" | "authorization" => Some(Endpoint::Authorize),
        "token" | "access_token" | "oauth.v2.access" | "oauth.access" | "eagle-exchange" => {
            Some(Endpoint::Token)
        }
        "revoke" | "auth.revoke" => Some(Endpoint::Revoke),
        _ if path.contains("/refresh-tokens/") => Some(Endpoint::Revoke),
        _ => None,
    }
}

type Form = HashMap<String, String>;

fn form(text: &str) -> Form {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// The page on which access is granted or not.
pub(super) fn page(query: &str) -> Answer {
    let asked = form(query);
    let scopes = asked.get("scope").map(String::as_str).unwrap_or_default();
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Stand-in provider" } }
            body style="font:16px/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem" {
                h1 { "Grant access?" }
                p { "This page stands in for the provider: nothing leaves this machine." }
                p { strong { (asked.get("client_id").map(String::as_str).unwrap_or_default()) } " asks for:" }
                ul { @for scope in scopes.split([' ', ',']).filter(|scope| !scope.is_empty()) { li { code { (scope) } } } }
                form method="post" {
                    @for (name, value) in form_urlencoded::parse(query.as_bytes()) {
                        input type="hidden" name=(name) value=(value);
                    }
                    button name="decision" value="allow" { "Allow" } " "
                    button name="decision" value="deny" { "Deny" }
                }
            }
        }
    };
    Answer::html(body.into_string())
}

struct Code {
    challenge: Option<String>,
    redirect_uri: String,
    scope: String,
}

struct Refresh {
    family: u64,
    scope: String,
    used: bool,
}

struct Access {
    family: u64,
    until: Instant,
}

/// What was granted.
pub(super) struct Grants {
    options: Options,
    codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    access: HashMap<String, Access>,
    families: u64,
    pub(super) handed_out: Vec<String>,
    pub(super) counts: Counts,
}

impl std::fmt::Debug for Grants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grants").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Grants {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            codes: HashMap::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
            families: 0,
            handed_out: Vec::new(),
            counts: Counts::default(),
        }
    }

    pub(super) fn expire(&mut self) {
        self.access.clear();
    }

    /// The form of [`page`].
    pub(super) fn decide(&mut self, body: &str) -> Answer {
        let asked = form(body);
        let Some(redirect_uri) = asked.get("redirect_uri") else { return error(400, "invalid_request") };
        let mut answer = form_urlencoded::Serializer::new(String::new());
        if let Some(state) = asked.get("state") {
            answer.append_pair("state", state);
        }
        if asked.get("decision").is_some_and(|decision| decision == "allow") {
            let code = random();
            self.handed_out.push(code.clone());
            self.codes.insert(
                code.clone(),
                Code {
                    challenge: asked.get("code_challenge").cloned(),
                    redirect_uri: redirect_uri.clone(),
                    scope: asked.get("scope").cloned().unwrap_or_default(),
                },
            );
            answer.append_pair("code", &code);
        } else {
            answer.append_pair("error", "access_denied");
        }
        Answer::redirect(format!("{redirect_uri}?{}", answer.finish()))
    }

    pub(super) fn token(&mut self, body: &str, authorization: Option<&str>) -> Answer {
        let asked = form(body);
        if !self.is_client(&asked, authorization) {
            return error(401, "invalid_client");
        }
        let given = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
        match given("grant_type") {
            "authorization_code" => {
                let Some(code) = self.codes.remove(given("code")) else { return error(400, "invalid_grant") };
                let proven = code.challenge.as_ref().is_none_or(|challenge| {
                    URL_SAFE_NO_PAD.encode(Sha256::digest(given("code_verifier"))) == *challenge
                });
                if !proven || code.redirect_uri != given("redirect_uri") {
                    return error(400, "invalid_grant");
                }
                self.families += 1;
                self.grant(self.families, code.scope)
            }
            "refresh_token" => {
                let Some(token) = self.refresh.get_mut(given("refresh_token")) else {
                    self.counts.refused += 1;
                    return error(400, "invalid_grant");
                };
                let (family, scope) = (token.family, token.scope.clone());
                if std::mem::replace(&mut token.used, true) {
                    // Somebody has a copy: the whole grant ends.
                    self.counts.refused += 1;
                    self.end(family);
                    return error(400, "invalid_grant");
                }
                self.counts.refreshes += 1;
                self.grant(family, scope)
            }
            _ => error(400, "unsupported_grant_type"),
        }
    }

    fn grant(&mut self, family: u64, scope: String) -> Answer {
        let (access, refresh) = (random(), random());
        self.handed_out.extend([access.clone(), refresh.clone()]);
        let until = Instant::now() + self.options.access_token_life;
        self.access.insert(access.clone(), Access { family, until });
        self.refresh.insert(refresh.clone(), Refresh { family, scope: scope.clone(), used: false });
        Answer::json(
            200,
            &json!({
                "access_token": access,
                "refresh_token": refresh,
                "token_type": "Bearer",
                "expires_in": self.options.access_token_life.as_secs(),
                "scope": scope,
            }),
        )
    }

    /// RFC 7009, section 2.2: a token that is not known is revoked already.
    pub(super) fn revoke(
        &mut self,
        path: &str,
        query: &str,
        body: &str,
        authorization: Option<&str>,
    ) -> Answer {
        let (asked, query) = (form(body), form(query));
        let bearer = authorization.and_then(|text| text.strip_prefix("Bearer "));
        let in_path = path.split_once("/refresh-tokens/").map(|(_, token)| token);
        let token =
            asked.get("token").or_else(|| query.get("token")).map(String::as_str).or(bearer).or(in_path);
        let token = token.unwrap_or_default();
        let family = self.refresh.get(token).map(|token| token.family);
        if let Some(family) = family.or_else(|| self.access.get(token).map(|token| token.family)) {
            self.counts.revocations += 1;
            self.end(family);
        }
        Answer::json(200, &json!({ "ok": true }))
    }

    /// Counts a request with a good access token, or with a credential that is not of OAuth.
    pub(super) fn api_request(&mut self, authorization: Option<&str>) -> Option<()> {
        let bearer = authorization.and_then(|text| text.strip_prefix("Bearer "));
        // What was granted here has this length; what else comes is a static credential, of which all are good.
        let ours = bearer.filter(|token| token.len() == random().len());
        let good = ours
            .is_none_or(|token| self.access.get(token).is_some_and(|access| access.until > Instant::now()));
        self.counts.requests += u64::from(good);
        good.then_some(())
    }

    fn end(&mut self, family: u64) {
        self.refresh.retain(|_, token| token.family != family);
        self.access.retain(|_, token| token.family != family);
    }

    fn is_client(&self, asked: &Form, authorization: Option<&str>) -> bool {
        let basic = authorization.and_then(|text| text.strip_prefix("Basic "));
        let basic =
            basic.and_then(|text| STANDARD.decode(text).ok()).and_then(|text| String::from_utf8(text).ok());
        let secret = match basic.as_deref().and_then(|pair| pair.split_once(':')) {
            // RFC 6749, section 2.3.1: form-encoded before they are joined.
            Some((_, secret)) => form(&format!("s={secret}")).remove("s"),
            None => asked.get("client_secret").cloned(),
        };
        secret.as_ref() == Some(&self.options.client_secret)
    }
}

fn error(status: u16, code: &str) -> Answer {
    Answer::json(status, &json!({ "error": code }))
}

/// 43 characters.
fn random() -> String {
    let mut bytes = [0; 32];
    // A stand-in without randomness could only hand out the same token twice.
    let _ = getrandom::fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
