"""Conjoined networks answer alike for both strands, as the merge says."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

import rckeras
from rckeras.layers import RevCompConv1D, RevCompDropout, RevCompSumPooling
from rckeras.symmetry.conjoined import BothStrands, MergeStrands, pair_strands

LENGTH = 30


def sequences(count=5, seed=0):
    codes = np.random.default_rng(seed).integers(4, size=(count, LENGTH))
    return np.eye(4, dtype="float32")[codes]


def body():
    return [
        keras.Input((LENGTH, 4), name="sequence"),
        layers.Conv1D(6, 5, activation="relu"),
        layers.BatchNormalization(),
        layers.GlobalMaxPooling1D(),
    ]


def with_activation(name):
    return keras.Sequential([*body(), layers.Dense(3, activation=name, name="out")])


def with_layer(last):
    return keras.Sequential([*body(), layers.Dense(3), last])


def functional():
    model = with_layer(layers.Softmax())
    given = keras.Input((LENGTH, 4), name="sequence")
    x = given
    for layer in model.layers:
        x = layer(x)
    return keras.Model(given, x)


def nested():
    head = keras.Sequential(
        [keras.Input((6,)), layers.Dense(3, activation="sigmoid", name="inner")]
    )
    return keras.Sequential([*body(), head])


SIGMOIDS = {
    "dense": lambda: with_activation("sigmoid"),
    "activation": lambda: with_layer(layers.Activation("sigmoid")),
    "nested": nested,
}
SOFTMAXES = {
    "dense": lambda: with_activation("softmax"),
    "activation": lambda: with_layer(layers.Activation("softmax")),
    "layer": lambda: with_layer(layers.Softmax()),
    "functional": functional,
}
MODELS = [*SIGMOIDS.values(), *SOFTMAXES.values(), lambda: with_activation("linear")]


def predict(model, x):
    return model.predict(x, verbose=0, batch_size=2)


def both(model, x):
    return predict(model, x), predict(model, rckeras.reverse_complement(x))


def shuffled(model, seed=0):
    """The model with statistics and biases that are not those of the start."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_variance.assign(np.ones(layer.moving_variance.shape))
    return model


@pytest.mark.parametrize("merge", ["logits", "mean", "max"])
@pytest.mark.parametrize("number", range(len(MODELS)))
def test_both_strands_get_the_same_answer(number, merge):
    model, x = shuffled(MODELS[number](), number), sequences(seed=number)
    forward, other = both(model, x)
    assert np.abs(forward - other).max() > 1e-4
    forward, other = both(rckeras.conjoin(model, merge), x)
    np.testing.assert_allclose(forward, other, atol=1e-6)


@pytest.mark.parametrize("make", SIGMOIDS.values(), ids=SIGMOIDS)
def test_a_sigmoid_is_moved_behind_the_mean_of_the_logits(make):
    model, x = shuffled(make()), sequences()
    logits = [np.log(p) - np.log1p(-p) for p in map(np.float64, both(model, x))]
    expected = 1 / (1 + np.exp(-np.mean(logits, 0)))
    found = predict(rckeras.conjoin(model), x)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.abs(found - np.mean(both(model, x), 0)).max() > 1e-5


@pytest.mark.parametrize("make", SOFTMAXES.values(), ids=SOFTMAXES)
def test_a_softmax_is_moved_behind_the_mean_of_the_logits(make):
    model, x = shuffled(make()), sequences()
    product = np.exp(np.mean([np.log(np.float64(p)) for p in both(model, x)], 0))
    expected = product / product.sum(axis=-1, keepdims=True)
    found = predict(rckeras.conjoin(model), x)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("merge", ["logits", "mean"])
def test_outputs_without_squashing_are_averaged(merge):
    model, x = shuffled(with_activation("linear")), sequences()
    found = predict(rckeras.conjoin(model, merge), x)
    np.testing.assert_allclose(found, np.mean(both(model, x), 0), atol=1e-6)


def test_the_larger_answer_is_taken():
    model, x = shuffled(with_activation("sigmoid")), sequences()
    found = predict(rckeras.conjoin(model, "max"), x)
    np.testing.assert_allclose(found, np.max(both(model, x), 0), atol=1e-6)


@pytest.mark.parametrize("number", range(len(MODELS)))
def test_pairs_are_the_answers_for_both_strands(number):
    model, x = shuffled(MODELS[number](), number), sequences(seed=number)
    pairs = pair_strands(model)
    assert pairs.output_shape == (None, 2, 3)
    np.testing.assert_allclose(
        predict(pairs, x), np.stack(both(model, x), axis=1), atol=1e-6
    )


def test_pairs_of_profiles_are_turned_back():
    given = keras.Input((LENGTH, 4))
    model = keras.Model(given, layers.Conv1D(2, 5)(given))
    x = sequences()
    forward, other = both(model, x)
    found = predict(pair_strands(model, paired_channels=True), x)
    np.testing.assert_allclose(found[:, 0], forward, atol=1e-6)
    np.testing.assert_allclose(found[:, 1], other[:, ::-1, ::-1], atol=1e-6)


def test_extreme_answers_stay_finite():
    model, x = with_activation("sigmoid"), sequences()
    model.get_layer("out").bias.assign([90.0, -90.0, 0.0])
    found = predict(rckeras.conjoin(model), x)
    np.testing.assert_allclose(found[:, :2], [[1, 0]] * len(x), atol=1e-6)


@settings(deadline=None)
@given(st.integers(1, 4), st.booleans(), st.booleans())
def test_halves_are_turned_back_as_their_axes_ask(channels, profile, paired):
    shape = (6, 5, channels) if profile else (6, channels)
    y = np.random.default_rng(channels).normal(size=shape).astype("float32")
    other = y[3:]
    other = other[:, ::-1] if profile else other
    other = other[..., ::-1] if paired else other
    layer = MergeStrands(paired_channels=paired)
    found = ops.convert_to_numpy(layer(y))
    np.testing.assert_allclose(found, (y[:3] + other) / 2, atol=1e-6)


def test_a_profile_of_paired_channels_is_equivariant():
    model = keras.Sequential([keras.Input((LENGTH, 4)), layers.Conv1D(4, 3)])
    conjoined = rckeras.conjoin(model, paired_channels=True)
    forward, other = both(conjoined, sequences())
    np.testing.assert_allclose(forward, other[:, ::-1, ::-1], atol=1e-6)
    forward, other = both(rckeras.conjoin(model), sequences())
    np.testing.assert_allclose(forward, other[:, ::-1], atol=1e-6)


def test_each_output_is_merged_on_its_own():
    sequence = keras.Input((LENGTH, 4))
    pooled = layers.GlobalMaxPooling1D()(layers.Conv1D(4, 5)(sequence))
    bound = layers.Dense(2, activation="sigmoid", name="bound")(pooled)
    signal = layers.Dense(1, name="signal")(pooled)
    model, x = keras.Model(sequence, [bound, signal]), sequences()
    conjoined = rckeras.conjoin(model)
    assert conjoined.output_names == ["bound", "signal"]
    (p, s), (q, t) = (model.predict(each, verbose=0) for each in (x, x[:, ::-1, ::-1]))
    found = conjoined.predict(x, verbose=0)
    np.testing.assert_allclose(found[1], (s + t) / 2, atol=1e-6)
    odds = np.sqrt(p / (1 - p) * q / (1 - q))
    np.testing.assert_allclose(found[0], odds / (1 + odds), atol=1e-5)


@pytest.mark.parametrize("merge", ["logits", "mean"])
def test_the_model_keeps_its_weights_while_the_new_one_is_trained(merge):
    model, x = with_activation("sigmoid"), sequences(8)
    before = model.get_weights()
    conjoined = rckeras.conjoin(model, merge)
    conjoined.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    start = conjoined.get_weights()
    conjoined.fit(x, np.ones((8, 3)), batch_size=3, epochs=2, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    moved = [
        np.abs(a - b).max() for a, b in zip(start, conjoined.get_weights(), strict=True)
    ]
    assert min(moved) > 0
    np.testing.assert_allclose(*both(conjoined, x), atol=1e-6)


def test_both_strands_are_trained_on():
    """A step is that of the mean of the two strands' logits."""
    model, x = with_activation("sigmoid"), sequences(6)
    gradients = []
    for each in (x, rckeras.reverse_complement(x)):
        conjoined = rckeras.conjoin(model)
        conjoined.compile(keras.optimizers.SGD(1.0), "binary_crossentropy")
        start = conjoined.get_weights()
        conjoined.train_on_batch(each, np.ones((6, 3)))
        end = conjoined.get_weights()
        gradients.append([a - b for a, b in zip(start, end, strict=True)])
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_audit_calls_it_invariant():
    assert rckeras.audit_strand_symmetry(with_activation("sigmoid")).symmetry != (
        "invariant"
    )
    conjoined = rckeras.conjoin(with_activation("sigmoid"))
    assert rckeras.audit_strand_symmetry(conjoined).symmetry == "invariant"


def test_it_is_cloned_and_compiled_with_jit():
    model, x = shuffled(with_activation("softmax")), sequences()
    conjoined = rckeras.conjoin(model)
    clone = keras.models.clone_model(conjoined)
    clone.set_weights(conjoined.get_weights())
    np.testing.assert_allclose(predict(clone, x), predict(conjoined, x), atol=1e-6)
    if keras.backend.backend() != "torch":
        clone.compile("sgd", "mse", jit_compile=True)
        clone.fit(x, np.ones((5, 3)), verbose=0)
        np.testing.assert_allclose(*both(clone, x), atol=1e-6)


def test_a_file_of_it_loads_in_a_fresh_process(tmp_path):
    conjoined, x = rckeras.conjoin(with_activation("sigmoid")), sequences()
    conjoined.save(tmp_path / "conjoined.keras")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import sys, keras, numpy as np, rckeras\n"
        "model = keras.saving.load_model(sys.argv[1] + '/conjoined.keras')\n"
        "x = np.load(sys.argv[1] + '/x.npy')\n"
        "np.save(sys.argv[1] + '/y.npy', model.predict(x, verbose=0))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    found = np.load(tmp_path / "y.npy")
    np.testing.assert_allclose(found, conjoined.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize("merge", ["logits", "mean"])
def test_a_network_that_is_symmetric_stays_as_it_is(merge):
    model = keras.Sequential(
        [
            keras.Input((LENGTH, 4)),
            RevCompConv1D(4, 5, activation="relu"),
            RevCompSumPooling(),
            layers.GlobalMaxPooling1D(),
            layers.Dense(2, activation="sigmoid"),
        ]
    )
    x = sequences()
    found = predict(rckeras.conjoin(model, merge), x)
    np.testing.assert_allclose(found, predict(model, x), atol=1e-6)


def test_a_mask_that_is_drawn_is_drawn_for_both_strands():
    from rckeras.interpret import fix_dropout

    stages = [
        keras.Input((LENGTH, 4)),
        layers.Conv1D(4, 5),
        RevCompDropout(0.5, monte_carlo=True),
        layers.GlobalMaxPooling1D(),
        layers.Dense(2, activation="sigmoid"),
    ]
    sampled = fix_dropout(rckeras.conjoin(keras.Sequential(stages)), seed=4)
    np.testing.assert_allclose(*both(sampled, sequences()), atol=1e-6)


@keras.saving.register_keras_serializable("tests")
class Own(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(ops.max(x[:, :-1] * x[:, 1:], axis=1))


def test_models_of_another_kind_are_merged_by_their_outputs():
    own, x = Own(), sequences()
    sequence = keras.Input((LENGTH, 4))
    model = keras.Model(sequence, own(sequence))
    with pytest.raises(TypeError, match="functional or a built sequential model"):
        rckeras.conjoin(own)
    with pytest.raises(TypeError, match="give merge='mean'"):
        rckeras.conjoin(model)
    found = predict(rckeras.conjoin(model, "mean"), x)
    np.testing.assert_allclose(found, np.mean(both(model, x), 0), atol=1e-6)


def test_models_with_several_inputs_are_refused():
    one, other = keras.Input((LENGTH, 4)), keras.Input((7,))
    joined = layers.Concatenate()([layers.Flatten()(one), other])
    model = keras.Model([one, other], layers.Dense(1)(joined))
    with pytest.raises(ValueError, match=r"conjoin the part.*\(None, 7\)"):
        rckeras.conjoin(model)


def test_unknown_merges_are_refused():
    with pytest.raises(ValueError, match=r"one of logits, mean, max\. Received: 'sum'"):
        rckeras.conjoin(with_activation("sigmoid"), "sum")
    with pytest.raises(ValueError, match=r"'max' or 'stack'\. Received: 'logits'"):
        MergeStrands("logits")


def test_strands_of_all_sequences_follow_the_sequences():
    x = sequences(3)
    found = ops.convert_to_numpy(BothStrands()(x))
    np.testing.assert_array_equal(found, np.concatenate([x, x[:, ::-1, ::-1]]))
    assert BothStrands().compute_output_shape((None, 9, 4)) == (None, 9, 4)
    assert MergeStrands().compute_output_shape((6, 9)) == (3, 9)
