"""How much memory it takes to train a network."""

import math

import keras

from zoo.checking import count_trainable

_BYTES = 4  # of a number in float32


def training_bytes(network: keras.Model, batch_size: int) -> int:
    """About how much memory it takes to train a network, rather too much than less.

    Each trainable weight is held four times: with its gradient and two moments of Adam.
    The output of each layer is held for each sequence of a batch, and its gradient
    comes upon it. What a backend needs for itself, for what layers compute in between
    and for the batches waiting is not counted.

    Args:
        network: The network.
        batch_size: Sequences in a batch.

    Returns:
        Number of bytes.
    """
    outputs = sum(
        math.prod(size for size in tensor.shape[1:] if size is not None)
        for layer in network.layers
        for tensor in keras.tree.flatten(layer.output)
    )
    weights = sum(math.prod(weight.shape) for weight in network.weights)
    numbers = weights + 3 * count_trainable(network) + 2 * batch_size * outputs
    return _BYTES * numbers
