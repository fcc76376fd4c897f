"""The recombination network of Brown and Lunter 2018, in float64 numpy.

Written from the paper (sections 2.3 to 2.8) and the released network: untied kernels
as they lie in the published file, no dropout.
"""

import numpy as np

MOTIF = "CCTCCCTNNCCAC"


def forward(
    weights: dict[str, np.ndarray], x: np.ndarray, strand_pooling: bool = True
) -> np.ndarray:
    """Probabilities of cold and hot.

    Args:
        weights: "conv1", "conv1_bias", "conv2", "conv2_bias", "dense", "dense_bias";
            kernels as (width, in, out), whole.
        x: One-hot A,C,G,T of shape (batch, length, 4).
        strand_pooling: Whether the strands are summed; not so in the untied network.

    Returns:
        Array of shape (batch, 2).
    """
    weights = {name: np.asarray(w, "float64") for name, w in weights.items()}
    x = np.asarray(x, "float64")
    x = elu(correlate(x, weights["conv1"]) + weights["conv1_bias"])
    x = max_pool(x, 8)
    x = elu(correlate(x, weights["conv2"]) + weights["conv2_bias"])
    if strand_pooling:
        half = x.shape[-1] // 2
        x = x[..., :half] + x[..., half:][:, ::-1, ::-1]
    x = x.max(axis=1)
    logits = x @ weights["dense"] + weights["dense_bias"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def correlate(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    width = kernel.shape[0]
    length = x.shape[1] - width + 1
    return sum(x[:, k : k + length] @ kernel[k] for k in range(width))


def elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def max_pool(x: np.ndarray, size: int) -> np.ndarray:
    batch, length, channels = x.shape
    steps = length // size
    whole = x[:, : steps * size].reshape(batch, steps, size, channels)
    return whole.max(axis=2)


_UPSTREAM = {
    "conv1": "conv1d_1/kernel:0",
    "conv1_bias": "conv1d_1/bias:0",
    "conv2": "conv1d_2/kernel:0",
    "conv2_bias": "conv1d_2/bias:0",
    "dense": "dense_1/kernel:0",
    "dense_bias": "dense_1/bias:0",
}


def read(path) -> dict[str, np.ndarray]:
    """Read the published file."""
    import h5py

    with h5py.File(path) as file:
        return {n: file[u.split("/")[0]][u][()] for n, u in _UPSTREAM.items()}


def write(path, weights: dict[str, np.ndarray], group: str = "/") -> None:
    """Write weights as Keras 2 does, layers without weights too."""
    import h5py

    with h5py.File(path, "w") as file:
        root = file.require_group(group)
        layers = ["conv1d_1", "max_pooling1d_1", "conv1d_2", "dense_1"]
        root.attrs["layer_names"] = np.array(layers, dtype="S")
        for layer in layers:
            names = [u for u in _UPSTREAM.values() if u.startswith(layer)]
            names = [u for u in names if _ours(u) in weights]
            made = root.create_group(layer)
            made.attrs["weight_names"] = np.array(names, dtype="S" if names else "f8")
            for name in names:
                made.create_dataset(name, data=weights[_ours(name)])


def _ours(upstream: str) -> str:
    return next(name for name, u in _UPSTREAM.items() if u == upstream)


def random_weights(rng: np.random.Generator, tied: bool = True) -> dict:
    """Weights of the published shapes, or of the untied network."""

    def draw(*shape: int) -> np.ndarray:
        w = rng.normal(scale=0.3, size=shape)
        return ((w + np.flip(w)) if tied else w).astype("float32")

    return {
        "conv1": draw(30, 4, 16),
        "conv1_bias": draw(16),
        "conv2": draw(4, 16, 16),
        "conv2_bias": draw(16),
        "dense": rng.normal(size=(8 if tied else 16, 2)).astype("float32"),
        "dense_bias": rng.normal(size=2).astype("float32"),
    }


def one_hot(sequences: list[str]) -> np.ndarray:
    """One-hot A,C,G,T; other letters are zeros."""
    letters = np.array([list(s.upper()) for s in sequences])
    return (letters[..., None] == np.array(list("ACGT"))).astype("float64")
