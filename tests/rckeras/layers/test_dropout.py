"""Masks of the dropout layers: their symmetry, statistics, seeds and lifetime."""

import keras
import numpy as np
import pytest

from rckeras.layers import MonteCarloDropout, RevCompDropout
from rckeras.layers.dropout import spread_seed
from tests.conformance.harness import to_numpy
from tests.reference.layers import reverse_complement

ONES = np.ones((3, 20, 6), "float32")
ALWAYS_ON = [
    pytest.param(lambda **k: MonteCarloDropout(0.3, **k), id="MonteCarloDropout"),
    pytest.param(
        lambda **k: RevCompDropout(0.3, monte_carlo=True, **k), id="RevCompDropout"
    ),
]
each_layer = pytest.mark.parametrize("make", ALWAYS_ON)


def model_of(*layers, shape=(20, 6)):
    return keras.Sequential([keras.Input(shape), *layers])


def predict(model, x=ONES, **arguments):
    return model.predict(x, verbose=0, **arguments)


@pytest.mark.parametrize("shape", [(4, 20, 6), (4, 7, 2), (8, 10)])
def test_the_mask_is_its_own_reverse_complement(shape):
    y = to_numpy(RevCompDropout(0.5, seed=0)(np.ones(shape, "float32"), training=True))
    np.testing.assert_array_equal(y, reverse_complement(y))
    assert 0 < (y == 0).mean() < 1


def test_the_mask_is_not_symmetric_in_positions_or_channels_alone():
    y = to_numpy(RevCompDropout(0.5, seed=0)(ONES, training=True))
    assert np.any(y != y[:, ::-1])
    assert np.any(y != y[:, :, ::-1])


@each_layer
def test_features_are_zero_or_scaled_up(make):
    x = np.random.default_rng(0).normal(size=ONES.shape).astype("float32")
    y = to_numpy(make(seed=0)(x))
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / 0.7, rtol=1e-6)
    assert 0 < kept.mean() < 1


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("layer", [MonteCarloDropout, RevCompDropout])
def test_the_share_of_zeros_is_the_rate(layer, rate):
    x = np.ones((10, 400, 10), "float32")
    y = to_numpy(layer(rate, seed=0)(x, training=True))
    # Half of the 40000 features are drawn, or all; five standard errors.
    error = np.sqrt(rate * (1 - rate) / 20000)
    assert abs((y == 0).mean() - rate) < 5 * error


def test_examples_of_a_batch_have_masks_of_their_own():
    y = to_numpy(RevCompDropout(0.5, seed=0)(ONES, training=True))
    assert np.any(y[0] != y[1])


def test_it_rests_in_inference():
    layer = RevCompDropout(0.5)
    np.testing.assert_array_equal(to_numpy(layer(ONES)), ONES)
    np.testing.assert_array_equal(to_numpy(layer(ONES, training=False)), ONES)
    np.testing.assert_array_equal(predict(model_of(layer)), ONES)


def test_it_works_in_training_without_monte_carlo():
    assert np.any(to_numpy(RevCompDropout(0.5)(ONES, training=True)) == 0)


@each_layer
def test_it_stays_on_in_inference(make):
    assert np.any(to_numpy(make()(ONES, training=False)) == 0)


@pytest.mark.parametrize("layer", [MonteCarloDropout, RevCompDropout])
def test_rate_zero_changes_nothing(layer):
    np.testing.assert_array_equal(to_numpy(layer(0.0)(ONES, training=True)), ONES)


@each_layer
def test_predicting_twice_draws_new_masks(make):
    model = model_of(make(seed=0))
    model.compile("sgd", "mse")
    assert np.any(predict(model) != predict(model))


@each_layer
def test_each_batch_of_a_prediction_draws_new_masks(make):
    y = predict(model_of(make(seed=0)), np.ones((4, 20, 6)), batch_size=2)
    assert np.any(y[:2] != y[2:])


@each_layer
def test_unseeded_layers_draw_masks_of_their_own(make):
    assert np.any(to_numpy(make()(ONES)) != to_numpy(make()(ONES)))


@each_layer
def test_the_global_seed_reproduces_unseeded_layers(make):
    outputs = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        outputs.append(predict(model_of(make())))
    np.testing.assert_array_equal(*outputs)


@each_layer
def test_the_same_seed_draws_the_same_masks(make):
    first, second = (model_of(make(seed=7)) for _ in range(2))
    for _ in range(3):
        np.testing.assert_array_equal(predict(first), predict(second))


@each_layer
def test_masks_of_neighbouring_seeds_never_repeat(make):
    masks = []
    for seed in range(5):
        layer = make(seed=seed)
        masks += [to_numpy(layer(ONES)).tobytes() for _ in range(3)]
    assert len(set(masks)) == len(masks)


def test_seeds_are_spread_over_31_bits():
    seeds = [spread_seed(n) for n in range(1000)]
    assert len(set(seeds)) == 1000
    assert 0 <= min(seeds) < 2**31 / 100
    assert 2**31 * 0.99 < max(seeds) < 2**31


def test_seeds_depend_on_every_part():
    parts = [(1,), (1, 2), (12,), (2, 1), (1, 2, 0), (-1,)]
    assert len({spread_seed(*each) for each in parts}) == len(parts)


def test_a_seed_may_be_an_integer_of_numpy():
    assert spread_seed(np.int64(3)) == spread_seed(3)
    first, second = (MonteCarloDropout(0.3, seed=s) for s in (np.int64(3), 3))
    np.testing.assert_array_equal(to_numpy(first(ONES)), to_numpy(second(ONES)))


@each_layer
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("seed", [1.5, "1"])
def test_a_seed_that_is_no_integer_is_refused(make, fixed, seed):
    with pytest.raises(TypeError, match=f"'{type(seed).__name__}'.* integer"):
        make(seed=seed, fixed=fixed)


@each_layer
def test_a_fixed_mask_is_the_same_for_all_rows_and_calls(make):
    model = model_of(make(fixed=True, seed=0))
    y = predict(model)
    assert 0 < (y == 0).mean() < 1
    np.testing.assert_array_equal(y[0], y[1])
    np.testing.assert_array_equal(predict(model), y)
    np.testing.assert_array_equal(predict(model, ONES[:1]), y[:1])


def test_under_a_fixed_mask_both_strands_give_the_same_bits():
    x = np.random.default_rng(0).normal(size=ONES.shape).astype("float32")
    model = model_of(RevCompDropout(0.5, monte_carlo=True, fixed=True, seed=0))
    turned = np.ascontiguousarray(reverse_complement(x))
    expected = reverse_complement(predict(model, x))
    np.testing.assert_array_equal(predict(model, turned), expected)


@each_layer
def test_holding_another_seed_changes_the_mask_of_a_compiled_model(make):
    layer = make(fixed=True, seed=0)
    model = model_of(layer)
    model.compile("sgd", "mse")
    first = predict(model)
    layer.seed_generator.hold(5)
    second = predict(model)
    assert np.any(second != first)
    np.testing.assert_array_equal(predict(model), second)
    layer.seed_generator.hold(6)
    assert np.any(predict(model) != second)
    layer.seed_generator.hold(5)
    np.testing.assert_array_equal(predict(model), second)


@each_layer
def test_an_unseeded_fixed_mask_survives_the_config(make):
    layer = make(fixed=True)
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(to_numpy(again(ONES)), to_numpy(layer(ONES)))


@each_layer
def test_a_held_seed_survives_a_model_file(make, tmp_path):
    layer = make(fixed=True, seed=0)
    model = model_of(layer)
    first = predict(model)
    layer.seed_generator.hold(5)
    model.save(tmp_path / "model.keras")
    y = predict(keras.saving.load_model(tmp_path / "model.keras"))
    assert np.any(y != first)
    np.testing.assert_array_equal(y, predict(model))


@each_layer
def test_holding_another_seed_does_not_trace_the_model_again(make, monkeypatch):
    if keras.backend.backend() == "torch":
        pytest.skip("torch runs eagerly: nothing is traced")
    layer, calls = make(fixed=True, seed=0), []
    draw = layer._draw_mask
    monkeypatch.setattr(layer, "_draw_mask", lambda s: calls.append(s) or draw(s))
    model = model_of(layer)
    predict(model)
    traced = len(calls)
    layer.seed_generator.hold(5)
    predict(model)
    assert len(calls) == traced > 0


@each_layer
def test_sampling_leaves_batch_normalization_alone(make):
    norm = keras.layers.BatchNormalization()
    model = model_of(norm, make(seed=0))
    before = norm.get_weights()
    x = np.random.default_rng(0).normal(3, 2, size=ONES.shape)
    assert np.any(predict(model, x) != predict(model, x))
    for a, b in zip(before, norm.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_half_precision_draws_the_same_masks(half):
    single, mixed = (
        to_numpy(
            keras.ops.cast(
                RevCompDropout(0.1, seed=0, dtype=dtype)(ONES, training=True), "float32"
            )
        )
        for dtype in ("float32", f"mixed_{half}")
    )
    np.testing.assert_array_equal(single == 0, mixed == 0)


@pytest.mark.parametrize("layer", [MonteCarloDropout, RevCompDropout])
@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, float("nan")])
def test_a_rate_outside_its_range_is_refused(layer, rate):
    with pytest.raises(ValueError, match=rf"\[0, 1\). Received rate={rate}"):
        layer(rate)


def test_odd_channels_are_refused_only_where_strands_are_paired():
    x = np.ones((2, 7, 5), "float32")
    assert tuple(MonteCarloDropout(0.5)(x).shape) == x.shape
    with pytest.raises(ValueError, match="Received channels=5"):
        RevCompDropout(0.5)(x)


@each_layer
def test_the_mask_of_positions_is_passed_on(make):
    masked = keras.layers.Masking()(keras.Input((20, 6)))
    assert keras.src.backend.get_keras_mask(make()(masked)) is not None
