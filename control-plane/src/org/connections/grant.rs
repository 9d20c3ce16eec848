//! Leave to use a credential for one call. The policy decides before a credential is touched, and that it is used is in the
//! audit trail before anything is sent (claims T2, T4, M7).

use super::place;
use crate::context::Context;
use crate::error::AppError;
use crate::org::actor::{Actor, Kind};
use crate::org::oauth::{AccessToken, access_token};
use crate::org::{dek, limits, readmit, usage};
use crate::remote::Remote;
use crate::store::{Event, Row};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connectors::catalogue::{self, Connector, Rule};
use connectors::{Allowed, Credential, CredentialInput, Decision};
use protocol::access::{Level, Resource};
use protocol::api::{ConnectionStatus, DryRun, DryRunResult};
use protocol::{Code, ConnectionId, Meter, Operation, OrgId, Permission};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use url::Url;
use vault::{Keyring, Sealed, WrappedDek};

/// What the stateless part is told about a call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "leave", rename_all = "snake_case")]
pub enum Leave {
    /// The policy looks at the body: ask again with it.
    NeedsBody {
        /// The most that it may have, bytes.
        max_bytes: u64,
    },
    /// Go on.
    Granted(Box<Grant>),
}

/// Leave to use a credential for one call, with what it takes to open it. Internal to this Worker.
#[derive(Debug, Serialize, Deserialize)]
pub struct Grant {
    /// Which connector's rules hold for the answer.
    pub connector: String,
    /// Where it may be used.
    pub target: Destination,
    /// Opens with the keyring alone.
    pub credential: SealedCredential,
    /// The number of an OAuth access token, by which a fresh one is asked for if the provider refuses it.
    pub token: Option<u64>,
}

/// Where a credential may be used.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Destination {
    /// For one request.
    Http {
        /// Where paths are appended.
        base_url: String,
        /// Upper case.
        method: String,
        /// As checked; what the caller wrote otherwise is not in it.
        path_and_query: String,
        /// As checked, JSON.
        body: Option<String>,
        /// The rule that allows it; none for the generic connector, whose body is the caller's own.
        rule: Option<String>,
    },
    /// For one login.
    Server {
        /// `smtp`, `imap` or `postgres`.
        kind: String,
        /// `host`, `port`, `security`, `database`.
        parameters: BTreeMap<String, String>,
        /// As on the connection.
        allow_writable_role: bool,
    },
}

/// A credential as stored, with its place: useless without the keyring.
#[derive(Debug, Serialize, Deserialize)]
pub struct SealedCredential {
    org: OrgId,
    connection: ConnectionId,
    connector: String,
    allowed_hosts: Vec<String>,
    wrapped_dek: String,
    sealed: String,
}

impl SealedCredential {
    /// Opens it, for the length of one call.
    ///
    /// # Errors
    /// Those of the vault; [`AppError::Encoding`] where this is not what [`Grant`] held.
    pub fn open(&self, keyring: &Keyring) -> Result<Credential, AppError> {
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| AppError::Encoding);
        let wrapped = WrappedDek::from_bytes(&decode(&self.wrapped_dek)?)?;
        let sealed = Sealed::from_bytes(decode(&self.sealed)?)?;
        let dek = keyring.unwrap(self.org.as_str(), &wrapped)?;
        let place = place(&self.org, &self.connection, &self.connector, &self.allowed_hosts);
        Credential::from_sealed_plaintext(&dek.open(&place, &sealed)?).map_err(|_| AppError::Encoding)
    }

    /// Hosts that the seal binds the credential to.
    pub fn allowed_hosts(&self) -> &[String] {
        &self.allowed_hosts
    }
}

/// A call to be granted, as far as the operation does not say it.
#[derive(Debug, Clone, Copy)]
pub(in crate::org) struct Asked<'a> {
    /// The body, where the policy has asked for it.
    pub body: Option<&'a str>,
    /// The provider has refused the access token of this number.
    pub refused_token: Option<u64>,
}

/// Grants the use of a credential for the call's operation, and records it.
///
/// # Errors
/// `RequestNotAllowed`, `WriteNeedsPerson`, `ConnectionNotReady`, `RefreshFailed`; those of the path and of the limits.
pub(in crate::org) async fn grant(
    ctx: Context<'_>,
    remote: &impl Remote,
    actor: &Actor,
    asked: Asked<'_>,
) -> Result<Leave, AppError> {
    let connection = match &ctx.call.operation {
        Operation::Proxy { id, .. } | Operation::Query { id } | Operation::TestConnection { id } => {
            Stored::load(ctx, id)?
        }
        _ => return Err(Code::NotFound.into()),
    };
    let wanted = target(ctx, &connection, actor, asked.body)?;
    if let Wanted::Body(max_bytes) = wanted {
        return Ok(Leave::NeedsBody { max_bytes });
    }
    connection.check_ready()?;
    limits::of_connection(ctx, &connection.id)?;
    if !connection.is_oauth {
        return give(ctx, actor, &connection, wanted, None, asked);
    }
    loop {
        let token = access_token(ctx, remote, &connection.id, asked.refused_token).await?;
        // The provider may have been asked, and meanwhile the caller's rights have ended or the connection become another.
        let ctx = Context { now_ms: remote.now_ms(), ..ctx };
        let actor = readmit(ctx)?;
        let connection = Stored::load(ctx, &connection.id)?;
        let wanted = target(ctx, &connection, &actor, asked.body)?;
        // A token of the grant before is not this one's.
        if token.number == connection.generation {
            return give(ctx, &actor, &connection, wanted, Some(token), asked);
        }
    }
}

/// What was decided, recorded and sealed for its hop.
fn give(
    ctx: Context<'_>,
    actor: &Actor,
    connection: &Stored,
    wanted: Wanted,
    token: Option<AccessToken>,
    asked: Asked<'_>,
) -> Result<Leave, AppError> {
    let Wanted::To(target) = wanted else { return Err(AppError::Platform("a body is wanted again")) };
    let credential = connection.sealed_for(ctx, token.as_ref())?;
    record(ctx, actor, connection, &target, asked.refused_token.is_some())?;
    Ok(Leave::Granted(Box::new(Grant {
        connector: connection.connector.clone(),
        target,
        credential,
        token: token.map(|token| token.number),
    })))
}

enum Wanted {
    Body(u64),
    To(Destination),
}

fn target(
    ctx: Context<'_>,
    connection: &Stored,
    actor: &Actor,
    body: Option<&str>,
) -> Result<Wanted, AppError> {
    let connector = connection.catalogued()?;
    let server = || Destination::Server {
        kind: kind_name(connector.kind).to_owned(),
        parameters: connection.parameters.clone(),
        allow_writable_role: connection.allow_writable_role,
    };
    let (method, path) = match (&ctx.call.operation, connector.kind) {
        (Operation::Proxy { method, path_and_query, .. }, catalogue::Kind::Http) => {
            (method.as_str(), path_and_query.as_str())
        }
        (Operation::TestConnection { .. }, catalogue::Kind::Http) if connector.is_generic() => ("GET", ""),
        (Operation::TestConnection { .. }, catalogue::Kind::Http) => {
            return test_request(ctx, connection, connector).map(Wanted::To);
        }
        (Operation::TestConnection { .. }, _) | (Operation::Query { .. }, catalogue::Kind::Postgres) => {
            return Ok(Wanted::To(server()));
        }
        (Operation::Query { .. }, _) => {
            return Err(AppError::refused(
                Code::RequestNotAllowed,
                "this connector takes no queries: connect a warehouse (postgres)",
            ));
        }
        _ => {
            return Err(AppError::refused(
                Code::RequestNotAllowed,
                "this connector does not speak HTTP: POST …/test checks its login",
            ));
        }
    };
    match decide(ctx, connection, connector, method, path, body)? {
        Verdict::NeedsBody { max_bytes } => Ok(Wanted::Body(max_bytes)),
        Verdict::Refused { reason, .. } => Err(AppError::refused(Code::RequestNotAllowed, reason)),
        Verdict::Allowed { rule, path_and_query, body, .. } => {
            check_write(ctx, actor, connector, rule, method)?;
            Ok(Wanted::To(Destination::Http {
                base_url: connection.base_url.clone(),
                method: method.to_owned(),
                path_and_query,
                body,
                rule: rule.map(|rule| rule.id.clone()),
            }))
        }
    }
}

/// The connector's own test request, as the catalogue has it.
fn test_request(
    ctx: Context<'_>,
    connection: &Stored,
    connector: &'static Connector,
) -> Result<Destination, AppError> {
    let Some(Allowed { rule, path_and_query, body }) = connector.test_request() else {
        return Err(AppError::refused(
            Code::RequestNotAllowed,
            "this connector has no request that could test every credential",
        ));
    };
    check_url(ctx, connection, &path_and_query)?;
    Ok(Destination::Http {
        base_url: connection.base_url.clone(),
        method: rule.method.as_str().to_owned(),
        path_and_query,
        body: text(body)?,
        rule: Some(rule.id.clone()),
    })
}

const fn kind_name(kind: catalogue::Kind) -> &'static str {
    match kind {
        catalogue::Kind::Http => "http",
        catalogue::Kind::Smtp => "smtp",
        catalogue::Kind::Imap => "imap",
        catalogue::Kind::Postgres => "postgres",
    }
}

enum Verdict {
    NeedsBody { max_bytes: u64 },
    Refused { rule: Option<String>, reason: String },
    Allowed { rule: Option<&'static Rule>, url: Url, path_and_query: String, body: Option<String> },
}

/// What the connector's policy says to a request, whoever sends it.
fn decide(
    ctx: Context<'_>,
    connection: &Stored,
    connector: &'static Connector,
    method: &str,
    path_and_query: &str,
    body: Option<&str>,
) -> Result<Verdict, AppError> {
    let (rule, path_and_query, body) = if connector.is_generic() {
        (None, path_and_query.to_owned(), None)
    } else {
        let explanation = connector.explain(method, path_and_query, body.map(str::as_bytes));
        match explanation.decision {
            Decision::Allowed(Allowed { rule, path_and_query, body }) => {
                (Some(rule), path_and_query, text(body)?)
            }
            Decision::NeedsBody { max } => return Ok(Verdict::NeedsBody { max_bytes: max as u64 }),
            Decision::Refused(refusal) => {
                let near = explanation.considered.iter().find(|near| near.refusal.as_ref() == Some(&refusal));
                return Ok(Verdict::Refused {
                    rule: near.map(|near| near.rule.id.clone()),
                    reason: format!("{}: {refusal}", refusal.code()),
                });
            }
        }
    };
    let url = check_url(ctx, connection, &path_and_query)?;
    Ok(Verdict::Allowed { rule, url, path_and_query, body })
}

/// The whole URL of a path below the connection's base.
fn check_url(ctx: Context<'_>, connection: &Stored, path_and_query: &str) -> Result<Url, AppError> {
    ctx.targets
        .base_url(&connection.base_url)
        .map_err(|error| AppError::refused(Code::BaseUrlRefused, error.to_string()))?
        .join(path_and_query)
        .map_err(|error| AppError::refused(Code::PathRefused, error.to_string()))
}

/// A body that the policy has written: JSON.
fn text(body: Option<Vec<u8>>) -> Result<Option<String>, AppError> {
    body.map(String::from_utf8).transpose().map_err(|_| AppError::Encoding)
}

/// What writes takes the right to write and, where a connector says which requests do, a person's own click (claim T4).
fn check_write(
    ctx: Context<'_>,
    actor: &Actor,
    connector: &Connector,
    rule: Option<&Rule>,
    method: &str,
) -> Result<(), AppError> {
    let writes = rule.map_or_else(|| !matches!(method, "GET" | "HEAD" | "OPTIONS"), |rule| rule.writes);
    if !writes {
        return Ok(());
    }
    let is_person = matches!(actor.kind, Kind::Member { .. });
    if !connector.is_generic() && !is_person {
        return Err(AppError::refused(
            Code::WriteNeedsPerson,
            "this request writes: it takes a signed-in user, not an API key",
        ));
    }
    actor.require(ctx, &[Permission { resource: Resource::Connections, level: Level::Write }])
}

fn record(
    ctx: Context<'_>,
    actor: &Actor,
    connection: &Stored,
    target: &Destination,
    again: bool,
) -> Result<(), AppError> {
    let event =
        Event::new("credential.used", &connection.id).with("connector", connection.connector.as_str());
    let event = match target {
        Destination::Http { method, path_and_query, rule, .. } => {
            let url = check_url(ctx, connection, path_and_query)?;
            // The path, not the query: callers put secrets of their own there.
            event
                .with("method", method.as_str())
                .with("host", connection.allowed_hosts.clone())
                .with("path", url.path().chars().take(200).collect::<String>())
                .with("rule", rule.clone())
        }
        Destination::Server { .. } => event.with("host", connection.allowed_hosts.clone()),
    };
    let event = match &ctx.call.operation {
        Operation::TestConnection { .. } => event.with("test", true),
        _ => event,
    };
    ctx.store.transaction(|tx| {
        // The second attempt of one call is no second call.
        if !again {
            usage::count(ctx, Meter::ProxyCalls)?;
        }
        tx.write(
            "UPDATE connections SET used_at = ? WHERE id = ?",
            &[ctx.now_ms.into(), connection.id.as_str().into()],
        )?;
        tx.commit(&ctx.subject(actor.name()), event.with("again", again.then_some(true)), ())
    })
}

/// `POST /v1/connections/{id}/dry-run`: what would become of a request for this caller. Nothing is opened, counted or sent.
pub(in crate::org) fn dry_run(
    ctx: Context<'_>,
    actor: &Actor,
    body: &[u8],
    id: &ConnectionId,
) -> Result<DryRunResult, AppError> {
    let DryRun { method, path, body } = crate::json::parse(body)?;
    let connection = Stored::load(ctx, id)?;
    let connector = connection.catalogued()?;
    let refused = |rule, reason: String| DryRunResult {
        allowed: false,
        rule,
        reason,
        writes: false,
        url: None,
        fields: None,
    };
    if connector.kind != catalogue::Kind::Http {
        return Ok(refused(None, "this connector does not speak HTTP".to_owned()));
    }
    let is_method = protocol::routes::PROXIED.contains(&method.as_str());
    if !is_method {
        return Err(crate::json::field("method", "must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"));
    }
    // Without a body, as with an empty one.
    let body = body.unwrap_or_default();
    let verdict = match decide(ctx, &connection, connector, &method, &path, Some(&body)) {
        Err(AppError::Refused(_, Some(detail))) => {
            return Ok(refused(None, detail.to_string()));
        }
        other => other?,
    };
    let (rule, url) = match verdict {
        Verdict::Allowed { rule, url, .. } => (rule, url),
        Verdict::Refused { rule, reason } => return Ok(refused(rule, reason)),
        Verdict::NeedsBody { .. } => return Ok(refused(None, "the rule looks at the body".to_owned())),
    };
    let mut result = DryRunResult {
        allowed: true,
        rule: rule.map(|rule| rule.id.clone()),
        reason: rule.map_or_else(
            || "the generic connector sends everything below its base URL".to_owned(),
            |rule| rule.summary.clone(),
        ),
        writes: rule.map_or(!matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS"), |rule| rule.writes),
        url: Some(url.into()),
        fields: rule.map(|rule| rule.fields.clone()),
    };
    let not_this_caller =
        check_write(ctx, actor, connector, rule, &method).and_then(|()| connection.check_ready());
    if let Err(error) = not_this_caller {
        let (code, detail) = error.public();
        result.allowed = false;
        result.reason = detail.map_or_else(|| code.title().to_owned(), ToString::to_string);
    }
    Ok(result)
}

/// A connection's row, as far as its use needs it.
struct Stored {
    id: ConnectionId,
    connector: String,
    base_url: String,
    parameters: BTreeMap<String, String>,
    allowed_hosts: Vec<String>,
    sealed: Vec<u8>,
    status: String,
    is_oauth: bool,
    allow_writable_role: bool,
    generation: u64,
}

impl Stored {
    fn load(ctx: Context<'_>, id: &ConnectionId) -> Result<Self, AppError> {
        let row: Row = ctx
            .store
            .first(
                "SELECT connector, base_url, parameters, allowed_hosts, sealed, status, auth_type, \
                 allow_writable_role, generation FROM connections WHERE id = ?",
                &[id.as_str().into()],
            )?
            .ok_or(Code::NotFound)?;
        Ok(Self {
            id: id.clone(),
            connector: row.text(0)?.to_owned(),
            base_url: row.text(1)?.to_owned(),
            parameters: row.json(2)?,
            allowed_hosts: row.json(3)?,
            sealed: row.blob(4)?.to_vec(),
            status: row.text(5)?.to_owned(),
            is_oauth: row.text(6)? == "oauth2",
            allow_writable_role: row.number(7)? != 0,
            generation: row.number(8)?,
        })
    }

    /// A connector that the catalogue no longer has lets nothing through (invariant 6).
    fn catalogued(&self) -> Result<&'static Connector, AppError> {
        catalogue::get(&self.connector).ok_or_else(|| {
            AppError::refused(Code::RequestNotAllowed, "this connector is no longer in the catalogue")
        })
    }

    fn check_ready(&self) -> Result<(), AppError> {
        let detail = match self.status.as_str() {
            status if status == ConnectionStatus::Active.as_str() => return Ok(()),
            status if status == ConnectionStatus::Pending.as_str() => {
                "a person has to grant access first: POST /v1/connections/{id}/authorize"
            }
            _ => {
                "the provider no longer takes its refresh token: a person has to grant access again, by POST \
                 /v1/connections/{id}/authorize"
            }
        };
        Err(AppError::refused(Code::ConnectionNotReady, detail))
    }

    /// The credential for its hop to the stateless part: as stored or, of an OAuth connection, the access token sealed to
    /// the same place.
    fn sealed_for(
        &self,
        ctx: Context<'_>,
        token: Option<&AccessToken>,
    ) -> Result<SealedCredential, AppError> {
        let sealed = match token {
            None => Sealed::from_bytes(self.sealed.clone())?,
            Some(token) => {
                let place = place(ctx.org, &self.id, &self.connector, &self.allowed_hosts);
                let oauth = self.catalogued()?.oauth.as_ref();
                let credential = match oauth.and_then(|oauth| oauth.token_header.clone()) {
                    Some(header) => Credential::new(CredentialInput::ApiKey {
                        header: Some(header),
                        query: None,
                        value: token.token.clone(),
                    }),
                    None => Credential::bearer(token.token.clone()),
                };
                let credential = credential.map_err(|_| AppError::Encoding)?;
                dek::seal(ctx, &place, &credential.to_sealed_plaintext())?
            }
        };
        Ok(SealedCredential {
            org: ctx.org.clone(),
            connection: self.id.clone(),
            connector: self.connector.clone(),
            allowed_hosts: self.allowed_hosts.clone(),
            wrapped_dek: STANDARD.encode(dek::wrapped_for(ctx, &sealed)?.as_bytes()),
            sealed: STANDARD.encode(sealed.as_bytes()),
        })
    }
}
