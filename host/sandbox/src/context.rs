//! What the store of one run holds: the guest's handles, its budgets, its output and its WASI, which is clocks,
//! random numbers and output and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::cpu::{Cpu, Memory};
use crate::limits::Limits;
use crate::output::{RunLog, SharedOutput, Stream};
use crate::propel::{Asked, Facts};
use crate::state::State;

/// Most random bytes a guest gets in one call.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// State of one store.
pub(crate) struct Ctx {
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    pub(crate) memory: Memory,
    pub(crate) cpu: Cpu,
    pub(crate) output: SharedOutput,
    pub(crate) state: State,
    pub(crate) facts: Option<Arc<dyn Facts>>,
    /// Effects a propel asked for beside its outcome.
    pub(crate) asked: Vec<Asked>,
    pub(crate) requests_left: u32,
    /// Connections and responses the guest holds. Zero after a good run.
    pub(crate) handles_live: usize,
    pub(crate) limits: Arc<Limits>,
}

/// What a run is for; decides what it may see.
pub(crate) struct Purpose {
    /// Name of the connection, for logs.
    pub(crate) connection: String,
    /// State it may use.
    pub(crate) state: State,
    /// Questions it may ask.
    pub(crate) facts: Option<Arc<dyn Facts>>,
    /// Where its log is kept, besides that of the host.
    pub(crate) log: RunLog,
}

impl Purpose {
    /// A run whose result depends on its arguments alone.
    pub(crate) fn pure() -> Self {
        Self { connection: String::new(), state: State::Pure, facts: None, log: RunLog::default() }
    }
}

impl Ctx {
    pub(crate) fn new(plugin: &str, purpose: Purpose, limits: &Arc<Limits>) -> Self {
        let output = SharedOutput::new(plugin, &purpose.connection, purpose.log, limits);
        let is_pure = matches!(purpose.state, State::Pure);
        let wasi = if is_pure { pure_wasi(&output) } else { wasi(&output) };
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.resources_max);
        Self {
            table,
            wasi,
            memory: Memory::new(limits),
            cpu: Cpu::default(),
            output,
            state: purpose.state,
            facts: purpose.facts,
            asked: Vec::new(),
            requests_left: limits.requests_max,
            handles_live: 0,
            limits: Arc::clone(limits),
        }
    }
}

impl WasiView for Ctx {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl wasmtime_wasi_io::IoView for Ctx {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

fn bare_wasi(output: &SharedOutput) -> WasiCtxBuilder {
    let mut builder = WasiCtxBuilder::new();
    builder.stdout(output.stream(Stream::Stdout)).stderr(output.stream(Stream::Stderr));
    builder.max_random_size(RANDOM_BYTES_MAX).allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
    builder
}

fn wasi(output: &SharedOutput) -> WasiCtx {
    bare_wasi(output).wall_clock(CoarseClock).monotonic_clock(CoarseMonotonic(Instant::now())).build()
}

fn pure_wasi(output: &SharedOutput) -> WasiCtx {
    let mut builder = bare_wasi(output);
    builder.wall_clock(StoppedClock).monotonic_clock(StoppedClock);
    builder.secure_random(Deterministic::new(vec![0])).insecure_random(Deterministic::new(vec![0]));
    builder.insecure_random_seed(0).build()
}

/// Time of day to the millisecond: finer clocks help nobody but a spy on the caches of the processor.
struct CoarseClock;

impl HostWallClock for CoarseClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
    }
}

struct CoarseMonotonic(Instant);

impl HostMonotonicClock for CoarseMonotonic {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        let ms = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        ms.saturating_mul(1_000_000)
    }
}

/// A clock that stands at zero.
struct StoppedClock;

impl HostWallClock for StoppedClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for StoppedClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}
