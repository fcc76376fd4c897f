"""Hyperparameter searches over the networks of `zoo`, and the `rckeras` command."""
