//! Bitbucket.
