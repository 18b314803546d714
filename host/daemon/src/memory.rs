//! The allocator, and how soon it gives back what is free.

use std::ffi::c_long;

use libmimalloc_sys::{mi_option_set, mi_option_t};

/// Gives memory back that is free, which the C library's allocator keeps in an arena per thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The option for how long what is free is kept, which the crate has no name for.
const PURGE_DELAY: mi_option_t = 15;
/// Milliseconds. By itself it is a second, in which processing frees, and takes anew, some fifty megabytes.
const FREE_FOR: c_long = 10;

/// Gives back sooner what is free.
#[expect(unsafe_code, reason = "the allocator's own interface is C's")]
pub(crate) fn give_back_soon() {
    // SAFETY: it sets a number that the allocator looks at, whichever thread does so and whenever.
    unsafe { mi_option_set(PURGE_DELAY, FREE_FOR) }
}

#[cfg(test)]
mod tests {
    use libmimalloc_sys::mi_option_get;

    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "as above")]
    fn it_is_the_option_for_how_long_what_is_free_is_kept() {
        // SAFETY: it reads a number.
        let get = || unsafe { mi_option_get(PURGE_DELAY) };
        // No option but this one is a second by itself, unless another test has set it.
        assert!([1_000, FREE_FOR].contains(&get()), "{}", get());
        give_back_soon();
        assert_eq!(get(), FREE_FOR);
    }
}
