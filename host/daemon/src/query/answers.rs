//! Answers that were given, kept while there is room: for the same question of somebody who sees the same, of the same
//! state of what is derived.
//!
//! Invariant: the key holds all that an answer depends on. So nothing is ever taken back, and nothing can be stale.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

/// What an answer depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    /// Path and query, as they were sent.
    pub(crate) asked: String,
    /// What whoever asks may see.
    pub(crate) sight: String,
    /// Which derived stores, and how far they are.
    pub(crate) state: String,
}

/// Answers, the least recently used going first.
#[derive(Debug)]
pub(crate) struct Answers {
    kept: Cache<Question, Bytes>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How often answers were kept already, and what they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Answers that were not computed.
    pub(crate) hits: u64,
    /// Answers that were.
    pub(crate) misses: u64,
    /// Bytes of those that are kept, with their questions.
    pub(crate) bytes: u64,
}

impl Answers {
    /// Keeps as many answers as these bytes hold; with 0 none.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let bytes = |question: &Question, answer: &Bytes| {
            let Question { asked, sight, state } = question;
            u32::try_from(asked.len() + sight.len() + state.len() + answer.len()).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder().max_capacity(bytes_max).weigher(bytes).eviction_policy(EvictionPolicy::lru());
        Self { kept: kept.build(), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// The answer, when it is kept.
    pub(crate) fn known(&self, question: &Question) -> Option<Bytes> {
        let known = self.kept.get(question)?;
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(known)
    }

    /// The answer, computed by one of those who ask the same at a time; the others wait for it. A failure is not kept.
    /// Blocking.
    pub(crate) fn answer<E: Clone + Send + Sync + 'static>(
        &self,
        question: Question,
        compute: impl FnOnce() -> Result<Bytes, E>,
    ) -> Result<Bytes, E> {
        let mut computed = false;
        let answer = self.kept.try_get_with(question, || {
            computed = true;
            compute()
        });
        let counter = if computed { &self.misses } else { &self.hits };
        counter.fetch_add(1, Ordering::Relaxed);
        answer.map_err(|error: Arc<E>| (*error).clone())
    }

    /// How it goes.
    pub(crate) fn counts(&self) -> Counts {
        self.kept.run_pending_tasks();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts { hits: read(&self.hits), misses: read(&self.misses), bytes: self.kept.weighted_size() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn question(asked: &str, sight: &str, state: &str) -> Question {
        let [asked, sight, state] = [asked, sight, state].map(str::to_owned);
        Question { asked, sight, state }
    }

    fn ask(answers: &Answers, question: Question, answer: &'static str) -> Bytes {
        answers.answer(question, || Ok::<_, ()>(Bytes::from_static(answer.as_bytes()))).unwrap()
    }

    #[test]
    fn an_answer_is_of_its_question_its_sight_and_its_state() {
        let answers = Answers::new(1 << 20);
        let all = [("/a", "x", "1"), ("/b", "x", "1"), ("/a", "y", "1"), ("/a", "x", "2")];
        for ((asked, sight, state), own) in all.into_iter().zip(["1", "2", "3", "4"]) {
            assert!(answers.known(&question(asked, sight, state)).is_none());
            assert_eq!(ask(&answers, question(asked, sight, state), own), own);
        }
        for ((asked, sight, state), own) in all.into_iter().zip(["1", "2", "3", "4"]) {
            assert_eq!(answers.known(&question(asked, sight, state)).unwrap(), own);
            assert_eq!(ask(&answers, question(asked, sight, state), "other"), own);
        }
        let counts = answers.counts();
        assert_eq!((counts.hits, counts.misses, counts.bytes), (8, 4, 4 * 5));
    }

    #[test]
    fn a_failure_is_not_kept() {
        let answers = Answers::new(1 << 20);
        let asked = || question("/a", "x", "1");
        assert_eq!(answers.answer(asked(), || Err("no")), Err("no"));
        assert_eq!(ask(&answers, asked(), "yes"), "yes");
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let answers = Answers::new(1_000);
        let body = "x".repeat(90);
        for n in 0..1_000 {
            let body = Bytes::from(body.clone());
            answers.answer(question(&format!("/{n}"), "", ""), || Ok::<_, ()>(body)).unwrap();
        }
        assert!(answers.counts().bytes <= 1_000, "{:?}", answers.counts());
        assert!(answers.known(&question("/999", "", "")).is_some(), "the last one goes first");
        let none = Answers::new(0);
        ask(&none, question("/a", "x", "1"), "1");
        assert_eq!(ask(&none, question("/a", "x", "1"), "2"), "2");
    }

    #[test]
    fn what_many_ask_at_once_is_computed_once() {
        let (answers, computed, all) = (Answers::new(1 << 20), AtomicU64::new(0), Barrier::new(8));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    all.wait();
                    let answer = answers.answer(question("/a", "x", "1"), || {
                        computed.fetch_add(1, Ordering::Relaxed);
                        std::thread::yield_now();
                        Ok::<_, ()>(Bytes::from_static(b"1"))
                    });
                    assert_eq!(answer, Ok(Bytes::from_static(b"1")));
                });
            }
        });
        let counts = answers.counts();
        assert_eq!((computed.into_inner(), counts.hits, counts.misses), (1, 7, 1));
    }
}
