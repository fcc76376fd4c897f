"""Memory that is held after a training, given back."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras


@contextlib.contextmanager
def free_memory() -> Iterator[None]:
    """Gives back, after a block, what networks that were trained in it held.

    On TensorFlow neither `clear_session` nor the garbage collector does: a training
    registers a gradient for good, and that holds its graphs (tensorflow#27492, #97697).
    """
    registered = _registered_gradients()
    before = set(registered)
    try:
        yield
    finally:
        for name in set(registered) - before:
            del registered[name]
        keras.backend.clear_session()  # collects garbage, too


def _registered_gradients() -> dict[str, Any]:
    if keras.backend.backend() != "tensorflow":
        return {}
    from tensorflow.python.framework import ops

    return ops.gradient_registry._registry
