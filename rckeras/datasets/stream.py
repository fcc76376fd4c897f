"""Batches for `model.fit`, `evaluate` and `predict`, drawn from a dataset as they go.

What a batch holds depends on the seed, the epoch and the number of the batch alone,
not on the backend, the number of threads or what was drawn before. So training can be
repeated, and taken up again at any epoch.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import keras
import numpy as np

from rckeras.datasets.dataset import Dataset, balance, centre
from rckeras.sequence.codes import (
    N_CODE,
    codes_to_one_hot,
    reverse_complement_codes,
)

STRANDS = ("forward", "random", "both")


class SequenceStream(keras.utils.PyDataset):
    """A dataset as batches of one-hot sequences and labels.

    A batch is `(x, y)`, or `(x, y, weights)` with `class_weight`: `x` of shape
    `(batch, length, 4)`, `y` of shape `(batch, targets)`, `weights` of shape
    `(batch,)`, all `float32`. Only the rows of a batch are read, so the dataset may
    be larger than the memory.

    Call `fit(stream, shuffle=False)`: batches are drawn at random already, while `fit`
    would ask for them in an order of its own, from Python's global generator, that no
    thread can work ahead for. The length of an epoch is set by `samples_per_epoch`
    here, not by `steps_per_epoch` there. `FollowEpoch` keeps a stream at the epoch of
    `fit` where training is taken up again.

    Args:
        dataset: A `rckeras.datasets.Dataset`, in memory or in a file.
        batch_size: Sequences in a batch. The last one of an epoch may have fewer.
        split: `"train"`, `"validation"`, `"test"`, or `None` for all.
        rows: Numbers of the rows to draw from, such as
            `dataset.rows("train", any_of=targets)`; instead of `split`.
        targets: Names or numbers of targets to give; `None` for all.
        length: Bases around the centre to give; `None` for all.
        shuffle: Whether every pass over the rows has a random order of its own; by
            default, unless `split` is `"validation"` or `"test"`.
        seed: Whole number from 0, of the order and of all other chance.
        samples_per_epoch: Sequences in an epoch; `None` for as many as there are
            rows. Epochs go on where the last one ended, so every row comes equally
            often, whatever this number is.
        strands: `"forward"`; `"random"` gives the reverse complement of every second
            sequence, drawn anew each time; `"both"` gives each sequence and then its
            reverse complement, so that batches have twice the size.
        max_shift: Windows move by up to so many bases to either side; N stands for
            bases off the ends of the stored sequences.
        max_jitter: Windows move by up to so many bases, over bases that are stored:
            sequences must be longer than `length` by twice this number.
        positive_fraction: Share of each batch, between 0 and 1, that has a label
            among the targets; rows of the rarer kind come more often, and all batches
            are full. `None` leaves the classes as they are.
        class_weight: `"balanced"`, or a weight for 0 and one for 1, if there is one
            target; instead of `positive_fraction`. See `Dataset.class_weight`.
        n_value: Number that stands four times for N, from 0 to 1.
        threads: Threads that make the next batches while the network works on the
            last one, as long as batches are asked for in order; 0 for none.

    Raises:
        ValueError: If an argument does not fit the dataset or the others.

    Example:

    ```python
    train = SequenceStream(dataset, split="train", strands="random", max_shift=3)
    valid = SequenceStream(dataset, split="validation")
    model.fit(train, validation_data=valid, epochs=10, shuffle=False)
    ```
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 128,
        *,
        split: str | None = None,
        rows: np.ndarray | None = None,
        targets: Sequence[str] | Sequence[int] | None = None,
        length: int | None = None,
        shuffle: bool | None = None,
        seed: int = 0,
        samples_per_epoch: int | None = None,
        strands: str = "forward",
        max_shift: int = 0,
        max_jitter: int = 0,
        positive_fraction: float | None = None,
        class_weight: str | Mapping[int, float] | None = None,
        n_value: float = 0.0,
        threads: int = 1,
    ):
        # Keras's own workers serve batches of the last epoch, and some twice, where
        # `fit` draws one to build the model; so it has none, and threads work ahead.
        super().__init__()
        self._ahead = _WorkAhead(self._make, _whole("threads", threads, 0))
        self.epoch = 0
        self.dataset = dataset
        self.batch_size = _whole("batch_size", batch_size, 1)
        self.strands = _one_of("strands", strands, STRANDS)
        self.seed = _whole("seed", seed, 0)
        held_out = split in ("validation", "test")
        self.shuffle = not held_out if shuffle is None else shuffle
        self.n_value = n_value
        self.max_shift = _whole("max_shift", max_shift, 0)
        self.max_jitter = _whole("max_jitter", max_jitter, 0)
        self._window = centre(dataset.length, length)
        _check_jitter(self._window, dataset.length, self.max_jitter)
        self._columns = slice(None)
        if targets is not None:
            self._columns = dataset.target_indices(targets)
        rows = _resolve_rows(dataset, split, rows)
        self.samples_per_epoch = len(rows)
        if samples_per_epoch is not None:
            self.samples_per_epoch = _whole("samples_per_epoch", samples_per_epoch, 1)
        if class_weight is not None and positive_fraction is not None:
            raise ValueError(
                "give `class_weight` or `positive_fraction`, which balance the classes "
                f"both. Received: {class_weight!r} and {positive_fraction!r}"
            )
        self._weights = self._resolve_weights(class_weight, rows)
        self._pools = self._resolve_pools(rows, positive_fraction)
        codes_to_one_hot(np.zeros(1, "uint8"), n_value=n_value)

    @property
    def num_batches(self) -> int:
        """Batches in an epoch."""
        return -(-self.samples_per_epoch // self.batch_size)

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        """The batch of a number, from 0, in the current epoch."""
        if not 0 <= index < self.num_batches:
            raise IndexError(
                f"batch {index} of {self.num_batches} batches, counted from 0"
            )
        self._served += 1
        return self._ahead.get(self.epoch, index, self.num_batches)

    def _make(self, epoch: int, index: int) -> tuple[np.ndarray, ...]:
        chance = np.random.default_rng([self.seed, 1, epoch, index])
        rows = self._draw(epoch, index, chance)
        codes = self._move(self.dataset.sequences[rows], chance)
        labels = np.asarray(self.dataset.labels[rows], "float32")[:, self._columns]
        if self.strands == "random":
            turned = chance.random(len(codes)) < 0.5
            codes[turned] = reverse_complement_codes(codes[turned])
        elif self.strands == "both":
            pairs = np.stack([codes, reverse_complement_codes(codes)], axis=1)
            codes = pairs.reshape(-1, codes.shape[1])
            labels = labels.repeat(2, axis=0)
        x = codes_to_one_hot(codes, n_value=self.n_value)
        if self._weights is None:
            return x, labels
        return x, labels, np.where(labels[:, 0] > 0, self._weights[1], self._weights[0])

    @property
    def epoch(self) -> int:
        """Number of the epoch that is drawn, from 0; set it to go on from there."""
        return self._epoch

    @epoch.setter
    def epoch(self, number: int) -> None:
        self._epoch = _whole("epoch", number, 0)
        self._served = 0

    def on_epoch_end(self) -> None:
        """Goes on to the next epoch; Keras calls this."""
        # Keras also calls this before the first epoch, after it may have drawn a batch.
        if self._served >= self.num_batches:
            self.epoch += 1

    def _draw(self, epoch: int, index: int, chance: np.random.Generator) -> np.ndarray:
        """Row numbers of a batch."""
        if len(self._pools) == 1:
            first = index * self.batch_size
            last = min(first + self.batch_size, self.samples_per_epoch)
            offset = epoch * self.samples_per_epoch
            return self._pools[0].take(offset + first, offset + last)
        number = epoch * self.num_batches + index
        parts = [
            pool.take(number * pool.share, (number + 1) * pool.share)
            for pool in self._pools
        ]
        return chance.permutation(np.concatenate(parts))

    def _move(self, codes: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        """The windows to give, moved by chance."""
        reach = self.max_shift + self.max_jitter
        if not reach:
            return np.array(codes[:, self._window])
        moved = sum(
            chance.integers(-most, most + 1, size=len(codes))
            for most in (self.max_shift, self.max_jitter)
        )
        padded = np.pad(codes, ((0, 0), (reach, reach)), constant_values=N_CODE)
        length = self._window.stop - self._window.start
        start = self._window.start + reach + moved
        return np.take_along_axis(padded, start[:, None] + np.arange(length), axis=1)

    def _resolve_pools(self, rows: np.ndarray, fraction: float | None) -> list["_Pool"]:
        """Rows to draw from: all, or those with and those without a label."""
        if fraction is None:
            return [_Pool(rows, self.batch_size, self.seed if self.shuffle else None)]
        share = round(fraction * self.batch_size) if 0 < fraction < 1 else 0
        if not 0 < share < self.batch_size or not self.shuffle:
            raise ValueError(
                "`positive_fraction` needs shuffle=True and must leave both classes a "
                f"place in a batch of {self.batch_size}. Received: {fraction}, "
                f"shuffle={self.shuffle}"
            )
        positive = self.dataset.labels_of(rows, self._columns).any(axis=1)
        classes = rows[positive], rows[~positive]
        if not all(map(len, classes)):
            raise ValueError(
                "`positive_fraction` needs sequences with and without a label. "
                f"Received: {len(classes[0])} with, {len(classes[1])} without"
            )
        shares = share, self.batch_size - share
        return [_Pool(classes[kind], shares[kind], self.seed, kind) for kind in (0, 1)]

    def _resolve_weights(
        self, class_weight: str | Mapping[int, float] | None, rows: np.ndarray
    ) -> tuple[np.float32, np.float32] | None:
        if class_weight is None:
            return None
        chosen = np.arange(len(self.dataset.targets))[self._columns]
        if len(chosen) != 1:
            raise ValueError(
                f"`class_weight` needs one target. Received: {len(chosen)} targets"
            )
        if class_weight == "balanced":
            class_weight = balance(self.dataset.labels_of(rows, chosen))
        if not _are_weights(class_weight):
            raise ValueError(
                "`class_weight` must be 'balanced' or weights from 0 for 0 and 1. "
                f"Received: {class_weight!r}"
            )
        return np.float32(class_weight[0]), np.float32(class_weight[1])


class FollowEpoch(keras.callbacks.Callback):
    """Keeps a stream at the number of the epoch that `fit` is in.

    Training that is taken up again, by `initial_epoch` or by
    `keras.callbacks.BackupAndRestore`, then sees what it would have seen without the
    break. Without this callback a stream counts the epochs that were drawn whole,
    from 0; but one that has only one or two batches an epoch may begin with 1, for
    Keras draws as many before it trains.

    Args:
        stream: A `SequenceStream`.

    Raises:
        ValueError: When training begins, if `steps_per_epoch` of `fit` is not the
            number of batches of the stream.

    Example:

    ```python
    model.fit(stream, epochs=10, shuffle=False, callbacks=[FollowEpoch(stream)])
    ```
    """

    def __init__(self, stream: SequenceStream):
        super().__init__()
        self.stream = stream

    def __deepcopy__(self, memo: dict) -> Self:
        # keras-tuner copies callbacks, and the copy must move the stream of `fit`.
        return type(self)(self.stream)

    def on_train_begin(self, logs: Mapping | None = None) -> None:
        """Refuses epochs that are not those of the stream; Keras calls this."""
        steps = self.params.get("steps")
        if steps not in (None, self.stream.num_batches):
            raise ValueError(
                "`steps_per_epoch` of `fit` would cut the stream's epochs into others; "
                "give the stream `samples_per_epoch` instead. Received: "
                f"{steps} steps for {self.stream.num_batches} batches"
            )

    def on_epoch_begin(self, epoch: int, logs: Mapping | None = None) -> None:
        """Tells the stream the epoch; Keras calls this."""
        self.stream.epoch = epoch


class _WorkAhead:
    """Makes the batches that will be asked for next in threads."""

    def __init__(self, make: Callable[[int, int], Any], threads: int):
        self._make = make
        self._count = threads
        self._threads = None
        self._pending = {}
        self._last = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_threads": None, "_pending": {}}

    def get(self, epoch: int, index: int, count: int) -> Any:
        """The batch of an epoch that has `count` of them."""
        future = self._pending.pop((epoch, index), None)
        if self._count and self._last == (epoch, index - 1):
            self._start(epoch, range(index + 1, min(index + 1 + self._reach, count)))
        else:
            self._pending.clear()
        self._last = epoch, index
        return future.result() if future else self._make(epoch, index)

    @property
    def _reach(self) -> int:
        return 2 * self._count

    def _start(self, epoch: int, indices: range) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._count, "batches")
        for key in ((epoch, index) for index in indices):
            if key not in self._pending:
                self._pending[key] = self._threads.submit(self._make, *key)


class _Pool:
    """An endless sequence of rows: pass after pass, each in an order of its own."""

    def __init__(self, rows: np.ndarray, share: int, seed: int | None, kind: int = 0):
        self.rows = rows
        self.share = share
        self.seed = seed
        self.kind = kind
        self._orders = {}

    def take(self, first: int, last: int) -> np.ndarray:
        """The rows from one place of the sequence to another."""
        places = np.arange(first, last)
        passes, within = np.divmod(places, len(self.rows))
        taken = [
            self._order(number)[within[passes == number]]
            for number in range(passes[0], passes[-1] + 1)
        ]
        return np.concatenate(taken)

    def _order(self, number: int) -> np.ndarray:
        if self.seed is None:
            return self.rows
        orders = self._orders
        if number not in orders:
            chance = np.random.default_rng([self.seed, 0, self.kind, number])
            # Two passes meet in one batch. Threads may both get here, and agree.
            orders = {n: orders[n] for n in orders if n == number - 1}
            orders[number] = chance.permutation(self.rows)
            self._orders = orders
        return orders[number]


def _resolve_rows(
    dataset: Dataset, split: str | None, rows: np.ndarray | None
) -> np.ndarray:
    if rows is None:
        return dataset.rows(split)
    rows = np.asarray(rows)
    if split is not None:
        raise ValueError(
            f"give `split` or `rows`, not both. Received: split={split!r}, and "
            f"{len(rows)} rows"
        )
    if rows.ndim != 1 or not len(rows) or rows.dtype.kind not in "iu":
        raise ValueError(
            "`rows` must be numbers of rows, in one axis. "
            f"Received: {rows.dtype} {rows.shape}"
        )
    if rows.min() < 0 or rows.max() >= len(dataset):
        raise ValueError(
            f"`rows` must be from 0 to {len(dataset) - 1}. "
            f"Received: {rows.min()} to {rows.max()}"
        )
    return rows


def _are_weights(weights: Any) -> bool:
    return (
        isinstance(weights, Mapping)
        and set(weights) == {0, 1}
        and all(0 <= weight < np.inf for weight in weights.values())
    )


def _check_jitter(window: slice, found: int, max_jitter: int) -> None:
    flank = min(window.start, found - window.stop)
    if max_jitter > flank:
        raise ValueError(
            f"`max_jitter` must be at most {flank}: {window.stop - window.start} of "
            f"{found} stored bases are given (see `length`); `max_shift` fills with N. "
            f"Received: {max_jitter}"
        )


def _whole(name: str, value: int, least: int) -> int:
    if not isinstance(value, int | np.integer) or value < least:
        raise ValueError(
            f"`{name}` must be a whole number from {least}. Received: {value!r}"
        )
    return int(value)


def _one_of(name: str, value: str, choices: Sequence[str]) -> str:
    if value not in choices:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, choices))}. "
            f"Received: {value!r}"
        )
    return value
