"""`rckeras report`: a page about what a network has learnt."""

import argparse
import sys

from zoo.commands import add_n_value, add_output_options, add_samples, import_keras

SPLITS = ("train", "validation", "test", "all")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "model", metavar="NAME", help="network, see `rckeras list`, or a .keras file"
    )
    parser.add_argument(
        "--data",
        dest="path",
        metavar="DATA",
        required=True,
        help="dataset that `rckeras data` has written",
    )
    parser.epilog = (
        "The page is one file, and opens without network: metrics with ROC and "
        "precision-recall curves, strand symmetry, filters with the known motifs they "
        "resemble, contributions of bases, calibration and, of Bayesian networks, "
        "accuracy against rejection. "
        "Example: rckeras report koo-cnn-25 --data koo.h5 -o koo-cnn-25.html"
    )
    _add_data_options(parser)
    _add_network_options(parser)
    _add_motif_options(parser)
    group = parser.add_argument_group("output")
    add_output_options(group, "file of HTML to write", required=True)


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    group.add_argument(
        "--split", choices=SPLITS, default="test", help="sequences (default: test)"
    )
    group.add_argument(
        "--targets",
        metavar="NAME",
        nargs="+",
        help="targets of the dataset to measure (default: all)",
    )
    group.add_argument(
        "--max-sequences",
        type=int,
        default=2_000,
        metavar="N",
        help="sequences looked at beyond the metrics, spread evenly over the split "
        "(default: 2000)",
    )
    add_n_value(group)


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    group.add_argument(
        "--weights",
        metavar="PATH",
        default="default",
        help="file or name of the weights (default: the network's first)",
    )
    add_samples(
        group,
        "networks sampled by Monte Carlo dropout of a Bayesian one (default: 50)",
        default=50,
    )
    group.add_argument(
        "--batch-size",
        type=int,
        default=128,
        metavar="N",
        help="sequences per step (default: 128)",
    )


def _add_motif_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("motifs")
    group.add_argument(
        "--layer",
        metavar="NAME",
        help="convolution whose filters are shown (default: the first)",
    )
    group.add_argument(
        "--known",
        metavar="MOTIFS",
        default="JASPAR2016",
        help="release of JASPAR, or a file in the MEME format (default: JASPAR2016)",
    )
    group.add_argument(
        "--taxon",
        default="vertebrates",
        help="taxonomic group of a release, or all (default: vertebrates)",
    )
    group.add_argument(
        "--explain",
        type=int,
        default=4,
        metavar="N",
        help="sequences whose bases are explained (default: 4)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the page, and say the means on stderr."""
    import_keras()
    from zoo.report import report_file

    options = vars(args)
    options["taxon"] = None if args.taxon == "all" else args.taxon
    found = report_file(**options)
    if args.progress:
        print(found, file=sys.stderr)
    return 0
