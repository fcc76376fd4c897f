"""What a search has found, read from its folder without Keras."""

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuning.trials import STATUSES, Trial, read_search_facts, read_trials
from zoo.messages import duration
from zoo.records import mean_and_spread

# Hyperband's own entries among the values, which are no hyperparameters.
_OWN = "tuner/"


@dataclass(frozen=True)
class SearchResults:
    """The trials of a search; prints as a table of the best ones.

    Attributes:
        folder: Folder of the search.
        facts: What the search is about, as `search.json` has it.
        trials: The finished trials, in the order in which they ended.

    Example:

    ```python
    found = read_search("recombination")
    print(found)
    print(found.code(found.best()))
    ```
    """

    folder: Path
    facts: Mapping[str, Any]
    trials: Sequence[Trial]

    def __str__(self) -> str:
        return self.table()

    @property
    def objective(self) -> str:
        """Number by which trials are compared."""
        return self.facts["objective"]

    @property
    def metrics(self) -> Mapping[str, str]:
        """What was measured beside the objective and is shown, with headings."""
        return self.facts.get("metrics", {})

    def count(self, status: str) -> int:
        """How many trials have ended so: "done", "pruned" or "failed"."""
        return sum(trial.status == status for trial in self.trials)

    def ranked(self) -> list[Trial]:
        """The trials that are done, the best one first, equal ones as they ended."""
        sign = -1 if self.facts["direction"] == "max" else 1
        done = [trial for trial in self.trials if trial.score is not None]
        return sorted(done, key=lambda trial: sign * trial.score)

    def best(self) -> Trial:
        """The best trial.

        Raises:
            ValueError: If none is done; the message has the first cause.
        """
        ranked = self.ranked()
        if not ranked:
            causes = [f": {trial.reason}" for trial in self.trials if trial.reason]
            raise ValueError(f"no trial of {self.folder} is done{''.join(causes[:1])}")
        return ranked[0]

    def names(self, varying: bool = False) -> list[str]:
        """Names of the hyperparameters, in the order of the space.

        Args:
            varying: Whether to leave out those that are alike in all trials that are
                done.
        """
        names = [name for trial in self.trials for name in trial.hyperparameters]
        names = [name for name in dict.fromkeys(names) if not name.startswith(_OWN)]
        if not varying:
            return names
        done = [trial.hyperparameters for trial in self.ranked()]
        return [name for name in names if len({repr(v.get(name)) for v in done}) > 1]

    def code(self, trial: Trial) -> str:
        """The line of Python, after `import zoo`, that builds a trial's network anew.

        It gives it random weights, as it was before it was trained.

        Args:
            trial: One of the trials.

        Raises:
            ValueError: If no network is recorded, for the hyperparameters stand for
                none.
        """
        if not trial.network:
            raise ValueError(f"trial {trial.trial} stands for no network")
        data = self.facts["dataset"]
        length = self.facts["settings"].get("length") or data["length"]
        given = {"targets": len(data["targets"]), "sequence_length": length}
        build = "zoo.build"
        if self.facts["settings"].get("conjoined"):
            build, given = "zoo.load", {"weights": None, "conjoined": True, **given}
        words = [f"{k}={_literal(v)}" for k, v in (given | trial.arguments).items()]
        return f"{build}({', '.join([_literal(trial.network), *words])})"

    def table(self, most: int | None = None) -> str:
        """The trials that are done, the best one first, as a terminal shows them.

        Args:
            most: Trials to show; `None` for all.

        Returns:
            Lines with a column for each hyperparameter that differs among them,
            as wide as they need to be.
        """
        names = self.names(varying=True)
        measured = [metric.upper() for metric in self.metrics]
        headings = ["TRIAL", self.objective.upper(), *measured]
        headings += ["PARAMETERS", "TIME", *names]
        rows = [headings]
        for trial in self.ranked()[:most]:
            values = [show(trial.hyperparameters.get(name, "-")) for name in names]
            size = "-" if trial.parameters is None else f"{trial.parameters:,}"
            time = duration(trial.seconds)
            measured = [show_number(trial.measured[metric]) for metric in self.metrics]
            rows.append(
                [trial.trial, show_score(trial), *measured, size, time, *values]
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (
            "  ".join(map(str.ljust, row, widths)).rstrip() + "\n"
            for row in rows
            if len(rows) > 1
        )
        return "".join(lines) + self._counted() + "\n"

    def _counted(self) -> str:
        counts = [(self.count(status), status) for status in STATUSES]
        return ", ".join(f"{n} {status}" for n, status in counts if n) or "no trials"

    def write_leaderboard(self, path: str | os.PathLike) -> None:
        """Write a line of comma-separated values for each trial, the best one first.

        Pruned and failed trials follow, with their reasons.

        Args:
            path: File to write, replaced if it exists.
        """
        text = io.StringIO(newline="")
        rows = csv.writer(text, lineterminator="\n")
        names = self.names()
        numbers = [self.objective, "spread", *self.metrics]
        numbers += ["parameters", "epochs", "seconds"]
        rows.writerow(["rank", "trial", "status", *numbers, *names, "reason"])
        ranked = self.ranked()
        rest = [trial for trial in self.trials if trial.score is None]
        for rank, trial in enumerate(ranked + rest, start=1):
            spread = mean_and_spread(trial.scores)[1]
            cells = [
                rank if trial.score is not None else "",
                trial.trial,
                trial.status,
                _short(trial.score),
                "" if math.isnan(spread) else f"{spread:.3g}",
                *(_short(trial.measured.get(metric)) for metric in self.metrics),
                "" if trial.parameters is None else trial.parameters,
                " ".join(map(str, trial.epochs)),
                f"{trial.seconds:.0f}",
            ]
            cells += [trial.hyperparameters.get(name, "") for name in names]
            rows.writerow([*cells, trial.reason])
        Path(path).write_text(text.getvalue(), encoding="utf-8", newline="")


def read_search(folder: str | os.PathLike) -> SearchResults:
    """Read a search, finished or not.

    Args:
        folder: Folder of the search.

    Returns:
        Its `SearchResults`.

    Raises:
        FileNotFoundError: If there is no search.
        ValueError: If a file of it is damaged.
    """
    folder = Path(folder)
    facts = read_search_facts(folder)
    if facts is None:
        raise FileNotFoundError(
            f"{folder} holds no search: there is no {folder / 'search.json'}"
        )
    return SearchResults(folder, facts, read_trials(folder))


def show(value: Any) -> str:
    """A hyperparameter's value as tables have it: numbers short, texts bare."""
    if isinstance(value, str):
        return value
    return f"{value:.4g}" if isinstance(value, float) else _literal(value)


def show_number(number: float) -> str:
    """A score in as many digits as it takes to compare it.

    Example:

    >>> show_number(0.91234), show_number(0.00012345), show_number(31234.5)
    ('0.9123', '0.0001234', '3.123e+04')
    """
    return f"{number:.4f}" if _is_plain(number) else f"{number:.4g}"


def show_score(trial: Trial) -> str:
    """The score of a trial that is done, with its deviation over several seeds."""
    spread = mean_and_spread(trial.scores)[1]
    text = show_number(trial.score)
    if math.isnan(spread):
        return text
    digits = ".4f" if _is_plain(trial.score) else ".2g"
    return f"{text} ± {spread:{digits}}"


def _short(number: float | None) -> str:
    return "" if number is None else f"{number:.6g}"


def _is_plain(number: float) -> bool:
    return number == 0 or 1e-3 <= abs(number) < 1e4


def _literal(value: Any) -> str:
    """A value that JSON has held as Python writes it: sequences are tuples."""
    if isinstance(value, list | tuple):
        inside = ", ".join(map(_literal, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return json.dumps(value) if isinstance(value, str) else repr(value)
