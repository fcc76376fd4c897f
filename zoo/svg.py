"""Figures of Matplotlib as parts of a page of HTML, in the page's own colours."""

import io
import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Black, white and the first curve of a figure have the colours of the page, dark or
# light.
_COLOURS = {
    "#000000": "currentColor",
    "#ffffff": "var(--card)",
    "#1f77b4": "var(--mark)",
}
_HEAD = re.compile(r".*?<svg [^>]*?viewBox=\"([^\"]*)\"[^>]*>", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->\s*", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_LONG = re.compile(r"(\d+\.\d\d)\d+")


def inline_svg(figure: "Figure", name: str, about: str) -> str:
    """A figure as an `svg` element that is as wide as its place.

    Args:
        figure: Figure of Matplotlib.
        name: Word, unique in the page, that the ids within begin with.
        about: What the figure shows, for those who cannot see it.

    Returns:
        The element; the same for the same figure.
    """
    from rckeras.io.figures import import_matplotlib

    text = io.StringIO()
    rules = {"svg.hashsalt": "rckeras", "svg.fonttype": "none"}
    with import_matplotlib().rc_context(rules):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = _COMMENT.sub("", _METADATA.sub("", text.getvalue()))
    # Hundredths of a point cannot be seen; what is written stays as it is.
    svg = _TAG.sub(lambda tag: _LONG.sub(r"\1", tag[0]), svg)
    for colour, variable in _COLOURS.items():
        svg = svg.replace(colour, variable)
    for before in (' id="', "url(#", 'xlink:href="#'):
        svg = svg.replace(before, f"{before}{name}-")

    def head(found: re.Match) -> str:
        return f'<svg viewBox="{found[1]}" role="img" aria-label="{escape(about)}">'

    return _HEAD.sub(head, svg, count=1).strip()
