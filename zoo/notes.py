"""What a saved network must be read with: the names of its targets, and N.

They are a member of the `.keras` archive, which Keras passes over, and so go where the
file goes.
"""

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

_MEMBER = "rckeras.json"
_LARGEST = 1 << 22  # bytes; those of 919 targets are 30,000


@dataclass(frozen=True)
class Notes:
    """What is noted in the file of a network.

    Args:
        targets: Names of the outputs, in order.
        n_value: Value from 0 to 1 of the four channels for N in its training.
    """

    targets: tuple[str, ...]
    n_value: float


def write_notes(path: str | os.PathLike, notes: Notes) -> None:
    """Add notes to a file that Keras has just saved.

    Args:
        path: `.keras` file without notes.
        notes: What to note.

    Example:

    ```python
    network.save("mine.keras")
    write_notes("mine.keras", Notes(("CTCF", "MAX"), 0.25))
    ```
    """
    text = json.dumps({"targets": notes.targets, "n_value": notes.n_value}, indent=2)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(_MEMBER, text + "\n")


def read_notes(path: str | os.PathLike | None) -> Notes | None:
    """The notes in a file of a network.

    Args:
        path: Any file, or none.

    Returns:
        The notes; `None` if it holds none, as a file that Keras alone has saved.

    Raises:
        ValueError: If notes are damaged.
    """
    path = Path(path or "").expanduser()
    if not (path.is_file() and zipfile.is_zipfile(path)):
        return None
    with zipfile.ZipFile(path) as archive:
        if _MEMBER not in archive.namelist():
            return None
        if archive.getinfo(_MEMBER).file_size > _LARGEST:
            raise ValueError(f"{path}: its {_MEMBER} is too large")
        text = archive.read(_MEMBER)
    try:
        found = json.loads(text)
        return Notes(tuple(map(str, found["targets"])), float(found["n_value"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: its {_MEMBER} is damaged: {error}") from error
