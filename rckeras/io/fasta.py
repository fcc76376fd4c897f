"""FASTA files, one record at a time.

The rules:

- A record is a header line (`>`, the name, anything) and one or more lines of
  letters. The name is the header's first word.
- Blank lines are skipped. White space is dropped at both ends of a line, and is an
  error inside a line of sequence.
- Errors, with file, line and record: text before the first header, a header
  without a name, a record without a sequence, a character that is no letter (a
  gap, a digit, `*`), and a file without a record.
- Not checked here: whether the letters stand for DNA (the encoding does that, see
  `rckeras.sequence`), and whether names are unique. Names repeat in real files;
  every record is given, in the order of the file.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from rckeras.io.text import open_text


@dataclass(frozen=True, slots=True)
class FastaRecord:
    """One sequence of a FASTA file.

    Args:
        name: First word of the header.
        description: The rest of the header, `""` if there is none.
        sequence: The letters, case kept.
        line: Line of the header in the file, counted from 1.
    """

    name: str
    description: str
    sequence: str
    line: int


def read_fasta(path: str | os.PathLike) -> Iterator[FastaRecord]:
    """Reads a FASTA file, plain or compressed by gzip or bgzip.

    Args:
        path: File to read, or `"-"` for the standard input.

    Yields:
        A `FastaRecord` for each record. One record is held in memory at a time.

    Raises:
        FileNotFoundError: When reading starts, if there is no such file.
        ValueError: If the file breaks a rule of this module. The message starts
            with `path:line`.

    Example:

    ```python
    sequences = {record.name: record.sequence for record in read_fasta("peaks.fa.gz")}
    ```
    """
    header, start, parts = None, 0, []
    with open_text(path) as lines:
        for number, text in enumerate(lines, start=1):
            line = text.strip()
            if line.startswith(">"):
                if header is not None:
                    yield _record(path, header, start, parts)
                header, start, parts = _header(path, number, line), number, []
            elif line:
                if header is None:
                    raise ValueError(
                        f"{path}:{number}: the first line must be a header such as "
                        f"'>name'. Received: {line[:40]!r}"
                    )
                if not (line.isascii() and line.isalpha()):
                    raise _no_letter(path, number, header[0], line)
                parts.append(line)
    if header is None:
        raise ValueError(f"{path}: the file holds no FASTA record")
    yield _record(path, header, start, parts)


def _header(path: str | os.PathLike, number: int, line: str) -> tuple[str, str]:
    """Name and description."""
    words = line[1:].split(maxsplit=1)
    if not words:
        raise ValueError(
            f"{path}:{number}: a header must name its record, as in '>name'. "
            f"Received: {line!r}"
        )
    return words[0], words[1] if len(words) == 2 else ""


def _record(
    path: str | os.PathLike, header: tuple[str, str], start: int, parts: list[str]
) -> FastaRecord:
    if not parts:
        raise ValueError(f"{path}:{start}: record {header[0]!r}: it holds no sequence")
    return FastaRecord(*header, "".join(parts), start)


def _no_letter(
    path: str | os.PathLike, number: int, name: str, line: str
) -> ValueError:
    position, character = next(
        (position, character)
        for position, character in enumerate(line, start=1)
        if not (character.isascii() and character.isalpha())
    )
    return ValueError(
        f"{path}:{number}: record {name!r}: a sequence must be of letters. "
        f"Received: {character!r} as character {position} of the line"
    )
