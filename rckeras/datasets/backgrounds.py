"""Random sequences to plant motifs into, and the drawing of bases.

Random numbers come from the generator that is passed down, so that the same seed gives
the same bytes.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from rckeras.motifs.scan import UNIFORM
from rckeras.progress import progress_bar
from rckeras.sequence.codes import N_CODE

_BLOCK = 1 << 20  # bases drawn in one go


def gc_composition(gc: float) -> np.ndarray:
    """Probabilities of A, C, G, T with a given share of G and C, alike on each strand.

    Args:
        gc: Share of G and C together, from 0 to 1.

    Raises:
        ValueError: If `gc` is not from 0 to 1.
    """
    if not 0 <= gc <= 1:
        raise ValueError(f"`gc` must be from 0 to 1. Received: {gc}")
    return np.array([1 - gc, gc, gc, 1 - gc]) / 2


def random_background(
    rng: np.random.Generator,
    sequences: int,
    length: int,
    composition: Sequence[float] = UNIFORM,
    *,
    progress: bool = False,
) -> np.ndarray:
    """Draws every base on its own.

    Args:
        rng: Generator of random numbers.
        sequences: Number of sequences.
        length: Bases in a sequence.
        composition: Probabilities of A, C, G, T.
        progress: Whether to show a bar on stderr.

    Returns:
        Base codes, `uint8` of shape `(sequences, length)`.

    Raises:
        ValueError: If a number is out of range, or the probabilities do not sum up
            to 1.
    """
    _check_counts(sequences, length)
    edges = upper_edges("composition", composition, (4,))
    codes = np.empty((sequences, length), dtype=np.uint8)
    with progress_bar(sequences, "background", progress) as advance:
        for rows in _blocks(sequences, length):
            block = codes[rows]
            block[...] = draw_bases(rng, block.shape, edges)
            advance(len(block))
    return codes


def markov_background(
    rng: np.random.Generator,
    sequences: int,
    length: int,
    transitions: np.ndarray,
    *,
    progress: bool = False,
) -> np.ndarray:
    """Draws every base by the one before it: a dinucleotide model.

    Args:
        rng: Generator of random numbers.
        sequences: Number of sequences.
        length: Bases in a sequence.
        transitions: Array of shape `(4, 4)`: row by row, the probabilities of A, C,
            G, T after an A, a C, a G, a T. See `transition_frequencies`.
        progress: Whether to show a bar on stderr.

    Returns:
        Base codes, `uint8` of shape `(sequences, length)`. First bases are drawn
        from the composition that the model keeps up, so that all positions have it.

    Raises:
        ValueError: If a number is out of range, or a row of `transitions` does not
            sum up to 1.
    """
    _check_counts(sequences, length)
    edges = upper_edges("transitions", transitions, (4, 4))
    start = upper_edges("transitions", _stationary(transitions), (4,))
    codes = np.empty((length, sequences), dtype=np.uint8)
    codes[0] = draw_bases(rng, (sequences,), start)
    with progress_bar(length, "background", progress) as advance:
        for position in range(1, length):
            codes[position] = draw_bases(rng, (sequences,), edges[codes[position - 1]])
            advance(1)
    return np.ascontiguousarray(codes.T)


def transition_frequencies(codes: np.ndarray) -> np.ndarray:
    """How often each base follows each other one, for `markov_background`.

    Args:
        codes: Base codes of shape `(sequences, length)`; pairs with an N are left out.

    Returns:
        Array of shape `(4, 4)`, rows with a sum of 1.

    Raises:
        ValueError: If a base is never followed by another one.

    Example:

    >>> from rckeras.sequence import base_codes
    >>> transition_frequencies(base_codes(["ACATGC", "TTNGCA"])).tolist()[0]
    [0.0, 0.5, 0.0, 0.5]
    """
    size = N_CODE + 1
    counts = np.zeros(size * size, dtype=np.int64)
    for rows in _blocks(*codes.shape):
        pairs = size * codes[rows, :-1] + codes[rows, 1:]
        counts += np.bincount(pairs.ravel(), minlength=size * size)
    counts = counts.reshape(size, size)[:4, :4]
    sums = counts.sum(axis=1, keepdims=True)
    if not sums.all():
        raise ValueError(
            "`codes` must have every base before another one. Received, for A, C, G, "
            f"T: {sums.ravel().tolist()} pairs"
        )
    return counts / sums


def draw_bases(
    rng: np.random.Generator, shape: tuple[int, ...], edges: np.ndarray
) -> np.ndarray:
    """Draws base codes.

    Args:
        rng: Generator of random numbers.
        shape: Shape of the codes.
        edges: What `upper_edges` makes of the probabilities, of a shape that fits
            `shape` but for its last axis, which holds the bases.
    """
    draws = rng.random(shape)
    codes = np.zeros(shape, dtype=np.uint8)
    for base in range(3):
        codes += draws >= edges[..., base]
    return codes


def upper_edges(
    name: str, probabilities: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """Sums of the probabilities of each base and those before it.

    They are divided by the last, so that a base of probability 0 is never drawn.

    Args:
        name: Name of the argument, for the message.
        probabilities: Probabilities of A, C, G, T on the last axis.
        shape: Shape that they must have.

    Raises:
        ValueError: If they have another shape, or do not sum up to 1.
    """
    p = np.asarray(probabilities, dtype="float64")
    if p.shape != shape or not (p >= 0).all() or (abs(p.sum(-1) - 1) > 1e-6).any():
        raise ValueError(
            f"`{name}` must be probabilities of the shape {shape} with sums of 1. "
            f"Received: {p.tolist()}"
        )
    sums = np.cumsum(p, axis=-1)
    return sums / sums[..., -1:]


def _stationary(transitions: np.ndarray) -> np.ndarray:
    """The composition that a dinucleotide model keeps up."""
    equations = np.vstack([np.transpose(transitions) - np.eye(4), np.ones(4)])
    solution = np.linalg.lstsq(equations, np.eye(5)[4], rcond=None)[0].clip(0)
    return solution / solution.sum()


def _blocks(sequences: int, length: int) -> Iterator[slice]:
    rows = max(1, _BLOCK // length)
    for start in range(0, sequences, rows):
        yield slice(start, min(start + rows, sequences))


def _check_counts(sequences: int, length: int) -> None:
    for name, number in {"sequences": sequences, "length": length}.items():
        if number < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {number}")
