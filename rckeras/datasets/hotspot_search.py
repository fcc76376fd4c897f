"""The search for hotspots and coldspots along one chromosome."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rckeras.datasets.hotspot_model import HotspotModel
from rckeras.io.rate_map import RateMap
from rckeras.sequence.codes import N_CODE


class Hotspots(NamedTuple):
    """Runs of hot stretches along a chromosome.

    Attributes:
        start: First bases, counted from 0, increasing.
        end: The bases after the last ones.
        rate: Mean rates in cM/Mb.
    """

    start: np.ndarray
    end: np.ndarray
    rate: np.ndarray


def find_hotspots(rate_map: RateMap, model: HotspotModel) -> Hotspots:
    """Segments the map of a chromosome into hotspots and the rest.

    Args:
        rate_map: Map of the chromosome.
        model: Trained model.

    Returns:
        `Hotspots` of any length, three arrays of shape `(hotspots,)`.

    Example:

    >>> rate_map = RateMap("chr1", [0, 900, 1000, 1500, 2000], [0.1, 30.0, 9.0, 0.2])
    >>> model = HotspotModel(0.5, 20.0, ((0.99, 0.01), (0.5, 0.5)))
    >>> find_hotspots(rate_map, model).end.tolist()
    [1500]
    """
    first, last = _runs(model.segment(rate_map.rate))
    start, end = rate_map.edges[first], rate_map.edges[last]
    return Hotspots(start, end, rate_map.mean_rate(start, end))


@dataclasses.dataclass(frozen=True)
class Rules:
    """The numbers that say what a hotspot and a coldspot are.

    They are the arguments of `load_hotspots` of the same names.
    """

    length: int
    max_length: int
    search: int
    gc_tolerance: float
    max_cold_rate: float

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            least = 1 if field.name in ("length", "max_length") else 0
            if not least <= value:
                raise ValueError(
                    f"`{field.name}` must be from {least}. Received: {value}"
                )


class Piece(NamedTuple):
    """What was found on a chromosome, hotspots and coldspots in turn."""

    chrom: str
    sequences: np.ndarray
    start: np.ndarray
    label: np.ndarray
    pair: np.ndarray  # number of the hotspot among those kept
    rate: np.ndarray
    hotspots: Hotspots
    counts: Mapping[str, int]


def search_chromosome(
    chrom: str,
    rate_map: RateMap,
    codes: np.ndarray,
    hotspots: Hotspots,
    rules: Rules,
) -> Piece:
    """Sequences of the hotspots of a chromosome, each with its coldspot."""
    starts, counts = _hotspot_starts(codes, hotspots, rules)
    free = _free_bases(codes, rate_map, hotspots, starts, rules)
    gc = (codes == 1) | (codes == 2)
    rows = []
    for pair, start in enumerate(starts.tolist()):
        rows.append((start, 1, pair))
        coldspot = _nearest_coldspot(free, gc, start, rules)
        if coldspot is not None:
            rows.append((coldspot, 0, pair))
            free[coldspot : coldspot + rules.length] = False
    start, label, pair = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    sequences = codes[start[:, np.newaxis] + np.arange(rules.length)]
    rate = rate_map.mean_rate(start, start + rules.length)
    counts["without_coldspot"] = len(starts) - int((label == 0).sum())
    return Piece(chrom, sequences, start, label, pair, rate, hotspots, counts)


def _hotspot_starts(
    codes: np.ndarray, hotspots: Hotspots, rules: Rules
) -> tuple[np.ndarray, dict[str, int]]:
    """Where the sequences of the hotspots that are kept start; how many are not."""
    short = hotspots.end - hotspots.start < rules.max_length
    starts = ((hotspots.start + hotspots.end - rules.length) // 2)[short]
    inside = (starts >= 0) & (starts + rules.length <= len(codes))
    starts = starts[inside]
    known = [N_CODE not in codes[start : start + rules.length] for start in starts]
    kept = starts[np.array(known, dtype=bool)]
    counts = {
        "found": len(short),
        "too_long": int((~short).sum()),
        "off_chromosome": int((~inside).sum()),
        "with_n": len(starts) - len(kept),
        "kept": len(kept),
        "overlapping_the_one_before": int((np.diff(kept) < rules.length).sum()),
    }
    return kept, counts


def _free_bases(
    codes: np.ndarray,
    rate_map: RateMap,
    hotspots: Hotspots,
    starts: np.ndarray,
    rules: Rules,
) -> np.ndarray:
    """Bases of which coldspots may be made, as a boolean array."""
    free = np.zeros(len(codes), dtype=bool)
    first, last = _runs(rate_map.rate < rules.max_cold_rate)
    for low, high in zip(rate_map.edges[first], rate_map.edges[last], strict=True):
        free[low:high] = True
    free &= codes != N_CODE
    for low, high in zip(hotspots.start, hotspots.end, strict=True):
        free[low:high] = False
    for start in starts:
        free[start : start + rules.length] = False
    return free


def _nearest_coldspot(
    free: np.ndarray, gc: np.ndarray, hotspot: int, rules: Rules
) -> int | None:
    """Where the nearest coldspot of the hotspot that starts at a base starts."""
    length = rules.length
    content = np.count_nonzero(gc[hotspot : hotspot + length])
    # Most are near, so the search widens.
    radius = min(8 * length, rules.search)
    while True:
        low = max(hotspot - radius, 0)
        high = min(hotspot + radius + length, len(free))
        bases = _window_sums(gc[low:high], length)
        # Room for the last bit of a product such as 0.07 x 100.
        alike = np.abs(bases - content) <= rules.gc_tolerance * length + 1e-6
        whole = _window_sums(free[low:high], length) == length
        found = low + np.flatnonzero(alike & whole)
        if len(found):
            return int(found[np.abs(found - hotspot).argmin()])
        if radius == rules.search:
            return None
        radius = min(4 * radius, rules.search)


def _window_sums(values: np.ndarray, length: int) -> np.ndarray:
    """Sums of each `length` values that follow each other."""
    sums = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum(values, out=sums[1:])
    return sums[length:] - sums[:-length]


def _runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First index of each run of `True`, and the index after its last one."""
    changes = np.flatnonzero(np.diff(np.r_[False, mask, False]))
    return changes[::2], changes[1::2]
