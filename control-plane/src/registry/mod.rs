//! What a shard of the registry does: it knows every org and account by id, and by which key-encryption key each one's data
//! key is wrapped, so that a rotation finds them all (claims C7, B4). It holds nothing else of them, and no request waits
//! for it but the one that founds an org or an account.
//!
//! Keeps two promises. *No rotation misses anybody*: a member registers before it is made, and is told by which version its
//! key is to be wrapped; until it is known to be there, the shard asks for it. *No version is called unused that is not*: a
//! member counts by what it has said itself, whoever cannot be reached counts as before, and members only ever go up.
//!
//! Everything is synchronous but the asks of [`work`], between which the shard may end at any point: what is left to do
//! stands in its rows.

mod check_in;
mod members;
mod rotation;
#[cfg(test)]
mod tests;
mod work;

pub use check_in::{check_in, next_check_in};
pub use members::{shard_of, shards, wakes_at};
pub use work::work;

use crate::asks::AskRegistry;
use crate::error::AppError;
use crate::reply::Reply;
use crate::store::Sql;

/// The surroundings of one ask in a shard.
#[derive(Clone, Copy)]
pub struct RegistryContext<'a> {
    /// The shard's database, whose migrations have run.
    pub sql: &'a dyn Sql,
    /// The deployed keyring's own current version: what wraps new data keys as long as nobody has ever rotated.
    pub deployed: u32,
    /// Unix time, ms; one value for the whole ask.
    pub now_ms: u64,
}

/// Answers an ask.
///
/// # Errors
/// `KeyVersionRefused` for a rotation to a lower version than the current one; those of the database.
pub fn answer(ctx: RegistryContext<'_>, ask: &AskRegistry) -> Result<Reply, AppError> {
    match ask {
        AskRegistry::Register { id, kek } => Reply::json(200, &members::register(ctx, id, *kek)?),
        AskRegistry::Forget { id } => {
            members::forget(ctx, id)?;
            Ok(Reply::no_content())
        }
        AskRegistry::Rotate { version } => {
            rotation::rotate(ctx, *version)?;
            Reply::json(200, &rotation::progress(ctx)?)
        }
        AskRegistry::Progress => Reply::json(200, &rotation::progress(ctx)?),
    }
}
