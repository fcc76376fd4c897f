"""`rckeras data peaks`: windows of a genome on peaks."""

import argparse
from typing import TYPE_CHECKING

from zoo.commands.splits import add_split_option, add_target_options, join_splits

if TYPE_CHECKING:
    from rckeras.datasets import Dataset

HELP = "windows of a genome on the peaks of a narrowPeak or BED file"
SOURCES = ("peaks", "negatives", "genome")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("peaks", metavar="PEAKS", help="narrowPeak or BED file")
    add_genome_option(parser)
    parser.add_argument(
        "--length", type=int, required=True, metavar="N", help="bases of a window"
    )
    add_window_options(parser)
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--negatives",
        metavar="FILE",
        help="narrowPeak or BED file (default: a dinucleotide shuffle of each window)",
    )
    group.add_argument(
        "--no-negatives", action="store_true", help="give the windows on PEAKS alone"
    )
    add_split_option(parser)
    add_target_options(parser)
    parser.epilog = (
        "example: rckeras data peaks ctcf.narrowPeak.gz --genome hg38.fa "
        "--length 200 --split test=chr8,chr9 -o ctcf.h5"
    )


def add_genome_option(parser: argparse.ArgumentParser) -> None:
    """Declare --genome, which windows need."""
    parser.add_argument(
        "--genome",
        metavar="FASTA",
        required=True,
        help="genome of the same assembly, plain or bgzip",
    )


def add_window_options(parser: argparse.ArgumentParser) -> None:
    """Declare how windows are placed."""
    parser.add_argument(
        "--at",
        choices=("summit", "centre", "either"),
        default="summit",
        help="middle of a window: the summit, the centre of the interval, or the "
        "summit where there is one (default: summit)",
    )
    parser.add_argument(
        "--drop-missing-contigs",
        dest="missing_contigs",
        action="store_const",
        const="drop",
        default="error",
        help="leave out peaks on contigs that the genome lacks (default: an error)",
    )


def make(args: argparse.Namespace) -> "Dataset":
    """Read the windows."""
    from rckeras.datasets.peaks import load_peaks

    shuffles = None if args.no_negatives else "dinucleotide"
    return load_peaks(
        args.peaks,
        args.genome,
        length=args.length,
        at=args.at,
        negatives=args.negatives or shuffles,
        splits=join_splits(args.splits),
        missing_contigs=args.missing_contigs,
        target=args.target,
        seed=args.seed,
        progress=args.progress,
    )
