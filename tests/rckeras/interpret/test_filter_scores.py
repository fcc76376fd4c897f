"""Scores of filters against their definition, and their weights as pictures."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from rckeras.interpret import centred_filters, logit_model, score_filters
from rckeras.layers import (
    DenseAfterRevcomp,
    MonteCarloDropout,
    RevCompBatchNormalization,
    RevCompConv1D,
    WeightedSum1D,
)
from rckeras.sequence.codes import codes_to_one_hot

LENGTH = 30


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).integers(4, size=(11, LENGTH), dtype=np.uint8)


@pytest.fixture(scope="module")
def labels():
    return np.array([1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0])


def make_plain():
    keras.utils.set_random_seed(0)
    stages = [
        keras.Input((LENGTH, 4)),
        layers.Conv1D(6, 5, name="conv1"),
        layers.ReLU(name="relu1"),
        MonteCarloDropout(0.4),
        layers.Flatten(),
        layers.Dense(2, activation="sigmoid"),
    ]
    model = keras.Sequential(stages)
    model.set_weights([w + 0.05 for w in model.get_weights()])
    return model


def make_tied():
    keras.utils.set_random_seed(0)
    stages = [
        keras.Input((LENGTH, 4)),
        RevCompConv1D(3, 5, name="conv1"),
        RevCompBatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling1D(13),
        WeightedSum1D(),
        DenseAfterRevcomp(2, activation="sigmoid"),
    ]
    return keras.Sequential(stages)


def test_scores_of_a_sum_are_the_shares_of_the_filters(codes, labels):
    model = make_plain()
    conv, dense = model.layers[0], model.layers[-1]
    kernel, bias = (np.asarray(w, "float64") for w in conv.get_weights())
    x = codes_to_one_hot(codes)
    windows = np.lib.stride_tricks.sliding_window_view(x, 5, axis=1)
    active = np.maximum(np.einsum("npcw,wcf->npf", windows, kernel) + bias, 0)
    weights = dense.get_weights()[0][:, 1].reshape(LENGTH - 4, 6)
    shares = (active * weights).sum(axis=1)
    found = score_filters(model, codes, labels, target=1, batch_size=4)
    positives, negatives = shares[labels == 1].mean(0), shares[labels == 0].mean(0)
    np.testing.assert_allclose(found.positives, positives, atol=1e-5)
    np.testing.assert_allclose(found.negatives, negatives, atol=1e-5)
    np.testing.assert_allclose(found.scores, positives - negatives, atol=1e-5)
    assert found.names[0] == "conv1_0"


def test_pairs_have_one_score_that_both_strands_share(codes, labels):
    model = make_tied()
    x = codes_to_one_hot(codes)
    found = score_filters(model, x, labels, target=1)
    other = score_filters(model, x[:, ::-1, ::-1], labels, target=1)
    assert found.scores.shape == (3,)
    np.testing.assert_allclose(found.scores, other.scores, atol=1e-5)
    # Behind the convolution all is linear where it is not 0.
    logits = logit_model(model).predict(x, verbose=0)[:, 1]
    difference = logits[labels == 1].mean() - logits[labels == 0].mean()
    assert found.scores.sum() == pytest.approx(difference, abs=1e-4)


def test_the_best_filter_comes_first(codes, labels):
    found = score_filters(make_plain(), codes, labels)
    assert (np.diff(found.scores[found.order]) <= 0).all()
    lines = str(found).splitlines()
    assert lines[0].split("\t") == ["filter", "score", "positives", "negatives"]
    assert lines[1].startswith(f"conv1_{found.scores.argmax()}\t")


@pytest.mark.parametrize("make", [make_plain, make_tied])
def test_centred_filters_give_what_filters_give(make, codes):
    model = make()
    conv = model.layers[0]
    weights, biases = centred_filters(model)
    np.testing.assert_allclose(weights.sum(axis=-1), 0, atol=1e-6)
    x = ops.convert_to_tensor(codes_to_one_hot(codes), "float32")
    expected = ops.convert_to_numpy(conv(x))[..., : len(weights)]
    kernel = ops.convert_to_tensor(np.moveaxis(weights, 0, -1).astype("float32"))
    found = ops.convert_to_numpy(ops.conv(x, kernel)) + biases
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_filters_without_a_bias_get_one(codes):
    conv = layers.Conv1D(2, 3, use_bias=False)
    model = keras.Sequential([keras.Input((LENGTH, 4)), conv])
    weights, biases = centred_filters(model, conv.name)
    kernel = conv.get_weights()[0]
    np.testing.assert_allclose(biases, kernel.sum(axis=(0, 1)) / 4, atol=1e-6)
    assert weights.shape == (2, 3, 4)


def test_convolutions_that_read_no_letters_are_refused():
    stages = [layers.Conv1D(2, 3, name="a"), layers.Conv1D(2, 3, name="b")]
    model = keras.Sequential([keras.Input((LENGTH, 4)), *stages])
    for name in ("b", "c"):
        with pytest.raises(ValueError, match=rf"\['a'\]\. Received: '{name}'"):
            centred_filters(model, name)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.ones(11), "11 positives of 11"),
        (np.zeros(11), "0 positives of 11"),
        (np.ones((11, 2)), r"\(11, 2\)"),
        (np.arange(11), "values"),
    ],
)
def test_labels_that_tell_nothing_are_refused(labels, message, codes):
    with pytest.raises(ValueError, match=message):
        score_filters(make_plain(), codes, labels)
