import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rckeras.datasets import deepsea, load_dataset, tiles, unfinished
from rckeras.datasets.deepsea import convert_deepsea
from rckeras.datasets.file import sidecar_of
from rckeras.sequence.codes import reverse_complement_codes
from tests.rckeras.datasets.bundle import (
    CHUNKS,
    FILES,
    make_rows,
    one_hot,
    save_bundle,
    save_split,
    save_version_7_3,
)

LITTLE = 1500  # bytes of memory, for many tiles


def assert_holds(dataset, held):
    assert dataset.split_sizes() == {name: len(held[name][0]) for name in FILES}
    assert (np.diff(dataset.splits.astype(int)) >= 0).all()
    for split, (codes, labels) in held.items():
        rows = dataset.rows(split)
        np.testing.assert_array_equal(dataset.sequences[rows], codes)
        np.testing.assert_array_equal(dataset.labels[rows], labels)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("limit", [20_000, 1 << 30])
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("chunks", CHUNKS)
def test_rows_are_those_of_the_bundle(tmp_path, chunks, compress, limit):
    held = save_bundle(tmp_path / "in", chunks=CHUNKS[chunks], compress=compress)
    path = tmp_path / "deepsea.h5"
    dataset = convert_deepsea(tmp_path / "in", path, memory_limit=limit)
    assert_holds(dataset, held)
    assert names_in(tmp_path) == ["deepsea.h5", "deepsea.h5.json", "in"]
    assert dataset.targets == tuple(f"target_{i}" for i in range(11))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.tuples(*[st.integers(1, 40)] * 3),
    length=st.integers(1, 20),
    targets=st.integers(1, 30),
    depths=st.tuples(st.integers(1, 20), st.integers(1, 30)),
    reaches=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    channels=st.integers(1, 4),
    limit=st.integers(8000, 40_000),
)
def test_rows_are_those_of_the_bundle_for_any_shape(
    tmp_path, rows, length, targets, depths, reaches, channels, limit
):
    chunks = (depths[0], channels, reaches[0]), (depths[1], reaches[1])
    held = save_bundle(tmp_path / "in", rows, chunks, length=length, targets=targets)
    dataset = convert_deepsea(
        tmp_path / "in", tmp_path / "out.h5", overwrite=True, memory_limit=limit
    )
    assert_holds(dataset, held)


def test_memory_and_chunks_do_not_change_a_byte(tmp_path):
    outputs = set()
    for chunks in CHUNKS.values():
        save_bundle(tmp_path / "in", chunks=chunks)
        for limit in (20_000, 50_000, 1 << 30):
            path = tmp_path / "out.h5"
            convert_deepsea(tmp_path / "in", path, overwrite=True, memory_limit=limit)
            outputs.add(path.read_bytes())
    assert len(outputs) == 1


@pytest.mark.parametrize("chunks", CHUNKS)
def test_memory_stays_within_the_limit_however_many_rows(tmp_path, chunks):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (60_000, 40), dtype="uint8")
    labels = rng.integers(0, 2, (60_000, 24), dtype="uint8")
    chunks = CHUNKS[chunks]
    if chunks:  # long chunks over all rows, short ones not too many
        chunks = tuple((*c[:-1], 60_000 if c[-1] == 1000 else 500) for c in chunks)
    files = {"train": save_split(tmp_path, "train", codes, labels, chunks)}
    limit = 3 << 20
    convert_deepsea(files, tmp_path / "warm.h5", memory_limit=limit)
    tracemalloc.start()
    try:
        convert_deepsea(files, tmp_path / "out.h5", memory_limit=limit)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit + codes.shape[0] + (1 << 20)  # `splits` lie in memory
    assert codes.nbytes < (tmp_path / "out.h5").stat().st_size


def test_each_block_is_read_once(tmp_path, monkeypatch):
    save_bundle(tmp_path / "in", chunks=CHUNKS["middle"])
    read = {}

    def open_counted(path):
        @contextlib.contextmanager
        def opened():
            with open_matlab(path) as arrays:
                for array in arrays.values():
                    count(array)
                yield arrays

        return opened()

    def count(array):
        plain = array.read
        seen = read.setdefault(
            array.name, np.zeros((array.shape[0], array.shape[-1]), int)
        )

        def counted(start, stop, first, last):
            seen[start:stop, first:last] += 1
            return plain(start, stop, first, last)

        array.read = counted

    open_matlab = deepsea.open_matlab
    monkeypatch.setattr(deepsea, "open_matlab", open_counted)
    convert_deepsea(tmp_path / "in", tmp_path / "out.h5", memory_limit=10_000)
    assert len(read) == 6
    assert all((times == 1).all() for times in read.values())


def test_a_bundle_of_some_splits_is_converted(tmp_path):
    held = save_bundle(tmp_path / "in")
    files = {name: tmp_path / "in" / f"{FILES[name]}.mat" for name in ("test", "train")}
    dataset = convert_deepsea(files, tmp_path / "out.h5")
    assert dataset.split_sizes() == {"train": 150, "validation": 0, "test": 12}
    np.testing.assert_array_equal(dataset.sequences[:150], held["train"][0])
    np.testing.assert_array_equal(dataset.sequences[150:], held["test"][0])


def test_targets_get_the_names_that_are_given(tmp_path):
    save_bundle(tmp_path / "in", targets=3)
    dataset = convert_deepsea(
        tmp_path / "in", tmp_path / "o.h5", targets=["a", "b", "c"]
    )
    assert dataset.targets == ("a", "b", "c")


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "a"], [], list("abcd")])
def test_too_few_too_many_or_repeated_targets_are_refused(tmp_path, names):
    save_bundle(tmp_path / "in", targets=3)
    with pytest.raises(
        ValueError, match=rf"3 unique names.*Received: {len(names)} names"
    ):
        convert_deepsea(tmp_path / "in", tmp_path / "out.h5", targets=names)
    assert names_in(tmp_path) == ["in"]


def second_half(one, other):
    return np.concatenate([one, other])


def next_row(one, other):
    return np.stack([one, other], axis=1).reshape(-1, one.shape[1])


def test_the_place_of_reverse_complements_is_noted_for_each_split(tmp_path):
    kinds = {"train": second_half, "validation": next_row, "test": None}
    files = {}
    for split, join in kinds.items():
        codes, labels = make_rows(50, seed=7)
        if join:
            codes = join(codes, reverse_complement_codes(codes))
            labels = join(labels, labels)
        files[split] = save_split(tmp_path, split, codes, labels)
    dataset = convert_deepsea(files, tmp_path / "out.h5")
    expected = {"train": "second half", "validation": "next row", "test": None}
    assert dataset.notes["reverse_complements"] == expected
    sidecar = json.loads((tmp_path / "out.h5.json").read_text())
    assert sidecar["notes"]["reverse_complements"] == expected


def test_reverse_complements_with_other_labels_are_not_noted(tmp_path):
    codes, labels = make_rows(50)
    codes = second_half(codes, reverse_complement_codes(codes))
    labels = second_half(labels, 1 - labels)
    files = {"train": save_split(tmp_path, "train", codes, labels)}
    dataset = convert_deepsea(files, tmp_path / "out.h5")
    assert dataset.notes["reverse_complements"] == {"train": None}


def test_the_sidecar_names_sources_and_command(tmp_path):
    save_bundle(tmp_path / "in")
    convert_deepsea(
        tmp_path / "in", tmp_path / "out.h5", command="rckeras data deepsea"
    )
    sidecar = json.loads((tmp_path / "out.h5.json").read_text())
    assert sidecar["command"] == "rckeras data deepsea"
    assert [Path(source["path"]).name for source in sidecar["sources"]] == [
        "train.mat",
        "valid.mat",
        "test.mat",
    ]
    assert sidecar["sequences"] == {"train": 150, "validation": 8, "test": 12}


# Interruptions


class InterruptionError(Exception):
    pass


def interrupt_after(monkeypatch, blocks):
    """Lets the progress bar raise after some blocks."""

    @contextlib.contextmanager
    def bar(total, description, wanted=True):
        left = [blocks]

        def advance(units):
            left[0] -= units
            if left[0] < 0:
                raise InterruptionError

        yield advance

    monkeypatch.setattr(deepsea, "progress_bar", bar)


def count_tiles(monkeypatch):
    """A list that grows with each tile that is copied."""
    copied = []

    def counted(job, tile, budget, advance):
        tiles.copy_tile(job, tile, budget, advance)
        copied.append((job.array.name, tile))

    monkeypatch.setattr(deepsea, "copy_tile", counted)
    return copied


def test_after_any_interruption_the_rest_is_done_and_the_bytes_are_the_same(
    tmp_path, monkeypatch
):
    save_bundle(tmp_path / "in")
    arguments = {"memory_limit": LITTLE}
    convert_deepsea(tmp_path / "in", tmp_path / "whole.h5", **arguments)
    whole = (tmp_path / "whole.h5").read_bytes()
    with monkeypatch.context() as patch:
        everything = count_tiles(patch)
        convert_deepsea(tmp_path / "in", tmp_path / "whole2.h5", **arguments)
    assert len(everything) > 8
    path, blocks = tmp_path / "out.h5", 0
    while True:
        with monkeypatch.context() as patch:
            copied = count_tiles(patch)
            interrupt_after(patch, blocks)
            try:
                convert_deepsea(tmp_path / "in", path, **arguments)
            except InterruptionError:
                assert not path.exists()
            else:
                break
        with monkeypatch.context() as patch:
            rest = count_tiles(patch)
            convert_deepsea(tmp_path / "in", path, **arguments)
        assert copied + rest == everything
        assert path.read_bytes() == whole
        path.unlink()
        sidecar_of(path).unlink()
        blocks += 1
    assert blocks > len(everything)


KILLED = """
import os, signal, sys
from rckeras.datasets import deepsea, tiles

when, tile = sys.argv[3], int(sys.argv[4])
left = [tile]

def die_at(module, name):
    plain = getattr(module, name)

    def fatal(*args):
        left[0] -= 1
        if when == "before" and left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = plain(*args)
        if when == "after" and left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(module, name, fatal)

die_at(*{"_add": (tiles, "_add"), "notes": (deepsea, "write_sidecar")}[sys.argv[5]])
deepsea.convert_deepsea(sys.argv[1], sys.argv[2], memory_limit=1500)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.parametrize(
    ("when", "tile", "place", "done"),
    [("before", 3, "_add", 3), ("after", 5, "_add", 5), ("before", 0, "notes", None)],
)
def test_a_killed_conversion_is_continued_with_the_same_bytes(
    tmp_path, monkeypatch, when, tile, place, done
):
    save_bundle(tmp_path / "in")
    everything = count_tiles(monkeypatch)
    convert_deepsea(tmp_path / "in", tmp_path / "whole.h5", memory_limit=LITTLE)
    total = len(everything)
    path = tmp_path / "out.h5"
    run = [sys.executable, "-c", KILLED, tmp_path / "in", path, when, str(tile), place]
    root = Path(__file__).resolve().parents[3]
    killed = subprocess.run(run, cwd=root, stderr=subprocess.DEVNULL)
    assert killed.returncode == -signal.SIGKILL
    assert not path.exists()
    everything.clear()
    convert_deepsea(tmp_path / "in", path, memory_limit=LITTLE)
    assert len(everything) == (0 if done is None else total - done)
    assert path.read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert names_in(tmp_path) == [
        "in",
        "out.h5",
        "out.h5.json",
        "whole.h5",
        "whole.h5.json",
    ]


def leave_unfinished(tmp_path, monkeypatch, **arguments):
    with monkeypatch.context() as patch:
        interrupt_after(patch, 4)
        with pytest.raises(InterruptionError):
            convert_deepsea(tmp_path / "in", tmp_path / "out.h5", **arguments)


def touch(folder):
    os.utime(folder / "test.mat", (1, 1))


def grow(folder):
    save_split(folder, "test", *make_rows(14, seed=2))


@pytest.mark.parametrize("change", [touch, grow])
def test_changed_sources_are_refused_after_an_interruption(
    tmp_path, monkeypatch, change
):
    save_bundle(tmp_path / "in")
    leave_unfinished(tmp_path, monkeypatch, memory_limit=LITTLE)
    before = (tmp_path / "out.h5.part").read_bytes()
    change(tmp_path / "in")
    with pytest.raises(ValueError, match=r"out\.h5\.part is of .* other sources"):
        convert_deepsea(tmp_path / "in", tmp_path / "out.h5", memory_limit=LITTLE)
    assert (tmp_path / "out.h5.part").read_bytes() == before
    dataset = convert_deepsea(
        tmp_path / "in", tmp_path / "out.h5", memory_limit=LITTLE, overwrite=True
    )
    codes, _ = make_rows(dataset.split_sizes()["test"], seed=2)
    np.testing.assert_array_equal(dataset.split("test").sequences, codes)


def test_other_options_are_refused_after_an_interruption(tmp_path, monkeypatch):
    save_bundle(tmp_path / "in", targets=2)
    leave_unfinished(tmp_path, monkeypatch, memory_limit=LITTLE, targets=["a", "b"])
    with pytest.raises(ValueError, match="with other targets, memory_limit; delete"):
        convert_deepsea(tmp_path / "in", tmp_path / "out.h5", targets=["b", "a"])


@pytest.mark.parametrize("lost", ["out.h5.part", "out.h5.progress.json"])
def test_a_conversion_of_which_a_file_was_lost_begins_anew(tmp_path, monkeypatch, lost):
    held = save_bundle(tmp_path / "in")
    leave_unfinished(tmp_path, monkeypatch, memory_limit=LITTLE)
    (tmp_path / lost).write_bytes(b"damaged")
    dataset = convert_deepsea(tmp_path / "in", tmp_path / "out.h5", memory_limit=9000)
    assert_holds(dataset, held)


def test_sources_that_change_during_the_conversion_are_noticed(tmp_path, monkeypatch):
    save_bundle(tmp_path / "in")

    def copy_and_touch(*args):
        touch(tmp_path / "in")
        tiles.copy_tile(*args)

    monkeypatch.setattr(deepsea, "copy_tile", copy_and_touch)
    with pytest.raises(ValueError, match="changed during the conversion"):
        convert_deepsea(tmp_path / "in", tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


# What is refused


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path):
    held = save_bundle(tmp_path / "in")
    path = tmp_path / "out.h5"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"out\.h5 exists"):
        convert_deepsea(tmp_path / "in", path)
    assert path.read_text() == "mine"
    assert_holds(convert_deepsea(tmp_path / "in", path, overwrite=True), held)


def test_the_bundle_is_never_replaced(tmp_path):
    save_bundle(tmp_path / "in")
    path = tmp_path / "in" / "valid.mat"
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"a file of the bundle.*valid\.mat"):
        convert_deepsea(tmp_path / "in", path, overwrite=True)
    assert path.read_bytes() == before


def refuse(tmp_path, match, source=None, error=ValueError):
    """The conversion must fail with one line, and leave no output."""
    with pytest.raises(error, match=match) as caught:
        convert_deepsea(source or tmp_path / "in", tmp_path / "out.h5")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.h5").exists()
    return caught.value


@pytest.mark.parametrize("name", ["train.mat", "valid.mat", "test.mat"])
def test_a_missing_file_is_named(tmp_path, name):
    save_bundle(tmp_path / "in")
    (tmp_path / "in" / name).unlink()
    refuse(tmp_path, f"{name}: there is no such file", error=FileNotFoundError)
    assert names_in(tmp_path) == ["in"]


def test_a_missing_folder_is_named(tmp_path):
    refuse(tmp_path, "in: there is no such folder", error=FileNotFoundError)


def test_unknown_splits_are_refused(tmp_path):
    refuse(tmp_path, "Received: names \\['valid'\\]", source={"valid": "valid.mat"})


def test_swapped_files_are_refused_with_what_they_hold(tmp_path):
    save_bundle(tmp_path / "in", length=13)
    (tmp_path / "in" / "valid.mat").rename(tmp_path / "in" / "other")
    (tmp_path / "in" / "test.mat").rename(tmp_path / "in" / "valid.mat")
    refuse(
        tmp_path,
        r"valid.mat must hold the arrays validxdata and validdata. Received: "
        r"testxdata \(13, 4, 12\) uint8, testdata \(11, 12\) uint8",
    )


@pytest.mark.parametrize("split", FILES)
@pytest.mark.parametrize(
    "turn",
    [
        lambda x, y: (y, x),
        lambda x, y: (x.transpose(2, 1, 0), y),
        lambda x, y: (x.transpose(0, 2, 1), y),
        lambda x, y: (x, y.T),
        lambda x, y: (x.transpose(2, 1, 0), y.T),
        lambda x, y: (x[:-1], y),
        lambda x, y: (x[:, :3], y),
        lambda x, y: (x[:, 0], y),
    ],
)
def test_other_axes_are_refused_with_the_shapes_that_were_found(tmp_path, turn, split):
    held = save_bundle(tmp_path / "in")
    name = FILES[split]
    x, y = turn(one_hot(held[split][0]), held[split][1])
    arrays = {f"{name}xdata": x, f"{name}data": y}
    if split == "train":
        save_version_7_3(tmp_path / "in" / "train.mat", arrays, None)
    else:
        scipy.io.savemat(tmp_path / "in" / f"{name}.mat", arrays)
    message = str(refuse(tmp_path, "Received: "))
    assert str(x.T.shape) in message
    assert str(y.T.shape) in message
    assert names_in(tmp_path) == ["in"]


@pytest.mark.parametrize("sizes", [{"length": 12}, {"targets": 12}])
def test_files_that_differ_in_length_or_targets_are_refused(tmp_path, sizes):
    save_bundle(tmp_path / "in")
    save_split(tmp_path / "in", "validation", *make_rows(8, **sizes))
    refuse(tmp_path, "sequences of one length, and the same targets. Received: ")


@pytest.mark.parametrize("split", FILES)
def test_two_bases_at_a_position_end_the_conversion(tmp_path, split):
    held = save_bundle(tmp_path / "in")
    x = one_hot(held[split][0])
    x[5, :, 7] = 1, 0, 0, 1
    name = FILES[split]
    arrays = {f"{name}xdata": x, f"{name}data": held[split][1]}
    if split == "train":
        save_version_7_3(tmp_path / "in" / "train.mat", arrays, CHUNKS["middle"])
    else:
        scipy.io.savemat(tmp_path / "in" / f"{name}.mat", arrays)
    refuse(tmp_path, rf"{name}xdata must .*\[1, 0, 0, 1\] at position 7 of row 5$")


def test_labels_other_than_0_and_1_end_the_conversion(tmp_path):
    held = save_bundle(tmp_path / "in")
    labels = held["test"][1].copy()
    labels[4, 9] = 2
    save_split(tmp_path / "in", "test", held["test"][0], labels)
    refuse(tmp_path, "testdata must hold 0 and 1 only.* 2 at position 9 of row 4$")


@pytest.mark.parametrize("name", ["train.mat", "test.mat"])
def test_files_cut_short_are_refused_before_any_work(tmp_path, name):
    save_bundle(tmp_path / "in")
    whole = (tmp_path / "in" / name).read_bytes()
    for size in (0, 1, 8, 100, 127, 128, 200, *range(300, len(whole), 97)):
        (tmp_path / "in" / name).write_bytes(whole[:size])
        assert name in str(refuse(tmp_path, r"cut short|damaged|no MATLAB|must hold"))
        assert names_in(tmp_path) == ["in"]


def test_a_damaged_chunk_ends_the_conversion_and_a_mended_one_lets_it_go_on(
    tmp_path, monkeypatch
):
    held = save_bundle(tmp_path / "in")
    path = tmp_path / "in" / "train.mat"
    with h5py.File(path) as file:
        chunk = file["trainxdata"].id.get_chunk_info(7)
    stamp = path.stat().st_mtime_ns
    whole = path.read_bytes()
    data = bytearray(whole)
    data[chunk.byte_offset + 15] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(stamp, stamp))
    refuse(tmp_path, r"train.mat is damaged: trainxdata\[.*cannot be read")
    path.write_bytes(whole)
    os.utime(path, ns=(stamp, stamp))
    copied = count_tiles(monkeypatch)
    assert_holds(convert_deepsea(tmp_path / "in", tmp_path / "out.h5"), held)
    assert {name for name, _ in copied} == {"trainxdata"}


@pytest.mark.parametrize("limit", [-1, 0, 300])
def test_too_little_memory_for_a_chunk_is_noticed_before_any_work(tmp_path, limit):
    save_bundle(tmp_path / "in")
    with pytest.raises(ValueError, match=rf"`memory_limit` must .* Received: {limit}$"):
        convert_deepsea(tmp_path / "in", tmp_path / "out.h5", memory_limit=limit)
    assert names_in(tmp_path) == ["in"]


def test_too_little_space_is_noticed_before_any_work(tmp_path, monkeypatch):
    save_bundle(tmp_path / "in")
    usage = shutil.disk_usage(tmp_path)._replace(free=700)
    monkeypatch.setattr(unfinished.shutil, "disk_usage", lambda path: usage)
    error = refuse(tmp_path, "2,720 bytes are needed, 700 are free", error=OSError)
    assert error.errno == errno.ENOSPC
    assert names_in(tmp_path) == ["in"]


def test_a_disk_that_fills_up_meanwhile_is_noticed_before_any_work(
    tmp_path, monkeypatch
):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    save_bundle(tmp_path / "in")
    monkeypatch.setattr(unfinished.os, "posix_fallocate", full, raising=False)
    refuse(tmp_path, "No space left", error=OSError)
    assert names_in(tmp_path) == ["in"]


def test_an_output_that_was_damaged_is_not_given_its_name(tmp_path, monkeypatch):
    save_bundle(tmp_path / "in")

    def copy_and_damage(job, *args):
        tiles.copy_tile(job, *args)
        with job.path.open("rb+") as file:
            file.seek(job.offset + 3)
            file.write(b"\x07")

    monkeypatch.setattr(deepsea, "copy_tile", copy_and_damage)
    refuse(tmp_path, r"out\.h5\.part was damaged")


def test_the_file_opens_as_a_dataset_with_packed_labels(tmp_path):
    held = save_bundle(tmp_path / "in", targets=919, length=5)
    convert_deepsea(tmp_path / "in", tmp_path / "out.h5")
    assert_holds(load_dataset(tmp_path / "out.h5"), held)
    with h5py.File(tmp_path / "out.h5") as file:
        packed = file["labels_packed"][:150]
        assert file["sequences"].chunks is None
    np.testing.assert_array_equal(packed, np.packbits(held["train"][1], axis=1))
