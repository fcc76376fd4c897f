"""In which of two sets of sequences a motif is found more often, and how surely.

A motif is looked for as a pattern of letters with N's, on both strands. The unit is the
sequence: with `a` of `A` sequences of the one set and `b` of `B` of the other that have
the pattern, the odds ratio is `a (B - b) / (b (A - a))`, and Fisher's exact test says
how likely counts as uneven would be if it were 1. P-values are multiplied by the number
of patterns tested (Bonferroni).

Brown and Lunter 2018, Table 2, has such numbers, but its "odds ratios" are the ratios
`a / b`, and its p-values do not follow from the counts beside them; how they were made
is not known. `PRINTED` has that table, so that both can be seen side by side.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rckeras.motifs.filters import as_codes
from rckeras.motifs.motif import Motif
from rckeras.sequence.alphabet import BASES, IUPAC, reverse_complement_string
from rckeras.sequence.codes import N_CODE

_BLOCK = 1 << 22  # bases looked at in one go
_HEADER = (
    *("motif", "hot", "hot_sequences", "hot_total"),
    *("cold", "cold_sequences", "cold_total"),
    *("odds_ratio", "low", "high", "p_value", "corrected_p_value"),
    *("printed_ratio", "printed_p_value"),
)


class PrintedRow(NamedTuple):
    """A row of Brown and Lunter 2018, Table 2, as it is printed.

    Args:
        pattern: The motif.
        total_hot: Found in hotspots, all of them.
        total_cold: Found in coldspots, all of them.
        hot: Found in the hotspots held out.
        cold: Found in the coldspots held out.
        ratio: What the table calls odds ratio.
        p_value: Corrected p-value.
    """

    pattern: str
    total_hot: int
    total_cold: int
    hot: int
    cold: int
    ratio: float
    p_value: float


PRINTED = (
    PrintedRow("CANNNNTNNTNNNNNNNCCCC", 2045, 1186, 83, 38, 2.16, 2.03e-8),
    PrintedRow("CANNNNTNNTNNNNNNNCCCCC", 652, 251, 29, 8, 3.63, 1.4e-5),
    PrintedRow("CANNNNTNNTNNNNNNNCCNCC", 3919, 2933, 158, 109, 1.45, 4.7e-6),
    PrintedRow("CCNCCNTNNCCNC", 5695, 3418, 436, 265, 1.64, 3.92e-29),
    PrintedRow("CCTCCCTNNCCAC", 400, 77, 57, 14, 4.07, 5.34e-12),
    PrintedRow("CCNCC", 22370, 22273, 1431, 1496, 0.96, 0.31),
)
PRINTED_TOTALS = 1454, 1530  # hotspots and coldspots held out


@dataclass(frozen=True)
class Enrichment:
    """How often a pattern is found in two sets of sequences.

    Args:
        pattern: The pattern, in IUPAC letters.
        hot: Places in the first set where it reads on either strand; a place where it
            reads on both counts once.
        hot_sequences: Sequences of the first set with such a place.
        hot_total: Sequences of the first set.
        cold: Places in the second set.
        cold_sequences: Sequences of the second set with such a place.
        cold_total: Sequences of the second set.
        odds_ratio: Odds of a sequence of the first set to have it, by those of the
            second set; infinity where all of the first or none of the second have it,
            NaN where all or none of both.
        interval: Where the odds ratio lies with a confidence of 95%.
        p_value: That of Fisher's exact test, two-sided.
        corrected: `p_value` times the number of patterns tested, at most 1.
    """

    pattern: str
    hot: int
    hot_sequences: int
    hot_total: int
    cold: int
    cold_sequences: int
    cold_total: int
    odds_ratio: float
    interval: tuple[float, float]
    p_value: float
    corrected: float


@dataclass(frozen=True)
class EnrichmentTable(Sequence):
    """What `measure_enrichment` found, a row for each pattern.

    `str(table)` is tab-separated. A pattern of Brown and Lunter's Table 2 has what is
    printed there as "odds ratio" and p-value in the last two columns.

    Args:
        rows: The rows, in the order of the patterns.
    """

    rows: tuple[Enrichment, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Enrichment:
        return self.rows[index]

    def __iter__(self) -> Iterator[Enrichment]:
        return iter(self.rows)

    def __str__(self) -> str:
        return "\n".join("\t".join(row) for row in [_HEADER, *map(_cells, self.rows)])


def measure_enrichment(
    patterns: Sequence[str | Motif],
    hot: np.ndarray,
    cold: np.ndarray,
) -> EnrichmentTable:
    """Tests whether patterns are found more often in one set of sequences.

    Needs SciPy (`pip install "rckeras[reports]"`). To be believed, the sequences must
    be others than those in which the patterns were found.

    Args:
        patterns: Words of IUPAC letters; or motifs, which stand for `motif_pattern` of
            them.
        hot: Base codes `(sequences, length)` or one-hot codes
            `(sequences, length, 4)` of the first set, such as hotspots. An N of a
            sequence is found by an N of a pattern alone.
        cold: Those of the second set.

    Returns:
        A row for each pattern.

    Raises:
        ImportError: If SciPy is missing.
        TypeError: If `patterns` is a single word.
        ValueError: If a pattern is empty, longer than the sequences, or has a letter
            that is no IUPAC code.

    Reference: Brown and Lunter 2018, Bioinformatics 35:2177, Table 2.

    Example:

    >>> from rckeras.sequence import base_codes
    >>> hot = base_codes(["AACCTCCAA", "TTGGAGGTT", "ACGTACGTA"])
    >>> cold = base_codes(["AACCTGCAA", "TTGGTGGTT"])
    >>> [row] = measure_enrichment(["CCNCC"], hot, cold)
    >>> row.hot_sequences, row.cold_sequences, row.odds_ratio
    (2, 1, 2.0)
    """
    words = _words(patterns)
    sets = as_codes(hot), as_codes(cold)
    rows = []
    for word in words:
        (hot_places, with_hot), (cold_places, with_cold) = (
            count_pattern(codes, word) for codes in sets
        )
        counts = (with_hot, len(sets[0]), with_cold, len(sets[1]))
        ratio, interval, p_value = fisher_test(*counts)
        rows.append(
            Enrichment(
                pattern=word,
                hot=hot_places,
                hot_sequences=with_hot,
                hot_total=len(sets[0]),
                cold=cold_places,
                cold_sequences=with_cold,
                cold_total=len(sets[1]),
                odds_ratio=ratio,
                interval=interval,
                p_value=p_value,
                corrected=min(1.0, p_value * len(words)),
            )
        )
    return EnrichmentTable(tuple(rows))


def fisher_test(
    hot: int, hot_total: int, cold: int, cold_total: int
) -> tuple[float, tuple[float, float], float]:
    """Fisher's exact test of two shares.

    Args:
        hot: Sequences of the first set that have a motif.
        hot_total: Sequences of the first set.
        cold: Sequences of the second set that have it.
        cold_total: Sequences of the second set.

    Returns:
        The odds ratio, its interval of 95% confidence, and the two-sided p-value.

    Raises:
        ImportError: If SciPy is missing.
        ValueError: If more sequences have the motif than there are.

    Example: what follows from a row of Brown and Lunter's table.

    >>> row = PRINTED[4]
    >>> ratio, interval, p = fisher_test(row.hot, 1454, row.cold, 1530)
    >>> row.pattern, f"{row.ratio} printed, {ratio:.2f} by odds"
    ('CCTCCCTNNCCAC', '4.07 printed, 4.42 by odds')
    >>> f"p: {row.p_value} printed, {6 * p:.1e} by the test"
    'p: 5.34e-12 printed, 2.8e-07 by the test'
    """
    if not (0 <= hot <= hot_total and 0 <= cold <= cold_total):
        raise ValueError(
            "`hot` and `cold` must be from 0 to their totals. "
            f"Received: {hot} of {hot_total} and {cold} of {cold_total}"
        )
    try:
        from scipy.stats import fisher_exact
    except ImportError as error:
        raise ImportError(
            'enrichment is tested by SciPy: pip install "rckeras[reports]"'
        ) from error
    table = np.array([[hot, cold], [hot_total - hot, cold_total - cold]])
    if not table.sum(axis=1).all() or not table.sum(axis=0).all():
        return np.nan, (0.0, np.inf), 1.0
    inside, outside = hot * (cold_total - cold), cold * (hot_total - hot)
    return (
        inside / outside if outside else np.inf,
        _exact_interval(hot, hot_total, cold, cold_total),
        float(fisher_exact(table).pvalue),
    )


def _exact_interval(
    hot: int, hot_total: int, cold: int, cold_total: int, level: float = 0.95
) -> tuple[float, float]:
    """Odds ratios at which the counts are not too uneven, given their sums.

    As `scipy.stats.contingency.odds_ratio` has it, which takes minutes for counts of
    some ten thousands: there each probability is summed up anew.
    """
    from scipy.optimize import brentq
    from scipy.special import logsumexp
    from scipy.stats import hypergeom

    found = hot + cold
    counts = np.arange(max(0, found - cold_total), min(found, hot_total) + 1)
    even = hypergeom(hot_total + cold_total, hot_total, found).logpmf(counts)

    def excess(log_ratio: float, tail: np.ndarray) -> float:
        weights = even + counts * log_ratio
        return logsumexp(weights[tail]) - logsumexp(weights) - np.log((1 - level) / 2)

    def limit(tail: np.ndarray) -> float:
        return float(np.exp(brentq(excess, -100, 100, args=(tail,), xtol=1e-9)))

    low = 0.0 if hot == counts[0] else limit(counts >= hot)
    high = np.inf if hot == counts[-1] else limit(counts <= hot)
    return low, high


def count_pattern(codes: np.ndarray, pattern: str) -> tuple[int, int]:
    """Counts the places where a pattern reads on either strand.

    Args:
        codes: Base codes `(sequences, length)`.
        pattern: A word of IUPAC letters, not longer than the sequences.

    Returns:
        The places, one on both strands counted once; and the sequences with one.
    """
    if not pattern or codes.shape[1] < len(pattern):
        raise ValueError(
            f"`patterns` must be words of 1 to {codes.shape[1]} letters, as long as "
            f"the sequences. Received: {pattern!r}"
        )
    strands = _accepted(pattern), _accepted(reverse_complement_string(pattern))
    places = sequences = 0
    step = max(1, _BLOCK // codes.shape[1])
    for start in range(0, len(codes), step):
        block = codes[start : start + step]
        found = np.logical_or(*(_places(block, accepted) for accepted in strands))
        places += int(found.sum())
        sequences += int(found.any(axis=1).sum())
    return places, sequences


def motif_pattern(motif: Motif, threshold: float = 1.0) -> str:
    """A motif as a word: its most frequent bases, and N where they tell little.

    Args:
        motif: The motif.
        threshold: Bits, from 0 to 2, below which a position is N. N's at the ends are
            cut off.

    Returns:
        The word; empty if no position has as many bits.

    Example:

    >>> rows = [[9, 0, 1, 0], [1, 1, 1, 1], [0, 9, 0, 0], [3, 2, 2, 3]]
    >>> motif_pattern(Motif.from_counts("box", rows))
    'ANC'
    """
    if not 0 <= threshold <= 2:
        raise ValueError(f"`threshold` must be from 0 to 2 bits. Received: {threshold}")
    informative = motif.information_content >= threshold
    letters = zip(motif.consensus, informative, strict=True)
    return "".join(base if told else "N" for base, told in letters).strip("N")


def _words(patterns: Sequence[str | Motif]) -> list[str]:
    if isinstance(patterns, str | Motif):
        raise TypeError(f"`patterns` must be a list. Received: {patterns!r}")
    words = [p if isinstance(p, str) else motif_pattern(p) for p in patterns]
    for word in words:
        unknown = sorted(set(word.upper()) - set(IUPAC))
        if unknown or not word:
            raise ValueError(
                "`patterns` must be words of IUPAC letters, or motifs that have a "
                f"position of 1 bit. Received: {word!r}"
            )
    return [word.upper() for word in words]


def _accepted(pattern: str) -> np.ndarray:
    """Which base codes each letter stands for, `(length, codes)`; N for unknown, too"""
    accepted = np.zeros((len(pattern), N_CODE + 1), dtype=bool)
    for row, letter in zip(accepted, pattern, strict=True):
        row[[BASES.index(base) for base in IUPAC[letter]]] = True
        row[N_CODE] = letter == "N"
    return accepted


def _places(codes: np.ndarray, accepted: np.ndarray) -> np.ndarray:
    """Whether a pattern reads at each place, `(sequences, places)`."""
    places = codes.shape[1] - len(accepted) + 1
    found = np.ones((len(codes), places), dtype=bool)
    for offset, row in enumerate(accepted):
        if not row.all():
            found &= row[codes[:, offset : offset + places]]
    return found


def _cells(row: Enrichment) -> tuple[str, ...]:
    printed = {known.pattern: known for known in PRINTED}.get(row.pattern)
    return (
        row.pattern,
        *(str(x) for x in (row.hot, row.hot_sequences, row.hot_total)),
        *(str(x) for x in (row.cold, row.cold_sequences, row.cold_total)),
        *(f"{x:.4g}" for x in (row.odds_ratio, *row.interval)),
        *(f"{x:.3g}" for x in (row.p_value, row.corrected)),
        *((f"{printed.ratio:g}", f"{printed.p_value:g}") if printed else ("", "")),
    )
