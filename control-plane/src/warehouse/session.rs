//! A connection to PostgreSQL from the first message to the rows: signing in, the transaction, the statement.

use super::failure::{PostgresError, Writable};
use super::scram::Scram;
use super::wire::{Message, Next, Reader, Tag, Wire, Writer, string};
use super::{Failure, Login, Query, Rows};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncWrite};

/// How long the server waits for us, and for a lock, in milliseconds.
const IDLE_MS: u32 = 30_000;
const LOCK_MS: u32 = 5_000;
/// How often the server looks whether we are still there while it computes. From PostgreSQL 14 on.
const ALIVE_MS: u32 = 2_000;

const BEFORE: &str = "SELECT pg_catalog.row_to_json(q)::pg_catalog.text FROM (\n";
/// The statement's name, where one is needed; in use for the length of one round trip.
const DESCRIBED: &str = "sluicegate_described";

/// Messages before something is ready; a server names about fifteen settings.
const MAX_MESSAGES: usize = 200;

/// A connection that has signed in.
pub struct Session<S> {
    wire: Wire<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Signs in over `stream`, on which TLS stands already: a server that asks for the password as it is gets it. `nonce` is
    /// fresh random bytes.
    ///
    /// # Errors
    /// When the server refuses, or does not behave.
    pub async fn open(stream: S, login: &Login, nonce: [u8; 18]) -> Result<Self, Failure> {
        let mut wire = Wire::new(stream);
        let parameters = [
            ("user", login.user.as_str()),
            ("database", login.database.as_str()),
            ("application_name", "sluicegate"),
            ("client_encoding", "UTF8"),
        ];
        wire.send(&Writer::default().startup(&parameters).into_bytes()).await?;
        let mut session = Self { wire };
        session.sign_in(login, nonce).await?;
        session.ready().await?;
        Ok(session)
    }

    async fn sign_in(&mut self, login: &Login, nonce: [u8; 18]) -> Result<(), Failure> {
        const WRONG: Failure = Failure::Protocol("does not sign in as PostgreSQL does");
        let password = login.password.expose_secret();
        let message = self.authentication().await?;
        let mut body = Reader(&message.body);
        match body.u32().ok_or(WRONG)? {
            0 => return Ok(()),
            3 => {
                let answer = Writer::default().message(b'p', |body| string(body, password));
                self.wire.send(&answer.into_bytes()).await?;
            }
            10 if body.0.split(|byte| *byte == 0).any(|mechanism| mechanism == b"SCRAM-SHA-256") => {
                self.scram(password, nonce).await?;
            }
            _ => return Err(Failure::NoAuth),
        }
        let done = self.authentication().await?;
        (done.body == [0; 4]).then_some(()).ok_or(WRONG)
    }

    async fn scram(&mut self, password: &str, nonce: [u8; 18]) -> Result<(), Failure> {
        let scram = Scram::new(nonce);
        let first = scram.first();
        let message = Writer::default().message(b'p', |body| {
            string(body, "SCRAM-SHA-256");
            body.extend_from_slice(&(first.len() as u32).to_be_bytes());
            body.extend_from_slice(first.as_bytes());
        });
        self.wire.send(&message.into_bytes()).await?;
        let (last, proven) = scram.last(password, &self.challenge(11).await?)?;
        let message = Writer::default().message(b'p', |body| body.extend_from_slice(last.as_bytes()));
        self.wire.send(&message.into_bytes()).await?;
        proven.check(&self.challenge(12).await?)
    }

    /// What the server says in a step of SASL.
    async fn challenge(&mut self, step: u32) -> Result<String, Failure> {
        const WRONG: Failure = Failure::Protocol("does not sign in as SCRAM does");
        let message = self.authentication().await?;
        let mut body = Reader(&message.body);
        if body.u32() != Some(step) {
            return Err(WRONG);
        }
        String::from_utf8(body.0.to_vec()).map_err(|_| WRONG)
    }

    async fn authentication(&mut self) -> Result<Message, Failure> {
        let message = self.wire.receive().await?;
        match message.tag {
            Tag::AUTHENTICATION => Ok(message),
            Tag::ERROR => Err(Failure::of_login(&message.body)),
            _ => Err(Failure::Protocol("does not greet as PostgreSQL does")),
        }
    }

    async fn ready(&mut self) -> Result<(), Failure> {
        for _ in 0..MAX_MESSAGES {
            let message = self.wire.receive().await?;
            match message.tag {
                Tag::READY => return Ok(()),
                Tag::BACKEND_KEY => {}
                Tag::ERROR => return Err(Failure::of_login(&message.body)),
                _ => return Err(UNKNOWN),
            }
        }
        Err(UNKNOWN)
    }

    /// Begins the read-only transaction, in which a statement may take `statement_ms`, and looks at what the role may do.
    ///
    /// # Errors
    /// [`Failure::RoleMayWrite`], unless `may_write`; [`Failure::RoleMayDoMore`] even then.
    pub async fn begin(&mut self, may_write: bool, statement_ms: u64) -> Result<(), Failure> {
        let begin = format!(
            "BEGIN TRANSACTION READ ONLY; \
             SET LOCAL statement_timeout = {statement_ms}; \
             SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}; \
             SET LOCAL lock_timeout = {LOCK_MS}; \
             SELECT pg_catalog.set_config(name, '{ALIVE_MS}', true) FROM pg_catalog.pg_settings \
             WHERE name = 'client_connection_check_interval' AND pg_catalog.version() NOT LIKE '%Visual C%';\n{}",
            include_str!("role.sql")
        );
        let message = Writer::default().message(b'Q', |body| string(body, &begin));
        self.wire.send(&message.into_bytes()).await?;
        let mut last = None;
        for _ in 0..MAX_MESSAGES {
            let message = self.wire.receive().await?;
            match message.tag {
                Tag::ROW => last = Some(message.body),
                Tag::COLUMNS | Tag::COMPLETE => {}
                // In a transaction. A pooler that hands out statements to different servers is none to read through.
                Tag::READY if message.body == b"T" => {
                    let found = last.as_deref().and_then(only_field);
                    return judge(found.ok_or(UNKNOWN)?, may_write);
                }
                Tag::READY => return Err(Failure::Protocol("does not keep to a transaction")),
                Tag::ERROR => return Err(Failure::of(&message.body)),
                _ => return Err(UNKNOWN),
            }
        }
        Err(UNKNOWN)
    }

    /// Runs the statement; [`begin`](Self::begin) comes first. Comes back when there is a first row, or none.
    ///
    /// The statement is parsed twice, by itself and as ours with it inside: what is a whole statement by itself cannot end
    /// our parenthesis. Nothing has run when either fails. The bound on rows is in ours, where the planner sees it.
    ///
    /// # Errors
    /// [`Failure::Postgres`] with PostgreSQL's own words.
    pub async fn query(mut self, query: &Query, max_bytes: usize) -> Result<Rows<S>, Failure> {
        let wrapped = format!("{BEFORE}{}\n) AS q LIMIT {}", query.sql, query.max_rows + 1);
        let message = Writer::default()
            .message(b'P', |body| parse(body, DESCRIBED, &query.sql))
            .message(b'D', |body| statement(body, DESCRIBED))
            .message(b'C', |body| statement(body, DESCRIBED))
            .message(b'P', |body| parse(body, "", &wrapped))
            .message(b'B', |body| bind(body, query))
            .message(b'E', |body| {
                string(body, "");
                body.extend_from_slice(&0_u32.to_be_bytes());
            })
            .message(b'S', |_| {});
        self.wire.send(&message.into_bytes()).await?;

        let (mut parsed, mut columns) = (0, None);
        for _ in 0..MAX_MESSAGES {
            let message = match self.wire.receive_row(max_bytes).await? {
                Next::Message(message) if !matches!(message.tag, Tag::ROW | Tag::COMPLETE) => message,
                first => {
                    return Ok(Rows::new(
                        self.wire,
                        columns.ok_or(UNKNOWN)?,
                        first,
                        query.max_rows,
                        max_bytes,
                    ));
                }
            };
            match message.tag {
                Tag::PARSED => parsed += 1,
                Tag::COLUMNS => columns = Some(column_names(&message.body).ok_or(UNKNOWN)?),
                Tag::ERROR => {
                    let mut error = PostgresError::parse(&message.body).ok_or(UNKNOWN)?;
                    error.position = error.position.and_then(|position| in_callers(position, parsed, query));
                    return Err(Failure::Postgres(error));
                }
                // Parameters described, statement closed, parameters bound, no columns.
                Tag(b't' | b'3' | b'2' | b'n') => {}
                _ => return Err(UNKNOWN),
            }
        }
        Err(UNKNOWN)
    }
}

const UNKNOWN: Failure = Failure::Protocol("answers with what was not asked");

/// What `role.sql` found. What `may_write` excuses is what a read-only transaction holds off. It holds off neither files,
/// programs nor other sessions, which superusers and predefined roles reach by mere functions: those are never taken.
fn judge(found: &str, may_write: bool) -> Result<(), Failure> {
    let writable = match found {
        "" => return Ok(()),
        "attribute" => Writable::Attribute,
        "predefined_role" => Writable::PredefinedRole,
        "database" => Writable::Database,
        "schema" => Writable::Schema,
        "table" => Writable::Table,
        "sequence" => Writable::Sequence,
        _ => return Err(Failure::Protocol("does not keep to a read-only transaction")),
    };
    if writable.is_always_refused() {
        return Err(Failure::RoleMayDoMore(writable));
    }
    if may_write { Ok(()) } else { Err(Failure::RoleMayWrite(writable)) }
}

/// Of a row with one field.
pub(super) fn only_field(body: &[u8]) -> Option<&str> {
    let mut body = Reader(body);
    if body.u16()? != 1 {
        return None;
    }
    let length = body.u32()?;
    let field = body.bytes(usize::try_from(length).ok()?)?;
    std::str::from_utf8(field).ok().filter(|_| body.0.is_empty())
}

/// Types are left to the server to find out.
fn parse(body: &mut Vec<u8>, name: &str, sql: &str) {
    string(body, name);
    string(body, sql);
    body.extend_from_slice(&0_u16.to_be_bytes());
}

fn statement(body: &mut Vec<u8>, name: &str) {
    body.push(b'S');
    string(body, name);
}

/// Everything as text, the parameters and the answer.
fn bind(body: &mut Vec<u8>, query: &Query) {
    string(body, "");
    string(body, "");
    body.extend_from_slice(&0_u16.to_be_bytes());
    body.extend_from_slice(&(query.parameters.len() as u16).to_be_bytes());
    for parameter in &query.parameters {
        match &parameter.0 {
            Some(text) => {
                body.extend_from_slice(&(text.len() as u32).to_be_bytes());
                body.extend_from_slice(text.as_bytes());
            }
            None => body.extend_from_slice(&u32::MAX.to_be_bytes()),
        }
    }
    body.extend_from_slice(&0_u16.to_be_bytes());
}

fn column_names(body: &[u8]) -> Option<Vec<String>> {
    let mut body = Reader(body);
    let count = body.u16()?;
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(body.string()?.to_owned());
        body.bytes(18)?;
    }
    body.0.is_empty().then_some(names)
}

/// A position, from 1, in the caller's own text, which stands by itself until it is parsed and within ours from then on.
fn in_callers(position: usize, parsed: usize, query: &Query) -> Option<usize> {
    let position = if parsed == 0 { position } else { position.checked_sub(BEFORE.len())? };
    (1..=query.sql.chars().count()).contains(&position).then_some(position)
}
