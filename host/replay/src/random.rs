//! Chance, from a seed. Whole numbers only: a float would let two machines disagree about a company.

/// xoshiro256**, seeded by splitmix64.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
}

/// Percent of the median at every twentieth of a distribution with a long tail, the shape waiting times have.
const LONG_TAIL: [i64; 21] =
    [8, 16, 24, 31, 38, 46, 54, 63, 73, 86, 100, 114, 130, 148, 170, 198, 235, 285, 360, 500, 820];

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut last = seed;
        let mut next = || {
            last = last.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (last ^ (last >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        Self { state: [next(), next(), next(), next()] }
    }

    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A whole number of `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).saturating_add(1);
        low.saturating_add_unsigned(self.next() % span)
    }

    /// An index below `length`, which is not 0.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let below = self.next() % u64::try_from(length).expect("a length fits 64 bits");
        usize::try_from(below).expect("it is below a usize")
    }

    pub(crate) fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// A positive amount with this median and a long tail, as durations of human work have.
    pub(crate) fn spread(&mut self, median: i64) -> i64 {
        let cell = self.index(LONG_TAIL.len() - 1);
        let percent = self.between(LONG_TAIL[cell], LONG_TAIL[cell + 1]);
        (median * percent / 100).max(1)
    }

    /// A git object id.
    pub(crate) fn sha(&mut self) -> String {
        let (a, b, c) = (self.next(), self.next(), self.next());
        format!("{a:016x}{b:016x}{:08x}", c >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = |seed| (0..5).map(|_| 0).scan(Random::new(seed), |r, _| Some(r.next())).collect::<Vec<_>>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn half_of_a_spread_lies_below_its_median() {
        let mut random = Random::new(1);
        let below = (0..10_000).filter(|_| random.spread(1_000) < 1_000).count();
        assert!((4_700..5_300).contains(&below), "{below}");
    }
}
