//! The one WASM engine of the process and the thread that cuts guest time into ticks.
//!
//! One engine, because type indices of two were once mixed up by the runtime itself.

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
    WasmBacktraceDetails,
};

use crate::error::SandboxError;
use crate::limits::TICK;

/// Starts the engine and its epoch thread. The thread ends when the engine is dropped.
pub(crate) fn start() -> Result<Engine, SandboxError> {
    let engine = create()?;
    let weak = engine.weak();
    let tick = move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new().name("epoch".to_owned()).spawn(tick).map_err(SandboxError::Thread)?;
    Ok(engine)
}

/// Pooling if the address space allows it: the pool reserves about half a terabyte of it, which costs no memory but
/// is more than some limits let through.
fn create() -> Result<Engine, SandboxError> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    Engine::new(&config).or_else(|error| {
        tracing::warn!(error = %format_args!("{error:#}"), "wasm memory pool is not available, allocating on demand");
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Engine::new(&config).map_err(SandboxError::Engine)
    })
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .concurrency_support(false)
        .epoch_interruption(true)
        .consume_fuel(false)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .memory_init_cow(true)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .shared_memory(false)
        .gc_support(false)
        .max_wasm_stack(512 << 10)
        .async_stack_size(2 << 20)
        // No bytes of one run on the stack of another.
        .async_stack_zeroing(true)
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .guard_before_linear_memory(true);
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(64)
        .total_core_instances(1024)
        .total_memories(128)
        .total_tables(256)
        .total_stacks(64)
        .max_core_instances_per_component(64)
        .max_memories_per_component(8)
        .max_tables_per_component(16)
        .max_memories_per_module(2)
        .max_tables_per_module(4)
        .table_elements(20_000)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(10 << 20)
        .max_memory_size(256 << 20)
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(8)
        .decommit_batch_size(1)
        // An open report says the scan misses dirty pages, wasmtime#14357.
        .pagemap_scan(Enabled::No);
    pool
}
