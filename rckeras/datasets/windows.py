"""Sequences of a dataset, brought to a length one by one."""

import os
from collections.abc import Iterator

import numpy as np

from rckeras.datasets.dataset import Dataset
from rckeras.io.windows import BED_KEYS, FASTA_KEYS, Window, fit_window
from rckeras.sequence.codes import codes_to_letters

_BLOCK = 1024  # rows read at a time


def window_keys(dataset: Dataset) -> dict[str, type]:
    """Names and types of what tells the rows of a dataset from others.

    Args:
        dataset: Any dataset.

    Returns:
        The fields of an interval if there are columns `chrom`, `start` and `end`;
        otherwise `name`.
    """
    intervals = {"chrom", "start", "end"} <= set(dataset.columns)
    return BED_KEYS if intervals else FASTA_KEYS


def read_rows(
    dataset: Dataset,
    path: str | os.PathLike,
    rows: np.ndarray,
    length: int | None,
    fit: str = "error",
) -> Iterator[Window]:
    """Read rows of a dataset, a block at a time.

    Args:
        dataset: Dataset, commonly in a file.
        path: Name of the file, for messages.
        rows: Numbers of the rows, from 0.
        length: Number of bases that each is to have; `None` to leave them as they are.
        fit: `"error"`, `"crop"` longer sequences to their centre, `"pad"` shorter ones
            with N on both sides, or `"both"`.

    Yields:
        A `Window` for each row, in the order of `rows`; its line is the number of the
        row. Its keys are those of `window_keys`, with `"."` for a column that is
        missing; a name that is missing is the row's number where there is no interval.

    Raises:
        ValueError: If the sequences have another length and `fit` does not say what to
            do.
    """
    keys = window_keys(dataset)
    for first in range(0, len(rows), _BLOCK):
        block = rows[first : first + _BLOCK]
        letters = codes_to_letters(dataset.sequences[block])
        cells = {key: _cells(dataset, key, keys, block) for key in keys}
        for row, name, sequence, *values in zip(
            block.tolist(), cells["name"], letters, *cells.values(), strict=True
        ):
            window = Window(tuple(values), name, row, sequence, ambiguous=0)
            yield fit_window(window, length, fit, path)


def _cells(dataset: Dataset, key: str, keys: dict[str, type], rows: np.ndarray) -> list:
    if key in dataset.columns:
        return [keys[key](cell) for cell in dataset.columns[key][rows].tolist()]
    return (
        [str(row) for row in rows.tolist()] if keys == FASTA_KEYS else ["."] * len(rows)
    )
