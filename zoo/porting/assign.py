"""Setting a model's variables from an upstream file, each exactly once.

Tensors are taken out of the dictionary that a reader gives, so that leftovers show;
nothing is set unless everything fits.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def check_layers(
    model: "keras.Model", layers: Sequence[str], holds: str, source: str | Path
) -> None:
    """Check that a model has just the layers that a file has weights for.

    Args:
        model: A built model.
        layers: Names of the layers with weights.
        holds: Whose weights the file holds, for the message.
        source: The file, for the message.

    Raises:
        ValueError: If the model has other layers with weights.
    """
    found = [layer.name for layer in model.layers if layer.weights]
    if sorted(found) != sorted(layers):
        raise ValueError(
            f"{source} holds {holds} weights (layers {', '.join(layers)}); the model "
            f"is {model.name!r} (layers {', '.join(found) or 'without weights'})"
        )


def take(tensors: dict[str, np.ndarray], name: str, source: str | Path) -> np.ndarray:
    """Take a tensor out of a dictionary.

    Args:
        tensors: Tensors of the file that are not used yet.
        name: Upstream name.
        source: The file, for the message.

    Returns:
        The tensor, which `tensors` has no more.

    Raises:
        ValueError: If there is no such tensor.
    """
    if name not in tensors:
        raise ValueError(
            f"{source} has no tensor '{name}'. Not used yet: {_describe(tensors)}"
        )
    return tensors.pop(name)


def assign(
    model: "keras.Model",
    arrays: Mapping[str, np.ndarray],
    source: str | Path,
    leftovers: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Set every variable of a model, each once, or none of them.

    Args:
        model: A built model.
        arrays: Arrays by `"layer/variable"`, such as `"conv1/kernel"`; a dot reaches
            inside a layer, as in `"bilstm/forward_layer.cell.kernel"`. A variable's
            `path` will do too.
        source: The file, for the message.
        leftovers: Upstream tensors that found no place; there must be none.

    Raises:
        ValueError: Naming the file, the upstream tensors left over, the arrays without
            a variable, the variables without an array, and those that differ in shape,
            with both shapes.

    Example:

    ```python
    assign(model, {"dense/kernel": kernel, "dense/bias": bias}, source="weights.h5")
    ```
    """
    import keras

    problems = []
    if leftovers:
        problems.append(f"tensors of the file left over: {_describe(leftovers)}")
    variables = {name: _find(model, name) for name in arrays}
    for name, variable in variables.items():
        shape = tuple(arrays[name].shape)
        if variable is None:
            problems.append(f"{name} {shape} has no variable in the model")
        elif tuple(variable.shape) != shape:
            problems.append(
                f"{name} has shape {shape} in the file, {tuple(variable.shape)} in "
                "the model"
            )
    problems += _set_wrongly(model, variables)
    if problems:
        raise ValueError(
            f"{source} does not fit the model {model.name!r}: {'; '.join(problems)}"
        )
    for name, variable in variables.items():
        variable.assign(keras.ops.cast(arrays[name], variable.dtype))


def _find(model: "keras.Model", name: str) -> Any:
    paths = {variable.path: variable for variable in model.weights}
    if name in paths:
        return paths[name]
    layer_name, _, attribute = name.partition("/")
    layers = {layer.name: layer for layer in model.layers}
    try:
        return attrgetter(attribute)(layers[layer_name])
    except (KeyError, AttributeError):
        return None


def _set_wrongly(model: "keras.Model", variables: Mapping[str, Any]) -> list[str]:
    names: dict[int, list[str]] = {}
    for name, variable in variables.items():
        if variable is not None:
            names.setdefault(id(variable), []).append(name)
    twice = [" and ".join(group) for group in names.values() if len(group) > 1]
    unset = [v.path for v in model.weights if id(v) not in names]
    problems = [f"variables set twice: {', '.join(twice)}"] if twice else []
    return problems + ([f"variables not set: {', '.join(unset)}"] if unset else [])


def _describe(tensors: Mapping[str, np.ndarray]) -> str:
    found = [f"{name} {tuple(array.shape)}" for name, array in tensors.items()]
    return ", ".join(found) or "none"
