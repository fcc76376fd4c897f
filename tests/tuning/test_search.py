import csv
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import keras
import numpy as np
import pytest

import tuning
from rckeras.datasets import save_dataset
from tuning import _compat, find_space, open_search, search, tuner
from tuning.search import TUNERS, FailedSearchError
from tuning.trials import append_trial, read_trials
from zoo.learning import TrainingSettings
from zoo.notes import read_notes

pytestmark = [
    pytest.mark.usefixtures("quick"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

USUAL = {
    "choices": {"filters": [2, 4, 8, 16], "widths": "21"},
    "settings": {"epochs": 3, "samples_per_epoch": None, "batch_size": 70},
    "seeds": 1,
    "progress": False,
}


def run(dataset, folder, **changes):
    """A search among eight networks."""
    return search("shrikumar2017", dataset, folder, **(USUAL | changes))


def facts(results):
    """What tells trials apart, times aside."""
    return [
        (t.trial, t.status, dict(t.hyperparameters), t.score) for t in results.trials
    ]


def limit(kind):
    return {} if kind in ("grid", "hyperband") else {"max_trials": 6}


class KilledError(BaseException):
    """Stands for the signal that no one can catch."""


class Killer:
    """Ends a search at one of the moments at which it touches a file or trains."""

    def __init__(self, monkeypatch, instant):
        self.moment, self.last = 0, None
        for owner, name in (
            (_compat, "write_whole"),
            (tuner, "append_trial"),
            (instant, "train"),
        ):
            monkeypatch.setattr(owner, name, self.watch(getattr(owner, name)))

    def watch(self, function):
        def watched(*args, **kwargs):
            self.tick()
            result = function(*args, **kwargs)
            self.tick()
            return result

        return watched

    def tick(self):
        self.moment += 1
        if self.moment == self.last:
            raise KilledError

    def arm(self, moment):
        self.moment, self.last = 0, moment


@pytest.mark.parametrize("kind", TUNERS)
def test_a_search_that_is_killed_goes_on_as_if_it_had_not_been(
    dataset, tmp_path, monkeypatch, instant, kind
):
    killer = Killer(monkeypatch, instant)
    wanted = facts(run(dataset, tmp_path / "whole", tuner=kind, **limit(kind)))
    moments = killer.moment
    for moment in range(1, moments + 1, 5):
        folder = tmp_path / str(moment)
        killer.arm(moment)
        with pytest.raises(KilledError):
            run(dataset, folder, tuner=kind, **limit(kind))
        done = {trial.trial for trial in read_trials(folder)}
        killer.arm(None)
        instant.trained.clear()
        assert facts(run(dataset, folder, tuner=kind, **limit(kind))) == wanted
        assert not done & set(instant.trained)


def test_a_grid_has_all_networks_once(dataset, folder, instant):
    results = run(dataset, folder, tuner="grid")
    tried = Counter(tuple(t.hyperparameters.items()) for t in results.trials)
    assert len(tried) == 8
    assert set(tried.values()) == {1}
    assert [trial.trial for trial in results.trials] == [f"{i:04}" for i in range(8)]


@pytest.mark.parametrize("kind", ["random", "bayesian"])
def test_no_network_is_tried_twice(dataset, folder, instant, kind):
    results = run(dataset, folder, tuner=kind, max_trials=12)
    tried = Counter(tuple(t.hyperparameters.items()) for t in results.trials)
    assert set(tried.values()) == {1}
    assert len(tried) > 5


def test_hyperband_trains_the_better_ones_further(dataset, folder, instant):
    results = run(dataset, folder, tuner="hyperband")
    assert set(instant.epochs) == {1, 3}
    further = [t for t in results.trials if t.epochs == (3,)]
    assert results.best().score == max(t.score for t in further)


def test_hyperband_draws_others_in_place_of_pruned_networks(dataset, folder, instant):
    choices = {"filters": [2, 4, 8, 16, 20, 24], "widths": ["21", "15-14-14"]}
    results = run(dataset, folder, tuner="hyperband", choices=choices)
    assert results.count("pruned") > 1
    first = _compat.HyperbandOracle(max_epochs=3)._get_size(1, 0)
    assert Counter(instant.epochs)[1] == first
    assert 3 in instant.epochs


def test_a_trial_is_the_mean_over_its_seeds(dataset, folder, instant):
    results = run(dataset, folder, seeds=3, max_trials=2)
    assert len(results.trials) == 2
    for trial in results.trials:
        expected = trial.hyperparameters["filters"] / 100 + np.arange(3) / 1000
        assert trial.scores == pytest.approx(expected)
        assert trial.score == pytest.approx(expected.mean())


@pytest.mark.parametrize(("objective", "seed"), [("val_auroc", 2), ("val_loss", 0)])
def test_the_best_seed_of_the_best_trial_is_kept(
    dataset, folder, instant, objective, seed
):
    results = run(dataset, folder, seeds=3, tuner="grid", objective=objective)
    best = results.best()
    assert best.hyperparameters["filters"] == (16 if seed else 2)
    assert (folder / "best.keras").read_text() == f"{best.trial}, seed {seed}"
    card = json.loads((folder / "best.json").read_text())
    assert card["seed"] == seed
    assert card["trial"] == best.trial
    assert card["score"] == best.score
    assert card["code"] == results.code(best)


@pytest.mark.parametrize("kind", ["random", "hyperband"])
def test_what_other_trials_leave_is_removed(dataset, folder, instant, kind):
    results = run(dataset, folder, seeds=2, tuner=kind)
    left = [path for path in (folder / "runs").rglob("*") if path.is_file()]
    best = folder / "runs" / results.best().trial / "seed-1"
    assert {path.parent for path in left} == {best}
    assert {path.name for path in left} == {"network.keras", "score.json"}


def test_hyperband_goes_on_from_the_state_of_the_earlier_trial(
    dataset, folder, instant
):
    found = {}
    train = instant.train

    def look(networks, plan, place, epochs=None):
        state = place / "seed-0" / "state.npz"
        found[place.name] = state.read_text() if state.exists() else None
        return train(networks, plan, place, epochs)

    instant.train = look
    results = run(dataset, folder, tuner="hyperband")
    by_values = {}
    for trial in results.trials:
        key = tuple(trial.hyperparameters.items())
        before = by_values.setdefault(key, trial.trial)
        expected = None if before == trial.trial else f"state of {before}"
        assert found[trial.trial] == expected
    assert any(found.values())


def test_seed_0_gives_the_same_trials_again(dataset, tmp_path, instant):
    first, second, other = (
        facts(run(dataset, tmp_path / str(i), seed=seed, max_trials=5))
        for i, seed in enumerate((0, 0, 1))
    )
    assert first == second
    assert first != other


def test_pruned_networks_are_recorded_and_do_not_count(dataset, folder, instant):
    choices = {"widths": ["21", "15-14-14"], "filters": [2, 4]}
    results = run(dataset, folder, choices=choices, max_trials=4)
    assert results.count("done") == 4
    pruned = [trial for trial in results.trials if trial.status == "pruned"]
    assert pruned
    assert all("must be at least 80" in trial.reason for trial in pruned)
    assert len(instant.trained) == 4


def test_a_trial_that_fails_is_recorded_and_the_search_goes_on(
    dataset, folder, instant
):
    def fail(plan):
        if plan.arguments["filters"] == 4:
            raise RuntimeError("no room\n  for this")

    instant.fails = fail
    results = run(dataset, folder, tuner="grid")
    failed = [trial for trial in results.trials if trial.status == "failed"]
    assert len(failed) == 2
    assert {trial.reason for trial in failed} == {"RuntimeError: no room"}
    assert results.count("done") == 6


def test_a_trial_that_ends_its_process_each_time_is_given_up(dataset, folder, instant):
    def fail(plan):
        if plan.arguments["filters"] == 4:
            raise KilledError

    instant.fails = fail
    for _ in range(2 * 3):  # two networks have four filters
        with pytest.raises(KilledError):
            run(dataset, folder, tuner="grid")
    results = run(dataset, folder, tuner="grid")
    failed = [trial for trial in results.trials if trial.status == "failed"]
    assert [trial.hyperparameters["filters"] for trial in failed] == [4, 4]
    assert all("ended 3 times" in trial.reason for trial in failed)
    assert results.count("done") == 6


def test_a_full_disk_is_no_attempt(dataset, folder, instant):
    def fail(plan):
        raise OSError(28, "No space left on device")

    instant.fails = fail
    for _ in range(4):
        with pytest.raises(OSError, match="No space left"):
            run(dataset, folder, tuner="grid")
    instant.fails = lambda plan: None
    assert run(dataset, folder, tuner="grid").count("done") == 8


@pytest.mark.parametrize("progress", [True, False])
def test_a_trial_that_gets_on_or_is_interrupted_is_not(
    dataset, folder, instant, progress
):
    place = folder / "runs" / "0000" / "seed-0"

    def fail(plan):
        if not progress:
            raise KeyboardInterrupt
        place.mkdir(parents=True, exist_ok=True)
        (place / "state.npz").write_text("an epoch")
        raise KilledError

    instant.fails = fail
    for _ in range(5):
        with pytest.raises((KilledError, KeyboardInterrupt)):
            run(dataset, folder, tuner="grid")
    instant.fails = lambda plan: None
    assert run(dataset, folder, tuner="grid").count("done") == 8


def test_all_trials_failing_ends_the_search_with_the_first_cause(
    dataset, folder, instant
):
    def fail(plan):
        raise RuntimeError(f"no room for {plan.arguments['filters']} filters")

    instant.fails = fail
    choices = USUAL["choices"] | {"filters": list(range(2, 22))}
    with pytest.raises(FailedSearchError, match="Trial 0000 failed: RuntimeError: no"):
        run(dataset, folder, tuner="grid", choices=choices)
    assert len(read_trials(folder)) == 10


def test_a_search_without_feasible_networks_ends_with_the_reason(
    dataset, folder, instant
):
    with pytest.raises(FailedSearchError, match=r"was pruned: .*at least 80"):
        run(dataset, folder, choices={"widths": "15-14-14"})


def test_a_search_in_which_all_is_pruned_does_not_go_on_for_long(
    dataset, folder, instant, monkeypatch
):
    monkeypatch.setattr(importlib.import_module("tuning.search"), "_NOWHERE", 5)
    choices = {"widths": "15-14-14", "filters": list(range(2, 40))}
    with pytest.raises(FailedSearchError, match="none of the 5 trials"):
        run(dataset, folder, choices=choices, tuner="grid")


def test_no_network_is_built_before_its_trial(dataset, folder, instant, monkeypatch):
    def build(*args, **kwargs):
        raise AssertionError("built")

    monkeypatch.setattr("tuning.hypermodel.build", build)
    assert run(dataset, folder, max_trials=1).count("done") == 1


def test_a_file_that_training_cannot_write_is_no_trials_fault(dataset, folder, instant):
    def full(plan):
        raise OSError(28, "No space left on device")

    instant.fails = full
    with pytest.raises(OSError, match="No space left"):
        run(dataset, folder)
    assert not read_trials(folder)


def test_an_error_of_the_disk_is_no_trials_fault(dataset, folder, instant, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tuner, "append_trial", full)
        with pytest.raises(OSError, match="No space left"):
            run(dataset, folder)
    assert run(dataset, folder, max_trials=3).count("done") == 3


def test_more_trials_can_be_asked_for_later(dataset, folder, instant):
    run(dataset, folder, max_trials=2)
    results = run(dataset, folder, max_trials=5)
    assert len(results.trials) == 5
    assert len(instant.trained) == 5
    assert results.facts["max_trials"] == 5


def test_the_time_ends_a_search_and_the_same_call_goes_on(
    dataset, folder, instant, monkeypatch
):
    clock = {"now": 0.0}
    monkeypatch.setattr("time.monotonic", lambda: clock["now"])
    train = instant.train

    def slow(*args):
        clock["now"] += 10
        return train(*args)

    instant.train = slow
    assert run(dataset, folder, tuner="grid", max_seconds=25).count("done") == 3
    assert run(dataset, folder, tuner="grid", max_seconds=25).count("done") == 6
    assert run(dataset, folder, tuner="grid", max_seconds=25).count("done") == 8


def test_a_finished_search_opens_again(dataset, folder, instant):
    first = run(dataset, folder, tuner="grid")
    instant.trained.clear()
    assert facts(open_search(folder)) == facts(first)
    assert facts(run(dataset, folder, tuner="grid")) == facts(first)
    assert not instant.trained


def test_the_files_of_the_end_are_there(dataset, folder, instant):
    run(dataset, folder, max_trials=2)
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert names == {
        "search.json",
        "trials.csv",
        "best.keras",
        "best.json",
        "leaderboard.csv",
        "report.html",
    }
    assert len(list(csv.reader((folder / "leaderboard.csv").open()))) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objective": "val_loss"}, "objective was 'val_auroc' and is 'val_loss'"),
        ({"tuner": "grid"}, "tuner was 'random' and is 'grid'"),
        ({"seeds": 2}, "seeds was 1 and is 2"),
        ({"seed": 1}, "seed was 0 and is 1"),
        ({"settings": {"epochs": 4}}, "epochs was 3 and is 4"),
        ({"choices": {"filters": [2, 4]}}, "choices was"),
        ({"max_parameters": 9}, "max_parameters was None and is 9"),
    ],
)
def test_another_search_in_the_folder_is_refused(
    dataset, folder, instant, changes, words
):
    run(dataset, folder, max_trials=1)
    before = (folder / "search.json").read_bytes()
    with pytest.raises(ValueError, match=re.escape(words)):
        run(dataset, folder, max_trials=1, **changes)
    assert (folder / "search.json").read_bytes() == before


def test_other_data_version_or_networks_are_another_search(
    dataset, folder, instant, monkeypatch
):
    run(dataset, folder, max_trials=1)
    with pytest.raises(ValueError, match="dataset was"):
        run(replace(dataset, targets=("free",)), folder, max_trials=1)
    space = find_space("shrikumar2017")
    edited = replace(space, network=lambda *args: ("danq", {"filters": 3}))
    with pytest.raises(ValueError, match="the networks of its space"):
        search(edited, dataset, folder, **USUAL)
    monkeypatch.setattr("tuning.folder.version", lambda name: "9.9")
    with pytest.raises(ValueError, match=r"version was '.*' and is '9.9'"):
        run(dataset, folder, max_trials=1)


def test_a_folder_that_lacks_files_of_its_search_is_refused(dataset, folder, instant):
    run(dataset, folder, max_trials=1)
    shutil.move(folder / "tuner", folder / "elsewhere")
    with pytest.raises(ValueError, match="lost the folder tuner"):
        run(dataset, folder, max_trials=1)
    (folder / "search.json").unlink()
    with pytest.raises(ValueError, match=r"search\.json is gone"):
        run(dataset, folder, max_trials=1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tuner": "randm"}, "random, hyperband, bayesian, grid. Did you mean random?"),
        ({"objective": "auc"}, "val_auroc, val_auprc, val_accuracy, val_loss"),
        ({"choices": {"filter": 2}}, "revcomp, filters, widths"),
        ({"settings": {"rate": 2}}, "epochs, batch_size, learning_rate"),
        ({"max_trials": 0}, "`max_trials` (--max-trials) must be above 0"),
        ({"max_seconds": -1}, "`max_seconds` (--max-seconds) must be above 0"),
        ({"seeds": 0}, "`seeds` must be at least 1"),
        ({"seed": -1}, "`seed` must be at least 0"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    dataset, folder, changes, words
):
    with pytest.raises(ValueError, match=re.escape(words)):
        run(dataset, folder, **changes)
    assert not folder.exists()


def test_an_unknown_space_is_refused(dataset, folder):
    with pytest.raises(ValueError, match="Did you mean shrikumar2017"):
        search("shrikumar", dataset, folder)


def test_a_dataset_without_validation_is_refused(dataset, folder):
    with pytest.raises(ValueError, match="split 'validation'"):
        run(replace(dataset, splits=None), folder)


def test_a_bayesian_search_names_the_extra_that_it_needs(dataset, folder, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "sklearn" else find(n)
    )
    with pytest.raises(ImportError, match=r"rckeras\[reports\]"):
        run(dataset, folder, tuner="bayesian")


def test_progress_tells_trials_done_the_best_so_far_and_the_time_left(
    dataset, folder, instant, capsys
):
    run(dataset, folder, tuner="grid", progress=True)
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0] == "grid search of shrikumar2017, 8 trials"
    assert lines[1].startswith("trial 0000 (1 of 8): revcomp True, filters 16")
    ends = lines[2::2]
    assert all(re.search(r"val_auroc .* in 0 s; best .* \(trial 0", e) for e in ends)
    assert all(re.search("; about .* left$", line) for line in ends[:-1])
    assert "left" not in ends[-1]


def test_the_dataset_may_be_a_file(dataset, folder, instant, tmp_path):
    path = tmp_path / "data.h5"
    save_dataset(dataset, path)
    results = run(path, folder, max_trials=1)
    assert results.facts["dataset"]["path"] == str(path)
    assert results.facts["dataset"]["digest"] == dataset.digest


def test_settings_of_training_can_be_searched(dataset, folder, instant):
    rates = []
    instant.fails = lambda plan: rates.append(plan.settings.learning_rate)
    choices = {"learning_rate": [0.1, 0.01], "filters": 2, "widths": "21"}
    run(dataset, folder, tuner="grid", choices=choices)
    assert Counter(rates) == {0.1: 2, 0.01: 2}


@pytest.fixture
def own():
    """A space of one's own."""
    return tuning.Space(
        name="mine",
        title="filters",
        reference="no one",
        choices=(tuning.Choice("filters", (2, 6)),),
        network=lambda values, length, targets: ("shrikumar-sim-rc", dict(values)),
        networks=("shrikumar-sim-rc",),
        settings=TrainingSettings(epochs=1),
        objective="val_loss",
        symmetry="all",
    )


def test_a_space_of_ones_own_can_be_searched(dataset, folder, instant, own):
    results = search(own, dataset, folder, tuner="grid", progress=False)
    assert [t.arguments for t in results.trials] == [{"filters": 2}, {"filters": 6}]


def test_what_else_was_measured_is_a_mean_over_seeds(dataset, folder, instant, own):
    own = replace(own, metrics={"twice": "two times"})
    results = search(own, dataset, folder, tuner="grid", seeds=2, progress=False)
    assert results.metrics == {"twice": "two times"}
    for trial in results.trials:
        assert trial.measured["twice"] == pytest.approx(2 * trial.score)
    card = json.loads((folder / "best.json").read_text())
    assert card["measured"]["twice"] == 2 * min(results.best().scores)


def test_measures_see_the_trained_network_and_the_data(dataset, folder, eager, own):
    def count(network, data, place):
        assert place.name == "seed-0"
        assert data is dataset
        return {"weights": network.count_params()}

    own = replace(own, measures=(count,), metrics={"weights": "number of weights"})
    results = search(own, dataset, folder, tuner="grid", seeds=1, progress=False)
    for trial in results.trials:
        assert trial.measured == {
            "weights": trial.parameters + 2 * trial.arguments["filters"]
        }


def test_a_missing_library_of_the_measures_is_named_at_once(
    dataset, folder, monkeypatch
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "pyjaspar" else find(name),
    )
    with pytest.raises(ImportError, match=r"koo2019 needs pyjaspar.*rckeras\[motifs\]"):
        search("koo2019", dataset, folder)
    assert not folder.exists()


@pytest.fixture
def long(dataset):
    """The dataset with sequences of 600 bases."""
    return replace(dataset, sequences=np.tile(dataset.sequences, 10))


def test_a_grid_has_a_value_that_does_not_matter_once(long, folder, instant):
    choices = {"filters": 30, "filter_size": [9, 19]}
    options = {"tuner": "grid", "choices": choices, "seeds": 1, "progress": False}
    results = search("koo2019", long, folder, **options)
    assert len(results.trials) == 2 * 12
    for trial in results.trials:
        small = trial.hyperparameters["pool"] < 4
        assert ("pool_stride" in trial.hyperparameters) != small


@pytest.mark.parametrize("kind", ["random", "bayesian", "hyperband"])
def test_hyperparameters_of_layers_that_are_not_there_have_no_value(
    long, folder, instant, kind
):
    space = "brown2018-recombination"
    options = {"seeds": 1, "max_trials": 6, "progress": False, "tuner": kind}
    settings = {"epochs": 3}
    results = search(space, long, folder, settings=settings, **options)
    assert results.count("done") == 6
    for trial in results.trials:
        layers = trial.hyperparameters["layers"]
        numbers = [n for n in range(1, 6) if f"filters{n}" in trial.hyperparameters]
        assert numbers == list(range(1, layers + 1))


def test_a_line_that_was_written_twice_is_read_once(dataset, folder, instant):
    results = run(dataset, folder, max_trials=2)
    append_trial(folder, replace(results.trials[0], score=9.0))
    assert facts(open_search(folder)) == facts(results)


def test_the_best_network_is_that_of_a_real_training(dataset, folder, eager):
    results = run(dataset, folder, max_trials=1)
    model = keras.saving.load_model(folder / "best.keras")
    assert read_notes(folder / "best.keras").targets == dataset.targets
    assert not model.compiled
    x, y = dataset.arrays("validation")
    score = keras.metrics.AUC()
    score.update_state(y, model.predict(x, verbose=0))
    assert float(score.result()) == pytest.approx(results.best().score, abs=1e-5)


SEARCH = """
import gc, os, signal, sys
import keras
from rckeras.datasets import load_dataset
from tuning import search
from zoo.checkpoints import Checkpoints

data, folder, notes, kind, last = sys.argv[1:]
write, epochs = Checkpoints.on_epoch_end, []

def count(self, epoch, logs=None):
    write(self, epoch, logs)
    epochs.append(epoch)
    with open(notes, "a") as file:
        print(*self.folder.parts[-2:], epoch, file=file)
    if len(epochs) == int(last):
        os.kill(os.getpid(), signal.SIGKILL)

Checkpoints.on_epoch_end = count
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    tf.config.run_functions_eagerly(True)
gc.freeze()
search(
    "shrikumar2017", data, folder, tuner=kind, seeds=2, max_trials=3,
    choices={"filters": [2, 3], "widths": "21"},
    settings={"epochs": 2, "samples_per_epoch": None, "batch_size": 70},
)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", TUNERS)
def test_a_killed_search_repeats_no_epoch(dataset, tmp_path, kind):
    save_dataset(dataset, tmp_path / "data.h5")

    def call(name, last):
        paths = tmp_path / "data.h5", tmp_path / name, tmp_path / f"{name}.txt"
        return subprocess.run(
            [sys.executable, "-c", SEARCH, *map(str, paths), kind, str(last)],
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )

    whole = call("whole", -1)
    assert whole.returncode == 0, whole.stderr
    assert call("killed", 5).returncode == -signal.SIGKILL
    resumed = call("killed", -1)
    assert resumed.returncode == 0, resumed.stderr
    wanted, found = (open_search(tmp_path / name) for name in ("whole", "killed"))
    assert facts(found) == facts(wanted)
    lines = (tmp_path / "killed.txt").read_text().splitlines()
    assert max(Counter(lines).values()) == 1
    assert sorted(lines) == sorted((tmp_path / "whole.txt").read_text().splitlines())
