"""Attributions as signals along a genome, which browsers show."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from rckeras.io.bedgraph import Signal
from rckeras.io.intervals import Interval


def signals_of(
    intervals: Sequence[Interval],
    values: Sequence[np.ndarray],
    lengths: Mapping[str, int] | None = None,
) -> Iterator[Signal]:
    """Values of the bases of intervals, in the order of a sorted bedGraph file.

    A base of several intervals gets the mean of its values. Not more than the
    intervals that overlap are held in memory, so `values` may lie in a file.

    Args:
        intervals: Where the sequences lie. Those on strand `-` are turned back.
        values: For each of them an array with a number for each of its bases, as
            `contributions.sum(axis=-1)` gives; NaN for a base that has none.
        lengths: Number of bases of each chromosome, such as `Genome.lengths`; bases
            off their ends are left out. `None` if intervals do not leave them at
            their right end.

    Yields:
        A `Signal` for each base that has a value, chromosomes in the order of their
        names as bytes, as `LC_ALL=C sort -k1,1 -k2,2n` puts them.

    Raises:
        ValueError: If an array has another length than its interval, or a chromosome
            is not among `lengths`.

    Example:

    >>> intervals = [Interval("chr1", 5, 7, strand="-"), Interval("chr1", 4, 6)]
    >>> values = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> [(s.start, s.end, s.value) for s in signals_of(intervals, values)]
    [(4, 5, 3.0), (5, 6, 3.0), (6, 7, 1.0)]
    """
    for chrom, start, means in _pieces(intervals, values):
        end = _length(chrom, lengths)
        for position, value in enumerate(means.tolist(), start):
            inside = position >= 0 and (end is None or position < end)
            if inside and not math.isnan(value):
                yield Signal(chrom, position, position + 1, value)


def _pieces(
    intervals: Sequence[Interval], values: Sequence[np.ndarray]
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Means of what overlaps, a chromosome and first base with each."""
    here, first, sums, counts = None, 0, np.zeros(0), np.zeros(0)
    for number in _sorted(intervals):
        interval, numbers = intervals[number], np.asarray(values[number], "float64")
        if numbers.shape != (interval.end - interval.start,):
            raise ValueError(
                f"`values` of {interval.chrom}:{interval.start}-{interval.end} must "
                f"have a number for each base. Received: shape {numbers.shape}"
            )
        if interval.strand == "-":
            numbers = numbers[::-1]
        done = len(sums)
        if interval.chrom == here:
            done = min(done, interval.start - first)
        if done:
            yield here, first, _means(sums[:done], counts[:done])
        here, first, sums, counts = (
            interval.chrom,
            interval.start,
            sums[done:],
            counts[done:],
        )
        more = max(0, len(numbers) - len(sums))
        sums, counts = np.pad(sums, (0, more)), np.pad(counts, (0, more))
        known = ~np.isnan(numbers)
        sums[: len(numbers)][known] += numbers[known]
        counts[: len(numbers)] += known
    if len(sums):
        yield here, first, _means(sums, counts)


def _means(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)


def _sorted(intervals: Iterable[Interval]) -> list[int]:
    places = [(each.chrom.encode(), each.start) for each in intervals]
    return sorted(range(len(places)), key=places.__getitem__)


def _length(chrom: str, lengths: Mapping[str, int] | None) -> int | None:
    if lengths is None:
        return None
    if chrom not in lengths:
        raise ValueError(
            f"`lengths` must have all chromosomes. Received: {chrom!r}, and "
            f"{len(lengths)} lengths without it"
        )
    return lengths[chrom]
