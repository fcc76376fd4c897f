import csv
import sys

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from rckeras.datasets import Dataset, save_dataset
from rckeras.evaluation import Evaluation, evaluate
from rckeras.metrics import binary_metrics
from tuning.cli import main
from zoo import curves


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


def random_evaluation(seed, rows, targets=1, levels=7):
    """Scores of few levels, so that there are ties, somewhat higher for positives."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (rows, targets)).astype("uint8")
    labels[:2] = [[0], [1]]
    scores = labels + rng.normal(size=labels.shape)
    scores = (np.round(scores * levels) / levels).astype("float32")
    return Evaluation(0.0, binary_metrics(labels, scores), labels, scores)


@given(st.integers(0, 1 << 32), st.integers(2, 60))
def test_the_areas_under_all_points_are_auroc_and_average_precision(seed, rows):
    found = random_evaluation(seed, rows)
    (curve,) = curves.trace_curves(found)
    x = np.append(0, curve.false_positive_rate)
    y = np.append(0, curve.recall)
    assert np.trapezoid(y, x) == pytest.approx(found.metrics.auroc[0])
    steps = np.diff(curve.recall, prepend=0) * curve.precision
    assert steps.sum() == pytest.approx(found.metrics.auprc[0])


@given(st.integers(0, 1 << 32), st.integers(2, 60))
def test_a_point_counts_what_scores_at_least_as_high(seed, rows):
    found = random_evaluation(seed, rows)
    hits, scores = found.labels[:, 0] == 1, found.predictions[:, 0]
    (curve,) = curves.trace_curves(found)
    for index, threshold in enumerate(curve.threshold):
        called = scores >= threshold
        assert curve.recall[index] == pytest.approx(called[hits].mean())
        assert curve.precision[index] == pytest.approx(hits[called].mean())
        assert curve.false_positive_rate[index] == pytest.approx(called[~hits].mean())


def test_long_curves_keep_points_without_gaps(monkeypatch):
    found = random_evaluation(0, 20_000, levels=10**6)
    (thin,) = curves.trace_curves(found)
    monkeypatch.setattr(curves, "_thin", lambda rate, _: np.arange(len(rate)))
    (whole,) = curves.trace_curves(found)
    assert len(thin.threshold) < 500 < 19_000 < len(whole.threshold)
    kept = np.isin(whole.threshold, thin.threshold)
    np.testing.assert_array_equal(whole.precision[kept], thin.precision)
    for rate in (thin.recall, thin.false_positive_rate):
        assert np.diff(rate, prepend=0, append=1).max() < 0.0051


def test_means_of_curves_have_the_mean_areas():
    found = random_evaluation(1, 2000, targets=12, levels=10**6)
    traced, grid = curves.trace_curves(found), np.linspace(0, 1, 201)
    for read, mean in (
        (curves._recall_at, found.metrics.mean_auroc),
        (curves._precision_at, found.metrics.mean_auprc),
    ):
        area = np.mean([np.trapezoid(read(curve, grid), grid) for curve in traced])
        assert area == pytest.approx(mean, abs=0.005)


def test_a_target_without_positives_has_no_curve():
    found = random_evaluation(0, 20, targets=2)
    labels = found.labels * np.array([0, 1], "uint8")
    metrics = binary_metrics(labels, found.predictions, ["none", "some"])
    empty = Evaluation(0.0, metrics, labels, found.predictions)
    assert [curve.target for curve in curves.trace_curves(empty)] == ["some"]


@pytest.mark.parametrize(
    ("targets", "shown"), [(3, "target_2 0."), (12, "mean of 12 targets 0.")]
)
def test_few_targets_are_drawn_one_by_one_and_many_by_their_mean(
    tmp_path, monkeypatch, targets, shown
):
    pytest.importorskip("matplotlib", reason="needs the extra reports")
    # It would look for a screen.
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    traced = curves.trace_curves(random_evaluation(2, 50, targets))
    for name in ("one.svg", "other.svg"):
        curves.draw_curves(traced, tmp_path / name)
    text = (tmp_path / "one.svg").read_text()
    assert f"<!-- {shown}" in text
    assert text == (tmp_path / "other.svg").read_text()


def test_evaluate_draws_curves_and_writes_their_points(
    model, saved, dataset, data, tmp_path
):
    pytest.importorskip("matplotlib", reason="needs the extra reports")
    figure = tmp_path / "out.svg"
    arguments = "evaluate", saved, data, "-o", tmp_path / "out.tsv", "--curves", figure
    assert run(*arguments) == 0
    assert "<svg" in figure.read_text()
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["target"] for row in rows} == {"a", "b", "c"}
    recalls = [float(row["recall"]) for row in rows if row["target"] == "a"]
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1


def test_evaluate_keeps_existing_curves_unless_forced(saved, data, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs the extra reports")
    options = "--curves", tmp_path / "out.svg", "--quiet"
    for name in ("out.svg", "out.csv"):
        (tmp_path / name).write_text("old")
        assert run("evaluate", saved, data, *options) == 1
        assert f"{name} exists already; " in capsys.readouterr().err
        assert (tmp_path / name).read_text() == "old"
        (tmp_path / name).unlink()
    (tmp_path / "out.csv").write_text("old")
    assert run("evaluate", saved, data, *options, "--force") == 0
    assert (tmp_path / "out.csv").read_text().startswith("target,threshold,")


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ("out.gif", "must end in .svg, .pdf, .png. Received: "),
        ("nowhere/out.svg", "There is no folder "),
        ("data.svg", "is read or written otherwise"),
    ],
)
def test_curves_that_cannot_be_written_are_refused(
    saved, data, tmp_path, capsys, figure, words
):
    pytest.importorskip("matplotlib", reason="needs the extra reports")
    copy = tmp_path / "data.csv"
    copy.write_bytes(data.read_bytes())
    assert run("evaluate", saved, copy, "--curves", tmp_path / figure) == 1
    assert words in capsys.readouterr().err


def test_points_of_curves_do_not_replace_the_table(saved, data, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="needs the extra reports")
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "out.csv"  # which the curves name by a relative path
    assert run("evaluate", saved, data, "-o", table, "--curves", "out.svg") == 1
    assert not table.exists()


def test_evaluate_names_the_package_for_curves_before_it_reads(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    names = "no.keras", tmp_path / "no.h5", "--curves", tmp_path / "out.svg"
    assert run("evaluate", *names) == 1
    assert 'pip install "rckeras[reports]"' in capsys.readouterr().err
