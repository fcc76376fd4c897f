import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.datasets.classes import (
    Group,
    check_different,
    divide,
    encode,
    join_groups,
    shuffles_of,
)
from rckeras.sequence import base_codes, codes_to_letters
from tests.rckeras.datasets.genomes import dinucleotides


def group_of(letters, label=1, **columns):
    names = np.array([f"s{i}" for i in range(len(letters))])
    columns = {name: np.array(column) for name, column in columns.items()}
    return Group(label, base_codes(letters), {"name": names, **columns})


@given(st.integers(0, 99), st.integers(0, 9), st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_shuffles_keep_dinucleotides_and_the_n_at_both_ends(seed, left, right):
    chance = np.random.default_rng(seed)
    cores = ["".join(chance.choice(list("ACGTN"), 30, p=[0.24] * 4 + [0.04]))]
    cores = [f"A{core}C" for core in cores] + ["ACGT" * 8]
    positives = group_of(["N" * left + core + "N" * right for core in cores])
    negatives = shuffles_of(positives, seed)
    assert negatives.label == 0
    for core, shuffle in zip(cores, codes_to_letters(negatives.sequences), strict=True):
        assert shuffle[:left] + shuffle[left + 32 :] == "N" * (left + right)
        assert dinucleotides(shuffle[left : left + 32]) == dinucleotides(core)


def test_shuffles_are_others_and_follow_from_the_seed():
    chance = np.random.default_rng(0)
    positives = group_of(["".join(chance.choice(list("ACGT"), 50)) for _ in range(20)])
    first, same, other = (shuffles_of(positives, seed).sequences for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != positives.sequences).any(axis=1).all()
    assert (first != other).any()


def test_sequences_of_n_alone_stay():
    assert (shuffles_of(group_of(["NNNNN", "ACGTA"]), 0).sequences[0] == 4).all()


def test_shuffles_have_the_columns_and_splits_of_their_positives():
    positives = group_of(["ACGTT"] * 3, chrom=["chr1", "chr2", "chr3"])
    negatives = shuffles_of(positives.placed(np.array([0, 2, 1], "uint8")), 0)
    assert negatives.columns["name"].tolist() == ["s0_shuf", "s1_shuf", "s2_shuf"]
    assert negatives.columns["chrom"].tolist() == ["chr1", "chr2", "chr3"]
    assert negatives.splits.tolist() == [0, 2, 1]


def test_shares_are_drawn_in_each_class():
    groups = [group_of(["ACGT"] * 50), group_of(["ACGA"] * 200, label=0)]
    divided = divide(
        groups, {"validation": 0.1, "test": 0.2}, np.random.default_rng(0), {}
    )
    counts = [np.bincount(group.splits).tolist() for group in divided]
    assert counts == [[35, 5, 10], [140, 20, 40]]


def test_sequences_whose_places_overlap_are_drawn_together_in_both_classes():
    chance = np.random.default_rng(0)
    groups = []
    for label, count in ((1, 60), (0, 200)):
        starts = chance.integers(0, 20_000, count)
        columns = {"chrom": ["chr1"] * count, "start": starts, "end": starts + 100}
        groups.append(group_of(["ACGT"] * count, label, **columns))
    shares = {"validation": 0.1, "test": 0.2}
    divided = divide(groups, shares, np.random.default_rng(0), {})
    codes = np.concatenate([group.splits for group in divided])
    starts = np.concatenate([group.columns["start"] for group in groups])
    near = abs(starts[:, np.newaxis] - starts) < 100
    assert near.sum() > 2 * len(starts)
    assert not (near & (codes[:, np.newaxis] != codes)).any()
    assert np.bincount(codes).tolist() == [182, 26, 52]


def test_sequences_in_no_split_are_left_out():
    groups = [
        group_of(["AAAA", "CCCC"], chrom=["chr1", "chr2"]),
        group_of(["GGGG", "TTTT"], label=0, chrom=["chr3", "1"]),
    ]
    splits = {"train": "chr1", "test": "chr2"}
    notes = {}
    first, second = divide(groups, splits, np.random.default_rng(0), notes)
    assert notes == {"in_no_split": 1}
    assert codes_to_letters(first.sequences) == ["AAAA", "CCCC"]
    assert codes_to_letters(second.sequences) == ["TTTT"]
    assert first.splits.tolist() + second.splits.tolist() == [0, 2, 0]


def test_a_class_that_is_left_out_altogether_is_refused():
    groups = [
        group_of(["AAAA", "CCCC"], chrom=["chr1", "chr2"]),
        group_of(["GGGG"], label=0, chrom=["chr3"]),
    ]
    splits = {"train": "chr1", "test": "chr2"}
    with pytest.raises(ValueError, match=r"leaves no negatives\. Received: \{'train'"):
        divide(groups, splits, np.random.default_rng(0), {})


def test_a_dataset_holds_the_groups_one_after_another():
    groups = [group_of(["ACGN", "AAAA"]), group_of(["CCCC"] * 3, label=0)]
    dataset = join_groups(groups, "bound", {"length": 4})
    assert dataset.labels.tolist() == [[1], [1], [0], [0], [0]]
    assert dataset.targets == ("bound",)
    assert dataset.splits is None
    assert codes_to_letters(dataset.sequences)[1:3] == ["AAAA", "CCCC"]
    assert dataset.notes == {
        "positives": 2,
        "negatives": 3,
        "sequences_with_n": 1,
        "length": 4,
    }
    assert dataset.class_weight() == {0: 1.0, 1: 1.5}


def test_a_letter_that_is_none_is_named_with_its_place():
    with pytest.raises(ValueError, match=r"^b\.fa:3: .*Received: 'X' at position 1"):
        encode(["ACGT", "AXGT"], ["b.fa:1", "b.fa:3"])


def test_one_file_for_two_arguments_is_refused(tmp_path):
    (tmp_path / "a.fa").touch()
    (tmp_path / "b.fa").touch()
    (tmp_path / "link.fa").symlink_to("a.fa")
    first, second, link = (tmp_path / f"{name}.fa" for name in ("a", "b", "link"))
    check_different(positives=first, negatives=second, test=None)
    check_different(positives="dinucleotide", negatives="dinucleotide")
    check_different(positives=first, negatives=tmp_path / "missing.fa")
    for same in (first, str(first), link):
        with pytest.raises(ValueError, match="`x` and `y` must be different files"):
            check_different(x=first, other=second, y=same)
    with pytest.raises(ValueError, match="Received: - and -"):
        check_different(x="-", y="-")
