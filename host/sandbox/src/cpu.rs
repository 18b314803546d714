//! CPU and memory of one run, counted while the guest runs.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::limits::{Limits, TICK};

/// Ticks of guest CPU left in this call.
#[derive(Debug, Default)]
pub(crate) struct Cpu {
    ticks_left: u128,
    waited: bool,
    spent: bool,
}

impl Cpu {
    /// Gives the next call its budget.
    pub(crate) fn grant(&mut self, budget: Duration) {
        *self = Self { ticks_left: budget.as_nanos() / TICK.as_nanos(), waited: false, spent: false };
    }

    /// The guest waited in a host call: the epochs that passed meanwhile are not its own, so the next tick is free.
    pub(crate) fn waited(&mut self) {
        self.waited = true;
    }

    /// Bills one tick. False when the budget is used up.
    pub(crate) fn charge_tick(&mut self) -> bool {
        if std::mem::take(&mut self.waited) {
            return true;
        }
        self.spent = self.ticks_left == 0;
        self.ticks_left = self.ticks_left.saturating_sub(1);
        !self.spent
    }

    /// Whether the call ended for lack of CPU.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent
    }
}

/// Memory and tables of one run, summed: a limit per memory would be a limit times the number of memories.
#[derive(Debug)]
pub(crate) struct Memory {
    bytes: usize,
    bytes_max: usize,
    table_elements: usize,
    table_elements_max: usize,
    refused: bool,
}

impl Memory {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            bytes: 0,
            bytes_max: limits.memory_bytes_max,
            table_elements: 0,
            table_elements_max: limits.table_elements_max,
            refused: false,
        }
    }

    /// Whether the guest ever asked for more than it may have.
    pub(crate) fn was_refused(&self) -> bool {
        self.refused
    }
}

/// Adds growth to a sum that stays within its limit, or leaves it and says no.
fn grow(sum: &mut usize, max: usize, current: usize, desired: usize) -> bool {
    let grown = sum.saturating_add(desired.saturating_sub(current));
    let fits = grown <= max;
    if fits {
        *sum = grown;
    }
    fits
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = grow(&mut self.bytes, self.bytes_max, current, desired);
        self.refused |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = grow(&mut self.table_elements, self.table_elements_max, current, desired);
        self.refused |= !fits;
        Ok(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_granted_up_to_the_limit_and_no_further() {
        let limits = Limits { memory_bytes_max: 100, table_elements_max: 10, ..Limits::default() };
        let mut memory = Memory::new(&limits);
        // Two memories of one run share the limit.
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert!(!memory.was_refused());
        assert!(!memory.memory_growing(40, 41, None).unwrap());
        assert!(memory.was_refused());
    }

    #[test]
    fn tables_have_a_limit_of_their_own() {
        let limits = Limits { table_elements_max: 10, ..Limits::default() };
        let mut memory = Memory::new(&limits);
        assert!(memory.table_growing(0, 10, None).unwrap());
        assert!(!memory.table_growing(10, 11, None).unwrap());
    }

    #[test]
    fn a_budget_ends_one_tick_past_its_last() {
        let mut cpu = Cpu::default();
        cpu.grant(Duration::from_millis(20));
        assert!(cpu.charge_tick() && cpu.charge_tick());
        assert!(!cpu.charge_tick());
        assert!(cpu.is_spent());
    }

    #[test]
    fn waiting_for_the_host_is_free() {
        let mut cpu = Cpu::default();
        cpu.grant(Duration::from_millis(10));
        cpu.waited();
        assert!(cpu.charge_tick() && cpu.charge_tick());
        assert!(!cpu.charge_tick());
    }
}
