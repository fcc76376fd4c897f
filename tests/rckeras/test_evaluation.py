import sys

import keras
import numpy as np
import pytest

from rckeras.datasets import Dataset
from rckeras.evaluation import evaluate
from rckeras.interpret import predict_mc
from rckeras.layers import MonteCarloDropout
from rckeras.metrics import binary_metrics, strand_agreement

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 5, (50, 12), dtype="uint8")
    labels = rng.integers(0, 2, (50, 3), dtype="uint8")
    splits = rng.integers(0, 3, 50, dtype="uint8")
    return Dataset(codes, labels, NAMES, splits)


@pytest.fixture(scope="module")
def model():
    return network(3)


def network(targets, length=12, monte_carlo=False):
    x = keras.Input((length, 4))
    y = keras.layers.Flatten()(x)
    if monte_carlo:
        y = MonteCarloDropout(0.5)(y)
    y = keras.layers.Dense(targets, "sigmoid")(y)
    return keras.Model(x, y)


def both_strands(model, x):
    """Predictions for both strands, by another way than the stream's."""
    return model.predict(x, verbose=0), model.predict(x[:, ::-1, ::-1], verbose=0)


def test_ranks_are_those_of_the_mean_over_both_strands(model, dataset):
    x, y = dataset.arrays("test")
    expected = binary_metrics(y, np.mean(both_strands(model, x), axis=0))
    found = evaluate(model, dataset, batch_size=4).metrics
    np.testing.assert_allclose(found.auroc, expected.auroc)
    np.testing.assert_allclose(found.auprc, expected.auprc)
    assert found.targets == NAMES


def test_the_loss_is_the_mean_of_the_losses_of_the_strands(model, dataset):
    x, y = dataset.arrays("test")
    losses = [
        float(keras.losses.BinaryCrossentropy()(y, predicted))
        for predicted in both_strands(model, x)
    ]
    found = evaluate(model, dataset, batch_size=4)
    np.testing.assert_allclose(found.loss, np.mean(losses), 1e-5)


def test_the_loss_of_one_strand_is_that_of_keras(model, dataset):
    x, y = dataset.arrays()
    model.compile(loss="binary_crossentropy")
    found = evaluate(model, dataset, None, average_strands=False, batch_size=7)
    np.testing.assert_allclose(found.loss, model.evaluate(x, y, verbose=0), 1e-5)
    expected = binary_metrics(y, both_strands(model, x)[0])
    np.testing.assert_allclose(found.metrics.auprc, expected.auprc)


def test_a_loss_without_bounds_is_cut_as_keras_does(dataset):
    x = keras.Input((12, 4))
    hard = keras.layers.GlobalAveragePooling1D(data_format="channels_last")(x)
    hard = keras.layers.Lambda(lambda y: keras.ops.round(y[:, :3] * 2 - 0.1))(hard)
    model = keras.Model(x, hard)
    model.compile(loss="binary_crossentropy")
    arrays = dataset.arrays()
    found = evaluate(model, dataset, None, average_strands=False)
    np.testing.assert_allclose(found.loss, model.evaluate(*arrays, verbose=0), 1e-4)


def test_chosen_targets_are_those_of_all(model, dataset):
    everything = evaluate(model, dataset).metrics
    found = evaluate(model, dataset, targets=["c", "a"]).metrics
    assert found.targets == ("c", "a")
    np.testing.assert_allclose(found.auroc, everything.auroc[[2, 0]])
    np.testing.assert_array_equal(found.positives, everything.positives[[2, 0]])


def test_a_network_may_have_only_the_chosen_targets(dataset):
    found = evaluate(network(1), dataset, targets=["b"])
    np.testing.assert_array_equal(
        found.metrics.positives, [dataset.split("test").labels[:, 1].sum()]
    )


def test_outputs_are_found_by_name(dataset):
    model = network(5)
    outputs = ("x", "c", "b", "y", "a")
    found = evaluate(model, dataset, outputs=outputs).metrics
    x, y = dataset.arrays("test")
    averaged = np.mean(both_strands(model, x), axis=0)[:, [4, 2, 1]]
    np.testing.assert_allclose(found.auroc, binary_metrics(y, averaged).auroc)


def test_a_shorter_network_sees_the_centre(dataset):
    model = network(3, length=7)
    x, y = dataset.arrays("test", length=7)
    expected = binary_metrics(y, np.mean(both_strands(model, x), axis=0))
    np.testing.assert_allclose(evaluate(model, dataset).metrics.auroc, expected.auroc)


def test_monte_carlo_dropout_is_off(dataset):
    model = network(3, monte_carlo=True)
    losses = {evaluate(model, dataset).loss for _ in range(3)}
    assert len(losses) == 1


def test_sequences_are_counted(model, dataset):
    found = evaluate(model, dataset, "train")
    assert found.sequences == (dataset.splits == 0).sum()
    assert str(found).startswith(f"{found.sequences} sequences: loss {found.loss:.5f}")


def test_a_network_of_other_targets_is_refused(dataset):
    with pytest.raises(ValueError, match=r"for each of the 3 targets.* with 2 outputs"):
        evaluate(network(2), dataset)


def test_outputs_without_a_target_are_refused(dataset):
    with pytest.raises(ValueError, match="Received: 5 names without 'b'"):
        evaluate(network(5), dataset, outputs=("a", "c", "x", "y", "z"))


def test_a_longer_network_is_refused(dataset):
    model = network(3, length=13)
    message = rf"`model`.*'{model.name}' with an input of 13 bases, .*dataset of 12$"
    with pytest.raises(ValueError, match=message):
        evaluate(model, dataset)


@pytest.mark.parametrize("value", [-0.5, 1.5, np.nan])
def test_predictions_that_are_no_probabilities_stop_at_the_first_batch(
    dataset, value, monkeypatch
):
    batches = []

    def predict_on_batch(self, x):
        batches.append(x)
        return np.where(np.arange(3) == 1, value, 0.5) * np.ones((len(x), 2, 1))

    monkeypatch.setattr(keras.Model, "predict_on_batch", predict_on_batch)
    x = keras.Input((12, 4))
    model = keras.Model(x, keras.layers.Dense(3)(keras.layers.Flatten()(x)), name="raw")
    with pytest.raises(ValueError, match=rf"sigmoid.*Received: {value} from 'raw"):
        evaluate(model, dataset, None, batch_size=4)
    assert len(batches) == 1


def test_the_rounding_of_a_softmax_is_no_error(dataset):
    x = keras.Input((12, 4))
    y = keras.layers.Lambda(lambda x: keras.ops.ones_like(x[:, 0, :3]) * 1.0078)(x)
    found = evaluate(keras.Model(x, y), dataset)
    np.testing.assert_allclose(found.metrics.mean_auroc, 0.5)


def test_a_missing_package_is_named_before_any_prediction(dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(ImportError, match=r"rckeras\[metrics\]"):
        evaluate(None, dataset)  # no network is looked at


def test_labels_that_are_no_classes_are_refused(model, dataset):
    labels = dataset.labels + np.float32(0.5)
    other = Dataset(dataset.sequences, labels, NAMES)
    with pytest.raises(ValueError, match=r"labels of 0 and 1\. Received: \d\.5"):
        evaluate(model, other, None)


def test_the_agreement_of_the_strands_is_told(model, dataset):
    found = evaluate(model, dataset, None, batch_size=7)
    forward, other = both_strands(model, dataset.arrays()[0])
    wanted = strand_agreement(forward, other)
    for name in ("flipped", "correlation", "largest_difference"):
        np.testing.assert_allclose(
            getattr(found.strands, name), getattr(wanted, name), atol=1e-5
        )
    assert "of calls flip" in str(found)


def test_one_strand_alone_tells_of_no_agreement(model, dataset):
    found = evaluate(model, dataset, average_strands=False)
    assert found.strands is None
    assert "flip" not in str(found)


def test_networks_of_any_length_are_given_so_many_bases(dataset):
    keras.utils.set_random_seed(0)
    x = keras.Input((None, 4))
    y = keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(4, 3)(x))
    free = keras.Model(x, keras.layers.Dense(3, "sigmoid")(y))
    centre = Dataset(dataset.sequences[:, 2:10], dataset.labels, NAMES, dataset.splits)
    found = evaluate(free, dataset, length=8)
    np.testing.assert_allclose(found.predictions, evaluate(free, centre).predictions)
    assert found.loss != pytest.approx(evaluate(free, dataset).loss, rel=1e-4)


@pytest.mark.parametrize(
    ("shape", "length", "message"),
    [
        (
            "two outputs",
            None,
            r"one output \(batch, targets\).*to \[\(None, 3\), \(None, 3",
        ),
        ("a profile", None, r"from \[\(None, 12, 4\)\] to \[\(None, 12, 3\)\]"),
        ("fixed", 8, r"`length` must be 12.*Received: 8"),
    ],
)
def test_networks_of_other_shapes_are_refused(dataset, model, shape, length, message):
    x = keras.Input((12, 4))
    profile = keras.layers.Dense(3, "sigmoid")(x)
    made = {
        "two outputs": keras.Model(x, [model(x), model(x)]),
        "a profile": keras.Model(x, profile),
        "fixed": model,
    }
    with pytest.raises(ValueError, match=message):
        evaluate(made[shape], dataset, average_strands=False, length=length)


@pytest.mark.parametrize("batch_size", [4, 50])
@pytest.mark.parametrize("both", [True, False])
def test_samples_are_averaged_and_the_same_for_both_strands(dataset, both, batch_size):
    random = network(3, monte_carlo=True)
    x, _ = dataset.arrays("test")
    expected = predict_mc(random, x, 5, seed=3)[0]
    if both:
        other = predict_mc(random, x[:, ::-1, ::-1], 5, seed=3)[0]
        expected = (expected + other) / 2
    options = {"mc_samples": 5, "seed": 3, "batch_size": batch_size}
    found = evaluate(random, dataset, average_strands=both, **options)
    np.testing.assert_allclose(found.predictions, expected, atol=1e-6)
    assert (found.strands is None) != both


def test_samples_need_dropout(model, dataset):
    with pytest.raises(ValueError, match="has no Monte Carlo dropout layer"):
        evaluate(model, dataset, mc_samples=5)
