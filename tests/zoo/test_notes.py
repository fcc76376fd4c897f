import zipfile

import keras
import numpy as np
import pytest

from zoo.notes import Notes, read_notes, write_notes


@pytest.fixture
def saved(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.save(tmp_path / "a.keras")
    return model, tmp_path / "a.keras"


@pytest.mark.parametrize("names", [("a", "b"), ("µ, ν", '"quoted"'), ()])
@pytest.mark.parametrize("n_value", [0.0, 0.25, 1 / 3])
def test_notes_come_back_and_the_network_with_them(saved, names, n_value):
    model, path = saved
    assert read_notes(path) is None
    write_notes(path, Notes(names, n_value))
    assert read_notes(path) == Notes(names, n_value)
    x = np.ones((2, 3))
    again = keras.saving.load_model(path).predict(x, verbose=0)
    np.testing.assert_array_equal(again, model.predict(x, verbose=0))


@pytest.mark.parametrize("path", [None, "default", "nowhere.keras", __file__])
def test_what_is_no_archive_has_none(path):
    assert read_notes(path) is None


@pytest.mark.parametrize("text", ["{", "[1]", '{"targets": 3, "n_value": 0}', "{}"])
def test_damaged_notes_are_named(saved, text):
    _, path = saved
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("rckeras.json", text)
    with pytest.raises(ValueError, match=r"a\.keras: its rckeras\.json is damaged"):
        read_notes(path)
