//! Fresh tenants and what they make.

use crate::{Authenticator, Client, Gate, Response, now_ms, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
    /// The session's token, a bearer's.
    pub token: String,
    /// What a browser keeps of it.
    pub cookie: String,
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
        Self::sign_up_as(client, &fresh_email())
    }

    /// Signs up with this email.
    ///
    /// # Panics
    /// Where that is refused.
    pub fn sign_up_as(client: &Client, email: &str) -> Self {
        let password = random::text("password-");
        let request = json!({
            "email": email, "password": password, "name": "Ada", "org_name": "Analytical Engines",
            "accept_terms": true,
        });
        let signed_in = client.post("/v1/signup", &request).send().ok(201);
        Self::new(client, email, &password, &signed_in)
    }

    /// From the answer that opened the session.
    pub fn new(client: &Client, email: &str, password: &str, signed_in: &Value) -> Self {
        let token = text(signed_in, "/session/token");
        Self {
            client: client.bearer(&token),
            id: text(signed_in, "/org/id"),
            user_id: text(signed_in, "/user/id"),
            email: email.to_owned(),
            password: password.to_owned(),
            token,
            cookie: signed_in["session"]["cookie"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// Invites somebody: the answer, with the invitation's id and token.
    ///
    /// # Panics
    /// Where that is refused.
    pub fn invitation(&self, email: &str, role: &str) -> Value {
        self.post("/v1/invitations", &json!({ "email": email, "role": role })).send().ok(201)
    }

    /// Invites somebody new, who signs up with the invitation: another member of this org.
    ///
    /// # Panics
    /// Where that is refused.
    pub fn invite(&self, role: &str) -> Self {
        let email = fresh_email();
        let invitation = self.invitation(&email, role);
        let password = random::text("password-");
        let request = json!({
            "email": email, "password": password, "name": "Grace", "accept_terms": true,
            "invitation_token": invitation["token"],
        });
        let signed_in = self.anonymous().post("/v1/signup", &request).send().ok(201);
        let member = Self::new(&self.client, &email, &password, &signed_in);
        assert_eq!(member.id, self.id, "joins the org that invites");
        member
    }

    /// The same person with another session.
    ///
    /// # Panics
    /// Where the sign-in is refused.
    pub fn session(&self) -> Self {
        Self::new(&self.client, &self.email, &self.password, &self.log_in().ok(200))
    }

    /// The same person with the session that an answer has opened, in the org that it names.
    pub fn with_session(&self, signed_in: &Value) -> Self {
        Self::new(&self.client, &self.email, &self.password, signed_in)
    }

    /// Sets up a second factor: the app and the recovery codes.
    ///
    /// # Panics
    /// Where that is refused.
    pub fn second_factor(&self) -> (Authenticator, Vec<String>) {
        let started = self.request("POST", "/v1/second-factor").send().ok(201);
        let mut app = Authenticator::new(&text(&started, "/secret"));
        let confirmed = self.post("/v1/second-factor/confirm", &json!({ "code": app.code() })).send().ok(200);
        let codes = confirmed["recovery_codes"].as_array().expect("recovery_codes");
        (app, codes.iter().map(|code| code.as_str().expect("a code").to_owned()).collect())
    }

    /// Signs in with password and second factor: the same person with another session.
    ///
    /// # Panics
    /// Where that is refused.
    pub fn session_with(&self, app: &mut Authenticator) -> Self {
        let challenge = text(&self.log_in().ok(202), "/challenge");
        let body = json!({ "challenge": challenge, "code": app.code() });
        let signed_in = self.anonymous().post("/v1/login/second-factor", &body).send().ok(200);
        self.with_session(&signed_in)
    }

    /// The session's id, as its token names it.
    ///
    /// # Panics
    /// Never: the token is the server's own.
    pub fn session_id(&self) -> String {
        let claims = self.token.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims: Value = serde_json::from_slice(&claims.expect("a token")).unwrap();
        text(&claims, "/sid")
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
        let by_cookie = self.client.cookie(&self.cookie);
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
        let signed = sign_as(provider, &provider.parse_secret(secret).unwrap(), &unsigned).unwrap();
        self.anonymous().request("POST", &format!("/in/{source}")).headers(signed.headers).body(body).send()
    }

    /// The rows of a list, newest first: all of its pages.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn list(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let sign = if path.contains('?') { '&' } else { '?' };
        // Lists that are never long take neither parameter.
        let mut next = path.to_owned();
        loop {
            let page = self.get(&next).send().ok(200);
            rows.extend(page["data"].as_array().expect("data").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{path}{sign}limit=200&cursor={cursor}"),
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

/// An email address that nobody has used.
pub fn fresh_email() -> String {
    format!("{}@example.com", random::text("e2e-").to_lowercase())
}

/// A string in a JSON document.
///
/// # Panics
/// Where there is none.
pub fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {value}"))
        .to_owned()
}
