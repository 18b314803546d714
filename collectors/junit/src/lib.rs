//! Reads reports of test runners.
