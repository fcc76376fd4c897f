"""Whether a network knows what it does not know.

A network is calibrated if, of the sequences to which it gives a probability of 0.8, 80
percent are positive; the calibration curve shows the one against the other. And its
uncertainty is of use if it errs less on the sequences of which it is surer; the
rejection curve shows the accuracy on those that are left when the least sure ones have
been given to somebody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRATEGIES = ("uniform", "quantile")

_DRAWN = 400  # points of a curve


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """Predicted probabilities and what became of them, bin by bin.

    Bins without a prediction are left out.

    Args:
        predicted: Mean probability of each bin, rising.
        observed: Share of positives in each bin.
        counts: Predictions in each bin.
        brier_score: Mean squared difference of probabilities and labels.
    """

    predicted: np.ndarray
    observed: np.ndarray
    counts: np.ndarray
    brier_score: float

    @property
    def expected_error(self) -> float:
        """Mean distance from the diagonal (ECE), of all predictions."""
        weights = self.counts / self.counts.sum()
        return float(weights @ np.abs(self.observed - self.predicted))

    @property
    def largest_error(self) -> float:
        """Distance from the diagonal of the worst bin (MCE)."""
        return float(np.abs(self.observed - self.predicted).max())


@dataclass(frozen=True, eq=False)
class RejectionCurve:
    """Accuracy on what is left when the most uncertain predictions are rejected.

    Predictions that are equally uncertain are rejected together.

    Args:
        rejected: Shares of predictions that are rejected, rising from 0.
        accuracy: Share of right ones among the others.
        threshold: Largest uncertainty among the others.
        best: Accuracy if the errors were the most uncertain ones.
    """

    rejected: np.ndarray
    accuracy: np.ndarray
    threshold: np.ndarray
    best: np.ndarray

    @property
    def mean_accuracy(self) -> float:
        """Mean over all shares: of use if above `accuracy[0]`, that of all."""
        return _mean_over(self.rejected, self.accuracy)

    @property
    def mean_best(self) -> float:
        """The most that `mean_accuracy` could be."""
        return _mean_over(self.rejected, self.best)

    def at(self, share: float) -> float:
        """Accuracy with at least a share of the predictions rejected.

        Args:
            share: From 0 up to, but not including, 1; where all that are left are
                equally uncertain, the accuracy of these.
        """
        if not 0 <= share < 1:
            raise ValueError(f"`share` must be from 0 to below 1. Received: {share}")
        # 1 - 9 / 10 is a little less than 0.1.
        place = np.searchsorted(self.rejected, share - 1e-9)
        place = min(place, len(self.rejected) - 1)
        return float(self.accuracy[place])


def calibration_curve(
    labels: np.ndarray,
    predictions: np.ndarray,
    bins: int = 10,
    strategy: str = "uniform",
) -> CalibrationCurve:
    """Compares predicted probabilities with the shares of positives.

    Args:
        labels: Array of 0 and 1, of shape `(sequences,)`, or `(sequences, targets)`,
            of which all targets are taken together.
        predictions: Probabilities of the same shape, such as the means that
            `predict_mc` gives.
        bins: Number of bins.
        strategy: `"uniform"` for bins of equal width from 0 to 1, `"quantile"` for
            bins of about as many predictions each.

    Returns:
        A `CalibrationCurve`.

    Raises:
        ValueError: If an argument is out of range, or the shapes differ.

    Reference: Guo, Pleiss, Sun and Weinberger 2017 (PMLR 70:1321-1330), section 2. That
    paper bins the probability of the class that is called, this function, as
    scikit-learn does, that of the positive one.

    Example:

    >>> curve = calibration_curve([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], bins=2)
    >>> curve.predicted.round(2).tolist(), curve.observed.tolist()
    ([0.15, 0.8], [0.0, 1.0])
    >>> round(curve.expected_error, 3)
    0.175
    """
    labels, predictions = _check(labels, predictions, "predictions")
    if not ((predictions >= 0) & (predictions <= 1)).all():
        wrong = predictions[~((predictions >= 0) & (predictions <= 1))][0]
        raise ValueError(f"`predictions` must be from 0 to 1. Received: {wrong}")
    if bins < 1:
        raise ValueError(f"`bins` must be at least 1. Received: {bins}")
    if strategy not in STRATEGIES:
        raise ValueError(
            f"`strategy` must be {' or '.join(STRATEGIES)}. Received: {strategy!r}"
        )
    edges = np.linspace(0, 1, bins + 1)
    if strategy == "quantile":
        edges = np.percentile(predictions, 100 * edges)
    which = np.searchsorted(edges[1:-1], predictions)
    counts = np.bincount(which, minlength=bins)
    filled = counts > 0
    sums = [np.bincount(which, values, bins) for values in (predictions, labels)]
    predicted, observed = (total[filled] / counts[filled] for total in sums)
    brier_score = float(np.mean((predictions - labels) ** 2))
    return CalibrationCurve(predicted, observed, counts[filled], brier_score)


def rejection_curve(
    labels: np.ndarray,
    predictions: np.ndarray,
    uncertainty: np.ndarray,
    threshold: float = 0.5,
) -> RejectionCurve:
    """Accuracy against the share of predictions that are rejected as uncertain.

    Args:
        labels: Array of 0 and 1, of shape `(sequences,)`, or `(sequences, targets)`,
            of which all targets are taken together.
        predictions: Probabilities of the same shape.
        uncertainty: Numbers of the same shape, larger where less is known, such as the
            standard deviations that `predict_mc` gives.
        threshold: Probability from which on a prediction counts as a call of 1.

    Returns:
        A `RejectionCurve`.

    Raises:
        ValueError: If the shapes differ, or a number is NaN.

    Reference: Nadeem, Zucker and Hanczar 2009 (PMLR 8:65-81) for curves of accuracy
    against rejection; Brown and Lunter 2018, section 2.7, for the spread over
    dropout masks as uncertainty.

    Example:

    >>> curve = rejection_curve([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.1], [0, 0.1, 0.3, 0])
    >>> curve.rejected.tolist(), curve.accuracy.tolist()
    ([0.0, 0.25, 0.5], [0.75, 1.0, 1.0])
    """
    _, uncertainty = _check(labels, uncertainty, "uncertainty")
    labels, predictions = _check(labels, predictions, "predictions")
    right = (predictions >= threshold) == (labels == 1)
    order = np.argsort(uncertainty, kind="stable")
    # Equal uncertainties stay or go together, whatever the order of their rows.
    last = np.flatnonzero(np.append(np.diff(uncertainty[order]) != 0, True))[::-1]
    kept = last + 1
    return RejectionCurve(
        rejected=1 - kept / len(labels),
        accuracy=np.cumsum(right[order])[last] / kept,
        threshold=uncertainty[order][last],
        best=np.minimum(right.sum(), kept) / kept,
    )


def draw_calibration(curves: Mapping[str, CalibrationCurve], axes: "Axes") -> None:
    """Draws calibration curves over the diagonal of a calibrated network.

    Areas of dots are as the predictions that they stand for.

    Args:
        curves: Curves by name.
        axes: Axes of Matplotlib.

    Example:

    ```python
    figure, (left, right) = plt.subplots(1, 2)
    draw_calibration({"hotspot": calibration_curve(labels, mean)}, left)
    draw_rejection({"hotspot": rejection_curve(labels, mean, std)}, right)
    ```
    """
    axes.axline((0, 0), slope=1, color="0.6", linestyle=":", zorder=0)
    for name, curve in curves.items():
        label = f"{name} {curve.expected_error:.3f}"
        (line,) = axes.plot(curve.predicted, curve.observed, label=label)
        area = 10 + 120 * curve.counts / curve.counts.max()
        look = {"color": line.get_color(), "alpha": 0.7, "linewidth": 0}
        axes.scatter(curve.predicted, curve.observed, area, **look)
    axes.set(
        xlabel="Predicted probability",
        ylabel="Share of positives",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
        aspect="equal",
    )
    if curves:
        axes.legend(title="Expected error", loc="upper left", fontsize="small")


def draw_rejection(curves: Mapping[str, RejectionCurve], axes: "Axes") -> None:
    """Draws accuracies against the share of predictions that are rejected.

    The dotted line is the accuracy of all, and the dashed one what could be reached if
    the errors were the most uncertain predictions.

    Args:
        curves: Curves by name.
        axes: Axes of Matplotlib.
    """
    for name, curve in curves.items():
        label = f"{name} {curve.mean_accuracy:.3f}"
        some = _thin(curve.rejected)
        (line,) = axes.plot(curve.rejected[some], curve.accuracy[some], label=label)
        colour = {"color": line.get_color(), "alpha": 0.6, "linewidth": 1}
        axes.plot(curve.rejected[some], curve.best[some], linestyle="--", **colour)
        axes.axhline(curve.accuracy[0], linestyle=":", **colour)
    axes.set(
        xlabel="Share rejected, the most uncertain first",
        ylabel="Accuracy on the others",
        xlim=(0, 1),
    )
    axes.set_ylim(top=1.005)
    if curves:
        axes.legend(title="Mean accuracy", loc="lower right", fontsize="small")


def _check(
    labels: np.ndarray, values: np.ndarray, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and numbers in one row each, in float64."""
    labels, values = np.asarray(labels), np.asarray(values)
    if labels.shape != values.shape or not labels.size or labels.ndim > 2:
        raise ValueError(
            f"`labels` and `{name}` must have the same shape, (sequences,) or "
            f"(sequences, targets). Received: {labels.shape} and {values.shape}"
        )
    labels, values = labels.ravel(), values.ravel().astype("float64")
    wrong = (labels != 0) & (labels != 1)
    if wrong.any():
        raise ValueError(f"`labels` must be 0 or 1. Received: {labels[wrong][0]}")
    if np.isnan(values).any():
        raise ValueError(f"`{name}` must be numbers. Received: NaN")
    return labels.astype("float64"), values


def _thin(rejected: np.ndarray) -> np.ndarray:
    """Which points to draw of a long curve."""
    return np.unique(np.searchsorted(rejected, np.linspace(0, rejected[-1], _DRAWN)))


def _mean_over(rejected: np.ndarray, accuracy: np.ndarray) -> float:
    """Mean over shares from 0 to 1, each point up to the next, the last to the end."""
    return float(np.diff(np.append(rejected, 1)) @ accuracy)
