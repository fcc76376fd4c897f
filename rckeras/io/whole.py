"""Files that are there when they are complete, and not before."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def complete_or_none(path: str | os.PathLike) -> Iterator[Path]:
    """Lets a file be written under another name, and gives it its own at the end.

    Args:
        path: File that is to be there, or replaced, when the block has ended; if the
            block fails, all is as it was. Of a link, the file that it leads to.

    Returns:
        Context manager whose value is the path to write to, in the same folder.

    Example:

    ```python
    with complete_or_none("table.tsv") as part:
        part.write_text("a\\tb\\n")
    ```
    """
    path = Path(path).resolve()
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike, text: str) -> None:
    """Writes a text file, in UTF-8, that gets its name when it is complete."""
    with complete_or_none(path) as part:
        part.write_text(text, encoding="utf-8")
