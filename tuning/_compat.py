"""The faults of keras-tuner 1.4.8 under Keras 3, and what is done about each.

Numbers are issues of keras-team/keras-tuner, where there is one.

| fault | issue | what is done |
|---|---|---|
| on TensorFlow every trial asks for tensorboard | keras#22376 | `Repairs` |
| a grid search cannot be resumed | #1055 | `GridOracle` |
| `overwrite` on a worker deletes the chief's files; without a file of a tuner's own \
a chief starts anew | #976 | `Repairs` |
| the trial of a lost worker never runs, and the chief waits | #915 | `keep_in_touch` |
| seed 0 is no seed | #421 | `shift_seed` |
| workers do not know how many trials are left | | `Repairs.remaining_trials` |
| memory grows from trial to trial | #395, #873, #1031 | `zoo.memory.free_memory` |
| checkpoints of all trials are kept | #288 | `Repairs.on_trial_end` |
| another search in a folder breaks, or is mixed into it | #461 | `digest_of` |
| data are not shared out over devices | #910 | `use_all_devices` |
| a kill leaves files cut short, and trials that never run | | `OracleRepairs` |
| a Bayesian search tries the same values again | #608 | `BayesianOracle` |
| Hyperband waits in vain for trials that failed | | `HyperbandOracle` |
"""

import contextlib
import hashlib
import io
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    RandomSearchOracle,
)
from keras_tuner.oracles import HyperbandOracle as TheirHyperbandOracle
from keras_tuner.src import config
from keras_tuner.src.distribute.utils import has_chief_oracle, is_chief_oracle
from keras_tuner.src.engine.trial import Trial, TrialStatus

from rckeras.datasets import Dataset
from rckeras.io.whole import write_whole
from zoo.learning import TrainingSettings

PROJECT = "tuner"  # keras-tuner's own folder in that of a search

_PAUSE = 0.5  # seconds between two questions of a worker that waits


class Repairs:
    """What is done about the tuners; to be inherited before one of them.

    Example:

    ```python
    class Search(Repairs, keras_tuner.RandomSearch):
        pass
    ```
    """

    _asked = -math.inf

    def __init__(self, *args: Any, overwrite: bool = False, **kwargs: Any):
        if kwargs.get("seed") is not None:
            kwargs["seed"] = shift_seed(kwargs["seed"])
        super().__init__(*args, overwrite=overwrite and not is_worker(), **kwargs)

    @property
    def remaining_trials(self) -> int | None:
        """How many trials are left, `None` without a limit."""
        if not is_worker() or self.oracle.max_trials is None:
            return super().remaining_trials
        begun = list(Path(self.project_dir).glob("trial_*/trial.json"))
        return self.oracle.max_trials - len(begun)

    def pre_create_trial(self) -> None:
        """Waits a little before the chief is asked again; keras-tuner calls it."""
        if has_chief_oracle() and time.monotonic() - self._asked < _PAUSE:
            time.sleep(_PAUSE)
        self._asked = time.monotonic()

    def on_trial_end(self, trial: Trial) -> None:
        """Ends a trial, and removes checkpoints but the best; keras-tuner calls it."""
        super().on_trial_end(trial)
        if isinstance(self, keras_tuner.Hyperband):
            return  # whose later trials begin from those of earlier ones
        best = {each.trial_id for each in self.oracle.get_best_trials()}
        ended = (TrialStatus.COMPLETED, TrialStatus.FAILED)
        for path in Path(self.project_dir).glob("trial_*/checkpoint.weights.h5"):
            name = path.parent.name.removeprefix("trial_")
            if name not in best and self.oracle.get_trial(name).status in ended:
                path.unlink(missing_ok=True)

    def save(self) -> None:
        """Writes the state, which is all the oracle's; keras-tuner calls it."""
        if not is_worker():
            self.oracle.save()

    def reload(self) -> None:
        """Reads the state; keras-tuner calls it."""
        if not is_worker():
            self.oracle.reload()

    def _get_tuner_fname(self) -> str:
        # A file for each tuner's own name, which held nothing, decided on whether a
        # search was resumed.
        return str(Path(self.project_dir, "oracle.json"))

    def _configure_tensorboard_dir(self, callbacks, trial, execution=0) -> None:
        if any(type(each).__name__ == "TensorBoard" for each in callbacks):
            super()._configure_tensorboard_dir(callbacks, trial, execution)


class OracleRepairs:
    """What is done about the oracles; to be inherited before one of them.

    Files are there when they are complete, so that a kill leaves a state to go on from.

    Attributes:
        may_start: Function of the oracle that tells whether another trial may be begun.
    """

    may_start: Callable[["OracleRepairs"], bool] = staticmethod(lambda oracle: True)

    def create_trial(self, tuner_id: str) -> Trial:
        """The next trial, or one that says to wait or stop; keras-tuner calls it."""
        # An error behind keras-tuner's lock would leave it locked.
        return self._create(tuner_id, self.may_start(self))

    @keras_tuner.synchronized
    def _create(self, tuner_id: str, another: bool) -> Trial:
        if another or tuner_id in self.ongoing_trials:
            trial = super().create_trial(tuner_id)
            if trial.status != TrialStatus.STOPPED:
                return trial
        # While a trial runs it may be lost, and someone must be there to take it.
        if self.ongoing_trials:
            self.tuner_ids.add(tuner_id)
            return Trial(self.get_space(), trial_id="", status=TrialStatus.IDLE)
        self.tuner_ids.discard(tuner_id)
        return Trial(self.get_space(), trial_id="", status=TrialStatus.STOPPED)

    def save(self) -> None:
        """Writes the state; keras-tuner calls it."""
        write_whole(self._get_oracle_fname(), json.dumps(self.get_state()))

    def reload(self) -> None:
        """Reads the state; keras-tuner calls it."""
        super().reload()
        # Those that a kill kept out of the state are made again.
        known = set(self.start_order)
        self.trials = {name: t for name, t in self.trials.items() if name in known}
        # What has ended is under way, too, in the state that is written then.
        waiting = [name for name in self._retry_queue if name not in self.end_order]
        self._retry_queue = waiting

    def _save_trial(self, trial: Trial) -> None:
        path = Path(self._get_trial_dir(trial.trial_id), "trial.json")
        write_whole(path, json.dumps(trial.get_state()))


class RandomOracle(OracleRepairs, RandomSearchOracle):
    """Random search that can be killed."""


class GridOracle(OracleRepairs, GridSearchOracle):
    """Grid search that can be resumed: the last combination tells the next one.

    All hyperparameters must be declared before the first trial.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next combination of values; keras-tuner calls it."""
        if self.start_order:
            last = self.trials[self.start_order[-1]]
            values = self._get_next_combination(last.hyperparameters.values)
        else:
            space = self.get_space()
            values = {hp.name: hp.default for hp in space.space if space.is_active(hp)}
        status = TrialStatus.STOPPED if values is None else TrialStatus.RUNNING
        return {"status": status, "values": values}


class BayesianOracle(OracleRepairs, BayesianOptimizationOracle):
    """Bayesian optimization that tries nothing twice, and draws alike when resumed."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Values for the next trial; keras-tuner calls it."""
        self._random_state = np.random.RandomState([self.seed, int(trial_id)])
        response = super().populate_space(trial_id)
        if response["values"] is not None and self._duplicate(response["values"]):
            return self._random_populate_space()
        return response


class HyperbandOracle(OracleRepairs, TheirHyperbandOracle):
    """Hyperband that draws another network in place of one that could not be trained.

    A bracket's first round needs so many scores before any trial is promoted.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Values for the next trial; keras-tuner calls it."""
        for bracket in self._brackets:
            first = bracket["rounds"][0]
            first[:] = [each for each in first if not self._failed(each["id"])]
        return super().populate_space(trial_id)

    def _failed(self, trial_id: str) -> bool:
        return self.trials[trial_id].status == TrialStatus.FAILED

    @property
    def planned(self) -> int:
        """Trials of all brackets together."""
        brackets = range(self._get_num_brackets())
        rounds = ((b, r) for b in brackets for r in range(self._get_num_rounds(b)))
        return self.hyperband_iterations * sum(self._get_size(b, r) for b, r in rounds)


def is_worker() -> bool:
    """Whether this process gets its trials from a chief."""
    return has_chief_oracle() and not is_chief_oracle()


def shift_seed(seed: int) -> int:
    """The seed to give to keras-tuner, which takes 0 for none."""
    return seed + 1


@keras_tuner.synchronized
def release_trial(oracle: keras_tuner.Oracle, tuner_id: str) -> str | None:
    """Give the trial of a worker that is lost to the next one that asks.

    Args:
        oracle: The chief's oracle.
        tuner_id: Name of the worker. If it comes back, it gets another trial.

    Returns:
        Number of the trial; `None` if it had none.
    """
    oracle.tuner_ids.discard(tuner_id)
    trial = oracle.ongoing_trials.pop(tuner_id, None)
    if trial is None:
        return None
    oracle._retry_queue.append(trial.trial_id)
    oracle.save()
    return trial.trial_id


@contextlib.contextmanager
def keep_in_touch(
    tuner: keras_tuner.Tuner, beat: float = 5.0, patience: float = 120.0
) -> Iterator[None]:
    """Let the chief know, while a search runs, which workers are there.

    A worker touches a file in the folder that they share. Where it stays untouched, the
    chief takes the worker for lost, and gives its trial to the next one that asks. A
    worker that is started again under another name is thus no harm. One that has never
    touched a file, as none of keras-tuner's own does, is not taken for lost.

    Args:
        tuner: Tuner of this process, whatever it is.
        beat: Seconds between two touches, or looks.
        patience: Seconds after which a worker is lost.
    """
    folder = Path(tuner.project_dir)
    ended = threading.Event()

    def touch() -> None:
        while True:
            with contextlib.suppress(OSError):
                (folder / f"{tuner.tuner_id}.alive").touch()
            if ended.wait(beat):
                return

    def look() -> None:
        seen: dict[str, tuple[float, float]] = {}  # when touched, when that was seen
        while not ended.wait(beat):
            now = time.monotonic()
            for name in _busy(tuner.oracle):
                path = folder / f"{name}.alive"
                touched = path.stat().st_mtime if path.exists() else None
                if (
                    touched is None
                    or seen.setdefault(name, (touched, now))[0] != touched
                ):
                    seen[name] = touched, now
                elif now - seen[name][1] > patience:
                    release_trial(tuner.oracle, name)
                    del seen[name]

    thread = threading.Thread(target=touch if is_worker() else look, daemon=True)
    if has_chief_oracle():
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if has_chief_oracle():
            thread.join()


@keras_tuner.synchronized
def _busy(oracle: keras_tuner.Oracle) -> set[str]:
    """Names of the workers that have asked for a trial, and not been told to stop."""
    return {*oracle.tuner_ids, *oracle.ongoing_trials}


def digest_of(facts: Any) -> str:
    """Twelve hexadecimal digits that tell what JSON can hold apart."""
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def use_all_devices() -> int:
    """Share batches out over the devices of this process, where Keras can do it.

    Keras 3.15 has this for JAX. There is none for PyTorch, and what there is for
    TensorFlow trains on one device. To be called anew after `free_memory`.

    Returns:
        Number of devices that train.
    """
    if keras.backend.backend() != "jax":
        return 1
    devices = keras.distribution.list_devices()
    if len(devices) > 1:
        distribution = keras.distribution.DataParallel(devices=devices)
        keras.distribution.set_distribution(distribution)
    return len(devices)


def divide_evenly(
    dataset: Dataset, settings: TrainingSettings, devices: int
) -> tuple[Dataset, TrainingSettings]:
    """Let all batches be such that each device gets as many sequences of them.

    Others cannot be shared out. Up to `devices - 1` sequences of each epoch, and of the
    split "validation", are left out.

    Args:
        dataset: What is trained on.
        settings: How.
        devices: Number of devices that train.

    Raises:
        ValueError: If the size of a batch is no multiple of their number.
    """
    if devices == 1:
        return dataset, settings
    if settings.batch_size % devices:
        raise ValueError(
            f"`batch_size` must be a multiple of the {devices} devices. "
            f"Received: {settings.batch_size}"
        )
    held_out = dataset.rows("validation")
    left_out = held_out[len(held_out) - len(held_out) % devices :]
    samples = settings.samples_per_epoch or dataset.split_sizes()["train"]
    return (
        dataset.take(np.delete(np.arange(len(dataset)), left_out)),
        replace(settings, samples_per_epoch=samples - samples % devices),
    )


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keeps to itself what keras-tuner prints in passing, tracebacks of trials too."""
    before = config.DEBUG
    config.DEBUG = False
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        config.DEBUG = before
