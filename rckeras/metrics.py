"""How well predictions rank positives above negatives, and how far strands agree.

AUROC is the probability that a random positive scores higher than a random negative,
where a tie counts one half. AUPRC is the average precision: the mean, over the
positives, of the share of positives among all that score at least as high. Both treat
ties exactly, so the order of the rows does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from rckeras.progress import progress_bar


@dataclass(frozen=True, eq=False)
class BinaryMetrics:
    """AUROC and AUPRC of each target; prints as their means.

    Args:
        targets: Names.
        auroc: For each target, or NaN if all its labels are alike.
        auprc: Average precision for each target, or NaN as for `auroc`. By chance it
            is the share of positives.
        positives: Labels of 1 for each target.
        negatives: Labels of 0 for each target.
    """

    targets: tuple[str, ...]
    auroc: np.ndarray
    auprc: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    @property
    def undefined(self) -> tuple[str, ...]:
        """Targets without positives or without negatives, which means leave out."""
        missing = (self.positives == 0) | (self.negatives == 0)
        return tuple(np.array(self.targets, dtype=object)[missing])

    @property
    def mean_auroc(self) -> float:
        """Mean over the targets that have one; NaN if none has."""
        return _mean(self.auroc)

    @property
    def mean_auprc(self) -> float:
        """Mean over the targets that have one; NaN if none has."""
        return _mean(self.auprc)

    def table(self) -> str:
        """A line for each target, cells separated by tabs, under a header."""
        columns = ("target", "positives", "negatives", "auroc", "auprc")
        lines = ["\t".join(columns)]
        for name, *counts, auroc, auprc in zip(
            self.targets,
            self.positives,
            self.negatives,
            self.auroc,
            self.auprc,
            strict=True,
        ):
            cells = [name, *map(str, counts), f"{auroc:.6f}", f"{auprc:.6f}"]
            lines.append("\t".join(cells))
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        missing = self.undefined
        count = len(self.targets) - len(missing)
        text = (
            f"mean AUROC {self.mean_auroc:.4f}, mean AUPRC {self.mean_auprc:.4f} "
            f"of {count} target{'s' * (count != 1)}"
        )
        if missing:
            shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
            text += f"; left out, for all labels are alike: {len(missing)} ({shown})"
        return text


def binary_metrics(
    labels: np.ndarray,
    predictions: np.ndarray,
    targets: Sequence[str] | None = None,
    progress: bool = False,
) -> BinaryMetrics:
    """Computes AUROC and AUPRC of each target, by scikit-learn.

    Args:
        labels: Array of 0 and 1, of shape `(sequences, targets)`.
        predictions: Scores of the same shape, higher where a label is likelier 1.
        targets: Names of the targets; by default `target_0`, `target_1`, ...
        progress: Whether to show a bar on stderr.

    Returns:
        A `BinaryMetrics`.

    Raises:
        ValueError: If the shapes differ, a label is neither 0 nor 1, or a prediction
            is NaN.
        ImportError: If scikit-learn is missing.

    Reference:
        Davis and Goadrich (2006), The relationship between precision-recall and ROC
        curves, on why precision must not be interpolated linearly.

    Example:

    >>> labels = np.array([[1], [0], [1], [0]])
    >>> predictions = np.array([[0.9], [0.8], [0.7], [0.1]])
    >>> print(binary_metrics(labels, predictions, ["bound"]))
    mean AUROC 0.7500, mean AUPRC 0.8333 of 1 target
    """
    exact = import_sklearn()
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.ndim != 2 or labels.shape != predictions.shape or not labels.size:
        raise ValueError(
            "`labels` and `predictions` must have the same shape (sequences, targets). "
            f"Received: {labels.shape} and {predictions.shape}"
        )
    targets = _name_targets(targets, labels.shape[1])
    auroc, auprc = np.full((2, len(targets)), np.nan)
    positives = np.empty(len(targets), dtype=np.int64)
    with progress_bar(len(targets), "metrics", progress) as advance:
        for index, name in enumerate(targets):
            hits = _check_column(labels[:, index], name)
            scores = predictions[:, index]
            if np.isnan(scores).any():
                raise ValueError(
                    f"`predictions` must be numbers. Received: NaN for target {name!r} "
                    f"in row {np.isnan(scores).argmax()}"
                )
            positives[index] = np.count_nonzero(hits)
            if 0 < positives[index] < len(hits):
                auroc[index] = exact.roc_auc_score(hits, scores)
                auprc[index] = exact.average_precision_score(hits, scores)
            advance(1)
    return BinaryMetrics(targets, auroc, auprc, positives, len(labels) - positives)


@dataclass(frozen=True)
class StrandAgreement:
    """How far a network's answers for the two strands agree; prints as one line.

    Args:
        flipped: Share of calls, at 0.5, that one strand gets and the other does not.
        correlation: Pearson's, of the answers for one strand and for the other; NaN
            if all answers are alike.
        largest_difference: Largest difference between two answers.
    """

    flipped: float
    correlation: float
    largest_difference: float

    def __str__(self) -> str:
        return (
            f"strands: {self.flipped:.2%} of calls flip, correlation "
            f"{self.correlation:.4f}, largest difference {self.largest_difference:.2g}"
        )


def strand_agreement(forward: np.ndarray, other: np.ndarray) -> StrandAgreement:
    """Compares predictions for sequences and for their reverse complements.

    Args:
        forward: Probabilities for the sequences, of any shape.
        other: Those for their reverse complements, of the same shape.

    Returns:
        A `StrandAgreement` over all sequences and targets.

    Raises:
        ValueError: If the shapes differ, or there are no numbers.

    Example:

    >>> forward, other = np.array([0.2, 0.4, 0.9]), np.array([0.2, 0.6, 0.9])
    >>> print(strand_agreement(forward, other))
    strands: 33.33% of calls flip, correlation 0.9477, largest difference 0.2
    """
    tally = StrandTally()
    tally.add(forward, other)
    return tally.agreement()


class StrandTally:
    """Compares predictions for both strands batch by batch, and keeps none of them."""

    def __init__(self):
        self._count = self._flipped = 0
        self._largest = 0.0
        self._sums = np.zeros(2)
        self._products = np.zeros((2, 2))
        self._least, self._most = np.full(2, np.inf), np.full(2, -np.inf)

    def add(self, forward: np.ndarray, other: np.ndarray) -> None:
        """Take in a batch.

        Args:
            forward: Probabilities for the sequences, of any shape.
            other: Those for their reverse complements, of the same shape.

        Raises:
            ValueError: If the shapes differ, or there are no numbers.
        """
        forward, other = np.asarray(forward, "float64"), np.asarray(other, "float64")
        if forward.shape != other.shape or not forward.size:
            raise ValueError(
                "`forward` and `other` must have the same shape, and be not empty. "
                f"Received: {forward.shape} and {other.shape}"
            )
        both = np.stack([forward.ravel(), other.ravel()])
        self._count += both.shape[1]
        self._flipped += np.count_nonzero(np.not_equal(*(both > 0.5)))
        self._largest = max(self._largest, np.abs(both[0] - both[1]).max())
        self._sums += both.sum(axis=1)
        self._products += both @ both.T
        self._least = np.minimum(self._least, both.min(axis=1))
        self._most = np.maximum(self._most, both.max(axis=1))

    def agreement(self) -> StrandAgreement:
        """How far those of all batches agree."""
        means = self._sums / self._count
        covariance = self._products / self._count - np.outer(means, means)
        correlation = float("nan")
        if (self._most > self._least).all():
            spread = np.sqrt(covariance[0, 0] * covariance[1, 1])
            correlation = float(np.clip(covariance[0, 1] / spread, -1, 1))
        return StrandAgreement(
            self._flipped / self._count, correlation, float(self._largest)
        )


def import_sklearn() -> ModuleType:
    """The module `sklearn.metrics`.

    Raises:
        ImportError: If scikit-learn is missing; the message says how to install it.
    """
    try:
        import sklearn.metrics
    except ImportError as error:
        raise ImportError(
            'AUROC and AUPRC need scikit-learn: pip install "rckeras[metrics]"'
        ) from error
    return sklearn.metrics


def _check_column(labels: np.ndarray, name: str) -> np.ndarray:
    """Labels as booleans."""
    hits = labels == 1
    wrong = ~hits & (labels != 0)
    if wrong.any():
        row = wrong.argmax()
        raise ValueError(
            f"`labels` must be 0 or 1. Received: {labels[row]} for target {name!r} in "
            f"row {row}"
        )
    return hits


def _name_targets(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    if names is None:
        return tuple(f"target_{index}" for index in range(count))
    if len(names) != count:
        raise ValueError(
            f"`targets` must name the {count} columns. Received: {len(names)} names"
        )
    return tuple(names)


def _mean(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")
