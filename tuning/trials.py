"""The trials of a search on disk: what it is about, and a line for each finished one.

The folder of a search holds

| file | what |
|---|---|
| `search.json` | what the search is about; only the same search may go on |
| `trials.csv` | a line for each finished trial, appended whole |

Several workers may append to one file. A trial that was written twice, for two workers
had it in hand, is read once, as it was written first.
"""

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.records import append

STATUSES = ("done", "pruned", "failed")

_SEARCH = "search.json"
_TRIALS = "trials.csv"


@dataclass(frozen=True)
class Trial:
    """One choice of hyperparameters, and what came of it.

    Args:
        trial: Its number as keras-tuner has it, such as `"0003"`.
        status: `"done"`; `"pruned"` if it was not trained, for it cannot be built or
            exceeds a cap; `"failed"` if training it raised an error.
        hyperparameters: Values by name.
        score: Mean of the objective over the seeds; `None` if it is not done.
        scores: The objective of each seed, from 0 on.
        epochs: Epochs trained with each seed.
        parameters: Trainable parameters; `None` if it was never built.
        seconds: Time that it took.
        reason: Why it was pruned or failed, in a line.
        network: Name of the network that the hyperparameters stand for.
        arguments: Arguments of its builder that differ from the network's own, targets
            and length aside.
        measured: What else was measured, means over the seeds.
    """

    trial: str
    status: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
    scores: tuple[float, ...] = ()
    epochs: tuple[int, ...] = ()
    parameters: int | None = None
    seconds: float = 0.0
    reason: str = ""
    network: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)


def append_trial(folder: Path, trial: Trial) -> None:
    """Add the line of a finished trial.

    Args:
        folder: Folder of the search.
        trial: The trial.

    Raises:
        ValueError: If `trials.csv` has other columns.
    """
    line = {
        "trial": trial.trial,
        "status": trial.status,
        "score": "" if trial.score is None else repr(float(trial.score)),
        "scores": ";".join(repr(float(score)) for score in trial.scores),
        "epochs": ";".join(map(str, trial.epochs)),
        "parameters": "" if trial.parameters is None else str(trial.parameters),
        "seconds": f"{trial.seconds:.1f}",
        "reason": trial.reason,
        "hyperparameters": json.dumps(dict(trial.hyperparameters)),
        "network": trial.network,
        "arguments": json.dumps(dict(trial.arguments)),
        "measured": json.dumps(dict(trial.measured)),
    }
    append(folder / _TRIALS, [line])


def read_trials(folder: Path) -> list[Trial]:
    """The finished trials of a search, in the order in which they ended.

    Args:
        folder: Folder of the search.

    Returns:
        A list that is empty where no trial has ended yet.

    Raises:
        ValueError: If a line cannot be read.
    """
    path = folder / _TRIALS
    if not path.exists():
        return []
    trials: dict[str, Trial] = {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        names = next(rows, [])
        for cells in rows:
            if cells != names:  # two workers may have begun the file
                trial = _parse(names, cells, f"{path}:{rows.line_num}")
                trials.setdefault(trial.trial, trial)
    return list(trials.values())


def write_search(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write what a search is about, as JSON can hold it."""
    from rckeras.io.whole import write_whole

    write_whole(folder / _SEARCH, json.dumps(dict(facts), indent=2) + "\n")


def read_search_facts(folder: Path) -> dict[str, Any] | None:
    """What the search of a folder is about, `None` if there is no search.

    Args:
        folder: Folder of the search.

    Raises:
        ValueError: If `search.json` is damaged.
    """
    path = folder / _SEARCH
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def _parse(names: list[str], cells: list[str], place: str) -> Trial:
    try:
        line = dict(zip(names, cells, strict=True))
        return Trial(
            trial=line["trial"],
            status=line["status"],
            hyperparameters=json.loads(line["hyperparameters"]),
            score=_number(line["score"]),
            scores=tuple(map(float, filter(None, line["scores"].split(";")))),
            epochs=tuple(map(int, filter(None, line["epochs"].split(";")))),
            parameters=int(line["parameters"]) if line["parameters"] else None,
            seconds=float(line["seconds"]),
            reason=line["reason"],
            network=line["network"],
            arguments=json.loads(line["arguments"]),
            measured=json.loads(line["measured"]),
        )
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{place}: not the line of a trial ({error}); remove it, to run that "
            "trial again"
        ) from None


def _number(text: str) -> float | None:
    number = float(text) if text else math.nan
    return number if math.isfinite(number) else None
