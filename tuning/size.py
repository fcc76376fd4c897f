"""How much memory it takes to train a network."""

import math

import keras

from rckeras.symmetry.conjoined import BothStrands
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
    outputs = _count_outputs(network)
    weights = sum(math.prod(weight.shape) for weight in network.weights)
    numbers = weights + 3 * count_trainable(network) + 2 * batch_size * outputs
    return _BYTES * numbers


def _count_outputs(network: keras.Model) -> int:
    """Numbers that all layers give for a sequence, inside of other models, too."""
    count = 0
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            count += _count_outputs(layer)
        else:
            count += sum(
                math.prod(size for size in tensor.shape[1:] if size is not None)
                for tensor in keras.tree.flatten(layer.output)
            )
    # What lies between both strands and their merge has the twofold batch.
    both = any(isinstance(layer, BothStrands) for layer in network.layers)
    return 2 * count if both else count
