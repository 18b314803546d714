//! Reports what a CI step does, from inside of it.
