"""Each of keras-tuner's faults, and that it does no harm. Without what `_compat` does
about a fault, its test fails."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pytest

from tuning import _compat
from tuning._compat import (
    BayesianOracle,
    GridOracle,
    HyperbandOracle,
    RandomOracle,
    Repairs,
    divide_evenly,
    keep_in_touch,
    release_trial,
    shift_seed,
)
from zoo.learning import TrainingSettings

pytestmark = [
    pytest.mark.usefixtures("frozen"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

OBJECTIVE = keras_tuner.Objective("score", "max")
WORKER = {
    "KERASTUNER_TUNER_ID": "worker-0",
    "KERASTUNER_ORACLE_IP": "127.0.0.1",
    "KERASTUNER_ORACLE_PORT": "1",
}


class Networks(keras_tuner.HyperModel):
    """Nine networks, which are not trained."""

    def build(self, hp):
        hp.Choice("a", [1, 2, 3])
        hp.Choice("b", [1, 2, 3])
        given = keras.Input((1,))
        return keras.Model(given, keras.layers.Dense(1)(given))

    def fit(self, hp, model, callbacks=(), verbose=0):
        for callback in callbacks:
            callback.set_model(model)
            callback.on_epoch_end(0, {})
        return 10.0 * hp["a"] + hp["b"]


class Search(Repairs, keras_tuner.RandomSearch):
    """Random search, mended."""


def make_search(folder, kind=Search, **options):
    options = {"max_trials": 3, "seed": 1} | options
    return kind(
        Networks(), OBJECTIVE, directory=str(folder), project_name="x", **options
    )


def make_oracle(folder, kind, **options):
    """An oracle of nine networks, as it is after what lies in its folder."""
    space = keras_tuner.HyperParameters()
    for name in ("a", "b"):
        space.Choice(name, [1, 2, 3])
    options = {"max_consecutive_failed_trials": None, "seed": 1} | options
    oracle = kind(OBJECTIVE, hyperparameters=space, **options)
    oracle._set_project_dir(str(folder), "x")
    oracle.verbose = 0
    if Path(folder, "x", "oracle.json").exists():
        oracle.reload()
    return oracle


def finish(oracle, trial, status="COMPLETED"):
    """End a trial."""
    values = trial.hyperparameters.values
    if status == "COMPLETED":
        oracle.update_trial(trial.trial_id, {"score": 10.0 * values["a"] + values["b"]})
    trial.status = status
    oracle.end_trial(trial)


def exhaust(oracle, most=99):
    """The values of all trials that an oracle asks for."""
    tried = []
    for _ in range(most):
        trial = oracle.create_trial("tuner0")
        if trial.status != "RUNNING":
            break
        tried.append(trial.hyperparameters.values)
        finish(oracle, trial)
    return tried


@pytest.fixture
def worker(monkeypatch):
    for name, value in WORKER.items():
        monkeypatch.setenv(name, value)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a fault on TensorFlow alone"
)
def test_t1_trials_do_not_need_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboard.plugins.hparams", None)
    tuner = make_search(tmp_path, max_trials=1)
    tuner.search(verbose=0)
    assert {t.status for t in tuner.oracle.trials.values()} == {"COMPLETED"}


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("done", range(9))
def test_t2_a_grid_search_can_be_resumed(tmp_path, done, running):
    first = make_oracle(tmp_path, GridOracle)
    tried = exhaust(first, done)
    stopped = first.create_trial("tuner0").trial_id if running else None
    second = make_oracle(tmp_path, GridOracle)
    tried += exhaust(second)
    assert Counter(tuple(v.items()) for v in tried) == {
        (("a", a), ("b", b)): 1 for a, b in itertools.product((1, 2, 3), repeat=2)
    }
    assert stopped is None or second.trials[stopped].status == "COMPLETED"


def test_t3_a_worker_does_not_delete_the_files_of_the_chief(tmp_path, worker):
    path = tmp_path / "x" / "oracle.json"
    path.parent.mkdir()
    path.write_text("{}")
    make_search(tmp_path, overwrite=True)
    assert path.read_text() == "{}"


def test_t3_a_chief_needs_no_file_of_its_name_to_go_on(tmp_path, monkeypatch):
    tuner = make_search(tmp_path, max_trials=1)
    tuner.search(verbose=0)
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")
    assert len(make_search(tmp_path).oracle.trials) == 1


def test_t4_the_trial_of_a_lost_worker_is_run_by_another(tmp_path, monkeypatch):
    oracle = make_oracle(tmp_path, RandomOracle, max_trials=1)
    trial = oracle.create_trial("worker-0")
    assert oracle.create_trial("worker-1").status == "IDLE"
    for name, value in WORKER.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "chief")

    class Tuner:
        project_dir = oracle._project_dir

    Tuner.oracle = oracle
    Path(oracle._project_dir, "worker-0.alive").touch()
    with keep_in_touch(Tuner, beat=0.02, patience=0.2):
        deadline = time.monotonic() + 10
        while oracle.ongoing_trials and time.monotonic() < deadline:
            Path(oracle._project_dir, "worker-1.alive").touch()
            time.sleep(0.02)
    assert "worker-1" in oracle.tuner_ids
    assert "worker-0" not in oracle.tuner_ids
    again = oracle.create_trial("worker-1")
    assert (again.trial_id, again.status) == (trial.trial_id, "RUNNING")
    finish(oracle, again)
    assert oracle.create_trial("worker-1").status == "STOPPED"
    assert not oracle.tuner_ids


def test_t4_a_worker_shows_that_it_is_there(tmp_path, worker):
    tuner = make_search(tmp_path)
    path = tmp_path / "x" / "worker-0.alive"
    with keep_in_touch(tuner, beat=0.02):
        deadline = time.monotonic() + 10
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert path.exists()


def test_t4_a_worker_that_comes_back_under_its_name_gets_its_trial(tmp_path):
    oracle = make_oracle(tmp_path, RandomOracle, max_trials=2)
    trial = oracle.create_trial("worker-0")
    assert oracle.create_trial("worker-0").trial_id == trial.trial_id
    assert release_trial(oracle, "worker-0") == trial.trial_id
    assert release_trial(oracle, "worker-0") is None


def test_t4_a_worker_that_waits_does_not_ask_without_pause(
    tmp_path, worker, monkeypatch
):
    pauses = []
    tuner = make_search(tmp_path)
    monkeypatch.setattr("time.sleep", pauses.append)
    tuner.pre_create_trial()
    assert not pauses
    tuner.pre_create_trial()
    assert len(pauses) == 1


def test_t5_seed_0_is_a_seed(tmp_path):
    tried = [
        exhaust(make_oracle(tmp_path / str(i), RandomOracle, seed=shift_seed(seed)), 5)
        for i, seed in enumerate((0, 0, 1))
    ]
    assert tried[0] == tried[1]
    assert tried[0] != tried[2]


def test_t5_seed_0_is_a_seed_for_tuners_of_ones_own(tmp_path):
    seeds = [make_search(tmp_path, seed=seed).oracle.seed for seed in (0, 0, 1)]
    assert seeds[0] == seeds[1] != seeds[2]


def test_t6_workers_know_how_many_trials_are_left(tmp_path, worker):
    tuner = make_search(tmp_path, max_trials=5)
    assert tuner.remaining_trials == 5
    path = tmp_path / "x" / "trial_0" / "trial.json"
    path.parent.mkdir()
    path.write_text("{}")
    assert tuner.remaining_trials == 4


def test_t8_checkpoints_but_the_best_are_removed(tmp_path):
    tuner = make_search(tmp_path, max_trials=3)
    tuner.search(verbose=0)
    (best,) = tuner.oracle.get_best_trials()
    left = [path.parent.name for path in tmp_path.rglob("checkpoint.weights.h5")]
    assert left == [f"trial_{best.trial_id}"]
    assert len(tuner.get_best_models()) == 1


DEVICES = """
import json, sys
import keras
from rckeras.datasets import load_dataset
from tuning import search

found = []
fit = keras.Model.fit

def look(self, *args, **kwargs):
    found.append(str(self.weights[0].value.sharding))
    return fit(self, *args, **kwargs)

keras.Model.fit = look
search(
    "shrikumar2017", sys.argv[1], sys.argv[2], max_trials=1, seeds=2, progress=False,
    choices={"filters": 2, "widths": "21"},
    settings={"epochs": 1, "samples_per_epoch": None, "batch_size": 32},
)
print(json.dumps(found))
"""


@pytest.mark.slow
def test_t10_batches_are_shared_out_over_devices(dataset, tmp_path):
    from rckeras.datasets import save_dataset

    odd = dataset.take(np.arange(len(dataset) - 1))
    save_dataset(odd, tmp_path / "data.h5")
    done = subprocess.run(
        [sys.executable, "-c", DEVICES, tmp_path / "data.h5", tmp_path / "search"],
        env=os.environ
        | {
            "KERAS_BACKEND": "jax",
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 2
    assert all("Mesh('batch': 2" in sharding for sharding in found)


def test_t10_each_device_gets_as_many_sequences(dataset):
    settings = TrainingSettings(batch_size=16, samples_per_epoch=50)
    divided, changed = divide_evenly(dataset, settings, 8)
    assert changed.samples_per_epoch == 48
    assert divided.split_sizes() == {"train": 140, "validation": 56, "test": 0}
    held_out = dataset.split("validation").sequences[:56]
    assert (divided.split("validation").sequences == held_out).all()
    whole = replace(settings, samples_per_epoch=None)
    assert divide_evenly(dataset, whole, 8)[1].samples_per_epoch == 136
    assert divide_evenly(dataset, settings, 1) == (dataset, settings)
    with pytest.raises(ValueError, match="multiple of the 3 devices"):
        divide_evenly(dataset, settings, 3)


def test_a_kill_leaves_whole_files(tmp_path, monkeypatch):
    oracle = make_oracle(tmp_path, RandomOracle)
    trial = oracle.create_trial("tuner0")
    finish(oracle, trial)
    path = tmp_path / "x" / "oracle.json"
    before = path.read_text()
    write = Path.write_text

    def killed(self, text, *args, **kwargs):
        write(self, text[:10], *args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", killed)
    for save in (oracle.save, lambda: oracle._save_trial(trial)):
        with pytest.raises(KeyboardInterrupt):
            save()
    monkeypatch.undo()
    assert path.read_text() == before
    assert len(make_oracle(tmp_path, RandomOracle).trials) == 1


def test_a_trial_that_a_kill_left_half_begun_is_made_again(tmp_path, monkeypatch):
    def killed():
        raise KeyboardInterrupt

    first = make_oracle(tmp_path, RandomOracle, max_trials=3)
    finish(first, first.create_trial("tuner0"))
    monkeypatch.setattr(first, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        first.create_trial("tuner0")
    second = make_oracle(tmp_path, RandomOracle, max_trials=3)
    assert len(exhaust(second)) == 2
    assert {t.status for t in second.trials.values()} == {"COMPLETED"}


@pytest.mark.parametrize("points", [1, 3])
def test_a_bayesian_search_tries_nothing_twice(tmp_path, quick, points):
    oracle = make_oracle(
        tmp_path, BayesianOracle, max_trials=9, num_initial_points=points
    )
    # All the same to the Gaussian process, which so asks for the same again.
    oracle._vectorize_trials = lambda: (np.zeros((1, 2)), np.zeros(1))
    tried = exhaust(oracle)
    assert len(tried) > 6
    assert len({tuple(sorted(values.items())) for values in tried}) == len(tried)


def test_a_bayesian_search_draws_alike_when_resumed(tmp_path, quick):
    options = {"max_trials": 5, "num_initial_points": 3}
    whole = exhaust(make_oracle(tmp_path / "whole", BayesianOracle, **options))
    parts = []
    for _ in range(5):
        parts += exhaust(make_oracle(tmp_path / "parts", BayesianOracle, **options), 1)
    assert parts == whole


def test_hyperband_goes_on_where_trials_fail(tmp_path):
    oracle = make_oracle(tmp_path, HyperbandOracle, max_epochs=3)
    epochs = []
    for number in itertools.count():
        trial = oracle.create_trial("tuner0")
        if trial.status != "RUNNING":
            break
        # More than a round can lack.
        finish(oracle, trial, "FAILED" if number in (0, 2) else "COMPLETED")
        epochs.append(trial.hyperparameters.values["tuner/epochs"])
    assert Counter(epochs)[1] == oracle._get_size(1, 0) + 2
    assert Counter(epochs)[3] >= oracle._get_size(1, 1)


def test_the_plan_of_hyperband_is_what_it_asks_for(tmp_path):
    oracle = make_oracle(tmp_path, HyperbandOracle, max_epochs=3)
    assert len(exhaust(oracle)) == oracle.planned


def test_no_more_trials_are_begun_than_may_be(tmp_path):
    oracle = make_oracle(tmp_path, RandomOracle)
    oracle.may_start = lambda oracle: len(oracle.trials) < 4
    assert len(exhaust(oracle)) == 4


def test_what_keras_tuner_prints_in_passing_is_kept_to_itself(tmp_path, capfd):
    with _compat.silence():
        print("in passing")
        tuner = make_search(tmp_path, max_trials=1)
        tuner.hypermodel.fit = None  # a trial that fails prints where it failed
        tuner.search(verbose=0)
    said = capfd.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
