//! Waiting for what must come, with an end.

use std::time::{Duration, Instant};

/// Longest wait. Nothing takes as long; a busy machine may.
const WAIT_MAX: Duration = Duration::from_mins(3);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Looks until there is something, and panics with `what` when it does not come.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {} s for {what}", WAIT_MAX.as_secs());
        std::thread::sleep(LOOK);
    }
}

/// Looks until it holds, and panics with `what` when it does not come to that.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, || holds().then_some(()));
}
