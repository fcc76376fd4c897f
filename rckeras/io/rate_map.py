"""Recombination maps: how often a genome recombines between neighbouring markers.

The rules:

- A header names the columns, which are separated by tabs or white space; it may start
  with `#`. Three layouts are read. HapMap: `Chromosome`, `Position(bp)`,
  `Rate(cM/Mb)`, `Map(cM)`; the rate holds from this marker to the next, and the last
  one of a chromosome is not used. 1000 Genomes: `position`, `COMBINED_rate(cM/Mb)`,
  `Genetic_Map(cM)`; the same without the chromosome, which is given apart or stands in
  the file's name (`genetic_map_chr22_combined_b37.txt`). SHAPEIT and GLIMPSE: `pos`,
  `chr`, `cM`; the rate is the difference of the map over the distance.
- Markers count from 1. The stretch between markers p and q is given as the bases
  p - 1 to q - 1, counted from 0, the end excluded.
- Several chromosomes may stand in a file, each in one block. Blank lines and other
  comments (`#`) are skipped.
- Errors, with file and line: a header without these columns, no chromosome, a line of
  another number of columns, a position that is not after the one before, a map that
  decreases, a rate that is negative or no number, a chromosome of one marker, or in
  two blocks.
- Not checked: whether HapMap's rates and its map agree. The rates are taken.
"""

import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from rckeras.io.rows import parse_number, parse_position, split_columns
from rckeras.io.text import open_text

_COLUMNS = {
    "chrom": ("chromosome", "chrom", "chr"),
    "position": ("position", "pos"),
    "rate": ("rate", "combined_rate"),
    "map": ("map", "genetic_map", "cm"),
}
_CHROM_IN_NAME = re.compile(
    r"(?<![a-z0-9])chr(?:\d+[a-z]?|[xyzwm]|mt)(?![a-z0-9])", re.IGNORECASE
)


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


class _Layout(NamedTuple):
    width: int  # number of columns
    columns: dict[str, int]  # the place of each column that is known
    chrom: str | None  # for all markers, if there is no column of chromosomes


def read_rate_map(
    path: str | os.PathLike, chrom: str | None = None
) -> dict[str, RateMap]:
    """Reads a recombination map, plain or compressed by gzip or bgzip.

    Args:
        path: File of one of the layouts of this module, told by its header; or `"-"`
            for the standard input.
        chrom: Name of the chromosome, only for a file without a column of
            chromosomes; by default from the file's name.

    Returns:
        A `RateMap` for each chromosome, by its name, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file breaks a rule of this module, or `chrom` is given for
            one that names its chromosomes. The message starts with `path:line`.

    Example:

    ```python
    maps = read_rate_map("genetic_map_GRCh37_chr22.txt.gz")
    hot = maps["chr22"].rate > 10
    ```
    """
    maps = {}
    markers = _read_markers(path, chrom)
    for name, block in itertools.groupby(markers, lambda marker: marker.chrom):
        block = list(block)
        if name in maps:
            raise ValueError(
                f"{path}:{block[0].line}: the markers of a chromosome must stand "
                f"together. Received: {name!r} again"
            )
        maps[name] = _rate_map(path, block)
    if not maps:
        raise ValueError(f"{path}: the file holds no marker")
    return maps


def _read_markers(path: str | os.PathLike, chrom: str | None) -> Iterator[_Marker]:
    """The markers of a file, each checked against the one before it."""
    with open_text(path) as text:
        numbered = ((number, line.strip()) for number, line in enumerate(text, 1))
        lines = ((number, line) for number, line in numbered if line)
        number, header, lines = _find_header(path, lines)
        layout = _layout(header, path, number, chrom)
        before = None
        for number, line in lines:
            if line.startswith("#"):
                continue
            marker = _marker(line, layout, number, f"{path}:{number}")
            if before is not None and before.chrom == marker.chrom:
                _check_order(before, marker, f"{path}:{number}")
            yield marker
            before = marker


def _find_header(
    path: str | os.PathLike, lines: Iterator[tuple[int, str]]
) -> tuple[int, str, Iterator[tuple[int, str]]]:
    """The header with its line, and the lines after it.

    A comment that names the columns is the header, unless one that is none follows.
    """
    found = None
    for number, line in lines:
        if not line.startswith("#"):
            if found is None or _is_header(line):
                return number, line, lines
            return *found, itertools.chain([(number, line)], lines)
        title = line.lstrip("# \t")
        if _is_header(title):
            found = number, title
    raise ValueError(f"{path}: the file holds no {'marker' if found else 'rate map'}")


def _is_header(line: str) -> bool:
    columns = _columns(line)
    return "position" in columns and not {"rate", "map"}.isdisjoint(columns)


def _columns(header: str) -> dict[str, int]:
    """The place of each column that is known."""
    names = [name.partition("(")[0].lower() for name in split_columns(header)]
    return {
        column: names.index(name)
        for column, known in _COLUMNS.items()
        for name in known
        if name in names
    }


def _layout(
    header: str, path: str | os.PathLike, number: int, chrom: str | None
) -> _Layout:
    columns = _columns(header)
    if not _is_header(header):
        raise ValueError(
            f"{path}:{number}: a rate map must start with a header, as 'Chromosome "
            "Position(bp) Rate(cM/Mb) Map(cM)', 'position COMBINED_rate(cM/Mb) "
            f"Genetic_Map(cM)' or 'pos chr cM'. Received: {header!r}"
        )
    if "chrom" not in columns:
        chrom = chrom or _chrom_in_name(path, number)
    elif chrom is not None:
        raise ValueError(
            f"{path}:{number}: `chrom` is for files without a column of chromosomes. "
            f"Received: {chrom!r} and {header!r}"
        )
    return _Layout(len(split_columns(header)), columns, chrom)


def _chrom_in_name(path: str | os.PathLike, number: int) -> str:
    names = set(_CHROM_IN_NAME.findall(Path(path).name))
    if len(names) != 1:
        raise ValueError(
            f"{path}:{number}: the map has no column of chromosomes, so the file's "
            "name must have one, as in 'genetic_map_chr22_combined_b37.txt', or "
            f"`read_rate_map` be given `chrom`. Received: {len(names)} in the name"
        )
    return names.pop()


def _marker(line: str, layout: _Layout, number: int, place: str) -> _Marker:
    fields = split_columns(line)
    if len(fields) != layout.width:
        raise ValueError(
            f"{place}: a marker must have {layout.width} columns, as the header. "
            f"Received: {line!r}"
        )
    found = {name: fields[column] for name, column in layout.columns.items()}
    values = {
        name: parse_number(found[name], name, place) if name in found else float("nan")
        for name in ("rate", "map")
    }
    if values["rate"] < 0:
        raise ValueError(
            f"{place}: the rate must not be negative. Received: {values['rate']}"
        )
    position = parse_position(found["position"], "position", place)
    if position < 1:
        raise ValueError(f"{place}: positions count from 1. Received: {position}")
    return _Marker(number, found.get("chrom", layout.chrom), position, **values)


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
