"""Outputs that take long to write: begun once, continued after an interruption.

While `PATH` is written it is called `PATH.part`, and `PATH.progress.json` says of which
sources it is made, and how many steps are done and safe on the disk.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rckeras.datasets.file import open_hdf5, sidecar_of


class Unfinished:
    """The unfinished form of an HDF5 file.

    Args:
        path: Name of the finished file.
        identity: Whatever must be the same for an earlier run to be continued, as
            JSON holds it.
    """

    def __init__(self, path: Path, identity: dict[str, Any]):
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self.journal = path.with_name(f"{path.name}.progress.json")
        self.identity = identity
        self.done = 0

    def resume(self, overwrite: bool) -> bool:
        """Takes up an earlier run.

        Args:
            overwrite: Whether an earlier run with another identity may be dropped.

        Returns:
            Whether there is one that can be continued.

        Raises:
            ValueError: If there is one with another identity.
        """
        earlier = self._read()
        if earlier is None:
            return False
        done, identity = earlier
        if identity == self.identity:
            self.done = done
            return True
        if overwrite:
            return False
        other = [k for k, v in self.identity.items() if identity.get(k) != v]
        raise ValueError(
            f"{self.part} is of an interrupted conversion with other "
            f"{', '.join(other)}; delete it, or begin anew with overwrite=True "
            "(--force)"
        )

    def begin(self, make: Callable[[Path], None], needed: int) -> None:
        """Makes the file, at its full size.

        Args:
            make: Function that writes an HDF5 file with all its arrays allocated.
            needed: Bytes that it needs, more or less.

        Raises:
            OSError: If the disk has too little space.
        """
        self.journal.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)
        _check_space(self.part, needed)
        make(self.part)
        _reserve(self.part)
        self._write()

    def advance(self) -> None:
        """Records that one more step is done."""
        self.done += 1
        self._write()

    def finish(self) -> None:
        """Gives the file, and its sidecar, their names."""
        self.part.replace(self.path)
        sidecar_of(self.part).replace(sidecar_of(self.path))
        self.journal.unlink()

    def _read(self) -> tuple[int, dict[str, Any]] | None:
        try:
            earlier = json.loads(self.journal.read_text(encoding="utf-8"))
            with open_hdf5(self.part):
                return earlier["done"], dict(earlier["identity"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # nothing that could be continued

    def _write(self) -> None:
        text = json.dumps({"done": self.done, "identity": self.identity})
        new = self.journal.with_name(f"{self.journal.name}.new")
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.journal)


def _check_space(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise OSError(
            errno.ENOSPC,
            f"the disk has too little space: {needed:,} bytes are needed, {free:,} "
            "are free",
            str(path),
        )


def _reserve(path: Path) -> None:
    """Takes the space on the disk; mapped into a full disk, a write would be fatal."""
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("rb+") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                path.unlink()
                raise
        os.fsync(file.fileno())
