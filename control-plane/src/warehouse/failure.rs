//! Why a query was not answered, in words for whoever sent it. The texts of this crate hold no values; PostgreSQL's own
//! message is kept apart from them, for the caller alone: it may name columns and repeat values of the caller's statement.

/// The most of PostgreSQL's message that is handed on, in characters.
const MAX_MESSAGE: usize = 500;

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The statement is empty, too long or has a NUL in it.
    #[error("sql must be one statement of 1 to 65536 bytes, without NUL characters")]
    Sql,
    /// A parameter is of a kind, or a length, that is not taken.
    #[error(
        "parameters must be at most 100 strings, numbers, booleans or nulls, of 262144 bytes together and without NUL \
         characters; send anything else as a string and cast it in the statement"
    )]
    Parameters,
    /// `max_rows` is out of range.
    #[error("max_rows must be from 1 to 10000")]
    MaxRows,
    /// User name, password or database is empty, too long or has a control character in it.
    #[error("user name, password and database must be 1 to 1024 bytes each, without control characters")]
    Login,

    /// No connection.
    #[error(
        "the database cannot be reached; check host and port, and that it accepts connections from the internet"
    )]
    Unreachable,
    /// The server refuses TLS.
    #[error("the database offers no TLS; have it enabled: a query never goes without")]
    NoTls,
    /// The server's certificate is not one for this host from a known authority, or has expired.
    #[error(
        "the database's certificate is not valid for this host: self-signed, expired or of another name; use the host name \
         that the certificate is for"
    )]
    BadCertificate,
    /// TLS did not come about, and not because of the certificate.
    #[error("no TLS 1.2 or later can be agreed with the database")]
    TlsFailed,
    /// The whole took too long.
    #[error("the database did not answer in time")]
    TimedOut,
    /// The server ended the connection.
    #[error("the database closed the connection")]
    Closed,
    /// The server refuses user and password.
    #[error("the database refuses this user name and password, or connections from here")]
    BadPassword,
    /// There is no such database.
    #[error("there is no database of this name on the server")]
    NoDatabase,
    /// The server wants to be convinced otherwise than by SCRAM or, under TLS, a plain password.
    #[error("the database asks for a way to sign in that is not supported; use scram-sha-256")]
    NoAuth,
    /// The server has no room, or is starting or stopping.
    #[error("the database takes no connection at present; try again later")]
    Temporary,
    /// What the server says is not PostgreSQL's protocol, or out of all proportion; says what.
    #[error("this does not behave as a PostgreSQL server ({0})")]
    Protocol(&'static str),

    /// The role could write, and the connection does not allow for that.
    #[error(
        "the role may write: {0}; use a role with SELECT alone, or allow a writable role on the connection"
    )]
    RoleMayWrite(Writable),
    /// PostgreSQL refuses the statement, or failed while it ran. What it says is not part of this text.
    #[error("PostgreSQL refuses the statement")]
    Postgres(PostgresError),
}

/// What makes a role one that may write. The first that is found is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Writable {
    /// SUPERUSER, CREATEROLE, CREATEDB or REPLICATION, its own or that of a role it is a member of.
    #[error("it, or a role it is a member of, has SUPERUSER, CREATEROLE, CREATEDB or REPLICATION")]
    Attribute,
    /// A predefined role such as `pg_write_all_data`.
    #[error(
        "it is a member of a predefined role that writes data, touches the server's files, runs programs or stops other \
         sessions"
    )]
    PredefinedRole,
    /// CREATE on the database.
    #[error("it may CREATE schemas in the database")]
    Database,
    /// CREATE on a schema. Before PostgreSQL 15 everybody has that on `public`.
    #[error("it may CREATE in a schema; for `public`: REVOKE CREATE ON SCHEMA public FROM PUBLIC")]
    Schema,
    /// INSERT, UPDATE, DELETE, TRUNCATE on a table or view, or its owner.
    #[error("it owns or may change a table or view")]
    Table,
    /// USAGE or UPDATE on a sequence.
    #[error("it may advance a sequence")]
    Sequence,
}

impl Failure {
    /// Of an ErrorResponse to what is not the caller's text.
    pub(super) fn of(body: &[u8]) -> Self {
        match PostgresError::parse(body) {
            Some(error) => Self::Postgres(PostgresError { position: None, ..error }),
            None => Self::Protocol("fails without saying how"),
        }
    }

    /// The same before the first query.
    pub(super) fn of_login(body: &[u8]) -> Self {
        match Self::of(body) {
            Self::Postgres(error) => error.at_login(),
            other => other,
        }
    }

    /// For programs: `timeout`, `bad_certificate`, …
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Sql | Self::Parameters | Self::MaxRows => "request_invalid",
            Self::Login => "credentials_invalid",
            Self::Unreachable => "unreachable",
            Self::NoTls => "no_tls",
            Self::BadCertificate => "bad_certificate",
            Self::TlsFailed => "tls_failed",
            Self::TimedOut => "timeout",
            Self::Closed => "closed",
            Self::BadPassword => "bad_password",
            Self::NoDatabase => "no_database",
            Self::NoAuth => "no_auth",
            Self::Temporary => "temporary",
            Self::Protocol(_) => "protocol",
            Self::RoleMayWrite(_) => "role_may_write",
            Self::Postgres(_) => "query_refused",
        }
    }
}

/// What PostgreSQL says about a statement: its primary message. Its detail and hint are dropped, which hold rows' values
/// that the statement did not ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresError {
    /// Five letters and digits: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    pub sqlstate: String,
    /// At most 500 characters, without control characters.
    pub message: String,
    /// Where in the caller's statement, in characters from 1.
    pub position: Option<usize>,
}

impl PostgresError {
    /// Reads the body of an ErrorResponse; the position is as the server counts.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let (mut sqlstate, mut message, mut position) = (None, None, None);
        for field in body.split(|byte| *byte == 0) {
            let Some((kind, value)) = field.split_first() else { continue };
            let value = String::from_utf8_lossy(value);
            match kind {
                b'C' => sqlstate = Some(value.into_owned()),
                b'M' => {
                    let printable = value.chars().map(|c| if c.is_control() { ' ' } else { c });
                    message = Some(printable.take(MAX_MESSAGE).collect());
                }
                b'P' => position = value.parse().ok(),
                _ => {}
            }
        }
        let sqlstate =
            sqlstate.filter(|code| code.len() == 5 && code.bytes().all(|b| b.is_ascii_alphanumeric()));
        Some(Self { sqlstate: sqlstate?, message: message?, position })
    }

    fn at_login(self) -> Failure {
        match (self.sqlstate.as_str(), self.sqlstate.get(..2)) {
            ("28P01" | "28000", _) => Failure::BadPassword,
            ("3D000", _) => Failure::NoDatabase,
            // Insufficient resources, and what an operator or a start-up brings about.
            (_, Some("53" | "57")) => Failure::Temporary,
            _ => Failure::Postgres(self),
        }
    }
}
