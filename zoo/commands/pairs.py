"""DATA and NEGATIVES: a dataset or two FASTA files, for the commands that train."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.splits import add_split_option, join_splits

if TYPE_CHECKING:
    from rckeras.datasets import Dataset


def add_data_arguments(
    parser: argparse.ArgumentParser, nargs: str | None = None
) -> None:
    """Declare DATA and NEGATIVES.

    Args:
        parser: Parser.
        nargs: `"?"` if DATA may be left out.
    """
    parser.add_argument(
        "data",
        metavar="DATA",
        nargs=nargs,
        help="dataset that `rckeras data` has written, or FASTA file of what is bound",
    )
    parser.add_argument(
        "negatives",
        metavar="NEGATIVES",
        nargs="?",
        help="FASTA file of what is unbound, if DATA is one",
    )


def add_fasta_options(parser: argparse.ArgumentParser) -> None:
    """Declare what is for FASTA files alone; --length is the command's own."""
    group = parser.add_argument_group(
        "FASTA files", "`rckeras data fasta` has more options"
    )
    group.add_argument("--test-positives", metavar="FASTA", help="for the test")
    group.add_argument("--test-negatives", metavar="FASTA", help="for the test")
    group.add_argument(
        "--fit",
        choices=("error", "crop", "pad", "both"),
        help="for sequences of another length: crop longer ones to their centre, pad "
        "shorter ones with N, or both (default: error)",
    )
    add_split_option(group, "; drawn alike whatever the --seed")


def open_data(args: argparse.Namespace) -> "tuple[Dataset | str, Sequence[str]]":
    """Make a dataset of the FASTA files, if they are ones.

    Args:
        args: What these options and --length were given.

    Returns:
        The dataset or its file, and the FASTA files that it was made from.

    Raises:
        ValueError: If options do not fit each other or the files.
        OSError: If a file cannot be read.
    """
    options = ("test_positives", "test_negatives", "fit", "splits")
    if args.negatives is None:
        given = [name for name in options if getattr(args, name) is not None]
        if given:
            option = given[0].removesuffix("s" * (given[0] == "splits"))
            raise ValueError(
                f"--{option.replace('_', '-')} is for FASTA files, bound and unbound: "
                f"DATA NEGATIVES. Received: {args.data} alone"
            )
        if _is_fasta(args.data):
            raise ValueError(
                f"{args.data} is a FASTA file, of what is bound, and needs a second "
                "one of what is not: DATA NEGATIVES. `rckeras data fasta` makes a "
                "dataset of one alone, with shuffled sequences as negatives"
            )
        return args.data, ()
    from rckeras.datasets import load_fasta_pair

    sources = [args.data, args.negatives, args.test_positives, args.test_negatives]
    sources = [path for path in sources if path is not None]
    if args.fit in (None, "error"):
        _check_lengths(sources, args.length)
    dataset = load_fasta_pair(
        args.data,
        args.negatives,
        test_positives=args.test_positives,
        test_negatives=args.test_negatives,
        length=args.length,
        fit=args.fit or "error",
        splits=join_splits(args.splits),
    )
    return dataset, sources


def _is_fasta(path: str) -> bool:
    from rckeras.io.text import open_text

    if not Path(path).is_file():
        return False
    try:
        with open_text(path) as lines:
            return next(iter(lines), "").startswith(">")
    except (ValueError, OSError):
        return False


def _check_lengths(paths: Sequence[str], length: int | None) -> None:
    """Refuse sequences of several lengths, with what would work."""
    from rckeras.io import read_fasta

    for path in paths:
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path} is no file; FASTA files are read twice")
    found = Counter(
        len(record.sequence) for path in paths for record in read_fasta(path)
    )
    usual = max(found, key=found.get, default=None)
    wanted = length or usual
    if set(found) - {wanted}:
        raise ValueError(
            f"the sequences have {min(found)} to {max(found)} bases, most often "
            f"{usual}, and a network reads one length. For example --length {wanted} "
            "--fit both cuts longer ones to their centre and puts N around shorter ones"
        )
