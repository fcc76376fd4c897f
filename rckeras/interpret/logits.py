"""Networks that give logits where they would end in probabilities."""

import keras
from keras import ops

from rckeras.interpret.gradients import check_functional
from rckeras.symmetry.heads import find_heads, without_heads

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
        ValueError: If it has several outputs, or a softmax that has one class, which
            is always 1, a mask, or another axis than the last.

    Example:

    >>> model = zoo.build("prdm9", dropout=None)
    >>> x = np.eye(4)[np.random.default_rng(0).integers(4, size=(2, 997))]
    >>> p = model.predict(x, verbose=0)
    >>> logits = logit_model(model).predict(x, verbose=0)
    >>> bool(np.allclose(logits, np.log(p / (1 - p)), atol=1e-5))
    True
    """
    check_functional(model)
    (head,) = find_heads(model)
    if head is None:
        return model
    if head.activation == "sigmoid":
        return without_heads(model)
    shape = model.outputs[0].shape
    if head.axis not in (-1, len(shape) - 1):
        raise ValueError(
            "a softmax must run along the last axis to have log odds. Received: "
            f"axis={head.axis} of outputs {tuple(shape)} of '{model.name}'"
        )
    if shape[-1] == 1:
        raise ValueError(
            f"a softmax of one class is always 1; end in a sigmoid. Received: model "
            f"'{model.name}' with outputs {tuple(shape)}"
        )
    logits = without_heads(model)
    return keras.Model(logits.input, _log_odds(logits.output), name=model.name)


def _log_odds(z: keras.KerasTensor) -> keras.KerasTensor:
    if z.shape[-1] == 2:
        return z - ops.flip(z, axis=-1)
    apart = _NEVER * ops.eye(z.shape[-1])
    others = ops.expand_dims(z, axis=-2) + ops.cast(apart, z.dtype)
    return z - ops.logsumexp(others, axis=-1)
