"""A search over the networks of a space, which goes on where it was stopped.

The folder of a search holds

| file | what |
|---|---|
| `search.json` | what the search is about; only the same search may go on |
| `trials.csv` | a line for each finished trial |
| `best.keras` | the network of the best trial, with its best seed, not compiled |
| `best.json` | how it came about |
| `leaderboard.csv`, `report.html` | all trials, the best ones first |
| `tuner/` | keras-tuner's own files |
| `runs/` | trainings that are not finished, and the best network so far |

A trial is found to be finished by its line. One that was stopped goes on after its last
finished epoch.

Where keras-tuner's environment variables make this process a chief, it serves trials to
workers; where they make it a worker, it runs some of them. The chief writes the files
of the end.
"""

import difflib
import importlib.util
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuning.results import SearchResults, read_search
from tuning.spaces import Space, find_space
from tuning.trials import read_trials
from zoo.extras import check_extras

if TYPE_CHECKING:
    import keras_tuner

    from rckeras.datasets import Dataset
    from tuning.hypermodel import NetworkSearch
    from tuning.progress import Progress

TUNERS = ("random", "hyperband", "bayesian", "grid")

_USUAL = 20  # trials of tuners that would not end by themselves
_HOPELESS = 10  # failed trials, with none done, that end a search
_NOWHERE = 200  # the same of pruned ones


class FailedSearchError(ValueError):
    """A search in which no trial was done."""


def search(
    space: str | Space,
    dataset: "Dataset | str | os.PathLike",
    folder: str | os.PathLike,
    *,
    tuner: str = "random",
    objective: str | None = None,
    max_trials: int | None = None,
    max_seconds: float | None = None,
    max_parameters: int | None = None,
    max_memory: int | None = None,
    seeds: int | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    choices: Mapping[str, Any] | None = None,
    sources: Sequence[str | os.PathLike] = (),
    command: str | None = None,
    progress: bool = True,
) -> SearchResults:
    """Run a search, or what is left of it.

    Stopped in whatever way, the same call goes on, and no finished trial is repeated.

    Args:
        space: Name of a search space, see `tuning.list_spaces`, or a space.
        dataset: A `rckeras.datasets.Dataset` with a split "validation", or the file of
            one.
        folder: Folder of the search; made if it is not there.
        tuner: `"random"`, `"hyperband"`, `"bayesian"` or `"grid"`, which tries all
            networks one after another.
        objective: Number by which epochs and networks are compared: `"val_auroc"`,
            `"val_auprc"`, `"val_accuracy"` or `"val_loss"`; `None` for the paper's.
        max_trials: Trials to train, which may be raised to go on; those that are pruned
            do not count. `None` for all of a grid or of Hyperband, which decides on
            their number by the most epochs, and 20 otherwise.
        max_seconds: Time after which no trial is begun; the same call goes on.
        max_parameters: Networks with more trainable parameters are not trained.
        max_memory: Networks that need more bytes to be trained are not trained; see
            `tuning.size.training_bytes` for what is counted.
        seeds: With how many seeds each network is trained, from 0 on, whose mean is the
            score; `None` for as many as the paper has.
        seed: Whole number from 0 that decides on what the tuner draws.
        settings: Settings of training other than the paper's, by name; see
            `zoo.TrainingSettings`.
        choices: By name the value, or a list of values, of hyperparameters; see
            `tuning.Space.change`.
        sources: Files that the dataset was made from, to note in `best.json`.
        command: Command line to note in `best.json`.
        progress: Whether to tell on stderr what is being done.

    Returns:
        The `SearchResults`, as `tuning.open_search` reads them.

    Raises:
        ValueError: If an argument is unknown or does not fit the dataset, or the folder
            holds another search.
        FailedSearchError: If no trial is done; the message has the first cause.
        OSError: If a file cannot be read or written.
        ImportError: If a library is missing for the tuner.

    Example:

    ```python
    found = search("koo2019", "simulated.h5", "koo", tuner="grid", seeds=1)
    print(found)
    model = keras.saving.load_model("koo/best.keras")
    ```
    """
    _check_arguments(tuner, max_trials, max_seconds, seed)
    space = find_space(space) if isinstance(space, str) else space
    check_extras(space.extras, space.name)
    from tuning._compat import is_worker, silence
    from tuning.best import publish
    from tuning.folder import describe, open_folder
    from tuning.hypermodel import NetworkSearch
    from tuning.tuner import SearchTuner

    folder = Path(folder)
    networks = NetworkSearch(
        space,
        _open(dataset),
        objective=objective,
        seeds=seeds,
        settings=settings,
        choices=choices,
        max_parameters=max_parameters,
        max_memory=max_memory,
    )
    if max_trials is None and tuner in ("random", "bayesian"):
        max_trials = _USUAL
    path = os.fspath(dataset) if isinstance(dataset, str | os.PathLike) else None
    facts = describe(networks, tuner, max_trials, seed, dict(choices or {}), path)
    open_folder(folder, facts, is_worker())
    oracle = _make_oracle(networks, tuner, max_trials, seed)
    oracle.may_start = Budget(folder, max_trials, max_seconds)
    oracle.verbose = 0
    told = _make_progress(folder, networks, oracle, max_trials, max_seconds, progress)
    told.open(f"{tuner} search of {networks.space.name}")
    with silence():
        runner = SearchTuner(oracle, networks, folder, told)
    _run(runner)
    if not is_worker():
        _check_done(folder)
        runner.tidy(_last_values(oracle))
        publish(folder, networks, command, sources)
    return read_search(folder)


class Budget:
    """Tells an oracle whether another trial may be begun.

    Args:
        folder: Folder of the search.
        max_trials: Trials to train; `None` for no limit.
        max_seconds: Time from now on after which none is begun; `None` for no limit.
    """

    def __init__(self, folder: Path, max_trials: int | None, max_seconds: float | None):
        self.folder = folder
        self.max_trials = max_trials
        self.max_seconds = max_seconds
        self.started = time.monotonic()

    def __call__(self, oracle: "keras_tuner.Oracle") -> bool:
        """Whether another trial may be begun."""
        passed = time.monotonic() - self.started
        if self.max_seconds is not None and passed >= self.max_seconds:
            return False
        if oracle._retry_queue:  # a trial that was stopped
            return True
        ended = [trial.status for trial in read_trials(self.folder)]
        pruned, failed = ended.count("pruned"), ended.count("failed")
        if "done" not in ended and (failed >= _HOPELESS or pruned >= _NOWHERE):
            return False
        return self.max_trials is None or len(oracle.trials) - pruned < self.max_trials


def _check_arguments(
    tuner: str, max_trials: int | None, max_seconds: float | None, seed: int
) -> None:
    if tuner not in TUNERS:
        near = difflib.get_close_matches(str(tuner), TUNERS, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"`tuner` (--tuner) must be one of {', '.join(TUNERS)}.{hint} "
            f"Received: {tuner!r}"
        )
    for name, value in (("max_trials", max_trials), ("max_seconds", max_seconds)):
        if value is not None and value <= 0:
            option = name.replace("_", "-")
            raise ValueError(
                f"`{name}` (--{option}) must be above 0. Received: {value}"
            )
    if seed < 0:
        raise ValueError(f"`seed` must be at least 0. Received: {seed}")
    for library in ("scipy", "sklearn"):
        if tuner == "bayesian" and importlib.util.find_spec(library) is None:
            raise ImportError(
                f"a Bayesian search needs {library}, which is not installed: "
                'pip install "rckeras[reports]"'
            )


def _open(dataset: "Dataset | str | os.PathLike") -> "Dataset":
    from rckeras.datasets import load_dataset

    return load_dataset(dataset) if isinstance(dataset, str | os.PathLike) else dataset


def _make_oracle(
    networks: "NetworkSearch", tuner: str, max_trials: int | None, seed: int
) -> "keras_tuner.Oracle":
    from tuning import _compat

    common = {
        "objective": networks.objective,
        "seed": _compat.shift_seed(seed),
        # Failed trials are counted by `Budget`. keras-tuner would stop while it holds
        # its own lock.
        "max_consecutive_failed_trials": None,
    }
    if tuner == "grid":
        return _compat.GridOracle(**common)
    if tuner == "hyperband":
        epochs = networks.settings.epochs
        return _compat.HyperbandOracle(max_epochs=epochs, **common)
    if tuner == "random":
        return _compat.RandomOracle(max_trials=None, **common)
    # By default all of a short search would be drawn at random.
    most = 3 * len(networks.space.choices)
    first = max(3, min(most, max_trials // 3))
    return _compat.BayesianOracle(max_trials=None, num_initial_points=first, **common)


def _make_progress(
    folder: Path,
    networks: "NetworkSearch",
    oracle: "keras_tuner.Oracle",
    max_trials: int | None,
    max_seconds: float | None,
    wanted: bool,
) -> "Progress":
    from tuning._compat import is_worker
    from tuning.progress import Progress

    planned = getattr(oracle, "planned", networks.space.size)
    planned = min(planned, max_trials or planned)
    name = f"{os.environ['KERASTUNER_TUNER_ID']}: " if is_worker() else ""
    return Progress(folder, planned, max_seconds, name, wanted)


def _run(runner: "keras_tuner.Tuner") -> None:
    """Run the trials that are left."""
    import keras_tuner

    from tuning._compat import keep_in_touch, silence

    try:
        with silence(), keep_in_touch(runner):
            runner.search()
    except keras_tuner.errors.FatalError as error:
        raise error.__cause__ or error from None


def _last_values(oracle: "keras_tuner.Oracle") -> Mapping[str, Any]:
    """Values of the trial that ended last, unless no trial will go on from another."""
    if len(oracle.trials) >= getattr(oracle, "planned", 0) or not oracle.end_order:
        return {}
    return oracle.trials[oracle.end_order[-1]].hyperparameters.values


def _check_done(folder: Path) -> None:
    """Refuse a search in which no trial is done, with the first cause."""
    trials = read_trials(folder)
    if any(trial.status == "done" for trial in trials):
        return
    if not trials:
        raise FailedSearchError(f"no trial of {folder} has ended")
    failed = [trial for trial in trials if trial.status == "failed"] or trials
    counts = f"{len(trials)} trial{'s' * (len(trials) > 1)}"
    raise FailedSearchError(
        f"none of the {counts} of {folder} could be done. Trial {failed[0].trial} "
        f"{'failed' if failed[0].status == 'failed' else 'was pruned'}: "
        f"{failed[0].reason}"
    )
