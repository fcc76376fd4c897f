"""Where a projection puts the motifs of its filters: are the two strands one to it?

A projection multiplies the activations of `n` filters by a matrix of the shape
`(n, units)`. Where filter `i` alone fires, the network from there on sees row `i`: the
row is its name for the motif of filter `i`. Hawkins-Hooker, Kenlay and Reid 2018 draw
the rows of filters whose motifs are known (their Figure 3; there they are columns), and
find that those of a motif and of its reverse complement lie close together.

How close is told by the cosine of the angle between two rows, for how far a filter's
activations reach is arbitrary. Pairs of a filter that reads a known motif and one that
reads its reverse complement are compared with all pairs of filters that read different
motifs.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras
import numpy as np

from rckeras.layers import Projection1D

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rckeras.motifs.matching import Match, Matches

FAMILIES = {
    "C2H2 zinc finger": "#56B4E9",
    "leucine zipper": "#009E73",
    "Homeo domain": "#D55E00",
    "helix-loop-helix": "#CC79A7",
}
"""Colours by a part of the family's name; those of the paper's figure, with tones that
the colour-blind can tell apart."""
OTHER = "#0072B2"

_SHUFFLES = 2_000


@dataclass(frozen=True)
class Closeness:
    """How close the rows of a motif and its reverse complement lie.

    Args:
        pairs: Pairs of filters that read one motif, on different strands.
        others: Pairs of filters that read different motifs.
        cosine: Mean cosine of the pairs, from -1 to 1.
        cosine_of_others: Mean cosine of the others.
        closer: Chance that a pair lies closer than one of the others, a tie counting
            one half; 0.5 if strands mean nothing to the projection.
        p_value: Share of random namings of the filters that have as large a mean
            cosine of the pairs.
    """

    pairs: int
    others: int
    cosine: float
    cosine_of_others: float
    closer: float
    p_value: float


@dataclass(frozen=True, eq=False)
class MotifMap:
    """Rows of a projection whose filters have known motifs.

    Args:
        filters: Numbers of the filters.
        names: Names of the motifs they match best.
        families: Families of these, empty where the collection does not tell.
        strands: 1, or -1 where a filter reads the reverse complement of its motif.
        rows: Array `(filters, units)`.
        points: The rows on their first two principal components, `(filters, 2)`.
        explained: Shares of the variance that these components explain.
    """

    filters: tuple[int, ...]
    names: tuple[str, ...]
    families: tuple[str, ...]
    strands: tuple[int, ...]
    rows: np.ndarray
    points: np.ndarray
    explained: tuple[float, float]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Places, from 0, of filters that read one motif on different strands."""
        return [
            (i, j)
            for i, j in itertools.combinations(range(len(self.names)), 2)
            if self.names[i] == self.names[j] and self.strands[i] != self.strands[j]
        ]

    def closeness(self, seed: int = 0) -> Closeness:
        """How close motifs and their reverse complements lie, against random pairs.

        Args:
            seed: Integer that determines the random namings.

        Raises:
            ValueError: If no motif is read on both strands, or all filters read one.
        """
        first, second = np.triu_indices(len(self.names), k=1)
        cosines = _cosines(self.rows)
        names = np.unique(self.names, return_inverse=True)[1]
        strands = np.array(self.strands)
        same = names[first] == names[second]
        turned = same & (strands[first] != strands[second])
        if not turned.any() or same.all():
            raise ValueError(
                "some motif must be read on both strands, and another one by some "
                f"filter. Received: {self._listed()}"
            )
        values = cosines[first, second]
        pairs, others = values[turned], values[~same]
        orders = np.random.default_rng(seed).permuted(
            np.tile(np.arange(len(names)), (_SHUFFLES, 1)), axis=1
        )
        chance = cosines[orders[:, first[turned]], orders[:, second[turned]]]
        reached = chance.mean(axis=1) >= pairs.mean() - 1e-12
        return Closeness(
            pairs=len(pairs),
            others=len(others),
            cosine=float(pairs.mean()),
            cosine_of_others=float(others.mean()),
            closer=_chance_of_larger(pairs, others),
            p_value=float((reached.sum() + 1) / (_SHUFFLES + 1)),
        )

    def draw(self, ax: "Axes | None" = None) -> "Axes":
        """Draws the points, coloured by family, those of a pair joined by a line.

        Args:
            ax: Axes to draw on; `None` for those of a new figure, `axes.figure`.

        Returns:
            The axes.

        Raises:
            ImportError: If Matplotlib is missing.
        """
        from rckeras.io.figures import new_figure

        ax = new_figure(7, 6).subplots() if ax is None else ax
        for pair in self.pairs:
            ax.plot(*self.points[[*pair]].T, color="0.75", linewidth=1, zorder=1)
        groups = [_group(family) for family in self.families]
        for group in [*FAMILIES, "other"]:
            chosen = [index for index, each in enumerate(groups) if each == group]
            if chosen:
                colour = FAMILIES.get(group, OTHER)
                ax.scatter(*self.points[chosen].T, s=18, color=colour, label=group)
        for point, name, strand in zip(
            self.points, self.names, self.strands, strict=True
        ):
            label = f"{name} {'f' if strand > 0 else 'rc'}"
            place = {"xytext": (3, 3), "textcoords": "offset points"}
            ax.annotate(label, point, **place, fontsize="x-small", parse_math=False)
        ax.margins(x=0.12, y=0.05)  # room for names
        shares = [f"{share:.0%} of the variance" for share in self.explained]
        ax.set(xlabel=f"Component 1, {shares[0]}", ylabel=f"Component 2, {shares[1]}")
        ax.legend(title="Family", fontsize="small")
        return ax

    def _listed(self) -> str:
        signs = ("f" if strand > 0 else "rc" for strand in self.strands)
        return ", ".join(f"{n} {s}" for n, s in zip(self.names, signs, strict=True))


def map_motifs(
    projection: keras.Model | np.ndarray,
    matches: "Matches",
    largest_q: float = 1e-8,
) -> MotifMap:
    """Finds the rows of a projection whose filters have known motifs.

    Needs scikit-learn (`pip install "rckeras[reports]"`).

    Args:
        projection: A model with one `Projection1D` layer; or the matrix, of shape
            `(filters, units)`.
        matches: What `match_motifs` found for the motifs of all filters, in the order
            of the channels. In a network with tied weights those of the free halves:
            the other channels' rows are theirs, turned around.
        largest_q: Largest q-value of a filter's best match.

    Returns:
        The rows and their principal components.

    Raises:
        ImportError: If scikit-learn is missing.
        ValueError: If the model has no such layer or several, `matches` are those of
            another number of filters, or fewer than three filters have a match.

    Reference: Hawkins-Hooker, Kenlay and Reid 2018 (bioRxiv 412734), Figure 3: matches
    in JASPAR 2018 with a q-value below 1e-8, 44 of 700 filters.

    Example:

    ```python
    motifs = filters_to_motifs(model, codes, method="hawkinshooker2018")
    motifs = [motif and motif.trim() for motif in motifs]
    matches = match_motifs(motifs, fetch_jaspar_collection("JASPAR2018"))
    found = map_motifs(model, matches)
    print(found.closeness())
    found.draw().figure.savefig("projection.svg")
    ```
    """
    matrix = _matrix(projection, len(matches))
    best = [m for m in matches.best() if m is not None and m.q_value <= largest_q]
    if len(best) < 3:
        raise ValueError(
            f"`matches` must have three filters with a q-value up to {largest_q:g}. "
            f"Received: {len(best)} of {len(matches)}"
        )
    rows = matrix[[match.query for match in best]]
    points, explained = _principal_components(rows)
    return MotifMap(
        filters=tuple(match.query for match in best),
        names=_each(matches, best, "name"),
        families=_each(matches, best, "family"),
        strands=tuple(match.strand for match in best),
        rows=rows,
        points=points,
        explained=explained,
    )


def _matrix(projection: keras.Model | np.ndarray, filters: int) -> np.ndarray:
    """A row for each of the filters that `matches` may be of."""
    if isinstance(projection, keras.Model):
        matrix = _kernel(projection)
    else:
        matrix = np.asarray(projection, dtype="float64")
    if matrix.ndim != 2 or len(matrix) != filters:
        raise ValueError(
            "`matches` must be those of all filters of the projection, a matrix of "
            f"shape {matrix.shape}. Received: those of {filters}"
        )
    return matrix


def _kernel(model: keras.Model) -> np.ndarray:
    layers = [layer for layer in model.layers if isinstance(layer, Projection1D)]
    if len(layers) != 1:
        raise ValueError(
            "`projection` must be a model with one Projection1D layer, or a matrix. "
            f"Received: '{model.name}' with {len(layers)} of them"
        )
    kernel = np.array(keras.ops.convert_to_numpy(layers[0].kernel), dtype="float64")
    if not layers[0].revcomp:
        return kernel
    # The stored half of the units, and the other one, which reads turned around.
    both = np.concatenate([kernel, kernel[::-1, ::-1]], axis=1)
    return both[: len(both) // 2]


def _each(matches: "Matches", best: "Sequence[Match]", field: str) -> tuple[str, ...]:
    return tuple(getattr(matches.targets[match.target], field) for match in best)


def _principal_components(
    rows: np.ndarray,
) -> tuple[np.ndarray, tuple[float, float]]:
    try:
        from sklearn.decomposition import PCA
    except ImportError as error:
        raise ImportError(
            'principal components need scikit-learn: pip install "rckeras[reports]"'
        ) from error
    analysis = PCA(n_components=2, svd_solver="full")
    points = analysis.fit_transform(rows)
    return points, tuple(float(share) for share in analysis.explained_variance_ratio_)


def _cosines(rows: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    directions = rows / np.where(norms > 0, norms, 1)
    return directions @ directions.T


def _chance_of_larger(values: np.ndarray, others: np.ndarray) -> float:
    ordered = np.sort(others)
    below = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    return float((below + up_to).mean() / (2 * len(others)))


def _group(family: str) -> str:
    return next((group for group in FAMILIES if group in family), "other")
