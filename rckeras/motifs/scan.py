"""Where a motif fits best in a sequence."""

from collections.abc import Sequence

import numpy as np

from rckeras.motifs.motif import Motif
from rckeras.sequence.codes import check_codes

UNIFORM = (0.25, 0.25, 0.25, 0.25)

_BLOCK = 1 << 18  # bases scored in one go, so that scores stay in the cache


def log_odds(
    motif: Motif, background: Sequence[float] = UNIFORM, pseudocount: float = 1e-3
) -> np.ndarray:
    """How much likelier each base is under a motif than in the background.

    Args:
        motif: The motif.
        background: Probabilities of A, C, G, T, above 0.
        pseudocount: Weight of the background mixed into each position, above 0, so
            that a base never seen is not ruled out:
            `p = (probability + pseudocount * background) / (1 + pseudocount)`.

    Returns:
        Array of shape `(length, 4)`: `log2(p / background)`, in bits.

    Raises:
        ValueError: If `background` or `pseudocount` is out of range.
    """
    background = np.asarray(background, dtype="float64")
    if background.shape != (4,) or not (background > 0).all():
        raise ValueError(
            "`background` must be four probabilities above 0, of A, C, G, T. "
            f"Received: {background.tolist()}"
        )
    if not 0 < pseudocount < np.inf:
        raise ValueError(f"`pseudocount` must be above 0. Received: {pseudocount}")
    background = background / background.sum()
    p = (motif.probabilities + pseudocount * background) / (1 + pseudocount)
    return np.log2(p / background)


def best_scores(
    codes: np.ndarray,
    motif: Motif,
    background: Sequence[float] = UNIFORM,
    pseudocount: float = 1e-3,
) -> np.ndarray:
    """The best score of a motif in each sequence, over all places on both strands.

    A place scores the sum of the log odds of its bases; N counts 0, as if it were
    background. Only places with the whole motif inside the sequence count. Each
    strand is read in its own direction, against the same background, so that a
    sequence and its reverse complement score alike.

    Args:
        codes: Base codes of shape `(sequences, length)`, see
            `rckeras.sequence.base_codes`.
        motif: The motif, not longer than the sequences.
        background: Probabilities of A, C, G, T, above 0.
        pseudocount: Weight of the background mixed into each position, above 0.

    Returns:
        `float64` array of shape `(sequences,)`, in bits.

    Raises:
        ValueError: If `codes` are none, the motif is longer than the sequences, or
            `background` or `pseudocount` is out of range.

    Example:

    >>> from rckeras.sequence import base_codes
    >>> gata = Motif.from_counts("GATA", np.eye(4)[[2, 0, 3, 0]])
    >>> best_scores(base_codes(["CCGATACC", "CCTATCCC", "CCGANACC"]), gata).round(1)
    array([8., 8., 6.])
    """
    codes = check_codes(codes)
    if codes.ndim != 2 or codes.shape[1] < len(motif):
        raise ValueError(
            "`codes` must have the shape (sequences, length) with a length of at "
            f"least {len(motif)}, that of motif {motif.name!r}. "
            f"Received: shape {codes.shape}"
        )
    odds = log_odds(motif, background, pseudocount)
    tables = [np.pad(each, ((0, 0), (0, 1))) for each in (odds, odds[::-1, ::-1])]
    best = np.empty(len(codes))
    rows = max(1, _BLOCK // codes.shape[1])
    for start in range(0, len(codes), rows):
        block = codes[start : start + rows]
        both = [_scores(block, table).max(axis=1) for table in tables]
        best[start : start + rows] = np.maximum(*both)
    return best


def _scores(codes: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Score of each place, shape `(sequences, length - len(table) + 1)`."""
    places = codes.shape[1] - len(table) + 1
    scores = np.zeros((len(codes), places))
    for offset, row in enumerate(table):
        scores += row[codes[:, offset : offset + places]]
    return scores
