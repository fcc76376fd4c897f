import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.chromosomes import chrom_aliases, plain_chrom, plain_chroms

NAMES = ["chr1", "1", "Chr1", "chrX", "X", "x", "chrM", "MT", "chrMT", "M", "chr", ""]


@pytest.mark.parametrize(
    "same",
    [
        ["chr1", "1", "Chr1", "CHR1"],
        ["chrX", "X"],
        ["chrM", "M", "MT", "chrMT"],
        ["scaffold_7.1"],
    ],
)
def test_the_habits_of_the_databases_do_not_count(same):
    assert {plain_chrom(name) for name in same} == {plain_chrom(same[-1])}


def test_other_chromosomes_stay_apart():
    names = ["chr1", "chr11", "chrX", "x", "chrM", "chrm", "chr1_random", "1chr", "MTX"]
    assert len({plain_chrom(name) for name in names}) == len(names)


@given(st.lists(st.sampled_from(NAMES)))
def test_many_names_are_treated_as_one(names):
    found = plain_chroms(names)
    assert found.shape == (len(names),)
    assert found.tolist() == [plain_chrom(name) for name in names]


def test_bytes_of_a_file_are_names():
    assert plain_chroms(np.array([b"chr1", b"MT"])).tolist() == ["1", "M"]


def test_aliases_are_in_the_order_of_the_file():
    assert chrom_aliases(["2", "chrM", "MT", "chr2"]) == {
        "2": ["2", "chr2"],
        "M": ["chrM", "MT"],
    }
