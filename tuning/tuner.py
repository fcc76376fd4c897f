"""The tuner that runs the trials of a search, records each, and tidies up behind it."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.src.engine.trial import Trial as TheirTrial

from rckeras.io.whole import write_whole
from tuning._compat import PROJECT, Repairs
from tuning.best import RUNS, best_seed
from tuning.hypermodel import NetworkSearch, Plan, PrunedError, copy_state
from tuning.progress import Progress
from tuning.results import read_search
from tuning.trials import Trial, append_trial, read_trials
from zoo.checkpoints import clear_run
from zoo.messages import in_one_line, in_short

_ATTEMPTS = "attempts.json"  # how often a trial was begun, in its folder
_MOST_ATTEMPTS = 3


class SearchTuner(Repairs, keras_tuner.Tuner):
    """Runs the trials that an oracle asks for, in the folder of a search.

    Args:
        oracle: One of those of `tuning._compat`.
        networks: What is searched.
        folder: Folder of the search.
        progress: Tells what is being done.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        networks: NetworkSearch,
        folder: Path,
        progress: Progress,
    ):
        self.folder = folder
        self.progress = progress
        super().__init__(oracle, networks, directory=str(folder), project_name=PROJECT)

    def run_trial(self, trial: TheirTrial) -> dict[str, float]:
        """Train a trial's network, unless it is known what comes of it.

        Raises:
            FailedTrialError: If it was pruned or has failed.
            FatalRuntimeError: If a file cannot be written: that is no trial's fault.
        """
        try:
            # A kill may have come between its line and keras-tuner's own files.
            found = self._recorded(trial.trial_id)
            if found is None:
                self.progress.begin(trial.trial_id, self._values(trial))
                found = self._attempt(trial)
                append_trial(self.folder, found)
                self.progress.end(found)
        except OSError as error:
            raise keras_tuner.errors.FatalRuntimeError(in_one_line(error)) from error
        if found.score is None:
            raise keras_tuner.errors.FailedTrialError(found.reason)
        return {self.oracle.objective.name: found.score}

    def on_trial_end(self, trial: TheirTrial) -> None:
        """Ends a trial, and removes what no one needs any more."""
        super().on_trial_end(trial)
        self.tidy(trial.hyperparameters.values)

    def tidy(self, values: Mapping[str, Any]) -> None:
        """Remove what trials have left, but for the best network.

        Args:
            values: Values of the trial that has ended last.
        """
        results = read_search(self.folder)
        best = results.ranked()[:1]
        for each in results.trials:
            place = self._place(each.trial)
            if not place.exists() or self._may_go_on(each.trial, values):
                continue
            if each in best:
                _keep_best(place, each, results.facts["direction"])
            else:
                shutil.rmtree(place, ignore_errors=True)

    def _attempt(self, trial: TheirTrial) -> Trial:
        """What comes of a trial, whatever it is."""
        started = time.perf_counter()
        attempts = self._place(trial.trial_id) / _ATTEMPTS
        values = self._values(trial)
        facts = {"trial": trial.trial_id, "hyperparameters": values}
        try:
            plan = self.hypermodel.plan(values)
            facts |= {"network": plan.network, "arguments": dict(plan.arguments)}
            _count_attempt(attempts)
            facts |= self._train(trial, plan)
            attempts.unlink(missing_ok=True)
        except KeyboardInterrupt:
            attempts.unlink(missing_ok=True)
            raise
        except PrunedError as error:
            facts |= {"status": "pruned", "reason": in_one_line(error)}
        except OSError:
            attempts.unlink(missing_ok=True)
            raise
        except Exception as error:
            facts |= {"status": "failed", "reason": in_short(error)}
        return Trial(**facts, seconds=time.perf_counter() - started)

    def _train(self, trial: TheirTrial, plan: Plan) -> dict[str, Any]:
        own = trial.hyperparameters.values
        place = self._place(trial.trial_id)
        if "tuner/trial_id" in own:
            past = self._place(own["tuner/trial_id"])
            copy_state(past, place, self.hypermodel.seeds)
        scores = self.hypermodel.train(plan, place, own.get("tuner/epochs"))
        objectives = tuple(score.objective for score in scores)
        return {
            "status": "done",
            "score": sum(objectives) / len(objectives),
            "scores": objectives,
            "epochs": tuple(score.epochs for score in scores),
            "parameters": scores[0].parameters,
            "measured": {
                name: sum(score.measured[name] for score in scores) / len(scores)
                for name in scores[0].measured
            },
        }

    def _populate_initial_space(self) -> None:
        # keras-tuner would build networks of values that it draws without a seed.
        space = self.oracle.get_space()
        self.hypermodel.declare_hyperparameters(space)
        self.oracle.update_space(space)

    def _recorded(self, name: str) -> Trial | None:
        return {each.trial: each for each in read_trials(self.folder)}.get(name)

    def _values(self, trial: TheirTrial) -> dict[str, Any]:
        """The hyperparameters' values, without those that are Hyperband's own."""
        values = trial.hyperparameters.values
        known = [choice.name for choice in self.hypermodel.space.choices]
        return {name: values[name] for name in known if name in values}

    def _may_go_on(self, name: str, values: Mapping[str, Any]) -> bool:
        """Whether Hyperband may train a trial further, now that another has ended."""
        if "tuner/bracket" not in values or values.get("tuner/trial_id") == name:
            return False
        other = self.oracle.get_trial(name).hyperparameters.values
        return other["tuner/bracket"] == values["tuner/bracket"]

    def _place(self, name: str) -> Path:
        return self.folder / RUNS / name


def _count_attempt(path: Path) -> None:
    """Refuse a trial that has ended its process time and again in the same epoch.

    Else a search that is begun anew would end with it each time.
    """
    states = path.parent.glob("seed-*/state.npz")
    done = sorted([state.parent.name, state.stat().st_mtime_ns] for state in states)
    before = json.loads(path.read_text("utf-8")) if path.exists() else {}
    count = before["count"] if before.get("done") == done else 0
    if count == _MOST_ATTEMPTS:
        raise RuntimeError(
            f"its process was ended {count} times before another epoch was done; it "
            "may need more memory than there is, see `max_memory`"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"count": count + 1, "done": done}))


def _keep_best(place: Path, trial: Trial, direction: str) -> None:
    """Of the best trial, keep the network of its best seed alone."""
    best = place / f"seed-{best_seed(trial, direction)}"
    for each in place.iterdir():
        if each != best:
            shutil.rmtree(each, ignore_errors=True)
    clear_run(best)
