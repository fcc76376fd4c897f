"""`rckeras check`: whether a network computes what its card says."""

import argparse

from zoo.commands import import_keras


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "name", metavar="NAME", nargs="?", help="network, see `rckeras list`"
    )
    which.add_argument("--all", action="store_true", help="check all networks")
    parser.add_argument(
        "--weights",
        metavar="PATH",
        default="default",
        help="file or name of the weights to check (default: all that can be had)",
    )


def run(args: argparse.Namespace) -> int:
    """Print what was checked; 1 if something failed."""
    import_keras()
    from zoo import check, list_models

    passed = True
    for name in list_models() if args.all else [args.name]:
        result = check(name, weights=args.weights)
        print(result, flush=True)
        passed = passed and result.passed
    return 0 if passed else 1
