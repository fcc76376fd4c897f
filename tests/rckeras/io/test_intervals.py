import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.intervals import Interval, read_bed

READ, FILE = read_bed, "some.bed"

THREE = "chr1\t10\t20\tpeak1\t960\t+\nchr2\t0\t5\tpeak2\t0\t-\nchrX\t7\t8\t.\t0\t.\n"
INTERVALS = [
    Interval("chr1", 10, 20, "peak1", "+", 1),
    Interval("chr2", 0, 5, "peak2", "-", 2),
    Interval("chrX", 7, 8, ".", ".", 3),
]


@pytest.mark.parametrize(
    "content",
    [
        THREE,
        THREE.rstrip("\n"),
        THREE.replace("\n", "\r\n"),
        THREE.replace("\t", "  "),
        THREE.replace("+\n", "+\t11\t19\t0\t1\t9\t1\n"),
        THREE.replace("+\n", "+ 5.1 -1 3.2 7\n").replace("\t", " "),
        gzip.compress(THREE.encode()),
        gzip.compress(THREE[:30].encode()) + gzip.compress(THREE[30:].encode()),
    ],
    ids=[
        *["BED6", "no last newline", "CRLF", "spaces", "BED12", "narrowPeak", "gzip"],
        "two members",
    ],
)
def test_the_same_intervals_are_read_from_every_writing(write, content):
    assert list(read_bed(write(content))) == INTERVALS


def test_columns_that_are_missing_are_dots(write):
    content = "chr1\t1\t2\nchr1\t1\t2\tname\nchr1\t1\t2\tname\t5\nchr1\t1\t2\t\t5\t+\n"
    found = [(interval.name, interval.strand) for interval in read_bed(write(content))]
    assert found == [(".", "."), ("name", "."), ("name", "."), (".", "+")]


def test_a_line_with_a_tab_keeps_the_spaces_in_its_name(write):
    (interval,) = read_bed(write("chr1\t1\t2\tmy best peak\t0\t-\n"))
    assert (interval.name, interval.strand) == ("my best peak", "-")


def test_comments_and_display_lines_are_skipped_and_counted(write):
    content = (
        "# made by hand\nbrowser position chr1\ntrack name=a\n\nchr1\t1\t2\n"
        "\t\n#chr1\t5\t6\ntrack\ntracks\t3\t4\n"
    )
    found = [(interval.chrom, interval.line) for interval in read_bed(write(content))]
    assert found == [("chr1", 5), ("tracks", 9)]


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["chr1", "MT", "scaffold_7.1"]),
            st.integers(0, 10**9),
            st.integers(1, 10**6),
            st.sampled_from("+-."),
        ),
        min_size=1,
        max_size=8,
    ),
    gap=st.sampled_from(["\t", " "]),
)
def test_reading_undoes_writing(tmp_path_factory, rows, gap):
    lines = [
        gap.join([chrom, str(start), str(start + width), "n", "0", strand])
        for chrom, start, width, strand in rows
    ]
    path = tmp_path_factory.getbasetemp() / "written.bed"
    path.write_text("\n".join(lines))
    found = [(i.chrom, i.start, i.end - i.start, i.strand) for i in read_bed(path)]
    assert found == rows


@pytest.mark.parametrize("field", ["-1", "1.0", "1e3", "1_0", "x", "", "+5", "٣"])
@pytest.mark.parametrize("what", ["start", "end"])
def test_a_position_that_is_no_whole_number_is_refused(refused, what, field):
    row = {"start": f"chr1\t{field}\t2000", "end": f"chr1\t5\t{field}"}[what]
    message = refused(f"chr1\t1\t2\n{row}\tname\nchr1\t3\t4\n")
    assert message.startswith(f":2: the {what} must be a whole number")
    assert message.endswith(f"Received: {field!r}")


@pytest.mark.parametrize("end", [3, 4])
def test_an_end_that_is_not_after_the_start_is_refused(refused, end):
    message = refused(f"chr1\t1\t2\nchr1\t4\t{end}\nchr1\t3\t4\n")
    assert message.startswith(":2: the end must be after the start")
    assert message.endswith(f"Received: start 4, end {end}")


@pytest.mark.parametrize("row", ["chr1", "chr1\t5", "chr1 5"])
def test_too_few_columns_are_refused(refused, row):
    message = refused(f"chr1\t1\t2\n{row}\nchr1\t3\t4\n")
    assert message.startswith(":2: an interval needs at least three columns")
    assert message.endswith(f"Received: {row.strip()!r}")


@pytest.mark.parametrize("strand", ["1", "-1", "F", "*", ""])
def test_another_strand_is_refused(refused, strand):
    message = refused(f"chr1\t1\t2\nchr1\t1\t2\tn\t0\t{strand}\t5\nchr1\t3\t4\n")
    assert message.startswith(":2: the strand (column 6)")
    assert message.endswith(f"Received: {strand!r}")


@pytest.mark.parametrize("content", ["", "\n", "# nothing\ntrack name=a\n"])
def test_a_file_without_an_interval_is_refused(refused, content):
    assert refused(content) == ": the file holds no interval"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.bed"):
        next(read_bed(tmp_path / "missing.bed"))


@pytest.mark.parametrize(
    ("factor", "count", "first"),
    [
        ("MAX", 12_786, ("chr16", 84150854, 84151278)),
        ("SPI1", 36_800, ("chr13", 61757106, 61757406)),
    ],
)
def test_real_peaks_are_read_whole(shared_data, factor, count, first):
    name = f"factornet_GM12878.{factor}.conservative.train.narrowPeak.gz"
    intervals = list(read_bed(shared_data / name))
    assert [interval.line for interval in intervals] == list(range(1, count + 1))
    assert intervals[0] == Interval(*first, ".", ".", 1)
