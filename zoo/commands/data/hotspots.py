"""`rckeras data hotspots`: hotspots of recombination and matched coldspots."""

import argparse
from typing import TYPE_CHECKING

from zoo.commands.splits import add_split_option, join_splits

if TYPE_CHECKING:
    from rckeras.datasets import Dataset

HELP = (
    "hotspots of recombination, told by a mixture with a probability set by hand, and "
    "coldspots near them (after Brown and Lunter 2018)"
)
SOURCES = ("maps", "genome")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "maps",
        metavar="MAP",
        nargs="+",
        help="recombination map in the layout of HapMap, 1000 Genomes (the chromosome "
        "in the file's name) or SHAPEIT and GLIMPSE; plain, gzip or bgzip",
    )
    parser.add_argument(
        "--genome",
        metavar="FASTA",
        required=True,
        help="genome of the same assembly, plain or bgzip",
    )
    _add_search_options(parser)
    add_split_option(parser, " (default: validation=0.15, test=0.085)")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of the draw for the splits (default: 0)",
    )
    parser.epilog = (
        "example: rckeras data hotspots genetic_map_GRCh37_chr*.txt.gz "
        "--genome hg19.fa -o hotspots.h5"
    )


def _add_search_options(parser: argparse.ArgumentParser) -> None:
    options = {
        "--length": (int, 1000, "bases of a sequence"),
        "--max-length": (int, 4000, "hotspots are shorter than this, in bases"),
        "--search": (int, 300_000, "most bases from a hotspot to its coldspot"),
        "--gc-tolerance": (float, 0.1, "most that their GC contents differ by"),
        "--max-cold-rate": (float, 0.5, "rate below which coldspots are, cM/Mb"),
    }
    for name, (kind, default, what) in options.items():
        parser.add_argument(
            name,
            type=kind,
            default=default,
            metavar="N" if kind is int else "X",
            help=f"{what} (default: {default})",
        )
    parser.add_argument(
        "--hot-probability",
        type=_probability,
        default=0.01,
        metavar="P",
        help="probability that a stretch between markers is hot whatever the one "
        "before, set by hand to come near the published hotspots; or trained, for a "
        "Markov chain, which makes hotspots longer and weaker (default: 0.01)",
    )


def _probability(text: str) -> float | None:
    return None if text == "trained" else float(text)


def make(args: argparse.Namespace) -> "Dataset":
    """Find the hotspots and their coldspots."""
    from rckeras.datasets.hotspots import BROWN_SPLITS, load_hotspots

    return load_hotspots(
        args.maps,
        args.genome,
        hot_probability=args.hot_probability,
        length=args.length,
        max_length=args.max_length,
        search=args.search,
        gc_tolerance=args.gc_tolerance,
        max_cold_rate=args.max_cold_rate,
        splits=join_splits(args.splits) or BROWN_SPLITS,
        seed=args.seed,
        progress=args.progress,
    )
