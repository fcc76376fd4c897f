"""All that can be compared with the papers: published values beside those of here.

What must be exact is: parameter counts, facts about simulated data, and outputs of
weights that are published or that the package carries. What trained networks reach is
set beside the papers' means and spreads.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from zoo.messages import in_one_line
from zoo.recipes import Recipe, Row, find_recipe, list_recipes
from zoo.records import Records, mean_and_spread, read_records
from zoo.registry import Card, describe, list_models

COUNT = "trainable parameters"
HEAD = ("what", "published", "here", "difference", "verdict")
NOT_RUN = "not run"
_ROUNDING = 0.0005  # the papers print three digits
_ERRORS = 3  # standard errors; with few seeds, two are passed too often by chance
# What the papers say of the data that they simulate.
_DATA = {
    "simulate_shrikumar2017": {"sequences": 30_000, "bases": 200, "targets": 3},
    "simulate_koo2019": {"sequences": 25_000, "bases": 200, "targets": 12},
    "simulate_brown2018": {"sequences": 40_000, "bases": 1000},
}


@dataclass(frozen=True)
class Finding:
    """A published value beside that of here; a line of the table.

    Attributes:
        what: What is compared.
        published: What the paper says.
        here: What was found here.
        difference: How far they differ.
        verdict: `"equal"` or `"DIFFERS"` where they must be equal, otherwise
            `"within error"`, `"outside"`, or why nothing can be said.
    """

    what: str
    published: str
    here: str = ""
    difference: str = ""
    verdict: str = NOT_RUN

    def __str__(self) -> str:
        cells = (self.what, self.published, self.here, self.difference, self.verdict)
        return f"| {' | '.join(cells)} |"


@dataclass(frozen=True)
class Fidelity:
    """Outcome of `compare`; prints as a table in Markdown.

    Attributes:
        findings: All that was compared.
    """

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether all is equal that must be."""
        return not self._count("DIFFERS")

    def __str__(self) -> str:
        exact = self._count("equal"), self._count("equal") + self._count("DIFFERS")
        within = self._count("within error")
        lines = [
            "# The package beside the papers",
            "",
            f"| {' | '.join(HEAD)} |",
            "|" + " --- |" * len(HEAD),
            *map(str, self.findings),
            "",
            f"Equal: {exact[0]} of {exact[1]} that must be. Trained networks: {within} "
            f"of {within + self._count('outside')} within error, that is, the means "
            f"differ by no more than {_ERRORS} standard errors of their difference, "
            "which go by the seeds of paper and package and their spreads together. "
            f"Not run: {self._count(NOT_RUN)}.",
        ]
        return "\n".join(lines)

    def _count(self, verdict: str) -> int:
        return sum(finding.verdict.startswith(verdict) for finding in self.findings)


def compare(
    weights: Mapping[str, str | Path] | None = None,
    results: Path | None = None,
    full: bool = False,
) -> Fidelity:
    """Compare what the package claims with the papers.

    Args:
        weights: Copies of published weights, by name of the network. Without one, only
            a copy in the cache is looked at.
        results: Folder with a folder of results for each experiment, by its name; by
            default the results that the package carries.
        full: Whether to check all networks, as `zoo.check` does, and to download
            published weights.

    Returns:
        A `Fidelity`, to be printed, with a verdict in `passed`.

    Raises:
        ValueError: If weights are given of a network that has no recorded output of
            published ones, or that do not fit.
        FileNotFoundError: If such a file, or the folder, is missing.

    Example:

    ```python
    print(compare({"prdm9": "SavedModel.h5"}))
    ```
    """
    given = dict(weights or {})
    cards = [describe(name) for name in list_models()]
    _check_given(given, cards)
    if results is None:
        results = Path(str(files("zoo") / "reproduced"))
    elif not results.is_dir():
        raise FileNotFoundError(f"`results` (--results): there is no folder {results}")
    recipes = [find_recipe(name) for name in list_recipes()]
    findings = [
        *(_compare_count(card) for card in cards if COUNT in card.published),
        *(finding for name in _DATA for finding in _compare_data(name)),
        *(f for card in cards for f in _compare_ported(card, given, full)),
        *_compare_shipped(cards),
        *(finding for card in cards if full for finding in _check_network(card)),
        *(f for recipe in recipes for f in compare_results(recipe, results)),
        *_list_other_figures(cards, recipes),
    ]
    return Fidelity(tuple(findings))


def compare_results(recipe: Recipe, results: Path) -> Iterator[Finding]:
    """Findings on the published values of an experiment.

    Args:
        recipe: The experiment.
        results: Folder with its folder of results, if it has run.

    Yields:
        A finding for each value that the paper prints, or one if it prints none.
    """
    records = read_records(results / recipe.name)
    printed = [(row, metric) for row in recipe.rows for metric in row.published]
    for row, metric in printed:
        yield _compare_metric(recipe, row, metric, records)
    if not printed:
        seeds = len({run["seed"] for run in records.results})
        here = f"{seeds} seed{'s' * (seeds != 1)}" if seeds else ""
        verdict = "nothing to compare" if seeds else NOT_RUN
        yield Finding(recipe.name, "no numbers", here, "", verdict)


def judge(
    difference: float, published: tuple[float, int], here: tuple[float, int]
) -> str:
    """The verdict on a difference of two means.

    Args:
        difference: That of the means.
        published: Standard deviation over the seeds of the paper, NaN if it prints
            none, and their number.
        here: The same of what was found here; the deviation of one seed is NaN.

    Returns:
        `"within error"` if the difference is no larger than three of its standard
        errors, beyond what rounding to three digits explains.
    """
    known = [(s, n) for s, n in (published, here) if not math.isnan(s)]
    if not known:
        return "no spread to judge by"
    freedom = sum(n - 1 for _, n in known)
    variance = sum((n - 1) * s**2 for s, n in known) / freedom
    error = math.sqrt(variance * (1 / published[1] + 1 / here[1]))
    within = abs(difference) <= _ERRORS * error + _ROUNDING
    return "within error" if within else "outside"


def _compare_count(card: Card) -> Finding:
    from zoo.checking import count_trainable
    from zoo.loading import build

    published = int(card.published[COUNT])
    here = count_trainable(build(card.name))
    finding = _exact(f"{card.name}, {COUNT}", published, here)
    if COUNT not in card.misprints:
        return finding
    note = f"{finding.published} ({card.misprints[COUNT]})"
    return replace(finding, published=note)


def _compare_data(simulator: str) -> Iterator[Finding]:
    import rckeras.datasets

    try:
        dataset = getattr(rckeras.datasets, simulator)()
    except ImportError as error:
        for name, value in _DATA[simulator].items():
            verdict = f"{NOT_RUN}: {in_one_line(error)}"
            yield Finding(f"{simulator}, {name}", f"{value:,}", verdict=verdict)
        return
    here = {
        "sequences": len(dataset),
        "bases": dataset.length,
        "targets": len(dataset.targets),
        **dataset.notes,
    }
    for name, value in _DATA[simulator].items():
        yield _exact(f"{simulator}, {name.replace('_', ' ')}", value, here[name])


def _compare_ported(
    card: Card, given: Mapping[str, str | Path], full: bool
) -> Iterator[Finding]:
    """Findings on published weights: their outputs, as they were recorded."""
    from zoo.checking import check_recorded
    from zoo.store import cache_dir

    for weights in card.weights:
        if weights.shipped:
            continue
        what = f"{card.name}, output of the published weights {weights.name!r}"
        vectors = [v for v in card.test_vectors if v.weights == weights.name]
        at_hand = card.name in given or (cache_dir() / weights.file).is_file()
        if not vectors:
            yield Finding(
                what, "none recorded", verdict=f"{NOT_RUN}: nothing to compare"
            )
        for vector in vectors:
            if at_hand or full:
                path = given.get(card.name)
                yield _from_step(what, check_recorded(card, vector, path))
            else:
                verdict = (
                    f"{NOT_RUN}: --weights {card.name}=FILE, or --full to download"
                )
                yield Finding(what, "recorded", verdict=verdict)


def _compare_shipped(cards: list[Card]) -> Iterator[Finding]:
    """Findings on weights that the package carries."""
    from zoo.checking import check_recorded

    if not any(weights.shipped for card in cards for weights in card.weights):
        yield Finding("weights in the package", "", "none", "", "nothing to compare")
    for card in cards:
        shipped = {weights.name for weights in card.weights if weights.shipped}
        for vector in card.test_vectors:
            if vector.weights in shipped:
                what = f"{card.name}, output of the shipped weights {vector.weights!r}"
                yield _from_step(what, check_recorded(card, vector))


def _check_network(card: Card) -> Iterator[Finding]:
    from zoo.checking import check

    for what, passed, found in check(card.name, weights=None).steps:
        yield _from_step(f"{card.name}, {what}", (what, passed, found), "on its card")


def _compare_metric(recipe: Recipe, row: Row, metric: str, records: Records) -> Finding:
    mean, *spread = row.published[metric]
    what = f"{recipe.name}: {row.name}, {recipe.metrics.get(metric, metric)}"
    published = _number(mean, spread[0] if spread else math.nan)
    measured = any(metric in run for run in records.results)
    values = records.by_seed(row.name, metric) if measured else []
    if not values:
        return Finding(what, published)
    found, deviation = mean_and_spread(values)
    theirs = spread[0] if spread else math.nan
    if recipe.published_errors:
        theirs *= math.sqrt(recipe.seeds)
    seeds = recipe.seeds, len(values)
    verdict = judge(found - mean, (theirs, seeds[0]), (deviation, seeds[1]))
    here = f"{_number(found, deviation)} (n = {len(values)})"
    return Finding(what, published, here, f"{found - mean:+.3f}", verdict)


def _list_other_figures(cards: list[Card], recipes: list[Recipe]) -> Iterator[Finding]:
    """Published figures on cards that are in no experiment."""
    rows = [row for recipe in recipes for row in recipe.rows]
    printed = {
        (row.network, value[0]) for row in rows for value in row.published.values()
    }
    for card in cards:
        for name, value in card.published.items():
            if name != COUNT and (card.name, value) not in printed:
                verdict = f"{NOT_RUN}: no experiment of the package measures it"
                yield Finding(f"{card.name}, {name}", f"{value:g}", verdict=verdict)


def _check_given(given: Mapping[str, str | Path], cards: list[Card]) -> None:
    """Refuse weights that there is nothing to compare with, before any work."""
    known = [
        card.name
        for card in cards
        for weights in card.weights
        if not weights.shipped
        and any(vector.weights == weights.name for vector in card.test_vectors)
    ]
    for name, path in given.items():
        if name not in known:
            raise ValueError(
                "`weights` must be of networks with a recorded output of published "
                f"weights: {', '.join(known)}. Received: {name!r}"
            )
        if not Path(path).is_file():
            raise FileNotFoundError(f"`weights` for {name}: there is no file {path}")


def _exact(what: str, published: float, here: float) -> Finding:
    difference = f"{here - published:+,}" if here != published else "0"
    verdict = "equal" if here == published else "DIFFERS"
    return Finding(what, f"{published:,}", f"{here:,}", difference, verdict)


def _from_step(
    what: str, step: tuple[str, bool | None, str], published: str = "recorded"
) -> Finding:
    """A finding from a step of `zoo.check`."""
    _, passed, found = step
    if passed is None:
        return Finding(what, published, verdict=f"{NOT_RUN}: {found}")
    return Finding(what, published, "", found, "equal" if passed else "DIFFERS")


def _number(mean: float, spread: float) -> str:
    return f"{mean:.3f}" if math.isnan(spread) else f"{mean:.3f} ± {spread:.3f}"
