"""Weights of Keras 2: the networks of Brown and Lunter 2018.

Format: HDF5. The attribute `layer_names` lists the layers, each is a group whose
attribute `weight_names` lists its datasets, as in `/conv1d_1/conv1d_1/kernel:0`. A
whole saved model has the same below the group `/model_weights`.

Upstream the convolutions are untied in form and tied in value: kernel `k` and bias
`b` obey `k == k[::-1, ::-1, ::-1]` and `b == b[::-1]`. `RevCompConv1D` stores half of
them and makes the other half by that rule.

| upstream                 | here                   | change                          |
|--------------------------|------------------------|---------------------------------|
| n-th conv1d, kernel      | conv{n}/kernel         | first half of the filters       |
| n-th conv1d, bias        | conv{n}/bias           | first half                      |
| dense, kernel and bias   | predictions/kernel, bias | none                          |

`model.save("x.h5")` of Keras 3 writes the same format. A file whose layers and
variables are those of the model, of whichever network, is taken as it is.

Channels are A,C,G,T on both sides. A model built with `equivariant=False` has plain
convolutions and takes kernels and biases whole.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.porting.assign import assign, check_layers, take
from zoo.porting.files import open_hdf5, read_array

if TYPE_CHECKING:
    import keras


def read_keras2(path: str | Path) -> dict[str, np.ndarray]:
    """Read the tensors of a Keras 2 file.

    Args:
        path: HDF5 file.

    Returns:
        Arrays by `"layer/weight"`, such as `"conv1d_1/kernel"`, in the file's order.

    Raises:
        ValueError: If the file is damaged or not of this format.
    """
    tensors = {}
    with open_hdf5(path) as file:
        root = file.get("model_weights", file)
        if "layer_names" not in root.attrs:
            raise ValueError(f"{path} has no attribute `layer_names`: not of Keras 2")
        for layer in map(_text, root.attrs["layer_names"]):
            group = _member(root, layer, path)
            for weight in map(_text, group.attrs.get("weight_names", ())):
                inner = weight.removeprefix(f"{layer}/").removesuffix(":0")
                name = f"{layer}/{inner}"
                if name in tensors:
                    raise ValueError(f"{path} has two tensors '{name}'")
                tensors[name] = read_array(_member(group, weight, path), path)
    return tensors


def layer_names(tensors: dict[str, np.ndarray]) -> dict[str, str]:
    """Name our layer for each upstream layer.

    Upstream numbers grow with every layer made in a session, so only their order
    counts.

    Args:
        tensors: What `read_keras2` returns.

    Returns:
        Our names by upstream name, such as `{"conv1d_1": "conv1"}`. Layers that are
        neither convolution nor dense keep their name.

    Example:

    >>> layer_names({"conv1d_4/kernel": None, "dense_2/kernel": None})
    {'conv1d_4': 'conv1', 'dense_2': 'predictions'}
    """
    names: dict[str, str] = {}
    convolutions = 0
    for upstream in dict.fromkeys(name.split("/")[0] for name in tensors):
        names[upstream] = upstream
        if upstream.startswith("conv1d"):
            convolutions += 1
            names[upstream] = f"conv{convolutions}"
        elif upstream.startswith("dense"):
            names[upstream] = "predictions"
    return names


def port(path: str | Path, model: "keras.Model") -> None:
    """Set the weights of a network of Brown and Lunter 2018 from a Keras 2 file.

    Args:
        path: HDF5 file.
        model: `zoo.architectures` `prdm9` or `brown_simulation`, built with the
            sizes of the file, or the very model that Keras 3 saved as `.h5`.

    Raises:
        ValueError: If file and model do not fit; the model is left as it was.

    Reference: Brown and Lunter 2018, section 2.3; released code and weights.

    Example:

    ```python
    model = prdm9()
    port("SavedModel.h5", model)
    ```
    """
    tensors = read_keras2(path)
    variables = [v.path for layer in model.layers for v in layer.weights]
    if [_ends(name) for name in tensors] == [_ends(name) for name in variables]:
        arrays = dict(zip(variables, tensors.values(), strict=True))
        return assign(model, arrays, path)
    names = layer_names(tensors)
    check_layers(model, list(names.values()), _family(names), path)
    arrays = {}
    for upstream, name in names.items():
        kernel = take(tensors, f"{upstream}/kernel", path)
        bias = take(tensors, f"{upstream}/bias", path)
        if _is_tied(model.get_layer(name)):
            kernel, bias = free_half(kernel, bias, upstream, path)
        arrays[f"{name}/kernel"], arrays[f"{name}/bias"] = kernel, bias
    assign(model, arrays, path, leftovers=tensors)


def free_half(
    kernel: np.ndarray, bias: np.ndarray, layer: str, source: str | Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return the free half of a tied convolution, having checked the tie exactly.

    Args:
        kernel: Array `(width, channels, 2 * filters)`.
        bias: Array `(2 * filters,)`.
        layer: Upstream layer, for the message.
        source: The file, for the message.

    Returns:
        Kernel `(width, channels, filters)` and bias `(filters,)`.

    Raises:
        ValueError: If the weights are not their own reverse complement.
    """
    even = kernel.shape[-1] % 2 == 0
    tied = np.array_equal(kernel, np.flip(kernel)) and np.array_equal(bias, bias[::-1])
    if not (even and tied):
        raise ValueError(
            f"{source}: layer '{layer}' {kernel.shape} is not RC-tied, its filters are "
            "not in pairs of reverse complements; build the model with "
            "equivariant=False"
        )
    filters = kernel.shape[-1] // 2
    return kernel[..., :filters], bias[:filters]


def _ends(name: str) -> tuple[str, str]:
    """Layer and variable: what is between, as in `bilstm/lstm_3/kernel`, changes."""
    return name.split("/")[0], name.rsplit("/", 1)[-1]


def _is_tied(layer: "keras.layers.Layer") -> bool:
    from rckeras.layers import RevCompConv1D

    return isinstance(layer, RevCompConv1D)


def _family(names: dict[str, str]) -> str:
    known = {
        ("conv1", "conv2", "predictions"): "PRDM9",
        ("conv1", "predictions"): "Brown simulation",
    }
    other = "other Keras 2 (or Keras 3, if saved as .h5; better .weights.h5 or .keras)"
    return known.get(tuple(names.values()), other)


def _member(group, name: str, path: str | Path):
    if name not in group:
        raise ValueError(f"{path} lists '{name}' and does not have it")
    return group[name]


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
