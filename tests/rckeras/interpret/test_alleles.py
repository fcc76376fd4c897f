"""Windows around the alleles of a variant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.interpret.alleles import REASONS, UnscoredError, allele_windows
from rckeras.io import Genome, Variant

pytest.importorskip("pyfaidx", reason="needs the extra `genome`")

CHROM = "".join("ACGT"[(i * i + i // 3) % 4] for i in range(400))


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    masked = CHROM[:200] + "N" + CHROM[201:]
    path.write_text(f">chr1\n{CHROM}\n>chr2\n{masked}\n")
    with Genome(path) as opened:
        yield opened


def cut_as_deepsea(start, ref, alt, length, spare=100):
    """Both haplotypes with spare flanks, cut to their centres."""
    first = start - (length - 1) // 2 - spare // 2
    windows = []
    for allele in (ref, alt):
        haplotype = CHROM[first:start] + allele + CHROM[start + len(ref) :]
        # The end moves with the allele, as the released code has it.
        end = length + spare + len(allele) - len(ref)
        haplotype = haplotype[:end]
        cut = (len(haplotype) - length) // 2
        windows.append(haplotype[cut : cut + length])
    return tuple(windows)


def at(position, ref, *alts, chrom="chr1"):
    return Variant(chrom, position, ".", ref, alts)


def refusal(genome, variant, alt=None, length=20, **options):
    alt = variant.alts[0] if alt is None and variant.alts else alt
    with pytest.raises(UnscoredError) as error:
        allele_windows(variant, alt, genome, length, **options)
    return error.value.reason


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(30, 60),
    start=st.integers(100, 250),
    deleted=st.integers(1, 15),
    alt=st.text("ACGT", min_size=1, max_size=15),
)
def test_windows_are_centred_as_deepsea_centres_them(
    genome, length, start, deleted, alt
):
    ref = CHROM[start : start + deleted]
    windows = allele_windows(at(start + 1, ref, alt), alt, genome, length)
    assert windows[:2] == cut_as_deepsea(start, ref, alt, length)
    assert not windows.padded


@pytest.mark.parametrize(("length", "index"), [(1000, 499), (997, 498), (1, 0)])
def test_a_single_base_stands_in_the_middle(tmp_path, length, index):
    path = tmp_path / "long.fa"
    path.write_text(">1\n" + "A" * 3000 + "\n")
    with Genome(path) as genome:
        found = allele_windows(at(1500, "A", "G", chrom="1"), "G", genome, length)
    assert found.reference == "A" * length
    assert found.alternative.index("G") == index


def test_an_insertion_keeps_all_of_its_letters(genome):
    ref = CHROM[99]
    alt = ref + "G" * 19
    window = allele_windows(at(100, ref, alt), alt, genome, 20).alternative
    assert window == alt


@pytest.mark.parametrize(
    ("ref", "alt"), [(CHROM[99], "A" * 22), (CHROM[99:120], CHROM[99])]
)
def test_an_allele_that_does_not_fit_is_too_long(genome, ref, alt):
    assert refusal(genome, at(100, ref, alt)) == "too_long"


@pytest.mark.parametrize(
    ("ref", "alts", "reason"),
    [
        ("A", (), "no_alternative"),
        (None, ("A",), "no_reference"),
        ("A", ("*",), "spanning_deletion"),
        ("A", ("<DEL>",), "symbolic"),
        ("A", ("A<ctg1>",), "symbolic"),
        ("A", ("A[<ctg1>:7[",), "breakend"),
        ("A", ("G]chr1:5]",), "breakend"),
        ("A", (".TT",), "breakend"),
        (CHROM[99], ("N",), "ambiguous"),
        (CHROM[99], ("aR",), "ambiguous"),
    ],
)
def test_alleles_that_are_no_letters_are_refused_by_kind(genome, ref, alts, reason):
    assert refusal(genome, at(100, ref, *alts)) == reason


def test_an_unknown_chromosome_is_a_reason(genome):
    assert refusal(genome, at(100, "A", "C", chrom="chr9")) == "unknown_chromosome"


def test_chromosomes_are_found_by_their_other_name(genome):
    ref = CHROM[99]
    named = allele_windows(at(100, ref, "A", chrom="1"), "A", genome, 20)
    assert named == allele_windows(at(100, ref, "A"), "A", genome, 20)


@pytest.mark.parametrize(("position", "ref"), [(401, "A"), (400, "AC")])
def test_a_position_behind_the_chromosome_is_a_reason(genome, position, ref):
    assert refusal(genome, at(position, ref, "G")) == "off_chromosome"


def test_a_reference_that_is_not_the_genomes_is_refused_with_both(genome):
    other = "ACGT"["CGTA".index(CHROM[99])]
    with pytest.raises(UnscoredError, match=f"REF {other}, genome {CHROM[99]}") as e:
        allele_windows(at(100, other, "A"), "A", genome, 20)
    assert e.value.reason == "reference_mismatch"


def test_the_case_of_the_reference_does_not_matter(genome):
    ref = CHROM[99:101].lower()
    assert allele_windows(at(100, ref, "A"), "A", genome, 20)


def test_an_ambiguous_reference_must_stand_for_the_genomes(genome):
    base = CHROM[99]
    codes = {"R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC"}
    for code, bases in codes.items():
        record = at(100, code, "T" if base != "T" else "A")
        if base in bases:
            window = allele_windows(record, record.alts[0], genome, 20)
            assert window.reference[9] == base
        else:
            assert refusal(genome, record) == "reference_mismatch"


def test_ambiguous_letters_are_those_of_the_other(genome):
    n_in_genome = at(201, "G", "T", chrom="chr2")
    window = allele_windows(n_in_genome, "T", genome, 20).reference
    assert window[9] == "G"
    n_in_record = at(100, "n", "T")
    assert allele_windows(n_in_record, "T", genome, 20).reference[9] == CHROM[99]
    assert refusal(genome, at(201, "N", "T", chrom="chr2")) == "ambiguous"


@pytest.mark.parametrize(("position", "left"), [(1, True), (400, False)])
def test_windows_off_the_chromosome_are_skipped_or_padded(genome, position, left):
    variant = at(position, CHROM[position - 1], "A")
    assert refusal(genome, variant) == "edge"
    windows = allele_windows(variant, "A", genome, 20, fit="pad")
    assert windows.padded
    assert windows.reference.count("N") == (9 if left else 10)
    assert windows.reference.startswith("N" * 9) == left


def test_windows_that_just_fit_are_not_padded(genome):
    ref = CHROM[9]
    windows = allele_windows(at(10, ref, "A"), "A", genome, 20)
    assert windows.reference == CHROM[:20]
    assert refusal(genome, at(9, CHROM[8], "A")) == "edge"


def test_an_unknown_fit_is_named(genome):
    with pytest.raises(ValueError, match=r"`fit` must be one of skip, pad.*'crop'"):
        allele_windows(at(100, "A", "C"), "C", genome, 20, fit="crop")


def test_every_reason_can_be_told(genome):
    for reason in REASONS:
        assert str(UnscoredError(reason, "this")).endswith(": this")


def test_an_alternative_of_another_variant_is_refused(genome):
    with pytest.raises(ValueError, match="must be one of A, <X>"):
        allele_windows(at(100, "A", "A", "<X>"), "T", genome, 20)
