"""The start of positional weights against equation 3 of its paper."""

import keras
import numpy as np
import pytest

from rckeras.initializers import WeightedSumInitializer
from tests.conformance.harness import to_numpy


def draw(shape, seed=0, **arguments):
    return to_numpy(WeightedSumInitializer(seed)(shape, **arguments))


@pytest.mark.parametrize(("length", "channels"), [(9, 40), (50, 40), (64, 2)])
def test_no_weight_exceeds_the_limit(length, channels):
    limit = np.sqrt(6 / (length * channels))
    assert np.abs(draw((length, channels // 2))).max() <= limit


def test_weights_are_uniform_up_to_the_limit():
    weights = draw((500, 20)) / np.sqrt(6 / (500 * 40))
    assert np.abs(weights).max() > 0.999
    # Five standard errors of 10000 draws in each quarter of [-1, 1].
    quarters, _ = np.histogram(weights, bins=4, range=(-1, 1))
    assert np.abs(quarters - 2500).max() < 5 * np.sqrt(10000 * 0.25 * 0.75)


def test_the_scale_is_that_of_a_dense_layer_over_both_strands():
    # Shrikumar et al. 2017, section 3.7: fan_in * fan_out twice.
    fan_in, fan_out = 9, 20
    limit = np.sqrt(6 / (2 * fan_in * fan_out))
    assert 0.98 * limit < np.abs(draw((fan_in, fan_out))).max() <= limit


def test_the_same_seed_gives_the_same_weights():
    np.testing.assert_array_equal(draw((9, 20)), draw((9, 20)))
    assert np.any(draw((9, 20)) != draw((9, 20), seed=1))


def test_unseeded_initializers_differ():
    assert np.any(draw((9, 20), seed=None) != draw((9, 20), seed=None))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_weights_have_the_dtype_asked_for(dtype):
    assert draw((9, 20), dtype=dtype).dtype == dtype


@pytest.mark.parametrize("seed", [None, 3])
def test_the_config_makes_the_same_initializer_again(seed):
    initializer = WeightedSumInitializer(seed)
    config = keras.initializers.serialize(initializer)
    again = keras.initializers.deserialize(config)
    assert isinstance(again, WeightedSumInitializer)
    assert again.get_config() == initializer.get_config() == {"seed": seed}


@pytest.mark.parametrize("shape", [(9,), (9, 4, 20)])
def test_what_is_no_matrix_is_refused(shape):
    with pytest.raises(ValueError, match="matrix") as error:
        draw(shape)
    assert f"Received shape={shape}" in str(error.value)
