//! How slowly a body may come that this isolate gathers: forms, JSON, webhooks. Anybody may send most of these, and
//! a body that never ends would hold memory and a connection for as long as its sender likes.
//!
//! Streams that are passed on are not gathered: they belong to a caller, and their pace is the upstream's too.

use protocol::Code;

/// What any body may take, ms.
const GRACE_MS: u64 = 10_000;
/// What a body of any size may take, ms.
const MOST_MS: u64 = 120_000;
/// After the grace, bytes a second on the whole.
const LEAST_RATE: u64 = 4096;

/// Milliseconds after a body's beginning by which more than `received` bytes must have come, or its end.
pub const fn due_ms(received: u64) -> u64 {
    let due = GRACE_MS.saturating_add(received.saturating_mul(1000) / LEAST_RATE);
    if due < MOST_MS { due } else { MOST_MS }
}

/// What is left of that, of a body that began at `began_ms`.
///
/// # Errors
/// `BodyTimeout` where nothing is.
pub fn left_ms(began_ms: u64, now_ms: u64, received: u64) -> Result<u64, Code> {
    match (began_ms + due_ms(received)).checked_sub(now_ms) {
        None | Some(0) => Err(Code::BodyTimeout),
        Some(left) => Ok(left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1024;

    #[test]
    fn a_body_has_a_grace_then_a_least_rate_then_an_end() {
        for (received, seconds) in
            [(0, 10), (4 * KIB, 11), (64 * KIB, 26), (440 * KIB, 120), (1024 * KIB, 120), (u64::MAX, 120)]
        {
            assert_eq!(due_ms(received), seconds * 1000, "{received}");
        }
    }

    #[test]
    fn a_sender_that_drips_is_refused_and_a_slow_network_is_not() {
        // 1 byte a second never gets past the grace.
        let refused = (0..60).find(|second| left_ms(0, second * 1000, *second).is_err());
        assert_eq!(refused, Some(11));
        // 8 KiB a second get a whole form and a whole event through.
        assert!((0..=64).all(|second| left_ms(0, second * 1000, second * 8 * KIB).is_ok()));
        assert_eq!(left_ms(5000, 5000, 0), Ok(10_000));
        assert_eq!(left_ms(5000, 15_000, 0), Err(Code::BodyTimeout));
        // A clock that steps back gives no error, nor more than the whole.
        assert!(left_ms(5000, 4000, 0).is_ok_and(|left| left <= 11_000));
    }
}
