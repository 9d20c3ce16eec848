//! The OpenAPI 3.1 document, written from the route table and the types that parse and write the JSON, so that it cannot
//! say what the code does not do. For build scripts: nothing here is compiled into a Worker.

use crate::Problem;
use crate::api;
use crate::call::VerifiedPrincipal;
use crate::routes::query::Kind;
use crate::routes::{Body, ROUTES, Route};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The document. `brand` and `version` stand in its head.
pub fn document(brand: &str, version: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let mut paths = Map::new();
    for route in ROUTES {
        let Some(types) = types(route, &mut schemas) else { continue };
        for method in methods(route) {
            let path = paths.entry(template(route)).or_insert_with(|| json!({}));
            if let Some(path) = path.as_object_mut() {
                path.insert(method.to_ascii_lowercase(), operation(route, method, &types));
            }
        }
    }
    let problem = schemas.subschema_for::<Problem>();
    let schemas = schemas.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": { "title": format!("{brand} API"), "version": version },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }, { "cookie": [], "csrf": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "Problem": {
                "description": "A refusal (RFC 9457)",
                "headers": { "X-Request-Id": { "schema": { "type": "string" } } },
                "content": { Problem::CONTENT_TYPE: { "schema": problem } },
            } },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A session token or an API key" },
                "cookie": { "type": "apiKey", "in": "cookie", "name": "__Host-sluicegate_session" },
                "csrf": { "type": "apiKey", "in": "header", "name": "X-CSRF-Token",
                    "description": "From GET /v1/me; needed with the cookie for every change" },
            },
        },
    })
}

/// What a route takes and gives.
struct Types {
    request: Option<Value>,
    status: u16,
    response: Option<Value>,
    /// Another success.
    or: Option<(u16, Value)>,
}

impl Types {
    fn or(self, status: u16, response: Value) -> Self {
        Self { or: Some((status, response)), ..self }
    }
}

/// `None` for a row that this table does not know: a test fails then.
fn types(route: &Route, schemas: &mut SchemaGenerator) -> Option<Types> {
    type NewConnection = api::NewConnection<api::Credential>;
    Some(match (route.method, route.path) {
        ("POST", "/v1/signup") => takes::<api::SignUp, api::SignedIn>(201, schemas),
        ("POST", "/v1/login") => takes::<api::LogIn, api::SignedIn>(200, schemas)
            .or(202, json_of::<api::SecondFactorNeeded>(schemas)),
        ("POST", "/v1/login/second-factor") => takes::<api::SecondFactor, api::SignedIn>(200, schemas),
        ("POST", "/v1/password-reset") => takes_alone::<api::RequestPasswordReset>(202, schemas),
        ("POST", "/v1/password-reset/confirm") => takes_alone::<api::ResetPassword>(204, schemas),
        ("POST", "/v1/email/verify") => takes_alone::<api::VerifyEmail>(204, schemas),
        ("POST", "/v1/email") => takes_alone::<api::ChangeEmail>(202, schemas),
        ("POST", "/v1/email/verification") => nothing(202),
        ("POST", "/v1/logout" | "/v1/leave")
        | (
            "DELETE",
            "/v1/account/identities/{id}"
            | "/v1/api-keys/{id}"
            | "/v1/connectors/{id}/client"
            | "/v1/endpoints/{id}"
            | "/v1/event-types/{id}"
            | "/v1/invitations/{id}"
            | "/v1/members/{id}"
            | "/v1/portal-links/{id}"
            | "/v1/second-factor"
            | "/v1/sessions"
            | "/v1/sessions/{id}"
            | "/v1/sources/{id}",
        ) => nothing(204),
        ("GET", "/v1/account") => gives::<api::Account>(schemas),
        ("GET", "/v1/account/events") => gives::<api::List<api::AuditEvent>>(schemas),
        ("POST", "/v1/password") => takes::<api::ChangePassword, api::Renewed>(200, schemas),
        ("POST", "/v1/reauthenticate") => takes::<api::Reauthenticate, api::Reauthenticated>(200, schemas),
        ("POST", "/v1/second-factor") => Types { status: 201, ..gives::<api::NewSecondFactor>(schemas) },
        ("POST", "/v1/second-factor/confirm") => {
            takes::<api::ConfirmSecondFactor, api::RecoveryCodes>(200, schemas)
        }
        ("POST", "/v1/second-factor/recovery-codes") => gives::<api::RecoveryCodes>(schemas),
        ("GET", "/v1/sessions") => gives::<api::List<api::Session>>(schemas),
        ("POST", "/v1/sessions/refresh") => gives::<api::Renewed>(schemas),
        ("GET", "/v1/orgs") => gives::<api::List<api::Membership>>(schemas),
        ("POST", "/v1/orgs") => takes::<api::NewOrg, api::SignedIn>(201, schemas),
        ("POST", "/v1/orgs/switch") => takes::<api::SwitchOrg, api::SignedIn>(200, schemas),
        ("GET", "/v1/members") => gives::<api::List<api::Member>>(schemas),
        ("PATCH", "/v1/members/{id}") => takes::<api::UpdateMember, api::Member>(200, schemas),
        ("GET", "/v1/invitations") => gives::<api::List<api::Invitation>>(schemas),
        ("POST", "/v1/invitations" | "/v1/members") => {
            takes::<api::NewInvitation, api::CreatedInvitation>(201, schemas)
        }
        ("POST", "/v1/invitations/accept") => takes::<api::AcceptInvitation, api::SignedIn>(200, schemas),
        ("GET", "/v1/usage") => gives::<api::Usage>(schemas),
        ("POST", "/v1/api-keys/verify") => takes::<api::VerifyApiKey, api::KeyVerdict>(200, schemas),
        ("GET", "/v1/api-keys/{id}") => gives::<api::ApiKey>(schemas),
        ("POST", "/v1/api-keys/{id}/rotate") => takes::<api::RotateApiKey, api::CreatedApiKey>(200, schemas),
        ("GET", "/v1/admin/orgs/{id}") => gives::<api::AdminOrg>(schemas),
        ("PUT", "/v1/admin/orgs/{id}/plan") => takes::<api::SetPlan, api::AdminOrg>(200, schemas),
        ("PUT", "/v1/admin/orgs/{id}/rate-limits") => takes::<api::SetOrgLimits, api::AdminOrg>(200, schemas),
        ("GET", "/v1/me") => gives::<api::Me>(schemas),
        ("GET", "/v1/auth/check") => gives::<VerifiedPrincipal>(schemas),
        ("GET", "/v1/api-keys") => gives::<api::List<api::ApiKey>>(schemas),
        ("POST", "/v1/api-keys") => takes::<api::NewApiKey, api::CreatedApiKey>(201, schemas),
        ("GET", "/v1/connections") => gives::<api::List<api::Connection>>(schemas),
        ("POST", "/v1/connections") => takes::<NewConnection, api::Connection>(201, schemas),
        ("GET", "/v1/connections/{id}") => gives::<api::Connection>(schemas),
        ("DELETE", "/v1/connections/{id}") => gives::<api::Disconnected>(schemas),
        ("*", "/v1/connections/{id}/proxy/{path*}") => {
            let anything = || Some(json!({ "*/*": {} }));
            Types { request: anything(), status: 200, response: anything(), or: None }
        }
        ("GET", "/v1/connectors") => gives::<api::List<api::Connector>>(schemas),
        ("GET", "/v1/connectors/{id}") => gives::<api::Connector>(schemas),
        ("PUT", "/v1/connectors/{id}/client") => {
            takes::<api::SetConnectorClient, api::ConnectorClient>(200, schemas)
        }
        ("PUT", "/v1/connections/{id}/auth") => {
            takes::<api::ReplaceCredential<api::Credential>, api::Connection>(200, schemas)
        }
        ("POST", "/v1/connections/{id}/authorize") => {
            takes::<api::Authorize, api::Authorization>(200, schemas)
        }
        ("POST", "/v1/connections/{id}/test") => gives::<api::ConnectionTest>(schemas),
        ("POST", "/v1/connections/{id}/dry-run") => takes::<api::DryRun, api::DryRunResult>(200, schemas),
        ("POST", "/v1/connections/{id}/query") => takes::<api::Query, api::QueryResult>(200, schemas),
        ("GET", "/v1/receipts") => gives::<api::List<api::Receipt>>(schemas),
        ("GET", "/v1/receipts/{id}") => gives::<api::Receipt>(schemas),
        ("GET", "/v1/endpoints") => gives::<api::List<api::Endpoint>>(schemas),
        ("POST", "/v1/endpoints") => takes::<api::NewEndpoint, api::CreatedEndpoint>(201, schemas),
        ("GET", "/v1/endpoints/{id}") => gives::<api::Endpoint>(schemas),
        ("PATCH", "/v1/endpoints/{id}") => takes::<api::UpdateEndpoint, api::Endpoint>(200, schemas),
        ("POST", "/v1/endpoints/{id}/rotate-secret") => {
            takes::<api::RotateEndpointSecret, api::RotatedEndpointSecret>(200, schemas)
        }
        ("POST", "/v1/endpoints/{id}/test") => Types { status: 202, ..gives::<api::MessageSummary>(schemas) },
        ("POST", "/v1/endpoints/{id}/recover") => takes::<api::Recover, api::Replayed>(202, schemas),
        ("GET", "/v1/endpoints/{id}/attempts" | "/v1/messages/{id}/attempts") => {
            gives::<api::List<api::Attempt>>(schemas)
        }
        ("GET", "/v1/endpoints/{id}/deliveries" | "/v1/messages/{id}/deliveries") => {
            gives::<api::List<api::Delivery>>(schemas)
        }
        ("GET", "/v1/messages") => gives::<api::List<api::MessageSummary>>(schemas),
        ("POST", "/v1/messages") => takes::<api::NewMessage, api::MessageSummary>(202, schemas),
        ("GET", "/v1/messages/{id}") => gives::<api::Message>(schemas),
        ("POST", "/v1/messages/{id}/endpoints/{endpoint_id}/resend") => {
            Types { status: 202, ..gives::<api::Delivery>(schemas) }
        }
        ("POST", "/v1/messages/{id}/endpoints/{endpoint_id}/skip") => gives::<api::Delivery>(schemas),
        ("GET", "/v1/event-types") => gives::<api::List<api::EventType>>(schemas),
        ("GET", "/v1/event-types/{id}") => gives::<api::EventType>(schemas),
        ("PUT", "/v1/event-types/{id}") => takes::<api::SetEventType, api::EventType>(200, schemas),
        ("GET", "/v1/portal-links") => gives::<api::List<api::PortalLink>>(schemas),
        ("POST", "/v1/portal-links") => takes::<api::NewPortalLink, api::CreatedPortalLink>(201, schemas),
        ("GET", "/v1/providers") => gives::<api::List<api::Provider>>(schemas),
        ("GET", "/v1/providers/{id}") => gives::<api::Provider>(schemas),
        ("GET", "/v1/org/key") => gives::<api::OrgKey>(schemas),
        ("POST", "/v1/org/key/rotate") => Types { status: 202, ..gives::<api::OrgKey>(schemas) },
        ("POST", "/v1/org/delete") => takes::<api::DeleteOrg, api::DeletedOrg>(200, schemas),
        ("GET", "/v1/admin/keys") => gives::<api::Keys>(schemas),
        ("POST", "/v1/admin/keys/rotate") => takes::<api::RotateKeys, api::Keys>(202, schemas),
        ("GET", "/v1/sources") => gives::<api::List<api::Source>>(schemas),
        ("POST", "/v1/sources") => takes::<api::NewSource, api::Source>(201, schemas),
        ("GET", "/v1/sources/{id}") => gives::<api::Source>(schemas),
        ("PATCH", "/v1/sources/{id}") => takes::<api::UpdateSource, api::Source>(200, schemas),
        ("POST", "/v1/sources/{id}/rotate-secret") => {
            takes::<api::RotateSourceSecret, api::Source>(200, schemas)
        }
        ("POST", "/v1/sources/{id}/verification-token") => gives::<api::VerificationToken>(schemas),
        ("GET", "/v1/sources/{id}/rejections") => gives::<api::List<api::Rejection>>(schemas),
        ("GET", "/v1/sources/{id}/listen") => gives::<api::Listened>(schemas),
        ("GET", "/v1/inbound-events") => gives::<api::List<api::InboundEventSummary>>(schemas),
        ("GET", "/v1/inbound-events/{id}") => gives::<api::InboundEvent>(schemas),
        ("POST", "/v1/inbound-events/{id}/replay") => takes::<api::ReplayEvent, api::Replayed>(202, schemas),
        ("POST", "/v1/inbound-events/replay") => takes::<api::ReplayEvents, api::Replayed>(202, schemas),
        ("GET", "/v1/audit") => gives::<api::List<api::AuditEvent>>(schemas),
        ("GET", "/v1/audit/verify") => gives::<api::AuditVerification>(schemas),
        _ => return None,
    })
}

fn gives<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Types {
    Types { request: None, status: 200, response: Some(json_of::<T>(schemas)), or: None }
}

fn nothing(status: u16) -> Types {
    Types { request: None, status, response: None, or: None }
}

fn takes_alone<Q: JsonSchema>(status: u16, schemas: &mut SchemaGenerator) -> Types {
    Types { request: Some(json_of::<Q>(schemas)), status, response: None, or: None }
}

fn takes<Q: JsonSchema, A: JsonSchema>(status: u16, schemas: &mut SchemaGenerator) -> Types {
    Types { request: Some(json_of::<Q>(schemas)), status, response: Some(json_of::<A>(schemas)), or: None }
}

fn json_of<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    json!({ "application/json": { "schema": schemas.subschema_for::<T>() } })
}

fn methods(route: &Route) -> &[&'static str] {
    match route.method {
        "*" => &["GET", "POST", "PUT", "PATCH", "DELETE"],
        _ => std::slice::from_ref(&route.method),
    }
}

/// OpenAPI has no parameter for the rest of a path: a client that encodes its slashes is still understood.
fn template(route: &Route) -> String {
    route.path.replace("{path*}", "{path}")
}

fn operation(route: &Route, method: &str, types: &Types) -> Value {
    let mut success = json!({
        "description": "Done",
        "headers": { "X-Request-Id": { "schema": { "type": "string" } } },
    });
    let mut operation = json!({
        "summary": route.summary,
        "operationId": operation_id(route, method),
        "parameters": parameters(route, method),
        "responses": { "default": { "$ref": "#/components/responses/Problem" } },
    });
    if let Some(content) = &types.response {
        put(&mut success, "content", content.clone());
    }
    if let Some(responses) = operation.get_mut("responses") {
        if let Some((status, content)) = &types.or {
            let mut other = success.clone();
            put(&mut other, "content", content.clone());
            put(responses, &status.to_string(), other);
        }
        put(responses, &types.status.to_string(), success);
    }
    if let (Some(content), true) = (&types.request, method != "GET") {
        put(
            &mut operation,
            "requestBody",
            json!({ "required": matches!(route.body, Body::Json | Body::Message), "content": content }),
        );
    }
    if route.is_open() {
        put(&mut operation, "security", json!([]));
    }
    operation
}

/// `get_v1_connections_id_proxy_path`.
fn operation_id(route: &Route, method: &str) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method.to_ascii_lowercase().as_str()).chain(words).collect::<Vec<_>>().join("_")
}

fn parameters(route: &Route, method: &str) -> Vec<Value> {
    let string = json!({ "type": "string" });
    let parameter = |name: &str, place: &str, schema: &Value| json!({ "name": name, "in": place, "required": place == "path", "schema": schema });
    let mut parameters: Vec<Value> = ["id", "endpoint_id", "path"]
        .into_iter()
        .filter(|name| template(route).contains(&format!("{{{name}}}")))
        .map(|name| parameter(name, "path", &string))
        .collect();
    parameters.extend(route.query.iter().map(|query| {
        let mut parameter = parameter(query.name, "query", &values(query.kind));
        put(&mut parameter, "description", query.about.into());
        parameter
    }));
    if matches!(method, "POST" | "DELETE" | "PUT" | "PATCH") && route.body != Body::Stream {
        parameters.push(parameter(
            "Idempotency-Key",
            "header",
            &json!({ "type": "string", "maxLength": 255 }),
        ));
    }
    parameters
}

/// What a query's parameter takes.
fn values(kind: Kind) -> Value {
    let max = crate::Page::MAX;
    match kind {
        Kind::Limit => {
            json!({ "type": "integer", "minimum": 1, "maximum": max, "default": crate::Page::DEFAULT })
        }
        Kind::Cursor => json!({ "type": "string", "pattern": "^[A-Za-z0-9_]{0,64}$" }),
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
        Kind::Name => json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$" }),
        Kind::Status => json!({ "type": "string", "enum": ["pending", "delivered", "failed"] }),
        Kind::Source => json!({ "type": "string", "pattern": "^src_[0-9a-z]{1,64}$" }),
        Kind::Number => json!({ "type": "integer", "minimum": 0, "default": 0 }),
        Kind::Place => json!({ "type": "string", "pattern": "^[0-9]{0,32}$" }),
    }
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, Code};

    #[test]
    fn every_route_has_its_types() {
        let mut schemas = SchemaGenerator::default();
        for route in ROUTES {
            let types =
                types(route, &mut schemas).unwrap_or_else(|| panic!("{} {}", route.method, route.path));
            assert_eq!(types.request.is_some(), route.body != Body::None, "{}", route.path);
        }
    }

    #[test]
    fn every_route_is_in_the_document_and_every_reference_leads_somewhere() {
        let document = document("Test", "0");
        for route in ROUTES {
            for method in methods(route) {
                let operation = &document["paths"][template(route)][method.to_ascii_lowercase()];
                assert!(operation["responses"]["default"].is_object(), "{method} {}", route.path);
            }
        }
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn only_sign_in_is_open() {
        let document = document("Test", "0");
        for route in ROUTES {
            for method in methods(route) {
                let open =
                    document["paths"][template(route)][method.to_ascii_lowercase()]["security"].is_array();
                let (_, operation) = crate::routes::find(
                    method,
                    &route
                        .path
                        .replace("{id}", id_for(route))
                        .replace("{endpoint_id}", "end_00000000000000000000000000")
                        .replace("{path*}", "x"),
                    "",
                )
                .unwrap();
                assert_eq!(open, operation.access() == Access::Public, "{method} {}", route.path);
            }
        }
    }

    fn id_for(route: &Route) -> &'static str {
        match route.path.split('/').nth(2) {
            Some("account") => "google",
            Some("admin") => "org_a0000000000000000000000000",
            Some("api-keys") => "key_00000000000000000000000000",
            Some("invitations") => "inv_00000000000000000000000000",
            Some("members") => "usr_00000000000000000000000000",
            Some("sessions") => "ses_00000000000000000000000000",
            Some("connectors") => "gmail",
            Some("endpoints") => "end_00000000000000000000000000",
            Some("connections" | "receipts") => "con_00000000000000000000000000",
            Some("sources") => "src_0",
            Some("messages") => "msg_00000000000000000000000000",
            Some("portal-links") => "ptl_00000000000000000000000000",
            Some("providers") => "stripe",
            Some("event-types") => "invoice.paid",
            _ => "ine_00000000000000000000000000",
        }
    }

    #[test]
    fn every_parameter_of_a_query_is_typed_and_says_what_it_is() {
        let document = document("Test", "0");
        for route in ROUTES.iter().filter(|route| route.method == "GET") {
            let parameters = document["paths"][template(route)]["get"]["parameters"].as_array().unwrap();
            let of_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
            let names: Vec<_> =
                of_query.clone().map(|parameter| parameter["name"].as_str().unwrap()).collect();
            assert_eq!(
                names,
                route.query.iter().map(|query| query.name).collect::<Vec<_>>(),
                "{}",
                route.path
            );
            for parameter in of_query {
                assert!(parameter["description"].is_string(), "{} {parameter}", route.path);
                let bounds = ["pattern", "enum", "format", "minimum"].map(|key| &parameter["schema"][key]);
                assert!(bounds.iter().any(|bound| !bound.is_null()), "{} {parameter}", route.path);
            }
        }
        let verify = &document["paths"]["/v1/audit/verify"]["get"]["parameters"];
        assert_eq!((&verify[0]["name"], &verify[0]["schema"]["type"]), (&json!("from"), &json!("integer")));
        let problem = &document["components"]["schemas"]["Problem"]["properties"]["errors"];
        assert_eq!(problem["items"]["$ref"], "#/components/schemas/FieldError");
    }

    #[test]
    fn every_code_can_be_a_problem() {
        let schema = &document("Test", "0")["components"]["schemas"]["Code"];
        for code in Code::ALL {
            assert!(schema.to_string().contains(&format!("\"{}\"", code.as_str())), "{code:?}");
        }
    }
}
