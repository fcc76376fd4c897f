"""Parameter counts from the papers' formulas, and what the tests share.

The counts know nothing of Keras or of the builders: `(inputs, outputs, width)` in,
number of trainable parameters out. Tied layers count their free weights.
"""

import keras
import numpy as np


def conv(channels, filters, width, bias=True):
    """Filters of `width x channels`, with a bias each."""
    return filters * (width * channels + bias)


def dense(inputs, outputs, bias=True):
    """A matrix, with a bias for each output."""
    return outputs * (inputs + bias)


def lstm(inputs, units):
    """Four gates that see the input, the state and a bias."""
    return 4 * units * (inputs + units + 1)


def norm(channels):
    """A scale and an offset for each channel."""
    return 2 * channels


def valid(length, *windows):
    """Length behind unpadded `(size, stride)` windows."""
    for size, stride in windows:
        length = 1 + (length - size) // stride
    return length


def trainable(model):
    """Number of parameters that an optimizer would change."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def names(model):
    """Names of the layers behind the input, in order, as one line."""
    return " ".join(layer.name for layer in model.layers[1:])


def correlate(x, kernel):
    """Unpadded convolution of `(batch, length, channels)` in numpy."""
    windows = np.lib.stride_tricks.sliding_window_view(x, len(kernel), axis=1)
    return np.einsum("blck,kcf->blf", windows, kernel)


def randomize(model, seed=0):
    """Move every weight and moving statistic off its start, at a size that trains to.

    Matrices and kernels are drawn anew, of He's deviation; what is one-dimensional
    (biases, scales, statistics) moves by a tenth from where it starts.
    """
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        shape = weight.shape
        if len(shape) > 1:
            deviation = np.sqrt(2 / np.prod(shape[:-1]))
            weight.assign(generator.normal(0, deviation, shape))
        else:
            start = keras.ops.convert_to_numpy(weight)
            weight.assign(start + generator.normal(0, 0.1, shape))


def sequences(number, length, seed=0):
    """Random one-hot sequences."""
    letters = np.random.default_rng(seed).integers(0, 4, (number, length))
    return np.eye(4, dtype="float32")[letters]


def run(model, x):
    """Outputs in inference, as an array."""
    return keras.ops.convert_to_numpy(model(x, training=False))


def strands(model, seed=0):
    """Outputs of random sequences and of their reverse complements."""
    x = sequences(4, model.input_shape[1], seed)
    return run(model, x), run(model, np.ascontiguousarray(x[:, ::-1, ::-1]))
