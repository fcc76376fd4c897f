"""Weights of PyTorch: DeepSEA, as converted by Kipoi.

Format: a state dict of `torch.save`, in its old form or its newer one (a zip archive).
It is read with `weights_only=True`, which makes tensors and containers and nothing
else; torch itself is an extra, `pip install "rckeras[deepsea]"`. Names are positions
in nested Sequential models, such as `2.0.weight` in the file for prediction and
`1.0.weight` in the one for variants, so modules are told by order and rank.

| upstream                     | here               | change                           |
|------------------------------|--------------------|----------------------------------|
| 1st of rank 4, weight        | conv1/kernel       | (1), (2)                         |
| 2nd, 3rd of rank 4, weight   | conv2, conv3/kernel | (1)                             |
| 1st of rank 2, weight        | hidden/kernel      | (3), (4)                         |
| 2nd of rank 2, weight        | predictions/kernel | (3)                              |
| bias of each                 | its bias           | none                             |

1. Conv2d `(out, in, 1, width)` to `(width, in, out)`; both correlate.
2. Input channels A,G,C,T to A,C,G,T.
3. Linear `(out, in)` to `(in, out)`.
4. Rows of the flattened input, channels then positions, to positions then channels.

Upstream averages the predictions for both strands outside of these weights.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.porting.assign import assign, check_layers, take
from zoo.porting.files import check_size

if TYPE_CHECKING:
    import keras

CONVOLUTIONS = ("conv1", "conv2", "conv3")
DENSE = ("hidden", "predictions")
_AGCT_TO_ACGT = [0, 2, 1, 3]


def read_torch(path: str | Path) -> dict[str, np.ndarray]:
    """Read the tensors of a PyTorch state dict, executing nothing.

    Args:
        path: File of `torch.save(module.state_dict(), path)`.

    Returns:
        Arrays, float32, by upstream name, in the order of the modules.

    Raises:
        ImportError: If torch is not installed.
        ValueError: If the file is damaged or holds anything but tensors.
    """
    torch = _import_torch()
    check_size(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read as a PyTorch state dict: it is damaged, or holds "
            "objects other than tensors, which are never loaded. Save "
            "`module.state_dict()` instead"
        ) from error
    if not isinstance(state, Mapping):
        raise ValueError(f"{path} must hold a state dict, not a {type(state).__name__}")
    wrong = [name for name, value in state.items() if not torch.is_tensor(value)]
    if wrong:
        raise ValueError(f"{path} must hold tensors only. Others: {wrong[:8]}")
    return {name: value.detach().float().numpy() for name, value in state.items()}


def layer_names(tensors: dict[str, np.ndarray], source: str | Path) -> dict[str, str]:
    """Name our layer for each upstream module.

    Args:
        tensors: What `read_torch` returns.
        source: The file, for the message.

    Returns:
        Our names by upstream prefix, such as `{"2.0": "conv1"}`.

    Raises:
        ValueError: If there are not three convolutions and two linear layers.

    Example:

    ```python
    layer_names(read_torch("deepsea_predict.pth"), "deepsea_predict.pth")["2.12.1"]
    # "hidden"
    ```
    """
    ranks = {
        name.rpartition(".")[0]: tensor.ndim
        for name, tensor in tensors.items()
        if name.rpartition(".")[2] == "weight"
    }
    convolutions = [prefix for prefix, rank in ranks.items() if rank == 4]
    dense = [prefix for prefix, rank in ranks.items() if rank == 2]
    if len(convolutions) != len(CONVOLUTIONS) or len(dense) != len(DENSE):
        found = {name: tensor.shape for name, tensor in tensors.items()}
        raise ValueError(
            f"{source} must hold three Conv2d and two Linear, as DeepSEA does. "
            f"Found {found}"
        )
    return dict(zip(convolutions + dense, CONVOLUTIONS + DENSE, strict=True))


def port(path: str | Path, model: "keras.Model") -> None:
    """Set the weights of DeepSEA from a PyTorch state dict.

    Args:
        path: File of `torch.save`.
        model: `zoo.architectures` `deepsea`, built with the sizes of the file.

    Raises:
        ImportError: If torch is not installed.
        ValueError: If file and model do not fit; the model is left as it was.

    Reference: Zhou and Troyanskaya 2015; Kipoi's conversion of the released weights.

    Example:

    ```python
    model = deepsea()
    port("deepsea_predict.pth", model)
    ```
    """
    tensors = read_torch(path)
    names = layer_names(tensors, path)
    check_layers(model, list(names.values()), "DeepSEA", path)
    upstream = {name: prefix for prefix, name in names.items()}

    def weight(name: str) -> np.ndarray:
        return take(tensors, f"{upstream[name]}.weight".lstrip("."), path)

    arrays = {f"{name}/kernel": _convolution(weight(name)) for name in CONVOLUTIONS}
    arrays["conv1/kernel"] = _reorder_bases(arrays["conv1/kernel"], path)
    channels = arrays["conv3/kernel"].shape[-1]
    hidden = weight("hidden").T
    arrays["hidden/kernel"] = _positions_first(hidden, channels, path)
    arrays["predictions/kernel"] = weight("predictions").T
    for name, prefix in upstream.items():
        arrays[f"{name}/bias"] = take(tensors, f"{prefix}.bias".lstrip("."), path)
    assign(model, arrays, path, leftovers=tensors)


def _convolution(kernel: np.ndarray) -> np.ndarray:
    # A height other than 1 keeps its axis, and then shows as a misfit.
    kernel = kernel[:, :, 0] if kernel.shape[2] == 1 else kernel
    return np.moveaxis(kernel, (0, 1), (-1, -2))


def _reorder_bases(kernel: np.ndarray, source: str | Path) -> np.ndarray:
    if kernel.shape[-2] != 4:
        raise ValueError(
            f"{source}: the first convolution must read 4 bases. Received a kernel "
            f"with {kernel.shape[-2]} input channels"
        )
    return kernel[..., _AGCT_TO_ACGT, :]


def _positions_first(
    kernel: np.ndarray, channels: int, source: str | Path
) -> np.ndarray:
    rows, units = kernel.shape
    if rows % channels:
        raise ValueError(
            f"{source}: the hidden layer has {rows} inputs, not a multiple of the "
            f"{channels} channels before it"
        )
    by_channel = kernel.reshape(channels, rows // channels, units)
    return by_channel.transpose(1, 0, 2).reshape(rows, units)


def _import_torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "Reading PyTorch weights needs torch; install it with "
            '`pip install "rckeras[deepsea]"`'
        ) from error
    return torch
