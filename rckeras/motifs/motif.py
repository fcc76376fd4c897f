"""A motif: for each position, how often each base is found there."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from rckeras.sequence.alphabet import BASES

_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Motif:
    """The base probabilities of a motif, position by position.

    Args:
        name: Name, as a rule that of the protein.
        probabilities: Array of shape `(length, 4)`, bases in the order A, C, G, T;
            every row sums up to 1.
        matrix_id: Accession and version in the collection it comes from.
        counts: The counts behind the probabilities, of the same shape, where they
            are known.
        source: The collection it comes from.
        family: Family of the protein, such as `"Homeo domain factors"`, where the
            collection tells it.

    Raises:
        ValueError: If `probabilities` or `counts` cannot be those of a motif.

    Example:

    >>> motif = Motif.from_counts("box", [[9, 0, 0, 1], [0, 0, 5, 5]])
    >>> motif.consensus, len(motif)
    ('AG', 2)
    >>> motif.probabilities[0].tolist()
    [0.9, 0.0, 0.0, 0.1]
    >>> motif.reverse_complement().consensus
    'AT'
    """

    name: str
    probabilities: np.ndarray
    matrix_id: str = ""
    counts: np.ndarray | None = None
    source: str = ""
    family: str = ""

    def __post_init__(self):
        probabilities = _matrix("probabilities", self.probabilities, self.name)
        sums = probabilities.sum(axis=1)
        wrong = np.flatnonzero(np.abs(sums - 1) > _SUM_TOLERANCE)
        if wrong.size:
            raise ValueError(
                f"`probabilities` of motif {self.name!r} must sum up to 1 in every "
                f"row (`Motif.from_counts` divides by the sum). Received: "
                f"{sums[wrong[0]]:g} in row {wrong[0]}"
            )
        object.__setattr__(self, "probabilities", probabilities)
        if self.counts is not None:
            counts = _matrix("counts", self.counts, self.name)
            if counts.shape != probabilities.shape:
                raise ValueError(
                    f"`counts` of motif {self.name!r} must have the shape of "
                    f"`probabilities`, {probabilities.shape}. Received: {counts.shape}"
                )
            object.__setattr__(self, "counts", counts)

    @classmethod
    def from_counts(
        cls, name: str, counts: np.ndarray, matrix_id: str = "", source: str = ""
    ) -> Self:
        """Makes a motif of counts, which are kept.

        Args:
            name: Name, as a rule that of the protein.
            counts: Array of shape `(length, 4)`, bases in the order A, C, G, T; rows
                may have different sums.
            matrix_id: Accession and version in the collection it comes from.
            source: The collection it comes from.

        Raises:
            ValueError: If `counts` cannot be those of a motif, or a row is all 0.
        """
        counts = _matrix("counts", counts, name)
        sums = counts.sum(axis=1, keepdims=True)
        if not sums.all():
            row = int(np.flatnonzero(sums == 0)[0])
            raise ValueError(
                f"`counts` of motif {name!r} must have a number above 0 in every row. "
                f"Received: zeros in row {row}"
            )
        return cls(name, counts / sums, matrix_id, counts, source)

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def consensus(self) -> str:
        """The most frequent base of each position, the first of them at a tie."""
        return "".join(BASES[base] for base in self.probabilities.argmax(axis=1))

    @property
    def information_content(self) -> np.ndarray:
        """Bits of each position, from 0 (all bases alike) to 2 (one base only).

        Position `i` has `log2(4) + sum(p_i * log2(p_i))` over the four bases (Koo and
        Eddy 2019, "Visualizing first layer filters").
        """
        p = self.probabilities
        logs = np.log2(p, where=p > 0, out=np.zeros_like(p))
        return 2 + (p * logs).sum(axis=1)

    def trim(self, threshold: float = 0.5, pad: int = 3) -> Self:
        """The motif without its uninformative ends.

        What remains reaches from the first position with more than `threshold` bits
        to the last one, and `pad` positions further at either end, as far as there
        are any. A motif without such a position is kept as it is.

        Args:
            threshold: Bits, from 0 to 2.
            pad: Positions kept at either end, 0 or more.

        Raises:
            ValueError: If `threshold` or `pad` is out of range.

        Reference: Koo and Eddy 2019; the numbers are those of their released code,
        which trims filters so before it compares them with known motifs.

        Example:

        >>> rows = [[1, 1, 1, 1], [0, 0, 8, 0], [0, 8, 0, 0], [2, 2, 2, 2]]
        >>> Motif.from_counts("box", rows).trim(pad=0).consensus
        'GC'
        """
        if not 0 <= threshold <= 2:
            raise ValueError(
                f"`threshold` must be from 0 to 2 bits. Received: {threshold}"
            )
        if pad < 0:
            raise ValueError(f"`pad` must be 0 or more. Received: {pad}")
        informative = np.flatnonzero(self.information_content > threshold)
        if not informative.size:
            return self
        kept = slice(max(0, informative[0] - pad), informative[-1] + pad + 1)
        counts = None if self.counts is None else self.counts[kept]
        return replace(self, probabilities=self.probabilities[kept], counts=counts)

    def reverse_complement(self) -> Self:
        """The motif as it is found on the other strand; all else is kept."""
        counts = None if self.counts is None else self.counts[::-1, ::-1]
        return replace(
            self, probabilities=self.probabilities[::-1, ::-1], counts=counts
        )


def _matrix(argument: str, values: np.ndarray, name: str) -> np.ndarray:
    """A copy of a `(length, 4)` array that cannot be written to."""
    matrix = np.array(values, dtype="float64")
    if matrix.ndim != 2 or matrix.shape[1] != len(BASES) or not len(matrix):
        raise ValueError(
            f"`{argument}` of motif {name!r} must have the shape (length, 4), bases "
            f"in the order A, C, G, T. Received: shape {matrix.shape}"
        )
    if not np.isfinite(matrix).all() or matrix.min() < 0:
        row = int(np.flatnonzero(~(matrix >= 0).all(1) | np.isinf(matrix).any(1))[0])
        raise ValueError(
            f"`{argument}` of motif {name!r} must be finite and not negative. "
            f"Received: {matrix[row].tolist()} in row {row}"
        )
    matrix.flags.writeable = False
    return matrix
