import dataclasses
import functools
import importlib.util
import os
import re
import signal
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from rckeras.datasets import simulate_shrikumar2017
from zoo import checkpoints, experiment, extras
from zoo.architectures import shrikumar as architectures
from zoo.experiment import Run, protocol_of, reproduce
from zoo.learning import TrainingSettings
from zoo.recipes import Recipe, Row, find_recipe, list_recipes
from zoo.records import read_records


@functools.cache
def simulate(seed=0):
    return simulate_shrikumar2017(seed=seed, sequences=300)


def score(network, dataset, folder):
    """A measure that leaves to chance what it gives."""
    return {"score": float(np.random.random())}


TINY = Recipe(
    name="tiny",
    title="two networks",
    reference="Nobody 2000",
    data=lambda path: {"one": simulate, "two": partial(simulate, seed=1)},
    settings=TrainingSettings(epochs=3, batch_size=150, strands="forward"),
    rows=(Row("A", "shrikumar-sim-rc"), Row("B", "shrikumar-sim-20")),
    measures=(score,),
    metrics={"score": "the score"},
    seeds=2,
    extras=(),
)


def using(monkeypatch, **changes):
    """Let the engine find a small recipe."""
    recipe = dataclasses.replace(TINY, **changes)
    monkeypatch.setattr(experiment, "find_recipe", lambda name: recipe)
    return recipe


@pytest.fixture
def trained(monkeypatch):
    """The runs that were trained, which takes no time."""
    runs = []

    class Network:
        def save_weights(self, path):
            path.write_text("weights")

        def count_params(self):
            return 1234

    def train(run, dataset, facts, place):
        place.mkdir(parents=True, exist_ok=True)
        (place / "state.npz").write_text("state")
        runs.append((run.seed, run.dataset, run.row.name))
        history = [{"loss": 1.0 - epoch / 4} for epoch in range(3)]
        return Network(), SimpleNamespace(history=history, best=2, seconds=1.5)

    using(monkeypatch)
    monkeypatch.setattr(experiment, "_train", train)
    monkeypatch.setattr("keras.backend.clear_session", lambda: None)
    return runs


def quietly(folder, **options):
    options = {"datasets": ["one"], **options}
    reproduce("tiny", folder, progress=False, **options)
    return read_records(folder)


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_a_run_leaves_a_result_and_its_epochs(trained, tmp_path):
    found = quietly(tmp_path / "new" / "out", rows=["A"])
    (result,) = found.results
    expected = {"dataset": "one", "row": "A", "seed": 0, "epochs": 3, "best_epoch": 3}
    assert expected.items() <= result.items()
    assert result["parameters"] == 1234
    assert [line["epoch"] for line in found.histories] == [1, 2, 3]
    place = tmp_path / "new" / "out" / "runs" / "one" / "A" / "seed-0"
    assert [path.name for path in place.iterdir()] == ["network.weights.h5"]


def test_what_is_done_is_not_run_again(trained, tmp_path):
    quietly(tmp_path, seeds=2)
    before = contents(tmp_path)
    assert sorted(before) == ["histories.csv", "results.csv", "table.md"]
    trained.clear()
    quietly(tmp_path, seeds=2)
    quietly(tmp_path, seeds=1, rows=["B"])
    assert trained == []
    assert contents(tmp_path) == before


def test_more_seeds_rows_and_datasets_run_what_is_missing_alone(trained, tmp_path):
    quietly(tmp_path, rows=["A"])
    quietly(tmp_path, rows=["B", "A"], seeds=2)
    quietly(tmp_path, rows=["B"], datasets=None)
    one, two = (0, "one"), (1, "one")
    runs = [(*one, "A"), (*one, "B"), (*two, "A"), (*two, "B"), (0, "two", "B")]
    assert trained == runs
    assert len(read_records(tmp_path).results) == 5


def test_all_networks_run_with_a_seed_before_any_does_with_the_next(trained, tmp_path):
    quietly(tmp_path, seeds=2, datasets=None)
    assert trained == [(s, d, r) for s in (0, 1) for d in ("one", "two") for r in "AB"]


def test_a_dataset_is_made_once(trained, monkeypatch, tmp_path):
    made = []

    def make():
        made.append(1)
        return simulate()

    using(monkeypatch, data=lambda path: {"one": make})
    quietly(tmp_path, seeds=3)
    assert made == [1]


def test_what_another_process_has_done_meanwhile_is_not_run(
    trained, monkeypatch, tmp_path
):
    train = experiment._train

    def train_beside_another(run, dataset, facts, place):
        monkeypatch.setattr(experiment, "_train", train)
        quietly(tmp_path, rows=["B"])
        return train(run, dataset, facts, place)

    monkeypatch.setattr(experiment, "_train", train_beside_another)
    assert len(quietly(tmp_path).results) == 2
    assert [row for _, _, row in trained] == ["B", "A"]


class StoppedError(Exception):
    """What stands for a kill."""


# Before the history, between history and result, and before what is left is removed.
@pytest.mark.parametrize(("name", "count"), [("append", 0), ("append", 1), ("end", 0)])
def test_a_break_while_results_are_written_leaves_no_trace(
    trained, monkeypatch, tmp_path, name, count
):
    whole = quietly(tmp_path / "whole", seeds=2)
    place = experiment if name == "append" else experiment._Clock
    original, calls = getattr(place, name), []

    def stopping(*args):
        calls.append(1)
        if len(calls) > count:
            raise StoppedError
        return original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(place, name, stopping)
        with pytest.raises(StoppedError):
            quietly(tmp_path / "broken", seeds=2)
    broken = quietly(tmp_path / "broken", seeds=2)
    seconds = {"seconds": 0}
    for one, other in zip(whole.results, broken.results, strict=True):
        assert {**one, **seconds} == {**other, **seconds}
    assert broken.histories == whole.histories
    assert not list(tmp_path.rglob("state.npz"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two runs that were trained in one go."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        using(patch)
        quietly(folder)
    return folder


def assert_same(found, expected):
    for name in ("results", "histories"):
        pairs = zip(getattr(found, name), getattr(expected, name), strict=True)
        for line, other in pairs:
            for key in {*line, *other} - {"seconds"}:
                wanted = other[key]
                if not isinstance(wanted, str):
                    wanted = pytest.approx(wanted, rel=1e-4)
                assert line[key] == wanted


def test_after_an_error_in_a_measure_the_numbers_are_those_of_a_run_without(
    whole, monkeypatch, tmp_path
):
    def fail(network, dataset, folder):
        raise StoppedError

    # It starts with the second row, which must not matter either.
    using(monkeypatch, measures=(fail,))
    with pytest.raises(StoppedError):
        quietly(tmp_path, rows=["B"])
    assert read_records(tmp_path).results == []
    using(monkeypatch)
    monkeypatch.setattr("keras.Model.fit", None)
    found, expected = quietly(tmp_path, rows=["B"]), read_records(whole)
    only = dataclasses.replace(
        expected,
        results=[line for line in expected.results if line["row"] == "B"],
        histories=[line for line in expected.histories if line["row"] == "B"],
    )
    assert_same(found, only)


def test_the_weights_are_those_of_the_best_epoch(whole):
    from rckeras.evaluation import evaluate
    from zoo.loading import load

    (line, _), place = read_records(whole).results, whole / "runs/one/A/seed-0"
    weights = place / "network.weights.h5"
    network = load("shrikumar-sim-rc", weights=weights, sequence_length=200)
    dataset = simulate()
    found = evaluate(network, dataset, "validation", average_strands=False)
    losses = read_records(whole).curves("A", "val_loss")["one", 0]
    assert line["best_epoch"] == np.argmin(losses) + 1
    assert found.loss == pytest.approx(min(losses), rel=1e-4)


KILLED = """
import os, signal, sys
from pathlib import Path
import zoo.checkpoints as c
from tests.zoo.test_experiment import TINY
from zoo import experiment
experiment.find_recipe = lambda name: TINY
keep = c.Checkpoints.on_epoch_end
def end(self, epoch, logs=None):
    if epoch == 1 and 'kill' in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
    keep(self, epoch, logs)
c.Checkpoints.on_epoch_end = end
experiment.reproduce('tiny', Path(sys.argv[1]), datasets=['one'], progress=False)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no such signal")
def test_a_killed_experiment_goes_on(whole, tmp_path):
    for kill in (True, False):
        process = subprocess.run(
            [sys.executable, "-c", KILLED, tmp_path],
            env={**os.environ, **({"kill": "1"} if kill else {})},
            check=False,
        )
        assert process.returncode == (-signal.SIGKILL if kill else 0)
    assert_same(read_records(tmp_path), read_records(whole))


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": TrainingSettings(epochs=4, batch_size=150, strands="forward")},
        {"rows": (Row("A", "shrikumar-sim-rc", train_share=0.5),)},
        {"rows": (Row("A", "shrikumar-sim-20"),)},
        {"rows": (Row("A", "shrikumar-sim-rc", {"filters": 3}),)},
        {"data": lambda path: {"one": partial(simulate, seed=1)}},
    ],
)
def test_results_of_another_protocol_are_refused(
    trained, monkeypatch, tmp_path, changes
):
    quietly(tmp_path, rows=["A"])
    before = contents(tmp_path)
    using(monkeypatch, **changes)
    words = r"results\.csv has a result of A on one, seed 0 by another protocol.*remove"
    with pytest.raises(ValueError, match=words):
        quietly(tmp_path, rows=["A"])
    assert contents(tmp_path) == before


def test_the_protocol_does_not_depend_on_seed_or_defaults_spelled_out():
    row = Row("A", "shrikumar-sim-rc", settings={"epochs": 3, "max_shift": 0})
    dataset = simulate()
    runs = [Run(TINY, "one", TINY.rows[0], 0), Run(TINY, "one", row, 5)]
    assert len({protocol_of(run, dataset) for run in runs}) == 1


def test_the_protocol_depends_on_the_defaults_of_a_network(monkeypatch):
    run = Run(TINY, "one", TINY.rows[0], 0)
    before = protocol_of(run, simulate())
    builder = architectures.shrikumar
    monkeypatch.setattr(
        architectures, "shrikumar", lambda pool_size=10, **more: builder(**more)
    )
    assert protocol_of(run, simulate()) != before


def test_the_protocol_depends_on_the_weights_that_a_network_starts_from(tmp_path):
    path = tmp_path / "start.weights.h5"
    found = set()
    for content in ("one", "two"):
        path.write_text(content)
        row = Row("A", "shrikumar-sim-rc", settings={"weights": str(path)})
        found.add(protocol_of(Run(TINY, "one", row, 0), simulate()))
    found.add(protocol_of(Run(TINY, "one", TINY.rows[0], 0), simulate()))
    row = Row("A", "shrikumar-sim-rc", start=zero_head)
    found.add(protocol_of(Run(TINY, "one", row, 0), simulate()))
    assert len(found) == 4


def zero_head(network, seed):
    """A start that gives every sequence the same answer."""
    head = network.layers[-1]
    head.set_weights([np.full_like(w, seed) for w in head.get_weights()])


def answer(network, dataset, folder):
    x, _ = dataset.arrays("test")
    return {"score": float(np.ptp(network.predict(x, verbose=0)))}


def test_a_run_starts_where_its_row_says(monkeypatch, tmp_path):
    from zoo.loading import build

    path = tmp_path / "start.weights.h5"
    source = build("shrikumar-sim-rc")
    zero_head(source, 0)
    source.save_weights(path)
    still = {"epochs": 1, "learning_rate": 1e-12}
    rows = (
        Row("function", "shrikumar-sim-rc", settings=still, start=zero_head),
        Row("file", "shrikumar-sim-rc", settings={**still, "weights": path}),
        Row("random", "shrikumar-sim-rc", settings=still),
    )
    using(monkeypatch, rows=rows, measures=(answer,))
    scores = [line["score"] for line in quietly(tmp_path / "out").results]
    assert max(scores[:2]) < 1e-6 < scores[2]


def test_frozen_layers_stay_as_they_are(monkeypatch, tmp_path):
    from zoo.loading import build, load

    path = tmp_path / "start.weights.h5"
    source = build("shrikumar-sim-20")
    source.save_weights(path)
    frozen = {"weights": path, "freeze": True}
    using(monkeypatch, rows=(Row("A", "shrikumar-sim-20", settings=frozen),))
    quietly(tmp_path / "out")
    (file,) = (tmp_path / "out").rglob("network.weights.h5")
    tuned = load("shrikumar-sim-20", weights=file)
    for before, after in zip(source.layers, tuned.layers, strict=True):
        moved = [
            not np.array_equal(a, b)
            for a, b in zip(before.get_weights(), after.get_weights(), strict=True)
        ]
        assert any(moved) == (before.name == "predictions")


def test_datasets_whose_runs_would_share_a_folder_are_refused(
    trained, monkeypatch, tmp_path
):
    using(monkeypatch, data=lambda path: {"a b": simulate, "a-b": simulate})
    with pytest.raises(ValueError, match="would have one folder"):
        quietly(tmp_path / "out", datasets=["a b"])
    assert trained == []
    assert not (tmp_path / "out").exists()


def test_other_numbers_than_before_leave_the_histories_alone(
    trained, monkeypatch, tmp_path
):
    quietly(tmp_path, rows=["A"])
    before = contents(tmp_path)
    using(monkeypatch, measures=(lambda *run: {"score": 1.0, "more": 2.0},))
    with pytest.raises(ValueError, match=r"results\.csv has the columns"):
        quietly(tmp_path, rows=["B"])
    assert contents(tmp_path) == before


def test_a_run_that_diverges_does_not_stop_the_others(trained, monkeypatch, tmp_path):
    train = experiment._train

    def diverge(run, *rest):
        if run.row.name == "A":
            raise experiment.DivergedError(f"{run}: no epoch had finite numbers")
        return train(run, *rest)

    monkeypatch.setattr(experiment, "_train", diverge)
    with pytest.raises(ValueError, match=r"seed 0: no epoch.*A on one, seed 1: no"):
        quietly(tmp_path, seeds=2)
    assert [line["row"] for line in read_records(tmp_path).results] == ["B", "B"]
    assert "| B |" in (tmp_path / "table.md").read_text()


def test_results_of_another_recipe_are_refused_before_any_work(
    trained, monkeypatch, tmp_path
):
    quietly(tmp_path, rows=["A"])
    trained.clear()
    for changes in ({"name": "other"}, {"rows": (Row("C", "shrikumar-sim-rc"),)}):
        using(monkeypatch, **changes)
        with pytest.raises(ValueError, match="has results of A of tiny, so it is not"):
            quietly(tmp_path)
    using(monkeypatch, name="other", metrics={"marks": "marks"})
    with pytest.raises(ValueError, match="has no column marks, so it is not of other"):
        quietly(tmp_path)
    assert trained == []


def test_an_unfinished_run_of_another_protocol_is_refused(monkeypatch, tmp_path):
    facts = {"protocol": "of then", "backend": "none"}
    place = Run(TINY, "one", TINY.rows[0], 0).folder(tmp_path)
    checkpoints.open_run(place, facts, overwrite=False)
    using(monkeypatch)
    with pytest.raises(ValueError, match=r"seed-0 holds .*'of then'.* remove that"):
        quietly(tmp_path)


def test_a_missing_library_is_named_before_any_work(trained, monkeypatch, tmp_path):
    using(monkeypatch, extras=("reports", "motifs"))
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name: None if name == "pyjaspar" else found(name),
    )
    with pytest.raises(ImportError, match=r'pyjaspar, .* "rckeras\[motifs\]"'):
        quietly(tmp_path / "new")
    assert trained == []
    assert not (tmp_path / "new").exists()


def test_every_extra_of_a_recipe_is_known():
    for name in list_recipes():
        assert set(find_recipe(name).extras) <= set(extras.LIBRARIES)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seeds": 0}, "`seeds` must be at least 1. Received: 0"),
        ({"rows": ["A", "C"]}, r"`rows` .* among 'A', 'B'\. Received: 'C'"),
        ({"datasets": ["three"]}, r"`datasets` .* among 'one', 'two'\. Received: 'th"),
        ({"data": "here"}, "tiny makes its own data; .* Received: here"),
    ],
)
def test_wrong_arguments_are_refused(trained, tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        quietly(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


def test_data_of_the_user_are_asked_for(trained, monkeypatch, tmp_path):
    using(monkeypatch, needs="a folder of peaks")
    with pytest.raises(ValueError, match=r"needs a folder of peaks; .* \(--data"):
        quietly(tmp_path)


def test_training_that_gave_no_numbers_is_named(monkeypatch, tmp_path):
    using(monkeypatch)
    nothing = SimpleNamespace(history=[{}], best=None, monitor="val_loss")
    monkeypatch.setattr("zoo.learning.fit", lambda *args, **options: nothing)
    with pytest.raises(ValueError, match="A on one, seed 0: no epoch had finite"):
        quietly(tmp_path)


def test_progress_tells_what_is_done_and_what_is_left(trained, tmp_path, capsys):
    options = {"datasets": ["one"], "seeds": 2}
    quietly(tmp_path, rows=["A"], seeds=2)
    assert capsys.readouterr() == ("", "")
    reproduce("tiny", tmp_path, **options)
    out, err = capsys.readouterr()
    first, second, third, fourth, fifth = err.splitlines()
    assert out == ""
    assert first == "2 of 4 runs are done already"
    assert second == "run 3 of 4: B on one, seed 0"
    words = r"  3 epochs in \d+ s: the score 0\.\d{4}; about \d+ s left"
    assert re.fullmatch(words, third)
    assert fourth == "run 4 of 4: B on one, seed 1"
    assert "left" not in fifth
