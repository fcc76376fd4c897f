"""Published weights in their original formats: one upstream format a file.

A format's module explains the format, reads it, and maps upstream names to layers and
variables with every transposition named. Every upstream tensor is used once, every
variable set once; whatever does not fit raises and leaves the model as it was.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.porting.files import FORMATS, detect_format

if TYPE_CHECKING:
    import keras

__all__ = ["FORMATS", "detect_format", "port_weights"]

_PORTERS = {
    "keras2": "zoo.porting.keras2",
    "keras0": "zoo.porting.keras0",
    "torch": "zoo.porting.torch_deepsea",
}
_SUFFIXES = {"keras3": ".weights.h5", "keras": ".keras"}


def port_weights(
    path: str | Path, model: "keras.Model", format: str | None = None
) -> None:
    """Set a model's weights from a file, whatever format published them.

    Args:
        path: File of weights.
        model: A model of the family and sizes that the file holds, from
            `zoo.architectures`: DanQ or DanQ-JASPAR for `"keras0"`, PRDM9 for
            `"keras2"`, DeepSEA for `"torch"`, any for the formats of Keras 3.
        format: `"keras3"`, `"keras"`, `"keras2"`, `"keras0"`, `"torch"`, or `None` to
            find it from the content of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If torch is needed and not installed.
        ValueError: If the format is unknown or another than `format`, the file damaged,
            or file and model do not fit.

    Example:

    ```python
    from zoo.architectures.brown import prdm9

    model = prdm9()
    port_weights("SavedModel.h5", model)
    ```
    """
    if format is not None and format not in FORMATS:
        raise ValueError(
            f"`format` must be one of {', '.join(FORMATS)}, or None. "
            f"Received format={format!r}"
        )
    found = detect_format(path)
    if format not in (None, found):
        raise ValueError(
            f"{path} has the format {found!r} ({FORMATS[found]}). Received "
            f"format={format!r}"
        )
    if found in _PORTERS:
        importlib.import_module(_PORTERS[found]).port(path, model)
    else:
        _load_own(path, model, _SUFFIXES[found])


def _load_own(path: str | Path, model: "keras.Model", suffix: str) -> None:
    if not str(path).endswith(suffix):
        raise ValueError(
            f"{path} is a file of Keras 3, which loads it by its name: rename it to "
            f"end in {suffix}"
        )
    try:
        model.load_weights(path)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{path} does not hold the weights of '{model.name}': {reason}"
        ) from error
