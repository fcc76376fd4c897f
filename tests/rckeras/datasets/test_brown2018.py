import numpy as np
import pytest

from rckeras.datasets.brown2018 import MOTIFS, best_possible, simulate_brown2018
from rckeras.motifs.jaspar import fetch_jaspar
from tests.rckeras.datasets.planted import (
    check_letters,
    check_places,
    check_same_bytes,
)

pytest.importorskip("pyjaspar")


@pytest.fixture(scope="module")
def dataset():
    """The data of the paper in full size."""
    return simulate_brown2018()


@pytest.fixture(scope="module")
def paired():
    """Data in which both motifs are planted or none."""
    return simulate_brown2018(length=100, together=True)


def planted_counts(dataset):
    """Instances of each motif in each sequence, shape `(sequences, 2)`."""
    counts = np.zeros((len(dataset), 2), dtype=int)
    np.add.at(counts, (dataset.truth.sequence, dataset.truth.motif), 1)
    return counts


def pairs_in_order(scores, labels):
    """AUROC by its definition, on pairs; ties count one half."""
    one, zero = scores[labels == 1], scores[labels == 0]
    difference = np.sign(one[:, None] - zero[None, :])
    return (difference.mean() + 1) / 2


def test_it_has_the_size_of_the_paper(dataset):
    assert dataset.sequences.shape == (40_000, 1000)
    assert dataset.labels.shape == (40_000, 1)
    sizes = {"train": 30_600, "validation": 6000, "test": 3400}
    assert dataset.split_sizes() == sizes


def test_the_classes_are_a_fair_coin(dataset):
    assert abs(dataset.labels.mean() - 0.5) < 0.01
    assert (dataset.truth.labels == dataset.labels).all()


def test_motifs_are_planted_each_on_its_own(dataset):
    counts = planted_counts(dataset)
    assert set(map(tuple, counts)) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    for label in (0, 1):
        first, second = counts[dataset.labels[:, 0] == label].T
        both = (first & second).mean()
        assert abs(both - first.mean() * second.mean()) < 0.01


def test_both_motifs_are_planted_or_none(paired):
    assert set(map(tuple, planted_counts(paired))) == {(0, 0), (1, 1)}


def test_the_motifs_are_planted_by_class(dataset, paired):
    for label, expected in ((1, 0.40), (0, 0.20)):
        for data in (dataset, paired):
            counts = planted_counts(data)[data.labels[:, 0] == label]
            np.testing.assert_allclose(counts.mean(axis=0), expected, atol=0.012)
            noted = data.notes[f"share_planted_in_class_{label}"]
            assert noted == pytest.approx(counts.any(axis=1).mean(), abs=1e-12)


def test_instances_are_drawn_from_their_motifs_on_either_strand(dataset):
    truth = dataset.truth
    check_letters(dataset.sequences, truth, fetch_jaspar(MOTIFS.values()))
    for motif in (0, 1):
        turned = truth.strand[truth.motif == motif] == -1
        assert abs(turned.mean() - 0.5) < 0.02


def test_strands_of_two_motifs_in_a_sequence_are_drawn_apart(paired):
    truth = paired.truth
    patterns = truth.strand[truth.motif == 0] + 2 * truth.strand[truth.motif == 1]
    _, counts = np.unique(patterns, return_counts=True)
    np.testing.assert_allclose(counts / len(patterns), 0.25, atol=0.02)


def test_instances_lie_inside_and_apart_in_any_order(dataset, paired):
    check_places(dataset.truth, dataset.length)
    check_places(paired.truth, paired.length)
    first = paired.truth.motif[::2]
    assert abs(first.mean() - 0.5) < 0.025


def test_no_classifier_of_paired_motifs_beats_60_percent(paired):
    planted = planted_counts(paired).any(axis=1)
    labels = paired.labels[:, 0]
    assert paired.notes["best_accuracy"] == 0.6
    assert paired.notes["best_auroc"] == 0.6
    assert abs((planted == labels).mean() - 0.6) < 0.01
    rows = slice(0, 5000)
    assert abs(pairs_in_order(planted[rows] * 1.0, labels[rows]) - 0.6) < 0.03


def test_no_classifier_beats_the_best_accuracy_and_auroc(dataset):
    labels, number = dataset.labels[:, 0], planted_counts(dataset).sum(axis=1)
    assert dataset.notes["best_accuracy"] == 0.64
    assert dataset.notes["best_auroc"] == 0.656
    assert abs(((number > 0) == labels).mean() - 0.64) < 0.015
    rows = slice(0, 5000)
    assert abs(pairs_in_order(number[rows], labels[rows]) - 0.656) < 0.03


@pytest.mark.parametrize("seed", range(5))
def test_the_best_figures_are_those_over_all_pairs_and_all_rules(seed):
    class_0, class_1 = np.random.default_rng(seed).dirichlet(np.ones(4), size=2)
    rules = np.indices((2,) * 4).reshape(4, -1).T
    accuracy = max((rule @ class_1 + (1 - rule) @ class_0) / 2 for rule in rules)
    ratio = class_1 / class_0
    order = (np.sign(ratio[:, None] - ratio[None, :]) + 1) / 2
    found = best_possible(class_0, class_1)
    assert found["best_accuracy"] == pytest.approx(accuracy)
    assert found["best_auroc"] == pytest.approx(class_1 @ order @ class_0)


def test_outcomes_that_never_happen_do_not_matter():
    found = best_possible([0.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    assert found == {"best_accuracy": 1.0, "best_auroc": 1.0}


def test_the_seed_decides_every_byte():
    one, again, other = (
        simulate_brown2018(seed, sequences=200, length=100) for seed in (1, 1, 2)
    )
    check_same_bytes(one, again)
    assert (one.sequences != other.sequences).mean() > 0.5
    assert (one.splits != other.splits).any()


@pytest.mark.parametrize(
    ("wrong", "received"),
    [
        ({"planted_in_class_1": 1.5}, "1.5 and 0.2"),
        ({"planted_in_class_0": -0.5}, "0.4 and -0.5"),
        ({"length": 20}, "20"),
        ({"sequences": 0}, "0"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        simulate_brown2018(**{"sequences": 100, "length": 100, **wrong})
