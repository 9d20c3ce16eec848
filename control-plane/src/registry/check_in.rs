//! The other side of the registry: how an org or account that is there says what wraps its data key, and hears what should.

use super::shard_of;
use crate::asks::{AskRegistry, Wrapped};
use crate::error::AppError;
use crate::flows::Objects;
use protocol::Code;

/// Who is used checks in so often, ms.
const CHECK_IN_MS: u64 = 3_600_000;

/// Says what wraps the data key, has it wrapped by what the registry says, and tells it so. `rewrap` is the object's own.
///
/// # Errors
/// Where the registry cannot be reached; those of `rewrap`.
pub async fn check_in(
    objects: &impl Objects,
    id: &str,
    kek: u32,
    rewrap: impl FnOnce(u32) -> Result<Wrapped, AppError>,
) -> Result<(), AppError> {
    let shard = shard_of(id);
    let register = |kek| AskRegistry::Register { id: id.to_owned(), kek: Some(kek) };
    let Wrapped { version } = objects.registry(&shard, &register(kek)).await?;
    // A version that only a later deployment has is for the registry to come back with.
    let Wrapped { version: now } = match rewrap(version) {
        Err(AppError::Refused(Code::KeyVersionRefused, _)) => Wrapped { version: kek },
        other => other?,
    };
    if now != kek {
        objects.registry::<Wrapped>(&shard, &register(now)).await?;
    }
    Ok(())
}

/// When the next check-in is due, Unix ms, after the last one. Who nobody uses need not check in again.
pub fn next_check_in(last: Option<u64>, used: bool) -> Option<u64> {
    match last {
        None => Some(0),
        Some(at) => used.then_some(at + CHECK_IN_MS),
    }
}
