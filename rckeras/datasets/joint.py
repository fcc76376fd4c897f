"""Many experiments as one dataset with a target for each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from rckeras.datasets.dataset import Dataset, split_code
from rckeras.sequence.codes import N_CODE
from rckeras.sequence.shuffle import dinucleotide_shuffle

WINDOW = 32  # bases: two bits each fill an integer
_BLOCK = 1 << 14  # sequences looked at in one go


def join_experiments(datasets: Mapping[str, Dataset]) -> Dataset:
    """Joins datasets of one target each, so that one network learns all of them.

    A bound sequence of one experiment is a negative of the others, unless it overlaps
    one that is bound there: if its central 32 bases are found, on either strand, in a
    bound sequence of another experiment, it gets that label, too. Unbound sequences
    are unbound everywhere.

    Args:
        datasets: Datasets of sequences of equal length with one target and splits, by
            the name that the target is to have.

    Returns:
        A dataset with the splits of the parts and a column `experiment`.

    Raises:
        ValueError: If there is no dataset, one has more than one target or no splits,
            or lengths differ.

    Example:

    >>> codes = np.random.default_rng(0).integers(4, size=(6, 50), dtype="uint8")
    >>> bound, splits = np.ones((4, 1), "uint8"), np.zeros(4, "uint8")
    >>> both = {
    ...     "here": Dataset(codes[:4], bound, ("bound",), splits),
    ...     "there": Dataset(codes[2:], bound, ("bound",), splits),
    ... }
    >>> join_experiments(both).labels.tolist()
    [[1, 0], [1, 0], [1, 1], [1, 1], [1, 1], [1, 1], [0, 1], [0, 1]]
    """
    _check(datasets)
    names = list(datasets)
    parts = list(datasets.values())
    labels = [_own_labels(part, place, len(parts)) for place, part in enumerate(parts)]
    bound = [np.flatnonzero(part.labels[:, 0]) for part in parts]
    keys = [
        _centres(part.sequences[rows]) for part, rows in zip(parts, bound, strict=True)
    ]
    for place, (part, rows) in enumerate(zip(parts, bound, strict=True)):
        found = _all_keys(part.sequences[rows])
        for other in range(len(parts)):
            labels[other][bound[other][_among(keys[other], found)], place] = 1
    return Dataset(
        np.concatenate([part.sequences for part in parts]),
        np.concatenate(labels),
        tuple(names),
        np.concatenate([part.splits for part in parts]),
        columns={"experiment": np.repeat(names, [len(part) for part in parts])},
    )


def drop_overlapping(
    dataset: Dataset,
    sequences: np.ndarray,
    splits: Sequence[str] = ("train", "validation"),
) -> Dataset:
    """A dataset without the rows of some splits that overlap other sequences.

    A row overlaps if 32 bases in a row of it, on either strand, are found in one of
    the sequences. What is to be tested on then has not been seen.

    Args:
        dataset: Dataset with splits.
        sequences: Base codes of shape `(sequences, length)`, from 32 bases.
        splits: Names of the splits whose rows are dropped.

    Returns:
        The dataset with fewer rows.

    Raises:
        ValueError: If the dataset has no splits, a split is unknown, sequences have
            fewer than 32 bases, or nothing is left.
    """
    if dataset.splits is None:
        raise ValueError("`dataset` must have splits, and has none")
    for name, length in (
        ("dataset", dataset.length),
        ("sequences", sequences.shape[1]),
    ):
        if length < WINDOW:
            raise ValueError(
                f"`{name}` must have sequences of at least {WINDOW} bases. Received: "
                f"{length}"
            )
    others = _all_keys(sequences)
    searched = np.isin(dataset.splits, [split_code(name) for name in splits])
    kept = np.ones(len(dataset), bool)
    for rows in _blocks(len(dataset)):
        shared = _among(_keys(dataset.sequences[rows]), others).any(axis=1)
        kept[rows] = ~(shared & searched[rows])
    return dataset.take(kept)


def add_flanks(dataset: Dataset, flank: int, seed: int = 0) -> Dataset:
    """Makes the sequences longer at both ends, by bases of their own, shuffled.

    The flanks are the ends of a dinucleotide shuffle of each sequence, so they look
    like it, and hold its motifs by chance only. A truth that the dataset has is lost.

    Args:
        dataset: The dataset.
        flank: Bases to add at each end, up to half of those that are there.
        seed: Seed of the shuffles.

    Returns:
        The dataset with `2 * flank` bases more.

    Raises:
        ValueError: If `flank` is out of range.

    Example:

    >>> codes = np.random.default_rng(0).integers(4, size=(6, 50), dtype="uint8")
    >>> dataset = Dataset(codes, np.ones((6, 1), "uint8"), ("bound",))
    >>> add_flanks(dataset, 10).length
    70
    """
    if not 0 <= flank <= dataset.length // 2:
        raise ValueError(
            f"`flank` must be from 0 to {dataset.length // 2}, half of the sequences' "
            f"length. Received: {flank}"
        )
    if flank == 0:
        return dataset
    shuffled = dinucleotide_shuffle(dataset.sequences, seed)
    ends = shuffled[:, :flank], dataset.sequences, shuffled[:, -flank:]
    return replace(dataset, sequences=np.concatenate(ends, axis=1), truth=None)


_UNKNOWN = np.uint64(2**64 - 1)  # that of 32 T, which stand for nothing either


def _keys(codes: np.ndarray) -> np.ndarray:
    """A number for each 32 bases, the same on both strands; `_UNKNOWN` with N."""
    windows = codes.shape[1] - WINDOW + 1
    forward = np.zeros((len(codes), windows), np.uint64)
    reverse = np.zeros_like(forward)
    known = np.ones(forward.shape, bool)
    for place in range(WINDOW):
        bases = codes[:, place : place + windows]
        known &= bases != N_CODE
        base = (bases & 3).astype(np.uint64)
        forward = (forward << np.uint64(2)) | base
        reverse |= (np.uint64(3) - base) << np.uint64(2 * place)
    return np.where(known, np.minimum(forward, reverse), _UNKNOWN)


def _all_keys(codes: np.ndarray) -> np.ndarray:
    """The numbers of all windows, each once and sorted, without `_UNKNOWN`."""
    found = [np.unique(_keys(codes[rows])) for rows in _blocks(len(codes))]
    keys = np.unique(np.concatenate([*found, np.empty(0, np.uint64)]))
    return keys[keys != _UNKNOWN]


def _among(keys: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Whether each number is in a sorted array."""
    if not len(found):
        return np.zeros(keys.shape, bool)
    places = np.searchsorted(found, keys).clip(max=len(found) - 1)
    return found[places] == keys


def _centres(codes: np.ndarray) -> np.ndarray:
    """The number of the central window of each sequence."""
    start = (codes.shape[1] - WINDOW) // 2
    return _keys(codes[:, start : start + WINDOW])[:, 0]


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, count, _BLOCK))


def _own_labels(part: Dataset, place: int, targets: int) -> np.ndarray:
    labels = np.zeros((len(part), targets), np.uint8)
    labels[:, place] = part.labels[:, 0]
    return labels


def _check(datasets: Mapping[str, Dataset]) -> None:
    if not datasets:
        raise ValueError("`datasets` must hold a dataset at least. Received: none")
    length = next(iter(datasets.values())).length
    for name, part in datasets.items():
        if len(part.targets) != 1 or part.splits is None or part.length != length:
            raise ValueError(
                "`datasets` must have one target, splits and sequences of one length "
                f"each. Received: {name!r} with {len(part.targets)} targets, "
                f"{'no' if part.splits is None else 'a'} division into splits and "
                f"{part.length} bases, the first one having {length}"
            )
    if length < WINDOW:
        raise ValueError(
            f"`datasets` must have sequences of {WINDOW} bases at least. "
            f"Received: {length}"
        )
