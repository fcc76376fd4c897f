"""Predictions for the sequences of a file, written to a file as they are made.

What the rules are:

- The input is FASTA, BED with a genome, or a dataset of `rckeras data`. Rows come out
  in the order of the input, one for each record, repeated names included. Only one
  batch is held in memory, so the input may be of any length.
- A sequence of another length than the network's is an error unless `fit` says what
  to do. The centre stays the centre; where the difference is odd, the odd base is cut
  from, or added to, the right end. So a sequence and its reverse complement are not
  cut alike when the difference is odd.
- Around an interval of another length, the window of the network's length on the same
  centre is read from the genome, with its real flanks.
- N and the other IUPAC codes are encoded as in the network's training.
- Monte Carlo dropout is off unless `mc_samples` is given, so predictions repeat.
"""

import array
import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.loading import load
from zoo.messages import in_short
from zoo.notes import read_notes
from zoo.registry import Card, describe
from zoo.sources import open_source
from zoo.tables import Columns, check_output, is_standard_output, open_table

if TYPE_CHECKING:
    import keras

    from rckeras.io.windows import Window

_PLAIN = {"predictions": ""}
_SAMPLED = {"predictions": "_mean", "std": "_std"}


@dataclass
class PredictionSummary:
    """What `predict_file` did; prints as one line.

    Attributes:
        rows: Sequences predicted.
        ambiguous_letters: Letters read as N. N added to a record does not count, N
            for bases off the end of a chromosome does.
        duplicate_names: Rows whose name an earlier row has (`"."` is no name).
        cropped: Sequences cut to the network's length.
        padded: Sequences with N added at their ends.
        extended: Intervals widened along the genome.
    """

    rows: int = 0
    ambiguous_letters: int = 0
    duplicate_names: int = 0
    cropped: int = 0
    padded: int = 0
    extended: int = 0

    def __str__(self) -> str:
        counts = [
            (f.name.replace("_", " "), getattr(self, f.name)) for f in fields(self)
        ]
        return ", ".join(
            f"{count:,} {what.removesuffix('s') if count == 1 else what}"
            for what, count in counts
            if count or what == "rows"
        )


def predict_file(
    model: "keras.Model | str | os.PathLike",
    path: str | os.PathLike,
    output: str | os.PathLike | None = None,
    *,
    genome: str | os.PathLike | None = None,
    split: str | None = None,
    weights: str | os.PathLike | None = "default",
    targets: Sequence[str] | None = None,
    fit: str = "error",
    average_strands: bool = False,
    mc_samples: int | None = None,
    seed: int = 0,
    batch_size: int = 128,
    n_value: float | None = None,
    format: str | None = None,
    progress: bool = True,
    overwrite: bool = False,
) -> PredictionSummary:
    """Predict all sequences of a FASTA file or a dataset, or intervals of a BED file.

    Args:
        model: A network's name (see `zoo.list_models`), a `.keras` file, or a
            `keras.Model` from `(batch, length, 4)`, in the order A, C, G, T, to
            `(batch, targets)`.
        path: FASTA, or BED if `genome` is given; plain, gzip or bgzip; `"-"` for the
            standard input. Or a dataset that `rckeras data` has written; its rows get
            their intervals or names as keys, or else their number, from 0.
        output: File to write; `None` or `"-"` for the standard output.
        genome: FASTA file from which the intervals of a BED file are read.
            Intervals on strand `-` are reverse-complemented.
        split: `"train"`, `"validation"` or `"test"` of a dataset; `None` for all.
        weights: Weights of a named network, as in `zoo.load`.
        targets: Names of the outputs; by default those of the network's card, or
            `target_0`, `target_1`, ... where there is none or their number differs.
        fit: What to do with another length than the network's: `"error"`, `"crop"`
            longer sequences to their centre, `"pad"` shorter ones with N on both
            sides, or `"both"`. The last three also move intervals to the network's
            length; off the ends of a chromosome only `"pad"` and `"both"` add N.
        average_strands: Whether to average the predictions for a sequence and for
            its reverse complement.
        mc_samples: Number of networks sampled by Monte Carlo dropout, at least 2.
            Each target then has a mean and a standard deviation over them.
        seed: Integer that determines these samples.
        batch_size: Sequences per step.
        n_value: Value from 0 to 1 of the four channels for N; by default that of
            the network's training, 0 for a model without a card.
        format: `"tsv"`, `"csv"`, `"parquet"`, `"h5"` or `"npz"`; by default by the
            suffix of `output`, tsv on the standard output.
        progress: Whether to show a bar on stderr, if that is a terminal.
        overwrite: Whether to replace `output` if it exists.

    Returns:
        A `PredictionSummary`.

    Raises:
        ValueError: If an argument, the model or a record does not fit; for a record
            the message starts with `path:line`.
        FileExistsError: If `output` exists and `overwrite` is `False`.
        OSError: If a file cannot be read or written.
        ImportError: If a format needs a package that is missing.

    Example:

    ```python
    predict_file("deepsea", "promoters.fa", "promoters.tsv", average_strands=True)
    predict_file("danq", "peaks.bed", "peaks.h5", genome="hg19.fa", fit="both")
    predict_file("mine.keras", "dataset.h5", "test.tsv", split="test")
    ```
    """
    from rckeras.progress import progress_bar

    format = check_output(output, format, overwrite)
    source = open_source(path, genome, split, fit)
    check_apart(output, path, genome, weights, model)
    check_numbers(batch_size, n_value)
    model, card_targets, card_n_value = open_model(model, weights)
    length, count = check_shapes(model)
    remark_on_dropout(model, mc_samples, progress)
    n_value = card_n_value if n_value is None else n_value
    columns = Columns(
        source.keys,
        name_targets(targets or card_targets, count),
        _PLAIN if mc_samples is None else _SAMPLED,
    )
    predict = _predictor(model, n_value, average_strands, mc_samples, seed)
    tally = Tally()
    wanted = progress and has_room_for_bar(output)
    total = source.count() if wanted else None
    with (
        progress_bar(total, "predicting", wanted) as advance,
        open_table(output, format, columns) as write,
    ):
        for batch in batches_of(source.windows(length), batch_size):
            with blame(path, batch):
                values = predict(batch)
            write([window.keys for window in batch], values)
            tally.add(batch)
            advance(len(batch))
    return tally.summary()


def check_numbers(batch_size: int, n_value: float | None) -> None:
    """Refuse a batch without sequences, and a value of N that is none."""
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")
    if n_value is not None and not 0 <= n_value <= 1:
        raise ValueError(f"`n_value` must be from 0 to 1. Received: {n_value}")


def check_apart(output: str | os.PathLike | None, *inputs: object) -> None:
    """Refuse to replace a file that is read."""
    if is_standard_output(output) or not Path(output).exists():
        return
    for path in inputs:
        given = isinstance(path, str | os.PathLike) and Path(path).exists()
        if given and Path(path).samefile(output):
            raise ValueError(f"`output` must not be a file that is read: {output}")


@contextlib.contextmanager
def blame(path: str | os.PathLike, batch: "list[Window]") -> Iterator[None]:
    """Name the records on which the network fails, as one too short for it does."""
    try:
        yield
    except Exception as error:
        first = batch[0]
        others = f" and {len(batch) - 1} more" if len(batch) > 1 else ""
        raise ValueError(
            f"{path}:{first.line}: record {first.name!r}{others} of "
            f"{len(first.sequence)} bases: the network failed: {in_short(error)}"
        ) from error


class Tally:
    """Counts over all windows."""

    def __init__(self):
        self._counts = PredictionSummary()
        # Eight bytes a name; a set of the names would take a hundred.
        self._names = array.array("q")

    def add(self, batch: "list[Window]") -> None:
        """Count a batch."""
        counts = self._counts
        counts.rows += len(batch)
        for window in batch:
            counts.ambiguous_letters += window.ambiguous
            counts.cropped += window.cropped
            counts.padded += window.padded
            counts.extended += window.extended
            if window.name != ".":
                self._names.append(hash(window.name))

    def summary(self) -> PredictionSummary:
        """The counts, with that of repeated names."""
        repeated = len(self._names) - len(np.unique(self._names))
        return replace(self._counts, duplicate_names=repeated)


def open_model(
    model: "keras.Model | str | os.PathLike", weights: str | os.PathLike | None
) -> tuple["keras.Model", tuple[str, ...] | None, float]:
    """A model, and the targets and the value of N of its training or its card."""
    by_path = isinstance(model, str | os.PathLike)
    if by_path and not os.fspath(model).endswith(".keras"):
        card = find_card(os.fspath(model))
        model = load(card.name, weights=weights)
        same = model.output_shape[-1] == len(card.targets)
        if notes := read_notes(weights):
            return model, notes.targets, notes.n_value
        return model, card.targets if same else None, card.n_value
    if weights != "default":
        raise ValueError(
            "`weights` (--weights) are for networks of the zoo, by name. "
            f"Received: weights={weights!r} with a model that has its own"
        )
    if not by_path:
        return model, None, 0.0
    network, notes = _load_file(model), read_notes(model)
    return (network, notes.targets, notes.n_value) if notes else (network, None, 0.0)


def _load_file(path: str | os.PathLike) -> "keras.Model":
    import keras

    import rckeras  # noqa: F401  (registers the layers)

    Path(path).stat()
    try:
        return keras.saving.load_model(path, compile=False)
    except (TypeError, ValueError) as error:
        # Keras prints the whole configuration around the reason.
        reason = str(error).rpartition("Exception encountered: ")[2].partition("\n")[0]
        raise ValueError(f"{path} cannot be loaded: {reason}") from error


def find_card(name: str) -> Card:
    """The card of a network, whose name must not look like that of a file."""
    if Path(name).name != name or Path(name).suffix:
        raise ValueError(
            "`model` must be the name of a network (`rckeras list`), or a file that "
            "ends in .keras; a file of weights goes with a name, as `weights` "
            f"(--weights). Received: {name!r}"
        )
    return describe(name)


def remark_on_dropout(
    model: "keras.Model", mc_samples: int | None, progress: bool
) -> None:
    """Say on stderr that a Bayesian network is not asked as its paper asks it."""
    from rckeras.interpret.monte_carlo import has_monte_carlo_dropout

    if progress and mc_samples is None and has_monte_carlo_dropout(model):
        print(
            f"{model.name} is Bayesian, and its dropout is off: the answers of its "
            "paper are means over sampled networks, as mc_samples=50 (--mc-samples 50) "
            "gives",
            file=sys.stderr,
        )


def check_shapes(model: "keras.Model") -> tuple[int | None, int]:
    """Length of the input, `None` if any will do, and number of targets."""
    if getattr(model, "inputs", None) is None:
        raise ValueError(
            "`model` must be functional, or sequential with a known input. Received: "
            f"{model!r}"
        )
    inputs = [tuple(x.shape) for x in model.inputs]
    if len(inputs) != 1 or len(inputs[0]) != 3 or inputs[0][-1] != 4:
        raise ValueError(
            "`model` must take one input of shape (batch, length, 4). Received: "
            f"{model.name!r} with inputs {inputs}"
        )
    outputs = [tuple(y.shape) for y in model.outputs]
    if len(outputs) != 1 or len(outputs[0]) != 2 or outputs[0][-1] is None:
        raise ValueError(
            "`model` must give one output of shape (batch, targets). Received: "
            f"{model.name!r} with outputs {outputs}"
        )
    return inputs[0][1], outputs[0][1]


def name_targets(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    """Names of the outputs, which are numbered where there are none."""
    if names is None:
        return tuple(f"target_{index}" for index in range(count))
    if len(names) != count:
        raise ValueError(
            f"`targets` must name the {count} outputs of the model. Received: "
            f"{len(names)} names"
        )
    return tuple(names)


def _predictor(
    model: "keras.Model",
    n_value: float,
    average_strands: bool,
    mc_samples: int | None,
    seed: int,
) -> "Callable[[list[Window]], Sequence[np.ndarray]]":
    """Function from a batch to one array `(batch, targets)` for each statistic."""
    from rckeras import conjoin
    from rckeras.interpret.monte_carlo import settle_dropout
    from rckeras.sequence import one_hot_encode

    if average_strands:
        model = conjoin(model, merge="mean")
    settled = settle_dropout(model, mc_samples, seed)

    def predict(batch: "list[Window]") -> Sequence[np.ndarray]:
        sequences = [window.sequence for window in batch]
        x = one_hot_encode(sequences, "float32", n_value)
        if mc_samples is None:
            return [np.asarray(settled.predict_on_batch(x), "float32")]
        return settled.predict(x)

    return predict


def batches_of(windows: "Iterable[Window]", size: int) -> "Iterator[list[Window]]":
    """Lists of at most `size` windows of one length."""
    for _, group in itertools.groupby(windows, lambda window: len(window.sequence)):
        while batch := list(itertools.islice(group, size)):
            yield batch


def has_room_for_bar(output: str | os.PathLike | None) -> bool:
    """Whether stderr is a terminal on which no rows appear."""
    rows_appear = is_standard_output(output) and sys.stdout.isatty()
    return bool(sys.stderr and sys.stderr.isatty() and not rows_appear)
