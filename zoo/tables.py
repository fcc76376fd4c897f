"""Tables of predictions, written piece by piece to files of several formats.

A row has keys (the name of a sequence, or an interval) and, for each statistic, a
number for each target. The formats that are read as tables (tsv, csv, parquet) have a
column for each key and for each target; those that are read as arrays (h5, npz) have
an array for each key, `targets`, and an array `(rows, targets)` for each statistic.
All hold the same float32 numbers to the last bit.
"""

import contextlib
import csv
import functools
import gzip
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

FORMATS = ("tsv", "csv", "parquet", "h5", "npz")

_SUFFIXES = {f".{name}": name for name in FORMATS}
_SUFFIXES |= {".txt": "tsv", ".hdf5": "h5", ".tsv.gz": "tsv", ".csv.gz": "csv"}
_TEXT = {"tsv": "\t", "csv": ","}
_GROUP = 1 << 22  # numbers in a row group of Parquet: 16 MiB

Write = Callable[[list[tuple], list[np.ndarray]], None]


@dataclass(frozen=True)
class Columns:
    """What a table holds.

    Args:
        keys: Types (`str` or `int`) of the key columns, by name.
        targets: Names of the targets.
        statistics: Names of the arrays of numbers, with what each adds to a target's
            name where the table has one column for each.

    Raises:
        ValueError: If a name repeats, or holds a tab or a line break.
    """

    keys: dict[str, type]
    targets: tuple[str, ...]
    statistics: dict[str, str]

    def __post_init__(self):
        header, seen = self.header, set()
        for name in header:
            if name in seen or set(name) & set("\t\r\n"):
                raise ValueError(
                    "`targets` must be unique names without tabs or line breaks, other "
                    f"than {', '.join(self.keys)}. Received: {name!r}"
                )
            seen.add(name)

    @property
    def numbers(self) -> list[str]:
        """Columns of numbers, the statistics of a target side by side."""
        return [
            target + suffix
            for target in self.targets
            for suffix in self.statistics.values()
        ]

    @property
    def header(self) -> list[str]:
        """All columns."""
        return [*self.keys, *self.numbers]


def check_output(
    path: str | os.PathLike | None, format: str | None = None, overwrite: bool = False
) -> str:
    """Check, before any work is done, that a table can be written.

    Args:
        path: File to write; `None` or `"-"` for the standard output.
        format: One of `FORMATS`; `None` to go by the suffix of `path`.
        overwrite: Whether a file that exists may be replaced.

    Returns:
        The format.

    Raises:
        ValueError: If the format is unknown, or needs a file and there is none.
        FileExistsError: If there is such a file and `overwrite` is `False`.
        FileNotFoundError: If there is no such folder.
        ImportError: If the format needs a package that is missing.
    """
    format = _resolve_format(path, format)
    if format == "parquet":
        _import_pyarrow()
    if not is_standard_output(path):
        _check_path(Path(path), overwrite)
    elif format not in _TEXT:
        raise ValueError(
            f"Format {format!r} cannot go to the standard output, which takes "
            f"{' or '.join(_TEXT)}. Name a file (`output`, --output)"
        )
    return format


def is_standard_output(path: str | os.PathLike | None) -> bool:
    """Whether a path stands for the standard output."""
    return path is None or os.fspath(path) == "-"


@contextlib.contextmanager
def open_table(
    path: str | os.PathLike | None, format: str, columns: Columns
) -> Iterator[Write]:
    """Open a table for writing.

    A file gets its name when the context ends without an exception.

    Args:
        path: File to write, replaced if it exists; `None` or `"-"` for the standard
            output.
        format: Format that `check_output` returned.
        columns: What the table holds.

    Returns:
        Context manager whose value is a function `write(keys, values)`: `keys` has a
        tuple for each row, `values` an array `(rows, targets)` for each statistic.

    Example:

    ```python
    columns = Columns({"name": str}, ("bound",), {"predictions": ""})
    with open_table("out.tsv", "tsv", columns) as write:
        write([("peak1",), ("peak2",)], [np.array([[0.9], [0.2]], "float32")])
    ```
    """
    from rckeras.io.whole import complete_or_none

    if is_standard_output(path):
        yield _text_writer(sys.stdout, columns, _TEXT[format])
        return
    if format in _TEXT:
        compressed = os.fspath(path).lower().endswith(".gz")
        opened = functools.partial(_text, _TEXT[format], compressed)
    else:
        opened = {"parquet": _parquet, "h5": _hdf5, "npz": _npz}[format]
    with complete_or_none(path) as part, opened(part, columns) as write:
        yield write


def _resolve_format(path: str | os.PathLike | None, format: str | None) -> str:
    if format in FORMATS:
        return format
    if format is not None:
        raise ValueError(
            f"`format` must be one of {', '.join(FORMATS)}. Received: {format!r}"
        )
    if is_standard_output(path):
        return "tsv"
    name = Path(path).name.lower()
    for suffix, found in _SUFFIXES.items():
        if name.endswith(suffix):
            return found
    raise ValueError(
        f"`output` must end in {', '.join(_SUFFIXES)}, or `format` (--format) must "
        f"say what to write. Received: {os.fspath(path)!r}"
    )


def _check_path(path: Path, overwrite: bool) -> None:
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} for {path.name}")
    if path.exists() and not path.is_file():
        raise ValueError(
            f"`output` must be a file, or '-' for the standard output. {path} is none"
        )
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{path} exists already; overwrite=True (--force) replaces it"
        )


@contextlib.contextmanager
def _text(
    delimiter: str, compressed: bool, path: Path, columns: Columns
) -> Iterator[Write]:
    opened = gzip.open if compressed else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        yield _text_writer(file, columns, delimiter)


def _text_writer(file: TextIO, columns: Columns, delimiter: str) -> Write:
    # No cell of ours holds a tab, so tab-separated cells need no quotes.
    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    quotes = None if delimiter == "\t" else '"'
    rows = csv.writer(
        file,
        None,
        delimiter=delimiter,
        lineterminator="\n",
        quoting=quoting,
        quotechar=quotes,
    )
    rows.writerow(columns.header)

    def write(keys: list[tuple], values: list[np.ndarray]) -> None:
        numbers = np.stack(values, axis=-1).reshape(len(keys), -1)
        # As text, numpy gives the shortest digits that mean the same float32.
        cells = numbers.astype("U16").tolist()
        rows.writerows((*key, *row) for key, row in zip(keys, cells, strict=True))

    return write


@contextlib.contextmanager
def _parquet(path: Path, columns: Columns) -> Iterator[Write]:
    arrow, parquet = _import_pyarrow()
    kinds = {str: arrow.string(), int: arrow.int64()}
    schema = arrow.schema(
        [(name, kinds[kind]) for name, kind in columns.keys.items()]
        + [(name, arrow.float32()) for name in columns.numbers]
    )
    group, pending = max(1, _GROUP // len(columns.numbers)), []

    def flush() -> None:
        if pending:
            writer.write_table(arrow.concat_tables(pending))
            pending.clear()

    def write(keys: list[tuple], values: list[np.ndarray]) -> None:
        numbers = np.stack(values, axis=-1).reshape(len(keys), -1)
        arrays = [*map(list, zip(*keys, strict=True)), *numbers.T]
        fields = zip(arrays, schema.types, strict=True)
        arrays = [arrow.array(cells, kind) for cells, kind in fields]
        pending.append(arrow.Table.from_arrays(arrays, schema=schema))
        # Many small groups would make the file's footer larger than its data.
        if sum(map(len, pending)) >= group:
            flush()

    with parquet.ParquetWriter(path, schema) as writer:
        yield write
        flush()


def _import_pyarrow() -> tuple:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            'Format "parquet" needs pyarrow: pip install "rckeras[parquet]"'
        ) from error
    return pyarrow, pyarrow.parquet


@contextlib.contextmanager
def _hdf5(path: Path, columns: Columns) -> Iterator[Write]:
    import h5py

    text, width = h5py.string_dtype(), len(columns.targets)
    with h5py.File(path, "w") as file:
        file.create_dataset("targets", data=list(columns.targets), dtype=text)
        for name, kind in columns.keys.items():
            dtype = text if kind is str else "int64"
            file.create_dataset(name, (0,), dtype, maxshape=(None,), chunks=(4096,))
        for name in columns.statistics:
            file.create_dataset(
                name,
                shape=(0, width),
                dtype="float32",
                maxshape=(None, width),
                chunks=(max(1, (1 << 16) // width), width),
            )

        def append(name: str, data: np.ndarray | tuple) -> None:
            dataset = file[name]
            rows = len(dataset)
            dataset.resize(rows + len(data), axis=0)
            dataset[rows:] = data

        yield _array_writer(columns, append)


def _array_writer(columns: Columns, append: Callable) -> Write:
    def write(keys: list[tuple], values: list[np.ndarray]) -> None:
        for name, cells in zip(columns.keys, zip(*keys, strict=True), strict=True):
            append(name, cells)
        for name, numbers in zip(columns.statistics, values, strict=True):
            append(name, numbers)

    return write


@contextlib.contextmanager
def _npz(path: Path, columns: Columns) -> Iterator[Write]:
    with contextlib.ExitStack() as stack:

        def spool(dtype: type | str, width: tuple = ()) -> "Spool":
            file = stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
            return Spool(file, dtype, width)

        spools = {name: spool(kind) for name, kind in columns.keys.items()}
        spools["targets"] = spool(str)
        spools["targets"].append(columns.targets)
        for name in columns.statistics:
            spools[name] = spool("float32", (len(columns.targets),))
        yield _array_writer(columns, lambda name, data: spools[name].append(data))
        with zipfile.ZipFile(path, "w") as archive:
            for name, spooled in spools.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    spooled.save(member)


class Spool:
    """An array that grows in a temporary file, for its header needs its shape."""

    def __init__(self, file: BinaryIO, dtype: type | str, width: tuple):
        self.file = file
        self.dtype = None if dtype is str else np.dtype(dtype)
        self.width = width
        self.rows = 0
        self.letters = 1

    def append(self, data: np.ndarray | Sequence) -> None:
        """Add rows: letters as UTF-8 with an end of line, numbers as they are."""
        self.rows += len(data)
        if self.dtype is None:
            self.letters = max([self.letters, *map(len, data)])
            self.file.writelines(f"{cell}\n".encode() for cell in data)
        else:
            self.file.write(np.ascontiguousarray(data, self.dtype).tobytes())

    def save(self, member: BinaryIO) -> None:
        """Write the array in the format of `numpy.save`."""
        dtype = np.dtype(f"U{self.letters}") if self.dtype is None else self.dtype
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": (self.rows, *self.width),
        }
        np.lib.format.write_array_header_1_0(member, header)
        self.file.seek(0)
        if self.dtype is not None:
            shutil.copyfileobj(self.file, member)
            return
        for line in self.file:
            member.write(np.array(line.decode().removesuffix("\n"), dtype).tobytes())
