//! The end of an account, or of a part of it ([`erasure`]): asked for, confirmed, carried out step by step, and proven by a receipt.
//!
//! What decides is pure ([`request`], [`receipt`], [`tree`]). What acts ([`erase`], [`scan`]) does each step so that it
//! can be done again, and notes it in a file outside of the account before the next. So a kill at any moment is gone on
//! from at the next start.

mod contact;
mod counted;
mod counts;
mod erase;
pub mod erasure;
mod folder;
mod office;
mod owner;
mod receipt;
mod request;
mod scan;
mod tree;

pub use contact::Confirmation;
pub use counts::{Class, Inventory, Part, Stay, inventory};
pub use erase::{carry_on, has_work};
pub use folder::{Folder, refuse_if_gone};
pub use office::Office;
pub use owner::{is_owner, make_owner_key};
pub use receipt::{Checked, check, page};
pub use request::{Asked, Confirmer, Decommission, State, statement};
pub(crate) use scan::files;
pub use scan::{Found, Scan};

/// Ends the process at a named place, as a loss of power would; for tests of builds that are not released.
pub(crate) fn pass(point: &str) {
    if cfg!(debug_assertions) && std::env::var("WEIR_END_AT").is_ok_and(|end| end == point) {
        std::process::abort();
    }
}
