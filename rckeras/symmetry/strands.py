"""The reverse complement of tensors, and the two strands that one tensor holds.

One convention everywhere: channel `i` and channel `n - 1 - i` are each other's reverse
complement, so that reverse-complementing `(batch, length, channels)` reverses the two
last axes. One-hot letters in the order A, C, G, T obey it.
"""

from typing import Any

import numpy as np
from keras import ops


def reverse_complement(x: Any) -> Any:
    """Reverse complement of one-hot sequences or of feature tensors.

    Args:
        x: Array or tensor of shape `(length, channels)`,
            `(batch, length, channels)` or with more leading axes. One-hot letters
            must be in the order A, C, G, T. For strings see
            `rckeras.sequence.reverse_complement_string`.

    Returns:
        The same shape and dtype, with the two last axes reversed: a contiguous numpy
        array for a numpy array, a backend tensor for a tensor.

    Raises:
        TypeError: If `x` is a string.
        ValueError: If `x` has fewer than two axes.

    Reference: Brown and Lunter 2018, equation 4.

    Example:

    >>> aac = np.eye(4)[[0, 0, 1]]
    >>> "".join("ACGT"[i] for i in reverse_complement(aac).argmax(axis=1))
    'GTT'
    """
    if isinstance(x, str):
        raise TypeError(
            "`x` must be an array or tensor; for strings there is "
            f"`rckeras.sequence.reverse_complement_string`. Received x={x!r}"
        )
    if isinstance(x, list | tuple):
        x = np.asarray(x)
    if len(x.shape) < 2:
        raise ValueError(
            "`x` must have at least the axes (length, channels). "
            f"Received shape {tuple(x.shape)}"
        )
    if isinstance(x, np.ndarray):
        return np.ascontiguousarray(x[..., ::-1, ::-1])
    return ops.flip(x, axis=(-2, -1))


def split_strands(x: Any) -> tuple[Any, Any]:
    """Split paired channels into the features of either strand, in the same order.

    Args:
        x: Tensor `(batch, length, channels)` or `(batch, channels)`, with an even
            number of channels.

    Returns:
        `(forward, reverse)`, each with half the channels: the first half of `x`, and
        the reverse complement's. The reverse complement of `x` gives the same two
        tensors with their places exchanged.
    """
    half = x.shape[-1] // 2
    return x[..., :half], _turn(x[..., half:])


def join_strands(forward: Any, reverse: Any) -> Any:
    """Inverse of `split_strands`.

    Args:
        forward: Tensor `(batch, length, channels)` or `(batch, channels)`.
        reverse: Tensor of the same shape.

    Returns:
        Tensor with twice the channels, paired by the convention.
    """
    return ops.concatenate([forward, _turn(reverse)], axis=-1)


def check_paired(channels: int | None, layer_name: str) -> None:
    """Raise a `ValueError` unless `channels` is a positive even number."""
    if channels is None or channels % 2:
        raise ValueError(
            f"Layer '{layer_name}' needs an even number of input channels, channel i "
            "and channel n-1-i being each other's reverse complement. "
            f"Received channels={channels}"
        )


def _turn(x: Any) -> Any:
    return ops.flip(x, axis=(-2, -1) if len(x.shape) > 2 else -1)
