//! The wall clock. The one place that reads it; everything else is given the time.

use std::path::PathBuf;
use std::sync::LazyLock;

use weir_model::Timestamp;

/// Now, in UTC.
pub fn now() -> Timestamp {
    Timestamp::from_ms(jiff::Timestamp::now().as_millisecond() + moved_ms())
}

/// By how much the clock is set wrong: what the file says that `WEIR_CLOCK` names, in milliseconds; for tests of builds
/// that are not released.
fn moved_ms() -> i64 {
    static FILE: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::var_os("WEIR_CLOCK").map(PathBuf::from));
    if !cfg!(debug_assertions) {
        return 0;
    }
    let text = FILE.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}
