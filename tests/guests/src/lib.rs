//! Hostile plugins for the tests of the sandbox. One component does whatever its settings say: `{"do": "spin"}`.
//!
//! They speak the contract without the SDK, for the SDK would not let them do most of this. The crate makes three
//! components: a connector with webhook, with the feature `propel` a propel, and with `smuggler` one that imports
//! the network into a world without it.

#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "what wit-bindgen generates to export a component; nothing here is written by hand")]
#![allow(clippy::panic, clippy::print_stdout, reason = "this is what they are for")]

/// What it is made of: with another value of it Cargo builds anew.
const _: Option<&str> = option_env!("WEIR_GUESTS");

#[cfg(not(any(feature = "propel", feature = "smuggler")))]
mod connector;
#[cfg(feature = "propel")]
mod propel;
#[cfg(feature = "smuggler")]
mod smuggler;
#[cfg(not(feature = "smuggler"))]
mod tricks;

/// Puts a manifest where the host looks for it.
macro_rules! manifest {
    ($path:literal) => {
        const _: () = {
            const BYTES: &[u8] = include_bytes!($path);
            #[used]
            #[unsafe(link_section = "weir:manifest")]
            static SECTION: [u8; BYTES.len()] = *include_bytes!($path);
        };
    };
}
pub(crate) use manifest;
