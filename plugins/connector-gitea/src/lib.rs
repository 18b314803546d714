//! Gitea, Forgejo and Gogs.
