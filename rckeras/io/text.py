"""Text files, plain or compressed, as lines."""

import contextlib
import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_GZIP_MAGIC = b"\x1f\x8b"
_BCF_MAGIC = ("BCF\2", "BCF\4")


@contextlib.contextmanager
def open_text(
    path: str | os.PathLike, keep_ends: bool = False
) -> Iterator[Iterator[str]]:
    r"""Opens a text file, plain or compressed by gzip or bgzip, as lines.

    Compression is seen from the first bytes, not from the file's name. The text
    is UTF-8 (a byte order mark is dropped); lines may end in `\n`, `\r\n` or
    `\r`, and each line is given with `\n`, if it had an end.

    Args:
        path: File to read, or `"-"` for the standard input.
        keep_ends: Whether lines keep the ends that they have in the file.

    Returns:
        Context manager whose value is an iterator over the lines.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: While reading, if bytes are not UTF-8 text (as those of a BCF
            file), or compressed data are cut short or damaged. The message starts
            with the path, and the line where one is to blame.

    Example:

    ```python
    with open_text("targets.txt.gz") as lines:
        names = [line.strip() for line in lines]
    ```
    """
    with _open_bytes(path) as raw:
        # Peeking leaves the bytes in place, which a pipe could not give twice.
        compressed = raw.peek(2)[:2] == _GZIP_MAGIC
        data = gzip.GzipFile(fileobj=raw) if compressed else raw
        text = io.TextIOWrapper(
            data, "utf-8-sig", "surrogateescape", newline="" if keep_ends else None
        )
        try:
            yield _checked_lines(text, path)
        finally:
            text.detach()


def check_rereadable(path: str | os.PathLike) -> None:
    """Refuse what cannot be read twice: the standard input, or a pipe.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no plain file.
    """
    if os.fspath(path) == "-" or not stat.S_ISREG(Path(path).stat().st_mode):
        raise ValueError(
            "files are read more than once here, so neither the standard input nor a "
            f"pipe nor a folder will do. Received: {path}"
        )


@contextlib.contextmanager
def _open_bytes(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """The file, which is closed at the end, or the standard input, which is not."""
    if os.fspath(path) == "-":
        yield sys.stdin.buffer
    else:
        with Path(path).open("rb") as raw:
            yield raw


def _checked_lines(text: io.TextIOWrapper, path: str | os.PathLike) -> Iterator[str]:
    number = 0
    try:
        for number, line in enumerate(text, start=1):
            if number == 1 and line.startswith(_BCF_MAGIC):
                raise ValueError(
                    f"{path}: BCF is no text; `bcftools view` writes it as VCF"
                )
            if not line.isascii():
                _check_decoded(line, f"{path}:{number}")
            yield line
    except EOFError:
        raise ValueError(
            f"{path}:{number + 1}: the compressed data are cut short; copy or "
            "download the file again"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path}:{number + 1}: the compressed data are damaged ({error})"
        ) from error


def _check_decoded(line: str, place: str) -> None:
    """Refuses the stand-ins that `surrogateescape` leaves for undecodable bytes."""
    for position, letter in enumerate(line):
        if "\udc80" <= letter <= "\udcff":
            raise ValueError(
                f"{place}: the file must be UTF-8 text. Received: byte "
                f"0x{ord(letter) - 0xDC00:02x} as character {position + 1} of the line"
            )
