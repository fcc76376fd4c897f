"""What a training needs: its settings, and from them network, batches and loss."""

import contextlib
import math
import numbers
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import numpy as np

from zoo.loading import load
from zoo.notes import read_notes
from zoo.prediction import check_shapes, find_card, open_model

if TYPE_CHECKING:
    import keras

    from rckeras.datasets import Dataset, SequenceStream
    from zoo.checkpoints import Checkpoints
    from zoo.registry import Card

_LOSSES = {
    "sigmoid": "binary_crossentropy",
    "softmax": "categorical_crossentropy",
    "linear": "mean_squared_error",
}
_LEARNING_RATE = 1e-3
_BLOCK = 1 << 16  # rows of labels looked at in one go


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    Args:
        weights: Weights of a named network to start from, as in `zoo.load`; `None` for
            a random start. With another number of targets the last layer starts at
            random and all others keep them.
        length: Bases around the centre of each sequence to train on; `None` for all.
        epochs: Most epochs, at least 1.
        batch_size: Sequences in a batch.
        learning_rate: Step size of Adam, above 0. `None` for what the network's card
            advises for a random start, or, with `weights`, for fine-tuning; 1e-3
            without a card.
        decay: Divides the step size by `1 + decay * batches so far`, from 0, as the
            argument of this name did in Keras 2.
        reduce_after: Epochs without a better one after which the step size is
            multiplied by `reduce_factor`; `None` to leave it.
        reduce_factor: Number between 0 and 1.
        min_learning_rate: The step size is not reduced below this, from 0.
        strands: `"forward"`, `"random"` or `"both"`, see
            `rckeras.datasets.SequenceStream`. `None` for `"random"`, or `"forward"` if
            both strands get the same answer, for the network is conjoined or its card
            says so: then there is nothing to be learned from the other one.
        max_shift: Windows move by up to so many bases, over N off the ends.
        max_jitter: Windows move by up to so many bases, over stored ones.
        class_weight: `"balanced"` to let positives and negatives count alike, if there
            is one target; `None` to leave them.
        positive_fraction: Share of each batch, between 0 and 1, that has a label;
            `None` to leave it to chance.
        samples_per_epoch: Sequences in an epoch; `None` for all of the split.
        n_value: Value from 0 to 1 of the four channels for N; `None` for that with
            which the weights were trained, or of the network's card, or 0.
        monitor: Number by which epochs are compared: `"loss"`, `"accuracy"`, `"auroc"`
            or `"auprc"`, on the split "validation" with `"val_"` before it; `None` for
            `"val_loss"` if there is that split, and to take the last epoch if not.
        patience: Epochs without a better one after which training ends, at least 1.
        seed: Whole number from 0 that decides on weights, batches and dropout.
        freeze: Whether to train the last layer alone.
        conjoined: Whether to make a conjoined network of it, see `rckeras.conjoin`,
            which runs on both strands, and to train and save that.
        consistency: Weight of a penalty, while it is trained, on different answers to
            the two strands, see `rckeras.StrandConsistency`; 0 for none.

    Raises:
        ValueError: If a number is out of range. What depends on the data is checked
            by `train`.
    """

    weights: str | None = None
    length: int | None = None
    epochs: int = 50
    batch_size: int = 128
    learning_rate: float | None = None
    decay: float = 0.0
    reduce_after: int | None = None
    reduce_factor: float = 0.2
    min_learning_rate: float = 0.0
    strands: str | None = None
    max_shift: int = 0
    max_jitter: int = 0
    class_weight: str | None = None
    positive_fraction: float | None = None
    samples_per_epoch: int | None = None
    n_value: float | None = None
    monitor: str | None = None
    patience: int = 10
    seed: int = 0
    freeze: bool = False
    conjoined: bool = False
    consistency: float = 0.0

    def __post_init__(self):
        if self.weights is not None:
            object.__setattr__(self, "weights", os.fspath(self.weights))
        self._check_kinds()
        for name in ("epochs", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. Received: {getattr(self, name)}"
                )
        rate = self.learning_rate
        if rate is not None and not 0 < rate < math.inf:
            raise ValueError(f"`learning_rate` must be above 0. Received: {rate}")
        self._check_schedule()
        if not 0 <= self.consistency < math.inf:
            raise ValueError(
                f"`consistency` must be at least 0. Received: {self.consistency}"
            )
        if not 0 <= self.seed < 1 << 32:
            raise ValueError(
                f"`seed` must be from 0 to 4294967295. Received: {self.seed}"
            )

    def _check_kinds(self):
        """Texts such as "off" are true, and an epoch and a half is none.

        NumPy's numbers become Python's, which JSON and Keras know.
        """
        for field in fields(self):
            value, options = getattr(self, field.name), get_args(field.type)
            kinds = options or (field.type,)
            whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
            if bool in kinds and not isinstance(value, bool):
                raise ValueError(
                    f"`{field.name}` must be True or False. Received: {value!r}"
                )
            if int in kinds and not (whole or (value is None and options)):
                raise ValueError(
                    f"`{field.name}` must be a whole number. Received: {value!r}"
                )
            if int in kinds and whole:
                object.__setattr__(self, field.name, int(value))
            if float in kinds and value is not None:
                object.__setattr__(self, field.name, self._as_float(field.name, value))

    def _as_float(self, name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise ValueError(f"`{name}` must be a number. Received: {value!r}")
        return float(value)

    def _check_schedule(self):
        if not 0 <= self.decay < math.inf:
            raise ValueError(f"`decay` must be at least 0. Received: {self.decay}")
        if self.reduce_after is None:
            return
        if self.reduce_after < 1 or not 0 < self.reduce_factor < 1:
            raise ValueError(
                "`reduce_after` must be at least 1, and `reduce_factor` between 0 and "
                f"1. Received: {self.reduce_after} and {self.reduce_factor}"
            )
        if not 0 <= self.min_learning_rate < math.inf:
            raise ValueError(
                "`min_learning_rate` must be at least 0. "
                f"Received: {self.min_learning_rate}"
            )
        if self.decay:
            raise ValueError(
                "give `decay` or `reduce_after`, which lower the step size both. "
                f"Received: {self.decay} and {self.reduce_after}"
            )


def open_network(
    name: str | os.PathLike, dataset: "Dataset", settings: TrainingSettings
) -> tuple["keras.Model", TrainingSettings]:
    """Open the network that is to be trained.

    Args:
        name: A network's name, or a `.keras` file.
        dataset: What it is to be trained on.
        settings: How to train it.

    Returns:
        The network, and the settings with what its card says where they are `None`.

    Raises:
        ValueError: If network and dataset do not fit.
        OSError: If a file cannot be read.
    """
    if os.fspath(name).endswith(".keras"):
        network = _open_file(name, dataset, settings)
        settings = _inherit(settings, name)
        network = conjoin_if(settings, network)
        return network, settle(settings, conjoined=_is_conjoined(network))
    if settings.freeze and settings.weights is None:
        raise ValueError(
            "`freeze` (--freeze) trains the last layer alone, so the others need "
            "`weights` (--weights) to start from. Received: none"
        )
    card = find_card(os.fspath(name))
    network = load(
        card.name,
        weights=settings.weights,
        targets=len(dataset.targets),
        sequence_length=settings.length or dataset.length,
    )
    settings = _inherit(settings, settings.weights)
    return conjoin_if(settings, network), settle(settings, card)


def _inherit(
    settings: TrainingSettings, weights: str | os.PathLike | None
) -> TrainingSettings:
    """The settings with the value of N that weights were trained with."""
    if settings.n_value is not None:
        return settings
    notes = read_notes(weights)
    return replace(settings, n_value=notes.n_value if notes else None)


def conjoin_if(settings: TrainingSettings, network: "keras.Model") -> "keras.Model":
    """The network, or what `rckeras.conjoin` makes of it, if the settings say so."""
    from rckeras import conjoin

    return conjoin(network) if settings.conjoined else network


def settle(
    settings: TrainingSettings, card: "Card | None" = None, conjoined: bool = False
) -> TrainingSettings:
    """The settings with what a network's card says where they are `None`.

    Args:
        settings: Settings.
        card: The card, if there is one.
        conjoined: Whether the network is conjoined already, whatever settings say.
    """
    invariant = card is not None and card.strand_symmetry == "invariant"
    symmetric = invariant or settings.conjoined or conjoined
    strands = "forward" if symmetric else "random"
    n_value = 0.0 if card is None else card.n_value
    rate = settings.learning_rate
    if rate is None:
        rate = _advised_rate(settings, card)
    return replace(
        settings,
        learning_rate=rate,
        strands=settings.strands or strands,
        n_value=n_value if settings.n_value is None else settings.n_value,
    )


def _advised_rate(settings: TrainingSettings, card: "Card | None") -> float:
    if card is None:
        return _LEARNING_RATE
    return card.learning_rate if settings.weights is None else card.fine_tuning_rate


def _open_file(
    path: str | os.PathLike, dataset: "Dataset", settings: TrainingSettings
) -> "keras.Model":
    given = "default" if settings.weights is None else settings.weights
    network, _, _ = open_model(path, given)
    reads, targets = check_shapes(network)
    length = settings.length or dataset.length
    if reads not in (None, length):
        raise ValueError(
            f"{path} reads {reads} bases, and would be given {length} of the "
            f"{dataset.length} that the sequences have; see `length` (--length)"
        )
    if targets != len(dataset.targets):
        raise ValueError(
            f"{path} has {targets} outputs, and the dataset {len(dataset.targets)} "
            "targets; to train another last layer, give the name of the network and "
            "this file as `weights` (--weights)"
        )
    return network


def make_streams(
    dataset: "Dataset", settings: TrainingSettings
) -> tuple["SequenceStream", "SequenceStream | None"]:
    """Make the batches to train on, and those to compare epochs on.

    Raises:
        ValueError: If a setting does not fit the dataset or the others.
    """
    from rckeras.datasets import SequenceStream

    divided = dataset.splits is not None
    common = {
        "batch_size": settings.batch_size,
        "length": settings.length,
        "n_value": settings.n_value,
    }
    names = "seed samples_per_epoch strands max_shift max_jitter positive_fraction"
    drawn = {key: getattr(settings, key) for key in [*names.split(), "class_weight"]}
    split = "train" if divided else None
    training = SequenceStream(dataset, split=split, **common, **drawn)
    if not (divided and dataset.split_sizes()["validation"]):
        return training, None
    held_out = SequenceStream(dataset, split="validation", shuffle=False, **common)
    return training, held_out


@contextlib.contextmanager
def frozen(network: "keras.Model", settings: TrainingSettings) -> Iterator[None]:
    """Let the last layer alone be trained, if the settings say so.

    What a network is compiled for in the block is for the block: afterwards its layers
    are trainable as before, and so it is saved.

    Raises:
        ValueError: If that leaves nothing to be trained.
    """
    # Parents come before their children, whose state they overwrite.
    before = [(layer, layer.trainable) for layer in network._flatten_layers()]
    try:
        if settings.freeze:
            _freeze_all_but_last(network)
        yield
    finally:
        for layer, trainable in before:
            layer.trainable = trainable


def _of_one_strand(network: "keras.Model") -> "keras.Model":
    """What a conjoined network runs on both strands; any other one as it is."""
    import keras

    if not _is_conjoined(network):
        return network
    return next(layer for layer in network.layers if isinstance(layer, keras.Model))


def _is_conjoined(network: "keras.Model") -> bool:
    from rckeras.symmetry.conjoined import BothStrands

    return any(isinstance(layer, BothStrands) for layer in network.layers)


def _freeze_all_but_last(network: "keras.Model") -> None:
    *others, last = _of_one_strand(network).layers
    for layer in others:
        layer.trainable = False
    if not network.trainable_weights:
        raise ValueError(
            f"`freeze` (--freeze) leaves nothing to be trained: the last layer, "
            f"{last.name!r}, has no weights of its own"
        )


def compile_learner(
    network: "keras.Model", dataset: "Dataset", settings: TrainingSettings
) -> "keras.Model":
    """Compile a model of the same layers, so that the network itself is saved bare.

    Raises:
        ValueError: If the labels do not fit the last activation.
    """
    import keras

    from zoo.auc import MeanAUC

    loss = _choose_loss(network, dataset)
    metrics = None
    if loss != _LOSSES["linear"] and _all_rows(
        dataset, lambda y: np.isin(y, (0, 1)).all()
    ):
        metrics = [
            MeanAUC(len(dataset.targets), curve=curve, name=name)
            for name, curve in (("auroc", "ROC"), ("auprc", "PR"))
        ]
        accuracy = keras.metrics.CategoricalAccuracy
        if loss == _LOSSES["sigmoid"]:
            # Keras takes "accuracy" of several targets for that of one choice.
            accuracy = keras.metrics.BinaryAccuracy
        metrics.append(accuracy(name="accuracy"))
    rate = settings.learning_rate
    if settings.decay:
        rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, settings.decay)
    learner = keras.Model(network.inputs, network.outputs, name=network.name)
    if settings.consistency:
        from rckeras import StrandConsistency

        learner = StrandConsistency(learner, settings.consistency, name=network.name)
    learner.compile(keras.optimizers.Adam(rate), loss, metrics=metrics)
    return learner


def _choose_loss(network: "keras.Model", dataset: "Dataset") -> str:
    from rckeras.symmetry.heads import find_heads

    try:
        (head,) = find_heads(network)
    except TypeError as error:
        raise ValueError(f"the loss goes by the last activation: {error}") from error
    last = _of_one_strand(network).layers[-1]
    plain = getattr(getattr(last, "activation", None), "__name__", None)
    activation = plain if head is None else head.activation
    if activation not in _LOSSES:
        raise ValueError(
            f"the last layer must have one of the activations {', '.join(_LOSSES)}, "
            f"which decide on the loss. Received: {last.name!r} with {activation}"
        )
    if activation == "sigmoid" and not _all_rows(dataset, _are_shares):
        raise ValueError(
            "a network that ends in a sigmoid needs labels from 0 to 1, and the "
            "dataset has others"
        )
    if activation == "softmax" and not _all_rows(dataset, _are_distributions):
        raise ValueError(
            "a network that ends in a softmax chooses one of its targets: the labels "
            "of each sequence must sum to 1, and the dataset has others"
        )
    return _LOSSES[activation]


def _all_rows(dataset: "Dataset", holds: Callable[[np.ndarray], bool]) -> bool:
    starts = range(0, len(dataset), _BLOCK)
    return all(holds(np.asarray(dataset.labels[i : i + _BLOCK])) for i in starts)


def _are_shares(labels: np.ndarray) -> bool:
    return bool(((labels >= 0) & (labels <= 1)).all())


def _are_distributions(labels: np.ndarray) -> bool:
    sums = labels.sum(axis=1, dtype="float64")
    return _are_shares(labels) and bool((abs(sums - 1) < 1e-5).all())


def resolve_monitor(
    settings: TrainingSettings, learner: "keras.Model", held_out: bool
) -> TrainingSettings:
    """Check the number to monitor, or choose it.

    Args:
        settings: How to train.
        learner: Compiled model.
        held_out: Whether there is a split for validation.

    Raises:
        ValueError: If no such number is logged.
    """
    known = ["loss"]
    if len(learner.metrics) > 1:
        known += ["accuracy", "auroc", "auprc"]
    if held_out:
        known += [f"val_{name}" for name in known]
    if settings.monitor is None and settings.reduce_after and not held_out:
        raise ValueError(
            "`reduce_after` needs epochs to be compared: a validation split, or a "
            "`monitor` (--monitor)"
        )
    if settings.monitor is None:
        return replace(settings, monitor="val_loss" if held_out else None)
    if settings.monitor not in known:
        raise ValueError(
            f"`monitor` (--monitor) must be one of {', '.join(known)} with these data, "
            f"which have {'a' if held_out else 'no'} validation split. Received: "
            f"{settings.monitor!r}"
        )
    return settings


def fit(
    learner: "keras.Model",
    streams: "tuple[SequenceStream, SequenceStream | None]",
    settings: TrainingSettings,
    folder: Path,
    progress: bool = True,
    callbacks: "Sequence[keras.callbacks.Callback]" = (),
) -> "Checkpoints":
    """Train from the beginning, or from where the run of a folder was stopped.

    Args:
        learner: Model of `compile_learner`.
        streams: What `make_streams` has made.
        settings: Settings of `resolve_monitor`.
        folder: Folder of the run, see `zoo.checkpoints.open_run`.
        progress: Whether to show Keras's bar on stdout, or a line for each epoch if
            that is no terminal, and remarks on stderr.
        callbacks: Further callbacks. They are called before an epoch's state is
            written, so that a kill may repeat an epoch to them, and skips none.

    Returns:
        The callback that knows the history, and the weights of the best epoch.
    """
    from rckeras.datasets import FollowEpoch
    from zoo.checkpoints import Checkpoints, ReduceRate

    checkpoints = Checkpoints(
        folder, settings.monitor, settings.patience, settings.seed
    )
    checkpoints.restore(learner)
    training, held_out = streams
    done = len(checkpoints.history)
    if progress and done:
        print(f"going on after epoch {done}", file=sys.stderr)
    if progress and settings.monitor is None:
        print("no validation split: training will not stop early", file=sys.stderr)
    if done >= settings.epochs or checkpoints.exhausted:
        return checkpoints
    used = [FollowEpoch(training), *callbacks, checkpoints]
    if settings.reduce_after:
        used.append(ReduceRate(checkpoints, settings))
    learner.fit(
        training,
        validation_data=held_out,
        epochs=settings.epochs,
        initial_epoch=done,
        shuffle=False,
        callbacks=used,
        verbose=(1 if sys.stdout.isatty() else 2) if progress else 0,
    )
    return checkpoints
