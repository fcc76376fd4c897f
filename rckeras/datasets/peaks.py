"""Windows of a genome on the peaks of an experiment, and negatives for them."""

import os
from typing import Any

import numpy as np

from rckeras.datasets.classes import (
    DINUCLEOTIDE,
    Group,
    check_different,
    divide,
    fetch_groups,
    is_file,
    join_groups,
    shuffles_of,
)
from rckeras.datasets.dataset import Dataset
from rckeras.datasets.regions import (
    check_choices,
    read_peaks,
    windows_on,
    without_equal,
)
from rckeras.datasets.splits import (
    Chromosomes,
    Shares,
    check_seed,
    check_sequences,
    check_splits,
)
from rckeras.io.genome import Genome
from rckeras.io.overlaps import overlaps


def load_peaks(
    peaks: str | os.PathLike,
    genome: str | os.PathLike,
    *,
    length: int,
    at: str = "summit",
    negatives: str | os.PathLike | None = DINUCLEOTIDE,
    splits: Chromosomes | Shares | None = None,
    missing_contigs: str = "error",
    target: str = "bound",
    seed: int = 0,
    progress: bool = False,
) -> Dataset:
    """Reads windows of one length on the peaks of a narrowPeak or BED file.

    A window that leaves its chromosome is dropped, and of peaks with the same window
    the first is taken. Windows on strand `-` are reverse-complemented.

    Args:
        peaks: narrowPeak file (ten columns) or BED file, plain, gzip or bgzip.
        genome: FASTA file of the genome, plain or bgzip.
        length: Bases of a window. The middle of the peak is base `length // 2` of it,
            counted from 0 (on strand `-` after the reverse complement is taken).
        at: What the middle is: `"summit"`, which each peak must have; `"centre"`, the
            middle of the interval; `"either"`, the summit where there is one.
        negatives: `"dinucleotide"` for a dinucleotide shuffle of each window, which is
            in the split of the window; a narrowPeak or BED file, of which windows
            equal to a positive one are dropped; `None` for positives alone.
        splits: Chromosomes, such as `{"test": ["chr8", "chr9"]}` (see
            `split_by_chromosome`), or shares, such as `{"validation": 0.1}`. For
            shares, windows that overlap, or are linked by others that do, are drawn
            together, whatever their class, so that no base is in two splits; a share
            is met as nearly as this allows (see `split_clusters_at_random`).
        missing_contigs: `"error"`, or `"drop"` for peaks on contigs that the genome
            lacks.
        target: Name of the target.
        seed: Seed of the draw and of the shuffles.
        progress: Whether to show a bar on stderr.

    Returns:
        `Dataset` with the columns `name`, `chrom`, `start`, `end`, `strand` of the
        windows: positives, then negatives, each in the order of its file. A shuffle
        has the place of the window from which it was made, and `_shuf` after its name.
        The notes count what was dropped, and which negatives of a file overlap a
        positive window.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file breaks the rules of its format, a peak lies off the
            genome or lacks a summit (the message starts with `path:line`), `peaks`
            and `negatives` are one file, or an argument is none of those above.

    Example:

    ```python
    dataset = load_peaks(
        "ctcf.narrowPeak.gz", "hg38.fa", length=200, splits={"test": ["chr8", "chr9"]}
    )
    ```
    """
    check_choices(length, at, missing_contigs)
    check_splits(splits)
    rng = np.random.default_rng(check_seed(seed))
    check_different(peaks=peaks, negatives=negatives)
    files = {"positives": peaks}
    if is_file(negatives):
        files["negatives"] = negatives
    tables = {label: read_peaks(path) for label, path in files.items()}
    check_sequences(splits, np.concatenate([t["chrom"] for t in tables.values()]))
    placed, notes = {}, {"length": length, "at": at}
    with Genome(genome) as opened:
        for label, table in tables.items():
            placed[label], notes[f"{label}_file"] = windows_on(
                table, opened, length, at, missing_contigs
            )
        if is_file(negatives):
            _keep_unbound(placed, notes["negatives_file"], negatives)
        groups = [Group(int(n == "positives"), None, w) for n, w in placed.items()]
        groups = divide(groups, splits, rng, notes)
        groups = fetch_groups(opened, groups, progress)
    if negatives is not None and not is_file(negatives):
        groups.append(shuffles_of(groups[0], rng))
        notes["negatives_from"] = DINUCLEOTIDE
    return join_groups(groups, target, notes)


def _keep_unbound(
    placed: dict[str, dict[str, np.ndarray]],
    counts: dict[str, Any],
    path: str | os.PathLike,
) -> None:
    """Leaves out negatives that are positives, and counts those that overlap one."""
    left, equal = without_equal(placed["negatives"], placed["positives"])
    if not len(left["start"]):
        raise ValueError(
            f"{path}: no negative is left, all {equal} windows are those of positives"
        )
    placed["negatives"] = left
    counts["equal_to_positives"] = equal
    counts["overlapping_positives"] = int(overlaps(left, placed["positives"]).sum())
