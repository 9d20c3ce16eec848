//! Where a connection's credential may go: of the catalogue's connectors the catalogue's own URL, completed by the
//! connection's parameters; of the generic one the URL that the connection names; of a mail server or a warehouse its host and
//! port. The seal binds the credential to it (invariant 4).

use crate::context::Context;
use crate::error::AppError;
use crate::json::{field, wrong};
use crate::remote::server;
use connectors::TargetPolicy;
use connectors::catalogue::{self, Connector, Kind, ParameterError};
use protocol::Code;
use std::collections::BTreeMap;

/// Where it goes.
pub(in crate::org) struct Target {
    /// As given, and the defaults of those that were not.
    pub parameters: BTreeMap<String, String>,
    /// Empty for what is not HTTP, and until the provider has said where.
    pub base_url: String,
    /// `host[:port]`; empty until the provider has said where.
    pub allowed_hosts: Vec<String>,
}

impl Target {
    /// Of a connection to the generic connector.
    ///
    /// # Errors
    /// `ValidationFailed` and `BaseUrlRefused`, naming what is wrong.
    pub(super) fn generic(
        ctx: Context<'_>,
        parameters: &BTreeMap<String, String>,
        base_url: Option<&str>,
    ) -> Result<Self, AppError> {
        if !parameters.is_empty() {
            return Err(field("parameters", "http takes none"));
        }
        let base_url = base_url.ok_or_else(|| field("base_url", "is required for http"))?;
        Self::http(ctx, BTreeMap::new(), base_url)
    }

    /// Of a connection to a connector of the catalogue. Parameters that the provider tells with its tokens may be missing.
    ///
    /// # Errors
    /// As [`generic`](Self::generic).
    pub(in crate::org) fn of(
        ctx: Context<'_>,
        connector: &Connector,
        mut parameters: BTreeMap<String, String>,
    ) -> Result<Self, AppError> {
        check(ctx, connector, &parameters)?;
        for (name, parameter) in &connector.parameters {
            if let (Some(default), false) = (&parameter.default, parameters.contains_key(name)) {
                parameters.insert(name.clone(), default.clone());
            }
        }
        if connector.kind != Kind::Http {
            return Self::server(ctx, parameters);
        }
        match connector.base_url(&parameters) {
            Ok(base_url) => Self::http(ctx, parameters, &stood_in(ctx, connector, base_url)),
            Err(ParameterError::Missing(name)) if is_told(connector, &name) => {
                Ok(Self { parameters, base_url: String::new(), allowed_hosts: Vec::new() })
            }
            Err(error) => Err(refused(&error)),
        }
    }

    fn http(
        ctx: Context<'_>,
        parameters: BTreeMap<String, String>,
        base_url: &str,
    ) -> Result<Self, AppError> {
        let base_url = ctx
            .targets
            .base_url(base_url)
            .map_err(|error| AppError::refused(Code::BaseUrlRefused, error.to_string()))?;
        Ok(Self {
            parameters,
            allowed_hosts: base_url.allowed_hosts(),
            base_url: base_url.as_str().to_owned(),
        })
    }

    fn server(ctx: Context<'_>, parameters: BTreeMap<String, String>) -> Result<Self, AppError> {
        let given = |name: &str| {
            parameters.get(name).ok_or_else(|| refused(&ParameterError::Missing(name.to_owned())))
        };
        let (host, port) = (given("host")?, given("port")?);
        let number = port.parse().map_err(|_| field("parameters", "port must be a port number"))?;
        connectors::check_host(host, number, ctx.targets.policy())
            .map_err(|error| wrong("parameters.host", error.to_string()))?;
        let allowed_hosts = vec![server(host, port)];
        Ok(Self { parameters, base_url: String::new(), allowed_hosts })
    }
}

/// Whether every parameter is one of the connector's, and what that one may be.
fn check(
    ctx: Context<'_>,
    connector: &Connector,
    parameters: &BTreeMap<String, String>,
) -> Result<(), AppError> {
    let mut checked = parameters.clone();
    if connector.kind != Kind::Http && ctx.targets.policy() == TargetPolicy::Development {
        // In development it may be a server on this machine: [`Target::server`] decides.
        checked.remove("host");
    }
    connector.check_parameters(&checked).map_err(|error| refused(&error))
}

fn refused(error: &ParameterError) -> AppError {
    match error {
        ParameterError::Missing(name) => wrong(format!("parameters.{name}"), "is missing"),
        ParameterError::Invalid { name, allowed } => {
            wrong(format!("parameters.{name}"), format!("must be {allowed}"))
        }
        error => wrong("parameters", error.to_string()),
    }
}

/// Whether the provider tells a parameter with its tokens.
fn is_told(connector: &Connector, name: &str) -> bool {
    connector.oauth.as_ref().is_some_and(|oauth| oauth.token_parameters.contains_key(name))
}

/// A URL of the connector, at the stand-in for its provider where the operator has set one.
pub(in crate::org) fn stood_in(ctx: Context<'_>, connector: &Connector, url: String) -> String {
    let origin = ctx.config.connectors.get(&connector.id).and_then(|ours| ours.stand_in.as_deref());
    origin.map_or(url.clone(), |origin| catalogue::stand_in(&url, origin))
}
