"""Results of many runs: a line of comma-separated values for each, appended as it ends.

Two files stand in a folder of results: `results.csv` with the metrics of each run, and
`histories.csv` with what was logged after each of its epochs. The lines of a run are
written in one go, so that a kill leaves whole ones, and several processes may write.
What is written twice, for a kill came between the two files or two processes began
them, is read once.
"""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Self

KEYS = ("dataset", "row", "seed")

_TEXTS = {"recipe", "dataset", "row", "backend", "protocol"}


@dataclass(frozen=True)
class Records:
    """The runs of a folder.

    Args:
        results: A mapping for each run: `dataset`, `row`, `seed` and all metrics.
        histories: A mapping for each epoch of each run: `dataset`, `row`, `seed`,
            `epoch` and all logged numbers.
        folder: The folder, for what runs keep in files of their own; `None` if there
            is none.
    """

    results: Sequence[Mapping[str, str | float]]
    histories: Sequence[Mapping[str, str | float]]
    folder: Path | None = None

    def values(self, row: str, metric: str, dataset: str | None = None) -> list[float]:
        """A metric of all runs of a row, in the order of their seeds."""
        chosen = [
            run
            for run in self.results
            if run["row"] == row and dataset in (None, run["dataset"])
        ]
        return [run[metric] for run in sorted(chosen, key=lambda run: run["seed"])]

    def whole_seeds(self, row: str) -> list[list[Mapping[str, str | float]]]:
        """The runs of a row, seed by seed, in their order.

        A seed counts once it has run on all datasets that the row has run on, for means
        of seeds over different datasets cannot be compared.
        """
        seeds: dict[float, list[Mapping[str, str | float]]] = {}
        for run in self.results:
            if run["row"] == row:
                seeds.setdefault(run["seed"], []).append(run)
        everywhere = {run["dataset"] for runs in seeds.values() for run in runs}
        return [seeds[n] for n in sorted(seeds) if len(seeds[n]) == len(everywhere)]

    def by_seed(self, row: str, metric: str) -> list[float]:
        """A metric of each whole seed of a row, its mean over the datasets."""
        return [fmean(run[metric] for run in runs) for runs in self.whole_seeds(row)]

    def by_dataset(self, row: str, metric: str) -> dict[str, float]:
        """A metric of a row on each dataset, its median over the seeds."""
        names = dict.fromkeys(r["dataset"] for r in self.results if r["row"] == row)
        return {name: median(self.values(row, metric, name)) for name in names}

    def on_shared_datasets(self, rows: Collection[str]) -> Self:
        """The runs of some rows, on the datasets that all of these have run on."""
        ran = [set(self.by_dataset(row, "seed")) for row in rows]
        shared = set.intersection(*ran) if ran else set()

        def keeps(line: Mapping[str, str | float]) -> bool:
            return line["row"] in rows and line["dataset"] in shared

        results, histories = (
            [line for line in lines if keeps(line)]
            for lines in (self.results, self.histories)
        )
        return replace(self, results=results, histories=histories)

    def curves(self, row: str, metric: str) -> dict[tuple[str, int], list[float]]:
        """What was logged of a row, epoch by epoch, for each dataset and seed."""
        curves: dict[tuple[str, int], list[float]] = {}
        for line in self.histories:
            if line["row"] == row:
                key = line["dataset"], int(line["seed"])
                curves.setdefault(key, []).append(line[metric])
        return curves

    def datasets(self) -> list[str]:
        """Names of the datasets, in the order in which they first ran."""
        return list(dict.fromkeys(run["dataset"] for run in self.results))


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation of a sample; NaN where too few values are there."""
    mean = fmean(values) if values else float("nan")
    return mean, stdev(values) if len(values) > 1 else float("nan")


def read_records(folder: Path) -> Records:
    """Read the results of a folder; none where there is no file yet.

    Raises:
        ValueError: If a line has too few or too many values.
    """
    results = {keys_of(line): line for line in _read(folder / "results.csv")}
    histories: dict[tuple, list] = {}
    for line in _read(folder / "histories.csv"):
        if line["epoch"] == 1:
            histories[keys_of(line)] = []
        histories.setdefault(keys_of(line), []).append(line)
    epochs = [line for run in histories.values() for line in run]
    return Records(list(results.values()), epochs, folder)


def read_columns(path: Path) -> list[str]:
    """Names of the columns of a file; none where there is no file yet."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file), [])


def check_columns(path: Path, names: Sequence[str]) -> None:
    """Refuse to append lines of other columns than a file has.

    Raises:
        ValueError: If the file has other columns.
    """
    found = read_columns(path)
    if found and found != list(names):
        raise ValueError(
            f"{path} has the columns {', '.join(found)}, and {', '.join(names)} "
            "are to be written; choose another folder"
        )


def keys_of(line: Mapping[str, str | float]) -> tuple[str | float, ...]:
    """What tells a run apart from others."""
    return tuple(line[key] for key in KEYS)


def append(path: Path, lines: Iterable[Mapping[str, str | float]]) -> None:
    """Append lines to a file of comma-separated values, with a header if it is new.

    Args:
        path: The file.
        lines: A line at least, all with the same columns.

    Raises:
        ValueError: If the file has other columns.
    """
    lines = list(lines)
    names = list(lines[0])
    check_columns(path, names)
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    if not read_columns(path):
        rows.writerow(names)
    rows.writerows([_cell(line[name]) for name in names] for line in lines)
    with path.open("ab") as file:
        file.write(text.getvalue().encode())


def _read(path: Path) -> Iterator[dict[str, str | float]]:
    names = read_columns(path)
    if not names:
        return
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        for cells in rows:
            if cells != names:  # two processes may have begun a file
                yield _line(names, cells, f"{path}:{rows.line_num}")


def _line(names: list[str], cells: list[str], place: str) -> dict[str, str | float]:
    try:
        # A digest such as 12345e678901 is no number.
        return {
            name: cell if name in _TEXTS else float(cell)
            for name, cell in zip(names, cells, strict=True)
        }
    except ValueError as error:
        raise ValueError(
            f"{place}: {error}; remove the lines of this run, to run it again"
        ) from None


def _cell(value: str | float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
