"""Sequences are turned at random, in training alone."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.layers import RandomReverseComplement
from tests.conformance.harness import to_numpy


def sequences(count=400, length=11, seed=0):
    codes = np.random.default_rng(seed).integers(4, size=(count, length))
    return np.eye(4, dtype="float32")[codes]


def turned(layer, x):
    """Which sequences come out as their reverse complement; all others as they are."""
    y = to_numpy(layer(x, training=True))
    other = (y == x[:, ::-1, ::-1]).all(axis=(1, 2))
    assert (other | (y == x).all(axis=(1, 2))).all()
    return other


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_so_many_sequences_are_turned(rate):
    found = turned(RandomReverseComplement(rate, seed=1), sequences()).mean()
    assert abs(found - rate) < 4 * np.sqrt(rate * (1 - rate) / 400)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_none_or_all_are(rate):
    assert (turned(RandomReverseComplement(rate), sequences()) == rate).all()


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**31 - 1))
def test_each_call_draws_anew_and_a_seed_draws_alike(seed):
    x = sequences(100)
    first, second = (
        RandomReverseComplement(seed=seed),
        RandomReverseComplement(seed=seed),
    )
    draws = [turned(first, x) for _ in range(2)]
    assert (draws[0] != draws[1]).any()
    assert (draws[0] == turned(second, x)).all()


def test_a_network_that_learns_one_strand_learns_both_by_it():
    x = sequences(300, seed=2)
    x[:150, 4:7] = np.eye(4)[0]  # AAA, and TTT on the other strand
    y = (np.arange(300) < 150).astype("float32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((11, 4)),
            RandomReverseComplement(seed=0),
            keras.layers.Conv1D(8, 3, activation="relu"),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    rate = keras.optimizers.Adam(0.02)
    model.compile(rate, "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=25, verbose=0)
    other = np.ascontiguousarray(x[:, ::-1, ::-1])
    assert model.evaluate(other, y, verbose=0)[1] > 0.75


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_other_rates_are_refused(rate):
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        RandomReverseComplement(rate)
