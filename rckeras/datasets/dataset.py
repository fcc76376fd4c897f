"""Sequences with their labels: what every reader and every simulation returns."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from rckeras.sequence.codes import N_CODE, codes_to_one_hot

SPLITS = ("train", "validation", "test")

_BLOCK = 1 << 16  # rows looked at in one go


@dataclass(frozen=True, eq=False)
class Truth:
    """What a simulation planted, one entry an instance, and the labels before noise.

    Args:
        motifs: Names of the motifs.
        sequence: Row of the dataset, increasing.
        motif: Which of `motifs`.
        start: First base of the instance, counted from 0; increasing in a sequence.
        end: The base after its last one.
        strand: 1, or -1 where the reverse complement of the motif was planted.
        labels: Array `(sequences, targets)` without noise.
    """

    motifs: tuple[str, ...]
    sequence: np.ndarray
    motif: np.ndarray
    start: np.ndarray
    end: np.ndarray
    strand: np.ndarray
    labels: np.ndarray

    def take(self, rows: np.ndarray) -> Self:
        """The truth about some rows, which are numbered anew in their new order."""
        first = np.searchsorted(self.sequence, rows, side="left")
        counts = np.searchsorted(self.sequence, rows, side="right") - first
        row = np.repeat(np.arange(len(rows)), counts)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        chosen = first[row] + offset
        arrays = {
            name: getattr(self, name)[chosen]
            for name in ("motif", "start", "end", "strand")
        }
        return replace(self, sequence=row, labels=self.labels[rows], **arrays)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Sequences of one length, labels for them, and what else is known of each.

    Args:
        sequences: Base codes, `uint8` of shape `(sequences, length)`: A, C, G, T are
            0 to 3, N is 4.
        labels: `uint8` of 0 and 1, or `float32`, of shape `(sequences, targets)`.
        targets: A name for each target.
        splits: For each sequence its place in `SPLITS` (training, validation, test);
            `None` if there is no division.
        columns: Further arrays with an entry for each sequence, of `int64`,
            `float64` or `str`, by name: where it comes from, how it is called.
        truth: What was planted, if the sequences were simulated.
        notes: How the dataset came about: counts, settings, whatever JSON can hold.

    Raises:
        ValueError: If shapes, types or names do not fit together.

    Example:

    >>> import numpy as np
    >>> from rckeras.sequence import base_codes
    >>> codes = base_codes(["ACGT", "GGNT"])
    >>> dataset = Dataset(codes, np.array([[1], [0]], "uint8"), ("bound",))
    >>> x, y = dataset.arrays()
    >>> x.shape, y.shape
    ((2, 4, 4), (2, 1))
    """

    sequences: np.ndarray
    labels: np.ndarray
    targets: tuple[str, ...]
    splits: np.ndarray | None = None
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    truth: Truth | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "targets", _tuple_of(self.targets))
        _check_sequences(self.sequences)
        _check_labels(self.labels, self.targets, len(self))
        if self.splits is not None:
            _check_splits(self.splits, len(self))
        _check_notes(self.notes)
        for name, column in self.columns.items():
            _check_column(name, column, len(self))

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    def length(self) -> int:
        """Bases in a sequence."""
        return self.sequences.shape[1]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what is trained on: targets, sequences, labels and splits."""
        about = json.dumps([*self.targets, self.length])
        digest = hashlib.sha256(about.encode())
        for array in (self.sequences, self.labels, self.splits):
            rows = 0 if array is None else len(array)
            digest.update(f"{rows}{'' if array is None else array.dtype}".encode())
            for start in range(0, rows, _BLOCK):
                digest.update(np.ascontiguousarray(array[start : start + _BLOCK]))
        return digest.hexdigest()

    def rows(
        self,
        split: str | None = None,
        any_of: Sequence[str] | Sequence[int] | None = None,
    ) -> np.ndarray:
        """Numbers of the rows of a split, or of those with a label among some targets.

        Args:
            split: One of `SPLITS`; `None` for all rows.
            any_of: Names or numbers of targets, of which at least one must be 1; as
                Koo and Eddy 2019 reduce DeepSEA's data to 12 transcription factors.

        Returns:
            Increasing `int64` numbers.

        Raises:
            ValueError: If the split or a target is unknown, or nothing is left.
        """
        if split is None:
            rows = np.arange(len(self))
        else:
            rows = np.flatnonzero(self._splits() == split_code(split))
        if any_of is not None:
            chosen = self.labels_of(rows, self.target_indices(any_of))
            rows = rows[chosen.any(axis=1)]
        if not len(rows):
            found = {name: int(n) for name, n in self.split_sizes().items()}
            raise ValueError(
                f"no sequence fits split={split!r}, any_of={any_of!r}. "
                f"The dataset has {found}"
            )
        return rows

    def split(self, name: str) -> Self:
        """The dataset of one split, itself without splits.

        Args:
            name: One of `SPLITS`.

        Raises:
            ValueError: If there is no such split, or it is empty.
        """
        return replace(self.take(self.rows(name)), splits=None)

    def split_sizes(self) -> dict[str, int]:
        """Number of sequences in each split; of all under `"all"` without splits."""
        if self.splits is None:
            return {"all": len(self)}
        counts = np.bincount(self.splits, minlength=len(SPLITS))
        return dict(zip(SPLITS, counts.tolist(), strict=True))

    def take(self, rows: np.ndarray) -> Self:
        """Some of the sequences, in a given order.

        Args:
            rows: Numbers of the rows, or a boolean for each row. Rows that follow each
                other are not copied.

        Raises:
            IndexError: If there is no such row.
            ValueError: If no row is left.
        """
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if not rows.size:
            raise ValueError("`rows` must hold a row at least. Received: none")
        if not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(
                f"`rows` must be among the {len(self)} that there are. Received: "
                f"{rows.min()} to {rows.max()}"
            )
        rows = np.where(rows < 0, rows + len(self), rows)
        index = _as_slice(rows)
        return replace(
            self,
            sequences=self.sequences[index],
            labels=self.labels[index],
            splits=None if self.splits is None else self.splits[index],
            columns={name: column[index] for name, column in self.columns.items()},
            truth=None if self.truth is None else self.truth.take(rows),
        )

    def arrays(
        self,
        split: str | None = None,
        dtype: str = "float32",
        n_value: float = 0.0,
        length: int | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """One-hot sequences and labels, ready for `model.fit(x, y)`.

        Args:
            split: One of `SPLITS`; `None` for all rows.
            dtype: Type of the one-hot codes.
            n_value: Number that stands four times for N.
            length: Bases around the centre; `None` for all.

        Returns:
            `x` of shape `(sequences, length, 4)` and `y` of shape
            `(sequences, targets)`, `float32`.

        Raises:
            ValueError: If the split is unknown or empty, or `length` too large.
        """
        index = _as_slice(self.rows(split))
        codes = self.sequences[index, centre(self.length, length)]
        x = codes_to_one_hot(codes, dtype, n_value)
        return x, np.asarray(self.labels[index], "float32")

    def target_indices(self, targets: Sequence[str] | Sequence[int]) -> np.ndarray:
        """Numbers of the targets that are given by name or by number.

        Raises:
            ValueError: If a target is unknown or comes twice, or there is none.
        """
        numbers = {name: index for index, name in enumerate(self.targets)}
        known = numbers | {index: index for index in range(len(self.targets))}
        wrong = [target for target in targets if target not in known]
        chosen = [known[target] for target in targets if target in known]
        if wrong or not chosen or len(set(chosen)) < len(chosen):
            raise ValueError(
                "`targets` must be different names, or numbers from 0, of the "
                f"{len(self.targets)} targets. Received: {(wrong or list(targets))!r}"
            )
        return np.array(chosen)

    def labels_of(self, rows: np.ndarray, targets: np.ndarray | slice) -> np.ndarray:
        """Labels of some rows for some targets, without those of all in memory.

        Args:
            rows: Numbers of the rows.
            targets: Numbers of the targets, or a slice of them.

        Returns:
            Labels `(rows, targets)`, as they are stored.
        """
        blocks = np.split(rows, range(_BLOCK, len(rows), _BLOCK))
        found = [np.asarray(self.labels[block])[:, targets] for block in blocks]
        return np.concatenate(found)

    def class_weight(self, split: str | None = "train") -> dict[int, float]:
        """Weights that let positives and negatives count alike, for `model.fit`.

        Args:
            split: Split to count in, if there are splits; `None` for all rows.

        Returns:
            1 for negatives, and for positives the number of negatives to a positive.

        Raises:
            ValueError: If there is more than one target, or one class is empty.

        Reference: Shrikumar et al. 2017, section 3.4.2.
        """
        if len(self.targets) != 1:
            raise ValueError(
                "class weights are for one target of 0 and 1. Received: "
                f"{len(self.targets)} targets"
            )
        rows = self.rows(None if self.splits is None else split)
        return balance(self.labels[_as_slice(rows)])

    def _splits(self) -> np.ndarray:
        if self.splits is None:
            raise ValueError(
                "the dataset has no splits; `split` must be None (--split all)"
            )
        return self.splits


def balance(labels: np.ndarray) -> dict[int, float]:
    """Weights that let negatives and positives count alike.

    Args:
        labels: 0 and 1, of any shape.

    Returns:
        1 for negatives, and for positives the number of negatives to a positive.

    Raises:
        ValueError: If one of the classes is empty.
    """
    labels = np.asarray(labels)
    positives = int(np.count_nonzero(labels))
    if positives in (0, labels.size):
        raise ValueError(
            "class weights need positives and negatives. Received: "
            f"{positives} positives among {labels.size} labels"
        )
    return {0: 1.0, 1: (labels.size - positives) / positives}


def split_code(name: str) -> int:
    """Place of a split in `SPLITS`.

    Raises:
        ValueError: If there is no split of this name.
    """
    if name not in SPLITS:
        raise ValueError(f"`split` must be one of {SPLITS}. Received: {name!r}")
    return SPLITS.index(name)


def centre(found: int, length: int | None) -> slice:
    """The central bases of a sequence; an odd base more is cut from the right end.

    Args:
        found: Bases in the sequence.
        length: Bases to keep; `None` for all.

    Raises:
        ValueError: If `length` is not from 1 to `found`.
    """
    length = found if length is None else length
    if not 1 <= length <= found:
        raise ValueError(f"`length` must be from 1 to {found}. Received: {length}")
    start = (found - length) // 2
    return slice(start, start + length)


def _as_slice(rows: np.ndarray) -> np.ndarray | slice:
    """A slice where rows follow each other, which takes without copying."""
    if rows.size and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _tuple_of(names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ValueError(f"`targets` must be a list of names. Received: {names!r}")
    return tuple(names)


def _check_sequences(sequences: np.ndarray) -> None:
    if sequences.ndim != 2 or sequences.dtype != np.uint8 or not sequences.size:
        raise ValueError(
            "`sequences` must be base codes, uint8 of the shape (sequences, length), "
            f"and not empty. Received: {sequences.dtype} {sequences.shape}"
        )
    # A memory map was checked when it was written; reading it all takes minutes.
    if not isinstance(sequences, np.memmap) and sequences.max() > N_CODE:
        raise ValueError(
            "`sequences` must be base codes from 0 to 4. "
            f"Received: {int(sequences.max())}"
        )


def _check_labels(labels: np.ndarray, targets: tuple[str, ...], rows: int) -> None:
    if not hasattr(labels, "shape"):
        raise ValueError(
            f"`labels` must be an array. Received: a {type(labels).__name__}"
        )
    if labels.shape != (rows, len(targets)) or not targets:
        raise ValueError(
            "`labels` must have the shape (sequences, targets) = "
            f"({rows}, {len(targets)}), with a target at least. "
            f"Received: {labels.shape}"
        )
    if labels.dtype not in (np.uint8, np.float32):
        raise ValueError(
            f"`labels` must be uint8 (0 and 1) or float32. Received: {labels.dtype}"
        )
    _check_values(labels)
    if len(set(targets)) < len(targets):
        twice = next(name for name in targets if targets.count(name) > 1)
        raise ValueError(f"`targets` must have unique names. Received: {twice!r} twice")


def _check_values(labels: np.ndarray) -> None:
    """Looks at labels in memory; those in files were checked when they were written."""
    if type(labels) is not np.ndarray:
        return
    if labels.dtype == np.uint8 and labels.max() > 1:
        raise ValueError(
            "`labels` of type uint8 must be 0 or 1 (other numbers are float32). "
            f"Received: {labels.max()}"
        )
    if labels.dtype == np.float32 and not np.isfinite(labels).all():
        raise ValueError(
            "`labels` must be finite numbers. "
            f"Received: {labels[~np.isfinite(labels)][0]}"
        )


def _check_splits(splits: np.ndarray, rows: int) -> None:
    if splits.shape != (rows,) or splits.dtype != np.uint8 or splits.max() > 2:
        raise ValueError(
            f"`splits` must be uint8 from 0 to 2 of the shape ({rows},), as places in "
            f"{SPLITS}. Received: {splits.dtype} {splits.shape}"
        )


def _check_notes(notes: Mapping[str, Any]) -> None:
    try:
        json.dumps(dict(notes))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`notes` must be what JSON can hold. Received: {dict(notes)!r} ({error})"
        ) from None


def _check_column(name: str, column: np.ndarray, rows: int) -> None:
    if not name or "/" in name:
        raise ValueError(f"columns must have names without slashes. Received: {name!r}")
    if column.shape != (rows,) or column.dtype.kind not in "iufUT":
        raise ValueError(
            f"column {name!r} must be an array of numbers or strings of the shape "
            f"({rows},). Received: {column.dtype} {column.shape}"
        )
    if column.dtype.kind in "UT":
        text = "".join(column.tolist())
        if any(letter in text for letter in "\t\r\n"):
            bad = next(x for x in column.tolist() if set(x) & set("\t\r\n"))
            raise ValueError(
                f"column {name!r} must have no tabs or line breaks, which part the "
                f"cells of tables. Received: {bad!r}"
            )
