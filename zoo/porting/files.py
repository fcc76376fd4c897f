"""Which format a file of weights has, found from its content, and reading it safely.

Nothing in a file is ever executed: no plain unpickling, no `load_model`. Files, and
arrays in them, above `SIZE_LIMIT` are refused, and so is an HDF5 file that points to
other files.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

SIZE_LIMIT = 2 * 1024**3
FORMATS = {
    "keras3": "HDF5 weights of Keras 3 (.weights.h5)",
    "keras": "whole model of Keras 3 (.keras)",
    "keras2": "HDF5 of Keras 2, with `layer_names`",
    "keras0": "HDF5 of Keras 0.x, with /layer_K/param_J",
    "torch": "PyTorch state dict",
}
_ARCHIVED = "model.weights.h5"
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ZIP_SIGNATURE = b"PK\x03\x04"
# How files of torch.save began before version 1.6: a pickled magic number.
_OLD_TORCH_SIGNATURE = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."


def detect_format(path: str | Path) -> str:
    """Name the format of a file of weights, whatever the file is called.

    Args:
        path: File of at most 2 GiB.

    Returns:
        `"keras3"`, `"keras"`, `"keras2"`, `"keras0"` or `"torch"`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, too large or of none of these formats.

    Example:

    ```python
    detect_format("SavedModel.h5")  # "keras2"
    ```
    """
    path = Path(path)
    check_size(path)
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(_HDF5_SIGNATURE):
        return _detect_hdf5(path)
    if head.startswith(_ZIP_SIGNATURE):
        return _detect_zip(path)
    if head.startswith(_OLD_TORCH_SIGNATURE):
        return "torch"
    raise _unknown(path, f"starts with the bytes {head!r}")


def check_size(path: Path) -> None:
    """Refuse a file above the size limit.

    Args:
        path: An existing file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is larger than `SIZE_LIMIT`.
    """
    size = Path(path).stat().st_size
    if size > SIZE_LIMIT:
        raise ValueError(
            f"{path} has {size} bytes; files of weights up to {SIZE_LIMIT} bytes are "
            "read"
        )


@contextmanager
def open_hdf5(path: str | Path) -> Iterator[Any]:
    """Open an HDF5 file for reading; damage anywhere in it is a `ValueError`.

    Args:
        path: File of at most 2 GiB, or a `.keras` archive with one inside.

    Yields:
        An open `h5py.File`.
    """
    import h5py

    check_size(path)
    try:
        with h5py.File(_hdf5_inside(path), "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is a damaged or truncated HDF5 file") from error


def read_array(dataset: Any, path: str | Path) -> np.ndarray:
    """Read one array of numbers from an open HDF5 file.

    Args:
        dataset: An `h5py.Dataset`.
        path: The file that the dataset must lie in.

    Returns:
        The array, of the file's dtype.

    Raises:
        ValueError: If it is not an array of floats, too large, or in another file.
    """
    if not hasattr(dataset, "dtype") or dataset.dtype.kind != "f":
        raise ValueError(f"{path}: {dataset.name} is not an array of floats")
    if dataset.nbytes > SIZE_LIMIT:
        raise ValueError(f"{path}: {dataset.name} would take {dataset.nbytes} bytes")
    elsewhere = Path(dataset.file.filename) != Path(path)
    if elsewhere or dataset.is_virtual or dataset.external:
        raise ValueError(f"{path}: {dataset.name} points to another file")
    return dataset[()]


def read_config(path: str | Path) -> dict[str, Any]:
    """What a `.keras` archive says of its model; nothing of it is built.

    Args:
        path: File of the format `"keras"`.

    Returns:
        The configuration that Keras has written.

    Raises:
        ValueError: If the archive is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, zlib.error, ValueError) as error:
        raise ValueError(f"{path} is a damaged archive: {error}") from error


def _hdf5_inside(path: str | Path) -> str | Path | io.BytesIO:
    with Path(path).open("rb") as file:
        if not file.read(4).startswith(_ZIP_SIGNATURE):
            return path
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(_ARCHIVED).file_size
        if size > SIZE_LIMIT:
            raise ValueError(f"{path} would unpack to {size} bytes")
        return io.BytesIO(archive.read(_ARCHIVED))


def _detect_hdf5(path: Path) -> str:
    with open_hdf5(path) as file:
        names = sorted(file)
        root = file.get("model_weights", file)
        if "layer_names" in root.attrs:
            return "keras2"
        if names and all(re.fullmatch(r"layer_\d+", name) for name in names):
            return "keras0"
        if "layers" in names or "vars" in names:
            return "keras3"
    raise _unknown(path, f"is an HDF5 file with the entries {names[:8]}")


def _detect_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is a damaged or truncated zip archive") from error
    if size > SIZE_LIMIT:
        raise ValueError(f"{path} would unpack to {size} bytes")
    if {"config.json", _ARCHIVED} <= set(names):
        return "keras"
    if any(name.split("/")[-1] == "data.pkl" for name in names):
        return "torch"
    raise _unknown(path, f"is a zip archive with the entries {names[:8]}")


def _unknown(path: Path, found: str) -> ValueError:
    known = "; ".join(f"{name}: {text}" for name, text in FORMATS.items())
    return ValueError(f"{path} {found}. Formats that can be read: {known}")
