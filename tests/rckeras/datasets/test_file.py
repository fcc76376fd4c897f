import hashlib
import json
import multiprocessing
import pickle
import shutil

import h5py
import numpy as np
import pytest

from rckeras.datasets import load_dataset, save_dataset
from rckeras.datasets.file import (
    PackedLabels,
    allocate,
    is_dataset,
    map_array,
    sidecar_of,
)
from tests.rckeras.datasets.sets import make_dataset


def assert_same(got, expected):
    np.testing.assert_array_equal(got.sequences, expected.sequences)
    np.testing.assert_array_equal(np.asarray(got.labels), expected.labels)
    assert got.labels.dtype == expected.labels.dtype
    assert got.targets == expected.targets
    assert got.notes == expected.notes
    assert set(got.columns) == set(expected.columns)
    for name, column in expected.columns.items():
        np.testing.assert_array_equal(got.columns[name], column)
    assert (got.splits is None) == (expected.splits is None)
    if expected.splits is not None:
        np.testing.assert_array_equal(got.splits, expected.splits)
    assert (got.truth is None) == (expected.truth is None)
    if expected.truth is not None:
        assert got.truth.motifs == expected.truth.motifs
        for name in ("sequence", "motif", "start", "end", "strand", "labels"):
            np.testing.assert_array_equal(
                getattr(got.truth, name), getattr(expected.truth, name)
            )


@pytest.mark.parametrize(
    "dataset",
    [
        make_dataset(),
        make_dataset(targets=64),
        make_dataset(targets=65),
        make_dataset(targets=919),
        make_dataset(splits=False, truth=None, columns={}, notes={}),
        make_dataset(labels=np.random.default_rng(0).random((97, 3), "float32")),
        make_dataset(rows=1, length=1000),
    ],
)
def test_what_is_saved_is_loaded(tmp_path, dataset):
    save_dataset(dataset, tmp_path / "set.h5")
    assert_same(load_dataset(tmp_path / "set.h5"), dataset)


def test_a_loaded_dataset_can_be_saved_again_with_the_same_bytes(tmp_path):
    first, second = tmp_path / "a.h5", tmp_path / "b.h5"
    save_dataset(make_dataset(targets=100), first)
    save_dataset(load_dataset(first), second)
    assert first.read_bytes() == second.read_bytes()


def test_arrays_stay_on_the_disk(tmp_path):
    save_dataset(make_dataset(targets=100), tmp_path / "set.h5")
    dataset = load_dataset(tmp_path / "set.h5")
    assert isinstance(dataset.sequences, np.memmap)
    assert isinstance(dataset.labels.bits, np.memmap)


def test_numpy_and_h5py_alone_read_the_file(tmp_path):
    dataset = make_dataset(targets=100)
    save_dataset(dataset, tmp_path / "set.h5")
    with h5py.File(tmp_path / "set.h5") as file:
        x = np.eye(5, 4, dtype="float32")[file["sequences"][:]]
        y = np.unpackbits(file["labels_packed"][:], axis=1, count=len(file["targets"]))
    np.testing.assert_array_equal(x, dataset.arrays()[0])
    np.testing.assert_array_equal(y, dataset.labels)


@pytest.mark.parametrize("targets", [3, 100])
def test_another_process_gets_the_path_and_not_the_data(tmp_path, targets):
    dataset = make_dataset(rows=2000, targets=targets)
    save_dataset(dataset, tmp_path / "set.h5")
    loaded = load_dataset(tmp_path / "set.h5")
    assert len(pickle.dumps(loaded)) < 1000
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_sum_of, (loaded,)) == int(dataset.sequences.sum())
    part = loaded.split("train")
    assert_same(pickle.loads(pickle.dumps(part)), dataset.split("train"))


def _sum_of(dataset):
    return int(dataset.sequences.sum())


def test_packed_labels_behave_like_an_array():
    labels = np.random.default_rng(0).integers(0, 2, (20, 13)).astype("uint8")
    packed = PackedLabels(np.packbits(labels, axis=1), 13)
    assert packed.shape == labels.shape
    assert len(packed) == len(labels)
    np.testing.assert_array_equal(np.asarray(packed), labels)
    np.testing.assert_array_equal(np.asarray(packed, "float32"), labels)
    np.testing.assert_array_equal(packed[[5, 2, 2]], labels[[5, 2, 2]])
    np.testing.assert_array_equal(packed[7], labels[7])
    np.testing.assert_array_equal(np.asarray(packed[3:9]), labels[3:9])


def test_the_sidecar_says_how_the_file_was_made(tmp_path):
    source = tmp_path / "peaks.bed"
    source.write_text("chr1\t1\t2\n")
    path = tmp_path / "set.h5"
    save_dataset(
        make_dataset(), path, command="rckeras data x", seed=7, sources=[source]
    )
    found = json.loads(sidecar_of(path).read_text())
    assert sidecar_of(path).name == "set.h5.json"
    assert found["command"] == "rckeras data x"
    assert found["seed"] == 7
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["size"] == path.stat().st_size
    assert found["notes"] == make_dataset().notes
    assert found["sequences"] == make_dataset().split_sizes()
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert found["sources"] == [{"path": str(source), "size": 9, "sha256": digest}]
    assert set(found["versions"]) >= {"rckeras", "keras", "numpy", "h5py", "python"}


def test_a_file_is_not_overwritten_without_being_told(tmp_path):
    path = tmp_path / "set.h5"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"set.h5 exists.*overwrite=True"):
        save_dataset(make_dataset(), path)
    assert path.read_text() == "mine"
    save_dataset(make_dataset(), path, overwrite=True)
    assert_same(load_dataset(path), make_dataset())


def test_a_file_of_the_name_of_the_sidecar_is_kept(tmp_path):
    (tmp_path / "set.h5.json").write_text("mine")
    with pytest.raises(FileExistsError, match=r"set\.h5\.json exists"):
        save_dataset(make_dataset(), tmp_path / "set.h5")
    assert (tmp_path / "set.h5.json").read_text() == "mine"
    save_dataset(make_dataset(), tmp_path / "set.h5", overwrite=True)
    assert json.loads((tmp_path / "set.h5.json").read_text())["targets"] == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_write_leaves_nothing_and_replaces_nothing(
    tmp_path, monkeypatch, error
):
    save_dataset(make_dataset(seed=1), tmp_path / "set.h5")
    (tmp_path / "set.h5.part").write_text("of an unfinished conversion")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def interrupt(*_):
        raise error

    monkeypatch.setattr("rckeras.datasets.file._write_truth", interrupt)
    with pytest.raises(error):
        save_dataset(make_dataset(), tmp_path / "set.h5", overwrite=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_gets_its_name_when_it_is_complete(tmp_path, monkeypatch):
    seen = []

    def look(*_):
        seen.append((tmp_path / "set.h5").exists())

    monkeypatch.setattr("rckeras.datasets.file._write_truth", look)
    save_dataset(make_dataset(), tmp_path / "set.h5")
    assert seen == [False]
    assert (tmp_path / "set.h5").exists()


@pytest.mark.parametrize("name", ["sequences", "labels", "targets"])
def test_a_dataset_without_one_of_its_arrays_is_refused(tmp_path, name):
    path = tmp_path / "set.h5"
    save_dataset(make_dataset(), path)
    with h5py.File(path, "a") as file:
        del file[name]
    with pytest.raises(ValueError, match=rf"set\.h5 was damaged: it has no {name}"):
        load_dataset(path)


def test_a_folder_is_no_dataset(tmp_path):
    assert not is_dataset(tmp_path)
    with pytest.raises(ValueError, match="is a folder"):
        load_dataset(tmp_path)


def test_a_missing_folder_or_source_is_named_before_anything_is_written(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        save_dataset(make_dataset(), tmp_path / "no" / "set.h5")
    with pytest.raises(FileNotFoundError, match=r"missing\.bed"):
        save_dataset(
            make_dataset(), tmp_path / "set.h5", sources=[tmp_path / "missing.bed"]
        )
    assert not list(tmp_path.iterdir())


def test_files_of_other_kinds_are_told_apart(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["layer"] = [1]
    assert not is_dataset(path)
    with pytest.raises(ValueError, match=r"no dataset of rckeras.*It holds: layer"):
        load_dataset(path)
    path.write_text("ACGT")
    assert not is_dataset(path)
    with pytest.raises(ValueError, match="is no HDF5 file"):
        load_dataset(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_dataset(tmp_path / "none.h5")
    save_dataset(make_dataset(), path, overwrite=True)
    assert is_dataset(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, share):
    save_dataset(make_dataset(), tmp_path / "set.h5")
    data = (tmp_path / "set.h5").read_bytes()
    cut = tmp_path / "cut.h5"
    cut.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match=r"cut.h5 is (cut short|no HDF5 file)"):
        load_dataset(cut)


def test_a_later_version_is_refused(tmp_path):
    path = tmp_path / "set.h5"
    save_dataset(make_dataset(), path)
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 2
    with pytest.raises(ValueError, match=r"version 2.*reads up to 1"):
        load_dataset(path)


def test_a_moved_file_loads(tmp_path):
    save_dataset(make_dataset(), tmp_path / "set.h5")
    shutil.move(tmp_path / "set.h5", tmp_path / "moved.h5")
    assert_same(load_dataset(tmp_path / "moved.h5"), make_dataset())


@pytest.mark.parametrize("shape", [(5, 7), (1000, 3), (1,)])
def test_an_allocated_array_can_be_mapped_and_filled(tmp_path, shape):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        allocate(file, "array", shape, "uint8")
        mapped = map_array(file["array"], path, "r+")
    values = np.random.default_rng(0).integers(0, 255, shape)
    mapped[...] = values
    mapped.flush()
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["array"][()], values)
