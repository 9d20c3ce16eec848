//! The org's data key: stored wrapped, opened for the length of one call. While it is rotated there are two, and a record is
//! opened by the version that it names; what is sealed is sealed by the newer one.

use crate::context::Context;
use crate::error::AppError;
use protocol::Code;
use vault::{Sealed, VaultError, WrappedDek, Zeroizing};

/// The org's data keys as stored.
pub(super) struct Keys {
    /// Seals new records.
    pub current: WrappedDek,
    /// Until all records that it has sealed are sealed anew.
    pub old: Option<WrappedDek>,
}

impl Keys {
    /// Reads them.
    ///
    /// # Errors
    /// `Unauthenticated` where the org does not exist; those of the vault.
    pub(super) fn load(ctx: Context<'_>) -> Result<Self, AppError> {
        let row = ctx.store.first("SELECT wrapped_dek, old_wrapped_dek FROM org", &[])?;
        let row = row.ok_or(Code::Unauthenticated)?;
        Ok(Self {
            current: WrappedDek::from_bytes(row.blob(0)?)?,
            old: row.optional_blob(1)?.map(WrappedDek::from_bytes).transpose()?,
        })
    }

    fn of(self, sealed: &Sealed) -> Result<WrappedDek, VaultError> {
        std::iter::once(self.current)
            .chain(self.old)
            .find(|key| key.dek_version() == sealed.dek_version())
            .ok_or(VaultError::OtherDek)
    }
}

/// Seals a record to its place.
///
/// # Errors
/// `Unauthenticated` where the org does not exist; those of the vault.
pub(super) fn seal(
    ctx: Context<'_>,
    place: &vault::Context<'_>,
    plaintext: &[u8],
) -> Result<Sealed, AppError> {
    let keys = Keys::load(ctx)?;
    Ok(ctx.secrets.keyring.unwrap(ctx.org.as_str(), &keys.current)?.seal(place, plaintext)?)
}

/// Opens a record in its place.
///
/// # Errors
/// As [`seal`].
pub(super) fn open(
    ctx: Context<'_>,
    place: &vault::Context<'_>,
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, AppError> {
    let key = wrapped_for(ctx, sealed)?;
    Ok(ctx.secrets.keyring.unwrap(ctx.org.as_str(), &key)?.open(place, sealed)?)
}

/// The stored data key that opens a record.
///
/// # Errors
/// As [`seal`].
pub(super) fn wrapped_for(ctx: Context<'_>, sealed: &Sealed) -> Result<WrappedDek, AppError> {
    Ok(Keys::load(ctx)?.of(sealed)?)
}
