//! CircleCI.
