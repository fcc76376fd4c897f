"""Hotspots of recombination, and coldspots matched to them in place and GC content.

1. A hidden Markov model segments the recombination map (`hotspot_model.py`). A hotspot
   is a run of hot stretches as long as it goes on. By default the model is a mixture:
   whether a stretch is hot does not depend on the one before, and its probability,
   0.01, is set by hand to come near the published lengths and rates.
2. Hotspots of 4 kb and more are dropped. Of the others the 1,000 bases around the
   centre are taken, unless they hold N or leave the chromosome.
3. For each of them, in the order of the genome, the nearest coldspot is taken: 1,000
   bases without N that start at most 300 kb from the hotspot's, the left one of two
   as near; their GC content differs by at most 10 percentage points; the rate is below
   0.5 cM/Mb all along; and they overlap no hotspot, of whatever length, no sequence of
   one, and no coldspot taken before. A hotspot that has no such coldspot is kept.

Reference: Brown and Lunter 2018, section 3.1: 17,552 hotspots and 17,547 coldspots of
the human genome. The paper leaves open whether 10% of GC content are percentage points,
which coldspot is taken of several, and whether short hotspots whose sequences overlap
are both kept; here they are, as many as the notes of the dataset say.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from rckeras.datasets.dataset import Dataset
from rckeras.datasets.hotspot_model import (
    HOT_PROBABILITY,
    HotspotModel,
    train_hotspot_model,
)
from rckeras.datasets.hotspot_search import (
    Hotspots,
    Piece,
    Rules,
    find_hotspots,
    search_chromosome,
)
from rckeras.datasets.splits import (
    Chromosomes,
    Shares,
    check_seed,
    check_sequences,
    check_splits,
    split_at_random,
    split_by_chromosome,
)
from rckeras.io.chromosomes import plain_chrom
from rckeras.io.genome import Genome
from rckeras.io.rate_map import RateMap, read_rate_map
from rckeras.progress import progress_bar
from rckeras.sequence.codes import base_codes

# A tenth of what validation leaves is for the test.
BROWN_SPLITS = {"validation": 0.15, "test": 0.085}
PUBLISHED = {
    "hotspots": 17_552,
    "coldspots": 17_547,
    "median_length": 2448,
    "median_rate": 10.5,
}

_BLOCK = 1 << 23  # bases read in one go

Paths = str | os.PathLike | Iterable[str | os.PathLike | RateMap]


class _Given(NamedTuple):
    rate_map: RateMap
    source: str  # the file, as errors call it


def load_hotspots(
    maps: Paths,
    genome: str | os.PathLike,
    *,
    model: HotspotModel | None = None,
    hot_probability: float | None = HOT_PROBABILITY,
    length: int = 1000,
    max_length: int = 4000,
    search: int = 300_000,
    gc_tolerance: float = 0.1,
    max_cold_rate: float = 0.5,
    splits: Chromosomes | Shares | None = BROWN_SPLITS,
    seed: int = 0,
    progress: bool = False,
) -> Dataset:
    """Hotspots and coldspots of recombination, from a map and the genome it is on.

    Args:
        maps: File of a recombination map, see `read_rate_map`, or several files or
            `RateMap`s, of different chromosomes.
        genome: FASTA file of the same assembly, see `Genome`.
        model: Model that tells what is hot; `None` trains it on `maps`.
        hot_probability: For this training, see `train_hotspot_model`.
        length: Bases of each sequence.
        max_length: Hotspots are kept if they are shorter than this, in bases.
        search: Most bases from the start of a hotspot's sequence to that of its
            coldspot.
        gc_tolerance: Most that their GC contents differ by, as a fraction of all bases.
        max_cold_rate: Rate below which each stretch under a coldspot is, cM/Mb.
        splits: Shares for `"validation"` and `"test"`, or their chromosomes, see
            `split_by_chromosome`; `None` for no division.
        seed: Seed of the draw for the splits; nothing else is random.
        progress: Whether to show bars on stderr.

    Returns:
        `Dataset` of the target `"hotspot"`: each hotspot (1), then its coldspot (0),
        in the order of the genome. Columns: `name` (`hotspot7` and `coldspot7` belong
        together), `chrom` as in the genome, `start`, `end`, and `rate`, the mean over
        the sequence in cM/Mb. The notes have what was found and dropped, the model,
        and medians beside the published ones.

    Raises:
        ValueError: If an argument is out of range, a map is out of order, reaches
            beyond its chromosome or is of no chromosome of the genome, a split gets no
            sequence, or no hotspot or no coldspot is left. Maps of chromosomes that the
            genome lacks are left out if others remain; the notes list them.

    Example:

    ```python
    dataset = load_hotspots("genetic_map_GRCh37_chr22.txt.gz", "hg19.fa")
    x, y = dataset.arrays("train", length=997)
    ```

    Reference: Brown and Lunter 2018, section 3.1. By default splits are theirs: 15% for
    validation, then a tenth of the rest for the test.
    """
    rules = Rules(length, max_length, search, gc_tolerance, max_cold_rate)
    kind = check_splits(splits)
    check_seed(seed)
    with Genome(genome) as opened:
        given = _read_maps(maps)
        found, missing = _match(given, opened)
        if kind == "chromosomes":
            check_sequences(splits, list(found))
        if model is None:
            model = train_hotspot_model(
                [each.rate_map for each in given],
                hot_probability=hot_probability,
                progress=progress,
            )
        hotspots = {name: find_hotspots(each, model) for name, each in found.items()}
        _check_enough(hotspots, rules, splits)
        pieces = []
        with progress_bar(len(found), "searching", progress) as advance:
            for chrom, rate_map in found.items():
                codes = _chromosome_codes(opened, chrom)
                pieces.append(
                    search_chromosome(chrom, rate_map, codes, hotspots[chrom], rules)
                )
                advance(1)
    _check_both_classes(pieces, rules)
    notes = {"model": model.as_dict(), "chromosomes_not_in_genome": missing}
    return _join(pieces, splits, seed, notes)


def _read_maps(maps: Paths) -> list[_Given]:
    """The maps of all chromosomes, each of another."""
    sources = [maps] if isinstance(maps, str | os.PathLike) else list(maps)
    if not sources:
        raise ValueError("`maps` must hold a map at least. Received: none")
    given, names = [], {}
    for source in sources:
        of_source, name = [source], "the `RateMap`"
        if not isinstance(source, RateMap):
            of_source, name = read_rate_map(source).values(), str(source)
        for rate_map in of_source:
            plain = plain_chrom(rate_map.chrom)
            if plain in names:
                raise ValueError(
                    "`maps` must be of different chromosomes. Received: "
                    f"{names[plain]!r} and {rate_map.chrom!r}"
                )
            names[plain] = rate_map.chrom
            given.append(_Given(rate_map, name))
    return given


def _match(given: list[_Given], genome: Genome) -> tuple[dict[str, RateMap], list[str]]:
    """The map of each chromosome of the genome, and which have no chromosome."""
    by_name = {plain_chrom(each.rate_map.chrom): each for each in given}
    found = {}
    for chrom in genome.lengths:
        if plain_chrom(chrom) not in by_name:
            continue
        rate_map, source = by_name[plain_chrom(chrom)]
        # Refuses a name that fits two chromosomes, neither of them exactly.
        genome.length(rate_map.chrom)
        if chrom == rate_map.chrom or rate_map.chrom not in genome.lengths:
            _check_assembly(rate_map, source, chrom, genome)
            found[chrom] = rate_map
    matched = {plain_chrom(chrom) for chrom in found}
    missing = [
        each.rate_map.chrom for plain, each in by_name.items() if plain not in matched
    ]
    if not found:
        raise ValueError(
            f"no chromosome of the maps is in {genome.path}. The maps have "
            f"{_listed(missing)}, the genome {_listed(genome.lengths)}"
        )
    return found, missing


def _check_assembly(rate_map: RateMap, source: str, chrom: str, genome: Genome) -> None:
    length = genome.lengths[chrom]
    if rate_map.edges[-1] > length:
        raise ValueError(
            f"{source} is not of the assembly of {genome.path}: its map of chromosome "
            f"{rate_map.chrom!r} reaches to base {rate_map.edges[-1]:,}, but {chrom!r} "
            f"has {length:,} bases"
        )


def _check_enough(
    hotspots: Mapping[str, Hotspots], rules: Rules, splits: Chromosomes | Shares | None
) -> None:
    """Refuses splits that would be empty if every short hotspot had its coldspot."""
    short = [
        int(np.count_nonzero(found.end - found.start < rules.max_length))
        for found in hotspots.values()
    ]
    if sum(short):
        check_sequences(splits, np.repeat(list(hotspots), np.multiply(2, short)))


def _check_both_classes(pieces: list[Piece], rules: Rules) -> None:
    counts = _sum_counts(pieces)
    if not counts["kept"]:
        raise ValueError(
            f"no hotspot is left of {counts['found']}. {counts['too_long']} are too "
            f"long, {counts['off_chromosome']} leave the chromosome, "
            f"{counts['with_n']} hold N"
        )
    if counts["without_coldspot"] == counts["kept"]:
        raise ValueError(
            f"none of the {counts['kept']} hotspots has a coldspot: within "
            f"{rules.search:,} bases (`search`), with the same GC content up to "
            f"{rules.gc_tolerance:g} (`gc_tolerance`) and rates below "
            f"{rules.max_cold_rate:g} cM/Mb (`max_cold_rate`). Widen one of them"
        )


def _sum_counts(pieces: list[Piece]) -> dict[str, int]:
    return {key: sum(each.counts[key] for each in pieces) for key in pieces[0].counts}


def _chromosome_codes(genome: Genome, chrom: str) -> np.ndarray:
    """Base codes of a whole chromosome, whose letters are not held all at once."""
    codes = np.empty(genome.length(chrom), dtype=np.uint8)
    for start in range(0, len(codes), _BLOCK):
        end = min(start + _BLOCK, len(codes))
        codes[start:end] = base_codes(genome.fetch(chrom, start, end))
    return codes


def _join(
    pieces: list[Piece],
    splits: Chromosomes | Shares | None,
    seed: int,
    notes: Mapping[str, Any],
) -> Dataset:
    """The dataset of all chromosomes."""
    label = np.concatenate([piece.label for piece in pieces])
    start = np.concatenate([piece.start for piece in pieces])
    sequences = np.concatenate([piece.sequences for piece in pieces])
    chrom = np.repeat(
        [piece.chrom for piece in pieces], [len(piece.label) for piece in pieces]
    )
    columns = {
        "name": _names(pieces, label),
        "chrom": chrom,
        "start": start,
        "end": start + sequences.shape[1],
        "rate": np.concatenate([piece.rate for piece in pieces]),
    }
    return Dataset(
        sequences,
        label.astype(np.uint8)[:, np.newaxis],
        ("hotspot",),
        _divide(chrom, splits, seed),
        columns,
        notes={"hotspots": _sum_counts(pieces), **_medians(pieces), **notes},
    )


def _names(pieces: list[Piece], label: np.ndarray) -> np.ndarray:
    before = np.cumsum([0, *(piece.counts["kept"] for piece in pieces[:-1])])
    pairs = [piece.pair + first for piece, first in zip(pieces, before, strict=True)]
    kinds = np.where(label == 1, "hotspot", "coldspot")
    return np.char.add(kinds, (np.concatenate(pairs) + 1).astype(str))


def _medians(pieces: list[Piece]) -> dict[str, Any]:
    length = np.concatenate([p.hotspots.end - p.hotspots.start for p in pieces])
    rate = np.concatenate([piece.hotspots.rate for piece in pieces])
    return {
        "median_length": float(np.median(length)),
        "median_rate": float(np.median(rate)),
        "published": PUBLISHED,
    }


def _divide(
    chrom: np.ndarray, splits: Chromosomes | Shares | None, seed: int
) -> np.ndarray | None:
    kind = check_splits(splits)
    if kind == "chromosomes":
        return split_by_chromosome(chrom, splits)
    return split_at_random(len(chrom), **splits, seed=seed) if kind else None


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
