"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table, names in its first column and numbers in the others.

    Args:
        head: Headings of the columns.
        rows: A text for each column.

    Returns:
        The lines.

    Example:

    >>> table(["network", "AUROC"], [["RC", "0.880"]])
    ['| network | AUROC |', '| --- | --: |', '| RC | 0.880 |']
    """
    rule = ["---", *["--:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]
