"""Training of a network on the dataset of a file, which goes on where it was stopped.

- The network is built for the sequences and the targets of the dataset. Its last
  activation decides on the loss: sigmoid, binary cross-entropy; softmax, categorical
  cross-entropy; none, mean squared error.
- Training is on the split "train", or on all rows where there are no splits. The epoch
  that does best on the split "validation" is kept; without one, the last epoch.
- Beside OUTPUT lie OUTPUT.csv, the history, and OUTPUT.json, which says how the
  network came about. Until they are complete, all is in the folder OUTPUT.resume; from
  there the same call goes on after the last finished epoch, with the numbers that it
  would have had.
"""

import dataclasses
import importlib
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.learning import (
    TrainingSettings,
    compile_learner,
    make_streams,
    open_network,
    resolve_monitor,
)
from zoo.prediction import check_apart
from zoo.store import sha256_of

if TYPE_CHECKING:
    import keras

    from rckeras.datasets import SequenceStream
    from zoo.checkpoints import Checkpoints


@dataclass(frozen=True)
class TrainingSummary:
    """What `train` did; prints as one line.

    Attributes:
        output: File of the network.
        epochs: Epochs trained.
        best_epoch: The one whose weights were kept, from 1.
        metrics: Its logged numbers, by name.
    """

    output: Path
    epochs: int
    best_epoch: int
    metrics: dict[str, float]

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {x:.4f}" for name, x in self.metrics.items())
        kept = f"epoch {self.best_epoch} of {self.epochs}"
        return f"{self.output}: {kept}: {numbers}"


def train(
    name: str | os.PathLike,
    data: str | os.PathLike,
    output: str | os.PathLike,
    settings: TrainingSettings | None = None,
    *,
    command: str | None = None,
    progress: bool = True,
    overwrite: bool = False,
) -> TrainingSummary:
    """Train a network on a dataset, and write it to a file.

    Stopped in whatever way, the same call goes on after the last finished epoch.

    Args:
        name: A network's name (see `zoo.list_models`), or a `.keras` file to go on
            with.
        data: Dataset that `rckeras data` or `rckeras.datasets.save_dataset` has
            written.
        output: File to write, ending in `.keras`; beside it `OUTPUT.csv` and
            `OUTPUT.json`.
        settings: How to train; `None` for the defaults of `TrainingSettings`.
        command: Command line to note in `OUTPUT.json`.
        progress: Whether to show Keras's bar on stdout, or a line for each epoch if
            that is no terminal, and remarks on stderr.
        overwrite: Whether to replace `output` if it exists, and to give up an
            unfinished training with other arguments.

    Returns:
        A `TrainingSummary`.

    Raises:
        ValueError: If arguments, network and dataset do not fit, or an unfinished
            training had other ones.
        FileExistsError: If `output` exists and `overwrite` is `False`.
        OSError: If a file cannot be read or written.

    Example:

    ```python
    train("shrikumar-sim-rc", "simulated.h5", "mine.keras")
    train("danq", "atac.h5", "tuned.keras", TrainingSettings(weights="default"))
    ```
    """
    import keras

    from rckeras.datasets import load_dataset
    from zoo.checkpoints import Checkpoints, clear_run, open_run

    output = Path(output)
    folder = _beside(output, "resume")
    _check_output(output, folder, overwrite)
    settings = settings or TrainingSettings()
    check_apart(output, data, name, settings.weights)
    dataset = load_dataset(data)
    keras.utils.set_random_seed(settings.seed)
    network, settings = open_network(name, dataset, settings)
    streams = make_streams(dataset, settings)
    learner = compile_learner(network, dataset, settings)
    settings = resolve_monitor(settings, learner, streams[1] is not None)
    facts = _facts(name, data, settings)
    open_run(folder, facts, overwrite)
    checkpoints = Checkpoints(
        folder, settings.monitor, settings.patience, settings.seed
    )
    checkpoints.restore(learner)
    _fit(learner, streams, checkpoints, settings.epochs, progress)
    facts = {"data": os.fspath(data), "targets": list(dataset.targets), **facts}
    summary = _publish(network, checkpoints, output, facts, command)
    clear_run(folder)
    return summary


def _beside(output: Path, suffix: str) -> Path:
    return output.with_name(f"{output.name}.{suffix}")


def _check_output(output: Path, folder: Path, overwrite: bool) -> None:
    from zoo.checkpoints import find_run

    if output.suffix != ".keras":
        raise ValueError(f"`output` must end in .keras. Received: {output}")
    if not output.parent.is_dir():
        raise FileNotFoundError(f"{output}: there is no folder {output.parent}")
    unfinished = find_run(folder) is not None
    if folder.exists() and not unfinished and any(folder.iterdir()):
        raise FileExistsError(f"{folder} exists, and is of no unfinished training")
    # An unfinished training may have written these beside its output.
    others = () if unfinished else ("csv", "json")
    for path in (output, *(_beside(output, suffix) for suffix in others)):
        if path.is_dir() or (path.exists() and not overwrite):
            raise FileExistsError(
                f"{path} exists; choose another name, or replace it with "
                "overwrite=True (--force)"
            )


def _facts(
    name: str | os.PathLike, data: str | os.PathLike, settings: TrainingSettings
) -> dict[str, Any]:
    """All that decides on the numbers of a training."""
    import keras

    started_from = [path for path in (name, settings.weights) if path is not None]
    return {
        "network": os.fspath(name),
        "start_sha256": [sha256_of(p) for p in started_from if Path(p).is_file()],
        "data_sha256": sha256_of(data),
        **dataclasses.asdict(settings),
        "backend": keras.backend.backend(),
    }


def _fit(
    learner: "keras.Model",
    streams: "tuple[SequenceStream, SequenceStream | None]",
    checkpoints: "Checkpoints",
    epochs: int,
    progress: bool,
) -> None:
    from rckeras.datasets import FollowEpoch

    training, held_out = streams
    done = len(checkpoints.history)
    if progress and done:
        print(f"going on after epoch {done}", file=sys.stderr)
    if progress and checkpoints.monitor is None:
        print("no validation split: training will not stop early", file=sys.stderr)
    if done >= epochs or checkpoints.exhausted:
        return
    learner.fit(
        training,
        validation_data=held_out,
        epochs=epochs,
        initial_epoch=done,
        shuffle=False,
        callbacks=[FollowEpoch(training), checkpoints],
        verbose=(1 if sys.stdout.isatty() else 2) if progress else 0,
    )


def _publish(
    network: "keras.Model",
    checkpoints: "Checkpoints",
    output: Path,
    facts: dict[str, Any],
    command: str | None,
) -> TrainingSummary:
    """Write the network of the best epoch, the history and the sidecar."""
    best, history = checkpoints.best, checkpoints.history
    if best is None:
        raise ValueError(
            f"{checkpoints.monitor or 'loss'} was not a finite number in any epoch; "
            "try a smaller `learning_rate` (--learning-rate), with overwrite=True "
            "(--force) to start over"
        )
    summary = TrainingSummary(output, len(history), best + 1, history[best])
    network.set_weights(checkpoints.best_weights())
    whole = checkpoints.folder / "model.keras"
    network.save(whole)
    checkpoints.write_history(_beside(output, "csv"))
    _write_sidecar(summary, whole, facts, command)
    whole.replace(output)
    return summary


def _write_sidecar(
    summary: TrainingSummary, saved: Path, facts: dict[str, Any], command: str | None
) -> None:
    from rckeras.datasets.file import versions
    from rckeras.io.whole import write_whole

    backend = importlib.import_module(facts["backend"])
    provenance = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        **facts,
        "epochs_trained": summary.epochs,
        "best_epoch": summary.best_epoch,
        "metrics": summary.metrics,
        "sha256": sha256_of(saved),
        "versions": versions() | {facts["backend"]: backend.__version__},
    }
    path = _beside(summary.output, "json")
    write_whole(path, json.dumps(provenance, indent=2) + "\n")
