"""`rckeras describe`: the card of a network."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("name", metavar="NAME", help="network, see `rckeras list`")


def run(args: argparse.Namespace) -> int:
    """Print the card."""
    from zoo import describe

    print(describe(args.name))
    return 0
