"""Recombination maps: how often a genome recombines between neighbouring markers.

The rules:

- A header names the columns, which are separated by tabs or white space. Two layouts
  are read. HapMap: `Chromosome`, `Position(bp)`, `Rate(cM/Mb)`, `Map(cM)`; the rate
  holds from this marker to the next, and the last one of a chromosome is not used.
  GLIMPSE and 1000 Genomes: `pos`, `chr`, `cM`; the rate is the difference of the map
  over the distance.
- Markers count from 1. The stretch between markers p and q is given as the bases
  p - 1 to q - 1, counted from 0, the end excluded.
- Several chromosomes may stand in a file, each in one block. Blank lines and comments
  (`#`) are skipped.
- Errors, with file and line: a header without these columns, a line of another number
  of columns, a position that is not after the one before, a map that decreases, a
  rate that is negative or no number, a chromosome of one marker, or in two blocks.
- Not checked: whether HapMap's rates and its map agree. The rates are taken.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from rckeras.io.rows import data_lines, parse_number, parse_position, split_columns

_COLUMNS = {
    "chrom": ("chromosome", "chrom", "chr"),
    "position": ("position", "pos"),
    "rate": ("rate", "combined_rate"),
    "map": ("map", "genetic_map", "cm"),
}


@dataclass(frozen=True, eq=False)
class RateMap:
    """Recombination rates along one chromosome.

    Args:
        chrom: Name of the chromosome.
        edges: Where the stretches of one rate meet, increasing, bases counted from
            0; `int64` of shape `(stretches + 1,)`.
        rate: Rate of each stretch in cM/Mb, `float64` of shape `(stretches,)`.

    Raises:
        ValueError: If edges do not increase, a rate is negative or not finite, or the
            shapes do not fit.
    """

    chrom: str
    edges: np.ndarray
    rate: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "edges", np.asarray(self.edges, dtype=np.int64))
        object.__setattr__(self, "rate", np.asarray(self.rate, dtype=np.float64))
        if self.rate.ndim != 1 or self.edges.shape != (len(self.rate) + 1,):
            raise ValueError(
                "`edges` must be one more than `rate`, both of one axis. Received: "
                f"shapes {self.edges.shape} and {self.rate.shape}"
            )
        if not len(self.rate) or self.edges[0] < 0 or (np.diff(self.edges) <= 0).any():
            raise ValueError("`edges` must be two or more, and increase from 0 on")
        if not (np.isfinite(self.rate) & (self.rate >= 0)).all():
            raise ValueError("`rate` must be finite and not negative")

    def __len__(self) -> int:
        return len(self.rate)

    @property
    def start(self) -> np.ndarray:
        """First base of each stretch."""
        return self.edges[:-1]

    @property
    def end(self) -> np.ndarray:
        """The base after the last one of each stretch."""
        return self.edges[1:]

    def mean_rate(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Mean rate over the bases of intervals.

        Args:
            start: First bases, counted from 0.
            end: The bases after the last ones.

        Returns:
            Rates in cM/Mb, of the shape of `start`. Bases off the map count as 0.
        """
        start, end = np.asarray(start), np.asarray(end)
        along = np.append(0.0, np.cumsum(np.diff(self.edges) * self.rate))
        first, last = (np.interp(place, self.edges, along) for place in (start, end))
        return (last - first) / (end - start)

    def window(self, start: int, end: int) -> Self:
        """The map of a part of the chromosome, whose first base becomes 0.

        Args:
            start: First base, counted from 0.
            end: The base after the last one.

        Raises:
            ValueError: If no base from `start` to `end` is on the map.

        Example:

        >>> RateMap("chr1", [0, 10, 30], [0.5, 4.0]).window(5, 20).edges.tolist()
        [0, 5, 15]
        """
        low, high = max(start, self.edges[0]), min(end, self.edges[-1])
        if low >= high:
            raise ValueError(
                f"the map of {self.chrom} must reach into the window; it is from "
                f"{self.edges[0]} to {self.edges[-1]}. Received: {start} to {end}"
            )
        first = np.searchsorted(self.edges, low, side="right") - 1
        last = np.searchsorted(self.edges, high, side="left")
        edges = np.clip(self.edges[first : last + 1], low, high) - start
        return type(self)(self.chrom, edges, self.rate[first:last])


class _Marker(NamedTuple):
    line: int
    chrom: str
    position: int
    rate: float  # cM/Mb, up to the next marker; `nan` if the file has only the map
    map: float  # cM from the start of the chromosome; `nan` if the file has only rates


def read_rate_map(path: str | os.PathLike) -> dict[str, RateMap]:
    """Reads a recombination map, plain or compressed by gzip or bgzip.

    Args:
        path: File of one of the two layouts of this module, told by its header; or
            `"-"` for the standard input.

    Returns:
        A `RateMap` for each chromosome, by its name, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file breaks a rule of this module. The message starts
            with `path:line`.

    Example:

    ```python
    maps = read_rate_map("genetic_map_GRCh37_chr22.txt.gz")
    hot = maps["chr22"].rate > 10
    ```
    """
    maps = {}
    markers = _read_markers(path)
    for chrom, block in itertools.groupby(markers, lambda marker: marker.chrom):
        block = list(block)
        if chrom in maps:
            raise ValueError(
                f"{path}:{block[0].line}: the markers of a chromosome must stand "
                f"together. Received: {chrom!r} again"
            )
        maps[chrom] = _rate_map(path, block)
    if not maps:
        raise ValueError(f"{path}: the file holds no marker")
    return maps


def _read_markers(path: str | os.PathLike) -> Iterator[_Marker]:
    """The markers of a file, each checked against the one before it."""
    lines = data_lines(path, "rate map")
    number, header = next(lines)
    columns = _columns(header, f"{path}:{number}")
    names = split_columns(header)
    before = None
    for number, line in lines:
        place = f"{path}:{number}"
        fields = split_columns(line)
        if len(fields) != len(names):
            raise ValueError(
                f"{place}: a marker must have {len(names)} columns, as the header. "
                f"Received: {line!r}"
            )
        marker = _marker(fields, columns, number, place)
        if before is not None and before.chrom == marker.chrom:
            _check_order(before, marker, place)
        yield marker
        before = marker


def _columns(header: str, place: str) -> dict[str, int]:
    """The place of each column that is known."""
    names = [name.partition("(")[0].lower() for name in split_columns(header)]
    columns = {
        column: names.index(name)
        for column, known in _COLUMNS.items()
        for name in known
        if name in names
    }
    if not ({"chrom", "position"} <= set(columns) and {"rate", "map"} & set(columns)):
        raise ValueError(
            f"{place}: a rate map must start with a header, as 'Chromosome "
            "Position(bp) Rate(cM/Mb) Map(cM)' or 'pos chr cM'. "
            f"Received: {header!r}"
        )
    return columns


def _marker(
    fields: list[str], columns: dict[str, int], number: int, place: str
) -> _Marker:
    values = dict.fromkeys(("rate", "map"), float("nan"))
    for column in values.keys() & columns.keys():
        values[column] = parse_number(fields[columns[column]], column, place)
    if values["rate"] < 0:
        raise ValueError(
            f"{place}: the rate must not be negative. Received: {values['rate']}"
        )
    position = parse_position(fields[columns["position"]], "position", place)
    if position < 1:
        raise ValueError(f"{place}: positions count from 1. Received: {position}")
    return _Marker(number, fields[columns["chrom"]], position, **values)


def _check_order(before: _Marker, marker: _Marker, place: str) -> None:
    if marker.position <= before.position:
        raise ValueError(
            f"{place}: the rate map is out of order: each position must be after the "
            f"one before. Received: {marker.position} after {before.position}"
        )
    if marker.map < before.map:
        raise ValueError(
            f"{place}: the rate map is out of order: the map (cM) must not decrease. "
            f"Received: {marker.map} after {before.map}"
        )


def _rate_map(path: str | os.PathLike, markers: list[_Marker]) -> RateMap:
    if len(markers) == 1:
        raise ValueError(
            f"{path}:{markers[0].line}: a chromosome must have two markers at least. "
            f"Received: {markers[0].chrom!r} with one"
        )
    positions = np.array([marker.position for marker in markers])
    rate = np.array([marker.rate for marker in markers[:-1]])
    if np.isnan(rate).any():
        cm = np.array([marker.map for marker in markers])
        rate = np.diff(cm) / np.diff(positions) * 1e6
    return RateMap(markers[0].chrom, positions - 1, rate)
