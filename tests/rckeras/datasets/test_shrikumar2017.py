import numpy as np
import pytest

from rckeras.datasets.dataset import SPLITS
from rckeras.datasets.shrikumar2017 import MOTIFS, simulate_shrikumar2017
from rckeras.motifs.encode import load_encode_motifs
from tests.rckeras.datasets.planted import (
    check_letters,
    check_places,
    check_same_bytes,
)


@pytest.fixture(scope="module")
def dataset():
    """The data of the paper in full size."""
    return simulate_shrikumar2017()


def test_it_has_the_size_of_the_paper(dataset):
    assert dataset.sequences.shape == (30_000, 200)
    assert dataset.targets == ("GATA1", "ELF1", "RXRA")
    sizes = {"train": 12_000, "validation": 9000, "test": 9000}
    assert dataset.split_sizes() == sizes


def test_each_factor_has_a_third_of_the_sequences(dataset):
    assert dataset.truth.labels.sum(axis=0).tolist() == [10_000] * 3
    assert (dataset.truth.labels.sum(axis=1) == 1).all()


def test_labels_before_noise_are_the_motifs_planted(dataset):
    truth = dataset.truth
    assert (truth.labels[truth.sequence, truth.motif] == 1).all()
    assert len(np.unique(truth.sequence)) == len(dataset)


def test_instances_number_one_to_three_as_a_truncated_poisson(dataset):
    counts = np.bincount(dataset.truth.sequence, minlength=len(dataset))
    share = np.bincount(counts, minlength=4) / len(dataset)
    np.testing.assert_allclose(share, [0, 3 / 8, 3 / 8, 1 / 4], atol=0.012)


def test_instances_are_drawn_from_their_motifs_on_either_strand(dataset):
    motifs = load_encode_motifs(MOTIFS.values())
    check_letters(dataset.sequences, dataset.truth, motifs)
    assert abs((dataset.truth.strand == -1).mean() - 0.5) < 0.01


def test_instances_lie_inside_and_apart(dataset):
    check_places(dataset.truth, dataset.length)


def test_instances_lie_anywhere(dataset):
    truth = dataset.truth
    alone = np.bincount(truth.sequence)[truth.sequence] == 1
    gata = (truth.motif == 0) & alone
    counts = np.bincount(truth.start[gata], minlength=200 - 13 + 1)
    assert len(counts) == 188
    assert abs(truth.start[gata].mean() - 187 / 2) < 5 * 188 / np.sqrt(12 * gata.sum())


def test_the_background_has_forty_percent_gc(dataset):
    outside = np.ones(dataset.sequences.shape, dtype=bool)
    truth = dataset.truth
    for sequence, start, end in zip(
        truth.sequence, truth.start, truth.end, strict=True
    ):
        outside[sequence, start:end] = False
    share = np.bincount(dataset.sequences[outside]) / outside.sum()
    np.testing.assert_allclose(share, [0.3, 0.2, 0.2, 0.3], atol=0.001)


@pytest.mark.parametrize("name", SPLITS)
def test_a_fifth_of_each_split_is_shuffled(dataset, name):
    part = dataset.split(name)
    wrong = (part.labels != part.truth.labels).any(axis=1)
    assert abs(wrong.mean() - 0.2 * 2 / 3) < 0.012
    assert (part.labels.sum(axis=0) == part.truth.labels.sum(axis=0)).all()


def test_the_notes_count_the_wrong_labels(dataset):
    wrong = (dataset.labels != dataset.truth.labels).any(axis=1).sum()
    assert dataset.notes["sequences_with_wrong_labels"] == wrong


def test_labels_can_be_flipped_in_training_only():
    dataset = simulate_shrikumar2017(
        3, sequences=6000, length=1000, noise="flip", noisy_splits=("train",)
    )
    assert dataset.length == 1000
    train = dataset.split("train")
    np.testing.assert_allclose(
        (train.labels != train.truth.labels).mean(axis=0), 0.2, atol=0.04
    )
    for name in ("validation", "test"):
        part = dataset.split(name)
        assert (part.labels == part.truth.labels).all()


@pytest.mark.parametrize(
    "quiet", [{"noise_share": 0}, {"noisy_splits": ()}], ids=["share", "splits"]
)
def test_there_can_be_no_noise(quiet):
    dataset = simulate_shrikumar2017(sequences=600, **quiet)
    assert (dataset.labels == dataset.truth.labels).all()


def test_noise_changes_nothing_but_labels():
    with_noise = simulate_shrikumar2017(1, sequences=600)
    without = simulate_shrikumar2017(1, sequences=600, noise_share=0)
    assert (with_noise.sequences == without.sequences).all()
    assert (with_noise.splits == without.splits).all()


def test_the_seed_decides_every_byte():
    one, again, other = (
        simulate_shrikumar2017(seed, sequences=600) for seed in (1, 1, 2)
    )
    check_same_bytes(one, again)
    assert (one.sequences != other.sequences).mean() > 0.5
    assert (one.splits != other.splits).any()


@pytest.mark.parametrize(
    ("wrong", "received"),
    [
        ({"noise": "swap"}, "'swap'"),
        ({"noisy_splits": ("training",)}, r"\('training',\)"),
        ({"noisy_splits": "train"}, "'train'"),
        ({"noisy_splits": ("test", "test")}, r"\('test', 'test'\)"),
        ({"noise_share": 20}, "20"),
        ({"gc": 40}, "40"),
        ({"length": 30}, "30"),
        ({"sequences": 0}, "0"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        simulate_shrikumar2017(**{"sequences": 60, **wrong})
