//! Random values: unpredictable ones for names and secrets, and a seeded sequence for generated requests, which a failing
//! run can be repeated with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Fresh random bytes.
///
/// # Panics
/// Where the system has none.
pub fn bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// `prefix` and 24 random characters of base64url.
pub fn text(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes(18)))
}

/// A seeded sequence: SplitMix64, after Steele, Lea and Flood, "Fast splittable pseudorandom number generators".
#[derive(Debug, Clone)]
pub struct Sequence(u64);

impl Sequence {
    /// By `E2E_SEED`, else by a random seed, which is printed.
    ///
    /// # Panics
    /// Where `E2E_SEED` is not a number.
    pub fn new() -> Self {
        let seed = match std::env::var("E2E_SEED") {
            Ok(seed) => seed.parse().expect("E2E_SEED is a number"),
            Err(_) => u64::from_le_bytes(bytes(8).try_into().unwrap()),
        };
        println!("repeat with E2E_SEED={seed}");
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next_u64() % end as u64) as usize
    }

    /// One of `items`.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Up to `most` bytes of any value.
    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next_u64() as u8).collect()
    }
}

impl Default for Sequence {
    fn default() -> Self {
        Self::new()
    }
}
