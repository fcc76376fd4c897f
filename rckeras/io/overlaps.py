"""Which intervals overlap any of others.

Intervals count from 0 and exclude their end, so two that touch do not overlap. Names
of chromosomes are compared without the habits of the databases: `chr1` is `1` (see
`rckeras.io.chromosomes`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from rckeras.io.chromosomes import plain_chroms

Intervals = Iterable[Any] | Mapping[str, np.ndarray]


def overlaps(queries: Intervals, subjects: Intervals) -> np.ndarray:
    """Tells which intervals have a base in common with any of others.

    Args:
        queries: Intervals to ask about: objects with `chrom`, `start` and `end`, as
            the readers of this package give them, or a mapping from these names to
            arrays of shape `(queries,)`.
        subjects: Intervals to look for, in either form. They may overlap each other.

    Returns:
        Boolean array of shape `(queries,)`.

    Raises:
        ValueError: If the arrays differ in length, or an end is not after its start.
        TypeError: If positions are not whole numbers.

    Example:

    >>> peaks = {"chrom": ["chr1", "chr2"], "start": [10, 10], "end": [20, 20]}
    >>> regions = {"chrom": ["1", "1", "2"], "start": [19, 20, 0], "end": [30, 30, 99]}
    >>> overlaps(regions, peaks).tolist()
    [True, False, True]
    """
    asked, sought = _columns(queries, "queries"), _columns(subjects, "subjects")
    starts, ends = _on_one_line(
        *(np.concatenate(pair) for pair in zip(asked, sought, strict=True))
    )
    count = len(asked[0])
    order = np.argsort(starts[count:])
    # How far any of the subjects that start first reaches.
    reach = np.maximum.accumulate(np.append(-1, ends[count:][order]))
    started = np.searchsorted(starts[count:][order], ends[:count])
    return reach[started] > starts[:count]


def _on_one_line(
    chroms: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends with the chromosomes one behind the other.

    Ranks stand for positions, so that no genome is too long for 64 bits.
    """
    _, chrom = np.unique(plain_chroms(chroms), return_inverse=True)
    different, rank = np.unique(np.append(starts, ends), return_inverse=True)
    start_rank, end_rank = np.split(rank, 2)
    offset = chrom * len(different)
    return offset + start_rank, offset + end_rank


def _columns(
    intervals: Intervals, argument: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Names, starts and ends, checked."""
    keys = ("chrom", "start", "end")
    if isinstance(intervals, Mapping):
        columns = [intervals[key] for key in keys]
    else:
        rows = list(intervals)
        columns = [[getattr(row, key) for row in rows] for key in keys]
    chroms = np.asarray(columns[0], dtype=str)
    starts, ends = (_positions(column, argument) for column in columns[1:])
    shapes = chroms.shape, starts.shape, ends.shape
    if len(set(shapes)) != 1 or chroms.ndim != 1:
        raise ValueError(
            f"`{argument}` must have as many chromosomes as starts and ends. Received: "
            f"arrays of shapes {', '.join(map(str, shapes))}"
        )
    wrong = np.flatnonzero(ends <= starts)
    if len(wrong):
        first = wrong[0]
        raise ValueError(
            f"`{argument}` must end after their starts. Received: {chroms[first]}:"
            f"{starts[first]}-{ends[first]} as interval {first}"
        )
    return chroms, starts, ends


def _positions(values: Any, argument: str) -> np.ndarray:
    positions = np.asarray(values)
    if positions.size and positions.dtype.kind not in "iu":
        raise TypeError(
            f"`{argument}` must have whole numbers as starts and ends. Received: "
            f"values of type {positions.dtype}"
        )
    return positions.astype(np.int64)
