import gc
import json
import math
import os
import re
import subprocess
import sys
import weakref
from dataclasses import replace

import keras
import keras_tuner
import numpy as np
import pytest

import tuning.hypermodel
import zoo
from rckeras import conjoin
from tuning import NetworkSearch, Repairs
from tuning.hypermodel import PrunedError, copy_state
from tuning.size import training_bytes
from zoo.checking import count_trainable
from zoo.checkpoints import Checkpoints
from zoo.learning import TrainingSettings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner")

VALUES = {"revcomp": True, "filters": 2, "widths": "21"}
SETTINGS = {"epochs": 2, "samples_per_epoch": None, "batch_size": 70}


def make(dataset, **changes):
    options = {"seeds": 1, "settings": SETTINGS} | changes
    return NetworkSearch("shrikumar2017", dataset, **options)


def score_of(model, dataset):
    x, y = dataset.arrays("validation")
    metric = keras.metrics.AUC()
    metric.update_state(y, model.predict(x, verbose=0))
    return float(metric.result())


def test_each_seed_is_trained_and_its_best_epoch_kept(
    dataset, tmp_path, eager, monkeypatch
):
    make_streams, seeds = tuning.hypermodel.make_streams, []

    def spy(dataset, settings):
        seeds.append(settings.seed)
        return make_streams(dataset, settings)

    monkeypatch.setattr(tuning.hypermodel, "make_streams", spy)
    networks = make(dataset, seeds=2)
    scores = networks.train(networks.plan(VALUES), tmp_path)
    assert len(scores) == 2
    assert seeds == [0, 1]
    assert scores[0].objective != scores[1].objective
    for seed, score in enumerate(scores):
        place = tmp_path / f"seed-{seed}"
        model = keras.saving.load_model(place / "network.keras")
        assert not model.compiled
        assert score_of(model, dataset) == pytest.approx(score.objective, abs=1e-5)
        assert count_trainable(model) == score.parameters
        noted = json.loads((place / "score.json").read_text())
        assert noted["best_epoch"] == score.best_epoch
        assert score.objective == score.metrics["val_auroc"]


def test_seeds_are_the_same_whatever_was_trained_before(dataset, tmp_path, eager):
    networks = make(dataset, settings=SETTINGS | {"epochs": 1})
    plan = networks.plan(VALUES)
    first = networks.train(plan, tmp_path / "first")
    networks.train(networks.plan(VALUES | {"filters": 3}), tmp_path / "other")
    assert networks.train(plan, tmp_path / "second") == first


def test_a_training_that_is_stopped_goes_on_after_its_last_epoch(
    dataset, tmp_path, eager, monkeypatch
):
    networks = make(dataset, seeds=2)
    plan = networks.plan(VALUES)
    whole = networks.train(plan, tmp_path / "whole")
    write, epochs = Checkpoints.on_epoch_end, []

    def count(self, epoch, logs=None):
        write(self, epoch, logs)
        epochs.append((self.folder.name, epoch))
        if len(epochs) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "on_epoch_end", count)
    with pytest.raises(KeyboardInterrupt):
        networks.train(plan, tmp_path / "parts")
    assert networks.train(plan, tmp_path / "parts") == whole
    assert epochs == [(f"seed-{seed}", epoch) for seed in (0, 1) for epoch in (0, 1)]


def test_a_trial_can_go_on_from_another_with_more_epochs(
    dataset, tmp_path, eager, monkeypatch
):
    networks = make(dataset)
    plan = networks.plan(VALUES)
    whole = networks.train(plan, tmp_path / "whole")
    networks.train(plan, tmp_path / "first", epochs=1)
    (tmp_path / "second" / "seed-0.part").mkdir(parents=True)  # left by a kill
    copy_state(tmp_path / "first", tmp_path / "second", seeds=1)
    begin, epochs = Checkpoints.on_epoch_begin, []

    def count(self, epoch, logs=None):
        epochs.append(epoch)
        begin(self, epoch, logs)

    monkeypatch.setattr(Checkpoints, "on_epoch_begin", count)
    assert networks.train(plan, tmp_path / "second") == whole
    assert epochs == [1]


def test_what_a_training_is_about_reads_the_same_from_its_file(dataset):
    networks = NetworkSearch("brown2018-recombination", dataset)
    plan = networks.plan(networks.space.defaults | {"first_length": 10})
    found = tuning.hypermodel._identity(plan, plan.settings)
    assert found["arguments"]["filters"] == [16, 16]
    assert json.loads(json.dumps(found)) == found


def graphs_of_training():
    """Numbers of TensorFlow's graphs of training steps; other tests may hold some."""
    gc.collect()
    return {
        id(each)
        for each in gc.get_objects()
        if type(each).__name__ == "FuncGraph" and "one_step_on_data" in each.name
    }


def test_what_a_training_held_is_given_back(dataset, tmp_path, monkeypatch):
    held = []
    make_streams = tuning.hypermodel.make_streams

    def spy(*args):
        streams = make_streams(*args)
        held.extend(map(weakref.ref, streams))
        return streams

    monkeypatch.setattr(tuning.hypermodel, "make_streams", spy)
    networks = make(dataset, settings=SETTINGS | {"epochs": 1})
    before = graphs_of_training()
    networks.train(networks.plan(VALUES), tmp_path)
    assert [each() for each in held] == [None, None]
    assert not graphs_of_training() - before


def test_a_diverged_seed_fails(dataset, tmp_path, eager):
    networks = make(dataset, settings=SETTINGS | {"learning_rate": 1e38})
    with pytest.raises(ValueError, match="no epoch had finite numbers with seed 0"):
        networks.train(networks.plan(VALUES), tmp_path)


def test_a_tuner_of_ones_own_can_search_the_networks(dataset, tmp_path, eager):
    class Search(Repairs, keras_tuner.RandomSearch):
        pass

    options = {"choices": {"filters": [2, 3], "widths": "21"}, "seeds": 2}
    networks = make(dataset, settings=SETTINGS | {"epochs": 1}, **options)
    tuner = Search(networks, networks.objective, max_trials=1, directory=tmp_path)
    tuner.search(verbose=0)
    (trial,) = tuner.oracle.get_best_trials()
    (model,) = tuner.get_best_models()
    plan = networks.plan(networks.space.declare(trial.hyperparameters))
    scores = networks.train(plan, tmp_path)
    assert trial.score == pytest.approx(np.mean([s.objective for s in scores]))
    best = max(score.objective for score in scores)
    assert score_of(model, dataset) == pytest.approx(best, abs=1e-5)


def test_a_hyperband_of_ones_own_trains_as_long_as_it_asks(dataset, eager):
    networks = make(dataset, settings=SETTINGS | {"epochs": 9})
    hp = keras_tuner.HyperParameters()
    hp.values.update(VALUES)
    seen = []

    class Count(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(epoch)

    model = networks.build(hp)
    before = model.get_weights()
    networks.fit(hp, model, [Count()], epochs=3, initial_epoch=1)
    assert len(seen) == 2
    # It trains what it is given, which may have the weights of another trial.
    assert not np.allclose(model.get_weights()[0], before[0])


def test_tuners_may_build_what_stands_for_no_network(dataset):
    networks = make(dataset)
    hp = keras_tuner.HyperParameters()
    hp.values.update(VALUES | {"widths": "15-14-14"})
    model = networks.build(hp)
    assert not model.weights
    with pytest.raises(keras_tuner.errors.FailedTrialError, match="at least 80"):
        networks.fit(hp, model)


def test_networks_above_the_cap_of_parameters_are_not_trained(dataset, tmp_path):
    count = count_trainable(
        zoo.build("shrikumar-sim-rc", sequence_length=60, targets=1)
    )
    networks = make(dataset, max_parameters=count)
    networks._compile(networks.plan(VALUES | {"filters": 20}), 0)
    with pytest.raises(PrunedError, match=f" more than {count:,}$"):
        networks.train(networks.plan(VALUES | {"filters": 21}), tmp_path)
    assert not list(tmp_path.iterdir())


def test_networks_above_the_cap_of_memory_are_not_trained(dataset, tmp_path):
    network = zoo.build("shrikumar-sim-rc", sequence_length=60, targets=1, filters=20)
    networks = make(dataset, max_memory=training_bytes(network, 70))
    networks._compile(networks.plan(VALUES | {"filters": 20}), 0)
    with pytest.raises(PrunedError, match="MB, more than"):
        networks.train(networks.plan(VALUES | {"filters": 21}), tmp_path)
    both = replace(networks.plan(VALUES | {"filters": 20}).settings, strands="both")
    with pytest.raises(PrunedError, match="MB, more than"):
        networks._check_caps(network, both)


def test_what_the_builder_refuses_is_pruned(dataset, tmp_path):
    space = tuning.find_space("brown2018-simulation").change({"filters": 5})
    networks = NetworkSearch(space, dataset)
    with pytest.raises(PrunedError, match="it must be even"):
        networks.train(networks.plan(networks.space.defaults), tmp_path)


def test_the_memory_counts_weights_and_outputs():
    given = keras.Input((10,))
    hidden = keras.layers.Dense(7)(given)
    model = keras.Model(given, keras.layers.BatchNormalization()(hidden))
    trained, still = 10 * 7 + 7 + 14, 14
    outputs = 10 + 7 + 7
    assert training_bytes(model, 5) == 4 * (4 * trained + still + 2 * 5 * outputs)


def test_the_memory_of_a_conjoined_network_counts_both_strands():
    for name, batch in (("shrikumar-sim-20", 500), ("koo-cnn-25", 100)):
        plain = zoo.build(name)
        found = training_bytes(conjoin(plain), batch)
        fixed = training_bytes(plain, 0)
        assert 1.9 < (found - fixed) / (training_bytes(plain, batch) - fixed) < 2.3


def test_a_second_pass_for_consistency_counts(dataset):
    network = zoo.build("shrikumar-sim-20", sequence_length=60, targets=1)
    networks = make(dataset, max_memory=training_bytes(network, 100))
    settings = TrainingSettings(batch_size=70)
    networks._check_caps(network, settings)
    with pytest.raises(PrunedError, match="MB, more than"):
        networks._check_caps(network, replace(settings, consistency=1.0))


PEAK = """
import re, sys
from pathlib import Path
import keras, numpy as np
import zoo
from tuning.size import training_bytes

batch, filters = map(int, sys.argv[1:])

def train(batch, filters):
    network = zoo.build(
        "koo-cnn-25", sequence_length=1000, filters=(filters, 128), pool_sizes=(2, 50),
    )
    network.compile("adam", "binary_crossentropy")
    x = np.zeros((batch, 1000, 4), "float32")
    for _ in range(3):
        network.train_on_batch(x, np.zeros((batch, 12), "float32"))
    return training_bytes(network, batch)

def peak():
    # Not `resource.getrusage`, whose peak begins with that of the parent process.
    found = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * int(found[1])

train(2, 4)
before = peak()
estimate = train(batch, filters)
print((peak() - before) / estimate)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads a file of Linux")
@pytest.mark.parametrize(("batch", "filters"), [(256, 120), (512, 60)])
def test_the_memory_is_about_what_training_takes(batch, filters):
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(batch), str(filters)],
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 0.5 < float(done.stdout) < 1.5


def test_the_papers_protocol_is_the_default(dataset):
    networks = NetworkSearch("shrikumar2017", dataset)
    assert networks.seeds == 10
    assert networks.objective.name == "val_auroc"
    settings = networks.plan(VALUES).settings
    assert settings.epochs == 500
    assert settings.patience == 10
    assert settings.monitor == "val_auroc"
    assert settings.samples_per_epoch == 5000


def test_the_objective_decides_on_the_best_epoch_unless_something_else_does(dataset):
    networks = make(dataset, objective="val_loss")
    assert networks.objective.direction == "min"
    assert networks.plan(VALUES).settings.monitor == "val_loss"
    own = make(dataset, settings={"monitor": "val_accuracy"})
    assert own.plan(VALUES).settings.monitor == "val_accuracy"


def test_sequences_are_cut_as_the_paper_has_it(dataset):
    repeated = np.tile(dataset.sequences, 10)
    long = replace(dataset, sequences=repeated)  # 600 bases
    networks = NetworkSearch("hawkinshooker2018-first-layer", long)
    plan = networks.plan(networks.space.defaults)
    assert (plan.length, plan.settings.length) == (500, 500)
    shorter = NetworkSearch("koo2019", long, settings={"length": 300})
    plan = shorter.plan(shorter.space.defaults)
    assert (plan.length, plan.settings.length) == (300, 300)
    tied = NetworkSearch("brown2018-recombination", long)
    plan = tied.plan(tied.space.defaults)
    assert plan.length == plan.settings.length == plan.arguments["sequence_length"]
    assert plan.length == 597
    with pytest.raises(ValueError, match="at most 60"):
        make(dataset, settings={"length": 61})


def test_settings_that_are_searched_take_the_place_of_the_papers(dataset):
    networks = make(dataset, choices={"batch_size": [16, 32]})
    plan = networks.plan(VALUES | {"batch_size": 16})
    assert plan.settings.batch_size == 16


@pytest.mark.parametrize("name", ["seed", "weights", "freeze", "rate"])
def test_other_settings_are_refused(dataset, name):
    with pytest.raises(ValueError, match=f"Received: '{name}'"):
        make(dataset, settings={name: 1})


def test_an_unknown_objective_is_refused(dataset):
    words = "val_auroc, val_auprc, val_accuracy, val_loss. Received: 'val_f1'"
    with pytest.raises(ValueError, match=re.escape(words)):
        make(dataset, objective="val_f1")


def test_parameters_are_counted_once_and_only_if_they_are_trained():
    model = zoo.build("shrikumar-sim-rc")
    assert count_trainable(model) == 1983
    assert sum(math.prod(w.shape) for w in model.weights) > 1983
