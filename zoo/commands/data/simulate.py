"""`rckeras data simulate`: the simulated data of the papers."""

import argparse
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rckeras.datasets import Dataset

HELP = "the simulated data of a paper, with the truth about what was planted"
SOURCES = ()

PAPERS = ("shrikumar2017", "brown2018", "hawkinshooker2018", "koo2019")
_NUMBERS = ("sequences", "length")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "paper", choices=PAPERS, help="the paper whose data to simulate"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of all random draws (default: 0)",
    )
    parser.add_argument(
        "--sequences",
        type=int,
        default=argparse.SUPPRESS,
        metavar="N",
        help="number of sequences (default: the paper's)",
    )
    parser.add_argument(
        "--length",
        type=int,
        default=argparse.SUPPRESS,
        metavar="N",
        help="bases of a sequence (default: the paper's)",
    )
    parser.epilog = "example: rckeras data simulate koo2019 --seed 1 -o koo.h5"


def make(args: argparse.Namespace) -> "Dataset":
    """Simulate the sequences."""
    module = importlib.import_module(f"rckeras.datasets.{args.paper}")
    simulate = getattr(module, f"simulate_{args.paper}")
    given = {name: value for name, value in vars(args).items() if name in _NUMBERS}
    return simulate(args.seed, progress=args.progress, **given)
