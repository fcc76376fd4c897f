"""Arrays of numbers in MATLAB files, read block by block.

Two formats are read: version 7.3, which is HDF5, and version 5 (also called 6 and 7),
whose arrays are mostly compressed as one stream each. Every array has its axes in the
order in which its numbers lie in the file, the last varying fastest. This is the
reverse of MATLAB's order, and what h5py shows of a 7.3 file: `x` of size
`n x 4 x 1000` in MATLAB has the shape `(1000, 4, n)` here.

Read are numbers and logicals, in the type in which they are stored (MATLAB narrows
doubles that are small whole numbers to bytes). Passed over are text, cells,
structures, objects, sparse and complex arrays.

Reference: MathWorks, "MAT-File Format", chapter 1, Level 5 MAT-File Format.
"""

import contextlib
import math
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_HEADER = 128  # bytes before the first element of a version 5 file
_PIECE = 1 << 16  # compressed bytes that are inflated in one go
_LONGEST_HEADER = 4096  # bytes of the dimensions, or of a name

_MATRIX, _COMPRESSED = 14, 15
_COMPLEX = 0x0800
_NUMERIC_CLASSES = range(6, 16)  # double, single and the integers
_ORDER_NAMES = {"<": "little", ">": "big"}
_TYPES = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4"},
    **{7: "f4", 9: "f8", 12: "i8", 13: "u8"},
}


class MatlabArray:
    """One array of a MATLAB file.

    Args:
        path: The file.
        name: Name of the variable.
        shape: Sizes of the axes, slowest first.
        dtype: Type in which the numbers are stored.
        chunks: Sizes of the pieces that can be read alone, for each axis. Whoever
            reads whole chunks, in rising order, decompresses nothing twice.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype,
        chunks: tuple[int, ...],
    ):
        self.path = path
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.chunks = chunks

    def __repr__(self) -> str:
        return f"{self.name} {self.shape} {self.dtype.name}"

    def read(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        """Reads a block: a range of the first axis, a range of the last axis.

        Args:
            start, stop: Range of the first (slowest) axis, `stop` excluded.
            first, last: Range of the last axis, `last` excluded.

        Returns:
            Array of shape `(stop - start, ..., last - first)`.

        Raises:
            ValueError: If the data are cut short or damaged.
        """
        raise NotImplementedError


@contextlib.contextmanager
def open_matlab(path: str | os.PathLike) -> Iterator[dict[str, MatlabArray]]:
    """Opens a MATLAB file of version 5 or 7.3, without reading the numbers.

    Args:
        path: File to read.

    Returns:
        Context manager whose value holds the arrays of numbers by name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no MATLAB file, is cut short or damaged.

    Example:

    ```python
    with open_matlab("valid.mat") as arrays:
        labels = arrays["validdata"]
        first_target = labels.read(0, 1, 0, labels.shape[-1])
    ```
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    with path.open("rb") as file:
        header = file.read(_HEADER)
        if header.startswith(b"MATLAB 7.3") or header.startswith(b"\x89HDF"):
            with _open_hdf5(path) as arrays:
                yield arrays
        else:
            yield _list_arrays(file, path, _byte_order(header, path))


class _Hdf5Array(MatlabArray):
    def __init__(self, path: Path, name: str, dataset: Any):
        # Without chunks, rows of the last axis lie together.
        chunks = dataset.chunks or (*(1 for _ in dataset.shape[1:]), _PIECE)
        super().__init__(path, name, dataset.shape, dataset.dtype, chunks)
        self._dataset = dataset

    def read(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        try:
            return self._dataset[start:stop, ..., first:last]
        except OSError as error:
            raise ValueError(
                f"{self.path} is damaged: {self.name}[{start}:{stop}, ..., "
                f"{first}:{last}] cannot be read ({error})"
            ) from error


@contextlib.contextmanager
def _open_hdf5(path: Path) -> Iterator[dict[str, MatlabArray]]:
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path} is cut short or damaged: {error}") from error
    with file:
        try:
            found = {
                name: _Hdf5Array(path, name, item)
                for name, item in file.items()
                if isinstance(item, h5py.Dataset)
                and item.ndim
                and item.dtype.kind in "buif"
            }
        except (OSError, RuntimeError, KeyError) as error:
            raise ValueError(f"{path} is damaged: {error}") from error
        yield found


def _byte_order(header: bytes, path: Path) -> str:
    """`<` or `>`, as `struct` has it."""
    orders = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}
    if len(header) == _HEADER and header[-4:] in orders:
        return orders[header[-4:]]
    if header.startswith(b"MATLAB"):
        raise ValueError(f"{path} is cut short or damaged: its header does not end")
    raise ValueError(
        f"{path} is no MATLAB file of version 5 or 7.3. Received: first bytes "
        f"{header[:16]!r}"
    )


class _Stream:
    """Bytes of one element, inflated if they are compressed."""

    def __init__(self, file: BinaryIO, path: Path, start: int, size: int, packed: bool):
        self._file, self._path = file, path
        self._next, self._end = start, start + size
        self._inflater = zlib.decompressobj() if packed else None
        self._pending = b""
        self._returned = b""

    def read(self, count: int) -> bytearray:
        """Exactly this number of bytes."""
        data = bytearray(self._returned[:count])
        self._returned = self._returned[count:]
        while len(data) < count:
            piece = self._some(count - len(data))
            if not piece:
                raise ValueError(
                    f"{self._path} is cut short or damaged: "
                    f"{count - len(data)} bytes of an array are missing"
                )
            data += piece
        return data

    def unread(self, data: bytes) -> None:
        """Gives bytes back, which will be read next."""
        self._returned = data + self._returned

    def finish(self) -> None:
        """Checks that the stream ends, and its checksum."""
        while self._some(_PIECE):
            pass
        if self._inflater and not self._inflater.eof:
            raise ValueError(f"{self._path} is damaged: compressed data do not end")

    def _some(self, most: int) -> bytes:
        """From 1 to `most` bytes; none at the end."""
        if self._inflater is None:
            return self._raw(most)
        piece = b""
        while not (piece or self._inflater.eof):
            fed = self._pending or self._raw(_PIECE)
            try:
                piece = self._inflater.decompress(fed, most)
            except zlib.error as error:
                raise ValueError(f"{self._path} is damaged: {error}") from error
            self._pending = self._inflater.unconsumed_tail
            if not fed:
                break
        return piece

    def _raw(self, most: int) -> bytes:
        self._file.seek(self._next)  # another array may have moved it
        data = self._file.read(min(most, self._end - self._next))
        self._next += len(data)
        return data

    def tag(self, order: str) -> tuple[int, int, bytes | None]:
        """Type and size of an element, and its data if they lie in the tag."""
        words = self.read(8)
        kind, size = struct.unpack(f"{order}II", words)
        if kind >> 16:  # small element: size and type share the first word
            return kind & 0xFFFF, kind >> 16, bytes(words[4 : 4 + (kind >> 16)])
        return kind, size, None

    def element(self, order: str) -> bytes:
        """Data of an element of the header of an array."""
        _, size, data = self.tag(order)
        if data is None:
            if size > _LONGEST_HEADER:
                raise ValueError(
                    f"{self._path} is damaged: a header of {size} bytes is announced"
                )
            data = bytes(self.read(size + -size % 8))[:size]
        return data


class _StreamedArray(MatlabArray):
    """An array of a version 5 file, read from its first number to its last."""

    def __init__(self, path, name, shape, dtype, open_stream):
        super().__init__(path, name, shape, dtype, (1, *shape[1:]))
        self._open_stream = open_stream  # gives a stream that is at the data
        self._stream = None
        self._position = 0

    def read(self, start: int, stop: int, first: int, last: int) -> np.ndarray:
        if self._stream is None or start < self._position:
            self._stream, self._position = self._open_stream(), 0
        item = math.prod(self.shape[1:]) * self.dtype.itemsize
        while self._position < start:
            self._stream.read(item)
            self._position += 1
        shape = stop - start, *self.shape[1:]
        data = self._stream.read((stop - start) * item)
        self._position = stop
        if stop == self.shape[0]:
            self._stream.finish()
        return np.frombuffer(data, self.dtype).reshape(shape)[..., first:last]


def _list_arrays(file: BinaryIO, path: Path, order: str) -> dict[str, MatlabArray]:
    """The arrays of a version 5 file; every element must lie inside the file."""
    found = {}
    end, start = path.stat().st_size, _HEADER
    while start < end:
        file.seek(start)
        tag = file.read(8)
        kind, size = struct.unpack(f"{order}II", tag) if len(tag) == 8 else (0, 0)
        start += 8
        if not size or start + size > end:
            raise ValueError(
                f"{path} is cut short or damaged: an element of {size} bytes at byte "
                f"{start} reaches beyond the file's {end} bytes"
            )
        if kind in (_MATRIX, _COMPRESSED):
            array = _array_at(file, path, order, start, size, kind == _COMPRESSED)
            if array is not None:
                found[array.name] = array
        start += size
    if not found:
        raise ValueError(f"{path} is damaged, or holds no array of numbers")
    return found


def _array_at(
    file: BinaryIO, path: Path, order: str, start: int, size: int, packed: bool
) -> MatlabArray | None:
    """The array whose element has its data at `start`; `None` if of other things."""

    def open_stream() -> _Stream:
        stream = _Stream(file, path, start, size, packed)
        _read_header(stream, order, packed)
        return stream

    stream = _Stream(file, path, start, size, packed)
    header = _read_header(stream, order, packed)
    if header is None:
        return None
    name, shape, dtype, length = header
    if length != math.prod(shape) * dtype.itemsize:
        raise ValueError(
            f"{path} is damaged: {name} of shape {shape} has {length} bytes of "
            f"{dtype.name}"
        )
    return _StreamedArray(path, name, shape, dtype, open_stream)


def _read_header(
    stream: _Stream, order: str, packed: bool
) -> tuple[str, tuple[int, ...], np.dtype, int] | None:
    """Name, shape, type and bytes of an array; leaves the stream at its numbers."""
    if packed and stream.tag(order)[0] != _MATRIX:
        return None
    flags = int.from_bytes(stream.element(order)[:4], _ORDER_NAMES[order])
    if flags & 0xFF not in _NUMERIC_CLASSES or flags & _COMPLEX:
        return None
    sizes = stream.element(order)
    dimensions = np.frombuffer(sizes[: len(sizes) & ~3], f"{order}i4")
    name = stream.element(order).decode("latin-1")
    kind, length, data = stream.tag(order)
    if kind not in _TYPES:
        return None
    stream.unread(data or b"")
    shape = tuple(int(size) for size in reversed(dimensions))
    return name, shape, np.dtype(f"{order}{_TYPES[kind]}"), length
