"""Parts of a page of HTML that needs no network and no scripts.

All of them escape what they are given, but for what they call HTML.
"""

from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files


def page(title: str, package: str, sections: Iterable[str]) -> str:
    """A whole page, in the reader's dark or light colours.

    Args:
        title: Its name in the browser.
        package: Package whose `report.css` has what is the page's own.
        sections: Its parts as HTML.
    """
    style = (files("zoo") / "page.css").read_text("utf-8")
    style += (files(package) / "report.css").read_text("utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def head(
    kicker: str, title: str, about: str, tiles: Iterable[tuple[str, str, str]]
) -> str:
    """The beginning of a page, with the numbers that count most.

    Args:
        kicker: What kind of page it is.
        title: Its title.
        about: A line below it.
        tiles: Name, value and note of each number; the first one stands out.
    """
    shown = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(note)}</small>"
        "</dd></div>"
        for name, value, note in tiles
    )
    return (
        f'<header><p class="kicker">{escape(kicker)}</p><h1>{escape(title)}</h1>'
        f'<p class="about">{escape(about)}</p><dl class="tiles">{shown}</dl></header>\n'
    )


def section(title: str, html: str) -> str:
    """A part of the page with a title."""
    return f"<section><h2>{escape(title)}</h2>{html}</section>\n"


def facts(lines: Mapping[str, str]) -> str:
    """Names and texts, line by line; those without a text are left out."""
    shown = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>"
        for name, text in lines.items()
        if text
    )
    return f'<dl class="facts">{shown}</dl>'


def panel(title: str, html: str, note: str = "") -> str:
    """A figure with its title, and a note below that."""
    small = f"<small>{escape(note)}</small>" if note else ""
    caption = f"<figcaption>{escape(title)}{small}</figcaption>"
    return f"<figure>{caption}{html}</figure>\n"


def scrolling(html: str) -> str:
    """What may be wider than the page, to be scrolled by touch, mouse or keys."""
    return f'<div class="wide" tabindex="0">{html}</div>'


def table(head: str, rows: Iterable[str], most: int = 20) -> str:
    """A table whose later rows are folded away.

    Args:
        head: Cells of the head as HTML.
        rows: Rows as HTML.
        most: Rows that are not folded away.
    """
    rows = list(rows)

    def show(some: list[str]) -> str:
        return scrolling(
            f"<table><thead><tr>{head}</tr></thead><tbody>\n{''.join(some)}</tbody>"
            "</table>"
        )

    if not rows[most:]:
        return show(rows)
    more = f"<summary>{len(rows) - most} more</summary>{show(rows[most:])}"
    return f"{show(rows[:most])}<details>{more}</details>"
