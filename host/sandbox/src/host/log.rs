//! `weir:log` for guests.

use crate::bindings::log::{Host, Level};
use crate::context::Ctx;
use crate::output::is_enabled;

impl Host for Ctx {
    fn enabled(&mut self, level: Level) -> wasmtime::Result<bool> {
        Ok(is_enabled(level))
    }

    fn write(&mut self, level: Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.output.lock().log(level, &message, &fields);
        Ok(())
    }
}
