//! The query of a request, held against its rule's parameters and written anew.

use crate::catalogue::{Constraint, Rule};

use super::refusal::{Refusal, listed};
use super::request::{self, Request};
use super::soql;

/// The query to send: the request's parameters in their order, each checked, then those that the rule sets.
pub(super) fn checked(rule: &Rule, request: &Request) -> Result<String, Refusal> {
    let mut query = String::new();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in request.parameters() {
        let Some((name, argument)) = rule.query.get_key_value(name) else {
            return Err(Refusal::ParameterUnlisted {
                rule: rule.id.clone(),
                allowed: listed(rule.query.keys().cloned()),
            });
        };
        if seen.contains(&name.as_str()) && !argument.repeat {
            return Err(Refusal::ParameterRepeated { rule: rule.id.clone(), parameter: name.clone() });
        }
        seen.push(name);
        if let Constraint::Soql(objects) = &argument.constraint {
            let text = soql::checked(value, objects).map_err(|problem| Refusal::Soql {
                rule: rule.id.clone(),
                parameter: name.clone(),
                problem,
            })?;
            request::append(&mut query, name, &text);
        } else if argument.constraint.accepts_text(value) {
            request::append(&mut query, name, value);
        } else {
            return Err(Refusal::ParameterValue {
                rule: rule.id.clone(),
                parameter: name.clone(),
                allowed: argument.constraint.allowed(),
            });
        }
    }
    for (name, argument) in rule.query.iter().filter(|(name, _)| !seen.contains(&name.as_str())) {
        if let Some(value) = &argument.set {
            request::append(&mut query, name, value);
        } else if argument.required {
            return Err(Refusal::ParameterMissing {
                rule: rule.id.clone(),
                parameter: name.clone(),
                allowed: argument.constraint.allowed(),
            });
        }
    }
    Ok(query)
}
