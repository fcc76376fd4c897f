"""Peaks of a ChIP-seq or accessibility experiment, from narrowPeak files.

The rules:

- A record has the ten columns of ENCODE's narrowPeak: chromosome, start, end, name,
  score, strand, signal, p-value, q-value, summit. Columns are separated by tabs or,
  in a line without a tab, by any white space; blank lines, comments (`#`), `track`
  and `browser` lines are skipped.
- A p-value or q-value of -1 (however written) is none, and so is a summit of -1. The
  summit stands in the file as a distance from the start; it may be as large as the
  interval is long, for callers write such where they have cut an interval short.
- Errors, with file, line and the field received: other than ten columns, a start or
  end that is no whole number from 0, an end not after its start, another strand, a
  score, signal, p-value or q-value that is no finite number, a summit outside the
  interval, and a file without a peak.
- Not checked: the range of the score (callers exceed 1000), whether chromosomes
  exist, the order, repeats and overlaps. Every peak is given, in the order of the
  file.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from rckeras.io.rows import (
    data_lines,
    parse_number,
    parse_position,
    parse_span,
    parse_strand,
    split_columns,
)


@dataclass(frozen=True, slots=True)
class Peak:
    """One peak.

    Args:
        chrom: Name of the chromosome.
        start: First base, counted from 0.
        end: The base after the last one.
        name: Name, `"."` if there is none.
        score: How dark a browser draws it, 0 to 1000 by the format's rules.
        strand: `"+"`, `"-"`, or `"."` if unknown.
        signal: Enrichment.
        p_value: -log10 of the p-value, `None` if there is none.
        q_value: -log10 of the q-value, `None` if there is none.
        summit: Position of the summit on the chromosome, counted from 0, `None` if
            there is none.
        line: Line in the file, counted from 1; 0 if not from a file.
    """

    chrom: str
    start: int
    end: int
    name: str = "."
    score: float = 0.0
    strand: str = "."
    signal: float = 0.0
    p_value: float | None = None
    q_value: float | None = None
    summit: int | None = None
    line: int = 0

    @property
    def centre(self) -> int:
        """The summit or, without one, the middle `(start + end) // 2`."""
        middle = (self.start + self.end) // 2
        return middle if self.summit is None else self.summit


def read_narrowpeak(path: str | os.PathLike) -> Iterator[Peak]:
    """Reads a narrowPeak file, plain or compressed by gzip or bgzip.

    Args:
        path: File to read, or `"-"` for the standard input.

    Yields:
        A `Peak` for each line that holds one.

    Raises:
        FileNotFoundError: When reading starts, if there is no such file.
        ValueError: If the file breaks a rule of this module. The message starts
            with `path:line`.

    Example:

    ```python
    peaks = sorted(read_narrowpeak("peaks.narrowPeak.gz"), key=lambda peak: peak.signal)
    strongest = [peak.centre for peak in peaks[-1000:]]
    ```
    """
    for number, line in data_lines(path, "peak"):
        yield _peak(line, number, f"{path}:{number}")


def _peak(line: str, number: int, place: str) -> Peak:
    fields = split_columns(line)
    if len(fields) != 10:
        raise ValueError(
            f"{place}: a peak needs the ten columns of narrowPeak. Received: "
            f"{len(fields)} in {line!r}"
        )
    start, end = parse_span(fields, place)
    return Peak(
        chrom=fields[0],
        start=start,
        end=end,
        name=fields[3] or ".",
        score=parse_number(fields[4], "score (column 5)", place),
        strand=parse_strand(fields[5], place),
        signal=parse_number(fields[6], "signal (column 7)", place),
        p_value=_if_any(parse_number(fields[7], "p-value (column 8)", place)),
        q_value=_if_any(parse_number(fields[8], "q-value (column 9)", place)),
        summit=_summit(fields[9], start, end, place),
        line=number,
    )


def _if_any(value: float) -> float | None:
    return None if value == -1 else value


def _summit(field: str, start: int, end: int, place: str) -> int | None:
    if field == "-1":
        return None
    distance = parse_position(field, "summit (column 10), unless -1,", place)
    if distance > end - start:
        raise ValueError(
            f"{place}: the summit (column 10) must be a distance from the start, at "
            f"most the {end - start} bases of the interval. Received: {field!r}"
        )
    return start + distance
