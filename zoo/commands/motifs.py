"""`rckeras motifs`: what the filters of a network look for."""

import argparse
import sys

from zoo.commands import add_output_options, add_source_options, import_keras

# Those of rckeras, whose import would take seconds.
METHODS = ("koo2019", "koo2019_code", "hawkinshooker2018", "brown2018")
DISTANCES = ("euclidean", "pearson")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "model", metavar="NAME", help="network, see `rckeras list`, or a .keras file"
    )
    parser.add_argument(
        "path",
        metavar="DATA",
        help="sequences of the kind the network was trained on: FASTA, BED with "
        "--genome, or a dataset that `rckeras data` has written",
    )
    parser.epilog = (
        "example: rckeras motifs koo-cnn-25 koo.h5 --split test -o motifs. Writes "
        "filters.meme, filters.jaspar, matches.tsv and filters.svg"
    )
    _add_input_options(parser)
    _add_filter_options(parser)
    _add_matching_options(parser)
    group = parser.add_argument_group("output")
    add_output_options(
        group,
        "folder to write, made if need be",
        "replace files in FOLDER",
        required=True,
        metavar="FOLDER",
    )


def _add_input_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input")
    add_source_options(group)
    group.add_argument(
        "--max-sequences",
        type=int,
        default=10_000,
        metavar="N",
        help="sequences looked at, spread evenly over all (default: 10000)",
    )


def _add_filter_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("filters")
    group.add_argument(
        "--weights",
        metavar="PATH",
        default="default",
        help="file or name of the weights (default: the network's first)",
    )
    group.add_argument("--layer", help="name of the convolution (default: the first)")
    group.add_argument(
        "--method",
        choices=METHODS,
        default=METHODS[0],
        help="which places count: from each sequence above 70%% of the largest "
        "activation its maximum (koo2019), every place above half of it "
        "(koo2019_code), the maximum of every sequence in which the filter fires "
        "(hawkinshooker2018), or of the 100 that drive it most (brown2018); default: "
        "koo2019",
    )
    group.add_argument(
        "--threshold",
        type=float,
        metavar="X",
        help="share of the largest activation, instead of that of the method",
    )
    group.add_argument(
        "--top",
        type=int,
        metavar="N",
        help="sequences that count for a filter, instead of those of the method",
    )
    group.add_argument(
        "--batch-size",
        type=int,
        default=128,
        metavar="N",
        help="sequences per step (default: 128)",
    )


def _add_matching_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("known motifs")
    group.add_argument(
        "--known",
        metavar="RELEASE",
        default="JASPAR2016",
        help="release of JASPAR, or a file in the MEME format (default: JASPAR2016)",
    )
    group.add_argument(
        "--taxon",
        default="vertebrates",
        help="group of a release, such as plants; all for all (default: vertebrates)",
    )
    group.add_argument(
        "--evalue",
        type=float,
        default=0.1,
        metavar="X",
        help="largest E-value of a match (default: 0.1)",
    )
    group.add_argument(
        "--distance",
        choices=DISTANCES,
        default=DISTANCES[0],
        help="how columns are compared (default: euclidean)",
    )


def run(args: argparse.Namespace) -> int:
    """Write the folder, and say on stderr what was found."""
    import_keras()
    from zoo.motifs import find_motifs

    options = vars(args)
    options["taxon"] = None if args.taxon == "all" else args.taxon
    found = find_motifs(**options)
    if args.progress:
        print(found, file=sys.stderr)
    return 0
