"""RevCompBidirectional against numpy and against two layers with copied weights."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras.layers import GRU, LSTM, RNN, GRUCell, LSTMCell, SimpleRNN, StackedRNNCells

from rckeras.layers import RevCompBidirectional
from tests.conformance.harness import (
    FEW,
    SEEDS,
    assert_alike,
    from_same_state,
    randomized,
    to_numpy,
)
from tests.gradients import gradients
from tests.reference import layers as reference
from tests.reference.layers import both_strands, reverse_complement

REFERENCES = {
    LSTM: reference.lstm,
    GRU: reference.gru,
    SimpleRNN: reference.simple_rnn,
}


def random_input(shape=(3, 6, 4), seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype("float32"), rng


@st.composite
def batches(draw):
    shape = [draw(st.integers(1, n)) for n in (3, 6, 5)]
    return random_input(shape, draw(SEEDS))


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("inner", REFERENCES)
@FEW
@given(batch=batches())
def test_output_joins_what_the_layer_makes_of_both_strands(inner, sequences, batch):
    x, rng = batch
    layer = RevCompBidirectional(inner(3, return_sequences=sequences))
    weights = randomized(layer, x.shape, rng).get_weights()
    expected = both_strands(x, lambda s: REFERENCES[inner](s, *weights), sequences)
    assert_alike(to_numpy(layer(x)), expected, 1e-5)


@pytest.mark.parametrize("sequences", [True, False])
def test_gradients_are_the_sum_of_those_of_two_layers(sequences):
    x, rng = random_input()
    layer = RevCompBidirectional(LSTM(3, return_sequences=sequences))
    randomized(layer, x.shape, rng)
    plain = LSTM(3, return_sequences=sequences)
    plain.build(x.shape)
    plain.set_weights(layer.get_weights())
    cotangent = rng.normal(size=layer.compute_output_shape(x.shape))
    forward, of_x = gradients(plain, x, cotangent[..., :3])
    reverse, of_turned = gradients(
        plain, reverse_complement(x), reverse_complement(cotangent[..., 3:])
    )
    of_weights, of_input = gradients(layer, x, cotangent)
    for received, a, b in zip(of_weights, forward, reverse, strict=True):
        assert_alike(received, a + b, 1e-5)
    assert_alike(of_input, of_x + reverse_complement(of_turned), 1e-5)


def nested():
    inner = StackedRNNCells([GRUCell(2, dropout=0.5)])
    cells = [LSTMCell(3, dropout=0.5, recurrent_dropout=0.5), inner]
    return RNN(StackedRNNCells(cells), return_sequences=True)


WITH_DROPOUT = {
    "LSTM": lambda: LSTM(4, dropout=0.5, recurrent_dropout=0.5, return_sequences=True),
    "LSTM vector": lambda: LSTM(4, dropout=0.5, recurrent_dropout=0.5),
    "GRU seeded": lambda: GRU(4, dropout=0.5, recurrent_dropout=0.5, seed=1),
    "SimpleRNN": lambda: SimpleRNN(4, dropout=0.5, return_sequences=True),
    "RNN": lambda: RNN(LSTMCell(4, dropout=0.5), return_sequences=True),
    "stacked": lambda: RNN([LSTMCell(4, dropout=0.5), GRUCell(3, dropout=0.5)]),
    "nested": nested,
}


@pytest.mark.parametrize("name", WITH_DROPOUT)
def test_the_output_for_a_palindrome_is_its_own_reverse_complement(name):
    if name == "nested" and keras.backend.backend() == "jax":
        pytest.skip("Keras cannot scan nested stacks on this backend")
    x, _ = random_input()
    layer = RevCompBidirectional(WITH_DROPOUT[name]())
    for _ in range(2):
        y = to_numpy(layer(x + reverse_complement(x), training=True))
        np.testing.assert_array_equal(y, reverse_complement(y))


@pytest.mark.parametrize("name", ["LSTM", "GRU seeded", "SimpleRNN"])
def test_dropout_draws_new_masks_at_every_training_step(name):
    x, _ = random_input()
    layer = RevCompBidirectional(WITH_DROPOUT[name]())
    first, second = (to_numpy(layer(x, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3


def test_dropout_rests_in_inference():
    x, _ = random_input()
    layer = RevCompBidirectional(WITH_DROPOUT["LSTM"]())
    first, second = (to_numpy(layer(x)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["LSTM", "GRU seeded", "SimpleRNN", "stacked"])
def test_seeds_survive_the_config(name):
    x, _ = random_input()
    layer = RevCompBidirectional(WITH_DROPOUT[name]())
    again = RevCompBidirectional.from_config(layer.get_config())
    for each in (layer, again):
        randomized(each, x.shape, np.random.default_rng(0))
    y, expected = again(x, training=True), layer(x, training=True)
    np.testing.assert_array_equal(to_numpy(y), to_numpy(expected))


@pytest.mark.parametrize("inner", [LSTM, GRU, SimpleRNN])
def test_a_seed_given_to_the_layer_is_used(inner):
    x, _ = random_input()
    outputs = []
    for seed in (1, 1, 2):
        layer = RevCompBidirectional(inner(4, dropout=0.5, seed=seed))
        randomized(layer, x.shape, np.random.default_rng(0))
        outputs.append(to_numpy(layer(x, training=True)))
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert np.abs(outputs[0] - outputs[2]).max() > 1e-3


@pytest.mark.parametrize("argument", ["go_backwards", "stateful", "return_state"])
def test_options_that_treat_the_strands_differently_are_refused(argument):
    with pytest.raises(ValueError, match=rf"{argument}=True.*Received layer=<LSTM"):
        RevCompBidirectional(LSTM(3, **{argument: True}))


@pytest.mark.parametrize("other", [keras.layers.Dense(3), LSTM, LSTMCell(3), "LSTM"])
def test_what_is_no_recurrent_layer_is_refused(other):
    with pytest.raises(TypeError, match="must be a recurrent layer") as error:
        RevCompBidirectional(other)
    assert f"Received layer={other!r}" in str(error.value)


def masked_layer(sequences=True):
    """A model that masks zeros, its layer with random weights, and those weights."""
    layer = RevCompBidirectional(LSTM(3, return_sequences=sequences))
    inputs = keras.Input((6, 4))
    model = keras.Model(inputs, layer(keras.layers.Masking()(inputs)))
    weights = randomized(layer, (1, 6, 4), np.random.default_rng(1)).get_weights()
    return model, lambda x: reference.lstm(x, *weights)


def test_masked_positions_are_skipped_on_both_strands_and_give_zeros():
    x, _ = random_input()
    x[:, 4:] = 0
    model, states = masked_layer()
    y = to_numpy(model(x))
    assert_alike(y[:, :4], both_strands(x[:, :4], states), 1e-5)
    np.testing.assert_array_equal(y[:, 4:], 0)


def test_masked_positions_are_skipped_where_only_the_end_is_returned():
    x, _ = random_input()
    x[:, 4:] = 0
    model, states = masked_layer(sequences=False)
    expected = both_strands(x[:, :4], states, sequences=False)
    assert_alike(to_numpy(model(x)), expected, 1e-5)


@pytest.mark.parametrize("sequences", [True, False])
def test_a_mask_is_turned_with_its_strand(sequences):
    x, _ = random_input()
    x[0, 4:] = x[1, :1] = x[2, 2] = 0
    model, _ = masked_layer(sequences)
    turned = to_numpy(model(np.ascontiguousarray(reverse_complement(x))))
    np.testing.assert_array_equal(turned, reverse_complement(to_numpy(model(x))))


@pytest.mark.parametrize("sequences", [True, False])
def test_the_mask_is_passed_on_where_positions_are_kept(sequences):
    masked = keras.layers.Masking()(keras.Input((6, 4)))
    y = RevCompBidirectional(LSTM(3, return_sequences=sequences))(masked)
    assert (keras.src.backend.get_keras_mask(y) is not None) == sequences


@pytest.mark.parametrize("inner", [LSTM, GRU, SimpleRNN])
def test_it_has_half_the_weights_of_bidirectional(inner):
    ours, theirs = (
        wrapper(inner(5, return_sequences=True))
        for wrapper in (RevCompBidirectional, keras.layers.Bidirectional)
    )
    for each in (ours, theirs):
        each.build((None, 7, 4))
    assert 2 * ours.count_params() == theirs.count_params()
    assert ours.compute_output_shape((2, 7, 4)) == (2, 7, 10)
    assert theirs.compute_output_shape((2, 7, 4)) == (2, 7, 10)


def test_the_layer_given_is_copied_and_left_alone():
    inner = LSTM(3)
    RevCompBidirectional(inner)(random_input()[0])
    assert not inner.built


def test_a_built_layer_is_copied_without_its_weights():
    inner = LSTM(3, dropout=0.5)
    inner(random_input()[0])
    layer = RevCompBidirectional(inner)
    assert not layer.layer.built
    layer(random_input()[0], training=True)
    assert np.any(to_numpy(inner.cell.kernel) != to_numpy(layer.layer.cell.kernel))


def test_the_dtype_reaches_the_layer_within():
    outer = RevCompBidirectional(LSTM(3), dtype="mixed_bfloat16")
    inner = RevCompBidirectional(LSTM(3, dtype="mixed_bfloat16"))
    for layer in (outer, inner):
        assert layer.dtype_policy.name == "mixed_bfloat16"
        assert layer.layer.cell.compute_dtype == "bfloat16"


def test_training_with_dropout_keeps_the_symmetry():
    x, rng = random_input((8, 6, 4))
    layer = RevCompBidirectional(WITH_DROPOUT["LSTM"]())
    model = keras.Sequential([keras.Input((6, 4)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(x, rng.normal(size=(8, 6, 8)), verbose=0)
    turned = np.ascontiguousarray(reverse_complement(x))
    y, y_turned = from_same_state(layer, lambda: layer(x), lambda: layer(turned))
    np.testing.assert_array_equal(y_turned, reverse_complement(y))


def test_the_dtype_reaches_the_cells():
    rnn = keras.layers.RNN([keras.layers.LSTMCell(3), keras.layers.GRUCell(2)])
    layer = RevCompBidirectional(rnn, dtype="mixed_float16")
    y = layer(np.ones((2, 5, 4), "float32"))
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert all(c.compute_dtype == "float16" for c in layer.layer.cell.cells)
