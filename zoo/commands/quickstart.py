"""`rckeras quickstart`: a first run that needs no file and no download."""

import argparse
import sys

from zoo.commands import import_keras


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command: there are none."""


def run(args: argparse.Namespace) -> int:
    """Run it."""
    import_keras()
    from zoo import quickstart

    quickstart.run(sys.stdout)
    return 0
