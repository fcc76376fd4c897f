import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.fasta import FastaRecord, read_fasta

READ, FILE = read_fasta, "some.fa"

LETTERS = "ACGTUNRYSWKMBDHVacgtnX"

TWO = ">one first promoter\nACGT\nacgt\nAC\n>two\nGGN\n"
RECORDS = [
    FastaRecord("one", "first promoter", "ACGTacgtAC", 1),
    FastaRecord("two", "", "GGN", 5),
]


def test_records_carry_name_description_letters_and_line(write):
    assert list(read_fasta(write(TWO))) == RECORDS


@pytest.mark.parametrize(
    "content",
    [
        TWO.rstrip("\n"),
        TWO.replace("\n", "\r\n"),
        TWO.replace("AC\n", "AC \n").replace("GG", "\t GG"),
        TWO.replace("first promoter", "\tfirst promoter  "),
        gzip.compress(TWO.encode()),
        gzip.compress(TWO[:30].encode()) + gzip.compress(TWO[30:].encode()),
    ],
    ids=["no last newline", "CRLF", "white space", "header", "gzip", "two members"],
)
def test_the_same_records_are_read_from_every_writing(write, content):
    assert list(read_fasta(write(content))) == RECORDS


def test_blank_lines_are_skipped_and_counted(write):
    records = list(read_fasta(write("\n\n>one\n\nAC\n \nGT\n\n>two\nA\n\n")))
    assert [(r.sequence, r.line) for r in records] == [("ACGT", 3), ("A", 9)]


def test_repeated_names_are_kept_in_order(write):
    records = read_fasta(write(">a\nAC\n>a\nGT\n>a\nTT\n"))
    assert [(r.name, r.sequence) for r in records] == [
        ("a", "AC"),
        ("a", "GT"),
        ("a", "TT"),
    ]


@given(
    records=st.lists(st.text(LETTERS, min_size=1, max_size=50), min_size=1, max_size=5),
    width=st.integers(1, 60),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    packed=st.booleans(),
)
def test_reading_undoes_writing(tmp_path_factory, records, width, end, packed):
    lines = []
    for number, record in enumerate(records):
        lines.append(f">record{number} of {len(records)}")
        lines += [record[i : i + width] for i in range(0, len(record), width)]
    data = end.join(lines).encode()
    path = tmp_path_factory.getbasetemp() / "written.fa"
    path.write_bytes(gzip.compress(data) if packed else data)
    found = list(read_fasta(path))
    assert [record.sequence for record in found] == records
    assert [r.name for r in found] == [f"record{i}" for i in range(len(records))]


def test_one_record_is_given_before_the_next_is_looked_at(write):
    records = read_fasta(write(">a\nAC\n>b\nA-C\n"))
    assert next(records).name == "a"


@pytest.mark.parametrize("content", ["", "\n\n", gzip.compress(b"", mtime=0)])
def test_a_file_without_a_record_is_refused(refused, content):
    assert refused(content) == ": the file holds no FASTA record"


def test_text_before_the_first_header_is_refused(refused):
    message = refused("\nACGT\n>a\nAC\n")
    assert message.startswith(":2: ")
    assert "Received: 'ACGT'" in message


@pytest.mark.parametrize("header", [">", "> ", ">\t"])
def test_a_header_without_a_name_is_refused(refused, header):
    message = refused(f">a\nAC\n{header}\nGT\n")
    assert message.startswith(":3: a header must name its record")
    assert "Received: '>'" in message


@pytest.mark.parametrize("after", [">c\nGT\n", "", "\n\n"])
def test_a_record_without_a_sequence_is_refused(refused, after):
    message = refused(f">a\nAC\n>b\n{after}")
    assert message == ":3: record 'b': it holds no sequence"


@pytest.mark.parametrize("character", ["-", "*", ".", "5", " ", ">", "é"])
def test_a_character_that_is_no_letter_is_refused(refused, character):
    message = refused(f">a\nACGT\n>b\nACGT\nAC{character}GT\nACGT\n>c\nA\n")
    assert message.startswith(":5: record 'b': ")
    assert message.endswith(f"Received: {character!r} as character 3 of the line")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.fa"):
        next(read_fasta(tmp_path / "missing.fa"))


def test_real_peaks_are_read_whole(shared_data):
    records = list(read_fasta(shared_data / "nanog_h1esc.positives_test.fa"))
    assert len(records) == 960
    assert {len(record.sequence) for record in records} == {200}
    assert records[0].name == "chr1:7358434-7358634"
    assert [record.line for record in records] == list(range(1, 1921, 2))


def test_a_real_bgzip_file_is_read_whole(shared_data):
    (record,) = read_fasta(shared_data / "hg38_chr1_first1Mb.fa.gz")
    assert (record.name, len(record.sequence)) == ("chr1", 1_000_000)
    assert record.sequence[:10_000] == "N" * 10_000
    assert record.sequence[10_000:10_012] == "TAACCCTAACCC"
