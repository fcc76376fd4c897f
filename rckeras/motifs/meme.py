"""Motifs in files: the minimal MEME format and the JASPAR format.

The rules:

- MEME: a line `MEME version ...` comes first. If there is an alphabet, it is
  `ALPHABET= ACGT`. A motif is a line `MOTIF identifier [name]` and a line
  `letter-probability matrix: ... w= LENGTH nsites= SITES ...` that has a row of four
  numbers for each position behind it; without `w=` the rows end where one has not four
  numbers. Rows are divided by their sums, which must be 1 up to 0.01. All other lines
  are skipped.
- JASPAR: a line `>identifier [name]`, and four lines of counts, each one behind its
  letter and in brackets, or plain in the order A, C, G, T.
- Errors, with file and line: a row that breaks these rules, a motif without rows, and a
  file without a motif.
"""

import itertools
import os
import re
from collections.abc import Iterable, Sequence

import numpy as np

from rckeras.io.text import open_text
from rckeras.io.whole import write_whole
from rckeras.motifs.motif import Motif
from rckeras.motifs.scan import UNIFORM
from rckeras.sequence.alphabet import BASES

_SITES = 20  # what MEME takes where nothing is said
_SITES_OF_PROBABILITIES = 100  # in a file of counts
_SUM_TOLERANCE = 0.01

_Lines = list[tuple[int, str]]  # numbers, from 1, and stripped lines


def read_meme(path: str | os.PathLike) -> list[Motif]:
    """Reads motifs of a file in MEME's minimal format, plain or compressed by gzip.

    Args:
        path: File to read, or `"-"` for the standard input.

    Returns:
        The motifs in the order of the file. Of `MOTIF MA0002.2 RUNX1`, `matrix_id` is
        the first word and `name` the rest; a single word is the name. Where a number
        of sites is given, `counts` are the probabilities times that number.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file breaks a rule of this module.

    Reference: https://meme-suite.org/meme/doc/meme-format.html.

    Example:

    ```python
    motifs = {motif.matrix_id: motif for motif in read_meme("jaspar.meme")}
    ```
    """
    header, *blocks = _blocks(path, "MOTIF")
    _check_meme_header(header, path)
    return _some([_meme_motif(block, path) for block in blocks], path)


def write_meme(
    path: str | os.PathLike,
    motifs: Iterable[Motif | None],
    background: Sequence[float] = UNIFORM,
) -> None:
    """Writes motifs in MEME's minimal format.

    A motif's identifier is its `matrix_id`, or its name where it has none; white
    space in identifiers becomes `_`. The number of sites is the largest sum of a row
    of counts, or 20 without counts.

    Args:
        path: File to write; one that is there is replaced.
        motifs: The motifs; `None`, as for a filter without a motif, is left out.
        background: Probabilities of A, C, G, T that readers may use.

    Raises:
        ValueError: If there is no motif to write.

    Example:

    ```python
    write_meme("filters.meme", filters_to_motifs(model, codes))
    ```
    """
    frequencies = " ".join(
        f"{base} {p:.5f}" for base, p in zip(BASES, background, strict=True)
    )
    header = (
        "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"
        f"Background letter frequencies\n{frequencies}\n"
    )
    blocks = [_meme_block(motif) for motif in _some_of(motifs)]
    write_whole(path, "\n".join([header, *blocks]))


def read_jaspar(path: str | os.PathLike) -> list[Motif]:
    """Reads motifs of a file in the JASPAR format, plain or compressed by gzip.

    Args:
        path: File to read, or `"-"` for the standard input.

    Returns:
        The motifs in the order of the file, with their counts. Of `>MA0002.2 RUNX1`,
        `matrix_id` is the first word and `name` the rest; a single word is the name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file breaks a rule of this module.

    Reference: https://jaspar.elixir.no/docs/.

    Example:

    ```python
    [motif] = read_jaspar("MA0139.1.jaspar")
    ```
    """
    _, *blocks = _blocks(path, ">")
    return _some([_jaspar_motif(block, path) for block in blocks], path)


def write_jaspar(path: str | os.PathLike, motifs: Iterable[Motif | None]) -> None:
    """Writes motifs in the JASPAR format, as counts.

    Args:
        path: File to write; one that is there is replaced.
        motifs: The motifs; `None` is left out. One without counts is written as if it
            came from 100 sites.

    Raises:
        ValueError: If there is no motif to write.

    Example:

    ```python
    write_jaspar("filters.jaspar", filters_to_motifs(model, codes))
    ```
    """
    write_whole(path, "\n".join(_jaspar_block(motif) for motif in _some_of(motifs)))


def _blocks(path: str | os.PathLike, start: str) -> list[_Lines]:
    """Lines up to the first that begins with `start`, then those from each such one."""
    blocks: list[_Lines] = [[]]
    with open_text(path) as lines:
        for number, line in enumerate(lines, start=1):
            if line.startswith(start):
                blocks.append([])
            blocks[-1].append((number, line.strip()))
    return blocks


def _check_meme_header(header: _Lines, path: str | os.PathLike) -> None:
    number, first = next(((n, line) for n, line in header if line), (1, ""))
    if not first.startswith("MEME version"):
        raise ValueError(
            f"{path}:{number}: a MEME file must start with 'MEME version'. "
            f"Received: {first[:60]!r}"
        )
    for number, line in header:
        letters = line.removeprefix("ALPHABET").lstrip("= ")
        if line.startswith("ALPHABET") and letters != BASES:
            raise ValueError(
                f"{path}:{number}: the alphabet must be {BASES}. Received: {letters!r}"
            )


def _meme_motif(block: _Lines, path: str | os.PathLike) -> Motif:
    place = f"{path}:{block[0][0]}"
    name, matrix_id = _names(block[0][1].removeprefix("MOTIF"), place)
    starts = [
        index
        for index, (_, line) in enumerate(block)
        if line.startswith("letter-probability matrix")
    ]
    if not starts:
        raise ValueError(
            f"{place}: a motif must have a 'letter-probability matrix'. "
            f"Received: none for {name!r}"
        )
    (number, line), following = block[starts[0]], block[starts[0] + 1 :]
    values = dict(re.findall(r"(\w+)= *(\d+)", line))
    probabilities = _rows(following, values.get("w"), f"{path}:{number}")
    sites = (_numbers(values.get("nsites", "")) or [0.0])[0]
    counts = probabilities * sites if sites > 0 else None
    return Motif(name, probabilities, matrix_id, counts)


def _rows(lines: _Lines, width: str | None, place: str) -> np.ndarray:
    """The matrix behind its header, each row divided by its sum."""
    rows = itertools.dropwhile(lambda row: not row, (line for _, line in lines))
    rows = itertools.takewhile(lambda row: len(row) == 4, map(_numbers, rows))
    matrix = [*itertools.islice(rows, int(width) if width else None)]
    sums = np.array(matrix).sum(axis=-1, keepdims=True)
    if not matrix or len(matrix) != int(width or len(matrix)):
        raise ValueError(
            f"{place}: the matrix must have {width or 'some'} rows of four numbers. "
            f"Received: {len(matrix)}"
        )
    wrong = np.flatnonzero(~(abs(sums - 1) <= _SUM_TOLERANCE))
    if wrong.size:
        raise ValueError(
            f"{place}: each row of the matrix must sum up to 1. "
            f"Received: {matrix[wrong[0]]} in row {wrong[0] + 1}"
        )
    return np.array(matrix) / sums


def _meme_block(motif: Motif) -> str:
    words = [motif.matrix_id, motif.name] if motif.matrix_id else [motif.name]
    identifier, *name = ["_".join(word.split()) for word in words]
    sites = _SITES if motif.counts is None else round(motif.counts.sum(axis=1).max())
    rows = "".join(
        " ".join(f"{p:.10f}" for p in row) + "\n" for row in motif.probabilities
    )
    return (
        f"MOTIF {' '.join([identifier, *name])}\n"
        f"letter-probability matrix: alength= 4 w= {len(motif)} "
        f"nsites= {max(1, sites)} E= 0\n{rows}"
    )


def _jaspar_motif(block: _Lines, path: str | os.PathLike) -> Motif:
    (number, header), *lines = block
    place = f"{path}:{number}"
    name, matrix_id = _names(header.removeprefix(">"), place)
    rows = [re.sub(r"[\[\]]", " ", line) for _, line in lines if line]
    letters = "".join(row[0] for row in rows)
    if letters.isalpha():
        rows = [row[1:] for row in rows]
    counts = [_numbers(row) for row in rows]
    lengths = {len(row) for row in counts}
    if len(counts) != 4 or len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            f"{place}: a motif must have four lines of as many numbers. "
            f"Received: {len(counts)} lines of {sorted(lengths)} numbers"
        )
    if letters.isalpha() and letters != BASES:
        raise ValueError(
            f"{place}: the lines must be those of A, C, G, T. Received: {letters}"
        )
    return Motif.from_counts(name, np.transpose(counts), matrix_id)


def _jaspar_block(motif: Motif) -> str:
    counts = motif.counts
    probable = motif.probabilities * _SITES_OF_PROBABILITIES
    if counts is None:
        counts = probable
    # A position off the ends of all sequences has no counts, and readers divide.
    counts = np.where(counts.sum(axis=1, keepdims=True) > 0, counts, probable)
    lines = [
        f"{base}  [ {' '.join(f'{count:.12g}' for count in row)} ]\n"
        for base, row in zip(BASES, counts.T, strict=True)
    ]
    return f">{f'{motif.matrix_id} {motif.name}'.strip()}\n{''.join(lines)}"


def _names(text: str, place: str) -> tuple[str, str]:
    """Name and identifier, which are one word or several."""
    words = text.split(maxsplit=1)
    if not words:
        raise ValueError(f"{place}: a motif must have a name. Received: none")
    return (words[1], words[0]) if len(words) == 2 else (words[0], "")


def _numbers(line: str) -> list[float]:
    """The numbers of a line; none if one of its words is no number."""
    try:
        return [float(word) for word in line.split()]
    except ValueError:
        return []


def _some(motifs: list[Motif], path: str | os.PathLike) -> list[Motif]:
    if not motifs:
        raise ValueError(f"{path}: the file must have a motif. Received: none")
    return motifs


def _some_of(motifs: Iterable[Motif | None]) -> list[Motif]:
    found = [motif for motif in motifs if motif is not None]
    if not found:
        raise ValueError("`motifs` must hold a motif at least. Received: none")
    return found
