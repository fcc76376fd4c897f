"""Fixed masks, sampled networks, and means over them."""

import keras
import numpy as np
import pytest
from keras import layers

from rckeras import reverse_complement
from rckeras.interpret import (
    MonteCarloPredictor,
    fix_dropout,
    predict_mc,
    redraw_dropout,
    without_dropout,
)
from rckeras.layers import (
    MonteCarloDropout,
    RevCompConv1D,
    RevCompDropout,
    RevCompSumPooling,
)


@pytest.fixture
def x():
    rng = np.random.default_rng(0)
    return np.eye(4, dtype="float32")[rng.integers(4, size=(9, 50))]


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((50, 4)),
            RevCompConv1D(4, 7, activation="elu"),
            RevCompDropout(0.3, monte_carlo=True),
            layers.MaxPooling1D(4),
            RevCompConv1D(4, 3, activation="elu"),
            RevCompDropout(0.3, monte_carlo=True),
            RevCompSumPooling(),
            layers.GlobalMaxPooling1D(),
            layers.BatchNormalization(),
            layers.Dense(2, activation="softmax"),
        ]
    )


def predict(model, x):
    return model.predict(x, verbose=0)


def test_network_is_random_and_a_sample_of_it_is_not(model, x):
    assert np.abs(predict(model, x) - predict(model, x)).max() > 1e-3
    sampled = fix_dropout(model, seed=1)
    np.testing.assert_array_equal(predict(sampled, x), predict(sampled, x))


def test_one_sample_gives_both_strands_the_same_answer(model, x):
    sampled = fix_dropout(model, seed=1)
    other = predict(sampled, reverse_complement(x))
    np.testing.assert_allclose(predict(sampled, x), other, atol=1e-6)


def test_one_mask_serves_all_sequences(model, x):
    sampled = fix_dropout(model, seed=1)
    one_by_one = np.concatenate([predict(sampled, row[None]) for row in x])
    np.testing.assert_allclose(predict(sampled, x), one_by_one, atol=1e-6)


def test_redrawing_after_a_prediction_changes_the_masks_and_back(model, x):
    sampled = fix_dropout(model, seed=1)
    first = predict(sampled, x)
    redraw_dropout(sampled, 2)
    assert np.abs(predict(sampled, x) - first).max() > 1e-3
    redraw_dropout(sampled, 1)
    np.testing.assert_array_equal(predict(sampled, x), first)


def test_seeds_determine_the_sample(model, x):
    a, b, c = (predict(fix_dropout(model, seed=seed), x) for seed in (3, 3, 4))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-3


def test_layers_of_one_sample_have_different_masks():
    inputs = keras.Input((20, 6))
    outputs = [MonteCarloDropout(0.5)(inputs), MonteCarloDropout(0.5)(inputs)]
    sampled = fix_dropout(keras.Model(inputs, outputs))
    first, second = predict(sampled, np.ones((1, 20, 6), "float32"))
    assert (first != second).mean() > 0.2


def test_weights_are_shared(model, x):
    sampled = fix_dropout(model, seed=1)
    before = predict(sampled, x)
    model.layers[0].set_weights([2 * w for w in model.layers[0].get_weights()])
    assert np.abs(predict(sampled, x) - before).max() > 1e-3


def test_mean_and_spread_are_those_of_the_samples(model, x):
    predictor = MonteCarloPredictor(model, samples=5, seed=2)
    mean, std = predictor.predict(x, batch_size=4)
    samples = []
    for seed in predictor.seeds:
        redraw_dropout(predictor.model, seed)
        samples.append(predict(predictor.model, x))
    np.testing.assert_allclose(mean, np.mean(samples, axis=0), atol=1e-6)
    np.testing.assert_allclose(std, np.std(samples, axis=0, ddof=1), atol=1e-6)


def with_a_way_around():
    """Features that are not random reach the output beside random ones."""
    sequence = keras.Input((50, 4))
    features = layers.Conv1D(6, 5)(sequence)
    dropped = MonteCarloDropout(0.5)(features)
    both = layers.Add()([features, layers.Conv1D(6, 1)(dropped)])
    mean = layers.GlobalAveragePooling1D()(both)
    whole = layers.GlobalMaxPooling1D()(sequence)
    return keras.Model(
        sequence, layers.Dense(1)(layers.Concatenate()([whole, mean, whole]))
    )


def with_dropout_first():
    return keras.Sequential(
        [
            keras.Input((50, 4)),
            RevCompDropout(0.5, monte_carlo=True),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


def with_a_part_of_its_own():
    part = keras.Sequential([keras.Input((44, 8)), MonteCarloDropout(0.5)])
    stages = [keras.Input((50, 4)), layers.Conv1D(8, 7), part, layers.Flatten()]
    return keras.Sequential([*stages, layers.Dense(1)])


@pytest.mark.parametrize(
    "make", [with_a_way_around, with_dropout_first, with_a_part_of_its_own]
)
def test_the_part_that_is_not_random_may_have_any_shape(make, x):
    keras.utils.set_random_seed(0)
    model = make()
    mean, std = predict_mc(model, x, samples=6, seed=2, batch_size=4)
    predictor = MonteCarloPredictor(model, samples=6, seed=2)
    sampled = []
    for seed in predictor.seeds:
        sampled.append(predict(fix_dropout(model, seed), x))
    np.testing.assert_allclose(mean, np.mean(sampled, 0), atol=1e-5)
    np.testing.assert_allclose(std, np.std(sampled, 0, ddof=1), atol=1e-5)
    assert std.min() > 0


class Counted(layers.Layer):
    """Counts its calls in a variable, for compiled functions run Python once."""

    def build(self, input_shape):
        self.runs = self.add_weight(initializer="zeros", trainable=False)

    def call(self, inputs):
        self.runs.assign_add(1.0)
        return inputs


def test_what_is_not_random_runs_once_for_all_samples(x):
    counted, again = Counted(), Counted()
    stages = [counted, MonteCarloDropout(0.5), again, layers.Flatten()]
    network = keras.Sequential([keras.Input((50, 4)), *stages])
    predictor = MonteCarloPredictor(network, samples=20)
    before = [float(each.runs) for each in (counted, again)]
    predictor.predict(x, batch_size=5)
    after = [float(each.runs) for each in (counted, again)]
    assert np.subtract(after, before).tolist() == [2, 40]


def test_mean_is_the_same_for_both_strands_and_in_parts(model, x):
    mean, std = predict_mc(model, x, samples=6)
    other = predict_mc(model, reverse_complement(x), samples=6)
    np.testing.assert_allclose(mean, other[0], atol=1e-6)
    np.testing.assert_allclose(std, other[1], atol=1e-6)
    predictor = MonteCarloPredictor(model, samples=6)
    parts = np.concatenate([predictor.predict(x[:2])[0], predictor.predict(x[2:])[0]])
    np.testing.assert_allclose(mean, parts, atol=1e-6)


def test_sampling_leaves_batch_normalization_alone(model, x):
    before = [np.array(w) for w in model.get_weights()]
    predict_mc(model, x, samples=3)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_without_dropout_is_the_network_of_all_features(model, x):
    plain = without_dropout(model)
    np.testing.assert_array_equal(predict(plain, x), predict(plain, x))
    assert plain.layers[1] is model.layers[0]
    assert without_dropout(plain) is plain
    features = keras.Sequential([keras.Input((50, 4))])
    for layer in model.layers:
        if not isinstance(layer, RevCompDropout):
            features.add(layer)
    np.testing.assert_allclose(predict(plain, x), predict(features, x), atol=1e-6)


def test_shared_and_nested_layers_are_replaced_once(x):
    drop = MonteCarloDropout(0.5)
    inner = keras.Sequential([keras.Input((50, 4)), drop, layers.Dense(3)])
    inputs = keras.Input((50, 4))
    outer = keras.Model(inputs, [inner(inputs), inner(inputs)])
    first, second = predict(fix_dropout(outer), x)
    np.testing.assert_array_equal(first, second)


def test_models_without_random_layers_are_refused(x):
    model = keras.Sequential([keras.Input((50, 4)), layers.Dropout(0.5)], name="plain")
    with pytest.raises(ValueError, match="'plain' has no Monte Carlo dropout"):
        predict_mc(model, x)
    with pytest.raises(ValueError, match="fix_dropout"):
        redraw_dropout(model, 1)


def test_sampled_network_survives_saving_and_cloning(model, x, tmp_path):
    sampled = fix_dropout(model, seed=5)
    expected = predict(sampled, x)
    sampled.save(tmp_path / "sampled.keras")
    again = keras.saving.load_model(tmp_path / "sampled.keras")
    np.testing.assert_allclose(predict(again, x), expected, atol=1e-6)
    clone = keras.models.clone_model(sampled)
    clone.set_weights(sampled.get_weights())
    np.testing.assert_allclose(predict(clone, x), expected, atol=1e-6)


def test_compiled_models_are_sampled_whatever_they_are_compiled_with(model, x):
    model.compile("sgd", loss=lambda y, z: keras.ops.mean(y - z), metrics=["mae"])
    sampled = fix_dropout(model, seed=1)
    assert not sampled.compiled
    np.testing.assert_array_equal(predict(sampled, x), predict(sampled, x))


def test_integers_of_numpy_are_integers(model, x):
    a, b = (predict(fix_dropout(model, seed=s), x) for s in (7, np.int64(7)))
    np.testing.assert_array_equal(a, b)
    with pytest.raises(TypeError):
        MonteCarloDropout(0.5, seed="seven")


def test_dropout_inside_a_wrapper_is_refused_by_name():
    inner = MonteCarloDropout(0.5, name="hidden_away")
    wrapped = layers.TimeDistributed(inner)
    model = keras.Sequential([keras.Input((5, 50, 4)), wrapped])
    for function in (without_dropout, fix_dropout):
        with pytest.raises(TypeError, match="hidden_away"):
            function(model)


def test_empty_batches_and_several_outputs_are_refused(model, x):
    with pytest.raises(ValueError, match=r"\(0, 50, 4\)"):
        predict_mc(model, x[:0])
    inputs = keras.Input((20, 6))
    two = keras.Model(inputs, [MonteCarloDropout(0.5)(inputs), inputs])
    with pytest.raises(ValueError, match="1 and 2"):
        predict_mc(two, np.ones((2, 20, 6)))


def test_too_few_samples_are_refused(model):
    with pytest.raises(ValueError, match="Received 1"):
        MonteCarloPredictor(model, samples=1)


def test_subclassed_models_are_refused():
    class Plain(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.drop = MonteCarloDropout(0.5)

        def call(self, x):
            return self.drop(x)

    with pytest.raises(TypeError, match="Plain 'own'"):
        fix_dropout(Plain())
