"""`rckeras fidelity`: published values beside those of the package."""

import argparse
from pathlib import Path

from zoo.commands import import_keras


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="Markdown file to write (default: standard output)",
    )
    parser.add_argument(
        "--force", action="store_true", dest="overwrite", help="replace FILE"
    )
    parser.add_argument(
        "--weights",
        metavar="NETWORK=FILE",
        nargs="+",
        type=_named_file,
        default=[],
        help="copies of published weights, such as prdm9=SavedModel.h5",
    )
    parser.add_argument(
        "--results",
        metavar="FOLDER",
        type=Path,
        help="folder with the folders of `rckeras reproduce`, each named after its "
        "experiment (default: the results in the package)",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="check every network as `rckeras check --all` does, and download "
        "published weights (minutes)",
    )
    parser.epilog = (
        "The exit code is 1 if a number differs that must be equal: a parameter count, "
        "a fact about simulated data, a recorded output. What training reaches has a "
        "verdict only."
    )


def run(args: argparse.Namespace) -> int:
    """Print the table; 1 if something differs that must not."""
    from zoo.tables import check_output, is_standard_output

    check_output(args.output, "tsv", args.overwrite)
    import_keras()
    from rckeras.io.whole import write_whole
    from zoo.fidelity import compare

    found = compare(dict(args.weights), args.results, args.full)
    if is_standard_output(args.output):
        print(found)
    else:
        write_whole(args.output, f"{found}\n")
    return 0 if found.passed else 1


def _named_file(text: str) -> tuple[str, str]:
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NETWORK=FILE")
    return name, path
