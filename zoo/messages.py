"""Messages of errors, and times, as the command and reports show them."""

import difflib
import re
import textwrap
from collections.abc import Iterable

_LONGEST = 300
_STYLE = re.compile(r"\x1b\[[0-9;]*m")  # bold and the like, for terminals


def in_one_line(error: Exception) -> str:
    """The message of an error without line breaks.

    Args:
        error: Any exception.

    Returns:
        Its lines joined; the name of its type if it has no message.

    Example:

    >>> in_one_line(OSError("could not fetch a.h5:\\n  refused\\nput it here"))
    'could not fetch a.h5: refused; put it here'
    """
    text = str(error)
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    lines = filter(None, (line.strip() for line in text.splitlines()))
    joined = "; ".join(lines).replace(":; ", ": ").replace(".; ", ". ")
    return joined or type(error).__name__


def in_short(error: Exception) -> str:
    """Type and gist of an error that others wrote, as backends do over many lines.

    Args:
        error: Any exception.

    Returns:
        One line of at most some 300 letters, without the indented lines, which are
        tracebacks and lists of arguments.

    Example:

    >>> in_short(RuntimeError("Graph execution error:\\n  File a.py\\nwrong size"))
    'RuntimeError: Graph execution error: wrong size'
    """
    lines = _STYLE.sub("", str(error)).splitlines()
    margin = " ".join(line for line in lines if not line[:1].isspace())
    gist = textwrap.shorten(margin, _LONGEST, placeholder=" ...")
    return f"{type(error).__name__}: {gist}" if gist else type(error).__name__


def did_you_mean(
    name: object, known: Iterable[str], most: int = 3, cutoff: float = 0.6
) -> str:
    """A question after names like one that is not known, with a space behind it.

    Args:
        name: What was given.
        known: Names that there are.
        most: Most names to offer.
        cutoff: How like they must be, from 0 to 1.

    Returns:
        The question; nothing if no name is like it.

    Example:

    >>> did_you_mean("filtres", ["filters", "pool"])
    'Did you mean filters? '
    """
    near = difflib.get_close_matches(str(name), known, n=most, cutoff=cutoff)
    return f"Did you mean {' or '.join(near)}? " if near else ""


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    Args:
        seconds: The time, from 0.

    Example:

    >>> duration(40), duration(400), duration(9_000)
    ('40 s', '7 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3600:.1f} h"
