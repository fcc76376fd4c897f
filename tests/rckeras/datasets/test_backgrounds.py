import numpy as np
import pytest

from rckeras.datasets import backgrounds
from rckeras.datasets.backgrounds import (
    gc_composition,
    markov_background,
    random_background,
    transition_frequencies,
    upper_edges,
)
from rckeras.sequence.codes import base_codes

TRANSITIONS = np.array(
    [
        [0.10, 0.20, 0.30, 0.40],
        [0.70, 0.10, 0.10, 0.10],
        [0.05, 0.45, 0.25, 0.25],
        [0.40, 0.00, 0.30, 0.30],
    ]
)


def generator(seed=0):
    return np.random.default_rng(seed)


def composition_of(codes):
    return np.bincount(codes.ravel(), minlength=4) / codes.size


def test_bases_have_the_composition_asked_for():
    composition = [0.1, 0.2, 0.3, 0.4]
    codes = random_background(generator(), 500, 400, composition)
    assert codes.shape == (500, 400)
    assert codes.dtype == np.uint8
    np.testing.assert_allclose(composition_of(codes), composition, atol=0.005)


def test_positions_do_not_depend_on_each_other():
    codes = random_background(generator(), 500, 400)
    np.testing.assert_allclose(transition_frequencies(codes), 0.25, atol=0.01)


def test_a_base_of_probability_zero_is_never_drawn():
    codes = random_background(generator(), 100, 1000, [0.7, 0, 0.3, 0])
    assert np.unique(codes).tolist() == [0, 2]


def test_a_base_of_probability_zero_is_kept_out_in_spite_of_rounding():
    probabilities = [0.3, 0.6, 0.1, 0]
    assert np.cumsum(probabilities)[-1] < 1
    assert upper_edges("probabilities", probabilities, (4,))[2] == 1


def test_drawing_in_blocks_changes_nothing(monkeypatch):
    at_once = random_background(generator(), 30, 40)
    monkeypatch.setattr(backgrounds, "_BLOCK", 100)
    assert (random_background(generator(), 30, 40) == at_once).all()


def test_gc_is_shared_out_evenly():
    np.testing.assert_allclose(gc_composition(0.4), [0.3, 0.2, 0.2, 0.3])


def test_a_dinucleotide_model_has_its_transition_frequencies():
    codes = markov_background(generator(), 2000, 200, TRANSITIONS)
    assert codes.shape == (2000, 200)
    assert codes.dtype == np.uint8
    found = transition_frequencies(codes)
    np.testing.assert_allclose(found, TRANSITIONS, atol=0.01)
    assert found[3, 1] == 0


def test_a_dinucleotide_model_keeps_its_composition_from_the_first_base_on():
    codes = markov_background(generator(), 100_000, 5, TRANSITIONS)
    kept = np.linalg.matrix_power(TRANSITIONS, 100)[0]
    for position in (0, 4):
        found = composition_of(codes[:, position])
        np.testing.assert_allclose(found, kept, atol=0.006)


def test_transition_frequencies_count_pairs_within_sequences_without_n():
    codes = base_codes(["ACGTN", "CATGA", "NNCTT"])
    expected = [[0, 0.5, 0, 0.5], [1 / 3, 0, 1 / 3, 1 / 3], [0.5, 0, 0, 0.5]]
    found = transition_frequencies(codes)
    np.testing.assert_allclose(found[:3], expected)
    np.testing.assert_allclose(found[3], [0, 0, 0.5, 0.5])


@pytest.mark.parametrize("draw", [random_background, markov_background])
def test_the_seed_decides_every_byte(draw):
    model = TRANSITIONS if draw is markov_background else [0.25] * 4
    one, again, other = (draw(generator(seed), 50, 60, model) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).mean() > 0.5


@pytest.mark.parametrize("composition", [[0.5, 0.5], [0.5, 0.5, 0.5, -0.5], [0.2] * 4])
def test_a_composition_that_is_none_is_refused(composition):
    with pytest.raises(ValueError, match=r"`composition` .*Received: \[0\.[52]"):
        random_background(generator(), 5, 5, composition)


def test_transitions_that_do_not_sum_up_to_one_are_refused():
    with pytest.raises(ValueError, match=r"`transitions` .*Received: \[\[0\.2"):
        markov_background(generator(), 5, 5, np.full((4, 4), 0.2))


@pytest.mark.parametrize(("sequences", "length"), [(0, 5), (5, -1)])
def test_empty_backgrounds_are_refused(sequences, length):
    with pytest.raises(ValueError, match=f"Received: {min(sequences, length)}"):
        random_background(generator(), sequences, length)


def test_a_share_of_gc_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"`gc` .*Received: 40"):
        gc_composition(40)


def test_frequencies_after_a_base_that_is_missing_are_refused():
    with pytest.raises(ValueError, match=r"\[2, 1, 0, 0\] pairs"):
        transition_frequencies(base_codes(["AACG"]))
