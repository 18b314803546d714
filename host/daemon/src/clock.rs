//! The wall clock. The one place that reads it; everything else is given the time.

use weir_model::Timestamp;

/// Now, in UTC.
pub fn now() -> Timestamp {
    Timestamp::from_ms(jiff::Timestamp::now().as_millisecond())
}
