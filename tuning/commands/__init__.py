"""Subcommands of `rckeras` that search, one a file."""
