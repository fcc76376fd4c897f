"""Training that a kill does not undo: its whole state, written after every epoch.

The folder of a run holds

| file | what |
|---|---|
| `run.json` | what the run is about; only the same run may go on |
| `owner` | the process that trains; an earlier one stops when it finds another here |
| `state.npz` | weights, optimizer, seeds of dropout, and the history so far |
| `best-EPOCH.npz` | weights of the best epoch |
| `history.csv` | the history, to be looked at |

Files get their names when they are complete, `state.npz` as the last one that counts.
So whenever a run is killed, the folder holds the state after some epoch, and what
comes next follows from it: which epoch is the best, and whether it is time to stop.

Keras's `BackupAndRestore` does not do for this: it leaves out the seeds of dropout; a
kill between its two files repeats an epoch on weights that have been through it; and
`EarlyStopping` beside it starts to wait anew.
"""

import contextlib
import csv
import io
import json
import math
import time
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from rckeras.io.whole import complete_or_none, write_whole

if TYPE_CHECKING:
    from zoo.learning import TrainingSettings

_FILES = (
    *("run.json", "owner", "state.npz", "best-*.npz"),
    *("history.csv", "model.keras", "*.part"),
)


class Checkpoints(keras.callbacks.Callback):
    """Keeps the state of a training, chooses its best epoch, and ends it.

    Give `initial_epoch=len(checkpoints.history)` to `fit`, after `restore`.

    Args:
        folder: Folder of the run, see `open_run`.
        monitor: Logged number by which epochs are compared: smaller is better for
            losses, larger for all others. `None` to take the last epoch.
        patience: Epochs without a better one after which training ends.
        seed: Whole number from which the global seeds of each epoch follow.
    """

    def __init__(self, folder: Path, monitor: str | None, patience: int, seed: int):
        super().__init__()
        self.folder = folder
        self.monitor = monitor
        self.patience = patience
        self.seed = seed
        self._name = uuid.uuid4().hex  # among the processes that train
        self.history: list[dict[str, float]] = []
        self.seconds = 0.0  # of all finished epochs, those before a break included

    @property
    def best(self) -> int | None:
        """Number of the best epoch, from 0; the first one of equals."""
        name = self.monitor or "loss"
        # The AUROC of predictions that are not finite is 0, which is.
        finite = [
            i
            for i, logs in enumerate(self.history)
            if math.isfinite(logs[name]) and math.isfinite(logs["loss"])
        ]
        if self.monitor is None:
            return max(finite, default=None)
        return min(
            finite, key=lambda i: self._sign * self.history[i][name], default=None
        )

    @property
    def _sign(self) -> int:
        """1 if smaller numbers are better, -1 if larger ones are."""
        return 1 if self.monitor.removeprefix("val_") == "loss" else -1

    @property
    def exhausted(self) -> bool:
        """Whether further epochs would be in vain."""
        if not self.history:
            return False
        if not math.isfinite(self.history[-1]["loss"]):
            return True
        waited = len(self.history) - 1 - (-1 if self.best is None else self.best)
        return self.monitor is not None and waited >= self.patience

    def reductions(self, after: int) -> int:
        """How often so many epochs have passed without a better one.

        As `keras.callbacks.ReduceLROnPlateau(patience=after, min_delta=0)` counts:
        after each time anew, and epochs are compared with the best one of all.

        Args:
            after: Number of epochs, at least 1.
        """
        best, waited, count = math.inf, 0, 0
        for logs in self.history:
            value = self._sign * logs[self.monitor]
            waited = 0 if value < best else waited + 1
            best = min(best, value)
            if waited == after:
                count, waited = count + 1, 0
        return count

    def restore(self, model: keras.Model) -> None:
        """Bring a compiled model to the state after the last epoch, if there is one."""
        path = self.folder / "state.npz"
        if not path.exists():
            return
        try:
            with np.load(path) as arrays:
                self.history = json.loads(str(arrays["history"]))
                self.seconds = float(arrays["seconds"])
                for index, variable in enumerate(_variables(model)):
                    variable.assign(arrays[str(index)])
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{path} was damaged; remove {self.folder} to start over"
            ) from error

    def best_weights(self) -> list[np.ndarray]:
        """Weights of the best epoch."""
        with np.load(self._path_of(self.best)) as arrays:
            return [arrays[str(index)] for index in range(len(arrays.files))]

    def on_train_begin(self, logs: Mapping | None = None) -> None:
        """Starts the clock and takes the run over; Keras calls this.

        A process that was thought dead, and is not, as may happen where jobs are queued
        again, stops at the end of its epoch.
        """
        write_whole(self._owner, self._name)
        self._since = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Mapping | None = None) -> None:
        """Seeds what has no seed of its own; Keras calls this."""
        # Dropout on PyTorch draws from the global generator.
        drawn = np.random.SeedSequence([self.seed, epoch]).generate_state(1)
        keras.utils.set_random_seed(int(drawn[0]))

    def on_epoch_end(self, epoch: int, logs: Mapping | None = None) -> None:
        """Writes the state; Keras calls this.

        Raises:
            RuntimeError: If another process has taken over.
        """
        if not self._owner.exists() or self._owner.read_text("utf-8") != self._name:
            raise RuntimeError(
                f"another process has gone on with {self.folder}; this one stops, and "
                "has changed nothing since"
            )
        numbers = {name: float(value) for name, value in logs.items()}
        self.history = [*self.history[:epoch], numbers]
        now = time.perf_counter()
        self.seconds, self._since = self.seconds + now - self._since, now
        if self.best == epoch:
            _save(self._path_of(epoch), self.model.weights)
        more = {
            "history": np.array(json.dumps(self.history)),
            "seconds": np.array(self.seconds),
        }
        _save(self.folder / "state.npz", _variables(self.model), **more)
        self._tidy()
        if self.exhausted:
            self.model.stop_training = True

    def write_history(self, path: Path) -> None:
        """Write a line of comma-separated values for each epoch, counted from 1."""
        text = io.StringIO(newline="")
        names = list(self.history[0]) if self.history else []
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["epoch", *names])
        for number, logs in enumerate(self.history, start=1):
            rows.writerow([number, *(f"{logs[name]:.9g}" for name in names)])
        write_whole(path, text.getvalue())

    @property
    def _owner(self) -> Path:
        return self.folder / "owner"

    def _path_of(self, epoch: int) -> Path:
        return self.folder / f"best-{epoch + 1}.npz"

    def _tidy(self) -> None:
        """What need not stand if a kill comes first."""
        self.write_history(self.folder / "history.csv")
        for path in self.folder.glob("best-*.npz"):
            if self.best is None or path != self._path_of(self.best):
                path.unlink()


class ReduceRate(keras.callbacks.Callback):
    """Lowers the step size where epochs get no better; follows from their history.

    Args:
        checkpoints: Callback that keeps the history.
        settings: `zoo.TrainingSettings` with `reduce_after`.
    """

    def __init__(self, checkpoints: Checkpoints, settings: "TrainingSettings"):
        super().__init__()
        self.checkpoints = checkpoints
        self.settings = settings

    def on_epoch_begin(self, epoch: int, logs: Mapping | None = None) -> None:
        """Sets the step size; Keras calls this."""
        settings = self.settings
        power = self.checkpoints.reductions(settings.reduce_after)
        lowered = settings.learning_rate * settings.reduce_factor**power
        floor = min(settings.min_learning_rate, settings.learning_rate)
        self.model.optimizer.learning_rate = max(lowered, floor)


def open_run(
    folder: Path,
    facts: dict[str, Any],
    overwrite: bool,
    remedy: str = "start over with overwrite=True (--force)",
) -> None:
    """Make the folder of a run, or open that of the same run to go on.

    Args:
        folder: Folder of the run.
        facts: All that decides how the run goes on, as JSON can hold it.
        overwrite: Whether another run that was left there may be given up.
        remedy: What else a user can do about another run, for the message.

    Raises:
        ValueError: If another run was left there; the message says what differs.
    """
    found = find_run(folder)
    differing = [
        f"{name} was {found.get(name)!r} and is {facts.get(name)!r}"
        for name in ({**found, **facts} if found else ())
        if found.get(name) != facts.get(name)
    ]
    if differing and not overwrite:
        raise ValueError(
            f"{folder} holds an unfinished training of another kind: "
            f"{', '.join(differing)}. Give the arguments of then to go on, or {remedy}"
        )
    if differing or found is None:
        clear_run(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "run.json", json.dumps(facts, indent=2) + "\n")


def find_run(folder: Path) -> dict[str, Any] | None:
    """What the run in a folder is about, `None` if there is no run."""
    path = folder / "run.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def clear_run(folder: Path) -> None:
    """Remove a run, and its folder if nothing else lies there."""
    for pattern in _FILES:
        for path in folder.glob(pattern):
            path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Everything that changes in training, the seeds of dropout included."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _as_stored(variable: keras.Variable) -> np.ndarray:
    """The values of a variable in a type that NumPy files know."""
    # Each bfloat16 is a float32.
    widened = variable.dtype == "bfloat16"
    value = keras.ops.cast(variable, "float32") if widened else variable
    return keras.ops.convert_to_numpy(value)


def _save(path: Path, variables: list[keras.Variable], **more: np.ndarray) -> None:
    arrays = map(_as_stored, variables)
    named = {str(index): array for index, array in enumerate(arrays)}
    with complete_or_none(path) as part, part.open("wb") as file:
        np.savez(file, **named, **more)
