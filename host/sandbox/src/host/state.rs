//! `weir:state` for guests.

use crate::bindings::Failure;
use crate::bindings::state::Host;
use crate::context::Ctx;

impl Host for Ctx {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, Failure>> {
        Ok(self.state.open().map(|held| held.get(&key)))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), Failure>> {
        Ok(self.state.open().and_then(|held| held.set(key, value)))
    }

    fn remove(&mut self, key: String) -> wasmtime::Result<Result<(), Failure>> {
        Ok(self.state.open().map(|held| held.remove(key)))
    }
}
