"""Sequences of one length, from a FASTA or BED file.

A sequence of another length is an error unless `fit` says what to do with it. The
centre stays the centre; where the difference is odd, the odd base is cut from, or
added to, the right end, so that a sequence and its reverse complement are then not
cut alike. Around an interval of another length, the window on the same centre is read
from the genome, with its real flanks.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rckeras.io.fasta import read_fasta
from rckeras.io.genome import Genome
from rckeras.io.intervals import Interval, read_bed
from rckeras.io.text import open_text
from rckeras.sequence.alphabet import count_ambiguous

FITS = ("error", "crop", "pad", "both")

FASTA_KEYS = {"name": str}
BED_KEYS = {"chrom": str, "start": int, "end": int, "name": str, "strand": str}


class Window(NamedTuple):
    """A sequence brought to a length.

    Attributes:
        keys: What tells it from others: `(name,)`, or the fields of its interval as
            the file has them.
        name: Its name, `"."` if it has none.
        line: Line of the file in which it begins.
        sequence: Letters, as many as were asked for.
        ambiguous: Number of letters read as N. N added to a record does not count, N
            for bases off the end of a chromosome does.
        cropped: Whether it was cut.
        padded: Whether N was added.
        extended: Whether it was widened along the genome.
    """

    keys: tuple
    name: str
    line: int
    sequence: str
    ambiguous: int
    cropped: bool = False
    padded: bool = False
    extended: bool = False


def read_windows(
    path: str | os.PathLike,
    genome: str | os.PathLike | None,
    length: int | None,
    fit: str = "error",
) -> Iterator[Window]:
    """Read the sequences of a FASTA file, or the intervals of a BED file.

    Args:
        path: FASTA, or BED if `genome` is given; plain, gzip or bgzip; `"-"` for the
            standard input.
        genome: FASTA file from which intervals are read. Those on strand `-` are
            reverse-complemented.
        length: Number of bases that each is to have; `None` to leave all as they are.
        fit: `"error"`, `"crop"` longer sequences, `"pad"` shorter ones with N on both
            sides, or `"both"`. The last three also bring intervals to the length,
            around their centre; off the ends of a chromosome only `"pad"` and
            `"both"` add N.

    Yields:
        A `Window` for each record, in the order of the file, one in memory at a time.

    Raises:
        ValueError: If a record does not fit, holds a letter that is none, or lies
            outside the genome. The message starts with `path:line`.
        OSError: If a file cannot be read.
    """
    if genome is None:
        yield from _read_records(path, length, fit)
        return
    with Genome(genome) as opened:
        yield from _read_intervals(path, opened, length, fit)


def fit_window(
    window: Window, length: int | None, fit: str, path: str | os.PathLike
) -> Window:
    """Cut or pad a sequence around its centre, and count its N.

    Args:
        window: A sequence as it stands in a file.
        length: Number of bases that it is to have; `None` to leave it as it is.
        fit: `"error"`, `"crop"`, `"pad"` or `"both"`; see `read_windows`.
        path: Name of the file, for messages.

    Returns:
        The window of that length.

    Raises:
        ValueError: If it has another length and `fit` does not say what to do, or
            holds a letter that is none. The message starts with `path:line`.
    """
    allowed = {"error": (), "crop": (1,), "pad": (-1,), "both": (1, -1)}[fit]
    letters = window.sequence
    place = f"{path}:{window.line}: record {window.name!r}"
    start, end = centre(0, len(letters), length)
    change = _compare(len(letters), end - start)
    if change and change not in allowed:
        raise _misfit(place, len(letters), length)
    inside = letters[max(start, 0) : end]
    with _at(place):
        ambiguous = count_ambiguous(inside)
    return window._replace(
        sequence="N" * -start + inside + "N" * (end - len(letters)),
        ambiguous=ambiguous,
        cropped=change > 0,
        padded=change < 0,
    )


def check_fit(fit: str) -> None:
    """Check that a way to bring sequences to a length is known.

    Raises:
        ValueError: If it is none of `FITS`.
    """
    if fit not in FITS:
        raise ValueError(f"`fit` must be one of {', '.join(FITS)}. Received: {fit!r}")


def check_input(
    path: str | os.PathLike, genome: str | os.PathLike | None, fit: str
) -> None:
    """Check, before any work is done, that `read_windows` can start.

    Raises:
        ValueError: If `fit` is unknown, a BED file comes without a genome, or a FASTA
            file with one.
        OSError: If a file is missing.
    """
    check_fit(fit)
    for file in (path, genome):
        if file is not None and os.fspath(file) != "-":
            Path(file).stat()
    if not Path(path).is_file():  # a pipe cannot be read twice
        return
    with open_text(path) as lines:
        start = next((line.strip() for line in lines if line.strip()), "")
    if start.startswith(">") and genome is not None:
        raise ValueError(
            f"{path} is a FASTA file; `genome` (--genome) is for intervals (BED)"
        )
    if start and not start.startswith(">") and genome is None:
        raise ValueError(
            f"{path} is no FASTA file, which starts with '>'. To read the intervals "
            f"of a BED file, give their `genome` (--genome). Received: {start[:40]!r}"
        )


def count_records(
    path: str | os.PathLike, genome: str | os.PathLike | None
) -> int | None:
    """About how many windows will come, if the input can be read twice."""
    if not Path(path).is_file():
        return None
    with open_text(path) as lines:
        if genome is None:
            return sum(line.startswith(">") for line in lines)
        return sum(not line.startswith(("#", "\n")) for line in lines)


def _read_records(
    path: str | os.PathLike, length: int | None, fit: str
) -> Iterator[Window]:
    for record in read_fasta(path):
        window = Window(
            keys=(record.name,),
            name=record.name,
            line=record.line,
            sequence=record.sequence,
            ambiguous=0,
        )
        yield fit_window(window, length, fit, path)


def _read_intervals(
    path: str | os.PathLike, genome: Genome, length: int | None, fit: str
) -> Iterator[Window]:
    for interval in read_bed(path):
        place = f"{path}:{interval.line}: interval {interval.name!r}"
        start, end = centre(interval.start, interval.end, length)
        change = _compare(interval.end - interval.start, end - start)
        if change and fit == "error":
            raise _misfit(place, interval.end - interval.start, length)
        with _at(place):
            sequence, padded = _fetch(genome, interval, start, end, fit)
            ambiguous = count_ambiguous(sequence)
        yield Window(
            keys=tuple(getattr(interval, key) for key in BED_KEYS),
            name=interval.name,
            line=interval.line,
            sequence=sequence,
            ambiguous=ambiguous,
            cropped=change > 0,
            padded=padded,
            extended=change < 0,
        )


def centre(start: int, end: int, length: int | None) -> tuple[int, int]:
    """The window of a length on the centre of another, the odd base at the right.

    Args:
        start: First base.
        end: The base after the last one.
        length: Number of bases wanted; `None` to leave the window as it is.

    Example:

    >>> centre(10, 20, 7), centre(10, 20, 13)
    ((11, 18), (9, 22))
    """
    if length is None:
        return start, end
    surplus = end - start - length
    start += surplus // 2 if surplus > 0 else -(-surplus // 2)
    return start, start + length


def _compare(found: int, length: int) -> int:
    """1 if longer, -1 if shorter, otherwise 0."""
    return (found > length) - (found < length)


def _fetch(
    genome: Genome, interval: Interval, start: int, end: int, fit: str
) -> tuple[str, bool]:
    """Letters of a window of the genome, and whether N stands for missing bases."""
    length = genome.length(interval.chrom)
    window = f"{interval.chrom}:{start}-{end}"
    if not 0 <= (start + end) // 2 < length:
        raise ValueError(
            f"its centre lies off the chromosome, which has {length} bases; is this "
            f"the genome of the file? Received: {window}"
        )
    inside = start >= 0 and end <= length
    if not inside and fit not in ("pad", "both"):
        raise ValueError(
            f"{window} leaves the chromosome, which has {length} bases; `fit` (--fit) "
            "'pad' or 'both' puts N there"
        )
    sequence = genome.fetch(interval.chrom, start, end, interval.strand, pad=True)
    return sequence, not inside


def _misfit(place: str, found: int, length: int) -> ValueError:
    return ValueError(
        f"{place}: it has {found} bases and {length} are needed. `fit` (--fit) 'crop' "
        "takes the centre of longer ones, 'pad' adds N to shorter ones, 'both' does "
        "both"
    )


@contextlib.contextmanager
def _at(place: str) -> Iterator[None]:
    """Name the place in the input where something is wrong."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
