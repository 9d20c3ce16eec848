//! Random bytes from a pool: one call to the platform serves hundreds of request ids.

/// The platform gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no randomness available")]
pub struct NoRandomness;

const POOL: usize = 4096;

/// A pool of random bytes, each given out once. Made within a request: the platform has no randomness outside of one.
#[derive(Default)]
pub struct Random {
    pool: Vec<u8>,
}

impl Random {
    /// `N` fresh random bytes, `N` at most 64.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], NoRandomness> {
        const { assert!(N <= 64) };
        if self.pool.len() < N {
            self.pool.resize(POOL, 0);
            getrandom::fill(&mut self.pool).map_err(|_| {
                self.pool.clear();
                NoRandomness
            })?;
        }
        let bytes = self.pool.last_chunk::<N>().copied().ok_or(NoRandomness)?;
        self.pool.truncate(self.pool.len() - N);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_bytes_are_given_twice_over_several_refills() {
        let mut random = Random::default();
        let taken: HashSet<[u8; 10]> = (0..2000).map(|_| random.take().unwrap()).collect();
        assert_eq!(taken.len(), 2000);
    }
}
