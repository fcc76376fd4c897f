"""Attributions against their definitions, and on both strands."""

import keras
import numpy as np
import pytest
from keras import layers

from rckeras import conjoin, reverse_complement
from rckeras.interpret import (
    Attributor,
    fix_dropout,
    gradient_times_input,
    in_silico_mutagenesis,
    input_gradients,
    integrated_gradients,
    logit_model,
    strongest_window,
)
from rckeras.interpret.attributions import METHODS
from rckeras.layers import RevCompConv1D, RevCompDropout, RevCompSumPooling
from rckeras.layers.dropout import spread_seed

LENGTH = 20


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    return np.eye(4, dtype="float32")[rng.integers(4, size=(3, LENGTH))]


@pytest.fixture(scope="module")
def linear():
    """Its logits are `sum(kernel * x) + bias`."""
    stages = [keras.Input((LENGTH, 4)), layers.Flatten(), layers.Dense(3, "sigmoid")]
    model = keras.Sequential(stages)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=(4 * LENGTH, 3)), rng.normal(size=3)])
    return model


@pytest.fixture(scope="module")
def curved():
    """Neither linear nor alike on both strands."""
    keras.utils.set_random_seed(0)
    stages = [
        keras.Input((LENGTH, 4)),
        layers.Conv1D(5, 3, activation="tanh"),
        layers.Flatten(),
        layers.Dense(4, activation="elu"),
        layers.Dense(2, activation="softmax"),
    ]
    model = keras.Sequential(stages)
    model.set_weights([3 * weight for weight in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def equivariant():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((LENGTH, 4)),
            RevCompConv1D(4, 5, activation="elu"),
            RevCompDropout(0.3, monte_carlo=True),
            layers.MaxPooling1D(4),
            RevCompSumPooling(),
            layers.GlobalMaxPooling1D(),
            layers.Dense(2, activation="softmax"),
        ]
    )


def kernel_of(linear):
    return linear.get_weights()[0].reshape(LENGTH, 4, 3)


@pytest.mark.parametrize("attribute", [gradient_times_input, integrated_gradients])
def test_contributions_to_a_sum_are_its_terms(attribute, linear, x):
    expected = kernel_of(linear)[..., 2] * x
    np.testing.assert_allclose(attribute(linear, x, 2), expected, atol=1e-5)


def test_a_baseline_of_all_letters_takes_out_what_they_share(linear, x):
    kernel = kernel_of(linear)[..., 0]
    found = Attributor(linear, 0, baseline=0.25).hypothetical(x)
    expected = kernel - kernel.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found, np.stack([expected] * 3), atol=1e-5)


def test_probabilities_have_the_slope_of_the_sigmoid(linear, x):
    p = linear.predict(x, verbose=0)[:, 1, None, None]
    found = gradient_times_input(linear, x, 1, logits=False)
    np.testing.assert_allclose(
        found, p * (1 - p) * kernel_of(linear)[..., 1] * x, atol=1e-5
    )


@pytest.mark.parametrize("baseline", [0.0, 0.25])
def test_integrated_gradients_add_up_to_the_difference(baseline, curved, x):
    found = integrated_gradients(curved, x, 1, baseline=baseline, steps=200)
    logits = logit_model(curved)
    start = logits.predict(np.full_like(x, baseline), verbose=0)
    expected = (logits.predict(x, verbose=0) - start)[:, 1]
    np.testing.assert_allclose(found.sum(axis=(1, 2)), expected, rtol=2e-3)


def test_integrated_gradients_take_a_baseline_for_each_sequence(curved, x):
    other = x[:, ::-1]
    found = integrated_gradients(curved, x, 0, baseline=other, steps=200)
    logits = logit_model(curved)
    expected = [logits.predict(each, verbose=0)[:, 0] for each in (x, other)]
    difference = expected[0] - expected[1]
    np.testing.assert_allclose(found.sum(axis=(1, 2)), difference, atol=0.01)


def mutants(sequence, position, letter):
    changed = sequence.copy()
    changed[position] = np.eye(4)[letter]
    return changed


def test_mutagenesis_is_the_answer_to_each_mutant(curved, x):
    some = x.copy()
    some[1, 7] = 0.25
    some[2, 0] = 0
    found = in_silico_mutagenesis(curved, some, 1, batch_size=7)
    logits = logit_model(curved)
    for row, sequence in enumerate(some):
        changed = [
            mutants(sequence, position, letter)
            for position in range(LENGTH)
            for letter in range(4)
        ]
        answers = logits.predict(np.array([sequence, *changed]), verbose=0)[:, 1]
        expected = (answers[1:] - answers[0]).reshape(LENGTH, 4)
        np.testing.assert_allclose(found[row], expected, atol=1e-4)
    assert (found[x.astype(bool) & (some == 1)] == 0).all()


def test_what_letters_contribute_is_less_the_mean_of_all_four(curved, x):
    attributor = Attributor(curved, 0, "mutagenesis")
    effects, found = attributor.effects(x), attributor.hypothetical(x)
    expected = effects - effects.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(attributor.contributions(x), found * x)


@pytest.mark.parametrize("method", METHODS)
def test_targets_and_batches_change_nothing(method, curved, x):
    steps = 3 if method == "integrated" else None
    both = Attributor(curved, [1, 0], method, steps=steps, batch_size=2).hypothetical(x)
    assert both.shape == (3, 2, LENGTH, 4)
    for place, target in enumerate([1, 0]):
        alone = Attributor(curved, target, method, steps=steps).hypothetical(x)
        np.testing.assert_allclose(both[:, place], alone, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_mean_of_strands_is_that_of_the_conjoined_network(method, curved, x):
    found = Attributor(curved, 1, method, average_strands=True).hypothetical(x)
    expected = Attributor(conjoin(curved), 1, method).hypothetical(x)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    other = Attributor(curved, 1, method, average_strands=True).hypothetical(
        reverse_complement(x)
    )
    np.testing.assert_allclose(reverse_complement(other), found, atol=1e-5)
    plain = Attributor(curved, 1, method).hypothetical(x)
    assert np.abs(found - plain).max() > 0.01


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("samples", [None, 3])
def test_equivariant_networks_have_mirrored_attributions(
    method, samples, equivariant, x
):
    options = {"mc_samples": samples, "steps": 5 if method == "integrated" else None}
    attributor = Attributor(equivariant, [0, 1], method, **options)
    found = attributor.contributions(x)
    other = attributor.contributions(reverse_complement(x))
    assert np.abs(found).max() > 0.01
    np.testing.assert_allclose(reverse_complement(other), found, atol=1e-5)


def test_a_baseline_is_turned_with_the_strand(curved, x):
    baseline = np.random.default_rng(3).uniform(size=(LENGTH, 4))
    options = {"steps": 5, "average_strands": True}
    found = integrated_gradients(curved, x, baseline=baseline, **options)
    turned = reverse_complement(baseline)
    other = integrated_gradients(
        curved, reverse_complement(x), baseline=turned, **options
    )
    np.testing.assert_allclose(reverse_complement(other), found, atol=1e-5)


def test_samples_are_averaged_over_their_masks(equivariant, x):
    found = Attributor(equivariant, 1, mc_samples=3, seed=5).hypothetical(x)
    logits = logit_model(equivariant)
    sampled = [
        input_gradients(fix_dropout(logits, spread_seed(5, sample)), x, 1)
        for sample in range(3)
    ]
    np.testing.assert_allclose(found, np.mean(sampled, axis=0), atol=1e-5)
    assert np.std(sampled, axis=0).max() > 1e-3


def test_integers_are_sequences_too(linear, x):
    found = gradient_times_input(linear, x.astype("uint8"))
    np.testing.assert_array_equal(found, gradient_times_input(linear, x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "saliency"}, "'saliency'"),
        ({"method": "mutagenesis", "baseline": 0.25}, "0.25"),
        ({"steps": 5}, "5 with 'gradient'"),
        ({"method": "integrated", "steps": 0}, "`steps` .* Received: 0"),
        ({"mc_samples": 0}, "`mc_samples` .* Received: 0"),
        ({"mc_samples": 3}, "no Monte Carlo dropout"),
        ({"batch_size": 0}, "`batch_size` .* Received: 0"),
        ({"target": 3}, "0 to 2.*Received: 3"),
    ],
)
def test_what_does_not_fit_is_refused(options, message, linear):
    with pytest.raises(ValueError, match=message):
        Attributor(linear, **options)


def test_effects_are_those_of_mutagenesis(linear, x):
    with pytest.raises(ValueError, match="'gradient'"):
        Attributor(linear).effects(x)


def test_other_shapes_are_refused(linear, x):
    with pytest.raises(ValueError, match=r"\(3, 19, 4\)"):
        gradient_times_input(linear, x[:, 1:])
    stages = [keras.Input((LENGTH, 5)), layers.Flatten(), layers.Dense(1)]
    with pytest.raises(ValueError, match=r"\(1, 20, 5\)"):
        gradient_times_input(keras.Sequential(stages), np.zeros((1, LENGTH, 5)))


def test_the_strongest_window_has_the_largest_sum():
    heights = np.zeros((9, 4))
    heights[[2, 6, 7], [0, 3, 1]] = 3, -2, 2
    assert strongest_window(heights, 2) == 6
    assert strongest_window(heights, 1) == 2
    assert strongest_window(heights, 9) == strongest_window(heights, 12) == 0
