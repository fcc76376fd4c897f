import math

import numpy as np
import pytest

from rckeras.datasets.backgrounds import random_background
from rckeras.datasets.simulation import (
    NO_MOTIF,
    flip_labels,
    plant_motifs,
    sample_instances,
    shuffle_labels,
    truncated_poisson,
)
from rckeras.motifs.motif import Motif
from tests.rckeras.datasets.planted import check_letters, check_places

MOTIFS = [
    Motif("one", np.array([[0.7, 0.1, 0.2, 0], [0, 1, 0, 0], [0.25] * 4])),
    Motif("two", np.array([[0, 0, 0.5, 0.5], [0.9, 0, 0, 0.1]])),
    Motif("three", np.eye(4)[[0, 1, 3, 0, 0]]),
]


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def planted():
    """Background, codes and truth of sequences with none to three instances."""
    rng = generator(5)
    background = random_background(rng, 20_000, 40)
    chosen = rng.integers(NO_MOTIF, len(MOTIFS), (20_000, 3))
    return background, chosen, *plant_motifs(rng, background, MOTIFS, chosen)


def test_instances_have_the_letters_of_their_motif(planted):
    _, _, codes, truth = planted
    check_letters(codes, truth, MOTIFS)


def test_instances_lie_sorted_inside_and_apart(planted):
    _, _, codes, truth = planted
    check_places(truth, codes.shape[1])


def test_nothing_else_is_written(planted):
    background, _, codes, truth = planted
    outside = np.ones(codes.shape, dtype=bool)
    for each in range(len(truth.sequence)):
        outside[truth.sequence[each], truth.start[each] : truth.end[each]] = False
    assert (codes[outside] == background[outside]).all()
    assert not (codes == background).all()


def test_every_chosen_motif_is_planted_once(planted):
    _, chosen, _, truth = planted
    for number in range(len(MOTIFS)):
        expected = (chosen == number).sum(axis=1)
        mine = truth.sequence[truth.motif == number]
        assert (np.bincount(mine, minlength=len(chosen)) == expected).all()


def test_labels_tell_which_motifs_are_present(planted):
    _, chosen, _, truth = planted
    expected = [(chosen == number).any(axis=1) for number in range(len(MOTIFS))]
    assert (truth.labels == np.transpose(expected)).all()
    assert truth.labels.dtype == np.uint8
    assert truth.motifs == ("one", "two", "three")


def test_half_of_the_instances_are_on_the_other_strand(planted):
    truth = planted[-1]
    assert set(truth.strand) == {-1, 1}
    assert abs((truth.strand == -1).mean() - 0.5) < 0.01


@pytest.mark.parametrize(("reverse", "strand"), [(0, 1), (1, -1)])
def test_the_strand_can_be_fixed(reverse, strand):
    chosen = np.zeros((50, 1), dtype=int)
    background = random_background(generator(), 50, 20)
    _, truth = plant_motifs(generator(), background, MOTIFS, chosen, reverse=reverse)
    assert (truth.strand == strand).all()


def test_instances_can_be_placed_by_a_function_of_ones_own():
    def at_the_end(rng, widths, length):
        return length - widths

    chosen = np.full((50, 1), 2)
    background = random_background(generator(), 50, 20)
    codes, truth = plant_motifs(
        generator(), background, MOTIFS, chosen, place=at_the_end, reverse=0
    )
    assert (truth.start == 15).all()
    assert (codes[:, 15:] == [0, 1, 3, 0, 0]).all()


def test_the_background_is_left_as_it_was():
    background = random_background(generator(), 10, 20)
    before = background.copy()
    plant_motifs(generator(), background, MOTIFS, np.zeros((10, 1), dtype=int))
    assert (background == before).all()


def test_sites_are_drawn_position_by_position():
    sites = sample_instances(generator(), MOTIFS[0], 20_000)
    assert sites.shape == (20_000, 3)
    assert (sites[:, 1] == 1).all()
    share = np.bincount(sites[:, 0], minlength=4) / 20_000
    np.testing.assert_allclose(share, [0.7, 0.1, 0.2, 0], atol=0.015)
    both = (sites[:, 0] == 0) & (sites[:, 2] == 0)
    assert abs(both.mean() - 0.7 * 0.25) < 0.015


def test_a_truncated_poisson_draw_has_the_law_of_draws_repeated_until_in_range():
    found = truncated_poisson(generator(), 2.0, 1, 3, 100_000)
    weights = np.array([2.0**n * math.exp(-2) / math.factorial(n) for n in (1, 2, 3)])
    share = np.bincount(found, minlength=4) / 100_000
    np.testing.assert_allclose(share[1:], weights / weights.sum(), atol=0.006)
    assert share[0] == 0


def one_hot_labels(sequences, classes, seed=0):
    return np.eye(classes, dtype=np.uint8)[
        generator(seed).integers(classes, size=sequences)
    ]


def test_shuffled_labels_are_exchanged_among_the_share_of_the_rows():
    labels = np.arange(1000, dtype=np.float32)[:, None]
    rows = np.arange(200, 700)
    noisy = shuffle_labels(generator(), labels, 0.2, rows)
    changed = np.flatnonzero((noisy != labels)[:, 0])
    assert 90 <= len(changed) <= 100
    assert set(changed) <= set(rows)
    assert set(noisy[:, 0]) == set(labels[:, 0])


def test_shuffling_a_fifth_of_three_classes_makes_two_fifteenths_wrong():
    labels = one_hot_labels(30_000, 3)
    noisy = shuffle_labels(generator(), labels, 0.2, np.arange(30_000))
    assert abs((noisy != labels).any(axis=1).mean() - 0.2 * 2 / 3) < 0.01
    assert (noisy.sum(axis=0) == labels.sum(axis=0)).all()
    assert (noisy.sum(axis=1) == 1).all()


def test_each_label_is_flipped_on_its_own():
    labels = one_hot_labels(30_000, 3)
    rows = np.arange(10_000)
    noisy = flip_labels(generator(), labels, 0.2, rows)
    assert (noisy[10_000:] == labels[10_000:]).all()
    wrong = noisy[:10_000] != labels[:10_000]
    np.testing.assert_allclose(wrong.mean(axis=0), 0.2, atol=0.015)
    assert abs(wrong.all(axis=1).mean() - 0.2**3) < 0.004
    assert noisy.dtype == np.uint8
    assert set(np.unique(noisy)) == {0, 1}


@pytest.mark.parametrize("noise", [shuffle_labels, flip_labels])
def test_labels_given_are_left_as_they_were(noise):
    labels = one_hot_labels(100, 3)
    before = labels.copy()
    assert (noise(generator(), labels, 0.0, np.arange(100)) == before).all()
    noise(generator(), labels, 0.9, np.arange(100))
    assert (labels == before).all()


@pytest.mark.parametrize("noise", [shuffle_labels, flip_labels])
def test_a_share_out_of_range_is_refused(noise):
    with pytest.raises(ValueError, match=r"`share` .*Received: 20"):
        noise(generator(), one_hot_labels(10, 3), 20, np.arange(10))


@pytest.mark.parametrize(
    ("chosen", "received"),
    [
        (np.zeros((3, 1), dtype=int), r"int64 \(3, 1\)"),
        (np.zeros(4, dtype=int), r"int64 \(4,\)"),
        (np.zeros((4, 1)), r"float64 \(4, 1\)"),
        (np.zeros((4, 1), dtype=np.uint8), r"uint8 \(4, 1\)"),
        (np.array([[0], [3], [1], [-1]]), "-1 to 3"),
        (np.array([[0], [-2], [1], [-1]]), "-2 to 1"),
    ],
)
def test_motifs_that_cannot_be_chosen_are_refused(chosen, received):
    background = random_background(generator(), 4, 20)
    with pytest.raises(ValueError, match=f"`chosen` .*Received: {received}"):
        plant_motifs(generator(), background, MOTIFS, chosen)


def test_a_probability_of_the_other_strand_out_of_range_is_refused():
    background = random_background(generator(), 4, 20)
    chosen = np.zeros((4, 1), dtype=int)
    with pytest.raises(ValueError, match=r"`reverse` .*Received: 2"):
        plant_motifs(generator(), background, MOTIFS, chosen, reverse=2)


@pytest.mark.parametrize(("mean", "low", "high"), [(0, 1, 3), (2, -1, 3), (2, 4, 3)])
def test_a_poisson_draw_from_no_range_is_refused(mean, low, high):
    received = f"mean={mean}, low={low}, high={high}"
    with pytest.raises(ValueError, match=f"Received: {received}"):
        truncated_poisson(generator(), mean, low, high, 5)
