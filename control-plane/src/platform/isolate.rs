//! What an isolate reads once: secrets, configuration, switches.

use crate::error::AppError;
use crate::secrets::Secrets;
use config::Config;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use worker::Env;
use zeroize::Zeroizing;

/// Deploy-time values, parsed.
pub(crate) struct Isolate {
    pub secrets: Secrets,
    pub config: Config,
    pub allow_local_upstreams: bool,
    pub jurisdictions: bool,
    /// Multiplies every limit: for tests and benchmarks.
    pub rate_limit_scale: u32,
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
        let config = Config::from_embedded(config)
            .map_err(|_| AppError::Platform("CONFIG is not a configuration that xtask has checked"))?;
        Ok(Self {
            secrets: Secrets::load(&config.brand.api_key_prefix, variable)?,
            allow_local_upstreams: switch("ALLOW_LOCAL_UPSTREAMS", "true", "false")?,
            jurisdictions: switch("JURISDICTIONS", "on", "off")?,
            rate_limit_scale: match variable("RATE_LIMIT_SCALE").as_deref().map(String::as_str) {
                None | Some("") => 1,
                Some(text) => text
                    .parse()
                    .ok()
                    .filter(|scale| *scale >= 1)
                    .ok_or(AppError::Platform("RATE_LIMIT_SCALE is not a number from 1 on"))?,
            },
            config,
        })
    }
}
