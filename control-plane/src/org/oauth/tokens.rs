//! Access tokens of this org's OAuth connections, and the refreshes under way: in the object's memory and nowhere else
//! (claim C9). An object that leaves memory forgets them, and the next call asks for a fresh one.
//!
//! Invariant: a token or a refresh counts only while the connection's row is of the generation it was made for. Whatever
//! gives the connection another credential raises the generation, so nothing of a grant that is over is ever used.

use super::refresh::Flight;
use protocol::ConnectionId;
use secrecy::SecretString;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A token is asked for afresh after this long even where its provider says that it serves for longer, ms.
const MAX_LIFETIME_MS: u64 = 86_400_000;
/// So long before its end a token is no longer used, ms; of a short-lived one, a tenth of its life.
const MARGIN_MS: u64 = 60_000;
/// A token from further ahead than this was made before our clock went back, ms: its end is not known.
const CLOCK_SLACK_MS: u64 = 60_000;
/// A provider that refuses one fresh token after another is not asked for more of them, but once in this time, ms.
const REFUSAL_PAUSE_MS: u64 = 60_000;

/// The access tokens that are known and those being asked for, one of each a connection.
#[derive(Default)]
pub struct AccessTokens(RefCell<HashMap<ConnectionId, Entry>>);

#[derive(Default)]
struct Entry {
    token: Option<Held>,
    flight: Option<Rc<Flight>>,
    /// When a refusal was last believed, Unix ms.
    refused_ms: Option<u64>,
}

/// A token to send.
#[derive(Debug, Clone)]
pub(in crate::org) struct AccessToken {
    /// Which of the connection's: the generation of its row. Who is refused with it says so by this.
    pub number: u64,
    /// The token.
    pub token: SecretString,
}

struct Held {
    token: AccessToken,
    /// Unix ms, by our clock.
    sent_ms: u64,
    /// Likewise; from here on another one is asked for.
    until_ms: u64,
    /// Likewise; from here on its provider does not take it.
    end_ms: u64,
}

impl Held {
    fn is_of(&self, generation: u64, now_ms: u64) -> bool {
        self.token.number == generation && self.sent_ms <= now_ms.saturating_add(CLOCK_SLACK_MS)
    }
}

impl AccessTokens {
    /// Keeps a fresh token. Its time counts from when it was asked for: the provider's began no earlier. A lifetime of 0 is
    /// none at all: `default_lifetime_s` then says how long.
    pub(in crate::org) fn put(
        &self,
        id: &ConnectionId,
        generation: u64,
        token: SecretString,
        sent_ms: u64,
        expires_in: Option<u32>,
        default_lifetime_s: u32,
    ) {
        let lifetime_s = expires_in.filter(|seconds| *seconds > 0).unwrap_or(default_lifetime_s);
        let lifetime_ms = (u64::from(lifetime_s) * 1000).min(MAX_LIFETIME_MS);
        let end_ms = sent_ms + lifetime_ms;
        let until_ms = end_ms - MARGIN_MS.min(lifetime_ms / 10);
        let held = Held { token: AccessToken { number: generation, token }, sent_ms, until_ms, end_ms };
        self.0.borrow_mut().entry(id.clone()).or_default().token = Some(held);
    }

    /// Forgets all of a connection: it is gone, or has another credential.
    pub(in crate::org) fn forget(&self, id: &ConnectionId) {
        self.0.borrow_mut().remove(id);
    }

    /// Takes the connection's token out, if it serves: the connection is gone. A refresh under way is left to land.
    pub(in crate::org) fn take(&self, id: &ConnectionId, now_ms: u64) -> Option<SecretString> {
        let held = self.0.borrow_mut().get_mut(id)?.token.take()?;
        (now_ms < held.end_ms).then_some(held.token.token)
    }

    /// The connection's token, if it serves.
    pub(super) fn serving(&self, id: &ConnectionId, generation: u64, now_ms: u64) -> Option<AccessToken> {
        let all = self.0.borrow();
        let held = all.get(id)?.token.as_ref()?;
        (held.is_of(generation, now_ms) && now_ms < held.until_ms).then(|| held.token.clone())
    }

    /// The connection's token while there is no other: close to its end, good until then, and not the `refused` one.
    pub(super) fn lasting(
        &self,
        id: &ConnectionId,
        generation: u64,
        refused: Option<u64>,
        now_ms: u64,
    ) -> Option<AccessToken> {
        let all = self.0.borrow();
        let held = all.get(id)?.token.as_ref()?;
        let lasts = held.is_of(generation, now_ms) && now_ms < held.end_ms;
        (lasts && refused != Some(held.token.number)).then(|| held.token.clone())
    }

    /// Whether a provider's refusal of a token that serves by our clock is reason to ask for another one.
    pub(super) fn believe_refusal(&self, id: &ConnectionId, now_ms: u64) -> bool {
        let mut all = self.0.borrow_mut();
        let entry = all.entry(id.clone()).or_default();
        let is_new = entry.refused_ms.is_none_or(|last| now_ms.abs_diff(last) >= REFUSAL_PAUSE_MS);
        if is_new {
            entry.refused_ms = Some(now_ms);
        }
        is_new
    }

    /// The refresh under way.
    pub(super) fn flight(&self, id: &ConnectionId) -> Option<Rc<Flight>> {
        self.0.borrow().get(id)?.flight.clone()
    }

    /// A refresh is under way. A token that was `refused` is of no more use.
    pub(super) fn take_off(&self, id: &ConnectionId, flight: Rc<Flight>, refused: Option<u64>) {
        let mut all = self.0.borrow_mut();
        let entry = all.entry(id.clone()).or_default();
        entry.token.take_if(|held| refused == Some(held.token.number));
        entry.flight = Some(flight);
    }

    /// It no longer is, unless it is another one by now.
    pub(super) fn landed(&self, id: &ConnectionId, flight: &Rc<Flight>) {
        if let Some(entry) = self.0.borrow_mut().get_mut(id) {
            entry.flight.take_if(|current| Rc::ptr_eq(current, flight));
        }
    }
}
