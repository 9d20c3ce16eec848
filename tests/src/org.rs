//! Fresh tenants and what they make.

use crate::{Client, Gate, Response, now_ms, random};
use serde_json::{Value, json};
use std::ops::Deref;
use webhooks::sign::{Unsigned, sign_as};

/// A tenant with its first member signed in. It is a [`Client`] with that session as bearer token.
#[derive(Debug, Clone)]
pub struct Org {
    client: Client,
    /// `org_…`
    pub id: String,
    /// `usr_…`
    pub user_id: String,
    /// The member's email.
    pub email: String,
    /// The member's password.
    pub password: String,
    /// The session's token.
    pub token: String,
}

impl Deref for Org {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Org {
    /// Signs up.
    ///
    /// # Panics
    /// Where that is refused.
    pub fn sign_up(gate: &Gate) -> Self {
        Self::sign_up_from(&gate.client())
    }

    /// Signs up from this client's address.
    ///
    /// # Panics
    /// Where that is refused.
    pub fn sign_up_from(client: &Client) -> Self {
        let email = format!("{}@example.com", random::text("e2e-").to_lowercase());
        let password = random::text("password-");
        let request = json!({
            "email": email, "password": password, "name": "Ada", "org_name": "Analytical Engines",
            "accept_terms": true,
        });
        let signed_in = client.post("/v1/signup", &request).send().ok(201);
        let token = text(&signed_in, "/session/token");
        Self {
            client: client.bearer(&token),
            id: text(&signed_in, "/org/id"),
            user_id: text(&signed_in, "/user/id"),
            email,
            password,
            token,
        }
    }

    /// Signs in once more: another session of the same person.
    pub fn log_in(&self) -> Response {
        let request = json!({ "email": self.email, "password": self.password });
        self.anonymous().post("/v1/login", &request).send()
    }

    /// The same address without a credential.
    pub fn anonymous(&self) -> Client {
        self.client.without("authorization")
    }

    /// The session by cookie, with its CSRF token.
    pub fn browser(&self) -> Client {
        let by_cookie = self.client.cookie(&self.token);
        let me = by_cookie.get("/v1/me").send().ok(200);
        by_cookie.with("x-csrf-token", &text(&me, "/csrf_token"))
    }

    /// Makes an API key.
    pub fn api_key(&self, scopes: &[&str]) -> ApiKey {
        let created = self.post("/v1/api-keys", &json!({ "name": "e2e", "scopes": scopes })).send().ok(201);
        ApiKey::new(&self.client, &created)
    }

    /// Makes a connection and returns its id.
    pub fn connection(&self, base_url: &str, auth: &Value) -> String {
        let request = json!({ "connector": "http", "name": "e2e", "base_url": base_url, "auth": auth });
        text(&self.post("/v1/connections", &request).send().ok(201), "/id")
    }

    /// Makes a webhook source and returns its id.
    pub fn source(&self, provider: &str, secret: &str) -> String {
        let request = json!({ "provider": provider, "name": "e2e", "secret": secret });
        text(&self.post("/v1/sources", &request).send().ok(201), "/id")
    }

    /// Delivers an event to a source of provider `stripe`.
    ///
    /// # Panics
    /// Where the secret is not of its form.
    pub fn deliver(&self, source: &str, secret: &str, body: &[u8]) -> Response {
        let provider = webhooks::provider("stripe").unwrap();
        let unsigned = Unsigned { method: "POST", url: "", id: "", timestamp_ms: now_ms(), body };
        let headers = sign_as(provider, &provider.parse_secret(secret).unwrap(), &unsigned);
        self.anonymous().request("POST", &format!("/in/{source}")).headers(headers).body(body).send()
    }

    /// The rows of a list, newest first: all of its pages.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn list(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{sign}limit=200&cursor={cursor}")).send().ok(200);
            rows.extend(page["data"].as_array().expect("data").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => return rows,
            }
        }
    }
}

/// An API key. It is a [`Client`] with the key as bearer token.
#[derive(Debug, Clone)]
pub struct ApiKey {
    client: Client,
    /// `key_…`
    pub id: String,
    /// The key itself.
    pub key: String,
}

impl ApiKey {
    /// From the answer to its creation.
    pub fn new(client: &Client, created: &Value) -> Self {
        let key = text(created, "/key");
        Self { client: client.bearer(&key), id: text(created, "/id"), key }
    }
}

impl Deref for ApiKey {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A string in a JSON document.
///
/// # Panics
/// Where there is none.
pub(crate) fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {value}"))
        .to_owned()
}
