"""`rckeras data deepbind`: peaks as the authors of DeepBind prepared them."""

import argparse
from typing import TYPE_CHECKING

from zoo.commands.splits import SHARE, add_split_option, add_target_options, join_splits

if TYPE_CHECKING:
    from rckeras.datasets import Dataset

HELP = "an experiment in DeepBind's format (_AC.seq.gz, _B.seq.gz)"
SOURCES = ("train", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("train", metavar="TRAIN", help="training peaks: NAME_AC.seq.gz")
    parser.add_argument(
        "test",
        metavar="TEST",
        nargs="?",
        help="held-out peaks and their negatives: NAME_B.seq.gz",
    )
    parser.add_argument(
        "--negatives",
        choices=("dinucleotide", "file"),
        default="dinucleotide",
        help="for training: a dinucleotide shuffle of each peak, or the rows of TRAIN "
        "with Bound 0 (default: dinucleotide)",
    )
    add_split_option(parser, what=SHARE)
    add_target_options(parser)
    parser.epilog = (
        "example: rckeras data deepbind YY1_AC.seq.gz YY1_B.seq.gz "
        "--split validation=0.1 -o yy1.h5"
    )


def make(args: argparse.Namespace) -> "Dataset":
    """Read the files."""
    from rckeras.datasets.deepbind import load_deepbind

    return load_deepbind(
        args.train,
        args.test,
        negatives=args.negatives,
        splits=join_splits(args.splits),
        target=args.target,
        seed=args.seed,
    )
