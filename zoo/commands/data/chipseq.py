"""`rckeras data chipseq`: peaks of a factor against unbound open chromatin."""

import argparse
from typing import TYPE_CHECKING

from zoo.commands.data.peaks import add_genome_option, add_window_options
from zoo.commands.splits import add_split_option, add_target_options, join_splits

if TYPE_CHECKING:
    from rckeras.datasets import Dataset

HELP = "a factor's peaks against open chromatin without it (Shrikumar et al. 2017)"
SOURCES = ("peaks", "controls", "relaxed", "genome")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "peaks", metavar="PEAKS", help="the factor's reproducible peaks: narrowPeak"
    )
    parser.add_argument(
        "controls", metavar="CONTROLS", help="open chromatin (DNase, ATAC): narrowPeak"
    )
    add_genome_option(parser)
    _add_relaxed_options(parser)
    parser.add_argument(
        "--length",
        type=int,
        default=1000,
        metavar="N",
        help="bases of a window (default: 1000)",
    )
    add_window_options(parser)
    _add_split_options(parser)
    add_target_options(parser, "the draw, where --split gives shares")
    parser.epilog = (
        "example: rckeras data chipseq ctcf.narrowPeak.gz dnase.narrowPeak.gz "
        "--genome hg19.fa --relaxed ctcf.relaxed.narrowPeak.gz --paper-splits chr1 "
        "-o ctcf.h5"
    )


def _add_split_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--paper-splits",
        dest="preset",
        choices=("chr1", "chr21", "genome"),
        help="splits of the paper: train on chr1, validate on chr17; train on chr21, "
        "validate on chr22; or validate on chr1, test on chr2. The rest is for the "
        "test, or, with genome, for training",
    )
    add_split_option(group)


def _add_relaxed_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--relaxed",
        metavar="PEAKS",
        help="the factor's relaxed peaks, which no negative overlaps (default: PEAKS)",
    )
    parser.add_argument(
        "--top-relaxed",
        type=int,
        default=150_000,
        metavar="N",
        help="how many of the relaxed peaks count (default: 150000)",
    )
    parser.add_argument(
        "--rank-by",
        choices=("signal", "p_value", "q_value"),
        default="signal",
        help="column that ranks the relaxed peaks (default: signal)",
    )


def make(args: argparse.Namespace) -> "Dataset":
    """Read the windows."""
    from rckeras.datasets.chipseq import load_chipseq

    return load_chipseq(
        args.peaks,
        args.controls,
        args.genome,
        relaxed_peaks=args.relaxed,
        top_relaxed=args.top_relaxed,
        rank_by=args.rank_by,
        length=args.length,
        at=args.at,
        splits=args.preset or join_splits(args.splits),
        missing_contigs=args.missing_contigs,
        target=args.target,
        seed=args.seed,
        progress=args.progress,
    )
