"""The training bundle of DeepSEA as a dataset file, converted once.

The bundle (`deepsea_train_bundle.v0.9.tar.gz`) holds 4.4 million sequences of 1000
bases for training, 8000 for validation and 455,024 for testing, each with 919 binary
labels. Its arrays have the sequences on the axis that varies fastest, so that one
sequence lies in 4000 places. The dataset has a byte for a base and a bit for a label,
and every sequence in one place: 5.4 GB, mapped and not loaded.

Reference: Zhou and Troyanskaya 2015, Supplementary Methods; validation is
chr7:30,508,751-35,296,850, test are chromosomes 8 and 9 (hg19).
"""

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rckeras.datasets.dataset import SPLITS, Dataset
from rckeras.datasets.file import (
    allocate,
    check_new,
    describe_source,
    load_dataset,
    open_hdf5,
    write_header,
    write_sidecar,
)
from rckeras.datasets.tiles import (
    Budget,
    Job,
    Tile,
    copy_tile,
    encode_bases,
    encode_labels,
    plan_blocks,
    plan_budget,
    plan_tiles,
)
from rckeras.datasets.unfinished import Unfinished
from rckeras.io.matlab import MatlabArray, open_matlab
from rckeras.progress import progress_bar
from rckeras.sequence.codes import N_CODE, reverse_complement_codes

_NAMES = {
    "train": ("train.mat", "trainxdata", "traindata"),
    "validation": ("valid.mat", "validxdata", "validdata"),
    "test": ("test.mat", "testxdata", "testdata"),
}
_MEMORY = 768 << 20
_READ = 16 << 20  # bytes read at once to verify the output
_SAMPLE = 1000  # pairs of rows looked at for reverse complements
_ORDER = 1  # changes with the order of the tiles, which `done` counts
_NOTES = 2048  # bytes of the notes, so that they are replaced in their place


@dataclass(frozen=True)
class _Part:
    """What the bundle has for one split."""

    split: str
    path: Path
    x: MatlabArray
    y: MatlabArray

    @property
    def rows(self) -> int:
        return self.x.shape[-1]


def convert_deepsea(
    source: str | os.PathLike | Mapping[str, str | os.PathLike],
    path: str | os.PathLike,
    *,
    targets: Sequence[str] | None = None,
    overwrite: bool = False,
    progress: bool = False,
    memory_limit: int = _MEMORY,
    command: str | None = None,
) -> Dataset:
    """Converts DeepSEA's training bundle into one dataset file.

    The rows are those of the bundle in its order: training, validation, test. An
    interrupted conversion is continued by the same call: what is done lies in
    `PATH.part`, and `PATH.progress.json` says how far it came. The notes of the
    dataset say under `"reverse_complements"`, for each split, where the reverse
    complement of a sequence lies: `"second half"`, `"next row"`, or `None` if it was
    found in neither place.

    Args:
        source: Folder with `train.mat`, `valid.mat` and `test.mat`; or the files of
            some splits by name, such as `{"test": "test.mat"}`.
        path: File to write, commonly with the suffix `.h5`.
        targets: Unique names of the labels; `target_0`, `target_1`, ... by default.
        overwrite: Whether a file that exists, or an interrupted conversion of other
            sources, may be replaced.
        progress: Whether to show a bar on stderr.
        memory_limit: Bytes of memory to work in. Less memory means more passes over
            the output.
        command: What is noted as the command that made the file.

    Returns:
        The dataset, its arrays mapped from the file.

    Raises:
        FileExistsError: If there is such a file and `overwrite` is `False`.
        FileNotFoundError: If a file of the bundle, or the folder to write to, is
            missing.
        ValueError: If the bundle is cut short, damaged, or not as it should be, or
            an interrupted conversion differs in sources or options.
        OSError: If the disk has too little space.

    Example:

    ```python
    convert_deepsea("deepsea_train", "deepsea.h5", progress=True)
    dataset = load_dataset("deepsea.h5")
    ```
    """
    path = Path(path)
    check_new(path, overwrite)
    files = _files(source)
    if path.exists() and any(f.exists() and f.samefile(path) for f in files.values()):
        raise ValueError(f"`path` must not be a file of the bundle. Received: {path}")
    with _open_bundle(files) as parts:
        names = _check_bundle(parts, targets)
        for part in parts:
            plan_budget(part.x, 8, memory_limit)
            plan_budget(part.y, 1, memory_limit)
        output = _begin_or_resume(path, parts, names, memory_limit, overwrite)
        _convert(parts, output, memory_limit, progress)
        if [_identify(part) for part in parts] != output.identity["sources"]:
            raise ValueError("the files of the bundle changed during the conversion")
    _finish(output, parts, command)
    return load_dataset(path)


def _files(source: str | os.PathLike | Mapping) -> dict[str, Path]:
    """The file of each split, in the order of `SPLITS`."""
    if not isinstance(source, Mapping):
        folder = Path(source)
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: there is no such folder")
        source = {split: folder / names[0] for split, names in _NAMES.items()}
    if not source or not set(source) <= set(SPLITS):
        raise ValueError(
            f"`source` must be a folder, or files by some of the names {SPLITS}. "
            f"Received: names {list(source)}"
        )
    return {split: Path(source[split]) for split in SPLITS if split in source}


@contextlib.contextmanager
def _open_bundle(files: dict[str, Path]) -> Iterator[list[_Part]]:
    with contextlib.ExitStack() as stack:
        parts = []
        for split, path in files.items():
            arrays = stack.enter_context(open_matlab(path))
            _, *names = _NAMES[split]
            missing = [name for name in names if name not in arrays]
            if missing:
                found = ", ".join(map(repr, arrays.values())) or "no array of numbers"
                raise ValueError(
                    f"{path} must hold the arrays {' and '.join(names)}. "
                    f"Received: {found}"
                )
            parts.append(_Part(split, path, *(arrays[name] for name in names)))
        yield parts


def _check_bundle(parts: list[_Part], targets: Sequence[str] | None) -> tuple[str, ...]:
    """Checks shapes and types; returns the names of the targets."""
    for part in parts:
        _check_part(part)
    sizes = {(part.x.shape[0], part.y.shape[0]) for part in parts}
    if len(sizes) > 1:
        found = "; ".join(f"{part.x} and {part.y} in {part.path}" for part in parts)
        raise ValueError(
            "all files must have sequences of one length, and the same targets. "
            f"Received: {found}"
        )
    ((_, count),) = sizes
    names = _numbered(count) if targets is None else tuple(targets)
    if len(names) != count or len(set(names)) < count:
        raise ValueError(
            f"`targets` must be {count} unique names, as many as {parts[0].y.name} of "
            f"{parts[0].path} has targets. Received: {len(names)} names, "
            f"{len(set(names))} of them unique"
        )
    return names


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"target_{index}" for index in range(count))


def _check_part(part: _Part) -> None:
    x, y = part.x, part.y
    if (
        len(x.shape) != 3
        or x.shape[1] != 4
        or len(y.shape) != 2
        or x.shape[-1] != y.shape[-1]
        or not all(x.shape + y.shape)
    ):
        raise ValueError(
            f"{part.path}: the axes must be (positions, 4, rows) for {x.name} and "
            "(targets, rows) for the labels, as h5py shows them (MATLAB shows the "
            f"reverse). Received: {x.name} {x.shape} and {y.name} {y.shape}"
        )


def _begin_or_resume(
    path: Path,
    parts: list[_Part],
    targets: tuple[str, ...],
    memory_limit: int,
    overwrite: bool,
) -> Unfinished:
    """The output of an interrupted conversion, or a new one with nothing in it."""
    identity = {
        "order": _ORDER,
        "sources": [_identify(part) for part in parts],
        "targets": list(targets),
        "memory_limit": memory_limit,
    }
    output = Unfinished(path, identity)
    if not output.resume(overwrite):
        rows = sum(part.rows for part in parts)
        shapes = (rows, parts[0].x.shape[0]), (rows, -(-len(targets) // 8))

        def make(path: Path) -> None:
            with h5py.File(path, "w") as file:
                write_header(file, targets, {})
                file.attrs["notes"] = _padded({})
                file["splits"] = _splits(parts)
                allocate(file, "sequences", shapes[0], "uint8")
                allocate(file, "labels_packed", shapes[1], "uint8")

        output.begin(make, rows + sum(map(math.prod, shapes)))
    return output


def _splits(parts: list[_Part]) -> np.ndarray:
    codes = np.array([SPLITS.index(part.split) for part in parts], np.uint8)
    return np.repeat(codes, [part.rows for part in parts])


def _identify(part: _Part) -> dict[str, Any]:
    """What tells a source from another version of it."""
    found = part.path.stat()
    return {
        "split": part.split,
        "name": part.path.name,
        "size": found.st_size,
        "modified": found.st_mtime_ns,
        "arrays": [repr(part.x), repr(part.y)],
        "chunks": [list(part.x.chunks), list(part.y.chunks)],
    }


def _convert(
    parts: list[_Part], output: Unfinished, memory_limit: int, progress: bool
) -> None:
    """Copies the tiles that are not copied yet."""
    tiles = list(_plan(parts, output.part, memory_limit))
    blocks = [len(plan_blocks(job, tile, budget)) for job, tile, budget in tiles]
    with progress_bar(sum(blocks), "converting", progress) as advance:
        advance(sum(blocks[: output.done]))
        for job, tile, budget in tiles[output.done :]:
            copy_tile(job, tile, budget, advance)
            output.advance()


def _plan(
    parts: list[_Part], path: Path, memory_limit: int
) -> Iterator[tuple[Job, Tile, Budget]]:
    """All tiles; the small files first, for their faults shall show before hours."""
    with open_hdf5(path) as file:
        outputs = file["sequences"], file["labels_packed"]
        offsets = [output.id.get_offset() for output in outputs]
        widths = [output.shape[1] for output in outputs]
    jobs = _jobs(parts, path, offsets, widths)
    for job in sorted(jobs, key=lambda job: math.prod(job.array.shape)):
        budget = plan_budget(job.array, job.bits, memory_limit)
        for tile in plan_tiles(job, budget):
            yield job, tile, budget


def _jobs(
    parts: list[_Part], path: Path, offsets: Sequence[int], widths: Sequence[int]
) -> Iterator[Job]:
    """A job for each array; offsets and widths are those of bases, then of labels."""
    first = 0
    for part in parts:
        kinds = (part.x, 8, encode_bases), (part.y, 1, encode_labels)
        for kind, offset, width in zip(kinds, offsets, widths, strict=True):
            yield Job(*kind, path, offset + first * width, width)
        first += part.rows


def _finish(output: Unfinished, parts: list[_Part], command: str | None) -> None:
    """Verifies the output, completes it, and gives it its name."""
    # Mapped pages would count as memory in use, so rows are read through h5py here.
    with open_hdf5(output.part) as file:
        _verify(file["sequences"], output.part)
        notes = {
            "source": "DeepSEA training bundle",
            "reverse_complements": _find_reverse_complements(file, parts),
        }
    # Replaced in its place, the attribute moves nothing in the file.
    with h5py.File(output.part, "r+") as file:
        file.attrs.modify("notes", _padded(notes))
    described = [describe_source(part.path) for part in parts]
    write_sidecar(output.part, load_dataset(output.part), command, None, described)
    output.finish()


def _padded(notes: dict[str, Any]) -> np.bytes_:
    """Notes of a fixed number of bytes."""
    return np.bytes_(json.dumps(notes, sort_keys=True).encode("ascii").ljust(_NOTES))


def _verify(sequences: h5py.Dataset, path: Path) -> None:
    """Looks for codes that only a damaged output could have."""
    rows, length = sequences.shape
    step = max(1, _READ // length)
    for start in range(0, rows, step):
        if sequences[start : start + step].max() > N_CODE:
            raise ValueError(f"{path} was damaged; delete it, and convert again")


def _find_reverse_complements(
    file: h5py.File, parts: list[_Part]
) -> dict[str, str | None]:
    """Where each split keeps the reverse complements of its sequences."""
    found, first = {}, 0
    for part in parts:
        found[part.split] = _find_pairs(file, first, part.rows)
        first += part.rows
    return found


def _find_pairs(file: h5py.File, first: int, count: int) -> str | None:
    """Compares pairs of rows, and their labels, of a sample of a split."""
    half = count // 2
    if count % 2:
        return None
    sample = np.random.default_rng(0).choice(half, min(half, _SAMPLE), replace=False)
    sample.sort()
    layouts = {
        "second half": (first + sample, first + sample + half),
        "next row": (first + 2 * sample, first + 2 * sample + 1),
    }
    sequences, labels = file["sequences"], file["labels_packed"]
    for name, (one, other) in layouts.items():
        turned = reverse_complement_codes(sequences[other])
        if np.array_equal(sequences[one], turned) and np.array_equal(
            labels[one], labels[other]
        ):
            return name
    return None
