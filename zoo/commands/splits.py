"""The options --split, --target and --seed, which kinds of data share."""

import argparse

CHROMOSOMES_OR_SHARE = (
    "chromosomes of a split (test=chr8,chr9; * for all others), or the share that is "
    "drawn for it (validation=0.1); may be repeated"
)
SHARE = "the share that is drawn for a split (validation=0.1); may be repeated"


def add_split_option(
    parser: argparse.ArgumentParser, more: str = "", what: str = CHROMOSOMES_OR_SHARE
) -> None:
    """Declare --split, which may be given several times.

    Args:
        parser: Parser, or group of options.
        more: What else the help says.
        what: What the help says first.
    """
    parser.add_argument(
        "--split",
        dest="splits",
        action="append",
        type=_split,
        metavar="SPLIT=VALUE",
        help=what + more,
    )


def add_target_options(
    parser: argparse.ArgumentParser, seed_of: str = "the draw and of the shuffles"
) -> None:
    """Declare --target and --seed.

    Args:
        parser: Parser, or group of options.
        seed_of: What the seed is of.
    """
    parser.add_argument("--target", metavar="NAME", default="bound", help="its name")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help=f"of {seed_of} (default: 0)",
    )


def join_splits(
    options: list[tuple[str, float | list[str]]] | None,
) -> dict[str, float | list[str]] | None:
    """The splits that were given, as the readers take them.

    Raises:
        ValueError: If a split was given twice.
    """
    splits = dict(options or [])
    if len(splits) < len(options or []):
        raise ValueError("--split must name each split once, as in test=chr8,chr9")
    return splits or None


def _split(text: str) -> tuple[str, float | list[str]]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(
            f"must be like test=chr8,chr9 or validation=0.1. Received: {text!r}"
        )
    if "=" in value:
        raise argparse.ArgumentTypeError(
            "must be one split; give --split once for each, as in --split "
            f"validation=0.5 --split test=0.1. Received: {text!r}"
        )
    if "." in value:  # chromosomes may be called 1, and contigs KI270728.1
        try:
            return name, float(value)
        except ValueError:
            pass
    return name, value.split(",")
