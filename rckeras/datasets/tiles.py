"""Arrays that keep every row scattered over a file, turned into a file of rows.

An array as MATLAB stores it has its rows on the last axis, which varies fastest: one
row lies in as many places as it has positions. It is copied in tiles, each a range of
positions and a range of rows, which is collected and turned in memory and then added
to the rows of the output. Tiles follow the array's chunks, so that each chunk is
decompressed once; they span all positions where the chunks are short, and few
positions but all rows where the chunks are long.

A tile is added to the output by OR, onto zeros. To add it twice changes nothing, so
that a run that was killed in the middle of a tile can repeat it.
"""

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rckeras.io.matlab import MatlabArray

_PIECE = 1 << 20  # bytes turned in one go, few enough for the processor's cache


@dataclass(frozen=True)
class Job:
    """An array to copy, and where to.

    Args:
        array: Array of shape `(positions, ..., rows)`.
        bits: Bits in a row of the output for each position: 8 or 1.
        encode: Function of a block `(positions, ..., rows)`, of the array, and of the
            block's first position and row, which gives the bytes `(columns, rows)`.
        path: File of the output.
        offset: Place in the file of the first row's first byte.
        width: Bytes in a row of the output.
    """

    array: MatlabArray
    bits: int
    encode: Callable[[np.ndarray, MatlabArray, int, int], np.ndarray]
    path: Path
    offset: int
    width: int

    def columns(self, start: int, stop: int) -> slice:
        """The bytes of a row that hold these positions."""
        return slice(start * self.bits // 8, -(-stop * self.bits // 8))


@dataclass(frozen=True)
class Tile:
    """A range of positions and a range of rows, both without their ends."""

    start: int
    stop: int
    first: int
    last: int


@dataclass(frozen=True)
class Budget:
    """Bytes of memory for what is read at once, for a tile, and for the output."""

    reading: int
    tile: int
    window: int


def encode_bases(
    block: np.ndarray, array: MatlabArray, start: int, first: int
) -> np.ndarray:
    """Base codes of one-hot rows whose channels are A, G, C, T.

    Args:
        block: Array of shape `(positions, 4, rows)`.
        array, start, first: Where it comes from, for the message of an error.

    Returns:
        `uint8` array of shape `(positions, rows)`; 4 where all channels are 0.

    Raises:
        ValueError: If there is another number than 0 and 1, or two 1 at a position.
    """
    a, g, c, t = np.moveaxis(_bits(block, array, start, first), 1, 0)
    bases = a + g + c + t
    if bases.max() > 1:
        position, row = _first(bases > 1)
        raise ValueError(
            f"{array.path}: {array.name} must be one-hot, with a 1 at most for a "
            f"position. Received: {block[position, :, row].tolist()} at position "
            f"{start + position} of row {first + row}"
        )
    return 4 - (4 * a + 2 * g + 3 * c + t)


def encode_labels(
    block: np.ndarray, array: MatlabArray, start: int, first: int
) -> np.ndarray:
    """Bytes with one bit a label, the first label in the highest bit.

    Args:
        block: Array of shape `(targets, rows)`.
        array, start, first: Where it comes from; the place of the first bit in its
            byte depends on `start`.

    Returns:
        `uint8` array of shape `(columns, rows)`; bits of other targets are 0.

    Raises:
        ValueError: If there is another number than 0 and 1.
    """
    bits = _bits(block, array, start, first)
    before = start % 8
    packed = np.zeros((-(-(before + len(bits)) // 8), bits.shape[1]), np.uint8)
    for index, row in enumerate(bits, start=before):
        packed[index // 8] |= row << (7 - index % 8)
    return packed


def plan_budget(array: MatlabArray, bits: int, memory_limit: int) -> Budget:
    """Divides the memory for the copy of an array.

    Args:
        array: Array of shape `(positions, ..., rows)`.
        bits: Bits in a row of the output for each position: 8 or 1.
        memory_limit: Bytes for all of it.

    Raises:
        ValueError: If chunks are too large for the limit.
    """
    depth, reach = array.chunks[0], min(array.chunks[-1], array.shape[-1])
    chunk = depth * reach * _cell(array)
    smallest = (-(-depth * bits // 8) + 1) * reach
    reading = max(memory_limit // 8, chunk)
    # HDF5 has a chunk in memory while it fills the block that was asked for.
    budget = Budget(
        reading, memory_limit - memory_limit // 8 - 2 * reading, memory_limit // 8
    )
    if budget.tile < smallest:
        needed = max(smallest * 8 // 5, (smallest + 2 * chunk) * 8 // 7) + 16
        raise ValueError(
            f"`memory_limit` must be at least {needed} bytes, for {array.name} of "
            f"{array.path} has chunks of {array.chunks}. Received: {memory_limit}"
        )
    return budget


def plan_tiles(job: Job, budget: Budget) -> list[Tile]:
    """Divides an array into tiles, in the order in which they are to be copied."""
    array = job.array
    positions, rows = array.shape[0], array.shape[-1]
    depth, reach = array.chunks[0], min(array.chunks[-1], rows)
    tall = _multiple(budget.tile // job.width, reach)
    columns = budget.tile // tall - (job.bits < 8)  # bits may begin inside a byte
    wide = _multiple(columns * 8 // job.bits, depth)
    if budget.tile >= tall * job.width:
        wide = positions
    return [
        Tile(start, min(start + wide, positions), first, min(first + tall, rows))
        for first in range(0, rows, tall)
        for start in range(0, positions, wide)
    ]


def plan_blocks(job: Job, tile: Tile, budget: Budget) -> list[Tile]:
    """Divides a tile into the blocks that are read at once."""
    array = job.array
    depth, reach = array.chunks[0], min(array.chunks[-1], array.shape[-1])
    cell = _cell(array)
    tall = _multiple(budget.reading // (depth * cell), reach)
    tall = min(tall, tile.last - tile.first)
    wide = _multiple(budget.reading // (tall * cell), depth)
    return [
        Tile(start, min(start + wide, tile.stop), first, min(first + tall, tile.last))
        for start in range(tile.start, tile.stop, wide)
        for first in range(tile.first, tile.last, tall)
    ]


def copy_tile(
    job: Job, tile: Tile, budget: Budget, advance: Callable[[int], None]
) -> None:
    """Reads a tile, turns it, and adds it to the output, down to the disk.

    Args:
        job: What is copied.
        tile: Range to copy.
        budget: Memory to use.
        advance: Told of each block that was read, by the number 1.

    Raises:
        ValueError: If the array is damaged, or holds what it should not.
    """
    columns = job.columns(tile.start, tile.stop)
    width = columns.stop - columns.start
    turned = np.zeros((tile.last - tile.first, width), np.uint8)
    for block in plan_blocks(job, tile, budget):
        inside = job.columns(block.start, block.stop)
        inside = slice(inside.start - columns.start, inside.stop - columns.start)
        rows = slice(block.first - tile.first, block.last - tile.first)
        _turn(job, block, turned[rows, inside])
        advance(1)
    _add(job, tile.first, columns, turned, budget.window)


def _turn(job: Job, block: Tile, turned: np.ndarray) -> None:
    """Reads a block into its place in a tile."""
    numbers = job.array.read(block.start, block.stop, block.first, block.last)
    step = max(1, _PIECE // ((block.stop - block.start) * _cell(job.array)))
    for first, last in _ranges(numbers.shape[-1], step):
        piece = numbers[..., first:last]
        codes = job.encode(piece, job.array, block.start, block.first + first)
        turned[first:last] |= codes.T


def _add(job: Job, first: int, columns: slice, turned: np.ndarray, window: int) -> None:
    """Adds rows to the output through windows, lest all of it be mapped at once."""
    for start, stop in _ranges(len(turned), max(1, window // job.width)):
        rows = np.memmap(
            job.path,
            np.uint8,
            "r+",
            offset=job.offset + (first + start) * job.width,
            shape=(stop - start, job.width),
        )
        rows[:, columns] |= turned[start:stop]
        del rows
    with job.path.open("rb+") as file:
        os.fsync(file.fileno())


def _bits(block: np.ndarray, array: MatlabArray, start: int, first: int) -> np.ndarray:
    """The block as bytes of 0 and 1."""
    if block.dtype == np.bool_:
        return block.view(np.uint8)
    good = block.max() <= 1 if block.dtype == np.uint8 else _binary(block).all()
    if not good:
        index = _first(~_binary(block))
        raise ValueError(
            f"{array.path}: {array.name} must hold 0 and 1 only. Received: "
            f"{block[index].item()} at position {start + index[0]} of row "
            f"{first + index[-1]}"
        )
    return block.astype(np.uint8, copy=False)


def _binary(block: np.ndarray) -> np.ndarray:
    return (block == 0) | (block == 1)


def _first(mask: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(mask.argmax(), mask.shape))


def _cell(array: MatlabArray) -> int:
    """Bytes of one position of one row."""
    return math.prod(array.shape[1:-1]) * array.dtype.itemsize


def _multiple(number: int, unit: int) -> int:
    """The largest multiple of `unit` up to `number`, and `unit` at least."""
    return max(number // unit, 1) * unit


def _ranges(total: int, step: int) -> Iterator[tuple[int, int]]:
    for start in range(0, total, step):
        yield start, min(start + step, total)
