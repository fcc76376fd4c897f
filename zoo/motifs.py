"""What the filters of a network look for, and which known motifs they resemble.

Written to a folder:

- `filters.meme` and `filters.jaspar`: the motif of each filter that fires, as
  probabilities and as counts. A filter of tied weights stands there once, as its first
  channel reads.
- `matches.tsv`: the known motifs that each resembles, after uninformative ends are cut.
- `filters.svg`: logos of what was compared, each with its best match.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.prediction import check_apart, check_shapes, has_room_for_bar, open_model
from zoo.sources import open_source

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from rckeras.io.windows import Window
    from rckeras.motifs import FilterMotif, Matches, Motif

FILES = ("filters.meme", "filters.jaspar", "matches.tsv", "filters.svg")


@dataclass(frozen=True, eq=False)
class FoundMotifs:
    """What `find_motifs` found; prints as one line.

    Attributes:
        motifs: The motif of each filter, whole; `None` for one that fires nowhere.
        matches: The known motifs that each resembles.
        sequences: Number of sequences looked at.
    """

    motifs: "tuple[FilterMotif | None, ...]"
    matches: "Matches"
    sequences: int

    def __str__(self) -> str:
        matched = self.matches.fraction_matched(self.matches.threshold_e)
        with_motif = sum(motif is not None for motif in self.motifs)
        return (
            f"{self.sequences:,} sequences, {len(self.motifs)} filters, {with_motif} "
            f"with a motif, {round(matched * len(self.motifs))} like a known one "
            f"(E-value up to {self.matches.threshold_e:g})"
        )


def find_motifs(
    model: "keras.Model | str | os.PathLike",
    path: str | os.PathLike,
    output: str | os.PathLike,
    *,
    genome: str | os.PathLike | None = None,
    split: str | None = None,
    fit: str = "error",
    weights: str | os.PathLike | None = "default",
    layer: str | None = None,
    method: str = "koo2019",
    threshold: float | None = None,
    top: int | None = None,
    max_sequences: int = 10_000,
    known: str | os.PathLike = "JASPAR2016",
    taxon: str | None = "vertebrates",
    evalue: float = 0.1,
    distance: str = "euclidean",
    batch_size: int = 128,
    progress: bool = True,
    overwrite: bool = False,
) -> FoundMotifs:
    """Find the motifs of a network's filters, and what they resemble.

    Args:
        model: A network's name (see `zoo.list_models`), a `.keras` file or a model.
        path: Sequences of the kind the network was trained on: FASTA, BED with
            `genome`, or a dataset of `rckeras data`.
        output: Folder to write `FILES` to, made if need be.
        genome: FASTA file from which the intervals of a BED file are read.
        split: `"train"`, `"validation"` or `"test"` of a dataset; `None` for all.
        fit: What to do with another length than the network's, as in
            `zoo.predict_file`.
        weights: Weights of a named network, as in `zoo.load`.
        layer: Name of the convolution; `None` for the first.
        method: How filters become motifs, see `rckeras.motifs.filters`.
        threshold: Share of a filter's largest activation above which a sequence
            counts; `None` for that of the method.
        top: Number of sequences that count for a filter; `None` for that of the method.
        max_sequences: Number of sequences looked at, spread evenly over all, at least
            1.
        known: Release of JASPAR, or a file of motifs in the MEME format.
        taxon: Taxonomic group of a release; `None` for all.
        evalue: Largest E-value of a match, above 0.
        distance: How columns are compared, `"euclidean"` or `"pearson"`, see
            `rckeras.motifs.match_motifs`.
        batch_size: Sequences per step.
        progress: Whether to show a bar on stderr, if that is a terminal.
        overwrite: Whether to replace files that exist.

    Returns:
        A `FoundMotifs`.

    Raises:
        ValueError: If an argument, the model or a record does not fit, or no filter
            fires.
        FileExistsError: If a file to write exists and `overwrite` is `False`.
        OSError: If a file cannot be read or written.
        ImportError: If logomaker, Matplotlib or pyjaspar is missing.

    Example:

    ```python
    find_motifs("koo-cnn-25", "koo.h5", "motifs", split="test")
    find_motifs("mine.keras", "peaks.bed", "motifs", genome="hg38.fa", fit="both")
    ```
    """
    from rckeras.motifs import draw_gallery, filters_to_motifs, match_motifs
    from rckeras.motifs.filters import find_method
    from rckeras.motifs.logos import import_logomaker
    from rckeras.motifs.receptive import view_filters
    from rckeras.progress import progress_bar
    from rckeras.sequence import base_codes

    _check_folder(output, overwrite)
    for name in FILES:
        check_apart(Path(output, name), known, path, genome, weights, model)
    import_logomaker()
    find_method(method, threshold, top)
    targets = read_known(known, taxon)
    match_motifs([None], targets, evalue, distance)  # refuses before sequences are read
    source = open_source(path, genome, split, fit)
    model, _, _ = open_model(model, weights)
    length, _ = check_shapes(model)
    view_filters(model, layer)
    wanted = progress and has_room_for_bar(output)
    with progress_bar(source.count() if wanted else None, "reading", wanted) as advance:
        letters = _collect(source.windows(length), max_sequences, advance)
    motifs = filters_to_motifs(
        model,
        base_codes(letters),
        layer,
        method,
        threshold=threshold,
        top=top,
        max_sequences=max_sequences,
        batch_size=batch_size,
    )
    if not any(motif is not None for motif in motifs):
        raise ValueError(f"no filter fires in the sequences of {path}")
    trimmed = [None if motif is None else motif.trim() for motif in motifs]
    matches = match_motifs(trimmed, targets, evalue, distance)
    _write(Path(output), motifs, matches, draw_gallery(trimmed, matches))
    return FoundMotifs(tuple(motifs), matches, min(len(letters), max_sequences))


def _check_folder(output: str | os.PathLike, overwrite: bool) -> None:
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"`output` must be a folder. Received: the file {folder}")
    for file in (folder / name for name in FILES):
        if file.exists() and not overwrite:
            raise FileExistsError(
                f"{file} exists already; overwrite=True (--force) replaces it"
            )


def read_known(known: str | os.PathLike, taxon: str | None) -> "list[Motif]":
    """Motifs to compare with: of a release of JASPAR, or of a file in MEME's format."""
    from rckeras.motifs import fetch_jaspar_collection, read_meme

    if Path(known).is_file():
        return read_meme(known)
    if not os.fspath(known).startswith("JASPAR"):
        raise FileNotFoundError(
            "`known` (--known) must be a release of JASPAR, such as JASPAR2016, or a "
            f"file of motifs. There is no file {os.fspath(known)!r}"
        )
    return fetch_jaspar_collection(os.fspath(known), taxon)


def _collect(
    windows: "Iterable[Window]", most: int, advance: Callable[[int], None]
) -> list[str]:
    """Sequences spread evenly over all, from `most` to twice as many if there are."""
    if most < 1:
        raise ValueError(f"`max_sequences` must be 1 or more. Received: {most}")
    kept, every = [], 1
    for number, window in enumerate(windows):
        advance(1)
        if number % every == 0:
            kept.append(window.sequence)
        if len(kept) > 2 * most:
            kept, every = kept[::2], 2 * every
    return kept


def _write(
    folder: Path,
    motifs: "Sequence[Motif | None]",
    matches: "Matches",
    logos: "Figure",
) -> None:
    from rckeras.io.figures import write_figure
    from rckeras.io.whole import write_whole
    from rckeras.motifs import write_jaspar, write_meme

    meme, jaspar, table, figure = (folder / name for name in FILES)
    folder.mkdir(parents=True, exist_ok=True)
    write_meme(meme, motifs)
    write_jaspar(jaspar, motifs)
    write_whole(table, f"{matches}\n")
    write_figure(logos, figure)
