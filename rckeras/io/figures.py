"""Figures in files: the same bytes each time, and there only when complete."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rckeras.io.whole import complete_or_none

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".pdf", ".png")


def new_figure(width: float, height: float) -> "Figure":
    """Makes an empty figure that belongs to no window.

    Args:
        width: Inches.
        height: Inches.

    Raises:
        ImportError: If Matplotlib is missing; the message says how to install it.
    """
    matplotlib = import_matplotlib()
    return matplotlib.figure.Figure(figsize=(width, height), layout="constrained")


def write_figure(figure: "Figure", path: str | os.PathLike) -> None:
    """Writes a figure; one that is there is replaced.

    Args:
        figure: The figure.
        path: File to write; its suffix, `.svg`, `.pdf` or `.png`, says the format.

    Raises:
        ValueError: If the suffix is another one.
    """
    path = check_suffix(path)
    plain = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix)
    matplotlib = import_matplotlib()
    with (
        matplotlib.rc_context({"svg.hashsalt": "rckeras"}),
        complete_or_none(path) as part,
    ):
        figure.savefig(part, format=path.suffix[1:], metadata=plain, dpi=150)
        if path.suffix == ".svg":
            part.write_text(_rounded(part.read_text("utf-8")), "utf-8")


def check_suffix(path: str | os.PathLike) -> Path:
    """The path of a figure, whose suffix says a format."""
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(
            f"`path` of a figure must end in {', '.join(SUFFIXES)}. Received: {path}"
        )
    return path


def import_matplotlib() -> Any:
    """The module `matplotlib`, with what draws to files.

    Raises:
        ImportError: If Matplotlib is missing; the message says how to install it.
    """
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ImportError(
            'figures are drawn by Matplotlib: pip install "rckeras[reports]"'
        ) from error
    return matplotlib


def _rounded(svg: str) -> str:
    """Outlines with two decimals, where a pixel is about one: half the size."""
    return re.sub(
        r' d="[^"]+"',
        lambda found: re.sub(r"\d+\.\d{3,}", _two_decimals, found[0]),
        svg,
    )


def _two_decimals(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}"
