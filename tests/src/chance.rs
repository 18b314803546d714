//! Chance that can be had again: the seed is printed, and `WEIR_SEED` sets it.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

/// A source of numbers. xorshift64*: good enough to choose moments, and no dependency.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// A source for the test of this name.
    pub fn new(name: &str) -> Self {
        let given = std::env::var("WEIR_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(name)) | 1;
        println!("{name}: WEIR_SEED={seed}");
        Self(seed)
    }

    /// A number of the range.
    pub fn pick(&mut self, range: Range<u64>) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        range.start + (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % (range.end - range.start)
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.pick(0..times) == 0
    }
}
