//! What an isolate reads once: secrets, configuration, switches.

use crate::error::AppError;
use crate::limiter::Passwords;
use crate::secrets::Secrets;
use config::Config;
use connectors::{TargetPolicy, Targets};
use mail::Transport;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use worker::Env;
use zeroize::Zeroizing;

/// Deploy-time values, parsed.
pub(crate) struct Isolate {
    pub secrets: Secrets,
    pub config: Config,
    /// Where endpoints and connections may lead: by `ALLOW_LOCAL_UPSTREAMS`, and to none of the origins of `PUBLIC_ORIGIN`
    /// (as at the edge) and `LINK_ORIGIN`.
    pub targets: Targets,
    pub jurisdictions: bool,
    /// `None`: this installation sends no mail.
    pub mail: Option<Mail>,
    /// What has been hashed here.
    pub passwords: Passwords,
}

/// How mail goes out.
pub(crate) struct Mail {
    /// `MAIL_TRANSPORT`.
    pub transport: Transport,
    /// `LINK_ORIGIN`: scheme and authority of mailed links. Configured and never taken from a request: whoever asks for
    /// somebody's password reset must not choose where its link leads.
    pub link_origin: String,
}

impl Isolate {
    /// This isolate's.
    ///
    /// # Errors
    /// Where a secret or a switch is missing or malformed: then this Worker answers nothing (invariant 6).
    pub(crate) fn get(env: &Env) -> Result<Rc<Self>, AppError> {
        thread_local! {
            static ISOLATE: RefCell<Option<Rc<Isolate>>> = const { RefCell::new(None) };
        }
        if let Some(isolate) = ISOLATE.with_borrow(Clone::clone) {
            return Ok(isolate);
        }
        let isolate = Rc::new(Self::load(env)?);
        ISOLATE.set(Some(isolate.clone()));
        Ok(isolate)
    }

    fn load(env: &Env) -> Result<Self, AppError> {
        let variable = |name: &str| {
            let value = js_sys::Reflect::get(env.as_ref(), &JsValue::from_str(name)).ok()?;
            value.as_string().map(Zeroizing::new)
        };
        let switch = |name, on: &str, off: &str| match variable(name).as_deref().map(String::as_str) {
            Some(value) if value == on => Ok(true),
            Some(value) if value == off => Ok(false),
            _ => Err(AppError::Platform("a switch is neither on nor off")),
        };
        // As at the edge: one that cannot be read never falls back to the embedded one.
        let given = variable("CONFIG").filter(|json| !json.is_empty());
        let embedded = include_str!(concat!(env!("OUT_DIR"), "/config.json"));
        let config = given.as_deref().map_or(embedded, String::as_str);
        let mut config = Config::from_embedded(config)
            .map_err(|_| AppError::Platform("CONFIG is not a configuration that xtask has checked"))?;
        let allow_local_upstreams = switch("ALLOW_LOCAL_UPSTREAMS", "true", "false")?;
        // For tests and benchmarks.
        let scale = match variable("RATE_LIMIT_SCALE").as_deref().map(String::as_str) {
            None | Some("") => 1,
            Some(text) => text
                .parse()
                .ok()
                .filter(|scale| *scale >= 1)
                .ok_or(AppError::Platform("RATE_LIMIT_SCALE is not a number from 1 on"))?,
        };
        config.rate_limits.account.limit = scaled(config.rate_limits.account.limit, scale);
        config.rate_limits.auth.limit = scaled(config.rate_limits.auth.limit, scale);
        config.rate_limits.passwords.limit = scaled(config.rate_limits.passwords.limit, scale);
        config.rate_limits.connection.limit = scaled(config.rate_limits.connection.limit, scale);
        Ok(Self {
            mail: mail(&variable, allow_local_upstreams)?,
            passwords: Passwords::default(),
            secrets: Secrets::load(&config.brand.api_key_prefix, variable)?,
            targets: targets(&variable, allow_local_upstreams)?,
            jurisdictions: switch("JURISDICTIONS", "on", "off")?,
            config,
        })
    }
}

fn targets(
    variable: &impl Fn(&str) -> Option<Zeroizing<String>>,
    allow_local: bool,
) -> Result<Targets, AppError> {
    let policy = if allow_local { TargetPolicy::Development } else { TargetPolicy::Public };
    let origins = ["PUBLIC_ORIGIN", "LINK_ORIGIN"].map(|name| variable(name).unwrap_or_default());
    let origins = origins.iter().flat_map(|list| list.split(',')).filter(|origin| !origin.trim().is_empty());
    Targets::new(policy, origins)
        .ok_or(AppError::Platform("PUBLIC_ORIGIN or LINK_ORIGIN is not scheme://authority"))
}

fn mail(
    variable: &impl Fn(&str) -> Option<Zeroizing<String>>,
    allow_plain: bool,
) -> Result<Option<Mail>, AppError> {
    let Some(url) = variable("MAIL_TRANSPORT").filter(|url| !url.is_empty()) else { return Ok(None) };
    let transport = Transport::parse(&url, allow_plain)
        .map_err(|_| AppError::Platform("MAIL_TRANSPORT is not smtps://… or smtp://…"))?;
    let origin = variable("LINK_ORIGIN").ok_or(AppError::Platform("MAIL_TRANSPORT needs LINK_ORIGIN"))?;
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    if !authority.is_some_and(|authority| !authority.is_empty() && !authority.contains('/')) {
        return Err(AppError::Platform("LINK_ORIGIN is not scheme://authority"));
    }
    Ok(Some(Mail { transport, link_origin: origin.to_string() }))
}

fn scaled(limit: u32, scale: u32) -> u32 {
    limit.saturating_mul(scale).min(throttle::MAX_LIMIT)
}
