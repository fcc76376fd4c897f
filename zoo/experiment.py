"""Runs the recipes of `zoo.recipes`: every network, on every dataset, with every seed.

The folder of an experiment holds

| file | what |
|---|---|
| `results.csv` | a line for each finished run: dataset, row, seed, metrics |
| `histories.csv` | a line for each of its epochs |
| `table.md` | the table, beside the paper's values |
| `figure.svg` | the figure |
| `runs/` | for each run the weights of its best epoch, and what its measures wrote |

A run is found to be done by its line. What was stopped goes on after its last finished
epoch. All networks run with the first seed before any does with the second.
"""

import functools
import hashlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.extras import check_extras
from zoo.learning import TrainingSettings, settle
from zoo.loading import arguments_of
from zoo.messages import duration
from zoo.recipes import Recipe, Row, find_recipe
from zoo.records import (
    KEYS,
    append,
    check_columns,
    keys_of,
    read_columns,
    read_records,
)
from zoo.registry import describe

if TYPE_CHECKING:
    import keras

    from rckeras.datasets import Dataset
    from zoo.checkpoints import Checkpoints

_DEFAULTS = {field.name: field.default for field in fields(TrainingSettings)}
# Columns of results.csv, around those of the measures.
_BEFORE = ("recipe", *KEYS, "epochs", "best_epoch")
_AFTER = ("parameters", "seconds", "backend", "protocol")


@dataclass(frozen=True)
class Run:
    """A network to be trained on a dataset with a seed."""

    recipe: Recipe
    dataset: str
    row: Row
    seed: int

    @property
    def keys(self) -> dict[str, Any]:
        """What tells its line apart from others."""
        return dict(zip(KEYS, (self.dataset, self.row.name, self.seed), strict=True))

    @property
    def settings(self) -> TrainingSettings:
        """How it is trained."""
        settings = replace(self.recipe.settings, **self.row.settings, seed=self.seed)
        return settle(settings, describe(self.row.network))

    def folder(self, parent: Path) -> Path:
        """Folder of its files."""
        names = (_plain(self.dataset), _plain(self.row.name), f"seed-{self.seed}")
        return parent.joinpath("runs", *names)

    def __str__(self) -> str:
        return f"{self.row.name} on {self.dataset}, seed {self.seed}"


def reproduce(
    name: str,
    folder: Path,
    *,
    seeds: int = 1,
    rows: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    data: Path | None = None,
    progress: bool = True,
) -> None:
    """Run an experiment of a paper, or what is left of it, and report on it.

    Args:
        name: Name of a recipe, see `zoo.recipes.list_recipes`.
        folder: Folder of the results; made if it is not there. What is there stays,
            and is not run again.
        seeds: Seeds of each network, from 0 on.
        rows: Names of the networks to run; `None` for all.
        datasets: Names of the datasets to run on; `None` for all.
        data: File or folder of data, for recipes that need it.
        progress: Whether to tell on stderr what is being done.

    Raises:
        ValueError: If there is no such recipe, row or dataset, or the folder holds
            results of other recipes or protocols.
        OSError: If a file cannot be read or written.
        ImportError: If a library is missing; this comes before any work.

    Example:

    ```python
    reproduce("shrikumar2017-simulation", Path("shrikumar"), seeds=5)
    ```
    """
    from zoo.compilation import compile_once
    from zoo.experiment_report import write_report

    recipe = find_recipe(name)
    if seeds < 1:
        raise ValueError(f"`seeds` must be at least 1. Received: {seeds}")
    if bool(recipe.needs) != (data is not None):
        needed = f"needs {recipe.needs}" if recipe.needs else "makes its own data"
        raise ValueError(f"{name} {needed}; see `data` (--data). Received: {data}")
    check_extras(recipe.extras, recipe.name)
    sources = recipe.data(data)
    networks = _choose("rows", rows, [row.name for row in recipe.rows])
    runs = [
        Run(recipe, dataset, recipe.row(row), seed)
        for seed in range(seeds)
        for dataset in _choose("datasets", datasets, list(sources))
        for row in networks
    ]
    _check_folder(folder, recipe)
    _check_places(
        [Run(recipe, name, row, 0) for name in sources for row in recipe.rows], folder
    )
    folder.mkdir(parents=True, exist_ok=True)
    load = functools.lru_cache(maxsize=1)(lambda dataset: sources[dataset]())
    clock = _Clock(runs, folder, progress)
    failed = []
    with compile_once():
        for run in runs:
            try:
                _finish(run, load(run.dataset), folder, clock)
            except DivergedError as error:
                failed.append(str(error))
    write_report(recipe, folder)
    if failed:
        raise DivergedError("; ".join(failed))


class DivergedError(ValueError):
    """A training in which no epoch had finite numbers."""


def _check_folder(folder: Path, recipe: Recipe) -> None:
    """Whether the results of a folder may be of a recipe."""
    path = folder / "results.csv"
    columns = read_columns(path)
    missing = {*_BEFORE, *recipe.metrics, *_AFTER}.difference(columns)
    known = {(recipe.name, row.name) for row in recipe.rows}
    strange = {
        f"{line['row']} of {line['recipe']}"
        for line in read_records(folder).results
        if not missing and (line["recipe"], line["row"]) not in known
    }
    if columns and (missing or strange):
        found = (
            f"has no column {', '.join(sorted(missing))}"
            if missing
            else f"has results of {', '.join(sorted(strange))}"
        )
        raise ValueError(
            f"{path} {found}, so it is not of {recipe.name} as it is now; choose "
            "another folder"
        )


def _check_places(runs: Sequence[Run], folder: Path) -> None:
    """No run may write over the weights of another."""
    places: dict[Path, Run] = {}
    for run in runs:
        other = places.setdefault(run.folder(folder), run)
        if other is not run:
            raise ValueError(
                f"{run} and {other} would have one folder, {run.folder(folder)}; give "
                "them names that differ in more than punctuation"
            )


def _finish(run: Run, dataset: "Dataset", folder: Path, clock: "_Clock") -> None:
    """Run what is not done, or check that what is done was done so."""
    from zoo.checkpoints import clear_run
    from zoo.memory import free_memory

    protocol = protocol_of(run, dataset)
    # Another process may have done it in the meantime.
    done = {keys_of(line): line for line in read_records(folder).results}
    line = done.get(keys_of(run.keys))
    if line is None:
        clock.begin(run)
        with free_memory():
            line = _execute(run, dataset, protocol, folder)
        clock.end(run, line)
    else:
        check_protocol(line, protocol, run, folder)
    clear_run(run.folder(folder))


def _execute(
    run: Run, dataset: "Dataset", protocol: str, folder: Path
) -> dict[str, Any]:
    """Train, measure and record one run."""
    import keras

    place = run.folder(folder)
    facts = {
        "protocol": protocol,
        "backend": keras.backend.backend(),
        "dtype": keras.config.dtype_policy().name,
    }
    network, checkpoints = _train(run, dataset, facts, place)
    network.save_weights(place / "network.weights.h5")
    # So that what is measured by chance is the same after a break.
    keras.utils.set_random_seed(run.seed)
    numbers: dict[str, float] = {}
    for measure in run.recipe.measures:
        numbers |= measure(network, dataset, place)
    line = {
        "recipe": run.recipe.name,
        **run.keys,
        "epochs": len(checkpoints.history),
        "best_epoch": checkpoints.best + 1,
        **numbers,
        "parameters": network.count_params(),
        "seconds": round(checkpoints.seconds),
        **{name: facts[name] for name in ("backend", "protocol")},
    }
    check_columns(folder / "results.csv", list(line))
    # The history comes first: a run is done when it has its result.
    append(
        folder / "histories.csv",
        (
            {**run.keys, "epoch": number, **logs}
            for number, logs in enumerate(checkpoints.history, start=1)
        ),
    )
    append(folder / "results.csv", [line])
    return line


def _train(
    run: Run, dataset: "Dataset", facts: Mapping[str, str], place: Path
) -> "tuple[keras.Model, Checkpoints]":
    """The network with the weights of its best epoch, and its history."""
    import keras

    from rckeras.datasets.splits import share_of_training
    from zoo.checkpoints import open_run
    from zoo.learning import (
        compile_learner,
        conjoin_if,
        fit,
        frozen,
        make_streams,
        resolve_monitor,
    )
    from zoo.loading import load

    settings = run.settings
    keras.utils.set_random_seed(run.seed)
    network = load(
        run.row.network,
        weights=settings.weights,
        targets=len(dataset.targets),
        sequence_length=settings.length or dataset.length,
        **run.row.arguments,
    )
    if run.row.start is not None:
        run.row.start(network, run.seed)
    network = conjoin_if(settings, network)
    trained_on = share_of_training(dataset, run.row.train_share)
    streams = make_streams(trained_on, settings)
    identity = {"recipe": run.recipe.name, **run.keys, **facts}
    with frozen(network, settings):
        learner = compile_learner(network, trained_on, settings)
        settings = resolve_monitor(settings, learner, streams[1] is not None)
        open_run(place, identity, overwrite=False, remedy="remove that folder")
        checkpoints = fit(learner, streams, settings, place, progress=False)
    if checkpoints.best is None:
        raise DivergedError(f"{run}: no epoch had finite numbers, see {place}")
    network.set_weights(checkpoints.best_weights())
    return network, checkpoints


def protocol_of(run: Run, dataset: "Dataset") -> str:
    """Digest of network, settings and data, which with seed and backend make a run.

    Args:
        run: The run.
        dataset: Its dataset.

    Returns:
        Twelve hexadecimal digits.
    """
    settings = {
        name: value
        for name, value in asdict(replace(run.settings, seed=0)).items()
        if value != _DEFAULTS[name]
    }
    builder, arguments = arguments_of(run.row.network, **run.row.arguments)
    facts = [builder, arguments, run.row.train_share, settings, dataset.digest]
    facts += _starts(run)
    text = json.dumps(facts, sort_keys=True, default=lambda value: value.__name__)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _starts(run: Run) -> list[str]:
    """What tells apart the weights that a run starts from, beside the seed."""
    from zoo.loading import locate
    from zoo.store import sha256_of

    weights, start = run.settings.weights, run.row.start
    known = [] if start is None else [start.__name__]
    if weights is not None:
        known.append(sha256_of(locate(describe(run.row.network), weights)))
    return known


def check_protocol(
    line: Mapping[str, Any], protocol: str, run: Run, folder: Path
) -> None:
    """Refuse a result of a run that has been made by another protocol."""
    if line["protocol"] != protocol:
        raise ValueError(
            f"{folder / 'results.csv'} has a result of {run} by another protocol: "
            "network, settings or data have changed. Choose another folder, or remove "
            "that line"
        )


def _choose(name: str, wanted: Sequence[str] | None, known: list[str]) -> list[str]:
    unknown = [value for value in wanted or () if value not in known]
    if unknown:
        raise ValueError(
            f"`{name}` (--{name}) must be among {', '.join(map(repr, known))}. "
            f"Received: {', '.join(map(repr, unknown))}"
        )
    return known if wanted is None else [value for value in known if value in wanted]


def _plain(name: str) -> str:
    """A name as a folder can have it."""
    kept = "".join(c if c.isalnum() or c in "-_." else " " for c in name)
    return "-".join(kept.split())


class _Clock:
    """Tells on stderr what runs, and when all will be done."""

    def __init__(self, runs: Sequence[Run], folder: Path, progress: bool):
        done = set(map(keys_of, read_records(folder).results))
        self.waiting = [run for run in runs if keys_of(run.keys) not in done]
        self.total = len(runs)
        self.progress = progress
        self.times: list[float] = []
        self.started = 0.0
        if len(self.waiting) < self.total:
            finished = self.total - len(self.waiting)
            self._say(f"{finished} of {self.total} runs are done already")

    def begin(self, run: Run) -> None:
        number = self.total - len(self.waiting) + 1
        self.started = time.perf_counter()
        self._say(f"run {number} of {self.total}: {run}")

    def end(self, run: Run, line: Mapping[str, Any]) -> None:
        self.waiting.remove(run)
        self.times.append(time.perf_counter() - self.started)
        numbers = ", ".join(
            f"{text} {line[name]:.4f}" for name, text in run.recipe.metrics.items()
        )
        left = sum(self.times) / len(self.times) * len(self.waiting)
        hint = f"; about {duration(left)} left" if self.waiting else ""
        took = duration(self.times[-1])
        self._say(f"  {line['epochs']} epochs in {took}: {numbers}{hint}")

    def _say(self, text: str) -> None:
        if self.progress:
            print(text, file=sys.stderr, flush=True)
