//! What a sign-in identity's object does: holds the person's account and proves the password. Bcrypt at cost 12 takes
//! 0.4 s of this object's single thread, so guessing one account's password is slow however many edges are asked.
//! On Cloudflare it holds up nobody else; on one box all objects share a thread, which is what the edge's limit
//! `rate_limits.passwords` is for.

#[cfg(test)]
mod tests;

use crate::asks::{NewOrg, OpenSession};
use crate::context::random;
use crate::error::AppError;
use crate::json::{check_name, field, parse};
use crate::store::{Sql, Value, migrations};
use config::Config;
use protocol::api::{LogIn, SignUp, User};
use protocol::{Code, OrgId, Role, UserId};
use serde::Deserialize;
use tokens::{TokenError, check_password, hash_password, verify_password};

/// The session that the caller may have: the org to ask and what to ask it for.
#[derive(Debug, serde::Serialize, Deserialize)]
pub struct Proven {
    /// Which org's object.
    pub org: OrgId,
    /// What to ask.
    pub open: OpenSession,
}

/// The email of a sign-up or login, in the form in which accounts are found: trimmed, lower case.
///
/// # Errors
/// 422 for a body without one or with one that cannot be an address.
pub fn email_of(body: &[u8]) -> Result<String, AppError> {
    #[derive(Deserialize)]
    struct Body {
        email: String,
    }
    normalize(&parse::<Body>(body)?.email)
}

fn normalize(email: &str) -> Result<String, AppError> {
    let email = email.trim().to_lowercase();
    let fine = email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.contains('@') && domain.contains('.') && !domain.starts_with('.')
        });
    if fine { Ok(email) } else { Err(field("email", "must be an email address")) }
}

/// Makes an account with its own org.
///
/// # Errors
/// 422 naming a field; `EmailTaken`.
pub fn sign_up(sql: &dyn Sql, config: &Config, now_ms: u64, body: &[u8]) -> Result<Proven, AppError> {
    let request: SignUp = parse(body)?;
    let email = normalize(&request.email)?;
    check_name("name", &request.name)?;
    let org_name = request.org_name.unwrap_or_default();
    check_name("org_name", &org_name)?;
    if !request.accept_terms {
        return Err(field("accept_terms", "must be true"));
    }
    let region = request.region.unwrap_or(config.residency.default);
    if !config.residency.regions.contains(&region) {
        return Err(field("region", "must be one of the regions on offer"));
    }
    check_password(&request.password).map_err(password_error)?;

    migrations::run(sql, migrations::ACCOUNT)?;
    if load(sql)?.is_some() {
        return Err(Code::EmailTaken.into());
    }
    let password_hash = hash_password(&request.password).map_err(password_error)?;
    let user = User { id: UserId::new(now_ms, random()?), email, name: request.name };
    let org = OrgId::new(region, random()?);
    let mut written = Ok(Vec::new());
    sql.atomically(&mut || {
        written = sql
            .exec(
                "INSERT INTO account (user_id, email, name, password_hash, terms_accepted_at, created_at) \
                 VALUES (?, ?, ?, ?, ?, ?)",
                &[
                    user.id.as_str().into(),
                    user.email.as_str().into(),
                    user.name.as_str().into(),
                    password_hash.as_str().into(),
                    now_ms.into(),
                    now_ms.into(),
                ],
            )
            .and_then(|_| {
                sql.exec(
                    "INSERT INTO memberships (org_id, org_name, role, created_at) VALUES (?, ?, ?, ?)",
                    &[
                        org.as_str().into(),
                        org_name.as_str().into(),
                        Role::OrgAdmin.as_str().into(),
                        Value::from(now_ms),
                    ],
                )
            });
        written.is_ok()
    })?;
    written?;
    Ok(Proven { org, open: open(user, org_name, "signup", 201, now_ms) })
}

/// Proves a password.
///
/// # Errors
/// `InvalidCredentials`, after the same work, whether the account or the password is wrong.
pub fn log_in(sql: &dyn Sql, now_ms: u64, body: &[u8]) -> Result<Proven, AppError> {
    let request: LogIn = parse(body)?;
    // An object that never was an account stays without rows or tables.
    let account = if migrations::is_empty(sql)? { None } else { load(sql)? };
    let stored = account.as_ref().map(|account| account.password_hash.as_str());
    let proven = verify_password(&request.password, stored);
    match account {
        Some(account) if proven => {
            Ok(Proven { org: account.org, open: open(account.user, account.org_name, "login", 200, now_ms) })
        }
        _ => Err(Code::InvalidCredentials.into()),
    }
}

fn open(user: User, org_name: String, reason: &str, status: u16, now_ms: u64) -> OpenSession {
    OpenSession {
        user,
        found: Some(NewOrg { name: org_name }),
        reason: reason.to_owned(),
        status,
        authenticated_at: now_ms,
        second_factor: false,
        operator: false,
    }
}

struct Account {
    user: User,
    password_hash: String,
    org: OrgId,
    org_name: String,
}

fn load(sql: &dyn Sql) -> Result<Option<Account>, AppError> {
    let rows = sql.exec(
        "SELECT a.user_id, a.email, a.name, a.password_hash, m.org_id, m.org_name, m.role FROM account a \
         JOIN memberships m ORDER BY m.rowid LIMIT 1",
        &[],
    )?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Account {
        user: User { id: row.parse(0)?, email: row.text(1)?.to_owned(), name: row.text(2)?.to_owned() },
        password_hash: row.text(3)?.to_owned(),
        org: row.parse(4)?,
        org_name: row.text(5)?.to_owned(),
    }))
}

fn password_error(error: TokenError) -> AppError {
    match error {
        TokenError::PasswordTooShort | TokenError::PasswordTooLong | TokenError::PasswordNul => {
            AppError::refused(Code::ValidationFailed, format!("password: {error}"))
        }
        other => other.into(),
    }
}
