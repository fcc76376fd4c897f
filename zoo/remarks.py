"""Tests and counts that stand below the tables of the recipes.

Each function takes a recipe, the records of its runs and what is to be compared, and
returns paragraphs in Markdown.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING

from zoo.markdown import table
from zoo.records import Records

if TYPE_CHECKING:
    from zoo.recipes import Recipe

_FEWEST = 3  # seeds of a row, or datasets, that are worth a test
_NO_TEST = "–"
_DIGITS = 8  # results are stored with six


def rank_sum(
    recipe: "Recipe",
    records: Records,
    pairs: Sequence[tuple[str, str]],
    metrics: Sequence[str] | None = None,
) -> list[str]:
    """Wilcoxon rank-sum tests over seeds: is one row better than another?

    The tests are one-sided and exact, with ties, too. On several datasets a seed counts
    with its mean over them.

    Args:
        recipe: The recipe.
        records: The records of its runs.
        pairs: Names of the row that should be better, and of the other one. Those with
            fewer than three seeds each are left out.
        metrics: Metrics to compare; `None` for the recipe's first one.

    Returns:
        A table for each metric, if there is a line for it.

    Raises:
        ImportError: If SciPy is missing.

    Reference: Shrikumar et al. 2017, section 3.8: "Wilcoxon test" in R, one-sided, over
    ten seeds of each network. The p-value printed there, 5.413e-06, is one in the
    184,756 ways to choose ten runs of twenty: the unpaired test, when all of one
    network are above all of the other.
    """
    tables = []
    for metric in metrics or list(recipe.metrics)[:1]:
        lines = []
        for better, other in pairs:
            shared = records.on_shared_datasets((better, other))
            values = [
                _upwards(shared.by_seed(name, metric), metric)
                for name in (better, other)
            ]
            a, b = map(len, values)
            if min(a, b) < _FEWEST:
                continue
            p, least = _rank_sum_p(*values), 1 / math.comb(a + b, a)
            texts = [f"{a}, {b}", f"{p:.2g}", f"{least:.2g}"]
            lines.append([_against(better, other), *texts])
        about = (
            "One-sided exact Wilcoxon rank-sum tests over seeds, each test on its own"
        )
        head = ["hypothesis", "seeds", "p", "least p with these seeds"]
        tables += _titled(recipe, metric, about, head, lines)
    return tables


def signed_rank(
    recipe: "Recipe",
    records: Records,
    pairs: Sequence[tuple[str, str]],
    metrics: Sequence[str],
) -> list[str]:
    """Wilcoxon signed-rank tests over datasets: is one row better than another?

    The tests are one-sided. A dataset counts with the difference of the rows' medians
    over the seeds that both have run with, and not at all if they are equal.

    Args:
        recipe: The recipe.
        records: The records of its runs.
        pairs: Names of the row that should be better, and of the other one. Those that
            have not both run on a dataset are left out.
        metrics: Metrics to compare.

    Returns:
        A table for each metric.

    Raises:
        ImportError: If SciPy is missing.
    """
    tables = []
    for metric in metrics:
        lines = []
        for better, other in pairs:
            differences = _differences(records, better, other, metric)
            if differences:
                lines.append([_against(better, other), *_verdict(differences, metric)])
        about = (
            "One-sided Wilcoxon signed-rank tests over datasets, each with its medians "
            "over seeds, and each test on its own"
        )
        head = ["hypothesis", "datasets", "better", "worse"]
        head += ["median difference", "p"]
        tables += _titled(recipe, metric, about, head, lines)
    return tables


def by_dataset(
    recipe: "Recipe",
    records: Records,
    published: Mapping[str, Mapping[str, float]] | None = None,
    shown: Sequence[str] | None = None,
) -> list[str]:
    """A table for each metric: networks and datasets, each pair with its median.

    Those are the columns whose names take less room together.

    Args:
        recipe: The recipe.
        records: The records of its runs.
        published: What others have reached in the first metric, by what it is called
            and by dataset.
        shown: Metrics to show; `None` for all.
    """
    tables = []
    for metric in shown or recipe.metrics:
        heading = recipe.metrics[metric]
        columns = {
            row.name: records.by_dataset(row.name, metric) for row in recipe.rows
        }
        if not tables:
            columns |= published or {}
        columns = {name: values for name, values in columns.items() if values}
        datasets = sorted(records.datasets())
        turned = len("".join(datasets)) > len("".join(columns))
        lines = [["dataset" if turned else "network", *datasets]]
        for name, values in columns.items():
            cells = (f"{values[d]:.4f}" if d in values else "" for d in datasets)
            lines.append([name, *cells])
        head, *lines = zip(*lines, strict=True) if turned else lines
        title = f"{heading} of each dataset, medians over seeds:"
        tables.append("\n".join([title, "", *table(head, lines)]))
    return tables


def converged(
    recipe: "Recipe", records: Records, chance: float, best: float
) -> list[str]:
    """How many runs have learned something, and how soon.

    A run has if its first metric is above the middle between chance and the best that
    is possible; the epochs are those until the monitored number is there.

    Args:
        recipe: The recipe.
        records: The records of its runs.
        chance: The metric of a network that has learned nothing.
        best: The metric of the best one that the data allow.

    Reference: Brown and Lunter 2018, section 3.2.
    """
    metric, heading = next(iter(recipe.metrics.items()))
    bar = (chance + best) / 2
    lines = [f"Runs above {bar:.3g} in {heading}, halfway between chance and best:", ""]
    for row in recipe.rows:
        runs = [run for run in records.results if run["row"] == row.name]
        good = [run for run in runs if run[metric] > bar]
        if not runs:
            continue
        text = f"- {row.name}: {len(good)} of {len(runs)} ({len(good) / len(runs):.0%})"
        curves = records.curves(row.name, recipe.settings.monitor or "val_loss")
        keys = [(run["dataset"], int(run["seed"])) for run in good]
        epochs = [_first_above(curves.get(key, []), bar) for key in keys]
        reached = [epoch for epoch in epochs if epoch is not None]
        if reached:
            text += f", after {fmean(reached):.1f} epochs on average"
        lines.append(text)
    return ["\n".join(lines)]


def _against(better: str, other: str) -> str:
    return f"{better} > {other}"


def _titled(
    recipe: "Recipe", metric: str, about: str, head: list[str], lines: list[list[str]]
) -> list[str]:
    """A table and what stands above it; nothing without lines."""
    if not lines:
        return []
    title = f"Is one network better than another in {recipe.metrics[metric]}? {about}:"
    return ["\n".join([title, "", *table(head, lines)])]


def _upwards(values: Sequence[float], metric: str) -> list[float]:
    """Values of which the larger ones are better."""
    return [-value if metric.endswith("loss") else value for value in values]


def _rank_sum_p(better: Sequence[float], other: Sequence[float]) -> float:
    """Share of all ways to deal out the ranks that give `better` as large a sum.

    Equal values share the mean of their ranks, for which SciPy's exact test has no
    distribution. Ways are counted rank by rank.

    Reference: Streitberg and Röhmel 1986, the shift algorithm.
    """
    import numpy as np

    ranks = _import_stats().rankdata([*better, *other])
    doubled = np.rint(2 * ranks).astype(int)  # halves are whole, too
    ways = np.zeros((len(better) + 1, doubled.sum() + 1))
    ways[0, 0] = 1
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, :-rank].copy()
    found = ways[-1]
    return float(found[doubled[: len(better)].sum() :].sum() / found.sum())


def _differences(records: Records, better: str, other: str, metric: str) -> list[float]:
    """What a row is above another on each dataset, in medians over shared seeds."""
    found = {
        (run["row"], run["dataset"], run["seed"]): run[metric]
        for run in records.results
    }
    pairs: dict[str, list[tuple[float, float]]] = {}
    for (row, dataset, seed), value in found.items():
        beside = found.get((other, dataset, seed))
        if row == better and beside is not None:
            pairs.setdefault(dataset, []).append((value, beside))
    medians = [tuple(map(median, zip(*each, strict=True))) for each in pairs.values()]
    # Without the noise of a subtraction, equal differences share a rank.
    return [round(a - b, _DIGITS) for a, b in medians]


def _verdict(differences: Sequence[float], metric: str) -> list[str]:
    """The test of a pair: datasets, better, worse, median difference, p."""
    upwards = _upwards(differences, metric)
    wins = sum(value > 0 for value in upwards)
    losses = sum(value < 0 for value in upwards)
    p = _NO_TEST
    if wins + losses >= _FEWEST:
        tested = [value for value in upwards if value]
        p = f"{_import_stats().wilcoxon(tested, alternative='greater').pvalue:.2g}"
    counts = [str(number) for number in (len(upwards), wins, losses)]
    return [*counts, f"{median(differences):+.2g}", p]


def _first_above(curve: Sequence[float], bar: float) -> int | None:
    """The first epoch with a number above the bar."""
    return next((n for n, value in enumerate(curve, start=1) if value > bar), None)


def _import_stats():
    """The module `scipy.stats`.

    Raises:
        ImportError: If SciPy is missing; the message says how to install it.
    """
    try:
        import scipy.stats
    except ImportError as error:
        raise ImportError(
            'tests of the results need SciPy: pip install "rckeras[reports]"'
        ) from error
    return scipy.stats
