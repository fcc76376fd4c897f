"""Networks that give logits where they would end in probabilities."""

from collections.abc import Callable

import keras
from keras import ops

from rckeras.interpret.gradients import check_functional
from rckeras.symmetry.conjoined import Unsquashed, last_layer, squashing_of
from rckeras.symmetry.graph import graph_of

_NEVER = -1e9  # added to a logit, it leaves nothing of its share


def logit_model(model: keras.Model) -> keras.Model:
    """A network that gives the log odds of each target instead of its probability.

    A last sigmoid is left out. Behind a softmax, the log odds of class `c` are
    `z[c] - log(sum(exp(z[k]) for k != c))` of its inputs `z`: for two classes the
    difference of the two. Either is `log(p / (1 - p))`, but exact where `p` rounds to
    1, and with a gradient there.

    Args:
        model: A functional or sequential model with one output. Its last layer is
            looked at, also inside a model in the model.

    Returns:
        A new model that shares all weights with `model` but those of the last layer,
        which are copied; `model` itself if it ends neither in a sigmoid nor in a
        softmax.

    Raises:
        TypeError: If the model is neither functional nor sequential, or ends in one
            that is not.
        ValueError: If it has several outputs, or a softmax of one class, which is
            always 1.

    Example:

    >>> model = zoo.build("prdm9", dropout=None)
    >>> x = np.eye(4)[np.random.default_rng(0).integers(4, size=(2, 997))]
    >>> p = model.predict(x, verbose=0)
    >>> logits = logit_model(model).predict(x, verbose=0)
    >>> bool(np.allclose(logits, np.log(p / (1 - p)), atol=1e-5))
    True
    """
    check_functional(model)
    last = last_layer(graph_of(model).outputs[0])
    squashing = squashing_of(last)
    if squashing is None:
        return model
    if squashing == "softmax" and model.outputs[0].shape[-1] == 1:
        raise ValueError(
            f"a softmax of one class is always 1; end in a sigmoid. Received: model "
            f"'{model.name}' with outputs {tuple(model.outputs[0].shape)}"
        )
    logits = _open_ended(model, last)
    if squashing == "sigmoid":
        return logits
    return keras.Model(logits.input, _log_odds(logits.output), name=model.name)


def _open_ended(model: keras.Model, last: keras.layers.Layer) -> keras.Model:
    """The same network, whose last layer has no activation."""

    def replace(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer is last:
            return linear
        inside = isinstance(layer, keras.Model) and last in layer._flatten_layers()
        return _clone(layer, replace) if inside else layer

    linear = _without_activation(last)
    clone = _clone(model, replace)
    linear.set_weights(last.get_weights())
    return clone


def _without_activation(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, keras.layers.Softmax):
        return Unsquashed(name=layer.name)
    return type(layer).from_config({**layer.get_config(), "activation": "linear"})


def _clone(model: keras.Model, replace: Callable) -> keras.Model:
    graph = graph_of(model)
    # A model of its own leaves behind the optimizer, losses and metrics.
    plain = keras.Model(graph.input, graph.output, name=model.name)
    return keras.models.clone_model(plain, clone_function=replace)


def _log_odds(z: keras.KerasTensor) -> keras.KerasTensor:
    if z.shape[-1] == 2:
        return z - ops.flip(z, axis=-1)
    apart = _NEVER * ops.eye(z.shape[-1])
    others = ops.expand_dims(z, axis=-2) + ops.cast(apart, z.dtype)
    return z - ops.logsumexp(others, axis=-1)
