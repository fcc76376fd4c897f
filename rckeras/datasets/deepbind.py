"""ChIP-seq peaks as the authors of DeepBind prepared them.

An experiment is two files of tab-separated columns `FoldID`, `EventID`, `seq` and
`Bound`, 101 bases around each peak. Peaks are ranked and numbered from the strongest;
of the best 1,000, those of even number are held out.

- `NAME_AC.seq.gz`, for training, holds positives only: the odd ones and the rest.
- `NAME_B.seq.gz`, for the test, holds the 500 even ones (`seq_00002_peak`, Bound 1)
  and after each a dinucleotide shuffle of it (`seq_00002_shuf`, Bound 0).

DeepBind draws its training negatives as dinucleotide shuffles too. In the files of
ENCODE experiments `FoldID` is the same in all rows, so that it divides nothing: it is
not used.

Reference: Alipanahi et al. 2015, Nature Biotechnology 33:831, Supplementary Figure 6.
"""

import os
import re

import numpy as np

from rckeras.datasets.classes import (
    DINUCLEOTIDE,
    Group,
    check_different,
    encode,
    join_groups,
    shuffles_of,
)
from rckeras.datasets.dataset import Dataset
from rckeras.datasets.splits import Shares, check_seed, check_splits, split_at_random
from rckeras.io.text import open_text

HEADER = ("FoldID", "EventID", "seq", "Bound")
NEGATIVES = (DINUCLEOTIDE, "file")

_KIND = re.compile(r"_(peak|shuf)$")


def load_deepbind(
    train: str | os.PathLike,
    test: str | os.PathLike | None = None,
    *,
    negatives: str = DINUCLEOTIDE,
    splits: Shares | None = None,
    target: str = "bound",
    seed: int = 0,
) -> Dataset:
    """Reads an experiment in DeepBind's format.

    Args:
        train: File of training peaks, plain or compressed by gzip.
        test: File of held-out peaks and their negatives.
        negatives: Where training negatives come from: `"dinucleotide"`, a shuffle of
            each positive, or `"file"`, the rows of `train` that have Bound 0.
        splits: Shares of the training peaks, such as `{"validation": 0.1}`, each with
            the shuffle of it; rounded as in `split_at_random`. One for `"test"` only
            without the file `test`. The places of the peaks are not in the files: a
            division by chromosome is not possible, and neighbours may fall apart.
        target: Name of the target.
        seed: Seed of the shuffles and of the draw for validation.

    Returns:
        `Dataset` with the column `name` (EventID): positives and negatives of `train`,
        then the rows of `test`. Without `test` and `splits` it has no splits.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file is not in this format, lacks a class that it must hold,
            or, for `"dinucleotide"`, `train` has negatives of its own (the message
            starts with `path`, or `path:line`), or an argument is none of those above.

    Example:

    ```python
    dataset = load_deepbind(
        "CTCF_AC.seq.gz", "CTCF_B.seq.gz", splits={"validation": 0.1}
    )
    model.fit(*dataset.arrays("train"), validation_data=dataset.arrays("validation"))
    ```
    """
    if negatives not in NEGATIVES:
        raise ValueError(
            f"`negatives` must be one of {', '.join(NEGATIVES)}. Received: "
            f"{negatives!r}"
        )
    _check_shares(splits, test)
    rng = np.random.default_rng(check_seed(seed))
    check_different(train=train, test=test)
    positives, others = _read(train)
    _check_classes(train, positives, others, needed=negatives == "file")
    groups = [positives, others] if len(others) else [positives]
    if test is not None or splits:
        groups = _divide(groups, splits or {}, rng)
    if negatives == DINUCLEOTIDE:
        groups.append(shuffles_of(groups[0], rng))
    if test is not None:
        held_out = _read(test)
        _check_classes(test, *held_out, needed=True)
        _check_lengths(test, held_out[0], train, positives)
        groups += [group.placed("test") for group in held_out]
    return join_groups(groups, target, {"negatives_from": negatives})


def _read(path: str | os.PathLike) -> tuple[Group, Group]:
    """Positives and negatives of a file."""
    rows = []
    with open_text(path) as lines:
        _check_header(path, next(iter(lines), ""))
        for number, line in enumerate(lines, start=2):
            if line.strip():
                rows.append((f"{path}:{number}", *_row(line, f"{path}:{number}")))
    if not rows:
        raise ValueError(f"{path}: the file holds no sequence")
    places, names, letters, bound = zip(*rows, strict=True)
    for place, sequence in zip(places, letters, strict=True):
        if len(sequence) != len(letters[0]):
            raise ValueError(
                f"{place}: all sequences must be of one length. Received: "
                f"{len(sequence)} bases, and {len(letters[0])} in the first row"
            )
    codes = encode(letters, places)
    names, bound = np.array(names, dtype=str), np.array(bound)
    return tuple(
        Group(label, codes[bound == label], {"name": names[bound == label]})
        for label in (1, 0)
    )


def _check_header(path: str | os.PathLike, line: str) -> None:
    if tuple(line.split()) != HEADER:
        raise ValueError(
            f"{path}:1: the header must be the columns {', '.join(HEADER)}. "
            f"Received: {line.strip()[:60]!r}"
        )


def _row(line: str, place: str) -> tuple[str, str, int]:
    fields = line.split()
    if len(fields) != len(HEADER):
        raise ValueError(
            f"{place}: a row must have the {len(HEADER)} columns {', '.join(HEADER)}. "
            f"Received: {line.strip()[:60]!r}"
        )
    _, name, sequence, bound = fields
    if bound not in ("0", "1"):
        raise ValueError(f"{place}: Bound must be 0 or 1. Received: {bound!r}")
    return name, sequence, int(bound)


def _check_classes(
    path: str | os.PathLike, positives: Group, negatives: Group, needed: bool
) -> None:
    if not len(positives):
        raise ValueError(f"{path}: the file holds no positive (Bound 1)")
    if needed and not len(negatives):
        raise ValueError(f"{path}: the file holds no negative (Bound 0)")
    if len(negatives) and not needed:
        raise ValueError(
            f"{path}: the file holds {len(negatives)} negatives (Bound 0), such as "
            f"{str(negatives.columns['name'][0])!r}; negatives='file' takes them in "
            "place of shuffles"
        )


def _check_lengths(
    path: str | os.PathLike, group: Group, first: str | os.PathLike, other: Group
) -> None:
    lengths = group.sequences.shape[1], other.sequences.shape[1]
    if lengths[0] != lengths[1]:
        raise ValueError(
            f"{path}: its sequences have {lengths[0]} bases, and those of {first} have "
            f"{lengths[1]}"
        )


def _check_shares(splits: Shares | None, test: str | os.PathLike | None) -> None:
    if check_splits(splits) == "chromosomes":
        raise ValueError(
            "`splits` must be shares, as in {'validation': 0.1}: the files do not say "
            f"on which chromosomes their peaks are. Received: {splits!r}"
        )
    if test is not None and "test" in (splits or {}):
        raise ValueError(
            "`splits` must not take peaks for the test where there is a file for it. "
            f"Received: {splits!r}"
        )


def _divide(
    groups: list[Group], shares: Shares, rng: np.random.Generator
) -> list[Group]:
    """The groups with splits: a peak and the shuffle of the same number stay together.

    `seq_00002_peak` and `seq_00002_shuf` are the event `seq_00002`; other names are
    events as they stand.
    """
    events = [
        [_KIND.sub("", str(name)) for name in group.columns["name"]] for group in groups
    ]
    unique, rows = np.unique(np.concatenate(events), return_inverse=True)
    splits = split_at_random(len(unique), seed=rng, **shares)[rows]
    ends = np.cumsum([len(group) for group in groups])[:-1]
    return list(map(Group.placed, groups, np.split(splits, ends)))
