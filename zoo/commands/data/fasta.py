"""`rckeras data fasta`: bound and unbound sequences from FASTA files."""

import argparse
from typing import TYPE_CHECKING

from zoo.commands.splits import add_split_option, add_target_options, join_splits

if TYPE_CHECKING:
    from rckeras.datasets import Dataset

HELP = "bound and unbound sequences from two FASTA files"
SOURCES = ("positives", "negatives", "test_positives", "test_negatives")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("positives", metavar="POSITIVES", help="FASTA file")
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "negatives",
        metavar="NEGATIVES",
        nargs="?",
        help="FASTA file (default: a dinucleotide shuffle of each positive)",
    )
    group.add_argument(
        "--no-negatives", action="store_true", help="give the positives alone"
    )
    parser.add_argument("--test-positives", metavar="FASTA", help="for the test")
    parser.add_argument("--test-negatives", metavar="FASTA", help="for the test")
    _add_length_options(parser)
    add_split_option(parser)
    add_target_options(parser)
    parser.epilog = (
        "example: rckeras data fasta bound.fa open.fa --split validation=0.1 "
        "-o bound.h5"
    )


def _add_length_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--length",
        type=int,
        metavar="N",
        help="bases of a sequence (default: those of the first one)",
    )
    parser.add_argument(
        "--fit",
        choices=("error", "crop", "pad", "both"),
        default="error",
        help="for sequences of another length: crop longer ones to their centre, pad "
        "shorter ones with N, or both (default: error)",
    )


def make(args: argparse.Namespace) -> "Dataset":
    """Read the files."""
    from rckeras.datasets.fasta import load_fasta_pair

    shuffles = None if args.no_negatives else "dinucleotide"
    return load_fasta_pair(
        args.positives,
        args.negatives or shuffles,
        test_positives=args.test_positives,
        test_negatives=args.test_negatives,
        length=args.length,
        fit=args.fit,
        splits=join_splits(args.splits),
        target=args.target,
        seed=args.seed,
    )
