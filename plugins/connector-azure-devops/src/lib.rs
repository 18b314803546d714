//! Azure DevOps.
