"""Which known motifs a motif resembles, as TOMTOM tells it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rckeras.motifs.motif import Motif
from rckeras.motifs.tomtom import SCORES, compare

_HEADER = (
    *("query", "target", "name", "p-value", "E-value", "q-value"),
    *("offset", "overlap", "strand"),
)


@dataclass(frozen=True, slots=True)
class Match:
    """A target that resembles a query.

    Args:
        query: Number of the query, from 0.
        target: Number of the target, from 0.
        p_value: Chance that a random target of this length, its columns drawn from
            those of all targets, fits as well.
        e_value: `p_value` times the number of targets: so many are expected to fit as
            well by chance.
        q_value: Smallest rate of false discoveries at which this match is one, over
            the targets of its query (Benjamini and Hochberg 1995).
        offset: Place of the query's first position, counted from the target's first
            position; negative if the query starts before. If `strand` is -1, the
            target is read as its reverse complement.
        overlap: Positions that lie beside each other.
        strand: 1, or -1 where the reverse complement of the target fits better.
    """

    query: int
    target: int
    p_value: float
    e_value: float
    q_value: float
    offset: int
    overlap: int
    strand: int


@dataclass(frozen=True, eq=False)
class Matches:
    """What `match_motifs` found: for each query its matches, the best first.

    `matches[i]` are those of query `i`; `str(matches)` is a table, tab-separated.

    Args:
        queries: The queries, `None` where there was no motif.
        targets: The targets.
        found: For each query a tuple of its matches, in the order of their p-values.
        threshold_e: The largest E-value of a match.
    """

    queries: tuple[Motif | None, ...]
    targets: tuple[Motif, ...]
    found: tuple[tuple[Match, ...], ...]
    threshold_e: float

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[tuple[Match, ...]]:
        return iter(self.found)

    def __getitem__(self, query: int) -> tuple[Match, ...]:
        return self.found[query]

    def __str__(self) -> str:
        rows = [self._row(match) for matches in self.found for match in matches]
        return "\n".join("\t".join(row) for row in [_HEADER, *rows])

    def best(self) -> list[Match | None]:
        """The match with the smallest p-value of each query, `None` without one."""
        return [matches[0] if matches else None for matches in self.found]

    def fraction_matched(
        self, evalue: float = 0.1, among: Collection[str] | None = None
    ) -> float:
        """Share of the queries that match a target; those without a motif do not.

        Args:
            evalue: Largest E-value that counts, at most `threshold_e`.
            among: Names or identifiers of the targets that count; `None` for all.

        Returns:
            A number from 0 to 1.

        Raises:
            TypeError: If `among` is a single name.
            ValueError: If `evalue` is above `threshold_e`, or no target is `among`
                those that count.

        Reference: Koo and Eddy 2019, tables 1 and 2: "JASPAR" counts all targets,
        "Relevant" those of the factors whose motifs were planted.
        """
        if evalue > self.threshold_e:
            raise ValueError(
                f"`evalue` must be at most {self.threshold_e}, the `threshold_e` that "
                f"these matches were kept with. Received: {evalue}"
            )
        counted = self._indices(among)
        matched = [
            any(m.e_value <= evalue and m.target in counted for m in matches)
            for matches in self.found
        ]
        return sum(matched) / len(matched)

    def _indices(self, among: Collection[str] | None) -> set[int]:
        if isinstance(among, str):
            raise TypeError(f"`among` must be a set of names. Received: {among!r}")
        indices = {
            index
            for index, target in enumerate(self.targets)
            if among is None or target.name in among or target.matrix_id in among
        }
        if not indices:
            raise ValueError(
                "`among` must hold the name or identifier of a target. "
                f"Received: {sorted(among)}"
            )
        return indices

    def _row(self, match: Match) -> tuple[str, ...]:
        query, target = self.queries[match.query], self.targets[match.target]
        return (
            query.matrix_id or query.name,
            target.matrix_id,
            target.name,
            *(f"{x:.3g}" for x in (match.p_value, match.e_value, match.q_value)),
            *(str(match.offset), str(match.overlap), "+" if match.strand > 0 else "-"),
        )


def match_motifs(
    queries: Sequence[Motif | None],
    targets: Sequence[Motif],
    threshold_e: float = 0.1,
    distance: str = "euclidean",
) -> Matches:
    """Finds the known motifs that each of some motifs resembles.

    The statistics are those of TOMTOM, which `rckeras.motifs.tomtom` states. They take
    the columns of all targets for what is found by chance, so a collection of some
    hundred motifs is wanted; with a few, p-values mean little.

    Of the 320 filters of DanQ that its authors have published, with what TOMTOM said of
    them, 153 match a vertebrate motif of JASPAR 2016. By correlation the best match is
    the same for 141 of them (92%); for the other 12 it is the second one, and TOMTOM
    itself gives the two p-values that differ less than twofold: most are motifs of one
    family (JUN and JUNB, RFX1 and RFX3), which rounding puts in this or that order.
    Of what memelite, a library for the same, says, which has the Euclidean distance
    alone, 62% agree; by that distance its p-values are those of here.

    Motifs are compared as they are. TOMTOM mixes a tenth of a count of the background
    into each column before, which changes p-values little.

    Args:
        queries: Motifs, such as those of filters; `None` has no match. Ends without
            information are best cut by `Motif.trim` before, for they are compared,
            too.
        targets: Known motifs, at least two.
        threshold_e: Largest E-value of the matches that are kept, above 0.
        distance: How two columns are compared: `"euclidean"`, the default of TOMTOM
            4.12 and so that of Koo and Eddy 2019; or `"pearson"`, correlation, with
            which the published matches of DanQ's filters are found again. By
            distance, columns without information resemble each other; by correlation
            they do not.

    Returns:
        The matches of each query.

    Raises:
        ValueError: If there is no query, fewer than two targets, `threshold_e` is not
            above 0, or `distance` is unknown.

    Reference: Gupta et al. 2007, Genome Biology 8:R24. Koo and Eddy 2019 keep matches
    with an E-value up to 0.1.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> known = [Motif(f"M{i}", rng.dirichlet([0.2] * 4, 10)) for i in range(50)]
    >>> matches = match_motifs([known[7].reverse_complement(), None], known)
    >>> [match.target for match in matches[0]], matches[0][0].strand, matches[1]
    ([7], -1, ())
    >>> matches.fraction_matched()
    0.5
    """
    queries, targets = tuple(queries), tuple(targets)
    _check(queries, targets, threshold_e, distance)
    arrays = [target.probabilities for target in targets]
    found = tuple(
        ()
        if query is None
        else _matches(index, query.probabilities, arrays, threshold_e, distance)
        for index, query in enumerate(queries)
    )
    return Matches(queries, targets, found, threshold_e)


def _check(queries: tuple, targets: tuple, threshold_e: float, distance: str) -> None:
    if not queries or len(targets) < 2:
        raise ValueError(
            "`queries` must hold a motif and `targets` two, at least. "
            f"Received: {len(queries)} and {len(targets)}"
        )
    if not threshold_e > 0:
        raise ValueError(f"`threshold_e` must be above 0. Received: {threshold_e}")
    if distance not in SCORES:
        raise ValueError(
            f"`distance` must be one of {list(SCORES)}. Received: {distance!r}"
        )


def _matches(
    index: int,
    query: np.ndarray,
    targets: list[np.ndarray],
    threshold_e: float,
    distance: str,
) -> tuple[Match, ...]:
    similarity = compare(query, targets, distance)
    e_values = similarity.p_values * len(targets)
    order = np.argsort(similarity.p_values, kind="stable")
    ranked = e_values[order] / np.arange(1, len(targets) + 1)
    q_values = np.minimum.accumulate(ranked[::-1])[::-1]
    return tuple(
        Match(
            query=index,
            target=int(target),
            p_value=float(similarity.p_values[target]),
            e_value=float(e_values[target]),
            q_value=float(q_value),
            offset=int(similarity.offsets[target]),
            overlap=int(similarity.overlaps[target]),
            strand=int(similarity.strands[target]),
        )
        for target, q_value in zip(order, q_values, strict=True)
        if e_values[target] <= threshold_e
    )
