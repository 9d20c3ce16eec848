//! An org's id inside other ids: the part after `org_`, so that a credential names the org that it belongs to and no
//! directory is asked (invariant 2).

use crate::TokenError;
use crate::base32::is_base32;

/// Characters of an org's id after its prefix.
pub(crate) const BODY_LEN: usize = 26;

const PREFIX: &str = "org_";

/// The part of an org's id that other ids carry.
pub(crate) fn body(org: &str) -> Result<&str, TokenError> {
    org.strip_prefix(PREFIX).filter(|body| body.len() == BODY_LEN && is_base32(body)).ok_or(TokenError::Org)
}

/// The org's id again.
pub(crate) fn id(body: &str) -> String {
    [PREFIX, body].concat()
}
