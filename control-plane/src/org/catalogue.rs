//! The catalogue of connectors, as its users see it: what each asks for, lets through and returns (claim T1).

use super::oauth;
use crate::context::Context;
use crate::error::AppError;
use connectors::catalogue::{self, Rule};
use protocol::Code;
use protocol::api::{Connector, ConnectorAuth, ConnectorParameter, ConnectorRequest, ConnectorScope, List};
use protocol::near::nearest;

/// `GET /v1/connectors`: all of them, in order of id.
pub(super) fn list(ctx: Context<'_>) -> Result<List<Connector>, AppError> {
    let ids = catalogue::all().iter().map(|summary| summary.id);
    Ok(List { data: ids.map(|id| get(ctx, id)).collect::<Result<_, _>>()?, next_cursor: None })
}

/// `GET /v1/connectors/{id}`.
pub(super) fn get(ctx: Context<'_>, id: &str) -> Result<Connector, AppError> {
    let connector = catalogue::get(id).ok_or_else(|| absent(id))?;
    let oauth = connector.oauth.as_ref();
    let granted = oauth.map(|_| ConnectorAuth {
        kind: super::connections::OAUTH2.to_owned(),
        label: "OAuth 2.0".to_owned(),
        hint: Some(format!("a person grants access at {}", connector.name)),
        header: None,
        query: None,
    });
    let given = connector.credentials.iter().map(|credential| ConnectorAuth {
        kind: credential.kind.as_str().to_owned(),
        label: credential.label.clone(),
        hint: credential.hint.clone(),
        header: credential.header.clone(),
        query: credential.query.clone(),
    });
    let told = |name: &String| oauth.is_some_and(|oauth| oauth.token_parameters.contains_key(name));
    let client = match oauth {
        Some(_) => oauth::owner(ctx, id)?.map(|owner| owner.as_str().to_owned()),
        None => None,
    };
    Ok(Connector {
        id: connector.id.clone(),
        name: connector.name.clone(),
        category: connector.category.as_str().to_owned(),
        summary: connector.summary.clone(),
        docs: connector.docs.clone(),
        kind: connector.kind.as_str().to_owned(),
        base_url: connector.base_url.clone().unwrap_or_default(),
        auth: granted.into_iter().chain(given).collect(),
        scopes: oauth
            .iter()
            .flat_map(|oauth| &oauth.scopes)
            .map(|scope| ConnectorScope { scope: scope.scope.clone(), why: scope.why.clone() })
            .collect(),
        parameters: connector
            .parameters
            .iter()
            .map(|(name, parameter)| ConnectorParameter {
                name: name.clone(),
                label: parameter.label.clone(),
                hint: parameter.hint.clone().unwrap_or_else(|| parameter.allowed()),
                optional: parameter.default.is_some() || told(name),
            })
            .collect(),
        requests: connector.requests.iter().map(request).collect(),
        revocation: match oauth {
            Some(oauth) if oauth.revocation.is_some() => "revoked at the provider".to_owned(),
            _ => format!("the provider offers none: end the credential at {}", connector.name),
        },
        client,
    })
}

/// The catalogue is everybody's: nobody learns from it what others have.
fn absent(id: &str) -> AppError {
    match nearest(id, catalogue::all().iter().map(|summary| summary.id)) {
        Some(near) => AppError::refused(Code::NotFound, format!("no such connector; did you mean {near}?")),
        None => AppError::refused(Code::NotFound, "no such connector: GET /v1/connectors lists them"),
    }
}

fn request(rule: &Rule) -> ConnectorRequest {
    ConnectorRequest {
        id: rule.id.clone(),
        method: rule.method.as_str().to_owned(),
        path: rule.path.as_str().to_owned(),
        summary: rule.summary.clone(),
        writes: rule.writes,
        query: rule.query.keys().cloned().collect(),
        fields: rule.fields.clone(),
    }
}
