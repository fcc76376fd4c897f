"""What a search tells on stderr: trials done, the best so far, and the time left."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuning.results import read_search, show, show_number
from tuning.trials import Trial
from zoo.messages import duration


class Progress:
    """Tells how a search gets on.

    Args:
        folder: Folder of the search.
        planned: Trials that there will be, those that are pruned aside; `None` if that
            is not known.
        max_seconds: Time after which no trial is begun; `None` for no limit.
        name: What each line begins with, such as the name of a worker.
        wanted: Whether to tell anything.
    """

    def __init__(
        self,
        folder: Path,
        planned: int | None,
        max_seconds: float | None = None,
        name: str = "",
        wanted: bool = True,
    ):
        self.folder = folder
        self.planned = planned
        self.max_seconds = max_seconds
        self.name = name
        self.wanted = wanted
        self.started = time.monotonic()
        self.ended_before = len(self._ended())

    def open(self, title: str) -> None:
        """Say what is searched."""
        done = f"; {self.ended_before} trials have ended" if self.ended_before else ""
        limit = f", {self.planned} trials" if self.planned else ""
        self._say(f"{title}{limit}{done}")

    def begin(self, trial: str, values: Mapping[str, Any]) -> None:
        """Say that a trial begins."""
        number = len(self._ended()) + 1
        total = f" of {self.planned}" if self.planned else ""
        chosen = ", ".join(f"{name} {show(value)}" for name, value in values.items())
        self._say(f"trial {trial} ({number}{total}): {chosen}")

    def end(self, trial: Trial) -> None:
        """Say what came of a trial, how the best one does, and how long it will be."""
        if not self.wanted:
            return
        results = read_search(self.folder)
        if trial.score is None:
            self._say(f"  {trial.status}: {trial.reason}")
            return
        best = results.best()
        self._say(
            f"  {results.objective} {show_number(trial.score)} in "
            f"{duration(trial.seconds)}; best {show_number(best.score)} (trial "
            f"{best.trial}){self._time_left()}"
        )

    def _time_left(self) -> str:
        """The time left by the trials so far, and by the clock."""
        passed = time.monotonic() - self.started
        ended = len(self._ended())
        limits = []
        if self.planned and ended > self.ended_before:
            pace = passed / (ended - self.ended_before)
            limits.append(pace * (self.planned - ended))
        if self.max_seconds is not None:
            limits.append(self.max_seconds - passed)
        left = max(min(limits), 0) if limits else 0
        return f"; about {duration(left)} left" if left else ""

    def _ended(self) -> list[Trial]:
        trials = read_search(self.folder).trials
        return [trial for trial in trials if trial.status != "pruned"]

    def _say(self, text: str) -> None:
        if self.wanted:
            print(f"{self.name}{text}", file=sys.stderr, flush=True)
