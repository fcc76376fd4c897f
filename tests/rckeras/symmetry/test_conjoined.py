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


def by_position():
    dense = layers.Dense(3, activation="sigmoid", name="inner")
    return keras.Sequential(
        [keras.Input((LENGTH, 4)), layers.Conv1D(6, 5), layers.TimeDistributed(dense)]
    )


def with_operation(name):
    model = with_activation("linear")
    return keras.Model(model.inputs, getattr(ops, name)(model.outputs[0]))


SIGMOIDS = {
    "operation": lambda: with_operation("sigmoid"),
    "dense": lambda: with_activation("sigmoid"),
    "activation": lambda: with_layer(layers.Activation("sigmoid")),
    "nested": nested,
}
SOFTMAXES = {
    "operation": lambda: with_operation("softmax"),
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
    expected = 1 / (1 + np.exp(-np.mean([logit(p) for p in both(model, x)], 0)))
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


def logit(p):
    p = np.float64(p)
    return np.log(p) - np.log1p(-p)


def test_a_sigmoid_of_each_position_is_moved():
    model, x = shuffled(by_position()), sequences()
    forward, other = map(logit, both(model, x))
    found = logit(predict(rckeras.conjoin(model), x))
    np.testing.assert_allclose(found, (forward + other[:, ::-1]) / 2, atol=1e-4)


def test_a_softmax_keeps_its_axis():
    given = keras.Input((LENGTH, 4))
    model = keras.Model(given, layers.Softmax(axis=1)(layers.Conv1D(2, 5)(given)))
    x = sequences()
    forward, other = both(model, x)
    product = np.sqrt(np.float64(forward) * other[:, ::-1])
    expected = product / product.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predict(rckeras.conjoin(model), x), expected, atol=1e-6)


def test_a_softmax_with_a_mask_is_refused():
    model = with_activation("linear")
    z = model.outputs[0]
    masked = keras.Model(model.inputs, layers.Softmax()(z, mask=z > 0))
    with pytest.raises(ValueError, match=r"has a mask.*give merge='mean'"):
        rckeras.conjoin(masked)
    forward, other = both(masked, sequences())
    found = predict(rckeras.conjoin(masked, "mean"), sequences())
    np.testing.assert_allclose(found, (forward + other) / 2, atol=1e-6)


@pytest.mark.parametrize("kind", ["LSTM", "SimpleRNN"])
def test_the_activation_of_a_recurrent_layer_is_no_last_sigmoid(kind):
    layer = getattr(layers, kind)(3, activation="sigmoid")
    model, x = keras.Sequential([keras.Input((LENGTH, 4)), layer]), sequences()
    found = predict(rckeras.conjoin(model), x)
    np.testing.assert_allclose(found, np.mean(both(model, x), 0), atol=1e-6)


def gated(*ends):
    """A network whose second output is gated by its first."""
    given = keras.Input((LENGTH, 4))
    pooled = layers.GlobalMaxPooling1D()(layers.Conv1D(4, 5)(given))
    gate = pooled
    for layer in ends:
        gate = layer(gate)
    return keras.Model(
        given, [gate, layers.Multiply()([layers.Dense(1)(pooled), gate])]
    )


def test_a_sigmoid_that_others_read_is_merged_where_it_is_a_layer():
    model = shuffled(gated(layers.Dense(1), layers.Activation("sigmoid")))
    x = sequences()
    (p, s), (q, t) = (model.predict(each, verbose=0) for each in (x, x[:, ::-1, ::-1]))
    found = rckeras.conjoin(model).predict(x, verbose=0)
    np.testing.assert_allclose(logit(found[0]), (logit(p) + logit(q)) / 2, atol=1e-5)
    np.testing.assert_allclose(found[1], (s + t) / 2, atol=1e-5)
    with pytest.raises(ValueError, match=r"other layers take.*Activation\('sigmoid'\)"):
        rckeras.conjoin(gated(layers.Dense(1, activation="sigmoid")))


def test_a_model_that_is_called_twice_is_refused():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, "sigmoid")])
    given = keras.Input((LENGTH, 4))
    pooled = layers.GlobalMaxPooling1D()(given)
    with pytest.raises(ValueError, match="other layers take"):
        rckeras.conjoin(keras.Model(given, inner(inner(pooled))))


def test_an_activation_that_is_called_twice_is_moved_once():
    squash = layers.Activation("sigmoid")
    model = keras.Sequential([*body(), layers.Dense(2)])
    hidden = layers.Dense(3)(squash(model.outputs[0]))
    model, x = shuffled(keras.Model(model.inputs, squash(hidden))), sequences()
    found = predict(rckeras.conjoin(model), x)
    expected = np.mean([logit(p) for p in both(model, x)], 0)
    np.testing.assert_allclose(logit(found), expected, atol=1e-5)


def test_a_shared_last_layer_stays_shared():
    given = keras.Input((LENGTH, 4))
    head = layers.Dense(2, activation="sigmoid", name="head")
    parts = [layers.GlobalMaxPooling1D()(layers.Conv1D(6, n)(given)) for n in (3, 5)]
    model, x = keras.Model(given, [head(part) for part in parts]), sequences()
    conjoined = rckeras.conjoin(model)
    assert conjoined.count_params() == model.count_params()
    answers = [model.predict(each, verbose=0) for each in (x, x[:, ::-1, ::-1])]
    for p, q, found in zip(*answers, conjoined.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(logit(found), (logit(p) + logit(q)) / 2, atol=1e-5)


def test_outputs_keep_their_structure_and_their_names():
    given = keras.Input((LENGTH, 4))
    pooled = layers.GlobalMaxPooling1D()(layers.Conv1D(4, 5)(given))
    outputs = {
        "b": layers.Dense(2, activation="sigmoid", name="bound")(pooled),
        "a": layers.Dense(1, name="signal")(pooled),
    }
    model, x = keras.Model(given, outputs), sequences()
    conjoined = rckeras.conjoin(model)
    assert {name: y.shape for name, y in conjoined.predict(x, verbose=0).items()} == {
        "a": (5, 1),
        "b": (5, 2),
    }
    conjoined.compile("sgd", {"a": "mse", "b": "binary_crossentropy"})
    conjoined.fit(x, {"a": np.ones((5, 1)), "b": np.ones((5, 2))}, verbose=0)
    inner = keras.Model(given, [outputs["a"], outputs["b"]])
    again = keras.Input((LENGTH, 4))
    found = rckeras.conjoin(keras.Model(again, inner(again))).predict(x, verbose=0)
    assert [y.shape for y in found] == [(5, 1), (5, 2)]


def test_answers_keep_the_precision_of_the_network():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = with_activation("linear")
        sure = layers.Dense(2, activation="sigmoid", dtype="float32", name="sure")
        model = keras.Model(model.inputs, sure(model.outputs[0]))
        sure.bias.assign([9.0, -9.0])
        networks = [rckeras.conjoin(model, merge) for merge in ("logits", "mean")]
        for network in [*networks, pair_strands(model)]:
            found = network.predict(sequences(64), verbose=0)
            assert found.dtype == "float32"
            assert len(np.unique(found)) > 32
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_mask_is_turned_back_with_the_answers():
    ends = [layers.LSTM(3, return_sequences=True), layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((LENGTH, 4)), layers.Masking(), *ends])
    x, y = sequences(), np.ones((5, LENGTH, 1))
    x[:, 20:] = 0
    conjoined = rckeras.conjoin(model)
    conjoined.compile("sgd", "binary_crossentropy")
    loss = -np.log(predict(conjoined, x)[:, :20]).mean()
    assert conjoined.evaluate(x, y, verbose=0) == pytest.approx(loss, rel=1e-4)


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
    np.testing.assert_allclose(logit(found[0]), (logit(p) + logit(q)) / 2, atol=1e-5)


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


@pytest.mark.parametrize(
    ("paired", "expected"), [(False, "mirrored"), (True, "equivariant")]
)
def test_the_audit_knows_how_profiles_are_turned(paired, expected):
    model = keras.Sequential([keras.Input((LENGTH, 4)), layers.Conv1D(3, 5)])
    assert rckeras.audit_strand_symmetry(model).symmetry == "broken"
    conjoined = rckeras.conjoin(model, paired_channels=paired)
    found = rckeras.audit_strand_symmetry(conjoined)
    assert (found.symmetry, found.first_break) == (expected, None)
    behind = layers.GlobalMaxPooling1D()(conjoined.outputs[0])
    found = rckeras.audit_strand_symmetry(keras.Model(conjoined.inputs, behind))
    assert found.symmetry == ("equivariant" if paired else "invariant")


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
