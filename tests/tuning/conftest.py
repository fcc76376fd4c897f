"""What tests of searches share: a small dataset, and trainings that take no time."""

import gc
import json
import shutil
from dataclasses import asdict
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import scipy.optimize

from rckeras.datasets import Dataset


@pytest.fixture(scope="session")
def dataset():
    """200 random sequences of 60 bases; half of those for training are bound."""
    generator = np.random.default_rng(0)
    sequences = generator.integers(0, 4, (200, 60)).astype("uint8")
    labels = np.arange(200)[:, None] % 2
    splits = np.repeat(np.array([0, 1], "uint8"), [140, 60])
    return Dataset(sequences, labels.astype("uint8"), ("bound",), splits)


class Instant:
    """Stands for training: scores follow from the arguments of networks.

    Attributes:
        trained: Numbers of the trials that were trained, as they ended.
        epochs: Epochs of each.
        fails: Function of a plan that may raise an error.
    """

    def __init__(self):
        self.trained = []
        self.epochs = []
        self.fails = lambda plan: None

    def train(self, networks, plan, folder, epochs=None):
        """In place of `NetworkSearch.train`."""
        from tuning.hypermodel import NETWORK, SCORE, Score

        self.fails(plan)
        scores = []
        for seed in range(networks.seeds):
            value = self.value(plan, seed)
            measured = dict.fromkeys(networks.space.metrics, 2 * value)
            score = Score(value, epochs or 1, 1, {"loss": value}, 7, measured)
            place = folder / f"seed-{seed}"
            place.mkdir(parents=True, exist_ok=True)
            (place / NETWORK).write_text(f"{folder.name}, seed {seed}")
            (place / SCORE).write_text(json.dumps(asdict(score)))
            (place / "state.npz").write_text(f"state of {folder.name}")
            scores.append(score)
        self.trained.append(folder.name)
        self.epochs.append(epochs)
        return scores

    @staticmethod
    def value(plan, seed):
        """The objective of a network with a seed."""
        return np.sum(plan.arguments["filters"]) / 100 + seed / 1000


@pytest.fixture
def instant(monkeypatch):
    """Let trainings take no time."""
    from tuning.hypermodel import NetworkSearch

    instant = Instant()
    monkeypatch.setattr(
        NetworkSearch,
        "train",
        lambda networks, *args, **kwargs: instant.train(networks, *args, **kwargs),
    )
    return instant


@pytest.fixture
def folder(tmp_path):
    """Where a search may go."""
    yield tmp_path / "search"
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def frozen():
    """Let the garbage collector, which runs after each training, pass over the rest."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def eager(frozen):
    """Let TensorFlow build no graphs, which takes longer than small trainings."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def quick(monkeypatch):
    """Let Bayesian searches choose among random points, which they do far sooner."""
    from tuning._compat import BayesianOracle

    minimize = scipy.optimize.minimize

    def first(function, x0, **options):
        if "jac" in options:  # scikit-learn asks
            return minimize(function, x0, **options)
        return SimpleNamespace(fun=function(x0), x=x0)

    make = BayesianOracle._make_gpr
    monkeypatch.setattr(scipy.optimize, "minimize", first)
    monkeypatch.setattr(
        BayesianOracle,
        "_make_gpr",
        lambda oracle: make(oracle).set_params(n_restarts_optimizer=0),
    )
