"""Forward passes of the layers in float64 numpy, written from the papers.

Plain loops over positions and channels, so that each line can be held against its
equation. Channels `i` and `n - 1 - i` are each other's reverse complement.
"""

import numpy as np


def reverse_complement(x):
    """Reverse all axes but the batch: positions and channels, or channels alone."""
    return np.flip(x, axis=tuple(range(1, np.ndim(x))))


def convolution(x, kernel, bias, strides=1, padding="valid", dilation_rate=1):
    """Plain 1D cross-correlation, window by window."""
    x, kernel = np.asarray(x, "float64"), np.asarray(kernel, "float64")
    size, _, filters = kernel.shape
    width = (size - 1) * dilation_rate + 1
    if padding == "same":
        length = x.shape[1]
        total = max((-(-length // strides) - 1) * strides + width - length, 0)
        x = np.pad(x, [(0, 0), (total // 2, total - total // 2), (0, 0)])
    starts = range(0, x.shape[1] - width + 1, strides)
    y = np.zeros((len(x), len(starts), filters))
    for out, start in enumerate(starts):
        for tap in range(size):
            y[:, out] += x[:, start + tap * dilation_rate] @ kernel[tap]
    return y + np.asarray(bias, "float64")


def paired_filters(kernel, bias):
    """Append the reverse complements of the filters, in the opposite order.

    Shrikumar et al. 2017, section 3.1.1 and figure 8.
    """
    size, channels, filters = kernel.shape
    both = np.zeros((size, channels, 2 * filters))
    both[:, :, :filters] = kernel
    for i in range(size):
        for c in range(channels):
            for f in range(filters):
                turned = kernel[size - 1 - i, channels - 1 - c, f]
                both[i, c, 2 * filters - 1 - f] = turned
    return both, np.concatenate([bias, bias[::-1]])


def strand_moments(x, mask=None):
    """Mean and variance of each channel over its own and its partner's activations.

    Shrikumar et al. 2017, section 3.1.2. Positions where `mask` is false do not count.
    """
    x = np.asarray(x, "float64")
    channels = x.shape[-1]
    keep = np.ones(x.shape[:-1], bool) if mask is None else np.asarray(mask, bool)
    pairs = [
        np.concatenate([x[..., c][keep], x[..., channels - 1 - c][keep]])
        for c in range(channels // 2)
    ]
    return np.array([p.mean() for p in pairs]), np.array([p.var() for p in pairs])


def normalization(x, mean, variance, gamma=1.0, beta=0.0, epsilon=1e-3):
    """Normalise each channel with the parameters of its pair."""
    half = np.shape(x)[-1] // 2

    def mirrored(values):
        values = np.broadcast_to(np.asarray(values, "float64"), half)
        return np.concatenate([values, values[::-1]])

    scale = mirrored(gamma) / np.sqrt(mirrored(variance) + epsilon)
    return (np.asarray(x, "float64") - mirrored(mean)) * scale + mirrored(beta)


def positional_weights(stored, length, channels, revcomp=True, symmetric=False):
    """All weights `w[i, c]` from the stored ones.

    Shrikumar et al. 2017, section 3.1.3, counting positions from 0.
    """
    w = np.zeros((length, channels))
    for i in range(length):
        for c in range(channels):
            row, column = i, c
            if revcomp and c >= channels // 2:
                row, column = length - 1 - i, channels - 1 - c
            if symmetric:
                row = min(row, length - 1 - row)
            w[i, c] = stored[row, column]
    return w


def weighted_sum(x, w, bias=0.0):
    """`y[c] = sum_i w[i, c] x[i, c]`, equation 1 of Shrikumar et al. 2017."""
    return (np.asarray(x, "float64") * w).sum(axis=1) + bias


def dense_after_revcomp(x, stored, bias):
    """Dense layer whose weights are the same on a feature and its partner.

    Shrikumar et al. 2017, section 3.1.4.
    """
    flat = np.asarray(x, "float64").reshape(len(x), -1)
    features, half = flat.shape[1], len(stored)
    y = np.zeros((len(x), stored.shape[1])) + bias
    for i in range(features):
        y += flat[:, i : i + 1] * stored[i if i < half else features - 1 - i]
    return y


def strand_pool(x, merge):
    """Merge each feature with its partner; Brown and Lunter 2018, section 2.5."""
    half = np.shape(x)[-1] // 2
    return merge(np.asarray(x, "float64"), reverse_complement(x))[..., :half]


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, kernel, recurrent, bias):
    """All hidden states of an LSTM with gates in the order i, f, c, o."""
    units = len(recurrent)
    h = c = np.zeros((len(x), units))
    states = []
    for step in np.moveaxis(np.asarray(x, "float64"), 1, 0):
        i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4, axis=-1)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        h = _sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)


def gru(x, kernel, recurrent, bias):
    """All hidden states of a GRU with gates in the order z, r, h, reset after."""
    h = np.zeros((len(x), len(recurrent)))
    states = []
    for step in np.moveaxis(np.asarray(x, "float64"), 1, 0):
        xz, xr, xh = np.split(step @ kernel + bias[0], 3, axis=-1)
        hz, hr, hh = np.split(h @ recurrent + bias[1], 3, axis=-1)
        z = _sigmoid(xz + hz)
        h = z * h + (1 - z) * np.tanh(xh + _sigmoid(xr + hr) * hh)
        states.append(h)
    return np.stack(states, axis=1)


def simple_rnn(x, kernel, recurrent, bias):
    """All hidden states of a fully connected recurrent layer."""
    h = np.zeros((len(x), len(recurrent)))
    states = []
    for step in np.moveaxis(np.asarray(x, "float64"), 1, 0):
        h = np.tanh(step @ kernel + h @ recurrent + bias)
        states.append(h)
    return np.stack(states, axis=1)


def both_strands(x, states, sequences=True):
    """`concat([rnn(x), RC(rnn(RC(x)))])` along the channels."""
    forward, reverse = states(x), states(reverse_complement(x))
    if not sequences:
        forward, reverse = forward[:, -1], reverse[:, -1]
    return np.concatenate([forward, reverse_complement(reverse)], axis=-1)
