//! Custom headers: a receiver's own, sent with each delivery. Their values may be credentials, so they are sealed to the
//! endpoint's id and host (invariant 4), are never shown and go with the host.

use crate::context::Context;
use crate::error::AppError;
use crate::json::field;
use crate::org::dek;
use crate::store::Tx;
use config::Brand;
use protocol::{EndpointId, OrgId};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use vault::Purpose;
use zeroize::Zeroizing;

const MOST: usize = 10;
const MAX_VALUE: usize = 1024;

/// Headers that may be sent, as they are sealed.
pub(super) struct Custom {
    /// In lower case.
    names: BTreeSet<String>,
    plaintext: Zeroizing<Vec<u8>>,
}

impl Custom {
    /// Checks those of a request.
    ///
    /// # Errors
    /// `ValidationFailed`, without a name or value.
    pub(super) fn check(brand: &Brand, headers: &BTreeMap<String, SecretString>) -> Result<Self, AppError> {
        if headers.len() > MOST {
            return Err(field("headers", "at most 10"));
        }
        let brand = format!("x-{}-", brand.header_name());
        let mut names = BTreeSet::new();
        // The exact size: a buffer that grows leaves copies behind.
        let size = headers.iter().map(|(name, value)| name.len() + value.expose_secret().len() + 3).sum();
        let mut plaintext = Zeroizing::new(Vec::with_capacity(size));
        for (name, value) in headers {
            let name = connectors::settable(name).filter(|name| !is_ours(name, &brand)).ok_or_else(|| {
                field(
                    "headers",
                    "a name must be a header's, of up to 128 characters without `_`, and none that HTTP, a proxy, a \
                     browser or the signature uses",
                )
            })?;
            let value = value.expose_secret();
            if !is_value(value) {
                return Err(field(
                    "headers",
                    "a value must be 1 to 1024 visible ASCII characters, with spaces in between only",
                ));
            }
            for part in [&name, ": ", value, "\n"] {
                plaintext.extend_from_slice(part.as_bytes());
            }
            if !names.insert(name) {
                return Err(field("headers", "a name is there twice"));
            }
        }
        Ok(Self { names, plaintext })
    }

    /// In place of those there are.
    ///
    /// # Errors
    /// Those of the database and the vault.
    pub(super) fn store(
        &self,
        ctx: Context<'_>,
        tx: &Tx<'_>,
        id: &EndpointId,
        hosts: &[String],
    ) -> Result<(), AppError> {
        forget(tx, id)?;
        if self.names.is_empty() {
            return Ok(());
        }
        let sealed = dek::seal(ctx, &place(ctx.org, id, hosts), &self.plaintext)?;
        tx.write(
            "INSERT INTO endpoint_headers (endpoint_id, allowed_hosts, sealed) VALUES (?, ?, ?)",
            &[id.as_str().into(), serde_json::to_string(hosts)?.into(), sealed.into_bytes().into()],
        )?;
        tx.write(
            "UPDATE endpoints SET header_names = ? WHERE id = ?",
            &[serde_json::to_string(&self.names)?.into(), id.as_str().into()],
        )?;
        Ok(())
    }
}

/// Those that we send ourselves or that receivers verify by.
fn is_ours(name: &str, brand: &str) -> bool {
    name == "user-agent" || ["webhook-", "svix-", brand].iter().any(|prefix| name.starts_with(prefix))
}

fn is_value(value: &str) -> bool {
    (1..=MAX_VALUE).contains(&value.len())
        && value.bytes().all(|b| matches!(b, b' '..=b'~'))
        && !value.starts_with(' ')
        && !value.ends_with(' ')
}

/// The endpoint has none any more.
///
/// # Errors
/// Those of the database.
pub(super) fn forget(tx: &Tx<'_>, id: &EndpointId) -> Result<(), AppError> {
    tx.delete_sealed("endpoint_headers", "endpoint_id", id.as_str())?;
    tx.write("UPDATE endpoints SET header_names = '[]' WHERE id = ?", &[id.as_str().into()])?;
    Ok(())
}

/// Reads what [`Custom::store`] has sealed: a line `name: value` each. Frozen.
///
/// # Errors
/// `Encoding`.
pub(super) fn read(plaintext: &[u8]) -> Result<Vec<(String, SecretString)>, AppError> {
    let text = std::str::from_utf8(plaintext).map_err(|_| AppError::Encoding)?;
    text.lines()
        .map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.into())))
        .collect::<Option<_>>()
        .ok_or(AppError::Encoding)
}

/// Where they are sealed to.
pub(super) fn place<'a>(org: &'a OrgId, id: &'a EndpointId, hosts: &'a [String]) -> vault::Context<'a> {
    vault::Context {
        org: org.as_str(),
        record: id.as_str(),
        connector: "",
        allowed_hosts: hosts,
        purpose: Purpose::EndpointHeaders,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Custom, AppError> {
        let brand = Brand {
            name: "Acme Gate".into(),
            terms_url: None,
            privacy_url: None,
            api_key_prefix: "sgk".into(),
            security_contact: "mailto:security@example.com".into(),
        };
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        Custom::check(&brand, &headers)
    }

    fn pairs(custom: &Custom) -> Vec<(String, String)> {
        let read = read(&custom.plaintext).unwrap();
        read.into_iter().map(|(name, value)| (name, value.expose_secret().to_owned())).collect()
    }

    #[test]
    fn the_sealed_form_is_frozen() {
        let custom = check([("X-Key", "a: b"), ("authorization", "Bearer x")]).unwrap();
        assert_eq!(custom.plaintext.as_slice(), b"x-key: a: b\nauthorization: Bearer x\n");
        assert_eq!(custom.plaintext.capacity(), custom.plaintext.len(), "no copy is left behind");
    }

    #[test]
    fn the_brands_headers_are_ours() {
        assert!(check([("X-Acme-Gate-Signature", "x")]).is_err());
        assert!(check([("x-acme-team", "x")]).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_taken_is_one_line_and_reads_back(name in "[ -~]{0,12}|x-[a-z]{1,9}", value in "\\PC{0,20}|[ -~\r\n]{0,9}") {
            if let Ok(custom) = check([(name.as_str(), value.as_str())]) {
                prop_assert_eq!(pairs(&custom), [(name.to_ascii_lowercase(), value)]);
                prop_assert_eq!(custom.plaintext.iter().filter(|byte| byte.is_ascii_control()).count(), 1);
            }
        }
    }
}
