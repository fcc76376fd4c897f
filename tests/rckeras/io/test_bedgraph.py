import gzip
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.bedgraph import Signal, read_bedgraph, write_bedgraph

READ, FILE = read_bedgraph, "some.bedgraph"

THREE = "chr2\t10\t20\t1.5\nchr2\t20\t25\t-2\nchr1\t0\t5\t3e-2\n"
SIGNALS = [
    Signal("chr2", 10, 20, 1.5, 1),
    Signal("chr2", 20, 25, -2.0, 2),
    Signal("chr1", 0, 5, 0.03, 3),
]


@pytest.mark.parametrize(
    "content",
    [
        THREE,
        THREE.rstrip("\n"),
        THREE.replace("\n", "\r\n"),
        THREE.replace("\t", " "),
        gzip.compress(THREE.encode()),
        gzip.compress(THREE[:20].encode()) + gzip.compress(THREE[20:].encode()),
    ],
    ids=["plain", "no last newline", "CRLF", "spaces", "gzip", "two members"],
)
def test_the_same_signals_are_read_from_every_writing(write, content):
    assert list(read_bedgraph(write(content))) == SIGNALS


def test_comments_and_display_lines_are_skipped_and_counted(write):
    content = "track type=bedGraph\n#map\n\nchr1\t1\t2\t3\nbrowser full\nchr1\t2\t3\t4"
    assert [signal.line for signal in read_bedgraph(write(content))] == [4, 6]


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 10**6),
            st.integers(1, 10**6),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
        min_size=1,
        max_size=6,
    ),
    chroms=st.lists(st.sampled_from("XYZ"), min_size=1, unique=True),
)
def test_reading_undoes_writing(tmp_path_factory, steps, chroms):
    ends = list(itertools.accumulate(gap + width for gap, width, _ in steps))
    rows = [
        (chrom, end - width, end, value)
        for chrom in chroms
        for end, (_, width, value) in zip(ends, steps, strict=True)
    ]
    path = tmp_path_factory.getbasetemp() / "written.bedgraph"
    path.write_text("\n".join("\t".join(map(str, row)) for row in rows))
    found = [(s.chrom, s.start, s.end, s.value) for s in read_bedgraph(path)]
    assert found == rows


@pytest.mark.parametrize("row", ["chr1\t9\t12", "chr1\t2\t3", "chr1\t5\t10"])
def test_records_out_of_order_or_overlapping_are_refused(refused, row):
    message = refused(f"chr1\t5\t10\t1\n{row}\t2\nchr1\t20\t30\t4\n")
    assert message.startswith(
        ":2: records must be sorted by start and must not overlap"
    )
    _, start, end = row.split()
    assert message.endswith(f"Received: chr1 {start}-{end} after 5-10 (line 1)")


def test_the_records_of_a_chromosome_stand_together(refused):
    message = refused("chr1\t1\t2\t1\nchr2\t1\t2\t1\nchr1\t2\t3\t1\nchr3\t1\t2\t1\n")
    assert message.startswith(":3: the records of a chromosome must stand together")
    assert message.endswith("Received: 'chr1' again, after 'chr2'")


@pytest.mark.parametrize("row", ["chr1\t5\t6", "chr1 5 6 7 8", "chr1"])
def test_other_than_four_columns_are_refused(refused, row):
    message = refused(f"chr1\t1\t2\t3\n{row}\nchr1\t9\t10\t3\n")
    assert message.startswith(":2: a record needs four columns")
    assert message.endswith(f"Received: {len(row.split())} in {row!r}")


@pytest.mark.parametrize("field", ["x", ".", "nan", "inf", "1_0", "NA"])
def test_a_value_that_is_no_number_is_refused(refused, field):
    message = refused(f"chr1\t1\t2\t3\nchr1\t5\t6\t{field}\nchr1\t9\t10\t3\n")
    expected = f":2: the value (column 4) must be a number. Received: {field!r}"
    assert message == expected


def test_a_position_that_is_no_whole_number_is_refused(refused):
    message = refused("chr1\t1\t2\t3\nchr1\t5\t6.5\t1\nchr1\t9\t10\t3\n")
    assert message == ":2: the end must be a whole number from 0. Received: '6.5'"


@pytest.mark.parametrize("content", ["", "\n", "# nothing\ntrack name=a\n"])
def test_a_file_without_a_record_is_refused(refused, content):
    assert refused(content) == ": the file holds no record"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.bedgraph"):
        next(read_bedgraph(tmp_path / "missing.bedgraph"))


def test_one_record_is_given_before_the_next_is_looked_at(write):
    assert next(read_bedgraph(write("chr1\t1\t2\t3\nwrong\n"))).value == 3


def test_what_is_written_reads_back(tmp_path):
    path = tmp_path / "out.bedgraph"
    signals = [Signal("chr1", 0, 1, 0.125), Signal("chr1", 1, 5, -1e-9)]
    signals.append(Signal("chr10", 0, 3, 123456.0))
    write_bedgraph(path, iter(signals))
    assert path.read_text().splitlines()[1] == "chr1\t1\t5\t-1e-09"
    again = [(s.chrom, s.start, s.end, s.value) for s in read_bedgraph(path)]
    assert again == [(s.chrom, s.start, s.end, s.value) for s in signals]


@pytest.mark.parametrize(
    "second", [Signal("chr1", 2, 4, 1.0), Signal("chr1", 4, 5, float("nan"))]
)
def test_signals_out_of_order_or_not_finite_leave_no_file(second, tmp_path):
    path = tmp_path / "out.bedgraph"
    with pytest.raises(ValueError, match="bedgraph:2: "):
        write_bedgraph(path, [Signal("chr1", 0, 3, 1.0), second])
    assert not list(tmp_path.iterdir())
