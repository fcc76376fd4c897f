"""Subcommands of `rckeras`, one a file, each a thin face of one public function."""

import argparse
import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

# Those of rckeras, whose import would take seconds.
FITS = ("error", "crop", "pad", "both")
SPLITS = ("train", "validation", "test")


def add_source_options(
    parser: argparse._ActionsContainer,
    fit: str = "for sequences of another length than the network's, as in predict "
    "(default: error)",
) -> None:
    """Declare --genome, --split and --fit, for sequences of any kind of file.

    Args:
        parser: Parser, or group of options.
        fit: Help of --fit.
    """
    parser.add_argument(
        "--genome", metavar="FASTA", help="genome of the intervals of a BED file"
    )
    parser.add_argument(
        "--split", choices=SPLITS, help="sequences of a dataset (default: all)"
    )
    parser.add_argument("--fit", choices=FITS, default="error", help=fit)


def add_n_value(parser: argparse._ActionsContainer) -> None:
    """Declare --n-value, of a network that is trained."""
    parser.add_argument(
        "--n-value",
        type=float,
        metavar="X",
        help="value of the four channels for N (default: as the network was trained)",
    )


def add_samples(
    parser: argparse._ActionsContainer,
    samples: str = "predictions are means over N networks sampled by Monte Carlo "
    "dropout (default: dropout off)",
    default: int | None = None,
) -> None:
    """Declare --mc-samples and --seed, of Bayesian networks.

    Args:
        parser: Parser, or group of options.
        samples: Help of --mc-samples.
        default: Number of samples if none is given; `None` for dropout off.
    """
    parser.add_argument(
        "--mc-samples", type=int, default=default, metavar="N", help=samples
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the samples (default: 0)"
    )


def add_output_options(
    parser: argparse.ArgumentParser,
    file: str = "file to write (default: standard output)",
    force: str = "replace FILE",
    required: bool = False,
    metavar: str = "FILE",
) -> None:
    """Declare -o, --force and --quiet.

    Args:
        parser: Parser, or group of options.
        file: Help of -o.
        force: Help of --force.
        required: Whether -o must be given.
        metavar: What -o is.
    """
    parser.add_argument("-o", "--output", metavar=metavar, required=required, help=file)
    parser.add_argument("--force", action="store_true", dest="overwrite", help=force)
    parser.add_argument(
        "--quiet",
        action="store_false",
        dest="progress",
        help="neither bar nor summary on standard error",
    )


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what native code writes to stderr, unless there is an exception."""
    with tempfile.TemporaryFile() as held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@contextlib.contextmanager
def resumable(progress: bool) -> Iterator[None]:
    """Tells, if a block is interrupted, that its work is not lost."""
    try:
        yield
    except KeyboardInterrupt:
        if progress:
            print("\ninterrupted; the same command goes on", file=sys.stderr)
        raise


def import_keras() -> None:
    """Import Keras without the start-up messages of its backend."""
    sys.stderr.flush()
    with quiet_stderr():
        import keras

        keras.ops.zeros(())  # backends look for devices at the first operation
    # TensorFlow takes several models in one process for a mistake ("retracing").
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
