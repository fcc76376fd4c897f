from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.datasets import SPLITS, Dataset
from rckeras.datasets.dataset import centre
from rckeras.sequence import base_codes, codes_to_one_hot
from tests.rckeras.datasets.sets import make_dataset


@given(st.lists(st.integers(0, 96), min_size=1, max_size=40))
def test_taking_rows_takes_every_field_of_them(rows):
    whole = make_dataset()
    taken = whole.take(np.array(rows))
    np.testing.assert_array_equal(taken.sequences, whole.sequences[rows])
    np.testing.assert_array_equal(taken.labels, whole.labels[rows])
    np.testing.assert_array_equal(taken.splits, whole.splits[rows])
    for name, column in whole.columns.items():
        np.testing.assert_array_equal(taken.columns[name], column[rows])


def test_rows_may_be_told_by_booleans():
    dataset = make_dataset()
    wanted = dataset.labels[:, 0] == 1
    taken = dataset.take(wanted)
    np.testing.assert_array_equal(taken.sequences, dataset.sequences[wanted])
    with pytest.raises(ValueError, match="a row at least"):
        dataset.take(np.zeros(97, bool))


@given(st.lists(st.integers(0, 96), min_size=1, max_size=40))
def test_the_truth_follows_its_sequences(rows):
    whole, taken = make_dataset(), make_dataset().take(np.array(rows))
    assert (np.diff(taken.truth.sequence) >= 0).all()
    np.testing.assert_array_equal(taken.truth.labels, whole.truth.labels[rows])
    for new, old in enumerate(rows):
        for name in ("motif", "start", "end", "strand"):
            got = getattr(taken.truth, name)[taken.truth.sequence == new]
            expected = getattr(whole.truth, name)[whole.truth.sequence == old]
            np.testing.assert_array_equal(got, expected)


def test_splits_divide_the_rows():
    dataset = make_dataset()
    rows = [dataset.rows(name) for name in SPLITS]
    assert sorted(np.concatenate(rows)) == list(range(len(dataset)))
    assert {n: len(r) for n, r in zip(SPLITS, rows, strict=True)} == (
        dataset.split_sizes()
    )
    for number, name in enumerate(SPLITS):
        assert (dataset.splits[dataset.rows(name)] == number).all()
        assert dataset.split(name).splits is None


def test_rows_with_a_label_among_some_targets():
    dataset = make_dataset(rows=500, targets=5)
    rows = dataset.rows("train", any_of=["target 3", "target 1"])
    wanted = dataset.labels[:, [1, 3]].any(axis=1) & (dataset.splits == 0)
    np.testing.assert_array_equal(rows, np.flatnonzero(wanted))
    np.testing.assert_array_equal(rows, dataset.rows("train", any_of=[3, 1]))


@pytest.mark.parametrize("block", [1, 7, 500])
def test_rows_are_looked_at_in_blocks(monkeypatch, block):
    dataset = make_dataset(rows=100)
    whole = dataset.rows(any_of=[0])
    monkeypatch.setattr("rckeras.datasets.dataset._BLOCK", block)
    np.testing.assert_array_equal(dataset.rows(any_of=[0]), whole)


def test_arrays_are_one_hot_codes_and_float_labels():
    dataset = make_dataset()
    x, y = dataset.arrays("test", n_value=0.25, length=11)
    rows = dataset.rows("test")
    expected = codes_to_one_hot(dataset.sequences[rows, 10:21], n_value=0.25)
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(y, dataset.labels[rows])
    assert (x.dtype, y.dtype) == ("float32", "float32")


@given(st.integers(1, 60), st.integers(1, 60))
def test_the_centre_is_cut_alike_from_both_ends(found, length):
    if length > found:
        with pytest.raises(ValueError, match=f"1 to {found}. Received: {length}"):
            centre(found, length)
        return
    window = centre(found, length)
    assert window.stop - window.start == length
    assert found - window.stop - window.start in (0, 1)


def test_class_weights_make_up_for_the_imbalance():
    labels = np.array([[1], [0], [0], [0], [1], [0]], "uint8")
    dataset = make_dataset(rows=6, targets=1, labels=labels, splits=False, truth=None)
    assert dataset.class_weight() == {0: 1.0, 1: 2.0}
    dataset = replace(dataset, splits=np.array([0, 0, 0, 0, 1, 1], "uint8"))
    assert dataset.class_weight() == {0: 1.0, 1: 3.0}
    assert dataset.class_weight(None) == {0: 1.0, 1: 2.0}


def test_class_weights_of_one_class_or_of_many_targets_are_refused():
    with pytest.raises(ValueError, match="Received: 3 targets"):
        make_dataset().class_weight()
    ones = np.ones((9, 1), "uint8")
    dataset = make_dataset(rows=9, targets=1, labels=ones, splits=False)
    with pytest.raises(ValueError, match="9 positives among 9 labels"):
        dataset.class_weight()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sequences": np.zeros((97, 5), int)}, r"uint8 .* Received: int64 \(97, 5\)"),
        ({"sequences": np.zeros((0, 5), "uint8")}, r"not empty.*\(0, 5\)"),
        ({"sequences": np.full((97, 5), 9, "uint8")}, "from 0 to 4. Received: 9"),
        ({"labels": np.zeros((96, 3), "uint8")}, r"\(97, 3\).*Received: \(96, 3\)"),
        ({"labels": np.zeros((97, 3))}, "uint8 .* float32. Received: float64"),
        ({"targets": ("a", "b", "a")}, "'a' twice"),
        ({"splits": np.full(97, 3, "uint8")}, "from 0 to 2"),
        ({"labels": np.full((97, 3), 7, "uint8")}, "must be 0 or 1 .*Received: 7"),
        ({"labels": np.full((97, 3), np.nan, "float32")}, "finite.*Received: nan"),
        ({"labels": [[0, 1, 0]] * 97}, "an array. Received: a list"),
        ({"targets": "abc"}, "list of names. Received: 'abc'"),
        ({"columns": {"a/b": np.arange(97)}}, "without slashes. Received: 'a/b'"),
        ({"columns": {"": np.arange(97)}}, "without slashes"),
        ({"notes": {"count": np.int64(3)}}, "what JSON can hold"),
        ({"columns": {"name": np.array(["x"])}}, r"column 'name' .*\(97,\)"),
    ],
)
def test_fields_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(make_dataset(), **change)


def test_unknown_splits_and_targets_are_refused():
    dataset = make_dataset()
    with pytest.raises(ValueError, match="'valid'"):
        dataset.rows("valid")
    with pytest.raises(ValueError, match=r"3 targets. Received: \['target 7'\]"):
        dataset.target_indices(["target 1", "target 7"])
    with pytest.raises(ValueError, match=r"different names.*\[1, 'target 1'\]"):
        dataset.target_indices([1, "target 1"])
    with pytest.raises(ValueError, match="has no splits"):
        make_dataset(splits=False).rows("train")


def test_an_empty_split_is_refused_with_what_there_is():
    codes = base_codes(["ACGT", "GGGG"])
    labels = np.array([[1], [0]], "uint8")
    dataset = Dataset(codes, labels, ("a",), np.zeros(2, "uint8"))
    with pytest.raises(ValueError, match=r"split='test'.*'train': 2"):
        dataset.split("test")


@pytest.mark.parametrize("rows", [[8, 9, 10, 11], [20], [-11], [-1, 10]])
def test_rows_that_are_not_there_are_refused(rows):
    dataset = Dataset(np.zeros((10, 4), "uint8"), np.ones((10, 1), "uint8"), ("a",))
    with pytest.raises(IndexError, match=f"the 10 that there are.*{min(rows)} to"):
        dataset.take(rows)


def test_rows_may_be_counted_from_the_end():
    codes = np.arange(40, dtype="uint8").reshape(10, 4) % 4
    dataset = Dataset(codes, np.arange(10, dtype="float32")[:, None], ("a",))
    assert dataset.take([-2, -1]).labels[:, 0].tolist() == [8, 9]
    assert dataset.take([-1, 0]).labels[:, 0].tolist() == [9, 0]


@pytest.mark.parametrize("name", ["a\tb", "a\nb", "b\r"])
def test_names_that_would_part_a_table_are_refused(name):
    codes, labels = np.zeros((2, 4), "uint8"), np.zeros((2, 1), "uint8")
    with pytest.raises(ValueError, match="column 'name' must have no tabs"):
        Dataset(codes, labels, ("a",), columns={"name": np.array(["fine", name])})
