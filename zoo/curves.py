"""ROC and precision-recall curves of an evaluation: their points, and a figure.

A point of a curve is a threshold: what scores at least as high counts as found. Of long
curves only so many points are kept that no gap shows, each at its exact place.
"""

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.prediction import check_apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rckeras.evaluation import Evaluation

_GRID = np.linspace(0, 1, 201)
_MOST_DRAWN = 10  # targets that are drawn one by one


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a target's ROC and precision-recall curves.

    Args:
        target: Its name.
        auroc: Area under all of the ROC curve.
        auprc: Average precision.
        threshold: Falling scores, one for each point.
        false_positive_rate: Share of the negatives that score at least as high.
        recall: Share of the positives that score at least as high.
        precision: Share of positives among all that score at least as high.
    """

    target: str
    auroc: float
    auprc: float
    threshold: np.ndarray
    false_positive_rate: np.ndarray
    recall: np.ndarray
    precision: np.ndarray


def trace_curves(found: "Evaluation") -> list[Curve]:
    """The curves of all targets that have positives and negatives."""
    metrics = found.metrics
    undefined = set(metrics.undefined)
    return [
        Curve(name, metrics.auroc[i], metrics.auprc[i], *_trace(hits, scores))
        for i, name in enumerate(metrics.targets)
        if name not in undefined
        for hits, scores in [(found.labels[:, i] == 1, found.predictions[:, i])]
    ]


def write_points(curves: list[Curve], path: Path) -> None:
    """Write a line of comma-separated values for each point."""
    from rckeras.io.whole import write_whole

    names = ("threshold", "false_positive_rate", "recall", "precision")
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["target", *names])
    for curve in curves:
        for point in zip(*(getattr(curve, name) for name in names), strict=True):
            rows.writerow([curve.target, *(f"{number:.6g}" for number in point)])
    write_whole(path, text.getvalue())


def draw_curves(curves: list[Curve], path: Path) -> None:
    """Draw the ROC curves and, beside them, the precision-recall curves.

    Of more than ten targets the mean is drawn, and between which values the middle half
    of them lies.

    Args:
        curves: What `trace_curves` has made.
        path: File to write, replaced if it exists; its suffix says the format.

    Raises:
        ImportError: If Matplotlib is missing; the message says how to install it.
    """
    from rckeras.io.figures import new_figure, write_figure

    figure = new_figure(9, 4.5)
    plot_curves(curves, *figure.subplots(1, 2))
    write_figure(figure, path)


def plot_curves(curves: list[Curve], left: "Axes", right: "Axes") -> None:
    """Draw the ROC curves on one axes, and the precision-recall curves on another."""
    draw = _draw_each if len(curves) <= _MOST_DRAWN else _draw_middle
    draw(curves, left, right)
    left.axline((0, 0), slope=1, color="0.7", linestyle=":", zorder=0)
    _label(left, "False positive rate", "True positive rate", "AUROC")
    _label(right, "Recall", "Precision", "AUPRC")


def check_figure(
    path: str | os.PathLike, overwrite: bool, *used: object
) -> tuple[Path, Path]:
    """Check, before any work is done, that curves can be written.

    Args:
        path: Figure to write.
        overwrite: Whether files that exist may be replaced.
        *used: Files that are read, or written otherwise.

    Returns:
        The figure, and the file of the same name for the points.

    Raises:
        ValueError: If the suffix is unknown, or it is one of the other files.
        FileExistsError: If there is such a file and `overwrite` is `False`.
        FileNotFoundError: If there is no such folder.
        ImportError: If Matplotlib is missing.
    """
    from rckeras.io.figures import SUFFIXES, import_matplotlib

    figure = Path(path)
    if figure.suffix not in SUFFIXES:
        raise ValueError(
            f"`curves` (--curves) must end in {', '.join(SUFFIXES)}. Received: {path}"
        )
    if not figure.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {figure.parent} for {figure.name}")
    import_matplotlib()
    points = figure.with_suffix(".csv")
    taken = {Path(x).resolve() for x in used if isinstance(x, str | os.PathLike)}
    for file in taken & {figure.resolve(), points.resolve()}:
        raise ValueError(
            f"`curves` (--curves) writes {figure} and {points}, and {file} is read or "
            "written otherwise"
        )
    for file in (figure, points):
        check_apart(file, *used)
        if file.exists() and not overwrite:
            raise FileExistsError(
                f"{file} exists already; overwrite=True (--force) replaces it"
            )
    return figure, points


def _trace(hits: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, ...]:
    """Thresholds, false positive rates, recalls and precisions."""
    order = np.argsort(-scores, kind="stable")
    # Equal scores are one point, whatever the order of their rows.
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    found, positives = last + 1, np.cumsum(hits[order])[last]
    recall = positives / positives[-1]
    wrong = (found - positives) / (found - positives)[-1]
    kept = _thin(recall, wrong)
    threshold = scores[order][last]
    return threshold[kept], wrong[kept], recall[kept], (positives / found)[kept]


def _thin(*rates: np.ndarray) -> np.ndarray:
    """Which points to keep: for each step of a grid the first to reach it."""
    count = len(rates[0])
    if count <= len(rates) * len(_GRID):
        return np.arange(count)
    reached = [np.searchsorted(rate, _GRID) for rate in rates]
    return np.unique(np.concatenate([*reached, [count - 1]]))


def _draw_each(curves: list[Curve], left: "Axes", right: "Axes") -> None:
    for curve in curves:
        left.plot(
            np.append(0, curve.false_positive_rate),
            np.append(0, curve.recall),
            label=f"{curve.target} {curve.auroc:.3f}",
        )
        right.step(
            np.append(0, curve.recall),
            np.append(curve.precision[0], curve.precision),
            where="pre",
            label=f"{curve.target} {curve.auprc:.3f}",
        )


def _draw_middle(curves: list[Curve], left: "Axes", right: "Axes") -> None:
    recalls = [_recall_at(curve, _GRID) for curve in curves]
    precisions = [_precision_at(curve, _GRID) for curve in curves]
    for axes, rows, areas in (
        (left, recalls, [curve.auroc for curve in curves]),
        (right, precisions, [curve.auprc for curve in curves]),
    ):
        low, high = np.quantile(rows, (0.25, 0.75), axis=0)
        mean = f"mean of {len(curves)} targets {np.mean(areas):.3f}"
        axes.plot(_GRID, np.mean(rows, axis=0), label=mean)
        axes.fill_between(_GRID, low, high, alpha=0.25, label="the middle half of them")


def _recall_at(curve: Curve, rate: np.ndarray) -> np.ndarray:
    """Recalls at false positive rates, on straight lines between points."""
    x = np.append(0, curve.false_positive_rate)
    return np.interp(rate, x, np.append(0, curve.recall))


def _precision_at(curve: Curve, recall: np.ndarray) -> np.ndarray:
    """Precisions of the first points that reach recalls, as in average precision."""
    return curve.precision[np.searchsorted(curve.recall, recall)]


def _label(axes: "Axes", x: str, y: str, area: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.02), aspect="equal")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(title=area, loc="best", fontsize="small")
