//! Every limit of a plugin, with its name and unit. Reaching one is allowed, going past it is not.

use std::time::Duration;

/// Length of one tick of guest CPU. Budgets are counted in whole ticks.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// What a plugin may use. The defaults are those of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one run, summed over all its memories, in bytes.
    pub memory_bytes_max: usize,
    /// Table elements of one run, summed over all its tables.
    pub table_elements_max: usize,
    /// Component handles alive in one run.
    pub handles_max: usize,
    /// Host objects (connections, responses, streams) alive in one run.
    pub resources_max: usize,
    /// Bytes a guest may hand over in one call, as the host stores them.
    pub crossing_bytes_max: usize,

    /// CPU of one `step`, `open`, `check` or `datasets`.
    pub step_cpu: Duration,
    /// CPU of one batch of `normalize` or one `decode`.
    pub normalize_cpu: Duration,
    /// CPU of one `handle`.
    pub handle_cpu: Duration,
    /// Wall clock of one `step`, waiting for the tool included.
    pub step_wall: Duration,
    /// Wall clock of one `check`, `datasets` or `open`.
    pub check_wall: Duration,
    /// Wall clock of one `handle`.
    pub handle_wall: Duration,
    /// Wall clock of one batch of `normalize` or one `decode`.
    pub normalize_wall: Duration,

    /// Records in a page, made by the guest.
    pub page_records_max: usize,
    /// Bytes of records in a page, made by the guest.
    pub page_bytes_max: usize,
    /// Records in a page, cut by the host.
    pub extract_records_max: usize,
    /// Bytes of records in a page, cut by the host.
    pub extract_bytes_max: usize,
    /// Payload of one record, in bytes.
    pub payload_bytes_max: usize,
    /// Cursor of one reader, in bytes.
    pub cursor_bytes_max: usize,
    /// State of one plugin on one connection, keys and values, in bytes.
    pub state_bytes_max: usize,
    /// Document of one entity, in bytes.
    pub document_bytes_max: usize,
    /// Records in one batch of `normalize`.
    pub batch_records_max: usize,
    /// Bytes in one batch of `normalize`; a larger record goes alone.
    pub batch_bytes_max: usize,
    /// Records of one batch that are singled out one by one; when more bring the plugin down, the rest of the
    /// batch is rejected with them, so that a broken plugin cannot hold a core for minutes.
    pub batch_faults_max: usize,
    /// Actions of one `handle`.
    pub actions_max: usize,

    /// Requests of one run.
    pub requests_max: u32,
    /// Requests in flight for one `send-many`.
    pub requests_parallel: usize,

    /// One log line, in bytes; the rest is cut.
    pub log_line_bytes_max: usize,
    /// Log lines in a burst.
    pub log_lines_burst: u32,
    /// Log lines a second once the burst is used up.
    pub log_lines_per_second: u32,
    /// Log lines, stdout and stderr of one run, in bytes.
    pub log_bytes_max: usize,

    /// Readers open at a time, over all plugins; further ones wait.
    pub readers_max: usize,
    /// Other calls under way at a time, over all plugins; further ones wait.
    pub calls_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 64 << 20,
            table_elements_max: 20_000,
            handles_max: 4_096,
            resources_max: 4_096,
            crossing_bytes_max: 32 << 20,
            step_cpu: Duration::from_secs(2),
            normalize_cpu: Duration::from_secs(2),
            handle_cpu: Duration::from_millis(200),
            step_wall: Duration::from_mins(2),
            check_wall: Duration::from_secs(10),
            handle_wall: Duration::from_secs(30),
            normalize_wall: Duration::from_secs(30),
            page_records_max: 5_000,
            page_bytes_max: 16 << 20,
            extract_records_max: 100_000,
            extract_bytes_max: 64 << 20,
            payload_bytes_max: 8 << 20,
            cursor_bytes_max: 64 << 10,
            state_bytes_max: 1 << 20,
            document_bytes_max: 1 << 20,
            batch_records_max: 256,
            batch_bytes_max: 1 << 20,
            batch_faults_max: 16,
            actions_max: 64,
            requests_max: 10_000,
            requests_parallel: 8,
            log_line_bytes_max: 4 << 10,
            log_lines_burst: 1_000,
            log_lines_per_second: 200,
            log_bytes_max: 1 << 20,
            readers_max: 32,
            calls_max: 32,
        }
    }
}
