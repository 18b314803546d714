//! Reads commits, refs and diff stats of local repositories.
