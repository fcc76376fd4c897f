"""Windows of a genome on the peaks of an experiment, and negatives for them."""

import os

import numpy as np

from rckeras.datasets.classes import (
    DINUCLEOTIDE,
    Group,
    divide,
    is_file,
    join_groups,
    shuffles_of,
)
from rckeras.datasets.dataset import Dataset
from rckeras.datasets.regions import (
    check_choices,
    fetch_windows,
    read_peaks,
    windows_on,
)
from rckeras.datasets.splits import Chromosomes, Shares, check_splits
from rckeras.io.genome import Genome


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
            counted from 0.
        at: What the middle is: `"summit"`, which each peak must have; `"centre"`, the
            middle of the interval; `"either"`, the summit where there is one.
        negatives: `"dinucleotide"` for a dinucleotide shuffle of each window, which is
            in the split of the window; a narrowPeak or BED file; `None` for none.
        splits: Shares drawn in each class, such as `{"validation": 0.1}`, or
            chromosomes, such as `{"test": ["chr8", "chr9"]}` (see
            `split_by_chromosome`).
        missing_contigs: `"error"`, or `"drop"` for peaks on contigs that the genome
            lacks.
        target: Name of the target.
        seed: Seed of the draw and of the shuffles.
        progress: Whether to show a bar on stderr.

    Returns:
        `Dataset` with the columns `name`, `chrom`, `start`, `end`, `strand` of the
        windows: positives, then negatives, each in the order of its file. A shuffle
        has the place of the window from which it was made, and `_shuf` after its name.
        The notes count what was dropped.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file breaks the rules of its format, a peak lies off the
            genome or lacks a summit (the message starts with `path:line`), or an
            argument is none of those above.

    Example:

    ```python
    dataset = load_peaks(
        "ctcf.narrowPeak.gz", "hg38.fa", length=200, splits={"test": ["chr8", "chr9"]}
    )
    ```
    """
    check_choices(length, at, missing_contigs)
    check_splits(splits)
    files = {"positives": peaks}
    if is_file(negatives):
        files["negatives"] = negatives
    tables = {label: read_peaks(path) for label, path in files.items()}
    groups, notes = [], {"length": length, "at": at}
    with Genome(genome) as opened:
        placed = {
            label: windows_on(table, opened, length, at, missing_contigs)
            for label, table in tables.items()
        }
        for label, (windows, counts) in placed.items():
            codes = fetch_windows(opened, windows, progress, label)
            groups.append(Group(int(label == "positives"), codes, windows))
            notes[f"{label}_file"] = counts
    rng = np.random.default_rng(seed)
    groups = divide(groups, splits, rng, notes)
    if negatives is not None and not is_file(negatives):
        groups.append(shuffles_of(groups[0], rng))
        notes["negatives_from"] = DINUCLEOTIDE
    return join_groups(groups, target, notes)
