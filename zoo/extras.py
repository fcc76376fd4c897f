"""What the extras of the package bring, to be asked for before work is begun."""

import importlib.util
from collections.abc import Iterable

LIBRARIES = {
    "reports": ("sklearn", "scipy", "matplotlib"),
    "metrics": ("sklearn",),
    "motifs": ("pyjaspar", "logomaker", "matplotlib"),
    "genome": ("pyfaidx", "Bio"),
}


def check_extras(extras: Iterable[str], needed_by: str) -> None:
    """Rather before hours of training than after them.

    Args:
        extras: Extras as `pip install "rckeras[reports]"` has them.
        needed_by: What needs them.

    Raises:
        ImportError: If a library of theirs is not installed.
    """
    for extra in extras:
        for library in LIBRARIES[extra]:
            if importlib.util.find_spec(library) is None:
                raise ImportError(
                    f"{needed_by} needs {library}, which is not installed: "
                    f'pip install "rckeras[{extra}]"'
                )
