"""Weights of Keras 3: any network, in files of `save_weights` and of `save`.

Format: HDF5, `/layers/CLASS_N/.../vars/J`: the layers of the model in order, each under
its class in snake case with a number from the second of its class on (`dense`,
`dense_1`). A `.keras` archive has this file as `model.weights.h5`. Keras itself loads
both; here is what it leaves out: a model that a file does not fit keeps its weights,
and a layer of the file that the model does not have is an error. So is, in an archive,
which says how its layers compute, one that does so in another way: networks that
differ in their pools alone have arrays of the same shapes.
"""

import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.porting.files import detect_format, open_hdf5, read_config

if TYPE_CHECKING:
    import keras

_SUFFIXES = {"keras3": ".weights.h5", "keras": ".keras"}

# What decides how a layer computes, and does not show in the shapes of its weights.
_DECISIVE = (
    *("activation", "recurrent_activation", "negative_slope"),
    *("strides", "padding", "dilation_rate", "pool_size"),
    *("go_backwards", "merge_mode"),
)


def port(path: str | Path, model: "keras.Model") -> None:
    """Set the weights of a model from a file of Keras 3.

    Args:
        path: File of `model.save_weights` or `model.save`.
        model: A functional or sequential model with the layers of the file.

    Raises:
        ValueError: If file and model do not fit; the model is left as it was.

    Example:

    ```python
    port("mine.weights.h5", model)
    ```
    """
    suffix = _SUFFIXES[detect_format(path)]
    if not str(path).endswith(suffix):
        raise ValueError(
            f"{path} is a file of Keras 3, which loads it by its name: rename it to "
            f"end in {suffix}"
        )
    known = set(layer_groups(model).values())
    over = sorted({name.split("/")[1] for name in read_shapes(path)} - known)
    if over:
        raise _misfit(path, model, f"layers of the file left over: {', '.join(over)}")
    if suffix == ".keras":
        _check_layers(path, model)
    before = model.get_weights()
    try:
        # On its way to an error Keras warns of every container it passes.
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            model.load_weights(path)
    except (ValueError, TypeError, OSError, KeyError) as error:
        model.set_weights(before)
        raise _misfit(path, model, str(error).partition("\n")[0]) from error


def head_width(path: str | Path, model: "keras.Model") -> int | None:
    """Number of outputs of the last layer in a file.

    Args:
        path: File of `model.save_weights` or `model.save`.
        model: The same network, with any number of outputs.

    Returns:
        The number; `None` if the file has no weights for the model's last layer.
    """
    folder = f"layers/{layer_groups(model)[model.layers[-1].name]}/vars/"
    shapes = [s for name, s in read_shapes(path).items() if name.startswith(folder)]
    return shapes[-1][-1] if shapes else None


def layer_groups(model: "keras.Model") -> dict[str, str]:
    """Group of each layer in a file.

    Args:
        model: A functional or sequential model.

    Returns:
        Names of groups by name of the layer, such as `{"predictions": "dense_1"}`.
    """
    groups = _number(type(layer).__name__ for layer in model.layers)
    return {
        layer.name: group for layer, group in zip(model.layers, groups, strict=True)
    }


def _number(classes: Iterable[str]) -> list[str]:
    """Names of classes in snake case, numbered from the second one of each on."""
    counts: Counter[str] = Counter()
    groups = []
    for name in classes:
        words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
        kind = re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
        groups.append(f"{kind}_{counts[kind]}" if counts[kind] else kind)
        counts[kind] += 1
    return groups


def read_shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays of all layers in a file.

    Args:
        path: File of `model.save_weights` or `model.save`.

    Returns:
        Shapes by name, such as `"layers/dense_1/vars/0"`.

    Raises:
        ValueError: If the file is damaged.
    """
    shapes = {}

    def note(name: str, item) -> None:
        if hasattr(item, "shape"):
            shapes[f"layers/{name}"] = item.shape

    with open_hdf5(path) as file:
        if "layers" in file:
            file["layers"].visititems(note)
    return shapes


def _check_layers(path: str | Path, model: "keras.Model") -> None:
    """Refuse an archive whose layers compute in another way than the model's."""
    import keras

    saved = read_config(path)["config"].get("layers", [])
    groups = _number(layer["class_name"] for layer in saved)
    configs = {
        group: layer["config"] for group, layer in zip(groups, saved, strict=True)
    }
    for name, group in layer_groups(model).items():
        layer = keras.saving.serialize_keras_object(model.get_layer(name))
        here, there = _plain(layer["config"]), _plain(configs.get(group, {}))
        for key in _DECISIVE:
            if key in here and key in there and here[key] != there[key]:
                raise _misfit(
                    path,
                    model,
                    f"its layer {there.get('name')!r} has {key}={there[key]!r}, and "
                    f"{name!r} has {here[key]!r}",
                )


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as it comes back from JSON, without numbers of its own."""

    def drop(entry: dict[str, Any]) -> dict[str, Any]:
        return {key: entry[key] for key in entry if key != "shared_object_id"}

    return json.loads(json.dumps(config, default=str), object_hook=drop)


def _misfit(path: str | Path, model: "keras.Model", reason: str) -> ValueError:
    return ValueError(f"{path} does not hold the weights of '{model.name}': {reason}")
