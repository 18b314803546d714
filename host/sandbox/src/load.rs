//! The sandbox: one engine, one linker per world, the cache of compiled code. A linker is also the permission of its
//! world: what it does not define cannot be imported.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::p2::bindings as wasi;
use wasmtime_wasi::random::WasiRandom;

use crate::bindings::imports::weir as types;
use crate::bindings::{facts, handler, http, log, normalizer, notes, once, source, state, tables, webhook};
use crate::cache::Cache;
use crate::context::Ctx;
use crate::engine;
use crate::error::{LoadError, SandboxError};
use crate::inspect::{self, Inspection, World};
use crate::limits::Limits;
use crate::plugin::{Exports, Plugin, Shared};

/// What a sandbox needs.
pub struct SandboxOptions {
    /// Folder for compiled plugins; made if it is not there.
    pub cache_dir: PathBuf,
    /// Key of the installation for compiled plugins. Whoever has it can run code in the daemon.
    pub cache_key: [u8; 32],
    /// What plugins may use.
    pub limits: Limits,
}

/// Loads plugins. One per process.
pub struct Sandbox {
    engine: Engine,
    linkers: Linkers,
    cache: Arc<Cache>,
    shared: Arc<Shared>,
}

struct Linkers {
    connector: Linker<Ctx>,
    push: Linker<Ctx>,
    propel: Linker<Ctx>,
}

impl Sandbox {
    /// Starts the engine.
    pub fn new(options: SandboxOptions) -> Result<Self, SandboxError> {
        let engine = engine::start()?;
        let cache = Cache::open(&options.cache_dir, &options.cache_key, &engine).map_err(SandboxError::Cache)?;
        let shared = Shared {
            readers: Arc::new(Semaphore::new(options.limits.readers_max)),
            calls: Arc::new(Semaphore::new(options.limits.calls_max)),
            limits: Arc::new(options.limits),
        };
        let linkers = Linkers {
            connector: linker(&engine, World::Connector)?,
            push: linker(&engine, World::Push)?,
            propel: linker(&engine, World::Propel)?,
        };
        Ok(Self { engine, linkers, cache: Arc::new(cache), shared: Arc::new(shared) })
    }

    /// Verifies a component, compiles it or takes it from the cache, and links it. Runs none of its code.
    pub async fn load(&self, wasm: Vec<u8>) -> Result<Arc<Plugin>, LoadError> {
        let (engine, cache) = (self.engine.clone(), Arc::clone(&self.cache));
        let prepared = tokio::task::spawn_blocking(move || prepare(&engine, &cache, &wasm)).await;
        let (inspection, component) = prepared.map_err(LoadError::Interrupted)??;
        let linker = self.linkers.of(inspection.world);
        let pre = linker.instantiate_pre(&component).map_err(LoadError::Types)?;
        let exports = Exports::find(&pre, &inspection.exports).map_err(LoadError::Types)?;
        let Inspection { manifest, digest, .. } = inspection;
        Ok(Arc::new(Plugin { manifest, digest, pre, exports, shared: Arc::clone(&self.shared) }))
    }

    /// Looks at a component without running or compiling it.
    pub fn inspect(wasm: &[u8]) -> Result<Inspection, LoadError> {
        inspect::inspect(wasm)
    }
}

impl Linkers {
    fn of(&self, world: World) -> &Linker<Ctx> {
        match world {
            World::Connector => &self.connector,
            World::Push => &self.push,
            World::Propel => &self.propel,
        }
    }
}

impl Exports {
    fn find(pre: &InstancePre<Ctx>, exports: &[String]) -> wasmtime::Result<Self> {
        let has = |interface| inspect::export(exports, interface).is_some();
        Ok(Self {
            source: has("weir:connector/source").then(|| source::GuestIndices::new(pre)).transpose()?,
            normalizer: has("weir:connector/normalizer").then(|| normalizer::GuestIndices::new(pre)).transpose()?,
            webhook: has("weir:connector/webhook").then(|| webhook::GuestIndices::new(pre)).transpose()?,
            handler: has("weir:propel/handler").then(|| handler::GuestIndices::new(pre)).transpose()?,
        })
    }
}

fn prepare(engine: &Engine, cache: &Cache, wasm: &[u8]) -> Result<(Inspection, Component), LoadError> {
    let inspection = inspect::inspect(wasm)?;
    let component = match cache.load(engine, &inspection.digest) {
        Some(component) => component,
        None => compile(engine, cache, wasm, &inspection.digest)?,
    };
    Ok((inspection, component))
}

/// Compiles in this process, without a limit but the size of the component: slow input costs a blocking thread. A
/// child process with limits of its own can take its place, its output is the same to the byte.
fn compile(engine: &Engine, cache: &Cache, wasm: &[u8], digest: &str) -> Result<Component, LoadError> {
    let component = Component::from_binary(engine, wasm).map_err(LoadError::Compile)?;
    let compiled = component.serialize().map_err(LoadError::Compile)?;
    // Without the cache the next start is slower, no more.
    if let Err(error) = cache.store(digest, &compiled) {
        tracing::warn!(digest, %error, "compiled plugin was not kept");
    }
    Ok(component)
}

fn linker(engine: &Engine, world: World) -> Result<Linker<Ctx>, SandboxError> {
    let mut linker = Linker::new(engine);
    let outcome = match world {
        World::Connector => link_connector(&mut linker),
        World::Push => link_push(&mut linker),
        World::Propel => link_propel(&mut linker),
    };
    outcome.map_err(|source| SandboxError::Link { world: world.name(), source })?;
    Ok(linker)
}

fn link_push(linker: &mut Linker<Ctx>) -> wasmtime::Result<()> {
    link_wasi(linker)?;
    types::types::types::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)?;
    types::entities::entities::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)?;
    types::connector::raw::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)?;
    log::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)
}

fn link_connector(linker: &mut Linker<Ctx>) -> wasmtime::Result<()> {
    link_push(linker)?;
    http::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)?;
    state::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)
}

fn link_propel(linker: &mut Linker<Ctx>) -> wasmtime::Result<()> {
    link_connector(linker)?;
    types::propel::events::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)?;
    types::propel::actions::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)?;
    facts::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)?;
    tables::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)?;
    notes::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)?;
    once::add_to_linker::<Ctx, HasSelf<Ctx>>(linker, |ctx| ctx)
}

/// WASI by hand: the ready-made linker would also give files and sockets.
fn link_wasi(linker: &mut Linker<Ctx>) -> wasmtime::Result<()> {
    wasmtime_wasi_io::add_to_linker_async(linker)?;
    wasi::clocks::wall_clock::add_to_linker::<Ctx, WasiClocks>(linker, Ctx::clocks)?;
    wasi::clocks::monotonic_clock::add_to_linker::<Ctx, WasiClocks>(linker, Ctx::clocks)?;
    wasi::random::random::add_to_linker::<Ctx, WasiRandom>(linker, |ctx| ctx.ctx().ctx.random())?;
    wasi::random::insecure::add_to_linker::<Ctx, WasiRandom>(linker, |ctx| ctx.ctx().ctx.random())?;
    wasi::random::insecure_seed::add_to_linker::<Ctx, WasiRandom>(linker, |ctx| ctx.ctx().ctx.random())?;
    wasi::cli::exit::add_to_linker::<Ctx, WasiCli>(linker, Ctx::cli)?;
    wasi::cli::environment::add_to_linker::<Ctx, WasiCli>(linker, Ctx::cli)?;
    wasi::cli::stdin::add_to_linker::<Ctx, WasiCli>(linker, Ctx::cli)?;
    wasi::cli::stdout::add_to_linker::<Ctx, WasiCli>(linker, Ctx::cli)?;
    wasi::cli::stderr::add_to_linker::<Ctx, WasiCli>(linker, Ctx::cli)?;
    wasi::cli::terminal_input::add_to_linker::<Ctx, WasiCli>(linker, Ctx::cli)?;
    wasi::cli::terminal_output::add_to_linker::<Ctx, WasiCli>(linker, Ctx::cli)?;
    wasi::cli::terminal_stdin::add_to_linker::<Ctx, WasiCli>(linker, Ctx::cli)?;
    wasi::cli::terminal_stdout::add_to_linker::<Ctx, WasiCli>(linker, Ctx::cli)?;
    wasi::cli::terminal_stderr::add_to_linker::<Ctx, WasiCli>(linker, Ctx::cli)
}
