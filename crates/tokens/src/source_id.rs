//! Ids of webhook sources. They stand in public URLs (`/in/src_…`) and are the only thing that says which org's object to
//! ask, so they carry the org and a MAC: an id that was never issued is refused at the edge with no network read.
//!
//! Form, frozen, 50 characters: `src_ | org body, 26 | random, 10 | MAC, 10`, all lower-case base32. The 50-bit MAC is no
//! authentication (each event's signature is): it makes guessing ids useless for waking objects.

use crate::TokenError;
use crate::base32::{is_base32, random_base32};
use crate::mac::{self, Domain, MacKey};
use crate::org;

const PREFIX: &str = "src_";
const RANDOM_LEN: usize = 10;
const MAC_LEN: usize = 10;

/// A fresh source id that names `org` (its whole id).
///
/// # Errors
/// [`TokenError::Org`], [`TokenError::Random`].
pub fn mint_source_id(mac: &MacKey, org: &str) -> Result<String, TokenError> {
    assemble(mac, org, &random_base32(RANDOM_LEN)?)
}

/// The org (its whole id) that a source id was issued to.
///
/// # Errors
/// [`TokenError::SourceId`] for any id that was not issued with this key.
pub fn parse_source_id(mac: &MacKey, id: &str) -> Result<String, TokenError> {
    let body = id.strip_prefix(PREFIX).ok_or(TokenError::SourceId)?;
    if body.len() != org::BODY_LEN + RANDOM_LEN + MAC_LEN || !is_base32(body) {
        return Err(TokenError::SourceId);
    }
    let (signed, presented) = id.split_at_checked(id.len() - MAC_LEN).ok_or(TokenError::SourceId)?;
    if !mac::equal(mac.tail(Domain::SourceId, signed, MAC_LEN).as_bytes(), presented.as_bytes()) {
        return Err(TokenError::SourceId);
    }
    let (org, _) = body.split_at_checked(org::BODY_LEN).ok_or(TokenError::SourceId)?;
    Ok(org::id(org))
}

fn assemble(mac: &MacKey, org: &str, random: &str) -> Result<String, TokenError> {
    let signed = [PREFIX, org::body(org)?, random].concat();
    let tag = mac.tail(Domain::SourceId, &signed, MAC_LEN);
    Ok(signed + &tag)
}

#[cfg(test)]
mod tests;
