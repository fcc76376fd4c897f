"""Where the instances of motifs go in a sequence.

A placement is a function of a generator of random numbers, the widths of the
instances and the length of the sequences, which returns the starts. All sequences are
placed together.
"""

import numpy as np

_ATTEMPTS = 1000


def place_uniformly(
    rng: np.random.Generator, widths: np.ndarray, length: int
) -> np.ndarray:
    """Places instances in turn, each anywhere that does not overlap an earlier one.

    Every free start is as likely as any other. Where the earlier instances of a
    sequence leave no room for the next, all of them are placed anew.

    Args:
        rng: Generator of random numbers.
        widths: Array `(sequences, instances)` of the bases that each instance takes,
            0 for no instance.
        length: Bases in a sequence.

    Returns:
        First base of each instance, counted from 0, of the shape of `widths`.

    Raises:
        ValueError: If the instances of a sequence do not fit into it, or fit so
            tightly that no place was found.
    """
    _check_room(widths.sum(axis=1), length)
    starts = np.zeros(widths.shape, dtype=np.int64)
    rows = np.arange(len(widths))
    for _ in range(_ATTEMPTS):
        found, fits = _place_in_turn(rng, widths[rows], length)
        starts[rows] = found
        rows = rows[~fits]
        if not rows.size:
            return starts
    raise ValueError(
        "`length` must leave more room between the instances; `place_with_gaps` fits "
        f"them in any room. Received: {length} bases for "
        f"{widths[rows[0]].tolist()}"
    )


def place_with_gaps(
    rng: np.random.Generator, widths: np.ndarray, length: int, buffer: int = 0
) -> np.ndarray:
    """Places instances in their order, with gaps before, between and after them.

    The gaps are uniform draws, scaled to sum up to the free length and rounded, and
    drawn anew until the rounded ones sum up to it, too.

    Args:
        rng: Generator of random numbers.
        widths: Array `(sequences, instances)` of the bases that each instance takes,
            0 for no instance.
        length: Bases in a sequence.
        buffer: Bases that every gap has at least.

    Returns:
        First base of each instance, counted from 0, of the shape of `widths`.

    Raises:
        ValueError: If the instances of a sequence and their buffers do not fit.

    Reference: Koo and Eddy 2019, Methods, "Synthetic dataset", and its released code.
    """
    here = np.pad(widths > 0, ((0, 0), (0, 1)), constant_values=True)
    free = length - widths.sum(axis=1) - buffer * here.sum(axis=1)
    _check_room(length - free, length)
    gaps = np.zeros(here.shape, dtype=np.int64)
    rows = np.arange(len(widths))
    while rows.size:
        draws = rng.random((len(rows), here.shape[1])) * here[rows]
        shares = draws / draws.sum(axis=1, keepdims=True)
        gaps[rows] = np.rint(shares * free[rows, None])
        rows = rows[gaps[rows].sum(axis=1) != free[rows]]
    ends = np.cumsum(gaps[:, :-1] + buffer * here[:, :-1] + widths, axis=1)
    return ends - widths


def _place_in_turn(
    rng: np.random.Generator, widths: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """One attempt: starts, and whether all instances of a sequence found room."""
    starts = np.zeros(widths.shape, dtype=np.int64)
    fits = np.ones(len(widths), dtype=bool)
    for column in range(widths.shape[1]):
        earlier = slice(0, column)
        low, blocked = _blocked_starts(
            starts[:, earlier], widths[:, earlier], widths[:, column], length
        )
        free = length - widths[:, column] + 1 - blocked.sum(axis=1)
        fits &= free > 0
        start = (rng.random(len(widths)) * free).astype(np.int64)
        for first, count in zip(low.T, blocked.T, strict=True):
            start += np.where(start >= first, count, 0)
        starts[:, column] = start
    return starts, fits


def _blocked_starts(
    starts: np.ndarray, widths: np.ndarray, width: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Starts at which the next instance would overlap an earlier one.

    They are ranges, increasing and apart: their first starts, and their sizes.
    """
    taken = (widths > 0) & (width > 0)[:, None]
    low = np.where(taken, starts - width[:, None] + 1, length)
    high = np.where(taken, starts + widths, 0)
    order = np.argsort(low, axis=1)
    low = np.take_along_axis(low, order, axis=1).clip(0)
    high = np.take_along_axis(high, order, axis=1)
    high = np.minimum(high, length - width[:, None] + 1)
    reached = np.maximum.accumulate(high, axis=1)
    low[:, 1:] = np.maximum(low[:, 1:], reached[:, :-1])
    return low, np.maximum(high - low, 0)


def _check_room(needed: np.ndarray, length: int) -> None:
    most = int(needed.max(initial=0))
    if most > length:
        raise ValueError(
            f"`length` must be at least {most}, what the instances of sequence "
            f"{needed.argmax()} take. Received: {length}"
        )
