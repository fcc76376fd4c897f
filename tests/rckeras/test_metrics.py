import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.metrics import StrandTally, binary_metrics, strand_agreement
from tests.reference import metrics as reference

# Few different scores, so that many are ties.
few = st.sampled_from([0.0, 0.25, 0.5, 1.0])
many = st.floats(0, 1, width=32)
columns = st.integers(2, 40).flatmap(
    lambda rows: st.tuples(
        st.lists(st.integers(0, 1), min_size=rows, max_size=rows).filter(
            lambda labels: 0 < sum(labels) < len(labels)
        ),
        st.one_of(
            st.lists(few, min_size=rows, max_size=rows),
            st.lists(many, min_size=rows, max_size=rows),
        ),
    )
)


def column(values, dtype="float32"):
    return np.array(values, dtype)[:, None]


@given(drawn=columns)
def test_auroc_is_the_share_of_pairs_in_order(drawn):
    labels, scores = drawn
    found = binary_metrics(column(labels, "uint8"), column(scores))
    np.testing.assert_allclose(found.auroc, reference.auroc(labels, scores), 1e-12)


@given(drawn=columns)
def test_auprc_is_the_area_under_the_steps(drawn):
    labels, scores = drawn
    found = binary_metrics(column(labels, "uint8"), column(scores))
    np.testing.assert_allclose(found.auprc, reference.auprc(labels, scores), 1e-12)


def test_half_precision_labels_and_any_order_of_rows_give_the_same():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, (100, 4))
    scores = rng.random((100, 4)).round(1)
    order = rng.permutation(100)
    first = binary_metrics(labels, scores)
    second = binary_metrics(labels[order].astype("float16"), scores[order])
    np.testing.assert_allclose(first.auroc, second.auroc, 1e-12)
    np.testing.assert_allclose(first.auprc, second.auprc, 1e-12)


@pytest.fixture
def uneven():
    """The first target has no positives, the third no negatives."""
    labels = np.array([[0, 1, 1], [0, 0, 1], [0, 0, 1]])
    scores = np.array([[0.1, 0.5, 0.1], [0.2, 0.6, 0.2], [0.3, 0.1, 0.3]])
    return binary_metrics(labels, scores, ["none", "some", "all"])


def test_targets_of_one_class_are_reported(uneven):
    assert uneven.undefined == ("none", "all")
    assert "left out, for all labels are alike: 2 (none, all)" in str(uneven)


def test_targets_of_one_class_have_no_number(uneven):
    np.testing.assert_array_equal(uneven.auroc, [np.nan, 0.5, np.nan])
    np.testing.assert_array_equal(uneven.auprc, [np.nan, 0.5, np.nan])


def test_targets_of_one_class_are_left_out_of_the_means(uneven):
    assert uneven.mean_auroc == 0.5
    assert uneven.mean_auprc == 0.5
    assert str(uneven).startswith("mean AUROC 0.5000, mean AUPRC 0.5000 of 1 target;")


def test_labels_are_counted(uneven):
    assert uneven.positives.tolist() == [0, 1, 3]
    assert uneven.negatives.tolist() == [3, 2, 0]


def test_the_mean_of_no_target_is_not_a_number():
    found = binary_metrics(np.zeros((3, 2)), np.zeros((3, 2)))
    assert np.isnan(found.mean_auroc)
    assert np.isnan(found.mean_auprc)


def test_the_table_has_a_line_for_each_target(uneven):
    assert uneven.table().splitlines() == [
        "target\tpositives\tnegatives\tauroc\tauprc",
        "none\t0\t3\tnan\tnan",
        "some\t1\t2\t0.500000\t0.500000",
        "all\t3\t0\tnan\tnan",
    ]


def test_targets_are_numbered_without_names():
    found = binary_metrics(np.eye(2), np.eye(2))
    assert found.targets == ("target_0", "target_1")


def test_a_prediction_that_is_no_number_is_refused_with_its_place():
    scores = np.eye(3)
    scores[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN for target 'b' in row 2"):
        binary_metrics(np.eye(3), scores, ["a", "b", "c"])


@pytest.mark.parametrize("wrong", [2, -1, 0.5, np.nan])
def test_other_labels_are_refused_with_their_place(wrong):
    labels = np.eye(3)
    labels[0, 2] = wrong
    with pytest.raises(ValueError, match=f"{wrong}.* for target 'c' in row 0"):
        binary_metrics(labels, np.eye(3), ["a", "b", "c"])


@pytest.mark.parametrize("shape", [(3,), (3, 2), (2, 3), (3, 3, 1)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"Received: \(3, 3\) and") as error:
        binary_metrics(np.eye(3), np.zeros(shape))
    assert str(shape) in str(error.value)


def test_names_must_be_as_many_as_targets():
    with pytest.raises(ValueError, match=r"name the 3 columns\. Received: 2 names"):
        binary_metrics(np.eye(3), np.eye(3), ["a", "b"])


@given(st.integers(0, 2**32 - 1), st.integers(2, 30))
def test_the_agreement_does_not_depend_on_which_strand_comes_first(seed, count):
    rng = np.random.default_rng(seed)
    forward, other = rng.random((2, count, 3))
    found, turned = strand_agreement(forward, other), strand_agreement(other, forward)
    calls = np.round(forward) != np.round(other)
    assert found.flipped == turned.flipped == calls.mean()
    assert found.largest_difference == turned.largest_difference
    np.testing.assert_allclose(found.correlation, turned.correlation)
    wanted = np.corrcoef(forward.ravel(), other.ravel())[0, 1]
    np.testing.assert_allclose(found.correlation, wanted)


def test_strands_that_agree_do_so_in_all_figures():
    forward = np.linspace(0, 1, 20)
    found = strand_agreement(forward, forward)
    assert (found.flipped, found.largest_difference) == (0, 0)
    assert found.correlation == pytest.approx(1)


def test_answers_that_are_all_alike_have_no_correlation():
    assert np.isnan(strand_agreement(np.ones(3), np.arange(3) / 2).correlation)


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((0,), (0,))])
def test_answers_of_other_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match="must have the same shape"):
        strand_agreement(*map(np.zeros, shapes))


@given(st.integers(0, 2**32 - 1), st.integers(1, 7))
def test_batches_agree_as_the_whole_does(seed, size):
    forward, other = np.random.default_rng(seed).random((2, 20, 3))
    tally = StrandTally()
    for start in range(0, 20, size):
        tally.add(forward[start : start + size], other[start : start + size])
    found, whole = tally.agreement(), strand_agreement(forward, other)
    assert found.flipped == whole.flipped
    assert found.largest_difference == whole.largest_difference
    np.testing.assert_allclose(found.correlation, whole.correlation, atol=1e-12)
