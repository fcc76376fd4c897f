import struct
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rckeras.io.matlab import open_matlab

DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "?")


def numbers(shape, dtype="u1", seed=0):
    values = np.random.default_rng(seed).integers(0, 100, shape)
    return (values % 2 if dtype == "?" else values).astype(dtype)


def read_all(path, name, step=1):
    """The array in MATLAB's order of axes, read in blocks."""
    with open_matlab(path) as arrays:
        array = arrays[name]
        blocks = [
            array.read(start, min(start + step, array.shape[0]), 0, array.shape[-1])
            for start in range(0, array.shape[0], step)
        ]
        assert all(block.dtype == array.dtype for block in blocks)
        return np.concatenate(blocks).T


def save_hdf5(path, arrays, **options):
    """A file as MATLAB 7.3 writes it: 512 bytes of its own, then HDF5."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T, **options)
    with path.open("rb+") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))


def element(order, kind, data):
    padded = data + bytes(-len(data) % 8)
    return struct.pack(f"{order}II", kind, len(data)) + padded


def save_version_5(path, array, order, kind, compress, shape=None):
    """A file of one array, written from the specification."""
    shape = struct.pack(f"{order}{array.ndim}i", *(shape or array.shape))
    data = array.astype(array.dtype.newbyteorder(order)).tobytes(order="F")
    parts = ((6, struct.pack(f"{order}II", 6, 0)), (5, shape), (1, b"xdata"))
    body = b"".join(element(order, *part) for part in (*parts, (kind, data)))
    matrix = element(order, 14, body)
    if compress:
        packed = zlib.compress(matrix)
        matrix = struct.pack(f"{order}II", 15, len(packed)) + packed
    mark = struct.pack(f"{order}HH", 0x0100, 0x4D49)
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + mark + matrix)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    dtype=st.sampled_from(DTYPES),
    compress=st.booleans(),
    name=st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True),
    step=st.integers(1, 10),
)
def test_blocks_of_version_5_are_what_scipy_wrote(
    tmp_path, shape, dtype, compress, name, step
):
    array = numbers((*shape, 1), dtype)
    scipy.io.savemat(tmp_path / "a.mat", {name: array}, do_compression=compress)
    np.testing.assert_array_equal(read_all(tmp_path / "a.mat", name, step), array)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compress", [False, True])
def test_doubles_that_are_stored_as_bytes_are_read_in_either_byte_order(
    tmp_path, order, compress
):
    for kind, dtype in ((2, "u1"), (3, "i2"), (9, "f8")):
        array = numbers((7, 4, 5), dtype)
        save_version_5(tmp_path / "a.mat", array, order, kind, compress)
        np.testing.assert_array_equal(read_all(tmp_path / "a.mat", "xdata", 2), array)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("rows", [6, 8])
def test_a_shape_that_does_not_fit_the_data_is_refused(tmp_path, compress, rows):
    path = tmp_path / "a.mat"
    save_version_5(path, numbers((7, 4, 5)), "<", 2, compress, shape=(rows, 4, 5))
    with (
        pytest.raises(ValueError, match=rf"xdata of shape \(5, 4, {rows}\) has 140 b"),
        open_matlab(path),
    ):
        pass


@pytest.mark.parametrize("compress", [False, True])
def test_a_large_array_is_read_over_many_pieces_of_compressed_data(tmp_path, compress):
    array = numbers((3000, 4, 40), seed=3)
    scipy.io.savemat(tmp_path / "a.mat", {"x": array}, do_compression=compress)
    np.testing.assert_array_equal(read_all(tmp_path / "a.mat", "x", 7), array)


@pytest.mark.parametrize("compress", [False, True])
def test_arrays_are_read_in_turn_from_any_block_and_for_any_rows(tmp_path, compress):
    arrays = {"x": numbers((9, 4, 6), seed=1), "y": numbers((9, 6), seed=2)}
    scipy.io.savemat(tmp_path / "a.mat", arrays, do_compression=compress)
    with open_matlab(tmp_path / "a.mat") as found:
        for start, stop, first, last in ((4, 6, 0, 9), (1, 2, 3, 5), (0, 3, 8, 9)):
            for name, array in arrays.items():
                block = found[name].read(start, stop, first, last)
                expected = array.T[start:stop, ..., first:last]
                np.testing.assert_array_equal(block, expected)


@pytest.mark.parametrize("compress", [False, True])
def test_what_is_no_plain_array_of_numbers_is_passed_over(tmp_path, compress):
    cells = np.empty(2, dtype=object)
    cells[:] = "a", np.ones(3)
    others = {
        "text": "ACGT",
        "cells": cells,
        "record": {"a": 1, "b": "c"},
        "sparse": scipy.sparse.eye(5, format="csc"),
        "complex": np.ones((3, 3)) * 1j,
    }
    array = numbers((5, 4))
    arrays = {**others, "x": array}
    scipy.io.savemat(tmp_path / "a.mat", arrays, do_compression=compress)
    with open_matlab(tmp_path / "a.mat") as found:
        assert list(found) == ["x"]
    np.testing.assert_array_equal(read_all(tmp_path / "a.mat", "x"), array)


def attempt(path, name):
    """The array, or the message of the error; `None` if there is no such array."""
    try:
        return read_all(path, name)
    except KeyError:
        return None
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("compress", [False, True])
def test_version_5_cut_short_anywhere_is_refused_or_lacks_the_array(tmp_path, compress):
    path = tmp_path / "a.mat"
    arrays = {"first": numbers((6, 4, 3)), "second": numbers((6, 2))}
    scipy.io.savemat(path, arrays, do_compression=compress)
    whole = path.read_bytes()
    lacking = 0
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        found = attempt(path, "second")
        lacking += found is None
        assert found is None or (str(path) in found and "\n" not in found)
    assert lacking == 1  # cut between the arrays


def test_no_flipped_bit_of_compressed_data_gives_other_numbers(tmp_path):
    path, array = tmp_path / "a.mat", numbers((40, 4, 5))
    scipy.io.savemat(path, {"xdata": array}, do_compression=True)
    whole = path.read_bytes()
    errors = 0
    for place in range(124, len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        found = attempt(path, "xdata")
        if isinstance(found, np.ndarray):
            np.testing.assert_array_equal(found, array)
        elif found is not None:
            assert str(path) in found
            errors += 1
    assert errors > 0.9 * (len(whole) - 124)


@pytest.mark.parametrize("chunks", [None, (1, 4, 9), (5, 2, 3)])
@pytest.mark.parametrize("dtype", ["u1", "f8"])
def test_blocks_of_version_7_3_are_those_of_the_array(tmp_path, chunks, dtype):
    array = numbers((9, 4, 6), dtype)
    save_hdf5(tmp_path / "a.mat", {"x": array}, chunks=chunks)
    np.testing.assert_array_equal(read_all(tmp_path / "a.mat", "x", 4), array)
    with open_matlab(tmp_path / "a.mat") as arrays:
        block = arrays["x"].read(2, 5, 3, 8)
        assert arrays["x"].chunks[:2] == (chunks or (1, 1))[:2]
    np.testing.assert_array_equal(block, array.T[2:5, :, 3:8])


def test_groups_and_texts_of_version_7_3_are_passed_over(tmp_path):
    path = tmp_path / "a.mat"
    save_hdf5(path, {"x": numbers((9, 4))})
    with h5py.File(path, "r+") as file:
        file.create_group("#refs#")
        file["names"] = ["ACGT", "TTT"]
    with open_matlab(path) as arrays:
        assert list(arrays) == ["x"]


def test_version_7_3_cut_short_anywhere_is_refused(tmp_path):
    path = tmp_path / "a.mat"
    save_hdf5(path, {"x": numbers((9, 4, 6))}, chunks=(3, 4, 5), compression="gzip")
    whole = path.read_bytes()
    for size in (*range(0, 700), *range(700, len(whole), 37), len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"cut short|no MATLAB") as caught:
            read_all(path, "x")
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_damaged_chunk_is_reported_with_its_place(tmp_path):
    path = tmp_path / "a.mat"
    save_hdf5(path, {"x": numbers((9, 4, 6))}, chunks=(3, 4, 9), compression="gzip")
    with h5py.File(path, "r") as file:
        chunk = file["x"].id.get_chunk_info(1)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + 10] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"x\[3:6, \.\.\., 0:9\] cannot be read"):
        read_all(path, "x", 3)


@pytest.mark.parametrize("data", [b"", b"MAT", b">chr1\nACGT\n" * 50, bytes(300)])
def test_other_files_are_refused_with_their_first_bytes(tmp_path, data):
    (tmp_path / "a.mat").write_bytes(data)
    with (
        pytest.raises(ValueError, match="no MATLAB file of version") as caught,
        open_matlab(tmp_path / "a.mat"),
    ):
        pass
    assert repr(data[:16]) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=r"a\.mat"),
        open_matlab(tmp_path / "a.mat"),
    ):
        pass
