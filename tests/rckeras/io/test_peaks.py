import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.intervals import read_bed
from rckeras.io.peaks import Peak, read_narrowpeak

READ, FILE = read_narrowpeak, "some.narrowPeak"

THREE = (
    "chr1\t10\t21\tpeak1\t960\t+\t5.5\t3.25\t2\t4\n"
    "chr2\t0\t5\tpeak2\t0\t-\t-1\t-1.00000\t-1e0\t0\n"
    "chrX\t7\t8\t.\t1200.5\t.\t1e2\t0\t0.0\t-1\n"
)
PEAKS = [
    Peak("chr1", 10, 21, "peak1", 960.0, "+", 5.5, 3.25, 2.0, 14, 1),
    Peak("chr2", 0, 5, "peak2", 0.0, "-", -1.0, None, None, 0, 2),
    Peak("chrX", 7, 8, ".", 1200.5, ".", 100.0, 0.0, 0.0, None, 3),
]
GOOD = "chr1\t10\t21\tpeak1\t960\t+\t5.5\t3.25\t2\t4"


@pytest.mark.parametrize(
    "content",
    [
        THREE,
        THREE.rstrip("\n"),
        THREE.replace("\n", "\r\n"),
        THREE.replace("\t", "  "),
        gzip.compress(THREE.encode()),
        gzip.compress(THREE[:30].encode()) + gzip.compress(THREE[30:].encode()),
    ],
    ids=["plain", "no last newline", "CRLF", "spaces", "gzip", "two members"],
)
def test_the_same_peaks_are_read_from_every_writing(write, content):
    assert list(read_narrowpeak(write(content))) == PEAKS


def test_comments_and_display_lines_are_skipped_and_counted(write):
    content = f"track type=narrowPeak\n# of one cell\n\n{GOOD}\nbrowser hide all\n"
    assert [peak.line for peak in read_narrowpeak(write(content))] == [4]


def written(field, value):
    """A line with another value in the column `field`, counted from 1."""
    fields = GOOD.split("\t")
    fields[field - 1] = value
    return "\t".join(fields)


numbers = st.floats(0, 1e9)
values = st.none() | numbers


@st.composite
def peaks(draw, line):
    start = draw(st.integers(0, 10**9))
    length = draw(st.integers(1, 10**5))
    summit = draw(st.none() | st.integers(0, length))
    return Peak(
        draw(st.sampled_from(["chr1", "MT", "scaffold_7.1"])),
        start,
        start + length,
        draw(st.sampled_from([".", "peak", "my peak"])),
        draw(numbers),
        draw(st.sampled_from("+-.")),
        draw(numbers),
        draw(values),
        draw(values),
        None if summit is None else start + summit,
        line,
    )


@given(data=st.data(), count=st.integers(1, 5), end=st.sampled_from(["\n", "\r\n"]))
def test_reading_undoes_writing(tmp_path_factory, data, count, end):
    expected = [data.draw(peaks(line)) for line in range(1, count + 1)]
    lines = []
    for peak in expected:
        bed = (peak.chrom, peak.start, peak.end, peak.name, peak.score, peak.strand)
        rest = (-1 if v is None else v for v in (peak.p_value, peak.q_value))
        distance = -1 if peak.summit is None else peak.summit - peak.start
        lines.append("\t".join(map(str, (*bed, peak.signal, *rest, distance))))
    path = tmp_path_factory.getbasetemp() / "written.narrowPeak"
    path.write_bytes(end.join(lines).encode())
    assert list(read_narrowpeak(path)) == expected


def test_the_centre_is_the_summit(write):
    (peak,) = read_narrowpeak(write(GOOD))
    assert peak.centre == peak.summit == 14


@pytest.mark.parametrize(("start", "end", "middle"), [(4, 5, 4), (4, 6, 5), (4, 7, 5)])
def test_the_centre_is_the_middle_where_there_is_no_summit(start, end, middle):
    assert Peak("chr1", start, end).centre == middle


def test_a_summit_at_the_very_end_is_read(write):
    (peak,) = read_narrowpeak(write(written(10, "11")))
    assert peak.summit == peak.end == 21


@pytest.mark.parametrize("field", ["12", "4000000"])
def test_a_summit_outside_the_interval_is_refused(refused, field):
    message = refused(f"{GOOD}\n{written(10, field)}\n{GOOD}\n")
    assert message.startswith(":2: the summit (column 10) must be a distance")
    assert "at most the 11 bases" in message
    assert message.endswith(f"Received: {field!r}")


@pytest.mark.parametrize("field", ["-2", "1.0", "-1.0", ".", "x"])
def test_a_summit_that_is_no_whole_number_is_refused(refused, field):
    message = refused(f"{GOOD}\n{written(10, field)}\n{GOOD}\n")
    assert message.startswith(":2: the summit (column 10), unless -1, must be a whole")
    assert message.endswith(f"Received: {field!r}")


@pytest.mark.parametrize(
    ("column", "what"), [(5, "score"), (7, "signal"), (8, "p-value"), (9, "q-value")]
)
@pytest.mark.parametrize("field", ["", ".", "x", "nan", "inf", "1_0"])
def test_a_value_that_is_no_number_is_refused(refused, column, what, field):
    message = refused(f"{GOOD}\n{written(column, field)}\n{GOOD}\n")
    assert message.startswith(f":2: the {what} (column {column}) must be a number")
    assert message.endswith(f"Received: {field!r}")


@pytest.mark.parametrize(
    ("column", "field", "message"),
    [
        (2, "-5", ":2: the start must be a whole number from 0. Received: '-5'"),
        (3, "1e3", ":2: the end must be a whole number from 0. Received: '1e3'"),
        (3, "10", ":2: the end must be after the start. Received: start 10, end 10"),
        (6, "*", ":2: the strand (column 6) must be '+', '-' or '.'. Received: '*'"),
    ],
)
def test_an_interval_breaks_the_rules_of_bed_files(refused, column, field, message):
    assert refused(f"{GOOD}\n{written(column, field)}\n{GOOD}\n") == message


@pytest.mark.parametrize("row", [GOOD[:-2], f"{GOOD}\t1", "chr1\t1\t2", "chr1"])
def test_other_than_ten_columns_are_refused(refused, row):
    message = refused(f"{GOOD}\n{row}\n{GOOD}\n")
    assert message.startswith(":2: a peak needs the ten columns of narrowPeak")
    assert message.endswith(f"Received: {len(row.split())} in {row!r}")


@pytest.mark.parametrize("content", ["", "\n", "# nothing\ntrack name=a\n"])
def test_a_file_without_a_peak_is_refused(refused, content):
    assert refused(content) == ": the file holds no peak"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.bed"):
        next(read_narrowpeak(tmp_path / "missing.bed"))


def test_one_peak_is_given_before_the_next_is_looked_at(write):
    assert next(read_narrowpeak(write(f"{GOOD}\nwrong\n"))).name == "peak1"


@pytest.mark.parametrize(
    ("factor", "count", "beyond", "first"),
    [
        ("MAX", 12_786, 0, (933.0, 5.79634, None, 0.0335, 84150854 + 212)),
        ("SPI1", 36_800, 3, (1000.0, 4.09215, None, 0.50719, 61757106 + 150)),
    ],
)
def test_real_peaks_are_read_whole(shared_data, factor, count, beyond, first):
    name = f"factornet_GM12878.{factor}.conservative.train.narrowPeak.gz"
    found = list(read_narrowpeak(shared_data / name))
    assert len(found) == count
    peak = found[0]
    values = (peak.score, peak.signal, peak.p_value, peak.q_value, peak.summit)
    assert values == first
    assert sum(peak.summit == peak.end for peak in found) == beyond
    for peak, interval in zip(found, read_bed(shared_data / name), strict=True):
        assert (
            peak.chrom,
            peak.start,
            peak.end,
            peak.name,
            peak.strand,
            peak.line,
        ) == (
            interval.chrom,
            interval.start,
            interval.end,
            interval.name,
            interval.strand,
            interval.line,
        )
