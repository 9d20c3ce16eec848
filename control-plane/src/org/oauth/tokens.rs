//! Access tokens of this org's OAuth connections: in the object's memory and nowhere else (claim C9). An object that leaves
//! memory forgets them, and the next call asks for fresh ones.

use protocol::ConnectionId;
use secrecy::SecretString;
use std::cell::RefCell;
use std::collections::HashMap;

/// The access tokens that are known, one a connection.
#[derive(Default)]
pub struct AccessTokens(RefCell<HashMap<ConnectionId, AccessToken>>);

/// A token and how long it serves.
struct AccessToken {
    token: SecretString,
    /// Of the connection's credential when the token was given: one of an older generation is of a grant that is over.
    generation: u64,
    /// Unix ms, by our clock.
    expires_at_ms: u64,
}

impl AccessTokens {
    /// Keeps a fresh token. Its time counts from when it was asked for: the provider's began no earlier.
    pub(in crate::org) fn put(
        &self,
        id: &ConnectionId,
        generation: u64,
        token: SecretString,
        sent_at_ms: u64,
        expires_in: Option<u32>,
        default_lifetime_s: u32,
    ) {
        let lifetime_ms = u64::from(expires_in.unwrap_or(default_lifetime_s)) * 1000;
        let expires_at_ms = sent_at_ms.saturating_add(lifetime_ms);
        self.0.borrow_mut().insert(id.clone(), AccessToken { token, generation, expires_at_ms });
    }

    /// Forgets a connection's token.
    pub(in crate::org) fn forget(&self, id: &ConnectionId) {
        self.0.borrow_mut().remove(id);
    }
}
