import gzip
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.vcf import Variant, read_vcf, read_vcf_lines
from tests.rckeras.io.test_text import bgzip

READ, FILE = read_vcf, "some.vcf"

HEADER = (
    "##fileformat=VCFv4.2\n##INFO=<ID=DP,Number=1,Type=Integer,Description=''>\n"
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\n"
)
RECORDS = (
    "chr1\t5\trs1;rs2\tA\tG\t30\tPASS\tDP=3\tGT\t0/1\n"
    "chr1\t7\t.\tacG\tA,accT\t.\tq10;s50\t.\tGT\t./.\n"
    "X\t1\t.\tN\t.\t.\t.\t.\n"
)
TEXT = HEADER + RECORDS
VARIANTS = [
    Variant("chr1", 5, "rs1;rs2", "A", ("G",), "30", "PASS", "DP=3", 4),
    Variant("chr1", 7, ".", "acG", ("A", "accT"), ".", "q10;s50", ".", 5),
    Variant("X", 1, ".", "N", (), ".", ".", ".", 6),
]
GOOD = "chr1\t5\t.\tA\tG\t.\t.\t.\n"


def with_alleles(ref, alt, position=9):
    return f"chr1\t{position}\t.\t{ref}\t{alt}\t.\t.\t.\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.rstrip("\n"),
        TEXT.replace("\n", "\r\n"),
        gzip.compress(TEXT.encode()),
        bgzip(TEXT.encode(), 50),
    ],
    ids=["plain", "no last newline", "CRLF", "gzip", "bgzip"],
)
def test_the_same_variants_are_read_from_every_writing(write, content):
    assert list(read_vcf(write(content))) == VARIANTS


def test_a_header_may_be_missing_or_come_again(write):
    found = list(read_vcf(write(f"{RECORDS}\n{HEADER}{RECORDS}")))
    assert [variant.line for variant in found] == [1, 2, 3, 8, 9, 10]
    assert found[0].alts == found[3].alts == ("G",)


def test_five_columns_are_enough(write):
    content = "chr1\t5\t\tA\tG\nchr1\t5\trs1\tA\tG\t1\nchr1\t5\t.\tA\tG\t1\t\tDP=1"
    found = [(v.name, v.qual, v.filter, v.info) for v in read_vcf(write(content))]
    assert found == [
        (".", ".", ".", "."),
        ("rs1", "1", ".", "."),
        (".", "1", ".", "DP=1"),
    ]


def test_the_start_counts_from_0():
    assert Variant("chr1", 5, ".", "A", ("G",)).start == 4


def test_a_missing_allele_is_none(write):
    content = with_alleles("T", ".") + with_alleles(".", "G")
    found = [(v.ref, v.alts) for v in read_vcf(write(content))]
    assert found == [("T", ()), (None, ("G",))]


@pytest.mark.parametrize(
    "alt",
    [
        *["*", "<DEL>", "<DUP:TANDEM>", "<*>", "<NON_REF>", "C<ctg1>", "<ctg1>c"],
        *["G]17:198982]", "]13:123456]T", "C[<ctg1>:7[", "[chr2:5[nnA", ".TGCA", "G."],
    ],
)
def test_an_alternative_that_is_not_spelled_is_kept_as_written(write, alt):
    (variant,) = read_vcf(write(with_alleles("C", f"t,{alt},GN")))
    assert variant.alts == ("t", alt, "GN")
    assert variant.spelled_alts == ("t", "GN")


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["chr1", "MT", "scaffold_7.1"]),
            st.integers(1, 10**9),
            st.text("ACGTNacgtnRYSWKMBDHV", min_size=1, max_size=9),
            st.lists(st.text("ACGTNacgtnRYK", min_size=1, max_size=9), max_size=3),
        ),
        min_size=1,
        max_size=5,
    ),
    more=st.sampled_from(["", "\t.", "\t3\tPASS\tA=1", "\t.\t.\t.\tGT\t0|1\t1|1"]),
)
def test_reading_undoes_writing(tmp_path_factory, rows, more):
    lines = [
        f"{chrom}\t{position}\t.\t{ref}\t{','.join(alts) or '.'}{more}\n"
        for chrom, position, ref, alts in rows
    ]
    path = tmp_path_factory.getbasetemp() / "written.vcf"
    path.write_text(HEADER + "".join(lines))
    found = [(v.chrom, v.position, v.ref, list(v.alts)) for v in read_vcf(path)]
    assert found == rows
    assert all(variant.spelled_alts == variant.alts for variant in read_vcf(path))


@pytest.mark.parametrize("alt", ["]13:123456]T", ".A", "<DEL>", "<DEL>,.A"])
def test_a_breakend_may_be_at_the_telomere(write, alt):
    (variant,) = read_vcf(write(with_alleles("N", alt, position=0)))
    assert (variant.position, variant.start) == (0, -1)


@pytest.mark.parametrize("alt", ["G", ".", "<DEL>,G"])
def test_letters_at_position_0_are_refused(refused, alt):
    message = refused(GOOD + with_alleles("N", alt, position=0) + GOOD)
    assert message.startswith(":2: positions count from 1")
    assert message.endswith(f"Received: position 0, REF 'N', ALT {alt!r}")


@pytest.mark.parametrize("field", ["", "-1", "1.0", "1e3", "1_0", "x", " 5", "٣"])
def test_a_position_that_is_no_whole_number_is_refused(refused, field):
    message = refused(GOOD + with_alleles("A", "G", position=field) + GOOD)
    assert message.startswith(":2: the position must be a whole number")
    assert message.endswith(f"Received: {field!r}")


@pytest.mark.parametrize("ref", ["", "-", "A-", "AX", "A,G", "*", "<DEL>", " A", "é"])
def test_a_reference_that_is_not_spelled_is_refused(refused, ref):
    message = refused(HEADER + GOOD + with_alleles(ref, "G") + GOOD)
    assert message.startswith(":5: the reference (REF) must be of the letters")
    assert message.endswith(f"Received: {ref!r}")


@pytest.mark.parametrize(
    "alt",
    ["", "-", "AX", "<DEL", "<>", "A G", "[", "A]]", "G]1:5[", "..", "**", "\u212a"],
)
@pytest.mark.parametrize("other", ["", "T,"])
def test_an_alternative_of_no_kind_is_refused(refused, alt, other):
    message = refused(HEADER + GOOD + with_alleles("A", other + alt) + GOOD)
    assert message.startswith(":5: an alternative (ALT) must be of the letters")
    assert message.endswith(f"Received: {alt!r} in {other + alt!r}")


def test_a_dot_among_alternatives_is_refused(refused):
    assert refused(with_alleles("A", "G,.")).endswith("Received: '.' in 'G,.'")


@pytest.mark.parametrize(
    "row", ["chr1\t5\t.\tA", "chr1 5 . A G . . .", "\t5\t.\tA\tG", "chr1"]
)
def test_too_few_columns_are_refused(refused, row):
    message = refused(f"{GOOD}{row}\n{GOOD}")
    assert message.startswith(":2: a variant needs at least five columns")
    assert "tabs" in message
    assert message.endswith(f"Received: {row!r}")


@pytest.mark.parametrize(
    "header", ["#CHROM\tID\tPOS\tREF\tALT", "#CHROM POS ID REF ALT", "#CHROM\tPOS"]
)
def test_a_header_of_other_columns_is_refused(refused, header):
    message = refused(f"##fileformat=VCFv4.2\n{header}\n{GOOD}")
    assert message.startswith(":2: the first columns must be #CHROM, POS, ID, REF, ALT")
    assert message.endswith(f"Received: {header!r}")


@pytest.mark.parametrize("content", ["", "\n", HEADER])
def test_a_file_without_a_variant_is_refused(refused, content):
    assert refused(content) == ": the file holds no variant"


@pytest.mark.parametrize("minor", [b"\2\2", b"\2\1", b"\4"])
@pytest.mark.parametrize("length", [5, 0x0A0D, 0x80FF])
def test_bcf_is_refused(refused, minor, length):
    data = b"BCF" + minor + struct.pack("<I", length) + HEADER.encode() + b"\0\xff"
    for packed in (data, bgzip(data, 50)):
        assert refused(packed) == ": BCF is no text; `bcftools view` writes it as VCF"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.vcf"):
        next(read_vcf(tmp_path / "missing.vcf"))


def test_one_variant_is_given_before_the_next_is_looked_at(write):
    assert next(read_vcf(write(f"{GOOD}wrong\n"))).position == 5


def test_a_real_file_is_read_whole(shared_data):
    found = list(read_vcf(shared_data / "kipoi_veff2_test.vcf"))
    assert [variant.line for variant in found] == list(range(3, 12))
    assert {variant.chrom for variant in found} == {"chr22"}
    assert [(variant.position, variant.ref, variant.alts) for variant in found] == [
        (21541590, "A", ("T",)),
        (21541952, "C", ("C",)),
        (30630220, "T", ("G",)),
        (30630220, "TAG", ("G",)),
        (30630220, "T", ()),
        (30630220, None, ("G",)),
        (30630701, "A", ("G",)),
        (35503223, "C", ("A",)),
        (36702137, "C", ("A",)),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_come_as_they_are_with_their_variants(write, end):
    text = (TEXT + "#done\n\n").replace("\n", end).removesuffix(end)
    found = list(read_vcf_lines(write(text)))
    assert "".join(line for line, _ in found) == text
    assert [variant for _, variant in found if variant is not None] == VARIANTS
    for line, variant in found:
        assert (variant is None) == (not line.strip() or line.startswith("#"))
