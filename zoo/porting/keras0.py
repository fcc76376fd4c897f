"""Weights of Keras 0.2 on Theano: DanQ and DanQ-JASPAR.

Format: HDF5, `/layer_K/param_J`, K counting every layer of the Sequential model from
0, those without weights too; attributes `nb_layers` and `nb_params` give the numbers.

| upstream            | here                                    | change   |
|---------------------|-----------------------------------------|----------|
| layer_0 param_0     | conv1/kernel                            | (1), (2) |
| layer_0 param_1     | conv1/bias                              | none     |
| layer_3 param_0-11  | bilstm/forward_layer.cell.kernel        | (3), (4) |
|                     | .recurrent_kernel and .bias             | (3)      |
| layer_3 param_12-23 | the same of bilstm/backward_layer.cell  | as above |
| layer_6 param_0     | hidden/kernel                           | (4)      |
| layer_6 param_1     | hidden/bias                             | none     |
| layer_8             | predictions/kernel, bias                | none     |

DanQ-JASPAR has its predictions in layer_7: its dense layers carry their activations.

1. Kernel `(filters, 4, width, 1)` to `(width, 4, filters)`. Theano convolves, Keras
   correlates: the width is turned round.
2. Input channels A,G,C,T, as in DeepSEA's data, to A,C,G,T.
3. W, U, b of the gates in the order input, cell, forget, output, an array each, to
   one array in the order input, forget, cell, output.
4. Dropout of Keras 0.2 does not scale what it keeps in training, but multiplies by
   `1 - rate` in prediction. Keras 3 does the reverse, so the factor goes into the
   weights behind it: 0.8 into the LSTMs' input kernels, 0.5 into `hidden/kernel`.

The flattened order, positions then channels, is the same on both sides. The gates'
hard sigmoid has slope 0.2; a model with other gates is refused.

The paper's second LSTM reads from the last position, and so does `Bidirectional`
here. Public versions of the layer that DanQ's code imports (seya's `Bidirectional`)
turn the batch round instead of the positions, so that both LSTMs read forward; the
authors used a changed copy of it. Which one made the published weights is open: only
the names `forward_layer` and `backward_layer` are used here, and they may belong to
any layer.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.porting.assign import assign, check_layers, take
from zoo.porting.files import open_hdf5, read_array

if TYPE_CHECKING:
    import keras

DANQ = {0: "conv1", 3: "bilstm", 6: "hidden", 8: "predictions"}
DANQ_JASPAR = {0: "conv1", 3: "bilstm", 6: "hidden", 7: "predictions"}
KEPT_BEFORE_LSTM = 0.8
KEPT_BEFORE_HIDDEN = 0.5
_AGCT_TO_ACGT = [0, 2, 1, 3]
_ICFO_TO_IFCO = [0, 2, 1, 3]


def read_keras0(path: str | Path) -> dict[str, np.ndarray]:
    """Read the tensors of a Keras 0.x file.

    Args:
        path: HDF5 file.

    Returns:
        Arrays by `"layer_K/param_J"`, in the order of the numbers.

    Raises:
        ValueError: If the file is damaged, not of this format, or has not as many
            layers and tensors as its attributes `nb_layers` and `nb_params` say.
    """
    tensors = {}
    with open_hdf5(path) as file:
        layers = sorted(file, key=_number)
        _check_count(file, "nb_layers", len(layers), path)
        for layer in layers:
            group = file[layer]
            if not re.fullmatch(r"layer_\d+", layer) or not hasattr(group, "keys"):
                raise ValueError(f"{path} has an entry '{layer}': not of Keras 0.x")
            _check_count(group, "nb_params", len(group), path)
            for param in sorted(group, key=_number):
                tensors[f"{layer}/{param}"] = read_array(group[param], path)
    return tensors


def layer_names(tensors: dict[str, np.ndarray], source: str | Path) -> dict[int, str]:
    """Name our layer for each upstream layer with weights.

    Args:
        tensors: What `read_keras0` returns.
        source: The file, for the message.

    Returns:
        `DANQ` or `DANQ_JASPAR`.

    Raises:
        ValueError: If other layers than in either network have weights.
    """
    found = sorted({_number(name.split("/")[0]) for name in tensors})
    for table in (DANQ, DANQ_JASPAR):
        if found == sorted(table):
            return table
    raise ValueError(
        f"{source} has weights in the layers {found}; DanQ has them in "
        f"{sorted(DANQ)}, DanQ-JASPAR in {sorted(DANQ_JASPAR)}"
    )


def port(path: str | Path, model: "keras.Model") -> None:
    """Set the weights of DanQ or DanQ-JASPAR from a file of Keras 0.2.

    Args:
        path: HDF5 file.
        model: `zoo.architectures` `danq` or `danq_jaspar`, built with the sizes of
            the file.

    Raises:
        ValueError: If file and model do not fit; the model is left as it was.

    Reference: Quang and Xie 2016; released code and weights.

    Example:

    ```python
    model = danq()
    port("DanQ_bestmodel.hdf5", model)
    ```
    """
    tensors = read_keras0(path)
    names = layer_names(tensors, path)
    holds = "DanQ" if names is DANQ else "DanQ-JASPAR"
    check_layers(model, list(names.values()), holds, path)
    _check_gates(model.get_layer("bilstm"), path)
    arrays = {}
    for number, name in names.items():
        if name == "bilstm":
            arrays |= _lstm(tensors, number, 0, "bilstm/forward_layer.cell", path)
            arrays |= _lstm(tensors, number, 12, "bilstm/backward_layer.cell", path)
            continue
        kernel = take(tensors, f"layer_{number}/param_0", path)
        if name == "conv1":
            kernel = _convolution(kernel, path)
        if name == "hidden":
            kernel = kernel * KEPT_BEFORE_HIDDEN
        arrays[f"{name}/kernel"] = kernel
        arrays[f"{name}/bias"] = take(tensors, f"layer_{number}/param_1", path)
    assign(model, arrays, path, leftovers=tensors)


def _convolution(kernel: np.ndarray, source: str | Path) -> np.ndarray:
    if kernel.ndim != 4 or kernel.shape[1] != 4 or kernel.shape[3] != 1:
        raise ValueError(
            f"{source}: layer_0/param_0 must have shape (filters, 4, width, 1). "
            f"Received {kernel.shape}"
        )
    turned = kernel[:, :, ::-1, 0]
    return turned.transpose(2, 1, 0)[:, _AGCT_TO_ACGT, :]


def _lstm(
    tensors: dict[str, np.ndarray],
    number: int,
    first: int,
    name: str,
    source: str | Path,
) -> dict[str, np.ndarray]:
    def join(part: int) -> np.ndarray:
        numbers = [first + 3 * gate + part for gate in _ICFO_TO_IFCO]
        gates = [take(tensors, f"layer_{number}/param_{n}", source) for n in numbers]
        shapes = [gate.shape for gate in gates]
        if len(set(shapes)) != 1:
            raise ValueError(
                f"{source}: the gates in param_{numbers} of layer_{number} differ in "
                f"shape: {shapes}"
            )
        return np.concatenate(gates, axis=-1)

    return {
        f"{name}.kernel": join(0) * KEPT_BEFORE_LSTM,
        f"{name}.recurrent_kernel": join(1),
        f"{name}.bias": join(2),
    }


def _check_gates(layer: "keras.layers.Layer", source: str | Path) -> None:
    from rckeras.activations import legacy_hard_sigmoid

    if not (hasattr(layer, "forward_layer") and hasattr(layer, "backward_layer")):
        raise ValueError(
            f"{source} holds an LSTM for each direction; layer '{layer.name}' of the "
            f"model is a {type(layer).__name__}, which does not"
        )
    for lstm in (layer.forward_layer, layer.backward_layer):
        if lstm.recurrent_activation is not legacy_hard_sigmoid:
            name = getattr(lstm.recurrent_activation, "__name__", "unknown")
            raise ValueError(
                f"{source} was trained with gates clip(0.2 x + 0.5, 0, 1); build the "
                "model with recurrent_activation='rckeras>legacy_hard_sigmoid'. "
                f"Received gates with {name!r}"
            )


def _number(name: str) -> int:
    match = re.search(r"\d+$", name)
    return int(match.group()) if match else -1


def _check_count(group, attribute: str, found: int, path: str | Path) -> None:
    expected = int(group.attrs.get(attribute, found))
    if expected != found:
        raise ValueError(
            f"{path}: {attribute} of {group.name} is {expected}, and there are {found}"
        )
