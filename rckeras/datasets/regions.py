"""Peaks as arrays, the windows of one length on them, and the bases of these."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from rckeras.io.chromosomes import plain_chroms
from rckeras.io.genome import Genome
from rckeras.io.intervals import read_bed
from rckeras.io.peaks import read_narrowpeak
from rckeras.io.rows import data_lines, split_columns
from rckeras.io.text import check_rereadable
from rckeras.progress import progress_bar
from rckeras.sequence.codes import base_codes

AT = ("summit", "centre", "either")
MISSING_CONTIGS = ("error", "drop")
RANKS = ("signal", "p_value", "q_value")

_NARROWPEAK_COLUMNS = 10
_UNKNOWN = -1
_BLOCK = 1000


@dataclass(frozen=True)
class Peaks:
    """Peaks of a file, one entry each in arrays.

    Args:
        path: The file.
        columns: `chrom`, `start`, `end`, `name`, `strand`, `line`; from narrowPeak
            also `summit` (-1 if unknown), `signal`, `p_value` and `q_value` (NaN if
            unknown).
    """

    path: str
    columns: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.columns["start"])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def take(self, rows: np.ndarray) -> Self:
        """Some of the peaks, by number or mask."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return type(self)(self.path, columns)

    def place(self, row: int) -> str:
        """Where a peak stands, as `path:line`."""
        return f"{self.path}:{self['line'][row]}"


def read_peaks(path: str | os.PathLike) -> Peaks:
    """Reads a narrowPeak file, which has ten columns, or a BED file.

    Args:
        path: File, plain or compressed by gzip or bgzip.

    Returns:
        `Peaks` in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file breaks a rule of `read_narrowpeak` or `read_bed`, or is
            a pipe.
    """
    check_rereadable(path)
    _, first = next(data_lines(path, "peak"))
    names = {"chrom": str, "start": "int64", "end": "int64", "name": str}
    names |= {"strand": str, "line": "int64"}
    records = read_bed(path)
    if len(split_columns(first)) == _NARROWPEAK_COLUMNS:
        names |= {"summit": "float64"} | dict.fromkeys(RANKS, "float64")
        records = read_narrowpeak(path)
    rows = [tuple(getattr(record, name) for name in names) for record in records]
    columns = {
        name: np.array(column, dtype=kind)
        for (name, kind), column in zip(
            names.items(), zip(*rows, strict=True), strict=True
        )
    }
    if "summit" in columns:
        summit = np.nan_to_num(columns["summit"], nan=_UNKNOWN)
        columns["summit"] = summit.astype("int64")
    return Peaks(os.fspath(path), columns)


def windows_on(
    peaks: Peaks,
    genome: Genome,
    length: int,
    at: str = "summit",
    missing_contigs: str = "error",
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Windows of one length, each with the middle of a peak as base `length // 2`.

    Bases are counted from 0 along the strand of the peak: on strand `-` the middle is
    base `length // 2` of the reverse complement. Windows that leave their chromosome
    are dropped; of peaks with the same window the first one stays.

    Args:
        peaks: Peaks.
        genome: Genome to which they belong.
        length: Bases of a window.
        at: What the middle is: `"summit"`, which each peak must have, `"centre"`,
            `(start + end) // 2`, or `"either"`, the summit where there is one.
        missing_contigs: What happens to peaks on contigs that the genome lacks:
            `"error"` or `"drop"`.

    Returns:
        Columns `name`, `chrom`, `start`, `end`, `strand` of the windows, in the order
        of the peaks, and how many peaks there were and were dropped, and why.

    Raises:
        ValueError: If a summit or a contig is missing, the middle of a peak lies off
            its chromosome (the message starts with `path:line`), or no window is left.
    """
    counts = {"read": len(peaks)}
    middles, counts["without_summit"] = _middles(peaks, at)
    sizes = _chromosome_sizes(peaks, genome, missing_contigs)
    _check_inside(peaks, middles, sizes)
    before = np.where(peaks["strand"] == "-", (length - 1) // 2, length // 2)
    starts = middles - before
    known = sizes >= 0
    inside = known & (starts >= 0) & (starts + length <= sizes)
    rows = np.flatnonzero(inside)
    keys = _keys(peaks["chrom"][rows], starts[rows])
    unique = np.sort(np.unique(keys, return_index=True)[1])
    counts["missing_contigs"] = int((~known).sum())
    counts["off_chromosome"] = int((known & ~inside).sum())
    counts["duplicates"] = len(rows) - len(unique)
    rows = rows[unique]
    if not len(rows):
        raise ValueError(
            f"{peaks.path}: no peak is left with a window of {length} bases. {counts}"
        )
    windows = {name: peaks[name][rows] for name in ("name", "chrom", "strand")}
    windows |= {"start": starts[rows], "end": starts[rows] + length}
    return windows, counts


def without_equal(
    windows: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], int]:
    """Windows that are none of others of the same length, and how many were left out.

    Args:
        windows: Arrays as `windows_on` gives.
        others: The same.
    """
    keys = _keys(*(np.append(windows[n], others[n]) for n in ("chrom", "start")))
    own, other = np.split(keys, [len(windows["start"])])
    kept = ~np.isin(own, other)
    left = {name: column[kept] for name, column in windows.items()}
    return left, int((~kept).sum())


def overlap_clusters(windows: Mapping[str, np.ndarray]) -> np.ndarray:
    """Numbers windows so that those that overlap, or are linked by others, are one.

    Args:
        windows: Arrays `chrom`, `start` and `end`.

    Returns:
        The number of the cluster of each window, from 0. Two windows with a base in
        common have the same; those that only touch do not.

    Example:

    >>> starts, ends = np.array([5, 90, 0, 8]), np.array([9, 95, 6, 9])
    >>> windows = {"chrom": ["chr1", "1", "1", "chr2"], "start": starts, "end": ends}
    >>> overlap_clusters(windows).tolist()
    [0, 1, 0, 2]
    """
    _, contig = np.unique(plain_chroms(windows["chrom"]), return_inverse=True)
    offsets = contig * windows["end"].max()
    starts, ends = windows["start"] + offsets, windows["end"] + offsets
    order = np.argsort(starts)
    reach = np.maximum.accumulate(ends[order])
    clusters = np.empty(len(order), dtype=np.int64)
    clusters[order[0]] = 0
    clusters[order[1:]] = np.cumsum(starts[order[1:]] >= reach[:-1])
    return clusters


def fetch_windows(
    genome: Genome,
    windows: Mapping[str, np.ndarray],
    progress: bool = False,
    description: str = "windows",
) -> np.ndarray:
    """Reads windows of one length from a genome, in its order.

    Args:
        genome: Genome.
        windows: Arrays `chrom`, `start`, `end` and `strand`, as `windows_on` gives.
            Those on strand `-` are reverse-complemented.
        progress: Whether to show a bar on stderr.
        description: What stands before the bar.

    Returns:
        Base codes, `(windows, length)`, in the order of `windows`.

    Raises:
        ValueError: If a window leaves its chromosome or holds a letter that stands for
            no base.
    """
    chroms, starts, ends, strands = (
        windows[name].tolist() for name in ("chrom", "start", "end", "strand")
    )
    order = np.lexsort((windows["start"], windows["chrom"]))
    codes = np.empty((len(starts), ends[0] - starts[0]), dtype=np.uint8)
    with progress_bar(len(starts), description, progress) as advance:
        for block in np.split(order, range(_BLOCK, len(order), _BLOCK)):
            for row in block.tolist():
                window = chroms[row], starts[row], ends[row]
                letters = genome.fetch(*window, strands[row])
                try:
                    codes[row] = base_codes(letters)
                except ValueError as error:
                    where = "{}:{}-{}".format(*window)
                    raise ValueError(f"{genome.path}: {where}: {error}") from error
            advance(len(block))
    return codes


def check_choices(length: int, at: str, missing_contigs: str) -> None:
    """Refuses settings that `windows_on` does not know, before any work is done."""
    check_length(length)
    for name, value, known in (
        ("at", at, AT),
        ("missing_contigs", missing_contigs, MISSING_CONTIGS),
    ):
        if value not in known:
            raise ValueError(
                f"`{name}` must be one of {', '.join(known)}. Received: {value!r}"
            )


def check_length(length: int) -> None:
    """Refuses a length that is no whole number from 1."""
    if not isinstance(length, int | np.integer) or length < 1:
        raise ValueError(f"`length` must be from 1. Received: {length!r}")


def _keys(chroms: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """A number for each window of one length, equal for equal windows."""
    _, contig = np.unique(plain_chroms(chroms), return_inverse=True)
    _, start = np.unique(starts, return_inverse=True)
    return contig * len(starts) + start


def _middles(peaks: Peaks, at: str) -> tuple[np.ndarray, int]:
    """Position of the middle of each peak, and how many lack a summit."""
    centres = (peaks["start"] + peaks["end"]) // 2
    if at == "centre":
        return centres, 0
    summits = peaks.columns.get("summit", np.full(len(peaks), _UNKNOWN))
    lacking = summits == _UNKNOWN
    if at == "summit" and lacking.any():
        raise ValueError(
            f"{peaks.place(lacking.argmax())}: the peak has no summit (column 10 of "
            "narrowPeak); `at` (--at) 'centre' takes the middle of every peak, "
            "'either' of those without a summit"
        )
    return np.where(lacking, centres, summits), int(lacking.sum())


def _chromosome_sizes(peaks: Peaks, genome: Genome, missing_contigs: str) -> np.ndarray:
    """Bases of the chromosome of each peak; -1 where the genome lacks it."""
    chroms, first, which = np.unique(
        peaks["chrom"], return_index=True, return_inverse=True
    )
    sizes = np.empty(len(chroms), dtype=np.int64)
    for number in np.argsort(first):
        try:
            sizes[number] = genome.length(str(chroms[number]))
        except ValueError as error:
            if missing_contigs == "error":
                raise ValueError(
                    f"{peaks.place(first[number])}: {error}. `missing_contigs` 'drop' "
                    "(--drop-missing-contigs) leaves such peaks out"
                ) from error
            sizes[number] = -1
    return sizes[which]


def _check_inside(peaks: Peaks, middles: np.ndarray, sizes: np.ndarray) -> None:
    # A summit may be the base after the last one of a peak that was cut short.
    off = (sizes >= 0) & (middles > sizes)
    if off.any():
        row = off.argmax()
        raise ValueError(
            f"{peaks.place(row)}: the peak lies off its chromosome, which has "
            f"{sizes[row]} bases; is this the genome of the file? Received: "
            f"{peaks['chrom'][row]}:{peaks['start'][row]}-{peaks['end'][row]}"
        )
