import csv
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

import rckeras
import zoo
from rckeras.datasets import Dataset, load_dataset, save_dataset
from rckeras.datasets.file import sha256_of
from rckeras.datasets.stream import STRANDS
from rckeras.evaluation import evaluate
from rckeras.io import whole as files
from rckeras.sequence.codes import base_codes
from tuning.cli import main
from zoo import checkpoints
from zoo.commands import train as command
from zoo.learning import (
    TrainingSettings,
    compile_learner,
    make_streams,
    open_network,
)
from zoo.prediction import open_model, predict_file
from zoo.training import train

LENGTH = 40
TRAIN, VALIDATION = 256, 128
NETWORK = "shrikumar-sim-rc"
QUICK = TrainingSettings(epochs=2, batch_size=64, learning_rate=0.02)


def make_dataset(splits=True, targets=1, seed=0, **changes):
    """Sequences that have a motif on either strand for each of their labels."""
    rng = np.random.default_rng(seed)
    rows = TRAIN + VALIDATION
    codes = rng.integers(0, 4, (rows, LENGTH)).astype("uint8")
    labels = rng.integers(0, 2, (rows, targets)).astype("uint8")
    motifs = [base_codes("TGACTCACGG"), base_codes("CCGATAAGAC")]
    for row, target in zip(*np.nonzero(labels), strict=True):
        motif = motifs[target] if rng.random() < 0.5 else 3 - motifs[target][::-1]
        start = 20 * target + rng.integers(0, 10)
        codes[row, start : start + 10] = motif
    divided = np.repeat([0, 1], [TRAIN, VALIDATION]).astype("uint8")
    fields = {
        "sequences": codes,
        "labels": labels,
        "targets": ("AP1", "GATA")[:targets],
        "splits": divided if splits else None,
    }
    return Dataset(**{**fields, **changes})


def with_test(dataset):
    """The same dataset, whose last 64 sequences are for the test."""
    splits = dataset.splits.copy()
    splits[-64:] = 2
    return dataclasses.replace(dataset, splits=splits)


def write_fasta(folder, lengths=(LENGTH,)):
    """A file of the sequences with the motif, and one of those without."""
    dataset = make_dataset()
    for label, name in ((1, "bound.fa"), (0, "open.fa")):
        codes = dataset.sequences[dataset.labels[:, 0] == label]
        texts = ("".join("ACGTN"[code] for code in row) for row in codes)
        records = [
            f">{i}\n{text[: lengths[i % len(lengths)]]}\n"
            for i, text in enumerate(texts)
        ]
        (folder / name).write_text("".join(records))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    save_dataset(make_dataset(), path / "data.h5")
    save_dataset(make_dataset(splits=False), path / "undivided.h5")
    save_dataset(make_dataset(targets=2), path / "two.h5")
    save_dataset(with_test(make_dataset(targets=2)), path / "tested.h5")
    write_fasta(path)
    dense_network(path / "start.keras")
    return path


@pytest.fixture(scope="module")
def data(folder):
    return folder / "data.h5"


def dense_network(path, activation="sigmoid", targets=1, length=LENGTH):
    """A network that is quick to train, with dropout."""
    keras.utils.set_random_seed(1)
    x = keras.Input((length, 4))
    y = keras.layers.Flatten()(x)
    y = keras.layers.Dropout(0.5)(keras.layers.Dense(8, activation="relu")(y))
    y = keras.layers.Dense(targets, activation=activation)(y)
    model = keras.Model(x, y)
    model.save(path)
    return model


def quietly(name, data, output, settings=QUICK, **options):
    return train(name, data, output, settings, progress=False, **options)


def history_of(output):
    with output.with_name(f"{output.name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def weights_of(path):
    return keras.saving.load_model(path).get_weights()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_planted_motif_is_learned(data, tmp_path):
    settings = dataclasses.replace(QUICK, epochs=12)
    summary = quietly(NETWORK, data, tmp_path / "mine.keras", settings)
    assert summary.metrics["val_auroc"] > 0.9
    assert names_in(tmp_path) == ["mine.keras", "mine.keras.csv", "mine.keras.json"]


def test_the_logged_numbers_are_those_of_the_saved_network(folder, tmp_path):
    summary = quietly(NETWORK, folder / "two.h5", tmp_path / "mine.keras")
    network = keras.saving.load_model(tmp_path / "mine.keras")
    assert not network.compiled
    dataset = load_dataset(folder / "two.h5")
    found = evaluate(network, dataset, "validation", average_strands=False)
    assert summary.metrics["val_loss"] == pytest.approx(found.loss, abs=1e-5)
    for name in ("auroc", "auprc"):
        exact = float(np.mean(getattr(found.metrics, name)))
        assert summary.metrics[f"val_{name}"] == pytest.approx(exact, abs=0.02)


def test_the_metric_may_be_chosen(folder, data, tmp_path):
    settings = dataclasses.replace(QUICK, epochs=4, monitor="val_auroc", patience=2)
    output = tmp_path / "mine.keras"
    summary = quietly(folder / "start.keras", data, output, settings)
    assert summary.best_epoch == np.argmax(history_of(output)["val_auroc"]) + 1


def test_without_validation_the_last_epoch_is_kept_and_said_so(
    folder, tmp_path, capsys
):
    settings = dataclasses.replace(QUICK, epochs=3, patience=1)
    start, output = folder / "start.keras", tmp_path / "mine.keras"
    summary = train(start, folder / "undivided.h5", output, settings)
    assert summary.best_epoch == summary.epochs == 3
    assert "no validation split" in capsys.readouterr().err
    assert not [name for name in history_of(output) if name.startswith("val_")]


class StoppedError(Exception):
    """What stands for a kill."""


def stop_at(monkeypatch, name, count):
    """Let a function that writes files raise, the time of a number."""
    original, calls = getattr(checkpoints, name), []

    def stopping(*args, **options):
        calls.append(1)
        if len(calls) > count:
            raise StoppedError
        return original(*args, **options)

    monkeypatch.setattr(checkpoints, name, stopping)
    if hasattr(files, name):
        monkeypatch.setattr(files, name, stopping)


PATIENT = TrainingSettings(epochs=12, batch_size=64, learning_rate=0.2, patience=2)


@pytest.fixture(scope="module")
def whole(folder, data, tmp_path_factory):
    """A training without a break, which ends after epochs that were not better."""
    output = tmp_path_factory.mktemp("whole") / "mine.keras"
    summary = quietly(folder / "start.keras", data, output, PATIENT)
    assert summary.best_epoch < summary.epochs
    return output


def test_the_best_epoch_is_kept_and_training_ends(whole, data):
    losses = history_of(whole)["val_loss"]
    noted = json.loads(whole.with_name("mine.keras.json").read_text())
    assert noted["best_epoch"] == np.argmin(losses) + 1
    assert noted["epochs_trained"] == len(losses) == noted["best_epoch"] + 2
    network = keras.saving.load_model(whole)
    found = evaluate(network, load_dataset(data), "validation", average_strands=False)
    assert found.loss == pytest.approx(min(losses), abs=1e-5)


# Texts: run.json, the history after each epoch, and in the end history and sidecar.
# Arrays: the weights after the best epochs, and the state after each one.
@pytest.mark.parametrize(
    ("name", "count"),
    [
        *(("write_whole", count) for count in (0, 2, 4, -2, -1)),
        *(("_save", count) for count in (0, 1, 3)),
    ],
)
def test_after_any_break_training_ends_as_without_it(
    folder, data, whole, tmp_path, monkeypatch, name, count
):
    output = tmp_path / "mine.keras"
    texts = 4 + len(history_of(whole)["loss"])
    with monkeypatch.context() as patch:
        stop_at(patch, name, count % texts)
        with pytest.raises(StoppedError):
            quietly(folder / "start.keras", data, output, PATIENT)
    assert not output.exists()
    quietly(folder / "start.keras", data, output, PATIENT)
    for name, expected in history_of(whole).items():
        np.testing.assert_allclose(history_of(output)[name], expected, rtol=1e-5)
    for found, expected in zip(weights_of(output), weights_of(whole), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert names_in(tmp_path) == names_in(whole.parent)


def test_finished_epochs_are_not_repeated(folder, data, tmp_path, monkeypatch, capsys):
    output = tmp_path / "mine.keras"
    with monkeypatch.context() as patch:
        stop_at(patch, "_save", 5)
        with pytest.raises(StoppedError):
            quietly(folder / "start.keras", data, output, PATIENT)
    kept = history_of(output.with_name("mine.keras.resume") / "history")
    finished = len(kept["loss"])
    begun = []
    original = checkpoints.Checkpoints.on_epoch_begin

    def begin(self, epoch, logs=None):
        begun.append(epoch)
        original(self, epoch, logs)

    monkeypatch.setattr(checkpoints.Checkpoints, "on_epoch_begin", begin)
    train(folder / "start.keras", data, output, PATIENT)
    assert begun[0] == finished > 0
    assert f"going on after epoch {finished}" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no such signal")
def test_a_killed_command_goes_on(folder, data, tmp_path):
    kill = (
        "import os, signal, sys, zoo.checkpoints as c\n"
        "from tuning.cli import main\n"
        "keep = c.Checkpoints.on_epoch_end\n"
        "def end(self, epoch, logs=None):\n"
        "    if epoch == 2 and 'kill' in os.environ:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    keep(self, epoch, logs)\n"
        "c.Checkpoints.on_epoch_end = end\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    options = ["--epochs", "4", "--learning-rate", "0.03", "--quiet"]
    outputs = []
    for name, kills in (("one", (True, False)), ("other", (False,))):
        outputs.append(tmp_path / f"{name}.keras")
        arguments = [folder / "start.keras", data, "-o", outputs[-1], *options]
        for killed in kills:
            process = subprocess.run(
                [sys.executable, "-c", kill, "train", *map(str, arguments)],
                env={**os.environ, **({"kill": "1"} if killed else {})},
                check=False,
            )
            assert process.returncode == (-signal.SIGKILL if killed else 0)
    for one, other in zip(*map(weights_of, outputs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_other_settings_or_data_are_refused_after_a_break(
    folder, data, tmp_path, monkeypatch
):
    start, output = folder / "start.keras", tmp_path / "mine.keras"
    with monkeypatch.context() as patch:
        stop_at(patch, "_save", 2)
        with pytest.raises(StoppedError):
            quietly(start, data, output)
    other = dataclasses.replace(QUICK, batch_size=32)
    with pytest.raises(
        ValueError, match=r"resume holds .* batch_size was 64 and is 32"
    ):
        quietly(start, data, output, other)
    with pytest.raises(ValueError, match=r"network was .* and is 'shrikumar-sim-rc'"):
        quietly(NETWORK, data, output)
    save_dataset(make_dataset(seed=1), tmp_path / "other.h5")
    with pytest.raises(ValueError, match="data_sha256 was"):
        quietly(start, tmp_path / "other.h5", output)
    assert quietly(start, data, output, other, overwrite=True).epochs == 2
    assert not (tmp_path / "mine.keras.resume").exists()


def test_fine_tuning_keeps_all_layers_but_the_last(folder, data, tmp_path):
    source = zoo.build(NETWORK, sequence_length=LENGTH, targets=3)
    source.save_weights(tmp_path / "own.weights.h5")
    settings = TrainingSettings(
        weights=tmp_path / "own.weights.h5", epochs=1, learning_rate=1e-9
    )
    quietly(NETWORK, data, tmp_path / "mine.keras", settings)
    tuned = keras.saving.load_model(tmp_path / "mine.keras")
    for name in ("conv1", "weighted_sum"):
        pairs = zip(
            tuned.get_layer(name).get_weights(),
            source.get_layer(name).get_weights(),
            strict=True,
        )
        for found, expected in pairs:
            np.testing.assert_allclose(found, expected, atol=1e-6)
    assert tuned.output_shape == (None, 1)


def test_a_saved_network_goes_on_from_its_weights(folder, data, tmp_path):
    settings = TrainingSettings(epochs=1, learning_rate=1e-9)
    quietly(folder / "start.keras", data, tmp_path / "mine.keras", settings)
    pairs = zip(
        weights_of(tmp_path / "mine.keras"),
        weights_of(folder / "start.keras"),
        strict=True,
    )
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "strands"), [(NETWORK, "forward"), ("shrikumar-sim-20", "random")]
)
def test_the_other_strand_is_given_where_it_can_be_learned_from(name, strands):
    dataset = make_dataset()
    assert open_network(name, dataset, TrainingSettings())[1].strands == strands
    chosen = TrainingSettings(strands="both")
    assert open_network(name, dataset, chosen)[1].strands == "both"
    conjoined = TrainingSettings(conjoined=True)
    assert open_network(name, dataset, conjoined)[1].strands == "forward"


def test_a_conjoined_network_is_saved_as_such(folder, data, tmp_path):
    settings = dataclasses.replace(QUICK, conjoined=True)
    quietly("shrikumar-sim-20", data, tmp_path / "mine.keras", settings)
    model = keras.saving.load_model(tmp_path / "mine.keras")
    x, _ = make_dataset().arrays("validation")
    found = model.predict(x, verbose=0)
    other = model.predict(np.ascontiguousarray(x[:, ::-1, ::-1]), verbose=0)
    np.testing.assert_allclose(found, other, atol=1e-6)
    assert np.ptp(found) > 0.01


def test_consistent_training_saves_the_plain_network(folder, data, tmp_path):
    apart = []
    x, _ = make_dataset().arrays("validation")
    for weight in (0.0, 50.0):
        settings = dataclasses.replace(QUICK, epochs=4, consistency=weight)
        path = tmp_path / f"{weight}.keras"
        quietly("shrikumar-sim-20", data, path, settings)
        model = keras.saving.load_model(path)
        assert type(model) is type(zoo.build("shrikumar-sim-20"))
        found = model.predict(x, verbose=0)
        other = model.predict(np.ascontiguousarray(x[:, ::-1, ::-1]), verbose=0)
        apart.append(np.abs(found - other).mean())
    assert apart[1] < apart[0] / 2


def test_settings_of_the_batches_reach_the_training_and_not_the_validation():
    settings = TrainingSettings(
        batch_size=50,
        length=21,
        positive_fraction=0.2,
        samples_per_epoch=100,
        strands="both",
        n_value=0.25,
        max_shift=30,
    )
    training, held_out = make_streams(make_dataset(), settings)
    x, y = training[0]
    assert len(training) == 2
    assert x.shape == (100, 21, 4)
    assert y.mean() == pytest.approx(0.2)
    assert set(x[..., 0].ravel()) == {0.0, 0.25, 1.0}
    x, y = held_out[0]
    assert x.shape == (50, 21, 4)
    assert held_out.samples_per_epoch == VALIDATION


def test_class_weights_are_for_the_training_alone():
    settings = TrainingSettings(strands="forward", n_value=0.0, class_weight="balanced")
    training, held_out = make_streams(make_dataset(), settings)
    assert len(set(training[0][2])) == 2
    assert len(held_out[0]) == 2


@pytest.mark.parametrize(
    ("activation", "loss", "count"),
    [
        ("sigmoid", "binary_crossentropy", 2),
        ("softmax", "categorical_crossentropy", 2),
        ("linear", "mean_squared_error", 1),
    ],
)
def test_the_last_activation_decides_on_the_loss(tmp_path, activation, loss, count):
    network = dense_network(tmp_path / "net.keras", activation, targets=2)
    labels = np.eye(2, dtype="uint8")[np.arange(TRAIN + VALIDATION) % 2]
    dataset = make_dataset(targets=2, labels=labels)
    learner = compile_learner(network, dataset, QUICK)
    assert (learner.loss, len(learner.metrics)) == (loss, count)
    real = make_dataset(targets=2, labels=labels * np.float32(0.5) + np.float32(0.25))
    assert len(compile_learner(network, real, QUICK).metrics) == 1


def test_labels_that_the_last_activation_cannot_give_are_refused(tmp_path):
    labels = np.ones((TRAIN + VALIDATION, 2), "float32")
    labels[-1] = 2.5
    for activation, words in (("sigmoid", "from 0 to 1"), ("softmax", "sum to 1")):
        network = dense_network(tmp_path / "net.keras", activation, targets=2)
        dataset = make_dataset(targets=2, labels=labels)
        with pytest.raises(ValueError, match=words):
            compile_learner(network, dataset, QUICK)
    network = dense_network(tmp_path / "net.keras", "tanh", targets=2)
    with pytest.raises(ValueError, match=r"activations sigmoid, .* with tanh"):
        compile_learner(network, make_dataset(targets=2), QUICK)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"length": 20}, "`sequence_length` must be at least 40"),
        ({"length": 41}, "`length` must be from 1 to 40. Received: 41"),
        ({"monitor": "val_f1"}, r"`monitor` .* Received: 'val_f1'"),
        ({"positive_fraction": 2.0}, "`positive_fraction`"),
        ({"max_jitter": 1}, "`max_jitter` must be at most 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_any_work(
    data, tmp_path, monkeypatch, change, words
):
    monkeypatch.setattr("zoo.training.fit", None)
    settings = dataclasses.replace(QUICK, **change)
    network = "shrikumar-sim-20" if change.get("length") == 41 else NETWORK
    with pytest.raises(ValueError, match=words):
        quietly(network, data, tmp_path / "mine.keras", settings)
    assert names_in(tmp_path) == []


def test_weights_that_do_not_exist_are_refused_before_any_work(data, tmp_path):
    settings = dataclasses.replace(QUICK, weights="default")
    with pytest.raises(ValueError, match="No trained weights"):
        quietly("shrikumar-chip", data, tmp_path / "mine.keras", settings)
    assert names_in(tmp_path) == []


def test_an_epoch_cannot_be_compared_on_a_split_that_is_not_there(folder, tmp_path):
    settings = dataclasses.replace(QUICK, monitor="val_auroc")
    with pytest.raises(
        ValueError, match=r"loss, accuracy, auroc, auprc with .* no val"
    ):
        quietly(NETWORK, folder / "undivided.h5", tmp_path / "mine.keras", settings)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("epochs", 0),
        ("patience", 0),
        ("learning_rate", 0.0),
        ("seed", -1),
        ("consistency", -1.0),
    ],
)
def test_settings_out_of_range_are_refused(name, number):
    with pytest.raises(ValueError, match=f"`{name}` must be .* Received: {number}"):
        TrainingSettings(**{name: number})


def test_a_saved_network_of_another_size_is_refused(folder, tmp_path):
    start, output = folder / "start.keras", tmp_path / "mine.keras"
    with pytest.raises(ValueError, match="has 1 outputs, and the dataset 2 targets"):
        quietly(start, folder / "two.h5", output)
    dense_network(tmp_path / "short.keras", length=30)
    with pytest.raises(ValueError, match="reads 30 bases, and would be given 40"):
        quietly(tmp_path / "short.keras", folder / "data.h5", output)


def test_what_exists_is_kept_unless_it_may_be_replaced(folder, data, tmp_path):
    output = tmp_path / "mine.keras"
    for name in ("mine.keras", "mine.keras.csv", "mine.keras.json"):
        (tmp_path / name).write_text("old")
        with pytest.raises(FileExistsError, match=rf"{name} exists; .*--force"):
            quietly("no such network", data, output)
        assert (tmp_path / name).read_text() == "old"
        (tmp_path / name).unlink()
    output.write_text("old")
    quietly(folder / "start.keras", data, output, overwrite=True)
    assert len(weights_of(output)) == 4


def test_files_that_are_read_are_not_replaced(folder, data, tmp_path):
    start = tmp_path / "start.keras"
    start.write_bytes((folder / "start.keras").read_bytes())
    with pytest.raises(ValueError, match="must not be a file that is read"):
        quietly(start, data, start, overwrite=True)


def test_other_names_and_folders_are_refused(data, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.keras. Received: .*mine\.h5"):
        quietly(NETWORK, data, tmp_path / "mine.h5")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        quietly(NETWORK, data, tmp_path / "nowhere" / "mine.keras")


def test_a_loss_that_is_no_number_is_an_error(folder, data, tmp_path):
    settings = TrainingSettings(epochs=30, learning_rate=1e38)
    dense_network(tmp_path / "start.keras", "linear")
    with pytest.raises(ValueError, match=r"val_loss was not .*--learning-rate"):
        quietly(tmp_path / "start.keras", data, tmp_path / "mine.keras", settings)


def test_the_sidecar_says_how_the_network_came_about(folder, data, tmp_path):
    output = tmp_path / "mine.keras"
    summary = quietly(folder / "start.keras", data, output, command="rckeras train ...")
    noted = json.loads((tmp_path / "mine.keras.json").read_text())
    assert noted["command"] == "rckeras train ..."
    assert noted["data_sha256"] == sha256_of(data)
    assert noted["start_sha256"] == [sha256_of(folder / "start.keras")]
    assert noted["sha256"] == sha256_of(output)
    assert (noted["best_epoch"], noted["epochs_trained"]) == (
        summary.best_epoch,
        summary.epochs,
    )
    assert noted["metrics"] == summary.metrics
    assert noted["strands"] == "random"
    assert {"seed", "learning_rate", "backend", "versions"} <= set(noted)


def test_predictions_have_the_names_of_the_targets_trained_on(
    folder, data, tmp_path, capsys
):
    output = tmp_path / "mine.keras"
    quietly(folder / "start.keras", data, output)
    predict_file(output, data, progress=False)
    assert capsys.readouterr().out.startswith("name\tAP1\n")
    copy = tmp_path / "elsewhere" / "copy.keras"
    copy.parent.mkdir()
    copy.write_bytes(output.read_bytes())
    predict_file(copy, data, progress=False)
    assert capsys.readouterr().out.startswith("name\tAP1\n")
    keras.saving.load_model(copy).save(copy)  # which knows nothing of names
    predict_file(copy, data, progress=False)
    assert capsys.readouterr().out.startswith("name\ttarget_0\n")


def test_the_digest_is_that_of_the_data_whatever_their_sidecar_says(
    folder, data, tmp_path
):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(data.read_bytes())
    stale = {"sha256": "of other data", "size": copy.stat().st_size}
    (tmp_path / "copy.h5.json").write_text(json.dumps(stale))
    quietly(folder / "start.keras", copy, tmp_path / "mine.keras")
    noted = json.loads((tmp_path / "mine.keras.json").read_text())
    assert noted["data_sha256"] == sha256_of(data)


def test_a_folder_that_is_of_no_training_is_left_alone(folder, data, tmp_path):
    other = tmp_path / "mine.keras.resume"
    other.mkdir()
    (other / "model.keras").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match="of no unfinished training"):
            quietly(
                folder / "start.keras",
                data,
                tmp_path / "mine.keras",
                overwrite=overwrite,
            )
    assert (other / "model.keras").read_text() == "mine"


def test_the_command_hands_on_every_option(monkeypatch):
    received = {}

    def record(*args, **options):
        received.update(options, args=args)
        return "done"

    monkeypatch.setattr("zoo.training.train", record)
    options = (
        "-o mine.keras --freeze --tensorboard logs --weights w.h5 --length 20 "
        "--n-value 0.25 --batch-size 7 --strands both --max-shift 1 "
        "--max-jitter 2 --class-weight balanced "
        "--positive-fraction 0.5 --samples-per-epoch 100 --epochs 3 "
        "--learning-rate 0.1 --reduce-after 6 --reduce-factor 0.5 "
        "--min-learning-rate 0.01 --monitor val_auroc --patience 4 --seed 5 --force "
        "--conjoined --consistency 0.5 --quiet"
    )
    assert main(["train", "danq", "data.h5", *options.split()]) == 0
    settings = TrainingSettings(
        weights="w.h5",
        length=20,
        epochs=3,
        batch_size=7,
        learning_rate=0.1,
        reduce_after=6,
        reduce_factor=0.5,
        min_learning_rate=0.01,
        strands="both",
        max_shift=1,
        max_jitter=2,
        class_weight="balanced",
        positive_fraction=0.5,
        samples_per_epoch=100,
        n_value=0.25,
        monitor="val_auroc",
        patience=4,
        seed=5,
        freeze=True,
        conjoined=True,
        consistency=0.5,
    )
    assert received == {
        "args": ("danq", "data.h5", "mine.keras", settings),
        "sources": (),
        "tensorboard": "logs",
        "command": f"rckeras train danq data.h5 {options}",
        "progress": False,
        "overwrite": True,
    }


def test_the_command_has_the_defaults_of_the_function(monkeypatch):
    received = []
    monkeypatch.setattr("zoo.training.train", lambda *args, **_: received.append(args))
    assert main(["train", "danq", "data.h5", "-o", "mine.keras", "--quiet"]) == 0
    assert received[0][3] == TrainingSettings()
    assert command.STRANDS == STRANDS


def test_the_command_shows_epochs_and_result_on_stderr(folder, data, tmp_path, capsys):
    arguments = [folder / "start.keras", data, "-o", tmp_path / "mine.keras"]
    assert main(["train", *map(str, arguments), "--epochs", "2"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "Epoch 2/2" in err
    assert "mine.keras: epoch 2 of 2: accuracy 0." in err


def test_the_command_hands_on_a_decay(monkeypatch):
    received = []
    monkeypatch.setattr("zoo.training.train", lambda *args, **_: received.append(args))
    arguments = ["danq", "data.h5", "-o", "mine.keras", "--decay", "0.25", "--quiet"]
    assert main(["train", *arguments]) == 0
    assert received[0][3] == TrainingSettings(decay=0.25)


def test_an_interrupted_command_says_that_it_goes_on(monkeypatch, capsys):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.training.train", interrupt)
    assert main(["train", "danq", "data.h5", "-o", "mine.keras"]) == 130
    assert "the same command goes on" in capsys.readouterr().err


TESTED = [
    "mine.keras",
    "mine.keras.csv",
    "mine.keras.curves.csv",
    "mine.keras.curves.svg",
    "mine.keras.json",
    "mine.keras.test.tsv",
]


def test_the_kept_network_is_measured_on_the_test_split(folder, tmp_path):
    output = tmp_path / "mine.keras"
    summary = quietly(NETWORK, folder / "tested.h5", output)
    dataset = load_dataset(folder / "tested.h5")
    expected = evaluate(keras.saving.load_model(output), dataset)
    table = (tmp_path / "mine.keras.test.tsv").read_text()
    assert table == expected.metrics.table()
    # The largest difference of two strands that agree is chance.
    assert f"\ntest: {expected}".split("; strands")[0] in str(summary)
    noted = json.loads((tmp_path / "mine.keras.json").read_text())["test"]
    assert noted["flipped"] == 0
    assert noted["largest_difference"] < 1e-6
    assert noted["sequences"] == 64
    assert noted["auroc"] == pytest.approx(expected.metrics.mean_auroc)
    assert set(names_in(tmp_path)) >= set(TESTED) - {"mine.keras.curves.svg"}


@pytest.mark.parametrize("conjoined", [False, True])
def test_the_command_says_how_to_predict_what_was_tested(
    folder, tmp_path, capsys, conjoined
):
    arguments = [
        "shrikumar-sim-20",
        folder / "tested.h5",
        "-o",
        tmp_path / "mine.keras",
    ]
    options = ["--conjoined"] * conjoined
    assert main(["train", *map(str, arguments), "--epochs", "1", *options]) == 0
    assert ("predict --average-strands" in capsys.readouterr().err) != conjoined


def test_the_curves_of_the_test_are_drawn(folder, tmp_path):
    pytest.importorskip("matplotlib")
    quietly(folder / "start.keras", one_tested(), tmp_path / "mine.keras")
    assert names_in(tmp_path) == TESTED
    assert "AP1" in (tmp_path / "mine.keras.curves.svg").read_text()


def one_tested():
    return with_test(make_dataset())


@pytest.mark.parametrize(
    ("package", "kept", "words"),
    [
        ("matplotlib.figure", "mine.keras.test.tsv", r"rckeras\[reports\]"),
        ("sklearn.metrics", "mine.keras.csv", r"no test: .*rckeras\[metrics\]"),
    ],
)
def test_what_a_missing_package_leaves_out_is_said(
    folder, tmp_path, monkeypatch, capsys, package, kept, words
):
    monkeypatch.setitem(sys.modules, package, None)
    train(folder / "start.keras", one_tested(), tmp_path / "mine.keras", QUICK)
    assert re.search(words, capsys.readouterr().err)
    assert "mine.keras.curves.svg" not in names_in(tmp_path)
    assert kept in names_in(tmp_path)


def test_the_files_of_a_test_are_kept_unless_they_may_be_replaced(
    folder, data, tmp_path
):
    output = tmp_path / "mine.keras"
    tests = ("mine.keras.test.tsv", "mine.keras.curves.csv", "mine.keras.curves.svg")
    for name in tests:
        (tmp_path / name).write_text("old")
        with pytest.raises(FileExistsError, match=rf"{name} exists; .*--force"):
            quietly(folder / "start.keras", data, output)
        assert (tmp_path / name).read_text() == "old"
        (tmp_path / name).unlink()
    for name in tests:
        (tmp_path / name).write_text("of another network")
    quietly(folder / "start.keras", data, output, overwrite=True)
    assert not set(tests) & set(names_in(tmp_path))


def test_a_break_before_the_test_is_mended(folder, tmp_path, monkeypatch):
    start, output = folder / "start.keras", tmp_path / "mine.keras"
    with monkeypatch.context() as patch:
        patch.setattr("zoo.training._write_sidecar", None)
        with pytest.raises(TypeError):
            quietly(start, one_tested(), output)
    assert not output.exists()
    assert (tmp_path / "mine.keras.test.tsv").exists()
    assert quietly(start, one_tested(), output).test.sequences == 64


def test_labels_that_cannot_be_ranked_are_not_tested(folder, tmp_path):
    dataset = one_tested()
    labels = dataset.labels.astype("float32") / 2
    dataset = dataclasses.replace(dataset, labels=labels)
    summary = quietly(folder / "start.keras", dataset, tmp_path / "mine.keras")
    assert summary.test is None
    assert names_in(tmp_path) == ["mine.keras", "mine.keras.csv", "mine.keras.json"]


def test_a_dataset_in_memory_trains_as_its_file_does(folder, data, tmp_path):
    outputs = tmp_path / "one.keras", tmp_path / "other.keras"
    for given, output in zip((data, make_dataset()), outputs, strict=True):
        quietly(folder / "start.keras", given, output)
    for one, other in zip(*map(weights_of, outputs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    noted = json.loads((tmp_path / "other.keras.json").read_text())
    assert noted["data"]["splits"] == make_dataset().split_sizes()


@pytest.mark.parametrize("changed", ["sequences", "labels", "splits", "targets"])
def test_the_digest_of_data_in_memory_is_that_of_all_that_is_trained_on(changed):
    dataset = make_dataset()
    value = ("other",)
    if changed != "targets":
        value = getattr(dataset, changed).copy()
        value[0] = (value[0] + 1) % 2
    other = dataclasses.replace(dataset, **{changed: value})
    assert other.digest != dataset.digest


def test_the_digest_of_data_in_memory_does_not_depend_on_how_they_are_kept(
    tmp_path, monkeypatch
):
    labels = np.random.default_rng(0).integers(0, 2, (384, 70), dtype="uint8")
    names = tuple(map(str, range(70)))
    dataset = dataclasses.replace(make_dataset(), labels=labels, targets=names)
    save_dataset(dataset, tmp_path / "data.h5")
    whole = dataset.digest
    monkeypatch.setattr("rckeras.datasets.dataset._BLOCK", 100)
    assert load_dataset(tmp_path / "data.h5").digest == whole


def by_command(*arguments):
    return main(["train", *map(str, arguments)])


FASTA = (
    *("--split", "validation=0.2", "--split", "test=0.2", "--class-weight"),
    *("balanced", "--strands", "both", "--epochs", "4", "--learning-rate", "0.02"),
)


def test_a_pair_of_fasta_files_is_trained_on_and_tested(folder, tmp_path, capsys):
    pair = folder / "bound.fa", folder / "open.fa"
    assert by_command(NETWORK, *pair, "-o", tmp_path / "mine.keras", *FASTA) == 0
    assert "test: 77 sequences: loss" in capsys.readouterr().err
    noted = json.loads((tmp_path / "mine.keras.json").read_text())
    assert [source["path"] for source in noted["data"]["sources"]] == list(
        map(str, pair)
    )
    assert noted["strands"] == "both"
    assert noted["class_weight"] == "balanced"
    table = (tmp_path / "mine.keras.test.tsv").read_text().splitlines()
    assert table[1].startswith("bound\t")


def test_a_training_on_fasta_files_goes_on_after_a_break(
    folder, tmp_path, monkeypatch, capsys
):
    start, pair = folder / "start.keras", (folder / "bound.fa", folder / "open.fa")
    arguments = start, *pair, "-o", tmp_path / "mine.keras", *FASTA
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.Checkpoints, "_tidy", interrupt_at_third())
        assert by_command(*arguments) == 130
    assert by_command(*arguments) == 0
    assert "going on after epoch 3" in capsys.readouterr().err


def interrupt_at_third():
    """Stands for a method at whose third call the user gives up."""
    calls = []

    def tidy(self):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    return tidy


def test_the_split_of_fasta_files_is_the_same_for_all_seeds(folder, monkeypatch):
    received = []
    monkeypatch.setattr("zoo.training.train", lambda *args, **_: received.append(args))
    for seed in ("0", "1"):
        pair = folder / "bound.fa", folder / "open.fa"
        by_command("danq", *pair, "-o", "x.keras", *FASTA, "--seed", seed, "--quiet")
    (_, one, _, _), (_, other, _, _) = received
    np.testing.assert_array_equal(one.splits, other.splits)
    np.testing.assert_array_equal(one.sequences, other.sequences)


def test_a_fasta_file_alone_is_told_what_it_lacks(folder, tmp_path, capsys):
    output = tmp_path / "mine.keras"
    assert by_command(NETWORK, folder / "bound.fa", "-o", output) == 1
    assert "needs a second one of what is not" in capsys.readouterr().err


def test_fasta_files_for_the_test_are_used_for_it(folder, tmp_path, capsys):
    held_out = "--test-positives", tmp_path / "a.fa", "--test-negatives"
    for name, source in (("a.fa", "bound.fa"), ("b.fa", "open.fa")):
        lines = (folder / source).read_text().splitlines(keepends=True)
        (tmp_path / name).write_text("".join(lines[:20]))
    pair = folder / "bound.fa", folder / "open.fa", *held_out, tmp_path / "b.fa"
    options = "-o", tmp_path / "mine.keras", "--epochs", "1"
    assert by_command(folder / "start.keras", *pair, *options) == 0
    assert "test: 20 sequences" in capsys.readouterr().err


def test_unequal_lengths_are_refused_with_what_would_work(tmp_path, capsys):
    write_fasta(tmp_path, lengths=(40, 40, 31))
    pair = tmp_path / "bound.fa", tmp_path / "open.fa"
    options = "-o", tmp_path / "mine.keras", "--epochs", "1"
    assert by_command("shrikumar-sim-20", *pair, *options) == 1
    message = capsys.readouterr().err
    assert "have 31 to 40 bases, most often 40" in message
    advice = re.search("--length 40 --fit both", message)[0].split()
    assert by_command("shrikumar-sim-20", *pair, *options, *advice, "--quiet") == 0
    noted = json.loads((tmp_path / "mine.keras.json").read_text())
    assert noted["data"]["notes"]["padded"] > 0


def test_options_of_fasta_files_are_refused_with_a_dataset(data, tmp_path, capsys):
    options = "-o", tmp_path / "mine.keras", "--split", "test=0.1"
    assert by_command(NETWORK, data, *options) == 1
    assert "--split is for FASTA files" in capsys.readouterr().err


def scalars_of(folder):
    """Scalars of an event folder: values by step, by tag."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    from tensorboard.util.tensor_util import make_ndarray

    events = accumulator.EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: {e.step: float(make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)}
        for tag in events.Tags()["tensors"]
    }


def test_tensorboard_sees_every_epoch_through_breaks(
    folder, data, tmp_path, monkeypatch
):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    start, output = folder / "start.keras", tmp_path / "mine.keras"
    settings = dataclasses.replace(QUICK, epochs=4)
    options = {"tensorboard": tmp_path / "logs"}
    for count in (4, 2):  # within the third epoch's state, and the next one's
        with monkeypatch.context() as patch:
            stop_at(patch, "_save", count)
            # As after a kill, nothing is closed.
            patch.setattr(keras.callbacks.TensorBoard, "on_train_end", None)
            with pytest.raises(StoppedError):
                quietly(start, data, output, settings, **options)
    quietly(start, data, output, settings, **options)
    history = history_of(output)
    for split, prefix in (("train", ""), ("validation", "val_")):
        scalars = scalars_of(tmp_path / "logs" / "mine" / split)
        for name in ("loss", "auroc"):
            steps = scalars[f"epoch_{name}"]
            values = [steps[epoch] for epoch in range(4)]
            np.testing.assert_allclose(values, history[prefix + name], rtol=1e-5)


def test_events_are_on_the_disk_after_every_epoch(folder, data, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    events, seen = tmp_path / "logs" / "mine" / "train", []

    def look(self):
        seen.append(len(scalars_of(events)["epoch_loss"]))

    monkeypatch.setattr(checkpoints.Checkpoints, "_tidy", look)
    options = {"tensorboard": tmp_path / "logs"}
    quietly(folder / "start.keras", data, tmp_path / "mine.keras", **options)
    assert seen == [1, 2]


def test_events_of_another_training_are_kept_unless_they_may_be_replaced(
    folder, data, tmp_path
):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    old = tmp_path / "logs" / "mine" / "train" / "events.out.tfevents.1.old"
    old.parent.mkdir(parents=True)
    old.write_text("")
    start, output = folder / "start.keras", tmp_path / "mine.keras"
    options = {"tensorboard": tmp_path / "logs"}
    with pytest.raises(FileExistsError, match="events of another training"):
        quietly(start, data, output, **options)
    assert old.exists()
    quietly(start, data, output, **options, overwrite=True)
    assert not old.exists()
    assert "epoch_loss" in scalars_of(old.parent)


def test_tensorboard_is_asked_for_before_any_work(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    options = {"tensorboard": tmp_path / "logs"}
    with pytest.raises(ImportError, match=r"rckeras\[tensorboard\]"):
        quietly("no such network", "no.h5", tmp_path / "mine.keras", **options)
    assert names_in(tmp_path) == []


def test_a_frozen_network_trains_its_last_layer_alone(data, tmp_path):
    sizes = {"sequence_length": LENGTH, "pool_sizes": (2, 2), "targets": 1}
    source = zoo.build("koo-cnn-25", **sizes)
    source.save(tmp_path / "start.keras")
    settings = dataclasses.replace(QUICK, freeze=True, epochs=1)
    quietly(tmp_path / "start.keras", data, tmp_path / "mine.keras", settings)
    tuned = keras.saving.load_model(tmp_path / "mine.keras")
    for layer in tuned.layers:
        same = [
            np.array_equal(found, expected)
            for found, expected in zip(
                layer.get_weights(),
                source.get_layer(layer.name).get_weights(),
                strict=True,
            )
        ]
        assert all(same) if layer is not tuned.layers[-1] else not any(same)
        assert layer.trainable


def test_what_was_frozen_before_is_so_afterwards(data, tmp_path):
    network = dense_network(tmp_path / "start.keras")
    network.layers[2].trainable = False
    network.save(tmp_path / "start.keras")
    settings = dataclasses.replace(QUICK, freeze=True, epochs=1)
    quietly(tmp_path / "start.keras", data, tmp_path / "mine.keras", settings)
    tuned = keras.saving.load_model(tmp_path / "mine.keras")
    flags = [layer.trainable for layer in tuned.layers]
    assert flags == [layer.trainable for layer in network.layers]


def test_nothing_is_frozen_at_random_weights(data, tmp_path):
    settings = dataclasses.replace(QUICK, freeze=True)
    with pytest.raises(ValueError, match=r"`freeze` .* need `weights`"):
        quietly(NETWORK, data, tmp_path / "mine.keras", settings)


def test_freezing_leaves_something_to_be_trained(data, tmp_path):
    x = keras.Input((LENGTH, 4))
    y = keras.layers.Dense(1)(keras.layers.Flatten()(x))
    y = keras.layers.Activation("sigmoid", name="last")(y)
    keras.Model(x, y).save(tmp_path / "start.keras")
    settings = dataclasses.replace(QUICK, freeze=True)
    with pytest.raises(ValueError, match=r"the last layer, 'last', has no weights"):
        quietly(tmp_path / "start.keras", data, tmp_path / "mine.keras", settings)


def test_a_conjoined_network_trains_its_last_layer_alone(data, tmp_path):
    before = dense_network(tmp_path / "start.keras").get_weights()
    settings = dataclasses.replace(QUICK, freeze=True, conjoined=True, epochs=1)
    quietly(tmp_path / "start.keras", data, tmp_path / "mine.keras", settings)
    after = weights_of(tmp_path / "mine.keras")
    same = [np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert same == [True, True, False, False]


def test_a_conjoined_network_may_give_any_numbers(tmp_path):
    numbers = np.random.default_rng(0).normal(size=(TRAIN + VALIDATION, 1))
    dataset = make_dataset(labels=numbers.astype("float32"))
    for activation in ("linear", "relu"):
        model = dense_network(tmp_path / "start.keras", activation)
        conjoined = rckeras.conjoin(model)
        if activation == "linear":
            assert compile_learner(conjoined, dataset, QUICK).loss == (
                "mean_squared_error"
            )
        else:
            with pytest.raises(ValueError, match="with relu"):
                compile_learner(conjoined, dataset, QUICK)


def test_the_accuracy_is_that_of_each_of_several_targets(tmp_path):
    dataset = make_dataset(targets=2)
    network = dense_network(tmp_path / "start.keras", targets=2)
    x, y = dataset.arrays("validation")
    learner = compile_learner(network, dataset, QUICK)
    logged = learner.evaluate(x, y, verbose=0, return_dict=True)
    calls = network.predict(x, verbose=0) > 0.5
    assert logged["accuracy"] == pytest.approx((calls == y).mean(), abs=1e-6)


def test_the_test_is_on_as_many_bases_as_the_training(tmp_path):
    x = keras.Input((None, 4))
    y = keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(4, 5)(x))
    keras.Model(x, keras.layers.Dense(1, "sigmoid")(y)).save(tmp_path / "start.keras")
    dataset = make_dataset()
    splits = np.where(np.arange(len(dataset)) < TRAIN, 0, 2).astype("uint8")
    save_dataset(dataclasses.replace(dataset, splits=splits), tmp_path / "data.h5")
    settings = dataclasses.replace(QUICK, length=20)
    summary = quietly(
        tmp_path / "start.keras",
        tmp_path / "data.h5",
        tmp_path / "mine.keras",
        settings,
    )
    tuned = keras.saving.load_model(tmp_path / "mine.keras")
    x, y = load_dataset(tmp_path / "data.h5").arrays("test", length=20)
    predicted = [tuned.predict(each, verbose=0) for each in (x, x[:, ::-1, ::-1])]
    expected = np.mean(
        [float(keras.losses.BinaryCrossentropy()(y, p)) for p in predicted]
    )
    assert summary.test.loss == pytest.approx(expected, rel=1e-4)


@keras.saving.register_keras_serializable("tests")
class Opaque(keras.Model):
    """A model without a graph."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.head = keras.layers.Dense(1, "sigmoid")

    def call(self, x):
        return self.head(x)


def test_a_last_activation_out_of_sight_is_told():
    x = keras.Input((LENGTH, 4))
    network = keras.Model(x, Opaque(name="inner")(keras.layers.Flatten()(x)))
    with pytest.raises(ValueError, match=r"the loss goes by .* of 'inner' cannot be"):
        compile_learner(network, make_dataset(), QUICK)


def test_weights_bring_the_names_and_the_n_they_were_trained_with(tmp_path):
    output, other = tmp_path / "mine.keras", tmp_path / "other.keras"
    short = make_dataset(targets=2)
    data = dataclasses.replace(short, sequences=np.tile(short.sequences, 5))
    settings = dataclasses.replace(QUICK, n_value=0.25, epochs=1)
    quietly(NETWORK, data, output, settings)
    model, targets, n_value = open_model(NETWORK, output)
    assert (model.output_shape[-1], targets, n_value) == (2, ("AP1", "GATA"), 0.25)
    once = dataclasses.replace(QUICK, epochs=1)
    for start, weights in ((NETWORK, str(output)), (output, None)):
        again = dataclasses.replace(once, weights=weights)
        quietly(start, data, other, again, overwrite=True)
        noted = json.loads((tmp_path / "other.keras.json").read_text())
        assert noted["n_value"] == 0.25


def test_a_conjoined_network_goes_on_as_one(folder, data, tmp_path):
    first, second = tmp_path / "first.keras", tmp_path / "second.keras"
    conjoined = dataclasses.replace(QUICK, epochs=1, conjoined=True)
    quietly(folder / "start.keras", data, first, conjoined)
    quietly(first, data, second, dataclasses.replace(QUICK, epochs=1))
    noted = json.loads((tmp_path / "second.keras.json").read_text())
    assert noted["strands"] == "forward"


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
def test_a_run_does_not_go_on_in_another_precision(
    folder, data, tmp_path, monkeypatch, policy
):
    with monkeypatch.context() as patch:
        stop_at(patch, "_save", 2)
        with pytest.raises(StoppedError):
            quietly(folder / "start.keras", data, tmp_path / "a.keras")
    keras.config.set_dtype_policy(policy)
    try:
        with pytest.raises(ValueError, match=f"dtype was 'float32' and is '{policy}'"):
            quietly(folder / "start.keras", data, tmp_path / "a.keras")
    finally:
        keras.config.set_dtype_policy("float32")


def test_logged_numbers_leave_out_targets_of_one_class(tmp_path):
    dataset = with_test(make_dataset(targets=2))
    labels = dataset.labels.copy()
    labels[TRAIN:, 1] = 0
    dataset = dataclasses.replace(dataset, labels=labels)
    settings = dataclasses.replace(QUICK, epochs=8)
    found = quietly(NETWORK, dataset, tmp_path / "a.keras", settings)
    assert found.metrics["val_auroc"] > 0.9
