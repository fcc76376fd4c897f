"""Building and loading by name: weights of every kind, new heads, plain models."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo.loading import locate
from zoo.store import ChecksumError

NAME = "shrikumar-sim-rc"


@pytest.fixture
def trained():
    model = zoo.build(NAME)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) ** 2 for w in model.get_weights()])
    return model


@pytest.fixture
def x():
    rng = np.random.default_rng(1)
    return np.eye(4, dtype="float32")[rng.integers(4, size=(5, 200))]


def test_importing_the_zoo_does_not_import_keras():
    code = (
        "import sys, zoo, tuning; zoo.describe('prdm9'); print('keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_network_is_a_plain_model_that_fits_and_saves(x, tmp_path):
    model = zoo.build(NAME)
    model.compile("adam", "binary_crossentropy")
    model.fit(x, np.ones((5, 3)), verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6
    )


def test_overrides_reach_the_builder_and_unknown_ones_are_refused():
    assert zoo.build("prdm9", targets=3).output_shape == (None, 3)
    assert zoo.build("koo-cnn-25", include_top=False).output_shape == (None, 512)
    with pytest.raises(TypeError, match="'prdm9' has no argument 'unitz'"):
        zoo.build("prdm9", unitz=3)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_own_weights_load_whatever_their_format(trained, x, tmp_path, suffix):
    path = tmp_path / f"own{suffix}"
    (trained.save if suffix == ".keras" else trained.save_weights)(path)
    model = zoo.load(NAME, weights=path)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), trained.predict(x, verbose=0), atol=1e-6
    )


def test_another_number_of_targets_keeps_the_trunk(trained, x, tmp_path):
    path = tmp_path / "own.weights.h5"
    trained.save_weights(path)
    model = zoo.load(NAME, weights=path, targets=5)
    assert model.output_shape == (None, 5)
    trunk = zoo.load(NAME, weights=path, include_top=False)
    features = keras.Model(model.input, model.get_layer("weighted_sum").output)
    expected = keras.Model(trained.input, trained.get_layer("weighted_sum").output)
    for other in (features, trunk):
        np.testing.assert_allclose(
            other.predict(x, verbose=0), expected.predict(x, verbose=0), rtol=1e-5
        )


def test_weights_saved_after_fine_tuning_load_with_their_head(x, tmp_path):
    tuned = zoo.build(NAME, targets=5)
    tuned.save_weights(tmp_path / "tuned.weights.h5")
    again = zoo.load(NAME, weights=tmp_path / "tuned.weights.h5", targets=5)
    np.testing.assert_allclose(
        again.predict(x, verbose=0), tuned.predict(x, verbose=0), atol=1e-6
    )


@pytest.fixture(params=[(1, ".weights.h5"), (7, ".keras"), (None, ".keras")])
def tuned(request, x, tmp_path):
    """A network with another last layer, or none, and its file."""
    targets, suffix = request.param
    model = zoo.build(
        NAME, **({"targets": targets} if targets else {"include_top": False})
    )
    model.compile("adam", "mse")
    model.fit(x, np.zeros((5, *model.output_shape[1:])), verbose=0)
    path = tmp_path / f"tuned{suffix}"
    (model.save if suffix == ".keras" else model.save_weights)(path)
    return model, targets, path


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("asked", [None, 5])
def test_the_last_layer_of_a_file_is_kept_or_replaced(tuned, x, asked):
    model, targets, path = tuned
    loaded = zoo.load(NAME, weights=path, targets=asked)
    assert loaded.output_shape == (None, asked or targets or 3)
    if targets and not asked:
        expected = model.predict(x, verbose=0)
        np.testing.assert_allclose(loaded.predict(x, verbose=0), expected, atol=1e-6)
    trunk = zoo.load(NAME, weights=path, include_top=False)
    assert trunk.output_shape == (None, 40)
    for other in (loaded, trunk):
        for layer in other.layers:
            if layer.name != "predictions":
                saved = model.get_layer(layer.name).get_weights()
                for new, old in zip(layer.get_weights(), saved, strict=True):
                    np.testing.assert_array_equal(new, old)


def test_arguments_may_have_the_names_of_ours():
    assert zoo.build(NAME, name="mine").name == "mine"
    assert zoo.load(NAME, weights=None, name="mine").name == "mine"


def test_weights_of_another_network_are_refused(tmp_path):
    zoo.build("koo-cnn-25").save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match=r"other\.weights\.h5 does not hold"):
        zoo.load(NAME, weights=tmp_path / "other.weights.h5")


def test_networks_without_weights_say_what_to_do():
    with pytest.raises(ValueError, match="weights=None"):
        zoo.load("crnn-320")
    assert zoo.load(NAME, weights=None).name == NAME


def test_missing_file_is_named_with_the_sets_of_weights():
    with pytest.raises(FileNotFoundError, match=r"brown2018.*'nowhere\.h5'"):
        zoo.load("prdm9", weights="nowhere.h5")


@pytest.mark.parametrize("file", ["prdm9_brown2018.h5", "SavedModel.h5"])
def test_damaged_copy_of_a_published_file_is_refused(tmp_path, file):
    card = zoo.describe("prdm9")
    path = tmp_path / file
    path.write_bytes(b"x" * card.weights[0].size)
    with pytest.raises(
        ChecksumError, match=hashlib.sha256(path.read_bytes()).hexdigest()
    ):
        locate(card, path)


def test_published_weights_answer_on_both_strands(shared_data):
    path = shared_data / "prdm9_brown2018_keras2.weights.h5"
    result = zoo.check("prdm9", weights=path)
    assert result.passed, str(result)
    model = zoo.load("prdm9", weights=path, dropout=None)
    rng = np.random.default_rng(2)
    x = np.eye(4, dtype="float32")[rng.integers(4, size=(8, 997))]
    np.testing.assert_allclose(
        model.predict(x, verbose=0),
        model.predict(x[:, ::-1, ::-1].copy(), verbose=0),
        atol=1e-6,
    )


def test_conjoining_the_published_network_changes_nothing(shared_data):
    path = shared_data / "prdm9_brown2018_keras2.weights.h5"
    given = {"weights": path, "dropout": None}
    x = np.eye(4, dtype="float32")[np.random.default_rng(3).integers(4, size=(8, 997))]
    np.testing.assert_allclose(
        zoo.load("prdm9", conjoined=True, **given).predict(x, verbose=0),
        zoo.load("prdm9", **given).predict(x, verbose=0),
        atol=1e-6,
    )


@pytest.mark.slow
def test_a_conjoined_danq_is_invariant():
    keras.utils.set_random_seed(0)
    model = zoo.load("danq", weights=None, targets=5, conjoined=True)
    x = np.eye(4, dtype="float32")[np.random.default_rng(4).integers(4, size=(4, 1000))]
    np.testing.assert_allclose(
        model.predict(x, verbose=0),
        model.predict(x[:, ::-1, ::-1].copy(), verbose=0),
        atol=1e-6,
    )


def test_published_trunk_fine_tunes(shared_data):
    path = shared_data / "prdm9_brown2018_keras2.weights.h5"
    model = zoo.load("prdm9", weights=path, targets=1)
    published = zoo.load("prdm9", weights=path)
    for new, old in zip(
        model.layers[1].get_weights(), published.layers[1].get_weights(), strict=True
    ):
        np.testing.assert_array_equal(new, old)


def test_channels_in_front_are_refused():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(
            ValueError, match=r"set_image_data_format\('channels_last'\)"
        ):
            zoo.build("prdm9")
    finally:
        keras.config.set_image_data_format("channels_last")


def test_weights_are_found_in_a_package_that_is_an_archive(tmp_path, monkeypatch):
    shipped = Path(zoo.__file__).parent / "weights" / f"{NAME}.weights.h5"
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as archive:
        archive.write(shipped, f"zoo/weights/{shipped.name}")
    packed = zipfile.Path(tmp_path / "site.zip", "zoo/")
    monkeypatch.setattr("zoo.loading.files", lambda name: packed)
    found = locate(zoo.describe(NAME), "default")
    assert found != shipped
    assert found.read_bytes() == shipped.read_bytes()
