import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rckeras.datasets.tiles import (
    Job,
    encode_bases,
    encode_labels,
    plan_blocks,
    plan_budget,
    plan_tiles,
)
from rckeras.io.matlab import MatlabArray

sizes = st.integers(1, 40)


def make_array(shape, chunks=None, dtype="uint8"):
    chunks = chunks or shape
    return MatlabArray(Path("train.mat"), "trainxdata", shape, np.dtype(dtype), chunks)


def make_job(positions, rows, chunks, bits):
    """A job whose array has the shape of sequences, or of labels."""
    shape = (positions, 4, rows) if bits == 8 else (positions, rows)
    chunks = (chunks[0], *(1 for _ in shape[1:-1]), chunks[1])
    width = -(-positions * bits // 8)
    return Job(make_array(shape, chunks), bits, None, Path("out"), 0, width)


def least_memory(job):
    """What the message about too little memory asks for."""
    with pytest.raises(ValueError, match="`memory_limit` must be at least") as caught:
        plan_budget(job.array, job.bits, 1)
    return int(str(caught.value).split("at least ")[1].split()[0])


def one_hot(codes):
    """`(positions, 4, rows)`, channels A, G, C, T, from codes `(positions, rows)`."""
    return np.stack([codes == code for code in (0, 2, 1, 3)], axis=1).astype("uint8")


@given(
    positions=sizes,
    rows=sizes,
    depth=st.integers(1, 45),
    reach=st.integers(1, 45),
    bits=st.sampled_from([1, 8]),
    more=st.integers(0, 200) | st.integers(0, 20000),
)
@example(positions=37, rows=22, depth=7, reach=41, bits=1, more=2)
def test_blocks_cover_an_array_once_in_whole_chunks_within_the_memory(
    positions, rows, depth, reach, bits, more
):
    job = make_job(positions, rows, (depth, reach), bits)
    limit = least_memory(job) + more
    budget = plan_budget(job.array, bits, limit)
    covered = np.zeros((positions, rows), int)
    for tile in plan_tiles(job, budget):
        columns = job.columns(tile.start, tile.stop)
        collected = (columns.stop - columns.start) * (tile.last - tile.first)
        read = 0
        for block in plan_blocks(job, tile, budget):
            assert block.start % depth == 0
            assert block.first % reach == 0
            assert block.stop % depth == 0 or block.stop == positions
            assert block.last % reach == 0 or block.last == rows
            assert tile.start <= block.start < block.stop <= tile.stop
            assert tile.first <= block.first < block.last <= tile.last
            size = (block.stop - block.start) * (block.last - block.first)
            read = max(read, size * (4 if bits == 8 else 1))
            covered[block.start : block.stop, block.first : block.last] += 1
        assert collected <= budget.tile
        assert collected + 2 * read + budget.window <= limit
    assert (covered == 1).all()


@pytest.mark.parametrize("limit", [-1, 0, 1000])
def test_too_little_memory_is_refused_with_what_is_needed(limit):
    job = make_job(40, 30, (40, 30), 8)
    assert least_memory(job) > 2 * 4 * 40 * 30
    with pytest.raises(ValueError, match=rf"chunks of \(40, 1, 30\).*: {limit}$"):
        plan_budget(job.array, 8, limit)


def test_tiles_of_short_chunks_have_all_positions_and_of_long_ones_all_rows():
    long, short = (make_job(1000, 4000, chunks, 8) for chunks in ((1, 4000), (1000, 8)))
    budget = plan_budget(long.array, 8, 400_000)
    tiles = plan_tiles(long, budget)
    assert {(tile.first, tile.last) for tile in tiles} == {(0, 4000)}
    assert len(tiles) > 10
    tiles = plan_tiles(short, plan_budget(short.array, 8, 400_000))
    assert {(tile.start, tile.stop) for tile in tiles} == {(0, 1000)}
    assert len(tiles) > 10


@given(seed=st.integers(0, 1000), positions=sizes, rows=sizes)
def test_bases_are_read_in_the_order_a_g_c_t_and_empty_positions_as_n(
    seed, positions, rows
):
    codes = np.random.default_rng(seed).integers(0, 5, (positions, rows))
    block = one_hot(codes)
    np.testing.assert_array_equal(encode_bases(block, None, 0, 0), codes)
    for dtype in ("bool", "int16", "float32", "float64"):
        got = encode_bases(block.astype(dtype), None, 0, 0)
        assert got.dtype == np.uint8
        np.testing.assert_array_equal(got, codes)


@given(seed=st.integers(0, 1000), targets=sizes, rows=sizes, start=st.integers(0, 30))
def test_labels_are_packed_from_any_target_on_as_numpy_packs_them(
    seed, targets, rows, start
):
    labels = np.random.default_rng(seed).integers(0, 2, (targets, rows), dtype="uint8")
    everything = np.zeros((start + targets, rows), "uint8")
    everything[start:] = labels
    expected = np.packbits(everything, axis=0)[start // 8 :]
    got = encode_labels(labels, make_array(labels.shape), start, 0)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("value", [2, 255])
@pytest.mark.parametrize("encode", [encode_bases, encode_labels])
def test_other_numbers_are_refused_with_their_place(encode, value):
    block = one_hot(np.zeros((6, 7), int))
    if encode is encode_labels:
        block = block[:, 0]
    block[3, ..., 5] = value
    with pytest.raises(
        ValueError,
        match=rf"train.mat: trainxdata must hold 0 and 1 only.*{value} at position 103 "
        "of row 1005",
    ):
        encode(block, make_array(block.shape), 100, 1000)


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan])
def test_fractions_are_refused(value):
    block = np.zeros((3, 4, 2))
    block[1, 2, 1] = value
    with pytest.raises(ValueError, match=rf"Received: {value} at position 1 of row 1"):
        encode_bases(block, make_array(block.shape), 0, 0)


def test_two_bases_at_a_position_are_refused_with_their_place():
    for one, other in itertools.combinations(range(4), 2):
        block = one_hot(np.zeros((6, 7), int))
        block[2, :, 4] = 0
        block[2, [one, other], 4] = 1
        found = block[2, :, 4].tolist()
        with pytest.raises(ValueError, match="must be one-hot") as caught:
            encode_bases(block, make_array(block.shape), 10, 20)
        assert f"Received: {found} at position 12 of row 24" in str(caught.value)
