//! One run: a store with its budgets, an instance in it, and the judgement over how a call ended.
//!
//! A store is never used again after a trap, a time-out or a limit.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{Instance, InstancePre, ResourceTableError};
use wasmtime::{Store, Trap, UpdateDeadline};

use crate::context::{Ctx, Purpose};
use crate::error::CallErrorKind;
use crate::limits::Limits;

/// CPU and wall clock of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

/// How a call ended that did not return.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The wall clock ran out.
    Deadline,
    /// A host function panicked.
    Panic(String),
    /// The engine stopped the guest.
    Engine(wasmtime::Error),
}

/// Runs a call within its wall clock. A panic of a host function stays inside.
pub(crate) async fn limited<T>(budget: Budget, call: impl Future<Output = wasmtime::Result<T>>) -> Result<T, Stop> {
    match tokio::time::timeout(budget.wall, AssertUnwindSafe(call).catch_unwind()).await {
        Err(_) => Err(Stop::Deadline),
        Ok(Err(panic)) => Err(Stop::Panic(panic_text(panic.as_ref()))),
        Ok(Ok(result)) => result.map_err(Stop::Engine),
    }
}

/// A store and the instance in it.
pub(crate) struct Run {
    pub(crate) store: Store<Ctx>,
    pub(crate) instance: Instance,
    _slot: OwnedSemaphorePermit,
}

impl Run {
    /// Waits for a slot and makes a fresh instance.
    pub(crate) async fn start(
        pre: &InstancePre<Ctx>,
        slots: &Arc<Semaphore>,
        plugin: &str,
        purpose: Purpose,
        limits: &Arc<Limits>,
        budget: Budget,
    ) -> Result<Self, CallErrorKind> {
        let slot = Arc::clone(slots).acquire_owned().await;
        let slot = slot.map_err(|_| CallErrorKind::Host("the sandbox is closing".to_owned()))?;
        let mut store = store(pre, plugin, purpose, limits);
        store.data_mut().cpu.grant(budget.cpu);
        let instance = limited(budget, pre.instantiate_async(&mut store)).await;
        match instance {
            Ok(instance) => Ok(Self { store, instance, _slot: slot }),
            Err(stop) => Err(judge(&store, budget, stop)),
        }
    }

    /// Gives the next call its CPU.
    pub(crate) fn begin(&mut self, budget: Budget) {
        self.store.data_mut().cpu.grant(budget.cpu);
    }

    /// Says why a call did not return, if so.
    pub(crate) fn judge<T>(&self, budget: Budget, called: Result<T, Stop>) -> Result<T, CallErrorKind> {
        called.map_err(|stop| judge(&self.store, budget, stop))
    }

    /// Whether the guest gave back all it was lent.
    pub(crate) fn check_handles(&self) -> Result<(), CallErrorKind> {
        match self.store.data().handles_live {
            0 => Ok(()),
            n => Err(CallErrorKind::Invalid(format!("{n} connections or responses were not given back"))),
        }
    }
}

fn store(pre: &InstancePre<Ctx>, plugin: &str, purpose: Purpose, limits: &Arc<Limits>) -> Store<Ctx> {
    let mut store = Store::new(pre.engine(), Ctx::new(plugin, purpose, limits));
    store.limiter(|ctx| &mut ctx.memory);
    store.set_epoch_deadline(1);
    // Every 10 ms of guest CPU: let others run, and bill it.
    store.epoch_deadline_callback(|mut context| {
        if context.data_mut().cpu.charge_tick() {
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        } else {
            Ok(UpdateDeadline::Interrupt)
        }
    });
    store.set_hostcall_fuel(limits.crossing_bytes_max);
    store.set_max_component_handles(limits.handles_max);
    store
}

fn judge(store: &Store<Ctx>, budget: Budget, stop: Stop) -> CallErrorKind {
    match stop {
        Stop::Deadline => CallErrorKind::Deadline { limit: budget.wall },
        Stop::Panic(text) => CallErrorKind::Host(text),
        Stop::Engine(error) => judge_error(store.data(), budget, &error),
    }
}

fn judge_error(ctx: &Ctx, budget: Budget, error: &wasmtime::Error) -> CallErrorKind {
    let limits = &ctx.limits;
    // The engine has no types for two of its limits; tests hold the texts.
    let says = |text: &str| error.root_cause().to_string().contains(text);
    if ctx.cpu.is_spent() {
        CallErrorKind::CpuBudget { limit: budget.cpu }
    } else if ctx.memory.was_refused() {
        CallErrorKind::Memory { limit_bytes: limits.memory_bytes_max }
    } else if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
        let limit = limits.resources_max;
        CallErrorKind::TooMuch { what: "connections, responses and streams held at once", found: limit + 1, limit }
    } else if says("store handle limit exceeded") {
        CallErrorKind::TooMuch {
            what: "handles held at once",
            found: limits.handles_max + 1,
            limit: limits.handles_max,
        }
    } else if says("fuel allocated for hostcalls has been exhausted") {
        CallErrorKind::Crossing { limit_bytes: limits.crossing_bytes_max }
    } else if is_out_of_slots(error) {
        CallErrorKind::Host(format!("{error:#}"))
    } else {
        CallErrorKind::Trap { message: trap_text(error), guest_stderr: ctx.output.lock().stderr_tail() }
    }
}

fn is_out_of_slots(error: &wasmtime::Error) -> bool {
    error.is::<wasmtime::PoolConcurrencyLimitError>()
}

fn trap_text(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => crate::output::cut(&error.root_cause().to_string(), 1024).to_owned(),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a host function panicked".to_owned())
}
