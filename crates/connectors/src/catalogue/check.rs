//! What one value of a catalogue file cannot show: that the file agrees with itself and asks for nothing unsafe.
//!
//! Run by the build script, so that a file which would let a credential go elsewhere, or a write pass as a read, does
//! not become a Worker. Every finding names the key.

use std::collections::BTreeSet;

use url::Url;

use super::check_rules::{self, is_field};
use super::grant::{OAuth, RefreshKind, RevocationKind, TokenKind};
use super::model::{Connector, CredentialKind, Kind};
use super::parameter::{self, Pattern};

/// Parameters of the authorization request that the flow itself sends.
const FLOW_PARAMETERS: [&str; 8] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];
/// Parameters of the token request that the flow itself sends.
const TOKEN_PARAMETERS: [&str; 8] = [
    "grant_type",
    "code",
    "redirect_uri",
    "client_id",
    "client_secret",
    "code_verifier",
    "refresh_token",
    "scope",
];
/// Headers that a connector cannot fix: the credential, the frame, and where a request goes.
const FORBIDDEN_HEADERS: [&str; 8] = [
    "authorization",
    "cookie",
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "expect",
];

/// What is wrong with the file `stem`.toml; empty where nothing is.
pub(crate) fn findings(stem: &str, connector: &Connector) -> Vec<String> {
    let mut found = Findings::default();
    found.unless(connector.id == stem, "id", "must be the file's name");
    found.unless(
        !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
        "id",
        "must be lower-case letters, digits and hyphens",
    );
    for (key, text) in [("name", &connector.name), ("summary", &connector.summary)] {
        found.unless(!text.trim().is_empty(), key, "must not be empty");
    }
    found.unless(connector.docs.starts_with("https://"), "docs", "must be an https URL");
    found.unless(
        connector.oauth.is_some() || !connector.credentials.is_empty(),
        "credentials",
        "must name a credential where there is no oauth",
    );
    parameters(connector, &mut found);
    upstream(connector, &mut found);
    if let Some(oauth) = &connector.oauth {
        authorization(connector, oauth, &mut found);
    }
    credentials(connector, &mut found);
    headers(connector, &mut found);
    for field in &connector.error_fields {
        found.unless(is_field(field), "error_fields", "must be dotted paths");
    }
    check_rules::rules(connector, &mut found);
    found.0
}

/// What is wrong with a file, each with its key.
#[derive(Default)]
pub(super) struct Findings(Vec<String>);

impl Findings {
    pub(super) fn unless(&mut self, is_fine: bool, key: &str, what: &str) {
        if !is_fine {
            self.0.push(format!("{key}: {what}"));
        }
    }
}

fn parameters(connector: &Connector, found: &mut Findings) {
    for (name, parameter) in &connector.parameters {
        let key = format!("parameters.{name}");
        found.unless(is_name(name), &key, "a parameter's name is lower-case letters, digits and _");
        found.unless(!parameter.label.trim().is_empty(), &format!("{key}.label"), "must not be empty");
        found.unless(
            (parameter.pattern == Pattern::Choice) != parameter.one_of.is_empty(),
            &format!("{key}.one_of"),
            "goes with the pattern choice, and the pattern with it",
        );
        found.unless(
            parameter.one_of.iter().all(|value| is_name(value)),
            &format!("{key}.one_of"),
            "must be lower-case letters, digits and _",
        );
        found.unless(
            parameter.suffixes.is_empty() || parameter.pattern == Pattern::Host,
            &format!("{key}.suffixes"),
            "goes with the pattern host",
        );
        found.unless(
            parameter
                .suffixes
                .iter()
                .all(|suffix| suffix.starts_with('.') && suffix.matches('.').count() >= 2),
            &format!("{key}.suffixes"),
            "must start with a dot and hold a registrable name, such as .example.com",
        );
        found.unless(
            parameter.default.as_ref().is_none_or(|value| parameter.accepts(value)),
            &format!("{key}.default"),
            "must fit the pattern",
        );
        let urls = [connector.base_url.as_deref()].into_iter().flatten().chain(oauth_urls(connector));
        let is_used = urls.into_iter().any(|url| url.contains(&format!("{{{name}}}")));
        found.unless(is_used || connector.kind != Kind::Http, &key, "is used by no URL");
    }
}

fn oauth_urls(connector: &Connector) -> impl Iterator<Item = &str> {
    connector.oauth.iter().flat_map(|oauth| {
        [oauth.authorize_url.as_str(), &oauth.token_url]
            .into_iter()
            .chain(oauth.revocation.as_ref().map(|revocation| revocation.url.as_str()))
    })
}

fn upstream(connector: &Connector, found: &mut Findings) {
    if connector.kind == Kind::Http {
        match &connector.base_url {
            Some(url) => template("base_url", url, connector, None, found),
            None => found.unless(connector.id == "http", "base_url", "is required"),
        }
    } else {
        found.unless(connector.base_url.is_none(), "base_url", "goes with the kind http");
        found.unless(connector.requests.is_empty(), "requests", "go with the kind http");
        found.unless(connector.oauth.is_none(), "oauth", "goes with the kind http");
    }
    if connector.id == "http" {
        found.unless(connector.base_url.is_none(), "base_url", "is each connection's own");
        found.unless(connector.requests.is_empty(), "requests", "this connector has no rules");
    }
}

/// A URL that parameters complete: `https`, and its host's registrable name not theirs to choose.
///
/// `own`: what besides parameters it may hold. Where this is given, the operator's client secret goes there, so that no
/// connection may choose the host freely.
fn template(key: &str, url: &str, connector: &Connector, own: Option<&[&str]>, found: &mut Findings) {
    let Some(parts) = parameter::parts(url) else {
        return found.unless(false, key, "has a brace without its other");
    };
    let mut sample = String::new();
    let mut after = url;
    for (literal, name) in parts {
        sample.push_str(literal);
        let Some(name) = name else { continue };
        after = after.split_once('}').map_or("", |(_, after)| after);
        let in_host = sample.matches('/').count() < 3;
        if own.is_some_and(|own| own.contains(&name)) {
            found.unless(!in_host, key, "has the client's id or a token in its host");
            sample.push_str("own");
            continue;
        }
        let Some(parameter) = connector.parameters.get(name) else {
            return found.unless(false, key, "names a parameter that `parameters` lacks");
        };
        let rest_of_host = after.split('/').next().unwrap_or_default();
        let is_bounded = match parameter.pattern {
            Pattern::Label | Pattern::Choice => rest_of_host.matches('.').count() >= 2,
            Pattern::Host => rest_of_host.is_empty() && !(own.is_some() && parameter.suffixes.is_empty()),
            Pattern::Id | Pattern::Name | Pattern::Uuid | Pattern::Port => false,
        };
        found.unless(
            !in_host || is_bounded,
            key,
            "a parameter in the host is a label below a registrable name, or the host itself, which in a URL that \
             gets the client's secret has `suffixes`",
        );
        found.unless(in_host || parameter.pattern != Pattern::Host, key, "a host goes into the host");
        sample.push_str(match parameter.pattern {
            Pattern::Host => "sample.example.com",
            _ => "sample",
        });
    }
    let is_url = sample.bytes().all(|b| b.is_ascii_graphic() && !b"\\?#@%".contains(&b))
        && sample.starts_with("https://")
        && Url::parse(&sample).is_ok_and(|parsed| {
            parsed.domain().is_some_and(|host| host.contains('.')) && parsed.port().is_none()
        });
    found.unless(is_url, key, "must be an https URL of a host and a path, no port, query or fragment");
}

fn authorization(connector: &Connector, oauth: &OAuth, found: &mut Findings) {
    template("oauth.authorize_url", &oauth.authorize_url, connector, Some(&[]), found);
    template("oauth.token_url", &oauth.token_url, connector, Some(&[]), found);
    for name in oauth.authorize_params.keys() {
        found.unless(
            !FLOW_PARAMETERS.contains(&name.as_str()),
            &format!("oauth.authorize_params.{name}"),
            "is the flow's own",
        );
    }
    for name in oauth.token_params.keys() {
        found.unless(
            !TOKEN_PARAMETERS.contains(&name.as_str()),
            &format!("oauth.token_params.{name}"),
            "is the flow's own",
        );
    }
    found.unless(
        oauth.token_header.as_ref().is_none_or(|name| is_free_header(name)),
        "oauth.token_header",
        "cannot carry a token",
    );
    found.unless(
        oauth.tolerated_scopes.iter().all(|scope| scope.trim_end_matches('*').len() > 1),
        "oauth.tolerated_scopes",
        "must be scopes, or beginnings of scopes and a *",
    );
    found.unless(
        matches!(oauth.scope_separator.as_str(), " " | ","),
        "oauth.scope_separator",
        "must be a space or a comma",
    );
    for name in oauth.token_parameters.keys() {
        found.unless(
            connector.parameters.contains_key(name),
            &format!("oauth.token_parameters.{name}"),
            "is not one of `parameters`",
        );
    }
    found.unless(
        oauth.refresh.reuse_grace_seconds == 0 || oauth.refresh.kind == RefreshKind::Rotated,
        "oauth.refresh.reuse_grace_seconds",
        "goes with the kind rotated",
    );
    found.unless(
        oauth.refresh.default_lifetime_seconds > 0,
        "oauth.refresh.default_lifetime_seconds",
        "must be positive",
    );
    let mut seen = BTreeSet::new();
    for scope in &oauth.scopes {
        let key = format!("oauth.scopes[{}]", scope.scope);
        found.unless(seen.insert(&scope.scope), &key, "stands twice");
        found.unless(!scope.why.trim().is_empty(), &format!("{key}.why"), "must not be empty");
        found.unless(
            !scope.scope.is_empty()
                && scope.scope.bytes().all(|b| b.is_ascii_graphic() && !b",\"\\".contains(&b)),
            &key,
            "is not one scope",
        );
    }
    let Some(revocation) = &oauth.revocation else { return };
    let own = ["client_id", "token"];
    template("oauth.revocation.url", &revocation.url, connector, Some(&own), found);
    found.unless(
        revocation.kind != RevocationKind::Rfc7009 || !revocation.url.contains("{token}"),
        "oauth.revocation.url",
        "holds {token}: by RFC 7009 it goes into the form",
    );
    let may_have_body = matches!(revocation.kind, RevocationKind::PostJson | RevocationKind::Delete);
    found.unless(
        revocation.body.as_ref().is_none_or(|body| may_have_body && body.contains("{token}"))
            && (revocation.body.is_some() || revocation.kind != RevocationKind::PostJson),
        "oauth.revocation.body",
        "goes with post_json, which needs it, and delete, and holds {token}",
    );
    found.unless(
        oauth.refresh.kind != RefreshKind::None || revocation.token == TokenKind::Access,
        "oauth.revocation.token",
        "there is no refresh token",
    );
    found.unless(
        revocation.already_gone.iter().all(|status| (400..500).contains(status)),
        "oauth.revocation.already_gone",
        "must be client errors",
    );
}

fn credentials(connector: &Connector, found: &mut Findings) {
    for credential in &connector.credentials {
        let key = format!("credentials[{}]", credential.kind.as_str());
        found.unless(!credential.label.trim().is_empty(), &format!("{key}.label"), "must not be empty");
        let places = usize::from(credential.header.is_some()) + usize::from(credential.query.is_some());
        // The generic connector's connections say it themselves.
        let is_placed = match credential.kind {
            CredentialKind::ApiKey => places == usize::from(connector.id != "http"),
            _ => places == 0,
        };
        found.unless(is_placed, &key, "an api_key has one of header and query, and the others neither");
        found.unless(
            credential.username_suffix.is_none() || credential.kind == CredentialKind::Basic,
            &format!("{key}.username_suffix"),
            "goes with basic",
        );
    }
}

fn headers(connector: &Connector, found: &mut Findings) {
    for (name, value) in &connector.headers {
        let key = format!("headers.{name}");
        found.unless(is_free_header(name), &key, "cannot be fixed");
        found.unless(
            !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() || b == b' '),
            &key,
            "must be printable ASCII",
        );
    }
}

fn is_free_header(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !lower.is_empty()
        && lower.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !FORBIDDEN_HEADERS.contains(&lower.as_str())
        && !lower.contains("method")
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
