"""Formats are told by content, and nothing in a file is executed or followed."""

import pickle
import zipfile

import h5py
import keras
import numpy as np
import pytest

from tests.reference import danq, prdm9
from zoo.porting import detect_format, files
from zoo.porting.files import open_hdf5, read_array


@pytest.fixture
def keras_model():
    sequence = keras.Input((12, 4))
    return keras.Model(sequence, keras.layers.Conv1D(2, 3)(sequence))


def renamed(path):
    return path.rename(path.with_name("weights.bin"))


def test_weights_of_keras_3_are_recognised(keras_model, tmp_path):
    path = tmp_path / "a.weights.h5"
    keras_model.save_weights(path)
    assert detect_format(renamed(path)) == "keras3"


def test_a_model_of_keras_3_is_recognised(keras_model, tmp_path):
    path = tmp_path / "a.keras"
    keras_model.save(path)
    assert detect_format(renamed(path)) == "keras"


@pytest.mark.parametrize("group", ["/", "model_weights"])
def test_keras_2_is_recognised(tmp_path, group):
    path = tmp_path / "a.h5"
    prdm9.write(path, prdm9.random_weights(np.random.default_rng(0)), group)
    assert detect_format(renamed(path)) == "keras2"


def test_the_published_prdm9_file_is_keras_2(shared_data):
    path = shared_data / "prdm9_brown2018_keras2.weights.h5"
    assert detect_format(path) == "keras2"


@pytest.mark.parametrize("attributes", [True, False])
def test_keras_0_is_recognised(tmp_path, attributes):
    path = tmp_path / "a.weights.h5"
    danq.write(path, danq.random_layers(np.random.default_rng(0)), attributes)
    assert detect_format(path) == "keras0"


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_is_recognised_in_its_new_and_old_form(tmp_path, zipped):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    path = tmp_path / "a.h5"
    state = {"0.weight": torch.zeros(2)}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    assert detect_format(path) == "torch"


@pytest.mark.parametrize("content", [b"", b">chr1\nACGT\n", pickle.dumps({"a": 1})])
def test_an_unknown_file_is_refused_with_what_was_found(tmp_path, content):
    path = tmp_path / "a.h5"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="starts with the bytes") as error:
        detect_format(path)
    assert repr(content[:16]) in str(error.value)
    assert all(name in str(error.value) for name in files.FORMATS)


def test_an_unknown_hdf5_file_is_refused_with_its_entries(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["testxdata"] = np.zeros(3)
    with pytest.raises(ValueError, match="testxdata"):
        detect_format(path)


def test_an_unknown_archive_is_refused_with_its_entries(tmp_path):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match=r"readme\.txt"):
        detect_format(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        detect_format(tmp_path / "nowhere.h5")


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_a_truncated_file_is_called_damaged(keras_model, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    (keras_model.save if suffix == ".keras" else keras_model.save_weights)(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged or truncated"):
        detect_format(path)


def test_a_file_above_the_limit_is_refused(tmp_path):
    path = tmp_path / "a.h5"
    with path.open("wb") as file:
        file.truncate(files.SIZE_LIMIT + 1)
    with pytest.raises(ValueError, match=f"{files.SIZE_LIMIT + 1} bytes"):
        detect_format(path)


def test_an_archive_that_unpacks_above_the_limit_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(100_000))
    monkeypatch.setattr(files, "SIZE_LIMIT", 50_000)
    with pytest.raises(ValueError, match="unpack to 100000 bytes"):
        detect_format(path)


def test_an_array_above_the_limit_is_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (files.SIZE_LIMIT,), "f4", chunks=(1024,))
    size = 4 * files.SIZE_LIMIT
    with (
        open_hdf5(path) as file,
        pytest.raises(ValueError, match=f"/x would take {size} bytes"),
    ):
        read_array(file["x"], path)


@pytest.mark.parametrize("value", ["text", np.arange(3)])
def test_only_arrays_of_floats_are_read(tmp_path, value):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = value
    with open_hdf5(path) as file, pytest.raises(ValueError, match="/x is not"):
        read_array(file["x"], path)


def test_a_link_to_another_file_is_refused(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.zeros(3)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink("secret.h5", "/x")
    with open_hdf5(path) as file, pytest.raises(ValueError, match="another file"):
        read_array(file["x"], path)


def test_an_array_stored_in_another_file_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(24))
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        outside = [(str(tmp_path / "secret"), 0, 24)]
        file.create_dataset("x", (3,), "f8", external=outside)
    with open_hdf5(path) as file, pytest.raises(ValueError, match="another file"):
        read_array(file["x"], path)


def test_an_archive_behind_an_hdf5_file_is_not_looked_at(keras_model, tmp_path):
    path, plain = tmp_path / "a.weights.h5", tmp_path / "b.weights.h5"
    keras_model.save_weights(plain)
    path.write_bytes(plain.read_bytes())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", b"not what is checked")
    assert zipfile.is_zipfile(path)
    assert detect_format(path) == detect_format(plain) == "keras3"


def test_weights_that_unpack_above_the_limit_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(100_000))
    monkeypatch.setattr(files, "SIZE_LIMIT", 50_000)
    with pytest.raises(ValueError, match="unpack to 100000"), open_hdf5(path):
        pass
