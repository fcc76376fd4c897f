"""Figures of the recipes, as SVG.

Each function takes a recipe, the records of its runs and the file to write. Networks
stand in the recipe's order, and those that have not run are left out. The same records
give the same bytes.
"""

import io
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from zoo.records import Records

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from zoo.recipes import Recipe, Row

# Okabe and Ito's colours, which the colour-blind can tell apart.
_COLOURS = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"
_STYLE = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "rckeras",
    "text.parse_math": False,
}
_LABELS = {"auroc": "AUROC", "auprc": "AUPRC"}
_MOST_EPOCHS = 200  # points of a curve
_MOST_POINTS = 1_000  # of a scatter


def motif_matches(recipe: "Recipe", records: Records, path: Path) -> None:
    """Shares of matched filters, and AUROC, of each network.

    Dots are means over seeds, lines reach from the least to the greatest, and hollow
    marks are the paper's means.

    Reference: Koo and Eddy 2019, Table 1.
    """
    rows = _ran(recipe, records)
    size = 9, 1.6 + 0.32 * len(rows)
    with _drawing(recipe, path, size, 2, sharey=True) as (left, right):
        _draw_rows(left, recipe, rows, records, ("matched", "matched_relevant"))
        left.set(xlabel="share of filters", xlim=(-0.03, 1.03))
        _draw_rows(right, recipe, rows, records, ("test_auroc",), "#000000")
        right.set_xlabel(recipe.metrics["test_auroc"])
        _key(left, [*_dots(left), *_paper(recipe, rows)])


def metrics(
    recipe: "Recipe",
    records: Records,
    path: Path,
    shown: Sequence[Sequence[str]] | None = None,
) -> None:
    """Metrics of each network: a panel for each, or for those that are shown together.

    Dots are means over seeds, lines reach from the least to the greatest, and hollow
    marks are the paper's values. A panel has the name of its first metric.
    """
    rows = _ran(recipe, records)
    groups = shown or [[name] for name in recipe.metrics]
    size = 2 + 2.8 * len(groups), 1.6 + 0.28 * len(rows)
    with _drawing(recipe, path, size, len(groups), sharey=True) as panels:
        for axes, group in zip(panels, groups, strict=True):
            _draw_rows(axes, recipe, rows, records, group)
            axes.set_xlabel(recipe.metrics[group[0]])
        dots = [
            _mark("mean, least and greatest", _COLOURS[0], linestyle="-", marker="o")
        ]
        if max(map(len, groups)) > 1:
            dots = _dots(max(panels, key=lambda axes: len(_dots(axes))))
        _key(panels[0], [*dots, *_paper(recipe, rows)])


def learning_curves(recipe: "Recipe", records: Records, path: Path) -> None:
    """The monitored number epoch by epoch, and the metrics of the best epoch.

    Lines are means over runs: solid for validation, within a band from the least to the
    greatest, dotted for training. A run that has ended counts with its last value, for
    the mean of those still running would forget the ones that failed early. Metrics
    are means over seeds, with lines from the least to the greatest.

    Reference: Shrikumar et al. 2017, Fig. 2 and 3; Brown and Lunter 2018, Supplementary
    Fig. 1.
    """
    rows = _ran(recipe, records)
    name = (recipe.settings.monitor or "val_loss").removeprefix("val_")
    with _drawing(recipe, path, (10, 4), 2) as (left, right):
        for row, colour in zip(rows, _colours(rows), strict=True):
            _draw_curve(left, records, row, name, colour, dotted=True)
            _draw_curve(left, records, row, f"val_{name}", colour)
        left.set(xlabel="epoch", ylabel=_LABELS.get(name, name))
        for row, colour, shift in zip(
            rows, _colours(rows), _shifts(len(rows)), strict=True
        ):
            for place, metric in enumerate(recipe.metrics):
                values = records.by_seed(row.name, metric)
                _draw_range(right, values, place + 0.6 * shift, colour)
                _draw_published(right, row, metric, place + 0.6 * shift, colour)
        right.set_xlabel("best epoch")
        _name_lines(right, list(recipe.metrics.values()))
        lines = [
            _mark(row.name, colour)
            for row, colour in zip(rows, _colours(rows), strict=True)
        ]
        lines += [
            _mark("validation", "#777777"),
            _mark("training", "#777777", linestyle=":"),
            *_paper(recipe, rows),
        ]
        _key(left, lines)


def shrinking_sets(recipe: "Recipe", records: Records, path: Path) -> None:
    """The first two metrics against the share of training sequences.

    Shown are the datasets that all networks have run on. A dot is a seed, or, on
    several datasets, the median of a dataset over its seeds; lines join the medians of
    the dots.

    Reference: Shrikumar et al. 2017, Fig. 6.
    """
    families = _families(recipe, _ran(recipe, records))
    with _drawing(recipe, path, (10, 4.2), 2) as panels:
        for axes, metric in zip(panels, recipe.metrics, strict=False):
            _draw_shares(axes, recipe, families, records, metric)
        _key(panels[0], _share_marks(families, records))


def gains(recipe: "Recipe", records: Records, path: Path, shown: Sequence[str]) -> None:
    """What networks gain over the first one, and what smaller training sets cost.

    At the left is what each dataset gains in some metrics, with all training sequences,
    over the first network's first metric: dots are medians over seeds, bars the medians
    of the dots. At the right is the first metric against the share of the training
    sequences, for the networks that have run with several, as `shrinking_sets` has it.

    Args:
        recipe: The recipe.
        records: The records of its runs.
        path: The file.
        shown: Metrics at the left; a network whose metrics are the same has one row of
            dots.
    """
    rows = _ran(recipe, records)
    whole = [row for row in rows if row.train_share == 1]
    families = {
        key: members
        for key, members in _families(recipe, rows).items()
        if members[0].train_share < 1
    }
    columns = 2 if families else 1
    size = 1 + 5 * columns, 2 + 0.35 * len(whole)
    with _drawing(recipe, path, size, columns) as panels:
        _draw_gains(panels[0], recipe, whole, records, shown)
        marks = [*_dots(panels[0]), *_share_marks(families, records)]
        for axes in panels[1:]:
            _draw_shares(axes, recipe, families, records, next(iter(recipe.metrics)))
        _key(panels[0], marks)


def strand_scatter(recipe: "Recipe", records: Records, path: Path) -> None:
    """Predictions for the reverse complement against those for the sequence itself.

    A panel shows the first run of a network that has its predictions beside it, see
    `zoo.measures.strand_agreement`, and at most 1,000 of them.

    Reference: Shrikumar et al. 2017, Fig. 4.
    """
    rows = _ran(recipe, records)
    size = 0.6 + 3 * max(1, len(rows)), 4.1
    with _drawing(
        recipe, path, size, max(1, len(rows)), sharex=True, sharey=True
    ) as panels:
        for axes, row, colour in zip(panels, rows, _colours(rows), strict=False):
            axes.set_title(row.name)
            axes.set(xlabel="forward strand", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
            axes.set_box_aspect(1)
            axes.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=0.8)
            points = _strands(recipe, records, row)
            if points is None:
                text = "predictions are not here"
                axes.text(0.5, 0.5, text, ha="center", backgroundcolor="white")
            else:
                _draw_points(axes, points, colour)
        panels[0].set_ylabel("reverse complement")


def accuracies(
    recipe: "Recipe", records: Records, path: Path, best: float | None = None
) -> None:
    """The first metric of each network: all seeds, their mean and the paper's.

    On several datasets a dot is the median of one of them over its seeds.

    Args:
        recipe: The recipe.
        records: The records of its runs.
        path: The file.
        best: The best value that the data allow, as a dashed line; `None` if it is not
            known.

    Reference: Brown and Lunter 2018, Fig. 3.
    """
    rows = _ran(recipe, records)
    metric, label = next(iter(recipe.metrics.items()))
    with _drawing(recipe, path, (8, 1.6 + 0.45 * len(rows))) as (axes,):
        for place, (row, colour) in enumerate(zip(rows, _colours(rows), strict=True)):
            values = _values(records, row, metric)
            heights = [place + 0.5 * shift for shift in _scattered(len(values))]
            axes.plot(values, heights, "o", color=colour, markersize=3, alpha=0.6)
            axes.plot([fmean(values)] * 2, [place - 0.3, place + 0.3], color=colour)
            _draw_published(axes, row, metric, place, colour)
        marks = [
            _mark(_dot(records), "#777777", marker="o", markersize=3),
            _mark("mean", "#777777", marker="|", markersize=10),
            *_paper(recipe, rows),
        ]
        if best is not None:
            axes.axvline(best, color="#000000", linestyle="--", linewidth=1)
            marks.append(_mark("best possible", "#000000", linestyle="--", linewidth=1))
        axes.set_xlabel(label)
        _name_lines(axes, [row.name for row in rows])
        _key(axes, marks)


@contextmanager
def _drawing(
    recipe: "Recipe",
    path: Path,
    size: tuple[float, float],
    columns: int = 1,
    **shared: bool,
) -> "Iterator[Sequence[Axes]]":
    """Panels side by side, which are saved in the end.

    Raises:
        ImportError: If Matplotlib is missing.
    """
    from rckeras.io.figures import import_matplotlib, new_figure

    import_matplotlib()
    import matplotlib.style

    # The style lasts for this block; whatever the user has set counts for nothing.
    with matplotlib.style.context(["default", _STYLE]):
        figure = new_figure(*size)
        panels = figure.subplots(1, columns, squeeze=False, **shared)[0]
        figure.suptitle(textwrap.fill(recipe.title, int(11 * size[0])), fontsize=11)
        yield panels
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    Path(path).write_text(_rounded(text.getvalue()), encoding="utf-8")


def _rounded(svg: str) -> str:
    """Coordinates with two decimals, where a pixel is about one."""
    return re.sub(
        r' (?:d|x|y)="[^"]+"',
        lambda found: re.sub(
            r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", found[0]
        ),
        svg,
    )


def _ran(recipe: "Recipe", records: Records) -> "list[Row]":
    """The rows with results."""
    names = {run["row"] for run in records.results}
    return [row for row in recipe.rows if row.name in names]


def _colours(things: Any) -> list[str]:
    return [_COLOURS[index % len(_COLOURS)] for index in range(len(things))]


def _shifts(number: int) -> list[float]:
    """Offsets, evenly from above -0.5 to below 0.5, for what shares a place."""
    return [(index + 0.5) / number - 0.5 for index in range(number)]


def _scattered(number: int) -> list[float]:
    """Offsets between -0.5 and 0.5 without a pattern: steps of the golden ratio."""
    return [index * (5**0.5 - 1) / 2 % 1 - 0.5 for index in range(number)]


def _dot(records: Records) -> str:
    return "a dataset" if len(records.datasets()) > 1 else "a seed"


def _values(records: Records, row: "Row", metric: str) -> list[float]:
    """A metric of each seed; on several datasets of each of them."""
    if len(records.datasets()) > 1:
        return list(records.by_dataset(row.name, metric).values())
    return records.values(row.name, metric)


def _mark(label: str, colour: str, **style: Any) -> Any:
    """What stands in the key."""
    from matplotlib.lines import Line2D

    if "marker" in style:
        style = {"linestyle": ""} | style
    return Line2D([], [], color=colour, label=label, **style)


def _paper(recipe: "Recipe", rows: "Sequence[Row]") -> list[Any]:
    """The mark of published values, if there are any."""
    shown = any(metric in row.published for row in rows for metric in recipe.metrics)
    return [_mark("paper", "#777777", marker="D", mfc="none")] if shown else []


def _key(axes: "Axes", marks: Sequence[Any]) -> None:
    """The key, below all panels."""
    axes.figure.legend(
        handles=marks, loc="outside lower center", ncols=min(5, max(1, len(marks)))
    )


def _name_lines(axes: "Axes", names: Sequence[str]) -> None:
    """Names at the left, the first one on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(1, len(names)) - 0.5, -0.5)


def _draw_rows(
    axes: "Axes",
    recipe: "Recipe",
    rows: "Sequence[Row]",
    records: Records,
    metrics: Sequence[str],
    first_colour: str = _COLOURS[0],
) -> None:
    """Means, ranges and published values of metrics, a line for each row."""
    colours = first_colour, *_COLOURS[1:]
    shifts = [0.7 * shift for shift in _shifts(len(metrics))]
    for metric, colour, shift in zip(metrics, colours, shifts, strict=False):
        for place, row in enumerate(rows):
            values = records.by_seed(row.name, metric)
            label = recipe.metrics[metric] if not place else None
            _draw_range(axes, values, place + shift, colour, label)
            _draw_published(axes, row, metric, place + shift, colour)
    _name_lines(axes, [row.name for row in rows])


def _dots(axes: "Axes") -> list[Any]:
    """Those of the drawn dots that have a label."""
    return axes.get_legend_handles_labels()[0]


def _draw_range(
    axes: "Axes",
    values: Sequence[float],
    place: float,
    colour: str,
    label: str | None = None,
) -> None:
    """A dot at the mean, and a line from the least to the greatest."""
    axes.plot([min(values), max(values)], [place] * 2, color=colour, linewidth=1.2)
    axes.plot([fmean(values)], [place], "o", color=colour, markersize=4.5, label=label)


def _draw_published(
    axes: "Axes", row: "Row", metric: str, place: float, colour: str
) -> None:
    if metric in row.published:
        value = row.published[metric][0]
        axes.plot([value], [place], "D", color=colour, markersize=7, mfc="none")


def _draw_curve(
    axes: "Axes",
    records: Records,
    row: "Row",
    name: str,
    colour: str,
    dotted: bool = False,
) -> None:
    """Mean over runs, epoch by epoch; nothing if it was not logged."""
    if not records.histories or name not in records.histories[0]:
        return
    curves = list(records.curves(row.name, name).values())
    last = max(map(len, curves), default=0)
    step = math.ceil(last / _MOST_EPOCHS) or 1
    epochs = sorted({*range(1, last + 1, step), last} - {0})
    columns = [
        [curve[min(epoch, len(curve)) - 1] for curve in curves] for epoch in epochs
    ]
    means = [fmean(column) for column in columns]
    axes.plot(epochs, means, ":" if dotted else "-", color=colour, linewidth=1.2)
    if not dotted:
        lows, highs = [min(c) for c in columns], [max(c) for c in columns]
        axes.fill_between(epochs, lows, highs, color=colour, alpha=0.15, linewidth=0)


def _draw_gains(
    axes: "Axes",
    recipe: "Recipe",
    rows: "Sequence[Row]",
    records: Records,
    metrics: Sequence[str],
) -> None:
    """Differences of each dataset to its first metric of the first row."""
    first = next(iter(recipe.metrics))
    start = records.by_dataset(recipe.rows[0].name, first)
    axes.axvline(0, color="#777777", linewidth=1)
    shifts = [0.8 * shift for shift in _shifts(len(metrics))]
    for metric, colour, shift in zip(metrics, _COLOURS, shifts, strict=False):
        axes.plot([], [], "o", color=colour, markersize=4, label=recipe.metrics[metric])
        for place, row in enumerate(rows):
            found = records.by_dataset(row.name, metric)
            if metric != first and _are_alike(
                found, records.by_dataset(row.name, first)
            ):
                continue
            values = [found[key] - start[key] for key in found if key in start]
            if not any(values):
                continue
            heights = [place + shift + 0.2 * s for s in _scattered(len(values))]
            axes.plot(values, heights, "o", color=colour, markersize=3, alpha=0.5)
            bar = [place + shift - 0.2, place + shift + 0.2]
            axes.plot([median(values)] * 2, bar, color=colour, linewidth=2)
    _name_lines(axes, [_family(row)[1] for row in rows])
    start_name = _family(recipe.rows[0])[1]
    axes.set_xlabel(f"{recipe.metrics[first]}, difference to “{start_name}”")


def _are_alike(some: dict[str, float], others: dict[str, float]) -> bool:
    """Whether metrics differ by rounding alone."""
    return all(abs(some[key] - others[key]) < 1e-4 for key in some)


def _family(row: "Row") -> tuple[str, str]:
    """What rows have in common that differ in their share of training sequences."""
    return row.network, re.sub(r",? *[\d.]+ ?%$", "", row.name)


def _families(
    recipe: "Recipe", rows: "Sequence[Row]"
) -> "dict[tuple[str, str], list[Row]]":
    """Rows that differ in their share alone, the smallest first."""
    families: dict[tuple[str, str], list[Row]] = {
        _family(row): [] for row in recipe.rows
    }
    for row in sorted(rows, key=lambda row: row.train_share):
        families[_family(row)].append(row)
    return {key: members for key, members in families.items() if members}


def _draw_shares(
    axes: "Axes",
    recipe: "Recipe",
    families: "dict[tuple[str, str], list[Row]]",
    records: Records,
    metric: str,
) -> None:
    """A line for each family, over the datasets that all rows have run on."""
    rows = [row for members in families.values() for row in members]
    records = records.on_shared_datasets([row.name for row in rows])
    for members, colour, shift in zip(
        families.values(), _colours(families), _shifts(len(families)), strict=True
    ):
        _draw_family(axes, records, members, metric, colour, 1 + 0.2 * shift)
    shares = sorted({row.train_share for row in rows})
    axes.set(xscale="log", xlabel="share of training sequences")
    axes.set_ylabel(recipe.metrics[metric])
    axes.set_xticks(shares, [f"{share:.4g}" for share in shares])
    axes.set_xticks([], minor=True)


def _share_marks(
    families: "dict[tuple[str, str], list[Row]]", records: Records
) -> list[Any]:
    lines = [
        _mark(name, colour)
        for (_, name), colour in zip(families, _colours(families), strict=True)
    ]
    return [*lines, _mark(_dot(records), "#777777", marker="o", markersize=2.5)]


def _draw_family(
    axes: "Axes",
    records: Records,
    rows: "Sequence[Row]",
    metric: str,
    colour: str,
    factor: float,
) -> None:
    """Dots of each row, and a line through their medians."""
    middles = []
    for row in rows:
        values = _values(records, row, metric)
        places = [row.train_share * factor] * len(values)
        axes.plot(places, values, "o", color=colour, markersize=2.5, alpha=0.5, mew=0)
        middles.append(median(values))
    axes.plot([row.train_share for row in rows], middles, color=colour)


def _strands(recipe: "Recipe", records: Records, row: "Row") -> Any:
    """Predictions for both strands, in two columns; `None` if there is no file."""
    import numpy as np

    from zoo.experiment import Run

    if records.folder is None:
        return None
    runs = [run for run in records.results if run["row"] == row.name]
    for line in sorted(runs, key=lambda run: run["seed"]):
        run = Run(recipe, line["dataset"], row, int(line["seed"]))
        path = run.folder(records.folder) / "strands.csv"
        if path.is_file():
            points = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
            order = np.random.default_rng(0).permutation(len(points))
            return points[np.sort(order[:_MOST_POINTS])]
    return None


def _draw_points(axes: "Axes", points: Any, colour: str) -> None:
    """Dots as round ends of lines of no length: a third of the bytes of markers."""
    import numpy as np
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Line

    codes = np.tile([Line.MOVETO, Line.LINETO], len(points))
    line = Line(np.repeat(points, 2, axis=0), codes)
    line.should_simplify = False
    axes.add_patch(
        PathPatch(line, fill=False, edgecolor=colour, linewidth=2, capstyle="round")
    )
