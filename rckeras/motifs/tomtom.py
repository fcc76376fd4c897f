"""How likely a motif resembles another one by chance: the statistics of TOMTOM.

1. Each column of the query is compared with all columns of all targets, on both
   strands. From these scores the median of the query's column is subtracted, so that
   a column without a partner counts 0 ("complete scores"), and they are rounded to
   100 steps.
2. The score of a query and a target is the largest sum over their columns, over all
   ways of laying one beside the other with an overlap.
3. By chance, each column of the target is one drawn from all targets' columns. The
   scores' distribution at each range of the query's columns follows by convolution,
   and that of the largest one by treating the ways of overlapping as independent.
4. Of the two strands the smaller p-value counts: `1 - (1 - p)^2`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

_STEPS = 100


class Similarity(NamedTuple):
    """How a query resembles each target; arrays of shape `(targets,)`.

    Args:
        p_values: Chance of a score as large, for a target of the same length.
        offsets: Place of the query's first column, counted from the target's first
            column (on the strand that fits better); negative if it starts before.
        overlaps: Columns that lie beside each other.
        strands: 1, or -1 where the reverse complement of the target fits better.
    """

    p_values: np.ndarray
    offsets: np.ndarray
    overlaps: np.ndarray
    strands: np.ndarray


def compare(
    query: np.ndarray, targets: Sequence[np.ndarray], distance: str
) -> Similarity:
    """Compares a motif with each of many.

    Args:
        query: Probabilities of shape `(length, 4)`.
        targets: Arrays of such a shape, of any lengths.
        distance: A key of `SCORES`.

    Returns:
        The p-values, and where each target lies best.

    Reference: Gupta, Stamatoyannopoulos, Bailey and Noble 2007, Quantifying similarity
    between motifs, Genome Biology 8:R24; complete scores as in Tanaka, Bailey, Grant
    and Noble 2011, Improved similarity scores for comparing motifs, Bioinformatics
    27:1603.
    """
    both = [*targets, *(target[::-1, ::-1] for target in targets)]
    lengths = np.array([len(target) for target in both])
    steps = _steps(SCORES[distance](query, np.concatenate(both)))
    best, offsets = _best_places(steps, lengths)
    p_values = _p_values(steps, lengths, best).reshape(2, -1)
    strand = p_values.argmin(axis=0)
    chosen = strand * len(targets) + np.arange(len(targets))
    p, offset = p_values.min(axis=0), offsets[chosen]
    ends = np.minimum(offset + len(query), lengths[chosen])
    overlaps = ends - np.maximum(offset, 0)
    return Similarity(p * (2 - p), offset, overlaps, 1 - 2 * strand)


def _euclidean(query: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Distances, negative, of shape `(len(query), len(columns))`."""
    squares = (query**2).sum(axis=1)[:, None] + (columns**2).sum(axis=1)
    return -np.sqrt(np.maximum(squares - 2 * query @ columns.T, 0))


def _pearson(query: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Correlations; 0 with a column whose four numbers are equal."""
    return _centred(query) @ _centred(columns).T


def _centred(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(norms > 1e-9, norms, np.inf)


SCORES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "euclidean": _euclidean,
    "pearson": _pearson,
}


def _steps(scores: np.ndarray) -> np.ndarray:
    """Scores above the median of their row, in whole steps."""
    above = scores - np.median(scores, axis=1, keepdims=True)
    step = np.ptp(above) / _STEPS
    return np.rint(above / (step or 1)).astype(np.int64)


def _best_places(
    steps: np.ndarray, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Largest sum of steps for each target, and the offset where it is first found."""
    width, gap = len(steps), len(steps) - 1
    ends = np.cumsum(lengths + gap)
    # Targets stand in a row, with zeros between them for columns without a partner.
    padded = np.zeros((width, ends[-1] + 2 * gap), dtype=np.int64)
    place = np.arange(lengths.sum()) + np.repeat(np.arange(len(lengths)), lengths) * gap
    padded[:, place + gap] = steps
    sums = sum(padded[i, i : i + ends[-1]] for i in range(width))
    starts = ends - lengths - gap
    best = np.maximum.reduceat(sums, starts)
    hits = np.flatnonzero(sums == np.repeat(best, lengths + gap))
    first = hits[np.searchsorted(hits, starts)]
    return best, first - starts - gap


def _p_values(steps: np.ndarray, lengths: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Chance that the largest score of a target of this length is as large."""
    width = len(steps)
    low, survival = _survival(steps)
    logs = np.log1p(-np.minimum(survival, 1 - 1e-16))
    p_values = np.empty(len(lengths))
    for length in np.unique(lengths):
        offsets = np.arange(1 - width, length)
        starts, ends = np.maximum(0, -offsets), np.minimum(width, length - offsets)
        table = -np.expm1(logs[starts, ends - 1].sum(axis=0))
        rows = lengths == length
        p_values[rows] = table[best[rows] - low]
    return p_values


def _survival(steps: np.ndarray) -> tuple[int, np.ndarray]:
    """Chances of sums of steps, as large as `low + i`, over all ranges of columns.

    Returns:
        `low`, and an array of shape `(width, width, sums)`: the first and the last
        column of the range, and `i`.
    """
    width = len(steps)
    lows, highs = steps.min(axis=1), steps.max(axis=1)
    chances = [np.bincount(row - row.min()) / len(row) for row in steps]
    low, high = np.minimum(lows, 0).sum(), np.maximum(highs, 0).sum()
    survival = np.zeros((width, width, high - low + 1))
    for first in range(width):
        pmf, start = np.ones(1), -low
        for last in range(first, width):
            pmf = np.convolve(pmf, chances[last])
            start += lows[last]
            survival[first, last, :start] = 1
            tail = np.cumsum(pmf[::-1])[::-1]
            survival[first, last, start : start + len(pmf)] = tail
    return low, survival
