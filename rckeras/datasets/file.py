"""The file format of datasets: HDF5 whose arrays are read straight from the disk.

| object | what |
|---|---|
| `/sequences` | base codes, uint8 `(sequences, length)`: A, C, G, T are 0 to 3, N is 4 |
| `/labels` | uint8 or float32 `(sequences, targets)` |
| `/labels_packed` | in its place where there are more than 64 binary targets: `numpy.packbits(labels, axis=1)` |
| `/targets` | names of the targets |
| `/splits` | uint8: 0 training, 1 validation, 2 test; absent without a division |
| `/columns/NAME` | an entry for each sequence: `name`, `chrom`, `start`, `end`, ... |
| `/truth/...` | what a simulation planted: the fields of `rckeras.datasets.Truth` |
| attributes | `format` = `"rckeras dataset"`, `version` = 1, `notes` (JSON) |

The numeric arrays lie in one piece each, neither chunked nor compressed, so that a
dataset larger than the memory is mapped, and any row is read without its neighbours.
With NumPy alone: `np.eye(5, 4)[h5py.File(path)["sequences"][:100]]` are the one-hot
codes of the first 100 sequences.

Beside `NAME` lies `NAME.json`, which says how the file was made: command, seed, notes,
versions, and SHA-256 of the sources and of the file itself.
"""  # noqa: E501

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rckeras.datasets.dataset import Dataset, Truth
from rckeras.io.whole import complete_or_none, write_whole

FORMAT = "rckeras dataset"
VERSION = 1

_MOST_UNPACKED = 64  # binary targets above which labels are packed
_READERS = ("pyjaspar", "pyfaidx")  # optional packages that data may come through
_TRUTH = ("sequence", "motif", "start", "end", "strand", "labels")


class PackedLabels:
    """Binary labels of one bit each, which are unpacked row by row.

    An index that is a slice gives packed labels again, any other an `uint8` array.

    Args:
        bits: `uint8` of shape `(sequences, ceil(targets / 8))`, as `numpy.packbits`
            gives.
        targets: Number of targets.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, bits: np.ndarray, targets: int):
        self.bits = bits
        self.shape = (len(bits), targets)

    def __len__(self) -> int:
        return len(self.bits)

    def __getitem__(self, index: Any) -> "np.ndarray | PackedLabels":
        if isinstance(index, slice):
            return PackedLabels(self.bits[index], self.shape[1])
        return np.unpackbits(self.bits[index], axis=-1, count=self.shape[1])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        labels = np.unpackbits(self.bits, axis=-1, count=self.shape[1])
        return labels if dtype is None else labels.astype(dtype, copy=False)


class FileDataset(Dataset):
    """A dataset whose arrays lie in a file; copied to other processes by its path."""

    def __reduce__(self):
        if path := getattr(self, "_path", None):
            return load_dataset, (path,)
        return super().__reduce__()


def save_dataset(
    dataset: Dataset,
    path: str | os.PathLike,
    *,
    command: str | None = None,
    seed: int | None = None,
    sources: Iterable[str | os.PathLike] = (),
    overwrite: bool = False,
) -> None:
    """Writes a dataset, and beside it `PATH.json`, which says how it was made.

    The same dataset gives the same bytes.

    Args:
        dataset: What to write.
        path: File to write, commonly with the suffix `.h5`.
        command: What made the dataset, such as a command line.
        seed: Seed it was made with.
        sources: Files it was made from.
        overwrite: Whether a file that exists may be replaced.

    Raises:
        FileExistsError: If there is such a file and `overwrite` is `False`.
        FileNotFoundError: If there is no such folder, or a source is missing.

    Example:

    ```python
    save_dataset(simulate_koo2019(seed=0), "koo.h5", seed=0)
    x, y = load_dataset("koo.h5").arrays("train")
    ```
    """
    path = Path(path)
    check_new(path, overwrite)
    described = [describe_source(source) for source in sources]
    with complete_or_none(path) as part, h5py.File(part, "w") as file:
        write_header(file, dataset.targets, dataset.notes)
        file["sequences"] = dataset.sequences
        name, labels = _stored_labels(dataset)
        file[name] = labels
        if dataset.splits is not None:
            file["splits"] = dataset.splits
        for name, column in sorted(dataset.columns.items()):
            _write_column(file, f"columns/{name}", column)
        if dataset.truth is not None:
            _write_truth(file, dataset.truth)
    write_sidecar(path, dataset, command, seed, described)


def load_dataset(path: str | os.PathLike) -> Dataset:
    """Opens a dataset; sequences and labels stay in the file until they are used.

    Args:
        path: File written by `save_dataset` or `rckeras data`.

    Returns:
        `Dataset` whose arrays are mapped from the file. Sent to another process, it
        opens the file anew.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no dataset, is cut short, or comes from a later
            version of rckeras.
    """
    path = Path(path).absolute()
    with open_hdf5(path) as file:
        _check_format(file, path)
        targets = _strings(file["targets"])
        columns = file.get("columns", {})
        dataset = FileDataset(
            sequences=_array(file["sequences"], path),
            labels=_read_labels(file, path, len(targets)),
            targets=targets,
            splits=file["splits"][()] if "splits" in file else None,
            columns={name: _read_column(columns[name]) for name in columns},
            truth=_read_truth(file["truth"]) if "truth" in file else None,
            notes=json.loads(file.attrs["notes"]),
        )
    object.__setattr__(dataset, "_path", path)
    return dataset


def is_dataset(path: str | os.PathLike) -> bool:
    """Whether a file is a dataset, of whatever version."""
    if not (Path(path).is_file() and h5py.is_hdf5(path)):
        return False
    with open_hdf5(path) as file:
        return file.attrs.get("format") == FORMAT


def check_new(path: str | os.PathLike, overwrite: bool = False) -> None:
    """Checks, before any work is done, that a dataset can be written.

    Raises:
        FileExistsError: If there is such a file, or one with the name of its sidecar,
            and `overwrite` is `False`.
        FileNotFoundError: If there is no such folder.
        PermissionError: If the folder cannot be written to.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path}: the folder {path.parent} cannot be written to")
    for file in (path, sidecar_of(path)):
        if file.is_dir() or (file.exists() and not overwrite):
            raise FileExistsError(
                f"{file} exists; choose another name, or replace it with "
                "overwrite=True (--force)"
            )


def open_hdf5(path: str | os.PathLike) -> h5py.File:
    """Opens an HDF5 file to read, with one clear line where it is none.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no HDF5 file, is cut short or damaged.
    """
    try:
        return h5py.File(path, "r")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder, not an HDF5 file") from None
    except OSError as error:
        what = "is cut short" if "truncated" in str(error) else "is no HDF5 file"
        raise ValueError(f"{path} {what}, or damaged: {error}") from error


def write_header(file: h5py.File, targets: Sequence[str], notes: Any) -> None:
    """Writes the parts of a dataset's file that are not arrays of rows."""
    file.attrs["format"] = FORMAT
    file.attrs["version"] = VERSION
    file.attrs["notes"] = json.dumps(dict(notes), sort_keys=True)
    file.create_dataset("targets", data=list(targets), dtype=h5py.string_dtype())


def allocate(
    file: h5py.File, name: str, shape: tuple[int, ...], dtype: str | np.dtype
) -> None:
    """Makes an array of the file that lies in one piece and can be mapped at once."""
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    settings.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    settings.set_obj_track_times(False)  # the same dataset gives the same bytes
    kind = h5py.h5t.py_create(np.dtype(dtype), logical=True)
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(file.id, name.encode(), kind, space, settings)


def map_array(dataset: h5py.Dataset, path: Path, mode: str = "r") -> np.memmap:
    """An array of a file, mapped into memory; it outlives the closed file."""
    return np.memmap(path, dataset.dtype, mode, dataset.id.get_offset(), dataset.shape)


def write_sidecar(
    path: Path,
    dataset: Dataset,
    command: str | None,
    seed: int | None,
    sources: Sequence[dict],
) -> None:
    """Writes `PATH.json`: how the file was made, and what it should hold."""
    provenance = {
        "format": FORMAT,
        "version": VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "seed": seed,
        "sources": list(sources),
        "notes": dict(dataset.notes),
        "sequences": dataset.split_sizes(),
        "length": dataset.length,
        "targets": len(dataset.targets),
        "size": path.stat().st_size,
        "sha256": sha256_of(path),
        "versions": versions(),
    }
    text = json.dumps(provenance, indent=2) + "\n"
    write_whole(sidecar_of(path), text)


def versions() -> dict[str, str]:
    """Versions of Python, and of the packages that had to do with data."""
    used = [name for name in _READERS if name in sys.modules]
    names = ("rckeras", "keras", "numpy", "h5py", *used)
    found = {name: version(name) for name in names}
    return found | {"python": platform.python_version()}


def sidecar_of(path: str | os.PathLike) -> Path:
    """The file that says how a dataset was made."""
    path = Path(path)
    return path.with_name(f"{path.name}.json")


def sha256_of(path: str | os.PathLike) -> str:
    """The SHA-256 of a file in lower-case hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_source(path: str | os.PathLike) -> dict[str, Any]:
    """What a sidecar says of a file that a dataset was made from."""
    path = Path(path)
    size = path.stat().st_size
    return {"path": str(path), "size": size, "sha256": sha256_of(path)}


def _stored_labels(dataset: Dataset) -> tuple[str, np.ndarray]:
    """Name in the file, and array."""
    labels = dataset.labels
    if isinstance(labels, PackedLabels):
        return "labels_packed", labels.bits
    if labels.dtype == np.uint8 and labels.shape[1] > _MOST_UNPACKED:
        return "labels_packed", np.packbits(labels, axis=1)
    return "labels", labels


def _read_labels(
    file: h5py.File, path: Path, targets: int
) -> np.ndarray | PackedLabels:
    if "labels_packed" in file:
        return PackedLabels(_array(file["labels_packed"], path), targets)
    return _array(file["labels"], path)


def _write_truth(file: h5py.File, truth: Truth) -> None:
    _write_column(file, "truth/motifs", np.array(truth.motifs, dtype=str))
    for name in _TRUTH:
        file[f"truth/{name}"] = getattr(truth, name)


def _read_truth(group: h5py.Group) -> Truth:
    arrays = {name: group[name][()] for name in _TRUTH}
    return Truth(motifs=_strings(group["motifs"]), **arrays)


def _write_column(file: h5py.File, name: str, column: np.ndarray) -> None:
    if column.dtype.kind in "iuf":
        file[name] = column
    else:
        strings = column.astype(object)
        file.create_dataset(name, data=strings, dtype=h5py.string_dtype())


def _read_column(dataset: h5py.Dataset) -> np.ndarray:
    if dataset.dtype.kind in "iuf":
        return dataset[()]
    return np.array(_strings(dataset), dtype=str)


def _strings(dataset: h5py.Dataset) -> tuple[str, ...]:
    return tuple(dataset.asstr()[()].tolist())


def _array(dataset: h5py.Dataset, path: Path) -> np.ndarray:
    """Mapped if the array lies in one piece, as this module writes it."""
    if dataset.id.get_offset() is None:
        return dataset[()]
    return map_array(dataset, path)


def _check_format(file: h5py.File, path: Path) -> None:
    if file.attrs.get("format") != FORMAT:
        raise ValueError(
            f"{path} is no dataset of rckeras (`rckeras data` makes them). It holds: "
            f"{', '.join(list(file)[:8])}"
        )
    labels = "labels_packed" if "labels_packed" in file else "labels"
    missing = {"sequences", "targets", labels} - set(file)
    missing |= {"version", "notes"} - set(file.attrs)
    if missing:
        raise ValueError(f"{path} was damaged: it has no {', '.join(sorted(missing))}")
    if file.attrs["version"] > VERSION:
        raise ValueError(
            f"{path} has version {file.attrs['version']} of the format, and this "
            f"rckeras reads up to {VERSION}; update rckeras"
        )
