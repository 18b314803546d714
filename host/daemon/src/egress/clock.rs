//! Time and chance, as arguments: what egress waits for and how long it waits can be replayed in a test.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use weir_model::Timestamp;

/// Tells the time and waits.
pub trait Clock: Send + Sync {
    /// Wall clock, for comparing with the times tools name.
    fn now(&self) -> Timestamp;
    /// Completes after `wait`.
    fn pause(&self, wait: Duration) -> BoxFuture<'static, ()>;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(jiff::Timestamp::now().as_millisecond())
    }

    fn pause(&self, wait: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(wait))
    }
}

/// Spreads waits, so that many hosts that failed together do not come back together. Not for secrets.
pub(crate) struct Jitter(Mutex<u64>);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// A length of time between zero and `most`, each equally likely.
    pub(crate) fn up_to(&self, most: Duration) -> Duration {
        most.mul_f64(f64::from(self.next()) / f64::from(u32::MAX))
    }

    /// `SplitMix64`, upper half.
    fn next(&self) -> u32 {
        let mut state = self.0.lock().expect("nothing panics while it is held");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((z ^ (z >> 31)) >> 32).expect("32 bits are left")
    }
}
