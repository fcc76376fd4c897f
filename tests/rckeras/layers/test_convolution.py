"""RevCompConv1D against the paper's definition and against an untied Conv1D."""

import re

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.layers import RevCompConv1D
from tests.conformance.harness import (
    BOUNDED,
    FEW,
    SEEDS,
    assert_alike,
    randomized,
    to_numpy,
)
from tests.gradients import gradients
from tests.reference.layers import convolution, paired_filters, reverse_complement


def total_padding(length, width, strides):
    return (-(-length // strides) - 1) * strides + width - length


@st.composite
def symmetric_cases(draw):
    """Arguments, input and generator, whose windows lie alike on both strands."""
    size, strides = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    dilation_rate = draw(st.integers(1, 3)) if strides == 1 else 1
    padding = draw(st.sampled_from(["valid", "same"]))
    width = (size - 1) * dilation_rate + 1
    if padding == "valid":
        length = width + strides * draw(st.integers(0, 6))
    else:
        lengths = [n for n in range(1, 18) if total_padding(n, width, strides) >= 0]
        even = [n for n in lengths if total_padding(n, width, strides) % 2 == 0]
        if not even:
            padding, even = "valid", [width]
        length = draw(st.sampled_from(even))
    rng = np.random.default_rng(draw(SEEDS))
    shape = (draw(st.integers(1, 3)), length, draw(st.integers(1, 6)))
    arguments = {
        "filters": draw(st.integers(1, 4)),
        "kernel_size": size,
        "strides": strides,
        "padding": padding,
        "dilation_rate": dilation_rate,
    }
    return arguments, rng.normal(size=shape).astype("float32"), rng


def untied(layer, arguments):
    """A Conv1D with the kernel and bias that the layer computes from its own."""
    filters = {"filters": 2 * arguments["filters"]}
    conv = keras.layers.Conv1D(**{**arguments, **filters})
    conv.build((None, None, layer.kernel.shape[1]))
    conv.set_weights(paired_filters(*layer.get_weights()))
    return conv


@BOUNDED
@given(case=symmetric_cases())
def test_output_is_the_convolution_with_filters_and_their_reverse_complements(case):
    arguments, x, rng = case
    layer = randomized(RevCompConv1D(**arguments), x.shape, rng)
    kernel, bias = paired_filters(*layer.get_weights())
    windows = {k: arguments[k] for k in ("strides", "padding", "dilation_rate")}
    assert_alike(to_numpy(layer(x)), convolution(x, kernel, bias, **windows), 1e-5)


@FEW
@given(case=symmetric_cases())
def test_gradients_are_those_of_the_untied_convolution_folded(case):
    arguments, x, rng = case
    layer = randomized(RevCompConv1D(**arguments), x.shape, rng)
    cotangent = rng.normal(size=layer.compute_output_shape(x.shape))
    (kernel, bias), of_input = gradients(layer, x, cotangent)
    (wide, wide_bias), of_wide_input = gradients(untied(layer, arguments), x, cotangent)
    half = arguments["filters"]
    folded = wide[..., :half] + np.flip(wide[..., half:])
    assert_alike(kernel, folded, 1e-5)
    assert_alike(bias, wide_bias[:half] + wide_bias[half:][::-1], 1e-5)
    assert_alike(of_input, of_wide_input, 1e-5)


def test_each_filter_and_its_partner_find_a_motif_on_either_strand():
    one_hot = dict(zip("ACGT", np.eye(4), strict=True))
    x = np.array([[one_hot[base] for base in "TTGATAAGTT"]])
    layer = RevCompConv1D(1, 6, use_bias=False)
    layer.build((None, 10, 4))
    layer.set_weights([np.array([one_hot[base] for base in "GATAAG"])[..., None]])
    assert to_numpy(layer(x))[0, 2, 0] == 6
    assert to_numpy(layer(reverse_complement(x)))[0, 2, 1] == 6


def test_the_layer_has_as_many_weights_as_a_plain_convolution():
    layer, plain = RevCompConv1D(20, 21), keras.layers.Conv1D(20, 21)
    for each in (layer, plain):
        each.build((None, 200, 4))
    assert layer.count_params() == plain.count_params() == 20 * (4 * 21 + 1)


def test_a_regularizer_counts_each_pair_once():
    layer = RevCompConv1D(3, 5, kernel_regularizer=keras.regularizers.L2(0.1))
    randomized(layer, (1, 9, 4), np.random.default_rng(0))
    expected = 0.1 * np.sum(np.square(to_numpy(layer.kernel)))
    np.testing.assert_allclose(to_numpy(sum(layer.losses)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "received", "remedy"),
    [
        ({"padding": "causal"}, "padding='causal'", "'valid', 'same'"),
        ({"groups": 2}, "groups=2", r"\(1,\)"),
        ({"data_format": "channels_first"}, "'channels_first'", "'channels_last'"),
        ({"dtype": "int8_from_float32"}, "'int8_from_float32'", "float or mixed"),
    ],
)
def test_options_that_would_break_symmetry_are_refused(arguments, received, remedy):
    with pytest.raises(ValueError, match=remedy) as error:
        RevCompConv1D(4, 5, **arguments)
    assert received in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "length", "message"),
    [
        ({"padding": "same", "kernel_size": 4}, 12, "effective width of 4 .* odd"),
        ({"padding": "same", "kernel_size": 4}, None, "effective width of 4 .* odd"),
        ({"strides": 3}, 12, "leave 1 of 12 positions .* 11 or 14"),
        ({"strides": 2, "padding": "same"}, 12, "leave 1 of 12 positions .* 11 or 13"),
        ({"strides": 2}, None, "strides=2 .* fixed length or use strides=1"),
    ],
)
def test_windows_that_differ_between_the_strands_are_refused(
    arguments, length, message
):
    layer = RevCompConv1D(2, **{"kernel_size": 5, **arguments})
    size = f"input shape \\(None, {length}, 4\\) and kernel_size="
    with pytest.raises(ValueError, match=f"{message}.*{size}{layer.kernel_size[0]}"):
        layer(keras.Input((length, 4)))


def test_a_refused_input_stays_refused():
    layer = RevCompConv1D(2, 4, padding="same")
    for _ in range(2):
        with pytest.raises(ValueError, match="effective width of 4"):
            layer(np.zeros((1, 12, 4), "float32"))


@BOUNDED
@given(length=st.integers(5, 60), strides=st.integers(2, 9), data=st.data())
def test_lengths_named_in_a_refusal_are_accepted(length, strides, data):
    padding = data.draw(st.sampled_from(["valid", "same"]))
    layer = RevCompConv1D(1, 5, strides=strides, padding=padding)
    try:
        layer.build((None, length, 4))
    except ValueError as error:
        named = re.search("a length of (.*) would be symmetric", str(error)).group(1)
        for other in named.split(" or "):
            again = RevCompConv1D(1, 5, strides=strides, padding=padding)
            again.build((None, int(other), 4))
            assert again.built


def test_with_strides_another_length_is_refused_later():
    layer = RevCompConv1D(2, 5, strides=3)
    layer(np.zeros((1, 14, 4), "float32"))
    with pytest.raises(ValueError, match=r"expected axis 1 .* value 14.*\(1, 15, 4\)"):
        layer(np.zeros((1, 15, 4), "float32"))


def test_an_input_shorter_than_the_filter_is_refused():
    with pytest.raises(ValueError, match=r"\(2, 3, 4\)"):
        RevCompConv1D(3, 6)(np.zeros((2, 3, 4), "float32"))


@pytest.fixture
def adapted():
    """A layer with low-rank weights that are not zero, and what was drawn."""
    rng = np.random.default_rng(0)
    layer = randomized(RevCompConv1D(3, 5), (None, 12, 4), rng)
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(rng.normal(size=(2, 3)))
    return layer, rng.normal(size=(4, 12, 4)).astype("float32")


def test_low_rank_weights_add_to_the_free_filters(adapted):
    layer, x = adapted
    a, b = to_numpy(layer.lora_kernel_a), to_numpy(layer.lora_kernel_b)
    kernel, bias = paired_filters(to_numpy(layer._kernel) + a @ b, to_numpy(layer.bias))
    assert_alike(to_numpy(layer(x)), convolution(x, kernel, bias), 1e-5)


def test_low_rank_weights_keep_the_symmetry(adapted):
    layer, x = adapted
    turned = to_numpy(layer(np.ascontiguousarray(reverse_complement(x))))
    assert_alike(turned, reverse_complement(to_numpy(layer(x))), 1e-5)


def test_low_rank_weights_learn_and_the_kernel_rests(adapted):
    layer, x = adapted
    frozen, start = to_numpy(layer._kernel), to_numpy(layer.lora_kernel_a)
    model = keras.Sequential([keras.Input((12, 4)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.train_on_batch(x, np.ones((4, 8, 6), "float32"))
    np.testing.assert_array_equal(to_numpy(layer._kernel), frozen)
    assert np.abs(to_numpy(layer.lora_kernel_a) - start).max() > 1e-4
