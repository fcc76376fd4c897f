"""Lines of columns, as BED files and their relatives have them.

Columns are separated by tabs or, in a line without a tab, by any white space. White
space at the end of a line does not count, and the first column is never empty. Blank
lines, comments (`#`), `track` and `browser` lines are skipped. The first three columns
are chromosome, start and end, counted from 0, the end excluded.
"""

import math
import os
import re
from collections.abc import Iterator

from rckeras.io.text import open_text

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)


def data_lines(path: str | os.PathLike, record: str) -> Iterator[tuple[int, str]]:
    """Reads the lines that hold a record, without the white space after it.

    Args:
        path: File to read, or `"-"` for the standard input.
        record: What a line holds, as the error for an empty file calls it.

    Yields:
        The number of the line in the file, counted from 1, and the line.

    Raises:
        ValueError: If the file holds no record, or the first column of one is empty
            (the message starts with `path:line`).
    """
    empty = True
    with open_text(path) as lines:
        for number, text in enumerate(lines, start=1):
            line = text.rstrip()
            if line and not _is_comment(line.lstrip()):
                empty = False
                if "\t" in line and line[0].isspace():
                    raise ValueError(
                        f"{path}:{number}: the first column must not be empty or start "
                        f"with white space. Received: {line!r}"
                    )
                yield number, line
    if empty:
        raise ValueError(f"{path}: the file holds no {record}")


def split_columns(line: str) -> list[str]:
    """The fields of a line."""
    return line.split("\t") if "\t" in line else line.split()


def parse_span(fields: list[str], place: str) -> tuple[int, int]:
    """Start and end in the columns 2 and 3."""
    start = parse_position(fields[1], "start", place)
    end = parse_position(fields[2], "end", place)
    if end <= start:
        raise ValueError(
            f"{place}: the end must be after the start. Received: start {start}, "
            f"end {end}"
        )
    return start, end


def parse_position(field: str, what: str, place: str) -> int:
    """The number in a field, read strictly: `int` would take `1_000` and ` 7 `."""
    if not (field.isascii() and field.isdigit()):
        raise ValueError(
            f"{place}: the {what} must be a whole number from 0. Received: {field!r}"
        )
    return int(field)


def parse_number(field: str, what: str, place: str) -> float:
    """The finite number in a field, read as strictly."""
    number = float(field) if _NUMBER.fullmatch(field) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"{place}: the {what} must be a number. Received: {field!r}")
    return number


def parse_strand(field: str, place: str) -> str:
    """The strand in column 6."""
    if field not in ("+", "-", "."):
        raise ValueError(
            f"{place}: the strand (column 6) must be '+', '-' or '.'. "
            f"Received: {field!r}"
        )
    return field


def _is_comment(line: str) -> bool:
    return line.startswith("#") or line.split(maxsplit=1)[0] in ("track", "browser")
