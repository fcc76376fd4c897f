"""Predictions of Bayesian networks as means over dropout masks.

A mask drawn once and applied to all sequences is one network sampled from the
approximate posterior. With strand-symmetric masks each sampled network, and so their
mean, gives both strands the same answer.
"""

from collections.abc import Callable

import keras
import numpy as np

from rckeras.layers.dropout import HeldSeedGenerator, _Dropout, spread_seed
from rckeras.symmetry.graph import graph_of, nodes_of


def fix_dropout(model: keras.Model, seed: int = 0) -> keras.Model:
    """Sample one network from a Bayesian one: a model with fixed dropout masks.

    Args:
        model: A functional or sequential model with Monte Carlo dropout layers
            (`MonteCarloDropout`, or `RevCompDropout` with `monte_carlo=True`), at any
            depth.
        seed: Integer that determines the masks.

    Returns:
        A new model that shares all weights with `model`. Its Monte Carlo dropout
        layers apply one mask to all sequences and in all calls, until
        `redraw_dropout` gives them another.

    Raises:
        TypeError: If `model` is neither functional nor sequential, or has a Monte
            Carlo dropout layer inside a wrapper or a layer of another kind.
        ValueError: If it has no Monte Carlo dropout layer.

    Reference: Brown and Lunter 2018, section 2.7, equation 16.

    Example:

    >>> model = zoo.build("prdm9")
    >>> x = np.eye(4)[np.random.default_rng(0).integers(4, size=(2, 997))]
    >>> sampled = fix_dropout(model, seed=1)
    >>> y = sampled.predict(x, verbose=0)
    >>> bool(np.allclose(y, sampled.predict(x[:, ::-1, ::-1], verbose=0), atol=1e-6))
    True
    """
    fixed = _replace_dropout(model, fixed=True)
    redraw_dropout(fixed, seed)
    return fixed


def redraw_dropout(model: keras.Model, seed: int) -> None:
    """Give a model made by `fix_dropout` the masks of another seed.

    Compiled functions of the model stay valid.

    Args:
        model: A model made by `fix_dropout`.
        seed: Integer that determines the masks.

    Raises:
        ValueError: If the model has no layer with fixed masks.
    """
    generators = [
        layer.seed_generator
        for layer in model._flatten_layers()
        if isinstance(getattr(layer, "seed_generator", None), HeldSeedGenerator)
    ]
    if not generators:
        raise ValueError(
            f"Model '{model.name}' has no dropout layer with fixed masks; "
            "make one with fix_dropout(model)"
        )
    for index, generator in enumerate(generators):
        generator.hold(spread_seed(seed, index))


def without_dropout(model: keras.Model) -> keras.Model:
    """Turn off Monte Carlo dropout.

    Args:
        model: A functional or sequential model.

    Returns:
        A new model that shares all weights with `model`, without Monte Carlo
        dropout; `model` itself if it has none.

    Raises:
        TypeError: As `fix_dropout`.
    """
    if not has_monte_carlo_dropout(model):
        return model
    return _replace_dropout(model, rate=0.0)


def has_monte_carlo_dropout(model: keras.Model) -> bool:
    """Whether predictions of the model are random."""
    return any(_is_monte_carlo(layer) for layer in model._flatten_layers())


class MonteCarloPredictor:
    """Mean and spread of a Bayesian network's predictions, over fixed samples of it.

    All sequences see the same sampled networks, in however many calls they come. The
    part of the network before its first random layers runs once for all samples.

    Args:
        model: A model with Monte Carlo dropout layers; see `fix_dropout`.
        samples: Number of sampled networks, at least 2.
        seed: Integer that determines the samples.

    Raises:
        ValueError: If `samples` is less than 2, or the model has no Monte Carlo
            dropout layer or several outputs.

    Reference: Brown and Lunter 2018, section 2.7, equation 16.

    Example:

    >>> predictor = MonteCarloPredictor(zoo.build("prdm9"), samples=4)
    >>> mean, std = predictor.predict(np.zeros((2, 997, 4)))
    >>> std.shape
    (2, 2)
    """

    def __init__(self, model: keras.Model, samples: int = 100, seed: int = 0):
        if samples < 2:
            raise ValueError(
                f"`samples` must be at least 2, for a spread. Received {samples}"
            )
        self.model = fix_dropout(model)
        if len(self.model.inputs) != 1 or len(self.model.outputs) != 1:
            raise ValueError(
                "MonteCarloPredictor takes models with one input and one output. "
                f"Model '{model.name}' has {len(self.model.inputs)} and "
                f"{len(self.model.outputs)}"
            )
        self._certain, self._random = _split_at_dropout(self.model)
        self.seeds = [spread_seed(seed, sample) for sample in range(samples)]

    def predict(
        self, x: np.ndarray, batch_size: int = 128
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation over the sampled networks.

        Args:
            x: Sequences `(batch, length, 4)`.
            batch_size: Sequences per step.

        Returns:
            `(mean, std)`, each `(batch, targets)` in float32.
        """
        if not len(x):
            raise ValueError(f"`x` holds no sequence. Received shape {np.shape(x)}")
        batches = [
            self._predict_batch(x[start : start + batch_size])
            for start in range(0, len(x), batch_size)
        ]
        mean, std = zip(*batches, strict=True)
        return np.concatenate(mean), np.concatenate(std)

    def _predict_batch(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        features = keras.tree.map_structure(
            keras.ops.convert_to_tensor, self._certain.predict_on_batch(x)
        )
        mean = squares = 0.0
        for count, seed in enumerate(self.seeds, start=1):
            redraw_dropout(self.model, seed)
            y = np.asarray(self._random.predict_on_batch(features), "float64")
            step = y - mean
            mean = mean + step / count
            squares = squares + step * (y - mean)
        std = np.sqrt(squares / (len(self.seeds) - 1))
        return mean.astype("float32"), std.astype("float32")


def settle_dropout(
    model: keras.Model, samples: int | None, seed: int
) -> "keras.Model | MonteCarloPredictor":
    """Turn Monte Carlo dropout off, or sample networks by it.

    Args:
        model: A functional or sequential model.
        samples: Number of sampled networks, at least 2; `None` to turn dropout off.
        seed: Integer that determines the samples.

    Returns:
        What `without_dropout` gives, or a `MonteCarloPredictor`.

    Raises:
        ValueError: As `MonteCarloPredictor`, or if dropout is out of reach.
    """
    try:
        if samples is None:
            return without_dropout(model)
        return MonteCarloPredictor(model, samples, seed)
    except TypeError as error:
        raise ValueError(f"`model` has dropout out of reach: {error}") from error


def predict_mc(
    model: keras.Model,
    x: np.ndarray,
    samples: int = 100,
    seed: int = 0,
    batch_size: int = 128,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of a Bayesian network's predictions.

    What comes before the first random layer runs once. For 50 samples of `prdm9` and 16
    to 1024 sequences this took a tenth to a twenty-fourth of the time of 50 calls of
    `predict` (`tests/benchmarks/monte_carlo.py`, TensorFlow on two cores).

    Args:
        model: A model with Monte Carlo dropout layers; see `fix_dropout`.
        x: Sequences `(batch, length, 4)`.
        samples: Number of sampled networks, at least 2; the paper has 100.
        seed: Integer that determines the samples.
        batch_size: Sequences per step.

    Returns:
        `(mean, std)`, each `(batch, targets)` in float32. Where the network is
        strand-symmetric, both strands get the same.

    Raises:
        ValueError: As `MonteCarloPredictor`.

    Reference: Brown and Lunter 2018, section 2.7, equation 16.

    Example:

    >>> mean, std = predict_mc(zoo.build("prdm9"), np.zeros((2, 997, 4)), samples=4)
    >>> mean.shape
    (2, 2)
    """
    return MonteCarloPredictor(model, samples, seed).predict(x, batch_size)


def _is_monte_carlo(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, _Dropout) and layer.monte_carlo and layer.rate > 0


def _split_at_dropout(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The part of a model whose outputs are not random, and the part behind it."""
    random: set[int] = set()
    between: dict[int, keras.KerasTensor] = {}
    for node in nodes_of(model):
        certain = {id(t): t for t in node.input_tensors if id(t) not in random}
        if _has_dropout(node.operation) or len(certain) < len(node.input_tensors):
            between |= certain
            random.update(map(id, node.outputs))
    features = list(between.values())
    # Of one input PyTorch's trainer wants the tensor itself, not a list.
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    return keras.Model(inputs, features), keras.Model(features, model.outputs)


def _has_dropout(operation: keras.Operation) -> bool:
    if isinstance(operation, keras.Model):
        return has_monte_carlo_dropout(operation)
    return _is_monte_carlo(operation)


def _replace_dropout(model: keras.Model, **changes: bool | float) -> keras.Model:
    if not has_monte_carlo_dropout(model):
        raise ValueError(
            f"Model '{model.name}' has no Monte Carlo dropout layer: its predictions "
            "are not random. Build it with MonteCarloDropout or "
            "RevCompDropout(monte_carlo=True)"
        )
    # Shared layers must stay shared, hence one replacement for each.
    replaced: dict[int, keras.layers.Layer] = {}

    def replace(layer: keras.layers.Layer) -> keras.layers.Layer:
        if id(layer) not in replaced:
            replaced[id(layer)] = _replacement(layer, replace, changes)
        return replaced[id(layer)]

    clone = _clone(model, replace)
    left = [
        layer.name
        for layer in clone._flatten_layers()
        if _is_monte_carlo(layer) and not layer.fixed
    ]
    if left:
        raise TypeError(
            "Monte Carlo dropout can be fixed or turned off where it is a layer of the "
            "model itself, not inside a wrapper or a layer of your own. Received model "
            f"'{model.name}' with {', '.join(left)} inside another layer"
        )
    return clone


def _replacement(
    layer: keras.layers.Layer, replace: Callable, changes: dict
) -> keras.layers.Layer:
    if _is_monte_carlo(layer):
        return type(layer).from_config({**layer.get_config(), **changes})
    if isinstance(layer, keras.Model) and has_monte_carlo_dropout(layer):
        return _clone(layer, replace)
    return layer


def _clone(model: keras.Model, replace: Callable) -> keras.Model:
    graph = graph_of(model)
    if graph is None:
        raise TypeError(
            "Dropout masks can be fixed in functional and in built sequential models. "
            f"Received {type(model).__name__} '{model.name}'"
        )
    # A model of its own leaves behind the optimizer, losses and metrics.
    plain = keras.Model(graph.input, graph.output, name=model.name)
    return keras.models.clone_model(plain, clone_function=replace)
