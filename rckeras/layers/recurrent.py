"""One recurrent layer that reads both strands."""

import copy
import random
from typing import Any

import keras
from keras import ops

from rckeras.symmetry.strands import join_strands, reverse_complement


@keras.saving.register_keras_serializable("rckeras")
class RevCompBidirectional(keras.layers.Layer):
    """Reads a sequence and its reverse complement with one recurrent layer.

    `y = concat([rnn(x), RC(rnn(RC(x)))])` along the channels, in the order of the
    convention: channels `i` and `n - 1 - i` of the output are each other's reverse
    complement, and the layer is equivariant. Like `Bidirectional`, every position sees
    both directions; unlike it, both directions share one set of weights, half as many.

    Dropout masks of the recurrent layer are the same for both strands.

    Args:
        layer: A `keras.layers.LSTM`, `GRU`, `SimpleRNN` or other recurrent layer. A
            copy made from its config is used.
        **kwargs: `name`, `dtype` and other arguments of `keras.layers.Layer`. A
            `dtype` given here holds for the recurrent layer, too.

    Input shape:
        `(batch, length, channels)`, channels `i` and `channels - 1 - i` being each
        other's reverse complement. A mask `(batch, length)` is turned with its
        strand.

    Output shape:
        `(batch, length, 2 * units)` with `return_sequences=True`, otherwise
        `(batch, 2 * units)`, whose channels reverse with the strand: follow it with
        `DenseAfterRevcomp`.

    Raises:
        TypeError: If `layer` is not a recurrent layer.
        ValueError: If it has `go_backwards`, `stateful` or `return_state` set.

    Example:

    >>> layer = RevCompBidirectional(keras.layers.LSTM(320, return_sequences=True))
    >>> layer(keras.Input((75, 320))).shape
    (None, 75, 640)
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs: Any):
        if not isinstance(layer, keras.layers.RNN):
            raise TypeError(
                "`layer` must be a recurrent layer, such as keras.layers.LSTM. "
                f"Received layer={layer!r}"
            )
        for argument in ("go_backwards", "stateful", "return_state"):
            if getattr(layer, argument):
                raise ValueError(
                    f"RevCompBidirectional cannot wrap a layer with {argument}=True: "
                    f"it would treat the strands differently. Received layer={layer!r}"
                )
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(**kwargs)
        self.layer = self._copy(layer)
        self.supports_masking = True

    def _copy(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        config = _serialize(layer)
        config.pop("build_config", None)
        _complete(config, keras.dtype_policies.serialize(self.dtype_policy))
        fresh = keras.saving.deserialize_keras_object(config)
        if hasattr(layer, "use_cudnn"):
            fresh.use_cudnn = layer.use_cudnn
        if getattr(fresh, "zero_output_for_mask", None) is not None:
            fresh.zero_output_for_mask = fresh.return_sequences
        return fresh

    def build(self, input_shape: tuple) -> None:
        """Build the recurrent layer."""
        if not self.layer.built:
            self.layer.build(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: input_shape[-1]})

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Read both strands."""
        inputs = ops.cast(inputs, self.compute_dtype)
        states = self._seed_states()
        starts = [ops.copy(state) for state in states]
        forward = self.layer(inputs, mask=mask, training=training)
        for state, start in zip(states, starts, strict=True):
            state.assign(start)
        turned = None if mask is None else ops.flip(mask, axis=1)
        reverse = self.layer(reverse_complement(inputs), mask=turned, training=training)
        dtype = self.compute_dtype
        return join_strands(ops.cast(forward, dtype), ops.cast(reverse, dtype))

    def _seed_states(self) -> list[keras.Variable]:
        weights = {id(weight) for weight in self.layer.weights}
        return [v for v in self.layer.variables if id(v) not in weights]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the recurrent layer's output, channels doubled."""
        shape = self.layer.compute_output_shape(input_shape)
        return (*shape[:-1], 2 * shape[-1])

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Pass the mask on where positions are kept."""
        return previous_mask if self.layer.return_sequences else None

    def get_config(self) -> dict:
        """Return the arguments of the layer."""
        return {
            **super().get_config(),
            "layer": _serialize(self.layer),
        }

    @classmethod
    def from_config(cls, config: dict) -> "RevCompBidirectional":
        """Create the layer from `get_config()`."""
        config = copy.deepcopy(config)
        layer = keras.saving.deserialize_keras_object(config.pop("layer"))
        return cls(layer, **config)


def _serialize(layer: keras.layers.RNN) -> dict:
    """Serialize a recurrent layer, with the seed that `SimpleRNN` leaves out."""
    config = keras.saving.serialize_keras_object(layer)
    if isinstance(layer, keras.layers.SimpleRNN):
        config["config"]["seed"] = layer.cell.seed
    return config


def _complete(config: Any, dtype: Any) -> None:
    """Give a layer's config, and those of the cells in it, a dtype and seeds.

    Unseeded draws cannot be repeated for the second strand on every backend.
    """
    if isinstance(config, dict):
        if "dtype" in config:
            config["dtype"] = dtype
        if "recurrent_dropout" in config and config.get("seed") is None:
            config["seed"] = random.randint(1, 10**9)
    elif not isinstance(config, list | tuple):
        return
    for value in config.values() if isinstance(config, dict) else config:
        _complete(value, dtype)
