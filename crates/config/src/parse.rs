//! Reading and checking `sluicegate.toml`. Every refusal names the key and says what is allowed.

use crate::{Config, OidcProvider, Quota};
use mail::Address;
use std::collections::HashSet;
use std::path::Path;
use url::Url;

/// Why the file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not TOML, an unknown key, a missing key, a wrong type.
    #[error("sluicegate.toml: {0}")]
    Syntax(#[from] Box<toml::de::Error>),
    /// A value that cannot be.
    #[error("sluicegate.toml: {key}: {reason}")]
    Value {
        /// `limits.url_bytes`
        key: String,
        /// What is allowed.
        reason: String,
    },
}

/// Parses and checks the file's text.
///
/// # Errors
/// [`ConfigError`], naming the first key that is wrong.
pub fn parse(text: &str) -> Result<Config, ConfigError> {
    let config: Config = toml::from_str(text).map_err(Box::new)?;
    check(&config)?;
    Ok(config)
}

/// For the Workers' build scripts: checks `<root>/sluicegate.toml` and writes it as `config.json` into `OUT_DIR`.
///
/// The file that [`OVERLAY`] names, if any, adds tables that the first one does not have: `cargo xtask dev` gives every
/// connector a stand-in for its provider so.
///
/// # Errors
/// What is wrong with the file, for the build to stop with.
#[allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
pub fn emit_for_build_script(root: &Path) -> Result<Config, Box<dyn std::error::Error>> {
    let path = root.join("sluicegate.toml");
    println!("cargo::rerun-if-changed={}", path.display());
    println!("cargo::rerun-if-env-changed={OVERLAY}");
    let mut file: toml::Table = std::fs::read_to_string(&path)?.parse()?;
    if let Some(overlay) = std::env::var_os(OVERLAY).map(std::path::PathBuf::from) {
        println!("cargo::rerun-if-changed={}", overlay.display());
        add(&mut file, std::fs::read_to_string(&overlay)?.parse()?);
    }
    let config = parse(&file.to_string())?;
    let out = std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: this runs in a build script")?;
    std::fs::write(Path::new(&out).join("config.json"), serde_json::to_vec(&config)?)?;
    Ok(config)
}

/// The environment variable of a second file for [`emit_for_build_script`].
pub const OVERLAY: &str = "SLUICEGATE_CONFIG_OVERLAY";

/// Adds what is not there yet.
fn add(file: &mut toml::Table, overlay: toml::Table) {
    for (key, value) in overlay {
        match (file.get_mut(&key), value) {
            // One level down: who configures a connector means the provider itself.
            (Some(toml::Value::Table(there)), toml::Value::Table(more)) => {
                for (key, value) in more {
                    there.entry(key).or_insert(value);
                }
            }
            (Some(_), _) => {}
            (None, value) => drop(file.insert(key, value)),
        }
    }
}

fn check(config: &Config) -> Result<(), ConfigError> {
    let Config {
        brand,
        operators,
        sign_in,
        mail,
        sessions,
        revocation,
        limits,
        rate_limits,
        detections,
        csp,
        retention,
        residency,
        plans,
        connectors,
        routes,
    } = config;

    require("brand.name", "1 to 40 characters without control characters", {
        (1..=40).contains(&brand.name.chars().count()) && !brand.name.chars().any(char::is_control)
    })?;
    require("brand.api_key_prefix", "2 to 12 lower-case letters and digits", {
        let prefix = brand.api_key_prefix.as_bytes();
        (2..=12).contains(&prefix.len())
            && prefix.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })?;
    require("brand.security_contact", "a mailto: or https: URL", {
        Url::parse(&brand.security_contact).is_ok_and(|url| matches!(url.scheme(), "mailto" | "https"))
    })?;

    for (key, url) in [("brand.terms_url", &brand.terms_url), ("brand.privacy_url", &brand.privacy_url)] {
        require(key, "an https: URL", url.as_deref().is_none_or(is_https_url))?;
    }

    for email in &operators.super_admins {
        require(
            "operators.super_admins",
            "each an email address as accounts have it: lower case, an xn-- domain",
            Address::typed(email).is_ok_and(|address| address.as_str() == email),
        )?;
    }
    require("mail.from", "an email address in ASCII: a domain in its xn-- form", {
        Address::parse(&mail.from).is_ok()
    })?;
    providers(&sign_in.oidc)?;

    within("sessions.access_seconds", sessions.access_seconds, 60, 3600)?;
    within("sessions.idle_days", sessions.idle_days, 1, 365)?;
    within("sessions.reauthentication_minutes", sessions.reauthentication_minutes, 1, 60)?;
    within("sessions.invitation_days", sessions.invitation_days, 1, 30)?;
    within("revocation.max_staleness_seconds", revocation.max_staleness_seconds, 1, 60)?;

    within("limits.url_bytes", limits.url_bytes, 256, 16_384)?;
    within("limits.header_bytes", limits.header_bytes, 4096, 131_072)?;
    within("limits.json_body_bytes", limits.json_body_bytes, 1024, 1 << 20)?;
    // A Durable Object's row holds 2 MB.
    within("limits.webhook_body_bytes", limits.webhook_body_bytes, 1024, 1_900_000)?;
    within("limits.message_bytes", limits.message_bytes, 1024, 1 << 20)?;
    within("limits.proxy_body_bytes", limits.proxy_body_bytes, 1024, 1 << 30)?;
    within("limits.upstream_timeout_seconds", limits.upstream_timeout_seconds, 1, 300)?;
    within("limits.query_rows", limits.query_rows, 1, 1_000_000)?;
    // One row is held in memory, of which a Worker has 128 MB.
    within("limits.query_bytes", limits.query_bytes, 1024, 1 << 25)?;
    within("limits.query_timeout_seconds", limits.query_timeout_seconds, 1, 300)?;

    quota("rate_limits.ip", rate_limits.ip)?;
    quota("rate_limits.auth", rate_limits.auth)?;
    quota("rate_limits.account", rate_limits.account)?;
    quota("rate_limits.passwords", rate_limits.passwords)?;
    quota("rate_limits.principal", rate_limits.principal)?;
    quota("rate_limits.source", rate_limits.source)?;
    quota("rate_limits.connection", rate_limits.connection)?;
    quota("detections.signature_failures", detections.signature_failures)?;

    for (key, origins) in [("csp.img_src", &csp.img_src), ("csp.connect_src", &csp.connect_src)] {
        for origin in origins {
            require(key, "each an origin, https://host, without path or wildcard", is_https_origin(origin))?;
        }
    }

    within("retention.inbound_events_days", retention.inbound_events_days, 1, 365)?;
    within("retention.messages_days", retention.messages_days, 1, 365)?;
    within("retention.idempotency_hours", retention.idempotency_hours, 1, 168)?;

    require("residency.default", "one of residency.regions", residency.regions.contains(&residency.default))?;

    require("plans.default", "the name of a plan", plans.plans.contains_key(&plans.default))?;

    for (name, plan) in &plans.plans {
        require(&format!("plans.{name}.members"), "at least 1", plan.members >= 1)?;
    }

    for (id, connector) in connectors {
        let key = |field: &str| format!("connectors.{id}.{field}");
        if let Some(client_id) = &connector.client_id {
            require(&key("client_id"), "1 to 255 visible ASCII characters", {
                (1..=255).contains(&client_id.len()) && client_id.bytes().all(|b| b.is_ascii_graphic())
            })?;
        }
        if let Some(origin) = &connector.stand_in {
            require(&key("stand_in"), "an origin, https://host, or http:// of this machine", {
                is_https_origin(origin) || is_local_origin(origin)
            })?;
        }
    }

    let mut paths = HashSet::new();
    for (index, route) in routes.iter().enumerate() {
        let key = |field: &str| format!("routes[{index}].{field}");
        require(&key("path"), "a prefix such as /app/, of letters, digits and -._/, which ends with /", {
            route.path.len() > 2
                && route.path.starts_with('/')
                && route.path.ends_with('/')
                && !route.path.contains("//")
                && route.path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._/".contains(&b))
                && !route.path.contains("/.")
        })?;
        #[rustfmt::skip]
        let own = [
            "/v1/", "/in/", "/mcp/", "/.well-known/", "/assets/",
            // Of pages that have others below them.
            "/account/", "/admin/", "/connections/", "/connectors/", "/endpoints/", "/event-types/", "/events/",
            "/join/", "/members/", "/messages/", "/portal/", "/sign-in/", "/sources/",
        ];
        require(&key("path"), "not below a path of Sluicegate's own", {
            !own.iter().any(|own| route.path.starts_with(own))
        })?;
        require(&key("path"), "used by one route alone", paths.insert(&route.path))?;
        require(&key("upstream"), "an origin, https://host", {
            // One box, one network: the upstream beside the gateway.
            is_https_origin(&route.upstream)
                || Url::parse(&route.upstream).is_ok_and(|url| {
                    url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost"))
                })
        })?;
        require(&key("audience"), "none that begins with sluicegate: session tokens are for those", {
            !route.audience.starts_with("sluicegate")
        })?;
        require(&key("audience"), "1 to 200 visible ASCII characters", {
            (1..=200).contains(&route.audience.len()) && route.audience.bytes().all(|b| b.is_ascii_graphic())
        })?;
    }
    Ok(())
}

fn providers(providers: &[OidcProvider]) -> Result<(), ConfigError> {
    let (mut ids, mut issuers) = (HashSet::new(), HashSet::new());
    for (index, provider) in providers.iter().enumerate() {
        let key = |field: &str| format!("sign_in.oidc[{index}].{field}");
        require(&key("id"), "1 to 40 lower-case letters, digits and -, used by one provider alone", {
            (1..=40).contains(&provider.id.len())
                && provider.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && ids.insert(&provider.id)
        })?;
        require(&key("id"), "another one: /sign-in/code is a page", provider.id != "code")?;
        require(&key("name"), "1 to 40 characters without control characters", {
            (1..=40).contains(&provider.name.chars().count()) && !provider.name.chars().any(char::is_control)
        })?;
        require(&key("issuer"), "an https:// URL without query or fragment, used by one provider alone", {
            Url::parse(&provider.issuer).is_ok_and(|url| {
                let local =
                    url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
                (url.scheme() == "https" || local) && url.query().is_none() && url.fragment().is_none()
            }) && issuers.insert(&provider.issuer)
        })?;
        require(&key("client_id"), "1 to 255 visible ASCII characters", {
            (1..=255).contains(&provider.client_id.len())
                && provider.client_id.bytes().all(|b| b.is_ascii_graphic())
        })?;
    }
    Ok(())
}

fn is_https_url(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_graphic());
    plain && Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.username().is_empty())
}

fn is_https_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.origin().ascii_serialization() == text)
}

fn is_local_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "http"
            && matches!(url.host_str(), Some("127.0.0.1" | "localhost"))
            && url.origin().ascii_serialization() == text
    })
}

fn quota(key: &str, quota: Quota) -> Result<(), ConfigError> {
    within(&format!("{key}.limit"), quota.limit, 1, 1_000_000)?;
    within(&format!("{key}.period_seconds"), quota.period_seconds, 1, 86_400)
}

fn within(key: &str, value: u32, least: u32, most: u32) -> Result<(), ConfigError> {
    require(key, &format!("from {least} to {most}"), (least..=most).contains(&value))
}

fn require(key: &str, allowed: &str, holds: bool) -> Result<(), ConfigError> {
    if holds {
        return Ok(());
    }
    Err(ConfigError::Value { key: key.to_owned(), reason: format!("must be {allowed}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../sluicegate.toml");

    fn error_of(from: &str, to: &str) -> String {
        assert!(SHIPPED.contains(from), "the shipped file no longer has {from}");
        parse(&SHIPPED.replacen(from, to, 1)).expect_err(to).to_string()
    }

    #[test]
    fn the_shipped_file_is_good_and_survives_embedding() {
        let config = parse(SHIPPED).unwrap();
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(Config::from_embedded(&json).unwrap(), config);
    }

    #[test]
    fn a_bad_value_is_named() {
        for (from, to, key) in [
            ("\"sgk\"", "\"SG_\"", "brand.api_key_prefix"),
            ("mailto:security@example.com", "security", "brand.security_contact"),
            ("access_seconds = 600", "access_seconds = 0", "sessions.access_seconds"),
            ("max_staleness_seconds = 5", "max_staleness_seconds = 3600", "revocation.max_staleness_seconds"),
            ("query_bytes = 10485760", "query_bytes = 33554433", "limits.query_bytes"),
            ("url_bytes = 8192", "url_bytes = 1", "limits.url_bytes"),
            ("limit = 20,", "limit = 0,", "rate_limits.auth.limit"),
            ("img_src = []", "img_src = [\"*\"]", "csp.img_src"),
            ("img_src = []", "img_src = [\"https://a.example/; script-src *\"]", "csp.img_src"),
            ("default = \"auto\"", "default = \"mars\"", "default"),
            ("regions = [\"auto\", \"eu\", \"us\"]", "regions = [\"eu\"]", "residency.default"),
            ("default = \"free\"", "default = \"gold\"", "plans.default"),
            ("super_admins = []", "super_admins = [\"Root@example.com\"]", "operators.super_admins"),
            ("super_admins = []", "super_admins = [\"root@example\"]", "operators.super_admins"),
            ("super_admins = []", "super_admins = [\"root@b\u{fc}cher.example\"]", "operators.super_admins"),
            (
                "super_admins = []",
                "super_admins = [\"r\u{f6}\u{f6}t@example.com\"]",
                "operators.super_admins",
            ),
            ("from = \"", "from = \"A <", "mail.from"),
            ("from = \"no-reply@", "from = \"n\u{f6}-reply@", "mail.from"),
            ("from = \"no-reply@example.com", "from = \"no-reply@b\u{fc}cher.example", "mail.from"),
            ("[brand]\n", "[brand]\nterms_url = \"http://example.com/terms\"\n", "brand.terms_url"),
            ("[brand]\n", "[brand]\nterms_url = \"javascript:alert(1)\"\n", "brand.terms_url"),
            ("[brand]\n", "[brand]\nprivacy_url = \"/privacy\"\n", "brand.privacy_url"),
            (
                "reauthentication_minutes = 10",
                "reauthentication_minutes = 600",
                "sessions.reauthentication_minutes",
            ),
            ("members = 10", "members = 0", "plans.free.members"),
            ("\"connections\",", "\"connection\",", "connection"),
            ("header_bytes = 32768", "header_bytes = 32768\nheader_byte = 1", "header_byte"),
        ] {
            let error = error_of(from, to);
            assert!(error.contains(key), "{to}: {error}");
        }
    }

    #[test]
    fn an_overlay_adds_and_replaces_nothing() {
        let mut file = "[connectors.gmail]\nclient_id = \"own\"\n[brand]\nname = \"Own\"".parse().unwrap();
        let overlay = "[connectors.gmail]\nclient_id = \"dev\"\nstand_in = \"http://127.0.0.1:1\"\n\
                       [connectors.linear]\nclient_id = \"dev\"";
        add(&mut file, overlay.parse().unwrap());
        assert_eq!(file["connectors"]["gmail"]["client_id"].as_str(), Some("own"));
        assert!(file["connectors"]["gmail"].get("stand_in").is_none());
        assert_eq!(file["connectors"]["linear"]["client_id"].as_str(), Some("dev"));
        assert_eq!(file["brand"]["name"].as_str(), Some("Own"));
    }

    #[test]
    fn an_identity_provider_is_named_once_and_asked_over_https() {
        let with = |id: &str, issuer: &str| {
            let provider = |id: &str, issuer: &str| {
                format!(
                    "[[sign_in.oidc]]\nid = \"{id}\"\nname = \"N\"\nissuer = \"{issuer}\"\nclient_id = \"c\"\n"
                )
            };
            parse(&format!(
                "{SHIPPED}\n{}{}",
                provider("google", "https://accounts.google.com"),
                provider(id, issuer)
            ))
        };
        assert!(with("own", "https://id.example.com/realms/a").is_ok());
        for (id, issuer, key) in [
            ("google", "https://id.example.com", "sign_in.oidc[1].id"),
            ("a/b", "https://id.example.com", "sign_in.oidc[1].id"),
            ("code", "https://id.example.com", "sign_in.oidc[1].id"),
            ("own", "http://id.example.com", "sign_in.oidc[1].issuer"),
            ("own", "https://accounts.google.com", "sign_in.oidc[1].issuer"),
            ("own", "https://id.example.com?x", "sign_in.oidc[1].issuer"),
        ] {
            assert!(with(id, issuer).expect_err(issuer).to_string().contains(key), "{id} {issuer}");
        }
    }

    #[test]
    fn a_gateway_route_cannot_take_over_a_path_of_ours() {
        for path in [
            "/v1/",
            "/in/x/",
            "/",
            "app/",
            "/app",
            "/a//b/",
            "/a/../v1/",
            "/.well-known/x/",
            "/sign-in/x/",
            "/portal/x/",
        ] {
            let route = format!(
                "{SHIPPED}\n[[routes]]\npath = \"{path}\"\nupstream = \"https://a.example\"\naudience = \"a\"\n"
            );
            assert!(parse(&route).expect_err(path).to_string().contains("routes[0].path"), "{path}");
        }
        for upstream in ["http://a.example", "https://a.example/x", "https://a@b.example", "ftp://a.example"]
        {
            let route = format!(
                "{SHIPPED}\n[[routes]]\npath = \"/app/\"\nupstream = \"{upstream}\"\naudience = \"a\"\n"
            );
            assert!(
                parse(&route).expect_err(upstream).to_string().contains("routes[0].upstream"),
                "{upstream}"
            );
        }
    }
}
