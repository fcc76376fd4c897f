"""Signals along a genome, from and to bedGraph files.

The rules:

- A record has four columns: chromosome, start, end, value. Columns are separated by
  tabs or, in a line without a tab, by any white space; blank lines, comments (`#`),
  `track` and `browser` lines are skipped.
- A base has one value: the records of a chromosome stand together, sorted by start,
  and do not overlap, as UCSC's own tools want them. The order of the chromosomes is
  free, and bases between two records have no value.
- Errors, with file, line and the field received: other than four columns, a start or
  end that is no whole number from 0, an end not after its start, a value that is no
  finite number, records out of order or overlapping, and a file without a record.
- Not checked: whether chromosomes exist, and whether two names mean the same.
"""

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rckeras.io.rows import data_lines, parse_number, parse_span, split_columns
from rckeras.io.whole import complete_or_none


@dataclass(frozen=True, slots=True)
class Signal:
    """The value of a signal over an interval.

    Args:
        chrom: Name of the chromosome.
        start: First base, counted from 0.
        end: The base after the last one.
        value: Value of each of these bases.
        line: Line in the file, counted from 1; 0 if not from a file.
    """

    chrom: str
    start: int
    end: int
    value: float
    line: int = 0


def read_bedgraph(path: str | os.PathLike) -> Iterator[Signal]:
    """Reads a bedGraph file, plain or compressed by gzip or bgzip.

    Args:
        path: File to read, or `"-"` for the standard input.

    Yields:
        A `Signal` for each line that holds one.

    Raises:
        FileNotFoundError: When reading starts, if there is no such file.
        ValueError: If the file breaks a rule of this module. The message starts
            with `path:line`.

    Example:

    ```python
    signals = read_bedgraph("recombination.bedgraph.gz")
    total = sum(signal.value * (signal.end - signal.start) for signal in signals)
    ```
    """
    return _in_order(_signals(path), path)


def write_bedgraph(path: str | os.PathLike, signals: Iterable[Signal]) -> None:
    """Writes a bedGraph file without a header, as `bedGraphToBigWig` takes it.

    Args:
        path: File to write, replaced if it exists; there only when complete.
        signals: Signals, those of a chromosome together and sorted by start; for
            bigWig the chromosomes must be sorted too.

    Raises:
        ValueError: If signals are out of order or overlap, or a value is no finite
            number; the message starts with `path:line`. No file is written then.

    Example:

    ```python
    values = gradient_times_input(model, x).sum(axis=-1)
    write_bedgraph("model.bedgraph", signals_of(intervals, values))
    ```
    """
    numbered = (replace(signal, line=line) for line, signal in enumerate(signals, 1))
    with complete_or_none(path) as part, part.open("w", encoding="utf-8") as file:
        for signal in _in_order(numbered, path):
            if not math.isfinite(signal.value):
                raise ValueError(
                    f"{path}:{signal.line}: a value must be a finite number. Received: "
                    f"{signal.value} at {signal.chrom}:{signal.start}"
                )
            file.write(
                f"{signal.chrom}\t{signal.start}\t{signal.end}\t{signal.value:.6g}\n"
            )


def _signals(path: str | os.PathLike) -> Iterator[Signal]:
    for number, line in data_lines(path, "record"):
        place = f"{path}:{number}"
        fields = split_columns(line)
        if len(fields) != 4:
            raise ValueError(
                f"{place}: a record needs four columns (chromosome, start, end, "
                f"value). Received: {len(fields)} in {line!r}"
            )
        start, end = parse_span(fields, place)
        value = parse_number(fields[3], "value (column 4)", place)
        yield Signal(fields[0], start, end, value, number)


def _in_order(signals: Iterable[Signal], path: str | os.PathLike) -> Iterator[Signal]:
    seen, last = set(), None
    for signal in signals:
        if last is None or signal.chrom != last.chrom:
            if signal.chrom in seen:
                raise ValueError(
                    f"{path}:{signal.line}: the records of a chromosome must stand "
                    f"together. Received: {signal.chrom!r} again, after {last.chrom!r}"
                )
            seen.add(signal.chrom)
        elif signal.start < last.end:
            raise ValueError(
                f"{path}:{signal.line}: records must be sorted by start and must not "
                f"overlap. Received: {signal.chrom} {signal.start}-{signal.end} after "
                f"{last.start}-{last.end} (line {last.line})"
            )
        yield signal
        last = signal
