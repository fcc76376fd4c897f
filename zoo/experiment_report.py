"""Tables and figures of what recipes found, beside what the papers print."""

import math
from collections.abc import Sequence
from pathlib import Path

from zoo import markdown
from zoo.recipes.recipe import Recipe, Row
from zoo.records import Records, mean_and_spread, read_records


def write_report(recipe: Recipe, folder: Path) -> None:
    """Write `table.md`, and `figure.svg` if the recipe has a figure.

    Args:
        recipe: The recipe.
        folder: Folder of its results.

    Raises:
        ImportError: If a library is missing that figure or remarks need.
    """
    from rckeras.io.whole import complete_or_none, write_whole

    records = read_records(folder)
    if not records.results:
        return
    write_whole(folder / "table.md", report(recipe, records))
    if recipe.figure is not None:
        with complete_or_none(folder / "figure.svg") as part:
            recipe.figure(recipe, records, part)


def report(recipe: Recipe, records: Records) -> str:
    """The report of an experiment in Markdown."""
    lines = [f"# {recipe.name}: {recipe.title}", "", f"{recipe.reference}.", ""]
    if len(records.datasets()) > 1:
        lines += ["Means over the datasets that each network has run on.", ""]
    lines += [*table(recipe, records), ""]
    theirs = ", there with the error of the mean" if recipe.published_errors else ""
    lines += [
        "Mean ± standard deviation over seeds, with the paper's value in brackets "
        f"where it prints one{theirs}."
    ]
    for remarks in recipe.remarks:
        lines += [line for text in remarks(recipe, records) for line in ("", text)]
    if recipe.differs:
        lines += ["", "What differs from the paper:", ""]
        lines += [f"- {text}" for text in recipe.differs]
    lines += ["", f"`rckeras reproduce {recipe.name}` runs what is not run yet.", ""]
    return "\n".join(lines)


def table(recipe: Recipe, records: Records) -> list[str]:
    """Lines of the table: a row for each network that has run.

    A seed counts once it has run on all datasets that its network has run on.
    """
    several = len(records.datasets()) > 1
    head = ["network", "parameters", *["datasets"] * several, "seeds", "epochs"]
    head += recipe.metrics.values()
    lines = []
    for row in recipe.rows:
        seeds = records.whole_seeds(row.name)
        if not seeds:
            continue
        runs = [run for seed in seeds for run in seed]
        cells = [
            row.name,
            _range([run["parameters"] for run in runs]),
            *[str(len(seeds[0]))] * several,
            str(len(seeds)),
            _range([run["epochs"] for run in runs]),
        ]
        cells += [_cell(row, metric, records) for metric in recipe.metrics]
        lines.append(cells)
    return markdown.table(head, lines)


def _cell(row: Row, metric: str, records: Records) -> str:
    text = _number(*mean_and_spread(records.by_seed(row.name, metric)))
    if metric in row.published:
        text += f" [{_number(*row.published[metric])}]"
    return text


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:,.0f}" if low == high else f"{low:,.0f}-{high:,.0f}"


def _number(mean: float, spread: float = math.nan) -> str:
    if 0 < abs(mean) < 0.001:
        return f"{mean:.1e}"
    digits = 3 if abs(mean) < 10 else 0
    text = f"{mean:,.{digits}f}"
    return text if math.isnan(spread) else f"{text} ± {spread:,.{digits}f}"
