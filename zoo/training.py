"""Training of a network on the dataset of a file, which goes on where it was stopped.

- The network is built for the sequences and the targets of the dataset. Its last
  activation decides on the loss: sigmoid, binary cross-entropy; softmax, categorical
  cross-entropy; none, mean squared error.
- Training is on the split "train", or on all rows where there are no splits. The epoch
  that does best on the split "validation" is kept; without one, the last epoch.
- On the split "test", where there is one, the network of that epoch is measured, both
  strands averaged.

Until the files are complete, all is in the folder OUTPUT.resume; from there the same
call goes on after the last finished epoch, with the numbers that it would have had.

| file | what |
|---|---|
| OUTPUT | the network, not compiled |
| OUTPUT.csv | the history |
| OUTPUT.json | how the network came about |
| OUTPUT.test.tsv | AUROC and AUPRC of each target on the test split |
| OUTPUT.curves.csv | points of the ROC and precision-recall curves there |
| OUTPUT.curves.svg | the figure of them |
"""

import dataclasses
import importlib
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.learning import (
    TrainingSettings,
    compile_learner,
    fit,
    frozen,
    make_streams,
    open_network,
    resolve_monitor,
)
from zoo.notes import Notes, write_notes
from zoo.prediction import check_apart, has_room_for_bar
from zoo.store import sha256_of

if TYPE_CHECKING:
    import keras

    from rckeras.datasets import Dataset
    from rckeras.evaluation import Evaluation
    from zoo.checkpoints import Checkpoints

_TESTED = ("test.tsv", "curves.csv", "curves.svg")


@dataclass(frozen=True)
class TrainingSummary:
    """What `train` did; prints as one line, and one for the test.

    Attributes:
        output: File of the network.
        epochs: Epochs trained.
        best_epoch: The one whose weights were kept, from 1.
        metrics: Its logged numbers, by name.
        test: What it comes to on the split "test"; `None` if it was not measured.
    """

    output: Path
    epochs: int
    best_epoch: int
    metrics: dict[str, float]
    test: "Evaluation | None" = None

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {x:.4f}" for name, x in self.metrics.items())
        kept = f"epoch {self.best_epoch} of {self.epochs}"
        text = f"{self.output}: {kept}: {numbers}"
        return text if self.test is None else f"{text}\ntest: {self.test}"


def train(
    name: str | os.PathLike,
    data: "Dataset | str | os.PathLike",
    output: str | os.PathLike,
    settings: TrainingSettings | None = None,
    *,
    sources: Sequence[str | os.PathLike] = (),
    tensorboard: str | os.PathLike | None = None,
    command: str | None = None,
    progress: bool = True,
    overwrite: bool = False,
) -> TrainingSummary:
    """Train a network on a dataset, test it, and write it to a file.

    Stopped in whatever way, the same call goes on after the last finished epoch.

    Args:
        name: A network's name (see `zoo.list_models`), or a `.keras` file to go on
            with.
        data: A `rckeras.datasets.Dataset`, or the file of one, which `rckeras data` or
            `rckeras.datasets.save_dataset` has written.
        output: File to write, ending in `.keras`. Beside it lie `OUTPUT.csv`,
            `OUTPUT.json`, and if there is a test split `OUTPUT.test.tsv`,
            `OUTPUT.curves.csv` and `OUTPUT.curves.svg`.
        settings: How to train; `None` for the defaults of `TrainingSettings`.
        sources: Files that the dataset was made from, to note in `OUTPUT.json`.
        tensorboard: Folder for TensorBoard, to which the events go in a folder named
            after `output`; `None` for none.
        command: Command line to note in `OUTPUT.json`.
        progress: Whether to show Keras's bar on stdout, or a line for each epoch if
            that is no terminal, and remarks on stderr.
        overwrite: Whether to replace files that exist, and to give up an unfinished
            training with other arguments.

    Returns:
        A `TrainingSummary`.

    Raises:
        ValueError: If arguments, network and dataset do not fit, or an unfinished
            training had other ones.
        FileExistsError: If a file to write exists and `overwrite` is `False`.
        OSError: If a file cannot be read or written.
        ImportError: If `tensorboard` is given and a package is missing for it.

    Example:

    ```python
    train("shrikumar-sim-rc", "simulated.h5", "mine.keras")
    train("danq", "atac.h5", "tuned.keras", TrainingSettings(weights="default"))
    data = load_fasta_pair("bound.fa", "open.fa", splits={"validation": 0.1})
    train("shrikumar-chip-rc", data, "bound.keras")
    ```
    """
    import keras

    from zoo.checkpoints import clear_run, open_run

    output = Path(output)
    folder = _beside(output, "resume")
    _check_output(output, folder, overwrite)
    events = tensorboard and Path(tensorboard) / output.stem
    if events:
        _check_events(events, folder, overwrite)
    settings = settings or TrainingSettings()
    check_apart(output, data, name, settings.weights, *sources)
    dataset = _open_dataset(data)
    keras.utils.set_random_seed(settings.seed)
    network, settings = open_network(name, dataset, settings)
    streams = make_streams(dataset, settings)
    with frozen(network, settings):
        learner = compile_learner(network, dataset, settings)
        settings = resolve_monitor(settings, learner, streams[1] is not None)
        facts = _facts(name, data, settings)
        open_run(folder, facts, overwrite)
        callbacks = _event_logs(events, folder)
        checkpoints = fit(learner, streams, settings, folder, progress, callbacks)
    summary = _choose_best(network, checkpoints, output)
    # Only labels of 0 and 1 are ranked, in training as in the test.
    if len(learner.metrics) > 1:
        found = _measure(network, dataset, settings, progress)
        summary = dataclasses.replace(summary, test=found)
    noted = {"data": _describe(data, sources), "targets": list(dataset.targets)}
    _publish(network, checkpoints, summary, {**noted, **facts}, command, progress)
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
    others = () if unfinished else ("csv", "json", *_TESTED)
    for path in (output, *(_beside(output, suffix) for suffix in others)):
        if path.is_dir() or (path.exists() and not overwrite):
            raise FileExistsError(
                f"{path} exists; choose another name, or replace it with "
                "overwrite=True (--force)"
            )


def _check_events(events: Path, folder: Path, overwrite: bool) -> None:
    from zoo.checkpoints import find_run
    from zoo.events import check_events

    goes_on = find_run(folder) is not None and (folder / "state.npz").exists()
    check_events(events, overwrite or goes_on)


def _event_logs(events: Path | None, folder: Path) -> "list[keras.callbacks.Callback]":
    """The callback for TensorBoard; what a training that begins finds there goes."""
    if not events:
        return []
    import keras

    from zoo.events import clear_events

    if not (folder / "state.npz").exists():
        clear_events(events)
    return [keras.callbacks.TensorBoard(str(events), write_graph=False)]


def _open_dataset(data: "Dataset | str | os.PathLike") -> "Dataset":
    from rckeras.datasets import load_dataset

    return load_dataset(data) if isinstance(data, str | os.PathLike) else data


def _facts(
    name: str | os.PathLike,
    data: "Dataset | str | os.PathLike",
    settings: TrainingSettings,
) -> dict[str, Any]:
    """All that decides on the numbers of a training."""
    import keras

    started_from = [path for path in (name, settings.weights) if path is not None]
    in_file = isinstance(data, str | os.PathLike)
    return {
        "network": os.fspath(name),
        "start_sha256": [sha256_of(p) for p in started_from if Path(p).is_file()],
        "data_sha256": sha256_of(data) if in_file else data.digest,
        **dataclasses.asdict(settings),
        "backend": keras.backend.backend(),
        "dtype": keras.config.dtype_policy().name,
    }


def _describe(
    data: "Dataset | str | os.PathLike", sources: Sequence[str | os.PathLike]
) -> Any:
    """What the sidecar says of the data: their file, or what they were made from."""
    from rckeras.datasets.file import describe_source

    if isinstance(data, str | os.PathLike):
        return os.fspath(data)
    return {
        "sequences": len(data),
        "length": data.length,
        "splits": data.split_sizes(),
        "notes": dict(data.notes),
        "sources": [describe_source(path) for path in sources],
    }


def _choose_best(
    network: "keras.Model", checkpoints: "Checkpoints", output: Path
) -> TrainingSummary:
    """Give the network the weights of the best epoch."""
    best, history = checkpoints.best, checkpoints.history
    if best is None:
        raise ValueError(
            f"{checkpoints.monitor or 'loss'} was not a finite number in any epoch; "
            "try a smaller `learning_rate` (--learning-rate), with overwrite=True "
            "(--force) to start over"
        )
    network.set_weights(checkpoints.best_weights())
    return TrainingSummary(output, len(history), best + 1, history[best])


def _measure(
    network: "keras.Model",
    dataset: "Dataset",
    settings: TrainingSettings,
    progress: bool,
) -> "Evaluation | None":
    """How well the network does on the test split, if there is one."""
    from rckeras.evaluation import evaluate
    from rckeras.metrics import import_sklearn

    if not dataset.split_sizes().get("test"):
        return None
    try:
        import_sklearn()
    except ImportError as error:
        _remark(f"no test: {error}", progress)
        return None
    return evaluate(
        network,
        dataset,
        length=settings.length,
        batch_size=settings.batch_size,
        n_value=settings.n_value,
        progress=progress and has_room_for_bar("file"),
    )


def _publish(
    network: "keras.Model",
    checkpoints: "Checkpoints",
    summary: TrainingSummary,
    facts: dict[str, Any],
    command: str | None,
    progress: bool,
) -> None:
    """Write all files; the network comes last, and says that the others are there."""
    whole = checkpoints.folder / "model.keras"
    network.save(whole)
    write_notes(whole, Notes(tuple(facts["targets"]), facts["n_value"]))
    checkpoints.write_history(_beside(summary.output, "csv"))
    _write_test(summary, progress)
    _write_sidecar(summary, whole, facts, command)
    whole.replace(summary.output)


def _write_test(summary: TrainingSummary, progress: bool) -> None:
    """Write table and curves of the test, and let none remain of another network."""
    from rckeras.io.whole import write_whole
    from zoo.curves import draw_curves, trace_curves, write_points

    table, points, figure = (_beside(summary.output, suffix) for suffix in _TESTED)
    if summary.test is None:
        for path in (table, points, figure):
            path.unlink(missing_ok=True)
        return
    write_whole(table, summary.test.metrics.table())
    curves = trace_curves(summary.test)
    write_points(curves, points)
    try:
        draw_curves(curves, figure)
    except ImportError as error:
        figure.unlink(missing_ok=True)
        _remark(f"no {figure.name}: {error}", progress)


def _remark(text: str, progress: bool) -> None:
    if progress:
        print(text, file=sys.stderr)


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
        "test": _test_numbers(summary.test),
        "sha256": sha256_of(saved),
        "versions": versions() | {facts["backend"]: backend.__version__},
    }
    path = _beside(summary.output, "json")
    write_whole(path, json.dumps(provenance, indent=2) + "\n")


def _test_numbers(found: "Evaluation | None") -> dict[str, float | None] | None:
    if found is None:
        return None
    means = {"auroc": found.metrics.mean_auroc, "auprc": found.metrics.mean_auprc}
    numbers = {"sequences": found.sequences, "loss": found.loss, **means}
    if found.strands is not None:
        numbers |= dataclasses.asdict(found.strands)
    # JSON has no NaN.
    return {k: None if math.isnan(x) else x for k, x in numbers.items()}
