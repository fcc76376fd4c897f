"""Sequence logos, drawn by logomaker.

A motif's letters are as high as the bits they carry: a position's information content,
shared out by the probabilities of its bases. Other arrays, such as attributions, are
drawn as they are; letters below 0 stand on their heads.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rckeras.io.figures import import_matplotlib, new_figure
from rckeras.motifs.filters import FilterMotif
from rckeras.motifs.matching import Match, Matches
from rckeras.motifs.motif import Motif
from rckeras.sequence.alphabet import BASES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Told apart by those who do not tell red from green, too.
COLOURS = {"A": "#009E73", "C": "#0072B2", "G": "#E69F00", "T": "#D55E00"}

_FONT = "DejaVu Sans"  # comes with Matplotlib
_UNSEEN = 0.005  # of the height of the axes: such letters take time and show nothing
_LETTER = 0.22  # inches


def draw_logo(
    matrix: Motif | np.ndarray,
    ax: "Axes | None" = None,
    title: str | None = None,
    ylabel: str | None = None,
    first: int = 1,
) -> "Axes":
    """Draws a motif, or numbers for the bases of a sequence, as a logo.

    Needs logomaker (`pip install "rckeras[motifs]"`). A thousand positions take
    seconds: cut out what is to be seen.

    Args:
        matrix: A motif, drawn in bits; or heights of A, C, G, T as an array of shape
            `(length, 4)`, above or below 0, such as attributions.
        ax: Axes to draw on; `None` for those of a new figure, `axes.figure`.
        title: Title of the axes.
        ylabel: Label of the y axis; `None` for "Bits", of an array "Contribution".
        first: Number of the first position on the x axis.

    Returns:
        The axes.

    Raises:
        ImportError: If logomaker or Matplotlib is missing.
        ValueError: If `matrix` is an array of another shape, or not finite.

    Reference: Schneider and Stephens 1990, Nucleic Acids Research 18:6097; Tareen and
    Kinney 2020, Logomaker, Bioinformatics 36:2272.

    Example:

    ```python
    axes = draw_logo(load_encode_motifs(["GATA_known6"])[0])
    axes.figure.savefig("gata.svg")
    ```
    """
    of_motif = isinstance(matrix, Motif)
    heights = _bits(matrix) if of_motif else _checked(matrix)
    if ax is None:
        ax = new_figure(1.2 + _LETTER * len(heights), 2).subplots()
    low, high = (0.0, 2.0) if of_motif else _limits(heights)
    seen = np.where(np.abs(heights) > _UNSEEN * (high - low), heights, 0)
    if seen.any():  # logomaker warns of heights that are all 0
        _draw_letters(ax, seen, first)
    ax.set(
        xlabel="Position",
        ylabel=ylabel or ("Bits" if of_motif else "Contribution"),
        xlim=(first - 0.5, first + len(heights) - 0.5),
        ylim=(low, high),
        title=title or "",
    )
    _tidy(ax)
    return ax


def draw_gallery(
    motifs: Sequence[Motif | None],
    matches: Matches | None = None,
    columns: int = 4,
) -> "Figure":
    """Draws the motifs of a network's filters, each with its best match.

    A title has the name of the filter; of a reverse-complement pair the channels that
    read the motif (+) and its reverse complement (−); and the best match with its
    E-value, and with its strand, which is − where the motif is the reverse complement
    of the known one.

    Args:
        motifs: Motifs, such as those of `filters_to_motifs`; `None` is left out.
        matches: What `match_motifs` found for these motifs, in their order.
        columns: Logos side by side, at least 1.

    Returns:
        A figure.

    Raises:
        ImportError: If logomaker or Matplotlib is missing.
        ValueError: If there is no motif to draw, `matches` are those of another number
            of motifs, or `columns` is below 1.

    Example:

    ```python
    motifs = [motif and motif.trim() for motif in filters_to_motifs(model, codes)]
    known = fetch_jaspar_collection("JASPAR2018")
    figure = draw_gallery(motifs, match_motifs(motifs, known))
    figure.savefig("filters.svg")
    ```
    """
    best = _best(motifs, matches)
    shown = [index for index, motif in enumerate(motifs) if motif is not None]
    if not shown or columns < 1:
        raise ValueError(
            "`motifs` must hold a motif and `columns` be 1 or more. "
            f"Received: {len(shown)} motifs, columns={columns}"
        )
    columns = min(columns, len(shown))
    rows = -(-len(shown) // columns)
    width = max(len(motifs[index]) for index in shown) * _LETTER * 0.7 + 0.9
    figure = new_figure(columns * max(width, 3), 1.9 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, index in zip(axes, shown, strict=False):
        draw_logo(motifs[index], ax)
        ax.set_title(_title(motifs[index], best[index], matches), fontsize="small")
    for ax in axes[len(shown) :]:
        ax.remove()
    return figure


def _bits(motif: Motif) -> np.ndarray:
    return motif.probabilities * motif.information_content[:, None]


def _checked(matrix: np.ndarray) -> np.ndarray:
    heights = np.asarray(matrix, dtype="float64")
    if heights.ndim != 2 or heights.shape[1] != len(BASES) or not len(heights):
        raise ValueError(
            "`matrix` must be a Motif, or have the shape (length, 4), bases in the "
            f"order A, C, G, T. Received: shape {heights.shape}"
        )
    if not np.isfinite(heights).all():
        row = int(np.flatnonzero(~np.isfinite(heights).all(axis=1))[0])
        raise ValueError(
            "`matrix` must have finite numbers. "
            f"Received: {heights[row].tolist()} in row {row}"
        )
    return heights


def _limits(heights: np.ndarray) -> tuple[float, float]:
    """Heights of the highest and the lowest pile of letters, with a margin."""
    low = np.minimum(heights, 0).sum(axis=1).min()
    high = np.maximum(heights, 0).sum(axis=1).max()
    if low == high:
        return -1.0, 1.0
    margin = 0.05 * (high - low)
    return (low - margin if low < 0 else 0.0), (high + margin if high > 0 else 0.0)


def import_logomaker() -> Any:
    """The module `logomaker`.

    Raises:
        ImportError: If it or Matplotlib is missing; the message says how to get it.
    """
    import_matplotlib()
    try:
        import logomaker
    except ImportError as error:
        raise ImportError(
            'logos are drawn by logomaker: pip install "rckeras[motifs]"'
        ) from error
    return logomaker


def _draw_letters(ax: "Axes", heights: np.ndarray, first: int) -> None:
    logomaker = import_logomaker()
    import pandas  # which logomaker brings

    index = range(first, first + len(heights))
    table = pandas.DataFrame(heights, index=index, columns=list(BASES))
    logomaker.Logo(table, ax=ax, color_scheme=COLOURS, font_name=_FONT)


def _tidy(ax: "Axes") -> None:
    ticker = import_matplotlib().ticker
    ax.title.set_parse_math(False)
    ax.xaxis.set_major_locator(ticker.MaxNLocator(8, integer=True, min_n_ticks=1))
    ax.ticklabel_format(axis="x", useOffset=False, style="plain")
    ax.yaxis.set_major_locator(ticker.MaxNLocator(4))
    ax.spines[["top", "right"]].set_visible(False)


def _best(
    motifs: Sequence[Motif | None], matches: Matches | None
) -> Sequence[Match | None]:
    if matches is None:
        return [None] * len(motifs)
    if len(matches) != len(motifs):
        raise ValueError(
            "`matches` must be those of `motifs`, in their order. "
            f"Received: {len(matches)} for {len(motifs)} motifs"
        )
    return matches.best()


def _title(motif: Motif, match: Match | None, matches: Matches | None) -> str:
    name = motif.name
    if isinstance(motif, FilterMotif) and motif.partner is not None:
        name = f"{name} (+{motif.channel} \N{MINUS SIGN}{motif.partner})"
    if matches is None:
        return name
    if match is None:
        return f"{name}\nno match"
    target = matches.targets[match.target]
    strand = "+" if match.strand > 0 else "\N{MINUS SIGN}"
    return f"{name}\n{target.name} ({strand}) E={match.e_value:.1g}"
