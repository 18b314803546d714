//! Jenkins.
