"""Where a transcription factor binds, against open chromatin where it does not.

| | Shrikumar et al. 2017, section 3.3 | here |
|---|---|---|
| positives | 1000 bp around the summits of rank-reproducible peaks | `peaks` |
| negatives | 1000 bp around the summits of DNase peaks of the same cells that do not overlap the 150,000 best relaxed peaks of the factor (called by SPP at an FDR of 90%) | `controls`, `relaxed_peaks` |
| CTCF, chr1 | train on chr1, validate on chr17, test on the rest | `splits="chr1"` |
| CTCF, chr21 | train on chr21, validate on chr22, test on the rest | `splits="chr21"` |
| all of the genome | validate on chr1, test on chr2, train on the rest | `splits="genome"` |

Negatives to a positive: 5.01 for CTCF, 4.75 for SPI1, 16.47 for MAX (Table 1). There
is no balancing: `dataset.class_weight()` gives the weights for `model.fit`.
"""  # noqa: E501

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from rckeras.datasets.classes import Group, divide, fetch_groups, join_groups
from rckeras.datasets.dataset import Dataset
from rckeras.datasets.regions import (
    RANKS,
    Peaks,
    check_choices,
    read_peaks,
    windows_on,
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

SHRIKUMAR_SPLITS = {
    "chr1": {"train": "chr1", "validation": "chr17", "test": "*"},
    "chr21": {"train": "chr21", "validation": "chr22", "test": "*"},
    "genome": {"train": "*", "validation": "chr1", "test": "chr2"},
}


def load_chipseq(
    peaks: str | os.PathLike,
    controls: str | os.PathLike,
    genome: str | os.PathLike,
    *,
    relaxed_peaks: str | os.PathLike | None = None,
    top_relaxed: int = 150_000,
    rank_by: str = "signal",
    length: int = 1000,
    at: str = "summit",
    splits: str | Chromosomes | Shares | None = None,
    missing_contigs: str = "error",
    target: str = "bound",
    seed: int = 0,
    progress: bool = False,
) -> Dataset:
    """Reads a factor's peaks, and open chromatin that it does not bind.

    1. Of the relaxed peaks the best are taken. Where ranks are equal, those that come
       first in the file are better.
    2. A control is left out if its interval has a base in common with that of one of
       these, or with that of a peak. (The paper names the relaxed peaks alone, which
       contain the reproducible ones.) Intervals decide, as in the paper; windows
       of negatives that overlap one of a positive are kept and counted.
    3. Each peak and each control that is left gets a window around its summit.
       Windows that leave the chromosome are dropped, of equal ones the first stays;
       those with N are kept and counted. Windows on strand `-` are
       reverse-complemented; peaks of ChIP-seq have no strand.
    4. Windows are put in splits, in the paper by chromosome.

    Args:
        peaks: narrowPeak or BED file of the factor's reproducible peaks.
        controls: The same of open chromatin (DNase, ATAC) in the same cells.
        genome: FASTA file of the genome, plain or bgzip.
        relaxed_peaks: The same of the factor's relaxed peaks; `None` for `peaks`.
        top_relaxed: How many relaxed peaks count.
        rank_by: Column of the narrowPeak file by which they are ranked, the largest
            first: `"signal"` (7, as SPP's peaks are ranked), `"p_value"` (8) or
            `"q_value"` (9), both as -log10. Unused if there are at most `top_relaxed`.
        length: Bases of a window. The summit is base `length // 2`, counted from 0
            (on strand `-` after the reverse complement is taken).
        at: `"summit"`, which each peak must have; `"centre"`, the middle of the
            interval; `"either"`, the summit where there is one.
        splits: A name from the table of this module, chromosomes (see
            `split_by_chromosome`), or shares, such as `{"validation": 0.1}`. For
            shares, windows that overlap, or are linked by others that do, are drawn
            together, whatever their class, so that no base is in two splits; a share
            is met as nearly as this allows (see `split_clusters_at_random`).
        missing_contigs: `"error"`, or `"drop"` for peaks on contigs that the genome
            lacks.
        target: Name of the target.
        seed: Seed of the draw, where `splits` are shares.
        progress: Whether to show bars on stderr.

    Returns:
        `Dataset` with the columns `name`, `chrom`, `start`, `end`, `strand` of the
        windows: positives, then negatives, each in the order of its file. The notes
        count what was left out.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a file breaks the rules of its format, a peak lies off the
            genome, lacks a summit or a rank (the message starts with `path:line`), a
            class is empty, or an argument is none of those above.

    Reference: Shrikumar, Greenside, Kundaje 2017, section 3.3.

    Example:

    ```python
    dataset = load_chipseq(
        "ctcf.idr.narrowPeak.gz",
        "dnase.narrowPeak.gz",
        "hg19.fa",
        relaxed_peaks="ctcf.relaxed.narrowPeak.gz",
        splits="chr1",
    )
    model.fit(*dataset.arrays("train"), class_weight=dataset.class_weight())
    ```
    """
    check_choices(length, at, missing_contigs)
    _check_rank(rank_by, top_relaxed)
    splits = _named_splits(splits)
    rng = np.random.default_rng(check_seed(seed))
    bound, unbound = read_peaks(peaks), read_peaks(controls)
    check_sequences(splits, np.append(bound["chrom"], unbound["chrom"]))
    relaxed, notes = bound, {"length": length, "at": at}
    if relaxed_peaks is not None:
        relaxed = _best(read_peaks(relaxed_peaks), top_relaxed, rank_by, notes)
    unbound, overlapping = _unbound(unbound, relaxed, bound)
    settings = length, at, missing_contigs
    with Genome(genome) as opened:
        positives, notes["peaks"] = windows_on(bound, opened, *settings)
        negatives, notes["controls"] = windows_on(unbound, opened, *settings)
        touching = int(overlaps(negatives, positives).sum())
        notes["controls"] |= overlapping | {"overlapping_positives": touching}
        groups = [Group(1, None, positives), Group(0, None, negatives)]
        groups = divide(groups, splits, rng, notes)
        groups = fetch_groups(opened, groups, progress)
    return join_groups(groups, target, notes)


def _named_splits(
    splits: str | Chromosomes | Shares | None,
) -> Chromosomes | Shares | None:
    if isinstance(splits, str):
        if splits not in SHRIKUMAR_SPLITS:
            raise ValueError(
                f"`splits` must be one of {', '.join(SHRIKUMAR_SPLITS)}, or "
                f"chromosomes for each split. Received: {splits!r}"
            )
        splits = SHRIKUMAR_SPLITS[splits]
    check_splits(splits)
    return splits


def _check_rank(rank_by: str, top_relaxed: int) -> None:
    if rank_by not in RANKS:
        raise ValueError(
            f"`rank_by` must be one of {', '.join(RANKS)}. Received: {rank_by!r}"
        )
    if top_relaxed < 1:
        raise ValueError(f"`top_relaxed` must be from 1. Received: {top_relaxed}")


def _best(relaxed: Peaks, top: int, rank_by: str, notes: dict[str, Any]) -> Peaks:
    """The best relaxed peaks; what was taken is added to the notes."""
    notes["relaxed"] = {"read": len(relaxed), "taken": min(top, len(relaxed))}
    if len(relaxed) <= top:
        return relaxed
    ranks = relaxed.columns.get(rank_by, np.full(len(relaxed), np.nan))
    unknown = np.isnan(ranks)
    if unknown.any():
        raise ValueError(
            f"{relaxed.place(unknown.argmax())}: the peak has no {rank_by} to "
            f"tell the best {top} of {len(relaxed)} by; choose another `rank_by`, "
            f"or set `top_relaxed` to {len(relaxed)}"
        )
    order = np.argsort(-ranks, kind="stable")[:top]
    notes["relaxed"] |= {"rank_by": rank_by, "lowest": float(ranks[order[-1]])}
    return relaxed.take(order)


def _unbound(
    controls: Peaks, relaxed: Peaks, bound: Peaks
) -> tuple[Peaks, dict[str, int]]:
    """Controls that overlap neither, and how many were read and left out."""
    on_relaxed = overlaps(_spans(controls), _spans(relaxed))
    on_bound = overlaps(_spans(controls), _spans(bound)) & ~on_relaxed
    left = controls.take(~(on_relaxed | on_bound))
    if not len(left):
        raise ValueError(
            f"{controls.path}: no control is left, all {len(controls)} overlap peaks "
            "of the factor"
        )
    return left, {
        "read": len(controls),
        "on_relaxed_peaks": int(on_relaxed.sum()),
        "on_other_peaks": int(on_bound.sum()),
    }


def _spans(peaks: Peaks) -> Mapping[str, np.ndarray]:
    return {name: peaks[name] for name in ("chrom", "start", "end")}
