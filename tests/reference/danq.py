"""DanQ and DanQ-JASPAR as Keras 0.2 on Theano computed them, in float64 numpy.

Written from Quang and Xie 2016, their scripts, and the layers of Keras 0.2.0: a true
convolution, dropout that multiplies by 1 - rate in prediction, LSTM gates a weight
each, hard sigmoid of slope 0.2. Input channels are A,G,C,T.
"""

import numpy as np

GATES = "icfo"


def forward(
    layers: dict[int, list[np.ndarray]],
    x: np.ndarray,
    pool_size: int,
    dense: tuple[int, int] = (6, 8),
    backward_is_reversed: bool = True,
) -> np.ndarray:
    """Probabilities of the targets.

    Args:
        layers: Weights by the number of the layer in the Sequential model, in the
            file's order: 0 the convolution, 3 the LSTMs, `dense` the dense layers.
        x: One-hot A,G,C,T of shape (batch, length, 4).
        pool_size: Width and stride of the pool.
        dense: Numbers of the two dense layers; (6, 7) in DanQ-JASPAR.
        backward_is_reversed: Whether the second LSTM reads from the last position.

    Returns:
        Array of shape (batch, targets).
    """
    layers = {n: [np.asarray(w, "float64") for w in ws] for n, ws in layers.items()}
    x = np.asarray(x, "float64")
    x = np.maximum(convolve(x, *layers[0]), 0)
    x = max_pool(x, pool_size)
    x = x * (1 - 0.2)
    step = -1 if backward_is_reversed else 1
    forward_lstm = lstm(x, layers[3][:12])
    backward_lstm = lstm(x[:, ::step], layers[3][12:])[:, ::step]
    x = np.concatenate([forward_lstm, backward_lstm], axis=-1)
    x = x * (1 - 0.5)
    x = x.reshape(len(x), -1)
    kernel, bias = layers[dense[0]]
    x = np.maximum(x @ kernel + bias, 0)
    kernel, bias = layers[dense[1]]
    return 1 / (1 + np.exp(-(x @ kernel + bias)))


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """True convolution: y[p] = sum_w kernel[w] x[p + width - 1 - w]."""
    filters, _, width, _ = kernel.shape
    steps = x.shape[1] - width + 1
    y = np.zeros((len(x), steps, filters))
    for p in range(steps):
        for w in range(width):
            y[:, p] += x[:, p + width - 1 - w] @ kernel[:, :, w, 0].T
    return y + bias


def max_pool(x: np.ndarray, size: int) -> np.ndarray:
    ends = range(size, x.shape[1] + 1, size)
    return np.stack([x[:, end - size : end].max(axis=1) for end in ends], axis=1)


def lstm(x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    gate = {g: weights[3 * n : 3 * n + 3] for n, g in enumerate(GATES)}
    h = c = np.zeros((len(x), weights[1].shape[0]))
    outputs = []
    for t in range(x.shape[1]):
        z = {g: x[:, t] @ w + h @ u + b for g, (w, u, b) in gate.items()}
        c = hard_sigmoid(z["f"]) * c + hard_sigmoid(z["i"]) * np.tanh(z["c"])
        h = hard_sigmoid(z["o"]) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(0.2 * x + 0.5, 0), 1)


def random_layers(
    rng: np.random.Generator,
    filters: int = 6,
    kernel_size: int = 5,
    units: int = 4,
    flat: int = 64,
    hidden: int = 7,
    targets: int = 5,
    dense: tuple[int, int] = (6, 8),
) -> dict[int, list[np.ndarray]]:
    """Weights of the published layout at any size."""

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(scale=0.6, size=shape).astype("float32")

    gate = [(filters, units), (units, units), (units,)]
    return {
        0: [draw(filters, 4, kernel_size, 1), draw(filters)],
        3: [draw(*shape) for shape in 8 * gate],
        dense[0]: [draw(flat, hidden), draw(hidden)],
        dense[1]: [draw(hidden, targets), draw(targets)],
    }


def write(path, layers: dict[int, list[np.ndarray]], attributes: bool = True) -> None:
    """Write weights as Keras 0.2 does: a group for every layer, empty ones too."""
    import h5py

    total = 10 if 8 in layers else 8
    with h5py.File(path, "w") as file:
        if attributes:
            file.attrs["nb_layers"] = total
        for k in range(total):
            group = file.create_group(f"layer_{k}")
            if attributes:
                group.attrs["nb_params"] = len(layers.get(k, []))
            for n, weight in enumerate(layers.get(k, [])):
                group.create_dataset(f"param_{n}", data=weight)
