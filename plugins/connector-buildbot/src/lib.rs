//! Buildbot.
