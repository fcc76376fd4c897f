"""Which bases a network's answers rest on, for the sequences of a file.

Written to a folder:

- `attributions.npz`: the keys of the sequences (`name`, or `chrom`, `start`, `end`,
  `name`, `strand`), `targets`, `sequences` (base codes), `contributions`
  `(sequences, targets, length)` of the bases, and `hypothetical`
  `(sequences, targets, length, 4)`, what each letter would contribute. Of intervals
  also `window_start` and `window_end`, where these bases lie, from 0, which may be
  other bases than those of the interval; on strand `-` the first one is the last of the
  window. Both are -1 for what lies nowhere on the genome.
- Of intervals, a bedGraph file for each target, sorted and without a header, as
  `bedGraphToBigWig` takes it. A base of several intervals has the mean of its values.
  Shuffles in a dataset are nowhere on the genome, and have none.
- Of the first sequences, if asked for, logos of the part with the strongest
  contributions. Positions count from 1 in what the network reads, which for an
  interval on strand `-` is its reverse complement.

Sequences are read as `zoo.prediction` does, a batch at a time; what is found for them
waits in files.
"""

import contextlib
import itertools
import os
import re
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zoo.messages import did_you_mean
from zoo.prediction import (
    PredictionSummary,
    Tally,
    batches_of,
    blame,
    check_numbers,
    check_shapes,
    has_room_for_bar,
    name_targets,
    open_model,
    remark_on_dropout,
)
from zoo.registry import unique_ids
from zoo.sources import open_source
from zoo.tables import Spool

if TYPE_CHECKING:
    import keras

    from rckeras.interpret import Attributor
    from rckeras.io import Interval
    from rckeras.io.windows import Window

ARRAYS = "attributions.npz"
MOST_TARGETS = 20  # that are explained without being named

_DRAWN = re.compile(r"(?P<stem>.+)(\.bedgraph|\.\d+\.svg)")
_ENDS = ("start", "end")
_PLACE = {"chrom", "start", "end", "strand"}
_UNSAFE = re.compile(r"[^\w.+-]+")


def attribute_file(
    model: "keras.Model | str | os.PathLike",
    path: str | os.PathLike,
    output: str | os.PathLike,
    *,
    targets: Sequence[str] | None = None,
    method: str = "gradient",
    logits: bool = True,
    average_strands: bool = False,
    mc_samples: int | None = None,
    seed: int = 0,
    baseline: float | None = None,
    steps: int | None = None,
    genome: str | os.PathLike | None = None,
    split: str | None = None,
    weights: str | os.PathLike | None = "default",
    fit: str = "error",
    n_value: float | None = None,
    logos: int = 0,
    logo_width: int = 60,
    batch_size: int = 128,
    progress: bool = True,
    overwrite: bool = False,
) -> PredictionSummary:
    """Explain a network's answers to all sequences of a file, base by base.

    Args:
        model: A network's name (see `zoo.list_models`), a `.keras` file, or a
            `keras.Model` from `(batch, length, 4)`, in the order A, C, G, T, to
            `(batch, targets)`.
        path: FASTA, or BED if `genome` is given, or a dataset of `rckeras data`; as in
            `zoo.predict_file`.
        output: Folder to write to, made if need be.
        targets: Names of the targets to explain, as `rckeras predict` writes them;
            `None` for all, if they are not more than 20.
        method: `"gradient"` (gradient x input), `"integrated"` (integrated gradients)
            or `"mutagenesis"` (in-silico mutagenesis); see
            `rckeras.interpret.attributions`.
        logits: Whether to explain log odds instead of probabilities.
        average_strands: Whether to take the mean with the attributions of the reverse
            complement, turned back.
        mc_samples: Number of networks sampled by Monte Carlo dropout, whose
            attributions are averaged; `None` to switch it off.
        seed: Integer that determines the samples.
        baseline: Value of the four letters that gradients are measured against, 0 to
            1; by default 0.
        steps: Number of gradients of `"integrated"`; by default 50.
        genome: FASTA file from which the intervals of a BED file are read.
        split: `"train"`, `"validation"` or `"test"` of a dataset; `None` for all.
        weights: Weights of a named network, as in `zoo.load`.
        fit: What to do with another length than the network's; as in
            `zoo.predict_file`.
        n_value: Value from 0 to 1 of the four channels for N; by default that of the
            network's training, 0 for a model without a card.
        logos: Number of sequences, from the first, to draw logos of.
        logo_width: Bases in a logo, at least 1.
        batch_size: Sequences per step.
        progress: Whether to show a bar on stderr, if that is a terminal.
        overwrite: Whether to replace files that exist.

    Returns:
        A `PredictionSummary`.

    Raises:
        ValueError: If an argument, the model or a record does not fit, or sequences
            differ in length; for a record the message starts with `path:line`.
        FileExistsError: If a file to write exists and `overwrite` is `False`.
        OSError: If a file cannot be read or written.
        ImportError: If logos need a package that is missing.

    Example:

    ```python
    attribute_file("prdm9", "hotspots.fa", "explained", targets=["hotspot"], logos=10)
    attribute_file("mine.keras", "peaks.bed", "tracks", genome="hg38.fa", fit="both")
    ```
    """
    from rckeras.interpret import Attributor
    from rckeras.progress import progress_bar

    check_numbers(batch_size, n_value)
    source = open_source(path, genome, split, fit)
    model, names, card_n_value = open_model(model, weights)
    length, count = check_shapes(model)
    remark_on_dropout(model, mc_samples, progress)
    names = name_targets(names, count)
    numbers = _choose(targets, names)
    attributor = Attributor(
        model,
        list(numbers.values()),
        method,
        logits=logits,
        average_strands=average_strands,
        mc_samples=mc_samples,
        seed=seed,
        baseline=baseline,
        steps=steps,
        batch_size=batch_size,
    )
    files = _Files(Path(output), tuple(numbers), logos, logo_width)
    files.check(_PLACE.issubset(source.keys), overwrite)
    n_value = card_n_value if n_value is None else n_value
    tally = Tally()
    wanted = progress and has_room_for_bar(output)
    with (
        progress_bar(source.count() if wanted else None, "attributing", wanted) as bar,
        contextlib.ExitStack() as stack,
    ):
        results = _Results(
            stack, files.folder, source.keys, files.targets, genome is not None
        )
        for batch in batches_of(source.windows(length), batch_size):
            with blame(path, batch):
                found = _explain(attributor, batch, n_value)
            results.add(path, batch, found)
            files.hold(batch, found)
            tally.add(batch)
            bar(len(batch))
        if overwrite:
            files.clear(names)
        results.save_arrays(files.arrays)
        if any(results.places):
            _write_tracks(results, files.tracks, genome)
    files.draw_logos()
    return tally.summary()


def _choose(wanted: Sequence[str] | None, names: tuple[str, ...]) -> dict[str, int]:
    """Numbers of the targets to explain, by name."""
    numbers = {name: number for number, name in enumerate(names)}
    if wanted is None:
        if len(names) > MOST_TARGETS:
            raise ValueError(
                "`targets` (--targets) must say which of the network's "
                f"{len(names)} targets to explain, such as {names[0]!r}; by default "
                f"all are, if they are not more than {MOST_TARGETS}"
            )
        return numbers
    for name in wanted:
        if name not in numbers:
            raise ValueError(
                f"`targets` (--targets) must be names of the network's {len(names)} "
                f"targets, such as {names[0]!r}. {did_you_mean(name, numbers)}"
                f"Received: {name!r}"
            )
    if not wanted:
        raise ValueError("`targets` (--targets) must name a target. Received: none")
    return {name: numbers[name] for name in wanted}


class _Found(NamedTuple):
    """What was found for a batch, in the order of the targets."""

    codes: np.ndarray
    contributions: np.ndarray
    hypothetical: np.ndarray


def _explain(attributor: "Attributor", batch: "list[Window]", n_value: float) -> _Found:
    from rckeras.sequence import base_codes, one_hot_encode

    letters = [window.sequence for window in batch]
    x = one_hot_encode(letters, "float32", n_value)
    hypothetical = attributor.hypothetical(x)
    return _Found(base_codes(letters), hypothetical * x[:, None], hypothetical)


def _stems(targets: tuple[str, ...]) -> list[str]:
    """How the files of each target begin."""
    return unique_ids(_UNSAFE.sub("_", target) for target in targets)


class _Files:
    """The files of a folder, and the logos among them."""

    def __init__(self, folder: Path, targets: tuple[str, ...], logos: int, width: int):
        if logos < 0 or width < 1:
            raise ValueError(
                "`logos` (--logos) must be 0 or more and `logo_width` (--logo-width) 1 "
                f"or more. Received: {logos} and {width}"
            )
        self.folder = folder
        self.targets = targets
        self.arrays = folder / ARRAYS
        stems = _stems(targets)
        self.tracks = [folder / f"{stem}.bedgraph" for stem in stems]
        self.logos = [
            [folder / f"{stem}.{number}.svg" for stem in stems]
            for number in range(1, logos + 1)
        ]
        self.width = width
        self._held: list[tuple[str, np.ndarray]] = []

    def check(self, tracks: bool, overwrite: bool) -> None:
        """Check, before any work is done, that files can be written."""
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(
                f"`output` must be a folder. Received: the file {self.folder}"
            )
        if self.logos:
            from rckeras.motifs.logos import import_logomaker

            import_logomaker()
        tracked = self.tracks if tracks else []
        for file in (self.arrays, *tracked, *itertools.chain(*self.logos)):
            if file.exists() and not overwrite:
                raise FileExistsError(
                    f"{file} exists already; overwrite=True (--force) replaces it"
                )
        self.folder.mkdir(parents=True, exist_ok=True)

    def clear(self, names: tuple[str, ...]) -> None:
        """Let no track or logo of other sequences remain beside new arrays.

        Args:
            names: All targets of the network.
        """
        stems = set(_stems(names))
        for file in self.folder.iterdir():
            named = _DRAWN.fullmatch(file.name)
            if named and named["stem"] in stems:
                file.unlink()

    def hold(self, batch: "list[Window]", found: _Found) -> None:
        """Keep the sequences of a batch that are among the first, for their logos."""
        left = len(self.logos) - len(self._held)
        rows = itertools.islice(zip(batch, found.contributions, strict=True), left)
        self._held += [(_describe(window), matrices) for window, matrices in rows]

    def draw_logos(self) -> None:
        """Draw the sequences that were kept."""
        for (title, matrices), paths in zip(self._held, self.logos, strict=False):
            for target, matrix, path in zip(self.targets, matrices, paths, strict=True):
                self._draw_logo(matrix, f"{title}: {target}", path)

    def _draw_logo(self, matrix: np.ndarray, title: str, path: Path) -> None:
        from rckeras.interpret import strongest_window
        from rckeras.io.figures import write_figure
        from rckeras.motifs import draw_logo

        first = strongest_window(matrix, self.width)
        part = matrix[first : first + self.width]
        write_figure(draw_logo(part, title=title, first=first + 1).figure, path)


class _Results:
    """Arrays that grow in files, for they may be larger than the memory."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        folder: Path,
        keys: dict[str, type],
        targets: tuple[str, ...],
        from_genome: bool,
    ):
        self.keys = keys
        self._from_genome = from_genome
        self.targets = targets
        self.places: list[Interval | None] = []
        self._length: int | None = None
        self._spools: dict[str, Spool] = {}
        self._stack = stack
        self._folder = folder

    def add(
        self, path: str | os.PathLike, batch: "list[Window]", found: _Found
    ) -> None:
        """Append what was found for a batch."""
        length = found.codes.shape[1]
        if self._length is None:
            self._start(length)
        if length != self._length:
            raise ValueError(
                f"{path}:{batch[0].line}: record {batch[0].name!r}: all sequences must "
                f"have one length, {self._length} as the first. Received: {length}"
            )
        for name, cells in zip(
            self.keys, zip(*(w.keys for w in batch), strict=True), strict=True
        ):
            self._spools[name].append(cells)
        self._spools["sequences"].append(found.codes)
        self._spools["contributions"].append(found.contributions.sum(axis=-1))
        self._spools["hypothetical"].append(found.hypothetical)
        if _PLACE.issubset(self.keys):
            keyed = [dict(zip(self.keys, w.keys, strict=True)) for w in batch]
            places = [_place(keys, length, self._from_genome) for keys in keyed]
            self.places += places
            for end in _ENDS:
                self._spools[f"window_{end}"].append(
                    [-1 if place is None else getattr(place, end) for place in places]
                )

    def _start(self, length: int) -> None:
        self._length = length
        shape = len(self.targets), length
        for name, kind in self.keys.items():
            self._open(name, kind)
        self._open("targets", str).append(self.targets)
        self._open("sequences", "uint8", (length,))
        self._open("contributions", "float32", shape)
        self._open("hypothetical", "float32", (*shape, 4))
        if _PLACE.issubset(self.keys):
            for end in _ENDS:
                self._open(f"window_{end}", "int64")

    def _open(self, name: str, kind: type | str, width: tuple = ()) -> Spool:
        scratch = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        file = self._stack.enter_context(scratch)
        self._spools[name] = Spool(file, kind, width)
        return self._spools[name]

    def save_arrays(self, path: Path) -> None:
        """Write all arrays to an `.npz` file."""
        from rckeras.io.whole import complete_or_none

        with complete_or_none(path) as part, zipfile.ZipFile(part, "w") as archive:
            for name, spool in self._spools.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    spool.save(member)

    def letters(self) -> np.ndarray:
        """Base codes `(sequences, length)`, in a file."""
        return self._map("sequences")

    def contributions(self) -> np.ndarray:
        """Contributions `(sequences, targets, length)`, in a file."""
        return self._map("contributions")

    def _map(self, name: str) -> np.ndarray:
        spool = self._spools[name]
        spool.file.flush()
        return np.memmap(spool.file, spool.dtype, "r", shape=(spool.rows, *spool.width))


def _place(keys: dict, length: int, from_genome: bool) -> "Interval | None":
    """Where the bases of a window lie, which may be other than in its keys."""
    from rckeras.datasets.classes import SHUFFLE_SUFFIX
    from rckeras.io import Interval
    from rckeras.io.windows import centre

    if not from_genome and keys["name"].endswith(SHUFFLE_SUFFIX):
        return None  # its keys are those of what was shuffled
    start, end = centre(keys["start"], keys["end"], length)
    if keys["strand"] == "-" and not from_genome:
        # A sequence of a dataset is cut as it is stored, so from its own right end.
        turned = keys["start"] + keys["end"]
        start, end = turned - end, turned - start
    return Interval(keys["chrom"], start, end, strand=keys["strand"])


def _describe(window: "Window") -> str:
    """What tells a window from others, for a title."""
    if len(window.keys) == 1:
        return window.name
    chrom, start, end, name, strand = window.keys
    place = f"{chrom}:{start + 1:,}-{end:,} ({strand})"
    return place if name == "." else f"{name}, {place}"


def _write_tracks(
    results: _Results, paths: list[Path], genome: str | os.PathLike | None
) -> None:
    from rckeras.interpret import signals_of
    from rckeras.io import Genome, write_bedgraph

    placed = np.array([place is not None for place in results.places])
    intervals = [place for place in results.places if place is not None]
    lengths = None
    if genome is not None:
        with Genome(genome) as opened:
            chroms = {interval.chrom for interval in intervals}
            lengths = {chrom: opened.length(chrom) for chrom in chroms}
    contributions = results.contributions()
    known = results.letters() < 4
    for number, path in enumerate(paths):
        # What N contributes is not known, for it may stand for any base.
        values = np.where(known, contributions[:, number], np.nan)
        write_bedgraph(path, signals_of(intervals, values[placed], lengths))
