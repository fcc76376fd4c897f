import numpy as np
import pytest

from rckeras.datasets.hawkinshooker2018 import (
    most_informative_motifs,
    simulate_hawkinshooker2018,
)
from rckeras.motifs.jaspar import fetch_jaspar_collection
from tests.rckeras.datasets.planted import (
    check_letters,
    check_places,
    check_same_bytes,
)

pytest.importorskip("pyjaspar")


@pytest.fixture(scope="module")
def dataset():
    """The data in full size."""
    return simulate_hawkinshooker2018()


def information(motif):
    """Bits of a motif over four equal probabilities, position by position."""
    bits = 0.0
    for row in motif.probabilities:
        bits += 2 + sum(p * np.log2(p) for p in row if p > 0)
    return bits


def test_it_has_a_task_for_each_motif(dataset):
    motifs = most_informative_motifs(len(dataset.targets))
    assert dataset.targets == tuple(motif.name for motif in motifs)
    assert dataset.truth.motifs == dataset.targets
    assert dataset.notes["motifs"] == [motif.matrix_id for motif in motifs]
    assert dataset.length == 200


def test_a_tenth_each_is_for_validation_and_test(dataset):
    count = len(dataset)
    sizes = {"train": count * 8 // 10, "validation": count // 10, "test": count // 10}
    assert dataset.split_sizes() == sizes


def test_the_motifs_are_those_with_the_most_information():
    every = fetch_jaspar_collection()
    chosen = {motif.matrix_id for motif in most_informative_motifs(50)}
    least = min(information(motif) for motif in every if motif.matrix_id in chosen)
    left = max(information(motif) for motif in every if motif.matrix_id not in chosen)
    assert len(chosen) == 50
    assert least > left > 15


def test_motifs_number_one_to_eight_by_a_poisson_distribution(dataset):
    counts = np.bincount(dataset.truth.sequence, minlength=len(dataset))
    share = np.bincount(counts, minlength=9) / len(dataset)
    weights = [0.0]
    for number in range(1, 9):
        weights.append(4.0**number / np.prod(np.arange(1, number + 1)))
    np.testing.assert_allclose(share, weights / np.sum(weights), atol=0.012)


def test_motifs_and_strands_are_all_alike(dataset):
    truth = dataset.truth
    kinds = 2 * len(dataset.targets)
    share = np.bincount(2 * truth.motif + (truth.strand < 0)) / len(truth.motif)
    assert len(share) == kinds
    np.testing.assert_allclose(share * kinds, 1, atol=0.2)


def test_labels_are_the_motifs_planted(dataset):
    truth = dataset.truth
    expected = np.zeros(dataset.labels.shape, dtype=np.uint8)
    expected[truth.sequence, truth.motif] = 1
    assert (dataset.labels == expected).all()
    assert (truth.labels == expected).all()


def test_instances_are_drawn_from_their_motifs_and_apart(dataset):
    motifs = most_informative_motifs(len(dataset.targets))
    check_letters(dataset.sequences, dataset.truth, motifs)
    check_places(dataset.truth, dataset.length)


def test_bases_outside_motifs_are_alike(dataset):
    outside = np.ones(dataset.sequences.shape, dtype=bool)
    truth = dataset.truth
    for sequence, start, end in zip(
        truth.sequence, truth.start, truth.end, strict=True
    ):
        outside[sequence, start:end] = False
    share = np.bincount(dataset.sequences[outside]) / outside.sum()
    np.testing.assert_allclose(share, 0.25, atol=0.002)


def test_the_seed_decides_every_byte():
    one, again, other = (
        simulate_hawkinshooker2018(seed, sequences=500) for seed in (1, 1, 2)
    )
    check_same_bytes(one, again)
    assert (one.sequences != other.sequences).mean() > 0.5


def test_numbers_may_be_others():
    dataset = simulate_hawkinshooker2018(
        sequences=300, length=500, motifs=7, mean_instances=2.0, most_instances=3
    )
    assert dataset.sequences.shape == (300, 500)
    assert dataset.labels.shape == (300, 7)
    assert np.bincount(dataset.truth.sequence).max() == 3


@pytest.mark.parametrize(
    ("wrong", "received"),
    [
        ({"motifs": 0}, "0"),
        ({"motifs": 520}, "520"),
        ({"length": 30}, "30"),
        ({"mean_instances": 0.0}, "mean=0.0"),
        ({"most_instances": 0}, ".*high=0"),
        ({"sequences": 0}, "0"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        simulate_hawkinshooker2018(**{"sequences": 100, **wrong})
