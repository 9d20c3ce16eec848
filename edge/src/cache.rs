//! A map of bounded size in isolate memory (invariant 8). Age is the caller's to check: it stores times with the values.
//!
//! Two generations: what is used lives in the young one; when that is half the capacity, it becomes the old one and the
//! old one is dropped whole. What was not used for a generation goes, at no bookkeeping per access.

use std::collections::HashMap;
use std::hash::Hash;

/// At most `capacity` entries, the recently used kept.
pub struct Cache<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// An empty cache.
    pub fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (capacity / 2).max(1) }
    }

    /// The value of `key`, kept for another generation.
    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.insert(key.clone(), value.clone());
        Some(value)
    }

    /// Stores a value.
    pub fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// Forgets all that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.young.retain(|_, value| keep(value));
        self.old.retain(|_, value| keep(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_its_capacity() {
        let mut cache = Cache::new(8);
        for key in 0..100 {
            cache.insert(key, key);
            assert!(cache.young.len() + cache.old.len() <= 8);
            assert_eq!(cache.get(&key), Some(key));
        }
    }

    #[test]
    fn what_is_used_outlives_what_is_not() {
        let mut cache = Cache::new(8);
        cache.insert(0, 0);
        for key in 1..50 {
            cache.insert(key, key);
            assert_eq!(cache.get(&0), Some(0), "after {key}");
        }
        assert_eq!(cache.get(&1), None);
    }

    #[test]
    fn a_value_is_replaced_in_whichever_generation_it_is() {
        let mut cache = Cache::new(4);
        for key in [1, 2, 3] {
            cache.insert(key, 0);
        }
        cache.insert(1, 9);
        assert_eq!(cache.get(&1), Some(9));
        cache.remove(&1);
        assert_eq!(cache.get(&1), None);
    }
}
