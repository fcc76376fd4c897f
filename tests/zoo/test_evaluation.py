import sys

import keras
import numpy as np
import pytest

import zoo
from rckeras.datasets import Dataset, save_dataset
from rckeras.evaluation import evaluate
from tuning.cli import main


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (30, 3), dtype="uint8")
    splits = np.repeat(np.array([0, 2], "uint8"), 15)
    codes = rng.integers(0, 5, (30, 8), dtype="uint8")
    return Dataset(codes, labels, ("a", "b", "c"), splits)


@pytest.fixture(scope="module")
def data(dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "data.h5"
    save_dataset(dataset, path)
    return path


@pytest.fixture(scope="module")
def model():
    x = keras.Input((8, 4))
    y = keras.layers.Dense(3, "sigmoid")(keras.layers.Flatten()(x))
    return keras.Model(x, y)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    model.save(path)
    return path


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_evaluate_writes_a_table_and_says_the_means(
    model, saved, dataset, data, tmp_path, capsys
):
    assert run("evaluate", saved, data, "-o", tmp_path / "out.tsv") == 0
    expected = evaluate(model, dataset)
    assert (tmp_path / "out.tsv").read_text() == expected.metrics.table()
    assert capsys.readouterr() == ("", f"{expected}\n")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "out.tsv"]


def test_evaluate_writes_to_the_standard_output(model, saved, dataset, data, capsys):
    assert run("evaluate", saved, data, "--quiet") == 0
    assert capsys.readouterr() == (evaluate(model, dataset).metrics.table(), "")


def test_evaluate_takes_split_targets_and_strand(model, saved, dataset, data, capsys):
    options = "--split all --targets c a --one-strand --n-value 0.25 --batch-size 4"
    assert run("evaluate", saved, data, *options.split()) == 0
    expected = evaluate(
        model, dataset, None, targets=["c", "a"], average_strands=False, n_value=0.25
    )
    out, err = capsys.readouterr()
    assert out == expected.metrics.table()
    assert err == f"{expected}\n"


def test_evaluate_finds_outputs_by_the_names_of_the_card(dataset, tmp_path, capsys):
    other = Dataset(
        dataset.sequences.repeat(125, 1), dataset.labels[:, :1], ("hotspot",)
    )
    save_dataset(other, tmp_path / "data.h5")
    zoo.build("prdm9").save_weights(tmp_path / "own.weights.h5")
    options = "--weights", tmp_path / "own.weights.h5", "--split", "all"
    assert run("evaluate", "prdm9", tmp_path / "data.h5", *options) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("hotspot\t")


def test_evaluate_keeps_an_existing_file_unless_forced(saved, data, tmp_path, capsys):
    output = tmp_path / "out.tsv"
    output.write_text("old")
    assert run("evaluate", saved, data, "-o", output) == 1
    assert "--force" in capsys.readouterr().err
    assert output.read_text() == "old"
    assert run("evaluate", saved, data, "-o", output, "--force") == 0
    assert output.read_text().startswith("target\t")


def test_evaluate_does_not_write_over_the_dataset(saved, data, capsys):
    assert run("evaluate", saved, data, "-o", data, "--force") == 1
    assert "must not be a file that is read" in capsys.readouterr().err


def test_evaluate_names_a_split_that_is_empty(saved, data, capsys):
    assert run("evaluate", saved, data, "--split", "validation") == 1
    assert "split='validation'" in capsys.readouterr().err


def test_evaluate_names_a_missing_package_before_it_reads(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    assert run("evaluate", tmp_path / "no.keras", tmp_path / "no.h5") == 1
    assert 'pip install "rckeras[metrics]"' in capsys.readouterr().err
