"""Bound and unbound sequences as two FASTA files, the commonest form of a task.

Records are brought to one length around their centre. Names that are intervals, as
`bedtools getfasta` and UCSC write them (`chr1:100-300`), give each sequence its
chromosome, by which a set can be divided; whether such an interval counts from 0 or
from 1 does not matter here.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from rckeras.datasets.classes import (
    DINUCLEOTIDE,
    Group,
    check_different,
    divide,
    encode,
    is_file,
    join_groups,
    shuffles_of,
)
from rckeras.datasets.dataset import Dataset
from rckeras.datasets.regions import check_length
from rckeras.datasets.splits import Chromosomes, Shares, check_seed, check_splits
from rckeras.io.fasta import read_fasta
from rckeras.io.text import check_rereadable
from rckeras.io.windows import check_input, read_windows

# As `bedtools getfasta` names records, with the name of an interval before it or not.
_INTERVAL = re.compile(r"(?:.*::)?(.+):\d+-\d+(\([+-]\))?")


def load_fasta_pair(
    positives: str | os.PathLike,
    negatives: str | os.PathLike | None = DINUCLEOTIDE,
    *,
    test_positives: str | os.PathLike | None = None,
    test_negatives: str | os.PathLike | None = None,
    length: int | None = None,
    fit: str = "error",
    splits: Chromosomes | Shares | None = None,
    target: str = "bound",
    seed: int = 0,
) -> Dataset:
    """Reads the sequences of two classes from FASTA files.

    Args:
        positives: FASTA file of bound sequences, plain, gzip or bgzip.
        negatives: FASTA file of unbound ones; `"dinucleotide"` makes a dinucleotide
            shuffle of each positive, which is in the split of the positive; `None`
            for positives alone.
        test_positives: FASTA file of bound sequences for the test.
        test_negatives: The same of unbound ones; must come with `test_positives` if
            `negatives` is a file, and not otherwise.
        length: Bases of a sequence; `None` for those of the first record.
        fit: What happens to a record of another length: `"error"`, `"crop"` longer
            ones to their centre, `"pad"` shorter ones with N, or `"both"`.
        splits: Shares drawn in each class, such as `{"validation": 0.1}`, or
            chromosomes, such as `{"test": ["chr8", "chr9"]}` (see
            `split_by_chromosome`). With test files they divide the others. Shares
            are drawn record by record: where records lie on a genome is not known for
            certain, so that neighbours which overlap may fall into different splits.
            A division by chromosome avoids it.
        target: Name of the target.
        seed: Seed of the draw and of the shuffles.

    Returns:
        `Dataset` with the column `name`, and `chrom` if all names are intervals:
        positives, negatives, then those for the test. The notes count the records
        that were cropped and padded.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a record does not fit or holds a letter that is none (the
            message starts with `path:line`), arguments do not go together, or two of
            them are one file.

    Example:

    ```python
    dataset = load_fasta_pair("bound.fa", "open.fa", splits={"validation": 0.2})
    ```
    """
    files = {"train": (positives, negatives), "test": (test_positives, test_negatives)}
    _check_test_splits(splits, test_positives)
    rng, groups = np.random.default_rng(check_seed(seed)), []
    if length is not None:
        check_length(length)
    _check_files(files, fit)
    if length is None:
        check_rereadable(positives)
        length = len(next(read_fasta(positives)).sequence)
    notes = {}
    if negatives is not None:
        notes["negatives_from"] = "file" if is_file(negatives) else DINUCLEOTIDE
    for split, pair in files.items():
        read = [
            _read(path, label, length, fit, notes)
            for path, label in zip(pair, (1, 0), strict=True)
            if is_file(path)
        ]
        if split == "train":
            _check_chroms(splits, read, pair)
            read = divide(read, splits, rng, notes)
        if test_positives is not None and (split == "test" or not splits):
            read = [group.placed(split) for group in read]
        if read and negatives is not None and not is_file(negatives):
            read.append(shuffles_of(read[0], rng))
        groups += read
    return join_groups(_common_columns(groups), target, notes)


def _check_files(
    files: Mapping[str, tuple[str | os.PathLike | None, ...]], fit: str
) -> None:
    (_, negatives), (test_positives, test_negatives) = files.values()
    needed = test_positives is not None and is_file(negatives)
    if (test_negatives is not None) != needed:
        raise ValueError(
            "`test_negatives` must come with `test_positives` where `negatives` is a "
            f"file, and not otherwise. Received: negatives={negatives!r}, "
            f"test_positives={test_positives!r}, test_negatives={test_negatives!r}"
        )
    names = ("positives", "negatives", "test_positives", "test_negatives")
    paths = [path for pair in files.values() for path in pair]
    for path in paths:
        if is_file(path):
            check_input(path, None, fit)
    check_different(**dict(zip(names, paths, strict=True)))


def _check_test_splits(
    splits: Chromosomes | Shares | None, test_positives: str | os.PathLike | None
) -> None:
    check_splits(splits)
    if test_positives is not None and "test" in (splits or {}):
        raise ValueError(
            "`splits` must not take sequences for the test where there are files for "
            f"it. Received: {splits!r}"
        )


def _read(
    path: str | os.PathLike, label: int, length: int, fit: str, notes: dict[str, Any]
) -> Group:
    """The sequences of a file; what was changed in them is added to the notes."""
    windows = list(read_windows(path, None, length, fit))
    for change in ("cropped", "padded"):
        changed = sum(getattr(window, change) for window in windows)
        notes[change] = notes.get(change, 0) + changed
    codes = encode(
        [window.sequence for window in windows],
        [f"{path}:{window.line}" for window in windows],
    )
    names = [window.name for window in windows]
    columns = {"name": np.array(names, dtype=str)}
    found = [_INTERVAL.fullmatch(name) for name in names]
    if all(found):
        columns["chrom"] = np.array([match[1] for match in found], dtype=str)
    return Group(label, codes, columns)


def _check_chroms(
    splits: Chromosomes | Shares | None,
    groups: list[Group],
    paths: tuple[str | os.PathLike, ...],
) -> None:
    """Refuses chromosomes for records that do not name theirs."""
    if check_splits(splits) != "chromosomes":
        return
    for group, path in zip(groups, paths, strict=False):
        if "chrom" not in group.columns:
            names = map(str, group.columns["name"])
            name = next(name for name in names if not _INTERVAL.fullmatch(name))
            raise ValueError(
                "`splits` by chromosome needs records whose names are intervals, such "
                f"as 'chr1:100-300'. Received: {name!r} in {path}"
            )


def _common_columns(groups: list[Group]) -> list[Group]:
    """The groups with the columns that all of them have."""
    common = set.intersection(*(set(group.columns) for group in groups))
    return [
        Group(
            group.label,
            group.sequences,
            {name: group.columns[name] for name in ("name", "chrom") if name in common},
            group.splits,
        )
        for group in groups
    ]
