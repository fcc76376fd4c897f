"""Saved layers come back, in this process and in a fresh one."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import rckeras
from tests.conformance.descriptors import DESCRIPTORS
from tests.conformance.harness import example, randomized, to_numpy

ROOT = Path(__file__).resolve().parents[2]

LOAD_ALL = """
import sys
from pathlib import Path

import rckeras

import keras
import numpy as np

folder = Path(sys.argv[1])
outputs = {}
for path in sorted(folder.glob("*.keras")):
    model = keras.saving.load_model(path)
    x = np.load(path.with_suffix(".npy"))
    outputs[path.stem] = keras.ops.convert_to_numpy(model(x))
np.savez(folder / "outputs.npz", **outputs)
"""


def model_of(layer, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


def random_model(descriptor):
    x, rng = example(descriptor)
    layer = randomized(descriptor.make(), x.shape, rng)
    return model_of(layer, descriptor.shape), x


def exported(module):
    """Functions and classes that a module defines for its users."""
    return {
        name: value
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and name[0] != "_"
    }


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_a_model_file_gives_the_same_outputs(descriptor, tmp_path):
    model, x = random_model(descriptor)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(loaded(x)), to_numpy(model(x)))


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_a_weight_file_restores_the_weights(descriptor, tmp_path):
    model, x = random_model(descriptor)
    model.save_weights(tmp_path / "model.weights.h5")
    other = model_of(descriptor.make(), descriptor.shape)
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(to_numpy(other(x)), to_numpy(model(x)))


def saved_models():
    """Name, model and input of everything exported, in models to be saved."""
    for number, descriptor in enumerate(DESCRIPTORS):
        yield f"layer{number:02}", *random_model(descriptor)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    for name, function in exported(rckeras.activations).items():
        if name == "get":  # which looks the others up
            continue
        yield name, model_of(keras.layers.Dense(3, activation=function), (4,)), x
    for name, initializer in exported(rckeras.initializers).items():
        dense = keras.layers.Dense(3, kernel_initializer=initializer(seed=0))
        yield name, model_of(dense, (4,)), x


def test_all_that_is_exported_loads_in_a_fresh_process(tmp_path):
    expected = {}
    for name, model, x in saved_models():
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", x)
        expected[name] = to_numpy(model(x))
    subprocess.run(
        [sys.executable, "-c", LOAD_ALL, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": keras.backend.backend()},
        check=True,
        capture_output=True,
    )
    with np.load(tmp_path / "outputs.npz") as outputs:
        assert set(outputs) == set(expected)
        for name, y in expected.items():
            np.testing.assert_allclose(outputs[name], y, atol=1e-6, err_msg=name)


def test_activations_and_initializers_are_found():
    assert set(exported(rckeras.activations)) >= {"shifted_relu", "threshold_relu"}
    assert all(map(inspect.isclass, exported(rckeras.initializers).values()))
    assert "WeightedSumInitializer" in exported(rckeras.initializers)
