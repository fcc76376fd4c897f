"""Intervals of a genome from BED files.

The rules:

- Columns are separated by tabs or, in a line without a tab, by any white space.
  The first three are chromosome, start and end, counted from 0, the end excluded;
  then may come name, score and strand (`+`, `-` or `.`). So BED3 to BED12,
  narrowPeak and broadPeak are read alike; `read_narrowpeak` gives summits too.
- Blank lines, comments (`#`), `track` and `browser` lines are skipped.
- Errors, with file, line and the field received: fewer than three columns, a
  start or end that is no whole number from 0, an end not after its start, another
  strand, and a file without an interval.
- Not checked: the score and the columns after the strand, whether chromosomes
  exist, the order, repeats and overlaps. Every interval is given, in the order of
  the file.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from rckeras.io.rows import data_lines, parse_span, parse_strand, split_columns


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval of a genome.

    Args:
        chrom: Name of the chromosome.
        start: First base, counted from 0.
        end: The base after the last one.
        name: Name, `"."` if there is none.
        strand: `"+"`, `"-"`, or `"."` if unknown.
        line: Line in the file, counted from 1; 0 if not from a file.
    """

    chrom: str
    start: int
    end: int
    name: str = "."
    strand: str = "."
    line: int = 0


def read_bed(path: str | os.PathLike) -> Iterator[Interval]:
    """Reads a BED or narrowPeak file, plain or compressed by gzip or bgzip.

    Args:
        path: File to read, or `"-"` for the standard input.

    Yields:
        An `Interval` for each line that holds one.

    Raises:
        FileNotFoundError: When reading starts, if there is no such file.
        ValueError: If the file breaks a rule of this module. The message starts
            with `path:line`.

    Example:

    ```python
    with Genome("hg38.fa") as genome:
        sequences = [
            genome.fetch(peak.chrom, peak.start, peak.end, peak.strand)
            for peak in read_bed("peaks.narrowPeak.gz")
        ]
    ```
    """
    for number, line in data_lines(path, "interval"):
        yield _interval(line, number, f"{path}:{number}")


def _interval(line: str, number: int, place: str) -> Interval:
    fields = split_columns(line)
    if len(fields) < 3:
        raise ValueError(
            f"{place}: an interval needs at least three columns (chromosome, start, "
            f"end). Received: {line!r}"
        )
    start, end = parse_span(fields, place)
    name = fields[3] if len(fields) > 3 else "."
    strand = parse_strand(fields[5], place) if len(fields) > 5 else "."
    return Interval(fields[0], start, end, name or ".", strand, number)
