"""The penalty is the divergence between the strands, in training alone."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops

from rckeras import StrandConsistency
from rckeras.layers import RevCompConv1D, RevCompSumPooling
from rckeras.symmetry.consistency import _diverge
from rckeras.symmetry.heads import Head

LENGTH = 24


def sequences(count=6, seed=0):
    codes = np.random.default_rng(seed).integers(4, size=(count, LENGTH))
    return np.eye(4, dtype="float32")[codes]


def network(activation="sigmoid", seed=0, profile=False):
    keras.utils.set_random_seed(seed)
    given = keras.Input((LENGTH, 4), name="sequence")
    x = layers.Conv1D(5, 4, activation="elu", kernel_initializer="he_normal")(given)
    x = x if profile else layers.GlobalAveragePooling1D()(x)
    outputs = layers.Dense(3, activation=activation, kernel_initializer="he_normal")(x)
    return keras.Model(given, outputs)


def expected(model, x, activation, turn=lambda other: other):
    """The divergence of each sequence, in float64."""
    p = model.predict(x, verbose=0).astype("float64")
    q = turn(model.predict(x[:, ::-1, ::-1].copy(), verbose=0).astype("float64"))
    return divergence(p, q, activation).reshape(len(x), -1).mean(axis=1)


def divergence(p, q, activation):
    """As it is defined, in float64."""
    if activation == "softmax":
        return ((p - q) * np.log(p / q)).sum(axis=-1) / 2
    if activation == "sigmoid":
        one, other = p * np.log(p / q), (1 - p) * np.log((1 - p) / (1 - q))
        back = q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
        return (one + other + back) / 2
    return (p - q) ** 2


def penalty(learner, x, sample_weight=None, loss="mse"):
    """What the penalty adds to the loss."""
    learner.compile("sgd", loss)
    y_pred = learner(x, training=True)
    y = ops.zeros_like(y_pred)
    losses = [
        learner.compute_loss(x, y, y_pred, sample_weight, training=training)
        for training in (True, False)
    ]
    return float(losses[0]) - float(losses[1])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "linear"])
def test_the_penalty_is_the_divergence_between_the_strands(activation, seed):
    model, x = network(activation, seed), sequences(seed=seed)
    wanted = expected(model, x, activation).mean()
    assert wanted > 1e-5
    found = penalty(StrandConsistency(model, weight=7.0), x)
    assert found == pytest.approx(7 * wanted, rel=2e-3)


@pytest.mark.parametrize("paired", [False, True])
def test_a_profile_is_turned_back(paired):
    model, x = network(profile=True), sequences()

    def turn(other):
        return other[:, ::-1, ::-1] if paired else other[:, ::-1]

    wanted = expected(model, x, "sigmoid", turn).mean()
    found = penalty(StrandConsistency(model, paired_channels=paired), x)
    assert found == pytest.approx(wanted, rel=2e-3)


def test_sample_weights_weigh_the_penalty():
    model, x = network(), sequences()
    weights = np.array([0, 1, 2, 0.5, 3, 0], "float32")
    wanted = (expected(model, x, "sigmoid") * weights).mean()
    found = penalty(StrandConsistency(model), x, weights)
    assert found == pytest.approx(wanted, rel=2e-3)


def test_a_network_with_tied_strands_pays_nothing():
    given = keras.Input((LENGTH, 4))
    x = layers.GlobalMaxPooling1D()(RevCompSumPooling()(RevCompConv1D(4, 5)(given)))
    model = keras.Model(given, layers.Dense(2, activation="sigmoid")(x))
    assert abs(penalty(StrandConsistency(model, weight=100.0), sequences())) < 1e-4


def test_several_outputs_pay_for_each():
    given = keras.Input((LENGTH, 4))
    x = layers.GlobalMaxPooling1D()(layers.Conv1D(4, 5)(given))
    one = layers.Dense(1, activation="sigmoid", name="one")(x)
    two = layers.Dense(2, name="two")(x)
    x = sequences()
    parts = [penalty(StrandConsistency(keras.Model(given, y)), x) for y in (one, two)]
    learner = StrandConsistency(keras.Model(given, [one, two]))
    learner.compile("sgd", ["mse", "mse"])
    y_pred = learner(x, training=True)
    y = [ops.zeros_like(each) for each in y_pred]
    losses = [learner.compute_loss(x, y, y_pred, training=t) for t in (True, False)]
    assert float(losses[0]) - float(losses[1]) == pytest.approx(sum(parts), rel=1e-2)


def test_weights_of_positions_weigh_the_penalty_there():
    model, x = network(profile=True), sequences()
    p, q = (model.predict(each, verbose=0) for each in (x, x[:, ::-1, ::-1].copy()))
    apart = divergence(p.astype("float64"), q[:, ::-1].astype("float64"), "sigmoid")
    weights = np.random.default_rng(1).random(apart.shape[:2]).astype("float32")
    wanted = (apart.mean(axis=-1) * weights).mean()
    found = penalty(StrandConsistency(model, weight=5.0), x, weights)
    assert found == pytest.approx(5 * wanted, rel=2e-3)


def test_a_softmax_over_positions_is_compared_along_them():
    given = keras.Input((LENGTH, 4))
    conv = layers.Conv1D(2, 5, kernel_initializer="he_normal")
    model, x = keras.Model(given, layers.Softmax(axis=1)(conv(given))), sequences()
    p, q = (model.predict(each, verbose=0) for each in (x, x[:, ::-1, ::-1].copy()))
    p, q = p.astype("float64"), q[:, ::-1].astype("float64")
    wanted = ((p - q) * np.log(p / q)).sum(axis=1).mean() / 2
    found = penalty(StrandConsistency(model), x)
    assert found == pytest.approx(wanted, rel=2e-3)


def test_losses_and_labels_go_by_the_names_of_the_outputs():
    given = keras.Input((LENGTH, 4))
    x = layers.GlobalMaxPooling1D()(layers.Conv1D(4, 5)(given))
    one = layers.Dense(1, activation="sigmoid", name="one")(x)
    two = layers.Dense(2, name="two")(x)
    learner = StrandConsistency(keras.Model(given, [one, two]))
    learner.compile("sgd", {"two": "mse", "one": "binary_crossentropy"})
    y = {"one": np.ones((6, 1)), "two": np.ones((6, 2))}
    history = learner.fit(sequences(), y, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "linear"])
def test_a_step_goes_down_the_whole_penalty(activation):
    """Along each weight, by finite differences: both strands have their share."""
    x = sequences(3)

    def loss(weights):
        model = network(activation, seed=2)
        model.set_weights(weights)
        return 1e3 * expected(model, x, activation).mean()

    model = network(activation, seed=2)
    start = model.get_weights()
    learner = StrandConsistency(model, weight=1e3)
    # Nothing but the penalty has a gradient.
    learner.compile(keras.optimizers.SGD(1e-3), lambda y, p: 0 * ops.sum(p, axis=-1))
    learner.train_on_batch(x, np.zeros((3, 3)))
    rng = np.random.default_rng(0)
    for place, (old, new) in enumerate(zip(start, model.get_weights(), strict=True)):
        direction = rng.normal(size=old.shape).astype("float32")
        values = []
        for step in (1e-2, -1e-2):
            moved = [w.copy() for w in start]
            moved[place] = old + step * direction
            values.append(loss(moved))
        slope = (values[0] - values[1]) / 2e-2
        found = ((old - new) / 1e-3 * direction).sum()
        assert found == pytest.approx(slope, rel=3e-2, abs=2e-2)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", None])
def test_the_gradient_is_that_of_finite_differences(activation):
    p = np.array([[0.2, 0.5, 0.3]], "float64")
    q = np.array([[0.6, 0.3, 0.1]], "float64")

    def value(p):
        return divergence(p, q, activation).mean(axis=-1).sum()

    step = 1e-6
    slopes = [
        (value(p + step * unit) - value(p - step * unit)) / (2 * step)
        for unit in np.eye(3)[:, None]
    ]
    head = None if activation is None else Head(activation, -1, None)
    np.testing.assert_allclose(_gradient(p, q, head)[0], slopes, rtol=2e-3)


def _gradient(p, q, head):
    """By the backend's own differentiation."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        p = tf.Variable(p)
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(_diverge(p, tf.constant(q), head))
        return tape.gradient(value, p).numpy()
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(lambda p: _diverge(p, q, head).sum())(p)
    import torch

    p = torch.tensor(p, requires_grad=True)
    _diverge(p, torch.tensor(q), head).sum().backward()
    return p.grad.numpy()


def fit(model, weight, **options):
    x = sequences(64, seed=3)
    y = (np.random.default_rng(4).random((64, 3)) < 0.5).astype("float32")
    learner = StrandConsistency(model, weight)
    learner.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", **options)
    learner.fit(x, y, epochs=20, verbose=0)
    apart = model.predict(x, verbose=0) - model.predict(x[:, ::-1, ::-1], verbose=0)
    return np.abs(apart).mean()


@pytest.mark.parametrize("jit", [False, True])
def test_a_training_brings_the_strands_together(jit):
    if keras.backend.backend() == "torch" and jit:
        pytest.skip("needs a compiler on this backend")
    free, bound = (fit(network(seed=5), w, jit_compile=jit) for w in (0.0, 30.0))
    assert bound < 0.5 * free


def test_half_precision_trains_as_well():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        free, bound = (fit(network(seed=5), weight) for weight in (0.0, 30.0))
    finally:
        keras.config.set_dtype_policy("float32")
    assert bound < 0.5 * free


def test_there_is_none_in_validation_and_inference():
    model, x = network(), sequences()
    learner = StrandConsistency(model, weight=1e6)
    learner.compile("sgd", "mse")
    y = model.predict(x, verbose=0)
    assert learner.evaluate(x, y, verbose=0) < 1e-6
    np.testing.assert_array_equal(learner.predict(x, verbose=0), y)


def test_no_weight_is_plain_training():
    x, y = sequences(), np.ones((6, 3))
    found = []
    for wrap in (lambda model: model, lambda model: StrandConsistency(model, 0)):
        model = network()
        learner = wrap(model)
        learner.compile("adam", "mse")
        learner.fit(x, y, epochs=3, shuffle=False, verbose=0)
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.slow
def test_a_fresh_process_loads_it_and_goes_on(tmp_path):
    model, x = network(), sequences()
    learner = StrandConsistency(model, 2.0, paired_channels=True)
    learner.compile("adam", "mse")
    learner.fit(x, np.zeros((6, 3)), verbose=0)
    learner.save(tmp_path / "learner.keras")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import sys, keras, numpy as np, rckeras\n"
        "learner = keras.saving.load_model(sys.argv[1] + '/learner.keras')\n"
        "x = np.load(sys.argv[1] + '/x.npy')\n"
        "np.save(sys.argv[1] + '/y.npy', learner.predict(x, verbose=0))\n"
        "assert learner.weight == 2.0 and learner.paired_channels\n"
        "learner.fit(x, np.zeros((6, 3)), verbose=0)\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)
    found = np.load(tmp_path / "y.npy")
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-6)


def test_what_cannot_be_trained_so_is_refused():
    with pytest.raises(ValueError, match="`weight` must be at least 0"):
        StrandConsistency(network(), weight=-1)
    two = [keras.Input((9, 4)), keras.Input((9, 4))]
    model = keras.Model(two, layers.Add()(two))
    with pytest.raises(ValueError, match="one input"):
        StrandConsistency(model)
