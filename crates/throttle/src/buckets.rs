//! A keyed hash table whose size never changes: slots in buckets of [`WAYS`], and a key may sit in its bucket alone.
//!
//! Kept here: memory is bounded whatever clients do, and without the seed nobody knows which keys share a bucket. Who
//! gives way in a full bucket is for the table built on it to say.

use core::hash::{Hash, Hasher};

use siphasher::sip::SipHasher13;

/// Slots in a bucket. At half load fewer than one bucket in a hundred is full.
pub(crate) const WAYS: usize = 16;

pub(crate) struct Buckets<T> {
    buckets: Box<[[Option<T>; WAYS]]>,
    seed: [u8; 16],
}

impl<T> Buckets<T> {
    /// Empty slots for about `capacity` keys. `seed` is secret and random, drawn for this table.
    pub(crate) fn new(capacity: usize, seed: [u8; 16]) -> Self {
        let buckets = (0..capacity.div_ceil(WAYS).max(1)).map(|_| [const { None }; WAYS]);
        Self { buckets: buckets.collect(), seed }
    }

    /// The slots in which `key` may sit.
    pub(crate) fn of(&self, key: &impl Hash) -> impl Iterator<Item = &Option<T>> {
        self.buckets.get(self.index(key)).into_iter().flatten()
    }

    /// The slots in which `key` may sit.
    pub(crate) fn of_mut(&mut self, key: &impl Hash) -> impl Iterator<Item = &mut Option<T>> {
        let index = self.index(key);
        self.buckets.get_mut(index).into_iter().flatten()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.buckets.as_flattened().len()
    }

    fn index(&self, key: &impl Hash) -> usize {
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        key.hash(&mut hasher);
        // The hash as a fraction of 2^64, scaled to the number of buckets: uniform without a division.
        ((u128::from(hasher.finish()) * self.buckets.len() as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_slots_is_the_capacity_rounded_up_to_a_bucket() {
        for (capacity, slots) in [(0, 16), (16, 16), (17, 32), (4096, 4096)] {
            assert_eq!(Buckets::<u8>::new(capacity, [0; 16]).len(), slots);
        }
    }

    #[test]
    fn buckets_depend_on_the_seed() {
        let tables = [Buckets::<u8>::new(1 << 16, [1; 16]), Buckets::new(1 << 16, [2; 16])];
        let [a, b] = tables.map(|table| (0..100_u64).map(|key| table.index(&key)).collect::<Vec<_>>());
        assert_ne!(a, b);
    }
}
