"""DeepSEA as PyTorch computes it, in float64 numpy.

Written from Zhou and Troyanskaya 2015 and the modules of Kipoi's conversion, with
activations as (batch, channels, length). Input channels are A,G,C,T.
"""

import numpy as np


def forward(tensors: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """Probabilities of the targets for one strand.

    Args:
        tensors: Weight and bias of three Conv2d and two Linear, in order.
        x: One-hot A,G,C,T of shape (batch, 4, length).

    Returns:
        Array of shape (batch, targets).
    """
    tensors = [np.asarray(t, "float64") for t in tensors]
    x = np.asarray(x, "float64")
    x = max_pool(threshold(conv2d(x, *tensors[0:2])))
    x = max_pool(threshold(conv2d(x, *tensors[2:4])))
    x = threshold(conv2d(x, *tensors[4:6]))
    x = x.reshape(len(x), -1)
    x = threshold(x @ tensors[6].T + tensors[7])
    return 1 / (1 + np.exp(-(x @ tensors[8].T + tensors[9])))


def conv2d(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Cross-correlation along the length; the kernel's height is 1."""
    width = weight.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(x, width, axis=2)
    return np.einsum("nclw,ocw->nol", windows, weight[:, :, 0]) + bias[:, None]


def threshold(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 1e-6)


def max_pool(x: np.ndarray, size: int = 4) -> np.ndarray:
    steps = x.shape[2] // size
    return x[:, :, : steps * size].reshape(*x.shape[:2], steps, size).max(axis=3)
