"""Positives and negatives of one target, put together to a dataset."""

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from rckeras.datasets.dataset import Dataset, split_code
from rckeras.datasets.regions import fetch_windows, overlap_clusters
from rckeras.datasets.splits import (
    NO_SPLIT,
    Chromosomes,
    Shares,
    check_splits,
    split_at_random,
    split_by_chromosome,
    split_clusters_at_random,
)
from rckeras.io.genome import Genome
from rckeras.sequence.codes import N_CODE, base_codes, codes_to_letters
from rckeras.sequence.shuffle import dinucleotide_shuffle

DINUCLEOTIDE = "dinucleotide"
SHUFFLE_SUFFIX = "_shuf"


@dataclass(frozen=True)
class Group:
    """Sequences of one class.

    Args:
        label: 1 for positives, 0 for negatives.
        sequences: Base codes, `(sequences, length)`; `None` until they are read.
        columns: Arrays with an entry for each sequence; `name` among them.
        splits: Place of each sequence in `SPLITS`; `None` without a division.
    """

    label: int
    sequences: np.ndarray | None
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    splits: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.columns["name"])

    def placed(self, splits: np.ndarray | str) -> Self:
        """The same sequences in other splits, or all in the one of a name."""
        if isinstance(splits, str):
            splits = np.full(len(self), split_code(splits), dtype=np.uint8)
        return replace(self, splits=splits)

    def take(self, rows: np.ndarray) -> Self:
        """Some of the sequences."""
        return replace(
            self,
            sequences=None if self.sequences is None else self.sequences[rows],
            columns={name: column[rows] for name, column in self.columns.items()},
            splits=None if self.splits is None else self.splits[rows],
        )


def divide(
    groups: Sequence[Group],
    splits: Chromosomes | Shares | None,
    rng: np.random.Generator,
    notes: dict[str, Any],
) -> list[Group]:
    """The groups with splits: at random, or by chromosome.

    Sequences whose places are known are drawn in clusters that overlap one another,
    whatever their class; others one by one, in each class by itself.

    Args:
        groups: Sequences that do not come from each other. For a division by
            chromosome they have the column `chrom`; their places are known if they
            have `start` and `end` too.
        splits: Shares or chromosomes, as for `check_splits`.
        rng: Generator to draw from.
        notes: What is known so far; `in_no_split`, how many sequences were left out,
            is added if there are any.

    Returns:
        Groups without the sequences that are in no split.

    Raises:
        ValueError: If nothing is left of a group, or as `split_by_chromosome` and
            `split_clusters_at_random` say.
    """
    kind = check_splits(splits)
    if kind is None:
        return list(groups)
    if kind == "shares":
        return _divide_at_random(groups, splits, rng)
    codes = split_by_chromosome(_joined(groups, "chrom"), splits)
    if (codes == NO_SPLIT).any():
        notes["in_no_split"] = int((codes == NO_SPLIT).sum())
    divided = []
    for group, part in zip(groups, _parted(codes, groups), strict=True):
        kept = np.flatnonzero(part != NO_SPLIT)
        if not len(kept):
            raise ValueError(
                f"`splits` leaves no {_class_name(group)}. Received: {splits!r}"
            )
        placed = group.placed(part)
        divided.append(placed if len(kept) == len(part) else placed.take(kept))
    return divided


def _divide_at_random(
    groups: Sequence[Group], shares: Shares, rng: np.random.Generator
) -> list[Group]:
    if all("start" in group.columns for group in groups):
        places = {name: _joined(groups, name) for name in ("chrom", "start", "end")}
        clusters = overlap_clusters(places)
        codes = split_clusters_at_random(clusters, seed=rng, **shares)
        return list(map(Group.placed, groups, _parted(codes, groups)))
    return [
        group.placed(split_at_random(len(group), seed=rng, **shares))
        for group in groups
    ]


def _joined(groups: Sequence[Group], column: str) -> np.ndarray:
    return np.concatenate([group.columns[column] for group in groups])


def _parted(values: np.ndarray, groups: Sequence[Group]) -> list[np.ndarray]:
    """The values of each group, from those of all."""
    return np.split(values, np.cumsum([len(group) for group in groups])[:-1])


def fetch_groups(
    genome: Genome, groups: Sequence[Group], progress: bool = False
) -> list[Group]:
    """The groups with the bases of their windows.

    Args:
        genome: Genome from which to read.
        groups: Windows as `windows_on` gives them as columns.
        progress: Whether to show a bar for each group on stderr.
    """
    return [
        replace(group, sequences=fetch_windows(genome, group.columns, progress, label))
        for group, label in zip(groups, map(_class_name, groups), strict=True)
    ]


def _class_name(group: Group) -> str:
    return "positives" if group.label else "negatives"


def shuffles_of(positives: Group, seed: int | np.random.Generator) -> Group:
    """Negatives that are dinucleotide shuffles of the positives, in their splits.

    Args:
        positives: Sequences to shuffle, one negative from each.
        seed: Seed of the shuffles, or the generator to draw from.

    Returns:
        `Group` with the columns of the positives, `_shuf` after each name.
    """
    names = np.char.add(positives.columns["name"], SHUFFLE_SUFFIX)
    return replace(
        positives,
        label=0,
        sequences=_shuffle_inside(positives.sequences, np.random.default_rng(seed)),
        columns={**positives.columns, "name": names},
    )


def _shuffle_inside(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shuffles without the N at the ends of a sequence, as from padding.

    A shuffle may move N from one end to the other, which would tell it from the
    positive without a look at the bases.
    """
    known = codes < N_CODE
    shuffled = dinucleotide_shuffle(codes, rng)
    rows = np.flatnonzero(~(known[:, 0] & known[:, -1]) & known.any(axis=1))
    if not len(rows):
        return shuffled
    starts = known[rows].argmax(axis=1)
    ends = codes.shape[1] - known[rows, ::-1].argmax(axis=1)
    inside = [codes[row, a:b] for row, a, b in zip(rows, starts, ends, strict=True)]
    drawn = dinucleotide_shuffle([codes_to_letters(core) for core in inside], rng)
    shuffled[rows] = N_CODE
    for row, start, letters in zip(rows, starts, drawn, strict=True):
        shuffled[row, start : start + len(letters)] = base_codes(letters)
    return shuffled


def join_groups(
    groups: Sequence[Group], target: str, notes: Mapping[str, Any]
) -> Dataset:
    """A dataset of one target, the groups one after another.

    Args:
        groups: Sequences of one length with the same columns, all or none with splits.
        target: Name of the target.
        notes: How the dataset came about. The numbers of positives and negatives, of
            sequences with N and of negatives to a positive are added.
    """
    labels = np.concatenate([np.full(len(g), g.label, np.uint8) for g in groups])
    sequences = np.concatenate([group.sequences for group in groups])
    columns = {name: _joined(groups, name) for name in groups[0].columns}
    splits = None
    if groups[0].splits is not None:
        splits = np.concatenate([group.splits for group in groups])
    counts = {
        "positives": int(labels.sum()),
        "negatives": int(len(labels) - labels.sum()),
        "sequences_with_n": int((sequences.max(axis=1) == N_CODE).sum()),
    }
    return Dataset(
        sequences,
        labels[:, np.newaxis],
        (target,),
        splits,
        columns,
        notes={**counts, **notes},
    )


def encode(sequences: Sequence[str], places: Sequence[str]) -> np.ndarray:
    """Base codes of sequences of one length; an error names the place of its sequence.

    Args:
        sequences: Letters.
        places: Where each sequence comes from, such as `"peaks.fa:7"`.

    Returns:
        `uint8` array of shape `(sequences, length)`.

    Raises:
        ValueError: If a letter stands for no base. The message starts with the place.
    """
    try:
        return base_codes(sequences)
    except ValueError:
        for sequence, place in zip(sequences, places, strict=True):
            try:
                base_codes(sequence)
            except ValueError as error:
                raise ValueError(f"{place}: {error}") from error
        raise


def is_file(negatives: str | os.PathLike | None) -> bool:
    """Whether negatives come from a file."""
    return negatives is not None and os.fspath(negatives) != DINUCLEOTIDE


def check_different(**files: str | os.PathLike | None) -> None:
    """Refuses one file for two arguments.

    Args:
        **files: Files by the names of their arguments. What is `None` or
            `"dinucleotide"` is no file.

    Raises:
        ValueError: If two of them are the same file, by whatever path.
    """
    given = {name: path for name, path in files.items() if is_file(path)}
    for (one, path), (other, same) in itertools.combinations(given.items(), 2):
        if path == same or _are_one(Path(path), Path(same)):
            raise ValueError(
                f"`{one}` and `{other}` must be different files. Received: {path} "
                f"and {same}"
            )


def _are_one(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)
