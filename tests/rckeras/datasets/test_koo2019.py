from importlib.resources import files

import numpy as np
import pytest
from scipy import stats

from rckeras.datasets.koo2019 import IN_VIVO_TARGETS, MOTIFS, simulate_koo2019
from rckeras.motifs.jaspar import fetch_jaspar
from rckeras.motifs.scan import best_scores
from tests.rckeras.datasets.planted import (
    check_letters,
    check_places,
    check_same_bytes,
)

pytest.importorskip("pyjaspar")

FACTORS = {
    "Arid3a": "ARID3A",
    "CEBPB": "CEBPB",
    "FOSL1": "FOSL1",
    "Gabpa": "GABP",
    "MAFK": "MafK",
    "MAX": "Max",
    "MEF2A": "MEF2A",
    "NFYB": "NF-YB",
    "SP1": "SP1",
    "SRF": "SRF",
    "STAT1": "STAT1",
    "YY1": "YY1",
}


@pytest.fixture(scope="module")
def dataset():
    """The data of the paper in full size."""
    return simulate_koo2019()


def auroc(labels, scores):
    ranks = stats.rankdata(scores)
    positives = int(labels.sum())
    above = ranks[labels == 1].sum() - positives * (positives + 1) / 2
    return above / (positives * (len(labels) - positives))


def test_it_has_the_size_of_the_paper(dataset):
    assert dataset.sequences.shape == (25_000, 200)
    assert dataset.targets == tuple(MOTIFS)
    sizes = {"train": 17_500, "validation": 2500, "test": 5000}
    assert dataset.split_sizes() == sizes


def test_motifs_number_one_to_five_as_in_the_released_code(dataset):
    counts = np.bincount(dataset.truth.sequence, minlength=len(dataset))
    share = np.bincount(counts, minlength=6) / len(dataset)
    expected = [0, 0.50, 0.25, 0.17, 0.05, 0.03]
    np.testing.assert_allclose(share, expected, atol=0.012)


def test_motifs_and_strands_are_all_alike(dataset):
    truth = dataset.truth
    share = np.bincount(2 * truth.motif + (truth.strand < 0)) / len(truth.motif)
    np.testing.assert_allclose(share, 1 / 24, atol=0.005)


def test_a_motif_may_come_twice_in_a_sequence(dataset):
    pairs = dataset.truth.sequence * 12 + dataset.truth.motif
    twice = len(pairs) - len(np.unique(pairs))
    counts = np.bincount(dataset.truth.sequence)
    expected = (counts - 12 * (1 - (11 / 12) ** counts)).sum()
    assert abs(twice - expected) < 5 * np.sqrt(expected)


def test_labels_are_the_motifs_planted(dataset):
    truth = dataset.truth
    expected = np.zeros((len(dataset), 12), dtype=np.uint8)
    for sequence, motif in zip(truth.sequence, truth.motif, strict=True):
        expected[sequence, motif] = 1
    assert (dataset.labels == expected).all()
    assert (truth.labels == expected).all()


def test_instances_are_drawn_from_their_motifs(dataset):
    check_letters(dataset.sequences, dataset.truth, fetch_jaspar(MOTIFS.values()))


def test_every_motif_has_a_base_between_it_and_others_and_the_ends(dataset):
    check_places(dataset.truth, dataset.length, buffer=1)
    gaps = dataset.truth.start[1:] - dataset.truth.end[:-1]
    same = dataset.truth.sequence[1:] == dataset.truth.sequence[:-1]
    assert gaps[same].min() == 1


def test_bases_outside_motifs_are_alike(dataset):
    outside = np.ones(dataset.sequences.shape, dtype=bool)
    truth = dataset.truth
    for sequence, start, end in zip(
        truth.sequence, truth.start, truth.end, strict=True
    ):
        outside[sequence, start:end] = False
    share = np.bincount(dataset.sequences[outside]) / outside.sum()
    np.testing.assert_allclose(share, 0.25, atol=0.001)


def test_a_scan_for_the_motifs_finds_most_of_them(dataset):
    test = dataset.split("test")
    found = {
        motif.name: auroc(labels, best_scores(test.sequences, motif))
        for motif, labels in zip(
            fetch_jaspar(MOTIFS.values()), test.labels.T, strict=True
        )
    }
    assert abs(np.mean([*found.values()]) - 0.978) < 0.004
    assert abs(found["Arid3a"] - 0.885) < 0.02
    assert min(found, key=found.get) == "Arid3a"


def test_the_seed_decides_every_byte():
    one, again, other = (simulate_koo2019(seed, sequences=500) for seed in (1, 1, 2))
    check_same_bytes(one, again)
    assert (one.sequences != other.sequences).mean() > 0.5
    assert (one.splits != other.splits).any()


def test_sequences_may_be_longer_or_fewer():
    dataset = simulate_koo2019(sequences=100, length=500)
    assert dataset.sequences.shape == (100, 500)
    assert dataset.truth.end.max() > 400


@pytest.mark.parametrize(
    ("wrong", "received"),
    [
        ({"length": 20}, "20"),
        ({"count_probabilities": (0.5, 0.4)}, r"\(0.5, 0.4\)"),
        ({"count_probabilities": ()}, r"\(\)"),
        ({"sequences": 0}, "0"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        simulate_koo2019(**{"sequences": 100, **wrong})


def test_the_in_vivo_targets_are_these_factors_in_k562_cells():
    names = files("zoo").joinpath("presets/targets/deepsea.txt").read_text().split()
    assert list(IN_VIVO_TARGETS) == list(MOTIFS)
    for factor, number in IN_VIVO_TARGETS.items():
        cell, target, _ = names[number].split("_")
        assert (cell, target) == ("K562", FACTORS[factor])
