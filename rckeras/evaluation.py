"""How well a network does on a dataset: its loss, and how it ranks each target."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from rckeras.datasets.dataset import Dataset
from rckeras.datasets.stream import SequenceStream
from rckeras.interpret.monte_carlo import settle_dropout
from rckeras.metrics import (
    BinaryMetrics,
    StrandAgreement,
    StrandTally,
    binary_metrics,
    import_sklearn,
)
from rckeras.progress import progress_bar
from rckeras.symmetry import pair_strands

_ROUNDING = 0.01  # a softmax in bfloat16 may come to 1.0078


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` found; prints as one line.

    Args:
        loss: Binary cross-entropy, in nats, averaged over sequences, strands and
            targets.
        metrics: AUROC and AUPRC of each target.
        labels: 0 and 1, of shape `(sequences, targets)`.
        predictions: What was predicted for them, of the same shape.
        strands: How far the predictions for both strands agree; `None` if one alone
            was predicted.
    """

    loss: float
    metrics: BinaryMetrics
    labels: np.ndarray
    predictions: np.ndarray
    strands: StrandAgreement | None = None

    @property
    def sequences(self) -> int:
        """Number of sequences."""
        return len(self.labels)

    def __str__(self) -> str:
        both = "" if self.strands is None else " (mean of the strands)"
        text = f"{self.sequences:,} sequences: loss {self.loss:.5f}{both}"
        text = f"{text}, {self.metrics}"
        return text if self.strands is None else f"{text}; {self.strands}"


def evaluate(
    model: keras.Model,
    dataset: Dataset,
    split: str | None = "test",
    *,
    targets: Sequence[str] | Sequence[int] | None = None,
    outputs: Sequence[str] | None = None,
    average_strands: bool = True,
    length: int | None = None,
    batch_size: int = 128,
    n_value: float = 0.0,
    mc_samples: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """Measures a network on sequences whose labels are known.

    Both strands of every sequence are predicted. AUROC and AUPRC are those of the mean
    of the two predictions, the loss is the mean of the two losses.

    Args:
        model: Functional or sequential network from `(batch, length, 4)` to
            probabilities `(batch, targets)`. Of sequences longer than its input, it is
            given the centre.
        dataset: Sequences with labels of 0 and 1.
        split: `"train"`, `"validation"`, `"test"`, or `None` for all.
        targets: Names or numbers of targets of the dataset to measure; `None` for all.
        outputs: Names of the model's outputs, among which the targets are found; by
            default those of the dataset's targets, in their order, or those chosen.
        average_strands: Whether to predict both strands; else the stored one alone.
        length: Bases of the sequences, from their centre, for a network that takes
            any number; `None` for all.
        batch_size: Sequences predicted at a time.
        n_value: Number that stands four times for N, from 0 to 1.
        mc_samples: Number of networks sampled by Monte Carlo dropout, at least 2, whose
            mean is the prediction; `None` to switch it off.
        seed: Integer that determines the samples.
        progress: Whether to show a bar on stderr.

    Returns:
        An `Evaluation`.

    Raises:
        ValueError: If the model does not fit the dataset, an argument is out of
            range, a label is neither 0 nor 1, or a prediction is no probability.
        ImportError: If scikit-learn is missing.

    Reference:
        Hawkins-Hooker, Kenlay and Reid 2018 (bioRxiv 412734): AUPRC of averaged
        predictions, loss of each strand on its own.

    Example:

    ```python
    found = evaluate(model, load_dataset("chipseq.h5"))
    print(found)
    found.metrics.auprc
    ```
    """
    import_sklearn()
    length = _settle_length(model, dataset, length)
    columns = range(len(dataset.targets))
    if targets is not None:
        columns = dataset.target_indices(targets)
    names = [dataset.targets[column] for column in columns]
    used = find_outputs(model, dataset.targets, names, outputs)
    labels = dataset.labels[dataset.rows(split)][:, columns]
    _check_binary(labels)
    stream = SequenceStream(
        dataset,
        batch_size,
        split=split,
        targets=targets,
        length=length,
        shuffle=False,
        n_value=n_value,
    )
    answer = _answerer(model, average_strands, mc_samples, seed)
    predictions, loss, agreement = _predict(
        answer, model.name, average_strands, stream, used, progress
    )
    metrics = binary_metrics(labels, predictions, names, progress)
    return Evaluation(loss, metrics, labels, predictions, agreement)


def _answerer(
    model: keras.Model, both: bool, mc_samples: int | None, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Function from a batch to answers `(batch, strands, targets)`."""
    settled = settle_dropout(model, mc_samples, seed)
    if mc_samples is not None:
        return lambda x: np.stack(
            [
                settled.predict(strand, len(x))[0]
                for strand in (x, x[:, ::-1, ::-1])[: 1 + both]
            ],
            axis=1,
        )
    if both:
        return pair_strands(settled).predict_on_batch
    return lambda x: settled.predict_on_batch(x)[:, None]


def _predict(
    answer: Callable[[np.ndarray], np.ndarray],
    name: str,
    both: bool,
    stream: SequenceStream,
    used: list[int],
    progress: bool,
) -> tuple[np.ndarray, float, StrandAgreement | None]:
    """Means over the strands, the mean of their losses, and how far they agree."""
    predictions = np.empty((stream.samples_per_epoch, len(used)), dtype=np.float32)
    tally, total, first = StrandTally(), 0.0, 0
    with progress_bar(len(predictions), "predicting", progress) as advance:
        for index in range(stream.num_batches):
            x, y = stream[index]
            answers = answer(x)[..., used].astype("float32")
            _check_probabilities(answers, name)
            total += _cross_entropy(y[:, None], answers).mean(1).sum(dtype="float64")
            predictions[first : first + len(y)] = answers.mean(axis=1)
            first += len(y)
            if both:
                tally.add(answers[:, 0], answers[:, 1])
            advance(len(y))
    loss = float(total / predictions.size)
    return predictions, loss, tally.agreement() if both else None


def _cross_entropy(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """As `keras.losses.binary_crossentropy`, before it takes the mean."""
    epsilon = keras.config.epsilon()
    p = np.clip(predicted.astype("float32"), epsilon, 1 - epsilon)
    return -(y * np.log(p) + (1 - y) * np.log1p(-p))


def find_outputs(
    model: keras.Model,
    known: Sequence[str],
    names: list[str],
    outputs: Sequence[str] | None,
) -> list[int]:
    """Which outputs of the model are those of the targets."""
    count = model.output_shape[-1]
    if outputs is None:
        outputs = known if count == len(known) else names
    if len(outputs) != count:
        raise ValueError(
            f"`model` must have an output for each of the {len(outputs)} targets. "
            f"Received: {model.name!r} with {count} outputs"
        )
    places = {name: index for index, name in enumerate(outputs)}
    missing = [name for name in names if name not in places]
    if missing:
        raise ValueError(
            "`outputs` must have the names of all targets that are measured. "
            f"Received: {len(places)} names without {missing[0]!r}"
        )
    return [places[name] for name in names]


def _check_binary(labels: np.ndarray) -> None:
    """Refuses other labels than 0 and 1 before the work of predicting."""
    if labels.dtype == np.uint8 and labels.max() <= 1:
        return
    wrong = labels[(labels != 0) & (labels != 1)]
    if wrong.size:
        raise ValueError(f"`dataset` must have labels of 0 and 1. Received: {wrong[0]}")


def _settle_length(
    model: keras.Model, dataset: Dataset, length: int | None
) -> int | None:
    """Bases to predict from; refuses a model of other inputs or outputs."""
    inputs, outputs = (
        [tuple(tensor.shape) for tensor in getattr(model, which, None) or ()]
        for which in ("inputs", "outputs")
    )
    if [len(shape) for shape in (*inputs, *outputs)] != [3, 2]:
        raise ValueError(
            "`model` must be functional or sequential, from one input (batch, length, "
            f"4) to one output (batch, targets). Received: {model.name!r} from "
            f"{inputs} to {outputs}"
        )
    known = inputs[0][1]
    if None not in (known, length) and known != length:
        raise ValueError(
            f"`length` must be {known}, as the model's, or None. Received: {length}"
        )
    length = known if length is None else length
    if length is not None and length > dataset.length:
        raise ValueError(
            f"`model` must not be longer than the sequences. Received: {model.name!r} "
            f"with an input of {length} bases, and a dataset of {dataset.length}"
        )
    return length


def _check_probabilities(predicted: np.ndarray, name: str) -> None:
    """Refuses what the loss would cut silently."""
    fits = (predicted >= -_ROUNDING) & (predicted <= 1 + _ROUNDING)
    if not fits.all():
        raise ValueError(
            "`model` must predict probabilities from 0 to 1, as a last sigmoid or "
            f"softmax gives. Received: {predicted[~fits][0]} from {name!r}"
        )
