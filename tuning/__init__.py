"""Hyperparameter searches over the networks of `zoo`, and the `rckeras` command.

Importing this package costs little: Keras and keras-tuner are imported when a search
begins.
"""

from typing import TYPE_CHECKING, Any

from tuning.results import SearchResults
from tuning.results import read_search as open_search
from tuning.search import search
from tuning.spaces import Choice, Space, find_space, list_spaces
from tuning.workers import launch

if TYPE_CHECKING:
    from tuning._compat import Repairs
    from tuning.hypermodel import NetworkSearch

__all__ = [
    "Choice",
    "NetworkSearch",
    "Repairs",
    "SearchResults",
    "Space",
    "find_space",
    "launch",
    "list_spaces",
    "open_search",
    "search",
]

_LATE = {"NetworkSearch": "tuning.hypermodel", "Repairs": "tuning._compat"}


def __getattr__(name: str) -> Any:
    """Imports keras-tuner's subclasses where they are first asked for."""
    import importlib

    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATE[name]), name)
