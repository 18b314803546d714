//! How many lines differ between two texts: the fewest that can be added and removed to make one of the other.
//!
//! Only the numbers are wanted, so the longest common subsequence is measured and never found: one bit per line of the
//! one text, one addition of such a row of bits per line of the other. Invariant: time and memory are bounded by
//! [`WORK_MAX`] whatever the texts hold.

use std::collections::{BTreeMap, HashMap, HashSet};

/// Most machine words that are worked on for one file: some seconds.
const WORK_MAX: usize = 1 << 31;

/// Lines added and removed; none when the texts are too long to compare.
pub(crate) fn changed(before: &[u8], after: &[u8]) -> Option<(u32, u32)> {
    let (before, after) = differing(lines(before), lines(after));
    let (n_before, n_after) = (before.len(), after.len());
    let common = common(&before, &after)?;
    let count = |n: usize| u32::try_from(n - common).ok();
    Some((count(n_after)?, count(n_before)?))
}

/// Lines that one text has more often than the other, without white space and in order, each with how much more often
/// the second one has it. Where they stand does not count, nor what stands around them.
pub(crate) fn surplus(before: &[u8], after: &[u8]) -> BTreeMap<Vec<u8>, i64> {
    let (before, after) = differing(lines(before), lines(after));
    let mut surplus = BTreeMap::new();
    for (lines, by) in [(before, -1), (after, 1)] {
        for line in lines {
            let bare: Vec<u8> = line.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            *surplus.entry(bare).or_default() += by;
        }
    }
    surplus.retain(|line, by| !line.is_empty() && *by != 0);
    surplus
}

/// Lines with their ends: the last one is another when it has none.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// What is between the equal beginnings and ends.
fn differing<'a>(mut before: Vec<&'a [u8]>, mut after: Vec<&'a [u8]>) -> (Vec<&'a [u8]>, Vec<&'a [u8]>) {
    while before.last().is_some_and(|line| after.last() == Some(line)) {
        before.pop();
        after.pop();
    }
    let same = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    (before.split_off(same), after.split_off(same))
}

/// Length of the longest common subsequence.
fn common(before: &[&[u8]], after: &[&[u8]]) -> Option<usize> {
    let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
    let shared: HashSet<&[u8]> = after.iter().copied().collect();
    let mut n_places = 0;
    // Lines that the other text does not have cannot be common.
    for line in before.iter().filter(|line| shared.contains(*line)) {
        places.entry(line).or_default().push(n_places);
        n_places += 1;
    }
    let after: Vec<&Vec<usize>> = after.iter().filter_map(|line| places.get(line)).collect();
    let n_words = n_places.div_ceil(WORD_BITS);
    if n_words.checked_mul(after.len()).is_none_or(|work| work > WORK_MAX) {
        return None;
    }
    let mut row = Row { words: vec![u64::MAX; n_words], matches: vec![0; n_words] };
    for places in after {
        row.step(places);
    }
    Some((0..n_places).filter(|place| row.words[place / WORD_BITS] >> (place % WORD_BITS) & 1 == 0).count())
}

const WORD_BITS: usize = 64;

/// A row of the table of common lengths, as differences: a bit is 0 where the length grows by one.
struct Row {
    words: Vec<u64>,
    matches: Vec<u64>,
}

impl Row {
    /// The row below, for a line that stands at these places.
    fn step(&mut self, places: &[usize]) {
        for place in places {
            self.matches[place / WORD_BITS] |= 1 << (place % WORD_BITS);
        }
        let mut carry = false;
        for (word, matches) in self.words.iter_mut().zip(&self.matches) {
            let (sum, first) = word.overflowing_add(*word & matches);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            carry = first || second;
            *word = sum | (*word & !matches);
        }
        for place in places {
            self.matches[place / WORD_BITS] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in full.
    fn slow(before: &[u8], after: &[u8]) -> (u32, u32) {
        let (before, after) = (lines(before), lines(after));
        let mut above = vec![0; after.len() + 1];
        for one in &before {
            let mut row = vec![0; after.len() + 1];
            for (at, other) in after.iter().enumerate() {
                row[at + 1] = if one == other { above[at] + 1 } else { row[at].max(above[at + 1]) };
            }
            above = row;
        }
        let common = above[after.len()];
        (u32::try_from(after.len() - common).unwrap(), u32::try_from(before.len() - common).unwrap())
    }

    #[test]
    fn counts_the_fewest_lines() {
        let check = |before: &str, after: &str| changed(before.as_bytes(), after.as_bytes());
        assert_eq!(check("", ""), Some((0, 0)));
        assert_eq!(check("", "1\n2"), Some((2, 0)));
        assert_eq!(check("1\n2", "1\n2\n"), Some((1, 1)));
        assert_eq!(check("1\n2\n3\n", "3\n2\n1\n"), Some((2, 2)));
        assert_eq!(check("a\nb\nc\n", "a\nc\n"), Some((0, 1)));
    }

    #[test]
    fn what_differs_is_told_wherever_it_stands() {
        let told = |before: &str, after: &str| {
            let surplus = surplus(before.as_bytes(), after.as_bytes());
            let told = surplus.into_iter().map(|(line, by)| format!("{by:+} {}", String::from_utf8(line).unwrap()));
            told.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(told("a\nold\nz\n", "a\nnew\nz\n"), "+1 new, -1 old");
        assert_eq!(told("b\nc\nold\n", "b\nc\n  n e w\n"), "+1 new, -1 old", "elsewhere, and indented");
        assert_eq!(told("a\nb\n", "b\na\n"), "", "moved");
        assert_eq!(told("a\n", "a\n\n\n"), "", "blank lines");
        assert_eq!(told("x\n", "x\nx\nx\n"), "+2 x");
    }

    #[test]
    fn agrees_with_the_slow_way() {
        let mut seed = 7_u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for round in 0..200 {
            let mut text = || -> Vec<u8> {
                let n_lines = next(260);
                (0..n_lines).flat_map(|_| format!("{}\n", next(2 + round)).into_bytes()).collect()
            };
            let (before, after) = (text(), text());
            assert_eq!(changed(&before, &after), Some(slow(&before, &after)));
        }
    }

    #[test]
    fn what_takes_too_long_is_not_counted() {
        let text = |word: &str| [word, "x\n"].concat().repeat(400_000).into_bytes();
        assert_eq!(changed(&text("a\n"), &text("b\n")), None);
        assert_eq!(changed(&[], &text("b\n")), Some((800_000, 0)));
    }
}
