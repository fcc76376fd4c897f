import csv

import keras
import numpy as np
import pytest

import zoo
from rckeras.datasets import Dataset
from rckeras.evaluation import evaluate
from rckeras.interpret import predict_mc
from tests.reference.metrics import auroc
from zoo.measures import (
    class_accuracy,
    motif_matches,
    ranking,
    ranking_of_both_strands,
    strand_agreement,
)

LENGTH, ROWS, TEST = 30, 60, 25


def make_dataset(targets=1, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (ROWS, targets)).astype("uint8")
    if targets == 2:
        labels[:, 1] = 1 - labels[:, 0]
    return Dataset(
        rng.integers(0, 4, (ROWS, LENGTH)).astype("uint8"),
        labels,
        tuple(f"target {number}" for number in range(targets)),
        np.repeat([0, 1, 2], [15, 20, TEST]).astype("uint8"),
    )


def make_network(activation="sigmoid", targets=1, length=LENGTH):
    keras.utils.set_random_seed(0)
    x = keras.Input((length, 4))
    y = keras.layers.Dense(targets, activation=activation)(keras.layers.Flatten()(x))
    return keras.Model(x, y)


def draw_weights(network):
    """Gives a network weights other than 0, and variances above it."""
    rng = np.random.default_rng(1)
    network.set_weights(
        [rng.uniform(0.05, 0.3, w.shape) for w in network.get_weights()]
    )
    return network


def test_ranking_is_that_of_evaluate_for_the_stored_strand(tmp_path):
    network, dataset = make_network(targets=3), make_dataset(targets=3)
    found = ranking(network, dataset, tmp_path)
    assert len(found) == 6
    for split in ("validation", "test"):
        expected = evaluate(network, dataset, split, average_strands=False)
        assert found[f"{split}_loss"] == expected.loss
        assert found[f"{split}_auroc"] == expected.metrics.mean_auroc
        assert found[f"{split}_auprc"] == expected.metrics.mean_auprc


def test_ranking_of_both_strands_is_that_of_evaluate(tmp_path):
    network, dataset = make_network(targets=3), make_dataset(targets=3)
    found = ranking_of_both_strands(network, dataset, tmp_path)
    expected = evaluate(network, dataset, "test")
    assert found == {
        "test_loss": expected.loss,
        "test_auroc": expected.metrics.mean_auroc,
        "test_auprc": expected.metrics.mean_auprc,
    }
    assert found["test_auroc"] != ranking(network, dataset, tmp_path)["test_auroc"]


def test_accuracy_is_the_share_of_sequences_whose_class_is_the_likelier(tmp_path):
    network, dataset = make_network("softmax", targets=2), make_dataset(targets=2)
    found = class_accuracy(network, dataset, tmp_path)
    kernel, bias = network.get_weights()
    for split in ("validation", "test"):
        x, y = dataset.arrays(split)
        scores = x.reshape(len(x), -1).astype("float64") @ kernel + bias
        chosen = scores[:, 1] > scores[:, 0]
        expected = np.mean(chosen == (y[:, 1] == 1))
        assert found[f"{split}_accuracy"] == pytest.approx(expected)
        margin = scores[:, 1] - scores[:, 0]
        assert found[f"{split}_auroc"] == pytest.approx(auroc(y[:, 1], margin))


def test_accuracy_of_a_bayesian_network_is_that_of_its_mean(tmp_path):
    network = zoo.build("brown-sim", sequence_length=LENGTH)
    dataset = make_dataset(targets=2)
    draw_weights(network)
    found = class_accuracy(network, dataset, tmp_path, samples=5)
    assert class_accuracy(network, dataset, tmp_path, samples=5) == found
    x, y = dataset.arrays("test")
    mean, _ = predict_mc(network, x, samples=5)
    assert found["test_accuracy"] == np.mean(mean.argmax(axis=1) == y[:, 1])


def test_of_longer_sequences_the_centre_is_measured(tmp_path):
    dataset = make_dataset(targets=2)
    centre = Dataset(
        dataset.sequences[:, 5:25], dataset.labels, dataset.targets, dataset.splits
    )
    network = make_network("softmax", targets=2, length=20)
    for measure in (ranking, class_accuracy, strand_agreement):
        found = measure(network, dataset, tmp_path)
        assert found == measure(network, centre, tmp_path)


def read_strands(folder):
    with (folder / "strands.csv").open(newline="") as file:
        return [
            (float(row["forward"]), float(row["reverse_complement"]))
            for row in csv.DictReader(file)
        ]


def test_a_network_with_shared_weights_agrees_with_itself(tmp_path):
    network = zoo.build("shrikumar-sim-rc", sequence_length=LENGTH + 10, targets=1)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (ROWS, LENGTH + 10)).astype("uint8")
    dataset = make_dataset()
    dataset = Dataset(codes, dataset.labels, dataset.targets, dataset.splits)
    found = strand_agreement(draw_weights(network), dataset, tmp_path)
    assert found["strand_correlation"] == pytest.approx(1, abs=1e-6)
    assert found["strand_difference"] <= found["largest_strand_difference"] < 1e-6
    strands = read_strands(tmp_path)
    assert len(strands) == TEST
    assert len(set(strands)) > TEST // 2


def test_the_disagreement_of_an_ordinary_network_is_measured(tmp_path):
    network, dataset = make_network(targets=2), make_dataset(targets=2)
    found = strand_agreement(network, dataset, tmp_path)
    x, _ = dataset.arrays("test")
    forward = network.predict(x, verbose=0)
    other = network.predict(x[:, ::-1, ::-1], verbose=0)
    gaps = np.abs(forward - other)
    assert found["strand_difference"] == pytest.approx(gaps.mean(), rel=1e-5)
    assert found["largest_strand_difference"] == pytest.approx(gaps.max(), rel=1e-5)
    centred = [p.ravel() - p.mean() for p in (forward, other)]
    norms = [np.sqrt(np.square(p).sum()) for p in centred]
    expected = (centred[0] * centred[1]).sum() / (norms[0] * norms[1])
    assert found["strand_correlation"] == pytest.approx(expected, abs=1e-5)
    np.testing.assert_allclose(
        read_strands(tmp_path),
        np.stack([forward[:, 0], other[:, 0]], axis=1),
        atol=1e-6,
    )


def test_filters_are_matched_with_all_motifs_and_with_the_relevant_ones(tmp_path):
    pytest.importorskip("pyjaspar")
    from rckeras.datasets.simulation import plant_motifs
    from rckeras.motifs import fetch_jaspar, read_meme

    ids = ["MA0137.3", "MA0083.3"]  # STAT1 and SRF
    stat1, srf = fetch_jaspar(ids)
    rng = np.random.default_rng(0)
    background = rng.integers(0, 4, (400, 60)).astype("uint8")
    chosen = np.tile([[0], [1]], (200, 1))
    codes, _ = plant_motifs(rng, background, [stat1, srf], chosen)
    dataset = Dataset(
        codes, np.ones((400, 1), "uint8"), ("bound",), np.full(400, 2, "uint8")
    )
    network = zoo.build(
        "koo-cnn-25",
        targets=1,
        filters=(4, 4),
        pool_sizes=(10, 6),
        sequence_length=60,
        hidden_units=4,
    )
    kernel = np.zeros((19, 4, 4), "float32")
    for number, motif in enumerate((stat1, srf)):
        scores = np.log2(np.maximum(motif.probabilities, 0.01) / 0.25)
        kernel[2 : 2 + len(motif), :, number] = scores
    kernel[:, :, 2] = -1  # this one and the last one never fire
    conv = network.get_layer("conv1")
    conv.set_weights([kernel])
    found = motif_matches(network, dataset, tmp_path, relevant=["MA0083.3"])
    assert found == {"matched": 0.5, "matched_relevant": 0.25}
    assert len(read_meme(tmp_path / "filters.meme")) == 2
    conv.set_weights([np.full_like(kernel, -1)])
    found = motif_matches(network, dataset, tmp_path)
    assert found == {"matched": 0.0, "matched_relevant": 0.0}
