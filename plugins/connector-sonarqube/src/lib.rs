//! SonarQube.
