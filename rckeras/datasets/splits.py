"""Division of sequences into training, validation and test.

Two ways are in use: by chromosome, so that no stretch of the genome is in two parts,
and at random, in given shares; at random, sequences that overlap can be drawn together.
Which way is meant, the readers of this package tell from what they are given.
"""

import operator
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from rckeras.datasets.dataset import SPLITS, Dataset, split_code
from rckeras.io.chromosomes import plain_chrom

NO_SPLIT = 255
REST = "*"

Chromosomes = Mapping[str, str | Sequence[str]]
Shares = Mapping[str, float]

_FORMS = (
    "`splits` must give chromosomes to splits, as in {'test': ['chr8', 'chr9']}, or "
    "shares to 'validation' and 'test', as in {'validation': 0.1}"
)


def split_by_chromosome(
    chroms: np.ndarray | Sequence[str], splits: Chromosomes
) -> np.ndarray:
    """Places each sequence in the split to which its chromosome is given.

    Args:
        chroms: Name of the chromosome of each sequence.
        splits: For each split the name of its chromosome, or a list of names. `"*"`
            stands for all chromosomes that are named nowhere. Names are compared
            without the habits of the databases: `chr1` is `1`, `chrM` is `MT`.
            Chromosomes named nowhere, if there is no `"*"`, are for training if
            `"train"` is not among `splits`; if it is, they are in no split.

    Returns:
        `uint8` array, one entry a sequence: its place in `SPLITS`, or `NO_SPLIT`
        (255).

    Raises:
        ValueError: If a split is unknown, a chromosome or `"*"` is given to two
            splits, no sequence is on a chromosome that is named, or a split gets no
            sequence.

    Example:

    >>> chroms = ["chr1", "chr2", "chr17", "chr8"]
    >>> split_by_chromosome(chroms, {"validation": "chr17", "test": ["8"]}).tolist()
    [0, 0, 1, 2]
    """
    chroms = np.asarray(chroms, dtype=str)
    owner, spelled = _owners(splits)
    names, rows = np.unique(chroms, return_inverse=True)
    plain = [plain_chrom(str(name)) for name in names]
    for name in owner:
        if name != REST and name not in plain:
            raise ValueError(
                f"`splits` gives {spelled[name]!r} to {SPLITS[owner[name]]!r}, but no "
                f"sequence is on it. The sequences are on {_listed(names)}"
            )
    others = owner.get(REST, NO_SPLIT if "train" in splits else split_code("train"))
    codes = np.array([owner.get(name, others) for name in plain], dtype=np.uint8)
    codes = codes[rows]
    if REST in owner and not (codes == owner[REST]).any():
        raise ValueError(
            f"`splits` gives all other chromosomes to {SPLITS[owner[REST]]!r}, but "
            f"there are none. The sequences are on {_listed(names)}"
        )
    return codes


def split_at_random(
    sequences: int,
    *,
    validation: float = 0.0,
    test: float = 0.0,
    seed: int | np.random.Generator = 0,
) -> np.ndarray:
    """Draws sequences for validation and test without replacement.

    Args:
        sequences: Number of sequences.
        validation: Share for validation, from 0. It becomes a number of sequences by
            rounding to the nearest, halves upwards.
        test: Share for the test, likewise. What is left is for training.
        seed: Seed of the draw, or a generator that makes it.

    Returns:
        `uint8` array, one entry a sequence: its place in `SPLITS`.

    Raises:
        ValueError: If a share is not from 0 to 1, a share above 0 comes to no
            sequence, or none is left for training.

    Example:

    >>> split_at_random(10, validation=0.25, test=0.1, seed=1).tolist().count(1)
    3
    """
    counts = _counts(sequences, validation, test)
    order = _generator(seed).permutation(sequences)
    codes = np.zeros(sequences, dtype=np.uint8)
    start = 0
    for name, count in counts.items():
        codes[order[start : start + count]] = split_code(name)
        start += count
    return codes


def split_clusters_at_random(
    clusters: np.ndarray,
    *,
    validation: float = 0.0,
    test: float = 0.0,
    seed: int | np.random.Generator = 0,
) -> np.ndarray:
    """Draws whole clusters of sequences for validation and test.

    Clusters are taken in a random order, each that is not too large for what is still
    wanted, so that a share is met as nearly as whole clusters allow, from below.

    Args:
        clusters: Number of the cluster of each sequence, from 0.
        validation: Share of the sequences for validation, as for `split_at_random`.
        test: Share of the sequences for the test, likewise.
        seed: Seed of the draw, or a generator that makes it.

    Returns:
        `uint8` array, one entry a sequence: its place in `SPLITS`.

    Raises:
        ValueError: As `split_at_random` says, or if a share above 0 comes to no
            cluster.

    Example:

    >>> split_clusters_at_random(np.array([0, 1, 0, 0]), test=0.3).tolist()
    [0, 2, 0, 0]
    """
    sizes = np.bincount(clusters)
    codes = np.zeros(len(sizes), dtype=np.uint8)
    order = _generator(seed).permutation(len(sizes)).tolist()
    for name, wanted in _counts(len(clusters), validation, test).items():
        left = wanted
        for cluster in order:
            if not codes[cluster] and sizes[cluster] <= left:
                codes[cluster] = split_code(name)
                left -= sizes[cluster]
            if not left:
                break
        if wanted and left == wanted:
            raise ValueError(
                f"`{name}` must come to a cluster at least, as sequences that overlap "
                f"are drawn together. Received: a share of {wanted} sequences, and "
                f"clusters of {sizes[codes == 0].min()} or more"
            )
    return codes[clusters]


def share_of_training(dataset: Dataset, share: float, seed: int = 0) -> Dataset:
    """A dataset with fewer training sequences, whatever else is in it.

    Smaller shares are parts of larger ones. With one target each class is cut on its
    own.

    Args:
        dataset: Dataset with splits.
        share: Share of the training sequences to keep, above 0 and at most 1.
        seed: Seed of the draw.

    Returns:
        The dataset, its rows in their order; itself if `share` is 1.

    Raises:
        ValueError: If `share` is out of range, or leaves no sequence of a class.
    """
    if not 0 < share <= 1:
        raise ValueError(f"`share` must be above 0 and at most 1. Received: {share}")
    if share == 1:
        return dataset
    training = dataset.rows("train")
    order = np.random.default_rng(seed).permutation(training)
    groups = [order]
    if len(dataset.targets) == 1:
        labels = dataset.labels[order, 0] > 0
        groups = [order[labels], order[~labels]]
    kept = [group[: round(share * len(group))] for group in groups]
    if not all(len(group) for group in kept):
        raise ValueError(
            "`share` must leave a training sequence of each class. Received: "
            f"{share} of {' and '.join(str(len(group)) for group in groups)}"
        )
    others = np.setdiff1d(np.arange(len(dataset)), training)
    return dataset.take(np.sort(np.concatenate([*kept, others])))


def check_splits(splits: Chromosomes | Shares | None) -> str | None:
    """Says how to divide, before any work is done.

    Args:
        splits: Chromosomes, as for `split_by_chromosome`, or shares for
            `"validation"` and `"test"`, as for `split_at_random`.

    Returns:
        `"chromosomes"`, `"shares"`, or `None` if `splits` is `None` or empty.

    Raises:
        ValueError: If `splits` is no mapping, mixes the two, or breaks a rule of one
            of them.
    """
    if splits is None:
        return None
    if not isinstance(splits, Mapping):
        raise ValueError(f"{_FORMS}. Received: {splits!r}")
    if not splits:
        return None
    shares = [isinstance(value, int | float) for value in splits.values()]
    if not any(shares):
        _owners(splits)
        return "chromosomes"
    if not all(shares) or not set(splits) <= {"validation", "test"}:
        raise ValueError(f"{_FORMS}. Received: {splits!r}")
    if not (min(splits.values()) >= 0 and sum(splits.values()) < 1):
        raise ValueError(
            "the shares in `splits` must be from 0 and leave something for training. "
            f"Received: {splits!r}"
        )
    return "shares"


def check_sequences(
    splits: Chromosomes | Shares | None, chroms: np.ndarray | Sequence[str]
) -> None:
    """Refuses splits that sequences cannot fill, before anything is made of these.

    Args:
        splits: Chromosomes or shares, as for `check_splits`.
        chroms: Name of the chromosome of each sequence there may be.

    Raises:
        ValueError: As `split_by_chromosome` and `split_at_random` say.
    """
    kind = check_splits(splits)
    if kind == "chromosomes":
        split_by_chromosome(chroms, splits)
    elif kind == "shares":
        _counts(len(chroms), **splits)


def check_seed(seed: Any) -> int:
    """A seed, if it is a whole number from 0."""
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if number < 0:
        raise ValueError(f"`seed` must be a whole number from 0. Received: {seed!r}")
    return number


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(check_seed(seed))


def _counts(
    sequences: int, validation: float = 0.0, test: float = 0.0
) -> dict[str, int]:
    """How many sequences the shares come to."""
    counts = {}
    for name, share in {"validation": validation, "test": test}.items():
        if not 0 <= share <= 1:
            raise ValueError(f"`{name}` must be from 0 to 1. Received: {share}")
        counts[name] = int(sequences * share + 0.5)
        if share and not counts[name]:
            raise ValueError(
                f"`{name}` must come to a sequence at least. Received: {share} of "
                f"{sequences}"
            )
    if sum(counts.values()) >= sequences:
        raise ValueError(
            "sequences must be left for training. Received: "
            f"validation={validation}, test={test} of {sequences}"
        )
    return counts


def _owners(splits: Chromosomes) -> tuple[dict[str, int], dict[str, str]]:
    """The split of each chromosome that is named, and how its name was written."""
    owner, spelled = {}, {}
    for split, chroms in splits.items():
        if split not in SPLITS:
            raise ValueError(
                f"`splits` must be of {', '.join(SPLITS)}. Received: {split!r}"
            )
        chroms = [chroms] if isinstance(chroms, str) else chroms
        if not (
            isinstance(chroms, Collection) and all(isinstance(c, str) for c in chroms)
        ):
            raise ValueError(f"{_FORMS}. Received: {chroms!r} for {split!r}")
        if not len(chroms):
            raise ValueError(f"`splits` must give chromosomes to {split!r}")
        for chrom in chroms:
            plain = chrom if chrom == REST else plain_chrom(chrom)
            if owner.get(plain, split_code(split)) != split_code(split):
                raise ValueError(
                    f"`splits` gives {chrom!r} to {SPLITS[owner[plain]]!r} and to "
                    f"{split!r}; a chromosome can be in one split only"
                )
            owner[plain], spelled[plain] = split_code(split), chrom
    return owner, spelled


def _listed(names: np.ndarray) -> str:
    shown = ", ".join(map(str, names[:8]))
    return shown + (", ..." if len(names) > 8 else "")
