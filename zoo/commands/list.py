"""`rckeras list`: the networks of the zoo."""

import argparse

HEADINGS = ("NETWORK", "BASES", "TARGETS", "STRANDS", "WEIGHTS")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "pattern",
        metavar="PATTERN",
        nargs="?",
        default="*",
        help="only names like this, such as 'koo-*'",
    )


def run(args: argparse.Namespace) -> int:
    """Print a line for each network."""
    from zoo import describe, list_models

    cards = [describe(name) for name in list_models(args.pattern)]
    if not cards:
        raise ValueError(
            f"no network is called like {args.pattern!r}; see `rckeras list`"
        )
    rows = [HEADINGS]
    for card in cards:
        weights = ", ".join(entry.name for entry in card.weights) or "-"
        counts = str(card.sequence_length), str(len(card.targets))
        rows.append((card.name, *counts, card.strand_symmetry, weights))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    return 0
