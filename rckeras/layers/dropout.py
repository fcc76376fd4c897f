"""Dropout for Bayesian networks, with and without strand symmetry.

Masks are drawn through a seed generator of the layer's own, never with
`training=True`, which would also switch batch normalization to the statistics of the
batch.
"""

import hashlib
import operator
from typing import Any

import keras
from keras import ops

from rckeras.symmetry.strands import check_paired, join_strands

LARGEST_SEED = 2**31 - 1


def spread_seed(*parts: int) -> int:
    """Mix integers to a 31-bit seed.

    Some backends add a generator's seed and its counter, so that neighbouring seeds
    would share masks.
    """
    words = repr(tuple(operator.index(part) for part in parts))
    digest = hashlib.sha256(words.encode()).digest()
    return int.from_bytes(digest[:4], "little") & LARGEST_SEED


class HeldSeedGenerator(keras.random.SeedGenerator):
    """A seed generator that gives the same seed until it is told another.

    The seed lives in a variable, so compiled functions see it change.
    """

    @property
    def held(self) -> int:
        """The seed."""
        return int(ops.convert_to_numpy(self.state.value)[0])

    def next(self, ordered: bool = True) -> Any:
        """Return the seed without moving on."""
        return self.state.value * 1

    def hold(self, seed: int) -> None:
        """Change the seed."""
        self.state.assign(ops.convert_to_tensor([seed, 0], dtype=self.state.dtype))


class _Dropout(keras.layers.Layer):
    """Zeroes features at random and scales the others up."""

    def __init__(
        self,
        rate: float,
        monte_carlo: bool,
        fixed: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must lie in [0, 1). Received rate={rate}")
        self.rate = rate
        self.monte_carlo = monte_carlo
        self.fixed = fixed
        self.seed = None if seed is None else operator.index(seed)
        if fixed:
            held = None if self.seed is None else self.seed & LARGEST_SEED
            self.seed_generator = HeldSeedGenerator(held)
        else:
            spread = None if self.seed is None else spread_seed(self.seed)
            self.seed_generator = keras.random.SeedGenerator(spread)
        self.supports_masking = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        inputs = ops.cast(inputs, self.compute_dtype)
        if self.rate == 0 or not (training or self.monte_carlo):
            return inputs
        batch = 1 if self.fixed else ops.shape(inputs)[0]
        mask = self._draw_mask((batch, *ops.shape(inputs)[1:]))
        return inputs * (mask / (1 - self.rate))

    def _draw_mask(self, shape: tuple) -> Any:
        # In float32, for half precision holds too few different uniforms.
        uniform = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return ops.cast(uniform >= self.rate, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "rate": self.rate,
            "fixed": self.fixed,
            "seed": self.seed_generator.held if self.fixed else self.seed,
        }


@keras.saving.register_keras_serializable("rckeras")
class MonteCarloDropout(_Dropout):
    """Dropout that stays on in inference, for networks without strand symmetry.

    Each prediction is a draw from the approximate posterior of a Bayesian network;
    the prediction of the network is the mean over draws, see
    `rckeras.interpret.predict_mc`.

    Args:
        rate: Float in [0, 1), probability of zeroing a feature. The others are
            divided by `1 - rate`.
        fixed: Whether to keep one mask for all sequences and all calls, until the
            layer's seed is changed; see `rckeras.interpret.fix_dropout`.
        seed: Integer seed, or `None` for a random one.
        **kwargs: `name`, `dtype` and other arguments of `keras.layers.Layer`.

    Input shape:
        Any, with the batch first.

    Output shape:
        Same as the input.

    Raises:
        ValueError: If `rate` lies outside [0, 1).

    Reference: Gal and Ghahramani 2016; Brown and Lunter 2018, section 2.7.

    Example:

    >>> MonteCarloDropout(0.1, seed=0)(keras.Input((968, 16))).shape
    (None, 968, 16)
    """

    def __init__(
        self,
        rate: float,
        fixed: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(rate, monte_carlo=True, fixed=fixed, seed=seed, **kwargs)


@keras.saving.register_keras_serializable("rckeras")
class RevCompDropout(_Dropout):
    """Dropout whose mask equals its own reverse complement.

    A feature and its reverse complement are kept or dropped together:
    `mask[i, c] = mask[length - 1 - i, channels - 1 - c]`. Under one mask the layer is
    equivariant, and a network sampled so gives both strands the same answer.

    Args:
        rate: Float in [0, 1), probability of zeroing a feature. The others are
            divided by `1 - rate`.
        monte_carlo: Whether to stay on in inference.
        fixed: Whether to keep one mask for all sequences and all calls, until the
            layer's seed is changed; see `rckeras.interpret.fix_dropout`.
        seed: Integer seed, or `None` for a random one.
        **kwargs: `name`, `dtype` and other arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, length, channels)` or `(batch, channels)`, with an even number of
        paired channels.

    Output shape:
        Same as the input.

    Raises:
        ValueError: If `rate` lies outside [0, 1) or the number of channels is odd.

    Reference: Brown and Lunter 2018, sections 2.6 and 2.7, equations 14 to 16.

    Example:

    >>> RevCompDropout(0.1, monte_carlo=True)(keras.Input((968, 16))).shape
    (None, 968, 16)
    """

    def __init__(
        self,
        rate: float,
        monte_carlo: bool = False,
        fixed: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(rate, monte_carlo, fixed=fixed, seed=seed, **kwargs)

    def build(self, input_shape: tuple) -> None:
        """Check that the channels come in pairs."""
        check_paired(input_shape[-1], self.name)
        self.input_spec = keras.layers.InputSpec(
            ndim=len(input_shape), axes={-1: input_shape[-1]}
        )

    def _draw_mask(self, shape: tuple) -> Any:
        half = super()._draw_mask((*shape[:-1], shape[-1] // 2))
        return join_strands(half, half)

    def get_config(self) -> dict:
        """Return the arguments of the layer."""
        return {**super().get_config(), "monte_carlo": self.monte_carlo}
