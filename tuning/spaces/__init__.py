"""The search spaces: one paper a file."""

from fnmatch import fnmatchcase

from tuning.spaces import brown2018, hawkinshooker2018, koo2019, shrikumar2017
from tuning.spaces.space import Choice, Space
from zoo.messages import did_you_mean

__all__ = ["Choice", "Space", "find_space", "list_spaces"]

_SPACES = {
    space.name: space
    for module in (brown2018, shrikumar2017, hawkinshooker2018, koo2019)
    for space in module.SPACES
}


def list_spaces(pattern: str = "*") -> list[str]:
    """Names of the search spaces.

    Args:
        pattern: Shell-style pattern, such as `"brown*"`.

    Example:

    >>> list_spaces("brown*")
    ['brown2018-recombination', 'brown2018-simulation']
    """
    return [name for name in _SPACES if fnmatchcase(name, pattern)]


def find_space(name: str) -> Space:
    """The search space of a name.

    Raises:
        ValueError: If there is none; the message names those with names like it, or
            all.

    Example:

    >>> find_space("koo2019").size
    144
    """
    if name not in _SPACES:
        hint = did_you_mean(name, _SPACES, cutoff=0.5)
        raise ValueError(
            f"No search space is called {name!r}. {hint}All names: {', '.join(_SPACES)}"
        )
    return _SPACES[name]
