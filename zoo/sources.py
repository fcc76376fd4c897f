"""Where the sequences of a prediction come from: FASTA, BED or a dataset."""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rckeras.io.windows import Window


class Source(NamedTuple):
    """Where sequences come from.

    Attributes:
        keys: Types of their keys, by name.
        windows: Function that gives them at a length.
        count: Function that gives their number, as far as it can be known.
    """

    keys: dict[str, type]
    windows: "Callable[[int | None], Iterator[Window]]"
    count: Callable[[], int | None]


def open_source(
    path: str | os.PathLike,
    genome: str | os.PathLike | None,
    split: str | None,
    fit: str,
) -> Source:
    """Open an input, and check it as far as possible before any work is done.

    Args:
        path: FASTA, BED or dataset; `"-"` for the standard input.
        genome: FASTA file from which the intervals of a BED file are read.
        split: Split of a dataset; `None` for all.
        fit: What to do with sequences of another length than they are asked for.

    Returns:
        A `Source`.

    Raises:
        ValueError: If the arguments do not fit each other or the file.
        OSError: If a file is missing.
    """
    from rckeras.datasets.file import is_dataset
    from rckeras.io import windows

    if is_dataset(path):
        return _open_dataset(path, genome, split, fit)
    if split is not None:
        raise ValueError(
            "`split` (--split) is for datasets that `rckeras data` has written. "
            f"Received: split={split!r} with {path}"
        )
    windows.check_input(path, genome, fit)
    return Source(
        windows.FASTA_KEYS if genome is None else windows.BED_KEYS,
        lambda length: windows.read_windows(path, genome, length, fit),
        lambda: windows.count_records(path, genome),
    )


def _open_dataset(
    path: str | os.PathLike,
    genome: str | os.PathLike | None,
    split: str | None,
    fit: str,
) -> Source:
    from rckeras.datasets import load_dataset
    from rckeras.datasets.windows import read_rows, window_keys
    from rckeras.io.windows import check_fit

    check_fit(fit)
    if genome is not None:
        raise ValueError(
            f"{path} is a dataset; `genome` (--genome) is for intervals (BED)"
        )
    dataset = load_dataset(path)
    rows = dataset.rows(split)
    return Source(
        window_keys(dataset),
        lambda length: read_rows(dataset, path, rows, length, fit),
        lambda: len(rows),
    )
