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

__all__ = ["FORMATS", "PORTERS", "count_targets", "detect_format", "port_weights"]

PORTERS = {
    "keras3": "zoo.porting.keras3",
    "keras": "zoo.porting.keras3",
    "keras2": "zoo.porting.keras2",
    "keras0": "zoo.porting.keras0",
    "torch": "zoo.porting.torch_deepsea",
}


def port_weights(
    path: str | Path, model: "keras.Model", format: str | None = None
) -> None:
    """Set a model's weights from a file, whatever format published them.

    Args:
        path: File of weights.
        model: A model of the family and sizes that the file holds, from
            `zoo.architectures`: DanQ or DanQ-JASPAR for `"keras0"`, PRDM9 for
            `"keras2"`, DeepSEA for `"torch"`, any for the formats of Keras 3, and for
            HDF5 of Keras 2 that `model.save` of Keras 3 wrote.
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
    importlib.import_module(PORTERS[found]).port(path, model)


def count_targets(path: str | Path, model: "keras.Model") -> int | None:
    """Number of targets of the network whose weights a file holds.

    Args:
        path: File of weights.
        model: The same network with its last layer, of any number of targets.

    Returns:
        The number in a file of Keras 3, `None` if it was saved without the last layer.
        Published files of other formats have as many as the model, or do not fit.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If its format is unknown, or it is damaged.

    Example:

    ```python
    count_targets("tuned.weights.h5", zoo.build("prdm9"))  # 5
    ```
    """
    if PORTERS[detect_format(path)] != "zoo.porting.keras3":
        return model.output_shape[-1]
    from zoo.porting.keras3 import head_width

    return head_width(path, model)
