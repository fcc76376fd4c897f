"""TensorBoard's view of a training: an event folder to which later calls add."""

import importlib
from pathlib import Path

_EVENTS = "*/events.out.tfevents.*"


def check_events(folder: Path, overwrite: bool) -> None:
    """Check, before any work is done, that events can be written to a folder.

    Args:
        folder: Folder of the training.
        overwrite: Whether it may hold events of another training.

    Raises:
        ImportError: If a package is missing; the message says how to install it.
        FileExistsError: If it may not and does.
    """
    try:
        for name in ("tensorboard", "tensorflow.summary"):
            importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            "logs for TensorBoard need tensorboard and TensorFlow: "
            'pip install "rckeras[tensorboard]"'
        ) from error
    if not overwrite and any(folder.glob(_EVENTS)):
        raise FileExistsError(
            f"{folder} has the events of another training; choose another folder, or "
            "replace them with overwrite=True (--force)"
        )


def clear_events(folder: Path) -> None:
    """Remove the events of a training."""
    for path in folder.glob(_EVENTS):
        path.unlink()
