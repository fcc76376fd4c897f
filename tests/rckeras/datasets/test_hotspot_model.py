import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.datasets.hotspot_model import HotspotModel, train_hotspot_model
from rckeras.io.rate_map import RateMap, read_rate_map

chance = st.floats(0.01, 0.99)


def simulate(stretches, model, seed):
    """Rates, and the states from which they come."""
    rng = np.random.default_rng(seed)
    states = [False]
    while len(states) < stretches:
        states.append(rng.random() < model.transitions[states[-1]][1])
    states = np.array(states)
    return rng.exponential(np.where(states, model.hot_mean, model.cold_mean)), states


def make_map(rates, chrom="chr1"):
    return RateMap(chrom, np.arange(len(rates) + 1) * 700, rates)


def score(path, rates, model):
    """Log probability of a path and the rates, factor by factor."""
    to_hot, to_cold = model.transitions[0][1], model.transitions[1][0]
    total = math.log((to_hot if path[0] else to_cold) / (to_hot + to_cold))
    for step, (state, rate) in enumerate(zip(path, rates, strict=True)):
        mean = model.hot_mean if state else model.cold_mean
        total += -rate / mean - math.log(mean)
        if step:
            total += math.log(model.transitions[path[step - 1]][state])
    return total


@given(
    rates=st.lists(st.one_of(st.just(0.0), st.floats(0, 40)), min_size=1, max_size=8),
    cold=st.floats(0.05, 5),
    ratio=st.floats(1.01, 100),
    stay=st.tuples(chance, chance),
)
def test_no_path_is_more_likely_than_the_one_found(rates, cold, ratio, stay):
    rows = ((stay[0], 1 - stay[0]), (1 - stay[1], stay[1]))
    model = HotspotModel(cold, cold * ratio, rows)
    found = model.segment(rates)
    assert (found.shape, found.dtype) == ((len(rates),), bool)
    paths = itertools.product((0, 1), repeat=len(rates))
    best = max(score(path, rates, model) for path in paths)
    assert score(found.astype(int), rates, model) == pytest.approx(best, abs=1e-9)


def test_without_memory_a_stretch_is_hot_above_a_rate():
    model = HotspotModel(0.5, 20.0, ((0.99, 0.01), (0.99, 0.01)))
    rates = np.random.default_rng(0).exponential(5, 2000)
    threshold = math.log(20 / 0.5 * 0.99 / 0.01) / (1 / 0.5 - 1 / 20)
    np.testing.assert_array_equal(model.segment(rates), rates > threshold)


TRUE = HotspotModel(0.3, 20.0, ((0.97, 0.03), (0.2, 0.8)))


def test_training_recovers_the_parameters_of_a_simulation():
    rates, _ = simulate(60_000, TRUE, seed=1)
    maps = [make_map(rates[:25_000]), make_map(rates[25_000:], "chr2")]
    model = train_hotspot_model(maps, hot_probability=None)
    assert model.cold_mean == pytest.approx(TRUE.cold_mean, rel=0.05)
    assert model.hot_mean == pytest.approx(TRUE.hot_mean, rel=0.05)
    np.testing.assert_allclose(model.transitions, TRUE.transitions, atol=0.02)


def test_training_with_a_given_probability_recovers_the_means():
    true = HotspotModel(0.3, 20.0, ((0.95, 0.05), (0.95, 0.05)))
    rates, _ = simulate(60_000, true, seed=2)
    model = train_hotspot_model([make_map(rates)], hot_probability=0.05)
    assert model.cold_mean == pytest.approx(true.cold_mean, rel=0.1)
    assert model.hot_mean == pytest.approx(true.hot_mean, rel=0.1)
    assert model.transitions == true.transitions


def test_known_hotspots_are_recovered():
    rates, states = simulate(60_000, TRUE, seed=3)
    model = train_hotspot_model([make_map(rates)], hot_probability=None)
    found = model.segment(rates)
    assert (found & states).sum() > 0.95 * states.sum()
    assert (found & states).sum() > 0.95 * found.sum()


def test_the_trained_model_is_a_fixed_point():
    rates, _ = simulate(20_000, TRUE, seed=4)
    model = train_hotspot_model([make_map(rates)], hot_probability=None)
    hot = model.segment(rates)
    assert model.hot_mean == rates[hot].mean()
    assert model.cold_mean == rates[~hot].mean()
    counts = np.ones((2, 2))
    for before, after in itertools.pairwise(hot.astype(int)):
        counts[before, after] += 1
    np.testing.assert_allclose(
        model.transitions, counts / counts.sum(axis=1, keepdims=True), rtol=1e-12
    )


def test_chromosomes_are_not_joined():
    rates, _ = simulate(3000, TRUE, seed=5)
    pieces = [make_map(rates[:1500], "chr1"), make_map(rates[1500:], "chr2")]
    separate = train_hotspot_model(pieces, hot_probability=None)
    joined = train_hotspot_model([make_map(rates)], hot_probability=None)
    # One transition is not counted.
    assert separate.transitions != joined.transitions


def test_training_is_deterministic():
    rates, _ = simulate(5000, TRUE, seed=6)
    assert len({train_hotspot_model([make_map(rates)]) for _ in range(3)}) == 1


def test_zeros_outside_the_hotspots_are_handled():
    rates = np.zeros(1000)
    rates[[10, 11, 500]] = 30.0
    model = train_hotspot_model([make_map(rates)])
    assert np.flatnonzero(model.segment(rates)).tolist() == [10, 11, 500]
    assert model.hot_mean == 30.0


@pytest.mark.parametrize("rates", [np.zeros(50), np.full(50, 3.0), [7.0]])
def test_a_map_of_one_rate_is_refused(rates):
    with pytest.raises(
        ValueError, match=r"do not fall into hot and not hot.* to [037]"
    ):
        train_hotspot_model([make_map(rates)])


def test_no_map_is_refused():
    with pytest.raises(ValueError, match=r"`maps` must hold a map.*none"):
        train_hotspot_model([])


@pytest.mark.parametrize("value", [0.0, 1.0, -0.5, 2, math.nan])
def test_a_probability_out_of_range_is_refused(value):
    with pytest.raises(ValueError, match=rf"`hot_probability`.*Received: {value}"):
        train_hotspot_model([make_map([1.0, 50.0])], hot_probability=value)


@pytest.mark.parametrize("means", [(0.0, 1.0), (2.0, 1.0), (1.0, 1.0), (1, math.inf)])
def test_means_out_of_order_are_refused(means):
    with pytest.raises(ValueError, match=rf"`cold_mean`.*Received: {means[0]}"):
        HotspotModel(*means, ((0.5, 0.5), (0.5, 0.5)))


@pytest.mark.parametrize(
    "rows", [((1.0, 0.0), (0.5, 0.5)), ((0.5, 0.4), (0.5, 0.5)), (0.5, 0.5), ()]
)
def test_transitions_that_are_no_probabilities_are_refused(rows):
    with pytest.raises(ValueError, match=r"`transitions` must be two rows"):
        HotspotModel(1.0, 2.0, rows)


def test_the_parameters_survive_json():
    assert HotspotModel(**json.loads(json.dumps(TRUE.as_dict()))).as_dict() == (
        TRUE.as_dict()
    )


@pytest.mark.parametrize("name", ["chr21", "chr22"])
def test_a_real_map_trains_to_two_kinds_far_apart(shared_data, name):
    rate_map = read_rate_map(shared_data / f"hapmap2_GRCh37_{name}.txt.gz")[name]
    model = train_hotspot_model([rate_map])
    assert 10 < model.hot_mean / model.cold_mean < 40
